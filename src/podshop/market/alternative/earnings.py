"""Announcements of earnings: how far off the estimates were, and when the next one may go off.

Source: Bernard, Thomas 1989, Journal of Accounting Research 27 (prices drift on for 60 sessions).
"""

import numpy as np
import polars as pl

from podshop.domain.money import F64, Days
from podshop.market.alternative.scores import first_reports
from podshop.market.visibility import first_rows


def surprises(rows: pl.DataFrame) -> pl.DataFrame:
    """(eps - estimate) / (|eps| + |estimate|) of each announcement, when it became known.

    Args:
        rows: rows of `earnings`; those with eps and eps_estimated count, in currency per lot.

    Returns:
        symbol, known_at, value (-1..1).
    """
    told = first_reports(
        rows.select("symbol", "date", "known_at", "eps", "eps_estimated").drop_nulls()
    )
    total = pl.col("eps").abs() + pl.col("eps_estimated").abs()
    return told.filter(total > 0.0).select(
        "symbol", "known_at", value=(pl.col("eps") - pl.col("eps_estimated")) / total
    )


def landmines(rows: pl.DataFrame, days: Days, symbols: tuple[str, ...], within_days: int) -> F64:
    """1.0 where an announcement is expected in the next `within_days` calendar days, or today.

    A date that was moved stays flagged: a warning too many costs less than one too few. Calendar
    days, because the sessions ahead are not part of what a panel knows.

    Args:
        rows: rows of `earnings`; a date counts from when it was known.
        days: (T,) sessions.
        symbols: N names.
        within_days: calendar days ahead.

    Returns:
        (T, N) 1.0 or 0.0; NaN before anything is known of a name.
    """
    numbers = {name: n for n, name in enumerate(symbols)}
    flags = np.full((len(days), len(symbols)), np.nan)
    ours = rows.drop_nulls(["symbol", "date", "known_at"])
    ours = ours.filter(pl.col("symbol").is_in(list(symbols)))
    first = first_rows(ours.get_column("known_at"), days)
    dates = ours.get_column("date").to_numpy().astype("datetime64[D]")
    begin = np.searchsorted(days, dates - np.timedelta64(within_days, "D"), side="left")
    end = np.searchsorted(days, dates, side="right")
    number = [numbers[name] for name in ours.get_column("symbol").to_list()]
    for t, n in zip(first, number, strict=True):
        flags[t:, n] = np.where(np.isnan(flags[t:, n]), 0.0, flags[t:, n])
    for t, n, a, b in zip(first, number, begin, end, strict=True):
        flags[max(t, a) : b, n] = 1.0
    return flags
