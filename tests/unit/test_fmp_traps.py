"""Financial Modeling Prep: the traps in its answers that would cost money, and the legacy API."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from podshop.adapters.stores.market import MarketStore
from podshop.adapters.vendors import Request, Rows, Wanted, fmp, fmp_legacy
from podshop.adapters.vendors.fmp.refusals import CUT_OFF
from podshop.data.ingest import ingest
from podshop.domain.error import DataError


@pytest.fixture
def recorded(shared_data: Path) -> Path:
    return shared_data / "recorded" / "fmp"


def asked(endpoint: str) -> Request:
    return Request("fmp", endpoint, endpoint)


def one(told: list[Rows], table: str) -> pl.DataFrame:
    return next(rows.frame for rows in told if rows.table == table)


def read(endpoint: str, *said: dict[str, object]) -> pl.DataFrame:
    """The rows of the one table that an answer of these objects gives."""
    (rows,) = fmp.rows(asked(endpoint), json.dumps(said).encode())
    return rows.frame


def statement(**changed: object) -> dict[str, object]:
    return {
        "date": "2022-12-31",
        "symbol": "AAA",
        "reportedCurrency": "USD",
        "filingDate": "2023-02-02",
        "acceptedDate": "2023-02-01 18:08:27",
        "fiscalYear": "2022",
        "period": "FY",
        "revenue": 100.0,
    } | changed


@pytest.mark.parametrize(
    ("heads", "known"),
    [
        ({}, datetime(2023, 2, 1, 23, 8, 27, tzinfo=UTC)),
        ({"acceptedDate": ""}, datetime(2023, 2, 3, 4, 59, 59, tzinfo=UTC)),
        ({"acceptedDate": "2023-02-02 00:00:00"}, datetime(2023, 2, 3, 4, 59, 59, tzinfo=UTC)),
        ({"acceptedDate": "2022-12-31 00:00:00", "filingDate": "2022-12-31"}, None),
        ({"acceptedDate": None, "filingDate": None}, None),
    ],
    ids=["exact", "no acceptance", "midnight is a date", "period's end is no filing", "nothing"],
)
def test_a_report_never_counts_as_known_too_early(
    heads: dict[str, object], known: datetime | None
) -> None:
    assert read("income-statement", statement(**heads)).item(0, "known_at") == known


def test_legacy_heads_and_bulk_csv_read_as_the_same_report() -> None:
    legacy = statement(fillingDate="2023-02-02", calendarYear="2022")
    for name in ("filingDate", "fiscalYear"):
        del legacy[name]
    plain = read("income-statement", statement())
    assert read("income-statement", legacy).equals(plain)
    head = ",".join(f'"{name}"' for name in statement())
    line = ",".join(f'"{value}"' for value in statement().values())
    (bulk,) = fmp.rows(asked("income-statement-bulk"), f"{head}\n{line}\n".encode())
    assert bulk.frame.equals(plain)


def test_fields_that_nobody_knew_become_figures_and_break_nothing() -> None:
    row = read("income-statement", statement(brandNewFigure=7, reasonText="words"))
    assert row.item(0, "brand_new_figure") == 7.0
    assert row.item(0, "reason_text") is None


def test_treasury_rates_are_fractions_known_at_the_end_of_their_day(recorded: Path) -> None:
    body = (recorded / "stable_treasury-rates.json").read_bytes()
    rates = one(fmp.rows(asked("treasury-rates"), body), "rates")
    row = rates.filter(series="month3", date=date(2023, 1, 10)).row(0, named=True)
    assert row["value"] == pytest.approx(0.0473, abs=1e-15)
    assert row["known_at"] == datetime(2023, 1, 11, 4, 59, 59, tzinfo=UTC)
    assert rates.select("series", "date").is_unique().all()


def test_recorded_dividends_profile_and_splits_read(recorded: Path) -> None:
    dividend = one(
        fmp.rows(asked("dividends"), (recorded / "stable_dividends_AAPL.json").read_bytes()),
        "dividends",
    ).row(0, named=True)
    assert (dividend["date"], dividend["amount"]) == (date(2025, 8, 11), 0.26)
    assert dividend["declared_date"] == date(2025, 7, 31)
    profile = one(
        fmp.rows(asked("profile"), (recorded / "stable_profile_AAPL.json").read_bytes()), "profiles"
    ).row(0, named=True)
    assert (profile["name"], profile["exchange"]) == ("Apple Inc.", "NASDAQ")
    assert (profile["isin"], profile["cik"]) == ("US0378331005", "0000320193")
    splits = one(
        fmp_legacy.rows(asked("splits"), (recorded / "v3_stock_split_AAPL.json").read_bytes()),
        "splits",
    )
    assert splits.select("date", "ratio").rows()[0] == (date(2020, 8, 31), 4.0)
    assert splits.get_column("source").unique().to_list() == ["fmp_legacy"]


def test_legacy_prices_become_raw_by_the_splits_of_the_same_sync(
    recorded: Path, tmp_path: Path
) -> None:
    """An artificial 4:1 split after the recorded days makes raw prices four times as high."""
    body = (recorded / "v3_historical-price-full_AAPL.json").read_bytes()
    split = {"date": "2024-01-02", "numerator": 4, "denominator": 1}
    said = json.dumps({"symbol": "AAPL", "historical": [split]}).encode()
    told = fmp_legacy.rows(asked("historical-price-full"), body)
    told += fmp_legacy.rows(asked("splits"), said)
    tables = ingest(MarketStore(tmp_path), told, "fmp_legacy")
    last = tables["bars"].filter(date=date(2023, 1, 10)).row(0, named=True)
    assert last["close"] == pytest.approx(4 * 130.73)
    assert last["volume"] == pytest.approx(63_896_200 / 4)
    second = tables["adjusted"].filter(date=date(2023, 1, 10)).row(0, named=True)
    assert (second["adj_close"], second["source"]) == (130.17, "fmp_legacy")


def test_the_houses_legacy_spelling_reads_too() -> None:
    trade = read(
        "house-trades",
        {
            "disclosureDate": "2024-12-04",
            "transactionDate": "2024-11-19",
            "representative": "A Member",
            "ticker": "MET",
            "type": "sale_full",
            "amount": "Over $50,000,000",
        },
    ).row(0, named=True)
    assert (trade["symbol"], trade["member"], trade["chamber"]) == ("MET", "A Member", "house")
    assert (trade["side"], trade["low"], trade["high"]) == ("sell", 50_000_000.0, None)


def test_an_insiders_lines_keep_their_numbers_when_newer_filings_come() -> None:
    def line(shares: float, filed: str) -> dict[str, object]:
        return {
            "symbol": "AAA",
            "filingDate": filed,
            "transactionDate": "2023-01-04",
            "reportingCik": "1",
            "companyCik": "2",
            "transactionType": "S-Sale",
            "acquisitionOrDisposition": "D",
            "securitiesTransacted": shares,
            "price": 10.0,
        }

    old = [line(100, "2023-01-05"), line(200, "2023-01-05")]
    before = read("insider-trading/search", *old)
    after = read("insider-trading/search", line(300, "2023-01-09"), *old)
    key = ["accession", "insider_id", "line"]
    assert after.select(key).is_unique().all()
    assert after.join(before, on=key, how="semi").get_column("shares").to_list() == [-100, -200]


def test_an_object_where_a_list_belongs_is_an_error_that_names_the_endpoint() -> None:
    with pytest.raises(DataError, match="fmp dividends: an answer of another shape"):
        fmp.rows(asked("dividends"), b'{"surprise": 1}')


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"[]", None),
        (200, b"{}", None),
        (429, b'{"Error Message": "Daily limit reached. Upgrade your plan"}', "quota"),
        (200, b'{"message": "Exclusive Endpoint: see your subscription"}', "plan"),
        (200, b"symbol,date,close\nAAA,2023-01-03,1.5\n", None),
        (200, b"symbol,date,close\nAAA,2023-01-03,1.5", None),
        (200, b"symbol,date,close\nAAA,2023-0", CUT_OFF),
        (200, b'"symbol","name"\n"AAA","two\nlines, one cell"\n', None),
        (200, b'"symbol","name"\n"AAA","cut', CUT_OFF),
    ],
)
def test_what_is_no_answer_is_told_by_its_kind(status: int, body: bytes, kind: str | None) -> None:
    assert fmp.refusal(status, body) == kind


def test_pages_are_followed_until_one_holds_nothing() -> None:
    wanted = Wanted(("news",), ("AAA",), date(2023, 1, 1), date(2023, 1, 2))
    first = Request("fmp", "profile-bulk", "profile-bulk", (("part", "0"),))
    (more,) = fmp.follow(first, b"symbol,price\nAAA,1\n", wanted)
    assert more.params == (("part", "1"),)
    assert list(fmp.follow(more, b"symbol,price\n", wanted)) == []
    (news,) = fmp_legacy.requests(wanted)
    (second,) = fmp_legacy.follow(news, b'[{"symbol": "AAA"}]', wanted)
    assert (second.path, dict(second.params)["page"]) == ("v3/stock_news", "1")
    assert list(fmp_legacy.follow(second, b"[]", wanted)) == []


def test_legacy_bars_bring_the_splits_that_make_them_raw() -> None:
    wanted = Wanted(("bars",), ("AAA",), date(2023, 1, 1), date(2023, 1, 2))
    paths = [request.path for request in fmp_legacy.requests(wanted)]
    assert paths == ["v3/historical-price-full/AAA", "v3/historical-price-full/stock_split/AAA"]
