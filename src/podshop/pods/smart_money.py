"""Go with the informed: insiders, large holders, option buyers, short sellers, surprises.

Economics: those who know more trade before prices tell (Lakonishok, Lee 2001, Review of Financial
Studies 14; Boehmer, Jones, Zhang 2008, Journal of Finance 63). The formula of the score is in
docs/concepts/alternative-data.md. Fails when disclosure comes late or everybody reads it.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.market import Panel
from podshop.domain.money import F64
from podshop.factors import cross_section

FIELDS = ("close", "signals.smart_money")
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
        DataError: the panel has no signal "smart_money".
    """
    score = np.nan_to_num(panel.signal("smart_money").astype(np.float64))
    priced = ~np.isnan(panel.close)
    counts = priced & (np.abs(score) >= p.least)
    return cross_section.grain(cross_section.scale(np.where(counts, score, 0.0), p.gross), priced)
