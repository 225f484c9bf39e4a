"""The market store: what is written is there, once, whole, and can be asked for."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from podshop.adapters.stores import manifest
from podshop.adapters.stores.market import MarketStore
from podshop.domain.error import ConfigError, DataError

DAY = dt.date(2020, 1, 2)
UTC = dt.UTC


def bars(*closes: float, security: str = "A@2020", first: dt.date = DAY) -> pl.DataFrame:
    days = [first + dt.timedelta(days=i) for i in range(len(closes))]
    return pl.DataFrame(
        {
            "security_id": security,
            "symbol": security.partition("@")[0],
            "date": days,
            "close": closes,
            "source": "test",
        }
    )


def put(store: MarketStore, **frames: pl.DataFrame) -> int:
    with store.writing() as writer:
        for table, frame in frames.items():
            writer.put(table, frame)
        return writer.commit()


def report(value: float, known: dt.datetime, period_end: dt.date = dt.date(2019, 12, 31)):
    return pl.DataFrame(
        {
            "security_id": "A@2020",
            "symbol": "A",
            "period_end": [period_end],
            "period": "FY",
            "known_at": [known],
            "revenue": [value],
            "goodwill": [1.0],
        }
    )


def test_an_empty_store_has_every_table_and_no_rows(tmp_path: Path) -> None:
    store = MarketStore(tmp_path / "none")
    assert store.version == 0
    assert store.frame("bars").is_empty()
    assert store.frame("bars").schema["date"] == pl.Date
    assert store.query("SELECT * FROM prices").is_empty()
    assert not (tmp_path / "none").exists()


def test_a_newer_bar_replaces_and_the_old_one_is_kept_as_a_revision(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    put(store, bars=bars(10.0, 11.0, 12.0))
    put(store, bars=bars(11.5, first=dt.date(2020, 1, 3)))
    assert store.frame("bars").get_column("close").to_list() == [10.0, 11.5, 12.0]
    revision = store.frame("revisions").row(0, named=True)
    assert revision["table"] == "bars"
    assert '"close":11.0' in revision["row"]


def test_the_same_rows_again_make_no_new_version(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    assert put(store, bars=bars(10.0, 11.0)) == 1
    assert put(store, bars=bars(10.0, 11.0)) == 1
    assert store.frame("revisions").is_empty()


def test_of_duplicates_in_one_batch_the_last_wins_and_the_other_is_kept(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    put(store, bars=pl.concat([bars(10.0), bars(12.0)]))
    assert store.frame("bars").get_column("close").to_list() == [12.0]
    assert '"close":10.0' in store.frame("revisions").row(0, named=True)["row"]


def test_a_statement_is_never_replaced_and_a_restatement_stands_beside_it(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    first = dt.datetime(2020, 2, 1, 21, 0, tzinfo=UTC)
    put(store, income_statements=report(100.0, first))
    put(store, income_statements=report(999.0, first))
    assert store.frame("income_statements").get_column("revenue").to_list() == [100.0]
    put(store, income_statements=report(90.0, dt.datetime(2021, 2, 1, 21, 0, tzinfo=UTC)))
    assert store.frame("income_statements").get_column("revenue").to_list() == [100.0, 90.0]
    assert store.query("SELECT goodwill FROM income_statement").height == 2


def test_statements_are_seen_from_the_first_close_after_their_acceptance(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    # 15:59, 16:01 in New York; the restatement of the old period comes after the newer period.
    put(store, income_statements=report(1.0, dt.datetime(2020, 1, 6, 20, 59, tzinfo=UTC)))
    newer = report(2.0, dt.datetime(2020, 1, 8, 21, 1, tzinfo=UTC), dt.date(2020, 3, 31))
    put(store, income_statements=newer)
    put(store, income_statements=report(1.5, dt.datetime(2020, 1, 10, 12, 0, tzinfo=UTC)))
    days = pl.date_range(dt.date(2020, 1, 3), dt.date(2020, 1, 10), eager=True)
    seen = store.statements_at("income_statements", days.to_numpy().astype("datetime64[D]"))
    told = dict(seen.select("date", "revenue").iter_rows())
    assert told == {
        dt.date(2020, 1, 6): 1.0,
        dt.date(2020, 1, 7): 1.0,
        dt.date(2020, 1, 8): 1.0,
        dt.date(2020, 1, 9): 2.0,
        dt.date(2020, 1, 10): 2.0,
    }


def test_prices_are_adjusted_for_what_comes_after_them(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    key = {"security_id": "A@2020", "symbol": "A"}
    put(
        store,
        bars=bars(100.0, 102.0, 50.0, 49.0),
        splits=pl.DataFrame({**key, "date": [dt.date(2020, 1, 4)], "ratio": [2.0]}),
        dividends=pl.DataFrame({**key, "date": [dt.date(2020, 1, 5)], "amount": [1.0]}),
    )
    adjusted = store.query("SELECT adj_close FROM prices ORDER BY date").get_column("adj_close")
    # The dividend of 1 at a close of 49 takes 49/50; the split of 2 halves what came before it.
    expected = [100.0 / 2 * 0.98, 102.0 / 2 * 0.98, 50.0 * 0.98, 49.0]
    assert adjusted.to_list() == pytest.approx(expected, rel=1e-15)


def test_equal_rows_make_equal_hashes_however_they_came(tmp_path: Path) -> None:
    one, two = MarketStore(tmp_path / "one"), MarketStore(tmp_path / "two")
    put(one, bars=pl.concat([bars(1.0, 2.0), bars(3.0, security="B@2020")]))
    put(two, bars=bars(3.0, security="B@2020"))
    put(two, bars=bars(1.0))
    put(two, bars=bars(2.0, first=dt.date(2020, 1, 3)))
    assert one.hash() == two.hash()
    put(two, bars=bars(2.5, first=dt.date(2020, 1, 3)))
    assert one.hash() != two.hash()


@pytest.mark.parametrize(
    ("table", "frame", "message"),
    [
        ("bars", bars(1.0).drop("close"), "bars: rows without close"),
        ("bars", bars(1.0).with_columns(colour=pl.lit("red")), "nobody knows the column colour"),
        ("bars", bars(1.0).with_columns(close=pl.lit("x")), "column close does not hold"),
        ("nothing", bars(1.0), 'no table "nothing"'),
    ],
)
def test_wrong_rows_are_refused_by_table_and_column(
    tmp_path: Path, table: str, frame: pl.DataFrame, message: str
) -> None:
    with MarketStore(tmp_path).writing() as writer, pytest.raises(DataError, match=message):
        writer.put(table, frame)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        "COPY bars TO 'stolen.csv'",
        "DROP VIEW bars",
        "SELECT * FROM read_text('/etc/hostname')",
        "ATTACH 'other.db'",
        "SET enable_external_access = true",
        "SELECT * FROM nowhere",
    ],
)
def test_only_one_question_at_a_time_and_only_to_the_store(tmp_path: Path, sql: str) -> None:
    store = MarketStore(tmp_path)
    put(store, bars=bars(1.0))
    with pytest.raises(ConfigError):
        store.query(sql)


HOLD = """
import sys
from podshop.adapters.stores.market import MarketStore
with MarketStore(sys.argv[1]).writing():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_is_told_and_readers_go_on(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    put(store, bars=bars(1.0))
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(ConfigError, match="another podshop process writes"), store.writing():
            pass
        assert MarketStore(tmp_path).frame("bars").height == 1
        other.communicate(b"")
    put(store, bars=bars(2.0))


def test_a_reader_keeps_its_version_while_the_writer_goes_on(tmp_path: Path) -> None:
    put(MarketStore(tmp_path), bars=bars(1.0))
    reader = MarketStore(tmp_path)
    put(MarketStore(tmp_path), bars=bars(2.0))
    assert reader.frame("bars").get_column("close").to_list() == [1.0]
    reader.refresh()
    assert reader.frame("bars").get_column("close").to_list() == [2.0]


def test_a_full_disk_leaves_the_store_as_it_was(tmp_path: Path, monkeypatch) -> None:
    store = MarketStore(tmp_path)
    put(store, bars=bars(1.0))
    before = store.hash()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("podshop.adapters.stores.merge.os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            put(store, bars=bars(2.0))
    with monkeypatch.context() as patch:
        patch.setattr("podshop.adapters.stores.manifest.os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            put(store, bars=bars(2.0))
    assert MarketStore(tmp_path).hash() == before
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]
    put(store, bars=bars(2.0))
    named = {tmp_path / manifest.TABLES / name for name in manifest.read(tmp_path).names()}
    assert named <= set((tmp_path / manifest.TABLES).rglob("*.parquet"))


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    (tmp_path / manifest.MANIFEST).write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="MANIFEST"):
        MarketStore(tmp_path)


def test_a_manifest_that_a_killed_writer_began_is_cleared_away(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    put(store, bars=bars(1.0))
    begun = tmp_path / f".{manifest.MANIFEST}.12345"
    begun.write_text("{", encoding="utf-8")
    orphan = tmp_path / manifest.TABLES / "bars" / "2020-99.parquet"
    orphan.write_bytes(b"half")
    assert MarketStore(tmp_path).frame("bars").height == 1
    put(store, bars=bars(2.0))
    assert not begun.exists()
    assert not orphan.exists()


def test_rows_that_were_taken_out_leave_no_trace_in_the_hash(tmp_path: Path) -> None:
    store, never = MarketStore(tmp_path / "one"), MarketStore(tmp_path / "two")
    put(store, bars=pl.concat([bars(1.0), bars(2.0, first=dt.date(2021, 1, 4))]))
    put(never, bars=bars(1.0))
    with store.writing() as writer:
        writer.take_out("bars", store.frame("bars").filter(pl.col("date") > DAY))
        writer.commit()
    assert store.frame("bars").height == 1
    assert store.hash() == never.hash()


def test_a_scan_is_the_frame_read_later(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    assert store.scan("bars").collect().equals(store.frame("bars"))
    later = bars(3.0, first=dt.date(2021, 1, 4))
    put(store, bars=pl.concat([bars(1.0, 2.0), later]))
    rich = store.scan("bars").filter(pl.col("close") > 1.5).select("date", "close").collect()
    assert rich.rows() == [(dt.date(2020, 1, 3), 2.0), (dt.date(2021, 1, 4), 3.0)]
    assert store.scan("bars", (2021, 2021)).collect().get_column("close").to_list() == [3.0]
