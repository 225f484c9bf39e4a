"""What follows from breaches: the strongest action of a pod wins, is latched, moves its capital.

A pod that is cut keeps `keep` of its nominal capital; the rest goes to the centre and stays cash
until the next allocation. A terminated pod wants nothing from the next open on and is closed when
it is flat.
"""

import numpy as np

from podshop.domain.book import Book
from podshop.domain.error import ConfigError
from podshop.domain.event import CENTRE, Action, ActionApplied, Breach, Event, Halted, PodClosed
from podshop.domain.money import I64
from podshop.domain.pod import PodStatus
from podshop.domain.rules import Rules


def look(book: Book, rules: Rules) -> list[Breach]:
    """Ask every limit what it sees."""
    return [b for limit in rules.limits if limit.check is not None for b in limit.check(book)]


def strongest(breaches: list[Breach]) -> dict[int, Breach]:
    """The strongest breach of each pod (and of the fund), first of equals."""
    worst: dict[int, Breach] = {}
    for breach in breaches:
        if breach.pod not in worst or breach.action > worst[breach.pod].action:
            worst[breach.pod] = breach
    return worst


def actions(book: Book, breaches: list[Breach]) -> list[Event]:
    """Turn the strongest breaches into actions; an alert stays what it is, an event.

    Raises:
        ConfigError: a limit demands what cannot be done. Nothing is traded past an order of risk.
    """
    events: list[Event] = []
    for pod, breach in sorted(strongest(breaches).items()):
        if pod == CENTRE and breach.action >= Action.HALT:
            cause = f"{breach.limit} {breach.measured:.4%} >= {breach.threshold:.2%}"
            events.append(Halted(cause, max(breach.rung, book.fund_rung)))
        elif pod != CENTRE and breach.action in (Action.TRIM, Action.HALVE, Action.TERMINATE):
            events.append(cut(book, breach))
        elif breach.action > Action.ALERT:
            scope = "the fund" if pod == CENTRE else "a pod"
            raise ConfigError(
                f"limit {breach.limit!r} demands {breach.action.name} of {scope}, which cannot be "
                "done; let it demand TRIM, HALVE or TERMINATE of a pod, or HALT of the fund"
            )
    return events


def cut(book: Book, breach: Breach) -> ActionApplied:
    """Cut a pod's capital to a share of its nominal capital.

    A deeper cut that is already in force stays, and no cash goes back to the pod.
    """
    p, nominal = breach.pod, int(book.nominal_p[breach.pod])
    keep = min(float(book.keep_p[p]), breach.keep)
    ends = breach.action == Action.TERMINATE
    return ActionApplied(
        pod=p,
        action=breach.action.name,
        keep=keep,
        rung=breach.rung,
        status=PodStatus.CLOSING if ends else PodStatus.CUT,
        nominal=nominal,
        moved=0 if ends else max(0, int(book.nav_p[p]) - capital_in_use(nominal, keep)),
        why=f"{breach.limit} {breach.measured:.4%} >= {breach.threshold:.2%}",
    )


def restored(book: Book, rules: Rules) -> list[Event]:
    """End the cuts that are over.

    The pod gets its capital back as far as the centre has more than the cash that always stays with
    it; what is missing comes with the next allocation, and until then the pod's nominal capital is
    what it has.
    """
    if rules.restore != "peak":
        return []
    over = np.zeros(len(book.unit_p), dtype=np.bool_)
    for limit in rules.limits:
        if limit.restore is not None:
            over |= limit.restore(book)
    events: list[Event] = []
    left = spare(book, rules)
    for p in np.flatnonzero(over):
        hold = float(book.hold_p[p])
        back = given_back(book, int(p), hold, 0, left, "new high-water mark")
        left += back.moved
        events.append(back)
    return events


def spare(book: Book, rules: Rules) -> int:
    """Micros that the centre can give: not the cash that always stays, nor what was skimmed."""
    stays = int(np.floor(book.risk_capital * rules.allocator.cash)) + max(0, book.skimmed)
    return max(0, book.reserve - stays)


def given_back(book: Book, p: int, keep: float, rung: int, left: int, why: str) -> ActionApplied:
    """Give a pod capital back, as far as there is some.

    Args:
        book: the book at the close.
        p: the pod.
        keep: share of its nominal capital that it may use from now on.
        rung: rungs of the ladder that count as fired from now on.
        left: micros that the centre can spare.
        why: for the journal.
    """
    nominal, nav = int(book.nominal_p[p]), int(book.nav_p[p])
    missing = max(0, (nominal if keep == 1.0 else capital_in_use(nominal, keep)) - nav)
    moved = min(missing, left)
    if moved < missing:
        nominal = nav + moved if keep == 1.0 else int((nav + moved) / keep)
    status = PodStatus.ACTIVE if keep == 1.0 else PodStatus.CUT
    return ActionApplied(p, "RESTORE", keep, rung, status, nominal, -moved, why)


def closings(book: Book) -> list[Event]:
    """Close the terminated pods that are flat; their cash goes to the centre."""
    closing_p = book.status_p == PodStatus.CLOSING
    if not closing_p.any():
        return []
    flat = np.ones(len(book.cash_p), dtype=np.bool_)
    flat[book.key_s // len(book.mark_n)] = False
    done = np.flatnonzero(flat & closing_p)
    return [PodClosed(int(p), int(book.cash_p[p])) for p in done]


def capital_in_use(nominal: int, keep: float) -> int:
    """Micros that a pod may use: its nominal capital times the share that the ladder leaves it."""
    return int(np.floor(nominal * keep))


def base_p(book: Book) -> I64:
    """(P,) micros that each pod is sized on; nothing for pods that are closing or closed."""
    used = np.floor(book.nominal_p * book.keep_p).astype(np.int64)
    return np.where(book.status_p < PodStatus.CLOSING, used, 0)
