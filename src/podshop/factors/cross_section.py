"""Cross-sections: what one day's numbers say about each name beside the others.

Every function takes (T, N) and treats each row by itself; NaN is left out and given back in place.
"""

import numpy as np

from podshop.domain.money import F64, I64, Bools
from podshop.factors import by_row, window


def winsorise(x: F64, limit: float) -> F64:
    """Pull values beyond +-limit back to it."""
    return np.clip(x, -limit, limit)


def winsorise_tails(x: F64, share: float) -> F64:
    """Pull the lowest and the highest values of each row back to its quantiles.

    Args:
        x: (T, N).
        share: of the known values at either end, in [0, 0.5); the quantiles are interpolated
            linearly between neighbours, as numpy's are.

    Returns:
        (T, N), NaN where x is.

    Raises:
        ValueError: the share is not one.
    """
    if not 0.0 <= share < 0.5:
        raise ValueError(f"share must be in [0, 0.5), not {share}")
    low_t, high_t = _quantiles(x, (share, 1.0 - share))
    return np.clip(x, low_t[:, None], high_t[:, None])


def buckets(x: F64, count: int) -> I64:
    """Number of the quantile in which each value of a row lies.

    Args:
        x: (T, N) scores.
        count: quantiles to make.

    Returns:
        (T, N) 0 (lowest) to count - 1 by rank; equal values lie in the same one; -1 for NaN.
    """
    ranks = rank(x)
    out: I64 = np.where(np.isnan(ranks), -1.0, np.floor(ranks * count)).astype(np.int64)
    return out


def _quantiles(x: F64, shares: tuple[float, ...]) -> tuple[F64, ...]:
    """(T,) quantiles of each row's known values, linear between neighbours; NaN of none."""
    ordered = np.sort(x, axis=1)  # NaN comes last
    last_t = (~np.isnan(x)).sum(axis=1) - 1
    rows = np.arange(len(x))
    made = []
    for share in shares:
        place_t = np.maximum(last_t, 0) * share
        below_t = place_t.astype(np.int64)
        low_t = ordered[rows, below_t]
        high_t = ordered[rows, np.minimum(below_t + 1, np.maximum(last_t, 0))]
        made.append(low_t + (place_t - below_t) * (high_t - low_t))
    return tuple(made)


def zscore(x: F64) -> F64:
    """Distance from the row's mean in standard deviations (ddof 1); 0 where all are equal."""
    out = np.empty(x.shape)
    window.zscore_nb(window.dense(x), out)
    return out


def rank(x: F64) -> F64:
    """Rank within the row, ascending, as (rank - 1/2) / count; equal values share their rank."""
    out = np.full(x.shape, np.nan)
    window.rank_nb(window.dense(x), out)
    return out


def mean(x: F64) -> F64:
    """(T,) mean of each row's known values; NaN where there are none."""
    out = np.empty(len(x))
    window.mean_nb(window.dense(x), out)
    return out


def gross(x: F64) -> F64:
    """(T,) sum of |known values| of each row."""
    out = np.empty(len(x))
    window.abs_sum_nb(window.dense(x), out)
    return out


def neutralise(x: F64, sector_n: I64, beta: F64 | None = None) -> F64:
    """What is left of each row after sectors, and beta, have explained what they can.

    Args:
        x: (T, N) scores.
        sector_n: (N,) sector number of each name.
        beta: (T, N), or None to neutralise sectors only.

    Returns:
        (T, N) residuals of the least-squares fit: they sum to 0 in every sector, and their product
        with beta sums to 0. A name alone in its sector gets 0; without score or beta, NaN.
    """
    out = np.full(x.shape, np.nan)
    flat = window.dense(np.zeros(x.shape) if beta is None else beta)
    window.neutralise_nb(window.dense(x), sector_n, int(sector_n.max()) + 1, flat, out)
    return out


def peers(x: F64, sector_n: I64, least: int) -> F64:
    """Mean of the other names of the same sector that day.

    Args:
        x: (T, N) returns.
        sector_n: (N,) sector number of each name.
        least: others that a sector needs; with fewer, all other names are the peers.
    """
    out = np.full(x.shape, np.nan)
    window.peers_nb(window.dense(x), sector_n, int(sector_n.max()) + 1, least, out)
    return out


def known(x: F64) -> I64:
    """(T,) known values of each row."""
    known_t: I64 = by_row.known_nb(window.dense(x))
    return known_t


def top(score: F64, size_t: I64) -> Bools:
    """Mark the best names of each row; of equal scores the first name wins.

    Args:
        score: (T, N); NaN is never chosen.
        size_t: (T,) names to mark.
    """
    out = np.zeros(score.shape, dtype=np.bool_)
    window.top_nb(window.dense(score), size_t, int(size_t.max(initial=1)), out)
    return out


def scale(x: F64, limit: float, always: bool = False) -> F64:
    """Shrink each row to a gross of at most `limit`; with `always`, stretch it too.

    Args:
        x: (T, N) raw weights, NaN for none.
        limit: largest sum of |weight|.
        always: give every row with any weight exactly this gross.
    """
    total_t = gross(x)
    if not always:
        total_t = np.maximum(total_t, limit)
    factor_t = np.divide(limit, total_t, out=np.zeros(len(x)), where=total_t > 0.0)
    return x * factor_t[:, None]


def grain(weights: F64, priced: Bools) -> F64:
    """Turn raw weights into wishes: 0 where there is no price, whole multiples of 2**-20 elsewhere.

    A multiple of 2**-20 below 16 is exact in float32, in which wishes are stored, and sums of such
    numbers are exact in any order. So a pod says the same in a backtest and live, for any number of
    threads, and its gross is compared without a tolerance. Rounding is towards zero, which can only
    lower the gross.

    Args:
        weights: (T, N) fractions of the pod's capital, NaN for none.
        priced: (T, N) True where there is a price.
    """
    wishes: F64 = by_row.grain_nb(window.dense(weights), np.ascontiguousarray(priced))
    return wishes
