"""A fraction of Kelly: what would make capital grow fastest, and then half of it.

Full Kelly is Sigma^-1 mu (Kelly 1956; Thorp 2006), long only here, on shrunk correlations and
Sharpe ratios. The ratios are drawn towards their common one as far as their noise warrants (the
Bayes-Stein estimator of Jorion 1986, on standardised returns), so that a lucky year does not take
all. Half of Kelly keeps three quarters of the growth at half the volatility. Where that is less
than the budget, the rest stays cash; where it is more, all is scaled down. Equal until the window
is full; a pod that never moved has shown nothing and gets the floor.
"""

from dataclasses import dataclass

import numpy as np

from podshop.capital.bounds import bounds, check, share_out
from podshop.capital.evidence import (
    check_window,
    correlation,
    deviation,
    long_only,
    on_grid,
    window,
)
from podshop.domain.book import HISTORY_DAYS, Book
from podshop.domain.money import F64


@dataclass(frozen=True)
class Params:
    """Window, fraction and bounds.

    Attributes:
        lookback_days: sessions in the window of returns, at most 252.
        fraction: of full Kelly, above 0 and at most 1.
        shrink: draw the Sharpe ratios together as far as their noise warrants.
        min, max: least and largest share of a living pod, fraction of fund NAV. A pod without
            capital has no returns: without a floor it has no way back.
        cash: share that always stays with the centre, fraction of fund NAV.
    """

    lookback_days: int = HISTORY_DAYS
    fraction: float = 0.5
    shrink: bool = True
    min: float = 0.05
    max: float = 0.40
    cash: float = 0.10

    def __post_init__(self) -> None:
        """Refuse a window, fraction or bounds that cannot be."""
        check_window(self.lookback_days)
        check(self.min, self.max, self.cash)
        if not 0.0 < self.fraction <= 1.0:
            raise ValueError(f"fraction must be above 0 and at most 1, not {self.fraction}")


def drawn_together(sharpe_k: F64, correlation_kk: F64, days: int) -> F64:
    """Sharpe ratios drawn towards the one of the least risky mix (Jorion 1986, eq. 17).

    Args:
        sharpe_k: (K,) daily Sharpe ratios.
        correlation_kk: (K, K) positive definite correlations.
        days: observations behind them.

    Returns:
        (K,) (1 - v) s + v s0 with v = (K + 2) / (K + 2 + days (s - s0)' C^-1 (s - s0)).
    """
    pods = len(sharpe_k)
    inverse = np.linalg.solve(correlation_kk, np.column_stack((np.ones(pods), sharpe_k)))
    common = float(inverse[:, 1].sum() / inverse[:, 0].sum())
    apart = sharpe_k - common
    distance = days * float(apart @ np.linalg.solve(correlation_kk, apart))
    v = (pods + 2.0) / (pods + 2.0 + distance)
    return (1.0 - v) * sharpe_k + v * common


def targets(returns_tk: F64, fraction: float, shrink: bool) -> F64:
    """Capital that a fractional Kelly investor gives to each pod, without bounds but long only.

    Args:
        returns_tk: (T, K) returns above idle cash of pods that moved.
        fraction: of full Kelly.
        shrink: draw the Sharpe ratios together first.

    Returns:
        (K,) fractions of the capital, >= 0; their sum may be far above 1.
    """
    spread_k, correlation_kk = deviation(returns_tk), correlation(returns_tk)
    sharpe_k = returns_tk.mean(axis=0) / spread_k
    if shrink:
        sharpe_k = drawn_together(sharpe_k, correlation_kk, len(returns_tk))
    return fraction * long_only(correlation_kk, sharpe_k) / spread_k


def shares(book: Book, p: Params) -> F64:
    """Share fund NAV by a fraction of Kelly.

    Returns:
        (P,) fractions of fund NAV summing to at most 1 - cash; 0 for pods that are closing or
        closed.
    """
    within = bounds(book, p.min, p.max, p.cash)
    seen = window(book, p.lookback_days)
    if seen is None:
        return share_out(book, np.ones(len(book.status_p)), within)
    excess_tp, moved_p = seen
    target_p = np.zeros(len(moved_p))
    if moved_p.any():
        target_p[moved_p] = on_grid(targets(excess_tp[:, moved_p], p.fraction, p.shrink))
    return share_out(book, target_p, within, no_more=True)
