"""Capital in inverse proportion to each pod's volatility, so that each alone risks the same.

score = 1 / standard deviation of the returns above idle cash over the window: risk parity where
all correlations are equal (Maillard, Roncalli and Teiletche 2010). Equal until the window is full;
a pod that never moved counts as the average pod.
"""

from dataclasses import dataclass

from podshop.capital.bounds import bounds, check, share_out
from podshop.capital.evidence import check_window, deviation, score
from podshop.domain.book import Book
from podshop.domain.money import F64


@dataclass(frozen=True)
class Params:
    """Window and bounds.

    Attributes:
        lookback_days: sessions in the window of volatility, at most 252.
        min, max: least and largest share of a living pod, fraction of fund NAV.
        cash: share that always stays with the centre, fraction of fund NAV.
    """

    lookback_days: int = 126
    min: float = 0.0
    max: float = 0.40
    cash: float = 0.10

    def __post_init__(self) -> None:
        """Refuse a window or bounds that cannot be."""
        check_window(self.lookback_days)
        check(self.min, self.max, self.cash)


def shares(book: Book, p: Params) -> F64:
    """Share fund NAV by inverse volatility.

    Returns:
        (P,) fractions of fund NAV summing to at most 1 - cash; 0 for pods that are closing or
        closed.
    """
    score_p = score(book, p.lookback_days, lambda returns_tk: 1.0 / deviation(returns_tk))
    return share_out(book, score_p, bounds(book, p.min, p.max, p.cash))
