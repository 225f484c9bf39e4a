"""The live driver: one session at a time, `step` between reading and writing.

Every start is a recovery (`recovery.py`): the journal is replayed into the book, the last cycle's
orders are sent again (their ids make that harmless), and the first session without a cycle is next.
A cycle's events are appended in one transaction before its orders go out, so that being killed at
any point loses nothing and doubles nothing. Paper is this driver with the simulated broker on disk.
"""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from podshop.adapters import sources
from podshop.adapters.brokers.paper import PaperBroker
from podshop.adapters.brokers.sim import eve
from podshop.adapters.stores.lock import alone
from podshop.adapters.stores.sqlite import SqliteJournal, read_entries
from podshop.attribution.tensor import Payoff, payoff
from podshop.cycle import step
from podshop.desk.recovery import Fund, Recovered, admit, recover
from podshop.domain.book import Book
from podshop.domain.error import ConfigError, DataError, FundError, LawBroken, LedgerError
from podshop.domain.event import CycleOpened, Event, PodAdmitted, Stopped
from podshop.domain.order import Facts
from podshop.domain.rules import Rules, due
from podshop.ledger.audit import assert_balanced, assert_laws, assert_statement
from podshop.ledger.entry import decode, encode
from podshop.ledger.replay import fold
from podshop.market.quotes import quotes, row_hash
from podshop.ports import Broker
from podshop.research.backtest import Progress, traded_rows
from podshop.research.cards import check_pod
from podshop.research.run import Run
from podshop.research.wishing import wishes_today

JOURNAL, BROKER, LOCK = "journal.sqlite", "broker.sqlite", "lock"


def run_paper(
    rules: Rules,
    folder: Path,
    until: np.datetime64,
    start: np.datetime64 | None = None,
    progress: Progress | None = None,
    accept: str | None = None,
    admitted: tuple[PodAdmitted, ...] = (),
) -> Run:
    """Run a fund on paper up to and including a day, going on where the folder's journal ends.

    Args:
        rules: the fund.
        folder: where journal and paper account live; one process at a time.
        until: last day to trade.
        start: first session; needed at most once, a journal knows its own.
        progress: called with (sessions done, sessions in all).
        accept: why rules other than the journal's are taken from now on; None refuses them.
        admitted: by what each pod trades, see `admission.admissions`.

    Raises:
        ConfigError: another process runs this folder, or it is another fund's.
        DataError: the data has no such sessions, or its past changed.
        PodError: a pod broke its contract.
        LedgerError: the journal does not verify, or a law does not hold.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken = f"another podshop process runs {folder}; wait for it or stop it"
    with alone(folder / LOCK, taken):
        fund = _fund(rules, _first_day(folder / JOURNAL, start), until)
        with closing(SqliteJournal(folder / JOURNAL)) as journal:
            if journal.next_seq == 0:
                for pod in rules.pods:
                    check_pod(pod, fund.panel.rows(0, fund.stop), seed=0)
            state = recover(journal, fund, accept)
            admit(journal, state, admitted)
            with closing(_paper_account(fund, folder / BROKER)) as broker:
                _sessions(fund, journal, broker, state, progress)
            head = journal.head
    stop = max(fund.stop, fund.first + state.done)
    return Run(rules, fund.panel, fund.market, fund.first, stop, state.tape, head, state.book)


def _first_day(journal: Path, start: np.datetime64 | None) -> np.datetime64 | None:
    """The first session: the journal's own, else the one asked for."""
    if not journal.is_file():
        return start
    for entry in read_entries(journal):
        if entry.kind == CycleOpened.__name__:
            event = decode(entry.kind, entry.body)
            assert isinstance(event, CycleOpened)
            first = np.datetime64(event.day, "D")
            if start is not None and start != first:
                raise ConfigError(f"this folder's fund began on {first}, not {start}; omit --from")
            return first
    return start


def _fund(rules: Rules, start: np.datetime64 | None, until: np.datetime64) -> Fund:
    if start is not None:
        rules = replace(rules, market=replace(rules.market, start=start))
    sources.refuse(rules.market.source, rules.market.path, until)
    panel = sources.load(rules.market.source, rules.market.path, rules.market.feeds)
    first, last = traded_rows(rules, panel)
    stop = min(last, int(np.searchsorted(panel.days, until, side="right")))
    if first >= stop:
        raise DataError(
            f"no sessions from {start or panel.days[first]} to {until}: the data covers "
            f"{panel.days[0]}..{panel.days[-1]}"
        )
    return Fund(rules, panel, quotes(panel), first, stop)


def _paper_account(fund: Fund, path: Path) -> PaperBroker:
    rules, assets = fund.rules, len(fund.market.assets)
    opened = eve(rules.market.start, fund.panel.days[fund.first])
    return PaperBroker(path, rules.capital, assets, rules.costs, rules.flows, opened)


def _sessions(
    fund: Fund,
    journal: SqliteJournal,
    broker: Broker,
    state: Recovered,
    progress: Progress | None,
) -> None:
    """Send what may not have arrived, then one session after the other."""
    try:
        broker.submit(state.orders)
        for t in range(fund.first + state.done, fund.stop):
            _session(fund, journal, broker, state, t)
            if progress is not None:
                progress(t - fund.first + 1, fund.stop - fund.first)
    except FundError as error:
        _record_stop(journal, state, error)
        raise


def _session(fund: Fund, journal: SqliteJournal, broker: Broker, state: Recovered, t: int) -> None:
    """One session: read, step, prove the laws, append, submit."""
    rules, today, before = fund.rules, fund.market.until(t), state.book
    facts = broker.facts(today)
    wishes = wishes_today(rules.pods, fund.panel, fund.first, t)
    allocation = due(rules.allocator.when, fund.market.days, fund.first, t)
    book, plan = step(before, facts, today, wishes, rules, allocation, row_hash(fund.market, t))
    parts = prove(before, plan.events, book, facts)
    seq = journal.next_seq
    journal.append(plan.events, book.cycle)
    broker.submit(plan.orders)
    state.tell(plan.events, book, parts, seq)


def prove(before: Book, events: tuple[Event, ...], book: Book, facts: Facts) -> Payoff:
    """Prove the laws of a cycle before it is written: balance, statement, replay, attribution.

    Returns:
        The day's payoff, whose parts sum to the change of NAV.

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
    return payoff(before, events, book)


def _record_stop(journal: SqliteJournal, state: Recovered, error: FundError) -> None:
    """Leave the reason in the journal, so that the next start knows why the last one ended."""
    try:
        journal.append((Stopped(f"{type(error).__name__}: {error}"),), state.book.cycle)
    except LedgerError as second:
        error.add_note(f"and the reason could not be written to the journal: {second}")
