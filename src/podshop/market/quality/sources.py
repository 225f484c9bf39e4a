"""Checks against another source, and of statements against themselves."""

import polars as pl

from podshop.market.quality.findings import found, none
from podshop.market.quality.params import Params


def other_closes(bars: pl.DataFrame, other: pl.DataFrame, params: Params) -> pl.DataFrame:
    """Check 10: closes that another source has otherwise, `warn`.

    Args:
        bars: ours.
        other: theirs: security_id, date, close.
        params: thresholds.
    """
    theirs = other.select("security_id", "date", _theirs="close")
    both = bars.join(theirs, on=["security_id", "date"])
    apart = (pl.col("close") / pl.col("_theirs") - 1.0).abs() > params.cross_close
    text = pl.format("close {} here, {} there", "close", "_theirs")
    return found(both.filter(apart), "cross source", "warn", text)


def balance_sheets(rows: pl.DataFrame, params: Params) -> pl.DataFrame:
    """Check 14: assets that are not liabilities plus equity, `warn`."""
    sides = pl.col("total_liabilities") + pl.col("total_equity")
    gap = ((pl.col("total_assets") - sides) / pl.col("total_assets").abs()).abs()
    wrong = rows.with_columns(date=pl.col("period_end"), _gap=gap).filter(gap > params.balance)
    text = pl.format(
        "assets differ from liabilities and equity by {} %", (pl.col("_gap") * 100).round(2)
    )
    return found(wrong, "balance", "warn", text)


def filing_lags(rows: pl.DataFrame, params: Params) -> pl.DataFrame:
    """Check 14: reports known before their period's end or very long after it, `warn`."""
    lag = (pl.col("known_at").dt.date() - pl.col("period_end")).dt.total_days()
    wrong = rows.with_columns(date=pl.col("period_end"), _lag=lag).filter(
        (lag < 0) | (lag > params.lag_most_days)
    )
    text = pl.format("known {} days after its period's end", "_lag")
    return found(wrong, "filing lag", "warn", text)


def signs(rows: pl.DataFrame) -> pl.DataFrame:
    """Check 14: negative revenues, assets or share counts, `warn`: a sign or a unit is wrong."""
    names = [n for n in ("revenue", "total_assets", "weighted_shares") if n in rows.columns]
    if not names:
        return none()
    negative = pl.any_horizontal(*(pl.col(n) < 0.0 for n in names))
    wrong = rows.with_columns(date=pl.col("period_end")).filter(negative)
    figures = [pl.lit(n + " ") + pl.col(n).cast(pl.String) for n in names]
    return found(wrong, "sign", "warn", pl.concat_str(figures, separator=", ", ignore_nulls=True))
