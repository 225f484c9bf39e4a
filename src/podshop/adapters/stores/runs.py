"""The run ledger: every backtest that was ever made here, in one SQLite file.

It is the record of research. What was tried, on which data and rules, and what came of it stays,
because a result can only be judged by how many were tried before it. Writing is a matter of
milliseconds; a killed sweep loses nothing that it had finished.
"""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from podshop.domain.error import ConfigError
from podshop.domain.money import F64, Days

RUNS = "runs.sqlite"
"""Name of the ledger beside a strategy file."""

VERSION = 1
"""Of the tables, written into the file."""

TRIES = 200
"""Times 50 ms that a new ledger waits for another process that is making it too."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, parent TEXT NOT NULL, kind TEXT NOT NULL,
    strategy TEXT NOT NULL, name TEXT NOT NULL, started TEXT NOT NULL, seconds REAL NOT NULL,
    params TEXT NOT NULL, metrics TEXT NOT NULL, facts TEXT NOT NULL, artifacts TEXT NOT NULL,
    calendar TEXT NOT NULL, returns BLOB NOT NULL, UNIQUE (id, parent)
) STRICT;
CREATE TABLE IF NOT EXISTS calendar (id TEXT PRIMARY KEY, days BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS run_of_strategy ON run (strategy);
"""

_COLUMNS = (
    "id, parent, kind, strategy, name, started, seconds, params, metrics, facts, artifacts, "
    "calendar, returns"
)


_NAMES = _COLUMNS.split(", ")
_PUT = (
    f"INSERT INTO run ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))}) "
    "ON CONFLICT (id, parent) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _NAMES)
)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One entry of the run ledger.

    Attributes:
        id: of what was run: the same rules on the same data have the same id.
        parent: id of the sweep that it belongs to; "" for none.
        kind: "backtest", "combination" (of a sweep), "sweep" or "gate".
        strategy: module of the strategy.
        name: what it is called.
        started: UTC, ISO 8601.
        seconds: how long it took.
        params: the strategy's parameters.
        metrics: name -> figure; those that are not defined are left out.
        facts: hashes of rules, data, code and journal, sessions, source, money.
        days: (D,) sessions.
        returns: (D,) returns after all costs.
        artifacts: folder with the tables and pages; "" for none.
    """

    id: str
    parent: str
    kind: str
    strategy: str
    name: str
    started: str
    seconds: float
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    facts: Mapping[str, Any]
    days: Days = field(default_factory=lambda: np.zeros(0, dtype="datetime64[D]"))
    returns: F64 = field(default_factory=lambda: np.zeros(0))
    artifacts: str = ""


class RunStore:
    """The run ledger in a file; made when it is first written to."""

    def __init__(self, path: Path) -> None:
        """Name the file."""
        self.path = path

    def put(self, records: Sequence[RunRecord]) -> None:
        """Keep records, all or none; one that is there already is kept in its newest form.

        One with the same id and other returns is another trial: the earlier one stays, under its
        id and its number.

        Raises:
            ConfigError: the file cannot be written or is no run ledger.
        """
        with self._open() as db, db:
            for r in records:
                days = np.ascontiguousarray(r.days.astype("datetime64[D]")).tobytes()
                key = blake2b(days, digest_size=16).hexdigest()
                db.execute("INSERT OR IGNORE INTO calendar VALUES (?, ?)", (key, days))
                returns = np.ascontiguousarray(r.returns, dtype=np.float64).tobytes()
                db.execute(
                    "UPDATE run SET id = id || '.' || number "
                    "WHERE id = ? AND parent = ? AND (returns != ? OR calendar != ?)",
                    (r.id, r.parent, returns, key),
                )
                values = (
                    *(r.id, r.parent, r.kind, r.strategy, r.name, r.started, r.seconds),
                    *(_text(r.params), _text(r.metrics), _text(r.facts)),
                    r.artifacts or self._artifacts(db, r),
                    key,
                    returns,
                )
                # Its number stays: the order in which trials were made is part of the evidence.
                db.execute(_PUT, values)

    def runs(self, *, strategy: str = "", parent: str | None = None) -> list[RunRecord]:
        """Read records, oldest first.

        Args:
            strategy: of this module only; "" for all.
            parent: of this sweep only ("" for those of none); None for all.
        """
        if not self.path.exists():
            return []
        where = "(? = '' OR strategy = ?) AND (? IS NULL OR parent = ?)"
        with self._open() as db:
            rows = db.execute(
                f"SELECT {_COLUMNS}, days FROM run JOIN calendar ON calendar.id = run.calendar "
                f"WHERE {where} ORDER BY number".replace("SELECT id,", "SELECT run.id,"),
                (strategy, strategy, parent, parent),
            ).fetchall()
        return [_record(row) for row in rows]

    def find(self, start: str) -> RunRecord:
        """The newest record whose id begins so.

        Raises:
            ConfigError: there is none, or the beginning fits several ids.
        """
        entries = self.runs()
        found = [r for r in entries if r.id == start] or [
            r for r in entries if r.id.startswith(start)
        ]
        if not found:
            raise ConfigError(
                f"{self.path}: no run {start!r}\n  -> `podshop research runs` lists them"
            )
        if len({r.id for r in found}) > 1:
            raise ConfigError(
                f"{self.path}: several runs begin with {start!r}; write more of the id"
            )
        return found[-1]

    @staticmethod
    def _artifacts(db: sqlite3.Connection, record: RunRecord) -> str:
        """The folder that an entry has already; who runs it again without one takes none away."""
        row = db.execute(
            "SELECT artifacts FROM run WHERE id = ? AND parent = ?", (record.id, record.parent)
        ).fetchone()
        return str(row[0]) if row else ""

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self.path, timeout=30.0)
        except (sqlite3.Error, OSError) as error:
            raise ConfigError(f"{self.path}: the run ledger cannot be opened: {error}") from error
        try:
            _make(db)
            yield db
        except sqlite3.Error as error:
            raise ConfigError(f"{self.path}: the run ledger fails: {error}") from error
        finally:
            db.close()


def _make(db: sqlite3.Connection) -> None:
    """Make the tables; the switch to WAL does not wait for others, so it is tried again."""
    for attempt in range(TRIES):
        try:
            if db.execute("PRAGMA user_version").fetchone() != (VERSION,):
                db.execute("PRAGMA journal_mode=WAL")
                db.executescript(f"{_SCHEMA} PRAGMA user_version={VERSION};")
            db.execute("PRAGMA synchronous=NORMAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == TRIES - 1:
                raise
            time.sleep(0.05)
        else:
            return


def _text(values: Mapping[str, Any]) -> str:
    return orjson.dumps(values, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY).decode()


def _record(row: tuple[Any, ...]) -> RunRecord:
    run, parent, kind, strategy, name, started, seconds = row[:7]
    params, metrics, facts, artifacts, _, returns, days = row[7:]
    return RunRecord(
        id=run,
        parent=parent,
        kind=kind,
        strategy=strategy,
        name=name,
        started=started,
        seconds=seconds,
        params=orjson.loads(params),
        metrics=orjson.loads(metrics),
        facts=orjson.loads(facts),
        days=np.frombuffer(days, dtype="datetime64[D]"),
        returns=np.frombuffer(returns, dtype=np.float64),
        artifacts=artifacts,
    )
