"""Optimisers beside closed forms; what gives way when nothing fits; which trades pay."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.made_up_problem import covariance, problem

from podshop.capital import hrp
from podshop.domain.error import SolverError
from podshop.optimise import Problem, RiskModel, Solution, conic, linear, quadratic, solve
from podshop.optimise.program import priced, program_of
from podshop.optimise.seam import present
from podshop.optimise.solution import Found, full_size

OBJECTIVES = (
    "hierarchical",
    "kelly",
    "max_return",
    "max_sharpe",
    "minimum_variance",
    "risk_parity",
)
FREE = {"low_n": np.full(12, -50.0), "high_n": np.full(12, 50.0)}


def told(solution: Solution) -> list[str]:
    return [str(attempt) for attempt in solution.chain]


def test_the_least_variance_without_bounds_is_the_closed_form() -> None:
    asked = problem("minimum_variance", **FREE)
    inverse = np.linalg.solve(covariance(asked.risk), np.ones(12))
    assert solve(asked).weight_n == pytest.approx(inverse / inverse.sum(), abs=1e-7)


def test_the_best_ratio_without_bounds_is_the_tangency_portfolio() -> None:
    asked = problem("max_sharpe", **FREE)
    inverse = np.linalg.solve(covariance(asked.risk), asked.alpha_n)
    assert solve(asked).weight_n == pytest.approx(inverse / inverse.sum(), abs=1e-6)


@pytest.mark.parametrize("fraction", [1.0, 0.5, 0.1])
def test_kelly_without_limits_is_a_fraction_of_the_closed_form(fraction: float) -> None:
    asked = problem("kelly", net=(-99.0, 99.0), fraction=fraction, **FREE)
    full = np.linalg.solve(covariance(asked.risk), asked.alpha_n)
    assert solve(asked).weight_n == pytest.approx(fraction * full, abs=1e-6)


def test_half_of_kelly_keeps_three_quarters_of_the_growth() -> None:
    def growth(fraction: float) -> float:
        asked = problem("kelly", net=(-99.0, 99.0), fraction=fraction, **FREE)
        found = solve(asked)
        return found.expected - 0.5 * found.volatility**2

    assert growth(0.5) == pytest.approx(0.75 * growth(1.0), rel=1e-6)


def test_the_most_return_fills_the_best_names() -> None:
    asked = problem("max_return", high_n=np.full(12, 0.3))
    assert asked.alpha_n is not None
    best = np.zeros(12)
    best[np.argsort(-asked.alpha_n)[:4]] = [0.3, 0.3, 0.3, 0.1]
    found = solve(asked)
    assert found.weight_n == pytest.approx(best, abs=1e-9)
    assert found.solver == "highs"


def test_a_cap_on_volatility_holds_and_binds() -> None:
    calm = solve(problem("minimum_variance")).volatility
    wild = solve(problem("max_return")).volatility
    cap = 0.5 * (calm + wild)
    found = solve(problem("max_return", volatility_max=cap))
    assert found.volatility == pytest.approx(cap, rel=1e-6)
    assert found.status == "solved"


def test_every_name_adds_the_same_risk() -> None:
    found = solve(problem("risk_parity", high_n=np.ones(12)))
    assert found.risk_share_n == pytest.approx(np.full(12, 1 / 12), abs=1e-12)


def test_budgets_of_risk_are_met() -> None:
    budget = np.arange(1.0, 13.0)
    found = solve(problem("risk_parity", high_n=np.ones(12), budget_n=budget))
    assert found.risk_share_n == pytest.approx(budget / budget.sum(), abs=1e-12)


def test_risk_parity_under_a_cap_keeps_parity_among_the_rest() -> None:
    free = solve(problem("risk_parity", high_n=np.ones(12)))
    cap = 0.5 * (free.weight_n.max() + free.weight_n.mean())
    found = solve(problem("risk_parity", high_n=np.full(12, cap)))
    below = found.weight_n < cap - 1e-6
    assert 0 < below.sum() < 12
    # One multiplier for net moves the share a little with the weight; the rest are one line.
    share, weight = found.risk_share_n[below], found.weight_n[below]
    rest = share - np.polyval(np.polyfit(weight, share, 1), weight)
    assert np.abs(rest).max() < 1e-7
    assert found.solver == "newton on piqp"


@pytest.mark.parametrize("fraction", [1.0, 0.5])
def test_exact_kelly_of_one_bet_is_the_textbook_fraction(fraction: float) -> None:
    # Wins what is staked 6 times of 10: Kelly stakes 2p - 1 = 0.2 of capital.
    scenario = np.array([[1.0]] * 6 + [[-1.0]] * 4)
    risk = RiskModel.of_covariance(np.array([[0.96]]))
    bounds = {"low_n": np.zeros(1), "high_n": np.ones(1), "net": (0.0, 1.0)}
    asked = Problem(objective="kelly", risk=risk, scenario_tn=scenario, fraction=fraction, **bounds)
    # (1 + w) / (1 - w) = (p / q)^fraction is the first-order condition of power utility.
    edge = 1.5**fraction
    # The top is flat: a gap of 1e-9 in utility is one of 1e-5 in the stake.
    assert solve(asked).weight_n[0] == pytest.approx((edge - 1) / (edge + 1), abs=2e-5)


def test_simple_kelly_is_the_closed_form_cut_to_its_caps() -> None:
    asked = problem("simple", net=(0.0, 1.0), fraction=0.5)
    wanted = 0.5 * np.linalg.solve(covariance(asked.risk), asked.alpha_n)
    cut = np.clip(wanted, 0.0, 0.3)
    found = solve(asked)
    assert found.weight_n == pytest.approx(cut / max(cut.sum(), 1.0), abs=1e-9)
    assert found.solver == "closed form"


def test_piqp_and_clarabel_agree() -> None:
    asked = problem("minimum_variance", 60, turnover=0.8, current_n=np.full(60, 1 / 60))
    program = priced(program_of(asked), asked, aversion=1.0)
    one, other = quadratic.piqp(program), conic.solve(program)
    assert one.x is not None
    assert other.x is not None
    assert one.x[:60] == pytest.approx(other.x[:60], abs=1e-6)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_same_problem_has_the_same_answer_to_the_bit(objective: str) -> None:
    one, other = solve(problem(objective, 40)), solve(problem(objective, 40))
    assert (one.weight_n == other.weight_n).all()
    assert one.chain == other.chain


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_order_of_names_does_not_matter(objective: str) -> None:
    asked = problem(objective, 30)
    order = np.random.default_rng(5).permutation(30)
    risk = asked.risk
    shuffled = replace(
        asked,
        risk=RiskModel(risk.exposure_nk[order], risk.factor_kk, risk.specific_n[order]),
        alpha_n=asked.alpha_n[order],  # type: ignore[index] # `problem` gives forecasts
    )
    assert solve(shuffled).weight_n == pytest.approx(solve(asked).weight_n[order], abs=1e-6)


def limits(names: int = 12) -> dict[str, Any]:
    """Half of the names in each of two sectors, held equally."""
    return {
        "sector_n": np.arange(names) % 2,
        "sector_low_s": np.array([0.6, 0.0]),
        "sector_high_s": np.array([1.0, 0.4]),
        "current_n": np.full(names, 1 / names),
        "turnover": 0.5,
    }


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_sectors_factors_turnover_and_cash_hold(objective: str) -> None:
    asked = problem(objective, net=(0.95, 0.95), **limits())
    held = asked.risk.exposure_nk.T @ np.full(12, 0.95 / 12)
    asked = replace(asked, factor_low_k=held - 0.2, factor_high_k=held + 0.2)
    found = solve(asked)
    assert found.status == "solved"
    assert found.breaches == ()
    assert found.weight_n.sum() == pytest.approx(0.95, abs=1e-9)
    assert found.weight_n[::2].sum() >= 0.6 - 1e-6
    assert found.turnover <= 0.5 + 1e-6
    assert (np.abs(asked.risk.exposure_nk.T @ found.weight_n - held) <= 0.2 + 1e-6).all()


@pytest.mark.parametrize("objective", ["kelly", "max_sharpe", "minimum_variance", "max_return"])
def test_long_and_short_is_neutral_where_it_is_asked(objective: str) -> None:
    beta = np.random.default_rng(3).uniform(0.5, 1.5, 12)
    asked = problem(
        objective,
        low_n=np.full(12, -0.3),
        net=(0.0, 0.0),
        gross=1.5,
        beta_n=beta,
        beta=(0.0, 0.0),
        factor_low_k=np.array([-np.inf, 0.0, 0.0]),
        factor_high_k=np.array([np.inf, 0.0, 0.0]),
    )
    found = solve(asked)
    assert found.status == "solved"
    assert np.abs(found.weight_n).sum() <= 1.5 + 1e-6
    assert abs(found.weight_n.sum()) < 1e-9
    assert abs(beta @ found.weight_n) < 1e-6
    assert np.abs((asked.risk.exposure_nk.T @ found.weight_n)[1:]).max() < 1e-6
    if objective == "max_sharpe":  # the ratio leaves the size open: it ends at a limit
        at_bound = np.abs(found.weight_n).max() == pytest.approx(0.3, abs=1e-6)
        assert at_bound or np.abs(found.weight_n).sum() == pytest.approx(1.5, abs=1e-6)


def test_turnover_gives_way_first_and_no_further_than_it_must() -> None:
    asked = problem("minimum_variance", **(limits() | {"turnover": 0.1}))
    found = solve(asked)
    # From 0.5 to 0.6 in the first sector: 0.1 is bought and 0.1 sold.
    assert found.status == "relaxed"
    assert found.turnover == pytest.approx(0.2, abs=1e-4)
    assert [(missed.limit, missed.index) for missed in found.breaches] == [("turnover", 0)]
    assert told(found)[0] == "minimum_variance, piqp: primal_infeasible"
    assert told(found)[-1] == "minimum_variance with turnover relaxed, piqp: solved"


def test_sectors_give_way_where_turnover_does_not_help() -> None:
    most = np.where(np.arange(12) % 2 == 0, 0.05, 0.3)  # 0.3 of the first sector's 0.6 fit
    asked = problem("kelly", **(limits() | {"high_n": most, "turnover": 2.0}))
    found = solve(asked)
    assert found.status == "relaxed"
    assert found.weight_n[::2].sum() == pytest.approx(0.3, abs=1e-4)
    assert {missed.limit for missed in found.breaches} == {"sector"}
    assert (found.weight_n <= most).all()
    assert "least widening with turnover relaxed, highs: infeasible" in told(found)
    assert told(found)[-1] == "kelly with turnover, sector relaxed, piqp: solved"


def test_factors_give_way_last() -> None:
    asked = problem("minimum_variance", factor_low_k=np.full(3, 9.0), factor_high_k=np.full(3, 9.5))
    found = solve(asked)
    assert found.status == "relaxed"
    assert {missed.limit for missed in found.breaches} == {"factor"}
    assert told(found)[-1] == (
        "minimum_variance with turnover, sector, factor relaxed, piqp: solved"
    )


def test_bounds_never_give_way_and_what_is_held_stays() -> None:
    held = np.full(12, 0.05)
    asked = problem("minimum_variance", high_n=np.full(12, 0.05), current_n=held)
    found = solve(asked)
    assert found.status == "kept"
    assert (found.weight_n == held).all()
    assert found.solver == "none"
    assert [missed.limit for missed in found.breaches] == ["net"]
    assert told(found)[-1].endswith("none: the weights held are kept")


def test_with_nothing_held_there_is_nothing_to_keep() -> None:
    with pytest.raises(SolverError, match=r"none to keep .*primal_infeasible"):
        solve(problem("minimum_variance", high_n=np.full(12, 0.05)))


def test_an_unreachable_volatility_is_not_relaxed() -> None:
    asked = problem("kelly", volatility_max=0.01, **limits())
    found = solve(asked)
    assert found.status == "kept"
    assert "volatility" in {missed.limit for missed in found.breaches}


@pytest.mark.parametrize("alpha", [-0.05, 0.0])
def test_where_nothing_beats_cash_the_least_variance_answers_and_says_so(alpha: float) -> None:
    found = solve(problem("max_sharpe", alpha_n=np.full(12, alpha)))
    assert found.status == "replaced"
    assert found.weight_n == pytest.approx(solve(problem("minimum_variance")).weight_n, abs=1e-6)
    assert any("nothing admissible is forecast to beat cash" in line for line in told(found))


def test_simple_goes_down_the_chain_where_it_breaks_a_limit() -> None:
    found = solve(problem("simple", **limits()))
    assert found.status == "kept"
    assert told(found)[0].startswith("simple, closed form: breaks ")


def test_nothing_is_traded_inside_the_band_and_something_outside() -> None:
    asked = problem("kelly", net=(-99.0, 99.0), **FREE)
    full = covariance(asked.risk)
    best = np.linalg.solve(full, asked.alpha_n)
    off = np.random.default_rng(4).normal(0.0, 0.1, 12)
    # Trading starts where the slope of utility, Sigma (w - best), is steeper than the cost.
    cost = np.full(12, np.abs(full @ off).max())
    inside = replace(asked, current_n=best + 0.99 * off, cost_n=cost)
    outside = replace(asked, current_n=best + 1.2 * off, cost_n=cost)
    assert solve(inside).turnover < 1e-6
    assert solve(outside).turnover > 1e-4


def test_what_is_not_traded_is_held_to_the_bit() -> None:
    held = np.full(60, 1 / 60)
    found = solve(
        problem(
            "kelly", 60, current_n=held, cost_n=np.full(60, 0.001), turnover=0.3, net=(0.9, 1.0)
        )
    )
    still = np.abs(found.weight_n - held) < 1e-7
    assert 10 < still.sum() < 60
    assert (found.weight_n[still] == held[still]).all()


def test_a_longer_horizon_pays_for_more_trade() -> None:
    asked = problem("kelly", current_n=np.full(12, 1 / 12), cost_n=np.full(12, 0.05))
    traded = [solve(replace(asked, horizon_years=h)).turnover for h in (0.1, 0.5, 1.0, 5.0)]
    assert traded == sorted(traded)
    assert traded[0] < 0.5 * traded[-1]


def test_impact_spreads_a_trade_over_names() -> None:
    asked = problem("max_return", net=(0.0, 1.0), impact_n=np.full(12, 0.5))
    assert asked.alpha_n is not None
    found = solve(asked)
    # Without other limits in the way, alpha = 2 impact w for each name alone.
    assert found.weight_n == pytest.approx(np.clip(asked.alpha_n, 0.0, 0.3), abs=1e-6)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"low_n": np.zeros(11)}, "low_n must be"),
        ({"alpha_n": np.full(12, np.nan)}, r"alpha_n\[0\] is nan"),
        ({"high_n": np.full(12, -0.1)}, "bounds of name 0 cross"),
        ({"high_n": np.full(12, np.inf)}, "must be finite"),
        ({"net": (1.0, 0.9)}, "net needs least <= most"),
        ({"net": (np.nan, 1.0)}, "net needs least <= most"),
        ({"net": (np.inf, np.inf)}, "net needs least <= most"),
        ({"gross": np.nan}, "gross must be finite"),
        ({"turnover": -0.1}, "turnover must be finite"),
        ({"cost_n": np.full(12, -0.1)}, "negative cost"),
        ({"fraction": 0.0}, "fraction must be"),
        ({"volatility_max": 0.0}, "volatility_max must be"),
        ({"sector_n": np.zeros(12, dtype=int)}, "needs sector_low_s"),
        ({"sector_low_s": np.zeros(2)}, "need sector_n"),
        ({"factor_low_k": np.zeros(3)}, "both a low and a high"),
        ({"factor_low_k": np.zeros(2), "factor_high_k": np.ones(2)}, r"must be \(3,\)"),
        ({"factor_low_k": np.full(3, np.nan), "factor_high_k": np.ones(3)}, "hold NaN"),
        ({"beta": (0.0, 0.0)}, "needs beta_n"),
        ({"budget_n": np.zeros(12)}, "above 0"),
        ({"scenario_tn": np.zeros((5, 3))}, "scenario_tn must be"),
        ({"objective": "os.path"}, "not the name of a file"),
    ],
)
def test_bad_input_is_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(problem("kelly"), **fields)


def test_what_an_objective_needs_is_named() -> None:
    for objective in ("kelly", "max_return", "max_sharpe", "simple"):
        with pytest.raises(ValueError, match=f"{objective} needs alpha_n"):
            solve(problem(objective, alpha_n=None))
    with pytest.raises(ValueError, match="nearest needs target_n"):
        solve(problem("nearest"))
    with pytest.raises(ValueError, match="leave impact_n out"):
        solve(problem("max_sharpe", impact_n=np.ones(12)))
    with pytest.raises(ValueError, match="holds every name long"):
        solve(problem("risk_parity", low_n=np.full(12, -0.1)))
    for name in ("no_such_file", "problem"):
        with pytest.raises(ValueError, match="no objective"):
            solve(problem(name))


def test_a_covariance_of_pods_is_a_factor_model_too() -> None:
    full = covariance(problem("kelly").risk)
    risk = RiskModel.of_covariance(full)
    weight = np.random.default_rng(2).normal(size=12)
    assert risk.times(weight) == pytest.approx(full @ weight, abs=1e-12)
    assert risk.solved(weight) == pytest.approx(np.linalg.solve(full, weight), rel=1e-6)
    direct = problem("minimum_variance")
    assert solve(replace(direct, risk=risk)).weight_n == pytest.approx(
        solve(direct).weight_n, abs=1e-6
    )
    with pytest.raises(ValueError, match="negative variance"):
        RiskModel.of_covariance(np.diag([1.0, -1.0]))
    with pytest.raises(ValueError, match="NaN"):
        RiskModel.of_covariance(np.array([[np.nan]]))


def test_the_linear_solver_refuses_curvature() -> None:
    asked = problem("minimum_variance")
    with pytest.raises(ValueError, match="not for the linear solver"):
        linear.solve(priced(program_of(asked), asked, aversion=1.0))


def test_hierarchical_is_the_pods_rule_on_the_model_of_the_names() -> None:
    asked = problem("hierarchical", high_n=np.ones(12))
    full = covariance(asked.risk)
    deviation = np.sqrt(np.diag(full))
    judged = hrp.weights(full / np.outer(deviation, deviation), deviation)
    assert solve(asked).weight_n == pytest.approx(judged, rel=1e-9)
    capped = solve(replace(asked, high_n=np.full(12, 0.1)))
    assert capped.solver == "bisection"
    assert capped.weight_n.max() == 0.1
    near = solve(replace(asked, **limits()))
    assert near.solver == "piqp"
    assert told(near)[0] == (
        "hierarchical, bisection: breaks sector; the nearest admissible weights instead"
    )


def test_the_nearest_weights_are_the_wanted_ones_where_they_are_admissible() -> None:
    wanted = np.random.default_rng(9).dirichlet(np.full(12, 50.0))
    assert solve(problem("nearest", target_n=wanted)).weight_n == pytest.approx(wanted, abs=1e-6)


def test_a_cap_on_volatility_holds_for_every_objective_that_can_be_scaled() -> None:
    for objective in ("kelly", "max_sharpe", "risk_parity", "simple"):
        found = solve(problem(objective, net=(0.0, 1.0), volatility_max=0.05))
        assert found.status == "solved", told(found)
        assert found.volatility == pytest.approx(0.05, abs=1e-6)


def test_size_that_is_open_does_not_depend_on_where_the_solver_stopped() -> None:
    asked = problem("max_sharpe", low_n=np.full(12, -0.3), net=(0.0, 0.0), gross=1.5)
    weight = np.linspace(-0.1, 0.1, 12)
    for size in (1e-9, 1.0, 1e3):
        found = full_size(asked, Found(size * weight, ()))
        assert found.weight_n == pytest.approx(weight * 1.5 / np.abs(weight).sum(), rel=1e-12)
    nothing = full_size(asked, Found(np.zeros(12), ()))
    assert nothing.weight_n is not None
    assert not nothing.weight_n.any()


def test_a_missing_solver_is_named_with_its_remedy() -> None:
    with pytest.raises(SolverError, match=r"no_such_solver is not installed: pip install"):
        present("no_such_solver")


def test_whole_numbers_are_read_as_numbers() -> None:
    one = problem("kelly", low_n=np.zeros(12, dtype=np.int64), high_n=np.ones(12, dtype=np.int32))
    other = problem("kelly", high_n=np.ones(12))
    assert (solve(one).weight_n == solve(other).weight_n).all()


def test_an_answer_cannot_be_written_over() -> None:
    asked = problem("minimum_variance", high_n=np.full(12, 0.05), current_n=np.full(12, 0.05))
    found = solve(asked)
    with pytest.raises(ValueError, match="read-only"):
        found.weight_n[0] = 1.0
    assert asked.held_n.flags.writeable  # what was handed in stays its owner's
