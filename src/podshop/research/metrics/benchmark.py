"""Rows: beside a benchmark, on the days that have one."""

import math

import numpy as np

from podshop.domain.money import F64
from podshop.research.metrics.metric import EVEN, NO, UP, Metric
from podshop.research.metrics.numbers import correlation, count, growth, mean, ratio, std
from podshop.research.metrics.sample import Sample
from podshop.research.metrics.spans import compounded

M = Metric
GK = "Grinold & Kahn 2000"


def _alpha_t(s: Sample) -> F64:
    """Alpha over its standard error, residual sqrt(1/m + mean(be)^2 / sum((be - mean(be))^2))."""
    m, center, spread = s.b.size, mean(s.be), std(s.be) ** 2 * max(s.b.size - 1, 0)
    return ratio(s.alpha, s.residual * np.sqrt(1.0 / m + ratio(center**2, spread)))


def _batting_month(s: Sample) -> F64:
    """Share of months better than the benchmark's."""
    starts = s.spans.only(s.known).starts("month")
    better = compounded(s.rb, starts) > compounded(s.b, starts)
    return count(better) / len(starts)


# fmt: off
BENCHMARK: tuple[Metric, ...] = (
    M("beta", "benchmark", "ratio", "cov(e, be) / var(be)", "", "Sharpe 1964", EVEN,
      lambda s: s.beta),
    M("beta_t", "benchmark", "ratio", "beta / standard error", "least squares, n - 2", "", EVEN,
      lambda s: ratio(s.beta * std(s.b) * math.sqrt(max(s.b.size - 1, 0)), s.residual)),
    M("alpha", "benchmark", "fraction", "(mean(e) - beta mean(be)) N", "arithmetic", "Jensen 1968",
      UP, lambda s: s.alpha * s.periods),
    M("alpha_t", "benchmark", "ratio", "alpha / standard error", "least squares, n - 2",
      "Jensen 1968", UP, _alpha_t),
    M("alpha_compound", "benchmark", "fraction", "(1 + alpha / N)^N - 1", "compounded",
      "empyrical", UP, lambda s: (1.0 + s.alpha) ** s.periods - 1.0),
    M("correlation", "benchmark", "ratio", "corr(r, b)", "", "Pearson", EVEN,
      lambda s: correlation(s.rb, s.b)),
    M("r2", "benchmark", "ratio", "corr(r, b)^2", "", "Pearson", EVEN,
      lambda s: correlation(s.rb, s.b) ** 2),
    M("tracking_error", "benchmark", "fraction", "std(r - b) sqrt(N)", "", GK, EVEN,
      lambda s: std(s.active) * s.root),
    M("information_ratio", "benchmark", "ratio", "mean(r - b) / std(r - b) sqrt(N)", "annualised",
      GK, UP, lambda s: ratio(mean(s.active), std(s.active)) * s.root),
    M("active_return", "benchmark", "fraction", "cagr - cagr of the benchmark", "on common days",
      "", UP, lambda s: growth(s.rb, s.periods) - growth(s.b, s.periods)),
    M("appraisal", "benchmark", "ratio", "alpha / (residual deviation sqrt(N))",
      "least squares, n - 2", "Treynor & Black 1973", UP,
      lambda s: ratio(s.alpha, s.residual) * s.root),
    M("treynor", "benchmark", "ratio", "mean(e) N / beta", "arithmetic", "Treynor 1965", UP,
      lambda s: ratio(mean(s.eb) * s.periods, s.beta)),
    M("m2", "benchmark", "fraction", "rf + sharpe std(be) sqrt(N)", "", "Modigliani 1997", UP,
      lambda s: s.rf + ratio(mean(s.eb), std(s.rb)) * std(s.b) * s.periods),
    M("up_capture", "benchmark", "ratio", "cagr(r | b > 0) / cagr(b | b > 0)", "geometric",
      "Morningstar", UP, lambda s: s.up_capture),
    M("down_capture", "benchmark", "ratio", "cagr(r | b < 0) / cagr(b | b < 0)", "geometric",
      "Morningstar", NO, lambda s: s.down_capture),
    M("capture_ratio", "benchmark", "ratio", "up_capture / down_capture",
      "NaN unless both are positive, as a ratio of other signs cannot be ranked", "Morningstar",
      UP, lambda s: np.where((s.up_capture > 0) & (s.down_capture > 0),
                             ratio(s.up_capture, s.down_capture), math.nan)),
    M("up_beta", "benchmark", "ratio", "beta on days with b > 0", "", "", EVEN,
      lambda s: s.beta_on(s.b[0] > 0)),
    M("down_beta", "benchmark", "ratio", "beta on days with b < 0", "", "", NO,
      lambda s: s.beta_on(s.b[0] < 0)),
    M("batting_average", "benchmark", "fraction", "share of days with r > b", "", GK, UP,
      lambda s: count(s.rb > s.b) / s.b.size),
    M("batting_month", "benchmark", "fraction", "share of months with month > month of b",
      "compound, on common days; months as win_month", "Morningstar", UP, _batting_month),
)
# fmt: on
