"""When a simulated market is open, and moments of its days in UTC."""

import warnings

import numpy as np
import polars as pl

from podshop.domain.money import I64, Days

SESSIONS_YEAR = 252


def sessions(start: np.datetime64, count: int) -> Days:
    """The first `count` sessions of the New York Stock Exchange from a day on.

    Args:
        start: first day that may be a session.
        count: sessions.
    """
    import exchange_calendars  # type: ignore[import-untyped]

    stop = start + np.timedelta64(count * 3 // 2 + 30, "D")
    # The bounds are given, so that the calendar does not depend on the day it is asked on.
    with warnings.catch_warnings():
        # The library still asks pandas for what pandas 3.1 announces to change; sessions are dates.
        warnings.filterwarnings("ignore", message="Series.values", category=Warning)
        calendar = exchange_calendars.get_calendar("XNYS", start=str(start), end=str(stop))
    days = np.array(calendar.sessions.values, dtype="datetime64[D]")
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
