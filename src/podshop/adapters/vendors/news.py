"""Headlines by RSS and Atom: Yahoo Finance's feed of a symbol, read by feedparser.

Documented only; any feed of this kind can stand at another base address. A headline is known when
its feed says that it was published; one without a moment is left out, because nobody could tell
when it was known. A feed has the last few dozen headlines: ask often, or lose some.
"""

from calendar import timegm
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO

from podshop.adapters.reading import page_refusal, rows_of, wrong
from podshop.adapters.vendors import Request, Rows, Wanted

NAME = "news"
TABLES: tuple[str, ...] = ("news",)
BASE_URL = "https://feeds.finance.yahoo.com"
HEADERS: dict[str, str] = {"User-Agent": "podshop"}
PER_MINUTE = 30
KEY: tuple[str, str] | None = None


def requests(wanted: Wanted) -> Iterator[Request]:
    """A feed a symbol."""
    if "news" in wanted.tables:
        for symbol in wanted.symbols:
            params = (("s", symbol), ("region", "US"), ("lang", "en-US"))
            yield Request(
                NAME, "headlines", "rss/2.0/headline", params, fresh_hours=1.0, about=symbol
            )


def follow(request: Request, body: bytes, wanted: Wanted) -> Iterator[Request]:  # noqa: ARG001
    """Nothing: a feed has one page."""
    yield from ()


def rows(request: Request, body: bytes) -> list[Rows]:
    """The headlines of a feed.

    Raises:
        DataError: it is no feed, or was cut off.
    """
    import feedparser

    if b"<!DOCTYPE" in body[:2048] or b"<!ENTITY" in body:
        raise wrong(request, "a feed that declares a document type or entities is not read")
    feed = feedparser.parse(BytesIO(body))  # of bytes it would think that they may name a file
    broken = feed.get("bozo_exception")
    if not feed.get("version"):
        raise wrong(request, f"neither RSS nor Atom ({broken})")
    if type(broken).__name__ == "SAXParseException":
        raise wrong(request, f"no well-formed XML, or cut off ({broken})")
    site = feed.feed.get("title")
    lines = []
    for entry in feed.entries:
        published = entry.get("published_parsed") or entry.get("updated_parsed")
        if published is None or not entry.get("title"):
            continue
        lines.append(
            {
                "symbol": request.about,
                "known_at": datetime.fromtimestamp(timegm(published), UTC),
                "title": entry.title.strip(),
                "body": entry.get("summary") or None,
                "site": entry.get("source", {}).get("title") or site,
                "url": entry.get("link"),
                "source": NAME,
            }
        )
    return [rows_of("news", lines)]


def refusal(status: int, body: bytes) -> str | None:
    """Why an answer is an error: a page of HTML, or nothing."""
    return page_refusal(status, body)
