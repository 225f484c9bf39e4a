"""Earn the premium for bearing volatility while the curve of the VIX rises, and be out when it
falls.

Economics: who insures against a crash is paid more than crashes cost, on average (Carr, Wu 2009,
Review of Financial Studies 22; Bollerslev, Tauchen, Zhou 2009, Review of Financial Studies 22).
The premium is on offer when volatility is expected to rise from here, a rising curve or contango;
an inverted curve says that the crash is now (Simon, Campasano 2014, Journal of Derivatives 21, on
the VIX futures basis; Johnson 2017, Journal of Financial and Quantitative Analysis 52).

1 slope of the curve = the later level / VIX - 1. The later level is the VX future of 30 days
  (`curve = "vx"`), the VIX of three or six months (`"vix3m"`, `"vix6m"`), or, where only the VIX is
  there (`"own"`), its mean of `level_days`: what it is expected to come back to. The last is a
  stand-in, not a price
2 strength: 0 where the slope is not above 0, whole from a slope of `full` on, a line between
3 crash guard: nothing for `calm_days` after the VIX was `jump` above its lowest of `jump_days`
4 size = strength x target volatility / the volatility of what is held over `volatility_days`,
  within the gross, cut down to whole tenths of it so that small changes of mind cost nothing

Held are the symbols in `hold` (a fund on the market; one that is short of volatility) and sold
those in `short` (a fund that is long of volatility futures), in equal weights; where neither is
named, all names are held. Needs the signal "vix", and that of the curve: a store with the Cboe's
indices and settlements has them (`podshop data sync`). The Cboe tells a day's VIX at 16:15, after
the close of stocks, so it counts from the next session's close on, as all that comes after a close.

Fails overnight: a jump from calm (February 2018) comes before any guard, and is the reason why the
premium is paid.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.domain.money import F64
from podshop.factors import cross_section, window

FIELDS = ("returns", "close", "signals.vix")
WHEN = "change"

STEPS = 10
"""Sizes between nothing and the gross."""
KNOWN = 0.8
"""Share of a window that must be known."""


@dataclass(frozen=True)
class Params:
    """Which curve, what is held, guard and size.

    Attributes:
        curve: the later level: "own" mean of the VIX, or the signal "vx", "vix3m" or "vix6m".
        hold: symbols held; none here and in `short` = all names.
        short: symbols sold.
        level_days: sessions of the mean, for the curve "own".
        full: slope of the curve from which the position is whole.
        jump: rise of the VIX that sets off the guard, fraction.
        jump_days: sessions over which it may rise.
        calm_days: sessions that the pod stays out after a jump.
        volatility: target volatility a year, fraction of the pod's capital.
        volatility_days: sessions of the volatility of what is held.
        gross: largest sum of |weight|.
    """

    curve: Literal["own", "vx", "vix3m", "vix6m"] = "own"
    hold: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    level_days: int = 252
    full: float = 0.1
    jump: float = 0.3
    jump_days: int = 5
    calm_days: int = 10
    volatility: float = 0.1
    volatility_days: int = 63
    gross: float = 1.0

    def __post_init__(self) -> None:
        """Refuse curves that nobody knows, and windows and sizes that make no sense."""
        if self.curve not in ("own", "vx", "vix3m", "vix6m"):
            raise ValueError('curve must be "own", "vx", "vix3m" or "vix6m"')
        named = (*self.hold, *self.short)
        if "" in named or len(set(named)) < len(named):
            raise ValueError("hold and short must be different symbols")
        if min(self.level_days, self.volatility_days) < 20:
            raise ValueError("level_days and volatility_days must be at least 20")
        if min(self.jump_days, self.calm_days) < 1:
            raise ValueError("jump_days and calm_days must be at least 1")
        if min(self.full, self.jump, self.volatility, self.gross) <= 0.0:
            raise ValueError("full, jump, volatility and gross must be above 0")


def gross(p: Params) -> float:
    """As the parameters say."""
    return p.gross


def lookback(p: Params) -> int:
    """The longest of the mean, the guard and the volatility."""
    level = p.level_days if p.curve == "own" else 1
    return max(level, p.jump_days + p.calm_days - 1, p.volatility_days)


def wishes(panel: Panel, p: Params) -> F64:
    """Equal weights of what is held, less what is sold, in the size that the curve allows.

    Returns:
        (T, N) fractions of the pod's capital.

    Raises:
        DataError: the panel lacks a signal or a symbol that the parameters name.
    """
    vix = _index(panel, "vix")
    slope = _later(panel, vix, p) / vix - 1.0
    strength = np.clip(slope / p.full, 0.0, 1.0)
    side_n = _sides(panel, p)
    priced = ~np.isnan(panel.close)
    known = window.rolling_mean(vix, p.jump_days, 1)
    wild = vix > window.rolling_min(vix, p.jump_days, 1) * (1.0 + p.jump)
    jumped = np.where(np.isnan(known), np.nan, wild.astype(np.float64))
    guarded = window.rolling_max(jumped, p.calm_days, 1) > 0.0
    size = np.where(guarded, 0.0, strength * _risk(panel, side_n, p))
    whole = np.floor(np.nan_to_num(size) / p.gross * STEPS) / STEPS * p.gross
    sides = np.where(priced, side_n, 0.0)
    held_t = np.maximum(np.abs(sides).sum(axis=1), 1.0)
    return cross_section.grain(sides * (whole[:, 0] / held_t)[:, None], priced)


def _index(panel: Panel, name: str) -> F64:
    """(T, 1) level of an index of volatility; the same for all names, NaN where unknown.

    Raises:
        DataError: the panel has no such signal.
    """
    if name not in panel.signals:
        there = ", ".join(sorted(panel.signals)) or "none"
        raise DataError(
            f'{panel.source}: no signal "{name}" (it has: {there}), which vix_carry needs\n'
            "  -> take a market store with the Cboe's indices (`podshop data sync`), or give the "
            "panel the signal with `market.alternative.volatility`"
        )
    level = np.fmax.reduce(panel.signals[name].astype(np.float64), axis=1)[:, None]
    return np.where(level > 0.0, level, np.nan)


def _later(panel: Panel, vix: F64, p: Params) -> F64:
    """(T, 1) the level that the curve comes to."""
    if p.curve != "own":
        return _index(panel, p.curve)
    return window.rolling_mean(vix, p.level_days, math.ceil(KNOWN * p.level_days))


def _sides(panel: Panel, p: Params) -> F64:
    """(N,) 1 for what is held, -1 for what is sold, 0 for the rest.

    Raises:
        DataError: a symbol is not in the panel.
    """
    symbols = panel.assets.symbols
    absent = sorted({*p.hold, *p.short} - set(symbols))
    if absent:
        raise DataError(
            f"{panel.source}: no prices of {', '.join(absent)}, which vix_carry is to hold or "
            "sell\n  -> correct hold and short, or name none to hold everything"
        )
    if not p.hold and not p.short:
        return np.ones(len(symbols))
    return np.array([(s in p.hold) * 1.0 - (s in p.short) * 1.0 for s in symbols])


def _risk(panel: Panel, side_n: F64, p: Params) -> F64:
    """(T, 1) gross at which what is held has the target volatility, within the gross."""
    mine = side_n != 0.0
    together = cross_section.mean(panel.returns[:, mine] * side_n[mine])[:, None]
    least = math.ceil(KNOWN * p.volatility_days)
    daily = window.rolling_std(together, p.volatility_days, least)
    yearly = np.where(daily > 0.0, daily, np.nan) * math.sqrt(252.0)
    return np.minimum(p.volatility / yearly, p.gross)
