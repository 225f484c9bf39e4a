"""My own pod: hold the names that stand nearest to their highest value of the last year.

    nearness   total-return index / its highest value of the last `days` sessions
    hold       the `names` nearest, equal weights, chosen anew on the first session of each month

A pod is one module. It says what it needs (`FIELDS`, `lookback`), when it speaks (`WHEN`), how much
it may wish for (`gross`), and what it wishes for (`wishes`). Row t may use rows up to t and nothing
later: podshop checks that before the fund runs, by cutting, scrambling and shortening the history.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.market import Panel
from podshop.domain.money import F64

FIELDS = ("close", "index")
"""Columns of the panel that the pod looks at."""

WHEN = "month"
"""The pod speaks on the first session of each month; also "daily", "week", or "change"."""


@dataclass(frozen=True)
class Params:
    """What `params = { ... }` in the fund file can set.

    Attributes:
        days: sessions of the year that the high is taken over.
        names: number of names held.
        invested: share of the pod's capital that is wished for, in all.
    """

    days: int = 252
    names: int = 10
    invested: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot work; the fund file's error names the line."""
        if self.days < 2 or self.names < 1:
            raise ValueError("days must be at least 2 and names at least 1")


def gross(p: Params) -> float:
    """Largest sum of |weight|; to wish for more is an error that stops the fund."""
    return p.invested


def lookback(p: Params) -> int:
    """Rows of history that the last wish depends on."""
    return p.days


def wishes(panel: Panel, p: Params) -> F64:
    """State the weights: one row a session, one column a name, fractions of the pod's capital.

    Args:
        panel: the history known.
        p: the parameters.

    Returns:
        (T, N) weights; 0 where the pod wishes for nothing.
    """
    weights = np.zeros(panel.close.shape)
    for t in range(p.days - 1, len(panel)):
        window = panel.index[t - p.days + 1 : t + 1]
        nearness = window[-1] / window.max(axis=0)  # NaN where the year is not whole
        known = np.flatnonzero(np.isfinite(nearness) & np.isfinite(panel.close[t]))
        nearest = known[np.argsort(-nearness[known], kind="stable")[: p.names]]
        weights[t, nearest] = p.invested / p.names
    return weights
