"""The least variance: capital to the calm pods, and to those that calm the others.

min w'Sigma w with w >= 0 and a fixed sum (Markowitz 1952), on shrunk correlations. Up to its scale,
which the budget gives, that is the long-only answer to max 1'w - w'Sigma w / 2. Equal until the
window is full; a pod that never moved counts as the average pod. Floors and caps are kept by the
projection, which shares what they leave in proportion to w.
"""

from dataclasses import dataclass

from podshop.capital.bounds import bounds, check, share_out
from podshop.capital.evidence import check_window, correlation, deviation, long_only, score
from podshop.domain.book import Book
from podshop.domain.money import F64


@dataclass(frozen=True)
class Params:
    """Window and bounds.

    Attributes:
        lookback_days: sessions in the window of correlations and volatility, at most 252.
        min, max: least and largest share of a living pod, fraction of fund NAV. A pod without
            capital has no returns: without a floor it has no way back.
        cash: share that always stays with the centre, fraction of fund NAV.
    """

    lookback_days: int = 126
    min: float = 0.05
    max: float = 0.40
    cash: float = 0.10

    def __post_init__(self) -> None:
        """Refuse a window or bounds that cannot be."""
        check_window(self.lookback_days)
        check(self.min, self.max, self.cash)


def weights(correlation_kk: F64, deviation_k: F64) -> F64:
    """Weights of least variance.

    Args:
        correlation_kk: (K, K) positive definite correlations.
        deviation_k: (K,) standard deviations, > 0.

    Returns:
        (K,) weights >= 0 that sum to 1.

    Raises:
        SolverError: the active set did not come to rest.
    """
    calm = deviation_k.min()
    held_k = long_only(correlation_kk, calm / deviation_k) / deviation_k
    weight_k: F64 = held_k / held_k.sum()
    return weight_k


def shares(book: Book, p: Params) -> F64:
    """Share fund NAV by least variance.

    Returns:
        (P,) fractions of fund NAV summing to at most 1 - cash; 0 for pods that are closing or
        closed.
    """

    def weigh(returns_tk: F64) -> F64:
        return weights(correlation(returns_tk), deviation(returns_tk))

    score_p = score(book, p.lookback_days, weigh)
    return share_out(book, score_p, bounds(book, p.min, p.max, p.cash))
