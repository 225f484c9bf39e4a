"""Return series, their benchmark, and what many metrics share."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from podshop.domain.money import F64, I64, Bools, Days
from podshop.research.metrics.numbers import (
    NAN,
    TINY,
    correlation,
    count,
    growth,
    largest,
    mean,
    mean_where,
    quantile,
    ratio,
    root_mean_square,
    runs,
    slope,
    std,
    total,
    value_paths,
)
from podshop.research.metrics.spans import Spans, compounded
from podshop.research.series import drawdown_series

PERIODS = 252


@dataclass(frozen=True)
class Sample:
    """P return series over the same n observations; each figure of a series is a (P, 1) column.

    Attributes:
        r: (P, n) simple returns, finite.
        rf: risk-free rate a year.
        periods: observations a year.
        benchmark: (n,) benchmark returns, NaN on days without one; None without a benchmark.
        days: (n,) datetime64[D], ascending; None when they are not known.
    """

    r: F64
    rf: float = 0.0
    periods: float = PERIODS
    benchmark: F64 | None = None
    days: Days | None = None

    @property
    def n(self) -> int:
        """Observations."""
        return int(self.r.shape[-1])

    @cached_property
    def f(self) -> float:
        """Risk-free rate a period."""
        return float((1.0 + self.rf) ** (1.0 / self.periods) - 1.0)

    @cached_property
    def root(self) -> float:
        """sqrt(N)."""
        return math.sqrt(self.periods)

    # --- returns and their shape ------------------------------------------------------------------

    @cached_property
    def e(self) -> F64:
        """(P, n) returns above the risk-free rate."""
        return self.r - self.f

    @cached_property
    def mean(self) -> F64:
        """Mean return a period."""
        return mean(self.r)

    @cached_property
    def std(self) -> F64:
        """Deviation a period."""
        return std(self.r)

    @cached_property
    def premium(self) -> F64:
        """Mean return a period above the risk-free rate."""
        return mean(self.e)

    @cached_property
    def sr(self) -> F64:
        """Sharpe ratio a period."""
        return ratio(self.premium, std(self.e))

    @cached_property
    def above(self) -> F64:
        """(P, n) max(e, 0)."""
        return np.maximum(self.e, 0.0)

    @cached_property
    def short(self) -> F64:
        """(P, n) max(-e, 0)."""
        return np.maximum(-self.e, 0.0)

    @cached_property
    def downside(self) -> F64:
        """Root mean square of the shortfalls below f, over all observations."""
        return root_mean_square(self.short)

    @cached_property
    def _standard(self) -> tuple[F64, F64]:
        """Sums of the third and fourth powers of the standardised returns."""
        z = ratio(self.r - self.mean, self.std)
        square = z * z
        return total(square * z), total(square * square)

    @cached_property
    def skew(self) -> F64:
        """Sample skewness G1 (Joanes & Gill 1998)."""
        n = self.n
        return self._standard[0] * n / ((n - 1) * (n - 2)) if n > 2 else self.mean * NAN

    @cached_property
    def kurt(self) -> F64:
        """Sample excess kurtosis G2 (Joanes & Gill 1998)."""
        n = self.n
        if n < 4:
            return self.mean * NAN
        head = n * (n + 1) / ((n - 1) * (n - 2) * (n - 3)) * self._standard[1]
        return head - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))

    @cached_property
    def biased_moments(self) -> tuple[F64, F64]:
        """Skewness g1 and excess kurtosis g2 without correction for bias."""
        third, fourth = self._standard
        shrunk = self.n / max(self.n - 1, 1)  # from the sample deviation to that of the population
        return third / self.n * shrunk**1.5, fourth / self.n * shrunk**2 - 3.0

    @cached_property
    def sr_variance(self) -> F64:
        """Variance of the estimated Sharpe ratio a period, times n (Mertens 2002)."""
        return 1.0 - self.skew * self.sr + (self.kurt + 2.0) / 4.0 * self.sr**2

    @cached_property
    def autocorrelation(self) -> F64:
        """Correlation of each return with the one before."""
        return correlation(self.r[:, :-1], self.r[:, 1:])

    @cached_property
    def low_high(self) -> F64:
        """(4, P, 1) quantiles at 1 %, 5 %, 95 %, 99 %."""
        shares = [0.01, 0.05, 0.95, 0.99]
        return np.asarray(np.quantile(self.r, shares, axis=-1, keepdims=True), dtype=np.float64)

    @cached_property
    def cvar_95(self) -> F64:
        """Mean loss at or beyond the 5 % quantile."""
        return -mean_where(self.r, self.r <= self.low_high[1])

    @cached_property
    def best_5(self) -> F64:
        """Mean gain at or beyond the 95 % quantile."""
        return -mean_where(-self.r, -self.r <= quantile(-self.r, 0.05))

    @cached_property
    def tail_ratio(self) -> F64:
        """95 % quantile over 5 % quantile, both in size."""
        return ratio(np.abs(self.low_high[2]), np.abs(self.low_high[1]))

    # --- the value path ---------------------------------------------------------------------------

    @cached_property
    def value(self) -> F64:
        """(P, n) value path V, V_0 = 1 before it."""
        return value_paths(self.r)

    @cached_property
    def cagr(self) -> F64:
        """Compound growth a year."""
        return growth(self.r, self.periods)

    @cached_property
    def trend(self) -> F64:
        """Correlation of log V with time; NaN where everything was lost."""
        alive = (self.r > -1.0).all(axis=-1, keepdims=True)
        log_value = np.cumsum(np.log1p(np.where(alive, self.r, NAN)), axis=-1)
        return correlation(np.arange(self.n, dtype=np.float64)[None, :], log_value)

    @cached_property
    def down(self) -> F64:
        """(P, n) drawdown D."""
        return drawdown_series(self.value)

    @cached_property
    def max_down(self) -> F64:
        """Deepest drawdown."""
        return largest(self.down)

    @cached_property
    def ulcer(self) -> F64:
        """sqrt(mean(D^2))."""
        return root_mean_square(self.down)

    @cached_property
    def cdar_95(self) -> F64:
        """Mean of the drawdowns at or beyond their 95 % quantile."""
        return mean_where(self.down, self.down >= quantile(self.down, 0.95))

    @cached_property
    def spells(self) -> tuple[I64, F64, F64]:
        """Spells below the high-water mark: series, length in observations, depth."""
        row, begin, end = runs(self.down > TINY)
        wide = self.n + 1  # a column of zeros parts the series
        flat = np.zeros((len(self.r), wide))
        flat[:, :-1] = self.down
        bounds = np.stack((begin, end), axis=1) + row[:, None] * wide
        depth = np.maximum.reduceat(flat.ravel(), bounds.ravel())[::2] if row.size else np.zeros(0)
        return row, (end - begin).astype(np.float64), depth

    def over_spells(self, weight: F64) -> F64:
        """Sum of one number a spell over the spells of each series."""
        sums = np.bincount(self.spells[0], weight, minlength=len(self.r))
        return sums[:, None].astype(np.float64)

    @cached_property
    def spell_count(self) -> F64:
        """Spells of each series."""
        return np.bincount(self.spells[0], minlength=len(self.r))[:, None].astype(np.float64)

    @cached_property
    def mean_depth(self) -> F64:
        """Mean depth of the spells."""
        return ratio(self.over_spells(self.spells[2]), self.spell_count)

    # --- wins and losses --------------------------------------------------------------------------

    @cached_property
    def wins(self) -> F64:
        """Returns above zero, counted."""
        return count(self.r > 0)

    @cached_property
    def losses(self) -> F64:
        """Returns below zero, counted."""
        return count(self.r < 0)

    @cached_property
    def won(self) -> F64:
        """Sum of the returns above zero."""
        return total(np.maximum(self.r, 0.0))

    @cached_property
    def lost(self) -> F64:
        """Sum of the returns below zero, in size."""
        return total(np.maximum(-self.r, 0.0))

    @cached_property
    def win_share(self) -> F64:
        """Wins among the days with a profit or a loss."""
        return ratio(self.wins, self.wins + self.losses)

    @cached_property
    def avg_win(self) -> F64:
        """Mean of the returns above zero."""
        return ratio(self.won, self.wins)

    @cached_property
    def avg_loss(self) -> F64:
        """Mean of the returns below zero, in size."""
        return ratio(self.lost, self.losses)

    @cached_property
    def payoff(self) -> F64:
        """Mean win over mean loss."""
        return ratio(self.avg_win, self.avg_loss)

    @cached_property
    def profit_factor(self) -> F64:
        """Sum of wins over sum of losses."""
        return ratio(self.won, self.lost)

    # --- weeks, months, quarters, years -----------------------------------------------------------

    @cached_property
    def spans(self) -> Spans:
        """Where weeks, months, quarters and years begin."""
        return Spans(self.n, self.periods, self.days)

    @cached_property
    def week(self) -> F64:
        """(P, k) return of each week."""
        return compounded(self.r, self.spans.starts("week"))

    @cached_property
    def month(self) -> F64:
        """(P, k) return of each month."""
        return compounded(self.r, self.spans.starts("month"))

    @cached_property
    def quarter(self) -> F64:
        """(P, k) return of each quarter."""
        return compounded(self.r, self.spans.starts("quarter"))

    @cached_property
    def year(self) -> F64:
        """(P, k) return of each year."""
        return compounded(self.r, self.spans.starts("year"))

    # --- beside the benchmark ---------------------------------------------------------------------

    @cached_property
    def known(self) -> Bools:
        """(n,) True on days that have a benchmark return."""
        return np.zeros(self.n, bool) if self.benchmark is None else np.isfinite(self.benchmark)

    @cached_property
    def b(self) -> F64:
        """(1, m) benchmark returns on the days that have one."""
        return np.zeros((1, 0)) if self.benchmark is None else self.benchmark[None, self.known]

    @cached_property
    def rb(self) -> F64:
        """(P, m) returns of the series on those days."""
        return self.r if self.known.all() else np.ascontiguousarray(self.r[:, self.known])

    @cached_property
    def eb(self) -> F64:
        """(P, m) returns of the series above f on those days."""
        return self.rb - self.f

    @cached_property
    def be(self) -> F64:
        """(1, m) benchmark returns above f."""
        return self.b - self.f

    @cached_property
    def active(self) -> F64:
        """(P, m) r - b."""
        return self.rb - self.b

    @cached_property
    def beta(self) -> F64:
        """Least-squares slope on the benchmark."""
        return slope(self.be, self.eb)

    @cached_property
    def alpha(self) -> F64:
        """Mean return a period above f that beta does not explain."""
        return mean(self.eb) - self.beta * mean(self.be)

    @cached_property
    def residual(self) -> F64:
        """Deviation of what alpha and beta leave unexplained, two degrees of freedom used."""
        if self.b.size < 3:
            return self.beta * NAN
        x = self.eb - self.alpha - self.beta * self.be
        value = np.sqrt(total(x * x) / (self.b.size - 2))
        return np.where(value <= TINY * largest(self.rb), 0.0, value)

    def captured(self, days: Bools) -> F64:
        """Growth a year on the chosen days over the benchmark's growth on them.

        Args:
            days: (m,) the days chosen.
        """
        mine = growth(self.rb[:, days], self.periods)
        return ratio(mine, growth(self.b[:, days], self.periods))

    @cached_property
    def up_capture(self) -> F64:
        """Growth captured on days on which the benchmark rose."""
        return self.captured(self.b[0] > 0)

    @cached_property
    def down_capture(self) -> F64:
        """Growth captured on days on which the benchmark fell."""
        return self.captured(self.b[0] < 0)

    def beta_on(self, days: Bools) -> F64:
        """Slope on the benchmark, on the chosen (m,) days only."""
        return slope(self.b[:, days], np.ascontiguousarray(self.rb[:, days]))
