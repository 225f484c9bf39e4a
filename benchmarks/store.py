"""The market store at 3,000 names x 2,520 sessions: load, upsert, ask, panel, snapshot, sync; one line of JSON.

The sync's figure is what is done to answers after they have come: read, identify, check, commit. How fast
they come is the vendor's limit (285 a minute).
"""

import json
import resource
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.synthetic import business_days
from podshop.adapters.sources import store as source
from podshop.adapters.stores import snapshot
from podshop.adapters.stores.market import MarketStore
from podshop.adapters.vendors import Wanted, fmp
from podshop.adapters.web.answers import Answers
from podshop.data.sync import Access, sync

NAMES, DAYS = 3_000, 2_520
FIELDS = ("open", "high", "low", "close", "volume")


def bars():
    """A dense table of bars, by date."""
    rng = np.random.default_rng(3)
    days = business_days(DAYS)
    close = np.round(20 * np.exp(np.cumsum(rng.normal(0, 0.01, (DAYS, NAMES)), axis=0)), 2)
    names = [f"N{i:04d}" for i in range(NAMES)]
    return pl.DataFrame(
        {
            "date": np.repeat(days, NAMES),
            "symbol": names * DAYS,
            "security_id": [f"{n}@{days[0]}" for n in names] * DAYS,
            "open": close.ravel(),
            "high": close.ravel() * 1.01,
            "low": close.ravel() * 0.99,
            "close": close.ravel(),
            "volume": np.round(rng.lognormal(13, 0.5, DAYS * NAMES)),
        }
    ).with_columns(pl.col("date").cast(pl.Date))


def clock(work):
    """Wall seconds and result."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def put(store, frame):
    """One commit of bars."""
    with store.writing() as writer:
        writer.put("bars", frame)
        return writer.commit()


def answers(folder, symbols=200, days=1_260):
    """Raw answers of daily prices as a vendor gives them, newest first."""
    kept = Answers(folder / "answers")
    last = date(2024, 12, 31)
    dates = [str(last - timedelta(days=i)) for i in range(days)]
    wanted = Wanted(("bars",), tuple(f"S{i:03d}" for i in range(symbols)), date(2015, 1, 1), last)
    for request in fmp.requests(wanted):
        symbol = dict(request.params)["symbol"]
        rows = [
            {
                "symbol": symbol,
                "date": d,
                "adjOpen": 10.0,
                "adjHigh": 11.0,
                "adjLow": 9.0,
                "adjClose": 10.5,
                "volume": 1000,
            }
            for d in dates
        ]
        kept.keep(request, 200, json.dumps(rows).encode(), datetime.now(UTC))
    return wanted, symbols * days


def main():
    """Measure and print."""
    told = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = bars()
        told["rows"] = table.height
        store = MarketStore(folder / "store")
        told["load_s"], _ = clock(partial(put, store, table))
        recent = table.filter(pl.col("date") >= table["date"].unique().sort()[-21])
        changed = recent.with_columns(pl.col("close") + 0.01, pl.col("high") + 0.01)
        del table
        told["upsert_21_days_s"], _ = clock(partial(put, store, changed))
        told["store_mb"] = (
            sum(f.stat().st_size for f in (folder / "store").rglob("*.parquet")) / 1e6
        )
        told["one_symbol_s"], _ = clock(
            lambda: store.query("SELECT * FROM prices WHERE symbol = 'N0100'")
        )
        told["one_day_s"], _ = clock(
            lambda: store.query("SELECT * FROM prices WHERE date = '2015-03-02'")
        )
        told["hash_s"], _ = clock(store.hash)
        told["panel_build_s"], panel = clock(lambda: source.build(store))
        told["snapshot_save_s"], _ = clock(partial(snapshot.save, store.folder, "v2", panel))
        del panel
        told["snapshot_open_s"], opened = clock(lambda: snapshot.load(store.folder))
        told["snapshot_read_five_fields_s"], _ = clock(
            lambda: [np.array(getattr(opened, f)).sum() for f in FIELDS]
        )
        wanted, rows = answers(folder / "synced")
        told["sync_s"], made = clock(
            lambda: sync(MarketStore(folder / "synced"), "fmp", wanted, Access("none"))
        )
        told |= {"sync_answers": made.answers, "sync_rows": rows, "sync_asked": made.asked}
        told["sync_again_s"], _ = clock(
            lambda: sync(MarketStore(folder / "synced"), "fmp", wanted, Access("none"))
        )
    told["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(told))


if __name__ == "__main__":
    main()
