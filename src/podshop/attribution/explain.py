"""Explain one day of a fund from its journal alone.

The parts of its profit or loss, and the entries behind them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from podshop.attribution.tensor import Payoff, payoff
from podshop.domain.book import Book
from podshop.domain.error import DataError
from podshop.domain.event import CycleClosed, CycleOpened, Event, FundOpened, Part
from podshop.domain.life import PodsListed
from podshop.ledger.entry import Entry, decode
from podshop.ledger.replay import apply, opening

EVIDENCE: dict[Part, tuple[str, ...]] = {
    Part.PRICE: ("Marked", "Filled", "SplitApplied", "Delisted"),
    Part.DIVIDEND: ("Accrued",),
    Part.COMMISSION: ("CostSplit", "Filled"),
    Part.SPREAD: ("CostSplit", "Filled"),
    Part.IMPACT: ("CostSplit", "Filled"),
    Part.NETTING: ("CostSplit", "Filled"),
    Part.BORROW: ("Accrued",),
    Part.INTEREST: ("Accrued",),
    Part.FEE: ("Accrued",),
    Part.FLOW: ("Accrued",),
    Part.TRANSFER: ("Allocated", "ActionApplied", "PodClosed"),
}
"""The kinds of entries that each part is computed from."""


@dataclass(frozen=True, slots=True)
class ExplainedPart:
    """One amount and the journal entries that it comes from.

    Attributes:
        pod: pod id, or "centre".
        symbol: "" for cash.
        part: name of the part.
        amount: micros.
        entries: sequence numbers in the journal.
    """

    pod: str
    symbol: str
    part: str
    amount: int
    entries: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A day explained; the amounts sum to the change of NAV without residual.

    Attributes:
        day: the session.
        pod: the pod asked for; "" for the whole fund.
        nav_before, nav_after: micros.
        parts: every amount.
        pods: ids by pod number.
        told: (seq, kind, detail) of the day's decisions and markers.
    """

    day: np.datetime64
    pod: str
    nav_before: int
    nav_after: int
    parts: tuple[ExplainedPart, ...]
    told: tuple[tuple[int, str, str], ...]
    pods: tuple[str, ...]

    @property
    def total(self) -> int:
        """Sum of the parts, micros; equals nav_after - nav_before."""
        return sum(part.amount for part in self.parts)


def explain(
    entries: Iterable[Entry], day: np.datetime64 | None = None, pod: str | None = None
) -> Explanation:
    """Explain a day.

    Args:
        entries: a journal from its beginning; read no further than the day.
        day: the session; the last one when None.
        pod: a pod's id, or "centre"; the whole fund when None.

    Raises:
        DataError: the journal has no such session or pod.
        LedgerError: the journal does not verify.
    """
    wanted = None if day is None else int(day.astype("datetime64[D]").astype(np.int64))
    head: FundOpened | None = None
    book: Book | None = None
    before: Book | None = None
    cycle: list[tuple[int, Event, str]] = []
    found: tuple[Book, Book, list[tuple[int, Event, str]]] | None = None
    for entry in entries:
        event = decode(entry.kind, entry.body)
        if isinstance(event, FundOpened):
            head, book = event, opening(event)
            continue
        assert book is not None
        if isinstance(event, PodsListed) and head is not None:
            head = replace(head, pods=(*head.pods, *event.pods))
        if isinstance(event, CycleOpened):
            before, cycle = book, []
        cycle.append((entry.seq, event, entry.body.decode()))
        book = apply(event, book)
        if isinstance(event, CycleClosed) and before is not None and wanted in (None, event.day):
            found, before, cycle = (before, book, cycle), None, []
            if wanted is not None:
                break
    if head is None or found is None:
        raise DataError(f"the journal has no session {day or ''}".rstrip())
    return _explanation(head, *found, pod)


def _explanation(
    head: FundOpened,
    before: Book,
    after: Book,
    cycle: list[tuple[int, Event, str]],
    pod: str | None,
) -> Explanation:
    names = (*head.pods, "centre")
    if pod is not None and pod not in names:
        raise DataError(f"there is no pod {pod!r}; the fund has {', '.join(names)}")
    rows = payoff(before, tuple(event for _, event, _ in cycle), after)
    parts = tuple(p for p in _parts(rows, head, cycle) if pod in (None, p.pod))
    return Explanation(
        np.datetime64(after.day, "D"),
        pod or "",
        _worth(before, names, pod),
        _worth(after, names, pod),
        parts,
        tuple((seq, type(event).__name__, text) for seq, event, text in cycle),
        head.pods,
    )


def _worth(book: Book, names: tuple[str, ...], pod: str | None) -> int:
    if pod is None:
        return book.nav
    return book.reserve if pod == "centre" else int(book.nav_p[names.index(pod)])


def _parts(
    rows: Payoff, head: FundOpened, cycle: list[tuple[int, Event, str]]
) -> list[ExplainedPart]:
    symbols, names = (*head.symbols, ""), (*head.pods, "centre")
    columns = zip(rows.pod_r, rows.asset_r, rows.part_r, rows.amount_r, strict=True)
    parts = []
    for pod, asset, part, amount in columns:
        kinds = EVIDENCE[Part(part)]
        entries = tuple(
            seq
            for seq, event, _ in cycle
            if type(event).__name__ in kinds and _concerns(event, int(pod), int(asset))
        )
        parts.append(
            ExplainedPart(names[pod], symbols[asset], Part(part).name.lower(), int(amount), entries)
        )
    return parts


def _concerns(event: Event, pod: int, asset: int) -> bool:
    """True when an entry says something about this pod and asset."""
    pods, assets = getattr(event, "pod_r", None), getattr(event, "asset_r", None)
    if pods is None:
        if assets is not None:
            return True
        return getattr(event, "pod", pod) == pod or pod == -1
    if assets is None:
        return bool((pods == pod).any()) or pod == -1
    return bool(((pods == pod) & (assets == asset)).any())
