"""What luck alone would show: the Sharpe ratio that the best of some worthless trials is expected
to reach.

Bailey and Lopez de Prado (2014) take it from the number of trials and the variance of their Sharpe
ratios. Near copies of one trial shrink that variance, so trying more could lower the bar. Two
things stand against it here. The best of worthless trials is drawn with the correlation that these
trials have, in which a copy changes nothing and anything else only adds. And what the trials made
so far asked for is never taken back by later ones.
"""

import math
from statistics import NormalDist

import numpy as np

from podshop.domain.money import F64
from podshop.research.metrics.numbers import std
from podshop.research.validation import expected_max_sharpe

DRAWS = 1_000
"""Worlds that are drawn; the expected best is known to about 0.015 of its unit."""
NORMAL = NormalDist()
SEED = 20_140_930
COPY = 0.99
"""Correlation of returns from which on a trial is a copy of an earlier one."""


def hurdle(trials: F64, made: int) -> float:
    """Per-period Sharpe ratio that luck alone is expected to show.

    Args:
        trials: (D, K) returns of the trials on the same sessions, in the order of their making.
        made: how many were made in all; those on other sessions count as independent.

    Returns:
        The larger of what is drawn and what the variance of the trials says. More trials never
        lower it; 0 for a single one.
    """
    same = trials.shape[1]
    others = max(made - same, 0)
    if same + others < 2 or len(trials) < 2:
        return 0.0
    return max(_drawn(trials, others), _varied(trials))


def _drawn(trials: F64, others: int) -> float:
    """Mean best Sharpe ratio of worthless trials as correlated as these are, and `others` alone.

    A Sharpe ratio of n worthless returns is normal with variance 1 / (n - 1); sums of the trials'
    own returns at random normal weights have the trials' correlation. Each draw is used with both
    signs.
    """
    rng = np.random.default_rng(SEED)
    scale = np.sqrt((trials**2).sum(axis=0))
    unit = np.divide(trials, scale, out=np.zeros_like(trials), where=scale > 0.0)
    drawn = rng.standard_normal((DRAWS // 2, len(trials))) @ unit
    best = np.concatenate([drawn.max(axis=1), -drawn.min(axis=1)])
    if others:
        best = np.maximum(best, _best_of(others, rng.random(len(best))))
    return float(best.mean()) / math.sqrt(len(trials) - 1)


def _best_of(count: int, uniform: F64) -> F64:
    """The largest of so many standard normals, by inversion of its distribution."""
    below_one = np.minimum(uniform ** (1.0 / count), 1.0 - 1e-15)
    return np.array([NORMAL.inv_cdf(u) for u in below_one])


def _varied(trials: F64) -> float:
    """The highest bar that the trials set as they were made, by their number and variance."""
    kept = _without_copies(trials)
    ratios: list[float] = []
    bars = [0.0]
    for column in kept.T:
        deviation = std(column).item()
        ratios.append(float(column.mean()) / deviation if deviation > 0.0 else 0.0)
        if len(ratios) > 1:
            bars.append(expected_max_sharpe(len(ratios), float(np.var(ratios, ddof=1))))
    return max(bars)


def _without_copies(trials: F64) -> F64:
    """The trials without those that are copies of an earlier one, in their order."""
    moved = trials - trials.mean(axis=0)
    size = np.sqrt((moved**2).sum(axis=0))
    unit = np.divide(moved, size, out=np.zeros_like(moved), where=size > 0.0)
    alike = unit.T @ unit
    kept: list[int] = []
    for k in range(trials.shape[1]):
        if not kept or not (alike[k, kept] > COPY).any():
            kept.append(k)
    return np.ascontiguousarray(trials[:, kept])
