"""Clean made-up tables for the quality gate, and the real ones, in which defects are planted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from podshop.market.quality.gate import Inputs

SESSIONS = np.arange("2020-01-01", "2021-12-31", dtype="datetime64[D]")
SESSIONS = SESSIONS[np.is_busday(SESSIONS)]
WHO = {"security_id": "symbol", "symbol": "symbol", "date": "date"}
NONE = {
    "splits": {"ratio": pl.Float64},
    "dividends": {"amount": pl.Float64},
    "adjusted": {"adj_close": pl.Float64},
}


def empty(table: str) -> pl.DataFrame:
    """A table without rows."""
    kinds = {"security_id": pl.String, "symbol": pl.String, "date": pl.Date}
    return pl.DataFrame(schema={**kinds, **NONE[table]})


def clean(names: int = 6, seed: int = 0) -> Inputs:
    """Bars that nothing is wrong with: quiet names with opens, volumes and a market."""
    rng = np.random.default_rng(seed)
    days = len(SESSIONS)
    market = rng.normal(0.0, 0.006, days)
    frames = []
    for n in range(names):
        gap = rng.normal(0.0, 0.004, days)
        move = market + gap + rng.normal(0.0, 0.008, days)
        close = 50.0 * np.exp(np.cumsum(move))
        open_ = np.roll(close, 1) * np.exp(gap)
        open_[0] = close[0]
        spread = np.abs(rng.normal(0.0, 0.004, days))
        frames.append(
            pl.DataFrame(
                {
                    "security_id": f"N{n}",
                    "symbol": f"N{n}",
                    "date": SESSIONS,
                    "open": open_,
                    "high": np.maximum(open_, close) * (1 + spread),
                    "low": np.minimum(open_, close) * (1 - spread),
                    "close": close,
                    "volume": rng.lognormal(13.0, 0.3, days),
                }
            )
        )
    securities = pl.DataFrame({"security_id": [f"N{n}" for n in range(names)]}).with_columns(
        delisted=pl.lit(None, dtype=pl.Date)
    )
    return Inputs(
        pl.concat(frames),
        empty("splits"),
        empty("dividends"),
        empty("adjusted"),
        securities,
        sessions=SESSIONS,
        today=SESSIONS[-1],
    )


def real(shared_data: Path) -> Inputs:
    """The 491 names of the shared prices, 1999 to 2016, with what their vendor says of actions."""
    prices = shared_data / "prices"
    raw = pl.read_parquet(prices / "us_equities_1999_2016.parquet")
    adjusted = pl.read_parquet(prices / "adj_close_check_1999_2016.parquet")
    fields = {f: (pl.col(f"{f}_e4") / 1e4).round(4) for f in ("open", "high", "low", "close")}
    return Inputs(
        raw.select(**WHO, **fields, volume=pl.col("volume").cast(pl.Float64)),
        raw.filter(pl.col("split") != 1.0).select(**WHO, ratio="split"),
        raw.filter(pl.col("dividend") != 0.0).select(**WHO, amount="dividend"),
        adjusted.select(**WHO, adj_close="adj_close"),
        pl.DataFrame(schema={"security_id": pl.String, "delisted": pl.Date}),
        sessions=np.unique(raw.get_column("date").to_numpy()).astype("datetime64[D]"),
    )


def with_split(inputs: Inputs, symbol: str, day: object, ratio: float) -> Inputs:
    """The tables as if a name had split on a day and nobody had recorded it."""
    after = (pl.col("symbol") == symbol) & (pl.col("date") >= day)
    price = pl.when(after).then(1.0 / ratio).otherwise(1.0)
    lots = pl.when(after).then(ratio).otherwise(1.0)
    prices = [pl.col(p) * price for p in ("open", "high", "low", "close")]
    return replace(
        inputs,
        bars=inputs.bars.with_columns(*prices, pl.col("volume") * lots),
        dividends=inputs.dividends.with_columns(pl.col("amount") * price),
    )
