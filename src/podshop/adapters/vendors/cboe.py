"""Cboe: the history of the VIX, settlements of VX futures, a day's options on a symbol.

Recorded: the VIX history (the same columns, kept by others). Documented only, by other programs'
use of them: the settlement files, one an expiry, and the delayed option chains. A chain is what it
was when it was asked for: it dates itself (`timestamp`, UTC, as others measured against a clock;
`last_trade_time` is New York's) and there is no history of chains, so options activity only grows
from the day one begins to ask.
"""

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from podshop.adapters.reading import (
    NEW_YORK,
    new_york,
    object_of,
    page_refusal,
    rows_of,
    text_of,
    wrong,
)
from podshop.adapters.vendors import Request, Rows, Wanted
from podshop.market.business_days import exchange_holidays, sessions_by_rule

NAME = "cboe"
TABLES: tuple[str, ...] = ("indices", "futures_curve", "options_activity")
BASE_URL = "https://cdn.cboe.com"
HEADERS: dict[str, str] = {"User-Agent": "podshop"}
PER_MINUTE = 60
KEY: tuple[str, str] | None = None

INDICES = ("VIX", "VIX9D", "VIX3M", "VIX6M", "VVIX")
"""Indices whose history is a file of its own."""

SETTLEMENTS = "data/us/futures/market_statistics/historical_data/VX"
FIRST_EXPIRY = date(2013, 1, 16)


def requests(wanted: Wanted) -> Iterator[Request]:
    """Histories of indices, a file an expiry of VX, a chain a symbol."""
    if "indices" in wanted.tables:
        for index in [s for s in wanted.symbols if s in INDICES] or INDICES[:1]:
            path = f"api/global/us_indices/daily_prices/{index}_History.csv"
            yield Request(NAME, "index-history", path, about=index)
    if "futures_curve" in wanted.tables:
        for expiry in expiries(wanted.start, wanted.end + timedelta(days=270)):
            path = f"{SETTLEMENTS}/VX_{expiry}.csv"
            yield Request(NAME, "vx-settlement", path, covers=expiry, about=str(expiry))
    if "options_activity" in wanted.tables:
        for symbol in wanted.symbols:
            if symbol not in INDICES:
                path = f"api/global/delayed_quotes/options/{symbol}.json"
                yield Request(NAME, "option-chain", path, about=symbol)


def follow(request: Request, body: bytes, wanted: Wanted) -> Iterator[Request]:  # noqa: ARG001
    """Nothing: each file stands alone."""
    yield from ()


def expiries(start: date, end: date) -> list[date]:
    """Expiries of monthly VX futures: 30 days before the third Friday of the next month.

    Where that day, or that Friday, is a holiday of the exchange, it is the business day before.
    """
    found = []
    year, month = start.year, start.month
    while date(year, month, 1) <= end:
        following = date(year + month // 12, month % 12 + 1, 1)
        friday = following + timedelta(days=(4 - following.weekday()) % 7 + 14)
        expiry = friday - timedelta(days=30)
        rests = exchange_holidays(expiry.year) | exchange_holidays(friday.year)
        found.append(expiry - timedelta(days=1) if {expiry, friday} & rests else expiry)
        year, month = following.year, following.month
    return [day for day in found if max(start, FIRST_EXPIRY) <= day <= end]


def rows(request: Request, body: bytes) -> list[Rows]:
    """The rows of a file.

    Raises:
        DataError: it is another file, or was cut off.
    """
    if request.endpoint == "index-history":
        return [_index(request, text_of(request, body))]
    if request.endpoint == "vx-settlement":
        return [_settlements(request, text_of(request, body))]
    if request.endpoint == "option-chain":
        return [_chain(request, object_of(request, body))]
    raise wrong(request, "Cboe has no such endpoint here")


def refusal(status: int, body: bytes) -> str | None:
    """Why an answer is an error: 403 and 404 stand for a file that is not there."""
    if status in (403, 404):
        return "nothing"
    return page_refusal(status, body)


def _table(request: Request, text: str, needed: tuple[str, ...]) -> pl.DataFrame:
    """A CSV with these columns, in whatever case; a preamble above the head is passed over."""
    lines = text.splitlines()
    head = next((i for i, x in enumerate(lines) if set(needed) <= _words(x)), None)
    if head is None:
        raise wrong(request, f"no line with {', '.join(needed)}")
    try:
        table = pl.read_csv(io.StringIO("\n".join(lines[head:])), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise wrong(request, f"no CSV, or cut off ({error})") from error
    return table.rename({name: name.strip().lower() for name in table.columns})


def _words(line: str) -> set[str]:
    return {word.strip().lower() for word in line.split(",")}


def _date(column: str) -> pl.Expr:
    """Dates as 01/31/2020 or 2020-01-31."""
    text = pl.col(column).str.strip_chars()
    american = text.str.to_date("%m/%d/%Y", strict=False)
    return american.fill_null(text.str.to_date("%Y-%m-%d", strict=False))


def _whole(request: Request, made: pl.DataFrame, needed: tuple[str, ...]) -> pl.DataFrame:
    for name in needed:
        if made.get_column(name).null_count():
            row = int(made.get_column(name).is_null().arg_max() or 0)
            raise wrong(request, f"row {row + 1} below the head has no {name}: cut off?")
    return made


def _index(request: Request, text: str) -> Rows:
    """VIX to 1991 has a close only, repeated in the other columns as Cboe does; some indices (VVIX)
    have one column under their own name.
    """
    name = request.about.lower()
    alone = any({"date", name} <= _words(line) for line in text.splitlines()[:20])
    table = _table(request, text, ("date", name if alone else "close")).rename(
        {name: "close"}, strict=False
    )
    prices = [
        pl.col(n).cast(pl.Float64, strict=False)
        for n in ("open", "high", "low", "close")
        if n in table.columns
    ]
    made = table.select(
        pl.lit(request.about).alias("index"),
        _date("date").alias("date"),
        *prices,
        source=pl.lit(NAME),
    )
    return Rows("indices", _whole(request, made, ("date", "close")))


def _settlements(request: Request, text: str) -> Rows:
    """Days without a trade have a settlement all the same; before the first, 0 or none."""
    table = _table(request, text, ("trade date", "settle"))
    optional = {"volume": "total volume", "open_interest": "open interest"}
    made = table.select(
        pl.lit("VX").alias("root"),
        pl.lit(date.fromisoformat(request.about)).alias("expiry"),
        _date("trade date").alias("date"),
        pl.col("settle").cast(pl.Float64, strict=False),
        *(
            pl.col(theirs).cast(pl.Float64, strict=False).alias(ours)
            for ours, theirs in optional.items()
            if theirs in table.columns
        ),
        source=pl.lit(NAME),
    )
    settled = _whole(request, made, ("date",)).filter(pl.col("settle") > 0.0)
    return Rows("futures_curve", settled)


def _chain(request: Request, answer: dict[str, Any]) -> Rows:
    """Contracts of all strikes and expiries: traded in the session, and open at its start.

    A row is never replaced, so there is none while the session may still run (until 16:15), nor on
    a day without a session, when the chain is still that of the session before.
    """
    sums = {"C": [0.0, 0.0], "P": [0.0, 0.0]}
    try:
        moment = datetime.fromisoformat(answer["timestamp"]).replace(tzinfo=UTC)
        last_trade = answer["data"].get("last_trade_time")
        for option in answer["data"]["options"]:
            side = sums[option["option"][-9]]  # SYM240621C00100000
            side[0] += float(option["volume"] or 0.0)
            side[1] += float(option["open_interest"] or 0.0)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise wrong(request, f"another shape ({error!r})") from error
    day = moment.astimezone(NEW_YORK).date()
    over = moment >= new_york(day, 16, 15)
    traded = str(last_trade)[:10] == str(day) if last_trade else bool(sessions_by_rule(day, day))
    line = {
        "symbol": request.about,
        "date": day,
        "known_at": moment,
        "call_volume": sums["C"][0],
        "put_volume": sums["P"][0],
        "call_open": sums["C"][1],
        "put_open": sums["P"][1],
        "source": NAME,
    }
    return rows_of("options_activity", [line] if over and traded else [])
