"""A journal by calendar quarter: what every pod and the centre made, to the micro.

For each quarter the parts of all its cycles are summed, and

    NAV at its end = NAV at its start + sum over pods and centre of all parts

must hold as `==`. Profit is every part but flows, which are the owner's money, and transfers, which
move capital between pods and centre and sum to zero. So it is net of all costs that the pods bear,
the management fee among them, and no capital given or taken looks like profit or loss.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from podshop.attribution.tensor import parts
from podshop.domain.book import Book
from podshop.domain.error import DataError, LawBroken
from podshop.domain.event import CycleClosed, CycleOpened, Event, FundOpened, Part
from podshop.domain.life import PodsListed
from podshop.domain.money import I64, Bools, read_only
from podshop.ledger.entry import Entry, decode
from podshop.ledger.replay import apply, opening

MOVED = (Part.FLOW, Part.TRANSFER)
"""Parts that are no profit or loss."""

EARNED: Bools = np.array([part not in MOVED for part in Part])
"""(parts,) True for what is profit or loss."""


@dataclass(frozen=True, slots=True)
class Quarter:
    """One quarter of a fund, and where in the journal it stands.

    Attributes:
        name: "2016Q4".
        first_day, last_day: its first and last session in the journal.
        first_cycle, last_cycle: numbers of its cycles.
        first_entry, last_entry: sequence numbers of the entries of those cycles.
        hash: of the last entry; it stays when the journal goes on.
        nav_before, nav_after: of the fund, micros.
        parts_pk: (P + 1, parts) micros; the centre is the last row.
        capital_p: (P,) nominal capital summed over the closes, micros times sessions; what weights
            are taken from.
        complete: True when no session of it can still come.
    """

    name: str
    first_day: np.datetime64
    last_day: np.datetime64
    first_cycle: int
    last_cycle: int
    first_entry: int
    last_entry: int
    hash: str
    nav_before: int
    nav_after: int
    parts_pk: I64
    capital_p: tuple[int, ...]
    complete: bool

    @property
    def profit_p(self) -> I64:
        """(P + 1,) profit of every pod and the centre, micros."""
        profit_p: I64 = self.parts_pk[:, EARNED].sum(axis=1)
        return profit_p

    @property
    def flows(self) -> int:
        """What the owner paid in less what was taken out and taxed, micros."""
        return int(self.parts_pk[:, Part.FLOW].sum())

    @property
    def year(self) -> str:
        """The calendar year, "2016"."""
        return self.name[:4]


@dataclass(frozen=True, slots=True)
class History:
    """A journal from its opening to a quarter.

    Attributes:
        pods: ids of the pods.
        quarters: those with sessions, oldest first.
    """

    pods: tuple[str, ...]
    quarters: tuple[Quarter, ...]


def quarter_of(day: int) -> str:
    """The calendar quarter of a day, "2016Q4"; `day` counts from 1970-01-01."""
    month = int(np.datetime64(day, "D").astype("datetime64[M]").astype(np.int64))
    return f"{1970 + month // 12}Q{month % 12 // 3 + 1}"


def history(entries: Iterable[Entry], last: str | None = None) -> History:
    """Sum a journal by quarter.

    A quarter is complete when the journal has a session after it, or when no weekday of it is left.

    Args:
        entries: a journal from its beginning.
        last: the quarter to end with, "2016Q4"; the journal's last when None. Entries after it only
            prove that it is complete.

    Raises:
        DataError: the journal has no session, or none in that quarter.
        LawBroken: parts do not sum to the change of NAV.
        LedgerError: the journal does not verify.
    """
    told = _Reader(entries)
    quarters: list[Quarter] = []
    for cycle in told.cycles():
        name = quarter_of(cycle.after.day)
        if quarters and quarters[-1].name == name:
            quarters[-1] = _longer(quarters[-1], cycle)
            continue
        if quarters:
            quarters[-1] = replace(quarters[-1], complete=True)
            if last is not None and name > last:
                break
        quarters.append(_begun(name, cycle))
    if not quarters:
        raise DataError("the journal has no session: nothing was earned, nobody is paid")
    _refuse(quarters, last)
    nav, kept = told.capital, []
    for quarter in quarters:
        kept.append(_settled(_widened(quarter, len(told.pods)), nav))
        nav = quarter.nav_after
    return History(told.pods, tuple(kept))


@dataclass(frozen=True, slots=True)
class _Cycle:
    """One cycle as the journal tells it."""

    before: Book
    after: Book
    parts_pk: I64
    first_entry: int
    last_entry: int
    hash: str


class _Reader:
    """Folds a journal and gives its cycles."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = entries
        self.pods: tuple[str, ...] = ()
        self.capital = 0

    def cycles(self) -> Iterator[_Cycle]:
        """Every cycle that was closed, with its parts."""
        book: Book | None = None
        before: Book | None = None
        events: list[Event] = []
        first = 0
        for entry in self._entries:
            event = decode(entry.kind, entry.body)
            if book is None:
                book = opening(event)
                assert isinstance(event, FundOpened), "`opening` takes nothing else"
                self.pods, self.capital = event.pods, event.capital
                continue
            if isinstance(event, PodsListed):
                self.pods = (*self.pods, *event.pods)
            if isinstance(event, CycleOpened):
                before, events, first = book, [], entry.seq
            events.append(event)
            book = apply(event, book)
            if isinstance(event, CycleClosed) and before is not None:
                table = parts(before, tuple(events), book)
                yield _Cycle(before, book, table, first, entry.seq, entry.hash)
                before = None


def _begun(name: str, cycle: _Cycle) -> Quarter:
    """A quarter of one cycle."""
    day = np.datetime64(cycle.after.day, "D")
    number = cycle.after.cycle
    return Quarter(
        name=name,
        first_day=day,
        last_day=day,
        first_cycle=number,
        last_cycle=number,
        first_entry=cycle.first_entry,
        last_entry=cycle.last_entry,
        hash=cycle.hash,
        nav_before=cycle.before.nav,
        nav_after=cycle.after.nav,
        parts_pk=cycle.parts_pk,
        capital_p=tuple(cycle.after.nominal_p.tolist()),
        complete=False,
    )


def _longer(quarter: Quarter, cycle: _Cycle) -> Quarter:
    """A quarter with one more cycle."""
    quarter = _widened(quarter, len(cycle.after.nominal_p))
    capital = zip(quarter.capital_p, cycle.after.nominal_p.tolist(), strict=True)
    return replace(
        quarter,
        last_day=np.datetime64(cycle.after.day, "D"),
        last_cycle=cycle.after.cycle,
        last_entry=cycle.last_entry,
        hash=cycle.hash,
        nav_after=cycle.after.nav,
        parts_pk=quarter.parts_pk + cycle.parts_pk,
        capital_p=tuple(before + now for before, now in capital),
    )


def _widened(quarter: Quarter, pods: int) -> Quarter:
    """A quarter with rows for all pods; those that were listed later did nothing in it."""
    more = pods - len(quarter.capital_p)
    if more == 0:
        return quarter
    rows = np.zeros((more, quarter.parts_pk.shape[1]), dtype=np.int64)
    parts_pk = np.concatenate((quarter.parts_pk[:-1], rows, quarter.parts_pk[-1:]))
    return replace(quarter, parts_pk=parts_pk, capital_p=(*quarter.capital_p, *[0] * more))


def _settled(quarter: Quarter, nav: int) -> Quarter:
    """A quarter whose sums were proven, from the NAV that the one before it ended with."""
    explained = int(quarter.parts_pk.sum())
    moved = int(quarter.parts_pk[:, Part.TRANSFER].sum())
    change = quarter.nav_after - nav
    if explained != change or moved:
        raise LawBroken(
            f"law 9: {quarter.name}: the parts of pods and centre sum to {explained} micros, "
            f"{moved} of them transfers, the fund's NAV changed by {change}"
        )
    read_only(quarter.parts_pk)
    if quarter.complete:
        return quarter
    year, number = int(quarter.year), int(quarter.name[-1])
    month = f"{year + 1}-01" if number == 4 else f"{year}-{3 * number + 1:02d}"
    left = np.busday_count(quarter.last_day + 1, np.datetime64(f"{month}-01", "D"))
    return replace(quarter, complete=bool(left == 0))


def _refuse(quarters: list[Quarter], last: str | None) -> None:
    """Refuse a quarter that the journal does not have."""
    first, end = quarters[0].name, quarters[-1].name
    if last is not None and last != end:
        has = f"begins with {first}" if last < first else f"has {first} to {end}"
        raise DataError(
            f"the journal has no session in {last}; it {has}\n"
            "  -> name a quarter that it has, or go on with the fund first"
        )
