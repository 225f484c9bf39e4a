"""The stop-loss of a position: out when it has lost too much since it was entered."""

import math

import numpy as np
from numba import njit

from podshop.domain.money import F32, F64, Bools
from podshop.factors.window import JIT


def stopped(weights: F32, speaks: Bools, index: F64, limit: float) -> tuple[F32, Bools]:
    """Wishes with positions taken out whose loss since entry reached the limit.

    A position is entered at the close at which a name is first wished for, or wished for on the
    other side; it is over when the wish ends. On the day whose close shows the loss the pod speaks
    once more, with the name at 0, and it stays at 0 until the strategy itself speaks again; if it
    wishes for the name then, that is a new entry. Without a price on that day it is entered at the
    next one.

    Args:
        weights: (T, N) wishes; only rows on which the strategy speaks are read.
        speaks: (T,) those rows.
        index: (T, N) total-return index, NaN where there is no price.
        limit: loss, fraction of the entry, at which a position is stopped.

    Returns:
        (T, N) wishes and (T,) the rows that speak, more of them than before.
    """
    out, spoken = np.zeros_like(weights), speaks.copy()
    stopped_nb(weights, speaks, index, limit, out, spoken)
    return out, spoken


@njit(**JIT)
def stopped_nb(
    weights: F32, speaks: Bools, index: F64, limit: float, out: F32, spoken: Bools
) -> None:
    """Walk through the days with what is held and at what index it was entered."""
    days, names = weights.shape
    held = np.zeros(names, np.float32)
    entry = np.full(names, np.nan)
    for t in range(days):
        if speaks[t]:
            for i in range(names):
                if weights[t, i] * held[i] <= 0.0:
                    entry[i] = index[t, i]
                held[i] = weights[t, i]
        for i in range(names):
            if held[i] != 0.0:
                if math.isnan(entry[i]):
                    entry[i] = index[t, i]
                change = index[t, i] / entry[i] - 1.0
                if (change if held[i] > 0.0 else -change) <= -limit:  # NaN never is
                    held[i] = 0.0
                    spoken[t] = True
        if spoken[t]:
            out[t] = held
