"""Financial Modeling Prep: recorded answers as rows, what is asked, what is a refusal."""

import datetime as dt
import json
import re
from pathlib import Path

import polars as pl
import pytest

from podshop.adapters.stores.market import MarketStore
from podshop.adapters.vendors import Request, Wanted, fmp, fmp_legacy
from podshop.adapters.vendors.fmp.refusals import CUT_OFF
from podshop.data.ingest import ingest
from podshop.domain.error import DataError

DAYS = (dt.date(2023, 1, 1), dt.date(2023, 1, 10))


@pytest.fixture
def recorded(shared_data: Path) -> Path:
    return shared_data / "recorded" / "fmp"


def told(endpoint: str, body: bytes, table: str) -> pl.DataFrame:
    frames = [r.frame for r in fmp.rows(Request("fmp", endpoint, endpoint), body)]
    names = [r.table for r in fmp.rows(Request("fmp", endpoint, endpoint), body)]
    return frames[names.index(table)]


def test_prices_are_those_of_the_raw_text(recorded: Path) -> None:
    body = (recorded / "v3_historical-price-full_AAPL.json").read_bytes()
    rows = told("historical-price-full", body, "split_adjusted").sort("date")
    closes = [float(x) for x in re.findall(rb'"close":\s*([\d.]+)', body)]
    adjusted = [float(x) for x in re.findall(rb'"adjClose":\s*([\d.]+)', body)]
    assert rows.get_column("close").to_list() == closes[::-1]
    told_adjusted = told("historical-price-full", body, "adjusted").sort("date")
    assert told_adjusted.get_column("adj_close").to_list() == adjusted[::-1]
    assert set(rows.get_column("symbol")) == {"AAPL"}


@pytest.mark.parametrize(
    ("file", "endpoint", "table", "figure", "key"),
    [
        ("income-statement", "income-statement", "income_statements", "revenue", "revenue"),
        (
            "balance-sheet-statement",
            "balance-sheet-statement",
            "balance_sheets",
            "total_debt",
            "totalDebt",
        ),
        (
            "cash-flow-statement",
            "cash-flow-statement",
            "cash_flows",
            "free_cash_flow",
            "freeCashFlow",
        ),
    ],
)
def test_statements_are_known_when_new_york_accepted_them(
    recorded: Path, file: str, endpoint: str, table: str, figure: str, key: str
) -> None:
    body = (recorded / f"stable_{file}_AAPL_FY2024.json").read_bytes()
    row = told(endpoint, body, table).row(0, named=True)
    # "2024-11-01 06:01:36" in New York, in summer time until two days later.
    assert row["known_at"] == dt.datetime(2024, 11, 1, 10, 1, 36, tzinfo=dt.UTC)
    assert (row["period"], row["fiscal_year"]) == ("FY", 2024)
    assert row[figure] == json.loads(body)[0][key]


def test_splits_dividends_rates_and_profile(recorded: Path) -> None:
    splits = told(
        "historical-price-full/stock_split",
        (recorded / "v3_stock_split_AAPL.json").read_bytes(),
        "splits",
    )
    assert splits.sort("date").get_column("ratio").to_list() == [2.0, 2.0, 2.0, 7.0, 4.0]
    paid = told("dividends", (recorded / "stable_dividends_AAPL.json").read_bytes(), "dividends")
    assert paid.select("date", "amount").row(0) == (dt.date(2025, 8, 11), 0.26)
    body = (recorded / "stable_treasury-rates.json").read_bytes()
    rates = told("treasury-rates", body, "rates")
    first = json.loads(body)[0]
    mine = rates.filter(
        pl.col("series") == "month3", pl.col("date") == pl.lit(first["date"]).str.to_date()
    )
    assert mine.get_column("value").item() == pytest.approx(first["month3"] / 100)
    profile = told("profile", (recorded / "stable_profile_AAPL.json").read_bytes(), "profiles")
    assert profile.select("cik", "sector", "listed").row(0) == (
        "0000320193",
        "Technology",
        dt.date(1980, 12, 12),
    )


def test_trades_of_senators_are_known_when_disclosed_and_have_a_range(recorded: Path) -> None:
    body = (recorded / "v4_senate-trading-rss-feed.excerpt.json").read_bytes()
    row = told("senate-trading-rss-feed", body, "congress_trades").row(0, named=True)
    assert row["known_at"] == dt.datetime(2024, 12, 5, 4, 59, 59, tzinfo=dt.UTC)  # end of 12-04
    assert (row["side"], row["low"], row["high"]) == ("sell", 1001.0, 15000.0)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"[]", None),
        (200, b'[{"symbol": "A"}]', None),
        (200, b"", CUT_OFF),
        (200, b"<!DOCTYPE html><html></html>", CUT_OFF),
        (200, b'[{"symbol": "A", "da', CUT_OFF),
        (200, b'{"error": {"message": "Too many requests"}}', "limit"),
        (200, b'{"Error Message": "Invalid API KEY."}', "key"),
        (200, b'{"Error Message": "Exclusive Endpoint : ..."}', "plan"),
        (200, b'{"Error Message": "Something else"}', "the vendor says: Something else"),
        (200, b"symbol,date,close\nA,2020-01-02,1.0\n", None),
        (200, b"symbol,date,close\nA,2020-01-02,1.0\nB,20", CUT_OFF),
        (200, b"just words", CUT_OFF),
    ],
)
def test_an_answer_is_judged_by_what_it_says(status: int, body: bytes, kind: str | None) -> None:
    assert fmp.refusal(status, body) == kind


def test_the_recorded_refusal_is_one(recorded: Path) -> None:
    assert fmp.refusal(429, (recorded / "error_429_limit_reach.json").read_bytes()) == "limit"


def test_bulk_days_are_read_by_their_header_whatever_its_order() -> None:
    body = (
        b'"symbol","date","open","low","high","close","adjClose","volume"\n'
        b'"A","2023-01-03","10","9","11","10.5","10.4","1000"\n'
        b'"B","2023-01-03","","","","","",""\n'
    )
    bars = told("eod-bulk", body, "bars")
    assert bars.select("symbol", "open", "high", "low", "close").rows() == [("A", 10, 11, 9, 10.5)]
    assert told("eod-bulk", body, "adjusted").select("symbol", "adj_close").rows() == [("A", 10.4)]


def test_questions_are_the_same_every_time_and_hold_no_key() -> None:
    wanted = Wanted(fmp.TABLES, ("AAPL", "MSFT"), *DAYS)
    asked = list(fmp.requests(wanted))
    assert asked == list(fmp.requests(wanted))
    assert len(set(asked)) == len(asked)
    assert not [r for r in asked if "apikey" in dict(r.params)]
    bulk = Wanted(("bars", "income_statements"), (), *DAYS)
    days = [dict(r.params)["date"] for r in fmp.requests(bulk) if r.endpoint == "eod-bulk"]
    assert days == [
        "2023-01-02",
        "2023-01-03",
        "2023-01-04",
        "2023-01-05",
        "2023-01-06",
        "2023-01-09",
        "2023-01-10",
    ]
    years = [dict(r.params) for r in fmp.requests(bulk) if r.endpoint == "income-statement-bulk"]
    assert [y["period"] for y in years] == ["FY", "Q1", "Q2", "Q3", "Q4"]


def test_pages_are_followed_until_one_is_empty() -> None:
    wanted = Wanted(("symbols",), ("A",), *DAYS)
    first = next(r for r in fmp.requests(wanted) if r.endpoint == "delisted-companies")
    second = next(iter(fmp.follow(first, b'[{"symbol": "X"}]', wanted)))
    assert dict(second.params)["page"] == "1"
    assert not list(fmp.follow(second, b"[]", wanted))


def test_another_shape_is_named() -> None:
    with pytest.raises(DataError, match="fmp splits"):
        fmp.rows(Request("fmp", "splits", "splits"), b'[{"symbol": "A", "numerator": [1]}]')


def test_the_legacy_api_gives_raw_prices_through_its_splits(tmp_path: Path) -> None:
    path = "historical-price-full"
    prices = {
        "symbol": "A",
        "historical": [
            {
                "date": "2020-08-31",
                "open": 127.5,
                "high": 131.0,
                "low": 126.0,
                "close": 129.0,
                "adjClose": 128.0,
                "volume": 200.0,
            },
            {
                "date": "2020-08-28",
                "open": 126.0,
                "high": 126.4,
                "low": 124.6,
                "close": 124.8,
                "adjClose": 124.0,
                "volume": 400.0,
            },
        ],
    }
    split = {
        "symbol": "A",
        "historical": [{"date": "2020-08-31", "numerator": 4, "denominator": 1}],
    }
    answers = [
        *fmp_legacy.rows(Request("fmp_legacy", path, path), json.dumps(prices).encode()),
        *fmp_legacy.rows(
            Request("fmp_legacy", f"{path}/stock_split", path), json.dumps(split).encode()
        ),
    ]
    made = ingest(MarketStore(tmp_path), answers, "fmp_legacy")
    raw = made["bars"].sort("date").select("date", "close", "volume")
    assert raw.rows() == [
        (dt.date(2020, 8, 28), 499.2, 100.0),
        (dt.date(2020, 8, 31), 129.0, 200.0),
    ]
    assert set(made["bars"].get_column("source")) == {"fmp_legacy"}
    asked = [r.path for r in fmp_legacy.requests(Wanted(("bars", "splits"), ("A",), *DAYS))]
    assert asked == ["v3/historical-price-full/A", "v3/historical-price-full/stock_split/A"]
