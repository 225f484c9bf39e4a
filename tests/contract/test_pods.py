"""The cards, played on every file in `podshop.pods`, and on pods that deserve to fail them."""

import dataclasses
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from podshop import pods
from podshop.adapters.sources import embedded
from podshop.domain.error import PodError
from podshop.domain.market import Panel
from podshop.domain.money import F64
from podshop.domain.pod import Pod
from podshop.domain.rules import periods
from podshop.market.panel import from_arrays, with_signals
from podshop.research.cards import check_pod, scramble

NAMES = sorted(module.name for module in pkgutil.iter_modules(pods.__path__))
EXPECTED = {"momentum", "neutral", "pairs", "reversion", "sentiment", "smart_money", "trend"}
EXPECTED |= {"learned", "managed_futures", "vix_carry", "relative_value", "composite"}
EXPECTED |= {"discretionary", "given"}
FED = ("macro", "macro.loss", "macro.stop", "weights")
every_pod = pytest.mark.parametrize("module", NAMES, indirect=True)

# Parameters to play with, where a pod's own would need a longer market than the made-up one.
SMALLER: dict[str, dict[str, Any]] = {
    "learned": {"train_days": 252, "step_days": 9, "horizon_days": 5, "trees": 20, "ridge": 1.0}
}


def small(module: ModuleType) -> Any:
    return module.Params(**SMALLER.get(module.__name__.rpartition(".")[2], {}))


def made_up(seed: int, days: int = 760, names: int = 40, bars: bool = True) -> Panel:
    """A market with sectors, trends, holes, splits, dividends, late listings and departures."""
    rng = np.random.default_rng(seed)
    shape = (days, names)
    sector = np.arange(names) % 6
    common = rng.normal(0.0003, 0.01, (days, 1)) * rng.uniform(0.5, 1.5, names)
    apart = rng.normal(0.0, 0.006, (days, 6))[:, sector] + rng.normal(0.0, 0.012, shape)
    split = np.where(rng.random(shape) < 0.001, rng.choice([0.5, 2.0, 3.0], shape), 1.0)
    close = 40.0 * np.exp(np.cumsum(common + apart, axis=0)) / np.cumprod(split, axis=0)
    close[rng.random(shape) < 0.004] = np.nan
    for n in range(names - 6, names - 3):  # listed late
        close[: int(rng.integers(20, days // 2)), n] = np.nan
    for n in range(names - 3, names):  # gone for good
        close[int(rng.integers(days // 2, days - 5)) :, n] = np.nan
    close[300:340, 3] = np.nan  # a long halt
    close[400:460, 4] = 17.0  # a price that stands still
    split[460, 4] = 1.0
    edge = close * rng.uniform(1.0, 1.02, shape), close * rng.uniform(0.98, 1.0, shape)
    every = np.arange(np.datetime64("2015-01-01"), np.datetime64("2015-01-01") + 2 * days)
    panel = from_arrays(
        every[np.is_busday(every)][:days],
        [f"N{n:02d}" for n in range(names)],
        close,
        close * rng.uniform(0.99, 1.01, shape) if bars else None,
        high=edge[0] if bars else None,
        low=edge[1] if bars else None,
        dividend=np.where(rng.random(shape) < 0.004, 0.3, 0.0),
        split=split,
        sectors=[f"sector {s}" if s else "" for s in sector],
    )
    return signalled(panel, seed)


def signalled(panel: Panel, seed: int) -> Panel:
    """The panel with signals that are missing here and there, and before a name's first year."""
    rng = np.random.default_rng(seed)
    made = {}
    for name in ("sentiment", "smart_money", "earnings_landmine"):
        values = rng.uniform(-1.0, 1.0, panel.close.shape)
        values[rng.random(values.shape) < 0.3] = np.nan
        made[name] = values
    shocks = rng.normal(0.0, 0.06, len(panel))
    shocks[rng.random(len(panel)) < 0.01] += 0.5
    level = np.zeros(len(panel))
    for t in range(1, len(panel)):
        level[t] = 0.95 * level[t - 1] + shocks[t]
    level[rng.random(len(panel)) < 0.01] = np.nan
    made["vix"] = np.repeat(18.0 * np.exp(level)[:, None], panel.close.shape[1], axis=1)
    for name in FED:
        values = rng.uniform(-1.0, 1.0, panel.close.shape)
        values[rng.random(values.shape) < 0.3] = np.nan
        made[name] = values
    return with_signals(panel, made)


@pytest.fixture(scope="module")
def module(request: pytest.FixtureRequest) -> ModuleType:
    return import_module(f"podshop.pods.{request.param}")


@pytest.fixture(scope="module")
def market() -> Panel:
    return made_up(7)


@pytest.fixture(scope="module")
def large_caps() -> Panel:
    return signalled(embedded.load(), 3)


def hire(module: ModuleType, params: Any = None) -> Pod:
    p = small(module) if params is None else params
    name = module.__name__.rpartition(".")[2]
    return Pod(
        name, name, p, module.wishes, module.lookback(p), module.WHEN, float(module.gross(p)), {}
    )


def rows_to_try(panel: Panel, wishes: F64, lookback: int, seed: int) -> Iterator[int]:
    """The last row, the first rows that can have a wish, and some random ones that have."""
    yield len(panel) - 1
    yield from (t for t in (0, lookback - 1, lookback) if t < len(panel))
    spoken = np.flatnonzero((wishes != 0.0).any(axis=1))
    yield from np.random.default_rng(seed).choice(spoken, 8)


def test_the_shop_has_its_five_pods() -> None:
    assert set(NAMES) >= EXPECTED


@every_pod
def test_a_pod_states_who_it_is(module: ModuleType) -> None:
    p = module.Params()
    assert dataclasses.is_dataclass(p)
    assert hash(p) == hash(module.Params())
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(p, dataclasses.fields(p)[0].name, 1)
    assert module.FIELDS
    plain = {name for name in module.FIELDS if not name.startswith("signals.")}
    assert plain <= {field.name for field in dataclasses.fields(Panel)}
    assert module.WHEN in ("daily", "change", "week", "month")
    assert isinstance(module.lookback(p), int)
    assert module.lookback(p) >= 1
    assert 0.0 < module.gross(p) < 10.0
    for field in dataclasses.fields(p):
        assert f"{field.name}:" in module.Params.__doc__, "say what it is, and its unit"


@every_pod
def test_a_pod_refuses_parameters_without_sense(module: ModuleType) -> None:
    for field in dataclasses.fields(module.Params):
        if isinstance(field.default, bool):
            continue  # either makes sense
        if isinstance(field.default, tuple):
            wrong: Any = () if field.default else ("",)
        else:
            wrong = type(field.default)(-1)
        with pytest.raises(ValueError, match=field.name):
            module.Params(**{field.name: wrong})


@every_pod
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("bars", [True, False], ids=["bars", "closes"])
def test_a_pod_passes_its_cards_on_made_up_markets(
    module: ModuleType, seed: int, bars: bool
) -> None:
    check_pod(hire(module), made_up(seed, bars=bars), seed=seed, samples=4)


@pytest.mark.slow
@every_pod
def test_a_pod_passes_its_cards_on_real_prices(module: ModuleType, large_caps: Panel) -> None:
    check_pod(hire(module), large_caps, seed=1, samples=10)


@every_pod
def test_nothing_later_reaches_a_row_and_nothing_before_its_lookback(
    module: ModuleType, market: Panel
) -> None:
    # As the cards, but on all 64 bits and over the whole market.
    p = small(module)
    whole, lookback = module.wishes(market, p), module.lookback(p)
    rng = np.random.default_rng(5)
    for t in rows_to_try(market, whole, lookback, seed=11):
        cut = module.wishes(market.rows(0, t + 1), p)
        assert cut[t].tobytes() == whole[t].tobytes()
        short = module.wishes(market.rows(max(0, t + 1 - lookback), t + 1), p)
        assert short[-1].tobytes() == whole[t].tobytes()
        other = module.wishes(scramble(market, t, rng), p)
        assert other[: t + 1].tobytes() == whole[: t + 1].tobytes()


@every_pod
def test_wishes_are_numbers_within_the_gross_for_what_has_a_price(
    module: ModuleType, market: Panel, large_caps: Panel
) -> None:
    p = small(module)
    for panel in (market, large_caps):
        wishes = module.wishes(panel, p)
        assert wishes.dtype == np.float64
        assert wishes.shape == panel.close.shape
        assert np.isfinite(wishes).all()
        assert (wishes[np.isnan(panel.close)] == 0.0).all()
        assert np.abs(wishes).sum(axis=1).max() <= module.gross(p)  # exact: no tolerance
        assert (wishes * 2**20 == np.rint(wishes * 2**20)).all()
        assert (wishes[-200:] != 0.0).any(), "it has something to say"
        assert module.wishes(panel, p).tobytes() == wishes.tobytes()


@every_pod
def test_rows_that_are_asked_for_are_the_rows_of_the_whole(
    module: ModuleType, market: Panel
) -> None:
    if "days" not in module.wishes.__annotations__:
        pytest.skip("it always answers for all rows")
    number = periods("week", market.days)
    days = np.concatenate(([True], number[1:] != number[:-1]))
    p = small(module)
    some, whole = module.wishes(market, p, days), module.wishes(market, p)
    asked = some if len(some) < len(days) else some[days]  # it may leave the others out
    assert asked.tobytes() == whole[days].tobytes()
    if len(some) == len(days):
        assert (some[~days] == 0.0).all()


@every_pod
def test_a_market_too_young_or_empty_gets_no_wish(module: ModuleType, market: Panel) -> None:
    p = small(module)
    if module.lookback(p) > 10:
        assert (module.wishes(market.rows(0, 10), p) == 0.0).all()
    shape = (400, 3)
    empty = from_arrays(market.days[:400], ["A", "B", "C"], np.full(shape, np.nan))
    empty = signalled(empty, 1)
    assert (module.wishes(empty, p) == 0.0).all()


# --- what each pod promises -----------------------------------------------------------------------


def test_momentum_holds_the_best_by_the_rule(large_caps: Panel) -> None:
    from podshop.pods import momentum

    p = momentum.Params()
    wishes = momentum.wishes(large_caps, p)
    t = 5000
    index = large_caps.index
    score = (index[t] / index[t - 252] - 1.0) - (index[t] / index[t - 21] - 1.0)
    assert set(np.flatnonzero(wishes[t])) == set(np.argsort(score)[-5:])
    np.testing.assert_allclose(wishes[t][wishes[t] != 0.0], 0.2, atol=1e-6)


def test_neutral_bets_on_no_sector_and_no_market(market: Panel, large_caps: Panel) -> None:
    from podshop.factors import cross_section, window
    from podshop.pods import neutral

    for panel in (market, large_caps):
        p = neutral.Params()
        wishes = neutral.wishes(panel, p)
        returns = panel.returns
        beta = window.rolling_beta(returns, cross_section.mean(returns), 252, 202)
        assert np.abs(np.nansum(wishes * beta, axis=1)).max() <= 0.1
        sector_n = np.array(panel.assets.sector_ids())
        for s in range(sector_n.max() + 1):
            assert np.abs(wishes[:, sector_n == s].sum(axis=1)).max() < 1e-4
        assert np.abs(wishes[400:]).sum(axis=1).min() > 0.999


def test_pairs_hold_as_much_as_they_owe_in_every_sector(market: Panel) -> None:
    from podshop.pods import pairs

    wishes = pairs.wishes(market, pairs.Params())
    sector_n = np.array(market.assets.sector_ids())
    for s in range(sector_n.max() + 1):
        assert np.abs(wishes[:, sector_n == s].sum(axis=1)).max() < 1e-4


def test_reversion_buys_dips_of_rising_names_only() -> None:
    from podshop.pods import reversion

    p = reversion.Params(trend_days=20)
    rise = 100.0 * 1.01 ** np.arange(60.0)
    dipped = rise.copy()
    dipped[57:] = rise[56] * np.array([0.99, 0.98, 0.97])
    fall = 100.0 * 0.99 ** np.arange(60.0)
    days = np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-01-01") + 60)
    panel = from_arrays(days, ["RISE", "DIP", "FALL"], np.column_stack([rise, dipped, fall]))
    assert (reversion.wishes(panel, p)[-1] != 0.0).tolist() == [False, True, False]
    rsi = reversion.relative_strength(np.array([[np.nan], [0.03], [-0.01], [0.0], [0.0]]), 2)
    np.testing.assert_allclose(rsi[:, 0], [np.nan, np.nan, 75.0, 0.0, 50.0])


def test_reversion_waits_for_a_weak_close_where_there_are_bars() -> None:
    from podshop.pods import reversion

    p = reversion.Params(trend_days=20)
    close = (100.0 * 1.01 ** np.arange(60.0))[:, None]
    close[57:, 0] = close[56, 0] * np.array([0.99, 0.98, 0.97])
    days = np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-01-01") + 60)
    weak = from_arrays(days, ["A"], close, high=close * 1.02, low=close * 0.999)
    strong = from_arrays(days, ["A"], close, high=close * 1.001, low=close * 0.98)
    assert reversion.wishes(weak, p)[-1, 0] > 0.0
    assert reversion.wishes(strong, p)[-1, 0] == 0.0


def test_trend_goes_with_the_trend() -> None:
    from podshop.pods import trend

    rng = np.random.default_rng(0)
    drift = np.array([0.003, -0.003])
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.005, (500, 2)) + drift, axis=0))
    days = np.arange(np.datetime64("2022-01-01"), np.datetime64("2022-01-01") + 500)
    wishes = trend.wishes(from_arrays(days, ["UP", "DOWN"], close), trend.Params())
    assert (wishes[400:, 0] > 0.0).all()
    assert (wishes[400:, 1] < 0.0).all()


# --- pods that deserve to fail --------------------------------------------------------------------


def rogue(wishes: Callable[[Panel, Any], F64], lookback: int = 2, gross: float = 1.0) -> Pod:
    return Pod("rogue", "own.rogue", None, wishes, lookback, "daily", gross, {})


def equal(panel: Panel, p: Any) -> F64:
    priced = ~np.isnan(panel.close)
    return np.where(priced, 0.5 / panel.close.shape[1], 0.0)


def sees_tomorrow(panel: Panel, p: Any) -> F64:
    tomorrow = np.vstack([panel.returns[1:], np.zeros((1, panel.close.shape[1]))])
    return np.where(tomorrow > 0.0, equal(panel, p), 0.0)


def sees_next_quarter(panel: Panel, p: Any) -> F64:
    later = np.minimum(np.arange(len(panel)) + 63, len(panel) - 1)
    return np.where(panel.index[later] > panel.index, equal(panel, p), 0.0)


def knows_the_average(panel: Panel, p: Any) -> F64:
    low = panel.returns < np.nan_to_num(panel.returns).mean(axis=0)
    return np.where(low, equal(panel, p), 0.0)


def remembers_everything(panel: Panel, p: Any) -> F64:
    known = np.nancumsum(np.nan_to_num(panel.returns), axis=0)
    return np.where(known > 0.0, equal(panel, p), 0.0)


def needs_company(panel: Panel, p: Any) -> F64:
    if len(panel) < 50:
        raise IndexError("not enough rows")
    return equal(panel, p)


def counts_days(panel: Panel, p: Any) -> F64:
    every_third = np.arange(len(panel)) % 3 == 0
    return np.where(every_third[:, None], equal(panel, p), 0.0)


def greedy(panel: Panel, p: Any) -> F64:
    return equal(panel, p) * 2.62


def undecided(panel: Panel, p: Any) -> F64:
    wishes = equal(panel, p)
    wishes[200, 3] = np.nan
    return wishes


def wants_the_unpriced(panel: Panel, p: Any) -> F64:
    return np.full(panel.close.shape, 0.01)


def throws(panel: Panel, p: Any) -> F64:
    raise KeyError("earnings")


def rewrites_history(panel: Panel, p: Any) -> F64:
    panel.close[0, 0] = 1.0
    return equal(panel, p)


def gives_a_list(panel: Panel, p: Any) -> F64:
    return equal(panel, p)[:-1]


def throws_dice() -> Callable[[Panel, Any], F64]:
    rng = np.random.default_rng(0)
    return lambda panel, p: equal(panel, p) * rng.uniform(0.5, 1.0, panel.close.shape)


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        (sees_tomorrow, "looks ahead"),
        (sees_next_quarter, "looks ahead"),
        (knows_the_average, "looks ahead"),
        (remembers_everything, "needs more history than its lookback"),
        (needs_company, "needs more history than its lookback.*not enough rows"),
        (counts_days, "needs more history than its lookback"),
        (greedy, r"gross of 1\.\d+ .* more than the 1 it declares"),
        (undecided, "nan of N03"),
        (wants_the_unpriced, "when it has no price"),
        (throws, "threw KeyError: 'earnings'"),
        (rewrites_history, "threw ValueError: assignment destination is read-only"),
        (gives_a_list, "shape"),
        (throws_dice(), "does not say the same twice"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("seed", range(3))
def test_a_rogue_is_caught_and_named(
    wishes: Callable[[Panel, Any], F64], words: str, seed: int, market: Panel
) -> None:
    with pytest.raises(PodError, match=words) as caught:
        check_pod(rogue(wishes), market, seed=seed)
    assert "'rogue'" in str(caught.value)


def test_scrambling_keeps_the_past_and_nothing_else(market: Panel) -> None:
    t = 500
    other = scramble(market, t, np.random.default_rng(2))
    plain = {
        f.name: (getattr(market, f.name), getattr(other, f.name)) for f in dataclasses.fields(Panel)
    }
    signals, changed = plain.pop("signals")
    assert signals.keys() == changed.keys()
    told = {name: (signals[name], changed[name]) for name in signals}
    for name, (true, made) in (plain | told).items():
        if name in ("days", "assets", "gone_days", "opens", "source"):
            assert made is true
        else:
            np.testing.assert_array_equal(made[: t + 1], true[: t + 1])
            assert not (made[t + 1 :] == true[t + 1 :]).any()
            assert not made.flags.writeable


def test_an_honest_pod_passes(market: Panel) -> None:
    check_pod(rogue(equal, lookback=1), market, seed=0, samples=20)


def test_a_complaint_names_day_and_symbol(market: Panel) -> None:
    with pytest.raises(PodError, match=r"on 20\d\d-\d\d-\d\d it wishes for .* of N\d\d"):
        check_pod(rogue(sees_tomorrow), market, seed=0)


def test_a_cheat_among_the_real_pods_would_be_caught(large_caps: Panel) -> None:
    from podshop.pods import momentum

    def early(panel: Panel, p: momentum.Params) -> F64:
        return np.roll(momentum.wishes(panel, p), -1, axis=0)

    p = momentum.Params()
    cheat = Pod("early", "momentum", p, early, momentum.lookback(p), "month", 1.0, {})
    with pytest.raises(PodError, match="looks ahead"):
        check_pod(cheat, large_caps, seed=3)
    hasty = Pod("hasty", "momentum", p, momentum.wishes, 252, "month", 1.0, {})
    with pytest.raises(PodError, match="needs more history"):
        check_pod(hasty, large_caps, seed=3)
