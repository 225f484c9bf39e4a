"""Indices of volatility (VIX and its kin) as signals of a panel: one level for all names.

A signal is (T, N); an index belongs to no name, so every column has its level. The Cboe tells a
day's close at 16:15 in New York, after the close of stocks, so by the one rule of
`market.visibility` it counts from the next session on.
"""

import numpy as np
import polars as pl

from podshop.domain.money import F32, Days
from podshop.market.visibility import NEW_YORK, first_rows

SIGNALS = {
    "VIX": "vix",
    "VIX9D": "vix9d",
    "VIX3M": "vix3m",
    "VIX6M": "vix6m",
    "VVIX": "vvix",
}
"""Index -> the signal that it becomes."""
TOLD = pl.duration(hours=16, minutes=15)
"""After midnight in New York: when the close of an index of volatility is known."""
STALE = 5
"""Sessions after which a level is not known any more."""


def signals(indices: pl.DataFrame, days: Days, names: int) -> dict[str, F32]:
    """The indices of volatility among the rows, as they were known at each close.

    Args:
        indices: index, date, close; other indices are left out.
        days: (T,) sessions.
        names: N columns of the panel.

    Returns:
        (T, N) float32 by name ("vix", "vix3m", ...), the same in every column; NaN where none was
        told within the last `STALE` sessions.
    """
    made: dict[str, F32] = {}
    for index, signal in SIGNALS.items():
        mine = indices.filter(pl.col("index") == index).drop_nulls(["date", "close"]).sort("date")
        if mine.height:
            level_t = _carried(mine, days)
            made[signal] = np.repeat(level_t[:, None], names, axis=1)
    return made


def _carried(rows: pl.DataFrame, days: Days) -> F32:
    """(T,) the last close told at or before each session's own, if it is fresh."""
    midnight = pl.col("date").cast(pl.Datetime("us"))
    told = rows.select(
        known_at=(midnight + TOLD).dt.replace_time_zone(NEW_YORK).dt.convert_time_zone("UTC"),
    ).to_series()
    row = first_rows(told, days)
    last_t = np.full(len(days), -1)
    inside = row < len(days)
    # In the order of the dates, so that of several usable from one session the last counts.
    last_t[row[inside]] = np.flatnonzero(inside)
    at_t = np.maximum.accumulate(last_t)
    since_t = np.maximum.accumulate(np.where(last_t >= 0, np.arange(len(days)), -1))
    fresh_t = (at_t >= 0) & (np.arange(len(days)) - since_t <= STALE)
    close = rows.get_column("close").to_numpy()
    return np.where(fresh_t, close[np.maximum(at_t, 0)], np.nan).astype(np.float32)
