"""What vendors told, as rows of the store: who is who, raw prices, moments, and what is set aside.

1 bars are identified, which shows who there is; renamings and ends are applied to them
2 every row gets its security, and the symbol of its day
3 prices that are adjusted for splits are made raw
4 reports without a moment get one: the statement's of the same period, else the usual lag
5 rows that cannot be are set aside with their reason
"""

from collections.abc import Iterable
from typing import Any

import polars as pl

from podshop.adapters.stores.market import MarketStore
from podshop.adapters.stores.rows import schema
from podshop.adapters.vendors import Rows
from podshop.data.quarantine import part, set_aside
from podshop.data.register import Register
from podshop.market.actions import unsplit
from podshop.market.tables import TABLES
from podshop.market.visibility import end_of_day

LAG_DAYS = {"FY": 90, "Q": 45}
"""Days after a period's end at which a report without a date counts as known: the p90 to p95 of
10-K and 10-Q filings."""

END_DAYS = 10
"""Calendar days that bars may go on after the day that a vendor records as a name's last."""

STATEMENTS = ("income_statements", "balance_sheets", "cash_flows", "ratios")
DAYS = ("date", "period_end", "known_at", "transaction_date")
"""Columns that say on which day a row is about its symbol, the first that is there."""


def ingest(store: MarketStore, told: Iterable[Rows], source: str) -> dict[str, pl.DataFrame]:
    """Turn what vendors told into tables of the store.

    Args:
        store: what is known already.
        told: rows, in the order in which they were asked for.
        source: who told them.

    Returns:
        Tables by name, `symbols`, `securities` and `quarantine` among them.
    """
    frames: dict[str, list[pl.DataFrame]] = {}
    for rows in told:
        frames.setdefault(rows.table, []).append(rows.frame)
    tables = {name: pl.concat(parts, how="diagonal_relaxed") for name, parts in frames.items()}
    register = Register.of(store)
    aside = _who_is_who(store, register, tables, source)
    made: dict[str, pl.DataFrame] = {}
    for name in [n for n in TABLES if n in tables]:
        rows_, lost = _whole(name, tables[name], source)
        aside.append(lost)
        made[name] = _identified(register, name, rows_)
    if "split_adjusted" in tables:
        known = register.identify(tables["split_adjusted"])
        raw = unsplit(known, _splits(store, made))
        made["bars"] = pl.concat([made["bars"], raw], how="diagonal") if "bars" in made else raw
    if "bars" in made:
        made["bars"], wrong = part(made["bars"], source)
        aside.append(wrong)
    _date_reports(store, made)
    made["symbols"], made["securities"] = register.symbols(), register.securities()
    made["quarantine"] = pl.concat([pl.DataFrame(schema=schema("quarantine")), *aside])
    return made


def _who_is_who(
    store: MarketStore, register: Register, tables: dict[str, pl.DataFrame], source: str
) -> list[pl.DataFrame]:
    """Enter securities, their facts, renamings and ends into the register.

    Renamings come first, so that bars under a new symbol find the security that had the old one;
    and once more afterwards, the newest first, for histories that came under the newest alone.
    """
    nothing = pl.DataFrame(schema={"date": pl.Date, "symbol": pl.String, "new": pl.String})
    renames = tables.get("renames", nothing).sort("date", "symbol").rows(named=True)
    for row in renames:
        register.rename(row["symbol"], row["new"], row["date"])
    for name in ("bars", "split_adjusted"):
        if name in tables:
            register.identify(tables[name].drop_nulls(["symbol", "date"]))
    lost = [
        row for row in renames[::-1] if not register.rename(row["symbol"], row["new"], row["date"])
    ]
    aside = _aside(lost, "the new symbol is another security's on that day", source)
    aside += _ends(store, register, tables, source)
    if "profiles" in tables:
        for row in tables["profiles"].iter_rows(named=True):
            security_id = register.latest(row["symbol"])
            if security_id is not None:
                facts = {k: v for k, v in row.items() if k not in ("symbol", "source")}
                register.describe(security_id, **facts)
    return aside


def _ends(
    store: MarketStore, register: Register, tables: dict[str, pl.DataFrame], source: str
) -> list[pl.DataFrame]:
    """Enter ends: a name's last bar, where the recorded day is about it.

    Where bars go on long after the recorded day, the record is wrong, or of another company.
    """
    told = tables.get("delistings")
    if told is None or told.is_empty():
        return []
    kinds = {"security_id": pl.String, "date": pl.Date}
    bars = [store.frame("bars").select(*kinds), pl.DataFrame(schema=kinds)]
    for name in ("bars", "split_adjusted"):
        if name in tables:
            dated = tables[name].drop_nulls(["symbol", "date"])
            bars.append(register.identify(dated).select(*kinds))
    last = dict(pl.concat(bars).group_by("security_id").agg(pl.col("date").max()).iter_rows())
    lost = []
    for row in told.drop_nulls("date").sort("date", "symbol").iter_rows(named=True):
        holder = register.holder(row["symbol"], row["date"])
        end = last.get(holder.security_id) if holder is not None else None
        if end is not None and (end - row["date"]).days > END_DAYS:
            lost.append(row)
        else:
            day = row["date"] if end is None else max(end, row["date"])
            register.delist(row["symbol"], day, "delisted")
    return _aside(lost, f"it has bars more than {END_DAYS} days after that day", source)


def _aside(rows: list[dict[str, Any]], why: str, source: str) -> list[pl.DataFrame]:
    if not rows:
        return []
    reasons = pl.Series("reason", [why] * len(rows))
    return [set_aside("symbols", pl.DataFrame(rows), reasons, source)]


def _whole(name: str, rows: pl.DataFrame, source: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows that have all that a row needs, and those that lack something."""
    table = TABLES[name]
    late = ("known_at",) if name in STATEMENTS else ()
    needed = [c for c in (*table.key, *table.needs) if c not in ("security_id", *late)]
    rows = rows.with_columns(
        pl.lit(None, dtype=pl.String).alias(c) for c in needed if c not in rows.columns
    )
    optional = _may_be_empty(name)
    reason = pl.lit("")
    for column in needed:
        if column not in optional:
            reason = (
                pl.when(pl.col(column).is_null()).then(pl.lit(f"no {column}")).otherwise(reason)
            )
    judged = rows.with_columns(_reason=reason)
    lost = judged.filter(pl.col("_reason") != "")
    aside = set_aside(name, lost.drop("_reason"), lost.get_column("_reason"), source)
    return judged.filter(pl.col("_reason") == "").drop("_reason"), aside


def _may_be_empty(name: str) -> tuple[str, ...]:
    """Columns of a key that may be empty: then they say that there is none."""
    if name == "facts":
        return ("start",)
    if name == "congress_trades":
        return ("owner", "low", "high", "side", "transaction_date")
    return ()


def _identified(register: Register, name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with their security; rows about no symbol stay as they are."""
    if "symbol" not in rows.columns or "security_id" not in TABLES[name].columns:
        return rows
    day = next(column for column in DAYS if column in rows.columns)
    known, unknown = rows.filter(_has(day)), rows.filter(~_has(day))
    found = register.identify(known, day, witness=name == "bars")
    return pl.concat([found, unknown], how="diagonal") if unknown.height else found


def _has(day: str) -> pl.Expr:
    return pl.col("symbol").is_not_null() & pl.col(day).is_not_null()


def _splits(store: MarketStore, made: dict[str, pl.DataFrame]) -> pl.DataFrame:
    columns = ["security_id", "date", "ratio"]
    known = store.frame("splits").select(columns)
    if "splits" not in made:
        return known
    return pl.concat([known, made["splits"].select(columns)]).unique(
        ["security_id", "date"], keep="last", maintain_order=True
    )


def _date_reports(store: MarketStore, made: dict[str, pl.DataFrame]) -> None:
    """Give reports without a moment that of the period's income statement, or the usual lag."""
    key = ["security_id", "fiscal_year", "period"]
    statements = [store.frame("income_statements").select(*key, "known_at")]
    if "income_statements" in made and "fiscal_year" in made["income_statements"].columns:
        statements.append(made["income_statements"].select(*key, "known_at"))
    filed = (
        pl.concat(statements, how="vertical_relaxed")
        .drop_nulls()
        .sort("known_at")
        .unique(key, keep="first", maintain_order=True)
        .rename({"known_at": "_filed"})
    )
    lag = pl.when(pl.col("period") == "FY").then(LAG_DAYS["FY"]).otherwise(LAG_DAYS["Q"])
    usual = end_of_day(pl.col("period_end") + pl.duration(days=lag))
    for name in STATEMENTS:
        if name in made:
            rows = made[name]
            if "known_at" not in rows.columns:
                rows = rows.with_columns(known_at=pl.lit(None, dtype=pl.Datetime("us", "UTC")))
            rows = rows.join(filed, on=key, how="left", maintain_order="left")
            moment = pl.coalesce("known_at", "_filed", usual)
            made[name] = rows.with_columns(known_at=moment).drop("_filed")
