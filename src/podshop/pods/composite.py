"""Rank names by several factors together; hold the best, and sell the worst.

Economics: momentum, calm, cheapness, quality and growth each pay a little, for reasons that are old
and mostly behavioural, and they disappoint at different times: value loses when momentum wins
(Asness, Moskowitz, Pedersen 2013, "Value and momentum everywhere", Journal of Finance 68). Judged
together they are steadier than one after another (Fama, French 2015, Journal of Financial
Economics 116; Asness, Frazzini, Pedersen 2019, Review of Accounting Studies 24).

1 each factor as a z-score across the names of the day (`factors.style`), higher is more attractive
2 their weighted sum; a name that lacks a factor is judged by what is known, with half of the
  weight known at least
3 the best `share` of the names in equal weights, the worst `share` sold short where `short`;
  `sector_neutral` takes that share of every sector, so that no sector is bet on

momentum, low_volatility and reversal are made of prices. value, quality, growth and size are
signals of a market store that has statements (`podshop data score`); a weight above 0 on one that
the panel does not have is refused, for another strategy would be traded in silence otherwise.

Fails when all factors are crowded and left together (August 2007), in junk rallies (spring 2009),
and by decay: what is published pays half of what it did (McLean, Pontiff 2016, Journal of Finance
71).
"""

import math
from dataclasses import dataclass

import numpy as np

from podshop.domain.market import Panel
from podshop.domain.money import F64, I64, Bools
from podshop.factors import cross_section, style, window

FIELDS = ("index", "returns", "close")
WHEN = "month"

FAR = 3.0
"""Scores of factors end here, standard deviations."""
FIGURES = ("value", "quality", "growth", "size")
"""Factors that are signals of the panel."""


@dataclass(frozen=True)
class Params:
    """What each factor counts, windows, and who is held.

    Attributes:
        momentum: weight of the rate of change over `slow_days` less that over `fast_days`.
        low_volatility: weight of calm over `volatility_days`.
        reversal: weight of the loss over `fast_days`.
        value: weight of the signal "value", which a store with statements has.
        quality: weight of the signal "quality", likewise.
        growth: weight of the signal "growth", likewise.
        size: weight of the signal "size" (small before large), likewise.
        slow_days: sessions of the long rate of change.
        fast_days: sessions of the short one.
        volatility_days: sessions of volatility.
        share: share of the names held, and of those sold, at most 0.5.
        names_least: names with a score needed; with fewer the pod wishes for nothing.
        short: sell the worst; without, the best are held with the whole gross.
        sector_neutral: take the share of every sector instead of all names.
        gross: largest sum of |weight|.
    """

    momentum: float = 0.5
    low_volatility: float = 0.3
    reversal: float = 0.2
    value: float = 0.0
    quality: float = 0.0
    growth: float = 0.0
    size: float = 0.0
    slow_days: int = 252
    fast_days: int = 21
    volatility_days: int = 126
    share: float = 0.1
    names_least: int = 10
    short: bool = True
    sector_neutral: bool = True
    gross: float = 1.0

    def __post_init__(self) -> None:
        """Refuse negative weights, no weights, and windows that are not one inside the other."""
        told = weights(self)
        for name, weight in told.items():
            if not 0.0 <= weight < math.inf:
                raise ValueError(f"{name} is a weight: not negative, and finite")
        if not any(told.values()):
            raise ValueError("momentum, value or another factor must have a weight above 0")
        if not 1 <= self.fast_days < self.slow_days:
            raise ValueError("fast_days must be at least 1 and less than slow_days")
        if self.volatility_days < 20 or self.names_least < 2 or self.gross <= 0.0:
            raise ValueError("volatility_days at least 20, names_least at least 2, gross above 0")
        if not 0.0 < self.share <= 0.5:
            raise ValueError("share must lie in (0, 0.5]")


def weights(p: Params) -> dict[str, float]:
    """Factor -> its weight."""
    prices = {
        "momentum": p.momentum,
        "low_volatility": p.low_volatility,
        "reversal": p.reversal,
    }
    return prices | {name: float(getattr(p, name)) for name in FIGURES}


def gross(p: Params) -> float:
    """As the parameters say."""
    return p.gross


def lookback(p: Params) -> int:
    """The longest window of the factors that count."""
    longest = 1
    if p.momentum:
        longest = p.slow_days + 1
    if p.reversal:
        longest = max(longest, p.fast_days + 1)
    return max(longest, p.volatility_days) if p.low_volatility else longest


def wishes(panel: Panel, p: Params, days: Bools | None = None) -> F64:
    """Equal weights of the best, less equal weights of the worst.

    Args:
        panel: history.
        p: parameters.
        days: (T,) rows that will be read; the others stay 0. None = all.

    Returns:
        (T, N) fractions of the pod's capital.

    Raises:
        DataError: the panel lacks a signal that has a weight.
    """
    made = np.zeros(panel.close.shape)
    at = window.asked(days, len(panel), lookback(p) - 1)
    priced = ~np.isnan(panel.close[at])
    score = scores(panel, p, at)
    score[(~np.isnan(score)).sum(axis=1) < p.names_least] = np.nan
    sector_n = np.array(panel.assets.sector_ids(), dtype=np.int64)
    if not p.sector_neutral:
        sector_n = np.zeros_like(sector_n)
    best = ends(score, sector_n, p.share).astype(np.float64)
    worst = ends(-score, sector_n, p.share) if p.short else np.zeros(score.shape)
    made[at] = cross_section.grain(cross_section.scale(best - worst, p.gross, always=True), priced)
    return made


def scores(panel: Panel, p: Params, at: I64) -> F64:
    """Weighted sum of the z-scores of the factors that have a weight.

    Args:
        panel: history.
        p: parameters.
        at: numbers of the rows wanted.

    Returns:
        (rows, N), NaN without a price or with less than half of the weight known.
    """
    rows = window.rows_of(at, len(panel))
    told = {name: weight for name, weight in weights(p).items() if weight > 0.0}
    found: dict[str, F64] = {}
    unpriced = np.isnan(panel.close[at])
    for name in told:
        raw = np.array(_factor(panel, p, name, rows)[at], dtype=np.float64)
        raw[unpriced] = np.nan
        found[name] = cross_section.winsorise(cross_section.zscore(raw), FAR)
    return style.composite(found, told)


def _factor(panel: Panel, p: Params, name: str, rows: Bools) -> F64:
    """One factor on the rows asked for; the others are not to be read."""
    if name == "momentum":
        return style.qsmom(panel.index, p.slow_days, p.fast_days, rows=rows)
    if name == "reversal":
        return style.reversal(panel.index, p.fast_days, rows)
    if name == "low_volatility":
        least = math.ceil(0.8 * p.volatility_days)
        return style.low_volatility(panel.returns, p.volatility_days, least, rows)
    return panel.signal(name).astype(np.float64)


def ends(score: F64, sector_n: I64, share: float) -> Bools:
    """Mark the best `share` of each sector, one name at least where there are two.

    Args:
        score: (T, N); NaN is never chosen.
        sector_n: (N,) sector of each name; all the same for the best of all.
        share: of the names of a sector with a score, at most 0.5.
    """
    chosen = np.zeros(score.shape, dtype=np.bool_)
    for sector in np.unique(sector_n):
        mine = sector_n == sector
        known_t = (~np.isnan(score[:, mine])).sum(axis=1)
        size_t = np.where(known_t > 1, np.maximum((known_t * share).astype(np.int64), 1), 0)
        chosen[:, mine] = cross_section.top(score[:, mine], size_t)
    return chosen
