"""What the managed futures pod promises: forecasts of 10, risk on target, quiet in the buffer."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.contract.test_pods import hire
from tests.reference import carver

from podshop.domain.market import Panel
from podshop.domain.money import F64
from podshop.factors import buffering, diversification
from podshop.market import rolling
from podshop.market.panel import from_arrays
from podshop.pods import managed_futures as pod
from podshop.research import run_backtest
from podshop.research.cards import check_pod
from podshop.simulator import simulate


def walks(names: int, days: int, seed: int, together: float = 0.0, yearly: float = 0.16) -> Panel:
    """Random walks without drift, with one correlation between all."""
    rng = np.random.default_rng(seed)
    common, own = rng.normal(size=(days, 1)), rng.normal(size=(days, names))
    steps = math.sqrt(together) * common + math.sqrt(1.0 - together) * own
    close: F64 = 100.0 * np.cumprod(1.0 + yearly / math.sqrt(252.0) * steps, axis=0)
    first = np.datetime64("1990-01-01")
    every = np.arange(first, first + 2 * days)
    sessions = every[np.is_busday(every)][:days]
    return from_arrays(sessions, [f"N{n}" for n in range(names)], close)


def forecasts(panel: Panel, p: pod.Params) -> F64:
    """Combined forecasts, NaN where there are none."""
    target, average = pod.targets(panel, p)
    return pod.AVERAGE * target / average


def realised(wishes: F64, panel: Panel, first: int) -> float:
    """Volatility a year of holding each day's wishes over the next."""
    earned = (wishes[first:-1] * panel.returns[first + 1 :]).sum(axis=1)
    return float(earned.std(ddof=1) * math.sqrt(252.0))


# --- forecasts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fast", [2, 5, 8, 20, 64])
def test_an_ewmac_of_a_random_walk_is_ten_on_average(fast: int) -> None:
    panel = walks(60, 4_000, seed=fast, yearly=0.05)
    p = pod.Params(fast_days=(fast,))
    daily = np.full(panel.close.shape, 0.05 / math.sqrt(252.0))
    raw = np.abs(pod.rule_forecasts(panel.index, daily, p))[0] / pod.scalar(fast)
    # The cap at 20 takes 4.6 % of a normal forecast whose |mean| is 10: so compare uncapped.
    capped = raw * pod.scalar(fast) < pod.LARGEST
    s = 10.0 / math.sqrt(2.0 / math.pi)
    edge = pod.LARGEST / pod.scalar(fast) * pod.random_walk_scalar(fast) / s
    density, below = math.exp(-edge * edge / 2.0), math.erf(edge / math.sqrt(2.0))
    want = 10.0 * (1.0 - density) / below  # mean of a normal |forecast| below the cap
    got = np.nanmean(np.where(capped, raw, np.nan)) * pod.random_walk_scalar(fast)
    assert got == pytest.approx(want, rel=0.05)


def test_scalars_of_the_books_are_near_those_of_a_random_walk() -> None:
    for fast, scalar in pod.SCALARS.items():
        assert pod.scalar(fast) == scalar
        assert 0.8 < scalar / pod.random_walk_scalar(fast) < 0.95  # markets trend: theirs are lower
    assert pod.scalar(20) == pod.random_walk_scalar(20)


def test_breakouts_of_a_random_walk_are_somewhat_less_than_ten_on_average() -> None:
    """Carver's scalars are those of futures, which trend."""
    panel = walks(60, 3_000, seed=3)
    p = pod.Params(breakout_days=tuple(pod.BREAKOUT_SCALARS))
    rules = np.abs(pod.rule_forecasts(panel.index, pod.volatility(panel.returns, 500), p))
    for rule in rules[len(p.fast_days) :]:
        assert 7.0 < np.nanmean(rule) < 10.0


def test_forecasts_are_capped_at_twenty() -> None:
    steady = 100.0 * 1.004 ** np.arange(900.0)[:, None] * [1.0, 1.0]
    steady[:, 1] = steady[::-1, 1]
    panel = from_arrays(walks(1, 900, 0).days, ["UP", "DOWN"], steady)
    p = pod.Params()
    rules = pod.rule_forecasts(panel.index, pod.volatility(panel.returns, 500), p)
    assert np.nanmax(np.abs(rules)) == 20.0
    combined = forecasts(panel, p)
    np.testing.assert_allclose(combined[-1], [20.0, -20.0])
    assert np.nanmax(np.abs(combined)) <= 20.0 + 1e-9


# --- multipliers ----------------------------------------------------------------------------------


def idm(panel: Panel, p: pod.Params, share: float) -> float:
    """The IDM of the last day, read off the average position of the first name."""
    average = pod.targets(panel, p)[1][-1, 0]
    daily = pod.volatility(panel.returns, p.long_days)[-1, 0]
    return float(average * daily * math.sqrt(252.0) / p.volatility / share)


@pytest.mark.parametrize(
    ("names", "together", "want"),
    [(4, 0.0, 2.0), (4, 0.6, 1.0 / math.sqrt(0.25 + 0.75 * 0.6)), (4, 0.999, 1.0), (16, 0.0, 2.5)],
)
def test_the_idm_follows_correlations_and_has_a_limit(
    names: int, together: float, want: float
) -> None:
    panel = walks(names, 1_500, seed=11, together=together)
    # Noise of correlations of 0, floored at 0, takes a little off.
    assert idm(panel, pod.Params(gross=9.0), 1.0 / names) == pytest.approx(want, rel=0.1)
    fixed = pod.Params(gross=9.0, instrument_multiplier=1.5)
    assert idm(panel, fixed, 1.0 / names) == pytest.approx(1.5)


def test_the_fdm_of_like_rules_is_small_and_of_one_rule_is_one() -> None:
    panel = walks(10, 1_500, seed=5)
    daily = pod.volatility(panel.returns, 500)
    one = pod.Params(fast_days=(16,), long_days=500)
    np.testing.assert_allclose(
        forecasts(panel, one)[-1], pod.rule_forecasts(panel.index, daily, one)[0, -1]
    )
    four = pod.Params(long_days=500)
    mean = pod.rule_forecasts(panel.index, daily, four).mean(axis=0)[-1]
    fdm = np.median(forecasts(panel, four)[-1] / mean)
    assert 1.08 < fdm < 1.35  # 1.13 in Carver's table 36, over real futures
    fixed = replace(four, forecast_multiplier=1.2)
    assert np.median(forecasts(panel, fixed)[-1] / mean) == pytest.approx(1.2)


def test_correlations_below_zero_count_as_zero() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 1, 1)) * [1.0, -1.0] + rng.normal(size=(200, 1, 2)) * 0.1
    got = diversification.multipliers(x, np.ones((200, 2)), np.array([199]), 200, 1, 26, 2.5)
    assert got[0] == pytest.approx(math.sqrt(2.0))


def test_shares_are_equal_by_sector_and_within() -> None:
    known = np.array([[True, True, True, False], [False] * 4, [True, False, False, True]])
    share = pod.shares(known, [0, 0, 1, 2])
    np.testing.assert_allclose(share, [[0.25, 0.25, 0.5, 0.0], [0.0] * 4, [0.5, 0.0, 0.0, 0.5]])


# --- risk -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("together", "low", "high"), [(0.0, 0.85, 1.2), (0.5, 0.8, 1.3)])
def test_risk_is_on_target(together: float, low: float, high: float) -> None:
    """Within a quarter: forecasts of random walks differ in sign, and their square is above 100."""
    panel = walks(5, 6_000, seed=2, together=together)
    p = pod.Params(volatility=0.12, gross=9.0)
    ratio = realised(pod.wishes(panel, p), panel, 1_200) / 0.12
    assert low < ratio < high


def test_risk_is_near_its_target_on_a_simulated_market() -> None:
    """Whole sectors move together there, volatility jumps, names come and go: within two fifths."""
    panel = simulate(60, 9, seed=3, alphas=()).panel()
    ratio = realised(np.nan_to_num(pod.wishes(panel, pod.Params())), _filled(panel), 800) / 0.10
    assert 0.6 < ratio < 1.4


def _filled(panel: Panel) -> Panel:
    """The panel with a return of 0 where there is none."""
    return replace(panel, returns=np.nan_to_num(panel.returns))


def test_twice_the_volatility_is_half_the_weight() -> None:
    calm, wild = walks(1, 1_200, seed=6, yearly=0.10), walks(1, 1_200, seed=6, yearly=0.20)
    p = pod.Params()
    a, b = (pod.targets(panel, p)[1][-1, 0] for panel in (calm, wild))
    assert a / b == pytest.approx(2.0, rel=1e-6)


def test_a_price_that_stands_still_gets_no_boundless_weight() -> None:
    close = np.column_stack([np.full(900, 50.0), walks(1, 900, 1).close[:, 0]])
    panel = from_arrays(walks(1, 900, 1).days, ["PEG", "FREE"], close)
    wishes = pod.wishes(panel, pod.Params())
    assert (wishes[:, 0] == 0.0).all()
    assert np.abs(wishes).sum(axis=1).max() <= pod.Params().gross
    assert pod.volatility(panel.returns, 500)[-1, 0] == pod.CALMEST


# --- buffer ---------------------------------------------------------------------------------------


def brought(wishes: F64, panel: Panel) -> tuple[F64, F64]:
    """What yesterday's lots are worth today, as fractions of the capital that grew; and today's."""
    grown = carver.growth(panel.returns, wishes, panel.rate_t, 2)
    return wishes[:-1] * (1.0 + panel.returns[1:]) / grown[1:, None], wishes[1:]


def test_nothing_is_traded_inside_the_buffer_and_only_to_its_edge_outside() -> None:
    panel = walks(6, 2_000, seed=9)
    p = pod.Params(gross=9.0)
    target, average = pod.targets(panel, p)
    wishes, first = pod.wishes(panel, p), 1_000
    before, now = (x[first - 1 :] for x in brought(wishes, panel))
    aim, band = target[first:], p.buffer * average[first:]
    # The pod knows the growth of its capital to a millionth or so; wishes are of whole grains.
    little = 2e-5
    above, below = before > aim + band + little, before < aim - band - little
    inside = (before < aim + band - little) & (before > aim - band + little)
    assert np.abs(now - before)[inside].max() < little
    np.testing.assert_allclose(now[above], (aim + band)[above], atol=little)
    np.testing.assert_allclose(now[below], (aim - band)[below], atol=little)
    for some in (inside, above, below):
        assert some.mean() > 0.2
    assert (np.abs(now - aim) <= band + little).all()


def test_a_buffer_trades_less_and_keeps_the_position() -> None:
    panel = walks(6, 2_500, seed=10)
    plain, buffered = (pod.wishes(panel, pod.Params(buffer=b)) for b in (0.0, 0.1))
    traded = [np.abs(np.subtract(*brought(x, panel))[1_000:]).sum() for x in (plain, buffered)]
    assert traded[1] < 0.75 * traded[0]
    assert np.corrcoef(plain[1_000:].ravel(), buffered[1_000:].ravel())[0, 1] > 0.99


def test_a_split_changes_lots_and_no_position() -> None:
    panel = walks(3, 1_200, seed=12)
    split = np.ones(panel.close.shape)
    split[1_000, 1] = 4.0
    close = panel.close / np.cumprod(split, axis=0)
    halved = from_arrays(panel.days, panel.assets.symbols, close, split=split)
    p = pod.Params()
    np.testing.assert_allclose(pod.wishes(halved, p), pod.wishes(panel, p), atol=2.0**-19)


def test_a_position_whose_past_is_undecided_counts_from_its_oldest_target() -> None:
    target, width = np.array([[1.0], [1.2], [1.4]]), np.full((3, 1), 1.0)
    split = np.ones((3, 1))
    assert buffering.held(target, width, split, 3)[:, 0].tolist() == [1.0, 1.0, 1.0]
    assert buffering.held(target, width, split, 2)[:, 0].tolist() == [1.0, 1.0, 1.2]
    assert buffering.held(target, 0.0 * width, split, 1)[:, 0].tolist() == [1.0, 1.2, 1.4]


# --- a future -------------------------------------------------------------------------------------


def test_a_simulated_future_is_traded_as_a_rolled_series() -> None:
    """VX of a simulated market, as an instrument beside its index: cards and a backtest."""
    world = simulate(20, 4, seed=5)
    curve = world.tables["futures_curve"]
    series = rolling.rolled(rolling.from_curve(curve, "VX"))
    assert len(series.rolls) >= 12 * 3
    value = rolling.lot_values(series, rolling.TERMS["VX"], start=200_000.0)
    panel = from_arrays(
        series.days,
        ["VX"],
        value[:, None],
        dividend=rolling.collateral_interest(value, np.full(len(value), 1e-4))[:, None],
    )
    p = pod.Params(fast_days=(8, 16))
    assert (pod.wishes(panel, p) != 0.0).any()
    check_pod(hire(pod, p), panel, seed=1, samples=5)
    # Whatever is set aside for a lot, about the same contracts are held.
    lots = []
    for start in (100_000.0, 150_000.0):
        worth = rolling.lot_values(series, rolling.TERMS["VX"], start=start)[:, None]
        lots.append(pod.wishes(from_arrays(series.days, ["VX"], worth), p) / worth)
    assert np.abs(lots[0] - lots[1]).mean() < 0.1 * np.abs(lots[0]).mean()


def test_a_fund_trades_only_what_leaves_the_buffer(tmp_path: Path) -> None:
    """Lots that were not to move are not traded, though the pod speaks every day."""
    panel = walks(3, 1_300, seed=21)
    fills = {}
    for buffer in (0.0, 0.1):
        text = {
            "strategy": {"use": "managed_futures", "params": {"buffer": buffer}},
            "market": {"start": panel.days[1_000].item()},
            "limits": {"stop_loss": 0.0, "position": 0.0, "sector": 0.0},
            "costs": {"management_fee": 0.0},  # it moves the capital
        }
        fills[buffer] = run_backtest(text, panel, record="fast", runs=tmp_path / "r.sqlite").fills
    before, now = brought(pod.wishes(panel, pod.Params()), panel)
    moves = int((np.abs(now - before)[1_000:] > 2e-5).sum())
    assert fills[0.1].height < 0.75 * fills[0.0].height
    # Costs, of which the pod knows nothing, move the capital a little: lots in a thousand.
    assert fills[0.1].filter(fills[0.1].get_column("lots").abs() > 5).height <= moves
