"""How much more can be carried because things do not move together: diversification multipliers.

With weights w (they sum to 1) and correlations rho, a sum of things of equal volatility has
sqrt(w' rho w) of it; the multiplier 1 / sqrt(w' rho w) brings it back. Correlations below 0 count
as 0, because they do not last, and the multiplier has a limit. Source: Carver, "Systematic
Trading" (2015), chapters 8 and 11 and appendix D; limit 2.5.

Sums run in one order in one compiled loop, so a row is the same bit for bit whatever history
surrounds its window.
"""

import math

import numpy as np
from numba import njit

from podshop.domain.money import F64, I64, Bools
from podshop.factors.window import JIT


def multipliers(
    x: F64, weight: F64, rows: I64, length: int, step: int, least: int, limit: float
) -> F64:
    """Diversification multipliers at some rows, each from the window that ends at its row.

    Args:
        x: (T, M, K) M samples a row of K things; NaN where not known.
        weight: (T, K) weights at each row, >= 0; only their ratios count.
        rows: (R,) rows to estimate at, ascending.
        length: rows in the window.
        step: every `step`-th row of the window is read, counted back from its end.
        least: samples that a pair needs in common; a pair with fewer, or with one that stands
            still, counts as moving together (correlation 1).
        limit: largest multiplier.

    Returns:
        (R,) from 1 to `limit`.
    """
    out_r = np.ones(len(rows))
    for r, t in enumerate(rows):
        read = np.arange(t, max(t - length, -1), -step)
        samples = np.ascontiguousarray(x[read].reshape(-1, x.shape[2]).T)
        out_r[r] = multiplier_nb(samples, np.ascontiguousarray(weight[t]), least, limit)
    return out_r


@njit(**JIT)
def multiplier_nb(x: F64, weight: F64, least: int, limit: float) -> float:
    """1 / sqrt(w' rho w) of (K, samples), at most `limit`; 1 where nothing has a weight.

    Things whose samples are all known are worked on together, for there are many pairs of them.
    """
    things, samples = x.shape
    off, own, whole = centred_nb(x)
    both = np.empty(things)
    mass, variance = 0.0, 0.0
    for i in range(things):
        if weight[i] <= 0.0:
            continue
        mass += weight[i]
        variance += weight[i] * weight[i]
        both[:] = 0.0
        for k in range(samples):
            for j in range(i):
                both[j] += off[k, i] * off[k, j]
        for j in range(i):
            if weight[j] <= 0.0:
                continue
            if not (whole[i] and whole[j]):
                rho = correlation_nb(x[i], x[j], least)
            elif samples >= least and own[i] > 0.0 and own[j] > 0.0:
                rho = both[j] / math.sqrt(own[i] * own[j])
            else:
                rho = 1.0
            variance += 2.0 * weight[i] * weight[j] * max(rho, 0.0)
    if variance <= 0.0:
        return 1.0
    return min(max(mass / math.sqrt(variance), 1.0), limit)


@njit(**JIT)
def centred_nb(x: F64) -> tuple[F64, F64, Bools]:
    """Where all samples are known: (samples, K) distances from the mean, sum of squares, True."""
    things, samples = x.shape
    off, own = np.zeros((samples, things)), np.zeros(things)
    whole = np.ones(things, dtype=np.bool_)
    for i in range(things):
        mean = 0.0
        for k in range(samples):
            mean += x[i, k] / samples
        whole[i] = not math.isnan(mean)
        if whole[i]:
            for k in range(samples):
                off[k, i] = x[i, k] - mean
                own[i] += off[k, i] * off[k, i]
    return off, own, whole


@njit(**JIT)
def correlation_nb(x: F64, y: F64, least: int) -> float:
    """Correlation over the samples that both have; 1 where they are too few or one stands still."""
    count, mean_x, mean_y = 0, 0.0, 0.0
    for k in range(len(x)):
        if not math.isnan(x[k] + y[k]):
            mean_x += x[k]
            mean_y += y[k]
            count += 1
    if count < least:
        return 1.0
    mean_x /= count
    mean_y /= count
    both, own_x, own_y = 0.0, 0.0, 0.0
    for k in range(len(x)):
        a, b = x[k] - mean_x, y[k] - mean_y
        if not math.isnan(a + b):
            both += a * b
            own_x += a * a
            own_y += b * b
    return both / math.sqrt(own_x * own_y) if own_x > 0.0 and own_y > 0.0 else 1.0
