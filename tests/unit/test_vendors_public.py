"""FINRA, Nasdaq and VIX as recorded; Cboe, FRED, French and news as documented."""

import gzip
import io
import json
import re
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest

from podshop.adapters.calendar import sessions
from podshop.adapters.vendors import Request, Wanted, cboe, finra, fred, french, nasdaq, news
from podshop.domain.error import ConfigError, DataError
from podshop.market import business_days


def frame_of(vendor: ModuleType, request: Request, body: bytes) -> pl.DataFrame:
    (rows,) = vendor.rows(request, body)
    frame: pl.DataFrame = rows.frame
    return frame


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


# --- business days --------------------------------------------------------------------------------


def test_sessions_by_rule_are_those_of_the_exchange() -> None:
    first, last = date(2010, 1, 1), date(2026, 12, 31)
    ruled = {np.datetime64(day) for day in business_days.sessions_by_rule(first, last)}
    real = set(sessions(np.datetime64(first), np.datetime64(last)))
    # A hurricane and two days of mourning: no rule knows them.
    unforeseen = {"2012-10-29", "2012-10-30", "2018-12-05", "2025-01-09"}
    assert {str(day) for day in ruled - real} == unforeseen
    assert real <= ruled


def test_business_days_jump_over_holidays() -> None:
    # 2023-12-22, a Friday, then Christmas on Monday.
    assert business_days.business_days_after(date(2023, 12, 22), 1) == date(2023, 12, 26)
    extra = frozenset({date(2023, 12, 26)})
    assert business_days.business_days_after(date(2023, 12, 22), 1, extra) == date(2023, 12, 27)
    assert business_days.business_days_after(date(2023, 12, 24), 0) == date(2023, 12, 22)


# --- FINRA ----------------------------------------------------------------------------------------

INTEREST = Request("finra", "short-interest", "x")
VOLUME = Request("finra", "short-volume", "x")


def test_short_interest_is_known_when_published(shared_data: Path) -> None:
    body = (shared_data / "recorded/finra/shrt20210715.excerpt.csv").read_bytes()
    frame = frame_of(finra, INTEREST, body)
    lines = body.decode().splitlines()[1:]
    assert frame.height == len(lines) == 24
    # The 8th business day after Thursday 2021-07-15, six in the evening in New York.
    assert set(frame["known_at"]) == {utc(2021, 7, 27, 22)}
    assert set(frame["date"]) == {date(2021, 7, 15)}
    cells = {line.split("|")[1]: line.split("|") for line in lines}
    for row in frame.iter_rows(named=True):
        cell = cells[row["symbol"]]
        assert row["shares"] == int(cell[5])
        told = float(cell[9])
        if 1.0 < told < 999.99:
            assert round(row["days_to_cover"], 2) == pytest.approx(told, abs=0.0051)
        elif told == 999.99:  # FINRA's end for a name that does not trade
            assert row["days_to_cover"] is None
        else:
            assert row["days_to_cover"] <= 1.005
    assert "AAON" in cells  # "AAON, Inc. Common Stock": a comma is no separator


def test_settlement_dates_are_mid_month_and_month_end() -> None:
    # 2024-06-15 was a Saturday, 2024-06-30 a Sunday; 2024-03-29 Good Friday.
    found = finra.settlement_dates(date(2024, 3, 1), date(2024, 6, 30))
    assert found[:2] == [date(2024, 3, 15), date(2024, 3, 28)]
    assert found[-2:] == [date(2024, 6, 14), date(2024, 6, 28)]
    assert len(found) == 8


def test_short_volume_is_counted_against_its_trailer() -> None:
    head = "Date|Symbol|ShortVolume|ShortExemptVolume|TotalVolume|Market\r\n"
    lines = "20240105|A|295201|1233|536182|B,Q,N\r\n20240105|AA|1000.5|0|2500.25|Q\r\n"
    frame = frame_of(finra, VOLUME, (head + lines + "2\r\n").encode())
    assert frame.select("symbol", "short", "exempt", "total").rows() == [
        ("A", 295_201, 1_233, 536_182),
        ("AA", 1_000.5, 0, 2_500.25),
    ]
    assert frame["known_at"][0] == utc(2024, 1, 5, 23)
    assert frame_of(finra, VOLUME, (head + lines).encode()).height == 2
    with pytest.raises(DataError, match="line 4 counts 3 lines, there are 2"):
        finra.rows(VOLUME, (head + lines + "3\r\n").encode())
    with pytest.raises(DataError, match="line 3 has 3 fields"):
        finra.rows(VOLUME, (head + lines)[:-16].encode())


# --- Nasdaq ---------------------------------------------------------------------------------------


def earnings_request(day: str = "2024-07-02") -> Request:
    return Request("nasdaq", "earnings", "api/calendar/earnings", (("date", day),))


def test_display_strings_become_figures(shared_data: Path) -> None:
    body = (shared_data / "recorded/nasdaq/calendar_earnings_2024-07-02.json").read_bytes()
    assert nasdaq.refusal(200, body) is None
    frame = frame_of(nasdaq, earnings_request(), body)
    text = body.decode()
    assert frame["symbol"].to_list() == re.findall(r'"symbol":"([A-Z]+)"', text)
    told = re.findall(r'"epsForecast":"([^"]*)"', text)[-frame.height :]
    by_hand = [
        None if not t else -float(t[2:-1]) if t.startswith("(") else float(t[1:]) for t in told
    ]
    assert frame["eps_estimated"].to_list() == by_hand
    assert -0.24 in by_hand
    times = dict(frame.select("symbol", "time").rows())
    assert (times["MSM"], times["SLP"], times["WDS"]) == ("before open", "after close", "")
    assert set(frame["known_at"]) == {utc(2024, 7, 2, 4)}  # midnight in New York
    assert frame.select("symbol", "date", "known_at").n_unique() == frame.height


def test_made_announcements_are_known_after_they_were_made(shared_data: Path) -> None:
    body = (shared_data / "recorded/nasdaq/calendar_earnings_2024-07-02.json").read_bytes()
    answer = json.loads(body)
    for line in answer["data"]["rows"]:
        line["eps"] = "($1,000.50)"
    frame = frame_of(nasdaq, earnings_request(), json.dumps(answer).encode())
    assert set(frame["eps"]) == {-1000.5}
    known = dict(frame.select("symbol", "known_at").rows())
    assert known["MSM"] == utc(2024, 7, 2, 13, 30)
    assert known["SLP"] == known["WDS"] == utc(2024, 7, 3, 3, 59)


def test_another_day_or_a_status_of_its_own_is_no_answer(shared_data: Path) -> None:
    body = (shared_data / "recorded/nasdaq/calendar_earnings_2024-07-02.json").read_bytes()
    with pytest.raises(DataError, match="calendar of 2024-07-02 came for 2024-07-03"):
        nasdaq.rows(earnings_request("2024-07-03"), body)
    refused = b'{"data":null,"message":null,"status":{"rCode":400,"bCodeMessage":[]}}'
    assert "rCode" in str(nasdaq.refusal(200, refused))
    assert "cut off" in str(nasdaq.refusal(200, body[:3000]))
    none = b'{"data":{"asOf":"Tue, Jul 2, 2024","rows":null},"status":{"rCode":200}}'
    assert frame_of(nasdaq, earnings_request(), none).is_empty()


# --- Cboe -----------------------------------------------------------------------------------------


def test_both_styles_of_dates_are_read(shared_data: Path) -> None:
    body = gzip.decompress((shared_data / "vix/vix-daily.csv.gz").read_bytes())
    (request,) = cboe.requests(Wanted(("indices",), ("VIX",), date(2024, 1, 1), date(2024, 1, 2)))
    frame = frame_of(cboe, request, body)
    lines = body.decode().split()[1:]
    assert frame["close"].sum() == pytest.approx(sum(float(x.split(",")[4]) for x in lines))
    assert frame.row(0) == ("VIX", date(1990, 1, 2), 17.24, 17.24, 17.24, 17.24, "cboe")
    # Cboe's own file writes its dates 01/02/1990.
    slashed = re.sub(rb"(\d{4})-(\d\d)-(\d\d)", rb"\2/\3/\1", body)
    assert frame_of(cboe, request, slashed).equals(frame)


def test_an_index_of_one_column_has_a_close() -> None:
    request = Request("cboe", "index-history", "x/VVIX_History.csv", about="VVIX")
    frame = frame_of(cboe, request, b"DATE,VVIX\n03/06/2006,71.730000\n")
    assert frame.select("index", "date", "close").rows() == [("VVIX", date(2006, 3, 6), 71.73)]


@pytest.mark.parametrize(
    "day",
    [
        "2014-03-18",  # before a third Friday that was Good Friday
        "2019-03-19",
        "2022-03-15",
        "2020-03-18",
        "2023-12-20",
        "2024-01-17",
        "2024-06-18",  # the Wednesday was Juneteenth
    ],
)
def test_futures_expire_as_cboe_listed_them(day: str) -> None:
    told = date.fromisoformat(day)
    assert cboe.expiries(told - timedelta(days=7), told + timedelta(days=7)) == [told]


def test_settlements_skip_disclaimer_and_zeros() -> None:
    path = "data/us/futures/market_statistics/historical_data/VX/VX_2013-01-16.csv"
    body = (
        b"CFE data is compiled for the convenience of site visitors\n"
        b"Trade Date,Futures,Open,High,Low,Close,Settle,Change,Total Volume,EFP,Open Interest\n"
        b"2012-06-20,F (Jan 2013),0,0,0,0,0,0,0,0,0\n"
        b"01/02/2013,F (Jan 13),16.80,16.80,15.50,15.60,15.60,-2.10,97535,3632,120663\n"
        b"2013-01-16,F (Jan 13),0.00,14.25,14.40,0.00,13.69,-0.51,0,0,50051\n"
    )
    frame = frame_of(cboe, Request("cboe", "vx-settlement", path, about="2013-01-16"), body)
    last = date(2013, 1, 16)
    assert frame.rows() == [
        ("VX", last, date(2013, 1, 2), 15.6, 97_535, 120_663, "cboe"),
        ("VX", last, date(2013, 1, 16), 13.69, 0, 50_051, "cboe"),
    ]


def chain(made: str, traded: str) -> bytes:
    line: dict[str, Any] = {"bid": 1.0, "ask": 1.1, "iv": 0.2, "delta": 0.5}
    options = [
        line | {"option": "AAPL240119C00190000", "volume": 100.0, "open_interest": 1000.0},
        line | {"option": "AAPL240119P00190000", "volume": 40.0, "open_interest": 300.0},
        line | {"option": "AAPL1240119C00180000", "volume": 5.0, "open_interest": 7.0},
    ]
    data = {"symbol": "AAPL", "last_trade_time": traded, "options": options}
    return json.dumps({"timestamp": made, "symbol": "AAPL", "data": data}).encode()


def test_options_of_a_session_that_is_over_are_summed() -> None:
    request = Request("cboe", "option-chain", "x/AAPL.json", about="AAPL")
    body = chain("2024-01-05 21:45:00", "2024-01-05T15:59:59")
    frame = frame_of(cboe, request, body)
    assert frame.row(0, named=True) == {
        "symbol": "AAPL",
        "date": date(2024, 1, 5),
        "known_at": utc(2024, 1, 5, 21, 45),
        "call_volume": 105.0,
        "put_volume": 40.0,
        "call_open": 1007.0,
        "put_open": 300.0,
        "source": "cboe",
    }
    running = chain("2024-01-05 19:00:00", "2024-01-05T13:45:00")
    next_morning = chain("2024-01-08 13:00:00", "2024-01-05T15:59:59")
    for body in (running, next_morning):
        assert frame_of(cboe, request, body).is_empty()
    with pytest.raises(DataError, match="another shape"):
        cboe.rows(request, body.replace(b"AAPL240119P00190000", b"AAPL"))


# --- FRED -----------------------------------------------------------------------------------------


def observations(*lines: tuple[str, str, str], **more: int) -> bytes:
    names = ("realtime_start", "date", "value")
    listed = [dict(zip(names, line, strict=True)) for line in lines]
    return json.dumps({"count": len(lines), "offset": 0, **more, "observations": listed}).encode()


def test_bills_are_fractions_known_with_the_next_release() -> None:
    wanted = Wanted(("rates",), ("DTB3",), date(2024, 1, 1), date(2024, 1, 12))
    (request,) = fred.requests(wanted)
    assert "api_key" not in dict(request.params)
    body = observations(
        ("2024-02-01", "2024-01-12", "5.22"),
        ("2024-02-01", "2024-01-15", "."),
        ("2024-02-01", "2024-01-16", "5.21"),
    )
    frame = frame_of(fred, request, body)
    assert frame["value"].to_list() == pytest.approx([0.0522, 0.0521])
    # Friday's value comes on Tuesday: Monday 15 was Martin Luther King Day.
    assert frame["known_at"].to_list() == [utc(2024, 1, 16, 21, 15), utc(2024, 1, 17, 21, 15)]


def test_vintages_are_known_from_their_own_day() -> None:
    wanted = Wanted(("rates",), ("TB3MS@vintages",), date(2024, 1, 1), date(2024, 1, 31))
    (request,) = fred.requests(wanted)
    assert dict(request.params)["realtime_end"] == "9999-12-31"
    body = observations(("2024-02-01", "2024-01-01", "5.22"), ("2024-03-01", "2024-01-01", "5.23"))
    frame = frame_of(fred, request, body)
    assert frame["known_at"].to_list() == [utc(2024, 2, 2, 4, 59), utc(2024, 3, 2, 4, 59)]
    (more,) = fred.follow(
        request, observations(("2024-02-01", "2024-01-01", "5.22"), count=2), wanted
    )
    assert dict(more.params)["offset"] == "1"
    assert list(fred.follow(more, observations(count=2, offset=2), wanted)) == []


def test_fred_is_asked_for_rates_only_and_its_errors_are_told() -> None:
    wanted = Wanted(("rates",), ("CPIAUCSL",), date(2024, 1, 1), date(2024, 1, 31))
    with pytest.raises(ConfigError, match="CPIAUCSL"):
        list(fred.requests(wanted))
    body = b'{"error_code":400,"error_message":"Bad Request. The series does not exist."}'
    assert "series does not exist" in str(fred.refusal(400, body))


# --- Kenneth French -------------------------------------------------------------------------------

MONTHS = """This file was created by CMPT_ME_BEME_RETS using the 202312 CRSP database.
The 1-month TBill return is from Ibbotson and Associates.

,Mkt-RF,SMB,HML,RF
202311,    8.84,   -0.02,    1.64,    0.44
202312,    4.87,  -99.99,    4.93,    0.43

 Annual Factors: January-December
,Mkt-RF,SMB,HML,RF
  2023,   21.69,   -3.23,  -13.61,    4.95

Copyright 2024 Kenneth R. French
"""


def zipped(text: str, *more: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, body in enumerate((text, *more)):
            archive.writestr(f"{i}.CSV", body)
    return packed.getvalue()


def test_months_are_fractions_and_years_are_left_out() -> None:
    wanted = Wanted(("factor_returns",), ("HML",), date(2023, 1, 1), date(2023, 12, 31))
    monthly, daily = french.requests(wanted)
    frame = frame_of(french, monthly, zipped(MONTHS))
    assert frame.height == 7  # two months of four factors, less one that is missing
    assert set(frame["date"]) == {date(2023, 11, 30), date(2023, 12, 31)}
    market = frame.filter(pl.col("factor") == "Mkt-RF")
    assert market["value"].to_list() == pytest.approx([0.0884, 0.0487])
    assert frame.filter(pl.col("factor") == "SMB")["value"].to_list() == pytest.approx([-0.0002])
    assert market["known_at"][0] == utc(2024, 1, 30, 4, 59)  # 60 days after 2023-11-30
    days = MONTHS.replace("202311,", "20231130,").replace("202312,", "20231201,")
    assert set(frame_of(french, daily, zipped(days))["date"]) == {
        date(2023, 11, 30),
        date(2023, 12, 1),
    }


def test_factors_of_other_portfolios_have_names_of_their_own() -> None:
    path = "F-F_Research_Data_5_Factors_2x3_daily_CSV.zip"
    text = (
        "Preamble\n\n,Mkt-RF,SMB,HML,RMW,CMA,RF\n20240102,-0.67,0.02,-0.35,0.03,0.13,0.012\n"
        "20240103,-999,-99.99,-0.35,0.03,0.13,0.012\n"
    )
    frame = frame_of(french, Request("french", "daily", path), zipped(text))
    assert frame["factor"].to_list() == ["SMB5", "RMW", "CMA", "RMW", "CMA"]
    momentum = Request("french", "monthly", "F-F_Momentum_Factor_CSV.zip")
    frame = frame_of(
        french, momentum, zipped("Missing data are -99.99 or -999.\n\n,Mom\n192701,0.57,\n")
    )
    assert frame.row(0)[:4] == ("MOM", "monthly", date(1927, 1, 31), pytest.approx(0.0057))


def test_a_damaged_zip_is_an_error() -> None:
    request = Request("french", "monthly", "F-F_Research_Data_Factors_CSV.zip")
    whole = zipped(MONTHS)
    for body in (whole[:100], whole[:-30], zipped(MONTHS, MONTHS), zipped("nothing here\n")):
        with pytest.raises(DataError, match="french monthly"):
            french.rows(request, body)
    with pytest.raises(DataError, match="line 5 has 3 factors"):
        french.rows(request, zipped(MONTHS.replace("    0.44", "").replace("1.64,", "1.64")))


# --- news -----------------------------------------------------------------------------------------

RSS = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<rss version="2.0"><channel><title>Yahoo! Finance: AAPL News</title>
<item><title>Apple  raises
 guidance</title><link>https://www.example.com/a</link><description>Up &amp; up</description>
<pubDate>Fri, 05 Jan 2024 14:30:00 -0500</pubDate></item>
<item><title>Undated</title><link>https://www.example.com/b</link></item>
</channel></rss>
"""
ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>
<entry><title>Apple cuts</title><link href="https://example.org/c"/>
<published>2024-01-05T10:00:00Z</published><updated>2024-01-06T11:00:00Z</updated></entry></feed>
"""
FEED = Request("news", "headlines", "rss/2.0/headline", (("s", "AAPL"),), about="AAPL")


def test_headlines_are_known_when_they_were_published() -> None:
    frame = frame_of(news, FEED, ATOM.encode())
    assert frame["known_at"].to_list() == [utc(2024, 1, 5, 10)]
    empty = RSS.partition("<item>")[0] + "</channel></rss>"
    assert frame_of(news, FEED, empty.encode()).is_empty()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (RSS[:300], "cut off"),
        ('<!DOCTYPE r [<!ENTITY a "b">]>' + RSS, "declares a document type"),
        ("{}", "neither RSS nor Atom"),
    ],
)
def test_what_is_no_feed_is_an_error(body: str, why: str) -> None:
    with pytest.raises(DataError, match=f"news headlines .*{why}"):
        news.rows(FEED, body.encode())
