"""Performance figures of one return series: one table, one stated convention each.

Conventions, frozen: simple returns; N = 252 observations a year; sample deviations (ddof = 1); the
annual risk-free rate becomes f = (1 + rf)^(1/N) - 1 a period; the value path starts at V_0 = 1, so
a loss on the first day is a drawdown; drawdowns, VaR and CVaR are positive losses; VaR and CVaR are
historical; a figure whose denominator is zero is NaN, never 0 or infinity; a day without profit or
loss is neither a win nor a loss.

Letters in the formulas: r return, e = r - f, b benchmark return, be = b - f, V value path,
D = 1 - V / max V drawdown, n observations, N observations a year, SR = mean(e) / std(e); mean, std
and sum run over observations. "return" and "fraction" figures are fractions: 0.01 is 1 %.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from podshop.domain.money import F64, Bools
from podshop.research.series import (
    NAN,
    TINY,
    Sample,
    Spell,
    correlation,
    drawdown_series,
    growth,
    longest,
    mean,
    quantile,
    ratio,
    root_mean_square,
    slope,
    std,
    tail_mean,
    underwater,
    value_path,
    yearly,
)

__all__ = ["METRICS", "Metric", "Spell", "compute", "drawdown_series", "underwater", "yearly"]

PERIODS = 252
Z95 = 1.6448536269514722
"""95 % quantile of the normal distribution."""

SPELT = {
    "36m": "36 months",
    "ann": "a year",
    "autocorr": "autocorrelation",
    "avg": "average",
    "burke": "Burke",
    "cagr": "CAGR",
    "calmar": "Calmar",
    "cornish": "Cornish",
    "cvar": "CVaR",
    "dev": "deviation",
    "fisher": "Fisher",
    "gauss": "normal",
    "geo": "geometric",
    "kelly": "Kelly",
    "m2": "M²",
    "martin": "Martin",
    "obs": "observations",
    "omega": "Omega",
    "n": "number of",
    "psr": "probabilistic Sharpe",
    "r2": "R²",
    "rachev": "Rachev",
    "se": "standard error",
    "sharpe": "Sharpe",
    "sortino": "Sortino",
    "sterling": "Sterling",
    "t": "t-statistic",
    "treynor": "Treynor",
    "var": "VaR",
    "vol": "volatility",
}
"""Words of a metric's name as a person reads them, where they are short or somebody's name."""


def _cornish_fisher(s: Sample) -> float:
    """95 % VaR of a normal corrected for skewness and kurtosis (Favre & Galeano 2002)."""
    z = -Z95
    bent = z + (z**2 - 1) * s.skew / 6 + (z**3 - 3 * z) * s.kurt / 24
    bent -= (2 * z**3 - 5 * z) * s.skew**2 / 36
    return -(mean(s.r) + bent * std(s.r))


def _psr(s: Sample) -> float:
    """Probability that the true Sharpe ratio is above zero (Bailey & Lopez de Prado 2012)."""
    if not s.sr_variance > 0:
        return NAN
    z = s.sr * math.sqrt((s.r.size - 1) / s.sr_variance)
    return 0.5 * (1.0 + math.erf(z / math.sqrt(2.0)))


def _stability(s: Sample) -> float:
    """R^2 of log V on time."""
    log_value = np.cumsum(np.log1p(s.r)) if (s.r > -1.0).all() else np.full(s.r.size, NAN)
    return correlation(np.arange(s.r.size, dtype=np.float64), log_value) ** 2


def _log_growth(s: Sample) -> float:
    """Mean log return a year."""
    last = float(s.value[-1])
    return math.log(last) * s.periods / s.r.size if (s.value > 0).all() else NAN


def _calmar_36m(s: Sample) -> float:
    """Calmar over the last three years; NaN when there are fewer."""
    last = s.r[-int(3 * s.periods) :]
    if last.size < int(3 * s.periods):
        return NAN
    depth = float(drawdown_series(value_path(last)).max())
    return ratio(growth(last, s.periods), depth)


def _captured(s: Sample, days: Bools) -> float:
    """Growth a year on the chosen days over the benchmark's growth on them."""
    return ratio(growth(s.rb[days], s.periods), growth(s.b[days], s.periods))


def _beta_on(s: Sample, days: Bools) -> float:
    """Slope on the benchmark, on the chosen days only."""
    return slope(s.b[days], s.rb[days])


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table of metrics.

    Attributes:
        name: key in `compute`'s answer.
        group: return, risk, drawdown, ratio, benchmark, days.
        unit: fraction (0.01 is 1 %), ratio, days, years, count.
        formula: in the letters of this file's head.
        convention: what this row settles that books differ on.
        source: where the formula comes from.
        higher_is_better: None where neither is.
        value: sample -> figure.
    """

    name: str
    group: str
    unit: str
    formula: str
    convention: str
    source: str
    higher_is_better: bool | None
    value: Callable[[Sample], float]

    @property
    def label(self) -> str:
        """The name as a person reads it."""
        return " ".join(SPELT.get(word, word) for word in self.name.split("_"))


UP, NO, EVEN = True, False, None
BL = "Bailey & Lopez de Prado 2012"
GK = "Grinold & Kahn 2000"
M = Metric

# One table: a metric is a row, not a paragraph.
# fmt: off
METRICS: tuple[Metric, ...] = (
    M("n_obs", "return", "count", "n", "", "", EVEN, lambda s: float(s.r.size)),
    M("total_return", "return", "fraction", "V_n - 1", "", "", UP,
      lambda s: float(s.value[-1]) - 1.0),
    M("cagr", "return", "fraction", "V_n^(N/n) - 1", "trading days, not calendar days", "", UP,
      lambda s: s.cagr),
    M("mean_ann", "return", "fraction", "mean(r) N", "arithmetic", "", UP,
      lambda s: mean(s.r) * s.periods),
    M("geo_mean_daily", "return", "fraction", "V_n^(1/n) - 1", "", "", UP,
      lambda s: growth(s.r, 1.0)),
    M("log_return_ann", "return", "fraction", "log(V_n) N / n", "", "", UP, _log_growth),
    M("best_day", "return", "fraction", "max(r)", "", "", UP, lambda s: float(s.r.max())),
    M("worst_day", "return", "fraction", "min(r)", "a return, so negative", "", UP,
      lambda s: float(s.r.min())),
    M("stability_r2", "return", "ratio", "R^2 of log V on time", "", "empyrical", UP, _stability),
    M("vol_ann", "risk", "fraction", "std(r) sqrt(N)", "", "", NO, lambda s: std(s.r) * s.root),
    M("downside_dev", "risk", "fraction", "sqrt(mean(min(e, 0)^2)) sqrt(N)", "over all n days",
      "Sortino & Price 1994", NO, lambda s: s.downside * s.root),
    M("semi_dev", "risk", "fraction", "sqrt(mean(min(r - mean(r), 0)^2)) sqrt(N)",
      "over all n days", "Markowitz 1959", NO,
      lambda s: root_mean_square(np.minimum(s.r - mean(s.r), 0)) * s.root),
    M("upside_dev", "risk", "fraction", "sqrt(mean(max(e, 0)^2)) sqrt(N)", "over all n days", "",
      UP, lambda s: root_mean_square(np.maximum(s.e, 0.0)) * s.root),
    M("skew", "risk", "ratio", "G1", "bias-corrected", "Joanes & Gill 1998", UP, lambda s: s.skew),
    M("kurtosis", "risk", "ratio", "G2", "excess, bias-corrected", "Joanes & Gill 1998", NO,
      lambda s: s.kurt),
    M("var_95", "risk", "fraction", "-quantile(r, 5 %)", "historical, one day", "Jorion 2006", NO,
      lambda s: -quantile(s.r, 0.05)),
    M("var_99", "risk", "fraction", "-quantile(r, 1 %)", "historical, one day", "Jorion 2006", NO,
      lambda s: -quantile(s.r, 0.01)),
    M("var_95_gauss", "risk", "fraction", "1.645 std(r) - mean(r)", "normal", "Jorion 2006", NO,
      lambda s: Z95 * std(s.r) - mean(s.r)),
    M("var_95_cornish_fisher", "risk", "fraction", "normal VaR bent by skew and kurtosis", "",
      "Favre & Galeano 2002", NO, _cornish_fisher),
    M("cvar_95", "risk", "fraction", "-mean(r | r <= quantile(r, 5 %))", "historical",
      "Rockafellar & Uryasev 2000", NO, lambda s: -tail_mean(s.r, 0.05)),
    M("cvar_99", "risk", "fraction", "-mean(r | r <= quantile(r, 1 %))", "historical",
      "Rockafellar & Uryasev 2000", NO, lambda s: -tail_mean(s.r, 0.01)),
    M("tail_ratio", "risk", "ratio", "|quantile(r, 95 %)| / |quantile(r, 5 %)|", "", "empyrical",
      UP, lambda s: s.tail_ratio),
    M("autocorr_1", "risk", "ratio", "corr(r_t, r_t-1)", "", "", EVEN,
      lambda s: correlation(s.r[:-1], s.r[1:])),
    M("max_drawdown", "drawdown", "fraction", "max(D)", "V_0 = 1 is a peak", "", NO,
      lambda s: max(float(s.down.max()), 0.0)),
    M("current_drawdown", "drawdown", "fraction", "D_n", "", "", NO, lambda s: float(s.down[-1])),
    M("avg_drawdown", "drawdown", "fraction", "mean depth of the spells below the peak", "", "", NO,
      lambda s: mean(s.depths)),
    M("drawdown_count", "drawdown", "count", "spells below the peak", "", "", NO,
      lambda s: float(s.depths.size)),
    M("longest_drawdown", "drawdown", "days", "longest spell below the peak", "trading days", "",
      NO, lambda s: longest(s.down > TINY)),
    M("time_under_water", "drawdown", "fraction", "share of days with D > 0", "", "", NO,
      lambda s: float((s.down > TINY).mean())),
    M("ulcer_index", "drawdown", "fraction", "sqrt(mean(D^2))", "divides by n", "Martin 1987", NO,
      lambda s: root_mean_square(s.down)),
    M("pain_index", "drawdown", "fraction", "mean(D)", "", "Becker 2006", NO,
      lambda s: mean(s.down)),
    M("sharpe", "ratio", "ratio", "mean(e) / std(e) sqrt(N)", "", "Sharpe 1994", UP,
      lambda s: s.sr * s.root),
    M("sharpe_se", "ratio", "ratio", "sqrt((1 + SR^2 / 2) / n) sqrt(N)",
      "independent normal returns", "Lo 2002", NO,
      lambda s: math.sqrt((1 + s.sr**2 / 2) / s.r.size) * s.root),
    M("psr", "ratio", "fraction", "Phi(SR sqrt(n - 1) / sqrt(1 - G1 SR + (G2 + 2) / 4 SR^2))",
      "probability that the true Sharpe ratio is above 0", BL, UP, _psr),
    M("min_track_record", "ratio", "years",
      "(1 + (1 - G1 SR + (G2 + 2) / 4 SR^2) (1.645 / SR)^2) / N",
      "years until PSR would be 95 %; NaN when SR <= 0", BL, NO,
      lambda s: (1 + s.sr_variance * (Z95 / s.sr) ** 2) / s.periods if s.sr > 0 else NAN),
    M("sortino", "ratio", "ratio", "mean(e) N / downside_dev", "target f, over all n days",
      "Sortino & Price 1994", UP, lambda s: ratio(mean(s.e), s.downside) * s.root),
    M("calmar", "ratio", "ratio", "cagr / max_drawdown", "whole life (also called MAR)",
      "Young 1991", UP, lambda s: ratio(s.cagr, float(s.down.max()))),
    M("calmar_36m", "ratio", "ratio", "cagr / max_drawdown of the last 3 N days",
      "NaN when there are fewer", "Young 1991", UP, _calmar_36m),
    M("sterling", "ratio", "ratio", "cagr / avg_drawdown", "without the 10 % of 1981",
      "Kestner 1996", UP, lambda s: ratio(s.cagr, mean(s.depths))),
    M("burke", "ratio", "ratio", "(cagr - rf) / sqrt(sum depth^2)", "all spells", "Burke 1994", UP,
      lambda s: ratio(s.cagr - s.rf, math.sqrt(float((s.depths**2).sum())))),
    M("martin", "ratio", "ratio", "(cagr - rf) / ulcer_index", "also called UPI", "Martin 1987", UP,
      lambda s: ratio(s.cagr - s.rf, root_mean_square(s.down))),
    M("pain_ratio", "ratio", "ratio", "(cagr - rf) / pain_index", "", "Becker 2006", UP,
      lambda s: ratio(s.cagr - s.rf, mean(s.down))),
    M("omega", "ratio", "ratio", "sum(max(e, 0)) / sum(max(-e, 0))", "threshold f",
      "Keating & Shadwick 2002", UP,
      lambda s: ratio(float(np.maximum(s.e, 0).sum()), float(np.maximum(-s.e, 0).sum()))),
    M("gain_to_pain", "ratio", "ratio", "sum(r) / sum(|r| | r < 0)", "daily", "Schwager 2012", UP,
      lambda s: ratio(float(s.r.sum()), -float(s.losses.sum()))),
    M("rachev", "ratio", "ratio", "mean(r | r >= quantile(r, 95 %)) / cvar_95", "",
      "Biglova et al. 2004", UP, lambda s: ratio(-tail_mean(-s.r, 0.05), -tail_mean(s.r, 0.05))),
    M("recovery_factor", "ratio", "ratio", "sum(r) / max_drawdown", "simple sum", "quantstats", UP,
      lambda s: ratio(float(s.r.sum()), float(s.down.max()))),
    M("common_sense", "ratio", "ratio", "profit_factor tail_ratio", "", "quantstats", UP,
      lambda s: s.profit_factor * s.tail_ratio),
    M("kelly", "ratio", "fraction", "p - (1 - p) / payoff, p = win_days", "two outcomes",
      "Kelly 1956", UP, lambda s: s.win_share - ratio(1 - s.win_share, s.payoff)),
    M("win_days", "days", "fraction", "count(r > 0) / count(r != 0)",
      "days without result left out", "", UP, lambda s: s.win_share),
    M("avg_win", "days", "fraction", "mean(r | r > 0)", "", "", UP, lambda s: mean(s.wins)),
    M("avg_loss", "days", "fraction", "mean(r | r < 0)", "a return, so negative", "", UP,
      lambda s: mean(s.losses)),
    M("payoff", "days", "ratio", "avg_win / |avg_loss|", "", "", UP, lambda s: s.payoff),
    M("profit_factor", "days", "ratio", "sum(r | r > 0) / sum(|r| | r < 0)", "", "", UP,
      lambda s: s.profit_factor),
    M("expectancy", "days", "fraction", "mean(r | r != 0)", "days without result left out", "", UP,
      lambda s: mean(s.r[s.r != 0])),
    M("cpc_index", "days", "ratio", "profit_factor win_days payoff", "", "Vince 1990", UP,
      lambda s: s.profit_factor * s.win_share * s.payoff),
    M("longest_winning", "days", "days", "longest run of r > 0", "", "", UP,
      lambda s: longest(s.r > 0)),
    M("longest_losing", "days", "days", "longest run of r < 0", "", "", NO,
      lambda s: longest(s.r < 0)),
    M("exposure", "days", "fraction", "share of days with r != 0", "", "", EVEN,
      lambda s: float((s.r != 0).mean())),
    M("beta", "benchmark", "ratio", "cov(e, be) / var(be)", "", "Sharpe 1964", EVEN,
      lambda s: s.beta),
    M("beta_t", "benchmark", "ratio", "beta / standard error", "least squares, n - 2", "", EVEN,
      lambda s: ratio(s.beta * std(s.b) * math.sqrt(max(s.b.size - 1, 0)), s.residual)),
    M("alpha", "benchmark", "fraction", "(mean(e) - beta mean(be)) N", "arithmetic", "Jensen 1968",
      UP, lambda s: s.alpha * s.periods),
    M("correlation", "benchmark", "ratio", "corr(r, b)", "", "Pearson", EVEN,
      lambda s: correlation(s.rb, s.b)),
    M("r2", "benchmark", "ratio", "corr(r, b)^2", "", "Pearson", EVEN,
      lambda s: correlation(s.rb, s.b) ** 2),
    M("tracking_error", "benchmark", "fraction", "std(r - b) sqrt(N)", "", GK, EVEN,
      lambda s: std(s.rb - s.b) * s.root),
    M("information_ratio", "benchmark", "ratio", "mean(r - b) / std(r - b) sqrt(N)", "annualised",
      GK, UP, lambda s: ratio(mean(s.rb - s.b), std(s.rb - s.b)) * s.root),
    M("active_return", "benchmark", "fraction", "cagr - cagr of the benchmark", "on common days",
      "", UP, lambda s: growth(s.rb, s.periods) - growth(s.b, s.periods)),
    M("appraisal", "benchmark", "ratio", "alpha / (residual deviation sqrt(N))",
      "least squares, n - 2", "Treynor & Black 1973", UP,
      lambda s: ratio(s.alpha, s.residual) * s.root),
    M("treynor", "benchmark", "ratio", "mean(e) N / beta", "arithmetic", "Treynor 1965", UP,
      lambda s: ratio(mean(s.rb - s.f) * s.periods, s.beta)),
    M("m2", "benchmark", "fraction", "rf + sharpe std(be) sqrt(N)", "", "Modigliani 1997", UP,
      lambda s: s.rf + ratio(mean(s.rb - s.f), std(s.rb)) * std(s.b) * s.periods),
    M("up_capture", "benchmark", "ratio", "cagr(r | b > 0) / cagr(b | b > 0)", "geometric",
      "Morningstar", UP, lambda s: _captured(s, s.b > 0)),
    M("down_capture", "benchmark", "ratio", "cagr(r | b < 0) / cagr(b | b < 0)", "geometric",
      "Morningstar", NO, lambda s: _captured(s, s.b < 0)),
    M("up_beta", "benchmark", "ratio", "beta on days with b > 0", "", "", EVEN,
      lambda s: _beta_on(s, s.b > 0)),
    M("down_beta", "benchmark", "ratio", "beta on days with b < 0", "", "", NO,
      lambda s: _beta_on(s, s.b < 0)),
    M("batting_average", "benchmark", "fraction", "share of days with r > b", "", GK, UP,
      lambda s: float((s.rb > s.b).mean())),
)
# fmt: on


def compute(
    returns: F64, benchmark: F64 | None = None, rf: float = 0.0, periods: float = PERIODS
) -> dict[str, float]:
    """All metrics of one return series.

    Args:
        returns: (n,) simple returns a period, finite.
        benchmark: (n,) simple returns of the same days; NaN on days that have none, which the
            benchmark figures leave out.
        rf: risk-free rate a year.
        periods: observations a year.

    Returns:
        name -> figure for every row of METRICS; NaN where it is not defined.

    Raises:
        ValueError: a return is missing or infinite, or the benchmark has another length.
    """
    r = np.asarray(returns, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(r))
    if bad.size:
        raise ValueError(f"return number {int(bad[0])} is {r[bad[0]]}; metrics need finite returns")
    b = np.full(r.size, NAN) if benchmark is None else np.asarray(benchmark, dtype=np.float64)
    if b.shape != r.shape:
        raise ValueError(f"{r.size} returns but {b.size} benchmark returns")
    if not r.size:
        return {m.name: 0.0 if m.name == "n_obs" else NAN for m in METRICS}
    known = np.isfinite(b)
    sample = Sample(r, b[known], r[known], rf, float(periods))
    wanted = {m.name for m in METRICS if m.group != "benchmark" or known.any()}
    with np.errstate(all="ignore"):  # a figure that overflows is NaN, which the table says
        figures = {m.name: float(m.value(sample)) for m in METRICS if m.name in wanted}
    return {m.name: x if math.isfinite(x := figures.get(m.name, NAN)) else NAN for m in METRICS}
