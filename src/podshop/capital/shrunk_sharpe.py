"""Capital by what is believed of each pod's Sharpe ratio, its volatility and the correlations.

A measured Sharpe ratio is mostly noise, so it is drawn towards a prior N(m, tau^2) over pods:
S = (m / tau^2 + measured / SE^2) / (1 / tau^2 + 1 / SE^2), with SE^2 = (1 + s^2 / 2) / years and s
the daily ratio (Lo 2002); a year of data weighs a third, the prior two thirds. The scores are the
long-only solution of C^-1 S over the deviation, which is S over volatility where pods are
uncorrelated. Moving capital costs: an allocation goes from the present shares straight towards the
new ones, and stops at the turnover limit. Equal until the window is full; a pod that never moved
counts as the average pod.
"""

from dataclasses import dataclass

import numpy as np

from podshop.capital.bounds import bounds, check, offer, present
from podshop.capital.evidence import (
    YEAR_DAYS,
    check_window,
    correlation,
    deviation,
    long_only,
    score,
)
from podshop.capital.projection import project
from podshop.domain.book import HISTORY_DAYS, Book
from podshop.domain.money import F64


@dataclass(frozen=True)
class Params:
    """Window, prior, turnover and bounds.

    Attributes:
        lookback_days: sessions in the window of returns, at most 252.
        prior: Sharpe ratio a year that a pod is believed to have before it has shown anything.
        spread: standard deviation of true Sharpe ratios over pods; the smaller, the less the
            measured ones count.
        turnover: largest sum of |change| of the shares in one allocation, fraction of fund NAV.
        min, max: least and largest share of a living pod, fraction of fund NAV.
        cash: share that always stays with the centre, fraction of fund NAV.
    """

    lookback_days: int = HISTORY_DAYS
    prior: float = 0.8
    spread: float = 0.7
    turnover: float = 0.20
    min: float = 0.05
    max: float = 0.40
    cash: float = 0.10

    def __post_init__(self) -> None:
        """Refuse a window, prior, turnover or bounds that cannot be."""
        check_window(self.lookback_days)
        check(self.min, self.max, self.cash)
        if not (np.isfinite(self.prior) and self.spread > 0.0 and self.turnover >= 0.0):
            raise ValueError("need a finite prior, spread > 0 and turnover >= 0")


def posterior(sharpe_k: F64, days: int, prior: float, spread: float) -> F64:
    """What is believed of Sharpe ratios after they were measured.

    Args:
        sharpe_k: (K,) measured daily Sharpe ratios.
        days: observations behind them.
        prior: mean of Sharpe ratios a year over pods.
        spread: their standard deviation.

    Returns:
        (K,) posterior means, Sharpe ratios a year.
    """
    known_k = days / YEAR_DAYS / (1.0 + sharpe_k**2 / 2.0)
    believed = 1.0 / spread**2
    measured_k = sharpe_k * np.sqrt(YEAR_DAYS)
    belief_k: F64 = (prior * believed + measured_k * known_k) / (believed + known_k)
    return belief_k


def limited(old_p: F64, new_p: F64, turnover: float) -> F64:
    """Go from old shares straight towards new ones, as far as the turnover allows.

    Both keep their bounds and sum to the same, so every point between does.

    Args:
        old_p: (P,) shares to go from.
        new_p: (P,) shares to go to.
        turnover: largest sum of |change|.

    Returns:
        (P,) shares.
    """
    far = float(np.abs(new_p - old_p).sum())
    return new_p if far <= turnover else old_p + turnover / far * (new_p - old_p)


def shares(book: Book, p: Params) -> F64:
    """Share fund NAV by posterior Sharpe ratio over volatility.

    Returns:
        (P,) fractions of fund NAV summing to at most 1 - cash; 0 for pods that are closing or
        closed.
    """

    def weigh(returns_tk: F64) -> F64:
        spread_k = deviation(returns_tk)
        sharpe_k = returns_tk.mean(axis=0) / spread_k
        believed_k = posterior(sharpe_k, len(returns_tk), p.prior, p.spread)
        return long_only(correlation(returns_tk), believed_k) / spread_k

    within = bounds(book, p.min, p.max, p.cash)
    score_p = score(book, p.lookback_days, weigh)
    share_p = project(score_p, within.low_p, within.high_p, within.total)
    held_p = present(book)
    if held_p.any():
        # What bounds and budget force is no choice: the limit counts from shares that keep them.
        old_p = project(held_p, within.low_p, within.high_p, within.total)
        share_p = limited(old_p, share_p, p.turnover)
    return offer(book, share_p, within)
