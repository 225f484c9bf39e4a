"""330 pods x 100 names of 3,000 x 2,520 days, full fidelity, beside the bare loop; one process, one run.

Prints one line of JSON. Wishes come from `synthetic.wishes`, so pods are not asked; the market is
quoted once before. "real" is the retail ladder; "far" sets its rungs out of reach, so that every pod
is there to the last day and the work cannot shrink.
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


def main(repeats=3):
    """Measure and print."""
    panel = market()
    book = wishes(panel, PODS, HELD)
    quotes_s, _, _ = clock(lambda: quotes(panel), 1)
    speak_t = book.speaks_tp.any(axis=1)
    row_t = np.where(speak_t, book.latest_tp[:, 0], 0).astype(np.int64)
    opened, close = np.ascontiguousarray(panel.open), np.ascontiguousarray(panel.close)

    def bare():
        return bare_fund(
            opened,
            close,
            speak_t,
            row_t,
            book.row_ptr,
            book.asset_w,
            book.weight_w,
            PODS,
            CAPITAL * 0.9 / PODS,
            2e-4,
        )

    bare()
    bare_wall, bare_cpu, (_, orders, valued) = clock(bare, repeats)
    told = {"bare_s": bare_wall, "bare_cpu_s": bare_cpu, "bare_orders": int(orders)}
    told |= {"bare_slot_days": int(valued), "quotes_s": quotes_s}
    for name, far in (("far", True), ("real", False)):
        rules = rules_of(PODS, far)
        short = replace(rules, market=MarketRules(end=panel.days[300]))
        podshop.backtest(short, panel, wishes=book, record="fast")
        wall, cpu, run = clock(
            lambda rules=rules: podshop.backtest(rules, panel, wishes=book, record="fast"), repeats
        )
        fills = sum(len(f.pod_r) for _, f in run.tape.fills)
        told |= {
            f"{name}_s": wall,
            f"{name}_cpu_s": cpu,
            f"{name}_ratio_cpu": cpu / bare_cpu,
            f"{name}_pods_alive": int((run.book.status_p < 2).sum()),
            f"{name}_slots_at_end": len(run.book.key_s),
            f"{name}_fill_rows": int(fills),
            f"{name}_residual": run.tape.residual(rules.capital),
        }
        del run
    told["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
