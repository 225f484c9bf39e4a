"""The exact capped projection: scores into shares that respect floors, caps and the budget.

Clipping and then renormalising breaks the very bounds it clipped to. Here
w_i = clip(lambda * s_i, lo_i, hi_i) with the one lambda for which the shares sum to the budget: the
score ratio is kept between pods that no bound touches, and w is the KL projection of the scores on
{sum w = total, lo <= w <= hi}. Source: the water-filling solution of the KL problem; the sum is
piecewise linear and non-decreasing in lambda, so it is solved on its breakpoints, without
iteration.
"""

import numpy as np
import numpy.typing as npt

from podshop.domain.money import F64, Bools


def project(scores: npt.ArrayLike, lo: npt.ArrayLike, hi: npt.ArrayLike, total: float) -> F64:
    """Share `total` in proportion to scores within bounds.

    Args:
        scores: (P,) any floats; negative, infinite and NaN count as 0. Where no score is
            positive, all count equal.
        lo: (P,) floors >= 0.
        hi: (P,) caps >= lo; 0 excludes a pod (terminated).
        total: budget, e.g. 0.9 of the NAV. A scalar `lo` or `hi` holds for every pod.

    Returns:
        (P,) shares with lo <= w <= hi and sum(w) = min(total, sum(hi)): what cannot be placed under
        the caps stays unplaced (cash). If the floors alone exceed the budget they are scaled down
        to it.

    Raises:
        ValueError: bounds are negative, crossed or not finite, or the total is negative.
    """
    s = np.nan_to_num(np.asarray(scores, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    s = np.maximum(s, 0.0)
    low = np.broadcast_to(np.asarray(lo, dtype=np.float64), s.shape).copy()
    high = np.broadcast_to(np.asarray(hi, dtype=np.float64), s.shape).copy()
    if not (np.isfinite(low).all() and np.isfinite(high).all() and np.isfinite(total)):
        raise ValueError("floors, caps and total must be finite")
    if total < 0 or (low < 0).any() or (high < low).any():
        raise ValueError("need 0 <= floor <= cap for every pod and total >= 0")
    if high.sum() <= total:
        return high
    if low.sum() >= total:
        return low * (total / low.sum()) if low.sum() > 0 else low
    s = np.where(high > 0, s, 0.0)
    if not (s > 0).any():
        s = (high > 0).astype(np.float64)
    scored = s > 0
    w = low.copy()
    room = total - float(low[~scored].sum())
    if float(high[scored].sum()) <= room:
        # Every scored pod is at its cap: the rest goes to the others, equally, within their caps.
        w[scored] = high[scored]
        rest = total - float(high[scored].sum())
        equal = (high[~scored] > 0).astype(np.float64)
        w[~scored] = _proportional(equal, low[~scored], high[~scored], rest)
        return w
    w[scored] = _proportional(s[scored], low[scored], high[scored], room)
    return w


def _proportional(s: F64, low: F64, high: F64, total: float) -> F64:
    """Solve sum(clip(lambda * s, low, high)) = total.

    Needs s > 0 where high > 0, and low.sum() <= total <= high.sum().
    """
    scale = s.max()
    if not scale > 0:
        return low
    s = s / scale
    free = s > 0
    points = np.unique(np.concatenate((low[free] / s[free], high[free] / s[free])))
    sums = np.clip(points[:, None] * s, low, high).sum(axis=1)
    k = int(np.searchsorted(sums, total))
    if k == 0:
        return _shares(points[0], s, low, high)
    left = points[k - 1]
    k = min(k, len(points) - 1)
    middle = 0.5 * (left + points[k])
    at = _shares(middle, s, low, high)
    moving = free & (middle * s > low) & (middle * s < high)
    fixed = float(at[~moving].sum())
    if not moving.any():
        return _shares(points[k], s, low, high)
    return np.where(moving, _shares((total - fixed) / s[moving].sum(), s, low, high), at)


def _shares(level: float, s: F64, low: F64, high: F64) -> F64:
    """The shares at one lambda."""
    shares: F64 = np.clip(level * s, low, high)
    return shares


def redistribute(shares: F64, keep_p: F64, alive_p: Bools, most: float) -> F64:
    """Offer what cuts leave unused to the pods without a cut, in proportion, up to `most` each.

    Args:
        shares: (P,) nominal shares.
        keep_p: (P,) share of its nominal capital that the ladder leaves each pod.
        alive_p: (P,) pods that may hold capital.
        most: cap on a single share.

    Returns:
        (P,) nominal shares; those of cut pods are unchanged.
    """
    whole = alive_p & (keep_p >= 1.0)
    freed = float((shares * (1.0 - keep_p))[alive_p].sum())
    if freed <= 0.0 or not whole.any():
        return shares
    result = shares.copy()
    mine = shares[whole]
    result[whole] = project(mine, mine, np.maximum(mine, most), float(mine.sum()) + freed)
    return result
