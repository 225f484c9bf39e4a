"""The yardstick: every name with a price in equal weights, put right once a month. No skill at all.

What it earns on names that are known to have survived is what any pod that holds them gets for free.
"""

from dataclasses import dataclass

import numpy as np

from podshop.factors import cross_section

FIELDS = ("close",)
WHEN = "month"


@dataclass(frozen=True)
class Params:
    """Size.

    Attributes:
        gross: sum of the weights.
    """

    gross: float = 1.0


def gross(p):
    """As the parameters say."""
    return p.gross


def lookback(p):
    """The row itself."""
    return 1


def wishes(panel, p):
    """Equal weights of what has a price."""
    priced = ~np.isnan(panel.close)
    count_t = np.maximum(priced.sum(axis=1), 1)
    return cross_section.grain(priced * (p.gross / count_t)[:, None], priced)
