"""Capital in proportion to the rolling Sharpe ratio of each pod, within floors and caps.

score = max(Sharpe over the window, 0) of the returns above what idle cash earned in the same
nights, else doing nothing would have the best Sharpe of all; shares by the exact capped
projection. A year of daily returns gives a Sharpe with a standard error of about 1.0 (Lo 2002), so
this rule follows noise as readily as skill; it is here because it is the rule of the trade. Until
a pod has a full window, and where no Sharpe is positive, capital is shared equally.
"""

from dataclasses import dataclass

import numpy as np

from podshop.capital.allocation import budget
from podshop.capital.projection import project, redistribute
from podshop.domain.book import HISTORY_DAYS, Book
from podshop.domain.money import F64
from podshop.domain.pod import PodStatus


@dataclass(frozen=True)
class Params:
    """Window and bounds.

    Attributes:
        lookback_days: sessions in the Sharpe window, at most 252.
        min, max: least and largest share of a living pod, fraction of fund NAV.
        cash: share that always stays with the centre, fraction of fund NAV.
    """

    lookback_days: int = 252
    min: float = 0.10
    max: float = 0.40
    cash: float = 0.10

    def __post_init__(self) -> None:
        """Refuse a window that the book does not remember."""
        if not 2 <= self.lookback_days <= HISTORY_DAYS:
            raise ValueError(f"lookback_days must be 2..{HISTORY_DAYS}")


def sharpe(returns_hp: F64) -> F64:
    """Annualised Sharpe ratio of each column.

    mean / standard deviation (ddof 1) * sqrt(252), with a risk-free rate of 0.

    Returns:
        (P,) NaN where a pod never moved.
    """
    spread = returns_hp.std(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spread > 0, returns_hp.mean(axis=0) / spread * np.sqrt(252.0), np.nan)


def shares(book: Book, p: Params) -> F64:
    """Share fund NAV by rolling Sharpe.

    Returns:
        (P,) fractions of fund NAV summing to at most 1 - cash; 0 for pods that are closing or
        closed.
    """
    alive = book.status_p < PodStatus.CLOSING
    scores = np.zeros(len(alive))
    if len(book.returns_hp) >= p.lookback_days:
        excess = book.returns_hp - book.rate_h[:, None]
        scores = np.nan_to_num(sharpe(excess[-p.lookback_days :]))
    low_p, high_p = np.where(alive, p.min, 0.0), np.where(alive, p.max, 0.0)
    share_p = project(scores, low_p, high_p, budget(book, p.cash))
    return redistribute(share_p, book.keep_p, alive, p.max)
