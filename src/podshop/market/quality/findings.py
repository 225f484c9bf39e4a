"""What a check says: rows of the table of findings."""

import polars as pl

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "security_id": pl.String,
    "symbol": pl.String,
    "date": pl.Date,
    "check": pl.String,
    "severity": pl.String,
    "detail": pl.String,
}
SEVERITIES = ("note", "warn", "stop")


def found(rows: pl.DataFrame, check: str, severity: str | pl.Expr, detail: pl.Expr) -> pl.DataFrame:
    """Rows as findings of one check.

    Args:
        rows: with security_id, symbol and date.
        check: its name.
        severity: one for all, or an expression.
        detail: a sentence for each row, with the figures.
    """
    told = pl.lit(severity) if isinstance(severity, str) else severity
    return rows.select(
        "security_id",
        "symbol",
        "date",
        check=pl.lit(check),
        severity=told,
        detail=detail,
    ).cast(pl.Schema(SCHEMA))


def none() -> pl.DataFrame:
    """No findings."""
    return pl.DataFrame(schema=SCHEMA)


def gathered(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """All findings, the gravest of each (security, day, check), in a fixed order."""
    rank = pl.col("severity").replace_strict({s: i for i, s in enumerate(SEVERITIES)})
    key = ["security_id", "date", "check"]
    return (
        pl.concat([none(), *frames])
        .with_columns(_rank=rank)
        .sort([*key, "_rank", "detail"])
        .unique(key, keep="last", maintain_order=True)
        .drop("_rank")
    )
