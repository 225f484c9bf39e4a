"""Capital on schedule: shares of the risk capital become nominal capital, and the cash moves.

It moves between the centre and the pods. The allocator's shares are nominal: a pod under a cut gets
only `keep` of its share, and a pod in its ramp only the part of it that its stage gives it. What
cuts leave over is offered to the pods without a cut, under the same caps, at the allocation and not
before (see `projection.redistribute`); what cannot be placed stays cash with the centre.
"""

import numpy as np

from podshop.domain.book import Book
from podshop.domain.event import Allocated
from podshop.domain.money import F64
from podshop.domain.pod import PodStatus


def budget(book: Book, cash: float) -> float:
    """Share of the risk capital that may be given to living pods.

    Args:
        book: the book at the close.
        cash: share that always stays with the centre.

    Returns:
        What is left of 1 - cash after the capital that closing pods cannot give back yet.
    """
    if book.risk_capital <= 0:
        return 0.0
    closing = int(book.nav_p[book.status_p == PodStatus.CLOSING].sum())
    return max(0.0, 1.0 - cash - max(0.0, closing / book.risk_capital))


def allocate(book: Book, share_p: F64, why: str) -> Allocated:
    """Share out the fund's risk capital: its NAV, but for what was skimmed.

    Args:
        book: the book at the close.
        share_p: (P,) nominal shares of the risk capital from the allocator.
        why: what caused the allocation.

    Returns:
        Nominal capital per pod, and the cash that moves so that each pod's NAV is keep * nominal.
        Closing pods keep what they have until they are flat.
    """
    alive = book.status_p < PodStatus.CLOSING
    nominal_p = np.where(
        alive, np.floor(share_p * book.part_p * book.risk_capital).astype(np.int64), book.nominal_p
    )
    used_p = np.floor(nominal_p * book.keep_p).astype(np.int64)
    moved_p = np.where(alive, used_p - book.nav_p, 0)
    return Allocated(why, share_p, nominal_p, moved_p)
