"""LEAN's daily futures: the roll of the E-mini S&P 500 in December 2013 and gold's."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from podshop.adapters.sources.store import load
from podshop.adapters.stores.market import MarketStore
from podshop.data.futures import import_lean_futures, put_rolled, third_last_session
from podshop.domain.error import DataError
from podshop.market import rolling
from podshop.market.quotes import quotes

YEAR_END = date(2013, 12, 31)
"""LEAN's samples have gaps after it."""


@pytest.fixture(scope="module")
def store(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> MarketStore:
    made = MarketStore(tmp_path_factory.mktemp("futures"))
    import_lean_futures(made, shared_data / "lean_us")
    return made


@pytest.fixture(scope="module")
def emini(store: MarketStore) -> rolling.Contracts:
    rows = store.frame("futures_curve").filter(pl.col("date") <= YEAR_END)
    return rolling.from_curve(rows, "ES", rolling.terms_of(store.frame("futures"), "ES").months)


def test_the_emini_rolls_where_its_volume_went(emini: rolling.Contracts) -> None:
    series = rolling.rolled(emini, before_days=1, by_volume=True)
    (roll,) = series.rolls
    assert str(roll.day) == "2013-12-13"  # 347,764 of December's, 868,208 of March's
    assert (str(roll.old), str(roll.new)) == ("2013-12-20", "2014-03-21")
    assert roll.gap == 1768.75 - 1775.0
    assert str(rolling.rolled(emini).rolls[0].day) == "2013-12-12"


def test_a_lot_earns_what_december_and_then_march_earned(emini: rolling.Contracts) -> None:
    series = rolling.rolled(emini, by_volume=True, before_days=1)
    value = rolling.lot_values(series, rolling.TERMS["ES"])
    december = emini.settle_tk[:, int(np.searchsorted(emini.expiry_k, series.rolls[0].old))]
    first = december[0]
    # To the roll on 2013-12-13 at 1775 in December's; from 1768.75 to 1836.75 in March's.
    points = (1775.0 - first) + (1836.75 - 1768.75)
    assert value[-1] - value[0] == 50.0 * points
    assert series.back_adjusted()[-1] == 1836.75
    assert np.isfinite(value).all()


def test_the_gap_is_the_one_lean_adjusts_by(emini: rolling.Contracts, shared_data: Path) -> None:
    lines = (shared_data / "lean_us/Data/future/cme/factor_files/es.csv").read_text().split()
    rows = [json.loads(line) for line in lines]
    mode = [row for row in rows if row["DataMappingMode"] == 2]
    at = next(i for i, row in enumerate(mode) if row["Date"].startswith("2013-12-17"))
    before, after = (row["BackwardsPanamaCanalScale"][0] for row in mode[at : at + 2])
    # LEAN takes the gap from other moments of the day; ticks are a quarter of a point.
    assert rolling.rolled(emini).rolls[0].gap == pytest.approx(before - after, abs=0.5)


def test_gold_is_held_in_a_month_that_trades(store: MarketStore) -> None:
    # Five sessions of October 2013; October's contract hardly trades.
    rows = store.frame("futures_curve").filter(pl.col("date") <= YEAR_END)
    terms = rolling.terms_of(store.frame("futures"), "GC")
    series = rolling.rolled(rolling.from_curve(rows, "GC", terms.months))
    value = rolling.lot_values(series, terms)
    assert value.tolist() == pytest.approx([132_340, 132_060, 130_310, 128_790, 127_170])
    assert third_last_session(2013, 12) == date(2013, 12, 27)
    assert str(series.expiry_t[0]) == "2013-12-27"


def test_the_store_knows_multiplier_and_currency(store: MarketStore) -> None:
    told = store.query("SELECT root, exchange, currency, multiplier, months FROM futures")
    assert sorted(told.rows()) == [
        ("ES", "CME", "USD", 50.0, "3,6,9,12"),
        ("GC", "COMEX", "USD", 100.0, "2,4,6,8,12"),
    ]
    assert rolling.terms_of(store.frame("futures"), "ES") == rolling.TERMS["ES"]
    assert rolling.terms_of(store.frame("futures"), "VX") == rolling.TERMS["VX"]
    with pytest.raises(DataError, match="NQ: no terms"):
        rolling.terms_of(store.frame("futures"), "NQ")


def test_a_fund_holds_contracts_and_earns_their_points(
    store: MarketStore, emini: rolling.Contracts
) -> None:
    bills = pl.DataFrame({"date": [date(2013, 1, 1)], "rate": [0.0365]})
    put_rolled(store, "ES", until=YEAR_END, rate=bills)
    panel = load(store.folder)
    assert panel.assets.symbols == ("ES",)
    market = quotes(panel)
    points = rolling.rolled(emini).moved_t[1:]
    earned = np.diff(market.mark_tn[:, 0])
    np.testing.assert_array_equal(earned, np.rint(points * 50.0 * 1e6).astype(np.int64))
    # A night's interest on 83,400 dollars at a ten-thousandth a day.
    assert market.mark_tn[0, 0] == 83_400_000_000
    assert panel.dividend[1, 0] == pytest.approx(8.34)
    assert put_rolled(store, "ES", until=YEAR_END, rate=bills).rows["bars"] == len(panel)
    who = store.query("SELECT type, currency, name FROM securities").row(0)
    assert who == ("future", "USD", "E-mini S&P 500")


def test_gaps_in_the_samples_are_refused(store: MarketStore) -> None:
    with pytest.raises(DataError, match="ES 2014-03-21 ended and no later contract"):
        put_rolled(store, "ES")


def test_a_folder_without_futures_is_refused(tmp_path: Path) -> None:
    store = MarketStore(tmp_path / "store")
    with pytest.raises(DataError, match="no folder of LEAN's daily futures"):
        import_lean_futures(store, tmp_path)
    folder = tmp_path / "future" / "cme" / "daily"
    folder.mkdir(parents=True)
    (folder / "nq_trade.zip").write_bytes(b"")
    with pytest.raises(DataError, match="the last days of NQ are not known here"):
        import_lean_futures(store, tmp_path)
    (folder / "nq_trade.zip").rename(folder / "es_trade.zip")
    with pytest.raises(DataError, match="cannot be read"):
        import_lean_futures(store, tmp_path)
