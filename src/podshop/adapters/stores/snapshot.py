"""A panel on disk as plain arrays, opened without reading them: `snapshots/VERSION/*.npy`.

A snapshot is written into a folder of its own and becomes the newest by one rename of a pointer, so
readers open it while the writer makes the next. Arrays are mapped into memory, read-only. Whoever
finds no snapshot makes it, one after the other (`turn`).
"""

import os
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from podshop.adapters.stores.lock import in_turn
from podshop.adapters.stores.manifest import replace_file, sync_folder
from podshop.domain.asset import Assets
from podshop.domain.error import DataError
from podshop.domain.market import Panel

POINTER, FOLDER, LOCK = "SNAPSHOT", "snapshots", "snapshot.lock"
FIELDS = ("open", "high", "low", "close", "volume", "dividend", "split", "returns", "index")
SERIES = ("days", "rate_t", "benchmark_t")


def newest(store: Path) -> str:
    """The name of the newest snapshot; "" when there is none."""
    pointer = store / POINTER
    return pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else ""


def turn(store: Path) -> AbstractContextManager[None]:
    """Wait until nobody else makes a snapshot of this store, and hold that place."""
    return in_turn(store / LOCK)


def save(store: Path, name: str, panel: Panel) -> None:
    """Write a panel as the snapshot `name` and make it the newest; older ones but one are removed.

    Only one process may do so at a time: hold `turn`.

    Args:
        store: the store's folder.
        name: such as the store's version; a snapshot of that name is replaced.
        panel: what to write; fields that are one constant view take no room.
    """
    folder = store / FOLDER / name
    fresh = folder.with_name(f".{name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    constants: dict[str, Any] = {}
    for field in (*FIELDS, *SERIES):
        array = getattr(panel, field)
        if array.ndim == 2 and array.strides == (0, 0):
            constants[field] = None if np.isnan(array.flat[0]) else float(array.flat[0])
        else:
            _write(fresh / f"{field}.npy", array)
    for signal, values in panel.signals.items():
        _write(fresh / f"signal.{signal}.npy", values)
    told = {
        "symbols": panel.assets.symbols,
        "sectors": panel.assets.sectors,
        "gone_days": panel.gone_days,
        "opens": panel.opens,
        "source": panel.source,
        "constants": constants,
        "signals": sorted(panel.signals),
    }
    replace_file(fresh / "panel.json", orjson.dumps(told))
    sync_folder(fresh)
    before = newest(store)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    replace_file(store / POINTER, name.encode())
    for old in (store / FOLDER).iterdir():
        if old.name not in (name, before):
            shutil.rmtree(old, ignore_errors=True)


def load(store: Path) -> Panel:
    """Open the newest snapshot.

    Raises:
        DataError: there is none, or it is damaged.
    """
    name = newest(store)
    folder = store / FOLDER / name
    try:
        told = orjson.loads((folder / "panel.json").read_bytes())
        days = np.load(folder / "days.npy")
        shape = (len(days), len(told["symbols"]))
        fields = {f: _field(folder, f, told["constants"], shape) for f in FIELDS}
        series = {s: np.load(folder / f"{s}.npy", mmap_mode="r") for s in SERIES if s != "days"}
        signals = {
            name: np.load(folder / f"signal.{name}.npy", mmap_mode="r")
            for name in told.get("signals", ())
        }
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{store}: its snapshot {name or '(none)'} cannot be opened: {error}\n"
            f"  -> remove {store / POINTER}; the snapshot is then made anew"
        ) from error
    assets = Assets(tuple(told["symbols"]), tuple(told["sectors"]))
    plain = {key: told[key] for key in ("gone_days", "opens", "source")}
    return Panel(days=days, assets=assets, **fields, **series, **plain, signals=signals)


def _write(path: Path, array: Any) -> None:
    """Write an array durably: a pointer must never lead to one that a power cut took away."""
    with path.open("wb") as file:
        np.save(file, array)
        file.flush()
        os.fsync(file.fileno())


def _field(folder: Path, name: str, constants: dict[str, Any], shape: tuple[int, int]) -> Any:
    if name in constants:
        value = np.nan if constants[name] is None else constants[name]
        return np.broadcast_to(np.float64(value), shape)
    return np.load(folder / f"{name}.npy", mmap_mode="r")
