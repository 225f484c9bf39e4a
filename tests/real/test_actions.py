"""Our adjusted prices beside the vendor's own, 45 names, 1999 to 2016."""

from pathlib import Path

import polars as pl

from podshop.market.actions import adjusted_closes, adjustments

CENT_OF_A_CENT = 0.5e-4
"""The vendor rounds dividends to four decimals here, and adjusted with the unrounded ones."""


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
    assert exceptions.height == 35  # of 6,000 dividends
    assert exceptions.filter(pl.col("dividend") == 0.0).is_empty()
    # What is left is smaller than the rounding of a dividend could make it.
    cash = exceptions.get_column("apart") * exceptions.get_column("before")
    assert float(cash.max()) <= CENT_OF_A_CENT * 1.1  # type: ignore[arg-type]
    # Between actions only the six decimals of their adjusted closes are left: 1e-6 of the price.
    quiet = both.filter(pl.col("dividend") == 0.0)
    assert float((quiet.get_column("apart") * quiet.get_column("adj_close")).max()) < 2e-6
