"""New rows into the market store's files: what is replaced, what is dropped, what is rewritten.

Only parts (years) that really change are written anew. A row that a newer one replaces goes to
`revisions`, so nothing that was ever believed is lost.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from podshop.adapters.stores import manifest as versions
from podshop.adapters.stores.rows import checked
from podshop.market.tables import CLOCKED, TABLES, Table

if TYPE_CHECKING:
    from podshop.adapters.stores.market import MarketStore

Parts = dict[str, pl.DataFrame]
Note = Callable[[str, pl.DataFrame], None]


def merged(
    store: "MarketStore",
    table: str,
    rows: list[pl.DataFrame],
    gone: list[pl.DataFrame],
    note: Note,
) -> Parts:
    """The parts of a table that change, as they will be.

    Args:
        store: the store as it is.
        table: the table.
        rows: checked rows, in the order in which they came.
        gone: keys of rows to be removed.
        note: told the table and the rows that were replaced.
    """
    made = TABLES[table]
    key = list(made.key)
    fresh = pl.concat(rows, how="diagonal") if rows else None
    keys = pl.concat(gone) if gone else None
    parts, files, coming = Parts(), store.parts(table), _split(made, fresh)
    for part in sorted({*coming, *(files if keys is not None else ())}):
        old = pl.read_parquet(files[part], glob=False) if part in files else None
        result = _grow(made, old, coming.get(part), note)
        if keys is not None and result is not None:
            result = result.join(keys, on=key, how="anti", nulls_equal=True)
        if result is not None and (old is None or not result.equals(old)):
            parts[part] = result
    return parts


def _split(made: Table, fresh: pl.DataFrame | None) -> Parts:
    """Rows by the part of the table that they belong to."""
    if fresh is None or fresh.is_empty():
        return {}
    if not made.year:
        return {"all": fresh}
    years = fresh.with_columns(_part=pl.col(made.year).dt.year().cast(pl.String))
    return {
        str(part): rows.drop("_part")
        for (part,), rows in years.group_by("_part", maintain_order=True)
    }


def _grow(
    made: Table, old: pl.DataFrame | None, new: pl.DataFrame | None, note: Note
) -> pl.DataFrame | None:
    """The rows of one part after the new ones, in the order of the key."""
    if new is None:
        return old
    key = list(made.key)
    numbered = new.unique(maintain_order=True)
    merges = made.grows == "merge"
    chosen = numbered.unique(key, keep="last" if merges else "first", maintain_order=True)
    if chosen.height < numbered.height:
        note(made.name, numbered.join(chosen, on=numbered.columns, how="anti", nulls_equal=True))
    if old is None:
        return chosen.sort(key)
    if not merges:
        # A row with the key of one that is there and other values: the first stays, it is told.
        both = [c for c in chosen.columns if c in old.columns and c not in CLOCKED]
        late = chosen.join(old, on=key, how="semi", nulls_equal=True)
        other = late.join(old, on=both, how="anti", nulls_equal=True)
        if other.height and made.name != "revisions":
            note(made.name, other)
        added = chosen.join(old, on=key, how="anti", nulls_equal=True)
        return pl.concat([old, added], how="diagonal").sort(key) if added.height else old
    replaced = old.join(chosen, on=key, how="semi", nulls_equal=True)
    if replaced.height:
        same = [c for c in chosen.columns if c in replaced.columns]
        different = replaced.join(chosen, on=same, how="anti", nulls_equal=True)
        if different.height:
            note(made.name, different)
    kept = old.join(chosen, on=key, how="anti", nulls_equal=True)
    return pl.concat([kept, chosen], how="diagonal").sort(key)


class Change:
    """The files of a commit before they are published."""

    def __init__(self, store: "MarketStore", version: int) -> None:
        """Begin with the files of the version before."""
        self.store, self.version = store, version
        self.tables: set[str] = set()
        self._old = versions.read(store.folder)
        self._files = {table: dict(parts) for table, parts in self._old.files.items()}
        self._revised: list[pl.DataFrame] = []

    def note(self, table: str, rows: pl.DataFrame) -> None:
        """Remember rows that are replaced."""
        key = list(TABLES[table].key)
        self._revised.append(
            rows.select(
                table=pl.lit(table),
                key=pl.struct(key).struct.json_encode(),
                row=pl.struct(pl.all()).struct.json_encode(),
                replaced_at=pl.lit(datetime.now(UTC)),
            )
        )

    def apply(self, table: str, parts: Parts) -> None:
        """Write parts that changed."""
        for part, rows in parts.items():
            self._write(table, part, rows)

    def apply_revisions(self) -> None:
        """Write the rows that were replaced."""
        if self._revised:
            rows = [checked("revisions", frame) for frame in self._revised]
            self.apply("revisions", merged(self.store, "revisions", rows, [], self.note))

    def replace(self, table: str, rows: pl.DataFrame) -> None:
        """Write a whole table anew."""
        files = self.store.files(table)
        if len(files) == 1 and pl.read_parquet(files[0], glob=False).equals(rows):
            return
        self._files[table] = {}
        self._write(table, "all", rows)

    def frame(self, table: str) -> pl.DataFrame:
        """A table as it will be."""
        empty = checked(table, pl.DataFrame(schema=dict.fromkeys(TABLES[table].columns, pl.Null)))
        parts = sorted(self._files.get(table, {}).items())
        frames = [pl.read_parquet(self._path(name), glob=False) for _, name in parts]
        return pl.concat([empty, *frames], how="diagonal")

    def publish(self) -> int:
        """Make the change the newest version, if there is one."""
        if not self.tables:
            return self._old.version
        for table in self.tables:
            versions.sync_folder(self.store.folder / versions.TABLES / table)
        return versions.publish(self.store.folder, self._old, self._files).version

    def _path(self, name: str) -> Path:
        return self.store.folder / versions.TABLES / name

    def _write(self, table: str, part: str, rows: pl.DataFrame) -> None:
        name = f"{table}/{part}-{self.version}.parquet"
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("wb") as file:
                rows.write_parquet(file, compression="zstd", statistics=True)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self._files.setdefault(table, {})[part] = name
        self.tables.add(table)
