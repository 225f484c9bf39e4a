"""Facts into the books, counted by hand: splits, dividends, nights, flows, leavings, breaks."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.funds import FREE, Session, live, plain, pod, sessions_of, steady

from podshop.adapters.brokers.sim import SimBroker
from podshop.cycle import decide, settle
from podshop.domain.book import Book, open_book
from podshop.domain.error import BrokerError
from podshop.domain.event import BreakFound, Delisted, Filled, FillKind, Marked, Part
from podshop.domain.order import NO_FILLS, NO_ORDERS, CashMove, Facts, Fills, Orders, Statement
from podshop.domain.rules import Costs, Flow, MarketRules
from podshop.ledger.replay import apply
from podshop.market.panel import from_arrays
from podshop.market.quotes import quotes
from podshop.research.backtest import backtest
from podshop.research.wishing import gather
from podshop.trading import settlement
from podshop.trading.fill import cash_in_lieu, open_account, whole_lots

MILLION = 1_000_000_000_000


def i64(*values: int) -> Any:
    """A column of whole numbers."""
    return np.array(values, dtype=np.int64)


def holding(*lots: int, mark: int = 100_000_000, want: tuple[int, ...] | None = None) -> Book:
    """One pod per entry, all in asset 0."""
    book = open_book(len(lots), 1, MILLION)
    wants = lots if want is None else want
    key = np.arange(len(lots), dtype=np.int64)
    return replace(book, key_s=key, lots_s=i64(*lots), want_s=i64(*wants), mark_n=i64(mark))


# --- splits ---------------------------------------------------------------------------------------


def split(book: Book, ratio: float) -> tuple[list[int], list[int], int]:
    """(lots, cash per pod, cash of the centre) after a split; nothing is lost."""
    event = settlement.split(book, 0, round(ratio * 1e6))
    assert event is not None
    total = int(event.lots_r.sum()) * event.mark + int(event.cash_r.sum()) + event.centre_cash
    exact = int(book.lots_s.sum()) * round(ratio * 1e6) * event.mark / 1e6
    assert abs(total - exact) < 1
    assert apply(event, book).lots_s.tolist() == [x for x in event.lots_r.tolist() if x]
    return event.lots_r.tolist(), event.cash_r.tolist(), event.centre_cash


def test_two_for_one() -> None:
    event = settlement.split(holding(5, -3), 0, 2_000_000)
    assert event is not None
    assert (event.lots_r.tolist(), event.mark) == ([10, -6], 50_000_000)
    assert (event.cash_r.tolist(), event.centre_cash) == ([0, 0], 0)


def test_three_for_two_of_odd_lots_shares_whole_lots_and_pays_no_half_twice() -> None:
    # 4.5 + 4.5 + 1.5 = 10.5: the broker has 10 and pays half a lot; the first of equals gets a lot.
    lots, cash, centre = split(holding(3, 3, 1, mark=90_000_000), 1.5)
    assert lots == [5, 4, 1]
    assert cash == [-30_000_000, 30_000_000, 30_000_000]
    assert centre == 0


def test_one_for_ten_leaves_cash_instead_of_a_lot() -> None:
    lots, cash, centre = split(holding(9), 0.1)
    assert (lots, cash, centre) == ([0], [900_000_000], 0)


def test_a_short_of_half_a_lot_owes_the_fraction() -> None:
    lots, cash, centre = split(holding(-3, 2), 0.5)
    assert lots == [-1, 1]
    assert cash == [-100_000_000, 0]
    assert centre == 0


@pytest.mark.parametrize(("exact", "lots"), [(1_999_999, 1), (-1_999_999, -1), (-1_000_000, -1)])
def test_brokers_cut_fractions_towards_zero(exact: int, lots: int) -> None:
    assert whole_lots(exact) == lots


def test_cash_in_lieu_of_a_fraction() -> None:
    assert cash_in_lieu(3, 1_500_000, 60_000_001) == 30_000_000
    assert cash_in_lieu(-3, 1_500_000, 60_000_001) == -30_000_001


def test_a_split_makes_no_trades_in_what_nobody_wanted_to_trade() -> None:
    event = settlement.split(holding(3, 3), 0, 1_500_000)
    assert event is not None
    assert event.want_r.tolist() == event.lots_r.tolist(), "odd lots are traded after every split"


def test_a_split_of_what_nobody_has_is_no_event() -> None:
    assert settlement.split(replace(open_book(1, 1, MILLION)), 0, 2_000_000) is None


# --- nights ---------------------------------------------------------------------------------------


def parts(session: Session, pod: int, part: Part) -> int:
    """Micros that a session paid to a pod (-1: centre) under one heading."""
    total = 0
    for event in session.plan.events:
        if type(event).__name__ == "Accrued":
            rows: Any = event
            total += int(rows.amount_r[(rows.pod_r == pod) & (rows.part_r == part)].sum())
    return total


def test_long_pods_get_the_dividend_and_short_pods_pay_it() -> None:
    dividend = np.zeros((4, 1))
    dividend[3] = 0.25
    fund = plain(
        [100.0] * 4,
        pod("long", steady({0: 0.8})),
        pod("short", steady({0: -0.3})),
        raw={"dividend": dividend},
    )
    last = list(live(fund))[-1]
    assert parts(last, 0, Part.DIVIDEND) == 4_000 * 250_000
    assert parts(last, 1, Part.DIVIDEND) == -1_500 * 250_000
    assert parts(last, -1, Part.DIVIDEND) == 0
    assert last.facts.dividend_n.tolist() == [2_500 * 250_000]


def test_a_dividend_belongs_to_who_held_overnight() -> None:
    dividend = np.zeros((3, 1))
    dividend[1] = 5.0
    fund = plain([100.0] * 3, pod("p", steady({0: 1.0})), raw={"dividend": dividend})
    sessions = list(live(fund))
    assert sessions[1].book.lots_s.tolist() == [10_000]
    assert sessions[-1].book.nav == MILLION


def test_a_dividend_is_per_lot_after_the_split_of_the_day() -> None:
    table, ratio = np.zeros((4, 1)), np.ones((4, 1))
    table[3], ratio[3] = 1.0, 2.0
    close = [100.0, 100.0, 100.0, 49.0]
    fund = plain(
        close, pod("p", steady({0: 1.0}), "month"), raw={"dividend": table, "split": ratio}
    )
    last = list(live(fund))[-1].book
    assert last.lots_s.tolist() == [20_000]
    assert last.nav == 20_000 * 50_000_000


def test_the_borrow_fee_of_the_net_short_falls_on_the_short_pods() -> None:
    costs = replace(FREE, borrow_bps_year=365.0)
    fund = plain([100.0] * 3, pod("a", steady({0: -0.8})), pod("b", steady({0: 0.3})), costs=costs)
    days = sessions_of(3).astype(np.int64)
    last = list(live(fund))[-1]
    fee = 2_500 * 100_000_000 * int(days[2] - days[1]) // 10_000
    charged = int(last.facts.borrow_n[0])
    assert charged - fee in (0, 1)
    assert parts(last, 0, Part.BORROW) == -charged
    assert parts(last, 1, Part.BORROW) == 0


def test_cash_earns_interest_and_debts_pay_the_spread_on_top() -> None:
    costs = replace(FREE, debit_spread_bps_year=365.0)
    fund = plain([100.0] * 3, pod("p", steady({0: 2.0})), costs=costs, raw={"rate": 0.0365})
    days = sessions_of(3).astype(np.int64)
    first, second = list(live(fund))[1:]
    nights = [int(x) for x in np.diff(days)]
    assert parts(first, 0, Part.INTEREST) == pytest.approx(MILLION * nights[0] / 10_000, abs=1)
    owed = -second.before.cash_p[0]
    assert parts(second, 0, Part.INTEREST) == pytest.approx(-owed * 2 * nights[1] / 10_000, abs=1)


# --- flows ----------------------------------------------------------------------------------------


def paid(start: str | None, *flows: tuple[str, str, int]) -> list[int]:
    """NAV after each session of a week from Monday, 2020-01-06, with flows in currency units."""
    days = np.arange(np.datetime64("2020-01-06"), np.datetime64("2020-01-11"))
    fund = plain([100.0] * 5, pod("idle", steady({})), raw={"days": days})
    rules = replace(
        fund.rules,
        flows=tuple(Flow(np.datetime64(d), kind, x * 1_000_000) for d, kind, x in flows),
        market=MarketRules(start=None if start is None else np.datetime64(start)),
    )
    run = backtest(rules, fund.panel, wishes=gather(rules.pods, fund.panel, 0))
    return [x // 1_000_000 for x in run.nav["nav_micros"].to_list()]


def test_money_arrives_on_its_day_and_on_the_first_too() -> None:
    assert paid(None, ("2020-01-06", "deposit", 5)) == [1_000_005] * 5
    assert paid(None, ("2020-01-08", "withdrawal", -7))[1:3] == [1_000_000, 999_993]


def test_money_of_a_holiday_arrives_at_the_next_session_also_before_the_first() -> None:
    # The fund file says start = 2020-01-04, a Saturday, and pays in on that very day.
    assert paid("2020-01-04", ("2020-01-04", "deposit", 5)) == [1_000_005] * 5


def test_a_fee_is_a_cost_and_a_tax_is_a_flow() -> None:
    days = sessions_of(3)
    fund = plain([100.0] * 3, pod("idle", steady({})), flows=((1, "fee", -100), (2, "tax", -50)))
    run = fund.run()
    assert run.nav["unit_value"].to_list() == [1.0, 1.0 - 1e-4, 1.0 - 1e-4]
    assert run.summary["parts_micros"]["fee"] == -100_000_000
    assert run.summary["parts_micros"]["flow"] == -50_000_000
    assert len(days) == 3


# --- leavings and gaps ----------------------------------------------------------------------------


def test_who_leaves_is_paid_at_the_last_price_and_wanted_no_more() -> None:
    close = np.full((8, 2), 100.0)
    close[3, 0], close[4:, 0] = 80.0, np.nan
    fund = plain(close, pod("p", steady({0: 0.5}), "month"))
    sessions = list(live(fund))
    (forced,) = (e for s in sessions[2:] for e in s.plan.events if isinstance(e, Filled))
    assert forced.kind_r.tolist() == [FillKind.FORCED]
    assert (forced.lots_r.tolist(), forced.price_r.tolist()) == ([-5_000], [80_000_000])
    assert [s.t for s in sessions for e in s.plan.events if isinstance(e, Delisted)] == [6]
    assert not len(sessions[-1].book.key_s)
    assert sessions[-1].book.nav == 900_000_000_000


def test_a_name_without_a_price_is_marked_at_its_last_and_flagged() -> None:
    close = np.full((6, 1), 100.0)
    close[3:5] = np.nan
    sessions = list(live(plain(close, pod("p", steady({0: 0.5}), "month"))))
    stale = [
        s.t for s in sessions for e in s.plan.events if isinstance(e, Marked) and len(e.stale_r)
    ]
    assert stale == [3, 4]
    assert sessions[4].book.mark_n.tolist() == [100_000_000]
    assert not any(len(s.plan.orders) for s in sessions[1:])


def gapped(after: int) -> Session:
    """The fifth session of a fund, in which a name has no price, with `after` sessions later."""
    close = np.full((5 + after, 2), 100.0)
    close[4, 0] = np.nan
    return list(live(plain(close, pod("p", steady({0: 0.5, 1: 0.2}), "month"))))[4]


def test_a_gap_is_not_a_departure_before_anybody_can_know() -> None:
    # Law 5: what is done on a day must not depend on whether prices come back later.
    assert gapped(0).book.digest() == gapped(3).book.digest()


# --- the broker -----------------------------------------------------------------------------------


def facts_of(session: Session, **changed: Any) -> Facts:
    """The facts of a session, changed."""
    return replace(session.facts, **changed)


def test_a_statement_that_differs_blocks_new_risk_and_says_by_how_much() -> None:
    fund = plain([100.0] * 4, pod("p", steady({0: 0.5}), "month"))
    session = list(live(fund))[2]
    wrong = Statement(session.facts.statement.cash - 1, session.facts.statement.lots_n + 3)
    opened = session.plan.events[0]
    before = apply(opened, session.before)
    book, events = settle(before, facts_of(session, statement=wrong), session.market, fund.rules)
    (found,) = (e for e in events if isinstance(e, BreakFound))
    assert found.cash_ours - found.cash_theirs == 1
    assert (found.ours_r.tolist(), found.theirs_r.tolist()) == ([5_000], [5_003])
    assert book.blocked


@pytest.mark.parametrize(("weight", "want"), [(0.9, 5_000), (0.2, 2_000), (-0.3, 0)])
def test_a_blocked_fund_may_close_and_nothing_else(weight: float, want: int) -> None:
    fund = plain([100.0] * 4, pod("p", steady({0: 0.5})))
    other = plain([100.0] * 4, pod("p", steady({0: weight})))
    session = list(live(fund))[2]
    book, _ = decide(
        replace(session.book, blocked=True), session.market, other.wishes.on(0), fund.rules, False
    )
    assert book.want_s.tolist() == [want]


def test_what_the_broker_pays_beyond_the_books_is_the_centre_s() -> None:
    # A dividend in lieu of 7 micros more, a lender who asks 5 more, 3 more of interest.
    fund = plain([100.0] * 4, pod("p", steady({0: 0.5}), "month"))
    session = list(live(fund))[2]
    theirs = session.facts.statement
    facts = facts_of(
        session,
        dividend_n=i64(7),
        borrow_n=i64(5),
        interest=3,
        statement=Statement(theirs.cash + 5, theirs.lots_n),
    )
    book, events = settle(session.before, facts, session.market, fund.rules)
    assert not any(isinstance(e, BreakFound) for e in events)
    assert book.reserve - session.book.reserve == 5
    assert book.cash_p.tolist() == session.book.cash_p.tolist()


def test_fills_that_nobody_ordered_stop_the_fund() -> None:
    fund = plain([100.0] * 4, pod("p", steady({0: 0.5}), "month"))
    session = list(live(fund))[2]
    ghost = Fills(i64(9), i64(0), i64(1), i64(100_000_000), i64(0))
    with pytest.raises(BrokerError, match="S0"):
        settle(session.before, facts_of(session, fills=ghost), session.market, fund.rules)


def market_at(t: int, rows: int = 5) -> Any:
    """A name at 100 up to row t."""
    return quotes(from_arrays(sessions_of(rows), ["A"], np.full((rows, 1), 100.0))).until(t)


def test_the_simulated_broker_reports_a_session_once_and_the_same() -> None:
    flow = Flow(sessions_of(1)[0], "deposit", 77)
    broker = SimBroker(FREE, (flow,), open_account(1_000, 1))
    once, again = broker.facts(market_at(0)), broker.facts(market_at(0))
    assert once is again
    assert once.moves == (CashMove("deposit", 77),)
    broker.facts(market_at(1))
    with pytest.raises(BrokerError, match="cannot go back"):
        broker.facts(market_at(0))


def test_orders_sent_twice_are_filled_once_before_and_after_the_open() -> None:
    broker = SimBroker(FREE, (), open_account(10**9, 1))
    order = Orders(i64(7), i64(0), i64(5))
    broker.facts(market_at(0))
    broker.submit(order)
    broker.submit(order)
    assert broker.facts(market_at(1)).statement.lots_n.tolist() == [5]
    broker.submit(order)
    assert broker.facts(market_at(2)).statement.lots_n.tolist() == [5]


def test_what_is_not_filled_expires_and_is_ordered_anew_by_the_fund() -> None:
    volume = np.full((5, 1), 40_000.0)
    fund = plain(
        [100.0] * 5,
        pod("p", steady({0: 1.0}), "month"),
        raw={"volume": volume},
        costs=replace(FREE, volume_cap=0.1),
    )
    sessions = list(live(fund))
    assert [s.plan.orders.lots_o.tolist() for s in sessions] == [[10_000], [6_000], [2_000], [], []]
    ids = [order for s in sessions for order in s.plan.orders.id_o.tolist()]
    assert len(set(ids)) == 3


def test_nothing_happens_on_the_first_session_of_an_empty_account() -> None:
    broker = SimBroker(Costs(), (), open_account(10**9, 1))
    facts = broker.facts(market_at(0))
    assert facts.fills is NO_FILLS
    assert len(NO_ORDERS) == 0
    assert facts.statement.cash == 10**9
