"""What people ask of pods, and how the pods of a journal stand.

A request is written into the journal as `Asked`, outside any cycle, and is answered by the next
cycle: every change of a pod has its place among the days, and a replay tells it again. What can be
told at once to be impossible is refused here, by the same code that the cycle would answer with.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from podshop.adapters.stores.lock import alone
from podshop.adapters.stores.sqlite import SqliteJournal, read_entries
from podshop.desk.live import LOCK
from podshop.domain.book import Book
from podshop.domain.error import ConfigError, RequestRefused
from podshop.domain.event import ActionApplied, Event, FundOpened, PodAdmitted
from podshop.domain.life import Answered, Asked, Audited, PodsListed, PodStaged, Reviewed
from podshop.domain.pod import ON_PAPER, Stage
from podshop.domain.rules import Rules
from podshop.ledger.entry import decode
from podshop.ledger.replay import apply, opening
from podshop.risk.lifecycle import RULES, answer, days_left, deepest, record, sharpe_of


@dataclass(frozen=True, slots=True)
class Standing:
    """How a pod stands.

    Attributes:
        pod: its id.
        stage: `Stage`.
        since: day of its last change; None before the first.
        who, why: of its last change.
        nav: micros, on paper of the notional book.
        drawdown: now, below the high-water mark of the unit value; fraction.
        sharpe: ratio a year since it entered its stage, or got its first capital.
        worst: deepest fall in the same time; fraction.
        days_left: calendar days on paper still to go.
        asked: what was asked and not answered yet.
    """

    pod: str
    stage: Stage
    since: np.datetime64 | None
    who: str
    why: str
    nav: int
    drawdown: float
    sharpe: float
    worst: float
    days_left: int
    asked: tuple[str, ...]


@dataclass(slots=True)
class Told:
    """A journal read to its end.

    Attributes:
        book: after the last entry.
        pods: their ids.
        changes: pod -> (day, who, why) of its last change.
        answers, audits, reviews: with their days.
        admitted: by what each pod trades.
    """

    book: Book
    pods: tuple[str, ...]
    changes: dict[int, tuple[int, str, str]]
    answers: list[tuple[int, Answered]]
    admitted: dict[int, PodAdmitted]
    audits: list[tuple[int, Audited]]
    reviews: list[tuple[int, Reviewed]]


def read(journal: Path) -> Told:
    """Read a journal.

    Raises:
        LedgerError: it does not verify, or is none.
        ConfigError: it is empty.
    """
    events: Iterator[Event] = (decode(e.kind, e.body) for e in read_entries(journal))
    first = next(events, None)
    if not isinstance(first, FundOpened):
        raise ConfigError(f"{journal}: no fund was opened in it; run the fund first")
    told = Told(opening(first), first.pods, {}, [], {}, [], [])
    for event in events:
        told.book = apply(event, told.book)
        _hear(told, event, told.book.day)
    return told


def _hear(told: Told, event: Event, day: int) -> None:
    """Note what an event says of the pods' lives."""
    if isinstance(event, PodStaged):
        told.changes[event.pod] = (day, event.who, event.why)
    elif isinstance(event, ActionApplied):
        told.changes[event.pod] = (day, RULES, event.why)
    elif isinstance(event, Answered):
        told.answers.append((day, event))
        if event.done:
            who, _, why = event.why.partition(": ")
            told.changes[event.pod] = (day, who, why)
    elif isinstance(event, PodsListed):
        for p, pod in enumerate(event.pods, len(told.pods)):
            told.changes[p] = (day, "a person", f"{pod} was listed: {event.why}")
        told.pods = (*told.pods, *event.pods)
    elif isinstance(event, PodAdmitted):
        told.admitted[event.pod] = event
    elif isinstance(event, Audited):
        told.audits.append((day, event))
    elif isinstance(event, Reviewed):
        told.reviews.append((day, event))


def standings(told: Told, rules: Rules) -> list[Standing]:
    """How every pod of a journal stands after its last cycle."""
    return [_standing(told, rules, p) for p in range(len(told.pods))]


def _standing(told: Told, rules: Rules, p: int) -> Standing:
    book, plan = told.book, rules.lifecycle
    paper = book.life.paper if book.life is not None else None
    stage = Stage(int(book.stage_p[p]))
    seen = paper if paper is not None and stage in ON_PAPER else book
    returns, excess = record(book, p)
    day, who, why = told.changes.get(p, (-1, "", ""))
    waiting = book.life.asked if book.life is not None else ()
    return Standing(
        pod=told.pods[p],
        stage=stage,
        since=np.datetime64(day, "D") if p in told.changes else None,
        who=who,
        why=why,
        nav=int(seen.nav_p[p]),
        drawdown=float(seen.drawdown_p[p]),
        sharpe=sharpe_of(excess),
        worst=deepest(returns),
        days_left=days_left(book, plan, p) if plan is not None and stage in ON_PAPER else 0,
        asked=tuple(f"{a.act} by {a.who}: {a.why}" for a in waiting if a.pod == p),
    )


def ask(
    folder: Path, journal: Path, rules: Rules, asked: Asked, admitted: PodAdmitted | None = None
) -> None:
    """Write a request into the journal, for the next cycle to answer.

    Args:
        folder: the fund's, whose lock is taken.
        journal: the fund's.
        rules: of the fund.
        asked: the request.
        admitted: by what a hired pod may trade.

    Raises:
        ConfigError: another process runs the fund, or the journal is another fund's.
        RequestRefused: what is asked cannot be done as things stand.
    """
    taken = f"another podshop process runs {folder}; wait for it or stop it"
    with alone(folder / LOCK, taken):
        told = read(journal)
        if told.pods != rules.pod_ids():
            raise ConfigError(
                f"{journal} is the journal of a fund with pods {', '.join(told.pods)}; "
                "give the fund file that it was run with, or another --out folder; pods that are "
                "new in the fund file are listed by the next run, with --accept-rules"
            )
        _refuse(told.book, rules, asked)
        with closing(SqliteJournal(journal)) as store:
            fresh = admitted is not None and told.admitted.get(asked.pod) != admitted
            events = (admitted, asked) if fresh and admitted is not None else (asked,)
            store.append(events, told.book.cycle)


def _refuse(book: Book, rules: Rules, asked: Asked) -> None:
    """Refuse what the next cycle would refuse as things stand."""
    pod = rules.pod_ids()[asked.pod]
    if book.cycle < 0:
        raise RequestRefused(f"pod {pod!r}: the fund has not had its first session; run it first")
    if any(other.pod == asked.pod for other in (book.life.asked if book.life is not None else ())):
        raise RequestRefused(
            f"pod {pod!r}: something was asked of it already; run the fund's next session first"
        )
    told = answer(asked, book, rules)[-1]
    if isinstance(told, Answered) and not told.done:
        raise RequestRefused(f"pod {pod!r} cannot be {PAST[asked.act]}: {told.why}")


PAST = {"hire": "hired", "cut": "cut", "restore": "restored", "retire": "retired"}
"""What people ask, in the past."""
