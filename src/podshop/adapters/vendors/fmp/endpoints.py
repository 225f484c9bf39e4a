"""What Financial Modeling Prep is asked for each table."""

from collections.abc import Iterator
from datetime import date, timedelta

import orjson

from podshop.adapters.vendors import Request, Wanted
from podshop.domain.error import ConfigError

NAME = "fmp"
BASE_URL = "https://financialmodelingprep.com/stable"
HEADERS = {"Accept": "application/json, text/csv"}
KEY = ("FMP_API_KEY", "apikey")
PER_MINUTE = 285
"""The plans allow 300; the rest is for clocks that differ."""

STATEMENTS = {
    "income_statements": "income-statement",
    "balance_sheets": "balance-sheet-statement",
    "cash_flows": "cash-flow-statement",
    "ratios": "ratios",
}
TABLES = (
    "securities",
    "symbols",
    "bars",
    "splits",
    "dividends",
    "adjusted",
    *STATEMENTS,
    "earnings",
    "rates",
    "insider_trades",
    "congress_trades",
    "news",
)
PERIODS = ("FY", "Q1", "Q2", "Q3", "Q4")
PAGED = ("delisted-companies", "insider-trading/search", "news/stock", "profile-bulk")
"""Endpoints that are asked page by page until one is empty; `profile-bulk` counts `part`."""

UNIVERSES = {
    "sp500": ("sp500-constituent", "historical-sp500-constituent"),
    "nasdaq100": ("nasdaq-constituent", "historical-nasdaq-constituent"),
    "dowjones": ("dowjones-constituent", "historical-dowjones-constituent"),
}
"""Names for lists of symbols: the present members, and those that were removed."""

MOST_PAGES = 500

BY_SYMBOL_ONLY = {"insider_trades", "congress_trades", "news"}
"""Tables of which there is no bulk answer; adjusted closes come with the bulk days."""


def universe(name: str) -> list[Request]:
    """Questions for the members of a named list; none where the vendor has no such list."""
    return [Request(NAME, endpoint, endpoint) for endpoint in UNIVERSES.get(name, ())]


def members(body: bytes) -> tuple[str, ...]:
    """The symbols of an answer to `universe`, the removed ones too."""
    found = set()
    for row in orjson.loads(body):
        found.add(row.get("removedTicker") if "removedTicker" in row else row.get("symbol"))
        found.add(row.get("symbol"))
    return tuple(sorted(symbol for symbol in found if symbol))


def requests(wanted: Wanted) -> Iterator[Request]:
    """What to ask, in a fixed order: who is who first, then prices, then the rest."""
    tables = [table for table in TABLES if table in wanted.tables]
    if "symbols" in tables:
        yield Request(
            NAME, "symbol-change", "symbol-change", (("invalid", "false"), ("limit", "10000"))
        )
        yield _page("delisted-companies", 0, (("limit", "100"),))
    one_by_one = set(tables) & BY_SYMBOL_ONLY if not wanted.symbols else set()
    if one_by_one:
        raise ConfigError(
            f"{NAME} gives {', '.join(sorted(one_by_one))} by symbol only; name symbols, or a list "
            "such as sp500"
        )
    for table in tables:
        if wanted.symbols:
            for symbol in wanted.symbols:
                yield from _of_symbol(table, symbol, wanted)
        else:
            yield from _bulk(table, wanted)
        yield from of_time(table, wanted)


def follow(request: Request, body: bytes, wanted: Wanted) -> Iterator[Request]:  # noqa: ARG001
    """The next page, until one is empty."""
    if request.endpoint not in PAGED or is_empty(body):
        return
    params = dict(request.params)
    counter = "part" if request.endpoint == "profile-bulk" else "page"
    number = int(params.pop(counter)) + 1
    if number < MOST_PAGES:
        yield _page(request.endpoint, number, tuple(params.items()), counter)


def _of_symbol(table: str, symbol: str, wanted: Wanted) -> Iterator[Request]:
    one = (("symbol", symbol),)
    span = (*one, ("from", str(wanted.start)), ("to", str(wanted.end)))
    simple = {"splits": "splits", "dividends": "dividends", "securities": "profile"}
    if table == "bars":
        path = "historical-price-eod/non-split-adjusted"
        yield Request(NAME, path, path, span, wanted.end)
    elif table == "adjusted":
        path = "historical-price-eod/dividend-adjusted"
        # Every later dividend changes the whole series.
        yield Request(NAME, path, path, span)
    elif table in simple:
        yield Request(NAME, simple[table], simple[table], one)
    elif table in STATEMENTS:
        path = STATEMENTS[table]
        for period in ("annual", "quarter"):
            yield Request(NAME, path, path, (*one, ("period", period), ("limit", "1000")))
    elif table == "insider_trades":
        yield _page("insider-trading/search", 0, one)
    elif table == "congress_trades":
        for path in ("senate-trades", "house-trades"):
            yield Request(NAME, path, path, one)
    elif table == "news":
        yield _page("news/stock", 0, (("symbols", symbol), *span[1:], ("limit", "250")))


def _bulk(table: str, wanted: Wanted) -> Iterator[Request]:
    """Everything that the vendor has, for the tables that it gives so."""
    if table == "securities":
        yield Request(NAME, "stock-list", "stock-list")
        yield _page("profile-bulk", 0, (), "part")
    elif table == "bars":
        for day in weekdays(wanted.start, wanted.end):
            yield Request(NAME, "eod-bulk", "eod-bulk", (("date", str(day)),), day)
    elif table in STATEMENTS:
        path = f"{STATEMENTS[table]}-bulk"
        for year in range(wanted.start.year, wanted.end.year + 1):
            for period in PERIODS:
                # Reports of a year come in until the end of the next.
                covers = date(year + 1, 12, 31)
                yield Request(NAME, path, path, (("year", str(year)), ("period", period)), covers)


def of_time(table: str, wanted: Wanted) -> Iterator[Request]:
    """Tables that are asked by stretches of time, whatever the symbols."""
    paths = {"earnings": ("earnings-calendar", 30), "rates": ("treasury-rates", 90)}
    if not wanted.symbols:
        paths |= {"splits": ("splits-calendar", 30), "dividends": ("dividends-calendar", 30)}
    if table not in paths:
        return
    path, days = paths[table]
    first = wanted.start
    while first <= wanted.end:
        last = min(first + timedelta(days=days - 1), wanted.end)
        yield Request(NAME, path, path, (("from", str(first)), ("to", str(last))), last)
        first = last + timedelta(days=1)


def _page(
    endpoint: str, number: int, params: tuple[tuple[str, str], ...], counter: str = "page"
) -> Request:
    return Request(NAME, endpoint, endpoint, (*params, (counter, str(number))))


def is_empty(body: bytes) -> bool:
    """No rows: an empty list or object, or a CSV of its header alone."""
    text = body.strip()
    return text in (b"", b"[]", b"{}") or (text[:1] not in b"[{" and b"\n" not in text)


def weekdays(first: date, last: date) -> Iterator[date]:
    """Days from Monday to Friday; holidays are asked for too and answer with nothing."""
    day = first
    while day <= last:
        if day.weekday() < 5:
            yield day
        day += timedelta(days=1)
