"""The pod beside a slow twin of Carver's formulas in plain numpy (`tests/reference/carver.py`)."""

import math

import numpy as np
import pytest
from tests.reference import carver

from podshop.domain.market import Panel
from podshop.domain.money import F64
from podshop.factors import buffering, diversification
from podshop.market.panel import from_arrays
from podshop.pods import managed_futures as pod

SECTORS = ("equity", "equity", "energy", "bond", "equity")
RULES = pod.Params(fast_days=(4, 16, 5), breakout_days=(20,), long_days=200, correlation_days=300)


def market(seed: int = 4, days: int = 620) -> Panel:
    """Five names with common moves; one starts late, one has holes and splits."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0.0002, 0.01, (days, 5)) + rng.normal(0.0, 0.006, (days, 1))
    split = np.ones((days, 5))
    split[300, 1], split[450, 1], split[500, 3] = 2.0, 0.5, 1.5
    close = 40.0 * np.exp(np.cumsum(steps, axis=0)) / np.cumprod(split, axis=0)
    close[:200, 4] = np.nan
    close[rng.random(days) < 0.03, 1] = np.nan
    first = np.datetime64("2020-01-01")
    every = np.arange(first, first + 2 * days)
    names = ["A", "B", "C", "D", "E"]
    sessions = every[np.is_busday(every)][:days]
    return from_arrays(sessions, names, close, split=split, sectors=SECTORS, rate=0.03)


@pytest.fixture(scope="module")
def panel() -> Panel:
    return market()


@pytest.fixture(scope="module")
def daily(panel: Panel) -> F64:
    return np.column_stack([carver.volatility(r, RULES.long_days) for r in panel.returns.T])


@pytest.fixture(scope="module")
def rules(panel: Panel, daily: F64) -> F64:
    made = [
        np.column_stack(
            [
                carver.ewmac(i, d, fast, pod.scalar(fast))
                for i, d in zip(panel.index.T, daily.T, strict=True)
            ]
        )
        for fast in RULES.fast_days
    ]
    made.append(np.column_stack([carver.breakout(i, 20, 0.67) for i in panel.index.T]))
    return np.stack(made)


def twin_targets(panel: Panel, daily: F64, rules: F64) -> tuple[F64, F64]:
    """Targets and average positions, day by day."""
    starts = carver.month_starts(panel.days)
    weekly = np.full(panel.index.shape, np.nan)
    weekly[5:] = panel.index[5:] / panel.index[:-5] - 1.0
    target, average = np.full((2, *panel.index.shape), np.nan)
    fdm, idm = 1.0, 1.0
    for t in range(len(panel)):
        known = [n for n in range(5) if not np.isnan(rules[:, t, n]).any()]
        groups = {SECTORS[n] for n in known}
        share = np.zeros(5)
        for n in known:
            alike = sum(SECTORS[m] == SECTORS[n] for m in known)
            share[n] = 1.0 / len(groups) / alike
        if t in starts:
            read = [k for k in range(t, t - RULES.correlation_days, -5) if k >= 0]
            pooled = rules[:, read].reshape(len(rules), -1).T
            fdm = carver.multiplier(pooled, np.ones(len(rules)))
            idm = carver.multiplier(weekly[read], share)
        for n in known:
            forecast = min(max(rules[:, t, n].mean() * fdm, -20.0), 20.0)
            annual = daily[t, n] * math.sqrt(252.0)
            average[t, n] = share[n] * idm * RULES.volatility / annual
            target[t, n] = average[t, n] * forecast / 10.0
        gross = np.nansum(np.abs(target[t]))
        if gross > RULES.gross:
            target[t] *= RULES.gross / gross
            average[t] *= RULES.gross / gross
    return target, average


def test_volatility_and_every_rule_are_those_of_the_books(
    panel: Panel, daily: F64, rules: F64
) -> None:
    own = pod.volatility(panel.returns, RULES.long_days)
    np.testing.assert_allclose(own, daily, rtol=1e-12)
    assert np.isfinite(daily).any(axis=0).all()
    made = pod.rule_forecasts(panel.index, own, RULES)
    np.testing.assert_allclose(made, rules, rtol=1e-10, atol=1e-10)
    assert np.isfinite(rules[:, -1]).all()


def test_targets_and_multipliers_are_those_of_the_books(
    panel: Panel, daily: F64, rules: F64
) -> None:
    target, average = pod.targets(panel, RULES)
    want, typical = twin_targets(panel, daily, rules)
    np.testing.assert_allclose(target, want, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(average, typical, rtol=1e-10)
    assert (np.abs(want[400:]) > 0.01).any(axis=0).all()


def test_wishes_are_the_buffered_targets(panel: Panel, daily: F64, rules: F64) -> None:
    # 620 rows; the looking back ends after 252, which must not show.
    target, average = twin_targets(panel, daily, rules)
    priced = ~np.isnan(panel.close)
    lots = np.where(priced & np.isnan(target), 0.0, target / panel.close)
    width = np.where(priced & np.isnan(target), 0.0, RULES.buffer * average / panel.close)
    want = np.nan_to_num(target)
    for _ in range(2):
        grown = carver.growth(panel.returns, want, panel.rate_t, 2)  # closes only: filled late
        change = panel.split / grown[:, None]
        held = np.column_stack([*map(carver.buffered, lots.T, width.T, change.T)])
        want = np.nan_to_num(held * panel.close)
    gross = np.abs(want).sum(axis=1, keepdims=True)
    want = want / np.maximum(gross / RULES.gross, 1.0)
    np.testing.assert_allclose(pod.wishes(panel, RULES), want, atol=2.0**-20 + 1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_looking_back_is_walking_forward(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target = np.cumsum(rng.normal(0.0, 0.3, (400, 4)), axis=0)
    target[rng.random(target.shape) < 0.1] = np.nan
    width = rng.uniform(0.0, 1.0, target.shape)
    split = np.where(rng.random(target.shape) < 0.02, rng.choice([0.5, 2.0, 1.5], (400, 4)), 1.0)
    got = buffering.held(target, width, split, 400)
    want = np.column_stack([*map(carver.buffered, target.T, width.T, split.T)])
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    # And a year back is enough: what was held before it has long been forgotten.
    np.testing.assert_array_equal(buffering.held(target, width, split, 250), got)


@pytest.mark.parametrize("seed", range(5))
def test_multipliers_are_those_of_numpy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(0.0, 1.0, (300, 1, 6)) + rng.normal(0.0, 0.7, (300, 1, 1))
    x[rng.random(x.shape) < 0.05] = np.nan
    x[:200, 0, 5] = np.nan  # too few samples in common at the first row asked for
    weight = rng.uniform(0.0, 1.0, (300, 6))
    weight[:, 2] = 0.0
    rows = np.array([3, 150, 299])
    got = diversification.multipliers(x, weight, rows, 120, 2, 26, 2.5)
    for t, value in zip(rows, got, strict=True):
        read = np.arange(t, max(t - 120, -1), -2)
        assert value == pytest.approx(carver.multiplier(x[read, 0], weight[t]), rel=1e-12)
    assert got[0] == 1.0
