"""Funds that follow their pods, small enough to count by hand, and people who ask things."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from podshop.adapters.brokers.sim import SimBroker
from podshop.cycle import step
from podshop.domain.life import Answered, Asked
from podshop.domain.rules import Lifecycle, due
from podshop.ledger.replay import apply, opening
from podshop.market.quotes import quotes, row_hash
from podshop.research.backtest import fund_opened
from podshop.risk import drawdown
from podshop.trading.fill import open_account
from tests.funds import Fund, Session, plain, pod, steady

LADDER = drawdown.Params(halve_at=0.05, terminate_at=0.10)
MILLION = 1_000_000_000_000


def wave(days: int, drift: float, swing: float = 0.002, shift: int = 0) -> list[float]:
    """Prices that drift with a small wave."""
    steps = [1.0 + drift + swing * ((t * 3 + shift) % 7 - 3) / 3 for t in range(days)]
    return (100.0 * np.cumprod(steps)).tolist()


def following(closes: list[list[float]], plan: Lifecycle, **fields: object) -> Fund:
    """A fund of one pod a name, which holds it, that follows its pods."""
    table = np.array(closes).T
    pods = [pod(f"p{i}", steady({i: 1.0}), "month") for i in range(table.shape[1])]
    given = {"schedule": "month", "ladder": LADDER, "stop": 0.5} | fields
    fund = plain(table, *pods, **given)
    return replace(fund, rules=replace(fund.rules, lifecycle=plan))


def lived(fund: Fund, asked: Mapping[int, tuple[Asked, ...]]) -> Iterator[Session]:
    """Take a fund through its sessions; before row t people ask what `asked[t]` says."""
    rules, market = fund.rules, quotes(fund.panel)
    book = opening(fund_opened(rules, market, 0))
    account = open_account(rules.capital, len(market.assets))
    broker = SimBroker(rules.costs, rules.flows, account, day=market.days[0] - 1)
    for t in range(len(market)):
        for request in asked.get(t, ()):
            book = apply(request, book)
        today, before = market.until(t), book
        facts, allocation = broker.facts(today), due(rules.allocator.when, market.days, 0, t)
        wishes, row = fund.wishes.on(t), row_hash(market, t)
        book, plan = step(before, facts, today, wishes, rules, allocation, row)
        broker.submit(plan.orders)
        yield Session(t, before, facts, today, book, plan)


def found(sessions: list[Session], kind: type) -> list[tuple[int, object]]:
    """(row, event) of every event of a kind."""
    return [(s.t, e) for s in sessions for e in s.plan.events if isinstance(e, kind)]


def ask(act: str, p: int = 0, keep: float = 0.5) -> Asked:
    """A request of the owner."""
    return Asked(p, act, keep, "the owner", "because")


def answers(sessions: list[Session]) -> list[tuple[bool, str]]:
    """What became of each request."""
    return [(e.done, e.why) for _, e in found(sessions, Answered) if isinstance(e, Answered)]


def falls(days: int, drift: float = 0.0) -> list[float]:
    """Prices that fall by a fifth in the second week and then drift."""
    path = wave(days, drift)
    for t in range(6, days):
        path[t] *= 0.8
    return path
