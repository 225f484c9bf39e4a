"""Hold one fixed fraction of the capital in the first name of the panel, long or short."""

from dataclasses import dataclass

import numpy as np

from podshop import Panel

FIELDS = ("close",)
WHEN = "change"


@dataclass(frozen=True)
class Params:
    """How much to hold.

    Attributes:
        weight: fraction of the pod's capital, negative for short.
    """

    weight: float = 0.0335


def gross(p: Params) -> float:
    """The fraction itself."""
    return abs(p.weight)


def lookback(p: Params) -> int:
    """Today is enough."""
    return 1


def wishes(panel: Panel, p: Params) -> np.ndarray:
    """Wish for the fraction on every day that the name has a price."""
    weights = np.zeros(panel.close.shape)
    weights[:, 0] = np.where(np.isfinite(panel.close[:, 0]), p.weight, 0.0)
    return weights
