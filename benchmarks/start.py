"""How long a person waits: `podshop --help`, and the kernels' first compilation; one line of JSON."""

import json
import os
import subprocess
import sys
import tempfile
import time

DEMO = "from podshop.desk.cli import main; main(['demo', '--out', '{out}'])"


def seconds(command, environment=None, repeats=1):
    """Least wall seconds of a command."""
    best = float("inf")
    for _ in range(repeats):
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=environment)
        best = min(best, time.perf_counter() - begun)
    return best


def main():
    """Measure and print."""
    told = {"help_s": seconds([sys.executable, "-m", "podshop.desk.cli", "--help"], repeats=7)}
    with tempfile.TemporaryDirectory() as folder:
        cold = os.environ | {"NUMBA_CACHE_DIR": f"{folder}/numba"}
        demo = [sys.executable, "-c", DEMO.format(out=f"{folder}/demo")]
        told["demo_cold_s"] = seconds(demo, cold)
        told["demo_warm_s"] = seconds(demo, cold)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
