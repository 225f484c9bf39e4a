"""The day. Backtest, paper and live call these functions; only the adapters at their ends differ.

settle: what the outside reports becomes part of the book
    1 corporate actions   2 dividends, borrow, interest, fees, flows of the night   3 leavings
    4 crosses at the reference price, fills shared to pods   5 mark, unit values, peaks,
    risk capital
    6 reconcile
decide: what the fund does about it, executed at the next open
    1 limits and breakers: the strongest action wins and is latched   2 cuts that are over
    3 stages of the pods' lives, what people asked, reviews   4 capital on schedule
    5 wishes to lots under cut and caps   6 net, orders with deterministic ids   7 the laws
Pods on paper go the same way in a notional book, which reaches no broker.
step: settle, then decide.

Pure: no I/O, no clock, no randomness. Every change of the book is an event applied by the fold, so
replaying the journal gives the same book bit for bit.
"""

import numpy as np

from podshop.capital.allocation import allocate
from podshop.capital.risk_capital import compounded, swept
from podshop.domain.book import Book
from podshop.domain.error import LawBroken
from podshop.domain.event import (
    ActionApplied,
    Breached,
    CycleClosed,
    CycleOpened,
    Event,
    OnPaper,
    OrderIntended,
    Plan,
    Wanted,
)
from podshop.domain.market import Market
from podshop.domain.money import Bools
from podshop.domain.order import NO_ORDERS, Facts
from podshop.domain.pod import Wishes
from podshop.domain.rules import Rules, Tripwire
from podshop.ledger.audit import assert_caps, assert_laws
from podshop.ledger.replay import apply
from podshop.risk import lifecycle, review
from podshop.risk.action import actions, base_p, closings, look, restored
from podshop.trading import paper, settlement, sizing


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
    day.add(swept(day.book, rules))
    day.add(settlement.reconcile(day.book, facts))
    day.add(_paper_session(day.book, market, rules))
    return day.book, day.events


def _paper_session(book: Book, market: Market, rules: Rules) -> OnPaper | None:
    """Bring the notional book through the session, the same way."""
    if book.life is None or book.life.paper is None:
        return None
    facts = paper.facts_on_paper(book.life.paper, market, rules)
    after, events = settle(book.life.paper, facts, market, paper.rules_on_paper(rules))
    if after.blocked:
        raise LawBroken("law 2: the notional book of the pods on paper is not its own statement")
    return OnPaper(tuple(events))


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
    _live_on(day, market, rules, allocation_due)
    moved = {e.pod for e in day.events if isinstance(e, ActionApplied)}
    if allocation_due and not day.book.halted:
        day.add(allocate(day.book, rules.allocator.shares(day.book), rules.allocator.when))
    sized_p = _sized(day.book, wishes, moved, allocation_due)
    day.add(_wanted(day.book, market, wishes, sized_p, rules))
    day.add(_wanted_on_paper(day.book, market, wishes, allocation_due, rules))
    pending = _pending(day.book)
    orders = sizing.net(day.book, rules.seed, rules.netting) if pending else NO_ORDERS
    if len(orders):
        day.add(OrderIntended(orders))
    assert_laws(day.book)
    if sized_p.any():
        assert_caps(day.book, rules.caps)
    return day.book, Plan(tuple(day.events), orders)


def _live_on(day: Day, market: Market, rules: Rules, allocation_due: bool) -> None:
    """Take the pods on through their lives: requests, quarantine, reviews, ramps."""
    plan = rules.lifecycle
    if plan is not None and (day.book.life is None or (day.book.life.since_p < 0).any()):
        day.add(*lifecycle.entered(day.book, rules))
    for asked in day.book.life.asked if day.book.life is not None else ():
        day.add(*lifecycle.answer(asked, day.book, rules))
    if plan is None:
        return
    day.add(*lifecycle.quarantined(day.book, rules))
    if day.book.halted:
        return
    if review.quarter_due(market):
        day.add(*(review.audit(day.book, plan) if plan.audit else []))
        day.add(*(review.review(day.book, market, plan) if plan.review != "off" else []))
    if allocation_due:
        day.add(*lifecycle.promoted(day.book, rules))


def _wanted(
    book: Book, market: Market, wishes: Wishes, sized_p: Bools, rules: Rules
) -> Wanted | None:
    """The lots that the sized pods want, under caps, cuts and a halt; where they changed."""
    key_s, lots_s, want_s = book.key_s, book.lots_s, book.want_s
    if book.halted and rules.on_halt == "flatten":
        key_s, lots_s, want_s = sizing.close_all(book)
    elif sized_p.any():
        key_s, lots_s, want_s = sizing.wants(book, market, wishes, sized_p, base_p(book), rules)
    if book.halted or book.blocked:
        want_s = sizing.close_only(lots_s, want_s.copy())
    if sized_p.any():
        # Last, because forbidding a new short can leave the fund longer than the netted wish was.
        caps, base = rules.caps, base_p(book)
        beta_n = sizing.betas(market, caps.beta_days) if np.isfinite(caps.beta) else None
        want_s = sizing.bring_in(book, key_s, want_s.copy(), sized_p, base, caps, beta_n)
    return sizing.changed(book, key_s, want_s)


def _wanted_on_paper(
    book: Book, market: Market, wishes: Wishes, allocation_due: bool, rules: Rules
) -> OnPaper | None:
    """The lots that the pods on paper want in their notional book."""
    if book.life is None or book.life.paper is None:
        return None
    sized_p = paper.sized_on_paper(book, wishes, allocation_due)
    wanted = _wanted(book.life.paper, market, wishes, sized_p, paper.rules_on_paper(rules))
    return None if wanted is None else OnPaper((wanted,))


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
