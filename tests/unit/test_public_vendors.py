"""SEC, FINRA, Nasdaq and the others on recorded answers, counted in the raw text."""

import datetime as dt
import gzip
import json
import re
import zipfile
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from podshop.adapters.vendors import Request, Wanted, cboe, finra, fred, french, nasdaq, news, sec
from podshop.domain.error import DataError

YEAR = Wanted(("filings", "insider_trades"), ("AAPL",), dt.date(2024, 10, 1), dt.date(2024, 12, 31))
UTC = dt.UTC


@pytest.fixture
def recorded(shared_data: Path) -> Path:
    return shared_data / "recorded"


def unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def one(vendor, request: Request, body: bytes) -> pl.DataFrame:
    (rows,) = vendor.rows(request, body)
    return rows.frame


# --- SEC ------------------------------------------------------------------------------------------


def submissions(recorded: Path) -> tuple[Request, bytes]:
    path = "submissions/CIK0000320193.json"
    return Request("sec", "submissions", path, about="AAPL"), unpacked(
        recorded / "sec" / f"{path}.gz"
    )


def test_acceptance_is_eastern_time_whatever_its_z_says(recorded: Path) -> None:
    filings = one(sec, *submissions(recorded))
    annual = filings.filter(pl.col("accession") == "0000320193-24-000123").row(0, named=True)
    assert annual["form"] == "10-K"
    # The raw text says 2024-11-01T06:01:36.000Z; another vendor's acceptedDate agrees: New York.
    assert annual["known_at"] == dt.datetime(2024, 11, 1, 10, 1, 36, tzinfo=UTC)
    raw = json.loads(submissions(recorded)[1])["filings"]["recent"]
    assert filings.height == len(raw["accessionNumber"])


def test_a_filer_leads_to_its_form_4_documents_in_the_days_asked_for(recorded: Path) -> None:
    request, body = submissions(recorded)
    raw = json.loads(body)["filings"]["recent"]
    due = [
        accession
        for accession, form, filed in zip(
            raw["accessionNumber"], raw["form"], raw["filingDate"], strict=True
        )
        if form == "4" and "2024-10-01" <= filed <= "2024-12-31"
    ]
    asked = [r for r in sec.follow(request, body, YEAR) if r.endpoint == "form-4"]
    assert [r.path.rpartition("/")[2] for r in asked] == [f"{a}.txt" for a in due]
    assert len(due) > 0


def test_tickers_lead_to_filers(recorded: Path) -> None:
    body = unpacked(recorded / "sec" / "company_tickers.json.gz")
    first = next(iter(sec.requests(YEAR)))
    asked = list(sec.follow(first, body, YEAR))
    assert [(r.path, r.about) for r in asked] == [("submissions/CIK0000320193.json", "AAPL")]


def test_every_fact_is_there_with_its_restatements(recorded: Path) -> None:
    body = unpacked(recorded / "sec" / "companyfacts" / "CIK0000320193.json.gz")
    request = Request(
        "sec", "companyfacts", "api/xbrl/companyfacts/CIK0000320193.json", about="AAPL"
    )
    facts = one(sec, request, body)
    assert facts.height == len(re.findall(rb'"accn":', body))
    key = ["taxonomy", "tag", "unit", "start", "end"]
    versions = facts.group_by(key).agg(pl.col("value").n_unique().alias("n"))
    assert versions.filter(pl.col("n") > 1).height > 0  # restated values stand side by side
    assert (facts.get_column("known_at").dt.date() > facts.get_column("filed")).all()  # end of day


def test_a_form_4_tells_trades_of_the_share_with_their_sign(recorded: Path) -> None:
    path = "0000320193-22-000061.txt"
    body = unpacked(recorded / "sec" / "form4" / f"{path}.gz")
    trades = one(sec, Request("sec", "form-4", f"x/{path}"), body)
    text = body.decode("latin-1")
    table = text.partition("<nonDerivativeTable>")[2].partition("</nonDerivativeTable>")[0]
    shares = [float(x) for x in re.findall(r"<transactionShares>\s*<value>([\d.]+)", table)]
    sides = re.findall(r"<transactionAcquiredDisposedCode>\s*<value>([AD])", table)
    expected = [-s if side == "D" else s for s, side in zip(shares, sides, strict=True)]
    assert trades.get_column("shares").to_list() == expected
    assert set(trades.get_column("symbol")) == {"AAPL"}
    # Accepted at 18:30:57 in New York: after the close of that day.
    assert trades.get_column("known_at")[0] == dt.datetime(2022, 5, 6, 22, 30, 57, tzinfo=UTC)
    planned = "10b5-1" in text
    assert trades.get_column("planned").any() == planned


def test_options_of_a_form_4_are_no_purchases(recorded: Path) -> None:
    xml = (recorded / "sec" / "form4" / "374WaterForm4.xml").read_text(encoding="utf-8")
    filing = f"<ACCEPTANCE-DATETIME>20250502160000\n<XML>\n{xml}\n</XML>".encode()
    trades = one(sec, Request("sec", "form-4", "x/0002064133-25-000001.txt"), filing)
    row = trades.row(0, named=True)
    assert trades.height == 1
    assert (row["symbol"], row["code"], row["shares"], row["role"]) == (
        "SCWO",
        "A",
        757756.0,
        "Chief Technology Officer",
    )


@pytest.mark.parametrize(
    ("accession", "thousands"),
    [
        ("0001140361-23-013281", False),  # dollars, though of a quarter before the change
        ("0001790837-23-000002", True),  # thousands, though filed after it
        ("0001619124-21-000002", True),  # thousands, with two of five shares above 1,000 dollars
    ],
)
def test_a_13f_tells_values_in_dollars_whatever_its_filer_wrote(
    recorded: Path, accession: str, thousands: bool
) -> None:
    body = unpacked(recorded / "sec" / "form13f" / f"{accession}.txt.gz")
    holdings = one(sec, Request("sec", "form-13F-HR", f"x/{accession}.txt"), body)
    raw = [float(x) for x in re.findall(rb"<(?:\w+:)?value>([\d.]+)<", body)]
    assert holdings.get_column("value").sum() == pytest.approx(
        sum(raw) * (1000 if thousands else 1)
    )
    worth = holdings.get_column("value") / holdings.get_column("shares")
    assert 10.0 < float(worth.median()) < 5_000.0  # type: ignore[arg-type]


def test_entity_bombs_are_not_read() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><ownershipDocument>&a;</ownershipDocument>'
    filing = f"<ACCEPTANCE-DATETIME>20250502160000\n<XML>\n{bomb}\n</XML>".encode()
    with pytest.raises(DataError, match="document type or entities"):
        sec.rows(Request("sec", "form-4", "x/1.txt"), filing)


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("503_getcurrent_start5100.html", "again: "),
        ("404_submissions.xml", "nothing"),
        ("403_full_index.xml", "nothing"),
    ],
)
def test_the_secs_recorded_errors_are_told_apart(recorded: Path, file: str, kind: str) -> None:
    body = (recorded / "sec" / "errors" / file).read_bytes()
    assert str(sec.refusal(int(file[:3]), body)).startswith(kind)


# --- FINRA, Nasdaq, Cboe, FRED, French, news ------------------------------------------------------


def test_short_interest_is_known_when_it_is_published(recorded: Path) -> None:
    body = (recorded / "finra" / "shrt20210715.excerpt.csv").read_bytes()
    request = Request("finra", "short-interest", "equity/otcmarket/biweekly/shrt20210715.csv")
    rows = one(finra, request, body)
    lines = body.decode().strip().splitlines()[1:]
    assert rows.height == len(lines)
    first = lines[0].split("|")
    assert rows.row(0, named=True)["shares"] == float(first[5])
    # Eight business days after 2021-07-15 is 2021-07-27; six in the evening of New York.
    assert set(rows.get_column("known_at")) == {dt.datetime(2021, 7, 27, 22, 0, tzinfo=UTC)}


def test_a_short_volume_file_whose_count_differs_is_cut_off() -> None:
    head = b"Date|Symbol|ShortVolume|ShortExemptVolume|TotalVolume|Market\n"
    line = b"20230103|A|100.5|0|300|B,Q,N\n"
    request = Request("finra", "short-volume", "x")
    rows = one(finra, request, head + line + b"1\n")
    assert rows.select("symbol", "short", "total").row(0) == ("A", 100.5, 300.0)
    with pytest.raises(DataError, match="counts 2 lines, there are 1"):
        finra.rows(request, head + line + b"2\n")


def test_nasdaqs_calendar_is_read_from_display_strings(recorded: Path) -> None:
    body = (recorded / "nasdaq" / "calendar_earnings_2024-07-02.json").read_bytes()
    request = Request("nasdaq", "earnings", "api/calendar/earnings", (("date", "2024-07-02"),))
    rows = one(nasdaq, request, body)
    raw = json.loads(body)["data"]["rows"]
    assert rows.height == len(raw)
    assert rows.get_column("symbol").to_list() == [r["symbol"] for r in raw]
    assert set(rows.get_column("date")) == {dt.date(2024, 7, 2)}


def test_the_history_of_the_vix_is_read_whole(shared_data: Path) -> None:
    body = unpacked(shared_data / "vix" / "vix-daily.csv.gz")
    rows = one(cboe, Request("cboe", "index-history", "x", about="VIX"), body)
    assert rows.height == len(body.strip().splitlines()) - 1
    worst = rows.sort("close", descending=True).row(0, named=True)
    assert (worst["date"], worst["close"]) == (dt.date(2020, 3, 16), 82.69)
    whole = body.strip().rpartition(b"\n")[0] + b"\n2026-07-2"
    with pytest.raises(DataError, match="cut off"):
        cboe.rows(Request("cboe", "index-history", "x", about="VIX"), whole)


def test_vx_futures_expire_thirty_days_before_the_next_third_friday() -> None:
    # As Cboe's calendar has them.
    assert cboe.expiries(dt.date(2024, 1, 1), dt.date(2024, 6, 30)) == [
        dt.date(2024, 1, 17),
        dt.date(2024, 2, 14),
        dt.date(2024, 3, 20),
        dt.date(2024, 4, 17),
        dt.date(2024, 5, 22),
        dt.date(2024, 6, 18),
    ]


def test_an_option_chain_is_summed_by_side() -> None:
    chain = {
        "timestamp": "2024-06-20 20:45:00",
        "data": {
            "options": [
                {"option": "AAPL240621C00200000", "volume": 10.0, "open_interest": 5.0},
                {"option": "AAPL240621P00200000", "volume": 3.0, "open_interest": 7.0},
                {"option": "AAPL240719C00210000", "volume": 4.0, "open_interest": 0.0},
            ]
        },
    }
    rows = one(cboe, Request("cboe", "option-chain", "x", about="AAPL"), json.dumps(chain).encode())
    told = rows.row(0, named=True)
    assert (told["call_volume"], told["put_volume"], told["call_open"]) == (14.0, 3.0, 5.0)
    assert told["known_at"] == dt.datetime(2024, 6, 20, 20, 45, tzinfo=UTC)


def test_freds_rates_are_fractions_known_the_next_business_day_and_a_dot_is_nothing() -> None:
    answer = {
        "observations": [
            {"realtime_start": "2024-07-01", "date": "2024-07-03", "value": "5.24"},
            {"realtime_start": "2024-07-01", "date": "2024-07-04", "value": "."},
        ]
    }
    request = Request("fred", "observations", "x", (("series_id", "DTB3"),))
    row = one(fred, request, json.dumps(answer).encode()).row(0, named=True)
    assert (row["series"], row["value"]) == ("DTB3", pytest.approx(0.0524))
    assert row["known_at"] == dt.datetime(2024, 7, 5, 20, 15, tzinfo=UTC)  # over the holiday


def test_french_factors_come_from_the_block_of_days_or_months_alone() -> None:
    text = (
        "This file was created ...\n\n,Mkt-RF,SMB,HML,RF\n"
        "202301,  6.65,  5.02, -4.05,  0.35\n202302, -2.58, -99.99, -0.80,  0.34\n\n"
        " Annual Factors: January-December\n,Mkt-RF,SMB,HML,RF\n"
        "  2023, 21.70, -4.16, -12.57, 4.95\n"
    )
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("F-F_Research_Data_Factors.csv", text)
    request = Request("french", "monthly", "F-F_Research_Data_Factors_CSV.zip")
    rows = one(french, request, packed.getvalue())
    market = rows.filter(pl.col("factor") == "Mkt-RF").sort("date")
    assert market.select("date", "value").rows() == [
        (dt.date(2023, 1, 31), pytest.approx(0.0665)),
        (dt.date(2023, 2, 28), pytest.approx(-0.0258)),
    ]
    assert rows.filter(pl.col("factor") == "SMB").height == 1


FEED = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Yahoo</title>
<item><title>Apple beats estimates</title><link>https://x.test/1</link>
<pubDate>Thu, 02 May 2024 20:30:00 +0000</pubDate><description>More &amp; more</description></item>
<item><title>No moment</title></item></channel></rss>"""


def test_headlines_without_a_moment_are_left_out() -> None:
    rows = one(news, Request("news", "headlines", "x", about="AAPL"), FEED)
    assert rows.select("symbol", "title", "known_at").rows() == [
        ("AAPL", "Apple beats estimates", dt.datetime(2024, 5, 2, 20, 30, tzinfo=UTC))
    ]
