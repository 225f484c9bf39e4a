"""The SEC's answers as they were recorded, counted again by text search."""

import gzip
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from podshop.adapters.vendors import Request, Wanted, sec
from podshop.adapters.vendors.sec import filings, holdings, ownership
from podshop.domain.error import DataError

TABLES = ("filings", "insider_trades")
YEAR = Wanted(TABLES, ("AAPL",), date(2024, 1, 1), date(2024, 12, 31))


@pytest.fixture
def recorded(shared_data: Path) -> Path:
    return shared_data / "recorded" / "sec"


def body_of(path: Path) -> bytes:
    raw = path.read_bytes()
    return gzip.decompress(raw) if path.suffix == ".gz" else raw


def ask(endpoint: str, about: str = "", path: str = "CIK0000320193.json") -> Request:
    return Request("sec", endpoint, path, about=about)


def frame_of(
    endpoint: str, body: bytes, about: str = "", path: str = "CIK0000320193.json"
) -> pl.DataFrame:
    (rows,) = sec.rows(ask(endpoint, about, path), body)
    return rows.frame


def test_filings_are_known_when_new_york_accepted_them(recorded: Path) -> None:
    body = body_of(recorded / "submissions/CIK0000320193.json.gz")
    frame = frame_of("submissions", body, "AAPL")
    count = len(re.findall(rb'"\d{10}-\d\d-\d{6}"', body))
    assert frame.height == count == 1005
    # 10-K of 2024: written 06:01:36Z, and that is New York's time: 10:01:36 in summer time's UTC.
    row = frame.filter(pl.col("filed") == date(2024, 11, 1), pl.col("form") == "10-K")
    assert row["known_at"].to_list() == [datetime(2024, 11, 1, 10, 1, 36, tzinfo=UTC)]
    # Accepted after 17:30, so filed the day after.
    late = frame.filter(pl.col("filed") == date(2023, 11, 3), pl.col("form") == "10-K")
    assert late["known_at"].to_list() == [datetime(2023, 11, 2, 22, 8, 27, tzinfo=UTC)]
    assert set(frame["symbol"]) == {"AAPL"}


def test_every_recorded_company_is_read(recorded: Path) -> None:
    for path in sorted((recorded / "submissions").glob("*.json.gz")):
        body = body_of(path)
        frame = frame_of("submissions", body)
        # Accession numbers stand in quotes with their dashes nowhere else in these files.
        assert frame.height == len(re.findall(rb'"\d{10}-\d\d-\d{6}"', body)), path.name
        assert frame["known_at"].null_count() == 0


def test_a_company_leads_to_its_forms_4_and_older_pages(recorded: Path) -> None:
    body = body_of(recorded / "submissions/CIK0000320193.json.gz")
    followed = list(sec.follow(ask("submissions", "AAPL"), body, YEAR))
    recent = json.loads(body)["filings"]["recent"]
    expected = {
        accession
        for accession, form, filed in zip(
            recent["accessionNumber"], recent["form"], recent["filingDate"], strict=True
        )
        if form in ("4", "4/A") and filed.startswith("2024")
    }
    assert len(expected) > 20
    assert {request.path[-24:-4] for request in followed} == expected
    assert {request.endpoint for request in followed} == {"form-4"}
    old = Wanted(TABLES, ("AAPL",), date(2015, 1, 1), date(2015, 3, 11))
    (page, *_) = sec.follow(ask("submissions", "AAPL"), body, old)
    assert (page.endpoint, page.about) == ("submissions-page", "AAPL")
    assert page.path == "submissions/CIK0000320193-submissions-001.json"
    assert page.covers == date(2015, 3, 11)


def test_facts_keep_every_version_that_was_filed(recorded: Path) -> None:
    body = body_of(recorded / "companyfacts/CIK0000320193.json.gz")
    frame = frame_of("companyfacts", body, "AAPL")
    assert frame.height == body.count(b'"accn":') == 24_579
    assert set(frame["cik"]) == {"0000320193"}
    assets = frame.filter(pl.col("tag") == "Assets", pl.col("end") == date(2008, 9, 27))
    # The balance of 2008 as first reported in XBRL, and as restated for the new revenue rule.
    assert assets["value"].unique().sort().to_list() == [36_171_000_000, 39_572_000_000]
    first = assets.sort("known_at").row(0, named=True)
    assert (first["fiscal_year"], first["fiscal_period"]) == (2009, "Q3")  # the filing's
    assert first["start"] is None
    assert first["known_at"] == datetime(2009, 7, 23, 2, 0, tzinfo=UTC)  # 22:00 in New York


def test_all_recorded_facts_are_read(recorded: Path) -> None:
    for path in sorted((recorded / "companyfacts").glob("CIK*.json.gz")):
        body = body_of(path)
        assert frame_of("companyfacts", body).height == body.count(b'"accn":'), path.name


def test_acceptance_dates_facts_sharper_and_never_later(recorded: Path) -> None:
    facts = frame_of("companyfacts", body_of(recorded / "companyfacts/CIK0000320193.json.gz"))
    listed = frame_of("submissions", body_of(recorded / "submissions/CIK0000320193.json.gz"))
    sharper = filings.dated_by_acceptance(facts, listed)
    assert sharper.drop("known_at").equals(facts.drop("known_at"))
    assert (sharper["known_at"] <= facts["known_at"]).all()
    assert (sharper["known_at"] < facts["known_at"]).sum() > 10_000


def test_a_sale_under_a_plan_counts_as_one(recorded: Path) -> None:
    body = body_of(recorded / "form4/0000320193-22-000061.txt.gz")
    frame = frame_of("form-4", body)
    assert frame.height == body.count(b"<nonDerivativeTransaction>") == 7
    shares = re.findall(rb"<transactionShares>\s*<value>([\d.]+)", body)
    assert frame["shares"].to_list() == [-float(x) for x in shares]
    assert frame["price"][0] == 159.94
    assert frame["shares_after"][0] == 468_198
    assert set(frame["code"]) == {"S"}
    assert set(frame["symbol"]) == {"AAPL"}
    assert set(frame["role"]) == {"SVP, GC and Secretary"}
    # No box yet in 2022: footnote F1 names Rule 10b5-1 and hangs on every line's title.
    assert frame["planned"].to_list() == [True] * 7
    # <ACCEPTANCE-DATETIME>20220506183057
    assert set(frame["known_at"]) == {datetime(2022, 5, 6, 22, 30, 57, tzinfo=UTC)}


def lines_of(path: Path) -> pl.DataFrame:
    root = ET.fromstring(path.read_bytes())
    known = datetime(2025, 5, 2, tzinfo=UTC)
    return pl.DataFrame(list(ownership.lines(ask("form-4"), root, "0-0-0", known)))


def test_options_are_no_purchases(recorded: Path) -> None:
    frame = lines_of(recorded / "form4/374WaterForm4.xml")
    # One grant of shares; the grant of 757,576 options is not a line.
    assert frame.select("code", "shares", "price", "planned").rows() == [("A", 757_756, 0.0, False)]
    assert lines_of(recorded / "form4/form3.snow.xml").is_empty()
    assert lines_of(recorded / "form4/form3.nosecurities.xml").is_empty()
    gift = lines_of(recorded / "form4/form5.snow.xml")
    assert gift.select("code", "shares").rows() == [("G", -61_386)]
    path = recorded / "form4/form4.snow.xml"
    text = path.read_text()
    frame = lines_of(path)
    assert frame.height == text.count("<nonDerivativeTransaction>")
    part = text.partition("<derivativeTable>")[0]
    assert frame["code"].to_list() == re.findall(r"<transactionCode>(\w)<", part)
    signs = re.findall(r"<transactionAcquiredDisposedCode>\s*<value>(\w)<", part)
    assert (frame["shares"] > 0).to_list() == [sign == "A" for sign in signs]


def changed(recorded: Path, *pairs: tuple[str, str]) -> pl.DataFrame:
    text = body_of(recorded / "form4/0000320193-22-000061.txt.gz").decode()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return frame_of("form-4", text.encode())


def test_an_amendment_is_no_second_purchase(recorded: Path) -> None:
    to = ("<documentType>4</documentType>", "<documentType>4/A</documentType>")
    buy = ("<transactionCode>S</transactionCode>", "<transactionCode>P</transactionCode>")
    frame = changed(recorded, to, buy)
    assert frame["code"].to_list() == ["P/A"] + ["S/A"] * 6


def test_a_price_in_a_footnote_alone_is_missing(recorded: Path) -> None:
    frame = changed(recorded, ("<value>159.94</value>", ""))
    assert frame["price"].null_count() == 1
    assert frame["price"][0] is None


def test_the_box_speaks_where_no_footnote_does(recorded: Path) -> None:
    silent = ("Rule 10b5-1", "Rule 144")
    assert changed(recorded, silent)["planned"].null_count() == 7
    for word, planned in (("1", True), ("false", False)):
        box = ("<nonDerivativeTable>", f"<aff10b5One>{word}</aff10b5One><nonDerivativeTable>")
        assert changed(recorded, silent, box)["planned"].to_list() == [planned] * 7


@pytest.mark.parametrize(
    ("accession", "count", "dollars", "decided"),
    [
        ("0001790837-23-000002", 90, 1000.0, "below 1 a share"),  # thousands after the change
        ("0001140361-23-013281", 6, 1.0, "a share"),  # late for 2021, in dollars
        ("0001619124-21-000002", 5, 1000.0, "40% of 5"),  # the median, 1.75, would mislead
    ],
)
def test_the_unit_of_a_13f_is_inferred(
    recorded: Path, accession: str, count: int, dollars: float, decided: str
) -> None:
    body = body_of(recorded / f"form13f/{accession}.txt.gz")
    frame = frame_of("form-13F-HR", body, path=f"x/{accession}.txt")
    total = re.search(rb"<tableValueTotal>(\d+)<", body)
    assert total is not None
    assert frame.height == count == len(re.findall(rb"<(?:\w+:)?infoTable>", body))
    assert frame["value"].sum() == int(total[1]) * dollars
    filed = [
        holdings.Position(
            x["issuer"], x["cusip"], x["value"] / dollars, x["shares"], "SH", x["put_call"] or ""
        )
        for x in frame.to_dicts()
    ]
    unit = holdings.unit_of(filed, frame["known_at"][0])
    assert unit.dollars == dollars
    assert decided in unit.reason
    assert frame["manager_id"][0] in accession or accession.startswith("0001140361")
    assert frame["period_end"][0] in (date(2022, 12, 31), date(2021, 12, 31), date(2020, 12, 31))


def test_known_prices_decide_the_unit_first() -> None:
    since, before = datetime(2023, 2, 1, tzinfo=UTC), datetime(2022, 2, 1, tzinfo=UTC)
    penny = [holdings.Position("A", "0", 50.0, 100.0, "SH", "")]
    assert holdings.unit_of(penny, since).dollars == 1000.0
    assert holdings.unit_of(penny, since, {"0": 0.5}).dollars == 1.0
    assert holdings.unit_of(penny, since, {"0": 500.0}).dollars == 1000.0
    # Values at 3 a share tell nothing: the form's own rule.
    three = [holdings.Position("A", "0", 300.0, 100.0, "SH", "")]
    assert holdings.unit_of(three, before).dollars == 1000.0
    assert holdings.unit_of(three, since).dollars == 1.0


def test_bonds_are_left_out_and_a_bare_table_is_read(recorded: Path) -> None:
    body = body_of(recorded / "form13f/13F-HR.infotable.xml.gz").strip()
    lines = holdings.information_table(ask("form-13F-HR"), ET.fromstring(body))
    assert len(lines) == body.count(b"<infoTable>") == 255
    assert sum(line.value for line in lines) == sum(
        int(x) for x in re.findall(rb"<value>(\d+)<", body)
    )
    text = body_of(recorded / "form13f/0001140361-23-013281.txt.gz")
    fewer = frame_of("form-13F-HR", text.replace(b">SH<", b">PRN<", 1))
    assert fewer["line"].to_list() == [2, 3, 4, 5, 6]


def test_the_daily_index_leads_to_each_filing_once(recorded: Path) -> None:
    body = body_of(recorded / "daily_index/form.20200318.idx.gz")
    listed = filings.index_lines(ask("daily-index"), body.decode("latin-1"))
    assert len(listed) == body.count(b"edgar/data/") == 4084
    fours = [line for line in body.decode("latin-1").splitlines() if re.match(r"4(/A)? ", line)]
    accessions = {match for line in fours for match in re.findall(r"\d{10}-\d\d-\d{6}", line)}
    day = Wanted(("insider_trades",), (), date(2020, 3, 18), date(2020, 3, 18))
    (first, *_) = sec.requests(day)
    assert first.path.endswith("edgar/daily-index/2020/QTR1/form.20200318.idx")
    followed = list(sec.follow(first, body, day))
    assert len(followed) == len(accessions) < len(fours)
    assert {request.path[-24:-4] for request in followed} == accessions


def test_the_feed_lists_filings_twice_and_we_ask_once(recorded: Path) -> None:
    body = body_of(recorded / "getcurrent/form4_start0.atom.xml.gz")
    accessions = set(re.findall(rb"accession-number=([\d-]+)", body))
    assert body.count(b"<entry>") == 100 > len(accessions)
    day = Wanted(("insider_trades",), (), date(2025, 12, 12), date(2025, 12, 12))
    *_, request = sec.requests(day)
    assert request.endpoint == "latest"
    *documents, page = sec.follow(request, body, day)
    assert {x.path[-24:-4].encode() for x in documents} == accessions
    assert dict(page.params)["start"] == "100"
    last = replace(request, params=(("start", "4900"),))
    assert [x.endpoint for x in sec.follow(last, body, day)].count("latest") == 0
    tomorrow = replace(day, start=date(2025, 12, 13), end=date(2025, 12, 13))
    assert list(sec.follow(request, body, tomorrow)) == []


def test_tickers_lead_to_companies_and_strangers_are_named(recorded: Path) -> None:
    body = body_of(recorded / "company_tickers.json.gz")
    wanted = Wanted(("facts", "filings"), ("AAPL", "BRK.B", "NOSUCH"), *[date(2024, 1, 2)] * 2)
    (first,) = sec.requests(wanted)
    assert first.path == "https://www.sec.gov/files/company_tickers.json"
    assert [(x.path, x.about) for x in sec.follow(first, body, wanted)] == [
        ("submissions/CIK0000320193.json", "AAPL"),
        ("api/xbrl/companyfacts/CIK0000320193.json", "AAPL"),
        ("submissions/CIK0001067983.json", "BRK.B"),
        ("api/xbrl/companyfacts/CIK0001067983.json", "BRK.B"),
    ]
    assert sec.unknown_symbols(first, body, wanted) == ("NOSUCH",)
    with pytest.raises(DataError, match="none of NOSUCH"):
        list(sec.follow(first, body, replace(wanted, symbols=("NOSUCH",))))


def test_a_manager_is_asked_by_number() -> None:
    wanted = Wanted(("holdings",), ("CIK0001067983",), date(2024, 1, 1), date(2024, 3, 31))
    (request,) = sec.requests(wanted)
    assert (request.path, request.about) == ("submissions/CIK0001067983.json", "")


@pytest.mark.parametrize(
    ("file", "status", "why"),
    [
        ("errors/503_getcurrent_start5100.html", 503, "again: "),
        ("errors/404_submissions.xml", 404, "nothing"),
        ("errors/403_full_index.xml", 403, "nothing"),
    ],
)
def test_recorded_errors_are_refused_with_their_reason(
    recorded: Path, file: str, status: int, why: str
) -> None:
    body = body_of(recorded / file)
    assert why in str(sec.refusal(status, body))
    assert sec.refusal(200, body)
    with pytest.raises(DataError, match="sec submissions"):
        sec.rows(ask("submissions"), body)


@pytest.mark.parametrize(
    ("endpoint", "file"),
    [
        ("form-4", "form4/0000320193-22-000061.txt.gz"),
        ("form-13F-HR", "form13f/0001790837-23-000002.txt.gz"),
        ("companyfacts", "companyfacts/lpa_facts.json.gz"),
        ("submissions", "submissions/CIK0001830610.json.gz"),
    ],
)
def test_a_truncated_answer_is_an_error_wherever_it_was_cut(
    recorded: Path, endpoint: str, file: str
) -> None:
    body = body_of(recorded / file).rstrip()
    end = body.rfind(b"</XML>") if b"</XML>" in body else len(body) - 1
    for cut in range(0, end, max(end // 40, 1)):
        with pytest.raises(DataError, match=f"sec {endpoint}"):
            sec.rows(ask(endpoint), body[:cut])


def test_a_bomb_of_entities_is_not_read() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><feed>&a;</feed>'
    with pytest.raises(DataError, match="entities is not read"):
        filings.latest_lines(ask("latest"), bomb)


def test_a_block_of_the_sec_says_what_to_do() -> None:
    slow = b"<!DOCTYPE html><title>SEC.gov | Request Rate Threshold Exceeded</title>"
    assert sec.refusal(403, slow) == "limit"
    stranger = b"<html><h1>Your Request Originates from an Undeclared Automated Tool</h1>"
    assert "PODSHOP_CONTACT" in str(sec.refusal(403, stranger))
