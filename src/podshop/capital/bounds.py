"""From scores to shares: what holds for every allocator, whatever it thinks of the pods.

Closed pods get nothing, floors and caps hold exactly, and a cut is not undone: a pod whose risk is
halved looks half as risky, so a rule that weighs by risk would soon give it twice the capital.
"""

from dataclasses import dataclass

import numpy as np

from podshop.capital.allocation import budget
from podshop.capital.projection import project, redistribute
from podshop.domain.book import Book
from podshop.domain.money import F64, Bools
from podshop.domain.pod import PodStatus


@dataclass(frozen=True, slots=True)
class Bounds:
    """What shares must keep to. All are fractions of fund NAV.

    Attributes:
        alive_p: (P,) pods that may hold capital.
        low_p: (P,) floors.
        high_p: (P,) caps; 0 for closed pods, at most the present share for pods under a cut.
        total: what may be given away.
        most: cap on a single share when what cuts leave is offered to the others.
    """

    alive_p: Bools
    low_p: F64
    high_p: F64
    total: float
    most: float


def check(low: float, high: float, cash: float) -> None:
    """Refuse bounds that cannot hold together.

    Raises:
        ValueError: a bound is not between 0 and 1, or min is above max.
    """
    if not (0.0 <= low <= high <= 1.0 and 0.0 <= cash <= 1.0):
        raise ValueError(f"need 0 <= min <= max <= 1 and 0 <= cash <= 1, not {low}, {high}, {cash}")


def bounds(book: Book, low: float, high: float, cash: float) -> Bounds:
    """State the bounds of every pod at this close.

    Args:
        book: the book at the close.
        low: least share of a living pod, fraction of fund NAV.
        high: largest share of a living pod, fraction of fund NAV.
        cash: share that stays with the centre.
    """
    alive_p = book.status_p < PodStatus.CLOSING
    held_p = present(book)
    # Before the first allocation nobody holds anything, and a cut has nothing to hold down.
    high_p = np.where((book.keep_p < 1.0) & (held_p > 0.0), np.minimum(held_p, high), high)
    high_p = np.where(alive_p, high_p, 0.0)
    return Bounds(alive_p, np.minimum(low, high_p), high_p, budget(book, cash), high)


def present(book: Book) -> F64:
    """The nominal shares that the living pods hold now; in the ramp, those they hold a part of.

    Returns:
        (P,) fractions of fund NAV, 0 for pods that are closing or closed; all 0 in a fund that is
        worth nothing.
    """
    if book.risk_capital <= 0:
        return np.zeros(len(book.nominal_p))
    held = book.status_p < PodStatus.CLOSING
    whole_p = np.maximum(book.nominal_p, 0) / np.where(held, book.part_p, 1.0)
    return np.where(held, whole_p / book.risk_capital, 0.0)


def share_out(book: Book, score_p: F64, within: Bounds, no_more: bool = False) -> F64:
    """Share the budget in proportion to scores, and offer what cuts leave to the pods without one.

    Args:
        book: the book at the close.
        score_p: (P,) scores; see `projection.project`.
        within: the bounds.
        no_more: True where the scores are shares of fund NAV that the allocator wants: what they
            do not use under floors and caps stays cash, and so does what cuts leave.

    Returns:
        (P,) nominal shares, fractions of fund NAV.
    """
    low_p, high_p = within.low_p, within.high_p
    if no_more:
        wanted = float(np.clip(score_p, low_p, high_p).sum())
        return project(score_p, low_p, high_p, min(within.total, wanted))
    return offer(book, project(score_p, low_p, high_p, within.total), within)


def offer(book: Book, share_p: F64, within: Bounds) -> F64:
    """Offer what cuts leave of these shares to the pods without a cut."""
    return redistribute(share_p, book.keep_p, within.alive_p, within.most)
