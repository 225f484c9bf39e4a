"""What short sellers do: lots short twice a month, and short volume each session.

Sources: Boehmer, Jones, Zhang 2008, Journal of Finance 63; Hong, Li, Ni, Scheinkman, Yan 2016,
"Days to Cover and Stock Returns". High and rising short interest precedes low returns, so every
value here has the sign of the return that follows: more shorts, lower.
"""

import polars as pl

from podshop.market.alternative.scores import first_reports
from podshop.market.visibility import end_of_day


def interest_change(rows: pl.DataFrame) -> pl.DataFrame:
    """-ln(shares / shares of the report before), by report.

    Args:
        rows: rows of `short_interest`; shares are lots.

    Returns:
        symbol, known_at, value (no unit).
    """
    kept = first_reports(rows.select("symbol", "date", "known_at", "shares"))
    kept = kept.filter(pl.col("shares") > 0.0)
    change = (pl.col("shares") / pl.col("shares").shift(1).over("symbol")).log()
    return kept.select("symbol", "known_at", value=-change).drop_nulls()


def days_to_cover(rows: pl.DataFrame) -> pl.DataFrame:
    """-ln(1 + days of average volume that it takes to buy back what is short).

    Args:
        rows: rows of `short_interest`.

    Returns:
        symbol, known_at, value (log of days).
    """
    kept = first_reports(rows.select("symbol", "date", "known_at", "days_to_cover").drop_nulls())
    return kept.select("symbol", "known_at", value=-(1.0 + pl.col("days_to_cover")).log())


def volume_ratio(rows: pl.DataFrame) -> pl.DataFrame:
    """-(lots sold short / lots traded), as FINRA's facilities reported the session.

    Args:
        rows: rows of `short_volume`; without known_at a row counts as known at the day's end.

    Returns:
        symbol, known_at, value (fraction, -1..0).
    """
    moment = pl.col("known_at").fill_null(end_of_day(pl.col("date")))
    kept = first_reports(
        rows.filter(pl.col("total") > 0.0).select(
            "symbol", "date", known_at=moment, ratio=pl.col("short") / pl.col("total")
        )
    )
    return kept.select("symbol", "known_at", value=-pl.col("ratio").clip(0.0, 1.0)).drop_nulls()
