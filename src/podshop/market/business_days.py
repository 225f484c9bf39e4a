"""Business days of the United States by rule: for what is published some days after an event.

The trading calendar says when sessions are. This says when offices publish: agencies and the
settlement of trades rest on federal holidays, exchanges also on Good Friday. Dates in the far past
follow today's rules, except Juneteenth, which is a holiday since 2021 (for exchanges since 2022).
"""

from datetime import date, timedelta
from functools import cache

import numpy as np

MONDAY, THURSDAY, FRIDAY = 0, 3, 4


def nth_weekday(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th such weekday (Monday is 0) of a month; n = -1 is the last one."""
    if n < 0:
        last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        return last - timedelta(days=(last.weekday() - weekday) % 7)
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def good_friday(year: int) -> date:
    """Two days before Easter, by the anonymous Gregorian algorithm (Meeus, Astronomical
    Algorithms, chapter 8).
    """
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1) - timedelta(days=2)


def _observed(day: date) -> date:
    """The weekday on which a fixed holiday is kept: Saturday's on Friday, Sunday's on Monday."""
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


@cache
def federal_holidays(year: int) -> frozenset[date]:
    """Days on which federal offices, and so EDGAR, are closed (5 U.S.C. 6103)."""
    fixed = [date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    if year >= 2021:
        fixed.append(date(year, 6, 19))
    days = {_observed(day) for day in fixed}
    # Next year's first day, when a Saturday, is kept on the last of this year.
    days.add(_observed(date(year + 1, 1, 1)))
    days |= {
        nth_weekday(year, 1, MONDAY, 3),
        nth_weekday(year, 2, MONDAY, 3),
        nth_weekday(year, 5, MONDAY, -1),
        nth_weekday(year, 9, MONDAY, 1),
        nth_weekday(year, 10, MONDAY, 2),
        nth_weekday(year, 11, THURSDAY, 4),
    }
    return frozenset(day for day in days if day.year == year)


@cache
def exchange_holidays(year: int) -> frozenset[date]:
    """Days on which the exchanges rest by rule (NYSE Rule 7.2); but for unforeseen ones."""
    open_days = {nth_weekday(year, 10, MONDAY, 2), _observed(date(year, 11, 11))}
    # Exchanges do not move a Saturday's New Year's Day into the year before.
    open_days.add(date(year, 12, 31))
    if year == 2021:
        open_days.add(_observed(date(year, 6, 19)))
    return (federal_holidays(year) - open_days) | {good_friday(year)}


def business_days_after(day: date, n: int, closed: frozenset[date] = frozenset()) -> date:
    """The n-th business day after a day: no weekend, federal holiday, Good Friday, nor `closed`.

    Counting the holidays of both kinds gives the later date where an office keeps only one kind,
    so that what is dated by it is never known too early.
    """
    rest = set(closed)
    for year in range(day.year, day.year + 2 + n // 200):
        rest |= federal_holidays(year) | exchange_holidays(year)
    # A day of rest itself counts from the business day before it.
    found = np.busday_offset(
        np.datetime64(day), n, roll="preceding", holidays=[np.datetime64(d) for d in sorted(rest)]
    )
    return date.fromisoformat(str(found))


def weekdays(start: date, end: date) -> list[date]:
    """Mondays to Fridays from `start` to `end`, both included."""
    days = (end - start).days + 1
    every = (start + timedelta(days=i) for i in range(max(days, 0)))
    return [day for day in every if day.weekday() <= FRIDAY]


def filing_days(start: date, end: date) -> list[date]:
    """Days from `start` to `end` on which EDGAR takes filings in."""
    return [day for day in weekdays(start, end) if day not in federal_holidays(day.year)]


def sessions_by_rule(start: date, end: date) -> list[date]:
    """Days from `start` to `end` on which the exchanges are open by rule."""
    return [day for day in weekdays(start, end) if day not in exchange_holidays(day.year)]
