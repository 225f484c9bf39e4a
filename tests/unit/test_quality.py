"""The quality gate: each check finds what is planted, and says nothing of clean data."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from tests import prices
from tests.prices import action, at, change, inputs, made_up, split_unrecorded, weekdays

from podshop.market.quality.gate import Inputs, gate


def found(given: Inputs, check: str) -> list[tuple[str, dt.date, str]]:
    rows = gate(given).filter(pl.col("check") == check)
    return rows.select("symbol", "date", "severity").rows()


def day(row: int) -> dt.date:
    return weekdays(row + 1)[row].astype(object)


def test_clean_data_has_no_findings() -> None:
    sessions = weekdays(200)
    told = gate(inputs(made_up(), sessions=sessions, today=sessions[-1]))
    assert told.is_empty(), told


@pytest.mark.parametrize(
    ("field", "value"),
    [("close", 0.0), ("open", -1.0), ("high", float("inf")), ("low", float("nan")), ("low", 1e6)],
)
def test_an_impossible_price_stops(field: str, value: float) -> None:
    bars = change(made_up(), at("N03", 90), **{field: value})
    assert ("N03", day(90), "stop") in found(inputs(bars), "impossible bar")
    assert len(found(inputs(bars), "impossible bar")) == 1


def test_a_negative_volume_stops_and_an_unknown_one_does_not() -> None:
    bars = change(made_up(), at("N03", 90), volume=-5.0)
    assert found(inputs(bars), "impossible bar") == [("N03", day(90), "stop")]
    unknown = made_up().with_columns(volume=pl.lit(None, dtype=pl.Float64))
    assert found(inputs(unknown), "impossible bar") == []


def test_a_missing_session_is_noted_and_a_bar_on_a_holiday_is_warned_of() -> None:
    bars = made_up()
    sessions = np.delete(weekdays(200), 50)
    gone = bars.filter(~at("N05", 80))
    told = found(inputs(gone, sessions=sessions), "calendar")
    assert ("N05", day(81), "note") in told
    assert sum(severity == "warn" for *_, severity in told) == 20  # every name, on the closed day
    assert {when for _, when, severity in told if severity == "warn"} == {day(50)}


@pytest.mark.parametrize("ratio", [2.0, 3.0, 1.5, 4 / 3, 10.0, 0.5, 0.1])
def test_a_split_that_nobody_recorded_stops(ratio: float) -> None:
    bars = split_unrecorded(made_up(), "N07", 120, ratio)
    assert found(inputs(bars), "split") == [("N07", day(120), "stop")]


@pytest.mark.parametrize("ratio", [2.0, 0.5])
def test_a_recorded_split_is_silent_and_one_that_never_was_stops(ratio: float) -> None:
    bars = split_unrecorded(made_up(), "N07", 120, ratio)
    recorded = action("N07", 120, ratio=ratio)
    assert found(inputs(bars, splits=recorded), "split") == []
    assert found(inputs(made_up(), splits=recorded), "split") == [("N07", day(120), "stop")]


def test_an_unrecorded_split_on_the_last_day_of_a_feed_stops() -> None:
    bars = split_unrecorded(made_up(), "N07", 199, 2.0)
    assert found(inputs(bars), "split") == [("N07", day(199), "stop")]


@pytest.mark.parametrize("names", [1, 3])
def test_an_unrecorded_split_stops_in_a_store_of_few_names(names: int) -> None:
    bars = split_unrecorded(made_up(names), "N00", 120, 2.0)
    assert found(inputs(bars), "split") == [("N00", day(120), "stop")]


def test_a_split_of_unknown_volume_is_only_warned_of() -> None:
    bars = split_unrecorded(made_up(), "N07", 120, 2.0)
    bars = bars.with_columns(volume=pl.lit(None, dtype=pl.Float64))
    assert found(inputs(bars), "split") == [("N07", day(120), "warn")]


def test_a_crash_to_half_on_news_is_no_split() -> None:
    bars = split_unrecorded(made_up(), "N07", 120, 2.0)
    bars = change(bars, at("N07", 120), volume=pl.col("volume") * 8.0)
    assert found(inputs(bars), "split") == []
    assert found(inputs(bars), "outlier") == [("N07", day(120), "note")]


def test_the_return_from_a_bad_tick_is_no_split() -> None:
    half = {name: pl.col(name) / 2.0 for name in ("open", "high", "low", "close")}
    bars = change(made_up(), at("N07", 120), **half)
    assert found(inputs(bars), "outlier") == [("N07", day(120), "warn"), ("N07", day(121), "note")]
    assert {
        when for _, when, severity in found(inputs(bars), "split") if severity == "stop"
    } == set()


def test_an_action_that_the_vendor_lacks_breaks_the_identity() -> None:
    bars = made_up(2)
    adjusted = bars.select("security_id", "symbol", "date", adj_close="close")
    assert found(inputs(bars, adjusted=adjusted), "identity") == []
    large = action("N01", 60, amount=2.0)
    small = action("N01", 60, amount=0.02)
    assert found(inputs(bars, adjusted=adjusted, dividends=large), "identity") == [
        ("N01", day(60), "stop")
    ]
    assert found(inputs(bars, adjusted=adjusted, dividends=small), "identity") == [
        ("N01", day(60), "warn")
    ]


@pytest.mark.parametrize(("sessions", "told"), [(4, False), (5, True), (12, True)])
def test_a_price_that_stands_still_without_trades_is_stale(sessions: int, told: bool) -> None:
    bars = made_up()
    last = float(bars.filter(at("N02", 99))["close"][0])
    run = weekdays(200)[100 : 100 + sessions]
    where = (pl.col("symbol") == "N02") & pl.col("date").is_in(run.tolist())
    bars = change(bars, where, open=last, high=last, low=last, close=last, volume=0.0)
    assert found(inputs(bars), "stale") == ([("N02", day(100), "warn")] if told else [])


def test_a_move_of_the_whole_market_is_no_outlier() -> None:
    fall = {name: pl.col(name) * 0.6 for name in ("open", "high", "low", "close")}
    after = pl.col("date") >= weekdays(121)[120]
    assert found(inputs(change(made_up(), after, **fall)), "outlier") == []
    alone = after & (pl.col("symbol") == "N04")
    assert found(inputs(change(made_up(), alone, **fall)), "outlier") == [("N04", day(120), "note")]


def test_a_dividend_of_a_sixth_of_the_price_is_odd() -> None:
    bars = made_up()
    before = float(bars.filter(at("N04", 99))["close"][0])
    odd = action("N04", 100, amount=before * 0.16)
    usual = action("N04", 100, amount=before * 0.14)
    assert found(inputs(bars, dividends=odd), "dividend") == [("N04", day(100), "warn")]
    assert found(inputs(bars, dividends=usual), "dividend") == []


def test_a_dividend_after_a_reverse_split_is_measured_in_the_same_lots() -> None:
    bars = split_unrecorded(made_up(), "N04", 100, 0.1)
    before = float(bars.filter(at("N04", 99))["close"][0])
    splits = action("N04", 100, ratio=0.1)
    # 5 % of the price: half of the last close before the split, per lot after it.
    dividends = action("N04", 100, amount=before * 0.5)
    assert found(inputs(bars, splits=splits, dividends=dividends), "dividend") == []


@pytest.mark.parametrize(
    ("ratio", "told"), [(1.5, False), (0.05, False), (7.0, False), (1.265, True)]
)
def test_a_split_in_a_ratio_that_nobody_makes_is_odd(ratio: float, told: bool) -> None:
    bars = split_unrecorded(made_up(), "N04", 100, ratio)
    splits = action("N04", 100, ratio=ratio)
    expected = [("N04", day(100), "warn")] if told else []
    assert found(inputs(bars, splits=splits), "ratio") == expected


def test_volumes_in_hundreds_from_a_day_on_are_noted_and_one_busy_day_is_not() -> None:
    unit = (pl.col("symbol") == "N06") & (pl.col("date") >= weekdays(101)[100])
    told = found(inputs(change(made_up(), unit, volume=pl.col("volume") / 100.0)), "volume")
    assert [(symbol, severity) for symbol, _, severity in told] == [("N06", "note")]
    assert abs((told[0][1] - day(100)).days) <= 7
    busy = change(made_up(), at("N06", 100), volume=pl.col("volume") * 100.0)
    assert found(inputs(busy), "volume") == []


def test_a_day_that_is_there_twice_stops() -> None:
    bars = made_up()
    twice = pl.concat([bars, change(bars.filter(at("N01", 20)), pl.lit(value=True), close=1.0)])
    assert found(inputs(twice), "duplicate") == [("N01", day(20), "stop")]


def test_closes_of_another_source_that_differ_are_warned_of() -> None:
    bars = made_up()
    other = change(bars, at("N01", 20), close=pl.col("close") * 1.002)
    assert found(inputs(bars, other=other), "cross source") == [("N01", day(20), "warn")]
    assert found(inputs(bars, other=bars), "cross source") == []


def test_a_symbol_used_again_shows_by_silence_and_another_price() -> None:
    quiet = (pl.col("symbol") == "N08") & pl.col("date").is_between(day(80), day(140))
    bars = made_up().filter(~quiet)
    assert found(inputs(bars), "reuse") == []  # silence alone is a long halt
    after = (pl.col("symbol") == "N08") & (pl.col("date") > day(140))
    jump = {name: pl.col(name) * 6.0 for name in ("open", "high", "low", "close")}
    assert found(inputs(change(bars, after, **jump)), "reuse") == [("N08", day(141), "warn")]


def test_a_name_whose_bars_end_before_or_after_its_delisting_is_warned_of() -> None:
    def gone(on: dt.date) -> pl.DataFrame:
        return pl.DataFrame({"security_id": ["N09@2010"], "delisted": [on]})

    last = day(199)
    for days, told in ((0, False), (10, False), (11, True), (-1, True)):
        given = inputs(made_up(), securities=gone(last + dt.timedelta(days)))
        assert found(given, "departure") == ([("N09", last, "warn")] if told else [])


@pytest.mark.parametrize("behind", [1, 5, 45])
def test_a_feed_that_is_behind_stops_however_long_it_has_been(behind: int) -> None:
    sessions = weekdays(200 + behind)
    told = found(inputs(made_up(), sessions=sessions, today=sessions[-1]), "freshness")
    assert told == [(f"N{n:02d}", day(199), "stop") for n in range(20)]


@pytest.mark.parametrize("behind", [2, 45])
def test_one_late_name_is_warned_of_and_a_delisted_one_is_not(behind: int) -> None:
    sessions = weekdays(200)
    late = (pl.col("symbol") == "N00") & (pl.col("date") > sessions[-1 - behind])
    bars = made_up().filter(~late)
    given = {"sessions": sessions, "today": sessions[-1]}
    last = day(199 - behind)
    assert found(inputs(bars, **given), "freshness") == [("N00", last, "warn")]
    gone = pl.DataFrame({"security_id": ["N00@2010"], "delisted": [last]})
    assert found(inputs(bars, securities=gone, **given), "freshness") == []


def statement(**figures: float | dt.datetime) -> pl.DataFrame:
    head = {"security_id": "N00@2010", "symbol": "N00", "period_end": dt.date(2010, 3, 31)}
    known = {"known_at": dt.datetime(2010, 5, 5, 20, tzinfo=dt.UTC)}
    return pl.DataFrame({k: [v] for k, v in (head | known | figures).items()})


@pytest.mark.parametrize(("equity", "told"), [(40.0, False), (39.5, False), (30.0, True)])
def test_assets_are_liabilities_and_equity(equity: float, told: bool) -> None:
    rows = statement(total_assets=100.0, total_liabilities=60.0, total_equity=equity)
    given = inputs(made_up(), statements={"balance_sheets": rows})
    expected = [("N00", dt.date(2010, 3, 31), "warn")] if told else []
    assert found(given, "balance") == expected


@pytest.mark.parametrize(("days", "told"), [(-1, True), (0, False), (400, False), (401, True)])
def test_a_report_is_known_within_400_days_of_its_period(days: int, told: bool) -> None:
    known = dt.datetime(2010, 3, 31, 20, tzinfo=dt.UTC) + dt.timedelta(days)
    given = inputs(made_up(), statements={"cash_flows": statement(known_at=known)})
    assert bool(found(given, "filing lag")) is told


def test_negative_revenue_is_warned_of() -> None:
    given = inputs(made_up(), statements={"income_statements": statement(revenue=-3.0)})
    assert found(given, "sign") == [("N00", dt.date(2010, 3, 31), "warn")]
    fine = inputs(made_up(), statements={"income_statements": statement(revenue=3.0)})
    assert found(fine, "sign") == []


def test_an_empty_store_has_no_findings() -> None:
    none = made_up().clear()
    assert gate(inputs(none, sessions=weekdays(5), today=weekdays(5)[-1])).is_empty()


def test_findings_do_not_depend_on_the_order_of_the_rows_and_nothing_is_changed() -> None:
    bars = split_unrecorded(change(made_up(), at("N03", 90), close=0.0), "N07", 120, 2.0)
    kept = bars.clone()
    shuffled = bars.sample(fraction=1.0, shuffle=True, seed=3)
    assert gate(inputs(bars)).equals(gate(inputs(shuffled)))
    assert bars.equals(kept)
    assert prices.NO_SPLITS.is_empty()
