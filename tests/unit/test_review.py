"""Audits and reviews, compared with numpy and counted by hand."""

from dataclasses import replace

import numpy as np
import pytest
from tests.funds import Session, live
from tests.lives import following, found, wave

from podshop.domain.event import Breached
from podshop.domain.life import Audited, Reviewed
from podshop.domain.pod import Stage
from podshop.domain.rules import Lifecycle
from podshop.risk import drawdown, review
from podshop.risk.lifecycle import correlations, deepest, sharpe_of

# --- audits and reviews ---------------------------------------------------------------------------


def test_correlations_are_those_of_numpy() -> None:
    table = np.random.default_rng(3).normal(size=(60, 4)) @ np.triu(np.ones((4, 4)))
    assert correlations(table) == pytest.approx(np.corrcoef(table.T), abs=1e-14)
    flat = np.column_stack([table[:, 0], np.full(60, 0.1)])
    assert np.isnan(correlations(flat)[0, 1])


def test_the_audit_names_the_pod_most_like_the_others() -> None:
    same, apart = wave(100, 0.001), wave(100, 0.001, shift=1)
    plan = Lifecycle(entry=Stage.FULL, correlation=0.3, review="off")
    sessions = list(live(following([same, same, apart], plan)))
    audits = [e for _, e in found(sessions, Audited) if isinstance(e, Audited)]
    assert len(audits) == 1
    told = audits[0]
    window = sessions[next(t for t, _ in found(sessions, Audited))].book.returns_hp
    expected = np.corrcoef(window.T)
    assert told.correlation_r == pytest.approx(expected[np.triu_indices(3, 1)], abs=6e-7)
    assert told.average == pytest.approx(expected[np.triu_indices(3, 1)].mean(), abs=1e-12)
    assert told.average > 0.3
    assert told.replace == 0
    alerts = [e.breach for _, e in found(sessions, Breached) if isinstance(e, Breached)]
    assert [(b.limit, b.pod, b.action.name) for b in alerts] == [("correlation", 0, "ALERT")]
    high = replace(plan, correlation=0.999)
    sessions = list(live(following([same, same, apart], high)))
    assert [e.replace for _, e in found(sessions, Audited) if isinstance(e, Audited)] == [-1]
    assert found(sessions, Breached) == []


def test_two_weak_quarters_cut_a_pod_and_only_a_person_ends_it() -> None:
    plan = Lifecycle(entry=Stage.FULL, review="cut", audit=False)
    closes = [wave(210, -0.0001), wave(210, 0.002)]
    sessions = list(live(following(closes, plan, ladder=None)))
    told = [(t, e) for t, e in found(sessions, Reviewed) if isinstance(e, Reviewed)]
    assert [e.period for _, e in told] == ["quarter", "quarter", "quarter"]
    assert [e.weak_r.tolist() for _, e in told] == [[1, 0], [0, 0], [1, 0]]
    (t, event) = told[1]
    before = sessions[t].before
    window = before.returns_hp[-event.sessions :, 0]
    assert event.sharpe_r[0] == pytest.approx(window.mean() / window.std(ddof=1) * 252**0.5)
    assert event.return_r[0] == pytest.approx(np.prod(1 + window) - 1)
    assert event.drawdown_r[0] == pytest.approx(deepest(window))
    months = fund_months(sessions)
    assert months[t] == "2020-07"
    assert event.sessions == sum(m in ("2020-04", "2020-05", "2020-06") for m in months)
    assert sessions[t].book.keep_p.tolist() == [0.5, 1.0]
    assert sessions[-1].book.keep_p.tolist() == [0.5, 1.0]


def fund_months(sessions: list[Session]) -> list[str]:
    """The month of every session."""
    return [str(np.datetime64(s.book.day, "D"))[:7] for s in sessions]


def test_a_review_that_may_only_tell_cuts_nobody() -> None:
    plan = Lifecycle(entry=Stage.FULL, review="alert", audit=False)
    closes = [wave(280, -0.0001), wave(280, 0.002)]
    sessions = list(live(following(closes, plan, ladder=None)))
    alerts = [e.breach for _, e in found(sessions, Breached) if isinstance(e, Breached)]
    assert [(b.limit, b.pod) for b in alerts] == [("review", 0)] * 4  # Q2, Q3, Q4 and the year
    assert sessions[-1].book.keep_p.tolist() == [1.0, 1.0]
    years = [e for _, e in found(sessions, Reviewed) if e.period == "year"]
    assert len(years) == 1
    assert years[0].sessions == sum(m[:4] == "2020" for m in fund_months(sessions))


def test_sharpe_and_fall_by_hand() -> None:
    returns = np.array([0.01, -0.02, 0.03])
    assert sharpe_of(returns) == pytest.approx(returns.mean() / returns.std(ddof=1) * 252**0.5)
    assert sharpe_of(np.array([0.01])) == 0.0
    assert sharpe_of(np.full(5, 0.01)) == 0.0
    assert deepest(np.array([-0.1, 0.2])) == pytest.approx(0.1)
    assert deepest(np.array([])) == 0.0


def test_a_quarter_begins_with_its_first_session() -> None:
    fund = following([wave(70, 0.0)], Lifecycle())
    first = [s.t for s in live(fund) if review.quarter_due(s.market)]
    assert [str(fund.panel.days[t])[:7] for t in first] == ["2020-04"]


@pytest.mark.parametrize("how", ["alert", "cut"])
def test_the_year_does_not_undo_the_quarter(how: str) -> None:
    plan = Lifecycle(entry=Stage.FULL, review=how, audit=False, review_quarters=4)
    down = wave(262, -0.0001)
    closes = [down + [x * down[-1] / 100.0 for x in wave(68, 0.003)], wave(330, 0.002)]
    ladder = drawdown.Params(halve_at=0.015, terminate_at=0.2)
    sessions = list(live(following(closes, plan, ladder=ladder)))
    told = [(t, e) for t, e in found(sessions, Reviewed) if isinstance(e, Reviewed)]
    january = [e for t, e in told if str(np.datetime64(sessions[t].book.day, "D"))[5:7] == "01"]
    quarter, year = january[-2:]
    assert (quarter.period, year.period) == ("quarter", "year")
    assert year.weak_r.tolist() == quarter.weak_r.tolist()
    assert year.hold_r.tolist() == quarter.hold_r.tolist()
    if how == "cut":
        assert quarter.hold_r[0] == 0.5
        assert sessions[-1].book.keep_p[0] == 0.5  # a new peak ends it not
