"""When a simulated market is open, and moments of its days in UTC."""

import numpy as np
import polars as pl

from podshop.adapters import calendar
from podshop.domain.money import I64, Days

SESSIONS_YEAR = 252


def sessions(start: np.datetime64, count: int) -> Days:
    """The first `count` sessions of the New York Stock Exchange from a day on.

    Args:
        start: first day that may be a session.
        count: sessions.
    """
    days = calendar.sessions(start, start + np.timedelta64(count * 3 // 2 + 30, "D"))
    return days[:count]


def moments(days: Days, seconds: I64) -> pl.Series:
    """Seconds after midnight in New York on given days, as moments in UTC."""
    local = days.astype("datetime64[s]") + seconds.astype("timedelta64[s]")
    naive = pl.Series("known_at", local.astype("datetime64[us]"))
    return naive.dt.replace_time_zone(
        "America/New_York", ambiguous="earliest", non_existent="null"
    ).dt.convert_time_zone("UTC")


def weekday_after(days: Days, lag_days: I64) -> Days:
    """Calendar days later, moved to the nearest weekday: Saturday to Friday, Sunday to Monday."""
    later = days + lag_days.astype("timedelta64[D]")
    weekday = (later.astype(np.int64) + 3) % 7
    later = later - (weekday == 5).astype("timedelta64[D]")
    moved: Days = later + (weekday == 6).astype("timedelta64[D]")
    return moved
