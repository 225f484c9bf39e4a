"""Which trades pay, counted by hand."""

from dataclasses import replace

import numpy as np
import pytest
from tests.made_up_problem import problem

from podshop.optimise import Problem, RiskModel, advise, solve


def apart(**fields: object) -> Problem:
    """Three names without anything in common: variance 0.04, forecasts 4 %, 1 % and nothing."""
    risk = RiskModel(np.zeros((3, 1)), np.ones((1, 1)), np.full(3, 0.04))
    asked: dict[str, object] = {
        "alpha_n": np.array([0.04, 0.01, 0.0]),
        "low_n": np.zeros(3),
        "high_n": np.ones(3),
        "net": (0.0, 1.0),
        "cost_n": np.full(3, 0.002),
    }
    return Problem(objective="kelly", risk=risk, **(asked | fields))  # type: ignore[arg-type]


def test_a_trade_is_worth_its_cost_where_its_gain_is_larger() -> None:
    told = advise(apart(), np.array([0.5, 0.1, 0.2]))
    # alpha z - variance z^2 / 2: 0.02 - 0.005, 0.001 - 0.0002, 0 - 0.0008
    assert told.gain_n == pytest.approx([0.015, 0.0008, -0.0008], abs=1e-15)
    assert told.cost_n == pytest.approx([0.001, 0.0002, 0.0004], abs=1e-15)
    assert told.worth_n.tolist() == [True, True, False]
    assert told.weight_n.tolist() == [0.5, 0.1, 0.0]
    assert told.gain == pytest.approx(0.0158, abs=1e-15)
    assert told.cost == pytest.approx(0.0012, abs=1e-15)
    assert told.said == "2 of 3 trades are worth their cost"


def test_a_margin_asks_for_more() -> None:
    told = advise(apart(), np.array([0.5, 0.1, 0.2]), margin=5.0)
    assert told.worth_n.tolist() == [True, False, False]


def test_a_short_horizon_pays_for_nothing() -> None:
    told = advise(apart(horizon_years=0.05), np.array([0.5, 0.1, 0.2]))
    assert not told.worth_n.any()
    assert (told.weight_n == 0.0).all()
    assert (told.gain, told.cost) == (0.0, 0.0)


def test_the_band_is_where_one_name_alone_cannot_pay() -> None:
    asked = apart(fraction=0.5, horizon_years=0.25)
    band = 0.002 * 0.5 / (0.25 * 0.04)  # cost, fraction; horizon, variance
    told = advise(asked, np.zeros(3))
    assert told.band_n == pytest.approx(np.full(3, band), rel=1e-12)
    best = 0.5 * 0.04 / 0.04  # of the first name: fraction * alpha / variance
    for off, traded in ((0.98, False), (1.02, True)):
        held = np.array([best - off * band, 0.0, 0.0])
        found = solve(replace(asked, current_n=held, alpha_n=np.array([0.04, 0.0, 0.0])))
        assert (found.turnover > 1e-5) == traded


def test_a_hedge_of_nothing_is_not_done() -> None:
    # Two names that move as one: each leg hedges the other, together they are for nothing.
    one = RiskModel(np.ones((2, 1)), np.full((1, 1), 0.09), np.full(2, 0.001))
    asked = Problem(
        objective="minimum_variance",
        risk=one,
        low_n=np.full(2, -1.0),
        high_n=np.ones(2),
        net=(0.0, 0.0),
        cost_n=np.full(2, 0.001),
    )
    told = advise(asked, np.array([0.5, -0.5]))
    assert told.gain_n[0] > told.cost_n[0]  # beside the other leg it looks worth it
    assert not told.worth_n.any()
    assert told.said.startswith("no trade: together they gain -")


def test_the_trades_of_a_solution_that_knows_its_costs_are_worth_them() -> None:
    asked = problem("kelly", current_n=np.full(12, 1 / 12), cost_n=np.full(12, 0.01))
    found = solve(asked)
    told = advise(asked, found.weight_n)
    assert told.gain > told.cost
    assert told.gain_n[told.worth_n].min() > 0.0


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="target_n must be"):
        advise(apart(), np.zeros(4))
    with pytest.raises(ValueError, match="target_n must be"):
        advise(apart(), np.full(3, np.nan))
    with pytest.raises(ValueError, match="margin must be"):
        advise(apart(), np.zeros(3), margin=-1.0)
