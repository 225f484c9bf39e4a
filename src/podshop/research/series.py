"""A series of returns: its value path, its drawdowns, its years, and what many metrics share.

A figure whose denominator is zero is NaN. Drawdowns are positive shares lost; the value before the
first row counts as a peak, so a loss on the first day is a drawdown.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from podshop.domain.money import F64, Bools, Days

NAN = math.nan
TINY = 1e-12
"""Deviations below this share of the largest value are rounding noise, not risk."""


def mean(x: F64) -> float:
    """Mean; NaN of nothing."""
    return float(x.mean()) if x.size else NAN


def std(x: F64, ddof: int = 1) -> float:
    """Sample deviation; exactly 0 for a constant, NaN for too few observations."""
    if x.size <= ddof:
        return NAN
    value = math.sqrt(float(((x - x.mean()) ** 2).sum()) / (x.size - ddof))
    return 0.0 if value <= TINY * float(np.abs(x).max()) else value


def ratio(above: float, below: float) -> float:
    """Above / below; NaN where below is zero or unknown."""
    return above / below if below != 0.0 and math.isfinite(below) else NAN


def root_mean_square(x: F64) -> float:
    """sqrt(mean(x^2)); NaN of nothing."""
    return math.sqrt(mean(x**2)) if x.size else NAN


def growth(r: F64, periods: float) -> float:
    """Compound growth a year of the returns r; NaN when more than everything was lost."""
    total = np.prod(1.0 + r)
    return float(total ** (periods / r.size)) - 1.0 if r.size and total >= 0.0 else NAN


def correlation(x: F64, y: F64) -> float:
    """Pearson correlation; NaN when either is constant."""
    scale = std(x) * std(y)
    cov = float(((x - mean(x)) * (y - mean(y))).sum()) / max(x.size - 1, 1)
    return ratio(cov, scale)


def slope(x: F64, y: F64) -> float:
    """Least-squares slope of y on x; NaN when x is constant."""
    deviation = std(x)
    cov = float(((x - mean(x)) * (y - mean(y))).sum()) / max(x.size - 1, 1)
    return ratio(cov, deviation * deviation)


def quantile(x: F64, share: float) -> float:
    """Historical quantile, linear between order statistics."""
    return float(np.quantile(x, share))


def tail_mean(x: F64, share: float) -> float:
    """Mean of the values at or below the `share` quantile."""
    return mean(x[x <= quantile(x, share)])


def longest(mask: Bools) -> float:
    """Length of the longest unbroken run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return float((edges[1::2] - edges[::2]).max()) if edges.size else 0.0


def value_path(returns: F64) -> F64:
    """(T,) worth of one unit after each return, starting from 1 before the first."""
    return np.cumprod(1.0 + returns, dtype=np.float64)


def drawdown_series(unit: F64, start: float = 1.0) -> F64:
    """Share lost since the high-water mark, as a positive number.

    Args:
        unit: (T,) unit values or any value path.
        start: the value before the first row; it counts as a peak.

    Returns:
        (T,) 1 - value / highest value so far.
    """
    return 1.0 - unit / np.maximum(np.maximum.accumulate(unit), start)


@dataclass(frozen=True, slots=True)
class Spell:
    """One spell below the high-water mark; rows count from 0.

    Attributes:
        begin: first row below the mark.
        trough: row of the deepest point.
        end: first row back at the mark, None while it lasts.
        depth: share lost at the trough.
    """

    begin: int
    trough: int
    end: int | None
    depth: float


def underwater(unit: F64, start: float = 1.0) -> list[Spell]:
    """The spells below the high-water mark, oldest first.

    Args:
        unit: (T,) unit values.
        start: the value before the first row.
    """
    down = drawdown_series(unit, start)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], (down > TINY).astype(np.int8), [0]))))
    spells = []
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        trough = begin + int(np.argmax(down[begin:end]))
        spells.append(Spell(begin, trough, end if end < unit.size else None, float(down[trough])))
    return spells


def yearly(days: Days, returns: F64) -> dict[int, float]:
    """Compound return of each calendar year.

    Args:
        days: (T,) datetime64[D], ascending.
        returns: (T,) simple returns of those days.

    Returns:
        year -> compound return of its days; the first and last year may be part of one.
    """
    year_t = days.astype("datetime64[Y]").astype(np.int64) + 1970
    years, first = np.unique(year_t, return_index=True)
    if not years.size:
        return {}
    growth = np.multiply.reduceat(1.0 + returns, first)
    return {int(y): float(g) - 1.0 for y, g in zip(years, growth, strict=True)}


@dataclass(frozen=True)
class Sample:
    """One return series, its benchmark, and what many metrics share.

    Attributes:
        r: (n,) simple returns, finite.
        b: (m,) benchmark returns on the days that have one; empty without a benchmark.
        rb: (m,) returns of the series on those days.
        rf: risk-free rate a year.
        periods: observations a year.
    """

    r: F64
    b: F64
    rb: F64
    rf: float
    periods: float

    @cached_property
    def f(self) -> float:
        """Risk-free rate a period."""
        return float((1.0 + self.rf) ** (1.0 / self.periods) - 1.0)

    @cached_property
    def root(self) -> float:
        """sqrt(N)."""
        return math.sqrt(self.periods)

    @cached_property
    def e(self) -> F64:
        """(n,) returns above the risk-free rate."""
        return self.r - self.f

    @cached_property
    def value(self) -> F64:
        """(n,) value path V, V_0 = 1 before it."""
        return value_path(self.r)

    @cached_property
    def down(self) -> F64:
        """(n,) drawdown D."""
        return drawdown_series(self.value)

    @cached_property
    def depths(self) -> F64:
        """(k,) depth of each spell below the high-water mark."""
        return np.array([s.depth for s in underwater(self.value)], dtype=np.float64)

    @cached_property
    def cagr(self) -> float:
        """Compound growth a year."""
        return growth(self.r, self.periods)

    @cached_property
    def sr(self) -> float:
        """Sharpe ratio a period."""
        return ratio(mean(self.e), std(self.e))

    @cached_property
    def skew(self) -> float:
        """Sample skewness G1 (Joanes & Gill 1998)."""
        n, s = self.r.size, std(self.r)
        if n < 3 or s == 0.0:
            return NAN
        return n / ((n - 1) * (n - 2)) * float((((self.r - self.r.mean()) / s) ** 3).sum())

    @cached_property
    def kurt(self) -> float:
        """Sample excess kurtosis G2 (Joanes & Gill 1998)."""
        n, s = self.r.size, std(self.r)
        if n < 4 or s == 0.0:
            return NAN
        fourth = float((((self.r - self.r.mean()) / s) ** 4).sum())
        head = n * (n + 1) / ((n - 1) * (n - 2) * (n - 3)) * fourth
        return head - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))

    @cached_property
    def sr_variance(self) -> float:
        """Variance of the estimated Sharpe ratio a period, times n (Mertens 2002)."""
        return 1.0 - self.skew * self.sr + (self.kurt + 2.0) / 4.0 * self.sr**2

    @cached_property
    def wins(self) -> F64:
        """Returns above zero."""
        return self.r[self.r > 0]

    @cached_property
    def losses(self) -> F64:
        """Returns below zero."""
        return self.r[self.r < 0]

    @cached_property
    def win_share(self) -> float:
        """Wins among the days with a profit or a loss."""
        return ratio(float(self.wins.size), float(self.wins.size + self.losses.size))

    @cached_property
    def payoff(self) -> float:
        """Mean win over mean loss."""
        return ratio(mean(self.wins), -mean(self.losses))

    @cached_property
    def profit_factor(self) -> float:
        """Sum of wins over sum of losses."""
        return ratio(float(self.wins.sum()), -float(self.losses.sum()))

    @cached_property
    def tail_ratio(self) -> float:
        """95 % quantile over 5 % quantile, both in size."""
        return ratio(abs(quantile(self.r, 0.95)), abs(quantile(self.r, 0.05)))

    @cached_property
    def downside(self) -> float:
        """Root mean square of the shortfalls below f, over all observations."""
        return root_mean_square(np.minimum(self.e, 0.0))

    @cached_property
    def beta(self) -> float:
        """Least-squares slope on the benchmark."""
        return slope(self.b - self.f, self.rb - self.f)

    @cached_property
    def alpha(self) -> float:
        """Mean return a period above f that beta does not explain."""
        return mean(self.rb - self.f) - self.beta * mean(self.b - self.f)

    @cached_property
    def residual(self) -> float:
        """Deviation of what alpha and beta leave unexplained, two degrees of freedom used."""
        x = (self.rb - self.f) - self.alpha - self.beta * (self.b - self.f)
        value = math.sqrt(float((x**2).sum()) / (x.size - 2)) if x.size > 2 else NAN
        return 0.0 if value <= TINY * float(np.abs(self.rb).max(initial=0.0)) else value
