"""The check of a store, and what its report tells a person."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from tests.prices import at, change, made_up, split_unrecorded, weekdays

from podshop.adapters.stores.market import MarketStore
from podshop.data.check import accept, check
from podshop.domain.error import ConfigError
from podshop.reports import quality

SPLIT_DAY = weekdays(121)[120].astype(object)


def stored(folder: Path, bars: pl.DataFrame) -> MarketStore:
    store = MarketStore(folder)
    with store.writing() as writer:
        writer.put("bars", bars.with_columns(source=pl.lit("test")))
        writer.commit()
    return store


def test_a_check_keeps_its_findings_and_sets_impossible_bars_aside(tmp_path: Path) -> None:
    bars = change(made_up(), at("N03", 90), high=0.0)
    store = stored(tmp_path, split_unrecorded(bars, "N07", 120, 2.0))
    done = check(store)
    store.refresh()
    assert done.quarantined == 1
    assert set(done.stops["symbol"]) == {"N03", "N07"}
    assert store.frame("bars").height == bars.height - 1
    assert store.frame("quarantine")["symbol"].to_list() == ["N03"]
    kept = store.frame("findings").select("symbol", "check", "severity").rows()
    assert ("N07", "split", "stop") in kept


def test_a_finding_goes_when_its_cause_does_and_an_accepted_one_stops_nobody(
    tmp_path: Path,
) -> None:
    store = stored(tmp_path, split_unrecorded(made_up(), "N07", 120, 2.0))
    assert check(store).stops.height == 1
    store.refresh()
    with pytest.raises(ConfigError, match="no finding"):
        accept(store, "N08", SPLIT_DAY, "split", "a reason")
    with pytest.raises(ConfigError, match="say why"):
        accept(store, "N07", SPLIT_DAY, "split", " ")
    accept(store, "N07", SPLIT_DAY, "split", "it is in the papers")
    store.refresh()
    again = check(store)
    assert again.stops.is_empty()
    assert "Nothing stops a fund" in quality.verdict(again.findings, again.quarantined)
    store.refresh()
    with store.writing() as writer:
        row = store.frame("bars").filter(at("N07", 120)).select("security_id", "symbol", "date")
        writer.put("splits", row.with_columns(ratio=2.0, source=pl.lit("test")))
        writer.commit()
    store.refresh()
    assert check(store).findings.filter(pl.col("check") == "split").is_empty()


def findings(*rows: tuple[str, int, str, str, str, str | None]) -> pl.DataFrame:
    names = ["symbol", "date", "check", "severity", "detail", "why"]
    made = [(s, dt.date(2020, 1, d), *rest) for s, d, *rest in rows]
    schema = {n: pl.Date if n == "date" else pl.String for n in names}
    return pl.DataFrame(made, schema=schema, orient="row")


TOLD = findings(
    ("A", 1, "outlier", "note", "a return of 30 %", None),
    ("B", 2, "split", "stop", "opens at half", None),
    ("B", 3, "split", "stop", "opens at a third", "seen in the papers"),
    *[(f"C{d}", d, "stale", "warn", f"{d} sessions", None) for d in range(1, 6)],
)


def test_groups_are_the_gravest_first_and_show_the_newest() -> None:
    told = quality.groups(TOLD)
    assert [(g.severity, g.check, g.count, g.accepted, g.names) for g in told] == [
        ("stop", "split", 2, 1, 1),
        ("warn", "stale", 5, 0, 5),
        ("note", "outlier", 1, 0, 1),
    ]
    assert [symbol for symbol, *_ in told[1].examples] == ["C5", "C4", "C3"]


def test_the_text_says_whether_a_fund_may_trade_and_what_to_do() -> None:
    text = quality.text(TOLD, 2, 7)
    assert text.startswith(
        "Market data, version 7. No fund may trade on this: 1 of 8 findings stop"
    )
    assert "Impossible bars set aside: 2." in text
    assert quality.ADVICE["split"] in text
    assert "B        2020-01-03  opens at a third" in text


def test_the_page_escapes_what_vendors_write() -> None:
    bad = "<script>alert(1)</script>"
    page = quality.render(findings((bad, 1, "split", "stop", bad, bad)), 0, 1)
    assert bad not in page
    assert page.count("&lt;script&gt;") >= 3
    assert "<script" not in page


def test_the_page_of_no_findings_and_of_very_many_is_a_page() -> None:
    assert "Nothing stops a fund; 0 findings" in quality.render(TOLD.clear(), 0, 1)
    many = pl.concat([TOLD.filter(pl.col("severity") == "stop")] * 300)
    page = quality.render(many, 0, 1)
    assert "100 more are in the table" in page


def test_every_check_of_the_gate_has_its_advice() -> None:
    source = Path(quality.__file__).parents[1] / "market" / "quality"
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(source.glob("*.py")))
    for name in quality.ADVICE:
        assert f'"{name}"' in text, f"{name} is no check of the gate"
    assert text.count("found(") - text.count("def found(") == len(quality.ADVICE) + 1
