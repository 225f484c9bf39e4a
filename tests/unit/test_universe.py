"""Who is in the universe on a day, and that the future has no say in it."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from tests.prices import weekdays

from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.market.panel import from_arrays
from podshop.market.universe import (
    REASONS,
    Params,
    jumps,
    listed,
    members,
    preprocess,
    screen,
)

T = 900
SHORT = Params(history_sessions=100, lookback_days=200)


def panel_of(close: np.ndarray, volume: np.ndarray | float = 1e6, **more: np.ndarray) -> Panel:
    sessions, names = close.shape
    lots = np.broadcast_to(np.asarray(volume, dtype=float), close.shape)
    symbols = [f"N{n}" for n in range(names)]
    return from_arrays(weekdays(sessions), symbols, close, volume=lots, **more)


def quiet(names: int = 3, sessions: int = T, daily: float = 0.01, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 50.0 * np.exp(np.cumsum(rng.normal(0.0, daily, (sessions, names)), axis=0))


def reasons(reason_tn: np.ndarray, n: int = 0) -> set[str]:
    return {REASONS[code] for code in np.unique(reason_tn[:, n])}


def test_a_name_is_in_from_its_504th_session_on() -> None:
    member_tn = preprocess(panel_of(quiet())).member_tn
    assert not member_tn[:503].any()
    assert member_tn[503:].all()


def test_a_name_with_a_missing_session_is_out_until_the_gap_is_behind_the_window() -> None:
    close = quiet()
    close[300, 0] = np.nan
    told = preprocess(panel_of(close), SHORT)
    (out,) = np.nonzero(~told.member_tn[100:, 0])
    assert out.tolist() == list(range(200, 300))  # sessions 300..399: the gap is one of 100
    assert told.member_tn[100:, 1].all()
    rows = told.dropped().filter((pl.col("symbol") == "N0") & pl.col("reason").str.contains("miss"))
    assert rows["sessions"].to_list() == [99]
    assert rows["first"].to_list() == [weekdays(302)[301].astype(object)]


def test_a_bad_tick_drops_a_name_from_the_day_it_is_taken_back() -> None:
    close = quiet()
    close[300, 0] *= 0.3
    told = preprocess(panel_of(close), SHORT)
    assert told.member_tn[300, 0]  # nobody can tell it from a crash yet
    assert not told.member_tn[301:400, 0].any()
    assert told.member_tn[400:, 0].all()  # the tick is 100 sessions old, out of the window
    found = jumps(panel_of(close), SHORT)
    assert found["bad"].to_list() == [True, False]  # the tick; its return is no tick of its own
    assert found["date"][0] == weekdays(301)[300].astype(object)


def test_a_crash_that_stays_survives_with_or_without_volume() -> None:
    close = quiet()
    close[300:, 0] *= 0.3
    assert preprocess(panel_of(close), SHORT).member_tn[100:].all()
    assert jumps(panel_of(close), SHORT)["bad"].to_list() == [False]


def test_a_fall_on_news_that_is_taken_back_survives() -> None:
    close, volume = quiet(), np.full((T, 3), 1e6)
    close[300, 0] *= 0.3
    volume[300, 0] = 2e7
    assert preprocess(panel_of(close, volume), SHORT).member_tn[100:].all()
    assert jumps(panel_of(close, volume), SHORT)["explained"].to_list()[0]


def test_a_name_that_hardly_trades_is_out_and_unknown_volume_is_no_evidence() -> None:
    volume = np.full((T, 3), 1e6)
    volume[::10, 0] = 0.0
    volume[::50, 1] = 0.0
    volume[:, 2] = np.nan
    member_tn = preprocess(panel_of(quiet(), volume), SHORT).member_tn
    assert not member_tn[:, 0].any()
    assert member_tn[100:, 1:].all()


def test_the_screen_says_which_threshold_a_name_failed() -> None:
    close = np.column_stack([quiet(3), quiet(1) * 0.05, quiet(1, daily=0.03)])
    volume = np.broadcast_to([1e6, 90_000.0, np.nan, 1e6, 1e6], (T, 5))
    told = screen(panel_of(close, volume), SHORT)
    last = [REASONS[code] for code in told.reason_tn[-1]]
    low = "average volume too low"
    assert last == ["in", low, low, "average price too low", "volatility too high"]


def test_the_screen_keeps_the_largest_by_volume() -> None:
    volume = np.broadcast_to([3e5, 5e5, 4e5], (T, 3))
    two = Params(lookback_days=200, top=2)
    assert screen(panel_of(quiet(), volume), two).member_tn[-1].tolist() == [False, True, True]
    among = np.broadcast_to([True, True, False], (T, 3))
    told = screen(panel_of(quiet(), volume), two, among)
    assert told.member_tn[-1].tolist() == [True, True, False]


def test_volatility_is_the_deviation_of_the_lookbacks_returns() -> None:
    close = quiet(1, daily=0.012)
    panel = panel_of(close)
    t = T - 1
    window = panel.days > panel.days[t] - np.timedelta64(730, "D")
    window[t + 1 :] = False
    yearly = float(np.std(panel.returns[window, 0]) * np.sqrt(252))
    for most, told in ((yearly * 1.0001, True), (yearly * 0.9999, False)):
        assert screen(panel, Params(volatility_most=most)).member_tn[t, 0] == told


@pytest.mark.parametrize("ratio", [2.0, 0.1])
def test_a_split_changes_nobodys_membership(ratio: float) -> None:
    close, volume = quiet(), np.full((T, 3), 4e5)
    split = np.ones((T, 3))
    split[500, 1] = ratio
    cut, more = close.copy(), volume.copy()
    cut[500:, 1] /= ratio
    more[500:, 1] *= ratio
    # Thresholds just on the sides that raw averages would cross.
    near = Params(lookback_days=200, volume_least=0.0, price_least=0.0, top=3)
    before = screen(panel_of(close, volume), near)
    after = screen(panel_of(cut, more, split=split), near)
    np.testing.assert_array_equal(after.reason_tn, before.reason_tn)
    panel = panel_of(cut, more, split=split)
    lots = 4e5 * ratio
    for least, told in ((lots * 0.999, True), (lots * 1.001, False)):
        bound = Params(lookback_days=200, volume_least=least)
        assert screen(panel, bound).member_tn[501, 1] == told


def test_a_name_that_leaves_is_listed_until_it_is_known_to_be_gone() -> None:
    close = quiet()
    close[:50, 1] = np.nan
    close[400:, 0] = np.nan
    panel = panel_of(close)
    listed_tn = listed(panel)
    assert listed_tn[: 399 + panel.gone_days, 0].all()
    assert not listed_tn[399 + panel.gone_days :, 0].any()
    assert listed_tn[:, 1].tolist() == [False] * 50 + [True] * (T - 50)
    assert preprocess(panel, SHORT).member_tn[399, 0]
    assert "no price in the session" in reasons(preprocess(panel, SHORT).reason_tn)


def stays(*rows: tuple[str, str, str | None]) -> pl.DataFrame:
    names = ("ticker", "start_date", "end_date")
    table = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return table.with_columns(pl.col("start_date", "end_date").str.to_date())


def test_members_are_in_from_their_first_day_until_the_day_they_leave() -> None:
    days = weekdays(10)  # 2010-01-04 .. 2010-01-15
    table = stays(
        ("A", "1990-01-01", "2010-01-06"),
        ("A", "2010-01-12", None),
        ("B", "2010-01-09", "2010-01-13"),
        ("ELSE", "1990-01-01", None),
    )
    member_tn = members(table, days, ["A", "B", "UNKNOWN"])
    assert member_tn[:, 0].tolist() == [True] * 2 + [False] * 4 + [True] * 4
    assert member_tn[:, 1].tolist() == [False] * 5 + [True] * 2 + [False] * 3
    assert not member_tn[:, 2].any()


def test_a_list_of_members_that_cannot_be_is_refused() -> None:
    with pytest.raises(DataError, match="no column end_date"):
        members(stays().drop("end_date"), weekdays(3), ["A"])
    with pytest.raises(DataError, match="A stays from 2010-01-06 to 2010-01-05"):
        members(stays(("A", "2010-01-06", "2010-01-05")), weekdays(3), ["A"])
    assert stays(("A", "2010-01-06", None))["start_date"][0] == dt.date(2010, 1, 6)
