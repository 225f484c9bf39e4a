"""Corporate actions: raw prices, splits and dividends into adjusted prices.

The total return of a session is

    (close + dividend) * split / close of the session before - 1

with the dividend per lot AFTER that day's split. An adjusted close is a level with those returns
that ends at the last raw close; so what an action does to all prices before its day is to multiply
them by

    close / ((close + dividend) * split)

at that day's close, and earlier actions multiply further. An action on a day without a bar counts
on the next day that has one.
"""

import polars as pl

BY = ["security_id", "date"]
SCHEMA = {"security_id": pl.String, "date": pl.Date, "factor": pl.Float64}


def adjustments(bars: pl.DataFrame, splits: pl.DataFrame, dividends: pl.DataFrame) -> pl.DataFrame:
    """The factor for prices before each action.

    Args:
        bars: security_id, date, close; raw closes in currency per lot.
        splits: security_id, date, ratio (lots after one lot before).
        dividends: security_id, date, amount (currency per lot after that day's split).

    Returns:
        security_id, date, factor, ascending: prices of bars before `date` and on or after the
        action before it are adjusted by multiplying with `factor`, volumes by dividing.
    """
    daily = on_sessions(splits, dividends, bars)
    if daily.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    one = pl.col("close") / ((pl.col("close") + pl.col("amount")) * pl.col("ratio"))
    cumulative = one.cum_prod(reverse=True).over("security_id")
    return daily.sort(BY).with_columns(factor=cumulative).select(*SCHEMA)


def adjusted_closes(bars: pl.DataFrame, factors: pl.DataFrame) -> pl.DataFrame:
    """Adjusted closes of bars.

    Args:
        bars: security_id, date, close.
        factors: as `adjustments` gives them.

    Returns:
        security_id, date, adj_close, ascending.
    """
    later = factors.sort("date").rename({"date": "until"})
    joined = (
        bars.select(*BY, "close")
        .sort("date")
        .join_asof(
            later,
            left_on="date",
            right_on="until",
            by="security_id",
            strategy="forward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
    )
    adjusted = pl.col("close") * pl.col("factor").fill_null(1.0)
    return joined.select(*BY, adj_close=adjusted).sort(BY)


def _events(splits: pl.DataFrame, dividends: pl.DataFrame) -> pl.DataFrame:
    """One row a security and day: its split (1 = none) and its dividend (0 = none)."""
    return (
        splits.group_by(BY)
        .agg(pl.col("ratio").product())
        .join(dividends.group_by(BY).agg(pl.col("amount").sum()), on=BY, how="full", coalesce=True)
        .with_columns(pl.col("ratio").fill_null(1.0), pl.col("amount").fill_null(0.0))
        .sort(BY)
    )


def on_sessions(splits: pl.DataFrame, dividends: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """The actions on the first session from their day on that has a bar; those without are dropped.

    Where several meet on one session, cash owed since before a split is thinned out by it.

    Args:
        splits: security_id, date, ratio.
        dividends: security_id, date, amount.
        bars: security_id, date, close.

    Returns:
        security_id, date, close, ratio (1 = none), amount (0 = none).
    """
    events = _events(splits, dividends)
    mine = bars.select(*BY, "close", traded="date").join(events, on="security_id", how="semi")
    moved = (
        events.sort("date")
        .join_asof(
            mine.sort("date"),
            on="date",
            by="security_id",
            strategy="forward",
            check_sortedness=False,
        )
        .drop_nulls("traded")
        .sort(BY)
    )
    session = ["security_id", "traded"]
    later = pl.col("ratio").cum_prod(reverse=True).over(session) / pl.col("ratio")
    return (
        moved.with_columns(amount=pl.col("amount") / later)
        .group_by(session, maintain_order=True)
        .agg(pl.col("close").first(), pl.col("ratio").product(), pl.col("amount").sum())
        .rename({"traded": "date"})
    )


def unsplit(bars: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Raw bars of bars that are adjusted for all splits after them.

    Args:
        bars: security_id, date, open, high, low, close, volume (and more), adjusted for splits.
        splits: security_id, date, ratio.

    Returns:
        The bars with prices times, and volumes by, the ratios of all later splits.
    """
    later = (
        splits.group_by(BY)
        .agg(pl.col("ratio").product())
        .sort(BY)
        .with_columns(_ratio=pl.col("ratio").cum_prod(reverse=True).over("security_id"))
        .select("security_id", "_ratio", _until="date")
    )
    ratio = pl.col("_ratio").fill_null(1.0)
    return (
        bars.sort("date")
        .join_asof(
            later.sort("_until"),
            left_on="date",
            right_on="_until",
            by="security_id",
            strategy="forward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .with_columns(
            *(pl.col(price) * ratio for price in ("open", "high", "low", "close")),
            pl.col("volume") / ratio,
        )
        .drop("_ratio", "_until")
        .sort(BY)
    )
