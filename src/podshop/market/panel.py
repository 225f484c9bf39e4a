"""From raw tables to a `Panel`: dense read-only arrays of what was known, session by session.

1 `_checked`   the columns of the long table, by name and kind
2 `_scatter`   the rows of the table into (T, N) arrays, symbols sorted, sessions ascending
3 `_refuse`    prices and actions that cannot be, by symbol, session and field
4 `_postpone`  splits and dividends of days without a price, to the session that trades again
5 `_grow`      total returns and the forward total-return index, one session after another
6 `accrue`     annual interest into the fraction that cash earns from one session to the next

Everything is built forward: a later row never changes an earlier value. A dividend is cash per lot
held AFTER that session's split, so the total return of a session is

    (close + dividend) * split / last known close - 1

This is the convention of vendors' adjusted closes where a split and a dividend fall on one day (the
adjusted close of ABT on 2004-05-03, the day its split of 1.068833 and its dividend of 2.9154 met,
agrees to 2e-6; per lot before the split it would be off by 0.5 %). Fields that the data lacks are
constant views that take no memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from podshop.domain.asset import Assets
from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.domain.money import F32, F64, I64, Bools, Days, read_only

PRICES = ("open", "high", "low", "close")
NEEDED = ("date", "symbol", "close")
EMPTY = {**dict.fromkeys((*PRICES, "volume"), np.nan), "dividend": 0.0, "split": 1.0}
"""What an empty cell of each field means."""
COLUMNS = ("date", "symbol", *EMPTY, "sector")

Fields = dict[str, F64]


# --- the two doors --------------------------------------------------------------------------------


GONE_DAYS = 20
"""Sessions in a row without a price after which an asset counts as gone; halts are shorter."""


def from_frame(
    frame: pl.DataFrame,
    *,
    rate: float | pl.DataFrame | None = None,
    benchmark: pl.DataFrame | None = None,
    source: str = "a table of raw daily prices",
) -> Panel:
    """Build a panel from a long table, one row per session and symbol, in any order.

    Args:
        frame: columns date, symbol, close and, where known, open, high, low, volume, dividend,
            split, sector. RAW prices in currency per lot; dividend in currency per lot after that
            day's split; split in lots after one lot before. An empty cell means unknown (prices,
            volume), nothing (dividend) or 1.0 (split); a close may not be empty: a session without
            a price is a session without a row. A name's sector is the last that the table gives.
        rate: interest on cash a year, fraction; or a table (date, rate) of the annual rate known at
            the close of each date, valid until the next one.
        benchmark: table (date, close); sessions that it lacks become NaN.
        source: one sentence on where the data comes from, shown in reports.

    Returns:
        A panel of all dates in the table (ascending) and all symbols (sorted).

    Raises:
        DataError: a column is missing, unknown or of the wrong kind; a row is there twice; a price
            or an action cannot be. The message names symbol, session, field and remedy.
    """
    table = _checked(frame, "the table of prices", NEEDED, COLUMNS)
    days = table.get_column("date").unique().sort().to_numpy().astype("datetime64[D]")
    symbols = table.get_column("symbol").unique().sort()
    fields = _scatter(table, days, symbols)
    names = tuple(symbols.to_list())
    annual_t = _annual(rate, days) if isinstance(rate, pl.DataFrame) else float(rate or 0.0)
    level_t = None if benchmark is None else _levels(benchmark, days)
    return _assemble(days, names, fields, _sectors(table, names), annual_t, level_t, source)


def from_arrays(
    days: Days,
    symbols: Sequence[str],
    close: F64,
    open: F64 | None = None,  # noqa: A002 - the desk's word for it
    *,
    high: F64 | None = None,
    low: F64 | None = None,
    volume: F64 | None = None,
    dividend: F64 | None = None,
    split: F64 | None = None,
    sectors: Sequence[str] | None = None,
    rate: float | F64 = 0.0,
    benchmark: F64 | None = None,
    source: str = "arrays of raw daily prices",
    gone_days: int = GONE_DAYS,
) -> Panel:
    """Build a panel from dense (T, N) arrays, which are copied.

    Args:
        days: (T,) sessions, ascending.
        symbols: N names; their order becomes the assets' numbers.
        close: (T, N) raw closes in currency per lot; NaN where there is no price.
        open: (T, N) raw opens; None or NaN where unknown.
        high: (T, N) raw highs, likewise.
        low: (T, N) raw lows, likewise.
        volume: (T, N) lots traded; None or NaN where unknown.
        dividend: (T, N) currency per lot after that session's split; None or NaN for nothing.
        split: (T, N) lots after one lot before; None or NaN for 1.0.
        sectors: N sector names; None when unknown.
        rate: interest on cash a year, fraction; or (T,) the annual rate known at each close.
        benchmark: (T,) levels; NaN where there is none.
        source: one sentence on where the data comes from.
        gone_days: sessions in a row without a price after which a name counts as gone.

    Raises:
        DataError: shapes disagree, or a value cannot be.
    """
    given = {"open": open, "high": high, "low": low, "close": close}
    given |= {"volume": volume, "dividend": dividend, "split": split}
    fields = {
        name: np.array(values, dtype=np.float64, order="C")
        for name, values in given.items()
        if values is not None
    }
    for name in ("dividend", "split"):
        if name in fields:
            fields[name][np.isnan(fields[name])] = EMPTY[name]
    names = tuple(symbols)
    sessions = np.array(days, dtype="datetime64[D]")
    _refuse_shapes(sessions, names, sectors, fields)
    level_t = None if benchmark is None else np.array(benchmark, dtype=np.float64)
    return _assemble(
        sessions,
        names,
        fields,
        tuple(sectors or [""] * len(names)),
        rate,
        level_t,
        source,
        gone_days,
    )


def with_signals(panel: Panel, signals: Mapping[str, F32 | F64]) -> Panel:
    """The panel with these signals in place of those it has.

    Args:
        panel: the panel.
        signals: (T, N) by name; copied, as float32.

    Raises:
        DataError: one has another shape than the panel, or is infinite somewhere.
    """
    kept: dict[str, F32] = {}
    for name, values in signals.items():
        if values.shape != panel.close.shape:
            raise DataError(f"signal {name} is {values.shape}; the panel is {panel.close.shape}")
        wrong = np.isinf(values)
        if wrong.any():
            t, n = divmod(int(wrong.argmax()), values.shape[1])
            raise DataError(f"{panel.assets.symbols[n]} {panel.days[t]}: signal {name} is infinite")
        kept[name] = np.array(values, dtype=np.float32, order="C")
        read_only(kept[name])
    return replace(panel, signals=kept)


def accrue(days: Days, annual_t: float | F64) -> F64:
    """Interest on cash from each session to the next, simple, actual/365.

    Args:
        days: (T,) sessions.
        annual_t: fraction a year; one number or (T,) as known at each close.

    Returns:
        (T,) fraction of the cash earned INTO each session, at the rate known the session before;
        0 for the first.

    Raises:
        DataError: a rate is not finite, or is above 1 and so was probably meant in percent.
    """
    known_t = np.broadcast_to(np.asarray(annual_t, dtype=np.float64), days.shape)
    wrong = ~(np.abs(known_t) <= 1.0)
    if wrong.any():
        t = int(wrong.argmax())
        raise DataError(
            f"{days[t]}: an interest rate of {known_t[t]} a year; give a fraction (0.05 for 5 %)"
        )
    rate_t = np.zeros(len(days))
    rate_t[1:] = known_t[:-1] * (days[1:] - days[:-1]).astype(np.int64) / 365.0
    return rate_t


# --- the long table -------------------------------------------------------------------------------


def _checked(
    frame: pl.DataFrame, what: str, needed: tuple[str, ...], known: tuple[str, ...]
) -> pl.DataFrame:
    """Refuse missing and unknown columns; dates become Date, symbols String, the rest Float64."""
    missing = [name for name in needed if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in known]
    if missing:
        raise DataError(f"{what} has no column {', '.join(missing)}; it has {frame.columns}")
    if unknown:
        raise DataError(
            f"{what} has columns nobody knows: {', '.join(unknown)}; "
            f"rename them to one of {', '.join(known)}, or drop them"
        )
    if frame.is_empty():
        raise DataError(f"{what} has no rows")
    kinds = {"date": pl.Date, "symbol": pl.String, "sector": pl.String}
    columns = [_cast(frame.get_column(c), kinds.get(c, pl.Float64), what) for c in frame.columns]
    for column in columns:
        if column.name in ("date", "symbol") and column.null_count():
            raise DataError(f"{what} has rows without a {column.name}; fill it or drop them")
    return pl.DataFrame(columns)


def _cast(column: pl.Series, kind: type[pl.DataType], what: str) -> pl.Series:
    """Give a column its kind; texts become dates only as YYYY-MM-DD."""
    try:
        if kind is pl.Date and column.dtype == pl.String:
            return column.str.to_date("%Y-%m-%d")
        if kind is pl.Date and not column.dtype.is_temporal():
            raise DataError(f"{what}: date is {column.dtype}; give dates, or texts as 2024-12-31")
        return column.cast(kind)
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"{what}: {column.name} cannot be read as {kind.__name__}: {error}"
        ) from error


def _scatter(table: pl.DataFrame, days: Days, symbols: pl.Series) -> Fields:
    """Put the rows of the table where they belong in dense (T, N) arrays, NaN elsewhere."""
    cell_r = _cells(table, days, symbols)
    _refuse_doubles(cell_r, days, symbols)
    empty_r = np.isnan(table.get_column("close").to_numpy())
    if empty_r.any():
        t, n = divmod(int(cell_r[empty_r.argmax()]), len(symbols))
        raise DataError(
            f"{symbols[n]} {days[t]}: close is empty ({_times(int(empty_r.sum()))}); "
            "a session without a price is a session without a row: drop it"
        )
    fields: Fields = {}
    for name, nothing in EMPTY.items():
        if name not in table.columns:
            continue
        values_r = table.get_column(name).to_numpy()
        empty_r = np.isnan(values_r)
        if empty_r.all():
            continue
        dense = np.full(len(days) * len(symbols), nothing)
        dense[cell_r] = np.where(empty_r, nothing, values_r)
        fields[name] = dense.reshape(len(days), len(symbols))
    return fields


def _cells(table: pl.DataFrame, days: Days, symbols: pl.Series) -> I64:
    """Number of the (T, N) cell that each row of the table belongs to, counted row by row."""
    first = days[0].astype(np.int64)
    row_of_day = np.zeros(int(days[-1].astype(np.int64) - first) + 1, dtype=np.int64)
    row_of_day[days.astype(np.int64) - first] = np.arange(len(days))
    t_r: I64 = row_of_day[_days(table).astype(np.int64) - first]
    n_r: I64 = table.get_column("symbol").cast(pl.Enum(symbols)).to_physical().to_numpy()
    return t_r * len(symbols) + n_r


def _days(table: pl.DataFrame) -> Days:
    """The date column as datetime64[D]."""
    return table.get_column("date").to_numpy().astype("datetime64[D]")


def _refuse_doubles(cell_r: I64, days: Days, symbols: pl.Series) -> None:
    """Refuse a table that has two rows for one symbol and session."""
    seen = np.zeros(len(days) * len(symbols), dtype=np.bool_)
    seen[cell_r] = True
    if int(seen.sum()) == len(cell_r):
        return
    ordered = np.sort(cell_r)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    t, n = divmod(int(again[0]), len(symbols))
    raise DataError(
        f"{symbols[n]} {days[t]}: more than one row for this date and symbol "
        f"({_times(len(again))}); keep one"
    )


def _sectors(table: pl.DataFrame, symbols: tuple[str, ...]) -> tuple[str, ...]:
    """The last sector that the table gives each symbol; "" where it gives none."""
    if "sector" not in table.columns:
        return ("",) * len(symbols)
    known = table.select("date", "symbol", "sector").drop_nulls()
    last = known.group_by("symbol").agg(pl.col("sector").sort_by("date").last())
    sector = dict(last.iter_rows())
    return tuple(sector.get(symbol, "") for symbol in symbols)


def _annual(rate: pl.DataFrame, days: Days) -> F64:
    """The annual rate known at each close: the newest of the table at or before it, else 0."""
    table = _checked(rate, "the table of rates", ("date", "rate"), ("date", "rate")).sort("date")
    i = np.searchsorted(_days(table), days, side="right") - 1
    values = table.get_column("rate").to_numpy()
    return np.where(i >= 0, values[np.maximum(i, 0)], 0.0)


def _levels(benchmark: pl.DataFrame, days: Days) -> F64:
    """The benchmark's level on each session; NaN where the table has none."""
    needed = ("date", "close")
    table = _checked(benchmark, "the benchmark", needed, needed).sort("date")
    known = _days(table)
    i = np.minimum(np.searchsorted(known, days), len(known) - 1)
    return np.where(known[i] == days, table.get_column("close").to_numpy()[i], np.nan)


# --- dense arrays ---------------------------------------------------------------------------------


def _assemble(
    days: Days,
    symbols: tuple[str, ...],
    fields: Fields,
    sectors: tuple[str, ...],
    annual_t: float | F64,
    level_t: F64 | None,
    source: str,
    gone_days: int = GONE_DAYS,
) -> Panel:
    """Check, derive and freeze; the arrays in `fields` belong to the panel from here on."""
    _refuse(fields, days, symbols)
    close = fields["close"]
    shape = close.shape
    if "dividend" in fields or "split" in fields:
        fields.setdefault("dividend", np.zeros(shape))
        fields.setdefault("split", np.ones(shape))
        _postpone(close, fields["dividend"], fields["split"])
    returns, index = _grow(close, fields.get("dividend"), fields.get("split"))
    opens = "open" in fields and not bool(np.isnan(fields["open"]).all())
    whole: Fields = {
        **{name: np.broadcast_to(np.nan, shape) for name in (*PRICES, "volume")},
        "dividend": np.broadcast_to(0.0, shape),
        "split": np.broadcast_to(1.0, shape),
        **fields,
        "returns": returns,
        "index": index,
        "rate_t": accrue(days, annual_t),
        "benchmark_t": np.full(len(days), np.nan) if level_t is None else level_t,
    }
    for array in (days, *whole.values()):
        read_only(array)
    return Panel(
        days=days,
        assets=Assets(symbols, sectors),
        gone_days=gone_days,
        opens=opens,
        source=source,
        signals={},
        **whole,
    )


def _refuse_shapes(
    days: Days, symbols: tuple[str, ...], sectors: Sequence[str] | None, fields: Fields
) -> None:
    """Refuse arrays that do not fit the sessions and symbols they come with."""
    shape = (len(days), len(symbols))
    for name, values in fields.items():
        if values.shape != shape:
            raise DataError(f"{name} is {values.shape}; {shape[0]} days, {shape[1]} symbols")
    if min(shape) == 0:
        raise DataError("no sessions, or no symbols")
    if len(set(symbols)) < len(symbols):
        raise DataError("a symbol is there twice; names must differ")
    if sectors is not None and len(sectors) != len(symbols):
        raise DataError(f"{len(sectors)} sectors for {len(symbols)} symbols")
    late = days[1:] <= days[:-1]
    if late.any():
        raise DataError(f"{days[1:][late][0]} follows {days[:-1][late][0]}: sort the sessions")


def _refuse(fields: Fields, days: Days, symbols: tuple[str, ...]) -> None:
    """Refuse prices and actions that cannot be; NaN is unknown and passes."""
    positive = "must be positive and finite: correct it, or drop the row if there was no price"
    for name in (*PRICES, "split"):
        if name in fields:
            x = fields[name]
            _name_first((x <= 0.0) | (x == np.inf), x, name, positive, days, symbols)
    for name in ("volume", "dividend"):
        if name in fields:
            x = fields[name]
            remedy = "must not be negative or infinite: correct it, or leave the cell empty"
            _name_first((x < 0.0) | (x == np.inf), x, name, remedy, days, symbols)
    if "high" in fields and "low" in fields:
        remedy = "is below the low of the session: correct one of them, or leave both empty"
        wrong = fields["high"] < fields["low"]
        _name_first(wrong, fields["high"], "high", remedy, days, symbols)


def _name_first(
    wrong: Bools, values: F64, field: str, remedy: str, days: Days, symbols: tuple[str, ...]
) -> None:
    """Raise a DataError about the first wrong cell, if there is one."""
    if not wrong.any():
        return
    t, n = divmod(int(wrong.argmax()), wrong.shape[1])
    count = _times(int(wrong.sum()))
    raise DataError(f"{symbols[n]} {days[t]}: {field} {values[t, n]} {remedy} ({count})")


def _times(count: int) -> str:
    """How often a defect occurs, in words."""
    return "1 row" if count == 1 else f"{count} rows"


def _postpone(close: F64, dividend: F64, split: F64) -> None:
    """Move splits and dividends of days without a price to the session that trades again, in place.

    A name that does not trade cannot be marked anew, so its lots and its mark change together when
    it is back. Before the first price nobody holds it; after the last it has left at that price.
    """
    stranded = np.isnan(close) & ((dividend != 0.0) | (split != 1.0))
    for n in np.flatnonzero(stranded.any(axis=0)):
        seen, ratio, cash = False, 1.0, 0.0
        for t in range(len(close)):
            # `cash` is per lot after all splits so far, so a split thins out what is owed already.
            ratio, cash = ratio * split[t, n], cash / split[t, n] + dividend[t, n]
            traded = close[t, n] == close[t, n]
            split[t, n] = ratio if traded else 1.0
            dividend[t, n] = cash if traded else 0.0
            if traded or not seen:
                ratio, cash = 1.0, 0.0
            seen = seen or bool(traded)


def _grow(close: F64, dividend: F64 | None, split: F64 | None) -> tuple[F64, F64]:
    """Total return of each session against the last known close, and the index it compounds to.

    Returns:
        (T, N) returns, NaN without a price or at the first one; (T, N) index, 1.0 at the first
        price, NaN before it, standing still on days without a price.
    """
    returns, index = np.empty_like(close), np.empty_like(close)
    last_n: npt.NDArray[np.float64] = np.full(close.shape[1], np.nan)
    level_n = last_n.copy()
    for t, price_n in enumerate(close):
        growth_n = price_n / last_n
        if dividend is not None and split is not None:
            growth_n = (price_n + dividend[t]) * split[t] / last_n
        np.subtract(growth_n, 1.0, out=returns[t])
        known_n = ~np.isnan(growth_n)
        traded_n = ~np.isnan(price_n)
        np.multiply(level_n, growth_n, out=level_n, where=known_n)
        level_n[traded_n & ~known_n] = 1.0
        index[t] = level_n
        np.copyto(last_n, price_n, where=traded_n)
    return returns, index


def departures(close: F64, gone_days: int) -> tuple[I64, I64]:
    """Find the sessions on which an asset is known to be gone.

    That is the `gone_days`-th session in a row without a price. Nobody can tell a departure from a
    halt on its first day; a rule that could would look ahead, and a backtest would not be what live
    trading was. An asset that comes back is traded again.

    Args:
        close: (T, N) closes, NaN where there is no price.
        gone_days: sessions without a price that tell.

    Returns:
        rows and assets, in the order of the rows.
    """
    if not np.isnan(close).any():
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    missing_n = np.full(close.shape[1], gone_days, dtype=np.int64)  # not yet listed: no departure
    rows: list[I64] = [np.zeros(0, dtype=np.int64)]
    assets: list[I64] = [np.zeros(0, dtype=np.int64)]
    for t, traded_n in enumerate(~np.isnan(close)):
        missing_n += 1
        missing_n[traded_n] = 0
        gone = np.flatnonzero(missing_n == gone_days)
        rows.append(np.full(len(gone), t))
        assets.append(gone)
    return np.concatenate(rows).astype(np.int64), np.concatenate(assets).astype(np.int64)
