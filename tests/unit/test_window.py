"""Trailing windows and cross-sections against naive numpy, and equal however history is cut."""

from collections.abc import Callable

import numpy as np
import pytest

from podshop.domain.money import F64
from podshop.factors import cross_section, window

NAN = float("nan")


def sample(days: int = 120, names: int = 300, seed: int = 0, holes: float = 0.1) -> F64:
    rng = np.random.default_rng(seed)
    x = rng.normal(0.0, 1.0, (days, names))
    x[rng.random(x.shape) < holes] = NAN
    return x


def naively(x: F64, length: int, least: int, of: Callable[[F64], float]) -> F64:
    """Apply a plain function to the known values of every window."""
    out = np.full(x.shape, NAN)
    for t in range(length - 1, len(x)):
        for n in range(x.shape[1]):
            values = x[t - length + 1 : t + 1, n]
            known = values[~np.isnan(values)]
            if len(known) >= least:
                out[t, n] = of(known)
    return out


@pytest.mark.parametrize(
    ("name", "of", "floor"),
    [
        ("rolling_sum", np.sum, 1),
        ("rolling_mean", np.mean, 1),
        ("rolling_std", lambda v: np.std(v, ddof=1), 2),
        ("rolling_min", np.min, 1),
        ("rolling_max", np.max, 1),
    ],
)
@pytest.mark.parametrize(("length", "least"), [(5, None), (20, 12), (2, 1)])
def test_windows_agree_with_numpy(
    name: str, of: Callable[[F64], float], floor: int, length: int, least: int | None
) -> None:
    x = sample()
    needed = max(least or length, floor)
    got = getattr(window, name)(x, length, least)
    np.testing.assert_allclose(got, naively(x, length, needed, of), rtol=1e-11, atol=1e-13)


def test_the_exponential_mean_is_its_weights_times_the_values() -> None:
    x = sample(60, 5)
    got = window.exponential_mean(x, 8.0, 24, least=10)
    weights = (1.0 - 2.0 / 9.0) ** np.arange(23, -1, -1)
    for t in range(23, 60):
        values = x[t - 23 : t + 1]
        known = ~np.isnan(values)
        want = np.where(known, values, 0.0).T @ weights / (known.T @ weights)
        np.testing.assert_allclose(got[t], want, rtol=1e-11)


def test_beta_agrees_with_the_covariance() -> None:
    x, market = sample(80, 4), sample(80, 1)[:, 0]
    got = window.rolling_beta(x, market, 30, 15)
    for t in (29, 50, 79):
        for n in range(4):
            y, m = x[t - 29 : t + 1, n], market[t - 29 : t + 1]
            known = ~np.isnan(y + m)
            want = np.cov(y[known], m[known])[0, 1] / np.var(m[known], ddof=1)
            assert got[t, n] == pytest.approx(want, rel=1e-11)


def test_the_score_of_a_spread_agrees_with_least_squares() -> None:
    rng = np.random.default_rng(3)
    peers = rng.normal(0.0, 0.01, (60, 1))
    x = 0.7 * peers + rng.normal(0.0, 0.005, (60, 1))
    score, beta = window.residual_score(x, peers, 60, slowest=0.999)
    design = np.column_stack([np.ones(60), peers[:, 0]])
    fit, *_ = np.linalg.lstsq(design, x[:, 0], rcond=None)
    spread = np.cumsum(x[:, 0] - design @ fit)
    steps = np.column_stack([np.ones(59), spread[:-1]])
    (a, b), *_ = np.linalg.lstsq(steps, spread[1:], rcond=None)
    noise = spread[1:] - steps @ np.array([a, b])
    sigma = np.sqrt(noise @ noise / 57 / (1.0 - b * b))
    assert beta[-1, 0] == pytest.approx(fit[1])
    assert score[-1, 0] == pytest.approx((spread[-1] - a / (1.0 - b)) / sigma)


def test_a_spread_that_wanders_off_has_no_score() -> None:
    ramp = np.concatenate([np.full(30, 0.01), np.full(30, -0.01)])[:, None]
    peers = sample(60, 1, holes=0.0) * 0.001
    score, _ = window.residual_score(ramp, peers, 60, slowest=0.5)
    assert np.isnan(score).all()


def test_a_position_is_open_from_its_signal_until_it_is_left_or_too_old() -> None:
    enter = np.array([[1, 0, 0, 0, 1, 0, 1, 0]], dtype=bool).T
    leave = np.array([[0, 0, 0, 0, 0, 0, 1, 0]], dtype=bool).T
    got = window.latch(enter, leave, 3)[:, 0].astype(int)
    assert got.tolist() == [1, 1, 1, 0, 1, 1, 0, 0]


SHORTENED = {
    "mean": (lambda x: window.rolling_mean(x, 20, 10), 20),
    "std": (lambda x: window.rolling_std(x, 20, 10), 20),
    "min": (lambda x: window.rolling_min(x, 20, 10), 20),
    "exponential": (lambda x: window.exponential_mean(x, 10, 30, 10), 30),
    "beta": (lambda x: window.rolling_beta(x, cross_section.mean(x), 25, 12), 25),
    "score": (lambda x: window.residual_score(x, np.roll(x, 1, axis=1), 30, 15)[0], 30),
    "latch": (lambda x: window.latch(x > 1.5, x < -0.5, 9).astype(float), 9),
    "zscore": (cross_section.zscore, 1),
    "rank": (cross_section.rank, 1),
    "gross": (lambda x: cross_section.scale(x, 1.0), 1),
}


@pytest.mark.parametrize("name", SHORTENED)
def test_a_row_is_the_same_bit_for_bit_however_history_is_cut(name: str) -> None:
    function, length = SHORTENED[name]
    x = sample(90, 301)
    whole = function(x)
    for t in (length - 1, 47, 89):
        assert function(x[: t + 1])[t].tobytes() == whole[t].tobytes()
        assert function(x[t + 1 - length : t + 1])[-1].tobytes() == whole[t].tobytes()
        # Nor does it matter which names stand beside it, for what is not a cross-section.
        if name in ("mean", "std", "min", "exponential", "latch"):
            assert function(x[:, 100:107])[t].tobytes() == whole[t, 100:107].tobytes()


def test_rows_not_asked_for_are_left_out() -> None:
    x = sample(60, 5)
    rows = window.rows_of(np.array([30, 59]), 60)
    got = window.rolling_std(x, 20, 10, rows)
    np.testing.assert_array_equal(got[rows], window.rolling_std(x, 20, 10)[rows])
    assert np.isnan(got[~rows]).all()
    assert window.asked(rows, 60, 31).tolist() == [59]
    assert window.asked(None, 4, 2).tolist() == [2, 3]


def test_a_window_must_hold_what_it_needs() -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        window.rolling_mean(sample(10, 2), 5, 6)


def test_zscores_and_ranks_agree_with_numpy() -> None:
    x = sample(20, 50)
    mean, std = np.nanmean(x, axis=1), np.nanstd(x, axis=1, ddof=1)
    np.testing.assert_allclose(cross_section.zscore(x), (x - mean[:, None]) / std[:, None])
    np.testing.assert_array_equal(cross_section.zscore(np.full((1, 7), 0.1)), np.zeros((1, 7)))
    np.testing.assert_array_equal(cross_section.zscore(np.full((2, 3), NAN)), np.full((2, 3), NAN))
    ranks = cross_section.rank(np.array([[3.0, 1.0, NAN, 3.0, 2.0]]))
    np.testing.assert_array_equal(ranks, [[0.75, 0.125, NAN, 0.75, 0.375]])
    np.testing.assert_array_equal(
        cross_section.winsorise(np.array([[-9.0, NAN]]), 3.0), [[-3, NAN]]
    )


def test_neutral_scores_know_neither_sector_nor_beta() -> None:
    rng = np.random.default_rng(1)
    x, beta = sample(10, 40), rng.uniform(0.5, 1.5, (10, 40))
    sector = rng.integers(0, 5, 40)
    got = cross_section.neutralise(x, sector, beta)
    for t in range(10):
        known = ~np.isnan(x[t])
        design = np.column_stack([*(sector[known] == s for s in range(5)), beta[t, known]])
        fit, *_ = np.linalg.lstsq(design.astype(float), x[t, known], rcond=None)
        np.testing.assert_allclose(got[t, known], x[t, known] - design @ fit, atol=1e-12)
        assert np.isnan(got[t, ~known]).all()
    alone = cross_section.neutralise(np.array([[1.0, 2.0, 4.0]]), np.array([0, 1, 1]))
    np.testing.assert_array_equal(alone, [[0.0, -1.0, 1.0]])


def test_peers_leave_the_name_itself_out() -> None:
    x = np.array([[1.0, 2.0, 6.0, NAN, 5.0]])
    sector = np.array([0, 0, 0, 0, 1])
    got = cross_section.peers(x, sector, 2)
    np.testing.assert_allclose(got, [[4.0, 3.5, 1.5, 3.0, 3.0]])


def test_the_best_are_chosen_and_the_first_of_equals_wins() -> None:
    score = np.array([[1.0, 5.0, NAN, 5.0, 3.0, 5.0], [NAN, NAN, 1.0, NAN, NAN, NAN]])
    got = cross_section.top(score, np.array([2, 3]))
    assert np.flatnonzero(got[0]).tolist() == [1, 3]
    assert np.flatnonzero(got[1]).tolist() == [2]
    x = sample(30, 200)
    for size in (1, 7, 200, 0):
        got = cross_section.top(x, np.full(30, size))
        known = np.isnan(x).sum(axis=1)
        assert (got.sum(axis=1) == np.minimum(size, 200 - known)).all()
        for t in range(30):
            best = np.argsort(np.where(np.isnan(x[t]), -9e9, x[t]))[::-1][: got[t].sum()]
            assert set(np.flatnonzero(got[t])) == set(best)


def test_grains_add_up_exactly_and_never_exceed_what_was_given() -> None:
    x = cross_section.scale(sample(50, 77), 1.0, always=True)
    got = cross_section.grain(x, ~np.isnan(x))
    np.testing.assert_array_equal(got.astype(np.float32).astype(np.float64), got)
    np.testing.assert_array_equal(got.sum(axis=1), got[:, ::-1].cumsum(axis=1)[:, -1])
    assert (np.abs(got).sum(axis=1) <= 1.0).all()
    assert not np.signbit(got[got == 0.0]).any()
    assert (cross_section.grain(x, np.zeros(x.shape, dtype=bool)) == 0.0).all()


def test_scaling_shrinks_and_stretches() -> None:
    x = np.array([[0.5, -1.5], [0.1, NAN], [0.0, 0.0]])
    np.testing.assert_allclose(cross_section.scale(x, 1.0), [[0.25, -0.75], [0.1, NAN], [0.0, 0.0]])
    stretched = cross_section.scale(x, 1.0, always=True)
    np.testing.assert_allclose(stretched, [[0.25, -0.75], [1.0, NAN], [0.0, 0.0]])
