"""The leverage limit: the fund's netted positions, long plus short, in proportion to its NAV."""

from dataclasses import dataclass

from podshop.domain.rules import Caps


@dataclass(frozen=True)
class Params:
    """The cap.

    Attributes:
        max: largest sum of |net position| over all names, fraction of fund NAV.
    """

    max: float = 2.0

    def __post_init__(self) -> None:
        """Refuse a cap that is not positive."""
        if not self.max > 0:
            raise ValueError("max must be positive")


def cap(p: Params) -> Caps:
    """State the cap."""
    return Caps(leverage=p.max)
