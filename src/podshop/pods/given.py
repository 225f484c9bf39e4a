"""Hold the weights that another program made: a file, or a run of another engine.

Economics: none of its own; they are those of whoever made the weights. What the file knew when is
its maker's word: cards and journal show that a row is never used before its date and never changes
afterwards, not that the maker did not look ahead. Fails like its maker.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.domain.money import F64
from podshop.factors import cross_section

FIELDS = ("close", "signals.weights")
WHEN = "change"


@dataclass(frozen=True)
class Params:
    """Whose weights, how late, and how much.

    Attributes:
        feed: name of the weights in `feeds` of the fund file's `[market]`.
        lag_days: sessions to wait after a row's own; 1 where a date is that of the next morning's
            data, not of the close that the weights were made at.
        gross: largest sum of |weight|; rows that come to more are scaled down as a whole.
    """

    feed: str = "weights"
    lag_days: int = 0
    gross: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no name, and what looks ahead."""
        if not self.feed.isidentifier():
            raise ValueError("feed must be a name, like weights")
        if self.lag_days < 0:
            raise ValueError("lag_days must be at least 0: a row cannot be used before its date")
        if self.gross <= 0.0:
            raise ValueError("gross must be above 0")


def gross(p: Params) -> float:
    """As the parameters say."""
    return p.gross


def lookback(p: Params) -> int:
    """The row itself and those to wait for."""
    return 1 + p.lag_days


def wishes(panel: Panel, p: Params) -> F64:
    """The weights that stood `lag_days` sessions ago.

    Returns:
        (T, N) fractions of the pod's capital.

    Raises:
        DataError: the fund file names no such feed, or it has decisions, whose stops nobody
            would watch here.
    """
    if p.feed not in panel.signals:
        raise DataError(
            f'no feed "{p.feed}": name the file of weights in the fund file, '
            f'[market] feeds = {{ {p.feed} = "weights.csv" }}'
        )
    if f"{p.feed}.stop" in panel.signals:
        raise DataError(
            f'feed "{p.feed}" has decisions, not weights; take strategy = "discretionary" for it'
        )
    weight = np.zeros(panel.close.shape)
    seen = len(panel) - p.lag_days
    if seen > 0:
        weight[p.lag_days :] = np.nan_to_num(panel.signals[p.feed][:seen].astype(np.float64))
    priced = ~np.isnan(panel.close)
    return cross_section.grain(cross_section.scale(np.where(priced, weight, 0.0), p.gross), priced)
