"""How large holders changed their positions from one 13F to the next, known when it was filed.

Source: Chen, Hong, Stein 2002, Journal of Financial Economics 66 (breadth of ownership).
"""

import polars as pl

from podshop.market.alternative.scores import first_reports


def events(holdings: pl.DataFrame) -> pl.DataFrame:
    """One event for each manager, symbol and filing: (now - before) / (now + before), in lots.

    +1 is a new position, -1 a position sold whole. A manager's first filing says nothing, nor do
    amendments and options.

    Args:
        holdings: rows of `holdings`; `shares` in lots.

    Returns:
        symbol, known_at, value (-1..1).
    """
    plain = holdings.filter(pl.col("put_call").fill_null("") == "").drop_nulls(
        ["symbol", "manager_id", "period_end", "known_at", "accession"]
    )
    plain = plain.unique(["accession", "line"], keep="any")
    heads = plain.select("manager_id", "known_at", "accession", date="period_end").unique()
    filings = first_reports(heads, by=("manager_id",)).with_columns(
        before=pl.col("accession").shift(1).over("manager_id")
    )
    lots = plain.group_by("accession", "symbol").agg(pl.col("shares").sum())
    compared = filings.filter(pl.col("before").is_not_null())
    now = compared.join(lots, on="accession").select("accession", "symbol", now="shares")
    then = compared.join(lots, left_on="before", right_on="accession").select(
        "accession", "symbol", then="shares"
    )
    both = now.join(then, on=["accession", "symbol"], how="full", coalesce=True)
    both = both.with_columns(pl.col("now", "then").fill_null(0.0))
    both = both.join(compared.select("accession", "known_at"), on="accession")
    total = pl.col("now") + pl.col("then")
    return both.filter(total > 0.0).select(
        "symbol", "known_at", value=(pl.col("now") - pl.col("then")) / total
    )
