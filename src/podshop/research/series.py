"""One series of values: its path, its drawdowns and spells below the peak, its years, its mean.

Drawdowns are positive shares lost; the value before the first row counts as a peak, so a loss on
the first day is a drawdown. Figures of a series are in `podshop.research.metrics`.
"""

import math
from dataclasses import dataclass

import numpy as np

from podshop.domain.money import F64, Days

TINY = 1e-12
"""Drawdowns below this are rounding noise."""


def drawdown_series(unit: F64, start: float = 1.0) -> F64:
    """Share lost since the high-water mark, as a positive number.

    Args:
        unit: (T,) unit values or any value path, or (P, T) with a path a row.
        start: the value before the first row; it counts as a peak.

    Returns:
        1 - value / highest value so far, in the same shape.
    """
    return 1.0 - unit / np.maximum(np.maximum.accumulate(unit, axis=-1), start)


@dataclass(frozen=True, slots=True)
class Spell:
    """One spell below the high-water mark; rows count from 0.

    Attributes:
        begin: first row below the mark.
        trough: row of the deepest point.
        end: first row back at the mark, None while it lasts.
        depth: share lost at the trough.
    """

    begin: int
    trough: int
    end: int | None
    depth: float


def underwater(unit: F64, start: float = 1.0) -> list[Spell]:
    """The spells below the high-water mark, oldest first.

    Args:
        unit: (T,) unit values.
        start: the value before the first row.
    """
    down = drawdown_series(unit, start)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], (down > TINY).astype(np.int8), [0]))))
    spells = []
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        trough = begin + int(np.argmax(down[begin:end]))
        spells.append(Spell(begin, trough, end if end < unit.size else None, float(down[trough])))
    return spells


def yearly(days: Days, returns: F64) -> dict[int, float]:
    """Compound return of each calendar year.

    Args:
        days: (T,) datetime64[D], ascending.
        returns: (T,) simple returns of those days.

    Returns:
        year -> compound return of its days; the first and last year may be part of one.
    """
    year_t = days.astype("datetime64[Y]").astype(np.int64) + 1970
    years, first = np.unique(year_t, return_index=True)
    if not years.size:
        return {}
    growth = np.multiply.reduceat(1.0 + returns, first)
    return {int(y): float(g) - 1.0 for y, g in zip(years, growth, strict=True)}


def mean_error(x: F64, lags: int) -> float:
    """Standard error of a mean of numbers that are correlated over a few lags.

    Newey, West 1987, "A simple, positive semi-definite, heteroskedasticity and autocorrelation
    consistent covariance matrix", Econometrica 55: (g_0 + 2 sum_k (1 - k / (lags + 1)) g_k) / n.

    Args:
        x: (n,) numbers.
        lags: lags that count; 0 gives std / sqrt(n) with ddof 0.

    Returns:
        NaN with fewer than two numbers.
    """
    if len(x) < 2:
        return math.nan
    off = x - x.mean()
    total = float((off * off).sum())
    for k in range(1, min(lags, len(x) - 1) + 1):
        total += 2.0 * (1.0 - k / (lags + 1.0)) * float((off[k:] * off[:-k]).sum())
    return math.sqrt(max(total, 0.0)) / len(x)
