"""LEAN's daily equities in the store: a ticker used again, renames, splits and dividends."""

from datetime import date
from pathlib import Path

import pytest

from podshop.adapters.stores.market import MarketStore
from podshop.data.imports import import_lean


@pytest.fixture(scope="module")
def store(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> MarketStore:
    made = MarketStore(tmp_path_factory.mktemp("lean"))
    import_lean(made, shared_data / "lean_us")
    return made


def test_washington_mutual_failed_and_waste_management_took_its_ticker(store: MarketStore) -> None:
    told = store.query(
        "SELECT date, close, security_id FROM prices WHERE symbol = 'WM' "
        "AND date BETWEEN '2008-09-24' AND '2009-08-05' ORDER BY date"
    )
    mutual, waste = told.get_column("security_id").unique().sort()[::-1]
    assert told.rows() == [
        (date(2008, 9, 24), 2.41, mutual),
        (date(2008, 9, 25), 1.77, mutual),
        (date(2008, 9, 26), 0.16, mutual),
        (date(2009, 8, 5), 28.58, waste),
    ]
    gone = store.query(f"SELECT delisted FROM securities WHERE security_id = '{mutual}'").item()
    assert gone == date(2008, 9, 26)


def test_waste_management_keeps_one_id_through_its_tickers(store: MarketStore) -> None:
    told = store.query(
        "SELECT symbol, first, last FROM symbols WHERE security_id = 'UW@1998-01-02' ORDER BY first"
    )
    assert told.rows() == [
        ("UW", date(1998, 1, 2), date(1998, 7, 16)),
        ("WMI", date(1998, 7, 17), date(2009, 8, 4)),
        ("WM", date(2009, 8, 5), None),
    ]
    # One history without a gap: no day is there twice, and none of the sessions is missing.
    days = store.query(
        "SELECT count(*) AS bars, count(DISTINCT date) AS days FROM bars "
        "WHERE security_id = 'UW@1998-01-02'"
    )
    apple = store.query("SELECT count(*) AS n FROM bars WHERE symbol = 'AAPL'").item()
    assert days.row(0) == (apple, apple)


def test_apples_splits_are_there_and_adjust_its_prices(store: MarketStore) -> None:
    told = store.query("SELECT date, ratio FROM splits WHERE symbol = 'AAPL' ORDER BY date")
    ratios = [round(ratio, 3) for ratio in told.get_column("ratio")]
    assert ratios == [2.0, 2.0, 7.0, 4.0]
    # 2014-06-06: close 645.57; the next day it opened at 92.70 after seven for one.
    before, after = store.query(
        "SELECT adj_close FROM prices WHERE symbol = 'AAPL' "
        "AND date IN ('2014-06-06', '2014-06-09') ORDER BY date"
    ).get_column("adj_close")
    assert after / before - 1 == pytest.approx(93.70 / (645.57 / 7) - 1, abs=1e-4)


def test_the_same_folder_again_changes_nothing(store: MarketStore, shared_data: Path) -> None:
    before = store.hash()
    import_lean(store, shared_data / "lean_us")
    assert store.hash() == before
