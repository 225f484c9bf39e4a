"""Shapley's axioms on random games, and what sampling and Euler's rule promise."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podshop.attribution.credit import (
    euler,
    leave_one_out,
    sampled_shapley,
    shapley,
    split,
    student,
)

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Game = Callable[[Bools], float]

PLAYERS = st.integers(1, 6)
SEED = st.integers(0, 10_000)


def game(table: Floats) -> Game:
    """The game whose worths stand in a table of 2^n."""
    return lambda member: float(table[int(member @ (1 << np.arange(len(member))))])


def worths(n: int, seed: int) -> Floats:
    """2^n random worths; nobody earns something too."""
    return np.random.default_rng(seed).normal(0.3, 1.0, 2**n)


def sums(share: Floats, total: float) -> bool:
    """Whether shares sum to the total as exactly as the smallest of them can make it."""
    least = float(np.abs(share[share != 0.0]).min(initial=np.inf))
    finest = math.ulp(total) if least == np.inf else max(math.ulp(total), math.ulp(least))
    return abs(math.fsum(share) - total) <= finest


def by_orders(value: Game, n: int) -> Floats:
    """Shapley's value by its other definition: the mean marginal over all n! orders."""
    from itertools import permutations

    gain = np.zeros(n)
    for order in permutations(range(n)):
        member = np.zeros(n, dtype=np.bool_)
        for k in order:
            before = value(member)
            member[k] = True
            gain[k] += value(member) - before
    return gain / math.factorial(n)


@given(PLAYERS, SEED)
def test_shares_sum_to_the_total(n: int, seed: int) -> None:
    table = worths(n, seed)
    credit = shapley(game(table), n)
    assert credit.total == table[-1] - table[0]
    assert sums(credit.share, credit.total)
    assert credit.valuations == 2**n
    assert abs(credit.residual) < 1e-14 * 2**n


@given(st.integers(1, 5), SEED)
def test_it_is_the_mean_marginal_over_all_orders(n: int, seed: int) -> None:
    value = game(worths(n, seed))
    np.testing.assert_allclose(shapley(value, n).share, by_orders(value, n), atol=1e-12)


@given(st.integers(2, 6), SEED)
def test_players_who_do_the_same_are_credited_the_same(n: int, seed: int) -> None:
    value = game(worths(n, seed))

    def even(member: Bools) -> float:
        swapped = member.copy()
        swapped[[0, 1]] = member[[1, 0]]
        return value(member) + value(swapped)

    first, second, *_ = shapley(even, n).share
    assert first == pytest.approx(second, abs=1e-12)


@given(PLAYERS, SEED, st.booleans())
def test_who_changes_nothing_is_credited_exactly_nothing(n: int, seed: int, drawn: bool) -> None:
    value, idle = game(worths(n, seed)), n // 2

    def without(member: Bools) -> float:
        return value(member & (np.arange(n) != idle))

    credit = sampled_shapley(without, n, 5, seed) if drawn else shapley(without, n)
    assert credit.share[idle] == 0.0
    assert credit.error[idle] == 0.0
    assert leave_one_out(without, n)[idle] == 0.0


@given(PLAYERS, SEED, st.floats(-3.0, 3.0))
def test_credits_of_two_games_add_up(n: int, seed: int, scale: float) -> None:
    one, two = worths(n, seed), worths(n, seed + 1)
    both = shapley(game(one + scale * two), n).share
    apart = shapley(game(one), n).share + scale * shapley(game(two), n).share
    np.testing.assert_allclose(both, apart, atol=1e-11)


@given(PLAYERS, SEED)
def test_a_sampled_credit_sums_too_and_repeats_itself(n: int, seed: int) -> None:
    value = game(worths(n, seed))
    credit, again = (sampled_shapley(value, n, 6, seed) for _ in range(2))
    assert sums(credit.share, credit.total)
    assert (credit.share == again.share).all()
    assert (credit.interval[:, 0] <= credit.share).all()
    assert (credit.share <= credit.interval[:, 1]).all()


@given(st.integers(2, 6), SEED)
def test_antithetic_orders_are_exact_where_the_value_is_quadratic(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((n, n))

    def risk(member: Bools) -> float:
        return float(member @ matrix @ member)

    drawn = sampled_shapley(risk, n, 5, seed)
    np.testing.assert_allclose(drawn.share, shapley(risk, n).share, atol=1e-12)
    assert (drawn.error < 1e-14).all()


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    held = []
    for seed in range(120):
        value = game(worths(6, seed))
        truth = shapley(value, 6).share
        drawn = sampled_shapley(value, 6, 12, seed, confidence=0.9)
        held.append((drawn.interval[:, 0] <= truth) & (truth <= drawn.interval[:, 1]))
    # 720 intervals, correlated in sixes: the standard error of the share is about 0.011 or more.
    assert 0.86 < np.mean(held) < 0.94


def test_a_hundred_players_are_credited_within_their_errors() -> None:
    rng = np.random.default_rng(3)
    size_k = rng.normal(1.0, 0.4, 100)

    def worth(member: Bools) -> float:
        # Diversification: earnings that are added up at a risk that grows with the root.
        return float(size_k[member].sum() / math.sqrt(5.0 + member.sum()))

    few, many = sampled_shapley(worth, 100, 40, 1), sampled_shapley(worth, 100, 1_000, 2)
    miss = np.abs(few.share - many.share) / np.hypot(few.error, many.error)
    assert np.mean(miss < 2.02) > 0.88
    assert np.corrcoef(many.share, size_k)[0, 1] > 0.99
    assert few.valuations < 2 * 100 * 40 + 2


@given(st.integers(1, 8), SEED)
def test_euler_splits_risk_by_covariance_with_the_whole(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((n, n + 1))
    cov, at = root @ root.T, rng.standard_normal(n)

    def risk(x: Floats) -> float:
        return math.sqrt(float(x @ cov @ x))

    expected = at * (cov @ at) / risk(at)
    given_gradient = euler(risk, at, lambda x: cov @ x / risk(x))
    np.testing.assert_allclose(given_gradient.share, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(euler(risk, at).share, expected, atol=1e-7 * risk(at))
    variance = euler(lambda x: float(x @ cov @ x), at, degree=2.0)
    np.testing.assert_allclose(variance.share, at * (cov @ at), atol=1e-6 * variance.total)
    assert sums(variance.share, variance.total)


def test_euler_refuses_a_value_that_its_parts_do_not_sum_to() -> None:
    with pytest.raises(ValueError, match="not homogeneous of degree 1"):
        euler(lambda x: float(x @ x), np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="degree 0"):
        euler(lambda x: 1.0, np.array([1.0]), degree=0.0)


def test_leaving_one_out_does_not_split() -> None:
    # Twins: either alone makes the whole profit. Nobody is missed, and each made half.
    def either(member: Bools) -> float:
        return 10.0 if member[:2].any() else 0.0

    assert leave_one_out(either, 2).tolist() == [0.0, 0.0]
    assert shapley(either, 2).share.tolist() == [5.0, 5.0]
    # Gloves (Shapley, Shubik 1969): one left, two right ones; a pair is worth 1.
    gloves = shapley(lambda m: float(m[0] and m[1:].any()), 3).share
    np.testing.assert_allclose(gloves, [2 / 3, 1 / 6, 1 / 6], rtol=1e-14)


def test_the_airport_game_charges_each_runway_section_to_its_users() -> None:
    # Littlechild, Owen (1973): costs 8, 11, 13, 18 of growing aircraft.
    cost = np.array([8.0, 11.0, 13.0, 18.0])
    share = shapley(lambda m: float(cost[m].max(initial=0.0)), 4).share
    np.testing.assert_allclose(share, [2.0, 3.0, 4.0, 9.0], rtol=1e-14)


def test_what_cannot_be_split_is_refused() -> None:
    with pytest.raises(ValueError, match="sampled_shapley"):
        shapley(lambda m: 0.0, 13)
    with pytest.raises(ValueError, match="at least one player"):
        shapley(lambda m: 0.0, 0)
    with pytest.raises(ValueError, match=r"coalition \[1\] is nan"):
        shapley(lambda m: math.nan if m.tolist() == [False, True] else 0.0, 2)
    with pytest.raises(ValueError, match="5 samples"):
        sampled_shapley(lambda m: 0.0, 3, 4, 0)
    with pytest.raises(ValueError, match="no one to credit"):
        split(np.zeros(2), 1.0)
    with pytest.raises(ValueError, match="must be finite"):
        split(np.array([np.nan, 1.0]), 1.0)


def test_what_is_left_over_is_spread_by_size_and_told() -> None:
    credit = split(np.array([3.0, -1.0, 0.0]), 2.4)
    assert credit.share == pytest.approx([3.3, -0.9, 0.0])
    assert credit.residual == pytest.approx(0.4)
    assert math.fsum(credit.share) == 2.4


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=9), st.floats(0.1, 1e3))
def test_shares_sum_exactly_where_floats_are_fine_enough(raw: list[float], total: float) -> None:
    if not any(raw):
        raw[0] = 1.0
    share = split(np.array(raw), total).share
    assert sums(share, total)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(4, 2.776445), (9, 2.262157), (29, 2.045230), (1000, 1.962339)]
)
def test_student_s_quantiles_are_those_of_the_tables(freedom: int, quantile: float) -> None:
    assert student(0.975, freedom) == pytest.approx(quantile, abs=2e-3)
    assert student(0.025, freedom) == pytest.approx(-quantile, abs=2e-3)
