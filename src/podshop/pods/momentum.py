"""Hold the names that rose most over the past year, last month left out.

Economics: investors react slowly to news and follow each other, so winners of the past 3 to 12
months go on winning (Jegadeesh, Titman 1993, Journal of Finance 48); within a month the opposite
holds (Jegadeesh 1990, Journal of Finance 45), which is why the last month counts against a name.
The rule is Quant Science's QSMOM:

1 score = ROC(slow) - ROC(fast), rates of change of the total-return index: 252 less 21 sessions
2 hold the best names, as many as `names`, at most `share` of those with a score, in equal weights

Fails when the market turns: after a crash the losers it does not hold rebound hardest (March 2009).
Long only, so it falls with the market; a fund's other pods must carry that.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.market import Panel
from podshop.domain.money import F64, Bools
from podshop.factors import cross_section, window

FIELDS = ("index", "close")
WHEN = "month"


@dataclass(frozen=True)
class Params:
    """What counts as momentum, and how many names to hold.

    Attributes:
        slow_days: sessions of the long rate of change.
        fast_days: sessions of the short rate of change, which is taken off.
        names: names to hold at most.
        share: largest share of the names with a score to hold, so that 20 names give 5.
        gross: sum of the weights.
    """

    slow_days: int = 252
    fast_days: int = 21
    names: int = 20
    share: float = 0.25
    gross: float = 1.0

    def __post_init__(self) -> None:
        """Refuse windows that are not one inside the other."""
        if not 1 <= self.fast_days < self.slow_days:
            raise ValueError("fast_days must be at least 1 and less than slow_days")
        if self.names < 1 or not 0.0 < self.share <= 1.0 or self.gross <= 0.0:
            raise ValueError("names must be at least 1, share in (0, 1], gross above 0")


def gross(p: Params) -> float:
    """As the parameters say."""
    return p.gross


def lookback(p: Params) -> int:
    """The long rate of change needs the index `slow_days` rows ago."""
    return p.slow_days + 1


def wishes(panel: Panel, p: Params, days: Bools | None = None) -> F64:
    """Equal weights of the names with the best score.

    Args:
        panel: history.
        p: parameters.
        days: (T,) rows that will be read. None = all.

    Returns:
        (K, N) fractions of the pod's capital, a row for each that will be read.
    """
    count = len(panel) if days is None else np.count_nonzero(days)
    weights = np.zeros((count, panel.close.shape[1]))
    at = window.asked(days, len(panel), p.slow_days)
    now = panel.index[at]
    score = now / panel.index[at - p.slow_days] - now / panel.index[at - p.fast_days]
    priced = ~np.isnan(panel.close[at])
    score[~priced] = np.nan
    known_t = cross_section.known(score)
    size_t = np.clip((known_t * p.share).astype(np.int64), np.minimum(known_t, 1), p.names)
    held = cross_section.top(score, size_t)
    weights[count - len(at) :] = cross_section.grain(
        held * (p.gross / np.maximum(size_t, 1))[:, None], priced
    )
    return weights
