"""The live driver: one session at a time, `step` between reading and writing.

Every start is a recovery: the journal is replayed into the book, the last cycle's orders are sent
again (their ids make that harmless), and the first session without a cycle is next. A cycle's
events are appended in one transaction before its orders go out, so that being killed at any point
loses nothing and doubles nothing. Paper is this driver with the simulated broker on disk.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from podshop.adapters import vendors
from podshop.adapters.brokers.paper import PaperBroker
from podshop.adapters.stores.sqlite import SqliteJournal
from podshop.attribution.tensor import payoff
from podshop.cycle import step
from podshop.domain.book import Book
from podshop.domain.error import ConfigError, DataError, FundError, LawBroken
from podshop.domain.event import CycleClosed, CycleOpened, Event, FundOpened, OrderIntended, Stopped
from podshop.domain.market import Market, Panel
from podshop.domain.order import NO_ORDERS, Facts, Orders
from podshop.domain.rules import Rules, due
from podshop.ledger.audit import assert_balanced, assert_laws, assert_statement
from podshop.ledger.entry import decode, encode
from podshop.ledger.replay import fold, opening
from podshop.market.quotes import quotes, row_hash
from podshop.ports import Broker
from podshop.research.backtest import Progress, fund_opened, traded_rows
from podshop.research.cards import check_pod
from podshop.research.run import Run
from podshop.research.tape import Tape
from podshop.research.wishing import wishes_today

JOURNAL, BROKER, LOCK = "journal.sqlite", "broker.sqlite", "lock"


@dataclass(slots=True)
class Recovered:
    """What a replay of the journal gives.

    Attributes:
        book: the state after the last cycle.
        orders: that cycle's orders, to be sent again.
        tape: what happened so far.
        done: number of cycles in the journal.
    """

    book: Book
    orders: Orders
    tape: Tape
    done: int


def run_paper(
    rules: Rules,
    folder: Path,
    until: np.datetime64,
    start: np.datetime64 | None = None,
    progress: Progress | None = None,
) -> Run:
    """Run a fund on paper up to and including a day, going on where the folder's journal ends.

    Args:
        rules: the fund.
        folder: where journal and paper account live; one process at a time.
        until: last day to trade.
        start: first session, for a folder without a journal; later starts must agree with it.
        progress: called with (sessions done, sessions in all).

    Raises:
        ConfigError: another process runs this folder, or the rules are not those of its journal.
        DataError: the data has no such sessions, or its past changed.
        LedgerError: the journal does not verify.
        LawBroken: a law does not hold.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        panel = vendors.load(rules.market.source, rules.market.path)
        market = quotes(panel)
        first, last = traded_rows(rules, panel)
        if start is not None:
            first = int(np.searchsorted(panel.days, start))
        stop = min(last, int(np.searchsorted(panel.days, until, side="right")))
        if first >= stop:
            raise DataError(f"no sessions from {start or panel.days[first]} to {until} in the data")
        return _sessions(rules, folder, panel, market, first, stop, progress)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder; the lock goes with the process, however it ends."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise ConfigError(
            f"another podshop process runs {folder}; wait for it or stop it"
        ) from None
    try:
        yield
    finally:
        os.close(handle)


def _sessions(
    rules: Rules,
    folder: Path,
    panel: Panel,
    market: Market,
    first: int,
    stop: int,
    progress: Progress | None,
) -> Run:
    journal = SqliteJournal(folder / JOURNAL)
    opened = fund_opened(rules, market, first)
    if journal.next_seq == 0:
        for pod in rules.pods:
            check_pod(pod, panel.rows(0, stop), seed=0)
        journal.append((opened,), -1)
    state = recover(journal, opened, market, first, stop)
    broker = PaperBroker(
        folder / BROKER,
        rules.capital,
        len(market.assets),
        rules.costs,
        rules.flows,
        panel.days[first],
    )
    broker.submit(state.orders)
    try:
        for t in range(first + state.done, stop):
            _session(rules, panel, market, journal, broker, state, first, t)
            if progress is not None:
                progress(t - first + 1, stop - first)
    except FundError as error:
        _record_stop(journal, state, error)
        raise
    finally:
        head = journal.head
        journal.close()
        broker.close()
    stop = max(stop, first + state.done)
    return Run(rules, panel, market, first, stop, state.tape, head, state.book)


def _session(
    rules: Rules,
    panel: Panel,
    market: Market,
    journal: SqliteJournal,
    broker: Broker,
    state: Recovered,
    first: int,
    t: int,
) -> None:
    """One session: read, step, prove the laws, append, submit."""
    today = market.until(t)
    facts = broker.facts(today)
    wishes = wishes_today(rules.pods, panel, first, t)
    allocation = due(rules.allocator.when, market.days, first, t)
    before = state.book
    book, plan = step(before, facts, today, wishes, rules, allocation, row_hash(market, t))
    prove(before, plan.events, book, facts)
    seq = journal.next_seq
    journal.append(plan.events, book.cycle)
    broker.submit(plan.orders)
    state.book, state.done = book, state.done + 1
    _tell(state.tape, t - first, before, plan.events, book, seq)


def prove(before: Book, events: tuple[Event, ...], book: Book, facts: Facts) -> None:
    """Prove the laws of a cycle before it is written: balance, statement, replay.

    Raises:
        LawBroken: names the law.
    """
    for event in events:
        assert_balanced(event)
    assert_laws(book)
    if not book.blocked:
        assert_statement(book, facts.statement)
    again = fold(before, (decode(type(e).__name__, encode(e)) for e in events))
    if again.digest() != book.digest():
        raise LawBroken("law 4: replaying the cycle gives another book")


def _tell(
    tape: Tape, d: int, before: Book, events: tuple[Event, ...], book: Book, seq: int
) -> None:
    tape.hear(d, events, seq)
    tape.explain(d, payoff(before, events, book))
    tape.close(d, book)


def _record_stop(journal: SqliteJournal, state: Recovered, error: FundError) -> None:
    """Leave the reason in the journal, so that the next start knows why the last one ended."""
    cause = f"{type(error).__name__}: {error}"
    journal.append((Stopped(cause),), state.book.cycle)


def recover(
    journal: SqliteJournal, opened: FundOpened, market: Market, first: int, stop: int
) -> Recovered:
    """Replay the journal, verifying chain, laws and that rules and data are still the same.

    Raises:
        ConfigError: the journal belongs to other rules.
        DataError: the data that past cycles were decided on has changed.
        LedgerError: the journal does not verify.
    """
    entries = journal.read()
    seq, head = next(entries)
    book = opening(head)
    _same_fund(head, opened)
    days = market.days.astype("datetime64[D]").astype(np.int64)
    state = Recovered(book, NO_ORDERS, Tape.blank(days[first:], len(opened.pods), detail=True), 0)
    state.tape.hear(0, (head,), seq)
    cycle: list[Event] = []
    begun = seq + 1
    for seq, event in entries:
        if isinstance(event, CycleOpened):
            cycle, begun = [], seq
            _same_data(event, market, first + state.done)
        cycle.append(event)
        if isinstance(event, CycleClosed):
            _replay_cycle(state, tuple(cycle), event, begun)
    state.tape = _cut(state.tape, max(stop - first, state.done))
    return state


def _replay_cycle(
    state: Recovered, events: tuple[Event, ...], closed: CycleClosed, seq: int
) -> None:
    before, state.book = state.book, fold(state.book, events)
    if state.book.digest() != closed.book:
        raise LawBroken(f"law 4: cycle {state.book.cycle} replays to another book than was written")
    orders = [event.orders for event in events if isinstance(event, OrderIntended)]
    state.orders = orders[0] if orders else NO_ORDERS
    _tell(state.tape, state.done, before, events, state.book, seq)
    state.done += 1


def _same_fund(recorded: Event, opened: FundOpened) -> None:
    if not isinstance(recorded, FundOpened) or recorded.rules != opened.rules:
        raise ConfigError(
            "this folder's journal was written under other rules; "
            "use a new --out folder for the new rules"
        )
    if recorded != opened:
        raise DataError(
            "the market data before the first session is not what the journal began with"
        )


def _same_data(event: CycleOpened, market: Market, t: int) -> None:
    if t >= len(market) or row_hash(market, t) != event.data:
        day = np.datetime64(event.day, "D")
        raise DataError(f"the market data of {day} is not what the journal's cycle was decided on")


def _cut(tape: Tape, sessions: int) -> Tape:
    """Shorten a tape to the sessions that will be run."""
    for name in (
        "day_d",
        "nav_dp",
        "unit_dp",
        "nominal_dp",
        "keep_dp",
        "status_dp",
        "part_dpk",
        "nav_d",
        "unit_d",
        "cash_d",
    ):
        setattr(tape, name, getattr(tape, name)[:sessions])
    return tape
