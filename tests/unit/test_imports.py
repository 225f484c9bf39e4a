"""A user's own prices into the store: what can be is taken, the rest is kept with its reason."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from podshop.adapters.sources import store as source
from podshop.adapters.stores.market import MarketStore
from podshop.data.imports import import_prices
from podshop.domain.error import DataError

HEAD = "date,symbol,open,high,low,close,volume,dividend,split,sector\n"
GOOD = "2020-01-02,A,10,11,9,10.5,1000,0,1,Energy\n2020-01-03,A,5,6,5,5.5,2000,0.25,2,Energy\n"


def imported(tmp_path: Path, text: str) -> MarketStore:
    file = tmp_path / "own.csv"
    file.write_text(HEAD + text, encoding="utf-8")
    store = MarketStore(tmp_path / "store")
    import_prices(store, file)
    return store


def test_bars_and_actions_go_to_their_tables(tmp_path: Path) -> None:
    store = imported(tmp_path, GOOD)
    assert store.frame("bars").get_column("close").to_list() == [10.5, 5.5]
    assert store.query("SELECT date, ratio FROM splits").rows() == [(date(2020, 1, 3), 2.0)]
    assert store.query("SELECT date, amount FROM dividends").rows() == [(date(2020, 1, 3), 0.25)]
    assert store.query("SELECT symbol, sector FROM stock_list").rows() == [("A", "Energy")]
    assert store.frame("quarantine").is_empty()
    # By hand: 10.5 * 5.5 / ((5.5 + 0.25) * 2).
    adjusted = store.query("SELECT adj_close FROM prices ORDER BY date").get_column("adj_close")
    assert adjusted.to_list() == pytest.approx([10.5 * 5.5 / 11.5, 5.5], rel=1e-15)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2020-01-06,A,10,8,9,10,1,0,1,", "the high is below the low"),
        ("2020-01-06,A,10,11,9,0,1,0,1,", "close is not a positive number"),
        ("2020-01-06,A,10,11,9,-1,1,0,1,", "close is not a positive number"),
        ("2020-01-06,A,10,11,9,inf,1,0,1,", "close is not a positive number"),
        ("2020-01-06,A,10,11,9,nan,1,0,1,", "close is not a positive number"),
        ("2020-01-06,A,10,11,9,,1,0,1,", "no close"),
        ("2020-01-06,A,10,11,9,10,-5,0,1,", "the volume is no number"),
    ],
)
def test_an_impossible_row_is_set_aside_whole_and_the_others_are_taken(
    tmp_path: Path, row: str, reason: str
) -> None:
    store = imported(tmp_path, GOOD + row + "\n")
    assert store.frame("bars").height == 2
    aside = store.frame("quarantine").row(0, named=True)
    assert (aside["table"], aside["symbol"], aside["date"]) == ("bars", "A", date(2020, 1, 6))
    assert (aside["reason"], aside["source"]) == (reason, "own.csv")
    assert '"open":10.0' in aside["row"]


@pytest.mark.parametrize(
    ("row", "table"),
    [
        ("2020-01-06,A,5,6,5,5.5,1,0,0,", "splits"),
        ("2020-01-06,A,5,6,5,5.5,1,0,-2,", "splits"),
        ("2020-01-06,A,5,6,5,5.5,1,inf,1,", "dividends"),
        ("2020-01-06,A,5,6,5,5.5,1,-1,1,", "dividends"),
    ],
)
def test_an_impossible_action_is_set_aside_and_its_bar_is_taken(
    tmp_path: Path, row: str, table: str
) -> None:
    store = imported(tmp_path, GOOD + row + "\n")
    assert store.frame("bars").height == 3
    assert store.frame(table).height == 1
    assert store.frame("quarantine").get_column("table").to_list() == [table]
    assert source.load(store.folder).close.shape == (3, 1)


def test_an_action_that_is_not_a_number_is_none(tmp_path: Path) -> None:
    store = imported(tmp_path, GOOD + "2020-01-06,A,5,6,5,5.5,1,nan,nan,\n")
    assert store.frame("splits").height == store.frame("dividends").height == 1
    assert store.frame("quarantine").is_empty()


def test_of_a_day_that_is_there_twice_the_last_counts_and_the_first_is_set_aside(
    tmp_path: Path,
) -> None:
    store = imported(tmp_path, GOOD + "2020-01-03,A,5,6,5,5.75,2000,0.25,2,Energy\n")
    assert store.frame("bars").get_column("close").to_list() == [10.5, 5.75]
    aside = store.frame("quarantine").row(0, named=True)
    assert aside["reason"] == "the day is there twice"
    assert '"close":5.5' in aside["row"]


def test_a_name_without_a_possible_row_is_no_security(tmp_path: Path) -> None:
    store = imported(tmp_path, GOOD + "2020-01-02,BAD,10,8,9,10,1,0,1,\n")
    assert store.frame("securities").get_column("security_id").to_list() == ["A@2020-01-02"]
    assert store.frame("quarantine").get_column("symbol").to_list() == ["BAD"]


def test_the_same_file_again_changes_nothing(tmp_path: Path) -> None:
    row = "2020-01-06,A,10,8,9,10,1,0,1,\n"
    store = imported(tmp_path, GOOD + row)
    before = store.hash()
    assert imported(tmp_path, GOOD + row).hash() == before


def test_rows_in_another_order_give_the_same_ids(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    lines = GOOD.splitlines(keepends=True)
    turned = imported(tmp_path / "other", "".join(reversed(lines)))
    assert turned.hash() == imported(tmp_path, GOOD).hash()


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("own.txt", HEAD + GOOD, "cannot read this kind of file"),
        ("own.csv", HEAD.replace("close", "colour") + GOOD, "no column close"),
        ("own.csv", HEAD.replace("sector", "colour") + GOOD, "unknown colour"),
        ("own.csv", HEAD + "2.1.2020,A,1,1,1,1,1,0,1,\n", "own.csv"),
        ("own.csv", HEAD + "2020-01-02,,1,1,1,1,1,0,1,\n", "rows without a symbol"),
        ("own.parquet", "PAR1 no more", "cannot be read"),
    ],
)
def test_a_file_that_is_no_table_of_prices_is_named_and_nothing_is_written(
    tmp_path: Path, name: str, body: str, message: str
) -> None:
    file = tmp_path / name
    file.write_text(body, encoding="utf-8")
    store = MarketStore(tmp_path / "store")
    with pytest.raises(DataError, match=message):
        import_prices(store, file)
    assert MarketStore(tmp_path / "store").version == 0


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    csv = imported(tmp_path, GOOD)
    frame = pl.read_csv(tmp_path / "own.csv", try_parse_dates=True)
    frame.write_parquet(tmp_path / "own.parquet")
    other = MarketStore(tmp_path / "other")
    import_prices(other, tmp_path / "own.parquet")
    columns = ["security_id", "symbol", "date", "open", "high", "low", "close", "volume"]
    assert other.frame("bars").select(columns).equals(csv.frame("bars").select(columns))
