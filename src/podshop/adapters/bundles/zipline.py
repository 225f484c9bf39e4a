"""The market store as a bundle of zipline-reloaded: raw bars, splits, dividends, listing days.

    write       the store as Parquet files, `STORE/bundles/NAME`
    register    zipline knows the bundle in this process
    ingest      zipline makes its own files of it

zipline holds pandas below 3, so it lives in an environment of its own: `make .venv-zipline`, or
`pip install podshop[zipline,data]`. To use the bundle in another process, put into
`~/.zipline/extension.py`

    from podshop.adapters.bundles.zipline import register
    register("STORE", "NAME")

What zipline wants and gets: every session between a name's first and last bar (a missing one has
price 0 and volume 0, which zipline reads as "no price"), volumes that fit 32 bits, the inverse of
our split ratios, actions on sessions, dividends per lot before that day's split and below the price
(others it skips with a warning). Days on which the exchange was closed are left out. zipline keeps
prices in thousandths of a currency unit; finer ones it rounds.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from podshop.adapters.sources.store import actions, columns
from podshop.adapters.stores.market import MarketStore
from podshop.domain.error import ConfigError, DataError

FILES = ("equities", "bars", "splits", "dividends")
PRICES = ("open", "high", "low", "close")
MOST_LOTS = 2**32 - 1
EXCHANGE = "NYSE"


def write(store: MarketStore | str | Path, name: str) -> Path:
    """Write the store as the files of a bundle.

    Args:
        store: the market store.
        name: of the bundle; letters, digits, - and _.

    Returns:
        The folder of the files; what was there is replaced.

    Raises:
        DataError: the store has no bars.
        ConfigError: the name cannot be that of a bundle.
    """
    opened = _store(store)
    folder = _folder(opened, name)
    if not opened.files("bars"):
        raise DataError(f"{opened.folder}: there are no bars to write a bundle of")
    bars = opened.frame("bars").sort("security_id", "date")
    names, _ = columns(opened)
    sids = {security_id: sid for sid, security_id in enumerate(sorted(names))}
    folder.mkdir(parents=True, exist_ok=True)
    tables = _tables(opened, bars, names, sids)
    for table in FILES:
        tables[table].write_parquet(folder / f"{table}.parquet")
    return folder


def register(store: MarketStore | str | Path, name: str) -> None:
    """Make zipline know the bundle in this process.

    Raises:
        ConfigError: zipline is not installed, or nothing was written under this name.
    """
    bundles = _zipline().data.bundles
    folder = _folder(_store(store), name)
    if not (folder / "bars.parquet").is_file():
        raise ConfigError(
            f"{folder}: nothing is here; `podshop data export --zipline {name}` first"
        )
    if name in bundles.bundles:
        bundles.unregister(name)
    bundles.register(name, _ingester(folder), calendar_name="XNYS")


def ingest(store: MarketStore | str | Path, name: str) -> None:
    """Let zipline make its own files of the bundle, under its ZIPLINE_ROOT."""
    register(store, name)
    _zipline().data.bundles.ingest(name, show_progress=False)


def _tables(
    store: MarketStore, bars: pl.DataFrame, names: Mapping[str, str], sids: Mapping[str, int]
) -> dict[str, pl.DataFrame]:
    sid = pl.col("security_id").replace_strict(sids, return_dtype=pl.Int64).alias("sid")
    filled = [pl.col(p).fill_null(pl.col("close")) for p in PRICES]
    lots = pl.col("volume").fill_null(0.0).clip(0, MOST_LOTS).round().cast(pl.Int64)
    happened = actions(store, bars)
    equities = (
        bars.group_by("security_id")
        .agg(start=pl.col("date").min(), end=pl.col("date").max())
        .sort("security_id")
        .select(sid, "start", "end", symbol=pl.col("security_id").replace_strict(names))
        .join(_titles(store, sids), on="sid", how="left")
    )
    paid = store.frame("dividends").select(
        "security_id", "date", "payment_date", "record_date", "declared_date"
    )
    dividends = happened.filter(pl.col("dividend") != 0.0).join(
        paid.unique(["security_id", "date"], keep="last", maintain_order=True),
        on=["security_id", "date"],
        how="left",
    )
    day = pl.col("date")
    return {
        "equities": equities,
        "bars": bars.select(sid, "date", *filled, volume=lots),
        "splits": happened.filter(pl.col("split") != 1.0)
        .select(sid, "date", ratio=1.0 / pl.col("split"))
        .sort("sid", "date"),
        "dividends": dividends.select(
            sid,
            "date",
            # Ours is per lot after that day's split; zipline pays on the lots before it.
            amount=pl.col("dividend") * pl.col("split"),
            pay=pl.coalesce("payment_date", day),
            record=pl.coalesce("record_date", day),
            declared=pl.coalesce("declared_date", day),
        ).sort("sid", "date"),
    }


def _titles(store: MarketStore, sids: Mapping[str, int]) -> pl.DataFrame:
    known = store.frame("securities").filter(pl.col("security_id").is_in(list(sids)))
    sid = pl.col("security_id").replace_strict(sids, return_dtype=pl.Int64)
    return known.select(sid=sid, title="name")


def _ingester(folder: Path) -> Any:
    """The function that zipline calls to ingest."""

    def make(  # noqa: PLR0917 - zipline's signature
        environ: Any,  # noqa: ARG001
        asset_db_writer: Any,
        minute_bar_writer: Any,  # noqa: ARG001
        daily_bar_writer: Any,
        adjustment_writer: Any,
        calendar: Any,
        start_session: Any,
        end_session: Any,
        cache: Any,  # noqa: ARG001
        show_progress: bool,
        output_dir: str,  # noqa: ARG001
    ) -> None:
        import pandas as pd

        tables = {table: pd.read_parquet(folder / f"{table}.parquet") for table in FILES}
        sessions = calendar.sessions_in_range(start_session, end_session)
        kept = dict(_sessions(tables["bars"], sessions))
        daily_bar_writer.write(kept.items(), show_progress=show_progress)
        asset_db_writer.write(equities=_equities(tables["equities"], kept), exchanges=_exchanges())
        adjustment_writer.write(
            splits=_splits(tables["splits"], kept), dividends=_dividends(tables["dividends"], kept)
        )

    return make


def _sessions(bars: Any, sessions: Any) -> Iterator[tuple[int, Any]]:
    """Each name's bars on every session from its first to its last; missing ones are zeros."""
    import pandas as pd

    bars["date"] = pd.to_datetime(bars["date"])
    for sid, frame in bars.groupby("sid", sort=True):
        indexed = frame.set_index("date").drop(columns="sid")
        mine = indexed[indexed.index.isin(sessions)]
        if len(mine):
            whole = sessions[(sessions >= mine.index[0]) & (sessions <= mine.index[-1])]
            yield int(sid), mine.reindex(whole).fillna(0.0)


def _equities(equities: Any, kept: Mapping[int, Any]) -> Any:
    import pandas as pd

    mine = equities[equities["sid"].isin(kept)]
    first = [kept[sid].index[0] for sid in mine["sid"]]
    last = [kept[sid].index[-1] for sid in mine["sid"]]
    return pd.DataFrame(
        {
            "symbol": mine["symbol"].to_list(),
            "asset_name": mine["title"].fillna(mine["symbol"]).to_list(),
            "start_date": first,
            "first_traded": first,
            "end_date": last,
            "auto_close_date": [day + pd.Timedelta(days=1) for day in last],
            "exchange": EXCHANGE,
        },
        index=mine["sid"].to_list(),
    )


def _exchanges() -> Any:
    import pandas as pd

    row = {"exchange": EXCHANGE, "canonical_name": EXCHANGE, "country_code": "US"}
    return pd.DataFrame([row])


def _splits(splits: Any, kept: Mapping[int, Any]) -> Any:
    import pandas as pd

    mine = splits[splits["sid"].isin(kept)]
    return pd.DataFrame(
        {
            "sid": mine["sid"].to_numpy(),
            "effective_date": pd.to_datetime(mine["date"]).to_numpy(),
            "ratio": mine["ratio"].to_numpy(),
        }
    )


def _dividends(dividends: Any, kept: Mapping[int, Any]) -> Any:
    import pandas as pd

    mine = dividends[dividends["sid"].isin(kept)]
    days = {
        "ex_date": "date",
        "pay_date": "pay",
        "record_date": "record",
        "declared_date": "declared",
    }
    made = {name: pd.to_datetime(mine[column]).to_numpy() for name, column in days.items()}
    return pd.DataFrame(
        {"sid": mine["sid"].to_numpy(), "amount": mine["amount"].to_numpy(), **made}
    )


def _store(store: MarketStore | str | Path) -> MarketStore:
    return store if isinstance(store, MarketStore) else MarketStore(store)


def _folder(store: MarketStore, name: str) -> Path:
    if not name or not all(c.isalnum() or c in "-_" for c in name):
        raise ConfigError(f"{name!r} cannot be a bundle's name: letters, digits, - and _")
    return store.folder / "bundles" / name


def _zipline() -> Any:
    try:
        import zipline.data.bundles
    except ModuleNotFoundError as error:
        raise ConfigError(
            "zipline is not installed here; it needs an environment of its own (pandas < 3):\n"
            "  -> make .venv-zipline, or: pip install 'podshop[zipline,data]'"
        ) from error
    return zipline
