"""Answers of Financial Modeling Prep that are errors, whatever their status."""

import csv
from io import StringIO

import orjson

SAYS = (
    ("daily limit", "quota"),
    ("bandwidth limit", "quota"),
    ("limit reach", "limit"),
    ("too many", "limit"),
    ("invalid api key", "key"),
    ("api key", "key"),
    ("exclusive endpoint", "plan"),
    ("special endpoint", "plan"),
    ("premium", "plan"),
    ("subscription", "plan"),
    ("legacy endpoint", "plan"),
    ("upgrade your plan", "plan"),
)
"""What the vendor writes, and what it means; the first that fits counts."""

CUT_OFF = "again: the answer is cut off, or no data"


def refusal(status: int, body: bytes) -> str | None:
    """Why an answer is none.

    Args:
        status: HTTP status.
        body: as it came.

    Returns:
        "limit" (too many requests for now), "quota" (for today), "key", "plan", "again: why" (cut
        off, or HTML where data should be), another text that is an error for good, or None.
    """
    text = body.lstrip()[:1]
    if not text:
        return CUT_OFF
    if text == b"<":
        return CUT_OFF
    if text not in (b"[", b"{"):
        return _refused_csv(status, body)
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return CUT_OFF
    message = _message(said)
    if message is None:
        return None
    lowered = message.lower()
    return next((kind for words, kind in SAYS if words in lowered), f"the vendor says: {message}")


def _refused_csv(status: int, body: bytes) -> str | None:
    """CSV needs a header that names symbols, and a last line as wide as it.

    The vendor need not end its last line, so a missing newline alone is no sign of a cut.
    """
    if status != 200:
        return None
    head = body.partition(b"\n")[0]
    if b"," not in head or b"symbol" not in head.lower():
        return CUT_OFF
    try:
        lines = csv.reader(StringIO(body.decode(), newline=""), strict=True)
        columns = last = next(lines)
        for line in lines:
            last = line or last
    except (csv.Error, UnicodeDecodeError):
        return CUT_OFF
    return None if len(last) == len(columns) else CUT_OFF


def _message(said: object) -> str | None:
    """The error that an object speaks of, also one level down; None where it is data."""
    if not isinstance(said, dict):
        return None
    for name in ("Error Message", "message", "error", "Error"):
        value = said.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, dict):
            return _message(value) or str(value)
    return None
