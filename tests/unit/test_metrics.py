"""Metrics against figures worked out by hand, and at the edges where denominators vanish."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podshop.research.metrics import (
    METRICS,
    compute,
    compute_many,
    drawdown_series,
    underwater,
    yearly,
)

HALVES = np.array([0.10, -0.05, 0.00, 0.02])
"""V = 1.10, 1.045, 1.045, 1.0659; mean 0.0175; squared deviations sum to 0.011675."""
STD = math.sqrt(0.011675 / 3)

BY_HAND = {
    "n_obs": 4.0,
    "total_return": 0.0659,
    "cagr": 1.0659**63 - 1,
    "mean_ann": 0.0175 * 252,
    "geo_mean_daily": 1.0659**0.25 - 1,
    "log_return_ann": math.log(1.0659) * 63,
    "best_day": 0.10,
    "worst_day": -0.05,
    "vol_ann": STD * math.sqrt(252),
    "downside_dev": 0.025 * math.sqrt(252),
    "semi_dev": math.sqrt((0.0675**2 + 0.0175**2) / 4 * 252),
    "upside_dev": math.sqrt((0.01 + 0.0004) / 4 * 252),
    "var_95": 0.0425,
    "var_99": 0.0485,
    "cvar_95": 0.05,
    "max_drawdown": 0.05,
    "current_drawdown": 1 - 1.0659 / 1.10,
    "avg_drawdown": 0.05,
    "drawdown_count": 1.0,
    "longest_drawdown": 3.0,
    "time_under_water": 0.75,
    "ulcer_index": math.sqrt((0.05**2 * 2 + 0.031**2) / 4),
    "pain_index": (0.05 * 2 + 0.031) / 4,
    "sharpe": 0.0175 / STD * math.sqrt(252),
    "sharpe_se": math.sqrt((1 + (0.0175 / STD) ** 2 / 2) / 4 * 252),
    "sortino": 0.0175 / 0.025 * math.sqrt(252),
    "calmar": (1.0659**63 - 1) / 0.05,
    "calmar_36m": math.nan,
    "omega": 0.12 / 0.05,
    "gain_to_pain": 0.07 / 0.05,
    "recovery_factor": 0.07 / 0.05,
    "kelly": 2 / 3 - (1 / 3) / 1.2,
    "win_days": 2 / 3,
    "avg_win": 0.06,
    "avg_loss": -0.05,
    "payoff": 1.2,
    "profit_factor": 2.4,
    "expectancy": 0.07 / 3,
    "cpc_index": 2.4 * 2 / 3 * 1.2,
    "longest_winning": 1.0,
    "longest_losing": 1.0,
    "exposure": 0.75,
    "beta": math.nan,
}


@pytest.mark.parametrize("name", BY_HAND)
def test_worked_by_hand(name: str) -> None:
    assert compute(HALVES)[name] == pytest.approx(BY_HAND[name], rel=1e-12, nan_ok=True)


def test_the_table_is_one_registry() -> None:
    names = [m.name for m in METRICS]
    assert len(names) == len(set(names)) >= 100
    assert list(compute(HALVES)) == names
    assert {m.unit for m in METRICS} == {"fraction", "ratio", "days", "years", "count"}
    assert all(m.formula for m in METRICS)


def test_risk_free_rate_is_compounded_down() -> None:
    f = 1.04 ** (1 / 252) - 1
    figures = compute(HALVES, rf=0.04)
    assert figures["sharpe"] == pytest.approx((0.0175 - f) / STD * math.sqrt(252), rel=1e-12)
    assert figures["sortino"] == pytest.approx(
        (0.0175 - f) / math.sqrt((f**2 + (0.05 + f) ** 2) / 4) * math.sqrt(252), rel=1e-12
    )
    assert figures["martin"] == pytest.approx(
        (figures["cagr"] - 0.04) / figures["ulcer_index"], rel=1e-12
    )


def test_skew_and_kurtosis_of_a_small_sample() -> None:
    figures = compute(np.array([0.0, 0.0, 0.0, 0.0, 0.05]))
    assert figures["skew"] == pytest.approx(math.sqrt(5.0), rel=1e-12)
    assert figures["kurtosis"] == pytest.approx(5.0, rel=1e-12)


def test_benchmark_figures_by_hand() -> None:
    b = np.array([0.01, -0.02, 0.03, 0.00])
    r = np.array([0.03, -0.03, 0.07, 0.01])  # r = 2 b + 0.01
    figures = compute(r, b)
    assert figures["beta"] == pytest.approx(2.0, rel=1e-12)
    assert figures["alpha"] == pytest.approx(0.01 * 252, rel=1e-12)
    assert figures["correlation"] == pytest.approx(1.0, rel=1e-12)
    assert figures["tracking_error"] == pytest.approx(np.std(b, ddof=1) * math.sqrt(252))
    assert figures["information_ratio"] == pytest.approx(0.015 / np.std(b, ddof=1) * math.sqrt(252))
    assert figures["treynor"] == pytest.approx(0.02 * 252 / 2)
    assert figures["batting_average"] == 0.75
    assert figures["up_capture"] == pytest.approx(
        ((1.03 * 1.07) ** 126 - 1) / ((1.01 * 1.03) ** 126 - 1)
    )
    assert figures["down_capture"] == pytest.approx((0.97**252 - 1) / (0.98**252 - 1))
    assert math.isnan(figures["appraisal"]), "a perfect fit leaves no residual to divide by"


def test_days_without_a_benchmark_are_left_out_of_its_figures_only() -> None:
    b = np.array([math.nan, 0.01, -0.02, 0.03, 0.00])
    r = np.array([0.50, 0.03, -0.03, 0.07, 0.01])
    figures = compute(r, b)
    assert figures["beta"] == pytest.approx(2.0, rel=1e-12)
    assert figures["best_day"] == 0.50


def test_a_series_against_itself() -> None:
    figures = compute(HALVES, HALVES)
    assert figures["beta"] == pytest.approx(1.0)
    assert figures["alpha"] == pytest.approx(0.0, abs=1e-15)
    assert math.isnan(figures["information_ratio"])


@pytest.mark.parametrize("level", [0.001, -0.001, 0.1 / 3])
def test_constant_returns_have_no_risk_and_no_ratio(level: float) -> None:
    figures = compute(np.full(500, level), np.full(500, level))
    assert figures["vol_ann"] == 0.0
    for name in ("sharpe", "skew", "kurtosis", "autocorr_1", "psr", "beta", "correlation"):
        assert math.isnan(figures[name]), name


def test_all_zero_returns() -> None:
    figures = compute(np.zeros(300), np.zeros(300))
    assert figures["total_return"] == figures["cagr"] == figures["max_drawdown"] == 0.0
    for name in ("sharpe", "sortino", "calmar", "omega", "win_days", "payoff", "avg_drawdown"):
        assert math.isnan(figures[name]), name


def test_one_return() -> None:
    figures = compute(np.array([-0.5]))
    assert figures["total_return"] == -0.5
    assert figures["max_drawdown"] == 0.5, "a loss on the first day is a drawdown from 1"
    assert math.isnan(figures["vol_ann"])
    assert math.isnan(figures["sharpe"])


def test_no_returns() -> None:
    figures = compute(np.zeros(0))
    assert figures["n_obs"] == 0.0
    assert all(math.isnan(v) for k, v in figures.items() if k != "n_obs")


def test_missing_return_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="return number 2 is nan"):
        compute(np.array([0.1, 0.2, math.nan]))
    with pytest.raises(ValueError, match="return number 0 is inf"):
        compute(np.array([math.inf]))
    with pytest.raises(ValueError, match="2 returns but 3 benchmark returns"):
        compute(np.zeros(2), np.zeros(3))


def test_everything_lost() -> None:
    figures = compute(np.array([0.1, -1.0, 0.1]))
    assert figures["total_return"] == figures["cagr"] == -1.0
    assert figures["max_drawdown"] == 1.0
    assert math.isnan(figures["log_return_ann"])
    assert math.isnan(compute(np.array([-1.5, 0.1]))["cagr"])


def test_acceptance_figures_of_the_sharpe_ratio() -> None:
    """Lo 2002: one year at SR 1 has a standard error of 1.001; MinTRL against 0 is 2.71 years."""
    z = np.array([-1.0, 1.0] * 126)
    r = z / z.std(ddof=1) + 1 / math.sqrt(252)
    figures = compute(r * 0.01)
    assert figures["sharpe"] == pytest.approx(1.0, rel=1e-9)
    assert figures["sharpe_se"] == pytest.approx(1.001, abs=1e-4)
    normal = np.random.default_rng(7).normal(size=200_000)
    normal = (normal - normal.mean()) / normal.std(ddof=1) + 1 / math.sqrt(252)
    assert compute(normal * 0.01)["min_track_record"] == pytest.approx(2.71, abs=0.02)


def test_drawdown_series_and_spells() -> None:
    unit = np.array([0.9, 1.0, 1.2, 1.1, 0.6, 1.2, 1.3, 1.17])
    assert drawdown_series(unit) == pytest.approx([0.1, 0, 0, 1 / 12, 0.5, 0, 0, 0.1])
    spells = underwater(unit)
    assert [(s.begin, s.trough, s.end) for s in spells] == [(0, 0, 1), (3, 4, 5), (7, 7, None)]
    assert [s.depth for s in spells] == pytest.approx([0.1, 0.5, 0.1])
    assert underwater(np.array([1.0, 1.1, 1.2])) == []


def test_years_compound_their_own_days() -> None:
    days = np.array(["2019-12-30", "2019-12-31", "2020-01-02", "2021-06-01"], "datetime64[D]")
    years = yearly(days, np.array([0.1, 0.1, -0.5, 0.02]))
    assert years == pytest.approx({2019: 0.21, 2020: -0.5, 2021: 0.02})
    assert yearly(days[:0], np.zeros(0)) == {}


RETURNS = st.lists(
    st.one_of(st.just(0.0), st.floats(-1.0, 100.0, allow_nan=False)), min_size=1, max_size=40
)


@given(RETURNS, st.randoms(use_true_random=False), st.sampled_from([0.0, 0.03, -0.01]))
def test_never_infinite_and_consistent(returns: list[float], random: object, rf: float) -> None:
    r = np.array(returns)
    b = np.array(returns)
    random.shuffle(b)  # type: ignore[attr-defined]
    figures = compute(r, b, rf=rf)
    assert not any(math.isinf(v) for v in figures.values())
    assert 0.0 <= figures["max_drawdown"] <= 1.0
    assert figures["max_drawdown"] >= figures["current_drawdown"] >= 0.0
    assert figures["cvar_95"] >= figures["var_95"] - 1e-9 * abs(figures["var_95"])
    growth = math.prod(1.0 + v for v in yearly(np.arange(r.size).astype("M8[D]"), r).values())
    assert growth - 1.0 == pytest.approx(figures["total_return"], rel=1e-9, abs=1e-9)


def days_of(*days: str) -> np.ndarray:
    return np.array(days, "datetime64[D]")


def test_calendar_months_quarters_and_years() -> None:
    days = days_of("2019-11-29", "2019-12-02", "2019-12-31", "2020-01-02", "2020-03-02")
    m = compute(np.array([-0.1, 0.2, 0.1, -0.5, 0.3]), days=days)
    assert m["best_month"] == pytest.approx(1.2 * 1.1 - 1)
    assert m["worst_month"] == pytest.approx(-0.5)
    assert m["win_month"] == 0.5
    assert m["avg_up_month"] == pytest.approx((0.32 + 0.3) / 2)
    assert m["avg_down_month"] == pytest.approx(-0.3)
    assert m["gain_to_pain_month"] == pytest.approx((-0.1 + 0.32 - 0.5 + 0.3) / 0.6)
    assert m["longest_losing_months"] == 1.0
    assert m["win_quarter"] == 0.5
    assert m["best_year"] == pytest.approx(0.9 * 1.2 * 1.1 - 1)
    assert m["worst_year"] == pytest.approx(0.5 * 1.3 - 1)
    assert m["win_year"] == 0.5
    assert m["mtd"] == pytest.approx(0.3)
    assert m["qtd"] == m["ytd"] == pytest.approx(0.5 * 1.3 - 1)


def test_weeks_start_on_monday() -> None:
    days = days_of("2020-01-03", "2020-01-05", "2020-01-06")  # Friday, Sunday, Monday
    assert compute(np.array([0.1, -0.05, -0.01]), days=days)["win_week"] == 0.5


def test_trailing_returns_by_the_calendar() -> None:
    days = days_of("2019-01-30", "2020-01-31", "2020-02-28", "2020-02-29", "2020-03-31")
    r = np.array([0.5, 0.1, 0.2, 0.3, 0.4])
    m = compute(r, days=days)
    assert m["return_1m"] == pytest.approx(0.4), "a month before 31 March is 29 February"
    assert m["return_3m"] == pytest.approx(1.1 * 1.2 * 1.3 * 1.4 - 1)
    assert m["return_1y"] == pytest.approx(1.1 * 1.2 * 1.3 * 1.4 - 1)
    assert math.isnan(m["return_3y"])
    late = compute(r[1:], days=days[1:])
    assert math.isnan(late["return_6m"]), "history that begins later is not half a year"


def test_years_are_annualised_and_begin_with_a_holiday() -> None:
    days = np.busday_offset("2017-01-03", np.arange(784), roll="forward")
    assert str(days[-1]) == "2020-01-03"
    days = days[days <= np.datetime64("2019-12-31")]
    r = np.full(days.size, 0.001)
    m = compute(r, days=days)
    assert m["return_3y"] == pytest.approx((1.001**days.size) ** (1 / 3) - 1)
    assert m["cagr_calendar"] == pytest.approx(m["return_3y"], rel=0.01)


def test_without_days_months_are_counted_from_the_end() -> None:
    r = np.concatenate((np.full(10, -0.01), np.full(21, 0.01), np.full(21, -0.02)))
    m = compute(r)
    assert m["best_month"] == pytest.approx(1.01**21 - 1)
    assert m["worst_month"] == pytest.approx(0.98**21 - 1)
    assert m["win_month"] == pytest.approx(1 / 3), "the ten at the beginning are a part of one"
    assert m["return_1m"] == pytest.approx(0.98**21 - 1)
    assert math.isnan(m["return_3m"])
    assert all(math.isnan(m[name]) for name in ("mtd", "qtd", "ytd", "cagr_calendar"))
    monthly = compute(np.array([0.1] * 12), periods=12)
    assert monthly["return_1y"] == pytest.approx(1.1**12 - 1)
    assert monthly["best_month"] == pytest.approx(0.1)


def test_lo_corrects_for_returns_that_follow_upon_each_other() -> None:
    """With rho_1 known and few lags the factor is N / sqrt(N + 2 sum (N - k) rho_k), by hand."""
    r = np.array([0.02, 0.01, -0.01, -0.02, 0.03])
    x = r - r.mean()
    rho = [(x[k:] * x[:-k]).sum() / (x * x).sum() for k in (1, 2)]
    spread = 12 + 2 * (11 * rho[0] + 10 * rho[1])
    want = r.mean() / r.std(ddof=1) * 12 / math.sqrt(spread)
    assert compute(r, periods=12)["sharpe_lo"] == pytest.approx(want, rel=1e-12)
    rng = np.random.default_rng(3)
    steps = rng.normal(size=20_000)
    trending = compute(0.01 * (steps[1:] + 0.5 * steps[:-1]) + 0.0005)
    # MA(1) with theta = 0.5: rho = 0.4, so the factor is 1 / sqrt(1.8)
    assert trending["sharpe_lo"] / trending["sharpe"] == pytest.approx(1 / math.sqrt(1.8), abs=0.03)


def test_ratios_worked_by_hand() -> None:
    m = compute(HALVES)
    assert m["kappa3"] == pytest.approx(0.0175 / (0.05**3 / 4) ** (1 / 3))
    assert m["upside_potential"] == pytest.approx(0.03 / 0.025)
    assert m["adjusted_sortino"] == pytest.approx(m["sortino"] / math.sqrt(2))
    assert m["starr"] == pytest.approx(0.0175 / 0.05)
    assert m["kelly_continuous"] == pytest.approx(0.0175 / STD**2)
    assert m["return_on_exposure"] == pytest.approx(m["cagr"] / 0.75)
    assert m["sharpe_t"] == pytest.approx(0.0175 / STD * 2)
    assert m["avg_drawdown_days"] == 3.0
    assert m["cdar_95"] == pytest.approx(0.05)
    assert m["serenity"] == pytest.approx(
        m["cagr"] / (m["ulcer_index"] * 0.05 / m["vol_ann"]), rel=1e-12
    )
    t, log_value = np.arange(4.0), np.log(np.cumprod(1 + HALVES))
    line, cov = np.polyfit(t, log_value, 1, cov=True)
    want = line[0] / math.sqrt(cov[0, 0]) * math.sqrt(252) / 4
    assert m["k_ratio"] == pytest.approx(want, rel=1e-9)


def test_tables_and_days_that_do_not_fit_are_named() -> None:
    with pytest.raises(ValueError, match="return number 1 of column 2 is nan"):
        compute_many(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, math.nan]]))
    with pytest.raises(ValueError, match="has 1 axes; it needs two"):
        compute_many(np.zeros(3))
    with pytest.raises(ValueError, match="2 returns but 1 days"):
        compute(np.zeros(2), days=days_of("2020-01-01"))
    with pytest.raises(ValueError, match="days must ascend"):
        compute(np.zeros(2), days=days_of("2020-01-02", "2020-01-01"))


def test_no_series_and_no_days() -> None:
    assert all(v.shape == (0,) for v in compute_many(np.zeros((5, 0))).values())
    empty = compute_many(np.zeros((0, 3)))
    assert empty["n_obs"].tolist() == [0.0, 0.0, 0.0]
    assert np.isnan(empty["sharpe"]).all()
