"""What metrics are made of: sums, means, deviations and tails of many series at once.

x is (P, n): a series is a row. Every figure of a series comes back as (P, 1), so that it can be
subtracted from, or divided into, the rows again. A figure whose denominator is zero is NaN.
"""

import math
from typing import Any

import numpy as np

from podshop.domain.money import F64, I64, Bools

NAN = math.nan
TINY = 1e-12
"""Deviations below this share of the largest value are rounding noise, not risk."""


def total(x: F64) -> F64:
    """Sum of each row."""
    return np.asarray(x.sum(axis=-1, keepdims=True), dtype=np.float64)


def count(mask: Bools) -> F64:
    """How many are True in each row."""
    return np.count_nonzero(mask, axis=-1, keepdims=True).astype(np.float64)


def ratio(above: Any, below: Any) -> F64:
    """Above / below; NaN where below is zero or unknown."""
    known = (below != 0.0) & np.isfinite(below)
    return np.asarray(above / np.where(known, below, NAN), dtype=np.float64)


def mean(x: F64) -> F64:
    """Mean of each row; NaN of nothing."""
    return ratio(total(x), float(x.shape[-1]))


def mean_where(x: F64, mask: Bools) -> F64:
    """Mean of the values where the mask is True; NaN of nothing."""
    return ratio(total(np.where(mask, x, 0.0)), count(mask))


def root_mean_square(x: F64) -> F64:
    """sqrt(mean(x^2)); NaN of nothing."""
    return np.asarray(np.sqrt(mean(x * x)), dtype=np.float64)


def largest(x: F64) -> F64:
    """Largest size of each row; 0 of nothing."""
    return np.asarray(np.abs(x).max(axis=-1, keepdims=True, initial=0.0), dtype=np.float64)


def std(x: F64) -> F64:
    """Sample deviation; exactly 0 for a constant, NaN for fewer than two values."""
    if x.shape[-1] < 2:
        return np.full((*x.shape[:-1], 1), NAN)
    off = x - mean(x)
    value = np.sqrt(total(off * off) / (x.shape[-1] - 1))
    return np.where(value <= TINY * largest(x), 0.0, value)


def covariance(x: F64, y: F64) -> F64:
    """Sample covariance of each row of x with the same row of y."""
    return ratio(total((x - mean(x)) * (y - mean(y))), float(max(x.shape[-1] - 1, 1)))


def correlation(x: F64, y: F64) -> F64:
    """Pearson correlation; NaN when either is constant."""
    return ratio(covariance(x, y), std(x) * std(y))


def slope(x: F64, y: F64) -> F64:
    """Least-squares slope of y on x; NaN when x is constant."""
    return ratio(covariance(x, y), std(x) ** 2)


def growth(r: F64, periods: float) -> F64:
    """Compound growth of r in `periods` observations; NaN when more than all is lost."""
    if not r.shape[-1]:
        return np.full((*r.shape[:-1], 1), NAN)
    kept = np.prod(1.0 + r, axis=-1, keepdims=True)
    return np.where(kept < 0.0, NAN, np.abs(kept) ** (periods / r.shape[-1]) - 1.0)


def quantile(x: F64, share: float) -> F64:
    """Historical quantile of each row, linear between order statistics."""
    return np.asarray(np.quantile(x, share, axis=-1, keepdims=True), dtype=np.float64)


def value_paths(r: F64) -> F64:
    """(P, n) worth of one unit after each return, starting from 1 before the first."""
    return np.cumprod(1.0 + r, axis=-1, dtype=np.float64)


def runs(mask: Bools) -> tuple[I64, I64, I64]:
    """Unbroken runs of True: their rows, first columns, and first columns after them."""
    wide = mask.shape[-1] + 1
    edged = np.zeros((len(mask), wide + 1), dtype=np.int8)
    edged[:, 1:-1] = mask
    edges = np.flatnonzero(np.diff(edged, axis=-1))
    row = edges[::2] // wide
    return row, edges[::2] - row * wide, edges[1::2] - row * wide


def longest(mask: Bools) -> F64:
    """Length of the longest unbroken run of True in each row."""
    row, begin, end = runs(mask)
    length = np.zeros(len(mask))
    np.maximum.at(length, row, (end - begin).astype(np.float64))
    return length[:, None]
