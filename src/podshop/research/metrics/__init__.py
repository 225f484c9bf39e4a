"""Performance figures of return series: one table, one stated convention each.

Conventions, frozen: simple returns; N = 252 observations a year; sample deviations (ddof = 1); the
annual risk-free rate becomes f = (1 + rf)^(1/N) - 1 a period; the value path starts at V_0 = 1, so
a loss on the first day is a drawdown; drawdowns, VaR and CVaR are positive losses; VaR and CVaR are
historical; a figure whose denominator is zero is NaN, never 0 or infinity; a day without profit or
loss is neither a win nor a loss.

Letters in the formulas: r return, e = r - f, b benchmark return, be = b - f, V value path,
D = 1 - V / max V drawdown, n observations, N observations a year, SR = mean(e) / std(e); mean, std
and sum run over observations. "return" and "fraction" figures are fractions: 0.01 is 1 %.

The rows stand in `returns`, `risk`, `ratios`, `days` and `benchmark`; what they share is in
`sample`, on `numbers` and `spans`. All of it works on P series at once; one series is P = 1.
"""

import numpy as np

from podshop.domain.money import F64, Days
from podshop.research.metrics.benchmark import BENCHMARK
from podshop.research.metrics.days import DAYS
from podshop.research.metrics.metric import Metric
from podshop.research.metrics.numbers import NAN
from podshop.research.metrics.ratios import RATIOS
from podshop.research.metrics.returns import RETURNS
from podshop.research.metrics.risk import RISK
from podshop.research.metrics.sample import PERIODS, Sample
from podshop.research.series import Spell, drawdown_series, underwater, yearly

__all__ = [
    "METRICS",
    "PERIODS",
    "Metric",
    "Sample",
    "Spell",
    "compute",
    "compute_many",
    "drawdown_series",
    "underwater",
    "yearly",
]

METRICS: tuple[Metric, ...] = (*RETURNS, *RISK, *RATIOS, *DAYS, *BENCHMARK)

AT_ONCE = 65_536
"""Returns worked on at a time: what stays near the processor while a hundred rows ask for it."""


def compute(
    returns: F64,
    benchmark: F64 | None = None,
    rf: float = 0.0,
    periods: float = PERIODS,
    days: Days | None = None,
) -> dict[str, float]:
    """All metrics of one return series.

    Args:
        returns: (n,) simple returns a period, finite.
        benchmark: (n,) simple returns of the same days; NaN on days that have none, which the
            benchmark figures leave out.
        rf: risk-free rate a year.
        periods: observations a year.
        days: (n,) datetime64[D], ascending, for calendar months and years; without them those are
            counted in observations from the end.

    Returns:
        name -> figure for every row of METRICS; NaN where it is not defined.

    Raises:
        ValueError: a return is missing or infinite, or the benchmark or the days have another
            length, or the days do not ascend.
    """
    r = np.asarray(returns, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(r))
    if bad.size:
        raise ValueError(f"return number {int(bad[0])} is {r[bad[0]]}; metrics need finite returns")
    return {k: float(v[0]) for k, v in _figures(r[None, :], benchmark, rf, periods, days).items()}


def compute_many(
    returns_tp: F64,
    benchmark: F64 | None = None,
    rf: float = 0.0,
    periods: float = PERIODS,
    days: Days | None = None,
) -> dict[str, F64]:
    """All metrics of many return series over the same days: `compute` of each column, at once.

    Args:
        returns_tp: (T, P) simple returns a period, finite.
        benchmark: (T,) simple returns of the same days, NaN on days that have none.
        rf: risk-free rate a year.
        periods: observations a year.
        days: (T,) datetime64[D], ascending, or None.

    Returns:
        name -> (P,) figures for every row of METRICS; NaN where one is not defined.

    Raises:
        ValueError: as `compute`; or returns_tp is not a table.
    """
    r = np.asarray(returns_tp, dtype=np.float64)
    if r.ndim != 2:
        raise ValueError(f"returns_tp has {r.ndim} axes; it needs two, days and series")
    bad = np.argwhere(~np.isfinite(r))
    if bad.size:
        t, p = bad[0].tolist()
        raise ValueError(
            f"return number {t} of column {p} is {r[t, p]}; metrics need finite returns"
        )
    return _figures(np.ascontiguousarray(r.T), benchmark, rf, periods, days)


def _figures(
    r: F64, benchmark: F64 | None, rf: float, periods: float, days: Days | None
) -> dict[str, F64]:
    """Figures, (P,) for each name, of the (P, n) returns, some series at a time."""
    many, n = r.shape
    b = None if benchmark is None else np.asarray(benchmark, dtype=np.float64)
    if b is not None and b.shape != (n,):
        raise ValueError(f"{n} returns but {b.size} benchmark returns")
    when = None if days is None else np.asarray(days, dtype="datetime64[D]")
    if when is not None and when.shape != (n,):
        raise ValueError(f"{n} returns but {when.size} days")
    if when is not None and not (when[1:] > when[:-1]).all():
        raise ValueError("days must ascend, each once; sort the returns by day first")
    figures = {m.name: np.full(many, 0.0 if m.name == "n_obs" else NAN) for m in METRICS}
    if not n:
        return figures
    compared = b is not None and bool(np.isfinite(b).any())
    wanted = [m for m in METRICS if m.group != "benchmark" or compared]
    step = max(AT_ONCE // n, 1)
    for first in range(0, many, step):
        sample = Sample(r[first : first + step], rf, float(periods), b, when)
        with np.errstate(all="ignore"):  # a figure that overflows is NaN, which the table says
            for m in wanted:
                value = np.broadcast_to(m.value(sample), (len(sample.r), 1))[:, 0]
                figures[m.name][first : first + step] = np.where(np.isfinite(value), value, NAN)
    return figures
