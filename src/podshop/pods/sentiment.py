"""Hold the names with the best news and sell those with the worst.

Economics: prices take days to take in what is written, most of all bad news about names that few
follow (Tetlock, Saar-Tsechansky, Macskassy 2008, Journal of Finance 63). Fails where news follows
the price, and where costs exceed the drift.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.market import Panel
from podshop.domain.money import F64
from podshop.factors import cross_section

FIELDS = ("close", "signals.sentiment")
WHEN = "week"


@dataclass(frozen=True)
class Params:
    """Threshold and size.

    Attributes:
        least: smallest |score| that counts, 0..1.
        gross: largest sum of |weight|.
    """

    least: float = 0.05
    gross: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what never opens or has no size."""
        if not 0.0 <= self.least < 1.0:
            raise ValueError("least must lie in [0, 1)")
        if self.gross <= 0.0:
            raise ValueError("gross must be above 0")


def gross(p: Params) -> float:
    """As the parameters say."""
    return p.gross


def lookback(p: Params) -> int:  # noqa: ARG001 - every pod is asked with its parameters
    """The row itself: the score carries its own past."""
    return 1


def wishes(panel: Panel, p: Params) -> F64:
    """Long what scores well and short what scores badly, in proportion, within the gross.

    Returns:
        (T, N) fractions of the pod's capital.

    Raises:
        DataError: the panel has no signal "sentiment".
    """
    score = np.nan_to_num(panel.signal("sentiment").astype(np.float64))
    priced = ~np.isnan(panel.close)
    counts = priced & (np.abs(score) >= p.least)
    return cross_section.grain(cross_section.scale(np.where(counts, score, 0.0), p.gross), priced)
