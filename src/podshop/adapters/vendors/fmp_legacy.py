"""Financial Modeling Prep, the legacy API (v3, v4) of accounts from before /stable.

Answers have the shapes of /stable but for names, so they are filed under the endpoint of /stable
whose reader reads them. Prices come adjusted for splits only (`close` of `historical-price-full`),
so whoever asks for bars is given the splits too; the store makes them raw. Adjusted closes come in
the same answer. Recorded answers exist for prices, splits and the Senate's trades; the other shapes
are as the vendor's documentation has them.
"""

from collections.abc import Iterator
from datetime import date

import polars as pl

from podshop.adapters.vendors import Request, Rows, Wanted
from podshop.adapters.vendors.fmp import endpoints, refusal
from podshop.adapters.vendors.fmp import rows as read

__all__ = [
    "BASE_URL",
    "HEADERS",
    "KEY",
    "NAME",
    "PER_MINUTE",
    "TABLES",
    "follow",
    "members",
    "refusal",
    "requests",
    "rows",
    "universe",
]

NAME = "fmp_legacy"
BASE_URL = "https://financialmodelingprep.com/api"
HEADERS, KEY, PER_MINUTE = endpoints.HEADERS, endpoints.KEY, endpoints.PER_MINUTE
TABLES = endpoints.TABLES
members = endpoints.members

UNIVERSES = {"sp500": "sp500", "nasdaq100": "nasdaq", "dowjones": "dowjones"}
PAGED = ("delisted-companies", "insider-trading/search", "news/stock")
BULK_PERIODS = ("annual", "quarter")

OF_SYMBOL = {
    "securities": ("profile", "v3/profile/{}"),
    "splits": ("splits", "v3/historical-price-full/stock_split/{}"),
    "dividends": ("dividends", "v3/historical-price-full/stock_dividend/{}"),
}
"""By table: the endpoint of /stable whose shape it has, and the path."""


def universe(name: str) -> list[Request]:
    """Questions for the members of a named list; none where the vendor has no such list."""
    if name not in UNIVERSES:
        return []
    plain = f"{UNIVERSES[name]}_constituent"
    return [Request(NAME, path, f"v3/{path}") for path in (plain, f"historical/{plain}")]


def requests(wanted: Wanted) -> Iterator[Request]:
    """What to ask, in a fixed order: who is who first, then prices, then the rest."""
    tables = [
        t for t in TABLES if t in wanted.tables or (t == "splits" and "bars" in wanted.tables)
    ]
    if "symbols" in tables:
        yield Request(NAME, "symbol-change", "v4/symbol_change")
        yield _page("delisted-companies", "v3/delisted-companies", 0)
    for table in tables:
        for symbol in wanted.symbols:
            yield from _of_symbol(table, symbol, wanted)
        if not wanted.symbols:
            yield from _bulk(table, wanted)
        yield from _of_time(table, wanted)


def follow(request: Request, body: bytes, wanted: Wanted) -> Iterator[Request]:  # noqa: ARG001
    """The next page, until one is empty."""
    if request.endpoint in PAGED and not endpoints.is_empty(body):
        params = dict(request.params)
        number = int(params.pop("page")) + 1
        if number < endpoints.MOST_PAGES:
            yield _page(request.endpoint, request.path, number, tuple(params.items()))


def rows(request: Request, body: bytes) -> list[Rows]:
    """An answer as rows; an empty one as none.

    Raises:
        DataError: names the endpoint and what is wrong with its answer.
    """
    return [
        Rows(told.table, told.frame.with_columns(source=pl.lit(NAME)))
        if "source" in told.frame.columns
        else told
        for told in read(request, body)
    ]


def _of_symbol(table: str, symbol: str, wanted: Wanted) -> Iterator[Request]:
    one = (("symbol", symbol),)
    if table == "bars" or (table == "adjusted" and "bars" not in wanted.tables):
        span = (("from", str(wanted.start)), ("to", str(wanted.end)))
        # Every later split and dividend changes the whole series, so it is never final.
        path = f"v3/historical-price-full/{symbol}"
        yield Request(NAME, "historical-price-full", path, span)
    elif table in OF_SYMBOL:
        endpoint, path = OF_SYMBOL[table]
        yield Request(NAME, endpoint, path.format(symbol))
    elif table in endpoints.STATEMENTS:
        endpoint = endpoints.STATEMENTS[table]
        for period in BULK_PERIODS:
            asked = (("period", period), ("limit", "1000"))
            yield Request(NAME, endpoint, f"v3/{endpoint}/{symbol}", asked)
    elif table == "insider_trades":
        yield _page("insider-trading/search", "v4/insider-trading", 0, one)
    elif table == "congress_trades":
        yield Request(NAME, "senate-trades", "v4/senate-trading", one)
        yield Request(NAME, "house-trades", "v4/senate-disclosure", one)
    elif table == "news":
        days = (("from", str(wanted.start)), ("to", str(wanted.end)), ("limit", "250"))
        yield _page("news/stock", "v3/stock_news", 0, (("tickers", symbol), *days))


def _bulk(table: str, wanted: Wanted) -> Iterator[Request]:
    """Everything that the vendor has, for the tables that it gives so."""
    if table == "securities":
        yield Request(NAME, "stock-list", "v3/stock/list")
    elif table == "bars":
        path = "v4/batch-request-end-of-day-prices"
        for day in endpoints.weekdays(wanted.start, wanted.end):
            yield Request(NAME, "eod-bulk", path, (("date", str(day)),), day)
    elif table in endpoints.STATEMENTS:
        endpoint = f"{endpoints.STATEMENTS[table]}-bulk"
        for year in range(wanted.start.year, wanted.end.year + 1):
            for period in BULK_PERIODS:
                asked = (("year", str(year)), ("period", period))
                yield Request(NAME, endpoint, f"v4/{endpoint}", asked, date(year + 1, 12, 31))


def _of_time(table: str, wanted: Wanted) -> Iterator[Request]:
    """Tables that are asked by stretches of time, whatever the symbols."""
    paths = {"earnings": "v3/earning_calendar", "rates": "v4/treasury"}
    if table in paths:
        for asked in endpoints.of_time(table, wanted):
            yield Request(NAME, asked.endpoint, paths[table], asked.params, asked.covers)


def _page(
    endpoint: str, path: str, number: int, params: tuple[tuple[str, str], ...] = ()
) -> Request:
    return Request(NAME, endpoint, path, (*params, ("page", str(number))))
