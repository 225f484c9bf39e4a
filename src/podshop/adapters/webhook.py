"""The webhook: other programs add to the journal of decisions by signed messages.

    POST /decisions
    X-Podshop-Timestamp: seconds since 1970
    X-Podshop-Nonce: 16 to 64 letters, digits, "-" and "_", new for every message
    X-Podshop-Signature: hex HMAC-SHA256 with the secret over TIMESTAMP "." NONCE "." BODY

    {"author": "...", "decisions": [{"symbol": "SPY", "weight": 0.1, "thesis": "...",
                                     "expires": "2026-12-31", "stop": 0.05}]}

The answer names line, moment and hash of each entry, which is on the disk by then. A message is
taken in once: its nonce stands in the entries, so that it is refused after a restart too.
"""

import asyncio
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from podshop.adapters.stores.decisions import Entry, Repeated, append
from podshop.domain.error import ConfigError, DataError
from podshop.market.targets import Decision

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

SHORTEST_KEY = 32
"""Characters that a secret has at least."""

WINDOW_SECONDS = 300
"""How far the timestamp of a message may lie from this machine's clock."""

LARGEST_BODY = 64 * 1024
BODY_SECONDS = 10.0
NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
HEADERS = tuple(f"x-podshop-{name}" for name in ("timestamp", "nonce", "signature"))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class OneDecision(_Strict):
    """One decision of a message."""

    symbol: str = Field(min_length=1, max_length=40)
    weight: float
    thesis: str = Field(min_length=1, max_length=2_000)
    expires: date | None = None
    stop: float | None = None


class Message(_Strict):
    """The body of a message."""

    author: str = Field(min_length=1, max_length=100)
    decisions: list[OneDecision] = Field(min_length=1, max_length=100)


class Refused(Exception):
    """A message is not taken in.

    Attributes:
        status: of the answer.
    """

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Desk:
    """Where messages arrive.

    Attributes:
        file: the journal of decisions.
        key: the secret.
        clock: says what time it is, with a time zone.
    """

    file: Path
    key: bytes
    clock: Callable[[], datetime]

    def __repr__(self) -> str:
        return f"Desk({self.file})"  # never the secret

    def check(self, timestamp: str, nonce: str, signature: str, body: bytes) -> None:
        """Refuse a message that the secret did not sign, or that is old.

        Raises:
            Refused: with status 401 and one sentence for all of it, so that nobody can probe.
        """
        wanted = sign(self.key, timestamp, nonce, body)
        same = hmac.compare_digest(wanted.encode(), signature.lower().encode("utf-8", "replace"))
        fresh = timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12
        if fresh:
            fresh = abs(self.clock().timestamp() - int(timestamp)) <= WINDOW_SECONDS
        if not (same and fresh and NONCE.fullmatch(nonce)):
            raise Refused(401, "the signature, timestamp or nonce is not right")

    def take(self, nonce: str, body: bytes) -> list[Entry]:
        """Write a message that was checked into the journal of decisions.

        Raises:
            Refused: it is not what it must be.
            Repeated: it was taken in before.
            DataError: the journal cannot be added to.
        """
        try:
            message = Message.model_validate_json(body)
            via = f"webhook {nonce}"
            decisions = [
                Decision(at=self.clock(), author=message.author, via=via, **one.model_dump())
                for one in message.decisions
            ]
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in found["loc"]) or "body"
            raise Refused(422, f"{place}: {found['msg']}") from error
        except ValueError as error:
            raise Refused(422, str(error)) from error
        return append(self.file, decisions, self.clock)


def sign(key: bytes, timestamp: str, nonce: str, body: bytes) -> str:
    """The signature of a message: HMAC-SHA256 (RFC 2104) as hexadecimal digits.

    Args:
        key: the secret.
        timestamp: seconds since 1970.
        nonce: of this message alone.
        body: the bytes that are sent.
    """
    text = f"{timestamp}.{nonce}.".encode("utf-8", "replace") + body
    return hmac.new(key, text, sha256).hexdigest()


def application(file: Path, key: str, clock: Callable[[], datetime]) -> "FastAPI":
    """The web application.

    Args:
        file: the journal of decisions.
        key: the secret that programs sign with.
        clock: says what time it is, with a time zone.

    Raises:
        ConfigError: the secret is too short.
    """
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse

    if len(key) < SHORTEST_KEY:
        raise ConfigError(
            f"the secret has {len(key)} characters and needs {SHORTEST_KEY}; make one with "
            "python -c 'import secrets; print(secrets.token_hex(32))'"
        )
    desk = Desk(file, key.encode(), clock)
    app = FastAPI(title="podshop", openapi_url=None)

    @app.post("/decisions")
    async def decisions(request: Request) -> JSONResponse:
        status, told = await _answer(desk, request)
        return JSONResponse(told, status_code=status)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "listening"}

    return app


async def _answer(desk: Desk, request: "Request") -> tuple[int, dict[str, Any]]:
    """Status and content of the answer to a message."""
    try:
        body = await _body(request)
        timestamp, nonce, signature = (request.headers.get(name, "") for name in HEADERS)
        desk.check(timestamp, nonce, signature, body)
        entries = await asyncio.to_thread(desk.take, nonce, body)
    except Refused as refused:
        return refused.status, {"error": str(refused)}
    except Repeated as repeated:
        return 409, {"error": str(repeated), "entries": _plain(repeated.entries)}
    except (DataError, OSError) as error:
        return 503, {"error": f"the journal of decisions cannot be added to: {error}"}
    return 200, {"entries": _plain(entries)}


async def _body(request: "Request") -> bytes:
    """The body, if it comes soon and is not too large."""
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > LARGEST_BODY:
                    raise Refused(413, f"a message has at most {LARGEST_BODY} bytes")
    except TimeoutError as error:
        raise Refused(408, f"the message did not come within {BODY_SECONDS:g} seconds") from error
    return body


def _plain(entries: list[Entry]) -> list[dict[str, Any]]:
    return [
        {
            "line": entry.line,
            "symbol": entry.decision.symbol,
            "at": f"{entry.decision.at:%FT%TZ}",
            "hash": entry.hash,
        }
        for entry in entries
    ]
