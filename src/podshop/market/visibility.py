"""When something known becomes usable: the one rule of point in time.

A row that anybody could know at a moment counts from the first session whose close is at or after
that moment: a filing accepted at 15:59 in New York can be acted on at the same day's close, one
accepted at 16:01 at the next session's. Sessions close at 16:00 New York time, early ones at 13:00.
"""

import numpy as np
import polars as pl

from podshop.domain.money import I64, Bools, Days

NEW_YORK = "America/New_York"
CLOSE_MINUTE, EARLY_MINUTE = 16 * 60, 13 * 60
"""Minutes after midnight, New York time, at which an ordinary and a short session close."""

EXCEPTIONS = np.array(["1999-12-31", "2002-07-05", "2003-12-26"], dtype="datetime64[D]")
MINUTE_US = 60_000_000
DAY_US = 24 * 60 * MINUTE_US


def first_rows(known_at: pl.Series, days: Days) -> I64:
    """The first session that may use each row.

    Args:
        known_at: (E,) moments, UTC, without empty ones.
        days: (T,) sessions, ascending.

    Returns:
        (E,) row numbers in `days`; T for what no session has seen yet.
    """
    local = known_at.dt.convert_time_zone(NEW_YORK)
    day = local.dt.date().to_numpy().astype("datetime64[D]")
    into_day = local.dt.replace_time_zone(None).dt.epoch("us").to_numpy() % DAY_US
    row = np.searchsorted(days, day).astype(np.int64)
    on_session = np.append(days, np.datetime64("NaT"))[row] == day
    rows: I64 = row + (on_session & (into_day > _close_minutes(day) * MINUTE_US))
    return rows


def closes(days: pl.Series) -> pl.Series:
    """The moment, UTC, at which each session (a date) closes."""
    minutes = _close_minutes(days.to_numpy().astype("datetime64[D]"))
    local = days.cast(pl.Datetime("us")) + pl.Series(minutes * MINUTE_US).cast(pl.Duration("us"))
    return local.dt.replace_time_zone(NEW_YORK).dt.convert_time_zone("UTC")


def early(days: Days) -> Bools:
    """True for days on which the New York Stock Exchange closes at 13:00.

    The eve of Independence Day, the day after Thanksgiving, Christmas Eve, and three that were
    exceptions. A day that is taken for short and is not costs a session's delay; the other way
    round would be looking ahead.
    """
    month = days.astype("datetime64[M]")
    number = month.astype(np.int64) % 12 + 1
    date_ = (days - month.astype("datetime64[D]")).astype(np.int64) + 1
    weekday = (days.astype(np.int64) + 3) % 7
    eve = ((number == 7) & (date_ == 3)) | ((number == 12) & (date_ == 24))
    # The Friday after the fourth Thursday of November is one of the 23rd to the 29th.
    friday = (number == 11) & (weekday == 4) & (date_ >= 23) & (date_ <= 29)
    found: Bools = eve | friday | np.isin(days, EXCEPTIONS)
    return found


def _close_minutes(days: Days) -> I64:
    minutes: I64 = np.where(early(days), EARLY_MINUTE, CLOSE_MINUTE).astype(np.int64)
    return minutes


def end_of_day(days: pl.Expr) -> pl.Expr:
    """The last moment of a New York day, UTC: when a bare date counts as known."""
    return (
        (days.cast(pl.Datetime("us")) + pl.duration(hours=23, minutes=59, seconds=59))
        .dt.replace_time_zone(NEW_YORK)
        .dt.convert_time_zone("UTC")
    )
