"""Frames of the market store for tests of the quality gate: made up, and the real 504 names."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl

from podshop.market.quality.gate import Inputs

FIRST = dt.date(2010, 1, 4)
NO_SPLITS = pl.DataFrame(
    schema={"security_id": pl.String, "symbol": pl.String, "date": pl.Date, "ratio": pl.Float64}
)
NO_DIVIDENDS = NO_SPLITS.rename({"ratio": "amount"})
NO_ADJUSTED = NO_SPLITS.rename({"ratio": "adj_close"})
NO_SECURITIES = pl.DataFrame(schema={"security_id": pl.String, "delisted": pl.Date})


def weekdays(count: int) -> np.ndarray:
    return np.busday_offset(np.datetime64(FIRST), np.arange(count), roll="forward").astype(
        "datetime64[D]"
    )


def made_up(names: int = 20, sessions: int = 200, seed: int = 7) -> pl.DataFrame:
    """Clean bars: returns of about 1.5 % a day with a common part, volumes around a level."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0, 0.007, sessions)
    frames = []
    for n in range(names):
        own = market + rng.normal(0.0, 0.012, sessions)
        close = rng.uniform(20.0, 80.0) * np.exp(np.cumsum(own))
        before = np.concatenate([[close[0]], close[:-1]])
        opened = before * np.exp(rng.normal(0.0, 0.004, sessions))
        frames.append(
            pl.DataFrame(
                {
                    "security_id": f"N{n:02d}@2010",
                    "symbol": f"N{n:02d}",
                    "date": weekdays(sessions),
                    "open": opened,
                    "high": np.maximum(opened, close) * 1.003,
                    "low": np.minimum(opened, close) * 0.997,
                    "close": close,
                    "volume": np.round(1e6 * np.exp(rng.normal(0.0, 0.25, sessions))),
                }
            )
        )
    return pl.concat(frames)


def at(symbol: str, row: int) -> pl.Expr:
    return (pl.col("symbol") == symbol) & (pl.col("date") == weekdays(row + 1)[row])


def change(bars: pl.DataFrame, where: pl.Expr, **fields: pl.Expr | float) -> pl.DataFrame:
    """The bars with some fields of some rows set to another value."""
    return bars.with_columns(
        pl.when(where).then(value).otherwise(pl.col(name)).cast(pl.Float64).alias(name)
        for name, value in fields.items()
    )


def split_unrecorded(bars: pl.DataFrame, symbol: str, row: int, ratio: float) -> pl.DataFrame:
    """The bars as they would be had the name split before the open of a row."""
    after = (pl.col("symbol") == symbol) & (pl.col("date") >= weekdays(row + 1)[row])
    prices = {name: pl.col(name) / ratio for name in ("open", "high", "low", "close")}
    return change(bars, after, **prices, volume=pl.col("volume") * ratio)


def inputs(bars: pl.DataFrame, **tables: object) -> Inputs:
    given: dict[str, object] = {
        "splits": NO_SPLITS,
        "dividends": NO_DIVIDENDS,
        "adjusted": NO_ADJUSTED,
        "securities": NO_SECURITIES,
    }
    return Inputs(bars=bars, **(given | tables))  # type: ignore[arg-type]


def action(symbol: str, row: int, **value: float) -> pl.DataFrame:
    who = {"security_id": f"{symbol}@2010", "symbol": symbol, "date": weekdays(row + 1)[row:]}
    return pl.DataFrame(who | value)


def real(folder: Path) -> Inputs:
    """The 504 names of the shared data."""
    raw = pl.read_parquet(folder / "prices" / "us_equities_1999_2016.parquet")
    who = {"security_id": "symbol", "symbol": "symbol", "date": "date"}
    prices = {name: pl.col(f"{name}_e4") / 1e4 for name in ("open", "high", "low", "close")}
    adjusted = pl.read_parquet(folder / "prices" / "adj_close_check_1999_2016.parquet")
    return Inputs(
        bars=raw.select(**who, **prices, volume=pl.col("volume").cast(pl.Float64)),
        splits=raw.filter(pl.col("split") != 1.0).select(**who, ratio="split"),
        dividends=raw.filter(pl.col("dividend") != 0.0).select(**who, amount="dividend"),
        adjusted=adjusted.with_columns(security_id="symbol"),
        securities=NO_SECURITIES,
        sessions=raw["date"].unique().sort().to_numpy().astype("datetime64[D]"),
    )
