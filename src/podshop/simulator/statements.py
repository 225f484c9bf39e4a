"""Accounts as reports: rows of the tables of statements, filings and announced earnings."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from podshop.domain.money import F64, I64, Bools, Days
from podshop.simulator.fundamentals import CASH, GRAIN, INCOME, Accounts
from podshop.simulator.lives import Lives
from podshop.simulator.reporting import Quarters, Reporting
from podshop.simulator.sessions import moments, weekday_after
from podshop.simulator.streams import stream

SOURCE = "simulator"
MORNING_SECONDS, EVENING_SECONDS = 7 * 3600 + 1800, 16 * 3600 + 600
"""07:30 and 16:10 in New York: when earnings are announced."""


@dataclass(frozen=True, slots=True)
class _Reports:
    """Reports, one after another: which quarter and name, over a year or a quarter, when, in which
    version.
    """

    q: I64
    n: I64
    annual: Bools
    filed: Days
    seconds: I64
    change: F64

    def take(self, at: I64 | Bools) -> "_Reports":
        """Some of them."""
        return _Reports(
            self.q[at],
            self.n[at],
            self.annual[at],
            self.filed[at],
            self.seconds[at],
            self.change[at],
        )


def tables(
    books: Accounts, made: Quarters, lives: Lives, days: Days, seed: int, p: Reporting
) -> dict[str, pl.DataFrame]:
    """Income statements, balance sheets, cash flows and filings, restatements included."""
    reports = _reports(books, made, lives, days, seed, p)
    head = _head(reports, made, lives, days)
    figure = {name: _figure(books, name, reports) for name in books.figure}
    for name in ("operating_income", "net_income", "gross_profit", "total_equity", "other_assets"):
        figure[name] = figure[name] + reports.change
    figure["cost_of_revenue"] = figure["cost_of_revenue"] - reports.change
    original = reports.change == 0.0
    flows = {name: figure[name] for name in CASH}
    return {
        "income_statements": head.with_columns(**_series(_income(figure, books, reports))),
        "balance_sheets": head.with_columns(**_series(_balance(figure))),
        # A restatement is one of accruals: cash was what it was.
        "cash_flows": head.with_columns(**_series(flows)).filter(pl.Series(original)),
        "filings": _filings(head, reports, made),
    }


def _reports(
    books: Accounts, made: Quarters, lives: Lives, days: Days, seed: int, p: Reporting
) -> _Reports:
    rng = stream(seed, "filings")
    q, n = np.nonzero(made.heard_qn)
    first = _Reports(
        q,
        n,
        np.zeros(len(q), dtype=np.bool_),
        made.filed_qn[q, n],
        rng.integers(6 * 3600, 17 * 3600 + 1800, len(q)),
        np.zeros(len(q)),
    )
    # What comes in an evening cannot be filed before it was announced.
    evening = (made.announced_qn[q, n] == first.filed) & ~made.morning_qn[q, n]
    first.seconds[:] = np.where(evening, EVENING_SECONDS + 1200, first.seconds)
    morning = (made.announced_qn[q, n] == first.filed) & made.morning_qn[q, n]
    first.seconds[:] = np.where(morning, np.maximum(first.seconds, 8 * 3600), first.seconds)
    closing = np.flatnonzero((made.fiscal_qn[q, n] == 4) & (q >= 3))
    year = first.take(closing)
    year.annual[:] = True
    wrong = (rng.random(len(q)) < p.restated_share) & (made.fiscal_qn[q, n] != 4)
    later = first.take(np.flatnonzero(wrong))
    wait = rng.integers(p.restated_days[0], p.restated_days[1] + 1, len(later.q))
    revenue = books.figure["revenue"][later.q, later.n]
    by = np.rint(p.restated_by * revenue * rng.standard_normal(len(later.q)) / GRAIN) * GRAIN
    again = _Reports(
        later.q, later.n, later.annual, weekday_after(later.filed, wait), later.seconds, by
    )
    again = again.take((by != 0.0) & (again.filed <= days[lives.last_n[later.n]]))
    parts = (first, year, again)
    return _Reports(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("q", "n", "annual", "filed", "seconds", "change")
        )
    )


def _head(reports: _Reports, made: Quarters, lives: Lives, days: Days) -> pl.DataFrame:
    """What the three kinds of statements have in common."""
    row = np.minimum(np.searchsorted(days, reports.filed), len(days) - 1)
    fiscal = made.fiscal_qn[reports.q, reports.n]
    labels = pl.Series("period", ["FY", "Q1", "Q2", "Q3", "Q4"], dtype=pl.String)
    return lives.who(row, reports.n).with_columns(
        pl.Series("period_end", made.end_q[reports.q]),
        labels.gather(np.where(reports.annual, 0, fiscal)),
        pl.Series("fiscal_year", made.year_qn[reports.q, reports.n]),
        pl.lit("USD").alias("currency"),
        pl.Series("filed", reports.filed),
        moments(reports.filed, reports.seconds),
        pl.lit(SOURCE).alias("source"),
    )


def _figure(books: Accounts, name: str, reports: _Reports) -> F64:
    """An item of every report: the sum of four quarters for flows of a year."""
    value_qn = books.figure[name]
    out = value_qn[reports.q, reports.n]
    if name in INCOME or name in CASH:
        at = np.flatnonzero(reports.annual)
        q, n = reports.q[at], reports.n[at]
        out[at] = sum(value_qn[q - back, n] for back in range(4))
    return np.asarray(out)


def _income(figure: dict[str, F64], books: Accounts, reports: _Reports) -> dict[str, F64]:
    lots = books.lots_qn[reports.q, reports.n]
    per_lot = figure["net_income"] / lots
    extra = {"eps": per_lot, "eps_diluted": per_lot}
    weighted = {"weighted_shares": lots, "weighted_shares_diluted": lots}
    return {name: figure[name] for name in INCOME} | extra | weighted


def _balance(figure: dict[str, F64]) -> dict[str, F64]:
    liabilities = figure["total_debt"] + figure["other_liabilities"]
    return {
        "cash": figure["cash"],
        "other_assets": figure["other_assets"],
        "total_current_assets": figure["cash"] + np.rint(0.4 * figure["other_assets"]),
        "total_assets": figure["cash"] + figure["other_assets"],
        "other_liabilities": figure["other_liabilities"],
        "total_current_liabilities": np.rint(0.5 * figure["other_liabilities"]),
        "total_debt": figure["total_debt"],
        "total_liabilities": liabilities,
        "total_equity": figure["total_equity"],
    }


def _series(columns: dict[str, F64]) -> dict[str, pl.Series]:
    return {name: pl.Series(name, values) for name, values in columns.items()}


def _filings(head: pl.DataFrame, reports: _Reports, made: Quarters) -> pl.DataFrame:
    """One filing for each report of a quarter; the 10-K holds the year's figures too."""
    fiscal = made.fiscal_qn[reports.q, reports.n]
    amended = np.where(reports.change != 0.0, 1, 0)
    forms = pl.Series("form", ["10-Q", "10-Q/A", "10-K", "10-K/A"], dtype=pl.String)
    number = pl.Series("number", np.arange(len(fiscal))).cast(pl.String).str.zfill(8)
    return (
        head.select("security_id", "symbol", "filed", "known_at", "source", "period_end")
        .with_columns(
            forms.gather(np.where(fiscal == 4, 2, 0) + amended),
            pl.format("SIM-{}", number).alias("accession"),
            cik=pl.col("security_id").str.tail(5).str.zfill(10),
        )
        .rename({"period_end": "report_date"})
        .filter(pl.Series(~reports.annual))
    )


def earnings(books: Accounts, made: Quarters, lives: Lives) -> pl.DataFrame:
    """The earnings calendar: what was expected ten days before, and what was announced."""
    q, n = np.nonzero(made.heard_qn)
    day, row = made.announced_qn[q, n], made.row_qn[q, n]
    morning = made.morning_qn[q, n]
    lots = books.lots_qn[q, n]
    hoped, net = books.expected_qn[q, n] / lots, books.figure["net_income"][q, n] / lots
    revenue = books.figure["revenue"][q, n]
    times = pl.Series("time", ["after-close", "before-open"], dtype=pl.String)
    both = lives.who(row, n).with_columns(
        pl.Series("date", day),
        times.gather(morning.astype(np.int64)),
        pl.Series("eps_estimated", hoped),
        pl.Series("revenue_estimated", revenue),
        pl.lit(SOURCE).alias("source"),
    )
    empty = pl.lit(None, dtype=pl.Float64)
    before = day - np.timedelta64(10, "D")
    expected = both.with_columns(
        moments(before, np.full(len(q), 18 * 3600)), eps=empty, revenue=empty
    )
    said = np.where(morning, MORNING_SECONDS, EVENING_SECONDS)
    made_known = both.with_columns(
        moments(day, said), pl.Series("eps", net), pl.Series("revenue", revenue)
    )
    return pl.concat([expected, made_known]).sort("symbol", "date", "known_at")
