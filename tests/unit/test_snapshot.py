"""Snapshots of a panel: opened without reading, swapped whole, made by one process at a time."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from podshop.adapters.stores import snapshot
from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.market.panel import from_arrays, with_signals

DAYS = np.array(["2020-01-02", "2020-01-03", "2020-01-06"], dtype="datetime64[D]")


def panel(level: float = 1.0) -> Panel:
    close = level * np.array([[1.0, 2.0], [1.5, np.nan], [1.25, 2.5]])
    made = from_arrays(DAYS, ["A", "B"], close, sectors=["Energy", ""], rate=0.0365, source="test")
    tone = np.array([[0.5, np.nan]] * 3, dtype=np.float32)
    return with_signals(made, {"tone": tone})


def test_what_is_opened_is_what_was_written_to_the_last_bit(tmp_path: Path) -> None:
    written = panel()
    snapshot.save(tmp_path, "v1", written)
    opened = snapshot.load(tmp_path)
    for name in (*snapshot.FIELDS, *snapshot.SERIES):
        assert getattr(opened, name).tobytes() == getattr(written, name).tobytes()
    assert opened.signals["tone"].tobytes() == written.signals["tone"].tobytes()
    assert (opened.assets, opened.source) == (written.assets, written.source)
    assert (opened.opens, opened.gone_days) == (written.opens, written.gone_days)


def test_arrays_are_mapped_and_nobody_can_write_to_them(tmp_path: Path) -> None:
    snapshot.save(tmp_path, "v1", panel())
    opened = snapshot.load(tmp_path)
    assert isinstance(opened.close, np.memmap)
    for name in (*snapshot.FIELDS, "rate_t", "benchmark_t"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(opened, name)[0] = 1.0


def test_an_opened_snapshot_stays_readable_while_newer_ones_are_made(tmp_path: Path) -> None:
    snapshot.save(tmp_path, "v1", panel(1.0))
    first = snapshot.load(tmp_path)
    for version in (2, 3, 4):
        snapshot.save(tmp_path, f"v{version}", panel(float(version)))
    assert first.close[0].tolist() == [1.0, 2.0]
    assert snapshot.load(tmp_path).close[0].tolist() == [4.0, 8.0]
    assert sorted(p.name for p in (tmp_path / snapshot.FOLDER).iterdir()) == ["v3", "v4"]


def test_a_snapshot_that_was_begun_is_not_opened_and_is_cleared_away(tmp_path: Path) -> None:
    snapshot.save(tmp_path, "v1", panel())
    begun = tmp_path / snapshot.FOLDER / ".v2.new"
    begun.mkdir()
    (begun / "close.npy").write_bytes(b"half")
    assert snapshot.load(tmp_path).close[0, 0] == 1.0
    snapshot.save(tmp_path, "v3", panel(3.0))
    assert not begun.exists()


@pytest.mark.parametrize("file", ["close.npy", "days.npy", "panel.json"])
def test_a_damaged_snapshot_is_named_with_what_to_do(tmp_path: Path, file: str) -> None:
    snapshot.save(tmp_path, "v1", panel())
    path = tmp_path / snapshot.FOLDER / "v1" / file
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(DataError, match=r"snapshot v1 cannot be opened(.|\n)*-> remove"):
        snapshot.load(tmp_path)


def test_without_a_snapshot_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none"):
        snapshot.load(tmp_path)


LOAD = """
import sys
from podshop.adapters.sources.store import load
sys.stdout.write(repr(float(load(sys.argv[1]).close.sum())))
"""


@pytest.mark.slow
def test_several_processes_that_find_no_snapshot_make_it_once(tmp_path: Path) -> None:
    from podshop.adapters.stores.market import MarketStore
    from podshop.data.imports import import_prices

    file = tmp_path / "own.csv"
    rows = [f"{day},{name},{n + 1}.0" for day in DAYS for n, name in enumerate("ABCD")]
    file.write_text("date,symbol,close\n" + "\n".join(rows), encoding="utf-8")
    folder = tmp_path / "store"
    import_prices(MarketStore(folder), file)
    command = [sys.executable, "-c", LOAD, str(folder)]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)
    ]
    told = [process.communicate(timeout=120) for process in started]
    assert [out for out, _ in told] == [b"30.0"] * 4, told  # 3 sessions x (1 + 2 + 3 + 4)
    assert [p.name for p in (folder / snapshot.FOLDER).iterdir()] == ["v1"]
