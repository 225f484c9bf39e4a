"""Financial Modeling Prep, the legacy API (v3 and v4), for plans that still have it.

Its prices are adjusted for splits, with the adjusted close beside them; the store makes them raw
with the splits of the same vendor, so ask for bars and splits together. Bulk statements come as
CSV. The answers are read by the same functions as those of /stable; v3 writes `fillingDate` and
`calendarYear`.
"""

from collections.abc import Iterator

from podshop.adapters.vendors import Request, Rows, Wanted
from podshop.adapters.vendors import fmp as stable
from podshop.adapters.vendors.fmp.endpoints import HEADERS, KEY, PER_MINUTE, PERIODS
from podshop.adapters.vendors.fmp.refusals import refusal

NAME = "fmp_legacy"
BASE_URL = "https://financialmodelingprep.com/api"
STATEMENTS = {
    "income_statements": "income-statement",
    "balance_sheets": "balance-sheet-statement",
    "cash_flows": "cash-flow-statement",
    "ratios": "ratios",
}
TABLES = ("securities", "symbols", "bars", "splits", "dividends", "adjusted", *STATEMENTS)

__all__ = [
    "BASE_URL",
    "HEADERS",
    "KEY",
    "NAME",
    "PER_MINUTE",
    "TABLES",
    "follow",
    "refusal",
    "requests",
    "rows",
]


def requests(wanted: Wanted) -> Iterator[Request]:
    """What to ask, in a fixed order."""
    tables = [table for table in TABLES if table in wanted.tables]
    if "symbols" in tables:
        yield Request(NAME, "symbol-change", "v4/symbol_change")
        yield _delisted(0)
    for table in tables:
        if wanted.symbols:
            for symbol in wanted.symbols:
                yield from _of_symbol(table, symbol, wanted)
        elif table in STATEMENTS:
            yield from _bulk(table, wanted)


def follow(request: Request, body: bytes, wanted: Wanted) -> Iterator[Request]:  # noqa: ARG001
    """The next page of delisted companies, until one is empty."""
    if request.endpoint == "delisted-companies" and body.strip() not in (b"", b"[]"):
        yield _delisted(int(dict(request.params)["page"]) + 1)


def rows(request: Request, body: bytes) -> list[Rows]:
    """An answer as rows, told by this vendor.

    Raises:
        DataError: the answer has another shape.
    """
    import polars as pl

    told = stable.rows(request, body)
    mine = pl.lit(NAME).alias("source")
    return [
        Rows(r.table, r.frame.with_columns(mine) if "source" in r.frame.columns else r.frame)
        for r in told
    ]


def _of_symbol(table: str, symbol: str, wanted: Wanted) -> Iterator[Request]:
    if table == "bars":
        span = (("from", str(wanted.start)), ("to", str(wanted.end)))
        # Every later split changes the whole series, so that no answer is final.
        path = "historical-price-full"
        yield Request(NAME, path, f"v3/{path}/{symbol}", span)
    elif table in ("splits", "dividends"):
        kind = "stock_split" if table == "splits" else "stock_dividend"
        path = f"historical-price-full/{kind}"
        yield Request(NAME, path, f"v3/{path}/{symbol}")
    elif table == "securities":
        yield Request(NAME, "profile", f"v3/profile/{symbol}")
    elif table in STATEMENTS:
        path = STATEMENTS[table]
        for period in ("annual", "quarter"):
            asked = (("period", period), ("limit", "400"))
            yield Request(NAME, path, f"v3/{path}/{symbol}", asked)


def _bulk(table: str, wanted: Wanted) -> Iterator[Request]:
    path = f"{STATEMENTS[table]}-bulk"
    for year in range(wanted.start.year, wanted.end.year + 1):
        for period in PERIODS:
            asked = (("year", str(year)), ("period", period))
            yield Request(NAME, path, f"v4/{path}", asked)


def _delisted(page: int) -> Request:
    return Request(NAME, "delisted-companies", "v3/delisted-companies", (("page", str(page)),))
