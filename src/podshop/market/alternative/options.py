"""Option volume beyond what a name is used to, and which way it leans.

Sources: Pan, Poteshman 2006, Review of Financial Studies 19 (put/call volume leads returns);
Johnson, So 2012, Journal of Financial Economics 106 (option volume against stock volume).
"""

import polars as pl

from podshop.market.alternative.scores import first_reports
from podshop.market.visibility import end_of_day

USUAL_DAYS, LEAST_DAYS = 63, 10
"""Reports before that tell what is usual, and fewest of them."""


def events(rows: pl.DataFrame) -> pl.DataFrame:
    """Lean times surprise, by report.

        lean     = (calls - puts) / (calls + puts), contracts traded
        surprise = max(0, ln((1 + calls + puts) / (1 + median of the `USUAL_DAYS` reports before)))
        value    = lean * surprise

    Args:
        rows: rows of `options_activity`; without known_at a row counts as known at the day's end.

    Returns:
        symbol, known_at, value (no unit).
    """
    moment = pl.col("known_at").fill_null(end_of_day(pl.col("date")))
    kept = first_reports(
        rows.select("symbol", "date", "call_volume", "put_volume", known_at=moment).drop_nulls()
    )
    total = pl.col("call_volume") + pl.col("put_volume")
    usual = total.rolling_median(USUAL_DAYS, min_samples=LEAST_DAYS).shift(1).over("symbol")
    surprise = ((1.0 + total) / (1.0 + usual)).log().clip(lower_bound=0.0)
    lean = (pl.col("call_volume") - pl.col("put_volume")) / pl.max_horizontal(total, pl.lit(1.0))
    return kept.select("symbol", "known_at", value=lean * surprise).drop_nulls()
