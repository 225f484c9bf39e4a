"""News: headlines about a symbol from feeds in RSS or Atom, read by feedparser.

A headline is known at the later of its publication and its last change, for the text is that of the
last change. An entry without title or date cannot be placed in time and is left out; a feed in
which no entry can be placed is an error.

Documented only: the feed of a symbol at Yahoo (RSS 2.0), which holds some twenty recent headlines.
Whatever is older can no longer be fetched.
"""

from calendar import timegm
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from podshop.adapters.answers import page_refusal, rows_of, wrong
from podshop.adapters.vendors import Request, Rows, Wanted

NAME = "news"
TABLES: tuple[str, ...] = ("news",)
BASE_URL = "https://feeds.finance.yahoo.com"
HEADERS: dict[str, str] = {"User-Agent": "Mozilla/5.0 (compatible; podshop)"}
PER_MINUTE = 30
KEY: tuple[str, str] | None = None

LONGEST_TEXT = 2_000


def requests(wanted: Wanted) -> Iterator[Request]:
    """A feed a symbol; without symbols there is nothing to ask."""
    if "news" in wanted.tables:
        for symbol in wanted.symbols:
            params = (("s", symbol), ("region", "US"), ("lang", "en-US"))
            yield Request(NAME, "feed", "rss/2.0/headline", params, fresh_hours=1.0)


def follow(request: Request, body: bytes) -> Iterator[Request]:  # noqa: ARG001
    """Nothing: a feed has one page."""
    yield from ()


def rows(request: Request, body: bytes) -> list[Rows]:
    """The headlines of a feed; an empty feed has no rows.

    Raises:
        DataError: it is no feed, it was cut off, or none of its entries can be placed in time.
    """
    import feedparser

    if why := page_refusal(200, body):
        raise wrong(request, why)
    if b"<!ENTITY" in body:
        raise wrong(request, "a feed that declares entities is not read")
    # A stream: given bytes, feedparser would first try them as the name of a file.
    feed = feedparser.parse(BytesIO(body))
    if not feed.get("version"):
        raise wrong(request, "neither RSS nor Atom")
    broken = feed.get("bozo_exception")
    if type(broken).__name__ == "SAXParseException":
        raise wrong(request, f"no well-formed XML, or cut off ({broken})")
    symbol = dict(request.params)["s"]
    placed = [line for entry in feed.entries if (line := _headline(symbol, entry))]
    if feed.entries and not placed:
        raise wrong(request, f"none of {len(feed.entries)} entries has a title and a date")
    return [rows_of("news", placed)]


def refusal(status: int, body: bytes) -> str | None:
    """Why an answer is an error: a page instead of a feed."""
    return page_refusal(status, body)


def _headline(symbol: str, entry: Any) -> dict[str, Any] | None:
    # Asking for a change that is not there would give the publication, with a warning.
    names = [name for name in ("published_parsed", "updated_parsed") if name in entry]
    moments = [entry[name] for name in names]
    title = " ".join(str(entry.get("title", "")).split())
    dated = [timegm(moment) for moment in moments if moment]
    if not title or not dated:
        return None
    url = str(entry.get("link", ""))
    return {
        "symbol": symbol,
        "known_at": datetime.fromtimestamp(max(dated), UTC),
        "title": title,
        "body": str(entry.get("summary", ""))[:LONGEST_TEXT],
        "site": urlsplit(url).hostname or "",
        "url": url,
        "source": NAME,
    }
