"""Trades by members of Congress, from the day they are disclosed.

Source: Ziobrowski et al. 2004, Journal of Financial and Quantitative Analysis 39 (before the STOCK
Act; later studies find little: weigh it low).
"""

import polars as pl


def events(trades: pl.DataFrame) -> pl.DataFrame:
    """One event for each trade: +- log10(1 + sqrt(low * high) / 1,000).

    The range of a disclosure spans a decade, so its middle is geometric.

    Args:
        trades: rows of `congress_trades`; `side` begins with "buy" or "purchase", or with "sale" or
            "sell"; others (exchanges) are left out. low and high in currency units.

    Returns:
        symbol, known_at, value (no unit).
    """
    side = pl.col("side").str.to_lowercase()
    sign = (
        pl.when(side.str.contains("^(buy|purchase)"))
        .then(1.0)
        .when(side.str.contains("^(sell|sale|sold)"))
        .then(-1.0)
    )
    low = pl.col("low").clip(lower_bound=1.0)
    middle = (low * pl.max_horizontal(low, pl.col("high").fill_null(low))).sqrt()
    key = ["symbol", "chamber", "member", "owner", "transaction_date", "side", "low"]
    return (
        trades.sort("known_at", "high")
        .unique(key, keep="first", maintain_order=True)
        .select("symbol", "known_at", value=sign * (1.0 + middle / 1_000.0).log10())
        .drop_nulls()
    )
