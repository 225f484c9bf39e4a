"""Rank correlations between rows, and means by quantile, compiled.

Each row is sorted once; the ranks among the names that two rows share are read off by walking the
order and leaving out the others. So correlating one row with many others costs no sorting.

One file on purpose: numba's cache does not notice a change in a function of another file.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from podshop.domain.money import F64, I32, I64, Bools
from podshop.factors.window import JIT, dense


@dataclass(frozen=True, slots=True)
class Ordered:
    """Rows with the order of their values.

    Attributes:
        value: (T, N), NaN where unknown.
        order: (T, N) columns of each row by ascending value, unknown ones last.
        tied_t: (T,) True where values of the row are equal.
    """

    value: F64
    order: I32
    tied_t: Bools


def ordered(x: F64) -> Ordered:
    """Sort every row of a (T, N) array, for `correlation`."""
    value = dense(x)
    order = np.argsort(value, axis=1, kind="stable").astype(np.int32)
    order.flags.writeable = False
    rising = np.take_along_axis(value, order, axis=1)
    return Ordered(value, order, (rising[:, 1:] == rising[:, :-1]).any(axis=1))


def correlation(x: Ordered, y: Ordered, ahead: int = 0, least: int = 3) -> F64:
    """Spearman's rank correlation of row t of x with row t + ahead of y.

    Equal values share the mean of their ranks, and the correlation is Pearson's of the ranks
    (Kendall, Gibbons 1990, "Rank correlation methods", chapter 3).

    Args:
        x: (T, N) rows, sorted.
        y: likewise.
        ahead: rows that y is later than x; at least 0.
        least: names known in both that a row needs, at least 3.

    Returns:
        (T,); NaN with too few names, where a row is all equal, and on the last `ahead` rows.
    """
    out_t = np.full(len(x.value), np.nan)
    rows = max(len(x.value) - ahead, 0)
    now = [part[:rows] for part in (x.value, x.order, x.tied_t)]
    later = [part[ahead:] for part in (y.value, y.order, y.tied_t)]
    correlation_nb(*now, *later, max(least, 3), out_t)
    return out_t


def bucket_means(bucket: I64, y: F64, count: int) -> F64:
    """Mean of y in every quantile of each row.

    Args:
        bucket: (T, N) number of the quantile; -1 = none.
        y: (T, N); NaN is left out.
        count: quantiles.

    Returns:
        (T, count); NaN where a quantile has no value.
    """
    out = np.full((len(bucket), count), np.nan)
    bucket_means_nb(np.ascontiguousarray(bucket), dense(y), out)
    return out


@njit(**JIT)
def ranks_nb(own: F64, order: I32, tied: bool, both: F64, out: F64) -> None:
    """Ranks from 1 among the names known in both rows (`both` is 1); of the others, no matter."""
    if not tied:
        seen = 0.0
        for k in order:
            seen += both[k]
            out[k] = seen
        return
    seen, first = 0.0, 0  # of those ranked; position in the order at which equal values begin
    while first < len(order) and not math.isnan(own[order[first]]):
        value, last, equal = own[order[first]], first, 0.0
        while last < len(order) and own[order[last]] == value:
            equal += both[order[last]]
            last += 1
        for k in range(first, last):
            out[order[k]] = seen + (equal + 1.0) / 2.0
        seen += equal
        first = last


@njit(**JIT)
def correlation_nb(
    x: F64,
    x_order: I32,
    x_tied_t: Bools,
    y: F64,
    y_order: I32,
    y_tied_t: Bools,
    least: int,
    out_t: F64,
) -> None:
    """Rank correlation of row t of x with row t of y; see `correlation`."""
    days, names = x.shape
    rank_x, rank_y, both = np.zeros(names), np.zeros(names), np.empty(names)
    for t in range(days):
        count = 0.0
        for n in range(names):
            both[n] = 0.0 if math.isnan(x[t, n] + y[t, n]) else 1.0
            count += both[n]
        if count < least:
            continue
        ranks_nb(x[t], x_order[t], x_tied_t[t], both, rank_x)
        ranks_nb(y[t], y_order[t], y_tied_t[t], both, rank_y)
        # Twice the distance from the middle rank is a whole number, so these sums are exact.
        product, own_x, own_y = 0.0, 0.0, 0.0
        for n in range(names):
            a = (2.0 * rank_x[n] - (count + 1.0)) * both[n]
            b = (2.0 * rank_y[n] - (count + 1.0)) * both[n]
            product += a * b
            own_x += a * a
            own_y += b * b
        if own_x > 0.0 and own_y > 0.0:
            out_t[t] = product / math.sqrt(own_x * own_y)


@njit(**JIT)
def bucket_means_nb(bucket: I64, y: F64, out: F64) -> None:
    """Mean of y by bucket of each row."""
    days, names = y.shape
    buckets = out.shape[1]
    total, count = np.empty(buckets), np.empty(buckets)
    for t in range(days):
        total[:], count[:] = 0.0, 0.0
        for n in range(names):
            if bucket[t, n] >= 0 and not math.isnan(y[t, n]):
                total[bucket[t, n]] += y[t, n]
                count[bucket[t, n]] += 1.0
        for q in range(buckets):
            if count[q] > 0.0:
                out[t, q] = total[q] / count[q]
