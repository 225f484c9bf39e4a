"""Kill -9 a sweep of a thousand combinations, again and again: nothing finished is lost."""

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from podshop.adapters.stores.runs import RunStore
from podshop.research.sweep import sweep

KILLS = 12
STRATEGY = """
[strategy]
use = "momentum"

[market]
source = "embedded"
start = 2019-01-02

[sweep]
names = { low = 1, high = 10, step = 1 }
slow_days = { low = 60, high = 240, step = 20 }
fast_days = [1, 2, 3, 5, 8, 10, 13, 15, 18, 21]
"""


def finished(ledger: Path) -> int:
    """Combinations in the run ledger."""
    if not ledger.exists():
        return 0
    try:
        db = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
        count = db.execute("SELECT count(*) FROM run WHERE kind = 'combination'").fetchone()[0]
        db.close()
    except sqlite3.OperationalError:
        return 0
    return int(count)


@pytest.mark.storm
@pytest.mark.slow
@pytest.mark.usefixtures("embedded")
def test_a_killed_sweep_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "strategy.toml").write_text(STRATEGY)
    ledger = tmp_path / "runs.sqlite"
    command = [sys.executable, "-m", "podshop.desk.cli", "research", "sweep", str(tmp_path)]
    rng = np.random.default_rng(5)
    reached = killed = 0
    for _ in range(KILLS):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path
        )
        begun, patience = finished(ledger), time.monotonic() + 120
        while process.poll() is None and finished(ledger) == begun:
            assert time.monotonic() < patience, "the sweep does not get on"
            time.sleep(0.02)
        time.sleep(float(rng.uniform(0.0, 0.3)))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
        assert finished(ledger) >= reached, "combinations were lost"
        reached = finished(ledger)
    assert killed > KILLS // 2
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "1000 combinations" in done.stdout
    assert f"{reached} of them from before" in done.stdout
    whole = sweep(tmp_path, runs=tmp_path / "undisturbed.sqlite")
    there = {r.id: r for r in RunStore(ledger).runs(parent=whole.id)}
    assert len(there) == len(whole.records) == 1_000
    for entry in whole.records:
        assert there[entry.id].returns.tobytes() == entry.returns.tobytes()
        assert there[entry.id].metrics == entry.metrics
