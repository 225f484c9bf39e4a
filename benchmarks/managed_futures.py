"""What the managed futures pod would have earned on real prices: the figures of its docs page.

    python -m benchmarks.managed_futures FOLDER     FOLDER holds lean_us, rates and prices

Each run is one pod with all capital through `podshop.research.run_backtest`: closes decide, the
next close fills, after commission, spread, impact, borrow and interest; no limits, no management
fee. Parameters are the pod's defaults, which are those of Carver's books of 2015 and 2023, and
were not changed after the first run. Prints Markdown.
"""

import math
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from podshop.adapters.sources import embedded
from podshop.adapters.sources.store import load
from podshop.adapters.stores.market import MarketStore
from podshop.data.imports import import_lean
from podshop.domain.market import Panel
from podshop.domain.money import F64, Days
from podshop.market.panel import from_arrays
from podshop.pods import managed_futures as pod
from podshop.research import run_backtest
from podshop.research.run import Run

FUNDS = {"SPY": "equity", "IWM": "equity", "EEM": "equity", "USO": "energy", "BNO": "energy"}
CURRENCIES = ("eurusd", "gbpusd", "nzdusd")
UNITS = 1_000.0
"""Units of a foreign currency in a lot."""
CAPITAL = 1_000_000
FREE = {"management_fee": 0.0}
NO_LIMITS = {"stop_loss": 0.0, "position": 0.0, "sector": 0.0}
SPANS = {"2003-2009": ("2003-01-01", "2009-12-31"), "2010-2016": ("2010-01-01", "2016-12-31")}


# --- the instruments ------------------------------------------------------------------------------


def at(days: Days, frame: pl.DataFrame) -> F64:
    """(T,) column `close` of a table by `date`, NaN on other days."""
    known = frame.get_column("date").to_numpy().astype("datetime64[D]")
    out = np.full(len(days), np.nan)
    mine, theirs = np.intersect1d(days, known, return_indices=True)[1:]
    out[mine] = frame.get_column("close").to_numpy()[theirs]
    return out


def currency(folder: Path, name: str) -> pl.DataFrame:
    """Middle of bid and ask at the end of each day, dollars a lot."""
    with zipfile.ZipFile(folder / f"lean_us/Data/forex/oanda/daily/{name}.zip") as archive:
        body = archive.read(archive.namelist()[0])
    names = ["time", *(f"{side} {price}" for side in ("bid", "ask") for price in "ohlcv")]
    rows = pl.read_csv(BytesIO(body), has_header=False, new_columns=names)
    middle = (rows.get_column("bid c") + rows.get_column("ask c")) / 2.0 * UNITS
    day = rows.get_column("time").str.slice(0, 8).str.to_date("%Y%m%d")
    return pl.DataFrame({"date": day, "close": middle})


def yields(folder: Path) -> pl.DataFrame:
    """Par yields of Treasuries as fractions, by date."""
    rows = pl.read_csv(folder / "rates/treasury_curves.csv.gz")
    day = pl.col("Time Period").str.slice(0, 10).str.to_date("%Y-%m-%d").alias("date")
    return rows.select(day, pl.col("3month", "10year").cast(pl.Float64)).drop_nulls("3month")


def bond(curve: pl.DataFrame) -> pl.DataFrame:
    """A ten-year Treasury bought at par every day: its full price a day later, compounded."""
    rows = curve.drop_nulls("10year").sort("date")
    y = rows.get_column("10year").to_numpy()
    day = rows.get_column("date").to_numpy().astype("datetime64[D]").astype(np.int64)
    years = np.diff(day) / 365.0
    coupon, now = y[:-1], y[1:]
    left = (1.0 + now / 2.0) ** -20.0
    growth = (coupon / now * (1.0 - left) + left) * (1.0 + now / 2.0) ** (2.0 * years)
    level = 100.0 * np.concatenate([[1.0], np.cumprod(growth)])
    return pl.DataFrame({"date": rows.get_column("date"), "close": level})


def universe(folder: Path) -> Panel:
    """Funds, currencies and the bond on the sessions of the stock exchange, closes only."""
    with tempfile.TemporaryDirectory() as place:
        import_lean(MarketStore(Path(place)), folder / "lean_us")
        lean = load(place)
    keep = lean.days <= np.datetime64("2017-03-29")
    days = lean.days[keep]
    column = {name: n for n, name in enumerate(lean.assets.symbols)}
    own = [column[name] for name in FUNDS]
    curve = yields(folder)
    added = [at(days, currency(folder, name)) for name in CURRENCIES]
    added.append(at(days, bond(curve)))
    bills = at(days, curve.select("date", close="3month"))
    newest = np.maximum.accumulate(np.where(np.isnan(bills), 0, np.arange(len(days))))
    nothing = np.zeros((len(days), len(added)))
    return from_arrays(
        days,
        [*FUNDS, *(name.upper() for name in CURRENCIES), "TREASURY10"],
        np.column_stack([lean.close[keep][:, own], *added]),
        dividend=np.column_stack([lean.dividend[keep][:, own], nothing]),
        split=np.column_stack([lean.split[keep][:, own], nothing + 1.0]),
        sectors=[*FUNDS.values(), *["currency"] * len(CURRENCIES), "bond"],
        rate=np.nan_to_num(bills[newest]),
        source="Funds and currencies of LEAN's sample data, a ten-year Treasury from its yields.",
    )


def companies(folder: Path) -> Panel:
    """About 500 members of the S&P 500 of April 2021, whatever happened to the others."""
    rows = pl.read_parquet(folder / "prices/us_equities_1999_2016.parquet")
    curve = yields(folder).select("date", rate="3month")
    prices = {name: pl.col(f"{name}_e4") / 10_000.0 for name in ("open", "high", "low", "close")}
    table = rows.select("date", "symbol", "volume", "dividend", "split", **prices)
    return Panel.from_frame(table, rate=curve, source="504 names of the S&P 500 of 2021")


# --- the runs -------------------------------------------------------------------------------------


def tried(
    panel: Panel,
    use: str,
    params: Mapping[str, Any],
    costs: Mapping[str, float] = FREE,
    capital: int = CAPITAL,
) -> Run:
    """One pod with all capital, from the first of 2003 to the end of 2016."""
    text = {
        "strategy": {"use": use, "params": dict(params), "capital": capital},
        "market": {"start": date(2003, 1, 2), "end": date(2016, 12, 30)},
        "costs": dict(costs),
        "limits": NO_LIMITS,
    }
    with tempfile.TemporaryDirectory() as place:
        return run_backtest(text, panel, record="fast", runs=Path(place) / "runs.sqlite")


def figures(run: Run, first: str, last: str) -> dict[str, float]:
    """Return, volatility, Sharpe ratio with its error, drawdown, turnover of one span."""
    days = run.nav.get_column("date").to_numpy().astype("datetime64[D]")
    unit = run.nav.get_column("unit_value").to_numpy()
    rate = run.panel.rate_t[np.searchsorted(run.panel.days, days)]
    span = (days >= np.datetime64(first)) & (days <= np.datetime64(last))
    returns = np.concatenate([[0.0], unit[1:] / unit[:-1] - 1.0])[span]
    over = returns - rate[span]
    path = np.cumprod(1.0 + returns)
    daily = over.mean() / over.std(ddof=1)
    years = len(returns) / 252.0
    nav = run.nav.get_column("nav_micros").to_numpy()[span]
    day_f = run.fills.get_column("date").to_numpy().astype("datetime64[D]")
    inside = (day_f >= np.datetime64(first)) & (day_f <= np.datetime64(last))
    fills = run.fills.filter(pl.Series(inside))
    traded = (fills.get_column("lots") * fills.get_column("price_micros")).abs().sum()
    return {
        "return": path[-1] ** (1.0 / years) - 1.0,
        "volatility": over.std(ddof=1) * math.sqrt(252.0),
        "sharpe": daily * math.sqrt(252.0),
        "error": math.sqrt((1.0 + daily**2 / 2.0) / len(over) * 252.0),
        "drawdown": float((1.0 - path / np.maximum.accumulate(np.maximum(path, 1.0))).max()),
        "turnover": traded / nav.mean() / years,
        "fills": fills.height / years,
    }


def row(name: str, run: Run) -> None:
    """One line for each span."""
    for span, (first, last) in SPANS.items():
        f = figures(run, first, last)
        print(
            f"| {name} | {span} | {f['return']:.1%} | {f['volatility']:.1%} | "
            f"{f['sharpe']:.2f} ± {f['error']:.2f} | {f['drawdown']:.1%} | "
            f"{f['turnover']:.0f} | {f['fills']:.0f} |",
            flush=True,
        )


def bill(name: str, run: Run) -> None:
    """What was earned and paid over the whole run, as a share of the mean NAV a year."""
    parts = run.pod_parts.group_by("part").agg(pl.col("amount_micros").sum())
    years = len(run.nav) / 252.0
    mean = float(run.nav.get_column("nav_micros").mean())
    told = {p: a / mean / years for p, a in parts.iter_rows()}
    print(f"{name}: " + ", ".join(f"{p} {told[p]:+.2%}" for p in sorted(told)), flush=True)


def state(name: str, panel: Panel) -> None:
    """Average forecast, multipliers and risk of the pod over its traded days."""
    p = pod.Params()
    traded = (panel.days >= np.datetime64("2003-01-02")) & (
        panel.days <= np.datetime64("2016-12-30")
    )
    target, average = (x[traded] for x in pod.targets(panel, p))
    forecast = 10.0 * target / np.where(average > 0.0, average, np.nan)
    print(
        f"{name}: mean |forecast| {np.nanmean(np.abs(forecast)):.1f}, mean gross "
        f"{np.nansum(np.abs(target), axis=1).mean():.2f}, largest "
        f"{np.nansum(np.abs(target), axis=1).max():.2f}",
        flush=True,
    )


def main(folder: Path) -> None:
    """Run and print."""
    print("| pod | span | return | volatility | Sharpe | drawdown | turnover | fills a year |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    mixed = universe(folder)
    narrow = {"instrument_multiplier": 1.0}
    runs = {"managed_futures": tried(mixed, "managed_futures", {})}
    row("managed_futures", runs["managed_futures"])
    for name, use, params in (
        ("without a buffer", "managed_futures", {"buffer": 0.0}),
        ("IDM 1", "managed_futures", narrow),
        ("with breakouts", "managed_futures", {"breakout_days": [20, 40, 80, 160]}),
        ("trend", "trend", {}),
        ("long at equal risk", "benchmarks.equal_risk", {}),
    ):
        runs[name] = tried(mixed, use, params)
        row(name, runs[name])
    free = {**FREE, "commission_per_lot": 0.0, "commission_min": 0.0, "half_spread_bps": 0.0}
    free |= {"impact": 0.0, "borrow_bps_year": 0.0, "debit_spread_bps_year": 0.0}
    row("without costs", tried(mixed, "managed_futures", {}, free))
    for name, panel, capital in (
        ("20 large names", embedded.load(), CAPITAL),
        ("504 names", companies(folder), 10 * CAPITAL),
    ):
        for use in ("managed_futures", "benchmarks.equal_risk"):
            told = f"{name}, {use.rpartition('.')[2]}"
            runs[told] = tried(panel, use, {}, capital=capital)
            row(told, runs[told])
        state(name, panel)
    for name, run in runs.items():
        bill(name, run)
    state("mixed", mixed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
