"""36 combinations of the momentum strategy, 500 names x 2,520 days, beside vectorbt's loop; one line of JSON.

Ours is the whole of `podshop research sweep` with the panel in memory: quoting, fingerprint, asking the pods, one
pass of the fund with costs and attribution, all metrics, and the run ledger on disk; once for a panel that was
never quoted ("first"), once for the next sweep on the same panel. vectorbt's is the loop that its
users write, one `Portfolio.from_orders` a combination: once for the value path alone, once with its own
figures too (`stats`, `returns_stats`, returns), which is the same work but for attribution and the ledger.

    python -m benchmarks.sweep [PYTHON_WITH_VECTORBT]
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.fund_330 import clock
from benchmarks.synthetic import market
from podshop.research.metrics import METRICS
from podshop.research.sweep import sweep

NAMES = 500
SPACE = {"names": [10, 20, 30], "slow_days": [126, 189, 252], "fast_days": [5, 10, 21, 42]}

STRATEGY = {
    "strategy": {"use": "momentum", "params": {"share": 1.0}},
    "costs": {
        "commission_per_lot": 0.0,
        "commission_min": 0.0,
        "half_spread_bps": 10.0,
        "impact": 0.0,
        "borrow_bps_year": 0.0,
        "debit_spread_bps_year": 0.0,
        "management_fee": 0.0,
    },
    "limits": {"stop_loss": 0.0, "position": 0.0, "sector": 0.0},
    "sweep": SPACE,
}

VECTORBT = """
import sys, time, json, numpy as np, pandas as pd, vectorbt as vbt
from itertools import product
folder, space = sys.argv[1], json.loads(sys.argv[2])
O, C, rows = (np.load(f"{folder}/{n}.npy") for n in ("open", "close", "rows"))
vbt.settings.array_wrapper["freq"] = "1D"
ix = pd.date_range("2014-01-01", periods=len(C), freq="B")
close, opened, val = pd.DataFrame(C, ix), pd.DataFrame(O, ix), np.vstack([C[:1], C[:-1]])
def run(names, slow, fast):
    size = np.full(C.shape, np.nan)
    at = rows[rows >= slow]
    score = C[at] / C[at - slow] - C[at] / C[at - fast]
    best = np.argsort(-score, axis=1, kind="stable")[:, :names]
    for k, t in enumerate(at):
        if t + 1 < len(C):
            size[t + 1] = 0.0
            size[t + 1, best[k]] = 1.0 / names
    pf = vbt.Portfolio.from_orders(close, size=size, size_type="targetpercent", price=opened,
        val_price=val, fees=0.001, init_cash=1e6, cash_sharing=True, group_by=True, call_seq="auto",
        size_granularity=1.0)
    return pf
def loop(told):
    a, b = time.perf_counter(), time.process_time()
    made = [told(run(*c)) for c in product(space["names"], space["slow_days"], space["fast_days"])]
    return time.perf_counter() - a, time.process_time() - b, made
figures = lambda pf: (pf.stats(), pf.returns_stats(), pf.returns())
figures(run(20, 252, 21))
value_s, value_cpu_s, ends = loop(lambda pf: float(pf.value().iloc[-1]))
stats_s, stats_cpu_s, _ = loop(figures)
print(json.dumps({"vectorbt_value_s": value_s, "vectorbt_value_cpu_s": value_cpu_s,
    "vectorbt_stats_s": stats_s, "vectorbt_stats_cpu_s": stats_cpu_s, "vectorbt_ends": ends}))
"""


def beside(python, panel):
    """Run vectorbt's loop on the same arrays in its own environment."""
    month = panel.days.astype("datetime64[M]")
    rows = np.flatnonzero(np.append(False, month[1:] != month[:-1]))
    with tempfile.TemporaryDirectory() as folder:
        for name, array in (("open", panel.open), ("close", panel.close), ("rows", rows)):
            np.save(Path(folder) / f"{name}.npy", array)
        done = subprocess.run(
            [python, "-c", VECTORBT, folder, json.dumps(SPACE)],
            capture_output=True,
            text=True,
            check=True,
        )
    return json.loads(done.stdout.strip().splitlines()[-1])


def main(python=None):
    """Measure and print."""
    panel = market(NAMES, dividends=False)
    with tempfile.TemporaryDirectory() as folder:
        ledgers = iter(range(100))

        def once(on=panel):
            return sweep(STRATEGY, on, runs=Path(folder) / f"{next(ledgers)}.sqlite")

        once()
        first, first_cpu, _ = clock(lambda: once(replace(panel)), 7)
        ours, cpu, made = clock(once, 7)
    ends = [r.facts["money"]["final_nav"] for r in made.records]
    told = {"combinations": len(ends), "podshop_s": ours, "podshop_cpu_s": cpu}
    told |= {"podshop_first_s": first, "podshop_first_cpu_s": first_cpu}
    told["metrics"] = len(METRICS)
    if python and Path(python).exists():
        told |= beside(python, panel)
        theirs = told.pop("vectorbt_ends")
        for name in ("value", "stats"):
            told[f"ratio_{name}"] = told[f"vectorbt_{name}_s"] / ours
            told[f"ratio_{name}_cpu"] = told[f"vectorbt_{name}_cpu_s"] / cpu
            told[f"ratio_{name}_first_cpu"] = told[f"vectorbt_{name}_cpu_s"] / first_cpu
        told["rank_correlation"] = float(
            np.corrcoef(np.argsort(np.argsort(ends)), np.argsort(np.argsort(theirs)))[0, 1]
        )
        told["largest_difference"] = float(np.abs(np.array(ends) / np.array(theirs) - 1).max())
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:2])
