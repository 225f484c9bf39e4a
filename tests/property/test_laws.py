"""The nine laws of `ledger/audit.py`, each over random funds."""

import math
from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.funds import (
    GONE,
    Fund,
    Recipe,
    Session,
    assemble,
    cook,
    dice_pods,
    live,
    plain,
    pod,
    steady,
    tables,
)
from tests.property.strategies import HARSH, few, recipes

from podshop.domain.event import ActionApplied, Allocated, Event, Filled, PodClosed
from podshop.domain.market import Panel
from podshop.domain.order import Facts, Statement
from podshop.domain.pod import PodStatus
from podshop.ledger.audit import assert_balanced, assert_laws, assert_statement
from podshop.ledger.entry import decode, encode
from podshop.ledger.postings import CASH, postings
from podshop.ledger.replay import fold
from podshop.market.panel import from_arrays
from podshop.risk.action import base_p

MICROS = 1_000_000


def told(session: Session) -> list[bytes]:
    """What a session writes into the journal."""
    return [encode(event) for event in session.plan.events]


# --- 1 postings -----------------------------------------------------------------------------------


def cash_posted(events: tuple[Event, ...]) -> dict[str, int]:
    """Cash that events post to the fund's own accounts."""
    total: dict[str, int] = defaultdict(int)
    for event in events:
        for line in postings(event):
            if line.commodity == CASH and line.account.startswith(("pod/", "centre")):
                total[line.account] += line.amount
    return total


@few(1)
@given(recipes())
def test_law_1_every_event_balances_and_posts_what_the_book_books(recipe: Recipe) -> None:
    for session in live(cook(recipe)):
        for event in session.plan.events:
            assert_balanced(event)
        posted = cash_posted(session.plan.events)
        change = session.book.cash_p - session.before.cash_p
        assert [posted[f"pod/{p}"] for p in range(len(change))] == change.tolist()
        assert posted["centre"] == session.book.reserve - session.before.reserve


# --- 2 the broker ---------------------------------------------------------------------------------


class Account:
    """A second opinion on what the broker must hold: facts and raw prices, in plain Python."""

    def __init__(self, capital: int, panel: Panel) -> None:
        self.cash, self.panel = capital, panel
        self.lots, self.mark = [0] * len(panel.assets), [0] * len(panel.assets)
        self.silent = [panel.gone_days] * len(panel.assets)

    def live(self, t: int, facts: Facts) -> Statement:
        """One session; gives the statement after it."""
        for i, ratio in enumerate(
            np.floor(self.panel.split[t] * MICROS + 0.5).astype(int).tolist()
        ):
            if ratio != MICROS:
                self.mark[i] = (self.mark[i] * MICROS + ratio // 2) // ratio
                exact = self.lots[i] * ratio
                self.lots[i] = abs(exact) // MICROS * (1 if exact > 0 else -1)
                self.cash += (exact - self.lots[i] * MICROS) * self.mark[i] // MICROS
        self.cash += sum(facts.dividend_n.tolist()) - sum(facts.borrow_n.tolist()) + facts.interest
        self.cash += sum(move.amount for move in facts.moves)
        traded = np.isfinite(self.panel.close[t]).tolist()
        self.silent = [0 if x else n + 1 for x, n in zip(traded, self.silent, strict=True)]
        for i in (i for i, n in enumerate(self.silent) if n == self.panel.gone_days):
            self.cash += self.lots[i] * self.mark[i]
            self.lots[i] = 0
        f = facts.fills
        columns = (f.asset_f, f.lots_f, f.price_f, f.fee_f)
        for i, lots, price, fee in zip(*(c.tolist() for c in columns), strict=True):
            self.lots[i] += lots
            self.cash -= lots * price + fee
        for i, price in enumerate(self.panel.close[t].tolist()):
            if not math.isnan(price):
                self.mark[i] = math.floor(price * MICROS + 0.5)
        return Statement(self.cash, np.array(self.lots, dtype=np.int64))


@few(1)
@given(recipes())
def test_law_2_the_pods_are_the_broker_to_the_lot_and_the_micro(recipe: Recipe) -> None:
    fund = cook(recipe)
    account = Account(fund.rules.capital, fund.panel)
    for session in live(fund):
        statement = account.live(session.t, session.facts)
        assert_statement(session.book, statement)
        assert session.facts.statement.cash == statement.cash
        assert not session.book.blocked


# --- 3 the sum ------------------------------------------------------------------------------------


@few(1)
@given(recipes())
def test_law_3_pods_and_centre_are_the_fund_at_the_marks_of_the_day(recipe: Recipe) -> None:
    for session in live(cook(recipe)):
        book, n = session.book, len(session.book.mark_n)
        assert_laws(book)
        assert int(book.nav_p.sum()) + book.reserve == book.nav
        worth = book.cash_p.copy()
        np.add.at(worth, book.key_s // n, book.lots_s * session.market.mark_tn[-1][book.key_s % n])
        assert worth.tolist() == book.nav_p.tolist()


# --- 4 replay -------------------------------------------------------------------------------------


@few(1)
@given(recipes())
def test_law_4_the_journal_folds_to_the_book_bit_for_bit(recipe: Recipe) -> None:
    book = None
    for session in live(cook(recipe)):
        written = [(type(event).__name__, encode(event)) for event in session.plan.events]
        read = [decode(kind, body) for kind, body in written]
        book = fold(session.before if book is None else book, read)
        assert book.digest() == session.book.digest()
        assert [encode(event) for event in read] == [body for _, body in written]


# --- 5 causality ----------------------------------------------------------------------------------


def scrambled(recipe: Recipe, t: int, seed: int) -> Fund:
    """The same fund when other days follow row t."""
    raw, r = tables(recipe), np.random.default_rng(seed)
    rows, n = recipe.days - t - 1, recipe.assets
    free = np.isfinite(raw["close"][t])
    for name in ("close", "open", "volume"):
        if raw[name] is not None:
            raw[name][t + 1 :, free] *= r.uniform(0.5, 2.0, (rows, n))[:, free]
    raw["dividend"][t + 1 :, free] += r.choice([0.0, 1.0], (rows, n))[:, free]
    raw["split"][t + 1 :, free] *= r.choice([1.0, 1.0, 0.3], (rows, n))[:, free]
    raw["close"][t + 1 :, free] *= r.choice([1.0, 1.0, np.nan], (rows, n))[:, free]
    return assemble(recipe, from_arrays(**raw, gone_days=GONE), dice_pods(recipe))


@few(1)
@given(recipes(), st.integers(6, 30), st.integers(0, 99))
def test_law_5_nothing_journalled_up_to_a_day_knows_what_follows(
    recipe: Recipe, t: int, seed: int
) -> None:
    for one, other in zip(live(cook(recipe)), live(scrambled(recipe, t, seed)), strict=True):
        if one.t > t:
            break
        assert told(one) == told(other)


# --- 6 closed pods --------------------------------------------------------------------------------


@few(1)
@given(recipes(swing=0.03, ladder=HARSH, stop=0.0, gross=2.0))
def test_law_6_a_closed_pod_holds_nothing_and_never_trades(recipe: Recipe) -> None:
    closed: set[int] = set()
    for session in live(cook(recipe)):
        for event in session.plan.events:
            if isinstance(event, Filled):
                assert closed.isdisjoint(event.pod_r.tolist())
            if isinstance(event, PodClosed):
                closed.add(event.pod)
        book = session.book
        assert closed == set(np.flatnonzero(book.status_p == PodStatus.CLOSED).tolist())
        assert closed.isdisjoint((book.key_s // len(book.mark_n)).tolist())
        for p in closed:
            assert (book.cash_p[p], book.nav_p[p], book.nominal_p[p]) == (0, 0, 0)


def test_law_6_is_put_to_the_test() -> None:
    closings = 0
    for seed in range(6):
        recipe = Recipe(seed, swing=0.03, ladder=HARSH, stop=0.0, gross=2.0)
        for session in live(cook(recipe)):
            closings += sum(isinstance(event, PodClosed) for event in session.plan.events)
    assert closings >= 6


# --- 7 the same again -----------------------------------------------------------------------------


@few(2)
@given(recipes())
def test_law_7_the_same_inputs_give_the_same_ids_and_the_same_chain(recipe: Recipe) -> None:
    cook.cache_clear()
    one, other = cook(recipe), cook.__wrapped__(recipe)
    runs = one.run(), other.run()
    assert runs[0].journal_hash == runs[1].journal_hash
    assert runs[0].orders.equals(runs[1].orders)
    ids = [order for s in live(one) for order in s.plan.orders.id_o.tolist()]
    assert len(set(ids)) == len(ids)
    assert 0 not in ids


# --- 8 caps ---------------------------------------------------------------------------------------


def sized(session: Session, fund: Fund) -> set[int]:
    """The pods that were sized in this session."""
    speaks = fund.wishes.speaks_tp[session.t]
    moved = {e.pod for e in session.plan.events if isinstance(e, ActionApplied)}
    if any(isinstance(e, Allocated) for e in session.plan.events):
        moved |= set(range(len(speaks)))
    alive = np.flatnonzero(session.book.closed_day_p < 0).tolist()
    return (moved | set(np.flatnonzero(speaks).tolist())) & set(alive)


def volatility(weight: Any, market: Any, days: int) -> float:
    """Volatility a year of constant weights over the trailing days."""
    path = market.returns_nt[:, max(0, len(market) - days) :].astype(np.float64)
    return float((weight @ path).std(ddof=1) * math.sqrt(252)) if path.shape[1] >= 20 else 0.0


def assert_pod_caps(session: Session, recipe: Recipe, pod: int) -> None:
    """Caps of one pod on its wanted lots; a name without a price today is under none."""
    book, market, n = session.book, session.market, recipe.assets
    want = np.zeros(n, dtype=np.int64)
    mine = book.key_s // n == pod
    want[book.key_s[mine] % n] = book.want_s[mine]
    if (want[~market.traded_tn[-1]] != 0).any():
        return
    value, base = want * book.mark_n, float(base_p(book)[pod])
    if base == 0:
        assert not want.any()
        return
    room = base * (1 + 1e-12)
    assert np.abs(value).max(initial=0) <= recipe.position * room
    for sector in set(market.sector_n.tolist()):
        side = value[market.sector_n == sector]
        assert side[side > 0].sum() <= recipe.sector * room
        assert -side[side < 0].sum() <= recipe.sector * room
    assert np.abs(value).sum() <= min(recipe.gross_cap, recipe.gross * 1.001) * room
    # Lots are cut towards zero one by one, so what hedges may lose up to a lot.
    lot = book.mark_n * (book.mark_n <= base) * (np.abs(fund_wish(session, recipe, pod)) > 0)
    assert abs(value.sum()) <= recipe.net * room + lot.sum()
    if math.isfinite(recipe.vol):
        names = [volatility(np.eye(n)[i], market, recipe.vol_days) for i in range(n)]
        allowed = recipe.vol + float((lot / base * names).sum())
        assert volatility(value / base, market, recipe.vol_days) <= allowed * (1 + 1e-9)


def fund_wish(session: Session, recipe: Recipe, pod: int) -> Any:
    """(N,) the wish that stands."""
    wishes = cook(recipe).wishes.on(session.t)
    at = slice(wishes.begin_p[pod], wishes.end_p[pod])
    row = np.zeros(recipe.assets)
    row[wishes.asset_w[at]] = wishes.weight_w[at]
    return row


@few(1)
@given(recipes(ticker=np.inf))
def test_law_8_the_wanted_book_of_every_sized_pod_is_under_its_caps(recipe: Recipe) -> None:
    fund = cook(recipe)
    for session in live(fund):
        if not session.book.halted:
            for pod in sized(session, fund):
                assert_pod_caps(session, recipe, pod)


@few(1)
@given(recipes(), st.sampled_from((0.02, 0.1)))
def test_law_8_no_name_is_wanted_beyond_the_fund_s_cap(recipe: Recipe, most: float) -> None:
    fund = cook(replace(recipe, ticker=most))
    for session in live(fund):
        book, n = session.book, recipe.assets
        net = np.zeros(n, dtype=np.int64)
        np.add.at(net, book.key_s % n, book.want_s)
        if sized(session, fund):
            assert (np.abs(net) * book.mark_n).max() <= most * book.nav


def weights(session: Session, pod: int) -> Any:
    """(N,) wanted value of a pod as fractions of the capital it may use."""
    book, n = session.book, len(session.book.mark_n)
    mine = book.key_s // n == pod
    value = np.zeros(n)
    value[book.key_s[mine] % n] = (book.want_s * book.mark_n[book.key_s % n])[mine]
    return value / float(base_p(book)[pod])


def test_law_8_cutting_to_whole_lots_does_not_break_the_net_cap() -> None:
    # Wishes +50 % and -44.5 %; a lot of the short name is 9 % of the capital, 4 of 4.9 lots fit.
    fund = plain(
        np.tile([10.0, 9_000.0], (3, 1)),
        pod("p", steady({0: 0.5, 1: -0.445}), "month"),
        capital=100_000,
        net=0.1,
    )
    assert abs(weights(next(live(fund)), 0).sum()) <= 0.1 + 1e-12


def test_law_8_the_cap_on_a_name_does_not_unbalance_a_neutral_pod() -> None:
    # +50 % in one name, which the fund caps at 10 % of NAV, against -50 % in five names.
    wish = {0: 0.5} | dict.fromkeys(range(1, 6), -0.1)
    fund = plain(np.full((3, 6), 10.0), pod("neutral", steady(wish), "month"), net=0.1, ticker=0.1)
    assert abs(weights(next(live(fund)), 0).sum()) <= 0.1


def test_law_8_a_neutral_pod_is_brought_under_its_net_cap_lot_by_lot() -> None:
    # 30 names long and 30 short for 100,000 with a net cap of 500: what whole lots leave over is a
    # few lots; scaling both sides in turns until they meet would sell most of the book.
    r = np.random.default_rng(0)
    close = np.tile(r.uniform(20.0, 500.0, 60), (3, 1))
    sides = np.concatenate([r.dirichlet(np.ones(30)), -r.dirichlet(np.ones(30))])
    wish = {i: round(float(x) / 2, 6) for i, x in enumerate(sides)}
    fund = plain(close, pod("neutral", steady(wish), "month"), capital=100_000, net=0.005)
    free = plain(close, pod("neutral", steady(wish), "month"), capital=100_000)
    got, wished = (np.abs(weights(next(live(f)), 0)).sum() for f in (fund, free))
    assert got >= 0.95 * wished


# --- 9 every micro explained ----------------------------------------------------------------------


@few(1)
@given(recipes())
def test_law_9_the_parts_sum_to_the_change_of_every_pod_and_of_the_fund(recipe: Recipe) -> None:
    run = cook(recipe).run()
    capital = run.rules.capital
    assert run.tape.residual(capital) == 0
    by_row: dict[tuple[str, str], int] = defaultdict(int)
    for date, who, amount in run.attribution.select("date", "pod", "amount_micros").iter_rows():
        by_row[str(date), who] += amount
    nav = [capital, *run.nav["nav_micros"].to_list()]
    dates = [str(date) for date in run.nav["date"].to_list()]
    before: dict[str, int] = defaultdict(int)
    for d, date in enumerate(dates):
        day = {who: x for (when, who), x in by_row.items() if when == date}
        assert sum(day.values()) == nav[d + 1] - nav[d]
        for p, who in enumerate(run.rules.pod_ids()):
            worth = int(run.tape.nav_dp[d, p])
            assert worth - before[who] == day.get(who, 0)
            before[who] = worth


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_the_laws_hold_over_a_year(seed: int) -> None:
    fund = cook(Recipe(seed, days=260, assets=9, pods=5, splits=9, holes=0.03, depth=9_000.0))
    account, book = Account(fund.rules.capital, fund.panel), None
    for session in live(fund):
        assert_statement(session.book, account.live(session.t, session.facts))
        assert_laws(session.book)
        events = [decode(type(e).__name__, encode(e)) for e in session.plan.events]
        book = fold(session.before if book is None else book, events)
        assert book.digest() == session.book.digest()
    assert fund.run().tape.residual(fund.rules.capital) == 0
