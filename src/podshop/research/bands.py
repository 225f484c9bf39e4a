"""How else the same history could have gone: bands and intervals of a stationary block bootstrap.

Stretches of sessions are drawn again with replacement, about a month long on average, so that what
hangs together from day to day mostly stays together. It knows no year worse than the worst it saw.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.error import DataError
from podshop.domain.money import F64
from podshop.research.validation import stationary_rows

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles of the equity by session."""
INTERVAL = (0.025, 0.5, 0.975)
"""Quantiles of the figures: a 95 % interval and its middle."""
CHUNK = 100
"""Histories at a time, so that memory holds the equities and little more."""


@dataclass(frozen=True, slots=True)
class Bands:
    """What resampled histories came to.

    Attributes:
        equity: (5, T) quantiles of LEVELS of the value of one unit after each session.
        cagr, sharpe, max_drawdown: quantiles of INTERVAL.
        loss: share of the histories that end below where they began.
        samples: histories.
        block: mean length of the stretches, sessions.
        seed: of the generator.
    """

    equity: F64
    cagr: tuple[float, ...]
    sharpe: tuple[float, ...]
    max_drawdown: tuple[float, ...]
    loss: float
    samples: int
    block: float
    seed: int


def bands(
    returns: F64,
    rf: float = 0.0,
    samples: int = 1_000,
    block: float = 21.0,
    seed: int = 0,
    periods: float = 252.0,
) -> Bands:
    """Resample a history (stationary bootstrap, Politis & Romano 1994).

    Args:
        returns: (T,) simple returns a session, T >= 2.
        rf: risk-free rate a year.
        samples: histories to make.
        block: mean length of the stretches that are kept together, sessions.
        seed: of the generator; the same seed gives the same bands.
        periods: sessions a year.

    Raises:
        DataError: fewer than two returns or histories.
    """
    n = returns.size
    if n < 2 or samples < 2:
        raise DataError(f"{n} returns and {samples} histories; bands need two of each at least")
    rng = np.random.default_rng(seed)
    f = (1.0 + rf) ** (1.0 / periods) - 1.0
    equity = np.empty((samples, n), dtype=np.float32)  # a drawing needs no more digits
    end, sharpe, depth = np.empty(samples), np.empty(samples), np.empty(samples)
    for a in range(0, samples, CHUNK):
        at = slice(a, min(a + CHUNK, samples))
        drawn = returns[stationary_rows(n, at.stop - a, block, rng)]
        value = np.cumprod(1.0 + drawn, axis=1)
        high = np.maximum(np.maximum.accumulate(value, axis=1), 1.0)
        equity[at], end[at] = value, value[:, -1]
        depth[at] = (1.0 - value / high).max(axis=1)
        deviation = drawn.std(axis=1, ddof=1)
        moved = deviation > 0.0
        excess = drawn.mean(axis=1) - f
        sharpe[at] = np.divide(excess, deviation, out=np.zeros(moved.size), where=moved)
    cagr = np.maximum(end, 0.0) ** (periods / n) - 1.0
    return Bands(
        equity=np.quantile(equity, LEVELS, axis=0).astype(np.float64),
        cagr=_interval(cagr),
        sharpe=_interval(sharpe * np.sqrt(periods)),
        max_drawdown=_interval(depth),
        loss=float((end < 1.0).mean()),
        samples=samples,
        block=block,
        seed=seed,
    )


def _interval(figures: F64) -> tuple[float, ...]:
    return tuple(np.quantile(figures, INTERVAL).tolist())
