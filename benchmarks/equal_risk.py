"""Long everything at equal risk, always: the managed futures pod with no opinion, to compare with.

Carver's strategy four: each name's average position, as if every forecast were 10. Same shares,
multiplier, volatility target and costs; no trend.
"""

import numpy as np

from podshop.domain.market import Panel
from podshop.domain.money import F64
from podshop.factors import cross_section
from podshop.pods import managed_futures
from podshop.pods.managed_futures import Params

__all__ = ["FIELDS", "WHEN", "Params", "gross", "lookback", "wishes"]

FIELDS = managed_futures.FIELDS
WHEN = "week"

gross = managed_futures.gross
lookback = managed_futures.lookback


def wishes(panel: Panel, p: Params) -> F64:
    """(T, N) average positions, once a week, within the gross."""
    _, average = managed_futures.targets(panel, p)
    weights = cross_section.scale(np.nan_to_num(average), p.gross)
    return cross_section.grain(weights, ~np.isnan(panel.close))
