"""Indices of volatility and futures on them as signals of a panel: one level for all names.

A signal is (T, N); an index belongs to no name, so every column has its level. The Cboe tells a
day's close and settlements at 16:15 in New York, after the close of stocks, so by the one rule of
`market.visibility` they count from the next session on.
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
    "VX": "vx",
}
"""Index, or root of futures -> the signal that it becomes."""
AHEAD_DAYS = 30
"""Calendar days to the maturity at which futures are told; the VIX looks as far ahead."""
TOLD = pl.duration(hours=16, minutes=15)
"""After midnight in New York: when a day's levels are known."""
STALE = 5
"""Sessions after which a level is not known any more."""


def signals(
    indices: pl.DataFrame, days: Days, names: int, futures: pl.DataFrame | None = None
) -> dict[str, F32]:
    """The indices of volatility among the rows, as they were known at each close.

    Args:
        indices: index, date, close; other indices are left out.
        days: (T,) sessions.
        names: N columns of the panel.
        futures: root, expiry, date, settle; those of the root VX become "vx".

    Returns:
        (T, N) float32 by name ("vix", "vix3m", "vx", ...), the same in every column; NaN where none
        was told within the last `STALE` sessions.
    """
    made: dict[str, F32] = {}
    told = indices.select("index", "date", "close")
    if futures is not None:
        told = pl.concat([told, constant_maturity(futures)])
    for index, signal in SIGNALS.items():
        mine = told.filter(pl.col("index") == index).drop_nulls(["date", "close"]).sort("date")
        if mine.height:
            level_t = _carried(mine, days)
            made[signal] = np.repeat(level_t[:, None], names, axis=1)
    return made


def constant_maturity(futures: pl.DataFrame) -> pl.DataFrame:
    """The VX future that would expire in 30 days: on the line between those that expire around it.

    Where the first one expires later than that, it is taken itself; where none does, there is no
    level. What expires on the day itself is no future any more.

    Args:
        futures: root, expiry, date, settle.

    Returns:
        index ("VX"), date, close.
    """
    ahead = pl.col("ahead")
    rows = (
        futures.filter(pl.col("root") == "VX")
        .drop_nulls(["expiry", "date", "settle"])
        .with_columns(ahead=(pl.col("expiry") - pl.col("date")).dt.total_days())
        .filter(ahead > 0)
        .sort("date", "ahead")
    )
    near = rows.filter(ahead <= AHEAD_DAYS).group_by("date").last()
    far = rows.filter(ahead > AHEAD_DAYS).group_by("date").first()
    both = far.join(near, on="date", how="left", suffix="_near")
    part = (AHEAD_DAYS - pl.col("ahead_near")) / (ahead - pl.col("ahead_near"))
    between = pl.col("settle_near") + part * (pl.col("settle") - pl.col("settle_near"))
    return both.select(
        index=pl.lit("VX"), date="date", close=between.fill_null(pl.col("settle"))
    ).sort("date")


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
