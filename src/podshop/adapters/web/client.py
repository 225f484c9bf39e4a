"""One vendor on the web: limit, key, retries, and answers that are none.

A refusal for want of money or rights, and a used-up daily quota, stop a sync; a network that fails,
a server that is busy and an answer that is cut off are asked again, ever more slowly. The key goes
into the query when a request is sent and is scrubbed from everything that is said about it.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from types import ModuleType
from typing import Any
from urllib.parse import quote

from podshop.adapters.vendors import Request
from podshop.adapters.web.answers import Answer, Answers
from podshop.adapters.web.limiter import Limiter
from podshop.domain.error import ConfigError, DataError

ATTEMPTS = 6
LONGEST_WAIT_S = 60.0
LONGEST_REST_S = 600.0
"""A vendor that wants to be left alone for longer stops the sync."""
SHORTEST_SECRET = 8
"""Characters of a key that is taken out of answers; a shorter one ("demo") may be a word there."""
NOTHING = (404, 410)
"""Statuses that say "there is nothing": kept as an answer."""


class Again(Exception):
    """An answer that is worth asking for again.

    Attributes:
        wait_s: how long the vendor wants to be left alone; None = as long as one likes.
    """

    def __init__(self, why: str, wait_s: float | None = None) -> None:
        """Say why."""
        super().__init__(why)
        self.wait_s = wait_s


@dataclass(slots=True)
class Web:
    """Asks one vendor.

    Attributes:
        vendor: the vendor's module.
        answers: where its answers are kept.
        limiter: how often it may be asked.
        key: its key; "" where it needs none.
        contact: who asks, for vendors that want to know.
        base_url: where it lives, when not at its BASE_URL (a proxy, a test).
        now: the time, UTC.
        window_s: seconds over which the vendor counts requests.
        asked: requests sent so far.
    """

    vendor: ModuleType
    answers: Answers
    limiter: Limiter
    key: str = field(default="", repr=False)
    contact: str = ""
    base_url: str | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    window_s: float = 60.0
    asked: int = 0
    _client: Any = None
    _lock: Lock = field(default_factory=Lock)

    def get(self, request: Request) -> Answer:
        """The answer to a question, from the disk where it is current.

        Raises:
            ConfigError: the key is missing or refused, or the plan does not include this.
            DataError: the vendor does not answer, or not with what it should.
        """
        known = self.answers.current(request, self.now())
        if known is not None:
            return known
        import stamina

        try:
            for attempt in stamina.retry_context(
                on=self._worth_again,
                attempts=ATTEMPTS,
                timeout=None,
                wait_initial=0.5,
                wait_max=LONGEST_WAIT_S,
            ):
                with attempt:
                    self.limiter.wait()
                    self.asked += 1
                    status, body = self._send(request)
                    return self.answers.keep(request, status, body, self.now())
        except Again as again:
            raise DataError(self._told(request, f"{again} ({ATTEMPTS} times)")) from None
        raise AssertionError("the loop returns or raises")

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _worth_again(self, error: Exception) -> bool | float:
        """Whether to ask again. What the vendor said about waiting holds for all processes."""
        if not isinstance(error, Again):
            return False
        if error.wait_s is None:
            return True
        self.limiter.pause(error.wait_s)
        return 0.0

    def _send(self, request: Request) -> tuple[int, bytes]:
        import httpx2

        client = self._connection(httpx2)
        params = list(request.params)
        if self.vendor.KEY is not None:
            params.append((self.vendor.KEY[1], self.key))
        try:
            response = client.get(self._url(request), params=params)
            body: bytes = response.content
        except httpx2.HTTPError as error:
            # Its text holds the URL, and so the key.
            raise Again(f"{type(error).__name__}: {self._scrubbed(str(error))}") from None
        self._judge(request, response.status_code, dict(response.headers), body)
        if len(self.key) >= SHORTEST_SECRET:  # some vendors write the next page's URL, key and all
            body = body.replace(self.key.encode(), b"***")
        return response.status_code, body

    def _judge(self, request: Request, status: int, headers: dict[str, str], body: bytes) -> None:
        """Raise where an answer is none."""
        kind = self._kind(status, self.vendor.refusal(status, body))
        if kind in (None, "nothing"):
            return
        if kind == "limit":
            rest_s = self._rest(headers)
            if rest_s <= LONGEST_REST_S:
                raise Again("too many requests", rest_s)
            kind = f"the vendor wants to be left alone for {rest_s:.0f} s; sync again after that"
        if kind.startswith("again"):
            raise Again(kind.removeprefix("again: "))
        if kind in ("key", "plan"):
            raise ConfigError(self._told(request, self._rights(kind)))
        if kind == "quota":
            kind = (
                "the day's quota of requests is used up; sync again tomorrow, it goes on from here"
            )
        raise DataError(self._told(request, kind))

    def _kind(self, status: int, refused: str | None) -> str | None:
        """What an answer is by its status and by what it says; None where it is an answer."""
        if status == 429:
            return "quota" if refused == "quota" else "limit"
        if status >= 500 or status == 408:
            return f"again: the server answers {status}"
        if status in NOTHING or refused == "nothing":
            return "nothing"
        by_status = {401: "key", 402: "plan", 403: "plan"}
        if status >= 400:
            return by_status.get(status) or refused or f"the server answers {status}"
        return refused

    def _rest(self, headers: dict[str, str]) -> float:
        """Seconds to leave the vendor alone: as it says, else to the next window (minute)."""
        said = headers.get("retry-after", "").strip()
        if said.isdigit():
            return float(said)
        now = self.now()
        with suppress(ValueError):
            until = parsedate_to_datetime(said)
            return max((until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds(), 0.0)
        return self.window_s - now.timestamp() % self.window_s

    def _rights(self, kind: str) -> str:
        if self.vendor.KEY is None:
            return "the server refuses; see the vendor's terms of access"
        if kind == "key":
            return f"the key is refused; set {self.vendor.KEY[0]} to a valid one"
        return "the plan of this key does not include it; leave the table out, or take another plan"

    def _told(self, request: Request, what: str) -> str:
        asked = " ".join(f"{k}={v}" for k, v in request.params)
        return self._scrubbed(f"{request.vendor} {request.endpoint} {asked}: {what}")

    def _scrubbed(self, text: str) -> str:
        if not self.key:
            return text
        for written in (self.key, quote(self.key, safe=""), quote(self.key)):
            text = text.replace(written, "***")
        return text

    def _url(self, request: Request) -> str:
        if request.path.startswith("http"):
            if self.base_url is None:
                return request.path
            return self.base_url.rstrip("/") + "/" + request.path.split("/", 3)[3]
        return (self.base_url or self.vendor.BASE_URL).rstrip("/") + "/" + request.path

    def _connection(self, httpx2: Any) -> Any:
        with self._lock:
            return self._opened(httpx2)

    def _opened(self, httpx2: Any) -> Any:
        """The one client that all threads share."""
        if self._client is None:
            for name in ("httpx2", "httpcore2"):  # they log URLs, and so keys
                logging.getLogger(name).setLevel(logging.WARNING)
            agent = {"User-Agent": f"podshop {self.contact}"} if self.contact else {}
            self._client = httpx2.Client(
                headers=self.vendor.HEADERS | agent,
                timeout=30.0,
                follow_redirects=self.vendor.KEY is None,
            )
        return self._client
