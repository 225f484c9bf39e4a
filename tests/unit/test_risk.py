"""The ladder: once a crossing, deeper on a gap, over at a new peak; and how often noise fires."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.funds import Session, live, plain, pod, steady

from podshop.domain.book import Book, open_book
from podshop.domain.error import LedgerError
from podshop.domain.event import Action, ActionApplied, Breached, Halted, PodClosed
from podshop.domain.pod import PodStatus
from podshop.ledger.entry import decode, encode
from podshop.ledger.replay import fold, opening
from podshop.risk.action import cut, strongest
from podshop.risk.drawdown import Params, check, restore, tripwire

MILLION = 1_000_000_000_000


def fallen(*drops: float, **fields: Any) -> Book:
    """A book whose pods stand this far below a peak of 1."""
    book = open_book(len(drops), 1, MILLION)
    return replace(book, unit_p=1.0 - np.array(drops), **fields)


def told(book: Book, p: Params) -> list[tuple[int, Action, int]]:
    """(pod, action, rung) of each breach."""
    return [(b.pod, b.action, b.rung) for b in check(book, p)]


# --- check ----------------------------------------------------------------------------------------


def test_rungs_fire_at_their_level_and_not_before() -> None:
    book = fallen(0.0499999, 0.05, 0.0999, 0.1, 0.4)
    halve, end = Action.HALVE, Action.TERMINATE
    assert told(book, Params()) == [(1, halve, 1), (2, halve, 1), (3, end, 2), (4, end, 2)]


def test_greater_or_equal_with_a_tolerance_of_a_millionth_millionth() -> None:
    level = 0.05
    book = fallen(level - 1e-9, level - 2e-12, level - 5e-13, level)
    assert [pod for pod, _, _ in told(book, Params(halve_at=level))] == [2, 3]


def test_a_rung_that_fired_is_silent_and_the_next_is_not() -> None:
    fired = np.array([1, 1, 2], dtype=np.int8)
    book = fallen(0.07, 0.11, 0.11, rung_p=fired)
    assert told(book, Params()) == [(1, Action.TERMINATE, 2)]


def test_a_gap_through_all_rungs_takes_the_deepest_once() -> None:
    p = Params(trim_at=0.025, halve_at=0.05, terminate_at=0.075)
    assert told(fallen(0.2), p) == [(0, Action.TERMINATE, 3)]
    assert told(fallen(0.06), p) == [(0, Action.HALVE, 2)]


def test_rungs_that_are_switched_off_do_not_fire() -> None:
    assert told(fallen(0.3), Params(halve_at=0.05, terminate_at=0.0)) == [(0, Action.HALVE, 1)]
    assert told(fallen(0.06), Params(halve_at=0.0, terminate_at=0.1)) == []


def test_the_dead_are_left_alone() -> None:
    status = np.array([PodStatus.CLOSING, PodStatus.CLOSED], dtype=np.int8)
    assert told(fallen(0.5, 0.5, status_p=status), Params()) == []


def test_a_loss_on_the_first_day_is_a_drawdown() -> None:
    book = open_book(1, 1, MILLION)
    assert book.peak_p.tolist() == [1.0]
    assert told(replace(book, unit_p=np.array([0.94])), Params()) == [(0, Action.HALVE, 1)]


def test_the_fund_halts_once() -> None:
    p = Params(scope="fund", halt_at=0.15)
    book = replace(fallen(0.0), fund_unit=0.85)
    assert told(book, p) == [(-1, Action.HALT, 1)]
    assert told(replace(book, halted=True), p) == []
    assert told(replace(book, fund_unit=0.8501), p) == []


def test_a_cut_is_over_only_at_the_peak_and_only_for_the_living() -> None:
    rung = np.array([1, 1, 0, 2], dtype=np.int8)
    status = np.array([1, 1, 0, 3], dtype=np.int8)
    book = fallen(0.0, 1e-9, 0.0, 0.0, rung_p=rung, status_p=status)
    assert restore(book, Params()).tolist() == [True, False, False, False]
    assert not restore(book, Params(scope="fund")).any()


def test_the_tripwire_names_the_next_rung_of_everyone() -> None:
    rung = np.array([0, 1, 2, 0], dtype=np.int8)
    status = np.array([0, 1, 2, 3], dtype=np.int8)
    wire = tripwire(fallen(0, 0.06, 0.2, 0, rung_p=rung, status_p=status), Params())
    assert wire.drawdown_p.tolist() == [0.05, 0.10, np.inf, np.inf]
    assert wire.recovery_p.tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": "desk"},
        {"halve_at": 0.1, "terminate_at": 0.05},
        {"halve_at": 0.05, "terminate_at": 0.05},
        {"halve_to": 1.0},
        {"trim_at": 0.02, "trim_to": 0.4},
        {"halve_at": 0.0, "terminate_at": 0.0},
        {"terminate_at": 1.5},
    ],
)
def test_a_ladder_that_does_not_get_deeper_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"rung|scope|keep"):
        Params(**wrong)


# --- action ---------------------------------------------------------------------------------------


def test_the_strongest_breach_wins_and_equals_go_to_the_first() -> None:
    soft, hard = check(fallen(0.06), Params())[0], check(fallen(0.2), Params())[0]
    again = replace(hard, limit="other")
    assert strongest([soft, hard, again]) == {0: hard}


def test_a_cut_takes_what_the_pod_may_no_longer_use() -> None:
    book = fallen(0.06, nominal_p=np.array([1_001]), nav_p=np.array([1_001]))
    event = cut(book, check(book, Params())[0])
    assert (event.keep, event.rung, event.moved) == (0.5, 1, 1_001 - 500)
    assert event.status == PodStatus.CUT


def test_a_cut_never_gives_back_what_a_deeper_one_took() -> None:
    book = fallen(0.06, keep_p=np.array([0.25]), nominal_p=np.array([1_000]))
    book = replace(book, nav_p=np.array([250]))
    event = cut(book, check(book, Params())[0])
    assert (event.keep, event.moved) == (0.25, 0)


# --- the reference path through a whole fund ------------------------------------------------------

PATH = [100.0, 100.0, 97.0, 94.575, 94.575, 93.62925, 93.62925]
"""Nominal returns -3 %, -2.5 %; a flat day to sell half; -1 % on the halved book; flat."""


def walk(close: list[float], **fields: Any) -> list[Session]:
    """One pod, all in one name, through these closes."""
    limits: dict[str, Any] = {"ladder": Params(), "restore": "peak"} | fields
    return list(live(plain(close, pod("p", steady({0: 1.0}), "month"), **limits)))


def actions(sessions: list[Session]) -> list[tuple[int, str]]:
    """(row, action) of everything that was done to pods."""
    events = ((s.t, e) for s in sessions for e in s.plan.events)
    return [(t, e.action) for t, e in events if isinstance(e, ActionApplied)]


def test_the_reference_path_gives_one_cut_and_falls_half_as_fast_after_it() -> None:
    sessions = walk(PATH)
    units = [float(s.book.unit_p[0]) for s in sessions]
    assert units[2] == 0.97
    assert units[3] == pytest.approx(0.94575, abs=1e-15)
    assert actions(sessions) == [(3, "HALVE")]
    assert sessions[3].book.lots_s.tolist() == [10_000]
    assert sessions[4].book.lots_s.tolist() == [5_000]
    assert units[5] == pytest.approx(0.94575 * 0.995, abs=1e-15)
    assert sessions[-1].book.keep_p.tolist() == [0.5]
    assert sessions[-1].book.reserve == 472_875_000_000


def test_a_gap_through_both_rungs_terminates_at_the_next_open() -> None:
    sessions = walk([100.0, 100.0, 88.0, 88.0, 88.0, 120.0])
    assert actions(sessions) == [(2, "TERMINATE")]
    assert sessions[2].book.want_s.tolist() == [0]
    closed = [s.t for s in sessions for e in s.plan.events if isinstance(e, PodClosed)]
    assert closed == [3]
    last = sessions[-1].book
    assert (last.nav, last.reserve) == (880_000_000_000, 880_000_000_000)
    assert last.unit_p.tolist() == [0.88]


def test_a_new_peak_gives_the_capital_back_and_the_ladder_starts_anew() -> None:
    close = [100.0, 100.0, 94.0, 94.0, 100.0, 112.0, 112.0, 105.0, 105.0]
    sessions = walk(close, cash=0.0)
    assert actions(sessions) == [(2, "HALVE"), (5, "RESTORE"), (7, "HALVE")]
    book = sessions[5].book
    assert (book.keep_p[0], book.rung_p[0], book.status_p[0]) == (1.0, 0, PodStatus.ACTIVE)
    assert book.nav_p[0] == book.nominal_p[0]
    assert actions(walk(close, restore="never")) == [(2, "HALVE")]


def test_a_fund_that_falls_is_halted_flat_and_stays_so() -> None:
    sessions = walk([100.0, 100.0, 84.0, 84.0, 200.0, 300.0], ladder=None, stop=0.15)
    halts = [s.t for s in sessions for e in s.plan.events if isinstance(e, Halted)]
    assert halts == [2]
    last = sessions[-1].book
    assert last.halted
    assert not len(last.key_s)
    assert last.nav == 840_000_000_000


def test_the_ladder_remembers_through_a_restart() -> None:
    fund = plain([*PATH, 95.0, 90.0], pod("p", steady({0: 1.0}), "month"), ladder=Params())
    whole = list(live(fund))
    for stop in range(1, len(whole)):
        book = opening_of(whole, stop)
        assert book.digest() == whole[stop - 1].book.digest()
        fired = [e for e in whole[stop].plan.events if isinstance(e, Breached)]
        assert [e.breach for e in fired] == check(settled(book, whole[stop]), Params())


def opening_of(sessions: list[Session], stop: int) -> Book:
    """The book of the first sessions, from what they wrote to the journal."""
    events = [e for s in sessions[:stop] for e in s.plan.events]
    return fold(sessions[0].before, [decode(type(e).__name__, encode(e)) for e in events])


def settled(book: Book, session: Session) -> Book:
    """A book after the settlement of a session."""
    names = [type(e).__name__ for e in session.plan.events]
    return fold(book, session.plan.events[: names.index("Reconciled") + 1])


def test_a_journal_begins_with_the_fund() -> None:
    with pytest.raises(LedgerError, match="FundOpened"):
        opening(Halted("no", 0))


# --- how often noise fires a pod (notes 4.3) ------------------------------------------------------


def fired_share(sharpe: float, vol: float, years: int, paths: int, seed: int) -> float:
    """Share of pods terminated under 5 / 7.5 %, each path a pod of one book, day by day."""
    p = Params(halve_at=0.05, terminate_at=0.075)
    r = np.random.default_rng(seed)
    drift, sigma = sharpe * vol / 252, vol / np.sqrt(252)
    book = open_book(paths, 1, MILLION)
    wire = tripwire(book, p)
    for _ in range(252 * years):
        gain = r.normal(drift, sigma, paths) * book.keep_p
        unit = book.unit_p + gain  # additive on constant nominal capital, as in the notes
        book = replace(book, unit_p=unit, peak_p=np.maximum(book.peak_p, unit))
        near = np.flatnonzero(1.0 - unit / book.peak_p >= wire.drawdown_p - 1e-12)
        back = np.flatnonzero(wire.recovery_p & (unit >= book.peak_p))
        if len(near) or len(back):
            book = act(book, near, p)
            wire = tripwire(book, p)
    return float((book.status_p == PodStatus.CLOSING).mean())


def act(book: Book, near: Any, p: Params) -> Book:
    """Latch what `check` and `restore` say."""
    keep, rung, status = book.keep_p.copy(), book.rung_p.copy(), book.status_p.copy()
    over = restore(book, p)
    keep[over], rung[over], status[over] = 1.0, 0, PodStatus.ACTIVE
    few = replace(
        fallen(*np.zeros(len(near))),
        unit_p=book.unit_p[near],
        peak_p=book.peak_p[near],
        rung_p=book.rung_p[near],
        status_p=book.status_p[near],
    )
    for breach in check(few, p):
        at = near[breach.pod]
        ends = breach.action == Action.TERMINATE
        keep[at], rung[at] = breach.keep, breach.rung
        status[at] = PodStatus.CLOSING if ends else PodStatus.CUT
    return replace(book, keep_p=keep, rung_p=rung, status_p=status)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sharpe", "share", "within"), [(0.0, 0.42, 0.02), (1.0, 0.05, 0.01), (2.0, 0.002, 0.001)]
)
def test_noise_fires_good_pods_as_often_as_the_notes_say(
    sharpe: float, share: float, within: float
) -> None:
    assert abs(fired_share(sharpe, 0.05, 3, 20_000, 1) - share) <= within
