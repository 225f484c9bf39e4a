"""Prices from files into the market store: a table of one's own, or LEAN's daily data."""

import zipfile
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import polars as pl

from podshop.adapters.stores.market import MarketStore, Writer
from podshop.data.quarantine import part, set_aside
from podshop.data.register import Register
from podshop.domain.error import DataError

KINDS = (".parquet", ".csv", ".csv.gz")
COLUMNS = {
    "date": pl.Date,
    "symbol": pl.String,
    "open": pl.Float64,
    "high": pl.Float64,
    "low": pl.Float64,
    "close": pl.Float64,
    "volume": pl.Float64,
    "dividend": pl.Float64,
    "split": pl.Float64,
    "sector": pl.String,
}
"""Columns of a price file, as in `market.panel.from_frame`; date, symbol, close are obligatory."""

LEAN_UNIT = 10_000.0
"""LEAN's prices are integers of a ten-thousandth."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: rows of each table, rows set aside, and the store's version."""

    rows: dict[str, int]
    quarantined: int
    version: int


def import_prices(store: MarketStore, file: Path) -> Imported:
    """Take a file of raw daily prices into the store.

    Args:
        store: where to.
        file: .parquet, .csv or .csv.gz with the columns of `COLUMNS`.

    Returns:
        What was taken. Rows that cannot be (a high below its low, a price that is none, a day
        twice, a split of zero) are in the table `quarantine` with their reason; of a day that is
        there twice the last row counts.

    Raises:
        DataError: the file cannot be read, or a column is missing or unknown.
    """
    frame = _read(file).with_columns(source=pl.lit(file.name))
    with store.writing() as writer:
        register = Register.of(store)
        twice = frame.filter(pl.struct("symbol", "date").is_duplicated())
        once = frame.unique(["symbol", "date"], keep="last", maintain_order=True)
        bars, wrong = part(once, file.name)
        possible = register.identify(bars)
        for security_id, sector in (
            possible.drop_nulls("sector")
            .group_by("security_id")
            .agg(pl.col("sector").last())
            .rows()
        ):
            register.describe(security_id, sector=sector)
        lost = twice.join(once, on=once.columns, how="anti", nulls_equal=True)
        reasons = pl.Series("reason", ["the day is there twice"] * lost.height, dtype=pl.String)
        tables, refused = _tables(possible)
        aside = [wrong, set_aside("bars", lost, reasons, file.name), *refused]
        tables["quarantine"] = pl.concat(aside)
        return _commit(writer, register, tables)


def import_lean(store: MarketStore, folder: Path) -> Imported:
    """Take LEAN's daily US equities: zips by ticker, map files (renames), factor files (actions).

    A ticker's bars belong, day by day, to the security whose map file gives it that ticker then;
    bars of a ticker that no map file claims are another company's, whose last bar ends it.

    Args:
        store: where to.
        folder: the folder with `daily/`, `map_files/` and `factor_files/`, or one above it.

    Raises:
        DataError: there is no such folder, or a file cannot be read.
    """
    root = _lean_root(folder)
    chains = [_chain(path) for path in sorted((root / "map_files").glob("*.csv"))]
    with store.writing() as writer:
        register = Register.of(store)
        bars = pl.concat([_lean_bars(path) for path in sorted((root / "daily").glob("*.zip"))])
        _rename_along(register, chains, bars)
        known = register.identify(bars, of_the_day=True)
        _end_strangers(register, known, chains)
        possible, wrong = part(known.with_columns(source=pl.lit("lean")), "lean")
        tables = {"bars": possible, "quarantine": wrong}
        actions = [
            _lean_actions(register, path) for path in sorted(root.glob("factor_files/*.csv"))
        ]
        for name in ("splits", "dividends"):
            rows = [found[name] for found in actions if name in found]
            if rows:
                tables[name] = pl.concat(rows)
        return _commit(writer, register, tables)


def _commit(writer: Writer, register: Register, tables: dict[str, pl.DataFrame]) -> Imported:
    """Write the tables and who is who, all or nothing."""
    for name, rows in tables.items():
        writer.put(name, rows)
    writer.replace("symbols", register.symbols())
    writer.put("securities", register.securities())
    version = writer.commit()
    counts = {n: rows.height for n, rows in tables.items() if n != "quarantine" and rows.height}
    return Imported(counts, tables["quarantine"].height, version)


def _tables(prices: pl.DataFrame) -> tuple[dict[str, pl.DataFrame], list[pl.DataFrame]]:
    """Bars, splits and dividends of a table of prices, and the actions that cannot be."""
    who = ["security_id", "symbol", "date"]
    tables = {"bars": prices.select(*who, "open", "high", "low", "close", "volume", "source")}
    refused = []
    for name, column, value, nothing in (
        ("splits", "split", "ratio", 1.0),
        ("dividends", "dividend", "amount", 0.0),
    ):
        given = pl.col(column)
        rows = prices.filter(given.is_not_null() & given.is_not_nan() & (given != nothing))
        actions = rows.select(*who, "source", **{value: column})
        fine = pl.col(value).is_finite() & (pl.col(value) > 0.0)
        tables[name], wrong = actions.filter(fine), actions.filter(~fine)
        why = [f"{value} is not a positive number"] * wrong.height
        source = wrong.get_column("source")[0] if wrong.height else ""
        refused.append(set_aside(name, wrong, pl.Series(why, dtype=pl.String), source))
    return tables, refused


def _read(file: Path) -> pl.DataFrame:
    """A file of prices with every column of `COLUMNS`."""
    if not file.name.endswith(KINDS):
        raise DataError(f"{file}: cannot read this kind of file; give {', '.join(KINDS)}")
    try:
        if file.suffix == ".parquet":
            frame = pl.read_parquet(file)
        else:
            texts = {"date": pl.String, "symbol": pl.String, "sector": pl.String}
            frame = pl.read_csv(file, schema_overrides=texts, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from error
    missing = [name for name in ("date", "symbol", "close") if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in COLUMNS]
    if missing or unknown:
        wrong = f"no column {', '.join(missing)}" if missing else f"unknown {', '.join(unknown)}"
        raise DataError(f"{file}: {wrong}; the columns are {', '.join(COLUMNS)}")
    absent = [
        pl.lit(None, dtype=kind).alias(n) for n, kind in COLUMNS.items() if n not in frame.columns
    ]
    try:
        if frame.schema["date"] == pl.String:
            frame = frame.with_columns(pl.col("date").str.to_date("%Y-%m-%d"))
        made = frame.with_columns(absent).cast(pl.Schema(COLUMNS)).select(list(COLUMNS))
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{file}: {error}") from error
    for name in ("date", "symbol"):
        if made.get_column(name).null_count():
            raise DataError(f"{file}: rows without a {name}; fill it or drop them")
    return made


# --- LEAN -----------------------------------------------------------------------------------------


def _lean_root(folder: Path) -> Path:
    for root in (folder, *sorted(p.parent for p in folder.rglob("map_files"))):
        if (
            (root / "map_files").is_dir()
            and (root / "daily").is_dir()
            and "equity" in root.as_posix()
        ):
            return root
    raise DataError(f"{folder}: no folder of LEAN's equities (daily/ and map_files/) in it")


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def _lean_bars(path: Path) -> pl.DataFrame:
    """Bars of one ticker's zip: time, open, high, low, close, volume."""
    try:
        with zipfile.ZipFile(path) as archive:
            body = archive.read(archive.namelist()[0])
        names = ["time", "open", "high", "low", "close", "volume"]
        frame = pl.read_csv(BytesIO(body), has_header=False, new_columns=names)
    except (zipfile.BadZipFile, IndexError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    prices = [(pl.col(n).cast(pl.Float64) / LEAN_UNIT).round(4) for n in names[1:5]]
    return frame.select(
        pl.lit(path.stem.upper()).alias("symbol"),
        pl.col("time").str.slice(0, 8).str.to_date("%Y%m%d").alias("date"),
        *prices,
        pl.col("volume").cast(pl.Float64),
    )


def _chain(path: Path) -> list[tuple[str, date, date]]:
    """A map file as (ticker, first day, last day), oldest first."""
    lines = [line.split(",") for line in path.read_text(encoding="utf-8").split() if line]
    first = _day(lines[0][0])
    chain = []
    for day, ticker, *_ in lines[1:]:
        chain.append((ticker.upper(), first, _day(day)))
        first = _day(day) + timedelta(days=1)
    return chain


def _rename_along(
    register: Register, chains: list[list[tuple[str, date, date]]], bars: pl.DataFrame
) -> None:
    """Tell the register which tickers each mapped security had, where there are bars of any."""
    have = set(bars.get_column("symbol").unique())
    for chain in chains:
        if not chain or not have & {ticker for ticker, _, _ in chain}:
            continue
        security_id = f"{chain[0][0]}@{chain[0][1]}"
        for ticker, first, last in chain:
            register.claim(security_id, ticker, first, None if last.year >= 2050 else last)
        if chain[-1][2].year < 2050:
            register.describe(security_id, delisted=chain[-1][2])


def _end_strangers(
    register: Register, known: pl.DataFrame, chains: list[list[tuple[str, date, date]]]
) -> None:
    """Close the securities that no map file claims: their last bar was their last day."""
    claimed = {f"{chain[0][0]}@{chain[0][1]}" for chain in chains if chain}
    ends = known.group_by("security_id").agg(pl.col("symbol").last(), pl.col("date").max())
    for security_id, symbol, last in ends.sort("security_id").iter_rows():
        if security_id not in claimed:
            register.delist(symbol, last, "its ticker was given to another company")


def _lean_actions(register: Register, path: Path) -> dict[str, pl.DataFrame]:
    """Splits and dividends of a factor file: each row's factors hold up to and including its day.

    A split is the quotient of split factors, a dividend what the price factor took off the
    reference price, in lots after the split.
    """
    ticker = path.stem.upper()
    security_id = register.latest(ticker)
    if security_id is None:
        return {}
    rows = [line.split(",") for line in path.read_text(encoding="utf-8").split() if line]
    found: dict[str, list[tuple[str, str, date, float]]] = {"splits": [], "dividends": []}
    for (day, price, split, reference, *_), after in pairwise(rows):
        on = _day(day) + timedelta(days=1)
        symbol = register.symbol_on(security_id, on) or ticker
        ratio = _exact(float(after[2]) / float(split))
        share = 1.0 - float(price) / float(after[1])
        if abs(ratio - 1.0) > 1e-6:
            found["splits"].append((security_id, symbol, on, ratio))
        if share > 1e-7:
            cash = round(share * float(reference) / ratio, 6)
            found["dividends"].append((security_id, symbol, on, cash))
    value = {"splits": "ratio", "dividends": "amount"}
    return {
        name: pl.DataFrame(
            told, schema=["security_id", "symbol", "date", value[name]], orient="row"
        ).with_columns(source=pl.lit("lean"))
        for name, told in found.items()
        if told
    }


def _exact(ratio: float) -> float:
    """The simple ratio that a quotient of rounded factors stands for; other ones stay."""
    simple = float(Fraction(ratio).limit_denominator(50))
    return simple if abs(ratio / simple - 1.0) < 2e-5 else ratio
