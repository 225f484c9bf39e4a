"""The beta limit: how far a pod may move with the market.

The market is the mean of all names that have a price, the beta that of each name's daily returns on
it over the trailing window, estimated at the close of the decision.
"""

from dataclasses import dataclass

from podshop.domain.rules import Caps


@dataclass(frozen=True)
class Params:
    """The cap.

    Attributes:
        max: largest |sum of weight x beta| of a pod, fraction of its capital in use.
        days: sessions in the trailing estimate.
    """

    max: float = 0.10
    days: int = 252

    def __post_init__(self) -> None:
        """Refuse what is no cap, and a window that says nothing."""
        if not self.max > 0 or self.days < 60:
            raise ValueError("max must be positive, days 60 or more")


def cap(p: Params) -> Caps:
    """State the cap and its window."""
    return Caps(beta=p.max, beta_days=p.days)
