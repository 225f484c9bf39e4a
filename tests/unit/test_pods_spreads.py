"""Relative value: hedges, entries, exits and stops of spreads between related instruments."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.domain.money import F64
from podshop.factors import spread
from podshop.market.panel import from_arrays
from podshop.pods import relative_value

# One shock among 20 sessions is at most 4.2 standard deviations, and noise rarely comes to 3.5.
SMALL = relative_value.Params(
    groups=(("A", "B"),),
    hedge_days=40,
    window_days=20,
    hold_days=15,
    positions=1,
    enter=3.5,
    stop=10.0,
)


def days(count: int) -> np.ndarray:
    return np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-01-01") + count)


def twins(shock_a: F64, seed: int = 0, beta: float = 2.0) -> Panel:
    """B follows a common factor, A follows it `beta` times, with a shock of its own; C follows
    nothing.
    """
    rng = np.random.default_rng(seed)
    count = len(shock_a)
    common, noise = rng.normal(0.0, 0.01, count), rng.normal(0.0, 0.0005, (3, count))
    returns = np.column_stack(
        [beta * common + shock_a + noise[0], common + noise[1], 0.02 * rng.normal(size=count)]
    )
    close = 50.0 * np.cumprod(1.0 + returns, axis=0)
    return from_arrays(days(count), ["A", "B", "C"], close)


def test_the_cheap_twin_is_bought_against_its_hedge_and_closed_when_it_is_back() -> None:
    shock = np.zeros(120)
    shock[100], shock[104] = -0.03, 0.03
    wishes = relative_value.wishes(twins(shock), SMALL)
    assert (wishes[99] == 0.0).all()
    long, hedge, other = wishes[100]
    assert long > 0.0
    assert hedge < 0.0
    assert other == 0.0
    assert (wishes[101:104] == wishes[100]).all(), "held as it was opened: no trade in between"
    assert (wishes[104] == 0.0).all()


def test_the_hedge_is_worth_beta_times_the_position() -> None:
    shock = np.zeros(110)
    shock[100] = -0.03
    panel = twins(shock)
    groups = spread.packed([[0, 1]])
    spreads = spread.group_spreads(panel.returns, groups, 40, 20, 0.9, 0.5)
    # Beta by numpy, from the 40 sessions that end where the spread begins.
    x, y = panel.returns[100 - 59 : 100 - 19, 0], panel.returns[100 - 59 : 100 - 19, 1]
    slope = np.cov(x, y)[0, 1] / y.var(ddof=1)
    assert_allclose(spreads.beta[100, 0], slope, rtol=1e-9)
    path = np.cumsum(panel.returns[81:101, 0] - slope * panel.returns[81:101, 1])
    assert_allclose(spreads.score[100, 0], (path[-1] - path.mean()) / path.std(ddof=1), rtol=1e-9)
    age = np.full(panel.close.shape, -1)
    age[100, 0] = 0
    size = np.ones(panel.close.shape)
    held = spread.hedged(size, age, spreads, groups, ~np.isnan(panel.close))
    assert_allclose(held[100], [1.0, -slope, 0.0], rtol=1e-12)
    assert (held[:100] == 0.0).all()


def test_the_group_counts_by_inverse_volatility() -> None:
    rng = np.random.default_rng(4)
    common = rng.normal(0.0, 0.01, 200)
    returns = np.column_stack([common * k + rng.normal(0.0, 0.001, 200) for k in (1.0, 1.0, 3.0)])
    groups = spread.packed([[0, 1, 2]])
    spreads = spread.group_spreads(returns, groups, 60, 20, 0.9, 0.5)
    t = 150
    stretch = returns[t - 79 : t - 19]
    assert_allclose(spreads.weight[t], 1.0 / stretch.std(axis=0, ddof=1), rtol=1e-9)
    age = np.full(returns.shape, -1)
    age[t, 0] = 0
    held = spread.hedged(np.ones(returns.shape), age, spreads, groups, np.ones(returns.shape, bool))
    # The wild one is three times as volatile and gets a third of the money of the calm one.
    assert_allclose(held[t, 2] / held[t, 1], spreads.weight[t, 2] / spreads.weight[t, 1])
    assert_allclose(held[t, 1] + held[t, 2], -spreads.beta[t, 0], rtol=1e-12)


def test_a_spread_that_runs_away_is_stopped_and_not_bought_again() -> None:
    scores = np.array([0.0, -2.1, -3.0, -3.6, -3.0, -2.2, -2.5, -1.0, -2.2, -0.3])
    assert opened(scores) == [0, 1, 1, 0, 0, 0, 0, 0, 1, 0]


def test_a_gap_through_entry_and_stop_opens_nothing() -> None:
    assert opened(np.array([0.0, -4.0, -3.0, -2.2, -1.9, -2.1])) == [0, 0, 0, 0, 0, 1]


def opened(score: F64) -> list[int]:
    """Which days are open by the pod's own rule, for these scores."""
    age = relative_value.held(score[:, None], relative_value.Params(hold_days=5))
    return (age[:, 0] >= 0).astype(int).tolist()


def test_a_position_is_given_up_after_its_days() -> None:
    assert opened(np.array([0.0, *[-2.1] * 8])) == [0, 1, 1, 1, 1, 1, 0, 0, 0]


def test_unrelated_names_have_no_score() -> None:
    panel = twins(np.zeros(120))
    spreads = spread.group_spreads(panel.returns, spread.packed([[1, 2]]), 40, 20, 0.9, 0.5)
    assert np.isnan(spreads.score).all()


def test_a_hedge_that_cannot_be_traded_closes_the_position() -> None:
    shock = np.zeros(110)
    shock[100] = -0.03
    panel = twins(shock)
    close = np.array(panel.close)
    close[102, 1] = np.nan
    halted = from_arrays(panel.days, panel.assets.symbols, close)
    wishes = relative_value.wishes(halted, SMALL)
    assert wishes[101, 0] > 0.0
    assert (wishes[102] == 0.0).all()


def test_without_groups_the_sectors_are_groups_and_no_money_crosses_them() -> None:
    rng = np.random.default_rng(3)
    sector = np.array([0, 0, 0, 1, 1, 1])
    common = rng.normal(0.0, 0.01, (500, 2))[:, sector]
    close = 40.0 * np.cumprod(1.0 + common + rng.normal(0.0, 0.004, common.shape), axis=0)
    names = [f"N{n}" for n in range(6)]
    panel = from_arrays(days(500), names, close, sectors=[f"S{s}" for s in sector])
    wishes = relative_value.wishes(panel, relative_value.Params())
    spoken = (wishes != 0.0).any(axis=1)
    assert spoken.sum() > 20
    # Betas are near 1, so what is bought in a sector is about what is sold in it.
    for s in (0, 1):
        mine = wishes[:, sector == s]
        assert (np.abs(mine.sum(axis=1)) <= 0.35 * np.abs(mine).sum(axis=1) + 1e-5).all()


def test_a_symbol_without_prices_is_refused_by_name() -> None:
    p = relative_value.Params(groups=(("A", "ZZZ"),))
    with pytest.raises(DataError, match=r"no prices of ZZZ.*\n.*correct the symbols"):
        relative_value.wishes(twins(np.zeros(50)), p)


@pytest.mark.parametrize("groups", [(("A",),), (("A", "A"),), (("A", "B"), ("B", "C"))])
def test_groups_that_are_none_are_refused(groups: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(ValueError, match="groups"):
        relative_value.Params(groups=groups)


@pytest.mark.parametrize(("hedge", "length"), [(9, 20), (20, 9)])
def test_windows_too_short_are_refused(hedge: int, length: int) -> None:
    with pytest.raises(ValueError, match="at least 10 rows"):
        spread.group_spreads(np.zeros((30, 2)), spread.packed([[0, 1]]), hedge, length, 0.9, 0.5)
