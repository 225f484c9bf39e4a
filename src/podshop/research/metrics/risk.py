"""Rows: how far returns scatter, how bad the bad ones are, and how deep it went."""

import numpy as np

from podshop.domain.money import F64
from podshop.research.metrics.metric import EVEN, NO, UP, Z95, Metric
from podshop.research.metrics.numbers import (
    TINY,
    count,
    longest,
    mean,
    mean_where,
    ratio,
    root_mean_square,
)
from podshop.research.metrics.sample import Sample

M = Metric


def cornish_fisher(s: Sample) -> F64:
    """95 % VaR of a normal corrected for skewness and kurtosis (Favre & Galeano 2002)."""
    z = -Z95
    bent = z + (z**2 - 1) * s.skew / 6 + (z**3 - 3 * z) * s.kurt / 24
    bent = bent - (2 * z**3 - 5 * z) * s.skew**2 / 36
    return -(s.mean + bent * s.std)


def _jarque_bera(s: Sample) -> F64:
    """Distance from a normal distribution: chi-squared with two degrees of freedom if it is one."""
    skew, kurt = s.biased_moments
    return s.n / 6 * (skew**2 + kurt**2 / 4)


# fmt: off
RISK: tuple[Metric, ...] = (
    M("vol_ann", "risk", "fraction", "std(r) sqrt(N)", "", "", NO, lambda s: s.std * s.root),
    M("downside_dev", "risk", "fraction", "sqrt(mean(min(e, 0)^2)) sqrt(N)", "over all n days",
      "Sortino & Price 1994", NO, lambda s: s.downside * s.root),
    M("semi_dev", "risk", "fraction", "sqrt(mean(min(r - mean(r), 0)^2)) sqrt(N)",
      "over all n days", "Markowitz 1959", NO,
      lambda s: root_mean_square(np.minimum(s.r - s.mean, 0.0)) * s.root),
    M("upside_dev", "risk", "fraction", "sqrt(mean(max(e, 0)^2)) sqrt(N)", "over all n days", "",
      UP, lambda s: root_mean_square(s.above) * s.root),
    M("skew", "risk", "ratio", "G1", "bias-corrected", "Joanes & Gill 1998", UP, lambda s: s.skew),
    M("kurtosis", "risk", "ratio", "G2", "excess, bias-corrected", "Joanes & Gill 1998", NO,
      lambda s: s.kurt),
    M("jarque_bera", "risk", "ratio", "n / 6 (g1^2 + g2^2 / 4)",
      "moments not bias-corrected; above 5.99 a normal is rejected at 5 %", "Jarque & Bera 1980",
      NO, _jarque_bera),
    M("var_95", "risk", "fraction", "-quantile(r, 5 %)", "historical, one day", "Jorion 2006", NO,
      lambda s: -s.low_high[1]),
    M("var_99", "risk", "fraction", "-quantile(r, 1 %)", "historical, one day", "Jorion 2006", NO,
      lambda s: -s.low_high[0]),
    M("var_95_gauss", "risk", "fraction", "1.645 std(r) - mean(r)", "normal", "Jorion 2006", NO,
      lambda s: Z95 * s.std - s.mean),
    M("var_95_cornish_fisher", "risk", "fraction", "normal VaR bent by skew and kurtosis", "",
      "Favre & Galeano 2002", NO, cornish_fisher),
    M("cvar_95", "risk", "fraction", "-mean(r | r <= quantile(r, 5 %))", "historical",
      "Rockafellar & Uryasev 2000", NO, lambda s: s.cvar_95),
    M("cvar_99", "risk", "fraction", "-mean(r | r <= quantile(r, 1 %))", "historical",
      "Rockafellar & Uryasev 2000", NO, lambda s: -mean_where(s.r, s.r <= s.low_high[0])),
    M("tail_ratio", "risk", "ratio", "|quantile(r, 95 %)| / |quantile(r, 5 %)|", "", "empyrical",
      UP, lambda s: s.tail_ratio),
    M("autocorr_1", "risk", "ratio", "corr(r_t, r_t-1)", "", "", EVEN, lambda s: s.autocorrelation),
    M("max_drawdown", "drawdown", "fraction", "max(D)", "V_0 = 1 is a peak", "", NO,
      lambda s: s.max_down),
    M("current_drawdown", "drawdown", "fraction", "D_n", "", "", NO, lambda s: s.down[:, -1:]),
    M("avg_drawdown", "drawdown", "fraction", "mean depth of the spells below the peak", "", "", NO,
      lambda s: s.mean_depth),
    M("drawdown_count", "drawdown", "count", "spells below the peak", "", "", NO,
      lambda s: s.spell_count),
    M("longest_drawdown", "drawdown", "days", "longest spell below the peak", "trading days", "",
      NO, lambda s: longest(s.down > TINY)),
    M("avg_drawdown_days", "drawdown", "days", "mean length of the spells below the peak",
      "trading days; one that lasts counts as far as it went", "", NO,
      lambda s: ratio(s.over_spells(s.spells[1]), s.spell_count)),
    M("time_under_water", "drawdown", "fraction", "share of days with D > 0", "", "", NO,
      lambda s: count(s.down > TINY) / s.n),
    M("ulcer_index", "drawdown", "fraction", "sqrt(mean(D^2))", "divides by n", "Martin 1987", NO,
      lambda s: s.ulcer),
    M("pain_index", "drawdown", "fraction", "mean(D)", "", "Becker 2006", NO,
      lambda s: mean(s.down)),
    M("cdar_95", "drawdown", "fraction", "mean(D | D >= quantile(D, 95 %))", "over all n days",
      "Chekhlov et al. 2005", NO, lambda s: s.cdar_95),
)
# fmt: on
