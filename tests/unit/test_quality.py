"""The quality gate: each check finds what is planted, and is silent where nothing is."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from tests.quality_tables import SESSIONS, clean, empty, with_split

from podshop.market.quality import sources
from podshop.market.quality.bars import impossible
from podshop.market.quality.gate import Inputs, gate
from podshop.market.quality.params import Params

DAY = SESSIONS[300].item()
NEXT = SESSIONS[301].item()


def told(inputs: Inputs, check: str) -> list[tuple[str, dt.date, str]]:
    found = gate(inputs).filter(pl.col("check") == check)
    return list(found.select("symbol", "date", "severity").iter_rows())


def changed(inputs: Inputs, day: object = DAY, name: str = "N1", **columns: pl.Expr) -> Inputs:
    at = (pl.col("symbol") == name) & (pl.col("date") == day)
    made = [pl.when(at).then(value).otherwise(pl.col(c)).alias(c) for c, value in columns.items()]
    return replace(inputs, bars=inputs.bars.with_columns(made))


def action(table: str, day: object, name: str = "N1", **value: float) -> pl.DataFrame:
    row = {"security_id": [name], "symbol": [name], "date": [day]}
    return pl.concat([empty(table), pl.DataFrame({**row, **{k: [v] for k, v in value.items()}})])


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_found_where_nothing_is_wrong(seed: int) -> None:
    assert gate(clean(seed=seed)).is_empty()


def test_the_gate_changes_nothing_and_forgets_no_order() -> None:
    inputs = changed(clean(), high=pl.col("low") / 2)
    shuffled = replace(inputs, bars=inputs.bars.sample(fraction=1.0, shuffle=True, seed=1))
    assert gate(inputs).equals(gate(shuffled))


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"high": pl.lit(1.0)}, "the high is below the low"),
        ({"close": pl.lit(0.0)}, "close is not a positive number"),
        ({"open": pl.lit(-1.0)}, "open is not a positive number"),
        ({"close": pl.lit(float("inf"))}, "close is not a positive number"),
        ({"close": pl.col("high") * 1.5}, "close is outside the day's high and low"),
        ({"volume": pl.lit(-5.0)}, "the volume is no number"),
    ],
)
def test_1_an_impossible_bar_stops(columns: dict[str, pl.Expr], reason: str) -> None:
    inputs = changed(clean(), **columns)
    assert told(inputs, "impossible bar") == [("N1", DAY, "stop")]
    reasons = inputs.bars.with_columns(why=impossible(inputs.bars)).filter(pl.col("why") != "")
    assert reasons.get_column("why").to_list() == [reason]


def test_1_prices_that_are_not_given_are_not_judged() -> None:
    bars = clean().bars.select("security_id", "symbol", "date", "close")
    assert (impossible(bars) == "").all()


def test_2_days_without_a_session_and_sessions_without_a_day() -> None:
    inputs = clean()
    saturday = dt.date(2020, 6, 6)
    ghost = inputs.bars.filter(pl.col("date") == DAY).with_columns(date=pl.lit(saturday))
    holed = inputs.bars.filter(~((pl.col("symbol") == "N2") & (pl.col("date") == DAY)))
    found = told(replace(inputs, bars=pl.concat([holed, ghost.head(1)])), "calendar")
    assert found == [(ghost.get_column("symbol")[0], saturday, "warn"), ("N2", NEXT, "note")]


@pytest.mark.parametrize("ratio", [2.0, 3.0, 1.5, 0.1, 0.5, 5.0])
def test_3_a_split_that_nobody_recorded_stops(ratio: float) -> None:
    inputs = clean()
    split = with_split(inputs, "N1", DAY, ratio)
    assert told(split, "split") == [("N1", DAY, "stop")]
    recorded = replace(split, splits=action("splits", DAY, ratio=ratio))
    assert told(recorded, "split") == []


def test_3_a_split_that_is_recorded_and_did_not_happen_stops() -> None:
    wrong = replace(clean(), splits=action("splits", DAY, ratio=2.0))
    assert told(wrong, "split") == [("N1", DAY, "stop")]


def test_3_a_crash_to_a_half_on_ten_times_the_money_is_no_split() -> None:
    inputs = clean()
    crashed = with_split(inputs, "N1", DAY, 2.0).bars
    # The open saw only part of it, and everybody traded.
    at = (pl.col("symbol") == "N1") & (pl.col("date") == DAY)
    crashed = crashed.with_columns(
        open=pl.when(at).then(pl.col("open") * 1.5).otherwise(pl.col("open")),
        high=pl.when(at).then(pl.col("high") * 1.6).otherwise(pl.col("high")),
        volume=pl.when(at).then(pl.col("volume") * 10).otherwise(pl.col("volume")),
    )
    found = replace(inputs, bars=crashed)
    assert told(found, "split") == []
    assert told(found, "outlier") == [("N1", DAY, "note")]


def test_3_a_split_stops_on_the_evening_it_happens() -> None:
    last = SESSIONS[-1].item()
    assert told(with_split(clean(), "N1", last, 2.0), "split") == [("N1", last, "stop")]


@pytest.mark.parametrize("names", [1, 3])
def test_3_a_split_stops_in_a_store_of_few_names(names: int) -> None:
    assert told(with_split(clean(names), "N0", DAY, 2.0), "split") == [("N0", DAY, "stop")]


def test_3_a_split_of_unknown_volume_is_warned_of() -> None:
    split = with_split(clean(), "N1", DAY, 2.0)
    silent = split.bars.with_columns(volume=pl.lit(None, dtype=pl.Float64))
    assert told(replace(split, bars=silent), "split") == [("N1", DAY, "warn")]


def test_3_the_return_from_a_bad_tick_is_no_split() -> None:
    half = {name: pl.col(name) / 2 for name in ("open", "high", "low", "close")}
    tick = changed(clean(), **half)
    assert [row for row in told(tick, "split") if row[2] == "stop"] == []
    assert told(tick, "outlier")[0] == ("N1", DAY, "warn")


def test_4_a_missing_dividend_shows_against_the_vendors_adjusted_closes() -> None:
    inputs = clean()
    mine = inputs.bars.filter(pl.col("symbol") == "N1")
    before = pl.when(pl.col("date") < DAY).then(0.97).otherwise(1.0)
    adjusted = mine.select("security_id", "symbol", "date", adj_close=pl.col("close") * before)
    assert told(replace(inputs, adjusted=adjusted), "identity") == [("N1", DAY, "stop")]
    close = mine.filter(pl.col("date") == DAY).get_column("close")[0]
    # An amount D takes close / (close + D) off what came before.
    paid = action("dividends", DAY, amount=close / 0.97 - close)
    assert told(replace(inputs, adjusted=adjusted, dividends=paid), "identity") == []


def test_5_the_same_close_without_a_trade_for_five_sessions() -> None:
    inputs = clean()
    run = [day.item() for day in SESSIONS[300:306]]
    at = (pl.col("symbol") == "N1") & pl.col("date").is_in(run)
    bars = inputs.bars.with_columns(
        *(pl.when(at).then(70.0).otherwise(pl.col(c)).alias(c) for c in ("open", "high", "low")),
        pl.when(at).then(70.0).otherwise(pl.col("close")).alias("close"),
        pl.when(at).then(0.0).otherwise(pl.col("volume")).alias("volume"),
    )
    assert told(replace(inputs, bars=bars), "stale") == [("N1", SESSIONS[301].item(), "warn")]


def test_6_a_spike_that_is_taken_back_is_told_from_one_that_stays() -> None:
    spike = changed(clean(), close=pl.col("close") * 1.6, high=pl.col("high") * 1.6)
    assert told(spike, "outlier") == [("N1", DAY, "warn"), ("N1", NEXT, "note")]


def test_7_huge_dividends_and_odd_ratios_are_told() -> None:
    inputs = clean()
    assert told(replace(inputs, dividends=action("dividends", DAY, amount=20.0)), "dividend") == [
        ("N1", DAY, "warn")
    ]
    odd = replace(inputs, splits=action("splits", DAY, ratio=1.0689))
    assert told(odd, "ratio") == [("N1", DAY, "warn")]


def test_7_a_dividend_after_a_reverse_split_is_measured_in_the_same_lots() -> None:
    inputs = clean()
    reverse = replace(with_split(inputs, "N1", DAY, 0.1), splits=action("splits", DAY, ratio=0.1))
    yesterday = SESSIONS[299].item()
    before = inputs.bars.filter((pl.col("symbol") == "N1") & (pl.col("date") == yesterday))
    # Half of the last close before the split is a twentieth of a lot after it.
    small = action("dividends", DAY, amount=before["close"][0] * 0.5)
    assert told(replace(reverse, dividends=small), "dividend") == []
    large = action("dividends", DAY, amount=before["close"][0] * 1.6)
    assert told(replace(reverse, dividends=large), "dividend") == [("N1", DAY, "warn")]


def test_8_volumes_in_another_unit_for_good_are_told_once() -> None:
    inputs = clean()
    after = (pl.col("symbol") == "N1") & (pl.col("date") >= DAY)
    hundredth = pl.when(after).then(pl.col("volume") / 100).otherwise(pl.col("volume"))
    found = told(replace(inputs, bars=inputs.bars.with_columns(volume=hundredth)), "volume")
    assert [(name, severity) for name, _, severity in found] == [("N1", "note")]
    assert abs((found[0][1] - DAY).days) <= 7


def test_9_a_day_that_is_there_twice_stops() -> None:
    inputs = clean()
    twice = inputs.bars.filter((pl.col("symbol") == "N1") & (pl.col("date") == DAY))
    assert told(replace(inputs, bars=pl.concat([inputs.bars, twice])), "duplicate") == [
        ("N1", DAY, "stop")
    ]


def test_10_closes_that_another_source_has_otherwise() -> None:
    inputs = clean()
    other = inputs.bars.select("security_id", "date", "close")
    assert told(replace(inputs, other=other), "cross source") == []
    wrong = changed(inputs, close=pl.col("close") * 1.002)
    assert told(replace(wrong, other=other), "cross source") == [("N1", DAY, "warn")]


def test_11_a_symbol_that_comes_back_at_another_price() -> None:
    inputs = clean()
    gap = (pl.col("symbol") == "N1") & pl.col("date").is_between(DAY, DAY + dt.timedelta(days=90))
    bars = inputs.bars.filter(~gap).with_columns(
        close=pl.when((pl.col("symbol") == "N1") & (pl.col("date") > DAY))
        .then(pl.col("close") * 10)
        .otherwise(pl.col("close"))
    )
    found = told(replace(inputs, bars=bars), "reuse")
    assert [(name, severity) for name, _, severity in found] == [("N1", "warn")]


def test_12_a_name_that_ended_long_before_its_recorded_last_day() -> None:
    inputs = clean()
    bars = inputs.bars.filter(~((pl.col("symbol") == "N1") & (pl.col("date") > DAY)))
    gone = inputs.securities.with_columns(
        delisted=pl.when(pl.col("security_id") == "N1")
        .then(pl.lit(DAY + dt.timedelta(days=60)))
        .otherwise(None)
    )
    ended = replace(inputs, bars=bars, securities=gone)
    assert told(ended, "departure") == [("N1", DAY, "warn")]
    assert told(ended, "freshness") == []


def test_13_one_name_behind_is_told_and_a_feed_behind_stops() -> None:
    inputs = clean(names=12)
    one = inputs.bars.filter(~((pl.col("symbol") == "N1") & (pl.col("date") > SESSIONS[-3].item())))
    found = told(replace(inputs, bars=one), "freshness")
    assert found == [("N1", SESSIONS[-3].item(), "warn")]
    late = replace(inputs, bars=inputs.bars.filter(pl.col("date") < SESSIONS[-1].item()))
    assert {severity for _, _, severity in told(late, "freshness")} == {"stop"}


def test_13_a_feed_that_died_long_ago_stops_too() -> None:
    inputs = clean()
    early = replace(inputs, bars=inputs.bars.filter(pl.col("date") < SESSIONS[-60].item()))
    assert {severity for _, _, severity in told(early, "freshness")} == {"stop"}


def test_14_statements_that_do_not_add_up() -> None:
    when = dt.datetime(2020, 2, 1, tzinfo=dt.UTC)
    rows = pl.DataFrame(
        {
            "security_id": ["A", "B", "C"],
            "symbol": ["A", "B", "C"],
            "period_end": [dt.date(2019, 12, 31)] * 3,
            "known_at": [when, when, when - dt.timedelta(days=90)],
            "total_assets": [100.0, 100.0, -1.0],
            "total_liabilities": [60.0, 60.0, -1.0],
            "total_equity": [40.0, 30.0, 0.0],
        }
    )
    p = Params()
    assert sources.balance_sheets(rows, p).get_column("symbol").to_list() == ["B"]
    assert sources.filing_lags(rows, p).get_column("symbol").to_list() == ["C"]
    assert sources.signs(rows).get_column("symbol").to_list() == ["C"]


def test_findings_are_one_a_security_day_and_check() -> None:
    inputs = changed(clean(), high=pl.col("low") / 2)
    found = gate(inputs)
    assert found.height == found.unique(["security_id", "date", "check"]).height
    assert np.all(found.get_column("severity").is_in(["note", "warn", "stop"]).to_numpy())
