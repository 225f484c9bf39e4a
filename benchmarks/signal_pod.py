"""A plain long/short pod for studies: the names with the highest signal against the lowest.

The signal is one of the panel's, so a study knows what is planted in it, if anything. Equal weights,
as much long as short, decided once a month.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.market import Panel
from podshop.domain.money import F64
from podshop.factors import cross_section, window

FIELDS = ("close",)
WHEN = "month"


@dataclass(frozen=True)
class Params:
    """What is ranked and how much is held.

    Attributes:
        signal: name of the panel's signal.
        names: held on each side.
        smooth_days: sessions of the mean that is ranked.
        gross: sum of |weight|.
    """

    signal: str
    names: int = 12
    smooth_days: int = 1
    gross: float = 1.2

    def __post_init__(self) -> None:
        """Refuse what holds nothing."""
        if self.names < 1 or self.smooth_days < 1 or self.gross <= 0.0:
            raise ValueError("names and smooth_days must be at least 1, gross above 0")


def gross(p: Params) -> float:
    """As the parameters say."""
    return p.gross


def lookback(p: Params) -> int:
    """Sessions of the mean."""
    return p.smooth_days


def wishes(panel: Panel, p: Params) -> F64:
    """Long the highest, short the lowest.

    Returns:
        (T, N) fractions of the pod's capital.
    """
    priced = ~np.isnan(panel.close)
    score = panel.signal(p.signal).astype(np.float64)
    if p.smooth_days > 1:
        score = window.rolling_mean(score, p.smooth_days)
    score = np.where(priced, score, np.nan)
    size_t = np.full(len(panel), p.names)
    side = cross_section.top(score, size_t) * 1.0 - cross_section.top(-score, size_t)
    return cross_section.grain(side * (p.gross / (2.0 * p.names)), priced)
