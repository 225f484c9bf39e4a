"""Allocators by hand: volatility, tiers, belief, turnover, and what a cut may not get back."""

from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podshop.capital import (
    hrp,
    inverse_volatility,
    kelly,
    minimum_variance,
    risk_parity,
    shrunk_sharpe,
    tiers,
)
from podshop.capital.evidence import correlation, deviation, long_only
from podshop.domain.book import Book, open_book

NAV = 1_000_000_000_000
FREE: dict[str, float] = {"min": 0.0, "max": 1.0, "cash": 0.0}


CUT_HOLDS = ["inverse_volatility", "risk_parity", "hrp", "minimum_variance", "shrunk_sharpe"]
EXACT = ["risk_parity", "hrp", "minimum_variance", "shrunk_sharpe", "kelly", "tiers"]


def book_of(returns: Any, **fields: Any) -> Book:
    """A book with these returns of its pods, and cash that earns nothing."""
    returns = np.asarray(returns)
    days, pods = returns.shape
    book = open_book(pods, 1, NAV)
    return replace(book, returns_hp=returns, rate_h=np.zeros(days), **fields)


def orthogonal(sharpe: Any, deviation: Any) -> Any:
    """64 returns of up to six pods that are exactly uncorrelated, with these daily figures."""
    signs = np.array([[1.0]])
    for _ in range(6):
        signs = np.block([[signs, signs], [signs, -signs]])
    z = signs[:, 1 : 1 + len(sharpe)] * np.sqrt(63.0 / 64.0)
    return (z + np.asarray(sharpe)) * np.asarray(deviation)


# --- inverse volatility ---------------------------------------------------------------------------


def test_half_the_volatility_is_twice_the_capital() -> None:
    book = book_of(orthogonal([0.0, 0.1, -0.1], [0.01, 0.02, 0.04]))
    p = inverse_volatility.Params(lookback_days=64, **FREE)
    assert inverse_volatility.shares(book, p) == pytest.approx([4 / 7, 2 / 7, 1 / 7])


def test_a_pod_that_never_moved_counts_as_the_average_pod() -> None:
    book = book_of(orthogonal([0.0, 0.1, 0.0], [0.01, 0.02, 0.0]))
    p = inverse_volatility.Params(lookback_days=64, **FREE)
    assert inverse_volatility.shares(book, p) == pytest.approx([4 / 9, 2 / 9, 3 / 9])


@pytest.mark.parametrize("name", CUT_HOLDS)
def test_a_cut_pod_is_not_given_back_what_the_cut_took(name: str) -> None:
    # The cut halves what the pod returns on its nominal capital, so it looks half as risky.
    returns = orthogonal([0.05] * 3, [0.005, 0.01, 0.01])
    nominal = np.full(3, NAV // 4)
    module = import_module(f"podshop.capital.{name}")
    p = module.Params(lookback_days=64, min=0.0, max=0.6, cash=0.1)
    whole = module.shares(book_of(returns, nominal_p=nominal), p)
    keep = np.array([0.5, 1.0, 1.0])
    cut = module.shares(book_of(returns, nominal_p=nominal, keep_p=keep), p)
    assert whole[0] > 0.3
    assert cut[0] == pytest.approx(0.25)
    assert (cut * keep).sum() == pytest.approx(0.9), "the others are offered what the cut frees"


def test_least_variance_without_correlation_is_inverse_variance() -> None:
    book = book_of(orthogonal([0.0, 0.1, -0.1], [0.01, 0.02, 0.04]))
    p = minimum_variance.Params(lookback_days=64, **FREE)
    assert minimum_variance.shares(book, p) == pytest.approx([16 / 21, 4 / 21, 1 / 21])


def test_a_pod_that_only_adds_risk_gets_nothing_of_least_variance_but_its_floor() -> None:
    # Twice as wild and correlated by 0.8: w = Sigma^-1 1 would short it.
    corr, dev = np.array([[1.0, 0.8], [0.8, 1.0]]), np.array([0.01, 0.02])
    assert minimum_variance.weights(corr, dev).tolist() == [1.0, 0.0]
    apart = np.array([[1.0, 0.2], [0.2, 1.0]])
    # (s2^2 - r s1 s2) / (s1^2 + s2^2 - 2 r s1 s2)
    assert minimum_variance.weights(apart, dev)[0] == pytest.approx((4 - 0.4) / (5 - 0.8))


# --- risk parity and HRP --------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(1, 30))
def test_risk_contributions_are_equal(seed: int, pods: int) -> None:
    r = np.random.default_rng(seed)
    returns = r.normal(size=(90, pods)) * 10.0 ** r.uniform(-4, -1, pods)
    returns += r.normal(size=(90, 1)) * r.choice([0.0, 0.01, 0.1])
    corr, dev = correlation(returns), deviation(returns)
    w = risk_parity.weights(corr, dev)
    part = w * dev * (corr @ (w * dev))
    assert part / part.sum() == pytest.approx(1.0 / pods, rel=1e-8)
    assert w.sum() == pytest.approx(1.0)


def test_two_hundred_pods_are_weighed_at_once() -> None:
    returns = np.random.default_rng(8).normal(0.0, 0.01, (126, 200))
    for module in (risk_parity, hrp):
        w = module.weights(correlation(returns), deviation(returns))
        assert w.sum() == pytest.approx(1.0)
        assert (w > 0.0).all()


def test_the_tree_of_four_pods_by_hand() -> None:
    # 0 and 2 join at 0.1, 1 and 3 at 0.2, the groups at 0.5: the older group stands first.
    d = np.full((4, 4), 0.9)
    np.fill_diagonal(d, 0.0)
    for a, b, far in ((0, 2, 0.1), (1, 3, 0.2), (2, 3, 0.5)):
        d[a, b] = d[b, a] = far
    assert hrp.leaves(d).tolist() == [0, 2, 1, 3]


def test_like_pods_share_before_the_rest() -> None:
    # Two copies of one pod (correlation 1 but for 1e-9) and a stranger, all as volatile.
    corr = np.array([[1.0, 1.0 - 1e-9, 0.0], [1.0 - 1e-9, 1.0, 0.0], [0.0, 0.0, 1.0]])
    w = hrp.weights(corr, np.array([0.01, 0.010001, 0.010002]))
    assert w == pytest.approx([0.25, 0.25, 0.5], abs=1e-3)
    assert risk_parity.weights(corr, np.full(3, 0.01))[2] == pytest.approx(
        1.0 / (1.0 + np.sqrt(2.0)), rel=1e-6
    )


# --- long-only bets and Kelly ---------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(1, 25), st.floats(-0.3, 0.3))
def test_long_only_bets_are_optimal(seed: int, pods: int, level: float) -> None:
    r = np.random.default_rng(seed)
    corr = correlation(r.normal(size=(60, pods)) + r.normal(size=(60, 1)))
    sharpe = r.normal(level, 0.1, pods)
    y = long_only(corr, sharpe)
    gain = sharpe - corr @ y
    assert (y >= 0.0).all()
    assert (gain <= 1e-10).all()
    assert abs(gain[y > 0.0]).max(initial=0.0) < 1e-10


def test_without_shrinkage_kelly_is_the_inverse_covariance_times_the_mean() -> None:
    r = np.random.default_rng(1)
    returns = r.normal(0.0, 0.002, (120, 1)) + np.array([0.004, 0.01, 0.02]) * r.normal(
        0.3, 1, (120, 3)
    )
    dev = deviation(returns)
    sigma = correlation(returns) * np.outer(dev, dev)
    full = np.linalg.solve(sigma, returns.mean(axis=0))
    assert (full > 0.0).all()
    for fraction in (1.0, 0.5, 0.01):
        assert kelly.targets(returns, fraction, False) == pytest.approx(fraction * full)
    p = kelly.Params(lookback_days=120, shrink=False, **FREE)
    assert kelly.shares(book_of(returns), p) == pytest.approx(full / full.sum()), "no borrowing"


def test_where_little_is_shown_kelly_holds_cash() -> None:
    # Daily Sharpe 0.001 on 1 % volatility: half Kelly is 0.05 of the capital in each.
    book = book_of(orthogonal([0.001, 0.001, -0.2], [0.01] * 3))
    p = kelly.Params(lookback_days=64, shrink=False, **FREE)
    assert kelly.shares(book, p) == pytest.approx([0.05, 0.05, 0.0])
    floored = replace(p, min=0.02)
    assert kelly.shares(book, floored) == pytest.approx([0.05, 0.05, 0.02])
    capped = book_of(orthogonal([0.2, 0.001, -0.2], [0.01] * 3))
    got = kelly.shares(capped, replace(p, max=0.4, cash=0.1))
    assert got == pytest.approx([0.4, 0.05, 0.0]), "a cap does not feed the pod that loses"
    nominal = np.full(3, NAV // 20)
    cut = replace(book, nominal_p=nominal, keep_p=np.array([0.5, 1.0, 1.0]))
    assert kelly.shares(cut, p) == pytest.approx([0.05, 0.05, 0.0]), "nor does a cut feed others"
    bad = book_of(orthogonal([-0.1] * 3, [0.01] * 3))
    assert kelly.shares(bad, floored) == pytest.approx([0.02] * 3)


def test_bayes_stein_draws_noise_together_and_leaves_what_is_clear() -> None:
    # Uncorrelated: s0 is the mean, distance is days * sum of squares around it.
    sharpe, eye = np.array([0.00, 0.03, 0.06]), np.eye(3)
    v = 5.0 / (5.0 + 250 * 2 * 0.03**2)
    want = (1 - v) * sharpe + v * 0.03
    assert kelly.drawn_together(sharpe, eye, 250) == pytest.approx(want)
    assert np.ptp(kelly.drawn_together(sharpe, eye, 10**7)) == pytest.approx(0.06, rel=1e-3)


# --- tiers ----------------------------------------------------------------------------------------


def test_each_tier_has_its_factor_and_its_edge() -> None:
    got = tiers.factors(np.array([2.51, 2.5, 1.5, 1.49, 1.0, 0.99, -3.0]), tiers.Params())
    assert got.tolist() == [1.25, 1.0, 1.0, 0.75, 0.75, 0.5, 0.5]


def test_tiers_go_from_the_present_shares() -> None:
    yearly = np.array([3.0, 2.0, 1.2, 0.0])
    returns = orthogonal(yearly / np.sqrt(252), [0.01] * 4)
    book = book_of(returns, nominal_p=np.array([2, 2, 2, 3]) * (NAV // 10))
    p = tiers.Params(lookback_days=64, invest_all=False, **FREE)
    assert tiers.shares(book, p) == pytest.approx([0.25, 0.2, 0.15, 0.15])
    p = replace(p, invest_all=True)
    assert tiers.shares(book, p) == pytest.approx(np.array([0.25, 0.2, 0.15, 0.15]) / 0.75)


# --- belief ---------------------------------------------------------------------------------------


def test_a_year_of_data_weighs_a_third() -> None:
    # Closed form: tau = 0.7, SE = 1 after a year: the measured ratio weighs 0.49 / 1.49 = 0.33.
    s = 2.0 / np.sqrt(252)
    got = shrunk_sharpe.posterior(np.array([s]), 252, 0.8, 0.7)[0]
    error = np.sqrt(1.0 + s**2 / 2)
    assert got == pytest.approx((0.8 / 0.49 + 2.0 / error**2) / (1 / 0.49 + 1 / error**2))
    assert (got - 0.8) / (2.0 - 0.8) == pytest.approx(0.33, abs=0.003)
    three = shrunk_sharpe.posterior(np.array([s]), 756, 0.8, 0.7)[0]
    assert (three - 0.8) / (2.0 - 0.8) == pytest.approx(0.49 / (0.49 + 1 / 3), abs=0.003)


def test_uncorrelated_pods_get_belief_over_volatility() -> None:
    sharpe, dev = np.array([0.1, 0.0, -0.05]), np.array([0.01, 0.005, 0.02])
    book = book_of(orthogonal(sharpe, dev))
    p = shrunk_sharpe.Params(lookback_days=64, **FREE)
    want = shrunk_sharpe.posterior(sharpe, 64, 0.8, 0.7) / dev
    assert shrunk_sharpe.shares(book, p) == pytest.approx(want / want.sum())


def test_correlated_pods_share_what_they_have_in_common() -> None:
    a, b, c = orthogonal([0.05] * 3, [1.0] * 3).T * 0.01
    twin = 0.95 * a + np.sqrt(1 - 0.95**2) * (b - b.mean()) + 0.05 * a.mean()
    got = shrunk_sharpe.shares(
        book_of(np.column_stack((a, twin, c))), shrunk_sharpe.Params(lookback_days=64, **FREE)
    )
    assert got[2] > 1.4 * got[0]
    assert got[0] == pytest.approx(got[1], rel=0.1)


def test_an_allocation_stops_at_the_turnover_limit() -> None:
    book = book_of(orthogonal([0.0] * 2, [0.01, 0.03]), nominal_p=np.array([1, 8]) * (NAV // 10))
    p = shrunk_sharpe.Params(lookback_days=64, min=0.0, max=1.0, cash=0.1, turnover=0.2)
    assert shrunk_sharpe.shares(book, p) == pytest.approx([0.2, 0.7])
    assert shrunk_sharpe.shares(book, replace(p, turnover=0.0)) == pytest.approx([0.1, 0.8])
    free = shrunk_sharpe.shares(book, replace(p, turnover=2.0))
    assert free == pytest.approx([0.675, 0.225])
    first = replace(book, nominal_p=np.zeros(2, dtype=np.int64))
    assert shrunk_sharpe.shares(first, p) == pytest.approx(free), "the first allocation is free"


@pytest.mark.parametrize("name", ["inverse_volatility", "shrunk_sharpe", "kelly", "tiers"])
def test_what_idle_cash_earns_is_nobodys_skill(name: str) -> None:
    module = import_module(f"podshop.capital.{name}")
    returns = orthogonal([0.12, 0.08, 0.02], [0.005, 0.01, 0.02])
    rate = np.linspace(0.0, 0.002, 64)
    nominal = np.full(3, NAV // 4)
    p = module.Params(lookback_days=64)
    apart = module.shares(book_of(returns, nominal_p=nominal), p)
    with_cash = replace(book_of(returns + rate[:, None], nominal_p=nominal), rate_h=rate)
    assert module.shares(with_cash, p) == pytest.approx(apart, abs=1e-8)
    assert np.ptp(apart) > 0.01


# --- the same capital on every machine ------------------------------------------------------------


@pytest.mark.parametrize("name", EXACT)
def test_rounding_in_the_linear_algebra_moves_no_micro(name: str) -> None:
    # Returns that differ in the last bits stand for sums in another order.
    module = import_module(f"podshop.capital.{name}")
    r = np.random.default_rng(3)
    returns = r.normal(0.001, [0.004, 0.008, 0.01, 0.02], (64, 4)) + r.normal(0, 0.004, (64, 1))
    noisy = returns * (1.0 + r.choice([-1, 1], returns.shape) * 2.0**-51)
    p = module.Params(lookback_days=64)
    nominal = np.full(4, NAV // 5)
    one, other = (module.shares(book_of(x, nominal_p=nominal), p) for x in (returns, noisy))
    assert (returns != noisy).any()
    assert one.tobytes() == other.tobytes()


# --- refusals -------------------------------------------------------------------------------------

WRONG: list[tuple[Any, dict[str, Any], str]] = [
    (inverse_volatility, {"lookback_days": 1}, "lookback_days"),
    (risk_parity, {"lookback_days": 253}, "lookback_days"),
    (hrp, {"min": 0.5, "max": 0.4}, "min <= max"),
    (kelly, {"fraction": 0.0}, "fraction"),
    (kelly, {"cash": 1.5}, "cash"),
    (tiers, {"keep_above": 3.0}, "raise_above"),
    (tiers, {"cut": 0.9}, "reduced"),
    (shrunk_sharpe, {"spread": 0.0}, "spread"),
    (shrunk_sharpe, {"turnover": -0.1}, "turnover"),
]


@pytest.mark.parametrize(("module", "change", "what"), WRONG)
def test_parameters_that_cannot_be_are_refused(module: Any, change: Any, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        module.Params(**change)
