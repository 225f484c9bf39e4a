"""The house of `podshop init --preset institutional`: 330 pods on 20 names x 10 years, all of it.

Asks the pods, plays their cards where the command does, and goes through every session. Prints one line of
JSON: processor seconds and peak memory of a fast and of a full record, each in a process of its own.

    python -m benchmarks.institutional
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from podshop.desk import cli
from podshop.research.backtest import backtest
from podshop.rulebook.config import load


def one(record, folder):
    """Run the house once; a full record with its journal."""
    rules = load(Path(folder))
    a, b = time.perf_counter(), time.process_time()
    journal = Path(folder) / "journal.sqlite" if record == "full" else None
    run = backtest(rules, record=record, journal=journal)
    told = {
        "wall_s": time.perf_counter() - a,
        "cpu_s": time.process_time() - b,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "pods": len(rules.pods),
        "sessions": len(run.tape.day_d),
        "residual": run.tape.residual(rules.capital),
        "book": run.book.digest(),
    }
    if journal is not None:
        told["journal_mb"] = journal.stat().st_size / 1e6
    print(json.dumps(told))


def main():
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        cli.main(["init", folder, "--preset", "institutional"])
        told = {}
        for record in ("fast", "full"):
            command = [sys.executable, "-m", "benchmarks.institutional", record, folder]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            for name, value in json.loads(done.stdout.splitlines()[-1]).items():
                told[f"{record}_{name}"] = value
    print(json.dumps(told))


if __name__ == "__main__":
    one(*sys.argv[1:]) if len(sys.argv) > 1 else main()
