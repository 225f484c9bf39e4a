"""Defects that a reading of the data layer found, each as it was reproduced; none may come back."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from podshop.adapters.sources import store as source
from podshop.adapters.stores.market import MarketStore
from podshop.adapters.vendors import Request, Rows, Wanted, fmp
from podshop.adapters.web.answers import Answers
from podshop.data.ingest import ingest
from podshop.data.register import Register
from podshop.data.sync import Access
from podshop.domain.error import ConfigError, DataError

UTC = dt.UTC


def days(first: str, last: str) -> list[dt.date]:
    every = np.arange(first, last, dtype="datetime64[D]")
    return [d.item() for d in every[np.is_busday(every)]]


def bars(symbol: str, first: str, last: str) -> Rows:
    frame = pl.DataFrame({"symbol": symbol, "date": days(first, last)})
    return Rows("bars", frame.with_columns(close=pl.lit(10.0), source=pl.lit("t")))


def renamed(*pairs: tuple[str, str, str]) -> Rows:
    rows = [{"symbol": a, "new": b, "date": dt.date.fromisoformat(d)} for a, b, d in pairs]
    return Rows("renames", pl.DataFrame(rows))


def gone(symbol: str, day: str) -> Rows:
    return Rows(
        "delistings", pl.DataFrame({"symbol": [symbol], "date": [dt.date.fromisoformat(day)]})
    )


def take(store: MarketStore, *told: Rows) -> dict[str, pl.DataFrame]:
    made = ingest(store, told, "t")
    with store.writing() as writer:
        for name, rows in made.items():
            writer.replace(name, rows) if name == "symbols" else writer.put(name, rows)
        writer.commit()
    return made


def ids(store: MarketStore) -> set[str]:
    return set(store.frame("bars").get_column("security_id"))


def test_a_rename_that_comes_with_bars_of_the_new_symbol_keeps_one_security(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    take(store, bars("OLD", "2015-01-05", "2016-01-01"))
    made = take(
        store, bars("NEW", "2016-01-04", "2016-06-01"), renamed(("OLD", "NEW", "2016-01-04"))
    )
    assert made["quarantine"].is_empty()
    assert ids(store) == {"OLD@2015-01-05"}
    assert store.frame("symbols").select("symbol", "last").rows() == [
        ("NEW", None),
        ("OLD", dt.date(2016, 1, 3)),
    ]


def test_earlier_history_leaves_no_second_open_interval(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    take(store, bars("OLD", "2015-01-05", "2016-01-01"))
    take(store, bars("OLD", "2010-01-04", "2010-06-01"))
    assert store.frame("symbols").select("symbol", "first", "last").rows() == [
        ("OLD", dt.date(2010, 1, 4), None)
    ]
    take(store, renamed(("OLD", "NEW", "2016-01-04")))
    take(store, bars("OLD", "2018-01-02", "2018-06-01"))  # another company takes the symbol
    assert ids(store) == {"OLD@2015-01-05", "OLD@2018-01-02"}


def test_renames_in_a_chain_are_all_known_from_the_newest_symbol_alone(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    chain = renamed(("AAA", "BBB", "2005-01-03"), ("BBB", "CCC", "2010-01-04"))
    take(store, bars("CCC", "2000-01-03", "2012-01-02"), chain)
    told = store.frame("bars").group_by("symbol").agg(pl.col("date").min()).sort("date")
    assert told.get_column("symbol").to_list() == ["AAA", "BBB", "CCC"]
    assert len(ids(store)) == 1


def test_an_end_recorded_some_days_early_does_not_cut_a_name_in_two(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    take(store, bars("DDD", "2020-01-02", "2020-01-31"), gone("DDD", "2020-01-28"))
    assert ids(store) == {"DDD@2020-01-02"}
    assert store.frame("symbols").get_column("last").to_list() == [dt.date(2020, 1, 30)]


def test_an_end_within_a_living_names_history_is_set_aside(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    take(store, bars("LIVE", "2020-01-02", "2021-01-23"))
    made = take(store, gone("LIVE", "2020-06-01"), bars("LIVE", "2021-01-25", "2021-02-05"))
    assert ids(store) == {"LIVE@2020-01-02"}
    assert "bars more than 10 days after" in made["quarantine"].get_column("reason")[0]


def test_an_answer_that_is_said_again_after_another_is_news(tmp_path: Path) -> None:
    store, answers = MarketStore(tmp_path), Answers(tmp_path / "answers")
    request = Request("t", "dividends", "dividends")
    for body in (b"one", b"two", b"one"):
        answer = answers.keep(request, 200, body, dt.datetime.now(UTC))
        assert answer.id not in store.ingested()
        with store.writing() as writer:
            writer.ingest([answer.id])
            writer.commit()
    assert len(store.ingested()) == 1


def test_a_corrected_report_of_the_same_moment_is_told_in_the_revisions(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    head = {
        "security_id": "A",
        "symbol": "A",
        "period_end": dt.date(2023, 12, 31),
        "period": "FY",
        "known_at": dt.datetime(2024, 2, 10, tzinfo=UTC),
    }
    for revenue in (0.0, 12345.0, 12345.0):
        with store.writing() as writer:
            writer.put("income_statements", pl.DataFrame([head | {"revenue": revenue}]))
            writer.commit()
    assert store.frame("income_statements").get_column("revenue").to_list() == [0.0]
    assert "12345" in store.frame("revisions").get_column("row")[0]
    assert store.frame("revisions").height == 1


def test_panel_and_store_agree_where_a_dividend_and_a_split_meet(tmp_path: Path) -> None:
    store, who = MarketStore(tmp_path), {"security_id": "A", "symbol": "A"}
    day = [dt.date(2020, 1, d) for d in (2, 3, 6, 7)]
    with store.writing() as writer:
        closes = pl.DataFrame({"date": [day[0], day[3]], "close": [100.0, 49.0]})
        writer.put("bars", closes.with_columns(**{k: pl.lit(v) for k, v in who.items()}))
        writer.put("dividends", pl.DataFrame({**who, "date": [day[1]], "amount": [2.0]}))
        writer.put("splits", pl.DataFrame({**who, "date": [day[2]], "ratio": [2.0]}))
        writer.commit()
    adjusted = store.query("SELECT adj_close FROM prices ORDER BY date").get_column("adj_close")
    mine = float(source.load(tmp_path).returns[1, 0])
    assert mine == pytest.approx(adjusted[1] / adjusted[0] - 1, abs=1e-12)
    assert mine == pytest.approx(0.0, abs=1e-12)


def test_a_rate_told_after_the_close_earns_from_the_session_after_the_next(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    sessions = days("2020-01-06", "2020-01-14")
    with store.writing() as writer:
        rows = pl.DataFrame({"security_id": "A", "symbol": "A", "date": sessions, "close": 1.0})
        writer.put("bars", rows)
        known = dt.datetime(2020, 1, 8, 21, 15, tzinfo=UTC)  # 16:15 in New York
        rate = {"series": "DTB3", "date": dt.date(2020, 1, 7), "value": 0.0365, "known_at": known}
        writer.put("rates", pl.DataFrame([rate]))
        writer.commit()
    panel = source.load(tmp_path)
    earned = dict(zip(panel.days.astype(str), panel.rate_t, strict=True))
    assert earned["2020-01-09"] == 0.0
    assert earned["2020-01-10"] == pytest.approx(0.0001)


def test_without_symbols_splits_and_dividends_are_asked_by_time_and_news_is_refused() -> None:
    span = (dt.date(2023, 1, 1), dt.date(2023, 1, 31))
    asked = {r.endpoint for r in fmp.requests(Wanted(("bars", "splits", "dividends"), (), *span))}
    assert {"eod-bulk", "splits-calendar", "dividends-calendar"} <= asked
    with pytest.raises(ConfigError, match="news by symbol only"):
        list(fmp.requests(Wanted(("news",), (), *span)))


def test_a_key_is_not_shown_by_what_holds_it() -> None:
    assert "SECRETKEY" not in repr(Access("SECRETKEY"))


@pytest.mark.parametrize("name", ["st[1]", "st*", "st?"])
def test_a_folder_whose_name_would_be_a_pattern_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="name another folder"):
        MarketStore(tmp_path / name)


def test_a_security_of_nobody_is_not_delisted() -> None:
    register = Register()
    register.delist("NOBODY", dt.date(2020, 1, 2))
    assert register.symbols().is_empty()


def test_a_version_that_was_held_for_too_long_is_named_and_can_be_refreshed(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    take(store, bars("A", "2020-01-02", "2020-01-10"))
    held = MarketStore(tmp_path)
    for close in (1.0, 2.0, 3.0, 4.0):
        with store.writing() as writer:
            rows = store.frame("bars").with_columns(close=pl.lit(close))
            writer.put("bars", rows)
            writer.commit()
    for ask in (lambda: held.frame("bars"), lambda: held.query("SELECT count(*) FROM bars")):
        with pytest.raises(DataError, match=r"call refresh\(\)"):
            ask()
    held.refresh()
    assert held.query("SELECT max(close) AS c FROM prices").item() == 4.0
