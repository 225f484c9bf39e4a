"""A day's change of NAV by (pod, asset, part), exactly.

For each pod and asset, with H the lots, M the mark and R the reference price of the day's trades:

    price = H_end * M_end - H_start * M_start - sum(q * R) + cash for fractions of a split

which is H * dP for lots held through the day and q * (M_end - R) for lots traded in it. Commission,
spread, impact and netting come from `CostSplit`, the rest from `Accrued`; transfers are capital that
moved between pods and centre. Computed from lots, prices and entries, never as a remainder, so that
summing it to the change of NAV is a real check (law 9).
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
)
from podshop.domain.money import I64

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
        table = np.zeros((pods + 1, PARTS), dtype=np.int64)
        np.add.at(table, (self.pod_r % (pods + 1), self.part_r), self.amount_r)
        return table


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
    blocks = [_values(before, -1, n), _values(after, 1, n)]
    reference: dict[int, int] = {}
    for event in events:
        if isinstance(event, CostSplit):
            keys = event.pod_r * n + event.asset_r
            reference = dict(zip(keys.tolist(), event.reference_r.tolist(), strict=True))
    for event in events:
        blocks += _event_blocks(event, n, reference)
    result = _collect(np.concatenate(blocks), n)
    _assert_sums(result, before, after)
    return result


def _block(pod: I64, asset: I64, part: int | I64, amount: I64) -> I64:
    full = np.broadcast_to(np.asarray(part, dtype=np.int64), amount.shape)
    return np.stack((pod, asset, full, amount), axis=1)


def _values(book: Book, sign: int, n: int) -> I64:
    """Holdings at the mark as price rows: minus at the start of the day, plus at its end."""
    asset = book.key_s % n
    return _block(book.key_s // n, asset, Part.PRICE, sign * book.lots_s * book.mark_n[asset])


def _event_blocks(event: Event, n: int, reference: dict[int, int]) -> list[I64]:
    if isinstance(event, Accrued):
        return [_block(event.pod_r, event.asset_r, event.part_r, event.amount_r)]
    if isinstance(event, CostSplit):
        parts = (
            (Part.COMMISSION, event.commission_r),
            (Part.SPREAD, event.spread_r),
            (Part.IMPACT, event.impact_r),
            (Part.NETTING, event.netting_r),
        )
        return [_block(event.pod_r, event.asset_r, part, amount) for part, amount in parts]
    if isinstance(event, Filled):
        keys = (event.pod_r * n + event.asset_r).tolist()
        judged = [
            price if kind == FillKind.FORCED else reference[key]
            for key, price, kind in zip(keys, event.price_r.tolist(), event.kind_r.tolist(), strict=True)
        ]
        spent = -event.lots_r * np.array(judged, dtype=np.int64)
        return [_block(event.pod_r, event.asset_r, Part.PRICE, spent)]
    if isinstance(event, SplitApplied):
        asset = np.full(len(event.pod_r), event.asset)
        centre = np.array([[CENTRE, event.asset, Part.PRICE, event.centre_cash]])
        return [_block(event.pod_r, asset, Part.PRICE, event.cash_r), centre]
    return _transfers(event)


def _transfers(event: Event) -> list[I64]:
    if isinstance(event, ActionApplied | PodClosed):
        rows = [(event.pod, -1, Part.TRANSFER, -event.moved), (CENTRE, -1, Part.TRANSFER, event.moved)]
        return [np.array(rows, dtype=np.int64)]
    if isinstance(event, Allocated):
        pods = np.arange(len(event.moved_p))
        centre = np.array([[CENTRE, -1, Part.TRANSFER, -int(event.moved_p.sum())]])
        return [_block(pods, np.full(len(pods), -1), Part.TRANSFER, event.moved_p), centre]
    return []


def _collect(rows: I64, n: int) -> Payoff:
    """Sum rows of equal (pod, asset, part) and drop zeros."""
    key = ((rows[:, 0] + 1) * (n + 1) + rows[:, 1] + 1) * PARTS + rows[:, 2]
    unique, at = np.unique(key, return_inverse=True)
    amount = np.zeros(len(unique), dtype=np.int64)
    np.add.at(amount, at, rows[:, 3])
    kept = amount != 0
    unique, amount = unique[kept], amount[kept]
    pair = unique // PARTS
    return Payoff(pair // (n + 1) - 1, pair % (n + 1) - 1, unique % PARTS, amount)


def _assert_sums(result: Payoff, before: Book, after: Book) -> None:
    pods = len(before.nav_p)
    explained = result.by_pod_part(pods).sum(axis=1)
    change = np.append(after.nav_p - before.nav_p, after.reserve - before.reserve)
    if (explained != change).any():
        p = int(np.argmax(explained != change))
        name = "the centre" if p == pods else f"pod {p}"
        raise LawBroken(
            f"law 9: day {after.day}: parts of {name} sum to {explained[p]} micros, its NAV changed by {change[p]}"
        )
