"""Rows: return against risk."""

import math

import numpy as np

from podshop.domain.money import F64
from podshop.research.metrics.metric import NO, UP, Z95, Metric
from podshop.research.metrics.numbers import (
    NAN,
    TINY,
    count,
    growth,
    mean,
    ratio,
    total,
    value_paths,
)
from podshop.research.metrics.risk import cornish_fisher
from podshop.research.metrics.sample import Sample
from podshop.research.series import drawdown_series

M = Metric
BL = "Bailey & Lopez de Prado 2012"


def _psr(s: Sample) -> F64:
    """Probability that the true Sharpe ratio is above zero."""
    variance = np.where(s.sr_variance > 0, s.sr_variance, NAN)
    z = s.sr * np.sqrt((s.n - 1) / variance)
    erf = np.array([math.erf(x / math.sqrt(2.0)) for x in z.ravel().tolist()])
    return 0.5 * (1.0 + erf[:, None])


def _sharpe_lo(s: Sample) -> F64:
    """Sharpe ratio a year when returns follow upon each other (Lo 2002, equation 20).

    Lo adds up N - 1 autocorrelations; all but the first few of daily returns are noise, which
    would outweigh them, so the sum ends at the lag at which Newey & West (1994) end theirs.
    """
    x, whole = s.r - s.mean, s.periods
    scale = total(x * x)
    last = min(int(4 * (s.n / 100) ** (2 / 9)), math.ceil(whole) - 1, s.n - 1)
    rho = [ratio(total(x[:, k:] * x[:, :-k]), scale) for k in range(1, last + 1)]
    spread = whole + 2 * sum((whole - k) * rho_k for k, rho_k in enumerate(rho, start=1))
    return s.sr * whole / np.sqrt(np.where((spread > 0) & (s.std > 0), spread, NAN))


def _penalty(s: Sample) -> F64:
    """What quantstats divides its smart ratios by.

    sqrt(1 + 2 sum over k = 1 .. n - 1 of (n - k) / n |c|^k), c = autocorr_1. The sum is taken up
    to the lag beyond which every |c|^k is below the last digit of 1.
    """
    c = np.abs(s.autocorrelation)
    widest = float(np.nanmax(c, initial=0.0))
    enough = s.n - 1 if widest >= 1.0 else math.ceil(-42.0 / math.log(max(widest, 1e-18)))
    k = np.arange(1, min(s.n - 1, enough) + 1)
    return np.sqrt(1.0 + 2.0 * total((s.n - k) / s.n * c**k))


def _calmar_36m(s: Sample) -> F64 | float:
    """Calmar over the last three years; NaN when there are fewer."""
    last = s.r[:, -int(3 * s.periods) :]
    if last.shape[-1] < int(3 * s.periods):
        return NAN
    depth = drawdown_series(value_paths(last)).max(axis=-1, keepdims=True)
    return ratio(growth(last, s.periods), depth)


def _k_ratio(s: Sample) -> F64:
    """Slope of log V over its standard error, which is r sqrt(n - 2) / sqrt(1 - r^2)."""
    unexplained = 1.0 - s.trend**2
    t = s.trend * np.sqrt(ratio(max(s.n - 2, 0), np.where(unexplained > TINY, unexplained, NAN)))
    return t * s.root / s.n if s.n > 2 else t * NAN


def _min_track_record(s: Sample) -> F64:
    """Years until the probabilistic Sharpe ratio would be 95 %."""
    return (1 + s.sr_variance * (Z95 / np.where(s.sr > 0, s.sr, NAN)) ** 2) / s.periods


# fmt: off
RATIOS: tuple[Metric, ...] = (
    M("sharpe", "ratio", "ratio", "mean(e) / std(e) sqrt(N)", "", "Sharpe 1994", UP,
      lambda s: s.sr * s.root),
    M("sharpe_se", "ratio", "ratio", "sqrt((1 + SR^2 / 2) / n) sqrt(N)",
      "independent normal returns", "Lo 2002", NO,
      lambda s: np.sqrt((1 + s.sr**2 / 2) / s.n) * s.root),
    M("sharpe_se_mertens", "ratio", "ratio", "sqrt((1 - G1 SR + (G2 + 2) / 4 SR^2) / n) sqrt(N)",
      "independent returns of any distribution", "Mertens 2002", NO,
      lambda s: np.sqrt(s.sr_variance / s.n) * s.root),
    M("sharpe_t", "ratio", "ratio", "SR sqrt(n)", "of mean(e) = 0", "Student 1908", UP,
      lambda s: s.sr * math.sqrt(s.n)),
    M("sharpe_lo", "ratio", "ratio", "SR N / sqrt(N + 2 sum((N - k) rho_k, k = 1 .. m))",
      "m = 4 (n / 100)^(2/9) lags (Newey & West 1994), not N - 1: the rest is noise", "Lo 2002",
      UP, _sharpe_lo),
    M("smart_sharpe", "ratio", "ratio",
      "sharpe / sqrt(1 + 2 sum((n - k) / n |autocorr_1|^k, k = 1 .. n - 1))",
      "penalises either sign", "quantstats", UP, lambda s: s.sr * s.root / _penalty(s)),
    M("adjusted_sharpe", "ratio", "ratio", "SR (1 + G1 SR / 6 - G2 SR^2 / 24) sqrt(N)",
      "adjusted a day, then annualised", "Pezier & White 2006", UP,
      lambda s: s.sr * (1 + s.skew * s.sr / 6 - s.kurt * s.sr**2 / 24) * s.root),
    M("psr", "ratio", "fraction", "Phi(SR sqrt(n - 1) / sqrt(1 - G1 SR + (G2 + 2) / 4 SR^2))",
      "probability that the true Sharpe ratio is above 0", BL, UP, _psr),
    M("min_track_record", "ratio", "years",
      "(1 + (1 - G1 SR + (G2 + 2) / 4 SR^2) (1.645 / SR)^2) / N",
      "years until PSR would be 95 %; NaN when SR <= 0", BL, NO, _min_track_record),
    M("sortino", "ratio", "ratio", "mean(e) N / downside_dev", "target f, over all n days",
      "Sortino & Price 1994", UP, lambda s: ratio(s.premium, s.downside) * s.root),
    M("adjusted_sortino", "ratio", "ratio", "sortino / sqrt(2)",
      "equals Sharpe for a symmetric distribution around f", "Schwager 2012", UP,
      lambda s: ratio(s.premium, s.downside) * s.root / math.sqrt(2.0)),
    M("smart_sortino", "ratio", "ratio", "sortino over the penalty of smart_sharpe",
      "penalises either sign", "quantstats", UP,
      lambda s: ratio(s.premium, s.downside) * s.root / _penalty(s)),
    M("kappa3", "ratio", "ratio", "mean(e) / mean(max(-e, 0)^3)^(1/3)", "a day, not annualised",
      "Kaplan & Knowles 2004", UP,
      lambda s: ratio(s.premium, np.cbrt(mean(s.short * s.short * s.short)))),
    M("upside_potential", "ratio", "ratio", "mean(max(e, 0)) / sqrt(mean(min(e, 0)^2))", "",
      "Sortino et al. 1999", UP, lambda s: ratio(mean(s.above), s.downside)),
    M("modified_sharpe", "ratio", "ratio", "mean(e) / var_95_cornish_fisher",
      "a day, not annualised; NaN when that VaR is a gain", "Gregoriou & Gueyie 2003", UP,
      lambda s: ratio(s.premium, np.where((var := cornish_fisher(s)) > 0, var, NAN))),
    M("starr", "ratio", "ratio", "mean(e) / cvar_95",
      "a day, not annualised; NaN when the tail is a gain", "Martin, Rachev & Siboulet 2003", UP,
      lambda s: ratio(s.premium, np.where(s.cvar_95 > 0, s.cvar_95, NAN))),
    M("calmar", "ratio", "ratio", "cagr / max_drawdown", "whole life (also called MAR)",
      "Young 1991", UP, lambda s: ratio(s.cagr, s.max_down)),
    M("calmar_36m", "ratio", "ratio", "cagr / max_drawdown of the last 3 N days",
      "NaN when there are fewer", "Young 1991", UP, _calmar_36m),
    M("sterling", "ratio", "ratio", "cagr / avg_drawdown", "without the 10 % of 1981",
      "Kestner 1996", UP, lambda s: ratio(s.cagr, s.mean_depth)),
    M("burke", "ratio", "ratio", "(cagr - rf) / sqrt(sum depth^2)", "all spells", "Burke 1994", UP,
      lambda s: ratio(s.cagr - s.rf, np.sqrt(s.over_spells(s.spells[2] ** 2)))),
    M("martin", "ratio", "ratio", "(cagr - rf) / ulcer_index", "also called UPI", "Martin 1987", UP,
      lambda s: ratio(s.cagr - s.rf, s.ulcer)),
    M("pain_ratio", "ratio", "ratio", "(cagr - rf) / pain_index", "", "Becker 2006", UP,
      lambda s: ratio(s.cagr - s.rf, mean(s.down))),
    M("serenity", "ratio", "ratio", "(cagr - rf) vol_ann / (ulcer_index cdar_95)",
      "pitfall = cdar_95 / vol_ann", "KeyQuant 2013", UP,
      lambda s: ratio((s.cagr - s.rf) * s.std * s.root, s.ulcer * s.cdar_95)),
    M("omega", "ratio", "ratio", "sum(max(e, 0)) / sum(max(-e, 0))", "threshold f",
      "Keating & Shadwick 2002", UP, lambda s: ratio(total(s.above), total(s.short))),
    M("gain_to_pain", "ratio", "ratio", "sum(r) / sum(|r| | r < 0)", "daily", "Schwager 2012", UP,
      lambda s: ratio(total(s.r), s.lost)),
    M("rachev", "ratio", "ratio", "mean(r | r >= quantile(r, 95 %)) / cvar_95", "",
      "Biglova et al. 2004", UP, lambda s: ratio(s.best_5, s.cvar_95)),
    M("k_ratio", "ratio", "ratio", "slope of log V on time / its standard error sqrt(N) / n",
      "the version of 2013; least squares, n - 2", "Kestner 2013", UP, _k_ratio),
    M("recovery_factor", "ratio", "ratio", "sum(r) / max_drawdown", "simple sum", "quantstats", UP,
      lambda s: ratio(total(s.r), s.max_down)),
    M("common_sense", "ratio", "ratio", "profit_factor tail_ratio", "", "quantstats", UP,
      lambda s: s.profit_factor * s.tail_ratio),
    M("kelly", "ratio", "fraction", "p - (1 - p) / payoff, p = win_days", "two outcomes",
      "Kelly 1956", UP, lambda s: s.win_share - ratio(1 - s.win_share, s.payoff)),
    M("kelly_continuous", "ratio", "ratio", "mean(e) / var(e)",
      "leverage for the fastest growth if the past were known to return", "Thorp 2006", UP,
      lambda s: ratio(s.sr, s.std)),
    M("return_on_exposure", "ratio", "fraction", "cagr / exposure", "", "quantstats (rar)", UP,
      lambda s: ratio(s.cagr, count(s.r != 0) / s.n)),
)
# fmt: on
