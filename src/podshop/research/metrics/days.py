"""Rows: how often, how much, how long in a row; by day, week, month, quarter and year."""

import numpy as np

from podshop.domain.money import F64
from podshop.research.metrics.metric import EVEN, NO, UP, Metric
from podshop.research.metrics.numbers import count, longest, mean_where, ratio, total
from podshop.research.metrics.sample import Sample

M = Metric


def _won(returns: F64) -> F64:
    """Share of gains among the spans with a gain or a loss."""
    return ratio(count(returns > 0), count(returns != 0))


def _best(returns: F64) -> F64:
    """Largest of each row."""
    return np.asarray(returns.max(axis=-1, keepdims=True), dtype=np.float64)


def _worst(returns: F64) -> F64:
    """Smallest of each row."""
    return np.asarray(returns.min(axis=-1, keepdims=True), dtype=np.float64)


def _monthly_gain_to_pain(s: Sample) -> F64:
    """Sum of the months over the sum of the bad months."""
    return ratio(total(s.month), -total(s.month.clip(max=0.0)))


# fmt: off
DAYS: tuple[Metric, ...] = (
    M("win_days", "days", "fraction", "count(r > 0) / count(r != 0)",
      "days without result left out", "", UP, lambda s: s.win_share),
    M("avg_win", "days", "fraction", "mean(r | r > 0)", "", "", UP, lambda s: s.avg_win),
    M("avg_loss", "days", "fraction", "mean(r | r < 0)", "a return, so negative", "", UP,
      lambda s: -s.avg_loss),
    M("payoff", "days", "ratio", "avg_win / |avg_loss|", "", "", UP, lambda s: s.payoff),
    M("profit_factor", "days", "ratio", "sum(r | r > 0) / sum(|r| | r < 0)", "", "", UP,
      lambda s: s.profit_factor),
    M("expectancy", "days", "fraction", "mean(r | r != 0)", "days without result left out", "", UP,
      lambda s: mean_where(s.r, s.r != 0)),
    M("cpc_index", "days", "ratio", "profit_factor win_days payoff", "", "Vince 1990", UP,
      lambda s: s.profit_factor * s.win_share * s.payoff),
    M("outlier_win", "days", "ratio", "quantile(r, 99 %) / avg_win", "", "quantstats", EVEN,
      lambda s: ratio(s.low_high[3], s.avg_win)),
    M("outlier_loss", "days", "ratio", "quantile(r, 1 %) / avg_loss", "", "quantstats", NO,
      lambda s: ratio(s.low_high[0], -s.avg_loss)),
    M("longest_winning", "days", "days", "longest run of r > 0", "", "", UP,
      lambda s: longest(s.r > 0)),
    M("longest_losing", "days", "days", "longest run of r < 0", "", "", NO,
      lambda s: longest(s.r < 0)),
    M("exposure", "days", "fraction", "share of days with r != 0", "", "", EVEN,
      lambda s: count(s.r != 0) / s.n),
    M("win_week", "months", "fraction", "count(week > 0) / count(week != 0)",
      "compound; Monday to Sunday, or N / 52 observations", "", UP, lambda s: _won(s.week)),
    M("win_month", "months", "fraction", "count(month > 0) / count(month != 0)",
      "compound; calendar month, or N / 12 observations; parts of one count", "", UP,
      lambda s: _won(s.month)),
    M("win_quarter", "months", "fraction", "count(quarter > 0) / count(quarter != 0)",
      "compound; calendar quarter, or N / 4 observations; parts of one count", "", UP,
      lambda s: _won(s.quarter)),
    M("win_year", "months", "fraction", "count(year > 0) / count(year != 0)",
      "compound; calendar year, or N observations; parts of one count", "", UP,
      lambda s: _won(s.year)),
    M("best_month", "months", "fraction", "max(month)", "as win_month", "", UP,
      lambda s: _best(s.month)),
    M("worst_month", "months", "fraction", "min(month)", "as win_month; negative for a loss", "",
      UP, lambda s: _worst(s.month)),
    M("best_year", "months", "fraction", "max(year)", "as win_year", "", UP,
      lambda s: _best(s.year)),
    M("worst_year", "months", "fraction", "min(year)", "as win_year; negative for a loss", "", UP,
      lambda s: _worst(s.year)),
    M("avg_up_month", "months", "fraction", "mean(month | month > 0)", "as win_month", "", UP,
      lambda s: mean_where(s.month, s.month > 0)),
    M("avg_down_month", "months", "fraction", "mean(month | month < 0)",
      "as win_month; a return, so negative", "", UP, lambda s: mean_where(s.month, s.month < 0)),
    M("gain_to_pain_month", "months", "ratio", "sum(month) / sum(|month| | month < 0)",
      "as win_month", "Schwager 2012", UP, _monthly_gain_to_pain),
    M("longest_losing_months", "months", "count", "longest run of month < 0", "as win_month", "",
      NO, lambda s: longest(s.month < 0)),
)
# fmt: on
