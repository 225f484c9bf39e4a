"""Futures in the market store: LEAN's daily files, and a root as one security that a fund trades.

1 `import_lean_futures`  contracts into `futures_curve`, what they say into `futures`
2 `put_rolled`           the rolled series of a root into `bars`: a lot is one contract, its price
                         the value of `market.rolling.lot_values`; interest into `dividends`

A fund then trades the root under its symbol, in lots that are contracts, and earns what the held
contracts earned. What the books do not know: the cost of the rolls themselves, margin, and settling
within the day.
"""

import zipfile
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl

from podshop.adapters.stores.market import MarketStore
from podshop.data.imports import Imported
from podshop.data.register import Register
from podshop.domain.error import DataError
from podshop.domain.money import F64, Days
from podshop.market.business_days import FRIDAY, nth_weekday, sessions_by_rule
from podshop.market.panel import accrue
from podshop.market.rolling import (
    TERMS,
    collateral_interest,
    from_curve,
    lot_values,
    rolled,
    terms_of,
)


def third_friday(year: int, month: int) -> date:
    """Last day of equity index futures of CME."""
    return nth_weekday(year, month, FRIDAY, 3)


def third_last_session(year: int, month: int) -> date:
    """Last day of metals futures of COMEX: the third last business day of the month."""
    end = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    return sessions_by_rule(date(year, month, 1), end)[-3]


LAST_DAYS: Mapping[str, Callable[[int, int], date]] = {
    "ES": third_friday,
    "GC": third_last_session,
}
"""Last trading day by root and delivery month; LEAN names its contracts by the month only."""


def import_lean_futures(store: MarketStore, folder: Path) -> Imported:
    """Take LEAN's daily futures into the store.

    The last price of a day stands for its settlement, which LEAN does not have. Rows of a weekend
    are the first hours of Monday's session and are left out.

    Args:
        store: where to.
        folder: the folder with `future/EXCHANGE/daily/ROOT_trade.zip`, or one above it.

    Returns:
        What was taken.

    Raises:
        DataError: there is no such file, one cannot be read, or a root's last days are unknown.
    """
    files = sorted(folder.rglob("future/*/daily/*_trade.zip"))
    if not files:
        raise DataError(f"{folder}: no folder of LEAN's daily futures (future/*/daily) in it")
    curve = pl.concat([_contracts(file) for file in files])
    terms = [
        {
            "root": root,
            "name": TERMS[root].name,
            "exchange": TERMS[root].exchange,
            "currency": TERMS[root].currency,
            "multiplier": TERMS[root].multiplier,
            "months": ",".join(str(month) for month in TERMS[root].months),
            "source": "exchange",
        }
        for root in curve.get_column("root").unique().sort()
    ]
    with store.writing() as writer:
        writer.put("futures_curve", curve)
        writer.put("futures", pl.DataFrame(terms))
        version = writer.commit()
    return Imported({"futures_curve": curve.height, "futures": len(terms)}, 0, version)


def _contracts(file: Path) -> pl.DataFrame:
    """Rows of `futures_curve` of one root's zip, one text file a contract."""
    root = file.stem.removesuffix("_trade").upper()
    if root not in LAST_DAYS:
        known = ", ".join(LAST_DAYS)
        raise DataError(f"{file}: the last days of {root} are not known here; known are {known}")
    try:
        with zipfile.ZipFile(file) as archive:
            texts = {name: archive.read(name) for name in sorted(archive.namelist())}
        frames = [_contract(root, name, text) for name, text in texts.items()]
    except (zipfile.BadZipFile, ValueError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from error
    return pl.concat(frames)


def _contract(root: str, name: str, text: bytes) -> pl.DataFrame:
    """Rows of one contract; its month ends the file's name."""
    month = Path(name).stem[-6:]
    columns = ["time", "open", "high", "low", "settle", "volume"]
    bars = pl.read_csv(BytesIO(text), has_header=False, new_columns=columns)
    return bars.select(
        root=pl.lit(root),
        expiry=pl.lit(LAST_DAYS[root](int(month[:4]), int(month[4:]))),
        date=pl.col("time").str.slice(0, 8).str.to_date("%Y%m%d"),
        settle=pl.col("settle").cast(pl.Float64),
        volume=pl.col("volume").cast(pl.Float64),
        source=pl.lit("lean"),
    ).filter(pl.col("date").dt.weekday() <= FRIDAY + 1)


def put_rolled(
    store: MarketStore,
    root: str,
    *,
    before_days: int = 8,
    by_volume: bool = False,
    rate: pl.DataFrame | None = None,
    start: float | None = None,
    until: date | None = None,
) -> Imported:
    """Make a root a security of the store, in the currency of its contracts.

    Args:
        store: with rows of `futures_curve`.
        root: such as ES; becomes the symbol.
        before_days: as in `market.rolling.rolled`.
        by_volume: likewise.
        rate: (date, rate) annual interest that the fund earns on cash, to give back what it
            forgoes by paying a lot in full; None = none.
        start: value of a lot on the first day instead of its first price; see `lot_values`.
        until: last day taken; None = all.

    Returns:
        What was put.

    Raises:
        DataError: no contracts, no terms, or a series that cannot be; the message says which.
    """
    terms = terms_of(store.frame("futures"), root)
    curve = store.frame("futures_curve").filter(pl.col("date") <= (until or date.max))
    contracts = from_curve(curve, root, terms.months)
    series = rolled(contracts, before_days, by_volume)
    value = lot_values(series, terms, start=start)
    known = np.flatnonzero(~np.isnan(value))
    annual = np.zeros(len(value)) if rate is None else _as_known(rate, series.days)
    paid = collateral_interest(value, accrue(series.days, annual))
    bars = pl.DataFrame(
        {
            "date": series.days[known],
            "close": np.round(value[known], 6),
            "volume": contracts.volume_tk[known, series.held_t[known]],
        }
    ).with_columns(pl.col("volume").fill_nan(None))
    interest = pl.DataFrame({"date": series.days, "amount": np.round(paid, 6)})
    tables = {"bars": bars, "dividends": interest.filter(pl.col("amount") > 0.0)}
    with store.writing() as writer:
        register = Register.of(store)
        for name, rows in tables.items():
            named = rows.with_columns(symbol=pl.lit(root), source=pl.lit("rolled"))
            writer.put(name, register.identify(named))
        register.describe(
            str(register.latest(root)),
            name=terms.name,
            exchange=terms.exchange,
            type="future",
            currency=terms.currency,
        )
        writer.replace("symbols", register.symbols())
        writer.put("securities", register.securities())
        version = writer.commit()
    return Imported({name: rows.height for name, rows in tables.items()}, 0, version)


def _as_known(rate: pl.DataFrame, days: Days) -> F64:
    """(T,) the newest rate at or before each day; 0 before the first."""
    table = rate.sort("date")
    known = table.get_column("date").to_numpy().astype("datetime64[D]")
    newest = np.searchsorted(known, days, side="right") - 1
    values = table.get_column("rate").to_numpy()
    return np.where(newest >= 0, values[np.maximum(newest, 0)], 0.0)
