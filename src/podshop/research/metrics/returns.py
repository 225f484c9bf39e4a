"""Rows: how much was earned, over the whole life and lately."""

from collections.abc import Callable

import numpy as np

from podshop.domain.money import F64
from podshop.research.metrics.metric import EVEN, UP, Metric
from podshop.research.metrics.numbers import NAN, growth
from podshop.research.metrics.sample import Sample

M = Metric


def _log_growth(s: Sample) -> F64:
    """Mean log return a year."""
    alive = (s.value > 0).all(axis=-1, keepdims=True)
    return np.log(np.where(alive, s.value[:, -1:], NAN)) * s.periods / s.n


def _cagr_calendar(s: Sample) -> F64:
    """Compound growth a calendar year."""
    return np.where(s.value[:, -1:] < 0, NAN, np.abs(s.value[:, -1:])) ** (1 / s.spans.years) - 1.0


def _to_date(span: str) -> Callable[[Sample], F64 | float]:
    """Return of the calendar month, quarter or year that the last day is in."""

    def value(s: Sample) -> F64 | float:
        if s.days is None:
            return NAN
        return growth(last := s.r[:, s.spans.starts(span)[-1] :], last.shape[-1])

    return value


def _trailing(months: int) -> Callable[[Sample], F64 | float]:
    """Compound return of the last months; a year's where they are more than twelve."""

    def value(s: Sample) -> F64 | float:
        first = s.spans.last(months)
        if first is None or first == s.n:
            return NAN
        last = s.r[:, first:]
        return growth(last, last.shape[-1] / max(months / 12, 1.0))

    return value


# fmt: off
RETURNS: tuple[Metric, ...] = (
    M("n_obs", "return", "count", "n", "", "", EVEN, lambda s: float(s.n)),
    M("total_return", "return", "fraction", "V_n - 1", "", "", UP, lambda s: s.value[:, -1:] - 1.0),
    M("cagr", "return", "fraction", "V_n^(N/n) - 1", "trading days, not calendar days", "", UP,
      lambda s: s.cagr),
    M("cagr_calendar", "return", "fraction", "V_n^(1 / calendar years) - 1",
      "years of 365.25 days, with one mean step before the first day; NaN without days", "", UP,
      _cagr_calendar),
    M("mean_ann", "return", "fraction", "mean(r) N", "arithmetic", "", UP,
      lambda s: s.mean * s.periods),
    M("geo_mean_daily", "return", "fraction", "V_n^(1/n) - 1", "", "", UP,
      lambda s: growth(s.r, 1.0)),
    M("log_return_ann", "return", "fraction", "log(V_n) N / n", "", "", UP, _log_growth),
    M("best_day", "return", "fraction", "max(r)", "", "", UP,
      lambda s: s.r.max(axis=-1, keepdims=True)),
    M("worst_day", "return", "fraction", "min(r)", "a return, so negative", "", UP,
      lambda s: s.r.min(axis=-1, keepdims=True)),
    M("stability_r2", "return", "ratio", "R^2 of log V on time", "", "empyrical", UP,
      lambda s: s.trend**2),
    M("mtd", "trailing", "fraction", "V_n / V at the end of last month - 1",
      "calendar month so far; NaN without days", "", UP, _to_date("month")),
    M("qtd", "trailing", "fraction", "V_n / V at the end of last quarter - 1",
      "calendar quarter so far; NaN without days", "", UP, _to_date("quarter")),
    M("ytd", "trailing", "fraction", "V_n / V at the end of last year - 1",
      "calendar year so far; NaN without days", "", UP, _to_date("year")),
    M("return_1m", "trailing", "fraction", "V_n / V a month ago - 1",
      "calendar months to the last day, or N / 12 observations each without days", "", UP,
      _trailing(1)),
    M("return_3m", "trailing", "fraction", "V_n / V 3 months ago - 1", "as return_1m", "", UP,
      _trailing(3)),
    M("return_6m", "trailing", "fraction", "V_n / V 6 months ago - 1", "as return_1m", "", UP,
      _trailing(6)),
    M("return_1y", "trailing", "fraction", "V_n / V a year ago - 1", "as return_1m", "", UP,
      _trailing(12)),
    M("return_3y", "trailing", "fraction", "(V_n / V 3 years ago)^(1/3) - 1",
      "a year; NaN when history is shorter", "", UP, _trailing(36)),
    M("return_5y", "trailing", "fraction", "(V_n / V 5 years ago)^(1/5) - 1",
      "a year; NaN when history is shorter", "", UP, _trailing(60)),
    M("return_10y", "trailing", "fraction", "(V_n / V 10 years ago)^(1/10) - 1",
      "a year; NaN when history is shorter", "", UP, _trailing(120)),
)
# fmt: on
