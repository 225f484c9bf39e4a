"""The market store as a source: `[market] source = "store"`, `path = FOLDER`.

The panel is built once for each version of the store and kept as a snapshot; afterwards it is only
opened. Live trading first asks `refuse`, which runs the quality gate on the recent rows.
"""

from pathlib import Path

import numpy as np
import polars as pl

from podshop.adapters.stores import snapshot
from podshop.adapters.stores.market import MarketStore
from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.domain.money import F32
from podshop.market.actions import on_sessions
from podshop.market.alternative import volatility
from podshop.market.panel import with_signals
from podshop.market.quality.gate import Inputs, gate
from podshop.market.visibility import first_rows

RATES = ("DTB3", "DGS3MO", "month3")
"""Series of the three-month bill, the first that is there."""

RECENT_DAYS = 400
"""Calendar days before the last bar in which a `stop` finding forbids to trade."""


def load(path: str | Path = "") -> Panel:
    """The panel of the store's newest version.

    Args:
        path: the store's folder.

    Raises:
        DataError: there is no store, or it has no bars.
    """
    store = _open(path)
    if snapshot.newest(store.folder) != f"v{store.version}":
        with snapshot.turn(store.folder):
            store.refresh()  # while waiting, another process may have made it, or gone further
            if snapshot.newest(store.folder) != f"v{store.version}":
                snapshot.save(store.folder, f"v{store.version}", build(store))
    return snapshot.load(store.folder)


def build(store: MarketStore) -> Panel:
    """Make the panel: every security a column, under the symbol that it had last.

    Where two securities had the same symbol last, those that had it earlier go by their id.
    Interest is the three-month bill as known at each close, the benchmark the S&P 500 or else SPY.
    """
    who = ["security_id", "date"]
    bars = store.frame("bars").select(*who, "open", "high", "low", "close", "volume")
    names, sectors = columns(store)
    table = (
        bars.join(actions(store, bars), on=who, how="left", maintain_order="left")
        .with_columns(
            symbol=pl.col("security_id").replace_strict(names),
            sector=pl.col("security_id").replace_strict(sectors),
        )
        .drop("security_id")
    )
    absent = [c for c in table.columns if table.get_column(c).null_count() == table.height]
    panel = Panel.from_frame(
        table.drop(absent),
        rate=_rate(store, bars.get_column("date").unique().sort()),
        benchmark=_benchmark(store),
        source=f"Market store {store.folder.name}, version {store.version}.",
    )
    curve = volatility.signals(
        store.frame("indices"),
        panel.days,
        len(panel.assets.symbols),
        store.frame("futures_curve"),
    )
    return with_signals(panel, curve | _signals(store, panel, names))


def _signals(store: MarketStore, panel: Panel, names: dict[str, str]) -> dict[str, F32]:
    """The table of scores as (T, N) arrays by name, NaN where there is no row."""
    column = {name: n for n, name in enumerate(panel.assets.symbols)}
    row = {day: t for t, day in enumerate(panel.days.tolist())}
    rows = store.frame("scores").filter(
        pl.col("security_id").is_in(list(names)) & pl.col("date").is_in(list(row))
    )
    made: dict[str, F32] = {}
    for (score,), mine in rows.group_by("score"):
        n = mine.get_column("security_id").replace_strict(
            {i: column[name] for i, name in names.items()}, return_dtype=pl.Int64
        )
        t = mine.get_column("date").replace_strict(row, return_dtype=pl.Int64)
        values = np.full(panel.close.shape, np.nan, dtype=np.float32)
        values[t.to_numpy(), n.to_numpy()] = mine.get_column("value").to_numpy()
        made[str(score)] = values
    return made


def refuse(path: str | Path, day: np.datetime64) -> None:
    """Refuse to trade on the store when the quality gate finds something grave in its recent rows.

    Args:
        path: the store's folder.
        day: the day on which the last session should be there.

    Raises:
        DataError: names what was found and what to do.
    """
    store = _open(path)
    found = recent_stops(store, day)
    if found.is_empty():
        return
    lines = [
        f"  {r['symbol']} {r['date']} {r['check']}: {r['detail']}"
        for r in found.head(10).rows(named=True)
    ]
    more = f"\n  and {found.height - 10} more" if found.height > 10 else ""
    raise DataError(
        f"the store {store.folder} cannot be traded on:\n" + "\n".join(lines) + more + "\n"
        "  -> `podshop data sync` may bring what is missing; `podshop data check` shows all; a "
        "finding that is right is accepted with\n"
        "     `podshop data check --accept SYMBOL DATE CHECK --why TEXT`"
    )


def recent_stops(store: MarketStore, day: np.datetime64) -> pl.DataFrame:
    """The findings of severity `stop` in the rows before `day` that nobody has accepted."""
    from podshop.adapters.calendar import sessions

    last = store.frame("bars").get_column("date").max()
    since = np.datetime64(str(last)) - np.timedelta64(RECENT_DAYS, "D")
    first = pl.lit(since.item())

    def recent(table: str) -> pl.DataFrame:
        return store.frame(table).filter(pl.col("date") >= first)

    inputs = Inputs(
        bars=recent("bars"),
        splits=recent("splits"),
        dividends=recent("dividends"),
        adjusted=recent("adjusted"),
        securities=store.frame("securities"),
        sessions=sessions(since, day),
        today=day,
    )
    stops = gate(inputs).filter(pl.col("severity") == "stop")
    return stops.join(store.frame("accepted"), on=["security_id", "date", "check"], how="anti")


def _open(path: str | Path) -> MarketStore:
    if not str(path):
        raise DataError("no path: name the folder of the market store")
    store = MarketStore(path)
    if not store.files("bars"):
        raise DataError(
            f"{path}: no market store with bars is here\n"
            "  -> fill one with `podshop data sync`, `data import` or `data simulate --store DIR`"
        )
    return store


def columns(store: MarketStore) -> tuple[dict[str, str], dict[str, str]]:
    """The column name and the sector of every security."""
    latest = (
        store.frame("symbols")
        .sort("first")
        .group_by("security_id", maintain_order=True)
        .agg(pl.col("symbol").last(), pl.col("first").last())
        .sort("first", descending=True)
        .with_columns(
            name=pl.when(pl.col("symbol").is_first_distinct())
            .then("symbol")
            .otherwise("security_id")
        )
    )
    names = dict(latest.select("security_id", "name").iter_rows())
    known = dict(store.frame("securities").select("security_id", "sector").iter_rows())
    ids = store.frame("bars").get_column("security_id").unique().to_list()
    return {i: names.get(i, i) for i in ids}, {i: known.get(i) or "" for i in ids}


def actions(store: MarketStore, bars: pl.DataFrame) -> pl.DataFrame:
    """Splits and dividends on the first session from their day on that has a bar of the name.

    Returns:
        security_id, date, split (1 = none), dividend (0 = none, per lot after that day's split).
    """
    moved = on_sessions(store.frame("splits"), store.frame("dividends"), bars)
    return moved.select("security_id", "date", split="ratio", dividend="amount")


def _rate(store: MarketStore, days: pl.Series) -> pl.DataFrame | None:
    """The annual rate by the session at whose close it was first known; None where there is none.

    Args:
        store: the store.
        days: sessions, ascending.
    """
    rates = store.frame("rates").drop_nulls(["known_at", "value"])
    for series in RATES:
        mine = rates.filter(pl.col("series") == series).sort("known_at", "date")
        if mine.height:
            sessions = days.to_numpy().astype("datetime64[D]")
            row = first_rows(mine.get_column("known_at"), sessions)
            seen = mine.with_columns(_row=pl.Series(row)).filter(pl.col("_row") < len(days))
            if seen.is_empty():
                return None
            # What was known before the first session counts from it on.
            dated = seen.with_columns(date=days.gather(seen.get_column("_row")), rate="value")
            return dated.select("date", "rate").unique("date", keep="last", maintain_order=True)
    return None


def _benchmark(store: MarketStore) -> pl.DataFrame | None:
    """Levels of the S&P 500, else closes of SPY; None where there is neither."""
    index = store.frame("indices").filter(pl.col("index").is_in(["SPX", "^GSPC", "SP500"]))
    if index.height:
        name = index.get_column("index")[0]
        return index.filter(pl.col("index") == name).select("date", "close")
    spy = store.query(
        "SELECT date, adj_close AS close FROM prices WHERE symbol = 'SPY' ORDER BY date"
    )
    return spy if spy.height else None
