"""The ticker limit: the largest share of fund NAV in one name across all pods, after netting."""

from dataclasses import dataclass

from podshop.domain.rules import Caps


@dataclass(frozen=True)
class Params:
    """The cap.

    Attributes:
        max: the largest share of fund NAV in one name across all pods, after netting, as a
            fraction.
    """

    max: float = 0.03

    def __post_init__(self) -> None:
        """Refuse a cap that is not positive."""
        if not self.max > 0:
            raise ValueError("max must be positive")


def cap(p: Params) -> Caps:
    """State the cap."""
    return Caps(ticker=p.max)
