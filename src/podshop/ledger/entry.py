"""Journal entries: an event as canonical JSON, and the hash chain that binds the entries.

hash = SHA-256 of (previous hash, sequence number, cycle, kind, body), so no byte of the past can
change unnoticed. Bodies are JSON for people and other programs; numbers are integers or shortest
round-trip floats, so decoding gives the same bits back.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, get_args, get_type_hints

import numpy as np
import numpy.typing as npt
import orjson

from podshop.domain import event as events
from podshop.domain.error import ChainBroken
from podshop.domain.event import Action, Breach, Event, OnPaper
from podshop.domain.money import F64, I64
from podshop.domain.order import Orders

GENESIS = "0" * 64
"""The hash before the first entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal.

    Attributes:
        seq: 0, 1, 2, ...
        cycle: the cycle that wrote it.
        kind: the event's class name.
        body: canonical JSON of the event.
        prev, hash: hex SHA-256 of the entry before and of this one.
    """

    seq: int
    cycle: int
    kind: str
    body: bytes
    prev: str
    hash: str


def encode(event: Event) -> bytes:
    """Write an event as canonical JSON (sorted keys, columns as lists)."""
    return orjson.dumps(_plain(event), option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_SORT_KEYS)


def _plain(value: Any) -> Any:
    if isinstance(value, OnPaper):
        return {"events": [[type(event).__name__, _plain(event)] for event in value.events]}
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value)
    if isinstance(value, Action):
        return value.name
    return value


def _columns(dtype: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        array: npt.NDArray[Any] = np.array(value, dtype=dtype)
        array.flags.writeable = False
        return array

    return read


_NESTED: dict[Any, Callable[[Any], Any]] = {
    I64: _columns(np.int64),
    F64: _columns(np.float64),
    Action: lambda name: Action[name],
    tuple[str, ...]: tuple,
}


def _reader(cls: Any) -> Callable[[dict[str, Any]], Any]:
    hints = get_type_hints(cls)
    readers = {name: _NESTED.get(hint) or _plain_reader(hint) for name, hint in hints.items()}
    return lambda body: cls(**{name: read(body[name]) for name, read in readers.items()})


def _plain_reader(hint: Any) -> Callable[[Any], Any]:
    if hint in (Orders, Breach):
        return _reader(hint)
    return lambda value: value


def _on_paper(body: dict[str, Any]) -> OnPaper:
    return OnPaper(tuple(_READERS[kind](told) for kind, told in body["events"]))


_READERS = {cls.__name__: _reader(cls) for cls in get_args(events.Event)}
_READERS[OnPaper.__name__] = _on_paper


def decode(kind: str, body: bytes) -> Event:
    """Read an event back, bit for bit.

    Raises:
        ChainBroken: the kind is unknown or the body is not what that kind holds.
    """
    try:
        event: Event = _READERS[kind](orjson.loads(body))
    except (KeyError, ValueError, TypeError) as error:
        raise ChainBroken(f"entry of kind {kind!r} cannot be read: {error}") from error
    return event


def entry_hash(prev: str, seq: int, cycle: int, kind: str, body: bytes) -> str:
    """Hash that binds an entry to everything before it."""
    return hashlib.sha256(f"{prev}|{seq}|{cycle}|{kind}|".encode() + body).hexdigest()


def seal(event: Event, seq: int, cycle: int, prev: str) -> Entry:
    """Make the journal entry of an event."""
    kind, body = type(event).__name__, encode(event)
    return Entry(seq, cycle, kind, body, prev, entry_hash(prev, seq, cycle, kind, body))


def check(entry: Entry, seq: int, prev: str) -> None:
    """Verify that an entry is the one that belongs here.

    Raises:
        ChainBroken: the entry or its place in the chain was changed.
    """
    if entry.seq != seq or entry.prev != prev:
        raise ChainBroken(f"entry {entry.seq} does not follow entry {seq - 1}")
    if entry_hash(prev, seq, entry.cycle, entry.kind, entry.body) != entry.hash:
        place = f"{entry.kind}, cycle {entry.cycle}"
        raise ChainBroken(f"entry {seq} ({place}) was changed after the fact")
