"""The exposure limit: how much a pod may be long plus short (gross) and long minus short (net)."""

from dataclasses import dataclass

from podshop.domain.rules import Caps


@dataclass(frozen=True)
class Params:
    """The caps, as fractions of the pod's capital in use.

    Attributes:
        gross: largest sum of |weight|.
        net: largest |sum of weights|.
    """

    gross: float = 2.0
    net: float = 1.0

    def __post_init__(self) -> None:
        """Refuse caps that are not positive."""
        if not (self.gross > 0 and self.net > 0):
            raise ValueError("gross and net must be positive")


def cap(p: Params) -> Caps:
    """State the caps."""
    return Caps(gross=p.gross, net=p.net)
