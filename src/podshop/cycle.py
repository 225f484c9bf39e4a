"""The day. Backtest, paper and live call these functions; only the adapters at their ends differ.

settle: what the outside reports becomes part of the book
    1 corporate actions   2 dividends, borrow, interest, fees, flows of the night   3 leavings
    4 crosses at the reference price, fills shared to pods   5 mark, unit values, peaks,
    risk capital
    6 reconcile
decide: what the fund does about it, executed at the next open
    1 limits and breakers: the strongest action wins and is latched   2 cuts that are over
    3 capital on schedule   4 wishes to lots under cut and caps
    5 net, orders with deterministic ids   6 the laws
step: settle, then decide.

Pure: no I/O, no clock, no randomness. Every change of the book is an event applied by the fold, so
replaying the journal gives the same book bit for bit.
"""

import numpy as np

from podshop.capital.allocation import allocate
from podshop.capital.risk_capital import compounded
from podshop.domain.book import Book
from podshop.domain.event import (
    ActionApplied,
    Breached,
    CycleClosed,
    CycleOpened,
    Event,
    OrderIntended,
    Plan,
)
from podshop.domain.market import Market
from podshop.domain.money import Bools
from podshop.domain.order import NO_ORDERS, Facts
from podshop.domain.pod import Wishes
from podshop.domain.rules import Rules, Tripwire
from podshop.ledger.audit import assert_caps, assert_laws
from podshop.ledger.replay import apply
from podshop.risk.action import actions, base_p, closings, look, restored
from podshop.trading import settlement, sizing


class Day:
    """Collects the events of a day and keeps the book in step with them."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.events: list[Event] = []

    def add(self, *events: Event | None) -> None:
        """Record events and apply them."""
        for event in events:
            if event is not None:
                self.events.append(event)
                self.book = apply(event, self.book)


def settle(book: Book, facts: Facts, market: Market, rules: Rules) -> tuple[Book, list[Event]]:
    """Bring the book through the session in the last row of `market`.

    Args:
        book: the book after the cycle before.
        facts: what the broker reports of the session.
        market: history up to and including the session.
        rules: the fund's rules.

    Returns:
        The book at the close and what happened.

    Raises:
        BrokerError: the broker reports what nobody ordered.
    """
    day = Day(book)
    for asset, ratio in zip(*market.splits.at(len(market) - 1), strict=True):
        day.add(settlement.split(day.book, int(asset), int(ratio)))
    accrued = settlement.accruals(day.book, facts, market, rules)
    if len(accrued.pod_r):
        day.add(accrued)
    day.add(*settlement.leavings(day.book, market))
    day.add(settlement.night(day.book, market))
    day.add(*settlement.trades(day.book, facts, market, rules))
    day.add(settlement.marks(day.book, market))
    if rules.keep != 1.0:
        flows = [move.amount for move in facts.moves if move.kind not in settlement.COSTS]
        day.add(compounded(book, day.book, flows, rules.keep))
    day.add(settlement.reconcile(day.book, facts))
    return day.book, day.events


def decide(
    book: Book, market: Market, wishes: Wishes, rules: Rules, allocation_due: bool
) -> tuple[Book, Plan]:
    """Decide at the close what to do at the next open.

    Args:
        book: the book at the close.
        market: history up to the close, nothing later.
        wishes: the latest wish of every pod.
        rules: the fund's rules.
        allocation_due: True when capital is shared out today.

    Returns:
        The book after the decision and the plan: what happened and the orders for the next open.

    Raises:
        LawBroken: a law does not hold; do not trade.
    """
    day = Day(book)
    breaches = look(book, rules)
    day.add(*(Breached(b) for b in breaches))
    day.add(*actions(book, breaches))
    day.add(*restored(day.book, rules))
    day.add(*closings(day.book))
    moved = {e.pod for e in day.events if isinstance(e, ActionApplied)}
    if allocation_due and not day.book.halted:
        day.add(allocate(day.book, rules.allocator.shares(day.book), rules.allocator.when))
    sized_p = _sized(day.book, wishes, moved, allocation_due)
    key_s, lots_s, want_s = day.book.key_s, day.book.lots_s, day.book.want_s
    if day.book.halted and rules.on_halt == "flatten":
        key_s, lots_s, want_s = sizing.close_all(day.book)
    elif sized_p.any():
        key_s, lots_s, want_s = sizing.wants(
            day.book, market, wishes, sized_p, base_p(day.book), rules
        )
    if day.book.halted or day.book.blocked:
        want_s = sizing.close_only(lots_s, want_s.copy())
    if sized_p.any():
        # Last, because forbidding a new short can leave the fund longer than the netted wish was.
        base = base_p(day.book)
        want_s = sizing.bring_in(day.book, key_s, want_s.copy(), sized_p, base, rules.caps)
    day.add(sizing.changed(day.book, key_s, want_s))
    pending = _pending(day.book)
    orders = sizing.net(day.book, rules.seed, rules.netting) if pending else NO_ORDERS
    if len(orders):
        day.add(OrderIntended(orders))
    assert_laws(day.book)
    if sized_p.any():
        assert_caps(day.book, rules.caps.ticker)
    return day.book, Plan(tuple(day.events), orders)


def _sized(book: Book, wishes: Wishes, moved: set[int], allocation_due: bool) -> Bools:
    """The pods to size anew: those that speak, those whose capital changed."""
    sized_p = wishes.speaks_p | allocation_due
    sized_p[list(moved)] = True
    return sized_p & (book.closed_day_p < 0)


def _pending(book: Book) -> bool:
    return bool((book.want_s != book.lots_s).any())


def step(
    book: Book,
    facts: Facts,
    market: Market,
    wishes: Wishes,
    rules: Rules,
    allocation_due: bool,
    data: str,
) -> tuple[Book, Plan]:
    """One cycle: settle, then decide.

    Args:
        book: the book after the cycle before.
        facts: what the broker reports of the session.
        market: history up to and including the session.
        wishes: the latest wish of every pod.
        rules: the fund's rules.
        allocation_due: True when capital is shared out today.
        data: hash of the session's market row, for the journal.

    Returns:
        The book after the cycle, and the plan with every event between its two markers.

    Raises:
        BrokerError: the broker reports what nobody ordered.
        LawBroken: a law does not hold; do not trade.
    """
    number = int(market.days[-1].astype("datetime64[D]").astype(np.int64))
    opened = CycleOpened(number, book.cycle + 1, data)
    book, settled = settle(apply(opened, book), facts, market, rules)
    book, plan = decide(book, market, wishes, rules, allocation_due)
    closed = CycleClosed(book.day, book.cycle, book.digest())
    return book, Plan((opened, *settled, *plan.events, closed), plan.orders)


def watch(book: Book, rules: Rules) -> Tripwire | None:
    """When a limit could next act; None when some limit must look every day."""
    wire = Tripwire(
        np.full(len(book.unit_p), np.inf), np.zeros(len(book.unit_p), dtype=np.bool_), np.inf
    )
    for limit in rules.limits:
        if limit.check is None and limit.restore is None:
            continue
        if limit.tripwire is None:
            return None
        more = limit.tripwire(book)
        wire = Tripwire(
            np.minimum(wire.drawdown_p, more.drawdown_p),
            wire.recovery_p | (more.recovery_p & (rules.restore == "peak")),
            min(wire.fund_drawdown, more.fund_drawdown),
        )
    return wire
