"""The life of a pod: candidate, paper, ramp, full, cut, terminated, quarantine, retired.

    CANDIDATE --hire--> PAPER --hire--> RAMP --good ramp--> FULL
    RAMP, FULL --limit, review, person--> CUT --new peak, person--> where it was
    RAMP, FULL, CUT --limit--> TERMINATED --flat--> QUARANTINE --restore--> RAMP
    any --retire--> RETIRED

Without capital (candidate, paper, quarantine, retired) a pod is closed; on paper and in quarantine
it trades a notional book. In the ramp it gets part of its target capital, the rest stays cash with
the centre. The state is in the book, every change is an event that says who and why; what people
ask (`Asked`) is answered by the next cycle, done or refused.
"""

from collections.abc import Callable

import numpy as np

from podshop.domain.book import Book
from podshop.domain.error import RequestRefused
from podshop.domain.event import Action, ActionApplied, Event
from podshop.domain.life import Answered, Asked, PodStaged
from podshop.domain.money import F64
from podshop.domain.pod import INVESTED, ON_PAPER, PodStatus, Stage
from podshop.domain.rules import Lifecycle, Rules
from podshop.risk.action import capital_in_use, given_back, spare

RULES = "rules"
"""Who acts when no person does."""

MOVES: dict[Stage, tuple[Stage, ...]] = {
    Stage.CANDIDATE: (Stage.PAPER, Stage.RAMP, Stage.RETIRED),
    Stage.PAPER: (Stage.RAMP, Stage.RETIRED),
    Stage.RAMP: (Stage.FULL, Stage.CUT, Stage.TERMINATED, Stage.RETIRED),
    Stage.FULL: (Stage.CUT, Stage.TERMINATED, Stage.RETIRED),
    Stage.CUT: (Stage.RAMP, Stage.FULL, Stage.TERMINATED, Stage.RETIRED),
    Stage.TERMINATED: (Stage.QUARANTINE, Stage.RETIRED),
    Stage.QUARANTINE: (Stage.RAMP, Stage.RETIRED),
    Stage.RETIRED: (),
}
"""Which stage may follow which."""

YEAR_DAYS = 252

STILL = 1e-12
"""Movement of returns below which a pod did not move: what rounding leaves of a constant."""


# --- what the rules do ----------------------------------------------------------------------------


def entered(book: Book, rules: Rules) -> list[Event]:
    """Stage the pods that have none when a fund begins to follow its pods: at its first close, or
    at the first under rules that do.

    Pods that have capital or had it stay what they are: full, or in quarantine once closed.
    """
    plan = _plan(rules)
    fresh = book.cycle == 0
    events: list[Event] = []
    for p, pod in enumerate(rules.pods):
        if book.life is not None and book.life.since_p[p] >= 0:
            continue
        if book.status_p[p] == PodStatus.CLOSING:
            continue  # it was terminated and is not flat yet; it gets its place when it is closed
        if book.status_p[p] == PodStatus.CLOSED:
            events.append(staged(book, plan, p, Stage.QUARANTINE, RULES, "was closed before"))
        elif fresh:
            stage = plan.entry_of(pod.id)
            events.append(staged(book, plan, p, stage, RULES, "enters the fund"))
        else:
            events.append(staged(book, plan, p, Stage.FULL, RULES, "had capital before"))
    return events


def quarantined(book: Book, rules: Rules) -> list[Event]:
    """Send terminated pods that are flat to paper."""
    plan = _plan(rules)
    flat_p = (book.stage_p == Stage.TERMINATED) & (book.status_p == PodStatus.CLOSED)
    why = f"terminated; {plan.quarantine_days} days on paper before it may return"
    return [
        staged(book, plan, int(p), Stage.QUARANTINE, RULES, why) for p in np.flatnonzero(flat_p)
    ]


def promoted(book: Book, rules: Rules) -> list[Event]:
    """What an allocation changes before it shares capital out: ramps that end, and pods that return
    from paper where the rules may bring them.
    """
    plan = _plan(rules)
    events: list[Event] = []
    for p, stage in enumerate(book.stage_p):
        if stage == Stage.RAMP:
            why = ramp_passed(book, plan, p)
            if why:
                events.append(staged(book, plan, p, Stage.FULL, RULES, why))
        elif stage in ON_PAPER and plan.restore == "auto":
            why = paper_passed(book, plan, p)
            if why:
                events.append(staged(book, plan, p, Stage.RAMP, RULES, why))
    return events


def ramp_passed(book: Book, plan: Lifecycle, p: int) -> str:
    """Why a pod's ramp is over; empty while it is not (F9: long enough, Sharpe, drawdown)."""
    returns, excess = record(book, p)
    if book.nominal_p[p] <= 0 or len(returns) < min(plan.ramp_sessions, YEAR_DAYS):
        return ""
    sharpe, fall = sharpe_of(excess), deepest(returns)
    if not (sharpe > plan.ramp_sharpe and fall < plan.ramp_drawdown):
        return ""
    return f"{len(returns)} sessions in the ramp: Sharpe {sharpe:.2f}, drawdown {fall:.2%}"


def paper_passed(book: Book, plan: Lifecycle, p: int) -> str:
    """Why a pod may leave paper without a person; empty while it may not."""
    if days_left(book, plan, p) > 0:
        return ""
    returns, excess = record(book, p)
    sharpe, fall = sharpe_of(excess), deepest(returns)
    if not (sharpe > plan.paper_sharpe and fall < plan.paper_drawdown):
        return ""
    if book.stage_p[p] == Stage.PAPER and likeness(book, p) >= plan.candidate_correlation:
        return ""
    return f"{days_there(book, p)} days on paper: Sharpe {sharpe:.2f}, drawdown {fall:.2%}"


def _plan(rules: Rules) -> Lifecycle:
    if rules.lifecycle is None:
        raise RequestRefused("the fund does not follow its pods; write [lifecycle] into its file")
    return rules.lifecycle


def staged(book: Book, plan: Lifecycle, p: int, stage: Stage, who: str, why: str) -> PodStaged:
    """Let a pod enter a stage.

    Args:
        book: the book at the close.
        plan: of the fund.
        p: the pod.
        stage: which it enters.
        who: "rules" or a person, for the journal.
        why: the reason.
    """
    part = plan.ramp if stage == Stage.RAMP else 1.0 if stage == Stage.FULL else 0.0
    capital = book.risk_capital // len(book.cash_p) if stage in ON_PAPER else 0
    return PodStaged(p, int(stage), part, max(0, capital), who, why)


# --- what a pod has shown -------------------------------------------------------------------------


def record(book: Book, p: int) -> tuple[F64, F64]:
    """What a pod did since it entered its stage, with capital or on paper, a year at most.

    Returns:
        (n,) returns on nominal capital, and (n,) what they were above idle cash.
    """
    life = book.life
    since = -1 if life is None else int(life.cycle_p[p])
    paper = None if life is None else life.paper
    seen = paper if paper is not None and paper.closed_day_p[p] < 0 else book
    rows = min(book.cycle - since, len(seen.returns_hp))
    returns = seen.returns_hp[len(seen.returns_hp) - rows :, p]
    return returns, returns - seen.rate_h[len(seen.rate_h) - rows :]


def sharpe_of(excess: F64) -> float:
    """Sharpe ratio a year of daily returns above idle cash; 0 where there is nothing to judge.

    mean / standard deviation (ddof 1) * sqrt(252). Source: Sharpe (1994).
    """
    spread = float(excess.std(ddof=1)) if len(excess) > 1 else 0.0
    return float(excess.mean()) / spread * YEAR_DAYS**0.5 if spread > STILL else 0.0


def deepest(returns: F64) -> float:
    """Deepest fall of the value that returns make, from its peak or its start; a fraction."""
    path = np.multiply.accumulate(1.0 + returns)
    peak = np.maximum(np.maximum.accumulate(path), 1.0) if len(path) else path
    return float((1.0 - path / peak).max(initial=0.0))


def likeness(book: Book, p: int) -> float:
    """Mean correlation of a pod on paper with the pods that have capital, while it is there.

    Returns:
        0.0 where there is nothing to compare: no other pod that moved, less than two sessions.
    """
    mine, _ = record(book, p)
    rows = min(len(mine), len(book.returns_hp))
    if rows < 2:
        return 0.0
    others = np.flatnonzero((book.status_p < PodStatus.CLOSING) & (book.nominal_p > 0))
    scaled = _scaled(book.returns_hp[-rows:, others])
    row = np.einsum("t,tj->j", _scaled(mine[-rows:, None])[:, 0], scaled, optimize=False)
    known = np.clip(row[np.isfinite(row)], -1.0, 1.0)
    return float(known.mean()) if len(known) else 0.0


def correlations(returns_tk: F64) -> F64:
    """(K, K) Pearson correlations of columns; NaN beside columns that never moved, 1 to themselves.

    Sums in one fixed order, never by a threaded library, so that equal inputs give equal bits.
    """
    scaled = _scaled(returns_tk)
    matrix: F64 = np.einsum("ti,tj->ij", scaled, scaled, optimize=False)
    np.fill_diagonal(matrix, 1.0)
    return np.clip(matrix, -1.0, 1.0, out=matrix)


def _scaled(returns_tk: F64) -> F64:
    """Columns without their mean and of length 1; NaN where one never moved."""
    centred = returns_tk - returns_tk.mean(axis=0)
    norm = np.sqrt((centred * centred).sum(axis=0))
    scaled: F64 = np.divide(centred, norm, out=np.full_like(centred, np.nan), where=norm > STILL)
    return scaled


def days_there(book: Book, p: int) -> int:
    """Calendar days since a pod entered its stage."""
    return book.day - int(book.life.since_p[p]) if book.life is not None else 0


def days_left(book: Book, plan: Lifecycle, p: int) -> int:
    """Calendar days that a pod must still trade on paper."""
    needed = plan.paper_days if book.stage_p[p] == Stage.PAPER else plan.quarantine_days
    return max(0, needed - days_there(book, p))


# --- what people ask ------------------------------------------------------------------------------


def answer(asked: Asked, book: Book, rules: Rules) -> list[Event]:
    """Do what a person asked, or say why not; the answer itself comes last.

    Args:
        asked: the oldest request that was not answered.
        book: the book at the close.
        rules: of the fund.
    """
    hold = float(book.hold_p[asked.pod])
    try:
        events, hold = ACTS[asked.act](asked, book, rules)
    except RequestRefused as error:
        return [Answered(asked.pod, asked.act, False, hold, str(error))]
    return [*events, Answered(asked.pod, asked.act, True, hold, f"{asked.who}: {asked.why}")]


def _hire(asked: Asked, book: Book, rules: Rules) -> tuple[list[Event], float]:
    """A candidate goes on paper, a pod on paper gets its first capital."""
    plan, p, stage = _plan(rules), asked.pod, Stage(int(book.stage_p[asked.pod]))
    if stage == Stage.CANDIDATE:
        to = Stage.PAPER if plan.paper_days else Stage.RAMP
        return [staged(book, plan, p, to, asked.who, asked.why)], 1.0
    if stage != Stage.PAPER:
        raise RequestRefused(f"it is {told(stage)}; only candidates and pods on paper can be hired")
    _ready(book, plan, p)
    alike = likeness(book, p)
    if alike >= plan.candidate_correlation:
        raise RequestRefused(
            f"its mean correlation with the fund's pods is {alike:.2f}, "
            f"it must be below {plan.candidate_correlation:.2f}"
        )
    return [staged(book, plan, p, Stage.RAMP, asked.who, asked.why)], 1.0


def _restore(asked: Asked, book: Book, rules: Rules) -> tuple[list[Event], float]:
    """End a cut, or bring a pod back from quarantine."""
    p, stage = asked.pod, Stage(int(book.stage_p[asked.pod]))
    if stage == Stage.QUARANTINE:
        plan = _plan(rules)
        _ready(book, plan, p)
        return [staged(book, plan, p, Stage.RAMP, asked.who, asked.why)], 1.0
    if stage != Stage.CUT:
        raise RequestRefused(
            f"it is {told(stage)}; only cut pods and pods in quarantine can be restored"
        )
    if book.halted:
        raise RequestRefused("the fund is halted")
    rung = int(book.rung_p[p])  # the rungs that fired stay so, or the next day would cut again
    why = f"asked by {asked.who}: {asked.why}"
    return [given_back(book, p, 1.0, rung, spare(book, rules), why)], 1.0


def _cut(asked: Asked, book: Book, rules: Rules) -> tuple[list[Event], float]:  # noqa: ARG001 - one form
    """Leave a pod only part of its capital."""
    p = asked.pod
    _invested(book, p)
    if not 0.0 < asked.keep < 1.0:
        raise RequestRefused(f"a cut keeps more than nothing and less than all, not {asked.keep:g}")
    why = f"asked by {asked.who}: {asked.why}"
    return [cut_to(book, p, asked.keep, why)], min(asked.keep, float(book.hold_p[p]))


def _retire(asked: Asked, book: Book, rules: Rules) -> tuple[list[Event], float]:  # noqa: ARG001
    """Let a pod go for good; what it holds is closed at the next open."""
    p, stage = asked.pod, Stage(int(book.stage_p[asked.pod]))
    if stage == Stage.RETIRED:
        raise RequestRefused("it is retired already")
    gone = PodStaged(p, int(Stage.RETIRED), 0.0, 0, asked.who, asked.why)
    if book.status_p[p] >= PodStatus.CLOSING:
        return [gone], 1.0
    ends = ActionApplied(
        pod=p,
        action=Action.TERMINATE.name,
        keep=0.0,
        rung=int(book.rung_p[p]),
        status=PodStatus.CLOSING,
        nominal=int(book.nominal_p[p]),
        moved=0,
        why=f"retired by {asked.who}: {asked.why}",
    )
    return [ends, gone], 1.0


ACTS: dict[str, Callable[[Asked, Book, Rules], tuple[list[Event], float]]] = {
    "hire": _hire,
    "cut": _cut,
    "restore": _restore,
    "retire": _retire,
}
"""What people may ask; each gives what happens and the share of its capital they leave the pod."""


def cut_to(book: Book, p: int, keep: float, why: str) -> ActionApplied:
    """Cut a pod by other reasons than the ladder, which does not move; a deeper cut stays."""
    nominal, keep = int(book.nominal_p[p]), min(keep, float(book.keep_p[p]))
    return ActionApplied(
        pod=p,
        action=(Action.HALVE if keep <= 0.5 else Action.TRIM).name,
        keep=keep,
        rung=int(book.rung_p[p]),
        status=PodStatus.CUT,
        nominal=nominal,
        moved=max(0, int(book.nav_p[p]) - capital_in_use(nominal, keep)),
        why=why,
    )


def told(stage: Stage) -> str:
    """A stage in words: `in quarantine`."""
    words = {Stage.CANDIDATE: "a candidate", Stage.PAPER: "on paper", Stage.RAMP: "in its ramp"}
    words |= {Stage.FULL: "at full capital", Stage.QUARANTINE: "in quarantine"}
    words |= {Stage.TERMINATED: "terminated and still closing"}
    return words.get(stage, stage.name.lower())


def _invested(book: Book, p: int) -> None:
    if book.stage_p[p] not in (*INVESTED, Stage.CUT):
        raise RequestRefused(f"it is {told(Stage(int(book.stage_p[p])))} and has no capital to cut")


def _ready(book: Book, plan: Lifecycle, p: int) -> None:
    if book.halted:
        raise RequestRefused("the fund is halted")
    left = days_left(book, plan, p)
    if left:
        raise RequestRefused(f"it must trade on paper for {left} more days")
