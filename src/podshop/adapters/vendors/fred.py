"""FRED: Treasury bills, notes and the policy rate, a fraction a year.

An answer to a plain question carries today's values, and `realtime_start` is only the day of the
question. A value is then dated by the Federal Reserve's H.15 release: a quarter past four in the
afternoon, New York, of the business day after. A symbol written `DTB3@vintages` asks for every
version that FRED ever had; each is known at the last minute of its `realtime_start`.

Documented only: the shape of the answer (`observations[]` with text values, "." where missing), and
that an error is an object with `error_code` and `error_message`. FRED allows some 2,000 vintages a
question; ask daily series by plain question.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from podshop.adapters.reading import new_york, number, object_of, page_refusal, rows_of, wrong
from podshop.adapters.vendors import Request, Rows, Wanted
from podshop.domain.error import ConfigError
from podshop.market.business_days import business_days_after

NAME = "fred"
TABLES: tuple[str, ...] = ("rates",)
BASE_URL = "https://api.stlouisfed.org"
HEADERS: dict[str, str] = {"User-Agent": "podshop"}
PER_MINUTE = 110
KEY: tuple[str, str] | None = ("FRED_API_KEY", "api_key")

DEFAULT = ("DTB3", "DGS1MO", "DGS3MO", "DGS6MO", "DGS1", "DGS2", "DGS5", "DGS10", "DGS30")
SERIES = frozenset((*DEFAULT, "DTB4WK", "DTB6", "DTB1YR", "DGS3", "DGS7", "DGS20", "DFF", "TB3MS"))
"""Series in percent a year, which the table `rates` can hold; an index such as CPI is no rate."""

EARLIEST, LATEST = "1776-07-04", "9999-12-31"
"""The ends of FRED's real time."""


def requests(wanted: Wanted) -> Iterator[Request]:
    """One question a series.

    Raises:
        ConfigError: a symbol is no series in percent a year that is known here.
    """
    if "rates" not in wanted.tables:
        return
    for symbol in wanted.symbols or DEFAULT:
        series, _, mode = symbol.partition("@")
        if series not in SERIES or mode not in ("", "vintages"):
            raise ConfigError(
                f'fred: "{symbol}" is no rate known here; one of {", ".join(sorted(SERIES))}, '
                "with @vintages for every version"
            )
        params = [("series_id", series), ("file_type", "json")]
        params += [
            ("observation_start", wanted.start.isoformat()),
            ("observation_end", wanted.end.isoformat()),
        ]
        if mode:
            params += [("realtime_start", EARLIEST), ("realtime_end", LATEST)]
        endpoint = mode or "observations"
        yield Request(NAME, endpoint, "fred/series/observations", tuple(params))


def follow(request: Request, body: bytes, wanted: Wanted) -> Iterator[Request]:  # noqa: ARG001
    """The next page where there are more observations than one answer holds."""
    answer = object_of(request, body)
    seen = int(answer.get("offset", 0)) + len(answer.get("observations", ()))
    if answer.get("observations") and seen < int(answer.get("count", 0)):
        params = (*(p for p in request.params if p[0] != "offset"), ("offset", str(seen)))
        yield Request(NAME, request.endpoint, request.path, params)


def rows(request: Request, body: bytes) -> list[Rows]:
    """The values of a series, percent made fractions; "." is no value and has no row.

    Raises:
        DataError: the answer has another shape or a value is no figure.
    """
    observations = object_of(request, body).get("observations")
    if not isinstance(observations, list):
        raise wrong(request, "no observations in the answer")
    lines = (_rate(request, line) for line in observations)
    return [rows_of("rates", [line for line in lines if line["value"] is not None])]


def refusal(status: int, body: bytes) -> str | None:
    """Why an answer is an error: FRED's own words, which never repeat the key."""
    if b'"error_message"' in body:
        message = body.partition(b'"error_message"')[2].partition(b'"')[2].partition(b'"')[0]
        return (
            "key" if b"api_key" in message else f"FRED says: {message.decode('utf-8', 'replace')}"
        )
    return page_refusal(status, body)


def _rate(request: Request, line: Any) -> dict[str, Any]:
    try:
        day, value = date.fromisoformat(line["date"]), number(line["value"])
        if request.endpoint == "vintages":
            known_at = new_york(date.fromisoformat(line["realtime_start"]), 23, 59)
        else:
            known_at = new_york(business_days_after(day, 1), 16, 15)
    except (KeyError, TypeError, ValueError) as error:
        raise wrong(request, f"observation {line!r}: {error!r}") from error
    return {
        "series": dict(request.params)["series_id"],
        "date": day,
        "value": None if value is None else value / 100,
        "known_at": known_at,
        "source": NAME,
    }
