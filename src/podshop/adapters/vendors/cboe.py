"""Cboe: histories of its volatility indices, settlements of VX futures, option volumes by symbol.

Expiries of monthly VX futures follow Cboe's rule: 30 days before the third Friday of the next
month, or before the day ahead of it where that Friday is a holiday; a holiday itself moves the
expiry to the business day before. Weekly futures are not asked for.

A chain of options counts the contracts of a session that may still run; its rows are kept only when
the answer was made on the day of the last trade and after the close (16:15 in New York), because
a row of `options_activity` is never replaced. `open_interest` is the one at the day's start.

Recorded: the history of VIX. Documented only: the other indices (OHLC, or one column named as the
index), VX files (with or without a disclaimer above the head, dates in two styles, settlement 0
before the first trade), chains. A chain's `timestamp` is read as UTC and `last_trade_time` as
New York; to be safe, a chain is known 15 minutes after its last trade at the earliest.
"""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from podshop.adapters.answers import (
    NEW_YORK,
    new_york,
    number,
    object_of,
    page_refusal,
    rows_of,
    text_of,
    wrong,
)
from podshop.adapters.vendors import Request, Rows, Wanted
from podshop.market.business_days import FRIDAY, exchange_holidays, nth_weekday

NAME = "cboe"
TABLES: tuple[str, ...] = ("indices", "futures_curve", "options_activity")
BASE_URL = "https://cdn.cboe.com"
HEADERS: dict[str, str] = {"User-Agent": "podshop"}
PER_MINUTE = 60
KEY: tuple[str, str] | None = None

INDICES = ("VIX", "VIX9D", "VIX3M", "VIX6M", "VVIX")
LONGEST_CURVE_DAYS = 280
CONTRACT = re.compile(r"[A-Z0-9]{1,6}\d{6}([CP])\d{8}")


def expiry(year: int, month: int) -> date:
    """The day on which the monthly VX future of a month settles for the last time."""
    after = nth_weekday(year + month // 12, month % 12 + 1, FRIDAY, 3)
    if after in exchange_holidays(after.year):
        after -= timedelta(days=1)
    day = after - timedelta(days=30)
    while day in exchange_holidays(day.year):
        day -= timedelta(days=1)
    return day


def expiries(start: date, end: date) -> list[date]:
    """Expiries of the monthly futures that could trade between two days."""
    months = range(start.year * 12 + start.month - 1, (end.year + 1) * 12 + 12)
    every = (expiry(month // 12, month % 12 + 1) for month in months)
    return [day for day in every if start <= day <= end + timedelta(days=LONGEST_CURVE_DAYS)]


def requests(wanted: Wanted) -> Iterator[Request]:
    """Histories of indices (all, or those among the symbols), VX files, a chain a symbol."""
    if "indices" in wanted.tables:
        named = tuple(index for index in INDICES if index in wanted.symbols)
        for index in named or INDICES:
            path = f"api/global/us_indices/daily_prices/{index}_History.csv"
            yield Request(NAME, "index", path)
    if "futures_curve" in wanted.tables:
        for day in expiries(wanted.start, wanted.end):
            folder = "data/us/futures/market_statistics/historical_data/VX"
            yield Request(NAME, "vx", f"{folder}/VX_{day}.csv", covers=day)
    if "options_activity" in wanted.tables:
        for symbol in wanted.symbols:
            if symbol not in INDICES:
                path = f"api/global/delayed_quotes/options/{symbol}.json"
                yield Request(NAME, "options", path, fresh_hours=1.0)


def follow(request: Request, body: bytes) -> Iterator[Request]:  # noqa: ARG001
    """Nothing: each answer is whole."""
    yield from ()


def rows(request: Request, body: bytes) -> list[Rows]:
    """The sessions of an index or future, or a symbol's option activity.

    Raises:
        DataError: the answer has another head, or a line that does not fit it.
    """
    if request.endpoint == "index":
        return [rows_of("indices", _index(request, text_of(request, body)))]
    if request.endpoint == "vx":
        return [rows_of("futures_curve", _settlements(request, text_of(request, body)))]
    if request.endpoint == "options":
        return [rows_of("options_activity", _activity(request, object_of(request, body)))]
    raise wrong(request, "Cboe has no such endpoint here")


def refusal(status: int, body: bytes) -> str | None:
    """Why an answer is an error: the file store says 403 where there is no such file."""
    return page_refusal(status, body)


def _day(text: str) -> date:
    """A date written 2024-01-31 or 01/31/2024."""
    if "/" in text:
        month, day, year = text.split("/")
        return date(int(year), int(month), int(day))
    return date.fromisoformat(text)


def _table(request: Request, text: str, first: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Lines of a CSV below the head that begins with `first`, with their numbers."""
    head: list[str] = []
    for i, cells in enumerate(csv.reader(text.splitlines()), 1):
        if not head:
            if cells and cells[0].strip().upper() == first.upper():
                head = [cell.strip() for cell in cells]
        elif any(cell.strip() for cell in cells):
            # Old files end each line with a comma too many.
            if len(cells) < len(head):
                raise wrong(request, f"line {i} has {len(cells)} fields, not {len(head)}: cut off?")
            yield i, dict(zip(head, cells, strict=False))
    if not head:
        raise wrong(request, f'no line that begins with "{first}"')


def _index(request: Request, text: str) -> Iterator[dict[str, Any]]:
    name = request.path.rpartition("/")[2].removesuffix("_History.csv")
    for i, cell in _table(request, text, "DATE"):
        try:
            levels = {field: number(cell.get(field.upper())) for field in ("open", "high", "low")}
            close = number(cell["CLOSE"] if "CLOSE" in cell else cell[name])
            line = {"index": name, "date": _day(cell["DATE"]), **levels, "close": close}
        except (KeyError, ValueError) as error:
            raise wrong(request, f"line {i}: {error!r}") from error
        if close is None:
            raise wrong(request, f"line {i}: no close")
        yield line | {"source": NAME}


def _settlements(request: Request, text: str) -> Iterator[dict[str, Any]]:
    last = date.fromisoformat(request.path.rpartition("VX_")[2].removesuffix(".csv"))
    for i, cell in _table(request, text, "Trade Date"):
        try:
            settle, day = number(cell["Settle"]), _day(cell["Trade Date"])
            volume, interest = number(cell["Total Volume"]), number(cell["Open Interest"])
        except (KeyError, ValueError) as error:
            raise wrong(request, f"line {i}: {error!r}") from error
        # A future that is listed but was never settled has no price: 0 would be one.
        if settle:
            yield {
                "root": "VX",
                "expiry": last,
                "date": day,
                "settle": settle,
                "volume": volume,
                "open_interest": interest,
                "source": NAME,
            }


def _activity(request: Request, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Sums of calls and puts of a session that is over; nothing while it runs."""
    symbol = request.path.rpartition("/")[2].removesuffix(".json")
    sums = {"call_volume": 0.0, "put_volume": 0.0, "call_open": 0.0, "put_open": 0.0}
    try:
        made = datetime.fromisoformat(answer["timestamp"]).replace(tzinfo=UTC)
        traded = datetime.fromisoformat(answer["data"]["last_trade_time"]).replace(tzinfo=NEW_YORK)
        for line in answer["data"]["options"]:
            kind = CONTRACT.fullmatch(line["option"])
            if kind is None:
                raise wrong(request, f"no name of an option contract: {line['option']!r}")
            side = "call" if kind[1] == "C" else "put"
            sums[f"{side}_volume"] += float(line["volume"])
            sums[f"{side}_open"] += float(line["open_interest"])
    except (KeyError, TypeError, ValueError) as error:
        raise wrong(request, f"another shape: {error!r}") from error
    known_at = max(made, traded.astimezone(UTC) + timedelta(minutes=15))
    day = traded.date()
    if made.astimezone(NEW_YORK).date() != day or known_at < new_york(day, 16, 15):
        return []
    return [{"symbol": symbol, "date": day, "known_at": known_at, **sums, "source": NAME}]
