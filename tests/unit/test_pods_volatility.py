"""The VIX as a signal, and the pod that carries it."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose

from podshop.adapters.sources import store as source
from podshop.adapters.stores.market import MarketStore
from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.domain.money import F64
from podshop.domain.pod import Pod
from podshop.market.alternative import volatility
from podshop.market.panel import from_arrays, with_signals
from podshop.pods import vix_carry
from podshop.research.cards import check_pod
from podshop.simulator import simulate

QUICK: dict[str, Any] = {"level_days": 20, "volatility_days": 20, "jump_days": 3, "calm_days": 4}


def indices(days: list[dt.date], close: list[float], index: str = "VIX") -> pl.DataFrame:
    return pl.DataFrame({"index": [index] * len(days), "date": days, "close": close})


def sessions(count: int) -> np.ndarray:
    every = np.arange(np.datetime64("2019-01-02"), np.datetime64("2019-01-02") + 2 * count + 10)
    return every[np.is_busday(every)][:count]


def panel_with(vix: F64, calm: float = 0.004, **others: F64) -> Panel:
    """A calm fund, a wild one, a fund long of volatility, and these levels."""
    rng = np.random.default_rng(1)
    returns = rng.normal(0.0, 1.0, (len(vix), 3)) * np.array([calm, 0.03, 0.04])
    close = 100.0 * np.cumprod(1.0 + returns, axis=0)
    panel = from_arrays(sessions(len(vix)), ["FUND", "WILD", "VOL"], close)
    levels = {"vix": vix} | others
    return with_signals(panel, {k: np.repeat(x[:, None], 3, axis=1) for k, x in levels.items()})


def test_a_level_told_after_the_close_counts_from_the_next_session() -> None:
    days = [dt.date(2024, 1, d) for d in (2, 3, 4, 5)]
    rows = indices(days[:3], [13.0, 14.0, 15.0])
    made = volatility.signals(rows, np.array(days, dtype="datetime64[D]"), 2)
    assert made.keys() == {"vix"}
    assert_allclose(made["vix"], np.array([[np.nan] * 2, [13.0] * 2, [14.0] * 2, [15.0] * 2]))


def test_a_level_is_carried_for_a_week_and_then_unknown() -> None:
    days = sessions(12)
    rows = indices([days[0].item()], [13.0])
    vix_t = volatility.signals(rows, days, 1)["vix"][:, 0]
    known = np.flatnonzero(~np.isnan(vix_t)).tolist()
    assert known == [1, 2, 3, 4, 5, 6]


def test_indices_that_are_not_of_volatility_are_no_signals() -> None:
    rows = indices([dt.date(2024, 1, 2)], [4700.0], "SPX")
    assert volatility.signals(rows, sessions(3), 2) == {}


def test_a_store_with_the_vix_has_it_as_a_signal(tmp_path: Path) -> None:
    days = [dt.date(2024, 1, d) for d in (2, 3, 4)]
    store = MarketStore(tmp_path)
    bars = [{"security_id": "S1", "symbol": "HAL", "date": d, "close": 10.0} for d in days]
    with store.writing() as writer:
        writer.put("bars", pl.DataFrame(bars))
        writer.put("indices", indices(days, [13.0, 14.0, 15.0]))
        writer.put("indices", indices(days, [15.0, 15.5, 16.0], "VIX3M"))
        writer.commit()
    panel = source.load(tmp_path)
    assert_allclose(panel.signal("vix")[:, 0], [np.nan, 13.0, 14.0])
    assert_allclose(panel.signal("vix3m")[:, 0], [np.nan, 15.0, 15.5])


def futures(day: dt.date, *settles: tuple[int, float]) -> pl.DataFrame:
    """Settlements of one day by calendar days to expiry."""
    return pl.DataFrame(
        {
            "root": ["VX"] * len(settles),
            "expiry": [day + dt.timedelta(days=ahead) for ahead, _ in settles],
            "date": [day] * len(settles),
            "settle": [settle for _, settle in settles],
        }
    )


@pytest.mark.parametrize(
    ("settles", "level"),
    [
        (((10, 20.0), (40, 23.0), (70, 25.0)), 22.0),  # two thirds of the way from 20 to 23
        (((2, 18.0), (30, 20.0), (65, 30.0)), 20.0),
        (((35, 21.0), (63, 24.0)), 21.0),  # the first one expires later
        (((0, 99.0), (20, 20.0), (50, 26.0)), 22.0),  # what expires today is none
    ],
)
def test_futures_are_told_at_thirty_days(
    settles: tuple[tuple[int, float], ...], level: float
) -> None:
    told = volatility.constant_maturity(futures(dt.date(2024, 1, 3), *settles))
    assert told.get_column("close").to_list() == pytest.approx([level])


def test_a_curve_that_ends_before_thirty_days_has_no_level() -> None:
    assert volatility.constant_maturity(futures(dt.date(2024, 1, 3), (5, 20.0))).is_empty()


def test_other_futures_are_not_the_vix() -> None:
    rows = futures(dt.date(2024, 1, 3), (10, 20.0), (40, 23.0)).with_columns(root=pl.lit("CL"))
    assert volatility.constant_maturity(rows).is_empty()


def test_a_simulated_store_is_carried_on_its_futures(tmp_path: Path) -> None:
    world = simulate(30, 2, seed=5)
    store = MarketStore(tmp_path)
    with store.writing() as writer:
        for name, rows in world.tables.items():
            writer.put(name, rows)
        writer.commit()
    panel = source.load(tmp_path)
    vix, vx = panel.signal("vix")[:, 0], panel.signal("vx")[:, 0]
    assert np.isfinite(vix[1:]).all()
    assert np.isfinite(vx[1:]).all()
    p = vix_carry.Params(curve="vx")
    wishes = vix_carry.wishes(panel, p)
    out = (wishes == 0.0).all(axis=1)
    assert out[1:][vx[1:] < vix[1:]].all(), "backwardation is no time to be in"
    assert (~out).sum() > 50
    pod = Pod("carry", "vix_carry", p, vix_carry.wishes, vix_carry.lookback(p), "change", 1.0, {})
    check_pod(pod, panel, seed=1)


def test_it_holds_in_contango_and_is_out_in_backwardation() -> None:
    vix, later = np.full(60, 15.0), np.full(60, 18.0)
    later[50:] = 14.0
    p = vix_carry.Params(curve="vix3m", hold=("FUND",), **QUICK)
    wishes = vix_carry.wishes(panel_with(vix, vix3m=later), p)
    assert (wishes[20:50, 0] > 0.9).all()  # calm: the target allows the whole gross
    assert (wishes[50:] == 0.0).all()
    assert (wishes[:, 1:] == 0.0).all()


def test_half_of_the_slope_is_half_of_the_position() -> None:
    vix = np.full(60, 20.0)
    p = vix_carry.Params(curve="vix3m", hold=("FUND",), full=0.1, **QUICK)
    wishes = vix_carry.wishes(panel_with(vix, vix3m=np.full(60, 21.01)), p)
    assert_allclose(wishes[30:, 0], 0.5, atol=1e-5)


def test_its_own_mean_stands_in_for_the_curve() -> None:
    vix = np.full(60, 20.0)
    vix[40:50], vix[50:] = 15.0, 24.0
    p = vix_carry.Params(hold=("FUND",), jump=0.9, **QUICK)
    wishes = vix_carry.wishes(panel_with(vix), p)
    assert (wishes[30:40] == 0.0).all()  # at its mean there is no slope
    assert (wishes[40:45, 0] > 0.9).all()
    assert (wishes[50:] == 0.0).all()


def test_after_a_jump_it_stays_out_for_its_days_whatever_the_curve_says() -> None:
    vix, later = np.full(60, 12.0), np.full(60, 40.0)
    vix[40] = 17.0
    p = vix_carry.Params(curve="vix3m", hold=("FUND",), **QUICK)
    out = vix_carry.wishes(panel_with(vix, vix3m=later), p)[:, 0] == 0.0
    assert np.flatnonzero(out[20:]).tolist() == [20, 21, 22, 23]


def test_what_is_wild_is_held_in_its_target_volatility() -> None:
    vix = np.full(400, 15.0)
    p = vix_carry.Params(curve="vix3m", hold=("WILD",), volatility_days=250, volatility=0.1)
    weight = vix_carry.wishes(panel_with(vix, vix3m=vix * 1.5), p)[-1, 1]
    assert weight == pytest.approx(0.2, abs=1e-5)  # 10 % over about 47 %, cut to whole tenths


def test_what_is_long_of_volatility_is_sold() -> None:
    vix = np.full(60, 15.0)
    p = vix_carry.Params(curve="vix3m", short=("VOL",), volatility=0.5, **QUICK)
    wishes = vix_carry.wishes(panel_with(vix, vix3m=vix * 1.5), p)
    assert (wishes[30:, 2] < -0.3).all()
    assert (wishes[:, :2] == 0.0).all()


def test_without_symbols_all_names_are_held_in_equal_weights() -> None:
    vix = np.full(60, 15.0)
    p = vix_carry.Params(curve="vix3m", volatility=1.0, **QUICK)
    wishes = vix_carry.wishes(panel_with(vix, vix3m=vix * 1.5), p)
    assert_allclose(wishes[30:], 1.0 / 3.0, atol=1e-5)


def test_an_unknown_level_is_no_position() -> None:
    vix = np.full(60, 15.0)
    vix[45] = np.nan
    p = vix_carry.Params(curve="vix3m", hold=("FUND",), **QUICK)
    wishes = vix_carry.wishes(panel_with(vix, vix3m=np.full(60, 20.0)), p)
    assert (wishes[45] == 0.0).all()
    assert wishes[46, 0] > 0.0


def test_what_is_missing_is_named_with_a_remedy() -> None:
    panel = panel_with(np.full(30, 15.0))
    with pytest.raises(DataError, match=r'no signal "vix3m" .it has: vix.*\n.*data sync'):
        vix_carry.wishes(panel, vix_carry.Params(curve="vix3m"))
    with pytest.raises(DataError, match=r"no prices of SVXY.*\n.*correct hold"):
        vix_carry.wishes(panel, vix_carry.Params(hold=("SVXY",)))
    bare = from_arrays(panel.days, panel.assets.symbols, panel.close)
    with pytest.raises(DataError, match='no signal "vix"'):
        vix_carry.wishes(bare, vix_carry.Params())


def test_a_symbol_cannot_be_held_and_sold() -> None:
    with pytest.raises(ValueError, match="different symbols"):
        vix_carry.Params(hold=("VOL",), short=("VOL",))
