"""Lives of pods in random funds: only legal moves, capital as the stage says, one result however
it is recorded, and a record on paper that is the backtest the pod would be alone.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.funds import Fund, Recipe, Session, cook, random_recipe
from tests.property.strategies import few

from podshop.adapters.brokers.sim import SimBroker
from podshop.capital import equal
from podshop.cycle import step
from podshop.desk.live import prove
from podshop.domain.book import Book
from podshop.domain.life import Answered, Asked, PodStaged
from podshop.domain.pod import INVESTED, ON_PAPER, PodStatus, Stage
from podshop.domain.rules import Allocator, Lifecycle, due
from podshop.ledger.replay import apply, opening
from podshop.market.quotes import quotes, row_hash
from podshop.research.backtest import fund_opened
from podshop.research.wishing import gather
from podshop.risk import drawdown
from podshop.risk.lifecycle import MOVES
from podshop.trading.fill import open_account
from podshop.trading.paper import rules_on_paper

EASY = Lifecycle(
    paper_days=20,
    quarantine_days=20,
    restore="auto",
    paper_sharpe=-99.0,
    paper_drawdown=0.9,
    ramp_sessions=10,
    ramp_sharpe=-99.0,
    ramp_drawdown=0.9,
    candidate_correlation=0.99,
    review="cut",
)
"""Rules under which pods move through their stages within a few months."""


def following(recipe: Recipe, entry: Stage, plan: Lifecycle = EASY) -> Fund:
    """A random fund that follows its pods; its ladder fires soon, its own stop late."""
    ladder = drawdown.Params(halve_at=0.03, terminate_at=0.06)
    schedule = recipe.schedule if recipe.schedule != "never" else "month"
    fund = cook(replace(recipe, ladder=ladder, stop=0.5, schedule=schedule))
    return replace(fund, rules=replace(fund.rules, lifecycle=replace(plan, entry=entry)))


def asking(fund: Fund, seed: int) -> Iterator[Session]:
    """Take a fund through its sessions while people ask things at random, legal or not."""
    rules, market, dice = fund.rules, quotes(fund.panel), np.random.default_rng([seed, 9])
    start = fund.recipe.start
    book = opening(fund_opened(rules, market, start))
    account = open_account(rules.capital, len(market.assets))
    broker = SimBroker(rules.costs, rules.flows, account, day=market.days[start] - 1)
    for t in range(start, len(market)):
        while dice.random() < 0.2:
            act = str(dice.choice(["hire", "cut", "restore", "retire"], p=[0.4, 0.3, 0.25, 0.05]))
            keep = float(dice.choice([0.3, 0.5, 0.75, 1.0]))
            book = apply(Asked(int(dice.integers(len(rules.pods))), act, keep, "me", "why"), book)
        today, before = market.until(t), book
        facts = broker.facts(today)
        allocation = due(rules.allocator.when, market.days, start, t)
        given = (rules, allocation, row_hash(market, t))
        book, plan = step(before, facts, today, fund.wishes.on(t), *given)
        prove(before, plan.events, book, facts)
        broker.submit(plan.orders)
        yield Session(t, before, facts, today, book, plan)


lives = st.tuples(
    st.integers(0, 10_000),
    st.sampled_from([Stage.CANDIDATE, Stage.PAPER, Stage.RAMP, Stage.FULL]),
)


def random_life(seed: int, entry: Stage) -> Iterator[Session]:
    """The sessions of a random fund in which people ask things."""
    return asking(following(random_recipe(seed, days=140), entry), seed)


@few(4)
@given(lives)
def test_only_legal_moves_and_every_one_has_an_event(life: tuple[int, Stage]) -> None:
    for session in random_life(*life):
        told = {e.pod for e in session.plan.events if hasattr(e, "pod")}
        stages = zip(session.before.stage_p.tolist(), session.book.stage_p.tolist(), strict=True)
        for p, (old, new) in enumerate(stages):
            if old != new and session.before.cycle >= 0:
                assert p in told
                assert _reachable(Stage(old), Stage(new)), (p, old, new)


def _reachable(old: Stage, new: Stage) -> bool:
    """A day may bring two moves: a cut pod that is retired, a pod terminated and flat at once."""
    return new in MOVES[old] or any(new in MOVES[between] for between in MOVES[old])


@few(4)
@given(lives)
def test_every_request_is_answered_by_the_next_cycle_in_its_order(life: tuple[int, Stage]) -> None:
    for session in random_life(*life):
        asked = session.before.life.asked if session.before.life is not None else ()
        answers = [e for e in session.plan.events if isinstance(e, Answered)]
        assert [(a.pod, a.act) for a in asked] == [(a.pod, a.act) for a in answers]
        assert session.book.life is not None
        assert session.book.life.asked == ()


@few(4)
@given(lives)
def test_capital_is_what_the_stage_says(life: tuple[int, Stage]) -> None:
    for session in random_life(*life):
        book, paper = session.book, session.book.life.paper if session.book.life else None
        for p, stage in enumerate(book.stage_p.tolist()):
            invested = stage in (*INVESTED, Stage.CUT)
            assert invested == (book.status_p[p] < PodStatus.CLOSING)
            if not invested and book.status_p[p] == PodStatus.CLOSED:
                assert (book.nav_p[p], book.nominal_p[p], book.cash_p[p]) == (0, 0, 0)
            on_paper = paper is not None and paper.closed_day_p[p] < 0
            assert on_paper == (stage in ON_PAPER)
        _allocated_parts(session)


def _allocated_parts(session: Session) -> None:
    """A pod in its ramp gets half of its share, one at full capital all of it."""
    for event in session.plan.events:
        if type(event).__name__ == "Allocated":
            risk, alive = session.book.risk_capital, session.book.status_p < PodStatus.CLOSING
            whole = np.floor(event.share_p * session.book.part_p * risk).astype(np.int64)
            assert (event.nominal_p[alive] == whole[alive]).all()
            assert set(session.book.part_p[alive].tolist()) <= {0.5, 1.0}


@pytest.mark.parametrize("seed", range(6))
def test_fast_is_full_with_lives(seed: int) -> None:
    from tests.parity.test_record_parity import assert_same

    fund = following(random_recipe(seed, days=150), Stage(seed % 4))
    assert_same(fund)


# --- paper ----------------------------------------------------------------------------------------


def alone(fund: Fund, p: int, capital: int) -> Fund:
    """The fund of one pod that trades with this capital from the start, without limits that act."""
    pod = fund.rules.pods[p]
    bounds = equal.Params(0.0, 1.0, 0.0)
    rules = replace(
        fund.rules,
        pods=(pod,),
        limits=rules_on_paper(fund.rules).limits,
        capital=capital,
        allocator=Allocator("equal", partial(equal.shares, p=bounds), "never", 0.0),
        flows=(),
        lifecycle=None,
        costs=replace(fund.rules.costs, management_fee=0.0),
    )
    return replace(fund, rules=rules, wishes=gather((pod,), fund.panel, fund.recipe.start))


@pytest.mark.parametrize("seed", range(8))
def test_a_record_on_paper_is_the_backtest_that_the_pod_would_be_alone(seed: int) -> None:
    recipe = replace(random_recipe(seed, days=90), schedule="never", flows=())
    if seed % 2:  # fractions of split lots are shared among all pods that hold the name
        recipe = replace(recipe, splits=0)
    fund = cook(recipe)
    costs = replace(fund.rules.costs, management_fee=0.0)
    pods = range(len(fund.rules.pods)) if seed % 2 else range(1)
    begin = {fund.rules.pods[p].id: Stage.PAPER for p in pods}
    plan = Lifecycle(begin=begin, entry=Stage.CANDIDATE)
    fund = replace(fund, rules=replace(fund.rules, lifecycle=plan, costs=costs))
    papers: list[Book] = []
    for session in asking(replace(fund), seed=-1 % 2**32):
        if session.book.life is not None and session.book.life.paper is not None:
            papers.append(session.book.life.paper)
        if any(isinstance(e, PodStaged) for e in session.plan.events) and len(papers) > 1:
            break
    for p in pods:
        still = [book for book in papers if book.closed_day_p[p] < 0]
        run = alone(fund, p, fund.rules.capital // len(fund.rules.pods)).run(record="fast")
        mine = [float(book.unit_p[p]) for book in still]
        assert mine == run.tape.unit_dp[: len(mine), 0].tolist()
        assert [int(b.nav_p[p]) for b in still] == run.tape.nav_dp[: len(mine), 0].tolist()
        assert len(mine) > 5
