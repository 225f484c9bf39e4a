"""The doors to the outside: small protocols that adapters fulfil and drivers hold."""

from collections.abc import Iterator
from typing import Protocol

from podshop.domain.event import Event
from podshop.domain.market import Market
from podshop.domain.order import Facts, Orders


class Broker(Protocol):
    """A brokerage account, real or simulated. Submitting is idempotent by order id."""

    def submit(self, orders: Orders) -> None:
        """Take the orders for the next open; ids already known are ignored."""

    def facts(self, market: Market) -> Facts:
        """Report the session in the last row of `market`; asking again gives the same answer."""


class Journal(Protocol):
    """The append-only, hash-chained record of everything that happened."""

    @property
    def head(self) -> str:
        """Hash of the last entry."""

    def append(self, events: tuple[Event, ...], cycle: int) -> None:
        """Append one cycle's events, all or none, durably."""

    def read(self) -> Iterator[tuple[int, Event]]:
        """Yield (sequence number, event) from the beginning, verifying the chain."""
