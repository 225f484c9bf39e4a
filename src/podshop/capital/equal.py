"""Equal capital for every living pod: the allocator that knows nothing, and is hard to beat."""

from dataclasses import dataclass

import numpy as np

from podshop.capital.allocation import budget
from podshop.capital.projection import project, redistribute
from podshop.domain.book import Book
from podshop.domain.money import F64
from podshop.domain.pod import PodStatus


@dataclass(frozen=True)
class Params:
    """Bounds of a pod's share.

    Attributes:
        min, max: least and largest share of a living pod, fraction of fund NAV.
        cash: share that always stays with the centre, fraction of fund NAV.
    """

    min: float = 0.0
    max: float = 1.0
    cash: float = 0.10


def shares(book: Book, p: Params) -> F64:
    """Give every living pod the same share of fund NAV.

    Returns:
        (P,) fractions of fund NAV; 0 for pods that are closing or closed.
    """
    alive = book.status_p < PodStatus.CLOSING
    ones = np.ones(len(alive))
    share_p = project(
        ones, np.where(alive, p.min, 0.0), np.where(alive, p.max, 0.0), budget(book, p.cash)
    )
    return redistribute(share_p, book.keep_p, alive, p.max)
