"""The books of the slow twin: what a pod remembers, and how whole numbers are shared."""

import math
from dataclasses import dataclass, field

ACTIVE, CUT, CLOSING, CLOSED = range(4)


@dataclass
class PodBook:
    """The book of one pod; a name is in `lots` or `want` only while it is not zero."""

    cash: int = 0
    lots: dict[int, int] = field(default_factory=dict)
    want: dict[int, int] = field(default_factory=dict)
    nav: int = 0
    nominal: int = 0
    unit: float = 1.0
    peak: float = 1.0
    keep: float = 1.0
    rung: int = 0
    status: int = ACTIVE
    borne: int = 0
    night: float = 0.0
    returns: list[float] = field(default_factory=list)  # above idle cash

    @property
    def names(self) -> list[int]:
        """What it holds or wants, ascending."""
        return sorted(set(self.lots) | set(self.want))

    @property
    def base(self) -> int:
        """Micros it may use."""
        return math.floor(self.nominal * self.keep) if self.status < CLOSING else 0

    def open(self, asset: int) -> int:
        """Lots still to be traded."""
        return self.want.get(asset, 0) - self.lots.get(asset, 0)


def apportion(total: int, weights: list[int]) -> list[int]:
    """Whole shares of a whole number by largest remainder; ties to the first."""
    whole = sum(weights)
    share = [total * w // whole for w in weights]
    by_rest = sorted(range(len(weights)), key=lambda j: -(total * weights[j] % whole))
    for j in by_rest[: total - sum(share)]:
        share[j] += 1
    return share


def put(table: dict[int, int], asset: int, value: int) -> None:
    """Write a number; nothing is not written."""
    table.pop(asset, None)
    if value:
        table[asset] = value


def close_only(pod: PodBook) -> None:
    """A want may only lie between nothing and what is held."""
    for asset in pod.names:
        held, want = pod.lots.get(asset, 0), pod.want.get(asset, 0)
        put(pod.want, asset, sorted((0, want, held))[1])


def mix(x: int) -> int:
    """SplitMix64's finaliser (Steele, Lea, Flood 2014), as a signed number."""
    full = 2**64 - 1
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & full
    x = (x ^ x >> 27) * 0x94D049BB133111EB & full
    x ^= x >> 31
    return x - 2**64 if x >> 63 else x
