"""From rows that became known at a moment to (T, N) arrays of what was known at each close."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from podshop.domain.money import F64, Days
from podshop.market.visibility import first_rows

EVENT = ("symbol", "known_at", "value")
"""Columns of an event: text, moment (UTC), real."""


@dataclass(frozen=True, slots=True)
class Known:
    """A figure as known at each close.

    Attributes:
        value: (T, N), NaN before the first event.
        age: (T, N) sessions since the last event, NaN before the first.
    """

    value: F64
    age: F64


def first_reports(rows: pl.DataFrame, *, by: tuple[str, ...] = ("symbol",)) -> pl.DataFrame:
    """The first report of each date, in the order in which they became known.

    A revision, and a report that comes after one of a later date, is dropped. So whatever is made
    of a row and those before it was known with the row.

    Args:
        rows: `by`, date, known_at and figures.
        by: columns that name a series.

    Returns:
        the rows kept, sorted by series and time.
    """
    figures = [c for c in rows.columns if c not in (*by, "date", "known_at")]
    order = [*by, "known_at", "date", *figures]
    ordered = rows.drop_nulls([*by, "date", "known_at"]).sort(order)
    newest = pl.col("date").cum_max().shift(1).over(by)
    return ordered.filter(newest.is_null() | (pl.col("date") > newest))


def accumulate(
    events: pl.DataFrame, days: Days, symbols: tuple[str, ...], half_life_days: float
) -> Known:
    """Decayed sum of events: a session's events count whole, half after `half_life_days` sessions.

        x(t) = x(t - 1) * 2 ** (-1 / half_life_days) + sum of the values first usable at t

    Args:
        events: symbol, known_at, value.
        days: (T,) sessions.
        symbols: N names; events of others are left out.
        half_life_days: sessions after which half is left.
    """
    added, last = _placed(events, days, symbols)
    keep = 2.0 ** (-1.0 / half_life_days)
    value = np.zeros(added.shape)
    total_n: F64 = np.zeros(len(symbols))
    for t, added_n in enumerate(added):
        total_n = total_n * keep + added_n
        value[t] = total_n
    age = _age(last)
    return Known(np.where(np.isnan(age), np.nan, value), age)


def carry(events: pl.DataFrame, days: Days, symbols: tuple[str, ...]) -> Known:
    """The last value known, whatever its age.

    Args:
        events: symbol, known_at, value; of several usable from one session the last known counts.
        days: (T,) sessions.
        symbols: N names.
    """
    placed = _rows(events, days, symbols).unique(["t", "n"], keep="last", maintain_order=True)
    value = np.full((len(days), len(symbols)), np.nan)
    t, n = placed.get_column("t").to_numpy(), placed.get_column("n").to_numpy()
    value[t, n] = placed.get_column("value").to_numpy()
    last = np.where(np.isnan(value), -1, np.arange(len(days))[:, None])
    at = np.maximum.accumulate(last, axis=0)
    carried = np.where(at >= 0, np.take_along_axis(value, np.maximum(at, 0), axis=0), np.nan)
    return Known(carried, _age(last))


def _rows(events: pl.DataFrame, days: Days, symbols: tuple[str, ...]) -> pl.DataFrame:
    """Events with session `t` and number `n` of the symbol, sorted so that sums do not wander."""
    ours = events.select(EVENT).drop_nulls()
    ours = ours.filter(pl.col("value").is_finite() & pl.col("symbol").is_in(list(symbols)))
    numbers = {name: n for n, name in enumerate(symbols)}
    placed = ours.with_columns(
        t=pl.Series(first_rows(ours.get_column("known_at"), days), dtype=pl.Int64),
        n=pl.col("symbol").replace_strict(numbers, return_dtype=pl.Int64),
    )
    return placed.filter(pl.col("t") < len(days)).sort("t", "n", "known_at", "value")


def _placed(events: pl.DataFrame, days: Days, symbols: tuple[str, ...]) -> tuple[F64, F64]:
    """(T, N) sums of the values of each session, and the session itself where there was one."""
    placed = _rows(events, days, symbols)
    t, n = placed.get_column("t").to_numpy(), placed.get_column("n").to_numpy()
    added = np.zeros((len(days), len(symbols)))
    np.add.at(added, (t, n), placed.get_column("value").to_numpy())
    last = np.full(added.shape, -1)
    last[t, n] = t
    return added, last


def _age(last: F64) -> F64:
    """Sessions since the last event, NaN where there was none."""
    at = np.maximum.accumulate(last, axis=0)
    return np.where(at >= 0, np.arange(len(last))[:, None] - at, np.nan)
