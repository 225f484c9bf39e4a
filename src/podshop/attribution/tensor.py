"""A day's change of NAV by (pod, asset, part), exactly.

For each pod and asset, with H the lots, M the mark and R the reference price of the day's trades:

    price = H_end * M_end - H_start * M_start - sum(q * R) + cash for fractions of a split

which is H * dP for lots held through the day and q * (M_end - R) for lots traded in it. Commission,
spread, impact and netting come from `CostSplit`, the rest from `Accrued`; transfers are capital
that moved between pods and centre. Computed from lots, prices and entries, never as a remainder,
so that summing it to the change of NAV is a real check (law 9).
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.book import Book
from podshop.domain.error import LawBroken
from podshop.domain.event import (
    CENTRE,
    Accrued,
    ActionApplied,
    Allocated,
    CostSplit,
    Event,
    Filled,
    FillKind,
    Part,
    PodClosed,
    SplitApplied,
    Swept,
)
from podshop.domain.money import I64
from podshop.kernel import day as kernel

PARTS = len(Part)


@dataclass(frozen=True, slots=True)
class Payoff:
    """Rows of the payoff tensor of one day; amounts in micros. Pod -1 is the centre, asset -1 cash.

    Rows are sorted by (pod, asset, part), one each, none zero.
    """

    pod_r: I64
    asset_r: I64
    part_r: I64
    amount_r: I64

    def by_pod_part(self, pods: int) -> I64:
        """(P + 1, parts) sums over assets; the centre is the last row."""
        return _tally([(self.pod_r, self.asset_r, self.part_r, self.amount_r)], pods)


Block = tuple[I64, I64, int | I64, I64]
"""Columns pod, asset, part (one for all, or one a row) and amount; rows may repeat."""


def payoff(before: Book, events: tuple[Event, ...], after: Book) -> Payoff:
    """Explain one cycle.

    Args:
        before: the book after the cycle before.
        events: what happened in this cycle.
        after: the book after this cycle.

    Raises:
        LawBroken: the parts do not sum to the change of NAV of every pod, the centre and the fund.
    """
    n = len(before.mark_n)
    blocks = [_values(before, -1, n), _values(after, 1, n), *_told(events, n)]
    result = _collect(blocks, n)
    _assert_sums(result.by_pod_part(len(before.nav_p)), before, after)
    return result


def parts(before: Book, events: tuple[Event, ...], after: Book) -> I64:
    """Explain one cycle by pod and part only: `payoff(...).by_pod_part(P)` without the assets.

    Raises:
        LawBroken: as in `payoff`.
    """
    n, pods = len(before.mark_n), len(before.nav_p)
    table = _tally(_told(events, n), pods)
    value_p = np.empty_like(before.nav_p)
    for sign, book in ((-1, before), (1, after)):
        kernel.value_nb(book.key_s, book.lots_s, n, book.mark_n, value_p)
        table[:pods, Part.PRICE] += sign * value_p
    _assert_sums(table, before, after)
    return table


def _told(events: tuple[Event, ...], n: int) -> list[Block]:
    """What the events of a cycle say, as blocks."""
    judge = next((event for event in events if isinstance(event, CostSplit)), None)
    return [block for event in events for block in _event_blocks(event, n, judge)]


def _values(book: Book, sign: int, n: int) -> Block:
    """Holdings at the mark as price rows: minus at the start of the day, plus at its end."""
    pod = book.key_s // n
    asset = book.key_s - pod * n
    return pod, asset, Part.PRICE, sign * book.lots_s * book.mark_n[asset]


def _event_blocks(event: Event, n: int, judge: CostSplit | None) -> list[Block]:
    if isinstance(event, Accrued):
        return [(event.pod_r, event.asset_r, event.part_r, event.amount_r)]
    if isinstance(event, CostSplit):
        costs = (
            (Part.COMMISSION, event.commission_r),
            (Part.SPREAD, event.spread_r),
            (Part.IMPACT, event.impact_r),
            (Part.NETTING, event.netting_r),
        )
        return [(event.pod_r, event.asset_r, part, amount) for part, amount in costs]
    if isinstance(event, Filled):
        spent = -event.lots_r * _judged(event, n, judge)
        return [(event.pod_r, event.asset_r, Part.PRICE, spent)]
    if isinstance(event, SplitApplied):
        asset = np.full(len(event.pod_r), event.asset)
        centre = _row(CENTRE, event.asset, Part.PRICE, event.centre_cash)
        return [(event.pod_r, asset, Part.PRICE, event.cash_r), centre]
    return _transfers(event)


def _judged(filled: Filled, n: int, judge: CostSplit | None) -> I64:
    """The price that each fill is judged against: the split's reference; its own when it was
    forced.
    """
    if judge is None:
        return filled.price_r
    judged_r = kernel.judged_nb(
        judge.pod_r, judge.asset_r, judge.reference_r, n, filled.pod_r, filled.asset_r
    )
    forced_r = filled.kind_r == FillKind.FORCED
    return np.where(forced_r, filled.price_r, judged_r) if forced_r.any() else judged_r


def _transfers(event: Event) -> list[Block]:
    if isinstance(event, ActionApplied | PodClosed):
        pod = _row(event.pod, -1, Part.TRANSFER, -event.moved)
        return [pod, _row(CENTRE, -1, Part.TRANSFER, event.moved)]
    if isinstance(event, Swept):
        none = np.full(len(event.pod_r), -1)
        centre = _row(CENTRE, -1, Part.TRANSFER, int(event.moved_r.sum()))
        return [(event.pod_r, none, Part.TRANSFER, -event.moved_r), centre]
    if isinstance(event, Allocated):
        pods = np.arange(len(event.moved_p))
        centre = _row(CENTRE, -1, Part.TRANSFER, -int(event.moved_p.sum()))
        return [(pods, np.full(len(pods), -1), Part.TRANSFER, event.moved_p), centre]
    return []


def _row(pod: int, asset: int, part: Part, amount: int) -> Block:
    return np.array([pod]), np.array([asset]), part, np.array([amount])


def _parts_of(block: Block) -> I64:
    """(rows,) part numbers of a block."""
    return np.full(len(block[0]), block[2], dtype=np.int64)


def _tally(blocks: list[Block], pods: int) -> I64:
    """(P + 1, parts) sums over assets; the centre is the last row."""
    table = np.zeros((pods + 1, PARTS), dtype=np.int64)
    for block in blocks:
        kernel.tally_nb(block[0], np.atleast_1d(block[2]), block[3], table)
    return table


def _collect(blocks: list[Block], n: int) -> Payoff:
    """Sum rows of equal (pod, asset, part) and drop zeros."""
    pod, asset, part, amount = (
        np.concatenate(column)
        for column in zip(*((b[0], b[1], _parts_of(b), b[3]) for b in blocks), strict=True)
    )
    key = ((pod + 1) * (n + 1) + asset + 1) * PARTS + part
    order = np.argsort(key)
    key, amount = key[order], amount[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    unique = key[first]
    amount = np.add.reduceat(amount, first) if len(first) else amount
    kept = amount != 0
    unique, amount = unique[kept], amount[kept]
    pair = unique // PARTS
    return Payoff(pair // (n + 1) - 1, pair % (n + 1) - 1, unique % PARTS, amount)


def _assert_sums(parts_pk: I64, before: Book, after: Book) -> None:
    pods = len(before.nav_p)
    explained = parts_pk.sum(axis=1)
    change = np.append(after.nav_p - before.nav_p, after.reserve - before.reserve)
    if (explained != change).any():
        p = int(np.argmax(explained != change))
        name = "the centre" if p == pods else f"pod {p}"
        raise LawBroken(
            f"law 9: day {after.day}: parts of {name} sum to {explained[p]} micros, "
            f"its NAV changed by {change[p]}"
        )
