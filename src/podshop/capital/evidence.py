"""What the returns of the pods say: who moved, how correlated, how far from noise.

Returns are above what idle cash earned in the same nights. Covariances are kept as correlations
and deviations, so that pods of very different volatility are measured equally well.
"""

from collections.abc import Callable

import numpy as np

from podshop.domain.book import HISTORY_DAYS, Book
from podshop.domain.error import SolverError
from podshop.domain.money import F64, Bools
from podshop.domain.pod import PodStatus

YEAR_DAYS = 252.0
"""Sessions a year."""

STILL = 1e-9
"""Daily deviation up to which a pod counts as one that never moved: rounding, not risk."""

GRID = 2.0**30
"""Scores are whole multiples of 1 / GRID: linear algebra on more threads, or another machine, sums
in another order, and capital must not differ by a micro for that."""

LEAST_SHRINKAGE = 1e-6
"""Keeps the correlation matrix of copies of one pod invertible."""


def check_window(lookback_days: int) -> None:
    """Refuse a window that the book does not remember.

    Raises:
        ValueError: fewer than 2 sessions or more than the book's history.
    """
    if not 2 <= lookback_days <= HISTORY_DAYS:
        raise ValueError(f"lookback_days must be 2..{HISTORY_DAYS}")


def window(book: Book, lookback_days: int) -> tuple[F64, Bools] | None:
    """The returns of the window, and the living pods that moved in it.

    Args:
        book: the book at the close.
        lookback_days: sessions in the window.

    Returns:
        (T, P) returns above idle cash and (P,) who moved; None until the window is full.
    """
    if len(book.returns_hp) < lookback_days:
        return None
    excess_tp = (book.returns_hp - book.rate_h[:, None])[-lookback_days:]
    moved_p = (book.status_p < PodStatus.CLOSING) & (excess_tp.std(axis=0) > STILL)
    return excess_tp, moved_p


def score(book: Book, lookback_days: int, weigh: Callable[[F64], F64]) -> F64:
    """Score the pods that moved; one that never did counts as their average.

    Args:
        book: the book at the close.
        lookback_days: sessions in the window.
        weigh: (T, K) returns above idle cash of the pods that moved -> (K,) scores >= 0.

    Returns:
        (P,) scores; all equal until the window is full, and where nobody moved.
    """
    score_p = np.ones(len(book.status_p))
    seen = window(book, lookback_days)
    if seen is None or not seen[1].any():
        return score_p
    excess_tp, moved_p = seen
    weight_k = weigh(excess_tp[:, moved_p])
    total = float(weight_k.sum())
    weight_k = on_grid(weight_k / total) if total > 0.0 else weight_k
    score_p[:] = weight_k.mean()
    score_p[moved_p] = weight_k
    return score_p


def on_grid(share: F64) -> F64:
    """Shares rounded to the grid of scores."""
    rounded: F64 = np.rint(share * GRID) / GRID
    return rounded


def deviation(returns_tk: F64) -> F64:
    """(K,) daily standard deviations, ddof 1."""
    spread: F64 = returns_tk.std(axis=0, ddof=1)
    return spread


def correlation(returns_tk: F64) -> F64:
    """Correlations, shrunk towards none as far as their noise warrants.

    (1 - s) C + s I with the s that minimises the expected squared error: the estimator of Ledoit
    and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices" (2004), on
    standardised returns.

    Args:
        returns_tk: (T, K) returns of pods that moved.

    Returns:
        (K, K) positive definite, ones on the diagonal.
    """
    days, pods = returns_tk.shape
    z = (returns_tk - returns_tk.mean(axis=0)) / returns_tk.std(axis=0)
    sample = z.T @ z / days
    apart = float(((sample - np.eye(pods)) ** 2).sum())
    squared = z**2
    noise = float((squared.T @ squared / days - sample**2).sum()) / days
    share = min(1.0, max(noise / apart, LEAST_SHRINKAGE)) if apart > 0.0 else 1.0
    shrunk: F64 = (1.0 - share) * sample
    np.fill_diagonal(shrunk, 1.0)  # free of rounding
    return shrunk


def long_only(correlation_kk: F64, sharpe_k: F64) -> F64:
    """The bets of a long-only investor: max s'y - y'Cy / 2 with y >= 0.

    Where no bound binds this is C^-1 s. Active set: bring in the pod with the steepest gain, solve
    among those in, and drop whoever would be negative (Lawson and Hanson 1974, ch. 23, on the
    normal equations as Bro and de Jong 1997).

    Args:
        correlation_kk: (K, K) positive definite correlations.
        sharpe_k: (K,) Sharpe ratios.

    Returns:
        (K,) bets in units of risk, >= 0; divide by the deviation for capital.

    Raises:
        SolverError: the active set did not come to rest.
    """
    pods = len(sharpe_k)
    bet_k, inside = np.zeros(pods), np.zeros(pods, dtype=np.bool_)
    tolerance = 1e-12 * max(1.0, float(np.abs(sharpe_k).max(initial=0.0)))
    for _ in range(10 * pods + 10):
        gain_k = np.where(inside, -np.inf, sharpe_k - correlation_kk @ bet_k)
        if not (gain_k > tolerance).any():
            return bet_k
        inside[int(np.argmax(gain_k))] = True
        bet_k = _settled(correlation_kk, sharpe_k, bet_k, inside)
    raise SolverError(f"long-only bets among {pods} pods did not come to rest")


def _settled(correlation_kk: F64, sharpe_k: F64, bet_k: F64, inside: Bools) -> F64:
    """Solve among the pods inside, and step back from the first bet that would turn negative."""
    while True:
        at = np.flatnonzero(inside)
        solved_k = np.zeros(len(bet_k))
        solved_k[at] = np.linalg.solve(correlation_kk[np.ix_(at, at)], sharpe_k[at])
        below = inside & (solved_k <= 0.0)
        if not below.any():
            return solved_k
        step = float((bet_k[below] / (bet_k[below] - solved_k[below])).min())
        bet_k = np.maximum(bet_k + step * (solved_k - bet_k), 0.0)
        inside &= ~(below & (bet_k <= 1e-15))
        bet_k[~inside] = 0.0
