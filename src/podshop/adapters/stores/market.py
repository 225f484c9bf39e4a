"""The market store: tables of `market.tables` as Parquet files, read by anybody, written by one.

Reading never waits: a `MarketStore` sees the version that was newest when it was opened. Writing
collects rows and commits them all or none.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from podshop.adapters.stores import manifest as versions
from podshop.adapters.stores.merge import Change, merged
from podshop.adapters.stores.rows import checked, schema, since_known
from podshop.domain.error import ConfigError, DataError
from podshop.domain.money import Days
from podshop.market.actions import adjustments
from podshop.market.tables import CLOCKED, MADE, TABLES

INGESTED = "ingested"
"""A table of the store's own: ids of the raw answers whose rows are in it."""


class MarketStore:
    """One version of a market store.

    Args:
        folder: the store; it need not exist yet.

    Raises:
        DataError: the folder holds something else.
        ConfigError: the path has signs that stand for a pattern of files.
    """

    def __init__(self, folder: str | Path) -> None:
        """Open the newest version."""
        self.folder = Path(folder)
        if signs := set("*?[") & set(str(self.folder.absolute())):
            raise ConfigError(
                f"{self.folder}: the path of a market store cannot have {' '.join(sorted(signs))} "
                "in it; name another folder"
            )
        self._manifest = versions.read(self.folder)

    @property
    def version(self) -> int:
        """Number of the version; 0 for an empty store."""
        return self._manifest.version

    def refresh(self) -> None:
        """Go on to the newest version."""
        self._manifest = versions.read(self.folder)

    def files(self, table: str) -> list[Path]:
        """The files of a table, in the order of their parts."""
        return list(self.parts(table).values())

    def parts(self, table: str) -> Mapping[str, Path]:
        """The file of every part (a year, or "all")."""
        root = self.folder / versions.TABLES
        return {part: root / name for part, name in sorted(self._of(table).items())}

    def frame(self, table: str, years: tuple[int, int] | None = None) -> pl.DataFrame:
        """All rows of a table, in the order of its key; typed and empty where there are none.

        Args:
            table: its name.
            years: first and last year to read, for tables that are parted by year.
        """
        try:
            return self.scan(table, years).collect()
        except FileNotFoundError:
            self.assert_there()
            raise

    def assert_there(self) -> None:
        """Assert that the files of this version are still there.

        Raises:
            DataError: a writer has removed them, because the version was held for too long.
        """
        for table in (*TABLES, INGESTED):
            for file in self.files(table):
                if not file.exists():
                    raise DataError(
                        f"{self.folder}: version {self.version} was held while a writer went on, "
                        "and its files are gone; call refresh(), or open the store again"
                    )

    def scan(self, table: str, years: tuple[int, int] | None = None) -> pl.LazyFrame:
        """The rows that `frame` gives, not read yet: what is asked of them decides what is read.

        The files of a version stay for a few commits more; collect soon.
        """
        files = self.parts(table)
        if years is not None and TABLES[table].year:
            files = {p: f for p, f in files.items() if years[0] <= int(p) <= years[1]}
        frames = [pl.scan_parquet(file, glob=False) for file in files.values()]
        empty = pl.LazyFrame(schema=schema(table) if table != INGESTED else {"id": pl.String})
        return pl.concat([empty, *frames], how="diagonal") if frames else empty

    def ingested(self) -> frozenset[str]:
        """Ids of the raw answers whose rows are here."""
        return frozenset(self.frame(INGESTED).get_column("id"))

    def query(self, sql: str) -> pl.DataFrame:
        """Ask in SQL; see `stores/query.py` for the views.

        Raises:
            ConfigError: the SQL is wrong, or is more than one question.
        """
        from podshop.adapters.stores.query import ask

        return ask(self, sql)

    def hash(self) -> str:
        """Fingerprint of all rows, whatever files they are in and whenever they came.

        Returns:
            32 hexadecimal digits.
        """
        digest = blake2b(digest_size=16)
        for table in TABLES:
            for part, file in self.parts(table).items():
                rows = pl.read_parquet(file, glob=False).drop(CLOCKED, strict=False)
                if rows.is_empty():
                    continue  # all its rows were taken out: as if it had never been
                digest.update(f"\x1d{table}\x1e{part}".encode())
                _hash_rows(digest, rows)
        return digest.hexdigest()

    def statements_at(self, table: str, days: Days) -> pl.DataFrame:
        """What was known of a table of statements at the close of every session.

        Args:
            table: such as "income_statements".
            days: (T,) sessions.

        Returns:
            The table's columns with `date`: for every security and session from its first report
            on, the newest period known, in the newest version known.
        """
        return since_known(self.frame(table), days)

    @contextmanager
    def writing(self) -> Iterator["Writer"]:
        """Hold the store for writing.

        Raises:
            ConfigError: another process writes to it.
        """
        with versions.writing(self.folder):
            self.refresh()
            yield Writer(self)
            self.refresh()

    def _of(self, table: str) -> Mapping[str, str]:
        if table not in TABLES and table != INGESTED:
            raise DataError(f'the market store has no table "{table}"')
        return self._manifest.files.get(table, {})


class Writer:
    """Collects rows for one commit; made by `MarketStore.writing`."""

    def __init__(self, store: MarketStore) -> None:
        """Begin with nothing."""
        self.store = store
        self._rows: dict[str, list[pl.DataFrame]] = {}
        self._gone: dict[str, list[pl.DataFrame]] = {}
        self._whole: dict[str, pl.DataFrame] = {}
        self._ids: list[str] = []

    def put(self, table: str, frame: pl.DataFrame) -> None:
        """Add rows.

        Raises:
            DataError: no such table, a column is missing, unknown or of the wrong kind.
        """
        rows = checked(table, frame)
        if rows.height:
            self._rows.setdefault(table, []).append(rows)

    def replace(self, table: str, frame: pl.DataFrame) -> None:
        """Give a whole table anew, for tables that are kept elsewhere and only written here."""
        self._whole[table] = checked(table, frame).sort(TABLES[table].key)

    def take_out(self, table: str, keys: pl.DataFrame) -> None:
        """Remove the rows with these keys; what is removed must go to `quarantine` first."""
        if keys.height:
            self._gone.setdefault(table, []).append(keys.select(TABLES[table].key))

    def ingest(self, ids: list[str]) -> None:
        """Say that the rows of these raw answers are among what was put."""
        self._ids += ids

    def commit(self) -> int:
        """Write everything that was put as the store's next version; all or nothing.

        Returns:
            The number of the newest version; the old one where nothing changed.

        Raises:
            OSError: the disk is full or cannot be written; the store is as it was.
        """
        change = Change(self.store, self.store.version + 1)
        for table in TABLES:
            rows, gone = self._rows.get(table, []), self._gone.get(table, [])
            if rows or gone:
                change.apply(table, merged(self.store, table, rows, gone, change.note))
        for table, whole in self._whole.items():
            change.replace(table, whole)
        change.apply_revisions()
        for table, sources in MADE.items():
            if any(source in change.tables for source in sources):
                change.replace(table, _made(change, sources))
        if self._ids:
            known = self.store.frame(INGESTED).get_column("id").to_list()
            # Of each question the last answer counts: one that is said again later is news again.
            ids = sorted({i.partition("-")[0]: i for i in (*known, *self._ids)}.values())
            if ids != sorted(known):
                change.replace(INGESTED, pl.DataFrame({"id": ids}, schema={"id": pl.String}))
        self._rows, self._gone, self._whole, self._ids = {}, {}, {}, []
        return change.publish()


def _made(change: Change, sources: tuple[str, ...]) -> pl.DataFrame:
    """The table of adjustments, from the tables as they will be."""
    bars, splits, dividends = (change.frame(source) for source in sources)
    return adjustments(bars, splits, dividends)


def _hash_rows(digest: Any, frame: pl.DataFrame) -> None:
    """Hash the values of a frame, independent of how they lie in memory or on disk."""
    for name in sorted(frame.columns):
        column = frame.get_column(name)
        digest.update(f"\x1f{name}".encode())
        if column.null_count() == len(column):
            continue  # a column that says nothing is as good as none
        digest.update(np.packbits(column.is_null().to_numpy()).tobytes())
        if column.dtype == pl.String:
            digest.update(column.str.len_bytes().fill_null(0).to_numpy().tobytes())
            digest.update((column.str.join("").item() or "").encode())
        else:
            plain = column.to_physical().cast(pl.Float64 if column.dtype.is_float() else pl.Int64)
            digest.update(plain.fill_null(0).to_numpy().tobytes())
