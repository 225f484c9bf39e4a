"""The VIX and its futures, from the volatility that the simulated market really has.

With v the diffusive variance a year of the session to come, V its long mean and J what jumps add,
the variance expected over `span` sessions from `begin` on is

    E(begin, span) = J + V + (v - V) * average of phi^j, j = begin ... begin + span - 1

and, with a premium of implied over expected variance,

    VIX            = 100 sqrt(premium E(0, 21))
    VX of expiry h = 100 sqrt(premium E(h, 21)) + carry sqrt(h / 21)

so the curve rises (contango) while the market is calmer than usual and falls (backwardation) when
it is wilder; at h = 0 the future is the VIX.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from podshop.domain.money import F64, Days
from podshop.simulator.returns import Climate, Weather
from podshop.simulator.sessions import SESSIONS_YEAR
from podshop.simulator.streams import stream

MONTH = 21


@dataclass(frozen=True, slots=True)
class Implied:
    """What is paid for protection.

    Attributes:
        premium: implied over expected variance; VIX^2 is about 1.3 to 1.6 times the variance that
            follows (Carr, Wu 2009, Review of Financial Studies 22; Bollerslev, Tauchen, Zhou 2009).
        half_life_days: sessions in which expected variance comes half the way back.
        carry: points of VIX that a future one month out costs more.
        noise: standard deviation of log VIX around the formula, from day to day.
        expiries: futures listed at a time, monthly.
    """

    premium: float = 1.35
    half_life_days: float = 45.0
    carry: float = 0.6
    noise: float = 0.02
    expiries: int = 8


def expected_variance(variance: F64, climate: Climate, p: Implied, begin: F64, span: int) -> F64:
    """Mean variance a year expected from `begin` sessions ahead, over `span` sessions."""
    phi = 2.0 ** (-1.0 / p.half_life_days)
    jumps = climate.jump_variance_year
    long_run = climate.long_variance_year - jumps
    weight = phi**begin * (1.0 - phi**span) / (span * (1.0 - phi))
    return np.asarray(jumps + long_run + (variance - long_run) * weight)


def vix(weather: Weather, climate: Climate, seed: int, p: Implied) -> F64:
    """(T,) VIX at the close of each session, points."""
    rng = stream(seed, "vix")
    told = expected_variance(_ahead(weather) ** 2, climate, p, np.zeros(1), MONTH)
    noise = p.noise * rng.standard_normal(len(told))
    return np.asarray(100.0 * np.sqrt(p.premium * told) * np.exp(noise))


def _ahead(weather: Weather) -> F64:
    """(T,) volatility of the session to come, which the close knows."""
    return np.append(weather.volatility_t[1:], weather.volatility_t[-1])


def index_table(name: str, close_t: F64, days: Days, seed: int, swing: float) -> pl.DataFrame:
    """Sessions of an index; open, high and low swing around the closes."""
    rng = stream(seed, f"index {name}")
    before = np.append(close_t[0], close_t[:-1])
    a, b = np.abs(rng.standard_normal((2, len(close_t)))) * swing
    opened = before * np.exp(rng.standard_normal(len(close_t)) * swing / 2.0)
    high = np.maximum(opened, close_t) * np.exp(a)
    low = np.minimum(opened, close_t) * np.exp(-b)
    told = {"open": opened, "high": high, "low": low, "close": close_t}
    return pl.DataFrame(
        {
            "index": [name] * len(days),
            "date": days,
            **{k: np.round(v, 2) for k, v in told.items()},
            "source": ["simulator"] * len(days),
        }
    )


def futures_curve(
    weather: Weather, vix_t: F64, climate: Climate, days: Days, p: Implied
) -> pl.DataFrame:
    """Settlements of VX, monthly expiries on Wednesdays thirty days before the third Friday."""
    months = np.arange(
        days[0].astype("datetime64[M]"), days[-1].astype("datetime64[M]") + p.expiries + 2
    )
    expiry = _wednesdays(months)
    variance = _ahead(weather) ** 2
    spot = 100.0 * np.sqrt(p.premium * expected_variance(variance, climate, p, np.zeros(1), MONTH))
    noise = vix_t / spot
    frames = []
    for day in expiry:
        calendar = (day - days).astype(np.int64)
        at = np.flatnonzero((calendar >= 0) & (calendar <= 31 * p.expiries))
        if not len(at):
            continue
        ahead = calendar[at] * SESSIONS_YEAR / 365.0
        told = expected_variance(variance[at], climate, p, ahead, MONTH)
        settle = 100.0 * np.sqrt(p.premium * told) + p.carry * np.sqrt(ahead / MONTH)
        near = np.exp(-ahead / MONTH)
        frames.append(
            pl.DataFrame(
                {
                    "root": ["VX"] * len(at),
                    "expiry": np.full(len(at), day),
                    "date": days[at],
                    "settle": np.round(settle * noise[at] ** near, 2),
                    "source": ["simulator"] * len(at),
                }
            )
        )
    return pl.concat(frames)


def _wednesdays(months: Days) -> Days:
    """Thirty days before the third Friday of the month after each month."""
    first = (months + 1).astype("datetime64[D]")
    weekday = (first.astype(np.int64) + 3) % 7
    third = first + ((4 - weekday) % 7 + 14).astype("timedelta64[D]")
    return np.asarray(third - np.timedelta64(30, "D"))
