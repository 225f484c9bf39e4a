"""The sessions of the New York Stock Exchange, from the `exchange_calendars` package."""

import warnings
from functools import lru_cache

import numpy as np

from podshop.domain.money import Days


def sessions(first: np.datetime64, last: np.datetime64) -> Days:
    """The days from `first` to `last` on which the exchange is open.

    Args:
        first: first day.
        last: last day, included; the calendar is known about a year ahead.
    """
    opens, _ = _schedule(str(first)[:4], str(last)[:4])
    return opens[(opens >= first) & (opens <= last)]


def early_closes(first: np.datetime64, last: np.datetime64) -> Days:
    """The sessions from `first` to `last` that close at 13:00."""
    _, early = _schedule(str(first)[:4], str(last)[:4])
    return early[(early >= first) & (early <= last)]


@lru_cache(maxsize=4)
def _schedule(first_year: str, last_year: str) -> tuple[Days, Days]:
    import exchange_calendars  # imports pandas, which takes seconds

    with warnings.catch_warnings():
        # The package still asks pandas 3 in ways that pandas 4 will no longer know.
        warnings.simplefilter("ignore", DeprecationWarning)
        calendar = exchange_calendars.get_calendar("XNYS", start=f"{first_year}-01-01")
    opens = calendar.sessions.to_numpy().astype("datetime64[D]")
    early = calendar.early_closes.to_numpy().astype("datetime64[D]")
    if opens[-1] < np.datetime64(f"{last_year}-12-31"):
        return opens, early
    return opens[opens <= np.datetime64(f"{last_year}-12-31")], early
