"""Public vendors through the web client and the sync, against a server on this machine."""

import gzip
import re
from datetime import date
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from podshop.adapters.stores.market import MarketStore
from podshop.adapters.vendors import Wanted
from podshop.data.sync import Access, sync

MISSING = b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>x</Message></Error>'


def test_a_file_that_is_not_there_yet_does_not_stop_a_sync(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    body = "Date|Symbol|ShortVolume|ShortExemptVolume|TotalVolume|Market\n20240104|A|1|0|4|Q\n1\n"
    httpserver.expect_request("/equity/regsho/daily/CNMSshvol20240104.txt").respond_with_data(body)
    late = httpserver.expect_request("/equity/regsho/daily/CNMSshvol20240105.txt")
    late.respond_with_data(MISSING, status=403)
    store = MarketStore(tmp_path)
    wanted = Wanted(("short_volume",), (), date(2024, 1, 4), date(2024, 1, 5))
    access = Access(base_url=httpserver.url_for(""), per_minute=6_000.0)
    assert sync(store, "finra", wanted, access).rows["short_volume"] == 1
    # Both days are final by now: the second sync asks nothing.
    assert sync(store, "finra", wanted, access).asked == 0


def test_the_sec_is_followed_from_ticker_to_trade(
    httpserver: HTTPServer, tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PODSHOP_CONTACT", "desk@example.com")
    recorded = shared_data / "recorded" / "sec"
    files = {
        "/files/company_tickers.json": "company_tickers.json.gz",
        "/submissions/CIK0000320193.json": "submissions/CIK0000320193.json.gz",
    }
    form = gzip.decompress((recorded / "form4/0000320193-22-000061.txt.gz").read_bytes())
    seen: list[str] = []

    def serve(request: Request) -> Response:
        assert request.headers["User-Agent"] == "podshop desk@example.com"
        seen.append(request.full_path.rstrip("?"))
        if request.path in files:
            return Response(gzip.decompress((recorded / files[request.path]).read_bytes()))
        if request.path.endswith("0000320193-22-000061.txt"):
            return Response(form)
        return Response(MISSING, status=404)

    httpserver.expect_request(re.compile("/.*")).respond_with_handler(serve)
    store = MarketStore(tmp_path)
    wanted = Wanted(("filings", "insider_trades"), ("AAPL",), date(2022, 5, 6), date(2022, 5, 6))
    access = Access(base_url=httpserver.url_for(""), per_minute=6_000.0)
    rows = sync(store, "sec", wanted, access).rows
    assert seen[:2] == list(files)
    assert (rows["filings"], rows["insider_trades"]) == (1005, 7)
    trades = store.frame("insider_trades")
    assert set(trades["symbol"]) == {"AAPL"}
    assert sync(store, "sec", wanted, access).asked == 0
