"""330 pods x 100 names of 3,000 x 2,520 days, full fidelity, beside the bare loop; one process, one run.

Prints one line of JSON. Wishes come from `synthetic.wishes`, so pods are neither asked nor put
through their cards; quoting the panel is part of podshop's time. "real" is the retail ladder; "far"
sets its rungs out of reach, so that no pod is cut and the work cannot shrink. How many slots were
really held is counted from the fills. "full" is a slice of sessions with every event and the hash
chain. The bare loop is run in turn with podshop, so that both see the same machine.
"""

import json
import resource
import sys
import time
from dataclasses import replace
from functools import partial

import numpy as np

import podshop
from benchmarks.bare_fund import bare_fund
from benchmarks.synthetic import market, wishes
from podshop.capital import sharpe
from podshop.domain.pod import Pod
from podshop.domain.rules import Allocator, Costs, Limit, MarketRules, Rules
from podshop.market.quotes import quotes
from podshop.risk import drawdown, exposure, position, sector, ticker, volatility

PODS, HELD, CAPITAL = 330, 100, 3_300_000_000


def limit(module, params):
    """Bind a limit as the desk does."""
    offers = {
        name: partial(getattr(module, name), p=params)
        for name in ("check", "restore", "cap", "tripwire")
        if hasattr(module, name)
    }
    return Limit(module.__name__.rpartition(".")[2], **offers)


def rules_of(pods, held_far):
    """A house of many pods: ladder, fund stop, caps, monthly Sharpe allocation, all costs."""
    ladder = drawdown.Params(halve_at=0.9, terminate_at=0.95) if held_far else drawdown.Params()
    stop = drawdown.Params(scope="fund", halt_at=0.99 if held_far else 0.15)
    limits = (
        limit(drawdown, ladder),
        limit(drawdown, stop),
        limit(volatility, volatility.Params()),
        limit(position, position.Params()),
        limit(sector, sector.Params()),
        limit(ticker, ticker.Params()),
        limit(exposure, exposure.Params()),
    )
    share = partial(sharpe.shares, p=sharpe.Params(min=0.0, max=0.05))
    hired = tuple(Pod(f"pod{p:03d}", "made", None, None, 1, "week", 1.01, {}) for p in range(pods))
    return Rules(
        "house",
        "USD",
        CAPITAL * 1_000_000,
        hired,
        limits,
        Allocator("sharpe", share, "month", 0.1),
        Costs(),
        MarketRules(),
        (),
        "peak",
        "flatten",
        "0" * 32,
    )


def clock(work, repeats):
    """Median wall and CPU seconds."""
    wall, cpu, result = [], [], None
    for _ in range(repeats):
        a, b = time.perf_counter(), time.process_time()
        result = work()
        wall.append(time.perf_counter() - a)
        cpu.append(time.process_time() - b)
    return float(np.median(wall)), float(np.median(cpu)), result


def slots_held(run):
    """(D,) slots with lots at each close, counted from the fills alone."""
    names, tape = len(run.market.assets), run.tape
    lots = np.zeros(len(run.rules.pods) * names, dtype=np.int64)
    held_d, fills, count = np.zeros(len(tape.day_d)), iter([*tape.fills, (None, None)]), 0
    day, fill = next(fills)
    for d, session in enumerate(tape.day_d):
        while day == session:
            np.add.at(lots, fill.pod_r * names + fill.asset_r, fill.lots_r)
            count = np.count_nonzero(lots)
            day, fill = next(fills)
        held_d[d] = count
    return held_d


def in_full(rules, panel, book, sessions):
    """CPU seconds of a slice of that many sessions, recorded fast, and in full with the hash chain."""
    start, stop = panel.days[-2 * sessions], panel.days[-sessions - 1]
    slice_ = replace(rules, market=MarketRules(start=start, end=stop))
    told = {}
    for record in ("fast", "full"):
        _, cpu, run = clock(
            lambda record=record: podshop.backtest(slice_, panel, wishes=book, record=record), 2
        )
        told[record] = cpu
        told[f"{record}_book"] = run.book.digest()
    return told


def main(repeats=3):
    """Measure and print."""
    panel = market()
    book = wishes(panel, PODS, HELD)
    _, quotes_cpu, _ = clock(lambda: quotes(panel), 2)
    speak_t = book.speaks_tp.any(axis=1)
    row_t = np.where(speak_t, book.latest_tp[:, 0], 0).astype(np.int64)

    def bare(by_name):
        packed = (speak_t, row_t, book.row_ptr, book.asset_w, book.weight_w)
        share = CAPITAL * 0.9 / PODS
        return bare_fund(panel.open, panel.close, *packed, PODS, share, 2e-4, by_name)

    bare(True)
    told = {"quotes_cpu_s": quotes_cpu}
    for name, far in (("far", True), ("real", False)):
        rules = rules_of(PODS, far)
        short = replace(rules, market=MarketRules(end=panel.days[300]))
        podshop.backtest(short, panel, wishes=book, record="fast")
        rounds, run = [], None
        for _ in range(repeats):
            run = None
            _, lean, (_, orders, valued, _) = clock(lambda: bare(False), 1)
            _, named, _ = clock(lambda: bare(True), 1)
            wall, cpu, run = clock(
                lambda r=rules: podshop.backtest(r, panel, wishes=book, record="fast"), 1
            )
            rounds.append((lean, named, wall, cpu, cpu / lean, cpu / named))
        keys = ("bare_cpu_s", "by_name_cpu_s", "s", "cpu_s", "ratio", "by_name_ratio")
        told |= {f"{name}_{k}": v for k, v in zip(keys, np.median(rounds, axis=0), strict=True)}
        held_d = slots_held(run)
        told |= {
            "bare_orders": int(orders),
            "bare_slot_days": int(valued),
            f"{name}_pods_alive": int((run.book.status_p < 2).sum()),
            f"{name}_slots_a_day": float(held_d[2:].mean()),
            f"{name}_slots_least": float(held_d[2:].min()),
            f"{name}_fill_rows": sum(len(f.pod_r) for _, f in run.tape.fills),
            f"{name}_residual": run.tape.residual(rules.capital),
            f"{name}_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        del run
    told |= {f"slice_{k}": v for k, v in in_full(rules_of(PODS, False), panel, book, 60).items()}
    told["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
