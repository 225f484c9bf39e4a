"""A study: are planted alphas of known size credited as they were planted?

A simulated market with five alphas: two alone, of which one is twice the other, one of noise, and
two of a crowd that say much the same. Every second week one book is optimised for their sum, and
what it earned is split. What each should earn is known from the truth, without luck.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from podshop.attribution.credit import Credit, euler, leave_one_out, sampled_shapley, shapley
from podshop.attribution.virtual_books import QuadraticRule, quadratic_books
from podshop.simulator import World, simulate
from podshop.simulator.alphas import Alpha

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NAMES = ("large", "small", "noise", "twin", "other twin")
LARGE, SMALL, NOISE, TWIN, OTHER = range(5)
BOUND = 0.02
"""Largest position; about a third of the names are held back by it."""


@dataclass(frozen=True)
class Session:
    """One book: weighted alphas, the rule, and what came."""

    alpha_kn: Floats
    rule: QuadraticRule
    foretold_n: Floats
    earned_n: Floats


@pytest.fixture(scope="module")
def sessions() -> list[Session]:
    planted = (
        Alpha("large", 0.06, 5.0),
        Alpha("small", 0.03, 5.0),
        Alpha("noise", 0.0, 5.0),
        Alpha("twin", 0.03, 5.0, "crowd", 0.8),
        Alpha("other twin", 0.03, 5.0, "crowd", 0.8),
    )
    world = simulate(120, 3, seed=5, alphas=planted)
    listed = world.truth.lives.listed(len(world.truth.days))
    return [made(world, t, listed[t] & listed[t + 1]) for t in range(20, len(listed) - 1, 10)]


def made(world: World, t: int, names: Bools) -> Session:
    """The book of session t. All alphas are believed alike: nobody knows yet who is good."""
    truth = world.truth
    signal_kn = np.array([truth.signals[name][t, names] for name in NAMES], dtype=np.float64)
    volatility_n = truth.specific_volatility()[t + 1, names].astype(np.float64)
    planted_k = np.array([alpha.ic for alpha in truth.alphas])
    rule = QuadraticRule(
        aversion=200.0,
        specific_n=volatility_n**2,
        exposure_nf=np.zeros((names.sum(), 0)),
        factor_ff=np.zeros((0, 0)),
        bound_n=np.full(names.sum(), BOUND),
        neutral_en=np.ones((1, names.sum())),
    )
    return Session(
        0.03 * volatility_n * signal_kn,
        rule,
        volatility_n * (planted_k @ signal_kn),
        volatility_n * truth.u_tn[t + 1, names],
    )


@dataclass(frozen=True)
class Value:
    """Mean profit of the book that a coalition of alphas leads to."""

    sessions: list[Session]
    foretold: bool

    def __call__(self, member: Bools) -> float:
        profits = [
            quadratic_books(s.alpha_kn * member[:, None], s.rule).target_n
            @ (s.foretold_n if self.foretold else s.earned_n)
            for s in self.sessions
        ]
        return float(np.mean(profits))


def by_books(sessions: list[Session], foretold: bool) -> list[Credit]:
    return [
        quadratic_books(s.alpha_kn, s.rule).credit(s.foretold_n if foretold else s.earned_n)
        for s in sessions
    ]


@pytest.mark.slow
def test_credits_rank_the_planted_alphas_as_the_truth_does(sessions: list[Session]) -> None:
    held = [np.abs(quadratic_books(s.alpha_kn, s.rule).target_n) > 0.9999 * BOUND for s in sessions]
    assert 0.05 < np.mean(np.concatenate(held)) < 0.6, "bounds must bind, and not everywhere"
    for foretold in (True, False):
        value = Value(sessions, foretold)
        exact = shapley(value, 5)
        books_tk = np.array([credit.share for credit in by_books(sessions, foretold)])
        dropped = leave_one_out(value, 5)
        for credit in (exact.share, books_tk.mean(axis=0), dropped):
            assert credit[LARGE] > credit[SMALL] > credit[NOISE]
        # Without bounds credits are in proportion to the IC with the crowd: large 0.06, twins
        # 0.03 + 0.8 * 0.03 each, small 0.03, noise 0.
        truth = np.array([0.06, 0.03, 0.0, 0.054, 0.054])
        assert np.corrcoef(exact.share, truth)[0, 1] > (0.98 if foretold else 0.9)
        assert np.corrcoef(exact.share, books_tk.mean(axis=0))[0, 1] > 0.99
        if foretold:
            # Noise does not only earn nothing: where bounds bind it takes room from the others.
            assert -0.2 * exact.share[LARGE] < exact.share[NOISE] < 0.0
            # Each twin is missed less than it brings, because the other steps in.
            assert dropped[TWIN] < 0.7 * exact.share[TWIN]
            assert dropped.sum() < 0.8 * exact.total
            assert exact.share[TWIN] == pytest.approx(exact.share[OTHER], rel=0.1)


@pytest.mark.slow
def test_noise_is_credited_within_its_luck(sessions: list[Session]) -> None:
    share_tk = np.array([credit.share for credit in by_books(sessions, foretold=False)])
    error_k = share_tk.std(axis=0, ddof=1) / np.sqrt(len(share_tk))
    true_tk = np.array([credit.share for credit in by_books(sessions, foretold=True)])
    assert (np.abs(share_tk.mean(axis=0) - true_tk.mean(axis=0)) < 3.0 * error_k).all()
    assert share_tk[:, LARGE].mean() > 3.0 * error_k[LARGE]


@pytest.mark.slow
def test_leaving_out_a_twin_costs_less_risk_than_it_brings(sessions: list[Session]) -> None:
    """Euler and Shapley split the risk of the alphas' books; leaving one out does not."""
    books = [quadratic_books(s.alpha_kn, s.rule) for s in sessions]
    profit_tk = np.array([b.book_kn @ s.earned_n for b, s in zip(books, sessions, strict=True)])
    cov = np.cov(profit_tk, rowvar=False)

    def risk(x: Floats) -> float:
        return float(np.sqrt(x @ cov @ x))

    whole = euler(risk, np.ones(5))
    exact = shapley(lambda member: risk(member.astype(np.float64)), 5)
    drawn = sampled_shapley(lambda member: risk(member.astype(np.float64)), 5, 400, seed=1)
    assert whole.total == pytest.approx(risk(np.ones(5)))
    assert abs(leave_one_out(lambda m: risk(m.astype(np.float64)), 5).sum()) < 0.9 * whole.total
    assert np.corrcoef(whole.share, exact.share)[0, 1] > 0.8
    assert (np.abs(drawn.share - exact.share) <= 3.0 * drawn.error + 1e-12).all()
    # The twins carry more risk than those who stand alone, because they err together.
    assert min(exact.share[[TWIN, OTHER]]) > max(exact.share[[LARGE, SMALL, NOISE]])
