"""Scores made of companies' statements and prices: value, quality, growth, size.

Point in time: a row of a statement counts from the first session whose close is at or after its
`known_at`; one without that moment is left out, for nobody can say when it was known. A restatement
counts from its own moment on. What each figure is at a close:

    flows (revenue, gross profit, net income, operating cash flow)
        the last four quarters as known then; a fourth quarter that is not reported by itself is the
        year less the other three; the year, where there are no quarters
    balances (equity, assets, debt)
        of the newest period known then
    market value
        close x lots, lots being the weighted lots of the newest income statement, times the splits
        since its filing: statements are told in the lots of the day they are filed (SEC Staff
        Accounting Bulletin, topic 4.C)

A figure older than STALE sessions is not known any more. The formulas of the scores are in
`factors/style.py`.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby

import numpy as np
import polars as pl

from podshop.adapters.stores.market import MarketStore
from podshop.domain.money import F64, Days
from podshop.factors import style
from podshop.market.alternative.scores import carry

STALE = 300
"""Sessions: a year and the time to file, for those who report once a year."""
QUARTERS = ("Q1", "Q2", "Q3", "Q4")
SPAN_DAYS = (240, 310)
"""Days between the ends of the first and the fourth of four quarters in a row, about 273."""
APART_DAYS = 60
"""Least days between the ends of two quarters."""

FLOWS = {
    "revenue": ("income_statements", "revenue"),
    "gross_profit": ("income_statements", "gross_profit"),
    "earnings": ("income_statements", "net_income"),
    "cash_flow": ("cash_flows", "operating_cash_flow"),
}
BALANCES = {
    "book": ("balance_sheets", "total_equity"),
    "assets": ("balance_sheets", "total_assets"),
    "debt": ("balance_sheets", "total_debt"),
}
"""Figure -> table and column."""

Row = tuple[str, object, date, str, float]
"""Security, moment, end of the period, period, figure."""


def scores(store: MarketStore, days: Days, ids: tuple[str, ...]) -> dict[str, F64]:
    """Every score of companies' figures that the store has the statements for.

    Args:
        store: the market store.
        days: (T,) sessions.
        ids: N security ids.

    Returns:
        (T, N) arrays by name, higher is more attractive; NaN where unknown or without a bar; empty
        where the store has no income statements.
    """
    told = {table: _told(store, table) for table in ("income_statements", "balance_sheets")}
    told["cash_flows"] = _told(store, "cash_flows")
    if told["income_statements"].is_empty():
        return {}
    flow = {k: _known(_flows(_rows(told[t], c)), days, ids) for k, (t, c) in FLOWS.items()}
    held = {k: _known(_newest(_rows(told[t], c)), days, ids) for k, (t, c) in BALANCES.items()}
    close = _close(store, days, ids)
    worth = close * _lots(told["income_statements"], store.frame("splits"), days, ids)
    sales, earned, cash = flow["revenue"], flow["earnings"], flow["cash_flow"]
    made = {
        "value": style.value(
            worth, earnings=earned, book=held["book"], sales=sales, cash_flow=cash
        ),
        "quality": style.quality(
            earnings=earned, gross_profit=flow["gross_profit"], cash_flow=cash, **held
        ),
        "growth": style.growth(revenue=sales, earnings=earned),
        "size": style.size(worth),
    }
    return {name: np.where(np.isnan(close), np.nan, x) for name, x in made.items()}


# --- what was told --------------------------------------------------------------------------------


def _told(store: MarketStore, table: str) -> pl.DataFrame:
    """Statements of known securities with a moment, in the currency in which the name trades."""
    trades_in = store.frame("securities").select("security_id", trades_in="currency")
    rows = store.frame(table).drop_nulls(["security_id", "known_at", "period_end", "period"])
    rows = rows.join(trades_in, on="security_id", how="left", maintain_order="left")
    foreign = (pl.col("currency") != pl.col("trades_in")).fill_null(value=False)
    return rows.filter(~foreign).sort("security_id", "known_at", "period_end", "period")


def _rows(told: pl.DataFrame, column: str) -> Iterator[Row]:
    """Rows that have the figure, by security and moment."""
    keep = told.drop_nulls(column).filter(pl.col(column).is_finite())
    return keep.select("security_id", "known_at", "period_end", "period", column).iter_rows()


def _flows(rows: Iterable[Row]) -> Iterator[tuple[str, object, float]]:
    """The last four quarters each time that something becomes known: security, moment, sum."""
    for who, mine in groupby(rows, key=lambda row: row[0]):
        quarter: dict[date, float] = {}
        year: dict[date, float] = {}
        for moment, new in groupby(mine, key=lambda row: row[1]):
            for _, _, end, period, figure in new:
                (quarter if period in QUARTERS else year)[end] = figure
            total = _four_quarters(quarter, year)
            if total is not None:
                yield who, moment, total


def _four_quarters(quarter: dict[date, float], year: dict[date, float]) -> float | None:
    """The twelve months to the newest end known; None where they cannot be put together."""
    newest = max((*quarter, *year))
    if newest in year:
        return year[newest]
    known = {**quarter, **_fourth(quarter, year)}
    last = sorted(known)[-4:]
    span = (last[-1] - last[0]).days
    if len(last) < 4 or not SPAN_DAYS[0] <= span <= SPAN_DAYS[1]:
        return None
    return sum(known[end] for end in last)


def _fourth(quarter: dict[date, float], year: dict[date, float]) -> dict[date, float]:
    """Fourth quarters that are told only within the newest year."""
    end = max(year, default=None)
    if end is None or end in quarter:
        return {}
    since, until = end - timedelta(SPAN_DAYS[1]), end - timedelta(APART_DAYS)
    others = [figure for day, figure in quarter.items() if since <= day <= until]
    return {end: year[end] - sum(others)} if len(others) == 3 else {}


def _newest(rows: Iterable[Row]) -> Iterator[tuple[str, object, float]]:
    """The figure of the newest period whenever one becomes known: security, moment, figure."""
    for who, mine in groupby(rows, key=lambda row: row[0]):
        newest = date.min
        for moment, new in groupby(mine, key=lambda row: row[1]):
            # Sorted by end and period, a quarter comes after the year that ends with it.
            *_, (_, _, end, _, figure) = new
            if end >= newest:
                newest = end
                yield who, moment, figure


# --- as known at each close -----------------------------------------------------------------------


def _known(events: Iterable[tuple[str, object, float]], days: Days, ids: tuple[str, ...]) -> F64:
    """(T, N) the figure last known at each close; NaN before the first and once it is stale."""
    frame = pl.DataFrame(
        list(events),
        schema={"symbol": pl.String, "known_at": pl.Datetime("us", "UTC"), "value": pl.Float64},
        orient="row",
    )
    known = carry(frame, days, ids)
    return np.where(known.age <= STALE, known.value, np.nan)


def _lots(income: pl.DataFrame, splits: pl.DataFrame, days: Days, ids: tuple[str, ...]) -> F64:
    """(T, N) lots outstanding, in the lots of each session."""
    ratios = splits.drop_nulls(["security_id", "date", "ratio"]).sort("security_id", "date")
    grown = {
        who: (part.get_column("date").to_list(), np.cumprod(part.get_column("ratio").to_numpy()))
        for (who,), part in ratios.group_by("security_id", maintain_order=True)
    }
    filed = pl.coalesce("filed", pl.col("known_at").dt.date())
    in_first_lots = income.with_columns(
        _first=pl.col("weighted_shares")
        / pl.struct("security_id", filed.alias("_filed")).map_elements(
            lambda row: _grown(grown, row["security_id"], [row["_filed"]])[0],
            return_dtype=pl.Float64,
        )
    ).filter(pl.col("weighted_shares") > 0.0)
    lots = _known(_newest(_rows(in_first_lots, "_first")), days, ids)
    sessions = days.tolist()
    return lots * np.stack([_grown(grown, who, sessions) for who in ids], axis=1)


def _grown(grown: dict[str, tuple[list[date], F64]], who: str, on: list[date]) -> F64:
    """Lots on each of these days for one lot before the first split known of the security."""
    if who not in grown:
        return np.ones(len(on))
    dates, total = grown[who]
    at = np.searchsorted(
        np.array(dates, dtype="datetime64[D]"), np.array(on, "datetime64[D]"), "right"
    )
    return np.asarray(np.append(1.0, total)[at])


def _close(store: MarketStore, days: Days, ids: tuple[str, ...]) -> F64:
    """(T, N) raw closes, NaN without a bar."""
    bars = store.frame("bars").select("security_id", "date", "close").drop_nulls()
    bars = bars.filter(pl.col("security_id").is_in(list(ids)))
    column = {who: n for n, who in enumerate(ids)}
    t = np.searchsorted(days, bars.get_column("date").to_numpy().astype("datetime64[D]"))
    n = bars.get_column("security_id").replace_strict(column, return_dtype=pl.Int64).to_numpy()
    out = np.full((len(days), len(ids)), np.nan)
    out[t, n] = bars.get_column("close").to_numpy()
    return out
