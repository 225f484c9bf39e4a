"""The volatility limit: a pod's ex-ante volatility stays under what its ladder can bear.

A pod of Sharpe 1 whose volatility is not below its termination level / 1.5 is fired by noise: with
10 % volatility and termination at 7.5 %, one good pod in four is gone within a year. So wishes are
scaled down until their trailing volatility fits.
"""

from dataclasses import dataclass

from podshop.domain.rules import Caps


@dataclass(frozen=True)
class Params:
    """The cap.

    Attributes:
        max: largest volatility a year, fraction of the pod's capital in use (10 % termination /
            1.5).
        days: sessions in the trailing estimate.
    """

    max: float = 0.0667
    days: int = 63

    def __post_init__(self) -> None:
        """Refuse a cap or window that cannot work."""
        if not self.max > 0 or self.days < 20:
            raise ValueError("max must be positive and days at least 20")


def cap(p: Params) -> Caps:
    """State the cap."""
    return Caps(volatility=p.max, volatility_days=p.days)
