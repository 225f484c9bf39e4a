"""What went wrong elsewhere, in public, must not happen here.

Each test is named after a defect that notes or issue threads of other systems describe (RustyBT,
the pod article's code, two "hedge fund in a box" repositories, freqtrade, hummingbot, go-trader,
lumibot, bt), and shows through public interfaces that the same situation ends well.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.funds import FREE, Fund, Session, live, plain, pod, sessions_of, steady, table_pod

from podshop.adapters.stores.sqlite import read_entries
from podshop.capital.projection import project
from podshop.cycle import decide, settle
from podshop.domain.book import Book
from podshop.domain.error import LedgerError, PodError
from podshop.domain.event import ActionApplied, Allocated, Filled, FillKind, Halted, PodClosed
from podshop.domain.market import Panel
from podshop.domain.order import Statement
from podshop.domain.pod import PodStatus
from podshop.ledger.entry import decode, encode
from podshop.ledger.replay import apply, fold
from podshop.research.wishing import gather
from podshop.risk.drawdown import Params

MILLION = 1_000_000_000_000


def sessions(fund: Fund) -> list[Session]:
    """Every session of a fund."""
    return list(live(fund))


def done(found: list[Session]) -> list[tuple[int, int, str]]:
    """(row, pod, action) of everything that was done to pods."""
    events = ((s.t, e) for s in found for e in s.plan.events)
    return [(t, e.pod, e.action) for t, e in events if isinstance(e, ActionApplied)]


def one(close: Any, wish: float = 1.0, **fields: Any) -> list[Session]:
    """One pod in one name through these closes."""
    return sessions(plain(close, pod("p", steady({0: wish}), "month"), **fields))


# --- netting and sharing --------------------------------------------------------------------------


def traded_lots(*lots: int, volume: float = 1e9) -> list[int]:
    """Lots that each pod holds after its first trade, if it wishes for these and a bit more."""
    weights = [(x + 0.1 * np.sign(x)) / 1_000 for x in lots]
    pods = [pod(str(p), steady({0: w}), "month") for p, w in enumerate(weights)]
    fund = plain(
        [100.0] * 3,
        *pods,
        capital=100_000 * len(weights),
        raw={"volume": np.full((3, 1), volume)},
    )
    book = sessions(fund)[1].book
    held = dict(zip(book.key_s.tolist(), book.lots_s.tolist(), strict=True))
    return [held.get(p, 0) for p in range(len(weights))]


def test_rustybt_allocate_fill() -> None:
    # There: net fill 50 of A +100, B -80, C +30 gives A +23.8, B -19.0, C +7.1.
    assert traded_lots(100, -80, 30) == [100, -80, 30]
    # A volume of 20 leaves 30 of the 50 open, on the buyers' side alone.
    assert traded_lots(100, -80, 30, volume=20.0) == [77, -80, 23]


def test_rustybt_fully_netted_orders_reach_nobody() -> None:
    assert traded_lots(100, -70, -30) == [100, -70, -30]


def test_bt_costs_are_not_charged_in_nested_strategies() -> None:
    costs = replace(FREE, commission_micros_per_lot=10_000)
    pods = [pod(name, steady({0: 0.5})) for name in "ab"]
    book = sessions(plain([100.0] * 3, *pods, costs=costs))[-1].book
    assert book.nav_p.tolist() == [MILLION // 2 - 2_500 * 10_000] * 2


def test_omega_trades_converter_ignores_negative_targets() -> None:
    assert traded_lots(-100) == [-100]


def test_short_closed_by_sell_doubles_it() -> None:
    wish = np.zeros((6, 1))
    wish[:3] = -0.5
    found = sessions(plain([100.0] * 6, table_pod("p", wish)))
    assert [s.book.lots_s.tolist() for s in found[1:]] == [[-5_000], [-5_000], [-5_000], [], []]
    assert found[3].plan.orders.lots_o.tolist() == [5_000]


def test_flip_from_short_to_long_is_one_order_of_both() -> None:
    wish = np.array([[-0.5], [-0.5], [0.3], [0.3]])
    found = sessions(plain([100.0] * 4, table_pod("p", wish)))
    assert found[2].plan.orders.lots_o.tolist() == [8_000]
    assert found[3].book.lots_s.tolist() == [3_000]


def test_fabricated_fills_from_future_bars() -> None:
    # A name without a price or without volume is not filled, whatever its later prices.
    close = np.array([[100.0], [np.nan], [50.0], [50.0]])
    found = sessions(plain(close, pod("p", steady({0: 0.5}), "month")))
    assert [s.book.lots_s.tolist() for s in found] == [[0], [0], [5_000], [5_000]]
    assert found[-1].book.nav == MILLION
    assert traded_lots(100, volume=0.0) == [0]


def test_a_cash_heavy_book_reports_the_return_of_a_full_one() -> None:
    # There: returns divided by gross weight, so a book that is 10 % invested reports 100 %.
    found = one([100.0, 100.0, 110.0], wish=0.1)
    assert found[-1].book.fund_unit == pytest.approx(1.01)
    assert one([100.0, 100.0, 110.0], wish=2.0)[-1].book.fund_unit == pytest.approx(1.2)


# --- the ladder -----------------------------------------------------------------------------------

DEEP = [100.0, 100.0, 94.0] + [94.0] * 40
"""Six per cent down, and there for two months."""


def test_seed_code_rehalves_every_friday() -> None:
    assert done(one(DEEP, ladder=Params(), schedule="week")) == [(2, 0, "HALVE")]


@pytest.mark.parametrize("schedule", ["daily", "week", "month"])
def test_rebalance_refunds_a_stopped_pod(schedule: str) -> None:
    pods = [pod("falls", steady({0: 1.0}), "month"), pod("idle", steady({}), "month")]
    close = DEEP + [94.0] * 5
    found = sessions(
        plain(close, *pods, ladder=Params(), schedule=schedule, lo=0.3, hi=0.6, cash=0.1)
    )
    for s in found[3:]:
        assert s.book.keep_p[0] == 0.5
        assert s.book.nav_p[0] <= 0.5 * s.book.nominal_p[0] + 1
        assert s.book.lots_s[0] * 94_000_000 <= 0.3 * s.book.nav


def test_a_floor_contradicts_the_halving() -> None:
    pods = [pod("falls", steady({0: 1.0}), "month"), pod("idle", steady({}), "month")]
    found = sessions(plain(DEEP, *pods, ladder=Params(), schedule="week", lo=0.4, hi=0.5))
    last = found[-1].book
    assert last.nominal_p[0] >= 0.4 * last.nav - 1
    assert last.nav_p[0] == last.nominal_p[0] // 2


def test_clip_then_renormalise_breaks_caps() -> None:
    # There: Sharpes (3, .1, .1, 0, 0) give 50/12.5/12.5/12.5/12.5 % under a cap of 40 %.
    shares = project([3, 0.1, 0.1, 0, 0], 0.1, 0.4, 0.9)
    assert shares == pytest.approx([0.4, 0.15, 0.15, 0.1, 0.1])
    assert shares.max() <= 0.4
    assert shares.min() >= 0.1


def test_one_surviving_pod_holds_89_percent_of_the_capital() -> None:
    close = np.full((30, 2), 100.0)
    close[2:, 0] = 80.0
    pods = [pod(f"falls {p}", steady({0: 1.0}), "month") for p in range(4)]
    fund = plain(
        close,
        *pods,
        pod("stands", steady({1: 1.0}), "month"),
        ladder=Params(),
        schedule="week",
        lo=0.1,
        hi=0.4,
        cash=0.1,
    )
    last = sessions(fund)[-1].book
    assert last.status_p.tolist() == [PodStatus.CLOSED] * 4 + [PodStatus.ACTIVE]
    assert last.nav_p[4] <= 0.4 * last.nav
    assert last.reserve >= 0.6 * last.nav


def test_capital_taken_away_recorded_as_loss() -> None:
    wish = np.zeros((30, 1))
    pods = [table_pod("idle", wish), pod("gains", steady({0: 1.0}), "month")]
    path = 100.0 * 1.02 ** np.arange(30)
    found = sessions(plain(path, *pods, ladder=Params(), schedule="week", hi=0.9, cash=0.1))
    flows = np.diff([s.book.nav_p[0] for s in found])
    assert (flows != 0).any()
    assert all(s.book.unit_p[0] == 1.0 and s.book.drawdown_p[0] == 0.0 for s in found)
    assert done(found) == []


def test_withdrawal_looks_like_a_loss() -> None:
    flows = ((3, "withdrawal", -600_000), (5, "deposit", 900_000), (6, "tax", -100_000))
    found = one([100.0] * 9, ladder=Params(), stop=0.05, schedule="month", flows=flows)
    assert {s.book.fund_unit for s in found} == {1.0}
    assert found[-1].book.nav == MILLION + 200_000_000_000
    assert not found[-1].book.halted


def test_resample_ms_skips_weekends() -> None:
    # There: 87 of 121 rebalances, because the calendar's first of the month is often no session.
    days = np.arange(np.datetime64("2010-01-01"), np.datetime64("2020-01-01"))
    days = days[np.is_busday(days)]
    idle = pod("idle", steady({}), "month")
    run = plain([100.0] * len(days), idle, raw={"days": days}, schedule="month").run(record="fast")
    dates = run.allocation["date"].unique().to_list()
    assert len(dates) == 120
    assert len({(d.year, d.month) for d in dates}) == 120


def test_peak_reset_after_fire() -> None:
    # 5 % cut, then on to 10 % below the first peak: the halved pod falls half as fast.
    found = one([100.0, 100.0, 95.0, 95.0, 84.5, 84.5, 84.5], ladder=Params())
    assert done(found) == [(2, 0, "HALVE"), (4, 0, "TERMINATE")]
    assert found[4].book.peak_p.tolist() == [1.0]
    assert found[4].book.drawdown_p[0] == pytest.approx(1 - 0.95 * (1 - 10.5 / 95 / 2))


def test_first_day_loss() -> None:
    # Bought at 100, closed at 94 on the same day: the peak is what was paid in.
    table = {"open": np.array([100.0, 100.0, 94.0, 94.0])[:, None]}
    found = one([100.0, 94.0, 94.0, 94.0], ladder=Params(), raw=table)
    assert found[1].book.drawdown_p[0] == pytest.approx(0.06)
    assert done(found) == [(1, 0, "HALVE")]


def test_drawdown_always_zero() -> None:
    # There: peak = initial + total P&L, so the drawdown is 0 whatever happens.
    found = one([100.0, 100.0, 120.0, 114.5, 108.5], ladder=None)
    got = [float(s.book.drawdown_p[0]) for s in found[2:]]
    assert got == pytest.approx([0.0, 5.5 / 120, 11.5 / 120])


def test_max_drawdown_by_difference_of_cumulative_returns() -> None:
    # Tripled and then a fifth lost: 20 %, not 60 %.
    close = [100.0, 100.0, 200.0, 300.0, 240.0, 240.0]
    run = plain(close, pod("p", steady({0: 1.0}), "month")).run()
    assert run.pods["drawdown"].to_numpy().max() == pytest.approx(0.2)
    assert run.summary["pods"][0]["max_drawdown"] == pytest.approx(0.2)


def test_drawdown_protection_ignores_open_trades() -> None:
    found = one([100.0, 100.0, 89.0, 89.0], ladder=Params())
    assert done(found) == [(2, 0, "TERMINATE")]
    assert sum(isinstance(e, Filled) for s in found[:3] for e in s.plan.events) == 1


def test_kill_switch_fires_with_no_trades_because_another_lost() -> None:
    pods = [pod("loses", steady({0: 1.0}), "month"), pod("idle", steady({}), "month")]
    found = sessions(plain([100.0, 100.0, 70.0, 70.0, 70.0], *pods, ladder=Params()))
    assert {p for _, p, _ in done(found)} == {0}
    assert found[-1].book.unit_p[1] == 1.0


def test_liquidation_is_a_commented_out_line() -> None:
    found = one([100.0, 100.0, 85.0, 85.0, 85.0], ladder=Params())
    assert not len(found[3].book.key_s)
    assert any(isinstance(e, PodClosed) for e in found[3].plan.events)
    assert found[3].book.reserve == found[3].book.nav


def test_a_terminated_pod_trades_again_on_the_next_signal() -> None:
    table = np.random.default_rng(2).uniform(-1, 1, (40, 1))
    close = [100.0, 100.0] + [40.0] * 3 + [400.0] * 35
    found = sessions(plain(close, table_pod("p", table), ladder=Params(), schedule="week"))
    closed = next(s.t for s in found for e in s.plan.events if isinstance(e, PodClosed))
    late = [e for s in found if s.t > closed for e in s.plan.events]
    assert not any(isinstance(e, Filled) for e in late)


def test_allocations_are_of_the_initial_capital() -> None:
    fund = plain(
        100.0 * 1.01 ** np.arange(40), pod("p", steady({0: 1.0}), "month"), schedule="month", hi=0.5
    )
    found = sessions(fund)
    for s in found:
        if any(isinstance(e, Allocated) for e in s.plan.events):
            assert abs(s.book.nominal_p[0] - s.book.nav // 2) <= 1
    assert found[-1].book.nav > 1.05 * MILLION


# --- halts ----------------------------------------------------------------------------------------

CRASH = [100.0, 100.0, 80.0, 80.0, 80.0, 80.0]


def test_after_a_halt_cannot_flatten() -> None:
    found = one(CRASH, stop=0.15)
    assert [s.t for s in found for e in s.plan.events if isinstance(e, Halted)] == [2]
    assert found[2].plan.orders.lots_o.tolist() == [-10_000]
    assert not len(found[3].book.key_s)


def test_a_halted_and_blocked_fund_cannot_flatten_either() -> None:
    fund = plain(CRASH, pod("p", steady({0: 1.0}), "month"), stop=0.15)
    s = sessions(fund)[2]
    stuck = replace(s.book, blocked=True, want_s=s.book.lots_s)
    book, plan = decide(stuck, s.market, fund.wishes.on(2), fund.rules, False)
    assert book.want_s.tolist() == [0]
    assert plan.orders.lots_o.tolist() == [-10_000]


def test_a_halt_in_memory_is_lost_on_restart() -> None:
    found = one(CRASH, stop=0.15)
    events = [e for s in found[:3] for e in s.plan.events]
    book = fold(found[0].before, [decode(type(e).__name__, encode(e)) for e in events])
    assert book.halted
    assert book.digest() == found[2].book.digest()


def test_is_halted_returns_false_when_the_file_cannot_be_read(tmp_path: Path) -> None:
    broken = tmp_path / "journal.sqlite"
    broken.write_bytes(b"this is no journal" * 100)
    with pytest.raises(LedgerError):
        list(read_entries(broken))
    with pytest.raises(LedgerError):
        list(read_entries(tmp_path / "nothing.sqlite"))


def test_a_halted_fund_opens_positions_again() -> None:
    close = CRASH + [200.0] * 6
    pods = [table_pod("p", np.where(np.arange(12)[:, None] % 2, 1.0, -1.0))]
    found = sessions(plain(close, *pods, stop=0.15, schedule="daily", on_halt="hold"))
    halted = next(s.t for s in found if s.book.halted)
    for before, s in zip(found[halted:], found[halted + 1 :], strict=False):
        held = dict(zip(before.book.key_s.tolist(), before.book.lots_s.tolist(), strict=True))
        for key, lots in zip(s.book.key_s.tolist(), s.book.lots_s.tolist(), strict=True):
            assert abs(lots) <= abs(held.get(key, 0))


def test_balance_fetch_failed_reads_as_a_49_percent_drawdown() -> None:
    # A wrong statement blocks new risk; it is no loss, cuts nobody and halts nothing.
    fund = plain([100.0] * 5, pod("p", steady({0: 1.0}), "month"), ladder=Params(), stop=0.15)
    s = sessions(fund)[3]
    facts = replace(s.facts, statement=Statement(0, np.zeros(1, dtype=np.int64)))
    book, _ = settle(apply(s.plan.events[0], s.before), facts, s.market, fund.rules)
    book, plan = decide(book, s.market, fund.wishes.on(3), fund.rules, False)
    assert book.blocked
    assert not book.halted
    assert (book.fund_unit, book.unit_p[0], book.keep_p[0]) == (1.0, 1.0, 1.0)
    assert book.lots_s.tolist() == [10_000]
    assert not len(plan.orders)


def capped(book: Book, s: Session, fund: Fund) -> Book:
    """Decide on a book that was blocked in the meantime."""
    return decide(replace(book, blocked=True), s.market, fund.wishes.on(0), fund.rules, True)[0]


def test_risk_reducing_orders_rejected() -> None:
    # The price doubled, so the fund holds twice its cap: reducing is allowed, blocked or not.
    fund = plain([100.0, 100.0, 200.0, 200.0], pod("p", steady({0: 0.1}), "month"), ticker=0.1)
    s = sessions(fund)[2]
    assert s.book.lots_s[0] * 200_000_000 > 0.1 * s.book.nav
    for book in (capped(s.book, s, fund), capped(replace(s.book, halted=True), s, fund)):
        assert 0 <= book.want_s.sum() * 200_000_000 <= 0.1 * s.book.nav


def test_a_cap_that_holdings_have_outgrown_stops_the_fund_from_closing() -> None:
    # Blocked, long 1,000 and short 500 of a name, wishing for twice of both: more of either is
    # forbidden, and what is left must be brought under the cap by closing, not refused by law 8.
    pods = [pod("long", steady({0: 0.2}), "month"), pod("short", steady({0: -0.1}), "month")]
    fund = plain([100.0, 100.0, 100.0], *pods, ticker=0.05)
    wide = plain([100.0, 100.0, 100.0], *pods)
    s = sessions(wide)[1]
    book = capped(s.book, s, fund)
    assert 0 <= int(book.want_s.sum()) * 100_000_000 <= 0.05 * book.nav
    assert (np.abs(book.want_s) <= np.abs(s.book.lots_s)).all()


# --- the program ----------------------------------------------------------------------------------


def test_the_published_program_crashes_at_its_end() -> None:
    # There: values and returns of different lengths, "all arrays must be of the same length".
    run = plain([100.0, 101.0, 99.0], pod("p", steady({0: 1.0}), "month")).run()
    assert len(run.nav) == 3
    assert len(run.pods) == 3
    assert run.summary["sessions"] == 3
    assert run.summary["residual_micros"] == 0


def throws(panel: Panel, params: Any) -> Any:
    """A pod with a bug."""
    raise ZeroDivisionError("1/0 in the strategy")


def test_exceptions_are_swallowed_bar_by_bar() -> None:
    panel = plain([100.0] * 3, pod("p", steady({}))).panel
    with pytest.raises(PodError, match=r"'bad'.*ZeroDivisionError"):
        gather((pod("bad", throws),), panel, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_in_a_signal_becomes_a_position(value: float) -> None:
    panel = plain([100.0] * 3, pod("p", steady({}))).panel
    with pytest.raises(PodError, match=r"'bad'.*S0"):
        gather((pod("bad", steady({0: value})),), panel, 0)


def test_a_pod_exceeds_its_gross_unnoticed() -> None:
    panel = plain([100.0] * 3, pod("p", steady({}))).panel
    with pytest.raises(PodError, match="gross of 1"):
        gather((pod("greedy", steady({0: 1.5}), gross=1.4),), panel, 0)


def test_virtual_accounts_sum_to_twice_the_real_one() -> None:
    pods = [pod(str(p), steady({0: 0.9}), "daily") for p in range(3)]
    path = 100.0 + 5 * np.sin(np.arange(20))
    for s in sessions(plain(path, *pods, schedule="week", cash=0.1)):
        assert int(s.book.lots_s.sum()) == int(s.facts.statement.lots_n.sum())
        assert int(s.book.cash_p.sum()) + s.book.reserve == s.facts.statement.cash


def test_crosses_are_filled_at_prices_nobody_could_have_had() -> None:
    # Crosses are at the session's own reference price, known before any fill.
    opens = np.array([[100.0], [103.0], [101.0]])
    pods = [pod("a", steady({0: 0.2})), pod("b", steady({0: -0.2}))]
    s = sessions(plain([100.0] * 3, *pods, raw={"open": opens}))[1]
    (filled,) = (e for e in s.plan.events if isinstance(e, Filled))
    assert set(filled.kind_r.tolist()) == {FillKind.CROSS}
    assert set(filled.price_r.tolist()) == {103_000_000}
    assert len(sessions_of(3)) == 3
