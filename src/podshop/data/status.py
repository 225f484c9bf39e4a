"""What is in a market store, table by table."""

from collections.abc import Iterable

import polars as pl

from podshop.adapters.stores.market import MarketStore
from podshop.market.tables import TABLES


def status(store: MarketStore) -> pl.DataFrame:
    """One row for each table that has something.

    Returns:
        table, rows, securities (or symbols, series), first and last day, sources.
    """
    told = []
    for name, table in TABLES.items():
        rows = store.frame(name)
        if rows.is_empty():
            continue
        day = next(
            (c for c in ("date", "period_end", "known_at", "first") if c in table.columns), ""
        )
        days = rows.get_column(day).cast(pl.Date) if day else pl.Series([None], dtype=pl.Date)
        who = next(
            (c for c in ("security_id", "symbol", "series", "index") if c in table.columns), ""
        )
        sources: Iterable[str] = (
            rows.get_column("source").drop_nulls().unique().sort()
            if "source" in table.columns
            else []
        )
        told.append(
            {
                "table": name,
                "rows": rows.height,
                "names": rows.get_column(who).n_unique() if who else None,
                "first": days.min(),
                "last": days.max(),
                "sources": ", ".join(sources),
            }
        )
    kinds = {"table": pl.String, "rows": pl.Int64, "names": pl.Int64}
    return pl.DataFrame(
        told, schema={**kinds, "first": pl.Date, "last": pl.Date, "sources": pl.String}
    )
