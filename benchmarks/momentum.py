"""One momentum strategy, monthly, top 20, beside the bare loop and vectorbt; one line of JSON.

The same rule everywhere: score = ROC(252) - ROC(21) at the close of each month's first session, the
20 best at 98 % / 20 of the equity each, whole lots cut towards zero, filled at the next open, 10 bp on
every trade. podshop is measured as a fund of one pod: `backtest(..., record="fast")` with the panel in
memory, quoting included.

    python -m benchmarks.momentum NAMES [PYTHON_WITH_VECTORBT]
"""

import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from numba import njit

import podshop
from benchmarks.fund_330 import clock
from benchmarks.synthetic import market
from podshop.capital import equal
from podshop.domain.pod import Pod
from podshop.domain.rules import Allocator, Costs, MarketRules, Rules
from podshop.pods import momentum

FAST, SLOW, TOP, INVESTED, COST, CASH = 21, 252, 20, 0.98, 0.001, 1_000_000.0


def picks(close, rows):
    """The 20 best of each signal row, ascending."""
    score = close[rows] / close[rows - SLOW] - close[rows] / close[rows - FAST]
    return np.sort(np.argsort(-score, axis=1, kind="stable")[:, :TOP], axis=1)


@njit(cache=True)
def bare_momentum(opened, close, rows, best):
    """Targets in lots, fills at the next open, costs; gives equity and the number of trades."""
    days, names = close.shape
    lots = np.zeros(names, np.int64)
    equity = np.empty(days)
    cash, trades, k = CASH, 0, 0
    target = np.zeros(names, np.int64)
    trading = False
    for t in range(days):
        if trading:
            for i in range(names):
                q = target[i] - lots[i]
                if q != 0:
                    cash -= q * opened[t, i] + abs(q) * opened[t, i] * COST
                    lots[i] = target[i]
                    trades += 1
            trading = False
        value = cash
        for i in range(names):
            if lots[i] != 0:
                value += lots[i] * close[t, i]
        equity[t] = value
        if k < len(rows) and rows[k] == t:
            target[:] = 0
            for j in range(TOP):
                i = best[k, j]
                target[i] = np.int64(value * INVESTED / TOP / close[t, i])
            trading = True
            k += 1
    return equity, trades


def one_pod():
    """The same strategy as a fund of one pod; costs are a flat half spread of 10 bp."""
    p = momentum.Params(fast_days=FAST, slow_days=SLOW, names=TOP, share=1.0)
    pod = Pod("mom", "momentum", p, momentum.wishes, momentum.lookback(p), "month", 1.01, {})
    share = partial(equal.shares, p=equal.Params(cash=1.0 - INVESTED))
    costs = Costs(0, 0, COST * 1e4, 0.0, borrow_bps_year=0.0, debit_spread_bps_year=0.0)
    return Rules(
        "one",
        "USD",
        int(CASH) * 1_000_000,
        (pod,),
        (),
        Allocator("equal", share, "month", 0.02),
        costs,
        MarketRules(),
        (),
        "peak",
        "flatten",
        "0" * 32,
    )


VECTORBT = """
import sys, time, json, numpy as np, pandas as pd, vectorbt as vbt
folder, top, invested, cost, cash = sys.argv[1], 20, 0.98, 0.001, 1e6
O, C, rows = (np.load(f"{folder}/{n}.npy") for n in ("open", "close", "rows"))
vbt.settings.array_wrapper["freq"] = "1D"
ix = pd.date_range("2014-01-01", periods=len(C), freq="B")
def run():
    size = np.full(C.shape, np.nan)
    score = C[rows] / C[rows - 252] - C[rows] / C[rows - 21]
    best = np.argsort(-score, axis=1, kind="stable")[:, :top]
    for k, t in enumerate(rows):
        if t + 1 < len(C):
            size[t + 1] = 0.0
            size[t + 1, best[k]] = invested / top
    val = np.vstack([C[:1], C[:-1]])
    pf = vbt.Portfolio.from_orders(pd.DataFrame(C, ix), size=size, size_type="targetpercent",
        price=pd.DataFrame(O, ix), val_price=val, fees=cost, init_cash=cash, cash_sharing=True,
        group_by=True, call_seq="auto", size_granularity=1.0)
    return pf, pf.value()
n = int(sys.argv[2]); walls = []
for _ in range(n):
    a = time.perf_counter(); pf, value = run(); walls.append(time.perf_counter() - a)
print(json.dumps({"vectorbt_s": min(walls), "vectorbt_first_s": walls[0],
    "vectorbt_final": float(value.iloc[-1]), "vectorbt_trades": int(pf.orders.count())}))
"""


def beside(python, panel, rows, repeats):
    """Run vectorbt on the same arrays in its own environment."""
    with tempfile.TemporaryDirectory() as folder:
        for name, array in (("open", panel.open), ("close", panel.close), ("rows", rows)):
            np.save(Path(folder) / f"{name}.npy", array)
        done = subprocess.run(
            [python, "-c", VECTORBT, folder, str(repeats)],
            capture_output=True,
            text=True,
            check=True,
        )
    return json.loads(done.stdout.strip().splitlines()[-1])


def main(names, python=None):
    """Measure and print."""
    panel = market(names, dividends=False)
    month = panel.days.astype("datetime64[M]")
    rows = np.flatnonzero(np.append(False, month[1:] != month[:-1]))
    rows = rows[rows >= SLOW]
    opened, close = np.ascontiguousarray(panel.open), np.ascontiguousarray(panel.close)
    bare_momentum(opened, close, rows, picks(close, rows))
    bare, _, (_, trades) = clock(lambda: bare_momentum(opened, close, rows, picks(close, rows)), 7)
    rules = one_pod()
    podshop.backtest(rules, panel, record="fast")
    ours, cpu, run = clock(lambda: podshop.backtest(rules, panel, record="fast"), 7)
    told = {"names": names, "bare_s": bare, "bare_trades": int(trades), "podshop_s": ours}
    told |= {"podshop_cpu_s": cpu, "podshop_fills": run.fills.height}
    told |= {"podshop_final": run.book.nav / 1e6}
    if python and Path(python).exists():
        told |= beside(python, panel, rows, 3 if names <= 500 else 1)
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
