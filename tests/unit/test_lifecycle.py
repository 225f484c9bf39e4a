"""Stages of a pod, counted by hand: who gets how much, when a ramp ends, what people may ask."""

from dataclasses import replace

import numpy as np
import pytest
from tests.funds import live
from tests.lives import MILLION, answers, ask, falls, following, found, lived, wave

from podshop.cycle import step
from podshop.domain.book import open_book, open_life
from podshop.domain.error import LedgerError
from podshop.domain.event import ActionApplied, Allocated, OnPaper
from podshop.domain.life import PodStaged
from podshop.domain.pod import PodStatus, Stage
from podshop.domain.rules import Lifecycle
from podshop.ledger.replay import apply
from podshop.research.tape import Tape
from podshop.risk.lifecycle import likeness

# --- stages and capital ---------------------------------------------------------------------------


def test_a_pod_in_its_ramp_gets_half_and_the_rest_stays_with_the_centre() -> None:
    plan = Lifecycle(entry=Stage.RAMP, ramp_sharpe=99.0)
    fund = following([wave(30, 0.001), wave(30, 0.0)], plan, cash=0.0)
    first = next(iter(live(fund)))
    assert first.book.nominal_p.tolist() == [MILLION // 4, MILLION // 4]
    assert first.book.reserve == MILLION // 2
    assert first.book.stage_p.tolist() == [Stage.RAMP, Stage.RAMP]


def test_a_ramp_ends_at_the_first_allocation_after_twenty_sessions_when_it_was_good() -> None:
    fund = following([wave(70, 0.002), wave(70, -0.0002)], Lifecycle(entry=Stage.RAMP), cash=0.0)
    sessions = list(live(fund))
    staged = [e for t, e in found(sessions, PodStaged) if t > 0]
    assert [(e.pod, e.stage, e.who) for e in staged] == [(0, Stage.FULL, "rules")]
    t = next(t for t, e in found(sessions, PodStaged) if t > 0)
    months = fund.panel.days.astype("datetime64[M]")
    assert months[t] != months[t - 1]
    assert t >= 20
    book = sessions[t].book
    assert book.nominal_p[0] == book.nav // 2
    assert book.nominal_p[1] == book.nav // 4


@pytest.mark.parametrize(
    "field", [{"ramp_sharpe": 50.0}, {"ramp_drawdown": 1e-4}, {"ramp_sessions": 80}]
)
def test_a_ramp_goes_on_while_one_of_its_conditions_fails(field: dict[str, float]) -> None:
    plan = replace(Lifecycle(entry=Stage.RAMP), **field)
    sessions = list(live(following([wave(70, 0.002, 0.006), wave(70, 0.002, 0.006)], plan)))
    assert [t for t, _ in found(sessions, PodStaged) if t > 0] == []


def test_a_terminated_pod_goes_into_quarantine_and_comes_back_by_itself_where_it_may() -> None:
    plan = Lifecycle(entry=Stage.FULL, restore="auto", quarantine_days=30)
    sessions = list(live(following([falls(90, 0.002), wave(90, 0.001)], plan)))
    staged = [(t, e) for t, e in found(sessions, PodStaged) if t > 0]
    assert [e.stage for _, e in staged] == [Stage.QUARANTINE, Stage.RAMP, Stage.FULL]
    (t0, _), (t1, event), _ = staged
    days = sessions[t1].book.day - sessions[t0].book.day
    assert days >= 30
    assert f"{days} days on paper" in event.why
    before, after = sessions[t1 - 1].book, sessions[t1].book
    assert before.status_p[0] == PodStatus.CLOSED
    assert (after.unit_p[0], after.peak_p[0], after.keep_p[0], after.rung_p[0]) == (1, 1, 1, 0)
    shared = next(e for e in sessions[t1].plan.events if isinstance(e, Allocated))
    assert after.nominal_p[0] == int(shared.share_p[0] * 0.5 * after.nav)
    assert before.life is not None
    assert before.life.paper is not None
    rows = t1 - t0 - 1
    on_paper = before.life.paper.returns_hp[-rows:, 0]
    assert after.returns_hp[-rows - 1 : -1, 0].tolist() == on_paper.tolist()


def test_a_bad_record_on_paper_brings_nobody_back() -> None:
    plan = Lifecycle(entry=Stage.FULL, restore="auto", quarantine_days=30)
    sessions = list(live(following([falls(90, -0.001), wave(90, 0.001)], plan)))
    assert sessions[-1].book.stage_p.tolist() == [Stage.QUARANTINE, Stage.FULL]


def test_pods_of_a_fund_without_stages_are_full_cut_or_terminated() -> None:
    book = replace(open_book(4, 1, MILLION), status_p=np.array([0, 1, 2, 3], dtype=np.int8))
    assert book.stage_p.tolist() == [Stage.FULL, Stage.CUT, Stage.TERMINATED, Stage.TERMINATED]
    assert book.digest() != replace(book, life=open_life(4)).digest()


def test_a_fund_that_begins_to_follow_its_pods_later_leaves_them_what_they_are() -> None:
    fund = following([falls(40, 0.001), wave(40, 0.001)], Lifecycle(entry=Stage.RAMP))
    bare = replace(fund, rules=replace(fund.rules, lifecycle=None))
    late = list(live(bare))[20]
    assert late.book.stage_p.tolist() == [Stage.TERMINATED, Stage.FULL]
    assert late.book.life is None
    day = fund.panel.days[21].astype("datetime64[D]").astype(int)
    book, plan = step(
        late.book,
        late.facts,
        late.market,
        fund.wishes.on(20),
        fund.rules,
        False,
        str(day),
    )
    staged = [e for e in plan.events if isinstance(e, PodStaged)]
    assert [(e.pod, e.stage) for e in staged] == [(0, Stage.QUARANTINE), (1, Stage.FULL)]
    assert book.stage_p.tolist() == [Stage.QUARANTINE, Stage.FULL]


def test_what_happens_on_paper_needs_a_pod_on_paper() -> None:
    with pytest.raises(LedgerError, match="on paper"):
        apply(OnPaper(()), open_book(1, 1, MILLION))


def test_capital_cannot_be_left_without_closing() -> None:
    book = replace(open_book(1, 1, MILLION), nominal_p=np.array([5]))
    with pytest.raises(LedgerError, match="closed before"):
        apply(PodStaged(0, Stage.PAPER, 0.0, 1, "me", "why"), book)


# --- what people ask ------------------------------------------------------------------------------


def test_a_person_cuts_and_only_a_person_ends_it() -> None:
    fund = following([wave(60, 0.001), wave(60, 0.001)], Lifecycle(entry=Stage.FULL))
    sessions = list(lived(fund, {5: (ask("cut", keep=0.7),), 45: (ask("restore"),)}))
    cut = sessions[5].book
    assert (cut.keep_p[0], cut.status_p[0]) == (0.7, PodStatus.CUT)
    assert cut.nav_p[0] == int(cut.nominal_p[0] * 0.7)
    peaks = [s.book.unit_p[0] >= s.book.peak_p[0] for s in sessions[6:45]]
    assert any(peaks)
    assert {s.book.keep_p[0] for s in sessions[5:45]} == {0.7}
    assert sessions[45].book.keep_p[0] == 1.0
    assert answers(sessions) == [(True, "the owner: because")] * 2


def test_a_peak_ends_the_ladders_cut_and_not_the_persons() -> None:
    path = wave(80, 0.006)
    for t in range(5, 80):
        path[t] *= 0.9
    fund = following([path, wave(80, 0.001)], Lifecycle(entry=Stage.FULL))
    sessions = list(lived(fund, {3: (ask("cut", keep=0.7),)}))
    keeps = [s.book.keep_p[0] for s in sessions]
    assert keeps[3] == 0.7
    assert 0.5 in keeps
    assert keeps[-1] == 0.7
    assert sessions[-1].book.stage_p[0] == Stage.CUT


def test_a_restored_pod_is_not_cut_again_by_the_rung_that_fired() -> None:
    path = [100.0] * 4 + [94.0] * 20 + [93.9] * 20
    fund = following([path, [50.0] * 44], Lifecycle(entry=Stage.FULL), restore="never")
    sessions = list(lived(fund, {10: (ask("restore"),)}))
    assert [t for t, e in found(sessions, ActionApplied)] == [4, 10]
    assert sessions[-1].book.stage_p[0] == Stage.FULL
    assert sessions[-1].book.rung_p[0] == 1


def test_a_retired_pod_is_flattened_and_never_comes_back() -> None:
    fund = following([wave(30, 0.001), wave(30, 0.001)], Lifecycle(entry=Stage.FULL))
    asked = {5: (ask("retire"),), 15: (ask("hire"), ask("restore"), ask("cut"), ask("retire"))}
    sessions = list(lived(fund, asked))
    assert sessions[5].book.stage_p[0] == Stage.RETIRED
    assert sessions[5].book.status_p[0] == PodStatus.CLOSING
    assert (sessions[5].book.want_s[sessions[5].book.key_s < 2] == 0).all()
    assert sessions[7].book.status_p[0] == PodStatus.CLOSED
    assert sessions[7].book.nav_p[0] == 0
    assert sessions[-1].book.stage_p[0] == Stage.RETIRED
    assert [done for done, _ in answers(sessions)] == [True, False, False, False, False]
    assert "retired" in answers(sessions)[-1][1]


def test_a_fund_that_does_not_follow_its_pods_still_listens() -> None:
    fund = following([wave(30, 0.001), wave(30, 0.001)], Lifecycle())
    fund = replace(fund, rules=replace(fund.rules, lifecycle=None))
    asked = {3: (ask("cut", keep=0.4), ask("hire", 1)), 9: (ask("retire", 1),)}
    sessions = list(lived(fund, asked))
    assert sessions[3].book.keep_p.tolist() == [0.4, 1.0]
    assert [done for done, _ in answers(sessions)] == [True, False, True]
    assert sessions[-1].book.stage_p.tolist() == [Stage.CUT, Stage.RETIRED]


def test_a_candidate_goes_by_paper_and_may_not_be_like_the_others() -> None:
    other = wave(70, 0.001, shift=2)
    plan = Lifecycle(begin={"p0": Stage.CANDIDATE, "p1": Stage.CANDIDATE}, entry=Stage.FULL)
    plan = replace(plan, paper_days=21)
    fund = following([wave(70, 0.001, shift=2), wave(70, 0.001, shift=4), other], plan)
    asked = {
        2: (ask("hire", 0), ask("hire", 1), ask("restore", 0), ask("cut", 0)),
        9: (ask("hire", 0),),
        40: (ask("hire", 0), ask("hire", 1)),
    }
    sessions = list(lived(fund, asked))
    told = answers(sessions)
    assert [done for done, _ in told] == [True, True, False, False, False, False, True]
    assert "on paper for" in told[4][1]
    assert "correlation with the fund's pods is 0.98" in told[5][1]
    assert sessions[40].book.stage_p.tolist() == [Stage.PAPER, Stage.RAMP, Stage.FULL]
    assert likeness(sessions[39].book, 0) == pytest.approx(0.98, abs=0.01)


def test_without_days_on_paper_a_candidate_gets_capital_at_once() -> None:
    plan = Lifecycle(begin={"p0": Stage.CANDIDATE}, entry=Stage.FULL, paper_days=0)
    fund = following([wave(40, 0.001), wave(40, 0.001)], plan)
    sessions = list(lived(fund, {2: (ask("hire"),)}))
    assert sessions[2].book.stage_p[0] == Stage.RAMP
    assert sessions[2].book.nominal_p[0] == 0
    first = next(t for t, _ in found(sessions, Allocated) if t > 2)
    assert sessions[first].book.nominal_p[0] > 0


@pytest.mark.parametrize(("keep", "done"), [(0.0, False), (1.0, False), (0.999, True)])
def test_a_cut_keeps_something_and_not_all(keep: float, done: bool) -> None:
    fund = following([wave(10, 0.001)], Lifecycle(entry=Stage.FULL))
    sessions = list(lived(fund, {3: (ask("cut", keep=keep),)}))
    assert answers(sessions)[0][0] == done


# --- tape -----------------------------------------------------------------------------------------


def test_each_life_of_a_pod_has_its_own_high_water_mark() -> None:
    tape = Tape.blank(np.arange(6), 1, detail=False)
    tape.unit_dp[:, 0] = [1.0, 1.4, 1.2, 1.0, 0.9, 1.1]
    tape.status_dp[:, 0] = [0, 0, 3, 0, 0, 0]
    assert tape.peak_dp()[:, 0].tolist() == [1.0, 1.4, 1.4, 1.0, 1.0, 1.1]


def test_a_pod_that_is_being_closed_is_not_born_again() -> None:
    made = following([falls(40, 0.001), wave(40, 0.001)], Lifecycle(entry=Stage.RAMP))
    bare = replace(made, rules=replace(made.rules, lifecycle=None))
    s = next(s for s in live(bare) if s.book.status_p[0] >= PodStatus.CLOSING)
    # The rules begin to follow the pods in the very session in which the ladder closes one.
    wishes = made.wishes.on(s.t)
    book, plan = step(s.before, s.facts, s.market, wishes, made.rules, True, "x")
    assert not [e for e in plan.events if isinstance(e, PodStaged) and e.pod == 0]
    assert book.status_p[0] == PodStatus.CLOSING
    assert book.unit_p[0] < 0.95
    back = PodStaged(0, Stage.FULL, 1.0, 0, "me", "a mistake")
    with pytest.raises(LedgerError, match="is being closed"):
        apply(back, book)
