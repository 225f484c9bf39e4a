"""Virtual books sum to the optimised book, which is an optimum, and pay each alpha for its own."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podshop.attribution.credit import shapley
from podshop.attribution.virtual_books import QuadraticRule, quadratic_books, virtual_books
from podshop.domain.error import SolverError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SEED = st.integers(0, 10_000)
SIZE = st.sampled_from((0.002, 0.02, 0.2))
"""Alphas that leave every bound alone, that meet some, and that fill the book."""


def market(names: int, seed: int, factors: int = 3, bound: float = 0.02) -> QuadraticRule:
    """Risk of a few factors, equal bounds, dollars neutral."""
    rng = np.random.default_rng(seed)
    return QuadraticRule(
        aversion=5.0,
        specific_n=rng.uniform(0.2, 0.5, names) ** 2,
        exposure_nf=rng.standard_normal((names, factors)),
        factor_ff=np.diag(rng.uniform(0.05, 0.15, factors) ** 2),
        bound_n=np.full(names, bound),
        neutral_en=np.ones((1, names)),
    )


def alphas(count: int, names: int, seed: int, size: float) -> Floats:
    return np.random.default_rng(seed + 1).standard_normal((count, names)) * size


def solver(rule: QuadraticRule) -> Callable[[Floats], Floats]:
    return lambda alpha_n: quadratic_books(alpha_n[None], rule).target_n


@given(st.integers(2, 40), st.integers(1, 6), SEED, SIZE, st.integers(0, 3))
def test_books_sum_to_an_optimum(
    names: int, count: int, seed: int, size: float, factors: int
) -> None:
    rule = market(names, seed, factors)
    alpha_kn = alphas(count, names, seed, size)
    books = quadratic_books(alpha_kn, rule)
    w = books.target_n
    np.testing.assert_allclose(books.book_kn.sum(axis=0) + books.base_n, w, atol=1e-12)
    assert (np.abs(w) <= rule.bound_n * (1 + 1e-9)).all()
    assert abs(w.sum()) < 1e-12
    # Nothing better nearby: no feasible step towards another feasible book gains.
    slope = alpha_kn.sum(axis=0) - rule.risk(w)
    rng = np.random.default_rng(seed)
    for _ in range(20):
        other = rng.uniform(-1, 1, names) * rule.bound_n
        other -= other.mean()
        other *= min(1.0, float((rule.bound_n / np.maximum(np.abs(other), 1e-300)).min()))
        assert slope @ (other - w) <= 1e-9 * np.abs(slope).sum() * 0.02


@given(st.integers(4, 30), st.integers(2, 5), SEED, SIZE)
def test_a_null_alpha_gets_nothing_and_a_doubled_one_splits_in_two(
    names: int, count: int, seed: int, size: float
) -> None:
    rule, alpha_kn = market(names, seed), alphas(count, names, seed, size)
    whole = quadratic_books(alpha_kn, rule)
    null = quadratic_books(np.vstack([alpha_kn, np.zeros(names)]), rule)
    assert (null.book_kn[-1] == 0.0).all()
    np.testing.assert_allclose(null.book_kn[:-1], whole.book_kn, atol=1e-12)
    halves = quadratic_books(np.vstack([alpha_kn[1:], alpha_kn[:1] / 2, alpha_kn[:1] / 2]), rule)
    np.testing.assert_allclose(halves.book_kn[-1], halves.book_kn[-2], atol=1e-15)
    np.testing.assert_allclose(2 * halves.book_kn[-1], whole.book_kn[0], atol=1e-9)


def test_without_bounds_every_alpha_has_the_book_it_would_have_alone() -> None:
    rule = market(30, 1, bound=np.inf)
    alpha_kn = alphas(4, 30, 1, 0.02)
    books = quadratic_books(alpha_kn, rule)
    assert books.pieces == 1
    for k in range(4):
        alone = quadratic_books(alpha_kn[k : k + 1], rule)
        np.testing.assert_allclose(books.book_kn[k], alone.target_n, atol=1e-12)


def test_opposite_alphas_have_opposite_books_though_nothing_is_held() -> None:
    rule, one = market(30, 3), alphas(1, 30, 3, 0.01)
    for opposite in (-one, -one * (1.0 + 1e-13)):
        books = quadratic_books(np.vstack([one, opposite]), rule)
        np.testing.assert_allclose(books.target_n, 0.0, atol=1e-12)
        np.testing.assert_allclose(books.book_kn[0], -books.book_kn[1], atol=1e-12)
        assert np.abs(books.book_kn[0]).max() > 0.001
    nothing = virtual_books(solver(rule), np.vstack([one, -one]))
    np.testing.assert_allclose(nothing.book_kn, books.book_kn, atol=1e-9)


def test_the_optimum_is_that_of_a_conic_solver() -> None:
    cvxpy = pytest.importorskip("cvxpy")
    rule, alpha_kn = market(80, 4), alphas(5, 80, 4, 0.02)
    w = cvxpy.Variable(80)
    root = rule.exposure_nf @ np.sqrt(rule.factor_ff)
    risk = cvxpy.sum_squares(root.T @ w) + cvxpy.sum_squares(
        cvxpy.multiply(np.sqrt(rule.specific_n), w)
    )
    gain = alpha_kn.sum(axis=0) @ w - rule.aversion / 2 * risk
    problem = cvxpy.Problem(cvxpy.Maximize(gain), [cvxpy.sum(w) == 0, cvxpy.abs(w) <= 0.02])
    problem.solve(solver=cvxpy.CLARABEL)
    books = quadratic_books(alpha_kn, rule)
    assert 0.1 < np.mean(np.abs(books.target_n) > 0.0199999) < 0.9
    np.testing.assert_allclose(books.target_n, w.value, atol=2e-5)


def test_integration_agrees_with_the_closed_form() -> None:
    rule, alpha_kn = market(20, 2), alphas(3, 20, 2, 0.02)
    closed = quadratic_books(alpha_kn, rule)
    assert closed.pieces > 5
    books = virtual_books(solver(rule), alpha_kn, tolerance=1e-3)
    assert np.abs(books.residual_n).max() <= 1.01e-3 * np.abs(closed.book_kn).max()
    np.testing.assert_allclose(books.book_kn, closed.book_kn, atol=1e-4)
    np.testing.assert_allclose(books.book_kn.sum(axis=0) + books.base_n, closed.target_n, atol=1e-9)


def test_any_optimiser_can_be_split_and_keeps_a_base_book() -> None:
    # A smooth one, with a book of its own that no alpha asked for.
    base = np.array([0.3, -0.1, 0.0])

    def solve(alpha_n: Floats) -> Floats:
        return base + np.tanh(alpha_n)

    alpha_kn = np.array([[0.5, 1.0, 0.0], [0.25, -0.4, 0.0], [0.0, 0.0, 0.0]])
    exact = virtual_books(solve, alpha_kn, lambda a, d: d / np.cosh(a) ** 2, tolerance=1e-6)
    rough = virtual_books(solve, alpha_kn, tolerance=1e-4)
    assert (exact.book_kn[2] == 0.0).all()
    assert (rough.book_kn[2] == 0.0).all()
    np.testing.assert_allclose(rough.book_kn, exact.book_kn, atol=1e-4)
    # In one name J is a number, so each alpha has its share of the alpha.
    share = alpha_kn[:, 0] / alpha_kn[:, 0].sum()
    np.testing.assert_allclose(exact.book_kn[:, 0], np.tanh(0.75) * share, atol=1e-6)
    assert (exact.base_n == base).all()
    credit = exact.credit(np.array([1.0, 2.0, 3.0]))
    assert credit.share.sum() == pytest.approx(np.tanh(0.75) + 2 * np.tanh(0.6), abs=1e-12)


def test_a_tolerance_that_is_not_reached_is_an_error() -> None:
    def jump(alpha_n: Floats) -> Floats:
        return np.where(alpha_n > 0.3, 1.0, 0.0)

    with pytest.raises(SolverError, match="most_solves"):
        virtual_books(jump, np.array([[1.0]]), most_solves=500)


def test_what_is_no_alpha_or_no_risk_is_refused() -> None:
    rule = market(5, 0)
    with pytest.raises(ValueError, match="give 0 to a name without"):
        quadratic_books(np.full((2, 5), np.nan), rule)
    with pytest.raises(ValueError, match="above 0"):
        QuadraticRule(
            0.0, np.ones(5), np.zeros((5, 0)), np.zeros((0, 0)), np.ones(5), np.zeros((0, 5))
        )


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "least"), [(0, 0.99), (1, 0.99), (2, 0.99)])
def test_virtual_books_credit_as_shapley_does(seed: int, least: float) -> None:
    rule = market(150, seed, factors=5)
    alpha_kn = alphas(8, 150, seed, 0.005) * np.linspace(0.3, 1.7, 8)[:, None]
    # What the alphas foretell comes true, with as much noise again.
    rng = np.random.default_rng(seed)
    payoff_n = alpha_kn.sum(axis=0)
    payoff_n = payoff_n + rng.standard_normal(150) * payoff_n.std()
    books = quadratic_books(alpha_kn, rule)
    assert np.mean(np.abs(books.target_n) > 0.0199999) > 0.1

    def profit(member: Bools) -> float:
        return float(quadratic_books(alpha_kn * member[:, None], rule).target_n @ payoff_n)

    exact, quick = shapley(profit, 8), books.credit(payoff_n)
    assert quick.total == pytest.approx(exact.total, abs=1e-12)
    assert np.corrcoef(exact.share, quick.share)[0, 1] > least


def test_yesterday_s_virtual_books_carry_over_under_a_cost_of_trading() -> None:
    # Trading costs inertia / 2 * |w - w_before|^2: alphas gain inertia * a_before, risk inertia.
    rule, alpha_kn = market(30, 6), alphas(3, 30, 6, 0.01)
    before = quadratic_books(alpha_kn, rule)
    inertia = 2.0
    slow = QuadraticRule(
        rule.aversion,
        rule.specific_n + inertia / rule.aversion,
        rule.exposure_nf,
        rule.factor_ff,
        rule.bound_n,
        rule.neutral_en,
    )
    # Nothing is foretold any more, so every alpha keeps a part of its own book and no other.
    after = quadratic_books(inertia * before.book_kn, slow)
    kept = [np.corrcoef(a, b)[0, 1] for a, b in zip(before.book_kn, after.book_kn, strict=True)]
    assert min(kept) > 0.95
    assert np.abs(after.target_n).sum() < np.abs(before.target_n).sum()
