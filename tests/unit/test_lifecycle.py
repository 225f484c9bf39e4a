"""Stages of a pod, counted by hand: who gets how much, when a ramp ends, what people may ask."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.funds import Fund, Session, live, plain, pod, steady

from podshop.adapters.stores.sqlite import SqliteJournal
from podshop.cycle import step
from podshop.desk import cli
from podshop.domain.book import Book, open_book, open_life
from podshop.domain.error import ConfigError, LedgerError
from podshop.domain.event import (
    ActionApplied,
    Allocated,
    Answered,
    Asked,
    Audited,
    Breached,
    OnPaper,
    PodStaged,
    Reviewed,
)
from podshop.domain.pod import PodStatus, Stage
from podshop.domain.rules import Lifecycle
from podshop.ledger.replay import apply
from podshop.reports import figures
from podshop.reports.findings import Findings
from podshop.reports.fund import render
from podshop.research.admission import admission_of, admissions
from podshop.research.tape import Tape
from podshop.risk import drawdown, review
from podshop.risk.lifecycle import correlations, deepest, likeness, sharpe_of
from podshop.rulebook.config import load

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
    from podshop.adapters.brokers.sim import SimBroker
    from podshop.domain.rules import due
    from podshop.ledger.replay import opening
    from podshop.market.quotes import quotes, row_hash
    from podshop.research.backtest import fund_opened
    from podshop.trading.fill import open_account

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


def falls(days: int, drift: float = 0.0) -> list[float]:
    """Prices that fall by a fifth in the second week and then drift."""
    path = wave(days, drift)
    for t in range(6, days):
        path[t] *= 0.8
    return path


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
    assert told.correlation_r.reshape(3, 3) == pytest.approx(expected, abs=1e-12)
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


# --- tape -----------------------------------------------------------------------------------------


def test_each_life_of_a_pod_has_its_own_high_water_mark() -> None:
    tape = Tape.blank(np.arange(6), 1, detail=False)
    tape.unit_dp[:, 0] = [1.0, 1.4, 1.2, 1.0, 0.9, 1.1]
    tape.status_dp[:, 0] = [0, 0, 3, 0, 0, 0]
    assert tape.peak_dp()[:, 0].tolist() == [1.0, 1.4, 1.4, 1.0, 1.0, 1.1]


# --- the fund file --------------------------------------------------------------------------------


def text(*more: str, lifecycle: str = "[lifecycle]\n", pod_lines: str = "", when: str = "") -> str:
    """A small fund file."""
    return (
        '[fund]\nname = "f"\ncapital = 1_000_000\n'
        f'[capital]\nuse = "equal"\n{when}{lifecycle}'
        f'[[pod]]\nid = "a"\nstrategy = "trend"\n{pod_lines}'
        '[[pod]]\nid = "b"\nstrategy = "momentum"\nstage = "candidate"\n' + "".join(more)
        if lifecycle or pod_lines
        else '[fund]\nname = "f"\ncapital = 1_000_000\n[[pod]]\nid = "a"\nstrategy = "trend"\n'
    )


def test_the_section_becomes_rules_and_part_of_their_hash(tmp_path: Path) -> None:
    file = tmp_path / "fund.toml"
    file.write_text(text(lifecycle='[lifecycle]\nreview = "cut"\nramp = 0.25\n'))
    rules = load(file)
    assert rules.lifecycle is not None
    assert (rules.lifecycle.ramp, rules.lifecycle.review) == (0.25, "cut")
    assert rules.lifecycle.entry_of("a") == Stage.RAMP
    assert rules.lifecycle.entry_of("b") == Stage.CANDIDATE
    file.write_text(text(lifecycle='[lifecycle]\nreview = "cut"\nramp = 0.5\n'))
    assert load(file).hash != rules.hash
    file.write_text(text(lifecycle=""))
    plain_rules = load(file)
    assert plain_rules.lifecycle is None
    assert "lifecycle" not in plain_rules.manifest


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (text(lifecycle="", pod_lines='stage = "paper"\n'), "needs a fund that follows its pods"),
        (text(when='when = "never"\n'), "shared out, which is never"),
        (text().replace("equal", "own"), "never moves capital"),
        (text(lifecycle="[lifecycle]\nreview_keep = 1\n"), "keeps everything is none"),
        (text(lifecycle="[lifecycle]\nramp = 50\n"), "looks like a percentage"),
        (text(lifecycle='[lifecycle]\nrestore = "never"\n'), "restore"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "fund.toml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=said):
        load(file)


def test_a_candidate_is_asked_for_its_certificate_when_it_is_hired(tmp_path: Path) -> None:
    file = tmp_path / "fund.toml"
    file.write_text(text(pod_lines='uncertified = "mine"\n'))
    rules = load(file)
    assert [said.pod for said in admissions(rules)] == [0]
    with pytest.raises(ConfigError, match="no certificate"):
        admission_of(rules, "b")
    assert admission_of(rules, "b", "a trial").why == "a trial"


def book_of(*stages: Stage) -> Book:
    """A book whose pods were staged so."""
    book = open_book(len(stages), 1, MILLION)
    for p, stage in enumerate(stages):
        book = apply(PodStaged(p, int(stage), 1.0, 0, "rules", "enters"), book)
    return book


def test_the_book_tells_the_stage_of_every_pod() -> None:
    stages = (Stage.CANDIDATE, Stage.PAPER, Stage.RAMP, Stage.FULL, Stage.QUARANTINE)
    book = book_of(*stages)
    assert tuple(book.stage_p.tolist()) == stages
    assert (book.status_p == PodStatus.CLOSED).tolist() == [True, True, False, False, True]


# --- pods that are listed later -------------------------------------------------------------------


def test_a_running_fund_lists_a_new_pod_and_hires_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from podshop.adapters import sources
    from podshop.adapters.stores.sqlite import read_entries
    from podshop.attribution.explain import explain
    from podshop.desk.live import JOURNAL, run_paper
    from podshop.desk.lives import ask as write_down
    from podshop.desk.lives import read, standings
    from podshop.desk.verify import verify

    plan = Lifecycle(entry=Stage.FULL, paper_days=14, candidate_correlation=1.0)
    closes = [wave(90, 0.001), wave(90, 0.001, shift=3), wave(90, 0.002, shift=1)]
    three = following(closes, plan)
    rules = three.rules
    two = replace(rules, pods=rules.pods[:2], hash="2" * 32)
    monkeypatch.setattr(sources, "load", lambda *_: three.panel)
    days, journal = three.panel.days, tmp_path / JOURNAL
    run_paper(two, tmp_path, days[9])
    with pytest.raises(ConfigError, match="--accept-rules"):
        run_paper(rules, tmp_path, days[19])
    with pytest.raises(ConfigError, match=r"write \[lifecycle\]"):
        run_paper(replace(rules, lifecycle=None), tmp_path, days[19], accept="why")
    backwards = replace(rules, pods=rules.pods[::-1])
    with pytest.raises(ConfigError, match="behind those"):
        run_paper(backwards, tmp_path, days[19], accept="why")
    run = run_paper(rules, tmp_path, days[19], accept="a third leg")
    assert run.book.stage_p.tolist() == [Stage.FULL, Stage.FULL, Stage.CANDIDATE]
    assert standings(read(journal), rules)[2].why == "p2 was listed: a third leg"
    write_down(tmp_path, journal, rules, ask("hire", 2))
    run_paper(rules, tmp_path, days[44])
    write_down(tmp_path, journal, rules, ask("hire", 2))
    run = run_paper(rules, tmp_path, days[89])
    assert run.book.nominal_p[2] > 0
    assert [a.done for _, a in read(journal).answers] == [True, True]
    run.write(tmp_path)
    assert verify(tmp_path) == []
    assert explain(read_entries(journal), days[80]).pods == ("p0", "p1", "p2")
    assert explain(read_entries(journal), days[5]).pods == ("p0", "p1")
    first = run.pods.filter(run.pods["pod"] == "p2")["status"].to_list()[:10]
    assert first == ["closed"] * 10
    assert run.allocation.filter(run.allocation["pod"] == "p2").height == 4
    with pytest.raises(ConfigError, match="retired, not removed"):
        run_paper(two, tmp_path, days[89], accept="why")


# --- the command line and the report --------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cut", "nobody", "--why", "w"], "there is no pod 'nobody'; the fund has a, b"),
        (["cut", "a", "--why", " "], "--why is empty"),
        (["cut", "a", "--why", "w", "--who", ""], "--who is empty"),
        (["hire", "b", "--why", "w"], "there is no certificate"),
        (["hire", "a", "--why", "w"], "no fund was opened"),
        (["list"], "no fund was opened"),
    ],
)
def test_requests_that_make_no_sense_are_refused_with_a_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    (tmp_path / "fund.toml").write_text(text(pod_lines='uncertified = "mine"\n'))
    (tmp_path / "paper").mkdir()
    SqliteJournal(tmp_path / "paper" / "journal.sqlite").close()
    assert cli.main(["pods", words[0], str(tmp_path), *words[1:]]) == 2
    assert said in capsys.readouterr().err


def test_a_request_needs_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["pods", "retire", "fund.toml", "p"]) == 2
    assert "--why" in capsys.readouterr().err


def test_the_report_tells_the_stages_after_the_first_day() -> None:
    plan = Lifecycle(entry=Stage.FULL, restore="auto", quarantine_days=30)
    run = following([falls(90, 0.002), wave(90, 0.001)], plan).run()
    told = [(cut.pod, cut.what, cut.why) for cut in figures.cuts(Findings(run))]
    assert [what for _, what, _ in told] == ["terminated", "closed", "quarantine", "ramp", "full"]
    assert told[2][2].startswith("rules: terminated; 30 days on paper")
    assert "quarantine" in render(run)
    lost = run.pods.filter(run.pods["pod"] == "p0")["drawdown"].to_list()
    assert lost[-1] < 0.05 < max(lost)
