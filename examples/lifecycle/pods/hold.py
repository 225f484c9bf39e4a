"""Hold one name with all the capital: the simplest pod there is."""

from dataclasses import dataclass

import numpy as np

from podshop import Panel

FIELDS = ("close",)
WHEN = "month"


@dataclass(frozen=True)
class Params:
    """What to hold.

    Attributes:
        symbol: the name.
    """

    symbol: str = "FALL"


def gross(p: Params) -> float:
    """Everything in one name, never more."""
    return 1.0


def lookback(p: Params) -> int:
    """Today is enough."""
    return 1


def wishes(panel: Panel, p: Params) -> np.ndarray:
    """Wish for the name on every day that it has a price."""
    weights = np.zeros(panel.close.shape)
    column = panel.assets.symbols.index(p.symbol)
    weights[:, column] = np.isfinite(panel.close[:, column])
    return weights
