"""Rows by themselves, compiled: how many numbers they have, and wishes cut to their grain."""

import math

import numpy as np
from numba import njit

from podshop.domain.money import F64, I64, Bools
from podshop.factors.window import JIT

GRAIN = 2.0**-20
"""Wishes are whole multiples of this, about a hundredth of a basis point of the capital."""


@njit(**JIT)
def known_nb(x: F64) -> I64:
    """Known values of each row of (T, N)."""
    known_t = np.zeros(len(x), np.int64)
    for t in range(len(x)):
        for n in range(x.shape[1]):
            known_t[t] += 0 if math.isnan(x[t, n]) else 1
    return known_t


@njit(**JIT)
def grain_nb(weights: F64, priced: Bools) -> F64:
    """Whole multiples of the grain, cut towards zero; 0 where there is no price or no number."""
    out = np.zeros(weights.shape, np.float64)
    for t in range(len(weights)):
        for n in range(weights.shape[1]):
            if priced[t, n] and not math.isnan(weights[t, n]):
                # + 0.0 turns the -0.0 of small negative weights into 0.0.
                out[t, n] = np.trunc(weights[t, n] / GRAIN) * GRAIN + 0.0
    return out
