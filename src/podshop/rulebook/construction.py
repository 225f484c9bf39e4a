"""Portfolio construction: the names a strategy holds, at other weights than it wished for.

A construction keeps each name's side and the day's gross, and shares that gross anew. The row of a
day needs the wish of that day and a bounded window of returns, so a pod stays as causal as it was.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from podshop.domain.market import Panel
from podshop.domain.money import F64, Bools
from podshop.domain.pod import Pod
from podshop.factors import cross_section, window

Construction = Literal["as wished", "equal", "inverse volatility"]

VOLATILITY_DAYS = 63
"""Trailing sessions of the volatility that weights are inverse to."""
FEWEST_DAYS = 21
"""Known returns that a volatility needs; a name with fewer is not held."""


def constructed(pod: Pod, how: Construction) -> Pod:
    """The pod with its weights constructed.

    Args:
        pod: a hired pod.
        how: "as wished": its own weights; "equal": the same for every name it holds; "inverse
            volatility": more of what moves less.
    """
    if how == "as wished":
        return pod
    longer = VOLATILITY_DAYS if how == "inverse volatility" else 1
    return replace(
        pod,
        wishes=Constructed(pod.wishes, how),
        lookback_days=max(pod.lookback_days, longer),
        manifest={**pod.manifest, "construction": how},
    )


@dataclass(frozen=True, slots=True)
class Constructed:
    """Wishes of a strategy with its weights constructed.

    Attributes:
        wishes: the strategy's own.
        how: as in `constructed`.
    """

    wishes: Callable[..., F64]
    how: Construction

    def __call__(self, panel: Panel, params: Any, days: Bools | None = None) -> F64:
        """(T, N) weights; arguments as every strategy's."""
        takes_rows = len(inspect.signature(self.wishes).parameters) > 2
        wished = self.wishes(panel, params, *([days] if takes_rows else []))
        if days is not None and len(wished) < len(panel):  # only the rows that are read
            rows, wished = wished, np.zeros(panel.close.shape)
            wished[days] = rows
        share = np.where(wished != 0.0, 1.0, np.nan)
        if self.how == "inverse volatility":
            deviation = window.rolling_std(panel.returns, VOLATILITY_DAYS, FEWEST_DAYS, days)
            share = np.where(
                deviation > 0.0, share / np.where(deviation > 0.0, deviation, 1.0), np.nan
            )
        total_t = cross_section.gross(share)
        gross_t = cross_section.gross(wished)
        scale_t = np.divide(gross_t, total_t, out=np.zeros(len(total_t)), where=total_t > 0.0)
        weights = np.sign(wished) * share * scale_t[:, None]
        return cross_section.grain(weights, ~np.isnan(panel.close))
