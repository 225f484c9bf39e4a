"""Nasdaq's calendar of earnings: who announces on a day, when in the day, and what is expected.

Figures are display strings. An answer says of which day it speaks, never when it was made, so
`known_at` is as late as it can be: an expected announcement is known when its New York day begins,
a made one (the calendar of a past day tells `eps`) at 9:30 where it came before the open, else at
the last minute of the day. What a calendar told days ahead is therefore dated later than it was.

Recorded: the calendar of a day ahead. Documented only (by other programs' models): `eps` and
`surprise` in the calendar of a past day, and that the server wants a browser's User-Agent.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from podshop.adapters.reading import new_york, number, object_of, page_refusal, rows_of, wrong
from podshop.adapters.vendors import Request, Rows, Wanted
from podshop.market.business_days import weekdays

NAME = "nasdaq"
TABLES: tuple[str, ...] = ("earnings",)
BASE_URL = "https://api.nasdaq.com"
HEADERS: dict[str, str] = {
    "User-Agent": "Mozilla/5.0 (compatible; podshop)",
    "Accept": "application/json",
}
PER_MINUTE = 60
KEY: tuple[str, str] | None = None

TIMES = {
    "time-pre-market": "before open",
    "time-after-hours": "after close",
    "time-not-supplied": "",
}


def requests(wanted: Wanted) -> Iterator[Request]:
    """The calendar of each weekday; it is not parted by symbol."""
    if "earnings" in wanted.tables:
        for day in weekdays(wanted.start, wanted.end):
            params = (("date", day.isoformat()),)
            yield Request(NAME, "earnings", "api/calendar/earnings", params, covers=day)


def follow(request: Request, body: bytes, wanted: Wanted) -> Iterator[Request]:  # noqa: ARG001
    """Nothing: a day is one page."""
    yield from ()


def rows(request: Request, body: bytes) -> list[Rows]:
    """The announcements of a day; a day without any has no rows.

    Raises:
        DataError: the answer has another shape, or speaks of another day than was asked.
    """
    data = object_of(request, body).get("data")
    if not isinstance(data, dict):
        raise wrong(request, "no data in the answer")
    day = _day(request, data)
    lines = data.get("rows")
    if lines is not None and not isinstance(lines, list):
        raise wrong(request, "data.rows is no list")
    return [rows_of("earnings", [_earning(request, day, line) for line in lines or ()])]


def refusal(status: int, body: bytes) -> str | None:
    """Why an answer is an error: its own status inside a 200, or no JSON at all."""
    if why := page_refusal(status, body):
        return why
    # The object comes in one piece: what the server thinks of itself is at its end.
    if b'"rCode":200' not in body.replace(b" ", b"")[-400:]:
        return "the answer's own status.rCode is not 200, or it was cut off"
    return None


def _day(request: Request, data: dict[str, Any]) -> date:
    asked = date.fromisoformat(dict(request.params)["date"])
    try:
        told = datetime.strptime(str(data.get("asOf")), "%a, %b %d, %Y").date()  # noqa: DTZ007
    except ValueError as error:
        raise wrong(request, f"data.asOf is no day: {data.get('asOf')!r}") from error
    if told != asked:
        raise wrong(request, f"the calendar of {told} came for {asked}")
    return asked


def _earning(request: Request, day: date, line: dict[str, Any]) -> dict[str, Any]:
    try:
        symbol, when = str(line["symbol"]), TIMES[str(line["time"])]
        eps, estimate = number(line.get("eps")), number(line.get("epsForecast"))
    except (KeyError, ValueError) as error:
        raise wrong(request, f"row {line.get('symbol', '?')}: {error!r}") from error
    if eps is None:
        known_at = new_york(day, 0)
    elif when == "before open":
        known_at = new_york(day, 9, 30)
    else:
        known_at = new_york(day, 23, 59)
    return {
        "symbol": symbol,
        "date": day,
        "time": when,
        "known_at": known_at,
        "eps": eps,
        "eps_estimated": estimate,
        "source": NAME,
    }
