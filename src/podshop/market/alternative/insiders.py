"""What officers and directors buy and sell in the open market with their own money.

Source: Lakonishok, Lee 2001, Review of Financial Studies 14 (buys inform, sales hardly); Cohen,
Malloy, Pomorski 2012, Journal of Finance 67 (routine trades say nothing).
"""

import datetime as dt

import polars as pl

SALE_WEIGHT, PLANNED_WEIGHT = 0.5, 0.25
"""A sale has many reasons; one planned under rule 10b5-1 was decided long before."""

CLUSTER_DAYS = 30
"""Days within which others of the firm on the same side make a cluster."""

ROLES = {"chief": 1.5, "ceo": 1.5, "cfo": 1.5, "president": 1.25, "director": 1.0, "10%": 0.5}
"""Weight of a role by a word in it, the first that fits; 1.0 for others."""


def events(trades: pl.DataFrame) -> pl.DataFrame:
    """One event for each line of a Form 4 with code P or S.

        value = side * role * plan * (1 + min(others, 4) / 4) * log10(1 + money / 10,000)

    side is +1 for a buy and -0.5 for a sale, others are the other insiders of the firm on the same
    side known in the `CLUSTER_DAYS` before, money is |shares| * price in currency units.

    Args:
        trades: rows of `insider_trades`.

    Returns:
        symbol, known_at, value (no unit).
    """
    role = pl.col("role").fill_null("").str.to_lowercase()
    weight = pl.lit(1.0)
    for word, factor in reversed(ROLES.items()):
        weight = pl.when(role.str.contains(word, literal=True)).then(factor).otherwise(weight)
    planned = pl.col("planned").fill_null(value=False)
    bought = pl.col("code") == "P"
    ours = (
        trades.filter(pl.col("code").is_in(["P", "S"]) & (pl.col("price") > 0.0))
        .drop_nulls(["symbol", "known_at", "shares"])
        .unique(["accession", "insider_id", "line"], keep="any")
        .with_columns(
            side=pl.when(bought).then(1.0).otherwise(-SALE_WEIGHT),
            plan=pl.when(planned).then(PLANNED_WEIGHT).otherwise(1.0),
            role_weight=weight,
            money=pl.col("shares").abs() * pl.col("price"),
        )
        .sort("symbol", "known_at", "insider_id", "accession", "line")
    )
    size = (1.0 + pl.col("money") / 10_000.0).log10()
    crowd = 1.0 + pl.col("others").clip(0, 4) / 4.0
    return ours.with_columns(others=_others(ours)).select(
        "symbol",
        "known_at",
        value=pl.col("side") * pl.col("role_weight") * pl.col("plan") * crowd * size,
    )


def _others(trades: pl.DataFrame) -> pl.Series:
    """How many other insiders of the firm were on the same side in the days before."""
    reach = dt.timedelta(days=CLUSTER_DAYS)
    seen: dict[tuple[str, str], dict[str, dt.datetime]] = {}
    counts = []
    for symbol, code, who, moment in trades.select(
        "symbol", "code", "insider_id", "known_at"
    ).iter_rows():
        same = seen.setdefault((symbol, code), {})
        counts.append(sum(w != who and moment - at <= reach for w, at in same.items()))
        same[who] = moment
    return pl.Series(counts, dtype=pl.Int64)
