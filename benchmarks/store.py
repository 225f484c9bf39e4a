"""The market store with 3,000 names x 2,520 sessions: load, upsert, panel, snapshot; one line of JSON.

python -m benchmarks.store [NAMES DAYS]
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.synthetic import market
from podshop.adapters.sources import store as source
from podshop.adapters.stores import snapshot
from podshop.adapters.stores.market import MarketStore

UPSERT_DAYS = 21
PRICES = ("open", "high", "low", "close")


def tables(names, days):
    """Bars, dividends, symbols and securities of a made-up market, bars by day as they would come."""
    panel = market(names, days)
    shape = panel.close.shape
    symbols = np.array(panel.assets.symbols)
    day = np.repeat(panel.days, names)
    ids = pl.Series("security_id", symbols).cast(pl.String) + f"@{panel.days[0]}"
    n = np.tile(np.arange(names), days)
    bars = pl.DataFrame(
        {
            "security_id": ids.gather(n),
            "symbol": pl.Series(symbols).gather(n),
            "date": day,
            "open": panel.open.ravel(),
            "high": np.fmax(panel.open, panel.close).ravel(),
            "low": np.fmin(panel.open, panel.close).ravel(),
            "close": panel.close.ravel(),
            "volume": panel.volume.ravel(),
        }
    ).with_columns(pl.col("date").cast(pl.Date), source=pl.lit("made up"))
    paid = np.broadcast_to(panel.dividend, shape).ravel()
    dividends = bars.select("security_id", "symbol", "date").with_columns(amount=paid)
    who = pl.DataFrame({"security_id": ids, "symbol": symbols, "sector": panel.assets.sectors})
    return {
        "bars": bars,
        "dividends": dividends.filter(pl.col("amount") > 0.0),
        "symbols": who.select("security_id", "symbol", first=pl.lit(panel.days[0].item())),
        "securities": who.select("security_id", "sector", listed=pl.lit(panel.days[0].item())),
    }


def put(store, **frames):
    """Commit frames; the wall seconds that took."""
    begun = time.perf_counter()
    with store.writing() as writer:
        for table, frame in frames.items():
            writer.put(table, frame)
        writer.commit()
    return time.perf_counter() - begun


def timed(function, *arguments):
    """Wall seconds of a call, and its result."""
    begun = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - begun, result


def peak_mb():
    """The most memory that the process had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(names=3_000, days=2_520):
    """Measure and print."""
    made = tables(names, days)
    told = {"names": names, "days": days, "rows": made["bars"].height, "given_mb": peak_mb()}
    bars = made["bars"]
    recent = bars.get_column("date").unique().sort()[-UPSERT_DAYS]
    with tempfile.TemporaryDirectory() as folder:
        store = MarketStore(folder)
        first = made | {"bars": bars.filter(pl.col("date") < recent)}
        told["load_s"] = put(store, **first)
        told["load_peak_mb"] = peak_mb()
        late = bars.filter(pl.col("date") >= recent)
        told["upsert_new_s"] = put(store, bars=late)
        told["upsert_changed_s"] = put(store, bars=late.with_columns(pl.col("volume") + 1.0))
        told["upsert_same_s"] = put(store, bars=late.with_columns(pl.col("volume") + 1.0))
        told["files_mb"] = sum(f.stat().st_size for f in store.files("bars")) / 2**20
        told["one_symbol_s"], _ = timed(
            store.query, f"SELECT * FROM prices WHERE symbol = '{bars['symbol'][7]}'"
        )
        told["one_day_s"], _ = timed(
            store.query, f"SELECT * FROM prices WHERE date = DATE '{late['date'][0]}'"
        )
        told["hash_s"], _ = timed(store.hash)
        del made, first, late, bars
        told["panel_build_s"], panel = timed(source.build, store)
        told["snapshot_save_s"], _ = timed(snapshot.save, Path(folder), f"v{store.version}", panel)
        told["snapshot_open_s"], opened = timed(source.load, folder)
        told["snapshot_read_five_s"], _ = timed(
            lambda: [float(np.nansum(getattr(opened, f))) for f in (*PRICES, "volume")]
        )
        told["equal"] = all(
            np.array_equal(getattr(opened, f), getattr(panel, f), equal_nan=True)
            for f in snapshot.FIELDS
        )
    told["peak_mb"] = peak_mb()
    print(json.dumps(told))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
