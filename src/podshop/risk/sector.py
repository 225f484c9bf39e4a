"""The sector limit: the largest share of a pod's capital in one sector, each side by itself."""

from dataclasses import dataclass

from podshop.domain.rules import Caps


@dataclass(frozen=True)
class Params:
    """The cap.

    Attributes:
        max: the largest share of a pod's capital in one sector, long and short side each, as a
            fraction.
    """

    max: float = 0.20

    def __post_init__(self) -> None:
        """Refuse a cap that is not positive."""
        if not self.max > 0:
            raise ValueError("max must be positive")


def cap(p: Params) -> Caps:
    """State the cap."""
    return Caps(sector=p.max)
