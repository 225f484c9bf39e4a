"""Answers of Financial Modeling Prep as rows of tables."""

import re
from collections.abc import Callable, Mapping
from hashlib import blake2b
from io import BytesIO

import orjson
import polars as pl

from podshop.adapters.vendors import Request, Rows
from podshop.adapters.vendors.fmp.endpoints import NAME, STATEMENTS
from podshop.domain.error import DataError
from podshop.market.visibility import NEW_YORK, end_of_day

RENAMED = {
    "costOfRevenue": "cost_of_revenue",
    "epsdiluted": "eps_diluted",
    "epsDiluted": "eps_diluted",
    "weightedAverageShsOut": "weighted_shares",
    "weightedAverageShsOutDil": "weighted_shares_diluted",
    "cashAndCashEquivalents": "cash",
    "totalEquity": "total_equity",
    "commonDividendsPaid": "common_dividends_paid",
    "netDividendsPaid": "dividends_paid",
    "dividendsPaid": "dividends_paid",
    "commonStockRepurchased": "shares_repurchased",
    "netCashProvidedByOperatingActivities": "net_cash_from_operations",
}
"""Figures that have another name in our tables; the others go from camelCase to snake_case."""

TIMES = {"bmo": "before open", "amc": "after close", "dmh": "", "--": ""}
"""When in the day earnings are told, in the vendor's letters."""

HEADS = {
    "symbol",
    "date",
    "reportedCurrency",
    "cik",
    "filingDate",
    "fillingDate",
    "acceptedDate",
    "fiscalYear",
    "calendarYear",
    "period",
    "link",
    "finalLink",
}


def rows(request: Request, body: bytes) -> list[Rows]:
    """An answer as rows; an empty one as none.

    Raises:
        DataError: names the endpoint and what is wrong with its answer.
    """
    endpoint = request.endpoint.removesuffix("-bulk")
    reader = READERS.get(request.endpoint) or READERS.get(endpoint)
    if reader is None:
        return []
    try:
        table = _table(body)
        return [] if table.is_empty() else reader(table, request)
    except (pl.exceptions.PolarsError, orjson.JSONDecodeError, TypeError, KeyError) as error:
        raise DataError(
            f"{NAME} {request.endpoint}: an answer of another shape: {error}"
        ) from error


def _table(body: bytes) -> pl.DataFrame:
    """JSON (a list, or v3's object around one) or CSV as a frame; values of mixed kinds as text."""
    if body.lstrip()[:1] not in (b"[", b"{"):
        return pl.read_csv(BytesIO(body), infer_schema_length=None, infer_schema=False)
    said = orjson.loads(body)
    if isinstance(said, dict) and said:
        if "historical" not in said:
            raise TypeError(f"an object of {', '.join(sorted(said)[:8])} where a list belongs")
        inner: list[dict[str, object]] = said["historical"] or []
        said = [{"symbol": said.get("symbol"), **row} for row in inner]
    if not said:
        return pl.DataFrame()
    return pl.DataFrame(said, infer_schema_length=None, strict=False)


def _real(table: pl.DataFrame, *names: str) -> pl.Expr:
    """The first of these columns that says something, as a number; empty where none does."""
    said = [pl.col(name).cast(pl.Float64, strict=False) for name in names if name in table.columns]
    return pl.coalesce(*said, pl.lit(None, dtype=pl.Float64))


def _text(table: pl.DataFrame, *names: str) -> pl.Expr:
    """The first of these columns that says something, as text; empty where none does."""
    said = [pl.col(name).cast(pl.String) for name in names if name in table.columns]
    whole = [pl.when(text.str.strip_chars() != "").then(text) for text in said]
    return pl.coalesce(*whole, pl.lit(None, dtype=pl.String))


def _date(table: pl.DataFrame, *names: str) -> pl.Expr:
    return _text(table, *names).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)


def _moment(table: pl.DataFrame, *names: str) -> pl.Expr:
    """A moment in New York, as UTC; where only its date is known, the end of that day.

    The vendor writes 00:00:00 where it knows no time (filings before about 2002), so midnight is a
    date too: read as a time it would let a fund know a report most of a day too early.
    """
    local = _text(table, *names).str.slice(0, 19).str.replace("T", " ")
    exact = local.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us")
    timed = pl.when(exact.dt.time() != pl.time(0, 0, 0)).then(exact)
    zoned = timed.dt.replace_time_zone(NEW_YORK, ambiguous="latest", non_existent="null")
    return zoned.dt.convert_time_zone("UTC").fill_null(end_of_day(_date(table, *names)))


def _told(table: pl.DataFrame, where: str, /, **columns: pl.Expr) -> list[Rows]:
    """Rows as they came: what lacks something is set aside later, not dropped here."""
    named = {"symbol": _text(table, "symbol"), "source": pl.lit(NAME), **columns}
    return [Rows(where, table.select(**named))]


def _bars(table: pl.DataFrame, request: Request) -> list[Rows]:
    prices = {p: _real(table, p, f"adj{p.capitalize()}") for p in ("open", "high", "low", "close")}
    # A line without any price, as bulk days have them, says that there was none.
    traded = table.filter(pl.any_horizontal(price.is_not_null() for price in prices.values()))
    told = _told(traded, "bars", date=_date(table, "date"), **prices, volume=_real(table, "volume"))
    if request.endpoint == "eod-bulk":
        told += _adjusted(table, request)
    return told


def _split_adjusted(table: pl.DataFrame, request: Request) -> list[Rows]:
    prices = {p: _real(table, p) for p in ("open", "high", "low", "close")}
    day = _date(table, "date")
    told = _told(table, "split_adjusted", date=day, **prices, volume=_real(table, "volume"))
    return told + (_adjusted(table, request) if "adjClose" in table.columns else [])


def _adjusted(table: pl.DataFrame, request: Request) -> list[Rows]:  # noqa: ARG001
    told = _told(table, "adjusted", date=_date(table, "date"), adj_close=_real(table, "adjClose"))
    return [Rows(rows.table, rows.frame.drop_nulls("adj_close")) for rows in told]


def _splits(table: pl.DataFrame, request: Request) -> list[Rows]:  # noqa: ARG001
    ratio = _real(table, "numerator") / _real(table, "denominator")
    return _told(table, "splits", date=_date(table, "date"), ratio=ratio)


def _dividends(table: pl.DataFrame, request: Request) -> list[Rows]:  # noqa: ARG001
    days = {
        "date": _date(table, "date"),
        "record_date": _date(table, "recordDate"),
        "payment_date": _date(table, "paymentDate"),
        "declared_date": _date(table, "declarationDate"),
    }
    return _told(table, "dividends", **days, amount=_real(table, "dividend"))


def _statements(table: pl.DataFrame, request: Request) -> list[Rows]:
    path = request.endpoint.removesuffix("-bulk")
    name = next(t for t, p in STATEMENTS.items() if p == path)
    figures: dict[str, pl.Expr] = {}
    for column in table.columns:
        if column not in HEADS:
            figures.setdefault(_figure(column, name), _real(table, column))
    ended = _date(table, "date")
    filed = _date(table, "filingDate", "fillingDate")
    known = _moment(table, "acceptedDate", "filingDate", "fillingDate")
    # Where the vendor lacks the filing it repeats the period's end; nobody files on that day.
    believed = known > end_of_day(ended)
    return _told(
        table,
        name,
        period_end=ended,
        period=_text(table, "period"),
        fiscal_year=_text(table, "fiscalYear", "calendarYear").cast(pl.Int64, strict=False),
        currency=_text(table, "reportedCurrency"),
        filed=pl.when(filed > ended).then(filed),
        known_at=pl.when(believed).then(known),
        **figures,
    )


def _figure(column: str, table: str) -> str:
    """Our name of the vendor's figure; a name that is a head of the table gets a prefix."""
    name = RENAMED.get(column) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column).lower()
    return name if name not in ("source", "symbol", "period") else f"{table}_{name}"


def _profiles(table: pl.DataFrame, request: Request) -> list[Rows]:  # noqa: ARG001
    fund = _text(table, "isFund").str.to_lowercase() == "true"
    etf = _text(table, "isEtf").str.to_lowercase() == "true"
    kind = (
        pl.when(etf).then(pl.lit("etf")).when(fund).then(pl.lit("fund")).otherwise(pl.lit("stock"))
    )
    told = _told(
        table,
        "profiles",
        name=_text(table, "companyName", "name"),
        exchange=_text(table, "exchangeShortName", "exchange"),
        type=kind if "isEtf" in table.columns else _text(table, "type"),
        currency=_text(table, "currency"),
        country=_text(table, "country"),
        cik=_text(table, "cik"),
        isin=_text(table, "isin"),
        sector=_text(table, "sector"),
        industry=_text(table, "industry"),
        listed=_date(table, "ipoDate"),
    )
    return [Rows(rows.table, rows.frame.drop_nulls("symbol")) for rows in told]


def _renames(table: pl.DataFrame, request: Request) -> list[Rows]:  # noqa: ARG001
    made = table.select(
        symbol=_text(table, "oldSymbol"), new=_text(table, "newSymbol"), date=_date(table, "date")
    )
    return [Rows("renames", made.drop_nulls())]


def _delistings(table: pl.DataFrame, request: Request) -> list[Rows]:  # noqa: ARG001
    return _told(
        table,
        "delistings",
        name=_text(table, "companyName"),
        exchange=_text(table, "exchange"),
        listed=_date(table, "ipoDate"),
        date=_date(table, "delistedDate"),
    )


def _earnings(table: pl.DataFrame, request: Request) -> list[Rows]:  # noqa: ARG001
    return _told(
        table,
        "earnings",
        date=_date(table, "date"),
        time=_text(table, "time").replace(TIMES),
        known_at=_moment(table, "lastUpdated", "updatedFromDate", "date"),
        eps=_real(table, "epsActual", "eps"),
        eps_estimated=_real(table, "epsEstimated"),
        revenue=_real(table, "revenueActual", "revenue"),
        revenue_estimated=_real(table, "revenueEstimated"),
    )


def _rates(table: pl.DataFrame, request: Request) -> list[Rows]:  # noqa: ARG001
    series = [c for c in table.columns if c.startswith(("month", "year"))]
    long = table.with_columns(_real(table, c).alias(c) for c in series).unpivot(
        series, index="date", variable_name="series", value_name="percent"
    )
    day = _date(long, "date")
    made = long.select(
        "series",
        date=day,
        value=pl.col("percent") / 100.0,
        known_at=end_of_day(day),
        source=pl.lit(NAME),
    )
    return [Rows("rates", made.drop_nulls("value").sort("series", "date"))]


def _insiders(table: pl.DataFrame, request: Request) -> list[Rows]:  # noqa: ARG001
    sold = _text(table, "acquisitionOrDisposition", "acquistionOrDisposition") == "D"
    shares = _real(table, "securitiesTransacted")
    filing = [_text(table, name) for name in ("companyCik", "filingDate")]
    return _told(
        table.with_columns(_line=_numbers(table)),
        "insider_trades",
        known_at=_moment(table, "filingDate"),
        transaction_date=_date(table, "transactionDate"),
        insider_id=_text(table, "reportingCik"),
        insider=_text(table, "reportingName"),
        role=_text(table, "typeOfOwner"),
        code=_text(table, "transactionType").str.slice(0, 1),
        shares=pl.when(sold).then(-shares).otherwise(shares),
        price=_real(table, "price"),
        shares_after=_real(table, "securitiesOwned"),
        direct=_text(table, "directOrIndirect") == "D",
        accession=pl.coalesce(
            _text(table, "url", "link"), pl.concat_str(filing, separator=" ", ignore_nulls=True)
        ),
        line=pl.col("_line"),
    )


def _numbers(table: pl.DataFrame) -> pl.Series:
    """A number for each line of a filing, made of what it says.

    The vendor numbers nothing, and a line's place in an answer moves when newer filings come.
    """
    told = (
        "transactionDate",
        "transactionType",
        "acquisitionOrDisposition",
        "acquistionOrDisposition",
        "securitiesTransacted",
        "price",
        "securitiesOwned",
        "securityName",
        "directOrIndirect",
    )
    parts = [_text(table, name).fill_null("") for name in told]
    lines = table.select(pl.concat_str(parts, separator="\x1f")).to_series().to_list()
    numbers = [int.from_bytes(blake2b(x.encode(), digest_size=6).digest()) for x in lines]
    return pl.Series(numbers, dtype=pl.Int64)


def _congress(table: pl.DataFrame, request: Request) -> list[Rows]:
    bounds = _text(table, "amount").str.replace_all(r"[$,]", "").str.extract_all(r"\d+")
    name = pl.concat_str([_text(table, "firstName"), _text(table, "lastName")], separator=" ")
    kind = _text(table, "type").str.to_lowercase()
    return _told(
        table,
        "congress_trades",
        symbol=_text(table, "symbol", "ticker"),
        known_at=end_of_day(_date(table, "disclosureDate", "dateRecieved", "dateReceived")),
        transaction_date=_date(table, "transactionDate"),
        chamber=pl.lit("house" if "house" in request.endpoint else "senate"),
        member=pl.coalesce(name, _text(table, "representative", "office")),
        owner=_text(table, "owner"),
        side=pl.when(kind.str.starts_with("purchase"))
        .then(pl.lit("buy"))
        .when(kind.str.starts_with("sale"))
        .then(pl.lit("sell"))
        .otherwise(pl.lit("exchange")),
        low=bounds.list.get(0, null_on_oob=True).cast(pl.Float64),
        high=bounds.list.get(1, null_on_oob=True).cast(pl.Float64),
    )


def _news(table: pl.DataFrame, request: Request) -> list[Rows]:  # noqa: ARG001
    return _told(
        table,
        "news",
        known_at=_moment(table, "publishedDate"),
        title=_text(table, "title"),
        body=_text(table, "text"),
        site=_text(table, "site", "publisher"),
        url=_text(table, "url"),
    )


Reader = Callable[[pl.DataFrame, Request], list[Rows]]
READERS: Mapping[str, Reader] = {
    "historical-price-eod/non-split-adjusted": _bars,
    "historical-price-eod/full": _split_adjusted,
    "historical-price-full": _split_adjusted,
    "historical-price-eod/dividend-adjusted": _adjusted,
    "eod-bulk": _bars,
    "splits": _splits,
    "historical-price-full/stock_split": _splits,
    "splits-calendar": _splits,
    "dividends": _dividends,
    "dividends-calendar": _dividends,
    "historical-price-full/stock_dividend": _dividends,
    **dict.fromkeys(STATEMENTS.values(), _statements),
    "profile": _profiles,
    "stock-list": _profiles,
    "symbol-change": _renames,
    "delisted-companies": _delistings,
    "earnings-calendar": _earnings,
    "treasury-rates": _rates,
    "insider-trading/search": _insiders,
    "senate-trades": _congress,
    "house-trades": _congress,
    "senate-trading-rss-feed": _congress,
    "news/stock": _news,
}
"""Which function reads which endpoint; a bulk endpoint is read as the one it is the bulk of."""
