"""A vendor on the loopback address: real recorded answers and documented shapes, with faults.

It counts requests over a rolling window and refuses what is too much, as the vendor does: 429 with
a pretty-printed error and no Retry-After.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

KEY = "secret-key-0123456789"
RECORDED = {
    "income-statement": "stable_income-statement_AAPL_FY2024.json",
    "balance-sheet-statement": "stable_balance-sheet-statement_AAPL_FY2024.json",
    "cash-flow-statement": "stable_cash-flow-statement_AAPL_FY2024.json",
    "profile": "stable_profile_AAPL.json",
    "dividends": "stable_dividends_AAPL.json",
    "treasury-rates": "stable_treasury-rates.json",
}
LIMITED = {
    "Error Message": "Limit Reach . Please upgrade your plan or visit our documentation for more "
    "details at https://site.financialmodelingprep.com/"
}


class VendorServer(ThreadingHTTPServer):
    """The server and what it has seen.

    Attributes:
        faults: what to do wrong, by the number of the request.
        requests, refused: how many came, and how many were one too many.
    """

    daemon_threads = True

    def __init__(self, recorded: Path, limit: int = 30, window_s: float = 6.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.recorded, self.limit, self.window_s = recorded, limit, window_s
        self.faults: dict[int, str] = {}
        self.requests = self.refused = 0
        self.seen: deque[float] = deque()
        self.paths: list[str] = []
        self.lock = threading.Lock()
        self.key = KEY
        self.moment_s = 0.0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}/stable"

    def admit(self) -> int | None:
        """The number of a request, or None when it is one too many."""
        with self.lock:
            now = time.monotonic()
            self.requests += 1
            while self.seen and self.seen[0] <= now - self.window_s:
                self.seen.popleft()
            if len(self.seen) >= self.limit:
                self.refused += 1
                return None
            self.seen.append(now)
            return self.requests


class _Handler(BaseHTTPRequestHandler):
    server: VendorServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        number = self.server.admit()
        url = urlparse(self.path)
        query = {k: v[0] for k, v in parse_qs(url.query).items()}
        endpoint = url.path.removeprefix("/stable/")
        self.server.paths.append(endpoint)
        if number is None:
            return self._say(429, json.dumps(LIMITED, indent=2))
        if query.get("apikey") != self.server.key:
            said = {"Error Message": "Invalid API KEY. Feel free to create a Free API Key"}
            return self._say(401, json.dumps(said))
        time.sleep(self.server.moment_s)
        fault = self.server.faults.pop(number, None)
        if fault is not None:
            return self._wrong(fault)
        return self._say(200, self._answer(endpoint, query))

    def _wrong(self, fault: str) -> None:
        if fault == "500":
            self._say(500, "<html>Internal Server Error</html>")
        elif fault == "html":
            self._say(200, "<!DOCTYPE html><html><body>Just a moment...</body></html>")
        elif fault == "reset":
            self.close_connection = True
            self.connection.close()
        elif fault == "cut":
            self._say(200, '[{"symbol": "AAPL", "date": "20')
        elif fault == "short":
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b'[{"symbol"')
            self.close_connection = True
        elif fault == "200 error":
            self._say(200, json.dumps({"error": {"message": "Too many requests, slow down"}}))
        elif fault == "429 after":
            self._say(429, "[]", {"Retry-After": "1"})
        elif fault == "402":
            said = "Exclusive Endpoint: not available under your current subscription"
            self._say(402, json.dumps({"Error Message": said}))
        elif fault == "quota":
            self._say(429, json.dumps({"Error Message": "Daily limit of 250 requests reached"}))

    def _say(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, endpoint: str, query: dict[str, str]) -> str:
        symbol = query.get("symbol") or query.get("symbols", "")
        if endpoint in RECORDED and (symbol == "AAPL" or endpoint == "treasury-rates"):
            return (self.server.recorded / "fmp" / RECORDED[endpoint]).read_text(encoding="utf-8")
        made = MADE.get(endpoint)
        return json.dumps(made(symbol, query) if made else [])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


SYMBOLS = ("AAPL", "NEWCO", "DEAD", "BADBAR")


def _prices(symbol: str, query: dict[str, str]) -> list[dict[str, object]]:
    """Raw prices, newest first, as `non-split-adjusted` gives them; UNKNOWN has none."""
    if symbol not in SYMBOLS:
        return []
    days = [f"2023-01-{d:02d}" for d in (3, 4, 5, 6, 9, 10)]
    rows = [
        {
            "symbol": symbol,
            "date": day,
            "adjOpen": 10.0 + i,
            "adjHigh": 11.0 + i,
            "adjLow": 9.0 + i,
            "adjClose": 10.5 + i,
            "volume": 1000.5,
            "aNewField": "surprise",
        }
        for i, day in enumerate(days)
        if query["from"] <= day <= query["to"]
    ]
    if symbol == "BADBAR":
        rows[2]["adjHigh"], rows[2]["adjLow"] = 1.0, 20.0
        rows.append(rows[3] | {"adjClose": 13.75})
    return rows[::-1]


def _statement(symbol: str, query: dict[str, str]) -> list[dict[str, object]]:
    if symbol not in SYMBOLS:
        return []
    periods = ["FY"] if query.get("period") == "annual" else ["Q4", "Q3"]
    return [
        {
            "date": "2022-12-31" if p != "Q3" else "2022-09-30",
            "symbol": symbol,
            "reportedCurrency": "USD",
            "filingDate": "2023-02-02",
            "acceptedDate": "2023-02-01 18:08:27",
            "fiscalYear": "2022",
            "period": p,
            "revenue": 100.0 if p == "FY" else 25.0,
        }
        for p in periods
    ]


def _ratios(symbol: str, query: dict[str, str]) -> list[dict[str, object]]:
    heads = ("date", "symbol", "fiscalYear", "period")
    return [
        {k: row[k] for k in heads} | {"grossProfitMargin": 0.4} for row in _statement(symbol, query)
    ]


def _pages(rows: list[dict[str, object]]):
    return lambda _, query: rows if query.get("page", "0") == "0" else []


MADE = {
    "historical-price-eod/non-split-adjusted": _prices,
    "historical-price-eod/dividend-adjusted": lambda s, q: [
        {"symbol": s, "date": r["date"], "adjClose": r["adjClose"]} for r in _prices(s, q)
    ],
    "income-statement": _statement,
    "balance-sheet-statement": _statement,
    "cash-flow-statement": _statement,
    "ratios": _ratios,
    "splits": lambda s, _: (
        [{"symbol": s, "date": "2023-01-05", "numerator": 2, "denominator": 1}]
        if s == "NEWCO"
        else []
    ),
    "symbol-change": lambda *_: [
        {"date": "2023-01-09", "companyName": "New", "oldSymbol": "OLDCO", "newSymbol": "NEWCO"}
    ],
    "delisted-companies": _pages(
        [
            {
                "symbol": "DEAD",
                "companyName": "Dead Inc",
                "exchange": "NYSE",
                "ipoDate": "2001-01-01",
                "delistedDate": "2023-01-10",
            }
        ]
    ),
    "sp500-constituent": lambda *_: [{"symbol": "AAPL"}, {"symbol": "NEWCO"}],
    "historical-sp500-constituent": lambda *_: [
        {"symbol": "NEWCO", "removedTicker": "DEAD", "date": "2022-01-01"}
    ],
    "insider-trading/search": _pages(
        [
            {
                "symbol": "AAPL",
                "filingDate": "2023-01-06",
                "transactionDate": "2023-01-04",
                "reportingCik": "0001",
                "companyCik": "0320193",
                "transactionType": "S-Sale",
                "securitiesOwned": 10,
                "reportingName": "A Person",
                "typeOfOwner": "director",
                "acquisitionOrDisposition": "D",
                "directOrIndirect": "D",
                "formType": "4",
                "securitiesTransacted": 100,
                "price": 130.0,
                "securityName": "Common Stock",
            }
        ]
    ),
}
"""Documented shapes, for what is not recorded."""


@contextmanager
def vendor_server(recorded: Path, **options: float) -> Iterator[VendorServer]:
    """A running server."""
    server = VendorServer(recorded, **options)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
