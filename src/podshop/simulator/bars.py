"""Sessions as bars: opens, highs and lows from a bridge between closes, volumes, spreads.

With x the log return of a session without its dividend and split, and s its volatility, the log
price is a Brownian bridge of which the night takes the share `night` of the clock:

    log open  = night x + s sqrt(night (1 - night)) z
    log high  = (a + b + sqrt((a - b)^2 - 2 (1 - night) s^2 ln v)) / 2     from open a to close b

with v uniform, which is the exact law of the bridge's maximum (Karatzas, Shreve 1991, 4.3.40); the
low likewise with a v of its own, so high and low are right one by one, not jointly. Prices are
rounded to cents, below 1 to hundredths of a cent, and high and low then take in open and close.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.money import F32, F64
from podshop.simulator.actions import Prices
from podshop.simulator.streams import stream

CHUNK = 128
"""Sessions worked on at once: small enough to stay in the cache's neighbourhood."""


@dataclass(frozen=True, slots=True)
class Tape:
    """How a session trades.

    Attributes:
        night: share of a session's variance between the closes that falls before the open; 0.2 to
            0.3 for US stocks (Lockwood, Linn 1990, Journal of Finance 45, find a third or less).
        turnover_year: median lots traded a year over lots outstanding; US stocks turn over about
            once to twice a year.
        turnover_spread: standard deviation of its logarithm over names.
        volume_spread: standard deviation of log volume from session to session.
        volume_on_move: log volume for each unit of |standardised specific return|.
        tick: least price step, currency units; half of it is the least half spread.
        spread_share: half spread over the volatility of a session, at a traded value of 1 million a
            session; it falls with the root of the root of the traded value.
    """

    night: float = 0.25
    turnover_year: float = 1.6
    turnover_spread: float = 0.6
    volume_spread: float = 0.35
    volume_on_move: float = 0.30
    tick: float = 0.01
    spread_share: float = 0.05


@dataclass(frozen=True, slots=True)
class Bars:
    """(T, N) raw prices in currency per lot and lots traded; NaN where not listed."""

    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64


def bars(prices: Prices, volatility_tn: F32, u_tn: F32, seed: int, p: Tape) -> Bars:
    """Draw a bar for every listed session.

    Args:
        prices: exact closes and actions.
        volatility_tn: (T, N) volatility of each session, fractions.
        u_tn: (T, N) standardised specific returns, on which volume rises.
        seed: of the world.
        p: how a session trades.
    """
    rows, names = prices.close_tn.shape
    before = np.empty((rows, names))
    before[0], before[1:] = prices.close_tn[0], prices.close_tn[:-1]
    first = np.isnan(before)
    before[first] = prices.close_tn[first]
    before[prices.split_t, prices.split_n] /= prices.split_e
    before[prices.paid_t, prices.paid_n] -= prices.paid_e
    out = [np.empty((rows, names)) for _ in range(5)]
    rng = stream(seed, "bars")
    for t in range(0, rows, CHUNK):
        at = slice(t, min(t + CHUNK, rows))
        chunk = _bridge(rng, prices.close_tn[at], before[at], volatility_tn[at], p)
        for whole, part in zip(out[:4], chunk, strict=True):
            whole[at] = part
    _volumes(out[4], prices.lots_tn, u_tn, out[3], seed, p)
    return Bars(*out)


def _bridge(
    rng: np.random.Generator, close: F64, before: F64, volatility: F32, p: Tape
) -> tuple[F64, F64, F64, F64]:
    """Rounded open, high, low and close of some sessions."""
    shape = close.shape
    x = np.log(close / before).astype(np.float32)
    s = volatility
    z = rng.standard_normal(shape, dtype=np.float32)
    z *= s
    z *= np.float32(np.sqrt(p.night * (1.0 - p.night)))
    a = np.float32(p.night) * x + z
    gap2 = np.square(x - a)
    wide = np.float32(-2.0 * (1.0 - p.night)) * np.square(s)
    ends = []
    for sign in (1.0, -1.0):
        v = rng.random(shape, dtype=np.float32)
        np.maximum(v, np.float32(1e-7), out=v)
        np.log(v, out=v)
        v *= wide
        v += gap2
        np.sqrt(v, out=v)
        ends.append(np.exp(np.float32(0.5) * (a + x + np.float32(sign) * v)) * before)
    closed = _rounded(close)
    opened = _rounded(np.exp(a) * before)
    high = np.maximum(_rounded(ends[0]), np.maximum(opened, closed))
    low = np.minimum(_rounded(ends[1]), np.minimum(opened, closed))
    return opened, high, low, closed


def _rounded(price: F64) -> F64:
    """To cents, below 1 to hundredths of a cent, never to nothing."""
    fine = np.where(price < 1.0, 1e4, 1e2)
    return np.asarray(np.maximum(np.rint(price * fine), 1.0) / fine)


def _volumes(out: F64, lots_tn: F32, u_tn: F32, close_tn: F64, seed: int, p: Tape) -> None:
    """Lots traded: turnover of the name, noise that lingers, more on large moves."""
    rng = stream(seed, "volumes")
    rows, names = out.shape
    daily = np.exp(p.turnover_spread * rng.standard_normal(names)) * p.turnover_year / 252.0
    stay, noise = np.float32(0.6), np.zeros(names, dtype=np.float32)
    step = np.float32(p.volume_spread * np.sqrt(1.0 - 0.36))
    for t in range(0, rows, CHUNK):
        at = slice(t, min(t + CHUNK, rows))
        log = rng.standard_normal((at.stop - at.start, names), dtype=np.float32)
        log *= step
        for i in range(len(log)):
            log[i] += stay * noise
            noise = log[i]
        noise = log[-1].copy()
        log += np.float32(p.volume_on_move) * (np.abs(u_tn[at]) - np.float32(0.75))
        np.exp(log, out=log)
        log *= lots_tn[at]
        out[at] = np.maximum(np.rint(log * daily), 1.0)
    out[np.isnan(close_tn)] = np.nan


def half_spread_bps(made: Bars, volatility_tn: F32, p: Tape) -> F64:
    """(T, N) half the quoted spread in 1e-4 of the price.

    The larger of half a tick and `spread_share` of the session's volatility, thinner for names that
    trade more: volatility * spread_share * (traded value / 1e6) ^ (-1/4).
    """
    value = np.maximum(made.volume * made.close, 1.0) / 1e6
    by_risk = volatility_tn * p.spread_share * value**-0.25
    by_tick = 0.5 * p.tick / made.close
    return np.asarray(1e4 * np.maximum(by_risk, by_tick))
