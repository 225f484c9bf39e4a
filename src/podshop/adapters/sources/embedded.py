"""The data that comes with the `demo` extra: 20 large US names, 1990-2022, real closes.

    closes     skfolio's sp500_dataset: dividends and splits are inside the adjusted closes
    benchmark  skfolio's sp500_index: the S&P 500 price index
    interest   Fama-French RF from arch: the one-month bill known at each month's start, to 2018-11

The two packages are read as files and never imported: importing them costs 16 s of a small machine
and what is needed are three tables. The names were chosen by skfolio's authors with hindsight, so
results on them flatter every long-only pod.
"""

from importlib.util import find_spec
from pathlib import Path

import polars as pl

from podshop.domain.error import DataError
from podshop.domain.market import Panel

SECTORS = {
    "AAPL": "Information Technology",
    "AMD": "Information Technology",
    "BAC": "Financials",
    "BBY": "Consumer Discretionary",
    "CVX": "Energy",
    "GE": "Industrials",
    "HD": "Consumer Discretionary",
    "JNJ": "Health Care",
    "JPM": "Financials",
    "KO": "Consumer Staples",
    "LLY": "Health Care",
    "MRK": "Health Care",
    "MSFT": "Information Technology",
    "PEP": "Consumer Staples",
    "PFE": "Health Care",
    "PG": "Consumer Staples",
    "RRC": "Energy",
    "UNH": "Health Care",
    "WMT": "Consumer Staples",
    "XOM": "Energy",
}
"""GICS sector of each name as of 2022."""

SOURCE = (
    "20 large US names 1990-2022 (skfolio's sp500_dataset): closes adjusted for splits and "
    "dividends, so neither appears as an event; no opens, so fills happen at the next close; no "
    "volumes. Chosen with hindsight. Benchmark: S&P 500 price index (skfolio). Interest: "
    "Fama-French one-month bill (arch) to November 2018, zero after."
)


def load() -> Panel:
    """Load the embedded universe.

    Returns:
        8,313 sessions (1990-01-02..2022-12-28) of 20 names.

    Raises:
        DataError: skfolio or arch is not installed, or no longer bundles the file.
    """
    wide = _table("skfolio", "datasets/data/sp500_dataset.csv.gz")
    long = wide.unpivot(index="date", variable_name="symbol", value_name="close")
    unknown = set(long.get_column("symbol").unique()) - SECTORS.keys()
    if unknown:
        raise DataError(
            f"skfolio's sp500_dataset has names without a sector: {', '.join(sorted(unknown))}; "
            "install the version that podshop was tested with: pip install podshop[demo]"
        )
    sector = pl.col("symbol").replace_strict(SECTORS, return_dtype=pl.String).alias("sector")
    index = _table("skfolio", "datasets/data/sp500_index.csv.gz").rename({"SP500": "close"})
    frame = long.with_columns(sector)
    return Panel.from_frame(frame, rate=_bills(), benchmark=index, source=SOURCE)


def _bills() -> pl.DataFrame:
    """Annual rate of the one-month bill by month, known at its start; 0 after the data ends."""
    french = _file("arch", "data/frenchdata/frenchdata.csv.gz")
    monthly = french.select(
        pl.col("Date").cast(pl.String).str.to_date("%Y%m").alias("date"),
        (pl.col("RF") / 100.0 * 12.0).alias("rate"),
    ).sort("date")
    end = monthly.select(pl.col("date").max().dt.offset_by("1mo"), rate=pl.lit(0.0))
    return pl.concat([monthly, end])


def _table(package: str, path: str) -> pl.DataFrame:
    """A bundled table whose first column is an ISO date."""
    table = _file(package, path)
    return table.rename({"Date": "date"}).with_columns(pl.col("date").str.to_date("%Y-%m-%d"))


def _file(package: str, path: str) -> pl.DataFrame:
    """Read a bundled csv.gz without importing the package that holds it."""
    spec = find_spec(package)
    folders = (spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        file = Path(folder) / path
        if file.is_file():
            return pl.read_csv(file)
    raise DataError(
        f"the embedded data needs {package} with its file {path}; install it: "
        "pip install podshop[demo]"
    )
