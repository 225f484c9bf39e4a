"""Tables of targets: weights as one writes them, and what other engines write.

A table is known by its columns, in any order and case:

    known_at, symbol, weight [, expires, stop, thesis]   decisions, one name each
    date, symbol, weight                                 portfolios, long
    date, symbol, units, nav                             portfolios in units (raw closes)
    date, symbol, value, nav                             portfolios in currency
    date, symbol, amount, last_sale_price, portfolio_value   positions of zipline
    date, cash, SPY, TLT ...                             values: backtrader, pyfolio
    date, SPY, TLT ...                                   weights: bt, vectorbt, pandas
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from podshop.domain.error import DataError
from podshop.market.targets import SCHEMA, Targets, check_stop, check_weight
from podshop.market.visibility import end_of_day

KINDS = (".csv", ".parquet")
DATES = ("date", "datetime", "index", "timestamp", "time", "", "unnamed: 0", "__index_level_0__")
"""Names that a column of dates goes by; pandas leaves that of an index without one empty."""

ZIPLINE = ("amount", "last_sale_price", "portfolio_value")
LONG = ("weight", "units", "value", *ZIPLINE[:1])
FIRST_LINE = {".csv": 2, ".parquet": 1}
"""Number of the first row: a CSV has a line of names before it."""


def read_table(path: Path) -> Targets:
    """Read a table of targets.

    Args:
        path: a .csv or .parquet file.

    Raises:
        DataError: names the file, the line (or row) and the column, and what to do.
    """
    frame = _plain(path)
    named = "line" if path.suffix == ".csv" else "row"
    first = FIRST_LINE[path.suffix]
    places = pl.Series(
        [f"{named} {n}" for n in range(first, first + frame.height)], dtype=pl.String
    )
    table = _Table(path.name, frame, places)
    if "known_at" in frame.columns:
        return Targets(path.name, False, _decisions(table))
    made = _long(table) if "symbol" in frame.columns else _wide(table)
    return Targets(path.name, True, made)


class _Table:
    """A table that was read, and the ways to read a column of it."""

    def __init__(self, source: str, frame: pl.DataFrame, places: pl.Series) -> None:
        self.source, self.frame, self.places = source, frame, places

    def wrong(self, row: int, column: str, what: str) -> DataError:
        """The error that says where something is wrong."""
        return DataError(f"{self.source} {self.places[row]}: column {column}: {what}")

    def numbers(self, column: str, needed: bool) -> pl.Series:
        """A column of numbers; empty cells stay empty, or are refused."""
        raw = self.frame.get_column(column)
        if raw.dtype == pl.String:
            raw = raw.str.strip_chars()
            raw = raw.set(raw == "", None)
        made = raw.cast(pl.Float64, strict=False)
        bad = (made.is_null() & raw.is_not_null()) | made.is_infinite().fill_null(False)
        if needed:
            bad = bad | made.is_null() | made.is_nan()
        if bad.any():
            row = int(bad.arg_max() or 0)
            raise self.wrong(row, column, f"{self.frame.item(row, column)!r} is no number")
        return made.fill_nan(None)

    def dates(self, column: str, needed: bool) -> pl.Series:
        """A column of dates; of a moment, the date as it is written."""
        raw = self.frame.get_column(column)
        if raw.dtype == pl.Date:
            made = raw
        elif isinstance(raw.dtype, pl.Datetime):
            made = raw.dt.date()
        else:
            text = raw.cast(pl.String).str.strip_chars()
            raw = text.set(text == "", None)
            made = raw.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
            made = made.set(~raw.str.slice(10, 1).is_in(["", " ", "T"]).fill_null(True), None)
        bad = made.is_null() if needed else made.is_null() & raw.is_not_null()
        if bad.any():
            row = int(bad.arg_max() or 0)
            what = f"{self.frame.item(row, column)!r} is no date; write 2020-01-31"
            raise self.wrong(row, column, what)
        return made

    def texts(self, column: str) -> pl.Series:
        """A column of texts, "" where there is nothing."""
        return self.frame.get_column(column).cast(pl.String).fill_null("").str.strip_chars()


def _plain(path: Path) -> pl.DataFrame:
    """The file as it is; the columns of a long table in lower case where they have a meaning.

    In a wide table a column is a name, and CASH and TIME are names of companies.
    """
    try:
        frame = (
            pl.read_parquet(path)
            if path.suffix == ".parquet"
            else pl.read_csv(path, infer_schema=False)
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path.name}: cannot be read: {error}") from error
    if frame.height == 0:
        raise DataError(f"{path.name}: has no rows")
    meant = {*DATES, *ZIPLINE, *LONG, "known_at", "symbol", "nav", "expires", "stop", "cash"}
    lower = [name.strip().lower() for name in frame.columns]
    if not {"symbol", "known_at"} & set(lower):
        return frame
    names = [low if low in meant else name for low, name in zip(lower, frame.columns, strict=True)]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DataError(f"{path.name}: column {twice[0]} stands twice")
    return frame.rename(dict(zip(frame.columns, names, strict=True)))


def _date_column(table: _Table) -> str:
    """The column of the dates."""
    columns = table.frame.columns
    found = [name for name in columns if name.strip().lower() in DATES]
    if "symbol" in columns and "date" in found:
        return "date"  # whatever else pandas calls its index
    if "symbol" not in columns and columns[0] in found:
        return columns[0]
    if len(found) != 1:
        raise DataError(
            f"{table.source}: {'no column is' if not found else 'more than one column may be'} the "
            f"date; its columns are {', '.join(columns[:8])}; call one of them date"
        )
    return found[0]


def _framed(table: _Table, **columns: pl.Series) -> pl.DataFrame:
    """The columns of `Targets.frame`, empty where they are not given."""
    given = {"place": table.places} | columns
    height = table.frame.height
    return pl.DataFrame(
        {
            name: given[name].cast(kind)
            if name in given
            else pl.repeat(None, height, dtype=kind, eager=True)
            for name, kind in SCHEMA.items()
        }
    )


# --- long tables ----------------------------------------------------------------------------------


def _decisions(table: _Table) -> pl.DataFrame:
    """Decisions on one name each, from the moment on at which they were known."""
    _need(table, ("symbol", "weight"))
    there = table.frame.columns
    columns = {
        "known_at": _moments(table),
        "symbol": _symbols(table, blank=False),
        "weight": _weights(table, table.numbers("weight", needed=True), "weight"),
    }
    if "expires" in there:
        columns["expires"] = table.dates("expires", needed=False)
    if "stop" in there:
        columns["stop"] = _checked_stops(table, table.numbers("stop", needed=False))
    return _framed(table, **columns)


def _moments(table: _Table) -> pl.Series:
    """When each row was known; a bare date counts as the end of the day in New York."""
    raw = table.frame.get_column("known_at")
    if raw.has_nulls():
        raise table.wrong(int(raw.is_null().arg_max() or 0), "known_at", "is empty")
    if raw.dtype == pl.Date:
        return raw.to_frame().select(end_of_day(pl.col("known_at"))).to_series()
    if isinstance(raw.dtype, pl.Datetime):
        if raw.dtype.time_zone is None:
            raise table.wrong(0, "known_at", "has no time zone; write moments in UTC")
        return raw.dt.convert_time_zone("UTC").cast(SCHEMA["known_at"])
    moments = [_moment(table, row, text) for row, text in enumerate(table.texts("known_at"))]
    return pl.Series(moments, dtype=SCHEMA["known_at"])


def _moment(table: _Table, row: int, text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is not None:
        ended: datetime = pl.select(end_of_day(pl.lit(day))).item()
        return ended
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        what = f"{text!r} is no moment; write 2020-01-31T20:30:00Z"
        raise table.wrong(row, "known_at", what) from None
    if moment.tzinfo is None:
        raise table.wrong(row, "known_at", f"{text!r} has no time zone; write 2020-01-31T20:30:00Z")
    return moment.astimezone(UTC)


def _long(table: _Table) -> pl.DataFrame:
    """Portfolios with a row for each name."""
    there = set(table.frame.columns)
    days, symbols = table.dates(_date_column(table), needed=True), _symbols(table, blank=True)
    _refuse_twice(table, days, symbols)
    if set(ZIPLINE) <= there:
        amount, price, nav = (table.numbers(name, needed=False) for name in ZIPLINE)
        _need_values(table, symbols, {"amount": amount, "last_sale_price": price})
        weight = _shares(table, amount * price, nav, "portfolio_value", symbols)
        return _framed(table, date=days, symbol=symbols, weight=weight)
    if "weight" in there:
        raw = table.numbers("weight", needed=False)
        _need_values(table, symbols, {"weight": raw})
        return _framed(table, date=days, symbol=symbols, weight=_weights(table, raw, "weight"))
    kind = "value" if "value" in there else "units"
    _need(table, (kind, "nav"))
    held, nav = table.numbers(kind, needed=False), table.numbers("nav", needed=False)
    _need_values(table, symbols, {kind: held})
    shares = _shares(table, held, nav, "nav", symbols)
    if kind == "value":
        return _framed(table, date=days, symbol=symbols, weight=shares)
    return _framed(table, date=days, symbol=symbols, units=held, nav=nav)


def _symbols(table: _Table, *, blank: bool) -> pl.Series:
    """The names; a blank one only says that the date has a portfolio."""
    made = table.texts("symbol")
    empty = made == ""
    if not blank and empty.any():
        raise table.wrong(int(empty.arg_max() or 0), "symbol", "is empty")
    return made


def _need(table: _Table, names: Sequence[str]) -> None:
    """Refuse a table without columns that it must have."""
    missing = [name for name in names if name not in table.frame.columns]
    if missing:
        raise DataError(
            f"{table.source}: no column {' or '.join(missing)}; its columns are "
            f"{', '.join(table.frame.columns[:8])}; see docs/howto/bring-your-own.md"
        )


def _need_values(table: _Table, symbols: pl.Series, columns: dict[str, pl.Series]) -> None:
    """Refuse a name with an empty cell."""
    for name, values in columns.items():
        bad = (symbols != "") & values.is_null()
        if bad.any():
            raise table.wrong(int(bad.arg_max() or 0), name, "is empty")


def _refuse_twice(table: _Table, days: pl.Series, symbols: pl.Series) -> None:
    """Refuse a name that stands twice on a date."""
    twice = (
        ~pl.DataFrame({"date": days, "symbol": symbols})
        .select(pl.struct("date", "symbol").is_first_distinct())
        .to_series()
    )
    twice = twice & (symbols != "")
    if twice.any():
        row = int(twice.arg_max() or 0)
        raise table.wrong(row, "symbol", f"{symbols[row]} stands twice on {days[row]}")


def _shares(
    table: _Table, value: pl.Series, nav: pl.Series, column: str, symbols: pl.Series
) -> pl.Series:
    """Values as fractions of the NAV."""
    bad = (symbols != "") & (nav.is_null() | (nav <= 0.0).fill_null(True))
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise table.wrong(row, column, f"{nav[row]} is nothing to take a fraction of")
    return _weights(table, value / nav, column) if column != "nav" else value / nav


def _weights(table: _Table, weights: pl.Series, column: str) -> pl.Series:
    """The weights, none of which is anything else."""
    for row in (weights.abs() > 1.0).fill_null(False).arg_true():
        try:
            check_weight(weights[row])
        except ValueError as error:
            raise table.wrong(row, column, str(error).removeprefix("weight: ")) from error
    return weights


def _checked_stops(table: _Table, stops: pl.Series) -> pl.Series:
    for row, stop in enumerate(stops):
        try:
            if stop is not None:
                check_stop(stop)
        except ValueError as error:
            raise table.wrong(row, "stop", str(error).removeprefix("stop: ")) from error
    return stops


# --- wide tables ----------------------------------------------------------------------------------


def _wide(table: _Table) -> pl.DataFrame:
    """Portfolios with a column for each name; with a column `cash` they are values."""
    dated = _date_column(table)
    days = table.dates(dated, needed=True)
    _refuse_twice(table, days, pl.Series(["one row"] * len(days)))
    names = [name for name in table.frame.columns if name not in (dated, "cash")]
    if not names:
        raise DataError(
            f"{table.source}: no columns besides {dated}; see docs/howto/bring-your-own.md"
        )
    columns = {name: table.numbers(name, needed=False).fill_null(0.0) for name in names}
    if "cash" in table.frame.columns:
        cash = table.numbers("cash", needed=False).fill_null(0.0)
        nav = sum(columns.values(), start=cash)
        bad = nav <= 0.0
        if bad.any():
            raise table.wrong(
                int(bad.arg_max() or 0), "cash", "with the positions it comes to nothing"
            )
        columns = {name: values / nav for name, values in columns.items()}
    columns = {name: _weights(table, values, name) for name, values in columns.items()}
    wide = pl.DataFrame({"date": days, "place": table.places}).with_columns(
        # A name may be called as one of the two.
        *(weights.alias(f"#{name}") for name, weights in columns.items())
    )
    long = wide.unpivot(index=["date", "place"], variable_name="symbol", value_name="weight")
    return long.with_columns(
        pl.col("symbol").str.strip_prefix("#"),
        *(
            pl.lit(None, dtype=kind).alias(name)
            for name, kind in SCHEMA.items()
            if name not in long.columns
        ),
    ).select(*SCHEMA)
