"""The journal on disk: one SQLite file in WAL mode, append-only, hash-chained, one writer.

Every cycle is one transaction with `synchronous=FULL`, so a crash leaves whole cycles only.
Triggers refuse to change or delete entries; the hash chain shows when somebody did it anyway.
Readers open the file read-only and do not disturb the writer.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from podshop.domain.error import ChainBroken, LedgerError
from podshop.domain.event import Event
from podshop.ledger.entry import GENESIS, Entry, check, decode, seal

_IN_ORDER = "SELECT seq, cycle, kind, body, prev, hash FROM journal ORDER BY seq"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY, cycle INTEGER NOT NULL, kind TEXT NOT NULL,
    body BLOB NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS no_update BEFORE UPDATE ON journal
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS no_delete BEFORE DELETE ON journal
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS only_append BEFORE INSERT ON journal
    WHEN NEW.seq <> (SELECT coalesce(max(seq), -1) + 1 FROM journal)
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
"""


class SqliteJournal:
    """Appends to and reads one journal file."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        """Open a journal for writing, creating it when absent.

        Args:
            path: the file.
            durable: False for a backtest's journal, which can be written again: one transaction for
                all, committed by `close`.

        Raises:
            LedgerError: the file cannot be opened as a journal.
        """
        self.path, self._durable = path, durable
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL" if durable else "PRAGMA journal_mode=MEMORY")
            self._db.execute("PRAGMA synchronous=FULL" if durable else "PRAGMA synchronous=OFF")
            self._db.executescript(_SCHEMA)
            last = self._db.execute(
                "SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1"
            ).fetchone()
        except sqlite3.Error as error:
            raise LedgerError(f"cannot open the journal {path}: {error}") from error
        self._seq: int = last[0] + 1 if last else 0
        self._head: str = last[1] if last else GENESIS
        if not durable:
            self._db.execute("BEGIN")

    @property
    def head(self) -> str:
        """Hash of the last entry."""
        return self._head

    @property
    def next_seq(self) -> int:
        """Number that the next entry will get."""
        return self._seq

    def append(self, events: tuple[Event, ...], cycle: int) -> None:
        """Append one cycle's events, all or none, durably.

        Raises:
            LedgerError: the journal cannot be written.
        """
        entries, head = [], self._head
        for offset, event in enumerate(events):
            entry = seal(event, self._seq + offset, cycle, head)
            entries.append((entry.seq, entry.cycle, entry.kind, entry.body, entry.prev, entry.hash))
            head = entry.hash
        try:
            if self._durable:
                self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT INTO journal VALUES (?,?,?,?,?,?)", entries)
            if self._durable:
                self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise LedgerError(f"cannot append to the journal {self.path}: {error}") from error
        self._seq, self._head = self._seq + len(entries), head

    def read(self) -> Iterator[tuple[int, Event]]:
        """Yield (sequence number, event) from the beginning, verifying the chain."""
        for entry in read_entries(self.path):
            yield entry.seq, decode(entry.kind, entry.body)

    def close(self) -> None:
        """Commit what is open and release the file."""
        if self._db.in_transaction:
            self._db.execute("COMMIT")
        self._db.close()


def read_entries(path: Path) -> Iterator[Entry]:
    """Yield the entries of a journal in order, verifying the hash chain on the way.

    Raises:
        ChainBroken: an entry was changed, removed or added.
        LedgerError: the file is not a readable journal.
    """
    if not path.is_file():
        raise LedgerError(f"no journal at {path}")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            prev, expected = GENESIS, 0
            for row in db.execute(_IN_ORDER):
                entry = Entry(*row)
                if not isinstance(entry.body, bytes):
                    raise ChainBroken(f"entry {entry.seq} was changed: its body is no blob")
                check(entry, expected, prev)
                yield entry
                prev, expected = entry.hash, expected + 1
    except sqlite3.OperationalError as error:
        raise LedgerError(f"cannot read the journal {path}: {error}") from error
    except (sqlite3.Error, UnicodeDecodeError, TypeError) as error:
        raise ChainBroken(f"the journal {path} was damaged: {error}") from error


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
