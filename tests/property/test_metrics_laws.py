"""Laws of the metrics: scale, sign, bounds, NaN, and many series as one by one."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podshop.research.metrics import METRICS, compute, compute_many

SCALE_FREE = [
    "sharpe",
    "sharpe_se",
    "sharpe_se_mertens",
    "sharpe_t",
    "sharpe_lo",
    "smart_sharpe",
    "adjusted_sharpe",
    "psr",
    "min_track_record",
    "sortino",
    "adjusted_sortino",
    "smart_sortino",
    "kappa3",
    "upside_potential",
    "modified_sharpe",
    "starr",
    "omega",
    "gain_to_pain",
    "rachev",
    "common_sense",
    "kelly",
    "skew",
    "kurtosis",
    "jarque_bera",
    "tail_ratio",
    "autocorr_1",
    "win_days",
    "payoff",
    "profit_factor",
    "cpc_index",
    "outlier_win",
    "outlier_loss",
    "longest_winning",
    "longest_losing",
    "exposure",
    "correlation",
    "r2",
    "beta_t",
    "alpha_t",
]
HOMOGENEOUS = [
    "mean_ann",
    "best_day",
    "worst_day",
    "vol_ann",
    "downside_dev",
    "semi_dev",
    "upside_dev",
    "var_95",
    "var_99",
    "var_95_gauss",
    "var_95_cornish_fisher",
    "cvar_95",
    "cvar_99",
    "avg_win",
    "avg_loss",
    "expectancy",
    "beta",
    "alpha",
    "up_beta",
    "down_beta",
]
SHARES = [m.name for m in METRICS if "share of" in m.formula or m.name.startswith("win_")]
SHARES += ["psr", "r2", "stability_r2"]
SIZES = (
    (
        "vol_ann downside_dev semi_dev upside_dev max_drawdown current_drawdown avg_drawdown "
        "ulcer_index pain_index cdar_95 longest_drawdown avg_drawdown_days avg_win avg_up_month "
        "payoff profit_factor omega kappa3_size tracking_error"
    )
    .replace("kappa3_size ", "")
    .split()
)


@st.composite
def tables(draw: st.DrawFn, least: int = 1, most: int = 90) -> np.ndarray:
    """(T, P) returns above -100 %, with idle days and idle series."""
    n, p = draw(st.integers(least, most)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    table = rng.standard_t(4, (n, p)) * draw(st.sampled_from([1e-4, 0.01, 0.05]))
    table[rng.random((n, p)) < draw(st.sampled_from([0.0, 0.2, 1.0]))] = 0.0
    return np.maximum(table, -0.9)


@given(tables(), st.booleans(), st.booleans(), st.sampled_from([0.0, 0.03]))
@settings(max_examples=60, deadline=None)
def test_many_series_are_each_as_if_alone(
    table: np.ndarray, dated: bool, compared: bool, rf: float
) -> None:
    n = len(table)
    b = np.random.default_rng(n).normal(size=n) * 0.01 if compared else None
    if b is not None:
        b[::7] = math.nan
    days = np.busday_offset("2019-11-25", np.arange(n)) if dated else None
    many = compute_many(table, b, rf, days=days)
    for p in range(table.shape[1]):
        one = compute(table[:, p], b, rf, days=days)
        assert {k: v[p] for k, v in many.items()} == pytest.approx(
            one, rel=1e-9, abs=1e-15, nan_ok=True
        )


def test_many_series_are_worked_on_in_parts_without_a_seam() -> None:
    table = np.random.default_rng(5).standard_t(4, (600, 250)) * 0.01
    many = compute_many(table)
    for p in (0, 108, 109, 110, 249):
        one = compute(table[:, p])
        assert {k: v[p] for k, v in many.items()} == pytest.approx(one, rel=1e-9, nan_ok=True)


@given(tables(least=30), st.sampled_from([0.25, 0.5, 2.0]))
@settings(max_examples=40, deadline=None)
def test_ratios_do_not_know_the_scale_and_losses_grow_with_it(table: np.ndarray, k: float) -> None:
    b = np.random.default_rng(1).normal(size=len(table)) * 0.01
    plain, scaled = compute_many(table, b), compute_many(table * k, b)
    for name in SCALE_FREE:
        assert scaled[name] == pytest.approx(plain[name], rel=1e-9, abs=1e-12, nan_ok=True), name
    for name in HOMOGENEOUS:
        assert scaled[name] == pytest.approx(plain[name] * k, rel=1e-9, abs=1e-12, nan_ok=True)


@given(tables(least=2))
@settings(max_examples=60, deadline=None)
def test_bounds_and_signs(table: np.ndarray) -> None:
    days = np.busday_offset("2019-01-01", np.arange(len(table)))
    m = compute_many(table, table[:, 0], days=days)
    assert not any(np.isinf(v).any() for v in m.values())
    for name in SHARES:
        assert ((m[name] >= 0.0) & (m[name] <= 1.0 + 1e-12) | np.isnan(m[name])).all(), name
    for name in SIZES:
        assert ((m[name] >= 0.0) | np.isnan(m[name])).all(), name
    for name in ("avg_loss", "avg_down_month"):
        assert ((m[name] < 0.0) | np.isnan(m[name])).all(), name
    deepest = m["max_drawdown"] + 1e-12
    for name in ("current_drawdown", "avg_drawdown", "ulcer_index", "pain_index", "cdar_95"):
        assert ((m[name] <= deepest) | np.isnan(m[name])).all(), name
    assert (deepest <= 1.0 + 1e-9).all()
    assert (m["worst_month"] <= m["best_month"]).all()
    assert (m["worst_year"] <= m["best_year"]).all()
    assert (m["cvar_95"] >= m["var_95"] - 1e-12).all()
    assert (m["cvar_99"] >= m["cvar_95"] - 1e-12).all()


@given(st.integers(1, 300), st.floats(-0.02, 0.02))
@settings(max_examples=40, deadline=None)
def test_what_a_constant_series_cannot_say_is_nan(n: int, level: float) -> None:
    m = compute(np.full(n, level), np.full(n, level))
    for name in (
        "sharpe",
        "sharpe_lo",
        "smart_sharpe",
        "psr",
        "skew",
        "jarque_bera",
        "beta",
        "alpha_t",
        "kelly_continuous",
        "information_ratio",
        "k_ratio",
    ):
        assert math.isnan(m[name]), name
    if level >= 0.0:
        for name in (
            "calmar",
            "martin",
            "serenity",
            "sortino",
            "kappa3",
            "omega",
            "avg_loss",
            "payoff",
            "gain_to_pain_month",
            "avg_down_month",
            "avg_drawdown_days",
        ):
            assert math.isnan(m[name]), name
