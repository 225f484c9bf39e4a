"""Moving capital is never profit or loss, and never undoes a cut."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.funds import Recipe, assemble, cook, live, pod, steady
from tests.property.strategies import HARSH, few, recipes

from podshop.capital.sharpe import sharpe
from podshop.domain.event import ActionApplied, Allocated, Marked, Revalued
from podshop.domain.pod import PodStatus
from podshop.ledger.replay import fold


@few(2)
@given(
    recipes(schedule="never", stop=0.0, ticker=np.inf, flows=(), restore="never"),
    st.integers(5, 30),
)
def test_a_deposit_that_stays_with_the_centre_changes_no_pod(recipe: Recipe, row: int) -> None:
    plain = cook(recipe).run()
    paid = cook(replace(recipe, flows=((row, "deposit", 500_000),))).run()
    assert paid.tape.unit_dp.tolist() == plain.tape.unit_dp.tolist()
    assert paid.tape.nav_dp.tolist() == plain.tape.nav_dp.tolist()
    assert paid.pods["drawdown"].to_list() == plain.pods["drawdown"].to_list()
    assert paid.book.returns_hp.tolist() == plain.book.returns_hp.tolist()
    scores = sharpe(paid.book.returns_hp), sharpe(plain.book.returns_hp)
    assert np.array_equal(*scores, equal_nan=True)


@few(2)
@given(recipes(gross=0.8))
def test_units_move_with_prices_and_nothing_else(recipe: Recipe) -> None:
    for session in live(cook(recipe)):
        book = session.before
        for event in session.plan.events:
            after = fold(book, [event])
            if not isinstance(event, Revalued | Marked):
                assert after.unit_p.tolist() == book.unit_p.tolist()
            if not isinstance(event, Marked):
                assert after.peak_p.tolist() == book.peak_p.tolist()
                assert after.fund_unit == book.fund_unit
            book = after
        assert book.digest() == session.book.digest()


@few(2)
@given(
    st.integers(0, 99),
    st.lists(
        st.tuples(
            st.integers(0, 19),
            st.sampled_from(("deposit", "withdrawal", "tax")),
            st.integers(1, 200_000),
        ),
        max_size=6,
    ),
)
def test_owner_s_money_is_never_the_fund_s_return(
    seed: int, moves: list[tuple[int, str, int]]
) -> None:
    flows = tuple((t, kind, x if kind == "deposit" else -x) for t, kind, x in moves)
    recipe = Recipe(seed, days=20, rate=0.0, flows=flows)
    run = assemble(recipe, cook(recipe).panel, (pod("idle", steady({})),)).run()
    assert set(run.tape.unit_d.tolist()) <= {1.0}
    assert run.book.nav == run.rules.capital + 1_000_000 * sum(x for _, _, x in flows)


@few(2)
@given(recipes(swing=0.03, ladder=HARSH, stop=0.0, schedule="daily", lo=0.3, hi=0.9))
def test_neither_a_rebalance_nor_a_floor_undoes_a_cut(recipe: Recipe) -> None:
    for session in live(cook(recipe)):
        book, before = session.book, session.before
        events = session.plan.events
        back = {e.pod for e in events if isinstance(e, ActionApplied) and e.action == "RESTORE"}
        for p in range(recipe.pods):
            assert book.keep_p[p] <= before.keep_p[p] or p in back
            assert book.rung_p[p] >= before.rung_p[p] or p in back
            assert book.status_p[p] >= before.status_p[p] or p in back
            assert p not in back or book.unit_p[p] >= book.peak_p[p]
        if any(isinstance(e, Allocated) for e in events):
            used = np.floor(book.nominal_p * book.keep_p)
            alive = book.status_p < PodStatus.CLOSING
            assert (book.nav_p[alive] == used[alive]).all()
            assert (book.keep_p[book.status_p == PodStatus.CUT] < 1.0).all()


@few(2)
@given(recipes(swing=0.03, ladder=HARSH, stop=0.0, schedule="week"))
def test_a_pod_is_cut_once_a_crossing(recipe: Recipe) -> None:
    fired = [0] * recipe.pods
    for session in live(cook(recipe)):
        for event in session.plan.events:
            if isinstance(event, ActionApplied):
                rises = event.rung > fired[event.pod]
                assert rises != (event.action == "RESTORE")
                fired[event.pod] = event.rung
