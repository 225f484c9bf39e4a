"""Long the better half of every sector, short the other, with no bet on the market.

Economics: three effects that are small, old and not much alike: winners go on (Jegadeesh, Titman
1993, Journal of Finance 48), the last month reverses (Jegadeesh 1990, Journal of Finance 45), calm
names are paid too well for their risk (Ang, Hodrick, Xing, Zhang 2006, Journal of Finance 61).
Together they are steadier than any one.

1 momentum: return from `slow_days` to `fast_days` ago; reversal: minus the return since;
  calm: minus the volatility of `volatility_days`
2 each as a z-score across the names of the day, pulled in to +-3; their weighted sum
3 what is left after sectors and beta explain what they can (least squares), so that every sector
  and the beta of the whole sum to 0 as estimated
4 scaled to the gross

Beta is the slope on the equally weighted mean of the universe over `beta_days`. Fails in junk
rallies (spring 2009, November 2020), when what fell most and moves most rises most. A name alone in
its sector is not traded.
"""

import math
from dataclasses import dataclass

import numpy as np

from podshop.domain.market import Panel
from podshop.domain.money import F64, I64, Bools
from podshop.factors import cross_section, window

FIELDS = ("index", "returns", "close")
WHEN = "week"

FAR = 3.0
"""Z-scores end here."""


@dataclass(frozen=True)
class Params:
    """Windows, and what each effect counts.

    Attributes:
        slow_days: sessions back to where momentum begins.
        fast_days: sessions back to where momentum ends and reversal begins.
        volatility_days: sessions of volatility.
        beta_days: sessions of beta.
        momentum: weight of momentum in the score.
        reversal: weight of reversal.
        calm: weight of calm.
        names_least: names with a score needed; with fewer the pod wishes for nothing.
        gross: sum of |weight|.
    """

    slow_days: int = 252
    fast_days: int = 21
    volatility_days: int = 126
    beta_days: int = 252
    momentum: float = 0.5
    reversal: float = 0.25
    calm: float = 0.25
    names_least: int = 10
    gross: float = 1.0

    def __post_init__(self) -> None:
        """Refuse windows that are not one inside the other, and negative weights."""
        if not 1 <= self.fast_days < self.slow_days:
            raise ValueError("fast_days must be at least 1 and less than slow_days")
        if min(self.volatility_days, self.beta_days) < 20 or self.names_least < 2:
            raise ValueError("volatility_days and beta_days at least 20, names_least at least 2")
        if min(self.momentum, self.reversal, self.calm) < 0.0 or self.gross <= 0.0:
            raise ValueError("momentum, reversal, calm must not be negative, gross above 0")


def gross(p: Params) -> float:
    """As the parameters say."""
    return p.gross


def lookback(p: Params) -> int:
    """The longest of the windows."""
    return max(p.slow_days + 1, p.volatility_days, p.beta_days)


def wishes(panel: Panel, p: Params, days: Bools | None = None) -> F64:
    """Sector- and beta-neutral positions in proportion to the score.

    Args:
        panel: history.
        p: parameters.
        days: (T,) rows that will be read; the others stay 0. None = all.

    Returns:
        (T, N) fractions of the pod's capital.
    """
    weights = np.zeros(panel.close.shape)
    at = window.asked(days, len(panel), lookback(p) - 1)
    score, beta = _score(panel, p, at), _beta(panel, p, at)
    priced = ~np.isnan(panel.close[at])
    score[~priced] = np.nan
    score[(~np.isnan(score + beta)).sum(axis=1) < p.names_least] = np.nan
    sector_n = np.array(panel.assets.sector_ids(), dtype=np.int64)
    neutral = cross_section.neutralise(score, sector_n, beta)
    scaled = cross_section.scale(neutral, p.gross, always=True)
    weights[at] = cross_section.grain(scaled, priced)
    return weights


def _score(panel: Panel, p: Params, at: I64) -> F64:
    """Weighted sum of the three z-scores on the rows asked for."""
    now, then = panel.index[at], panel.index[at - p.fast_days]
    momentum = then / panel.index[at - p.slow_days]
    reversal = -now / then
    least = math.ceil(0.8 * p.volatility_days)
    rows = window.rows_of(at, len(panel))
    calm = -window.rolling_std(panel.returns, p.volatility_days, least, rows)[at]
    total = np.zeros(now.shape)
    for weight, effect in ((p.momentum, momentum), (p.reversal, reversal), (p.calm, calm)):
        total += weight * cross_section.winsorise(cross_section.zscore(effect), FAR)
    return total


def _beta(panel: Panel, p: Params, at: I64) -> F64:
    """Slope of each name on the mean of all names, on the rows asked for."""
    market_t = cross_section.mean(panel.returns)
    least = math.ceil(0.8 * p.beta_days)
    rows = window.rows_of(at, len(panel))
    return window.rolling_beta(panel.returns, market_t, p.beta_days, least, rows)[at]
