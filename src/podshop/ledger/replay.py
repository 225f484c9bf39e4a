"""The fold: `apply(book, event) -> book`. The only place where the state of the fund changes.

Backtest, paper and live all move their book with this function; replaying a journal gives the same
book bit for bit. An event that does not concern the book leaves it as it is.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import singledispatch
from typing import Any

import numpy as np

from podshop.domain.book import HISTORY_DAYS, Book, Life, but, open_book, open_life
from podshop.domain.error import LedgerError
from podshop.domain.event import (
    Accrued,
    ActionApplied,
    Allocated,
    BreakFound,
    Compounded,
    CycleOpened,
    Delisted,
    Event,
    Filled,
    FundOpened,
    Halted,
    Marked,
    OnPaper,
    Part,
    PodClosed,
    Reconciled,
    Revalued,
    SplitApplied,
    Swept,
    Wanted,
)
from podshop.domain.life import Answered, Asked, PodsListed, PodStaged, Reviewed
from podshop.domain.money import F64, I64
from podshop.domain.order import NO_ROWS
from podshop.domain.pod import INVESTED, ON_PAPER, PodStatus, Stage
from podshop.kernel import day as kernel


def fold(book: Book, events: Iterable[Event]) -> Book:
    """Apply events in their order."""
    for event in events:
        book = apply(event, book)
    return book


def opening(event: Event) -> Book:
    """The book that a journal's first entry opens.

    Raises:
        LedgerError: the journal does not begin with `FundOpened`.
    """
    if not isinstance(event, FundOpened):
        raise LedgerError(f"a journal begins with FundOpened, not {type(event).__name__}")
    return open_book(len(event.pods), len(event.symbols), event.capital)


@singledispatch
def apply(event: Any, book: Book) -> Book:  # noqa: ARG001 - what is dispatched on
    """Change the book by one event; events that only tell (costs, breaches, orders) change
    nothing.
    """
    return book


@apply.register
def _cycle_opened(event: CycleOpened, book: Book) -> Book:
    life = book.life
    if life is not None and life.paper is not None:
        life = replace(life, paper=but(life.paper, day=event.day, cycle=event.cycle))
    return but(book, day=event.day, cycle=event.cycle, life=life)


@apply.register
def _split(event: SplitApplied, book: Book) -> Book:
    n = len(book.mark_n)
    lots_s, want_s, cash_p, mark_n = (
        a.copy() for a in (book.lots_s, book.want_s, book.cash_p, book.mark_n)
    )
    at = np.searchsorted(book.key_s, event.pod_r * n + event.asset)
    lots_s[at] = event.lots_r
    want_s[at] = event.want_r
    np.add.at(cash_p, event.pod_r, event.cash_r)
    mark_n[event.asset] = event.mark
    key_s, lots_s, want_s = kernel.merge_nb(book.key_s, lots_s, want_s, NO_ROWS, NO_ROWS)
    return but(
        book,
        key_s=key_s,
        lots_s=lots_s,
        want_s=want_s,
        cash_p=cash_p,
        mark_n=mark_n,
        reserve=book.reserve + event.centre_cash,
    )


@apply.register
def _delisted(event: Delisted, book: Book) -> Book:
    want_s = book.want_s.copy()
    want_s[book.key_s % len(book.mark_n) == event.asset] = 0
    key_s, lots_s, want_s = kernel.merge_nb(book.key_s, book.lots_s, want_s, NO_ROWS, NO_ROWS)
    return but(book, key_s=key_s, lots_s=lots_s, want_s=want_s)


@apply.register
def _accrued(event: Accrued, book: Book) -> Book:
    cash_p = book.cash_p.copy()
    centre = int(kernel.pay_nb(event.pod_r, event.amount_r, cash_p))
    flow = int(event.amount_r[event.part_r == Part.FLOW].sum())
    return but(book, cash_p=cash_p, reserve=book.reserve + centre, nav=book.nav + flow)


@apply.register
def _filled(event: Filled, book: Book) -> Book:
    lots_s, cash_p = book.lots_s.copy(), book.cash_p.copy()
    bad = kernel.post_nb(
        book.key_s,
        lots_s,
        cash_p,
        len(book.mark_n),
        event.pod_r,
        event.asset_r,
        event.lots_r,
        event.price_r,
        event.fee_r,
    )
    if bad >= 0:
        raise LedgerError(
            f"fill of asset {event.asset_r[bad]} for pod {event.pod_r[bad]}, "
            "which neither held nor wanted it"
        )
    key_s, lots_s, want_s = kernel.merge_nb(book.key_s, lots_s, book.want_s, NO_ROWS, NO_ROWS)
    return but(book, key_s=key_s, lots_s=lots_s, want_s=want_s, cash_p=cash_p)


@apply.register
def _revalued(event: Revalued, book: Book) -> Book:
    """Grow the unit value on the capital that bore the night; a peak counts only at a close.

    The rest of the day, with the cost of trading to the new size, counts on the larger of the two.
    """
    nav_p, nominal_p = book.nav_p.copy(), book.nominal_p.copy()
    unit_p, night_p = book.unit_p.copy(), book.night_p.copy()
    p, gain = event.pod_r, event.gain_r
    night_p[p] = gain / book.borne_p[p]
    unit_p[p] = np.maximum(unit_p[p] * (1.0 + night_p[p]), 0.0)
    nominal_p[p] = np.where(nominal_p[p] > 0, np.maximum(nominal_p[p] + gain, 0), 0)
    nav_p[p] += gain
    borne_p = book.borne_p.copy()
    borne_p[p] = np.maximum(borne_p[p], nominal_p[p])
    return but(
        book, nav_p=nav_p, nominal_p=nominal_p, borne_p=borne_p, unit_p=unit_p, night_p=night_p
    )


@apply.register
def _marked(event: Marked, book: Book) -> Book:
    mark_n = book.mark_n.copy()
    mark_n[event.asset_r] = event.mark_r
    value_p = np.empty_like(book.cash_p)
    kernel.value_nb(book.key_s, book.lots_s, len(mark_n), mark_n, value_p)
    nav_p: I64 = book.cash_p + value_p
    nominal_p, unit_p, peak_p = book.nominal_p.copy(), book.unit_p.copy(), book.peak_p.copy()
    return_p = np.empty(len(nav_p))
    kernel.grow_nb(nav_p - book.nav_p, nominal_p, book.borne_p, unit_p, peak_p, return_p)
    whole_p = (1.0 + book.night_p) * (1.0 + return_p) - 1.0
    return_p = np.where(book.night_p != 0.0, whole_p, return_p)
    nav = int(nav_p.sum()) + book.reserve
    gain = float(nav - book.nav) / float(book.nav) if book.nav else 0.0
    fund_unit = book.fund_unit * (1.0 + gain)
    return but(
        book,
        mark_n=mark_n,
        nav_p=nav_p,
        nominal_p=nominal_p,
        borne_p=nominal_p,
        night_p=np.zeros(len(nav_p)),
        unit_p=unit_p,
        peak_p=peak_p,
        returns_hp=_remember(book.returns_hp, return_p[None, :]),
        fund_returns_h=_remember(book.fund_returns_h, np.array([gain])),
        rate_h=_remember(book.rate_h, np.array([event.rate])),
        nav=nav,
        fund_unit=fund_unit,
        fund_peak=max(book.fund_peak, fund_unit),
    )


def _remember(history: F64, rows: F64) -> F64:
    """Append rows and forget what is older than the book remembers."""
    return np.concatenate((history, rows))[-HISTORY_DAYS:]


@apply.register
def _compounded(event: Compounded, book: Book) -> Book:
    return but(book, skimmed=event.skimmed, mark=event.mark)


@apply.register
def _reconciled(event: Reconciled, book: Book) -> Book:
    return but(book, cursor=event.cursor)


@apply.register
def _break(event: BreakFound, book: Book) -> Book:  # noqa: ARG001 - what is dispatched on
    return but(book, blocked=True)


@apply.register
def _action(event: ActionApplied, book: Book) -> Book:
    p = event.pod
    moved = np.zeros_like(book.cash_p)
    moved[p] = -event.moved
    return but(
        _move(book, moved),
        keep_p=_put(book.keep_p, p, event.keep),
        rung_p=_put(book.rung_p, p, event.rung),
        status_p=_put(book.status_p, p, event.status),
        nominal_p=_put(book.nominal_p, p, event.nominal),
        mark_p=_marks(book, _put(book.nominal_p, p, event.nominal)),
    )


@apply.register
def _closed(event: PodClosed, book: Book) -> Book:
    moved = np.zeros_like(book.cash_p)
    moved[event.pod] = -event.moved
    return but(
        _move(book, moved),
        status_p=_put(book.status_p, event.pod, PodStatus.CLOSED),
        nominal_p=_put(book.nominal_p, event.pod, 0),
        mark_p=_put(book.mark_p, event.pod, 0),
        closed_day_p=_put(book.closed_day_p, event.pod, book.day),
    )


@apply.register
def _allocated(event: Allocated, book: Book) -> Book:
    life = book.life
    if life is not None:  # sessions with capital count from the first capital
        first_p = (book.nominal_p == 0) & (event.nominal_p > 0)
        life = replace(life, cycle_p=np.where(first_p, book.cycle, life.cycle_p))
    mark_p = _marks(book, event.nominal_p)
    moved = _move(book, event.moved_p)
    return but(moved, nominal_p=event.nominal_p, mark_p=mark_p, life=life)


def _marks(book: Book, nominal_p: I64) -> I64:
    """High-water marks after capital was given or taken: they move along, so nothing is gained."""
    grown = np.divide(
        nominal_p, book.nominal_p, out=np.zeros(len(nominal_p)), where=book.nominal_p > 0
    )
    return np.maximum(np.floor(book.mark_p * grown).astype(np.int64), nominal_p)


@apply.register
def _swept(event: Swept, book: Book) -> Book:
    nominal_p, mark_p = book.nominal_p.copy(), book.mark_p.copy()
    nominal_p[event.pod_r], mark_p[event.pod_r] = event.nominal_r, event.nominal_r
    moved_p = np.zeros_like(book.cash_p)
    moved_p[event.pod_r] = -event.moved_r
    return but(_move(book, moved_p), nominal_p=nominal_p, mark_p=mark_p)


def _move(book: Book, moved_p: I64) -> Book:
    """Move cash from the centre to the pods (negative: back); nobody gains or loses."""
    return but(
        book,
        cash_p=book.cash_p + moved_p,
        nav_p=book.nav_p + moved_p,
        reserve=book.reserve - int(moved_p.sum()),
    )


def _put(array: Any, at: int, value: float) -> Any:
    changed = array.copy()
    changed[at] = value
    return changed


@apply.register
def _wanted(event: Wanted, book: Book) -> Book:
    keys = event.pod_r * len(book.mark_n) + event.asset_r
    key_s, lots_s, want_s = kernel.merge_nb(
        book.key_s, book.lots_s, book.want_s, keys, event.want_r
    )
    return but(book, key_s=key_s, lots_s=lots_s, want_s=want_s)


@apply.register
def _halted(event: Halted, book: Book) -> Book:
    return but(book, halted=True, fund_rung=event.rung)


# --- the lives of the pods ------------------------------------------------------------------------


def _life(book: Book) -> Life:
    return open_life(len(book.cash_p)) if book.life is None else book.life


@apply.register
def _pods_listed(event: PodsListed, book: Book) -> Book:
    """More pods, without capital; numbers of pods and keys of slots stay what they were."""
    more, life = len(event.pods), _life(book)
    paper = None if life.paper is None else _wider(life.paper, more)
    life = replace(
        life,
        place_p=_longer(life.place_p, more, Stage.CANDIDATE),
        since_p=_longer(life.since_p, more, book.day),
        cycle_p=_longer(life.cycle_p, more, book.cycle),
        part_p=_longer(life.part_p, more, 0.0),
        hold_p=_longer(life.hold_p, more, 1.0),
        weak_p=_longer(life.weak_p, more, 0),
        paper=paper,
    )
    return but(_wider(book, more), life=life)


def _wider(book: Book, more: int) -> Book:
    """A book with further pods, all closed."""
    silent_hp = np.zeros((len(book.returns_hp), more))
    return but(
        book,
        cash_p=_longer(book.cash_p, more, 0),
        nav_p=_longer(book.nav_p, more, 0),
        nominal_p=_longer(book.nominal_p, more, 0),
        mark_p=_longer(book.mark_p, more, 0),
        borne_p=_longer(book.borne_p, more, 0),
        night_p=_longer(book.night_p, more, 0.0),
        unit_p=_longer(book.unit_p, more, 1.0),
        peak_p=_longer(book.peak_p, more, 1.0),
        keep_p=_longer(book.keep_p, more, 1.0),
        rung_p=_longer(book.rung_p, more, 0),
        status_p=_longer(book.status_p, more, PodStatus.CLOSED),
        closed_day_p=_longer(book.closed_day_p, more, book.day),
        returns_hp=np.concatenate((book.returns_hp, silent_hp), axis=1),
    )


def _longer(array: Any, more: int, value: float) -> Any:
    return np.concatenate((array, np.full(more, value, dtype=array.dtype)))


@apply.register
def _asked(event: Asked, book: Book) -> Book:
    life = _life(book)
    return but(book, life=replace(life, asked=(*life.asked, event)))


@apply.register
def _answered(event: Answered, book: Book) -> Book:
    life = _life(book)
    hold_p = _put(life.hold_p, event.pod, event.hold)
    return but(book, life=replace(life, asked=life.asked[1:], hold_p=hold_p))


@apply.register
def _reviewed(event: Reviewed, book: Book) -> Book:
    life = _life(book)
    weak_p, hold_p = life.weak_p.copy(), life.hold_p.copy()
    weak_p[event.pod_r], hold_p[event.pod_r] = event.weak_r, event.hold_r
    return but(book, life=replace(life, weak_p=weak_p, hold_p=hold_p))


@apply.register
def _on_paper(event: OnPaper, book: Book) -> Book:
    life = _life(book)
    if life.paper is None:
        raise LedgerError("something happened on paper, where no pod is")
    return but(book, life=replace(life, paper=fold(life.paper, event.events)))


@apply.register
def _staged(event: PodStaged, book: Book) -> Book:
    """Enter a stage; with capital a pod starts a new life, without it is closed."""
    p, life = event.pod, _life(book)
    goes_on = event.stage in INVESTED and book.status_p[p] < PodStatus.CLOSING
    if event.stage in INVESTED and book.status_p[p] == PodStatus.CLOSING:
        raise LedgerError(f"pod {p} is being closed; it cannot get capital before it is flat")
    if event.stage in INVESTED:
        if not goes_on:
            book = _reborn(book, life, p)
    elif book.status_p[p] < PodStatus.CLOSING and event.stage != Stage.RETIRED:
        book = _idle(book, p)
    life = replace(
        life,
        place_p=_put(life.place_p, p, event.stage),
        since_p=_put(life.since_p, p, book.day),
        cycle_p=life.cycle_p if goes_on else _put(life.cycle_p, p, book.cycle),
        part_p=_put(life.part_p, p, event.part),
        hold_p=life.hold_p if goes_on else _put(life.hold_p, p, 1.0),
        weak_p=life.weak_p if goes_on else _put(life.weak_p, p, 0),
        paper=_paper_after(event, book, life.paper),
    )
    return but(book, life=life)


def _idle(book: Book, p: int) -> Book:
    """A pod that has no capital yet is closed until it gets some."""
    if book.nav_p[p] != 0 or book.nominal_p[p] != 0:
        raise LedgerError(f"pod {p} has capital; it must be closed before it leaves it")
    return but(
        book,
        status_p=_put(book.status_p, p, PodStatus.CLOSED),
        closed_day_p=_put(book.closed_day_p, p, book.day),
    )


def _reborn(book: Book, life: Life, p: int) -> Book:
    """A new life: unit value and peak 1.0, no cut. The book remembers what the pod did on paper."""
    returns_hp = book.returns_hp
    rows = min(book.cycle - int(life.cycle_p[p]), len(returns_hp))
    if life.paper is not None and life.paper.closed_day_p[p] < 0 and rows > 0:
        returns_hp = returns_hp.copy()
        returns_hp[-rows:, p] = life.paper.returns_hp[-rows:, p]
    return but(
        book,
        status_p=_put(book.status_p, p, PodStatus.ACTIVE),
        closed_day_p=_put(book.closed_day_p, p, -1),
        keep_p=_put(book.keep_p, p, 1.0),
        rung_p=_put(book.rung_p, p, 0),
        unit_p=_put(book.unit_p, p, 1.0),
        peak_p=_put(book.peak_p, p, 1.0),
        returns_hp=returns_hp,
    )


def _paper_after(event: PodStaged, book: Book, paper: Book | None) -> Book | None:
    """The notional book after a pod came or went; None when nobody is left in it."""
    if event.stage in ON_PAPER:
        return _to_paper(paper or _blank_paper(book), event)
    if paper is None or paper.closed_day_p[event.pod] >= 0:
        return paper
    paper = _off_paper(paper, event.pod)
    return None if (paper.closed_day_p >= 0).all() else paper


def _blank_paper(book: Book) -> Book:
    """A notional book without money, in which every pod is closed."""
    pods = len(book.cash_p)
    return but(
        open_book(pods, len(book.mark_n), 0),
        day=book.day,
        cycle=book.cycle,
        mark_n=book.mark_n,
        status_p=np.full(pods, PodStatus.CLOSED, dtype=np.int8),
        closed_day_p=np.full(pods, book.day, dtype=np.int64),
    )


def _to_paper(paper: Book, event: PodStaged) -> Book:
    p, capital = event.pod, event.capital
    return but(
        paper,
        cash_p=_put(paper.cash_p, p, capital),
        nav_p=_put(paper.nav_p, p, capital),
        nominal_p=_put(paper.nominal_p, p, capital),
        mark_p=_put(paper.mark_p, p, capital),
        borne_p=_put(paper.borne_p, p, capital),
        unit_p=_put(paper.unit_p, p, 1.0),
        peak_p=_put(paper.peak_p, p, 1.0),
        status_p=_put(paper.status_p, p, PodStatus.ACTIVE),
        closed_day_p=_put(paper.closed_day_p, p, -1),
        nav=paper.nav + capital - int(paper.nav_p[p]),
    )


def _off_paper(paper: Book, p: int) -> Book:
    stays_s = paper.key_s // len(paper.mark_n) != p
    return but(
        paper,
        key_s=paper.key_s[stays_s],
        lots_s=paper.lots_s[stays_s],
        want_s=paper.want_s[stays_s],
        cash_p=_put(paper.cash_p, p, 0),
        nav_p=_put(paper.nav_p, p, 0),
        nominal_p=_put(paper.nominal_p, p, 0),
        mark_p=_put(paper.mark_p, p, 0),
        borne_p=_put(paper.borne_p, p, 0),
        status_p=_put(paper.status_p, p, PodStatus.CLOSED),
        closed_day_p=_put(paper.closed_day_p, p, paper.day),
        nav=paper.nav - int(paper.nav_p[p]),
    )
