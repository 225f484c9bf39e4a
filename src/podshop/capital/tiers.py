"""Sharpe tiers: raise the best, keep the good, reduce the weak, cut the poor.

Each pod's present nominal share is multiplied by the factor of its tier: by default above 2.5
raise, 1.5 to 2.5 keep, below 1.5 reduce, below 1.0 cut. The tiers lie within one standard error of
each other (a year of daily returns knows a Sharpe ratio to about 1.0, Lo 2002), and each allocation
multiplies once more on nearly the same evidence: allocate by the quarter rather than by the week,
and let the floor keep a pod in the game. Equal until the window is full.
"""

from dataclasses import dataclass

import numpy as np

from podshop.capital.bounds import bounds, check, present, share_out
from podshop.capital.evidence import YEAR_DAYS, check_window, deviation, window
from podshop.domain.book import HISTORY_DAYS, Book
from podshop.domain.money import F64


@dataclass(frozen=True)
class Params:
    """Window, tiers and bounds.

    Attributes:
        lookback_days: sessions in the Sharpe window, at most 252.
        raise_above, keep_above, cut_below: Sharpe ratios a year: raise above the first, keep from
            the second on, cut below the third, reduce between the second and third.
        raised, reduced, cut: what the present share of a pod in that tier is multiplied by.
        invest_all: True gives what reductions free to all pods in proportion to their new shares;
            False leaves it as cash.
        min, max: least and largest share of a living pod, fraction of fund NAV.
        cash: share that always stays with the centre, fraction of fund NAV.
    """

    lookback_days: int = HISTORY_DAYS
    raise_above: float = 2.5
    keep_above: float = 1.5
    cut_below: float = 1.0
    raised: float = 1.25
    reduced: float = 0.75
    cut: float = 0.5
    invest_all: bool = True
    min: float = 0.10
    max: float = 0.40
    cash: float = 0.10

    def __post_init__(self) -> None:
        """Refuse a window, tiers or bounds that cannot be."""
        check_window(self.lookback_days)
        check(self.min, self.max, self.cash)
        if not self.cut_below <= self.keep_above <= self.raise_above:
            raise ValueError("need cut_below <= keep_above <= raise_above")
        if not 0.0 <= self.cut <= self.reduced <= 1.0 <= self.raised < np.inf:
            raise ValueError("need 0 <= cut <= reduced <= 1 <= raised")


def factors(sharpe_p: F64, p: Params) -> F64:
    """What each Sharpe ratio multiplies a share by.

    Args:
        sharpe_p: (P,) Sharpe ratios a year.
        p: tiers.

    Returns:
        (P,) factors.
    """
    tiers = [sharpe_p > p.raise_above, sharpe_p >= p.keep_above, sharpe_p >= p.cut_below]
    return np.select(tiers, [p.raised, 1.0, p.reduced], p.cut)


def shares(book: Book, p: Params) -> F64:
    """Share fund NAV by tiers, from the present shares.

    Returns:
        (P,) fractions of fund NAV summing to at most 1 - cash; 0 for pods that are closing or
        closed. A pod that never moved has a Sharpe ratio of 0.
    """
    within = bounds(book, p.min, p.max, p.cash)
    held_p = present(book)
    seen = window(book, p.lookback_days)
    if seen is None or not held_p.any():
        return share_out(book, np.ones(len(held_p)), within)
    excess_tp, moved_p = seen
    sharpe_p = np.zeros(len(held_p))
    moving = excess_tp[:, moved_p]
    sharpe_p[moved_p] = moving.mean(axis=0) / deviation(moving) * np.sqrt(YEAR_DAYS)
    wanted_p = held_p * factors(sharpe_p, p)
    return share_out(book, wanted_p, within, no_more=not p.invest_all)
