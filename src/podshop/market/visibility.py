"""When something known becomes usable: the one rule of point in time.

A row that anybody could know at a moment counts from the first session whose close is at or after
that moment: a filing accepted at 15:59 in New York can be acted on at the same day's close, one
accepted at 16:01 at the next session's. Sessions close at 16:00 New York time, early ones at 13:00.
"""

import numpy as np
import polars as pl

from podshop.domain.money import I64, Days

NEW_YORK = "America/New_York"
CLOSE_MINUTE, EARLY_MINUTE = 16 * 60, 13 * 60
"""Minutes after midnight, New York time, at which an ordinary and a short session close."""


def first_rows(known_at: pl.Series, days: Days, early: Days | None = None) -> I64:
    """The first session that may use each row.

    Args:
        known_at: (E,) moments, UTC, without empty ones.
        days: (T,) sessions, ascending.
        early: sessions that close at 13:00.

    Returns:
        (E,) row numbers in `days`; T for what no session has seen yet.
    """
    local = known_at.dt.convert_time_zone(NEW_YORK)
    day = local.dt.date().to_numpy().astype("datetime64[D]")
    ns_of_minute = 60 * 1_000_000
    into_day = local.dt.replace_time_zone(None).dt.epoch("us").to_numpy() % (86_400 * 1_000_000)
    row = np.searchsorted(days, day).astype(np.int64)
    on_session = np.append(days, np.datetime64("NaT"))[row] == day
    close = np.full(len(day), CLOSE_MINUTE)
    if early is not None and len(early):
        close[np.isin(day, early)] = EARLY_MINUTE
    late = on_session & (into_day > close * ns_of_minute)
    rows: I64 = row + late
    return rows


def closes(days: pl.Series, early: Days | None = None) -> pl.Series:
    """The moment, UTC, at which each session closes.

    Args:
        days: dates of sessions.
        early: sessions that close at 13:00.
    """
    minutes = np.full(len(days), CLOSE_MINUTE)
    if early is not None and len(early):
        minutes[np.isin(days.to_numpy().astype("datetime64[D]"), early)] = EARLY_MINUTE
    local = days.cast(pl.Datetime("us")) + pl.Series(minutes * 60_000_000).cast(pl.Duration("us"))
    return local.dt.replace_time_zone(NEW_YORK).dt.convert_time_zone("UTC")


def end_of_day(days: pl.Expr) -> pl.Expr:
    """The last moment of a New York day, UTC: when a bare date counts as known."""
    return (
        (days.cast(pl.Datetime("us")) + pl.duration(hours=23, minutes=59, seconds=59))
        .dt.replace_time_zone(NEW_YORK)
        .dt.convert_time_zone("UTC")
    )
