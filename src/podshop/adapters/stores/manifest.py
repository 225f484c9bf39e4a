"""Which files a market store consists of: one small file that is swapped whole.

    FOLDER/MANIFEST            the newest version: number, and the files of every table's parts
    FOLDER/tables/NAME/...     Parquet files; written once, never changed
    FOLDER/lock                held by the one writer

A reader takes the manifest as it finds it and reads those files; a writer writes new files and
then swaps the manifest (a rename is atomic). Killed before the swap, it leaves files that nobody
names; the next writer removes them, but keeps those of the last few versions for readers that began
before.
"""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from podshop.adapters.stores.lock import alone
from podshop.domain.error import DataError

MANIFEST, LOCK, TABLES = "MANIFEST", "lock", "tables"
KEPT_VERSIONS = 3
"""Versions whose files stay on disk."""

Files = Mapping[str, Mapping[str, str]]
"""By table, by part: the file's name below `tables/`."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One version of a store.

    Attributes:
        version: 0 for a store that has nothing yet.
        files: the files of every table by part.
        before: files of the versions before, newest first, which readers may still hold.
    """

    version: int = 0
    files: Files = field(default_factory=dict)
    before: tuple[tuple[str, ...], ...] = ()

    def names(self) -> tuple[str, ...]:
        """All files of this version."""
        return tuple(sorted(name for parts in self.files.values() for name in parts.values()))


def read(folder: Path) -> Manifest:
    """Read the newest version; an empty one where there is no store yet.

    Raises:
        DataError: the manifest cannot be read.
    """
    path = folder / MANIFEST
    try:
        said = orjson.loads(path.read_bytes())
        return Manifest(said["version"], said["files"], tuple(map(tuple, said["before"])))
    except FileNotFoundError:
        return Manifest()
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise DataError(f"{path}: is no manifest of a market store: {error}") from error


def publish(folder: Path, old: Manifest, files: Files) -> Manifest:
    """Make `files` the newest version, durably, and remove what no recent version names."""
    kept = (old.names(), *old.before)[: KEPT_VERSIONS - 1]
    new = Manifest(old.version + 1, files, kept)
    body = orjson.dumps({"version": new.version, "files": files, "before": kept})
    sync_folder(folder / TABLES)
    replace_file(folder / MANIFEST, body)
    sweep(folder, new)
    return new


def replace_file(path: Path, body: bytes) -> None:
    """Write a file so that it is there whole or as it was before, whatever happens meanwhile."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with fresh.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path, manifest: Manifest) -> None:
    """Remove table files that no kept version names, and manifests that a killed writer began."""
    for begun in folder.glob(f".{MANIFEST}.*"):
        begun.unlink(missing_ok=True)
    named = set(manifest.names()).union(*manifest.before)
    for path in (folder / TABLES).rglob("*"):
        if path.is_file() and path.relative_to(folder / TABLES).as_posix() not in named:
            path.unlink(missing_ok=True)


def writing(folder: Path) -> AbstractContextManager[None]:
    """Hold the store for writing.

    Raises:
        ConfigError: another process writes to it.
    """
    return alone(
        folder / LOCK,
        f"another podshop process writes to the store {folder}\n"
        "  -> wait until it is done (reading is possible meanwhile), or stop it",
    )
