"""Impossible rows are set aside with their reason: never dropped, never read by a fund."""

from datetime import UTC, datetime

import polars as pl

from podshop.adapters.stores.rows import schema
from podshop.market.quality.bars import impossible


def part(bars: pl.DataFrame, source: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part possible bars from impossible ones.

    Args:
        bars: rows of table `bars`.
        source: where they come from.

    Returns:
        The bars that can be, and rows of table `quarantine` for the others.
    """
    reason = pl.when(pl.col("close").is_null()).then(pl.lit("no close")).otherwise("_reason")
    judged = bars.with_columns(_reason=impossible(bars)).with_columns(_reason=reason)
    wrong = judged.filter(pl.col("_reason") != "")
    return judged.filter(pl.col("_reason") == "").drop("_reason"), set_aside(
        "bars", wrong.drop("_reason"), wrong.get_column("_reason"), source
    )


def set_aside(table: str, rows: pl.DataFrame, reasons: pl.Series, source: str) -> pl.DataFrame:
    """Rows of table `quarantine` for refused rows of any table.

    Args:
        table: the table that they were meant for.
        rows: the refused rows.
        reasons: why, one for each.
        source: where they come from.
    """
    day = next((c for c in ("date", "period_end", "known_at") if c in rows.columns), None)
    return pl.DataFrame(
        {
            "table": [table] * rows.height,
            "symbol": rows.get_column("symbol") if "symbol" in rows.columns else None,
            "date": rows.get_column(day).cast(pl.Date) if day else None,
            "reason": reasons,
            "row": rows.select(pl.struct(pl.all()).struct.json_encode()).to_series(),
            "source": [source] * rows.height,
            "received_at": [datetime.now(UTC)] * rows.height,
        },
        schema_overrides=schema("quarantine"),
    )
