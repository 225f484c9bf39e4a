"""Capital: the six cases of the notes, schedules, and what an allocation leaves with the centre."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.funds import FREE, live, plain, pod, steady

from podshop.capital import equal, sharpe
from podshop.capital.allocation import allocate
from podshop.capital.projection import project, redistribute
from podshop.domain.book import Book, open_book
from podshop.domain.event import Allocated
from podshop.domain.pod import PodStatus
from podshop.domain.rules import Allocator, due
from podshop.risk.drawdown import Params as Ladder


def book_of(**fields: Any) -> Book:
    """A book of five pods and a million."""
    return replace(open_book(5, 1, 1_000_000_000_000), **fields)


# --- the exact projection (notes 4.4) -------------------------------------------------------------


def test_no_bound_binds_shares_are_the_scores() -> None:
    s = np.array([1.4, 2.1, 0.8, 1.6])
    w = project(s, 0.0, 1.0, 0.9)
    assert w / 0.9 == pytest.approx(s / s.sum(), abs=1e-15)
    assert np.round(100 * w / 0.9, 1).tolist() == [23.7, 35.6, 13.6, 27.1]


def test_one_strong_pod_is_capped_and_the_rest_share_what_is_left() -> None:
    assert project([2.1, 0.1, 0.1, 0.1, 0.1], 0.1, 0.4, 0.9) == pytest.approx([0.4] + [0.125] * 4)


def test_two_weak_pods_stand_on_the_floor() -> None:
    w = project([2, 2, 2, 0.05, 0.05], 0.1, 0.4, 0.9)
    assert w == pytest.approx([0.7 / 3] * 3 + [0.1] * 2)


def test_two_pods_under_a_cap_leave_cash() -> None:
    assert project([2, 1], 0.1, 0.4, 0.9).tolist() == [0.4, 0.4]


def test_nobody_positive_is_equal() -> None:
    assert project([0, -1, np.nan, 0], 0.1, 0.4, 0.9) == pytest.approx([0.225] * 4)


def test_terminated_pods_get_nothing_and_impossible_floors_are_scaled() -> None:
    w = project([1.0, 2.0, 9.0], [0.1, 0.1, 0.0], [0.9, 0.9, 0.0], 0.9)
    assert w == pytest.approx([0.3, 0.6, 0.0])
    assert project([1, 2, 3], 0.4, 0.6, 0.9) == pytest.approx([0.3] * 3)


@pytest.mark.parametrize("bad", [(-0.1, 0.4, 0.9), (0.5, 0.4, 0.9), (0.1, np.inf, 0.9), (0, 1, -1)])
def test_bounds_that_cannot_be_are_refused(bad: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"floor|finite"):
        project([1.0, 2.0], *bad)


def test_freed_capital_goes_to_the_uncut_up_to_the_cap() -> None:
    alive = np.ones(3, dtype=np.bool_)
    shares, keep = np.array([0.4, 0.3, 0.2]), np.array([0.5, 1.0, 1.0])
    assert redistribute(shares, keep, alive, 0.4) == pytest.approx([0.4, 0.4, 0.3])
    assert redistribute(shares, keep, alive, 0.9) == pytest.approx([0.4, 0.42, 0.28])


# --- allocators -----------------------------------------------------------------------------------


def test_sharpe_is_mean_over_deviation_and_nothing_for_what_never_moved() -> None:
    returns = np.array([[0.01, 0.0], [0.03, 0.0], [-0.01, 0.0]])
    got = sharpe.sharpe(returns)
    assert got[0] == pytest.approx(0.01 / 0.02 * np.sqrt(252))
    assert np.isnan(got[1])


def test_capital_is_equal_until_the_window_is_full() -> None:
    returns = np.zeros((20, 5))
    returns[:, 0], returns[:, 1] = [0.02, -0.01] * 10, [0.02, -0.018] * 10
    book = book_of(returns_hp=returns, rate_h=np.zeros(20))
    p = sharpe.Params(lookback_days=21)
    assert sharpe.shares(book, p) == pytest.approx([0.18] * 5)
    p = sharpe.Params(lookback_days=20)
    assert sharpe.shares(book, p) == pytest.approx([0.4, 0.2, 0.1, 0.1, 0.1])


def test_equal_shares_leave_the_dead_and_the_cash_out() -> None:
    status = np.array([0, 1, 2, 3, 0], dtype=np.int8)
    shares = equal.shares(book_of(status_p=status), equal.Params(0.1, 0.4, 0.1))
    assert shares == pytest.approx([0.3, 0.3, 0, 0, 0.3])


def test_an_allocation_gives_a_cut_pod_its_share_of_its_share() -> None:
    keep = np.array([1.0, 0.5, 1.0, 1.0, 1.0])
    event = allocate(book_of(keep_p=keep), np.full(5, 0.18), "month")
    assert event.nominal_p.tolist() == [180_000_000_000] * 5
    assert event.moved_p.tolist() == [180_000_000_000, 90_000_000_000] + [180_000_000_000] * 3


def test_percentages_are_of_fund_nav_and_what_caps_refuse_stays_cash() -> None:
    fund = plain([100.0] * 3, pod("a", steady({})), pod("b", steady({})), hi=0.4, cash=0.1, lo=0.1)
    book = next(live(fund)).book
    assert book.nominal_p.tolist() == [400_000_000_000] * 2
    assert book.reserve == 200_000_000_000


# --- schedule -------------------------------------------------------------------------------------


def test_a_month_begins_on_its_first_session_also_when_the_1st_is_a_weekend() -> None:
    every = np.arange(np.datetime64("2020-01-01"), np.datetime64("2021-01-01"))
    days = every[np.is_busday(every, holidays=["2020-01-01", "2020-06-01"])]
    firsts = [str(days[t]) for t in range(len(days)) if due("month", days, 0, t)]
    assert firsts == [
        "2020-01-02",
        "2020-02-03",  # the 1st is a Saturday
        "2020-03-02",  # the 1st is a Sunday
        "2020-04-01",
        "2020-05-01",
        "2020-06-02",  # the 1st is a holiday
        "2020-07-01",
        "2020-08-03",
        "2020-09-01",
        "2020-10-01",
        "2020-11-02",
        "2020-12-01",
    ]
    assert [str(days[t]) for t in range(9) if due("week", days, 3, t)] == [
        "2020-01-07",
        "2020-01-13",
    ]


def test_a_fund_allocates_on_each_of_those_days_and_on_its_first() -> None:
    days = np.arange(np.datetime64("2020-01-15"), np.datetime64("2020-04-15"))
    days = days[np.is_busday(days)]
    fund = plain(
        [50.0] * len(days), pod("a", steady({0: 0.5})), raw={"days": days}, schedule="month"
    )
    got = [
        str(days[s.t]) for s in live(fund) if any(isinstance(e, Allocated) for e in s.plan.events)
    ]
    assert got == ["2020-01-15", "2020-02-03", "2020-03-02", "2020-04-01"]


def test_an_unknown_schedule_is_refused() -> None:
    with pytest.raises(ValueError, match="fortnight"):
        due("fortnight", np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"), 0, 1)


# --- what stays with the centre -------------------------------------------------------------------


def test_capital_that_a_closing_pod_still_holds_is_not_given_away_a_second_time() -> None:
    # Pod a falls 15 %, is terminated and cannot sell: hardly anybody trades its name any more.
    close = np.full((12, 2), 100.0)
    close[3:, 0] = 85.0
    volume = np.full((12, 2), 1e6)
    volume[4:, 0] = 10.0
    fund = plain(
        close,
        pod("a", steady({0: 1.0}), "month"),
        pod("b", steady({1: 1.0}), "month"),
        pod("c", steady({1: 1.0}), "month"),
        raw={"volume": volume},
        costs=replace(FREE, volume_cap=0.1),
        ladder=Ladder(),
        schedule="week",
        hi=0.9,
        cash=0.1,
    )
    book = [session.book for session in live(fund)][-1]
    assert book.status_p.tolist() == [PodStatus.CLOSING, PodStatus.ACTIVE, PodStatus.ACTIVE]
    assert book.reserve >= 0.1 * book.nav * (1 - 1e-9), "the centre's cash is lent to the pods"


def test_an_idle_pod_is_not_the_best_because_cash_earns_interest() -> None:
    r = np.random.default_rng(3)
    close = 100.0 * np.cumprod(1.0 + r.normal(0.0012, 0.008, 300))
    fund = plain(
        close,
        pod("idle", steady({}), "month"),
        pod("works", steady({0: 0.9}), "month"),
        raw={"rate": 0.03},
        schedule="month",
        lo=0.1,
        hi=0.9,
        cash=0.0,
    )
    by_sharpe = sharpe.Params(120, 0.1, 0.9, 0.0)
    rules = replace(
        fund.rules,
        allocator=Allocator("sharpe", lambda book: sharpe.shares(book, by_sharpe), "month"),
    )
    book = [session.book for session in live(replace(fund, rules=rules))][-1]
    assert book.unit_p[1] > 1.2
    assert book.nominal_p[1] > book.nominal_p[0], "doing nothing has the higher Sharpe ratio"


def swapped(
    close: list[float], opens: list[float] | None = None, least: float = 0.1, **fields: Any
) -> Book:
    """The book after the day that follows an allocation which takes a pod from 80 % to 10 %.

    Two pods are fully invested in the same name; the other one goes from 10 % to 80 %.
    """
    days = np.array(["2020-01-29", "2020-01-30", "2020-02-03", "2020-02-04"], dtype="datetime64[D]")
    raw: dict[str, Any] = {"days": days}
    if opens is not None:
        raw["open"] = np.array(opens)[:, None]
    pods = [pod("shrinks", steady({0: 1.0}), "month"), pod("grows", steady({0: 1.0}), "month")]
    fund = plain(close, *pods, raw=raw, **fields)
    first, second = np.array([0.8, 0.1]), np.array([least, 0.8])
    allocator = Allocator("swap", lambda book: first if book.cycle == 0 else second, "month")
    rules = replace(fund.rules, allocator=allocator)
    return [session.book for session in live(replace(fund, rules=rules))][-1]


def test_after_a_rebalance_a_return_is_on_the_capital_that_earned_it() -> None:
    # The name falls 3 % on the day after, before the next close lets anybody trade.
    book = swapped([100.0, 100.0, 100.0, 97.0])
    assert book.unit_p == pytest.approx([0.97, 0.97], abs=1e-4)


def test_after_a_rebalance_a_gap_in_the_night_is_on_the_capital_that_bore_it() -> None:
    # The name opens 3 % lower, where the pods trade to their new size, and stays there.
    book = swapped([100.0, 100.0, 100.0, 97.0], [100.0, 100.0, 100.0, 97.0])
    assert book.unit_p == pytest.approx([0.97, 0.97], abs=1e-4)


@pytest.mark.parametrize("least", [0.0, 0.001, 0.01])
def test_the_cost_of_giving_capital_back_is_on_the_capital_that_is_given_back(least: float) -> None:
    # Bought at half a per cent of spread, up 1 % in the night, then most crosses to the other pod.
    costs = replace(FREE, half_spread_bps=50.0)
    price = [100.0, 100.0, 100.0, 101.0]
    unit = swapped(price, price, least, costs=costs).unit_p[0]
    assert unit == pytest.approx(0.995 * 1.01, abs=1e-3)
