"""Start-up is recovery: replay the journal into the book, and refuse what is not the same fund.

There is no other start. An empty journal is opened with `FundOpened`; a journal with cycles is
folded, its chain, digests and laws are checked on the way, and its rules and data are compared with
today's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np

from podshop.adapters.stores.sqlite import SqliteJournal
from podshop.attribution.tensor import Payoff, payoff
from podshop.domain.book import Book
from podshop.domain.error import ConfigError, DataError, LawBroken
from podshop.domain.event import (
    CycleClosed,
    CycleOpened,
    Event,
    FundOpened,
    OrderIntended,
    PodAdmitted,
    RulesChanged,
)
from podshop.domain.life import Asked, PodsListed
from podshop.domain.market import Market, Panel
from podshop.domain.order import NO_ORDERS, Orders
from podshop.domain.rules import Rules
from podshop.ledger.replay import apply, fold, opening
from podshop.market.quotes import row_hash
from podshop.research.backtest import fund_opened
from podshop.research.cards import check_pod
from podshop.research.tape import Tape


@dataclass(frozen=True, slots=True)
class Fund:
    """What a driver runs: the rules on their data, and the rows [first, stop) to trade."""

    rules: Rules
    panel: Panel
    market: Market
    first: int
    stop: int


@dataclass(slots=True)
class Recovered:
    """What a replay of the journal gives; the driver goes on with it.

    Attributes:
        book: the state after the last cycle.
        orders: that cycle's orders, to be sent again.
        tape: what happened so far.
        done: number of cycles in the journal.
        admitted: by what each pod trades, as the journal says last.
        pods: ids of the pods that the journal knows.
    """

    book: Book
    orders: Orders
    tape: Tape
    done: int
    admitted: dict[int, PodAdmitted] = field(default_factory=dict)
    pods: tuple[str, ...] = ()

    def tell(self, events: tuple[Event, ...], book: Book, parts: Payoff, seq: int) -> None:
        """Go on to the book after one more cycle, whose first entry is `seq`."""
        self.tape.hear(self.done, events, seq)
        self.tape.explain(self.done, parts)
        self.tape.close(self.done, book)
        self.book, self.done = book, self.done + 1


def recover(journal: SqliteJournal, fund: Fund, accept: str | None) -> Recovered:
    """Replay the journal, verifying chain and laws, and that rules and data are still the same.

    Args:
        journal: begun or empty; an empty one is opened.
        fund: what is to be run.
        accept: why other rules than the journal's are taken from now on; None refuses them.

    Raises:
        ConfigError: the journal belongs to other rules.
        DataError: the data that past cycles were decided on has changed.
        LedgerError: the journal does not verify.
    """
    opened = fund_opened(fund.rules, fund.market, fund.first)
    if journal.next_seq == 0:
        journal.append((opened,), -1)
    entries = journal.read()
    seq, head = next(entries)
    book = opening(head)
    days = fund.market.days[fund.first :].astype("datetime64[D]").astype(np.int64)
    tape = Tape.blank(days, len(fund.rules.pods), detail=True)
    tape.hear(0, (head,), seq)
    state = Recovered(book, NO_ORDERS, tape, 0)
    rules = _replay(state, chain([(seq, head)], entries), opened, fund)
    if rules != fund.rules.hash:
        _accept(journal, state, fund, accept)
    tape.cut(max(fund.stop - fund.first, state.done))
    return state


def _replay(
    state: Recovered, entries: Iterator[tuple[int, Event]], opened: FundOpened, fund: Fund
) -> str:
    """Fold all cycles; gives the hash of the rules that were last in force."""
    rules, begun = "", 0
    cycle: list[Event] = []
    for seq, event in entries:
        if isinstance(event, FundOpened):
            _same_fund(event, opened)
            rules, state.pods = event.rules, event.pods
        elif isinstance(event, RulesChanged):
            rules = event.rules
            state.tape.hear(max(0, state.done - 1), (event,), seq)
        elif isinstance(event, PodAdmitted):
            state.admitted[event.pod] = event
            state.tape.hear(max(0, state.done - 1), (event,), seq)
        elif isinstance(event, Asked | PodsListed):
            if isinstance(event, PodsListed):
                state.pods = _with(state.pods, event.pods, fund.rules.pod_ids())
            state.book = apply(event, state.book)
            state.tape.hear(max(0, state.done - 1), (event,), seq)
        elif isinstance(event, CycleOpened):
            cycle, begun = [event], seq
            _same_data(event, fund.market, fund.first + state.done)
        else:
            cycle.append(event)
        if isinstance(event, CycleClosed):
            _replay_cycle(state, tuple(cycle), event, begun)
    return rules


def _replay_cycle(
    state: Recovered, events: tuple[Event, ...], closed: CycleClosed, seq: int
) -> None:
    book = fold(state.book, events)
    if book.digest() != closed.book:
        raise LawBroken(f"law 4: cycle {book.cycle} replays to another book than was written")
    orders = [event.orders for event in events if isinstance(event, OrderIntended)]
    state.orders = orders[0] if orders else NO_ORDERS
    state.tell(events, book, payoff(state.book, events, book), seq)


def _same_fund(recorded: FundOpened, opened: FundOpened) -> None:
    """The journal must be this fund's: its names, its capital, its past; pods may be new."""
    same = opened.pods[: len(recorded.pods)] == recorded.pods
    if not same or recorded.capital != opened.capital:
        raise ConfigError(
            f"this folder is the journal of a fund with pods {', '.join(recorded.pods)} and "
            f"{recorded.capital / 1e6:,.0f} of capital; use another --out folder. New pods may "
            "only stand behind those; a pod that shall go is retired, not removed"
        )
    if replace(recorded, rules=opened.rules, pods=opened.pods) != opened:
        raise DataError(
            "the market data up to the first session is not what the journal began with; "
            "restore it, or begin a new --out folder"
        )


def _accept(journal: SqliteJournal, state: Recovered, fund: Fund, why: str | None) -> None:
    """Go on under other rules, and with further pods, for a reason."""
    if not why:
        raise ConfigError(
            "the rules are not those that this folder's journal was written under; take them "
            'from now on with --accept-rules "why", or begin a new --out folder'
        )
    events: tuple[Event, ...] = (RulesChanged(fund.rules.hash, why), *_listed(state, fund, why))
    state.tape.hear(max(0, state.done - 1), events, journal.next_seq)
    journal.append(events, state.book.cycle)
    state.book = fold(state.book, events)


def _listed(state: Recovered, fund: Fund, why: str) -> tuple[PodsListed, ...]:
    """The pods that are new in the fund file; each must pass the cards that every pod passes."""
    new = fund.rules.pod_ids()[len(state.pods) :]
    if new and fund.rules.lifecycle is None:
        raise ConfigError(
            f"{', '.join(new)}: a running fund can list new pods only when it follows its pods; "
            "write [lifecycle] into the fund file, or begin a new --out folder"
        )
    for pod in fund.rules.pods[len(state.pods) :]:
        check_pod(pod, fund.panel.rows(0, fund.stop), seed=0)
    return (PodsListed(new, why),) if new else ()


def _with(known: tuple[str, ...], more: tuple[str, ...], ids: tuple[str, ...]) -> tuple[str, ...]:
    """The pods that a journal knows, after it listed more; the fund file must have them all."""
    known = (*known, *more)
    if ids[: len(known)] != known:
        raise ConfigError(
            f"this folder is the journal of a fund with pods {', '.join(known)}; new pods may only "
            "stand behind those, and a pod that shall go is retired, not removed"
        )
    return known


def admit(journal: SqliteJournal, state: Recovered, told: tuple[PodAdmitted, ...]) -> None:
    """Write into the journal by what each pod trades, where it does not say so already."""
    fresh = tuple(said for said in told if state.admitted.get(said.pod) != said)
    if fresh:
        state.tape.hear(max(0, state.done - 1), fresh, journal.next_seq)
        journal.append(fresh, state.book.cycle)


def _same_data(event: CycleOpened, market: Market, t: int) -> None:
    if t >= len(market) or row_hash(market, t) != event.data:
        day = np.datetime64(event.day, "D")
        raise DataError(
            f"the market data of {day} is not what the journal's cycle was decided on; restore it"
        )
