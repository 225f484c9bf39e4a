"""The fund's risk capital: the published recursion to the micro, and flows that are no profit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.funds import FREE, Fund, plain, steady
from tests.funds import pod as pod_of

from podshop.capital.compounding import Flow, capital_path
from podshop.capital.risk_capital import compounded, quiet
from podshop.domain.book import Book, but, open_book
from podshop.research.run import Run

START = 100_000_000_000_000  # micros: rounding to whole ones is far below what is compared
POLICY = {0.0: ("half", None), 0.5: ("partial", 0.5), 1.0: ("full", None), None: ("fixed", None)}
KEEPS = st.sampled_from([0.0, 0.5, None])
returns = st.lists(st.floats(-0.3, 0.4), min_size=1, max_size=20)
flows = st.lists(st.floats(-0.2, 0.5), min_size=20, max_size=20)


def after(book: Book, nav: int, owners: list[int], keep: float | None) -> Book:
    """The book a session later."""
    told = compounded(book, but(book, nav=nav), owners, keep)
    return but(book, nav=nav, skimmed=told.skimmed, mark=told.mark)


@given(returns, flows, KEEPS)
def test_it_is_the_published_recursion(
    path: list[float], paid: list[float], keep: float | None
) -> None:
    book = open_book(1, 1, START)
    told = []
    for t, r in enumerate(path):
        risk = book.nav - book.skimmed
        flow = int(risk * max(paid[t], 0.0))  # deposits: capital at the open
        book = after(book, book.nav + flow + int((risk + flow) * r), [flow], keep)
        told.append(Flow(t, "capital", float(flow)))
    policy, share = POLICY[keep]
    theirs = capital_path(path, float(START), policy, share, told)  # type: ignore[arg-type]
    assert book.nav - book.skimmed == pytest.approx(theirs.capital[-1], rel=1e-9, abs=10.0)
    assert book.skimmed == pytest.approx(theirs.skimmed[-1], rel=1e-9, abs=1e6)
    if keep is not None:
        assert book.mark == pytest.approx(theirs.mark[-1], rel=1e-9, abs=10.0)


@given(returns, flows, KEEPS)
def test_nothing_appears_or_is_lost(
    path: list[float], paid: list[float], keep: float | None
) -> None:
    book = open_book(1, 1, START)
    for r, share in zip(path, paid, strict=False):
        flow = int(book.nav * share)
        before = book
        book = after(book, int((book.nav + flow) * (1.0 + r)), [flow], keep)
        if keep is not None:
            assert book.nav - book.skimmed <= book.mark
        if flow < 0 <= before.skimmed:  # what was skimmed pays first
            taken = min(-flow, before.skimmed)
            calm = compounded(before, but(before, nav=before.nav + flow), [flow], keep)
            assert calm.skimmed == before.skimmed - taken
        assert 0 <= book.risk_capital <= max(book.nav, 0)


@given(returns, KEEPS)
def test_quiet_sessions_are_sessions(path: list[float], keep: float | None) -> None:
    book = open_book(1, 1, START)
    navs = [int(START * x) for x in np.cumprod(1.0 + np.array(path))]
    walked = book
    for nav in navs:
        walked = after(walked, nav, [], keep)
    assert quiet(book, navs, keep) == (walked.skimmed, walked.mark)


# --- in a fund ------------------------------------------------------------------------------------


def fund(keep: float | None, **fields: object) -> Fund:
    """One pod that is always long of a name that goes up and down."""
    days = np.arange(160)
    close = 100.0 * np.exp(0.004 * np.minimum(days, 110) + 0.05 * np.sin(days / 4.0))
    made = plain(
        close,
        pod_of("long", steady({0: 1.0}), "daily", 1.0),
        capital=1_000_000_000,
        schedule="week",
        **fields,
    )
    return replace(made, rules=replace(made.rules, keep=keep, costs=FREE))


def test_half_compounding_shares_out_the_capital_and_no_gain() -> None:
    run = fund(0.0).run()
    full = fund(1.0).run()
    assert run.book.skimmed > 0
    assert run.book.risk_capital == run.book.nav - run.book.skimmed <= run.rules.capital
    given = [int(event.nominal_p.sum()) for _, event in run.tape.allocations]
    assert max(given) <= run.rules.capital
    assert full.book.skimmed == 0
    assert full.book.nav > run.book.nav > run.rules.capital  # it rose, and more was at risk


def unit(run: Run) -> np.ndarray:
    """Unit values of the only pod."""
    return run.tape.unit_dp[:, 0]


@pytest.mark.parametrize("keep", [1.0, 0.5, 0.0, None])
def test_flows_change_no_unit_value_drawdown_or_sharpe_of_a_pod(keep: float | None) -> None:
    calm = fund(keep).run()
    moved = fund(keep, flows=((40, "deposit", 300_000_000), (95, "withdrawal", -200_000_000))).run()
    assert moved.book.nav != calm.book.nav
    # On the day on which it is sized anew a return counts on the larger of both capitals.
    np.testing.assert_allclose(unit(moved), unit(calm), rtol=5e-5)
    figures = [(1.0 - unit(run) / np.maximum.accumulate(unit(run))).max() for run in (calm, moved)]
    assert figures[0] == pytest.approx(figures[1], abs=5e-5)


@pytest.mark.parametrize("keep", [1.0, 0.5, 0.0, None])
def test_fast_is_full(keep: float | None) -> None:
    made = fund(keep, flows=((40, "deposit", 300_000_000),))
    assert made.run(record="fast").book.digest() == made.run(record="full").book.digest()
