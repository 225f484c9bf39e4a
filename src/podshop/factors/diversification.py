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

from podshop.domain.money import F64, I64
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
    """1 / sqrt(w' rho w) of (K, samples), at most `limit`; 1 where nothing has a weight."""
    things, samples = x.shape
    mass, variance = 0.0, 0.0
    for i in range(things):
        if weight[i] <= 0.0:
            continue
        mass += weight[i]
        variance += weight[i] * weight[i]
        for j in range(i):
            if weight[j] <= 0.0:
                continue
            count, mean_i, mean_j = 0, 0.0, 0.0
            for k in range(samples):
                if not math.isnan(x[i, k] + x[j, k]):
                    mean_i += x[i, k]
                    mean_j += x[j, k]
                    count += 1
            rho = 1.0
            if count >= least:
                mean_i /= count
                mean_j /= count
                both, own_i, own_j = 0.0, 0.0, 0.0
                for k in range(samples):
                    a, b = x[i, k] - mean_i, x[j, k] - mean_j
                    if not math.isnan(a + b):
                        both += a * b
                        own_i += a * a
                        own_j += b * b
                if own_i > 0.0 and own_j > 0.0:
                    rho = max(both / math.sqrt(own_i * own_j), 0.0)
            variance += 2.0 * weight[i] * weight[j] * rho
    if variance <= 0.0:
        return 1.0
    return min(max(mass / math.sqrt(variance), 1.0), limit)
