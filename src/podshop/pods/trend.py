"""Follow each name's own trend, long and short, at several speeds, in proportion to its calm.

Economics: trends persist because information, hedgers and stop-losses arrive slowly (Moskowitz,
Ooi, Pedersen 2012, Journal of Financial Economics 104). Rule after Carver 2015, "Systematic
Trading" (EWMAC forecasts):

1 for each speed: forecast = (EMA of `fast` - EMA of `4 * fast` sessions of the index) / daily
  volatility of the index, times 15 / sqrt(fast), which makes 10 an average forecast; at most +-20
2 mean over the speeds, times a diversification factor, at most +-20
3 weight = forecast / 10 * target volatility / the name's volatility / number of names, times a
  multiplier for names that do not move together
4 rounded to whole steps, so that small changes of mind cost nothing; spoken once a week

Means end after three spans, so that a bounded history gives the same answer. Fails when markets go
sideways, and at every turn; on single stocks it is weaker than on futures of several asset classes.
"""

import math
from dataclasses import dataclass

import numpy as np

from podshop.domain.market import Panel
from podshop.domain.money import F64, Bools
from podshop.factors import cross_section, window

FIELDS = ("index", "returns", "close")
WHEN = "week"

SLOWER = 4
"""Span of the slow mean over that of the fast one."""
SPANS = 3
"""Spans after which a mean ends."""
AVERAGE, LARGEST = 10.0, 20.0
"""Size of an average forecast, and of the largest."""
DIVERSIFICATION = 1.08
"""Makes the mean of three imperfectly correlated forecasts as large as one of them."""
CALMEST = 0.005
"""Daily volatility below which a name is not believed to be calm."""


@dataclass(frozen=True)
class Params:
    """Speeds, risk and rounding.

    Attributes:
        fast_days: spans of the fast means in sessions; each slow mean has four times the span.
        volatility_days: sessions of each name's volatility.
        volatility: target volatility a year of the pod, fraction of its capital.
        multiplier: how much more can be held because names do not all move together.
        step: weights are multiples of step / number of names.
        gross: largest sum of |weight|.
    """

    fast_days: tuple[int, ...] = (8, 16, 32)
    volatility_days: int = 63
    volatility: float = 0.10
    multiplier: float = 1.5
    step: float = 0.2
    gross: float = 2.0

    def __post_init__(self) -> None:
        """Refuse speeds and sizes that make no sense."""
        if not self.fast_days or min(self.fast_days) < 2 or self.volatility_days < 10:
            raise ValueError("fast_days must be 2 or more each, volatility_days at least 10")
        if min(self.volatility, self.multiplier, self.step, self.gross) <= 0.0:
            raise ValueError("volatility, multiplier, step and gross must be above 0")


def gross(p: Params) -> float:
    """As the parameters say."""
    return p.gross


def lookback(p: Params) -> int:
    """The longest mean, or the volatility."""
    return max(SPANS * SLOWER * max(p.fast_days), p.volatility_days)


def wishes(panel: Panel, p: Params, days: Bools | None = None) -> F64:
    """Volatility-targeted positions in the direction of each name's trend.

    Args:
        panel: history.
        p: parameters.
        days: (T,) rows that will be read; the others stay 0. None = all.

    Returns:
        (T, N) fractions of the pod's capital.
    """
    least = math.ceil(0.8 * p.volatility_days)
    daily = np.maximum(window.rolling_std(panel.returns, p.volatility_days, least, days), CALMEST)
    names_t = np.maximum(cross_section.known(daily), 1)
    forecast = _forecast(panel.index, daily, p.fast_days, days)
    risk = p.volatility * p.multiplier / (daily * math.sqrt(252.0))
    weights = forecast / AVERAGE * risk / names_t[:, None]
    step_t = (p.step / names_t)[:, None]
    rounded = np.rint(weights / step_t) * step_t
    return cross_section.grain(cross_section.scale(rounded, p.gross), ~np.isnan(panel.close))


def _forecast(index: F64, daily: F64, fast_days: tuple[int, ...], days: Bools | None) -> F64:
    """Combined forecast, 10 on average, within +-20; NaN where a mean is not complete."""
    spans = sorted({span for fast in fast_days for span in (fast, SLOWER * fast)})
    means = {span: window.exponential_mean(index, span, SPANS * span, rows=days) for span in spans}
    total = np.zeros(index.shape)
    for fast in fast_days:
        crossing = (means[fast] - means[SLOWER * fast]) / (index * daily)
        total += np.clip(crossing * (15.0 / math.sqrt(fast)), -LARGEST, LARGEST)
    return np.clip(total * (DIVERSIFICATION / len(fast_days)), -LARGEST, LARGEST)
