"""The journal of decisions: a file of JSON lines that only grows.

Each line is an entry with the hash of the line before, so a line that is edited, moved or taken
out later is found when the file is read. Nothing is ever corrected: a later entry on the same name
takes the place of the earlier one. An entry is on the disk before anybody is told of it; what a
killed process left of a line was told to nobody and is dropped by the next one that writes.
"""

import json
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from podshop.adapters.stores.lock import in_turn
from podshop.domain.error import DataError
from podshop.market.targets import Decision

FIRST = "0" * 64
"""What stands for the hash before the first entry."""

OPENS = b'{"at":'
"""How every line begins."""

FIELDS = ("at", "symbol", "weight", "expires", "stop", "thesis", "author", "via")
SKEW = timedelta(minutes=1)
"""How far a clock may lie behind the last entry; more means that one of the two was wrong."""


class Repeated(DataError):
    """A message that was taken in before came again.

    Attributes:
        entries: what it came to then.
    """

    def __init__(self, entries: "list[Entry]") -> None:
        super().__init__(f"was taken in before, as line {entries[0].line}")
        self.entries = entries


@dataclass(frozen=True, slots=True)
class Entry:
    """A decision as it stands in the file.

    Attributes:
        line: its number, from 1.
        decision: what was decided.
        hash: 64 hexadecimal digits over this entry and, through `prev`, all before it.
    """

    line: int
    decision: Decision
    hash: str


def read(path: Path) -> list[Entry]:
    """All entries, in order; the chain is checked.

    Args:
        path: the file.

    Returns:
        the entries; a line that a killed process did not finish is not one.

    Raises:
        DataError: names the line and the field that is wrong, or the line that was changed.
    """
    try:
        # Not while somebody writes: several decisions of one message are seen all or none.
        with in_turn(_lock(path)) if _lock(path).exists() else nullcontext():
            raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    return _entries(path, raw)[0]


def append(path: Path, decisions: Sequence[Decision], clock: Callable[[], datetime]) -> list[Entry]:
    """Add decisions, one writer at a time; they are on the disk when this returns.

    Args:
        path: the file; it is made where there is none.
        decisions: what was decided; their moments are replaced by that of the writing.
        clock: says what time it is, with a time zone.

    Returns:
        the entries that were added.

    Raises:
        Repeated: an entry came the same way (`via`) before.
        DataError: the file is wrong, or the clock lies before its last entry.
    """
    ways = {_way(decision.via) for decision in decisions if decision.via}
    if len(decisions) > 1:  # so that a message that was written in part is known to be one
        decisions = [replace(d, via=f"{d.via}#{len(decisions)}") if d.via else d for d in decisions]
    with in_turn(_lock(path)):
        known = path.exists()
        raw = path.read_bytes() if known else b""
        entries, good = _entries(path, raw)
        if before := [e for e in entries if e.decision.via and _way(e.decision.via) in ways]:
            raise Repeated(before)
        now = _moment(path, entries, clock())
        made: list[Entry] = []
        lines, prev = [], entries[-1].hash if entries else FIRST
        for decision in decisions:
            entry, line = _seal(replace(decision, at=now), prev, len(entries) + len(made) + 1)
            made.append(entry)
            lines.append(line)
            prev = entry.hash
        _write(path, good, raw[:good].endswith(b"\n") or not good, b"".join(lines))
        if not known:
            _settle(path.parent)
    return made


def _way(via: str) -> str:
    """The way that a decision came, without the number of those that came with it."""
    way, mark, count = via.rpartition("#")
    return way if mark and count.isdigit() else via


def _lock(path: Path) -> Path:
    """The file whose holder may write."""
    return path.with_name(f".{path.name}.lock")


def _moment(path: Path, entries: list[Entry], now: datetime) -> datetime:
    """The moment of the writing, never before the last entry's."""
    # Up to the second: a decision may count later than it was made, never earlier.
    now = (now + timedelta(microseconds=999_999)).astimezone(UTC).replace(microsecond=0)
    last = entries[-1].decision.at if entries else now
    if last > now + SKEW:
        raise DataError(
            f"{path} line {len(entries)}: field at: {last:%FT%TZ} lies in the future of this "
            f"machine's clock, {now:%FT%TZ}; set the clock right, then decide again"
        )
    return max(now, last)


def _seal(decision: Decision, prev: str, line: int) -> tuple[Entry, bytes]:
    """An entry and its line."""
    body = {
        "at": f"{decision.at:%FT%TZ}",
        "symbol": decision.symbol,
        "weight": float(decision.weight),
        "expires": decision.expires.isoformat() if decision.expires else None,
        "stop": None if decision.stop is None else float(decision.stop),
        "thesis": decision.thesis,
        "author": decision.author,
        "via": decision.via,
        "prev": prev,
    }
    digest = _digest(body)
    return Entry(line, decision, digest), _text({**body, "hash": digest}).encode() + b"\n"


def _text(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _digest(body: dict[str, Any]) -> str:
    """SHA-256 over the body in a fixed order of its keys."""
    ordered = {key: body.get(key) for key in (*FIELDS, "prev")}
    return sha256(_text(ordered).encode()).hexdigest()


def _entries(path: Path, raw: bytes) -> tuple[list[Entry], int]:
    """The entries of a file's bytes, and how many of the bytes they take."""
    entries: list[Entry] = []
    ends, prev = [0], FIRST
    for number, line in enumerate(raw.splitlines(keepends=True), start=1):
        if not line.endswith(b"\n") and not _whole(line) and _begun(line):
            break  # what a killed process left of its line
        entry = _entry(f"{path} line {number}", line, prev, number)
        entries.append(entry)
        ends.append(ends[-1] + len(line))
        prev = entry.hash
    cut = len(entries) - _unfinished(entries)
    return entries[:cut], ends[cut]


def _begun(line: bytes) -> bool:
    """Is this the beginning of an entry, or of one's beginning?"""
    return line.startswith(OPENS) or OPENS.startswith(line)


def _unfinished(entries: list[Entry]) -> int:
    """How many entries at the end are of a message whose other decisions were not written."""
    via = entries[-1].decision.via if entries else None
    count = (via or "").rpartition("#")[2]
    if not via or not count.isdigit():
        return 0
    there = sum(entry.decision.via == via for entry in entries[-int(count) :])
    return there if there < int(count) else 0


def _whole(line: bytes) -> bool:
    """True for JSON, which the beginning of an entry never is."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _entry(place: str, line: bytes, prev: str, number: int) -> Entry:
    """One line, checked."""
    try:
        body = json.loads(line)
    except ValueError as error:
        raise DataError(f"{place}: no JSON ({error}); restore the file from a copy") from error
    if not isinstance(body, dict) or set(body) != {*FIELDS, "prev", "hash"}:
        raise DataError(
            f"{place}: must be an object with {', '.join(FIELDS)}, prev, hash; entries are made by "
            "`podshop macro add`, a table that you write yourself is a .csv"
        )
    decision = _decision(place, body)
    if body["prev"] != prev or body["hash"] != _digest(body):
        raise DataError(
            f"{place}: was changed, or a line before it was taken out; entries are never edited: "
            "restore the file from a copy, and decide anew with `podshop macro add`"
        )
    return Entry(number, decision, body["hash"])


def _decision(place: str, body: dict[str, Any]) -> Decision:
    """The decision of a line.

    Raises:
        DataError: names the field that is wrong.
    """
    for name in ("at", "symbol", "thesis", "author", "via"):
        if not isinstance(body[name], str):
            raise DataError(f"{place}: field {name} must be a text")
    for name in ("weight", "stop"):
        value = body[name]
        if not (isinstance(value, int | float) or (name == "stop" and value is None)):
            raise DataError(f"{place}: field {name} must be a number")
    try:
        return Decision(
            at=datetime.fromisoformat(body["at"]),
            symbol=body["symbol"],
            weight=float(body["weight"]),
            thesis=body["thesis"],
            author=body["author"],
            expires=None if body["expires"] is None else date.fromisoformat(body["expires"]),
            stop=body["stop"],
            via=body["via"],
        )
    except (ValueError, TypeError) as error:
        raise DataError(f"{place}: field {error}") from error


def _write(path: Path, good: int, ended: bool, lines: bytes) -> None:
    """Put lines behind the good bytes of a file, and wait for the disk."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.ftruncate(handle, good)
        os.lseek(handle, good, os.SEEK_SET)
        rest = memoryview(lines if ended else b"\n" + lines)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, good)  # a full disk: what is refused must not be half there
        raise
    finally:
        os.close(handle)


def _settle(folder: Path) -> None:
    """Wait until the name of a new file is on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
