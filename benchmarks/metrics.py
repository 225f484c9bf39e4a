"""All metrics of 330 return series of 2,520 days, at once and one by one; one line of JSON.

python -m benchmarks.metrics
"""

import json

import numpy as np

from benchmarks.fund_330 import clock
from podshop.research.metrics import METRICS, compute, compute_many

SERIES, DAYS = 330, 2520


def main():
    """Measure and print."""
    rng = np.random.default_rng(11)
    benchmark = rng.standard_t(4, DAYS) * 0.007 + 0.0003
    returns = 0.4 * benchmark[:, None] + rng.standard_t(4, (DAYS, SERIES)) * 0.005
    days = np.busday_offset("2014-01-01", np.arange(DAYS), roll="forward")
    few = returns[:, :20].copy()
    compute_many(returns, benchmark, days=days)
    many, cpu, _ = clock(lambda: compute_many(returns, benchmark, days=days), 5)
    one, _, _ = clock(lambda: [compute(few[:, p], benchmark, days=days) for p in range(20)], 5)
    told = {"metrics": len(METRICS), "series": SERIES, "days": DAYS, "many_s": many}
    told |= {"many_cpu_s": cpu, "one_ms": one / 20 * 1e3, "one_by_one_s": one / 20 * SERIES}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
