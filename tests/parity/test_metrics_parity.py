"""Metrics against quantstats and empyrical-reloaded, wherever they use the convention we froze.

Where a library uses another convention, the test states it and converts; what cannot be converted
(quantstats' Gaussian VaR by default, vectorbt's 365-day year) is not compared.
"""

import logging
import math
import warnings
from typing import Any

import numpy as np
import pytest

from podshop.research.metrics import compute

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
RF = 0.03
F = (1 + RF) ** (1 / 252) - 1


def returns_and_benchmark(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(1500,) fat-tailed returns with idle days, and a correlated benchmark."""
    rng = np.random.default_rng(seed)
    b = rng.standard_t(4, 1500) * 0.007 + 0.0003
    r = 0.4 * b + rng.standard_t(4, 1500) * 0.005 + 0.0002
    r[rng.choice(1500, 35, replace=False)] = 0.0
    return r, b


@pytest.fixture(params=[1, 2, 3])
def series(request: pytest.FixtureRequest) -> Any:
    """(returns, benchmark) as pandas series on business days, and our figures at rf 0 and 3 %."""
    pd = pytest.importorskip("pandas", reason="the oracle libraries need pandas")
    r, b = returns_and_benchmark(request.param)
    days = pd.bdate_range("2015-01-05", periods=r.size)
    return pd.Series(r, days), pd.Series(b, days), compute(r, b), compute(r, b, rf=RF)


def agree(ours: dict[str, float], theirs: dict[str, float], rel: float = 1e-9) -> None:
    """Assert that every figure the library gave equals ours."""
    wrong = {
        name: (ours[name], float(value))
        for name, value in theirs.items()
        if not math.isclose(ours[name], float(value), rel_tol=rel, abs_tol=1e-13)
    }
    assert not wrong


def test_empyrical(series: Any) -> None:
    ep = pytest.importorskip("empyrical", reason="empyrical-reloaded is not installed")
    r, b, ours, _ = series
    agree(
        ours,
        {
            "total_return": ep.cum_returns_final(r),
            "cagr": ep.annual_return(r),
            "vol_ann": ep.annual_volatility(r),
            "downside_dev": ep.downside_risk(r),
            "sharpe": ep.sharpe_ratio(r),
            "sortino": ep.sortino_ratio(r),
            "max_drawdown": -ep.max_drawdown(r),
            "calmar": ep.calmar_ratio(r),
            "omega": ep.omega_ratio(r),
            "stability_r2": ep.stability_of_timeseries(r),
            "tail_ratio": ep.tail_ratio(r),
            "var_95": -ep.value_at_risk(r),
            "cvar_95": -ep.conditional_value_at_risk(r),
            "beta": ep.beta(r, b),
            "information_ratio": ep.excess_sharpe(r, b) * math.sqrt(252),
            "up_capture": ep.up_capture(r, b),
            "down_capture": ep.down_capture(r, b),
            "batting_average": ep.batting_average(r, b)["batting average"],
        },
    )
    # empyrical compounds alpha, we do not: (1 + alpha / N)^N - 1 is theirs
    assert (1 + ours["alpha"] / 252) ** 252 - 1 == pytest.approx(ep.alpha(r, b), rel=1e-9)


def test_empyrical_with_a_rate_per_period(series: Any) -> None:
    ep = pytest.importorskip("empyrical", reason="empyrical-reloaded is not installed")
    r, b, _, ours = series
    agree(
        ours,
        {
            "sharpe": ep.sharpe_ratio(r, risk_free=F),
            "sortino": ep.sortino_ratio(r, required_return=F),
            "beta": ep.beta(r, b, risk_free=F),
        },
    )


def quantstats() -> Any:
    """quantstats.stats, without its warnings; skips where it is absent."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("quantstats", reason="quantstats is not installed").stats


def test_quantstats(series: Any) -> None:
    qs = quantstats()
    r, b, ours, _ = series
    beta = qs.greeks(r, b)
    agree(
        ours,
        {
            "total_return": qs.comp(r),
            "cagr": qs.cagr(r),
            "best_day": qs.best(r),
            "worst_day": qs.worst(r),
            "vol_ann": qs.volatility(r),
            "skew": qs.skew(r),
            "kurtosis": qs.kurtosis(r),
            "var_95_gauss": -qs.value_at_risk(r),
            "sharpe": qs.sharpe(r),
            "sortino": qs.sortino(r),
            "calmar": qs.calmar(r),
            "max_drawdown": -qs.max_drawdown(r),
            "gain_to_pain": qs.gain_to_pain_ratio(r),
            "win_days": qs.win_rate(r),
            "avg_win": qs.avg_win(r),
            "avg_loss": qs.avg_loss(r),
            "payoff": qs.payoff_ratio(r),
            "profit_factor": qs.profit_factor(r),
            "tail_ratio": qs.tail_ratio(r),
            "common_sense": qs.common_sense_ratio(r),
            "cpc_index": qs.cpc_index(r),
            "kelly": qs.kelly_criterion(r),
            "longest_winning": qs.consecutive_wins(r),
            "longest_losing": qs.consecutive_losses(r),
            "beta": beta["beta"],
            "alpha": beta["alpha"],
            "r2": qs.r_squared(r, b),
            "information_ratio": qs.information_ratio(r, b) * math.sqrt(252),
        },
    )
    # quantstats divides the ulcer index by n - 1
    n = ours["n_obs"]
    assert ours["ulcer_index"] * math.sqrt(n / (n - 1)) == pytest.approx(qs.ulcer_index(r))


def test_quantstats_with_a_rate_per_year(series: Any) -> None:
    qs = quantstats()
    r, _, _, ours = series
    agree(ours, {"sharpe": qs.sharpe(r, rf=RF), "sortino": qs.sortino(r, rf=RF)})


def test_pandas_moments(series: Any) -> None:
    r, b, ours, _ = series
    agree(
        ours,
        {
            "skew": r.skew(),
            "kurtosis": r.kurt(),
            "autocorr_1": r.autocorr(1),
            "correlation": r.corr(b),
            "var_99": -r.quantile(0.01),
        },
    )
