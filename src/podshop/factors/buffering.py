"""Positions with a buffer: what is held stays while it lies within a band around its target.

A position moves only to the nearer edge of the band, so it depends on all targets before it. But a
band forgets: once two bands of the past do not overlap, whatever was held before them has become
the same. So each row is found by looking back from it, until nothing older can matter, and no
state has to be carried. Source: Carver, "Advanced Futures Trading Strategies" (2023), strategy
eight (buffering); the edge is the optimal policy under proportional costs (Davis, Norman 1990).
"""

import math

import numpy as np
from numba import njit

from podshop.domain.money import F64
from podshop.factors.window import JIT, dense


def held(target: F64, width: F64, change: F64, length: int) -> F64:
    """What is held at each row by a buffered position.

    Walking forward: the first position is the target; then
    held' = min(max(held * change, target - width), target + width).

    Args:
        target: (T, N) wanted lots (of any size, not rounded); NaN on rows that say nothing, over
            which the position stays.
        width: (T, N) half the width of the band in lots, >= 0.
        change: (T, N) what one lot of the row before has become, > 0: the ratio of a split, or the
            inverse of the capital's growth where lots are counted per unit of capital.
        length: rows looked back on at most, the row itself included. Where they do not settle what
            is held, the position counts from the target of the oldest of them.

    Returns:
        (T, N) lots; NaN where the row itself has no target.
    """
    out = np.full(target.shape, np.nan)
    held_nb(dense(target), dense(width), dense(change), length, out)
    return out


@njit(**JIT)
def held_nb(target: F64, width: F64, change: F64, length: int, out: F64) -> None:
    """Look back from each row; [low, high] is what the rows seen so far leave possible."""
    days, names = target.shape
    for t in range(days):
        for n in range(names):
            if math.isnan(target[t, n]):
                continue
            oldest, scale = target[t, n], 1.0
            low, high = oldest - width[t, n], oldest + width[t, n]
            k = t
            while low < high and k > max(t - length + 1, 0):
                scale *= change[k, n]
                k -= 1
                if math.isnan(target[k, n]):
                    continue
                oldest = target[k, n] * scale
                reach = width[k, n] * scale
                below = min(max(oldest - reach, low), high)
                high = min(max(oldest + reach, low), high)
                low = below
            out[t, n] = min(max(oldest, low), high)
