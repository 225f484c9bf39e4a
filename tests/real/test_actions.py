"""Our adjusted prices beside the vendor's own, 45 names, 1999 to 2016."""

from pathlib import Path

import polars as pl

from podshop.market.actions import adjusted_closes, adjustments

ROUNDED_DIVIDENDS = {
    "ABT": "2004-05-03 2006-01-11",
    "HD": "2010-03-09 2010-06-01 2010-08-31 2010-11-30",
    "MCD": "1999-11-29 2000-09-13",
    "MS": "2009-04-28",
    "T": "2000-01-06 2000-04-06 2000-07-06 2001-01-08 2001-04-06 2001-07-06 2001-10-05 2002-01-08",
    "TXN": "2000-10-27 2001-01-29 2001-04-26 2001-07-27 2001-10-29 2002-01-29 2002-04-26 "
    "2002-07-29 2002-10-29 2003-01-29 2003-04-28 2003-07-29 2003-10-29 2004-01-28 2004-04-28 "
    "2004-07-28",
}
"""The data gives these dividends in four decimals; the vendor adjusted with the unrounded ones."""

FEW_DECIMALS = {"TSCO": "2001-03-21 2001-03-22"}
"""Adjusted closes of about 0.6 with six decimals: two halves of the last make 1e-6."""


def test_adjusted_returns_are_the_vendors_and_every_exception_has_its_cause(
    shared_data: Path,
) -> None:
    prices = shared_data / "prices"
    theirs = pl.read_parquet(prices / "adj_close_check_1999_2016.parquet")
    raw = pl.read_parquet(prices / "us_equities_1999_2016.parquet").join(
        theirs.select("symbol").unique(), on="symbol", how="semi"
    )
    key = {"security_id": "symbol", "date": "date"}
    bars = raw.select(**key, close=pl.col("close_e4") / 1e4)
    factors = adjustments(
        bars,
        raw.filter(pl.col("split") != 1.0).select(**key, ratio="split"),
        raw.filter(pl.col("dividend") != 0.0).select(**key, amount="dividend"),
    )

    def growth(level: str) -> pl.Expr:
        return pl.col(level) / pl.col(level).shift(1).over("symbol") - 1.0

    both = (
        adjusted_closes(bars, factors)
        .rename({"security_id": "symbol", "adj_close": "mine"})
        .join(theirs, on=["symbol", "date"])
        .join(raw.select("symbol", "date", "dividend", "close_e4"), on=["symbol", "date"])
        .sort("symbol", "date")
        .with_columns(
            apart=(growth("mine") - growth("adj_close")).abs(),
            before=pl.col("close_e4").shift(1).over("symbol") / 1e4,
        )
        .drop_nulls("apart")
    )
    assert both.height == 193_556
    exceptions = both.filter(pl.col("apart") > 1e-6)
    named = {
        (symbol, date)
        for cause in (ROUNDED_DIVIDENDS, FEW_DECIMALS)
        for symbol, dates in cause.items()
        for date in dates.split()
    }
    days = exceptions.get_column("date").cast(pl.String)
    assert set(zip(exceptions.get_column("symbol"), days, strict=True)) == named
    # Each is smaller than what its cause can do.
    paid = exceptions.filter(pl.col("dividend") > 0.0)
    assert paid.height == sum(len(dates.split()) for dates in ROUNDED_DIVIDENDS.values())
    assert max(paid.get_column("apart") * paid.get_column("before")) <= 0.5e-4 * 1.1
    unpaid = exceptions.filter(pl.col("dividend") == 0.0)
    assert max(unpaid.get_column("apart") * unpaid.get_column("adj_close")) <= 1.2e-6
    # Between actions only the six decimals of their adjusted closes are left: 1e-6 of the price.
    quiet = both.filter(pl.col("dividend") == 0.0)
    assert float((quiet.get_column("apart") * quiet.get_column("adj_close")).max()) < 2e-6
