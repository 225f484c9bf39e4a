"""A sync from the first question to the rows, quick ones: legacy answers, odd answers."""

import json
from datetime import date
from pathlib import Path

from pytest_httpserver import HTTPServer

from podshop.adapters.stores.market import MarketStore
from podshop.adapters.vendors import Wanted
from podshop.data.sync import Access, Synced, sync

SPAN = (date(2023, 1, 1), date(2023, 1, 10))


def fill(folder: Path, server: HTTPServer, vendor: str, wanted: Wanted) -> Synced:
    access = Access("secret-key-0123456789", server.url_for("/"), per_minute=60_000)
    return sync(MarketStore(folder), vendor, wanted, access)


def serve(server: HTTPServer, path: str, said: object) -> None:
    server.expect_request(path).respond_with_json(said)


def test_the_legacy_api_fills_the_store_and_a_second_sync_asks_nothing(
    tmp_path: Path, shared_data: Path, httpserver: HTTPServer
) -> None:
    recorded = shared_data / "recorded" / "fmp"
    for path, file in (
        ("/v3/historical-price-full/AAPL", "v3_historical-price-full_AAPL.json"),
        ("/v3/historical-price-full/stock_split/AAPL", "v3_stock_split_AAPL.json"),
        ("/v3/profile/AAPL", "stable_profile_AAPL.json"),
        ("/v4/senate-trading", "v4_senate-trading-rss-feed.excerpt.json"),
        ("/v4/treasury", "stable_treasury-rates.json"),
    ):
        serve(httpserver, path, json.loads((recorded / file).read_bytes()))
    serve(httpserver, "/v4/senate-disclosure", [])
    tables = ("securities", "bars", "adjusted", "rates", "congress_trades")
    wanted = Wanted(tables, ("AAPL",), *SPAN)
    made = fill(tmp_path, httpserver, "fmp_legacy", wanted)
    store = MarketStore(tmp_path)
    days = len(
        json.loads((recorded / "v3_historical-price-full_AAPL.json").read_bytes())["historical"]
    )
    assert made.asked == 6
    assert store.query("SELECT count(*) FROM bars").item() == days
    last = store.query("SELECT close, source FROM bars WHERE date = DATE '2023-01-10'").row(0)
    assert last == (130.73, "fmp_legacy")  # all recorded splits are before, so raw = recorded
    assert store.query("SELECT ratio FROM splits WHERE date = DATE '2020-08-31'").item() == 4.0
    assert store.query("SELECT name FROM securities WHERE isin = 'US0378331005'").height == 1
    before = store.hash()
    assert fill(tmp_path, httpserver, "fmp_legacy", wanted).asked == 0
    assert MarketStore(tmp_path).hash() == before


def test_an_answer_of_an_unknown_shape_is_set_aside_and_asked_for_again(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    wanted = Wanted(("splits", "dividends"), ("AAA",), *SPAN)
    split = {"symbol": "AAA", "date": "2023-01-05", "numerator": 2, "denominator": 1}
    serve(httpserver, "/splits", [split])
    httpserver.expect_oneshot_request("/dividends").respond_with_json({"surprise": 1})
    made = fill(tmp_path, httpserver, "fmp", wanted)
    aside = MarketStore(tmp_path).frame("quarantine").row(0, named=True)
    assert (made.rows["splits"], made.quarantined) == (1, 1)
    assert aside["table"] == "answer of fmp dividends"
    assert "an object of surprise where a list belongs" in aside["reason"]
    assert aside["row"].split() == ["{", '"surprise":', "1", "}"]

    dividend = {"symbol": "AAA", "date": "2023-01-06", "dividend": 0.5}
    serve(httpserver, "/dividends", [dividend])
    again = fill(tmp_path, httpserver, "fmp", wanted)
    assert (again.asked, again.rows["dividends"], again.quarantined) == (1, 1, 0)
    assert MarketStore(tmp_path).frame("splits").height == 1


def test_a_row_that_lacks_something_is_set_aside_and_not_dropped(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    whole = {"symbol": "AAA", "date": "2023-01-05", "dividend": 0.5}
    serve(httpserver, "/dividends", [whole, whole | {"date": "2023-01-06", "dividend": None}])
    made = fill(tmp_path, httpserver, "fmp", Wanted(("dividends",), ("AAA",), *SPAN))
    assert (made.rows["dividends"], made.quarantined) == (1, 1)
    aside = MarketStore(tmp_path).frame("quarantine").row(0, named=True)
    assert (aside["symbol"], aside["date"], aside["reason"]) == (
        "AAA",
        date(2023, 1, 6),
        "no amount",
    )
