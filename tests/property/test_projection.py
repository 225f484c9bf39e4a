"""The capped projection on random scores and bounds: sums, bounds, optimality; no solver.

KKT of min KL(w || s) on {sum w = S, lo <= w <= hi}: one lambda with w = lambda s between bounds,
w = lo only where lambda s <= lo, w = hi only where lambda s >= hi.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podshop.capital.projection import project, redistribute

SLACK = 1e-9


def assert_optimal(s: Any, lo: Any, hi: Any, total: float, w: Any) -> None:
    """Sum, bounds and KKT of a projection."""
    assert (w >= lo).all()
    assert (w <= hi).all()
    if hi.sum() <= total:
        assert (w == hi).all()
        return
    assert abs(w.sum() - total) < 1e-12
    free = (w > lo) & (w < hi) & (s > 0)
    rate = w[free] / s[free]
    if len(rate):
        assert rate.max() <= rate.min() * (1 + SLACK)
        at_low = (s > 0) & (w == lo) & (lo < hi)
        at_high = (s > 0) & (w == hi) & (lo < hi)
        assert (rate.min() * s[at_low] <= lo[at_low] + SLACK).all()
        assert (rate.max() * s[at_high] >= hi[at_high] - SLACK).all()
    unscored = (s == 0) & (w > lo)
    if unscored.any() and (s > 0).any():
        assert (w[s > 0] == hi[s > 0]).all()


def test_ten_thousand_random_projections_are_exact() -> None:
    r = np.random.default_rng(44)
    for _ in range(10_000):
        n = int(r.integers(1, 13))
        lo = r.choice([0.0, 0.02, 0.1], n) * r.random(n)
        hi = lo + r.random(n) * r.choice([0.05, 0.5])
        s = np.maximum(r.normal(0.5, 1.0, n), 0.0) * 10.0 ** r.integers(-3, 3)
        total = float(r.uniform(lo.sum(), min(1.0, hi.sum() * 1.1)))
        if lo.sum() < total and (s > 0).any():
            assert_optimal(s, lo, hi, total, project(s, lo, hi, total))


bound = st.floats(0, 0.5).map(lambda x: round(x, 6))


@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.floats(1e-9, 1e9), st.just(0.0), st.floats(-5, 0), st.sampled_from((np.nan,))
            ),
            bound,
            bound,
        ),
        min_size=1,
        max_size=9,
    ),
    st.floats(0, 1.2),
)
def test_bounds_hold_whatever_the_scores(rows: list[tuple[float, float, float]], S: float) -> None:
    s, a, b = (np.array(column) for column in zip(*rows, strict=True))
    lo, hi = np.minimum(a, b), np.maximum(a, b)
    w = project(s, lo, hi, S)
    if lo.sum() > S:
        assert abs(w.sum() - S) < 1e-12
        assert (w <= lo).all()
        return
    assert (w >= lo - 1e-15).all()
    assert (w <= hi).all()
    assert abs(w.sum() - min(S, hi.sum())) < 1e-12


@given(st.lists(st.floats(0.01, 5), min_size=2, max_size=8), st.floats(0.1, 10))
def test_only_the_ratio_of_the_scores_counts(scores: list[float], k: float) -> None:
    s = np.array(scores)
    assert project(s, 0.05, 0.4, 0.9) == pytest.approx(project(k * s, 0.05, 0.4, 0.9), abs=1e-12)


@given(st.permutations(range(6)), st.integers(0, 99))
def test_the_order_of_the_pods_does_not_matter(order: list[int], seed: int) -> None:
    s = np.random.default_rng(seed).random(6)
    lo, hi, at = np.full(6, 0.02), np.linspace(0.1, 0.5, 6), np.array(order)
    assert project(s, lo, hi, 0.9)[at] == pytest.approx(project(s[at], lo[at], hi[at], 0.9))


@given(
    st.lists(st.tuples(bound, st.sampled_from((1.0, 0.75, 0.5, 0.0))), min_size=1),
    st.floats(0.05, 0.6),
)
def test_what_cuts_leave_goes_only_to_the_uncut_and_never_beyond(
    rows: list[tuple[float, float]], most: float
) -> None:
    shares, keep = (np.array(column) for column in zip(*rows, strict=True))
    shares = shares / max(1.0, shares.sum())
    alive = np.ones(len(shares), dtype=np.bool_)
    more = redistribute(shares, keep, alive, most)
    cut = keep < 1.0
    assert (more[cut] == shares[cut]).all()
    assert (more[~cut] >= shares[~cut] - 1e-12).all()
    assert (more[~cut] <= np.maximum(shares[~cut], most) + 1e-12).all()
    assert (more * keep).sum() <= shares.sum() + 1e-12
