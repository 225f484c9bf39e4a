"""Every pod keeps what it makes: its capital is its own NAV, none moves between pods.

A fund that runs so is many funds of one pod side by side, which is what a sweep of strategies
wants: nobody's result depends on another's.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.book import Book
from podshop.domain.money import F64
from podshop.domain.pod import PodStatus

HALF = 0.5
"""Of a micro: added before the allocation cuts to whole micros, so that a NAV stays what it is."""


@dataclass(frozen=True)
class Params:
    """There is nothing to set."""


def shares(book: Book, p: Params) -> F64:  # noqa: ARG001 - every allocator takes parameters
    """Give each pod its own NAV, and at the start the same of what the centre has.

    Returns:
        (P,) fractions of fund NAV; 0 for pods that are closing or closed. A pod under a cut gets
        the nominal capital whose share in use is its NAV.
    """
    alive = book.status_p < PodStatus.CLOSING
    if book.risk_capital <= 0 or not alive.any():
        return np.zeros(len(alive))
    if not book.nominal_p.any():
        own_p = np.full(len(alive), book.reserve // len(alive), dtype=np.float64)
    else:
        own_p = np.maximum(book.nav_p, 0) / np.where(book.keep_p > 0.0, book.keep_p, 1.0)
    share_p: F64 = np.where(alive & (own_p > 0), (own_p + HALF) / book.risk_capital, 0.0)
    return share_p
