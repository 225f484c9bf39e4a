"""FINRA: short interest twice a month, and the short volume of every session.

Short interest is one file a settlement date: the 15th or the business day before it, and the last
business day of the month. FINRA publishes it on the 8th business day after (as Nasdaq's publication
schedule says); nothing in the file says when, so `known_at` is six in the evening, New York, of
that day. A sale that has been reported is not known before.

Recorded: an excerpt of the short interest file. Documented only: the short volume file, its line of
the count at the end (not always there), and that FINRA posts it by six in the evening of the day.
Fractional volumes occur.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from podshop.adapters.reading import new_york, number, page_refusal, rows_of, text_of, wrong
from podshop.adapters.vendors import Request, Rows, Wanted
from podshop.market.business_days import business_days_after, sessions_by_rule

NAME = "finra"
TABLES: tuple[str, ...] = ("short_interest", "short_volume")
BASE_URL = "https://cdn.finra.org"
HEADERS: dict[str, str] = {"User-Agent": "podshop"}
PER_MINUTE = 60
KEY: tuple[str, str] | None = None

INTEREST = [
    "accountingYearMonthNumber",
    "symbolCode",
    "issueName",
    "issuerServicesGroupExchangeCode",
    "marketClassCode",
    "currentShortPositionQuantity",
    "previousShortPositionQuantity",
    "stockSplitFlag",
    "averageDailyVolumeQuantity",
    "daysToCoverQuantity",
    "revisionFlag",
    "changePercent",
    "changePreviousNumber",
    "settlementDate",
]
VOLUME = ["Date", "Symbol", "ShortVolume", "ShortExemptVolume", "TotalVolume", "Market"]


def publication(settled: date, closed: frozenset[date] = frozenset()) -> date:
    """The day on which the short interest of a settlement date is published.

    Args:
        settled: the settlement date.
        closed: days on which no business was done besides the holidays by rule.
    """
    return business_days_after(settled, 8, closed)


def settlement_dates(start: date, end: date) -> list[date]:
    """Settlement dates of short interest from `start` to `end`, both included."""
    found = []
    day = date(start.year, start.month, 1)
    while day <= end:
        following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        found += [
            business_days_after(date(day.year, day.month, 15), 0),
            business_days_after(following - timedelta(days=1), 0),
        ]
        day = following
    return [day for day in found if start <= day <= end]


def requests(wanted: Wanted) -> Iterator[Request]:
    """A file a settlement date, a file a session; FINRA does not part them by symbol."""
    if "short_interest" in wanted.tables:
        for day in settlement_dates(wanted.start, wanted.end):
            path = f"equity/otcmarket/biweekly/shrt{day:%Y%m%d}.csv"
            yield Request(NAME, "short-interest", path, covers=publication(day))
    if "short_volume" in wanted.tables:
        for day in sessions_by_rule(wanted.start, wanted.end):
            path = f"equity/regsho/daily/CNMSshvol{day:%Y%m%d}.txt"
            yield Request(NAME, "short-volume", path, covers=day)


def follow(request: Request, body: bytes, wanted: Wanted) -> Iterator[Request]:  # noqa: ARG001
    """Nothing: each file stands alone."""
    yield from ()


def rows(request: Request, body: bytes) -> list[Rows]:
    """The rows of a file.

    Raises:
        DataError: it is another file, a line is cut off, or the count at its end differs.
    """
    text = text_of(request, body)
    if request.endpoint == "short-interest":
        lines = _lines(request, text, INTEREST)
        return [rows_of("short_interest", [_interest(request, *line) for line in lines])]
    if request.endpoint == "short-volume":
        lines = _lines(request, text, VOLUME)
        return [rows_of("short_volume", [_volume(request, *line) for line in lines])]
    raise wrong(request, "FINRA has no such endpoint here")


def refusal(status: int, body: bytes) -> str | None:
    """Why an answer is an error: the file store says 403 for a file that is not there yet."""
    return page_refusal(status, body)


def _lines(request: Request, text: str, head: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The data lines of a pipe-separated file with their numbers; names may hold commas."""
    lines = text.splitlines()
    if lines[0].strip().split("|") != head:
        raise wrong(request, f"line 1 is not the head of this file: {lines[0][:80]!r}")
    count = 0
    for i, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        if re.fullmatch(r"\d+", line.strip()) and i == len(lines):
            if int(line) != count:
                raise wrong(request, f"line {i} counts {line.strip()} lines, there are {count}")
            continue
        cells = line.split("|")
        if len(cells) != len(head):
            raise wrong(request, f"line {i} has {len(cells)} fields, not {len(head)}: cut off?")
        count += 1
        yield i, dict(zip(head, cells, strict=True))


def _interest(request: Request, i: int, cell: dict[str, str]) -> dict[str, Any]:
    """A line of short interest. Days to cover are counted again: FINRA's end at 1 and 999.99."""
    try:
        day = date.fromisoformat(cell["settlementDate"])
        shares = number(cell["currentShortPositionQuantity"])
        volume = number(cell["averageDailyVolumeQuantity"])
    except ValueError as error:
        raise wrong(request, f"line {i}: {error}") from error
    if shares is None:
        raise wrong(request, f"line {i}: currentShortPositionQuantity is empty")
    return {
        "symbol": cell["symbolCode"],
        "date": day,
        "known_at": new_york(publication(day), 18),
        "shares": shares,
        "average_volume": volume,
        "days_to_cover": shares / volume if volume else None,
        "source": NAME,
    }


def _volume(request: Request, i: int, cell: dict[str, str]) -> dict[str, Any]:
    try:
        # `fromisoformat` reads YYYYMMDD too.
        day = date.fromisoformat(cell["Date"])
        short, exempt = number(cell["ShortVolume"]), number(cell["ShortExemptVolume"])
        total = number(cell["TotalVolume"])
    except ValueError as error:
        raise wrong(request, f"line {i}: {error}") from error
    if short is None or total is None:
        raise wrong(request, f"line {i}: a volume is empty")
    return {
        "symbol": cell["Symbol"],
        "date": day,
        "known_at": new_york(day, 18),
        "short": short,
        "exempt": exempt,
        "total": total,
        "source": NAME,
    }
