"""The sessions of the New York Stock Exchange, from the `exchange_calendars` package."""

import warnings
from functools import lru_cache

import numpy as np

from podshop.domain.money import Days


def sessions(first: np.datetime64, last: np.datetime64) -> Days:
    """The days from `first` to `last` on which the exchange is open.

    Args:
        first: first day.
        last: last day, included.
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
        # exchange_calendars 4.13 still reads Series.values, which pandas 3.1 deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        # Both bounds are given, so that the calendar does not depend on the day it is asked on.
        bounds = {"start": f"{first_year}-01-01", "end": f"{last_year}-12-31"}
        calendar = exchange_calendars.get_calendar("XNYS", **bounds)
    opens = calendar.sessions.to_numpy().astype("datetime64[D]")
    early = calendar.early_closes.to_numpy().astype("datetime64[D]")
    return opens, early
