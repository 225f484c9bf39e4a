"""Laws of the optimisers over random problems: limits hold, and nothing admissible is better."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.made_up_problem import problem

from podshop.optimise import Problem, advise, linear, solve
from podshop.optimise.program import program_of

NAMES = st.integers(2, 40)
SEEDS = st.integers(0, 10_000)


@st.composite
def problems(draw: st.DrawFn, *objectives: str) -> Problem:
    """Problems that equal weights solve, so that there is something admissible."""
    names, seed = draw(NAMES), draw(SEEDS)
    r = np.random.default_rng(seed)
    equal = np.full(names, 1.0 / names)
    asked = problem(draw(st.sampled_from(objectives)), names, draw(st.integers(1, 6)), seed)
    fields: dict[str, Any] = {"fraction": draw(st.sampled_from([0.2, 0.5, 1.0]))}
    if draw(st.booleans()):
        sector = r.integers(0, 3, names)
        held = np.bincount(sector, equal, 3)
        fields |= {"sector_n": sector, "sector_low_s": held - 0.1, "sector_high_s": held + 0.1}
    if draw(st.booleans()):
        held = asked.risk.exposure_nk.T @ equal
        fields |= {"factor_low_k": held - 0.05, "factor_high_k": held + 0.05}
    if draw(st.booleans()):
        fields |= {"turnover": draw(st.floats(0.05, 1.0)), "current_n": equal}
    if draw(st.booleans()):
        fields |= {"low_n": np.full(names, -0.2), "gross": draw(st.floats(1.1, 2.0))}
    return replace(asked, **fields)


def utility_slope(asked: Problem, weight: np.ndarray) -> np.ndarray:
    """Slope of what is maximised, without costs."""
    risk, alpha = asked.risk.times(weight), asked.alpha_n
    assert alpha is not None
    if asked.objective == "minimum_variance":
        return -risk
    if asked.objective == "kelly":
        return alpha - risk / asked.fraction
    ratio = float(alpha @ weight) / asked.risk.variance(weight)
    return alpha - ratio * risk


def best_direction(asked: Problem, slope: np.ndarray) -> np.ndarray:
    """The admissible weights that go furthest along a slope, by the linear solver."""
    program = program_of(asked, risk=False, costs=False)
    towards = program.linear.copy()
    towards[: asked.names] = -slope
    found = linear.solve(replace(program, linear=towards))
    assert found.x is not None
    return found.x[: asked.names]


@given(problems("minimum_variance", "kelly", "max_sharpe"))
def test_limits_hold_and_no_admissible_direction_leads_higher(asked: Problem) -> None:
    found = solve(asked)
    if found.status == "replaced":  # nothing beats cash: true of the best name there is too
        assert asked.objective == "max_sharpe"
        assert asked.alpha_n is not None
        assert asked.alpha_n @ best_direction(asked, asked.alpha_n) <= 1e-7
        return
    assert found.status == "solved"
    assert found.breaches == ()
    slope = utility_slope(asked, found.weight_n)
    # Of a concave function, and of a ratio, this is the whole condition of a maximum.
    ahead = best_direction(asked, slope) - found.weight_n
    assert slope @ ahead <= 1e-6


@given(problems("risk_parity"))
def test_limits_of_risk_parity_hold(asked: Problem) -> None:
    found = solve(replace(asked, low_n=np.zeros(asked.names)))
    assert found.status == "solved"
    assert found.breaches == ()
    assert (found.weight_n > 0.0).all()


@given(NAMES, SEEDS)
def test_shares_of_risk_are_what_was_budgeted(names: int, seed: int) -> None:
    budget = np.random.default_rng(seed).uniform(0.1, 10.0, names)
    asked = problem("risk_parity", names, 4, seed, budget_n=budget, high_n=np.ones(names))
    assert solve(asked).risk_share_n == pytest.approx(budget / budget.sum(), abs=1e-9)


@given(NAMES, SEEDS, st.floats(0.0, 0.05), st.floats(0.05, 2.0))
def test_advice_is_never_worse_than_nothing(
    names: int, seed: int, cost: float, horizon: float
) -> None:
    r = np.random.default_rng(seed)
    asked = problem(
        "kelly",
        names,
        3,
        seed,
        current_n=r.dirichlet(np.ones(names)),
        cost_n=np.full(names, cost),
        horizon_years=horizon,
    )
    told = advise(asked, r.dirichlet(np.ones(names)))
    assert told.gain >= told.cost - 1e-15
    assert (told.gain_n[told.worth_n] > told.cost_n[told.worth_n]).all()
    assert told.weight_n == pytest.approx(asked.held_n + told.trade_n, abs=0.0)


@given(problems("minimum_variance", "kelly", "max_sharpe"), st.floats(0.0, 0.3))
def test_what_must_give_gives_and_the_hard_limits_hold(asked: Problem, least: float) -> None:
    # The first sector is to hold more than turnover allows: something soft has to give.
    names = asked.names
    sector = np.arange(names) % 2
    held = np.bincount(sector, np.full(names, 1.0 / names), 2)
    low = np.array([held[0] + 0.5 * held[1] * (1.0 + least), 0.0])
    found = solve(
        replace(
            asked,
            sector_n=sector,
            sector_low_s=low,
            sector_high_s=np.ones(2),
            current_n=np.full(names, 1.0 / names),
            turnover=0.01,
        )
    )
    assert found.status in {"relaxed", "replaced", "kept"}
    assert found.breaches
    if found.status != "kept":
        assert {missed.limit for missed in found.breaches} <= {"turnover", "sector", "factor"}
    assert len(found.chain) > 1
