"""The drawdown ladder: a losing pod is trimmed, halved, terminated; a losing fund is halted.

Measured on the flow-free nominal unit value (capital before the cut), so that moving capital never
looks like profit or loss and a halved pod falls half as fast. A rung fires once per crossing (>=,
tolerance 1e-12), is latched in the book's `rung_p`, survives restarts and is never undone by a
rebalance. A gap through two rungs takes the deeper. A cut is over at a new high-water mark.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.book import Book
from podshop.domain.event import CENTRE, Action, Breach
from podshop.domain.money import F64, Bools
from podshop.domain.pod import PodStatus
from podshop.domain.rules import Tripwire

TOLERANCE = 1e-12


@dataclass(frozen=True)
class Params:
    """Rungs of the ladder; 0 switches a rung off.

    Attributes:
        scope: "pod" (each pod on its own unit value) or "fund" (the whole fund, `halt_at` only).
        trim_at, trim_to: early cut: drawdown, and share of nominal capital kept.
        halve_at, halve_to: the cut.
        terminate_at: the pod is closed.
        halt_at: the fund is halted.
    """

    scope: str = "pod"
    trim_at: float = 0.0
    trim_to: float = 0.75
    halve_at: float = 0.05
    halve_to: float = 0.5
    terminate_at: float = 0.10
    halt_at: float = 0.15

    def __post_init__(self) -> None:
        """Refuse a ladder whose rungs do not get deeper."""
        if self.scope not in ("pod", "fund"):
            raise ValueError('scope must be "pod" or "fund"')
        depths = [at for at, _, _ in rungs(self)]
        keeps = [keep for _, keep, _ in rungs(self)]
        if not depths:
            raise ValueError("the ladder has no rung")
        if depths != sorted(set(depths)) or not all(0.0 < d < 1.0 for d in depths):
            raise ValueError(
                "rungs must lie between 0 and 1 and get deeper: trim < halve < terminate"
            )
        if keeps != sorted(keeps, reverse=True) or not all(0.0 <= k < 1.0 for k in keeps):
            raise ValueError(
                "each rung must keep less capital than the one before, and less than all"
            )


def rungs(p: Params) -> list[tuple[float, float, Action]]:
    """The rungs in use as (drawdown, share kept, action), shallow to deep."""
    if p.scope == "fund":
        return [(p.halt_at, 0.0, Action.HALT)] if p.halt_at else []
    ladder = [
        (p.trim_at, p.trim_to, Action.TRIM),
        (p.halve_at, p.halve_to, Action.HALVE),
        (p.terminate_at, 0.0, Action.TERMINATE),
    ]
    return [rung for rung in ladder if rung[0]]


def check(book: Book, p: Params) -> list[Breach]:
    """Say which rungs were crossed that had not fired before.

    Returns:
        At most one breach a pod: the deepest rung reached.
    """
    if p.scope == "fund":
        found = _deepest(CENTRE, book.drawdown, book.fund_rung, p)
        return [found] if found and not book.halted else []
    breaches = []
    first = rungs(p)[0][0] - TOLERANCE
    for pod in np.flatnonzero((book.drawdown_p >= first) & (book.status_p < PodStatus.CLOSING)):
        found = _deepest(int(pod), float(book.drawdown_p[pod]), int(book.rung_p[pod]), p)
        if found:
            breaches.append(found)
    return breaches


def _deepest(pod: int, drawdown: float, fired: int, p: Params) -> Breach | None:
    reached = [k for k, rung in enumerate(rungs(p), 1) if drawdown >= rung[0] - TOLERANCE]
    if not reached or reached[-1] <= fired:
        return None
    at, keep, action = rungs(p)[reached[-1] - 1]
    return Breach("drawdown", pod, drawdown, at, action, keep, reached[-1])


def restore(book: Book, p: Params) -> Bools:
    """(P,) True where a cut pod stands at a new high-water mark, so that its cut is over."""
    cut = (book.rung_p > 0) & (book.status_p < PodStatus.CLOSING)
    return cut & (book.unit_p >= book.peak_p) & (p.scope == "pod")


def tripwire(book: Book, p: Params) -> Tripwire:
    """The drawdowns at which the next rungs fire, and the pods for which a new peak matters."""
    none: F64 = np.full(len(book.unit_p), np.inf)
    never = np.zeros(len(book.unit_p), dtype=np.bool_)
    ladder = [at for at, _, _ in rungs(p)] + [np.inf]
    if p.scope == "fund":
        return Tripwire(none, never, np.inf if book.halted else ladder[min(book.fund_rung, 1)])
    next_p = np.array(ladder)[np.minimum(book.rung_p, len(ladder) - 1)]
    alive = book.status_p < PodStatus.CLOSING
    return Tripwire(np.where(alive, next_p, np.inf), alive & (book.rung_p > 0), np.inf)
