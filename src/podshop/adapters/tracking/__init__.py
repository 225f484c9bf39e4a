"""Where finished runs are shown to others: a tracking server's format, one file each.

The record of a run is podshop's own; a sink gets a copy of it, from one process, afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Tracked:
    """A finished run as a sink gets it.

    Attributes:
        id: podshop's own, the same whenever the run is written.
        name: for people.
        parent: id of the run that this one is part of; None at the top.
        started_ms: when it started, milliseconds since 1970 UTC.
        ended_ms: when it ended.
        params: what went in.
        metrics: what came out; those that are not a number are left out.
        tags: whatever else is worth finding it by.
        files: files to keep with it.
    """

    id: str
    name: str
    parent: str | None
    started_ms: int
    ended_ms: int
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
