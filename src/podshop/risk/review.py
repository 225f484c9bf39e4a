"""What a quarter is asked: are the pods too alike, and did they earn their place?

The correlation audit looks back a year: when the average correlation of all pairs is above its
threshold, it names the pod most like the others as the one to replace. The review tells each pod's
Sharpe ratio, return and deepest fall of the quarter (and of the year, in its first session); a pod
that was too weak for too many quarters in a row is told, or cut. A quarter knows a Sharpe ratio
only to about 2.0 (standard error sqrt(1 / 0.25 years), Lo 2002): the review follows noise, and that
is why it may only tell.
"""

import numpy as np

from podshop.domain.book import HISTORY_DAYS, Book
from podshop.domain.event import CENTRE, Action, Breach, Breached, Event
from podshop.domain.life import Audited, Reviewed
from podshop.domain.market import Market
from podshop.domain.money import I64
from podshop.domain.pod import PodStatus, Stage
from podshop.domain.rules import Lifecycle, due, periods
from podshop.ledger.replay import fold
from podshop.risk.lifecycle import STILL, correlations, cut_to, deepest, likeness, sharpe_of

LEAST_SESSIONS = 20
"""Sessions with less than which nothing is judged."""


def quarter_due(market: Market) -> bool:
    """True in the first session of a quarter."""
    return len(market) > 1 and due("quarter", market.days, 0, len(market) - 1)


def audit(book: Book, plan: Lifecycle) -> list[Event]:
    """Compare the daily returns of the pods with capital over the past year.

    Returns:
        Nothing while there are less than two pods that moved, or too few sessions; else the audit,
        and an alert when the average of all pairs is above the threshold.
    """
    returns_hp = book.returns_hp[-HISTORY_DAYS:]
    sessions = len(returns_hp)
    alive_p = (book.status_p < PodStatus.CLOSING) & (book.nominal_p > 0)
    if sessions < LEAST_SESSIONS:
        return []
    pods = np.flatnonzero(alive_p & (returns_hp.std(axis=0) > STILL))
    if len(pods) < 2:
        return []
    matrix = correlations(returns_hp[:, pods])
    mean_r = (matrix.sum(axis=1) - 1.0) / (len(pods) - 1)
    average = float(mean_r.mean())
    above = average > plan.correlation
    paper = _on_paper(book)
    told = Audited(
        sessions=sessions,
        average=average,
        threshold=plan.correlation,
        replace=int(pods[np.argmax(mean_r)]) if above else CENTRE,
        pod_r=pods,
        mean_r=mean_r,
        correlation_r=np.round(matrix[np.triu_indices(len(pods), 1)], 6),
        paper_r=paper,
        paper_mean_r=np.array([likeness(book, int(p)) for p in paper], dtype=np.float64),
    )
    if not above:
        return [told]
    breach = Breach("correlation", told.replace, average, plan.correlation, Action.ALERT, 1.0, 0)
    return [told, Breached(breach)]


def _on_paper(book: Book) -> I64:
    at = (book.stage_p == Stage.PAPER) | (book.stage_p == Stage.QUARANTINE)
    return np.flatnonzero(at)


def review(book: Book, market: Market, plan: Lifecycle) -> list[Event]:
    """Review the quarter that is over, and in the first session of a year the year too."""
    events = _review(book, market, plan, "quarter")
    month = market.days[-1].astype("datetime64[M]").astype(np.int64) % 12
    if month == 0:
        # After the quarter's, which may have cut a pod: the year knows of that.
        events += _review(fold(book, events), market, plan, "year")
    return events


def sessions_of(market: Market, period: str) -> int:
    """Sessions of the quarter or year that ended before the last session, a year at most."""
    days = market.days[-HISTORY_DAYS - 1 : -1]
    year_t = periods("quarter", days) // 4
    number_t = year_t if period == "year" else periods("quarter", days)
    return int((number_t == number_t[-1]).sum())


def _review(book: Book, market: Market, plan: Lifecycle, period: str) -> list[Event]:
    sessions = min(sessions_of(market, period), len(book.returns_hp) - 1)
    pods = np.flatnonzero((book.status_p < PodStatus.CLOSING) & (book.nominal_p > 0))
    if book.life is not None:  # only who had capital all the while
        pods = pods[book.life.cycle_p[pods] <= book.cycle - sessions]
    if sessions < LEAST_SESSIONS or len(pods) == 0:
        return []
    returns_tp = book.returns_hp[-sessions - 1 : -1]
    rate_t = book.rate_h[-sessions - 1 : -1]
    sharpe_r = np.array([sharpe_of(returns_tp[:, p] - rate_t) for p in pods])
    weak_r, hold_r = _weak(book, pods), book.hold_p[pods]
    if period == "quarter":
        weak_r = np.where(sharpe_r < plan.review_sharpe, weak_r + 1, 0)
    over_r = (weak_r >= plan.review_quarters) & (period == "quarter")
    over_r |= (sharpe_r < plan.review_sharpe) & (period == "year")
    cuts_r = over_r & (plan.review == "cut") & (period == "quarter")
    told = Reviewed(
        period=period,
        sessions=sessions,
        pod_r=pods,
        sharpe_r=sharpe_r,
        return_r=np.array([float(np.prod(1.0 + returns_tp[:, p])) - 1.0 for p in pods]),
        drawdown_r=np.array([deepest(returns_tp[:, p]) for p in pods]),
        weak_r=np.where(cuts_r, 0, weak_r),
        hold_r=np.where(cuts_r, np.minimum(hold_r, plan.review_keep), hold_r),
    )
    events: list[Event] = [told]
    for j in np.flatnonzero(over_r):
        events += _verdict(book, plan, int(pods[j]), float(sharpe_r[j]), bool(cuts_r[j]))
    return events


def _weak(book: Book, pods: I64) -> I64:
    return np.zeros(len(pods), dtype=np.int64) if book.life is None else book.life.weak_p[pods]


def _verdict(book: Book, plan: Lifecycle, p: int, sharpe: float, cuts: bool) -> list[Event]:
    """Tell that a pod was too weak; cut it where the fund file says so."""
    keep = plan.review_keep if cuts else 1.0
    action = Action.HALVE if cuts else Action.ALERT
    breach = Breached(Breach("review", p, sharpe, plan.review_sharpe, action, keep, 0))
    if not cuts:
        return [breach]
    why = f"review: {plan.review_quarters} quarters in a row below {plan.review_sharpe:g}"
    return [breach, cut_to(book, p, keep, f"{why}, the last {sharpe:.2f}")]
