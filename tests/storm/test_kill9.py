"""Kill -9 a paper run at random moments, fifty times over 500 sessions.

The journal does not notice.
"""

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import podshop
from podshop.adapters import sources

SESSIONS, KILLS = 500, 50
FUND = """
[fund]
name = "storm"
currency = "USD"
capital = 1_000_000

[market]
source = "embedded"
start = 2010-01-04

[capital]
use = "sharpe"
when = "month"

[[limit]]
use = "drawdown"
scope = "pod"

[[limit]]
use = "volatility"

[[pod]]
id = "momentum"
uncertified = "a storm"
strategy = "momentum"

[[pod]]
id = "reversion"
uncertified = "a storm"
strategy = "reversion"

[[pod]]
id = "neutral"
uncertified = "a storm"
strategy = "neutral"
"""


def cycles(journal: Path) -> int:
    """Complete cycles in the journal; 0 while there is none."""
    if not journal.exists():
        return 0
    try:
        db = sqlite3.connect(f"file:{journal}?mode=ro", uri=True)
        found = db.execute("SELECT max(cycle) FROM journal").fetchone()[0]
        db.close()
    except sqlite3.Error:
        return 0
    return 0 if found is None else found + 1


def head(folder: Path) -> str:
    """Hash of the last entry of a folder's journal."""
    db = sqlite3.connect(f"file:{folder / 'journal.sqlite'}?mode=ro", uri=True)
    found: str = db.execute("SELECT hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone()[0]
    db.close()
    return found


def start(fund: Path, out: Path, until: str) -> subprocess.Popen[bytes]:
    """Start the paper run as a user would."""
    command = [sys.executable, "-m", "podshop.desk.cli", "run", str(fund), "--paper"]
    command += ["--until", until, "--out", str(out)]
    with out.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


def kill_at(process: subprocess.Popen[bytes], journal: Path, sessions: int, delay: float) -> bool:
    """Wait until the journal has so many sessions, then kill -9. False when it finished before."""
    while process.poll() is None:
        if cycles(journal) >= sessions:
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.002)
    return False


@pytest.mark.storm
def test_fifty_kills_leave_no_trace(tmp_path: Path) -> None:
    """500 sessions, 50 random kill -9: the journal hash of the quiet run and of the backtest."""
    fund = tmp_path / "fund.toml"
    fund.write_text(FUND)
    rules = podshop.load(fund)
    panel = sources.load("embedded")
    assert rules.market.start is not None
    first = panel.row(panel.days[panel.days >= rules.market.start][0])
    until = str(panel.days[first + SESSIONS - 1])
    expected = podshop.backtest(rules, panel.rows(0, first + SESSIONS)).journal_hash

    rng = np.random.default_rng(7)
    out, kills = tmp_path / "paper", 0
    places = np.sort(rng.choice(np.arange(1, SESSIONS), KILLS, replace=False)).tolist()
    for sessions in places:
        delay = rng.random() * 0.03
        kills += kill_at(start(fund, out, until), out / "journal.sqlite", sessions, delay)
    finish = start(fund, out, until)
    assert finish.wait(timeout=300) == 0, out.with_suffix(".log").read_text()
    assert kills >= KILLS * 0.9
    assert cycles(out / "journal.sqlite") == SESSIONS
    assert head(out) == expected
    quiet = tmp_path / "quiet"
    assert start(fund, quiet, until).wait(timeout=300) == 0
    assert head(quiet) == expected
