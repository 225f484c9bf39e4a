"""Every pod alone on real prices, after costs: the results on the pages in docs/pods.

Each study runs one pod through `podshop.research.run_backtest` with the parameters that stand in
STUDIES, which were written before the first run. One split for all: in sample to 2009, out of sample
2010 to 2016. No pod but `learned` is fitted to anything here; in sample means that whoever wrote the
pods, and the papers behind them, could know those years.

    python -m benchmarks.pod_results DATA [STUDY ...]

DATA is the folder of real prices that tests use (see tests/real); figures go to
benchmarks/pod_results.json, from which `python docs/generate.py` writes the tables.
"""

import dataclasses
import json
import sys
import tempfile
import time
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from podshop.adapters.sources import store as store_source
from podshop.adapters.stores.market import MarketStore
from podshop.data.imports import import_lean
from podshop.market.alternative import volatility
from podshop.market.panel import accrue, from_frame, with_signals
from podshop.research import run_backtest
from podshop.research.summary import COSTS
from podshop.research.validation import bootstrap_sharpe

RESULTS = Path(__file__).with_name("pod_results.json")
CAPITAL = 10_000_000
START = {"stocks": date(2001, 1, 2), "funds": date(2001, 1, 2)}
LAST = date(2016, 12, 30)
SPLIT = np.datetime64("2010-01-01")

DEFECTS = ("ANTM", "TRMB", "WST", "JCI", "LDOS", "TMUS", "KSU")
"""Names with a split that their vendor misses, or a merger told as a dividend."""

RELATED = (
    *("GOOG GOOGL", "NWS NWSA", "UA UAA", "DISCA DISCK", "V MA", "KO PEP", "XOM CVX", "HD LOW"),
    *("JPM BAC C WFC", "GS MS", "UPS FDX", "UNP CSX NSC", "DUK SO AEP", "LLY MRK PFE", "T VZ"),
    *("CCL RCL", "LMT NOC GD", "MCO SPGI", "AVB EQR ESS", "ALL TRV PGR", "DHI LEN PHM"),
    *("HAL SLB", "KLAC LRCX AMAT", "COP EOG APA", "VMC MLM"),
)
"""Groups that somebody in 2001 to 2014 could have called related: two classes of a share, or the
same trade. Written before the first run, from what the companies do."""

FUNDS = (("SPY", "QQQ", "IWM"), ("USO", "BNO"))

YARDSTICK = "all names held"

STUDIES = {
    YARDSTICK: ("benchmarks.hold_all", "stocks", {}),
    "momentum": ("momentum", "stocks", {}),
    "neutral": ("neutral", "stocks", {}),
    "pairs": ("pairs", "stocks", {}),
    "reversion": ("reversion", "stocks", {}),
    "trend": ("trend", "stocks", {}),
    "learned": ("learned", "stocks", {}),
    "composite": ("composite", "stocks", {}),
    "composite, long only": ("composite", "stocks", {"short": False}),
    "composite, sectors free": ("composite", "stocks", {"sector_neutral": False}),
    "relative_value, sectors": ("relative_value", "stocks", {}),
    "relative_value, groups": ("relative_value", "stocks", {"groups": "RELATED"}),
    "relative_value, funds": ("relative_value", "funds", {"groups": FUNDS, "positions": 2}),
    "vix_carry, all names": ("vix_carry", "stocks", {}),
    "vix_carry, SPY": ("vix_carry", "funds", {"hold": ("SPY",)}),
}
"""Study: pod, prices, parameters that are not its defaults."""


@cache
def panel_of(folder, prices):
    """The prices of a study, with interest, the SPY as benchmark and the VIX as signal."""
    made = stocks(folder) if prices == "stocks" else funds(folder)
    rates = pl.read_csv(folder / "rates" / "treasury_curves.csv.gz", try_parse_dates=True)
    known = rates.select("Time Period", "3month").drop_nulls().sort("Time Period")
    days = known["Time Period"].to_numpy().astype("datetime64[D]")
    at = np.searchsorted(days, made.days, side="right") - 1
    rate_t = accrue(made.days, np.where(at >= 0, known["3month"].to_numpy()[at], 0.0))
    made = dataclasses.replace(made, rate_t=rate_t, benchmark_t=spy(folder, made.days))
    vix = pl.read_csv(folder / "vix" / "vix-daily.csv.gz", try_parse_dates=True)
    rows = vix.select(index=pl.lit("VIX"), date="DATE", close="CLOSE")
    return with_signals(made, volatility.signals(rows, made.days, len(made.assets.symbols)))


def stocks(folder):
    """484 names of 2021's S&P 500, raw, 1999-11 to 2016-12, with the sectors of the current list."""
    frame = pl.read_parquet(folder / "prices" / "us_equities_1999_2016.parquet")
    e4 = [name for name in frame.columns if name.endswith("_e4")]
    frame = frame.with_columns((pl.col(e4) / 10_000).name.replace("_e4", "")).drop(e4)
    listed = pl.read_csv(folder / "sp500_membership" / "sp500.csv")
    sectors = listed.select(symbol="Symbol", sector="GICS Sector")
    kept = frame.filter(~pl.col("symbol").is_in(DEFECTS)).join(sectors, on="symbol", how="left")
    return from_frame(kept, source="names of the S&P 500 of 2021")


def funds(folder):
    """LEAN's US tickers, of which the studies trade the funds."""
    with tempfile.TemporaryDirectory() as place:
        made = MarketStore(place)
        import_lean(made, folder / "lean_us")
        return store_source.build(made)


def spy(folder, days):
    """(T,) level of SPY with dividends; NaN where it has no row."""
    rows = pl.read_csv(folder / "rates" / "SPY_benchmark.csv.gz", try_parse_dates=True)
    there = rows["date"].cast(pl.Date).to_numpy().astype("datetime64[D]")
    level = np.cumprod(1.0 + rows["return"].to_numpy())
    at = np.minimum(np.searchsorted(there, days), len(there) - 1)
    return np.where(there[at] == days, level[at], np.nan)


def config(pod, prices, params, panel):
    """The strategy as a mapping: the pod as it wishes, nothing in its way."""
    given = dict(params)
    if given.get("groups") == "RELATED":
        known = set(panel.assets.symbols)
        groups = [[s for s in text.split() if s in known] for text in RELATED]
        given["groups"] = [group for group in groups if len(group) > 1]
    return {
        "strategy": {"use": pod, "params": json.loads(json.dumps(given)), "capital": CAPITAL},
        "market": {"start": START[prices].isoformat(), "end": LAST.isoformat()},
        "costs": {"management_fee": 0.0},
        "limits": {"stop_loss": 0.0, "position": 0.0, "sector": 0.0},
    }


def study(name, folder, runs):
    """Run one study; figures of both stretches."""
    pod, prices, params = STUDIES[name]
    panel = panel_of(folder, prices)
    run = run_backtest(config(pod, prices, params, panel), panel, record="fast", runs=runs)
    nav = run.nav["nav_micros"].to_numpy()
    days = run.nav["date"].to_numpy().astype("datetime64[D]")
    parts = run.tape.part_dpk.sum(axis=1)
    cost = -parts[:, [int(p) for p in COSTS]].sum(axis=1)
    traded = np.zeros(len(days))
    fills = run.fills
    value = (fills["lots"].abs().cast(pl.Float64) * fills["price_micros"]).to_numpy()
    np.add.at(
        traded, np.searchsorted(days, fills["date"].to_numpy().astype("datetime64[D]")), value
    )
    before = nav[:-1].astype(float)
    daily = {
        "returns": nav[1:] / before - 1.0,
        "cash": panel.rate_t[run.start + 1 : run.stop],
        "cost": cost[1:] / before,
        "traded": traded[1:] / before,
        "spy": benchmark(panel.benchmark_t[run.start : run.stop]),
    }
    # A pod that needs years of history first is judged from its first trade on.
    first = int(np.flatnonzero(traded[1:])[0])
    late = int(np.searchsorted(days[1:], SPLIT))
    told = {"pod": pod, "prices": prices, "params": params}
    told |= {"in_sample": figures(daily, days[1:], first, late)}
    told |= {"out_of_sample": figures(daily, days[1:], late, len(days) - 1)}
    names = int((~np.isnan(panel.close)).any(axis=0).sum()) if prices == "stocks" else None
    return told | {"names": names}


def benchmark(level):
    """Daily returns of the benchmark."""
    return level[1:] / level[:-1] - 1.0


def figures(daily, days, a, b):
    """Figures of the sessions [a, b); ratios a year, above the interest on cash."""
    cut = {key: x[a:b] for key, x in daily.items()}
    returns, excess = cut["returns"], cut["returns"] - cut["cash"]
    years = len(returns) / 252.0
    drawn = np.cumprod(np.append(1.0, 1.0 + returns))
    low, high = np.quantile(bootstrap_sharpe(excess), [0.025, 0.975]) * np.sqrt(252.0)
    market = cut["spy"] - cut["cash"]
    known = np.isfinite(market)
    beta = np.cov(excess[known], market[known])[0, 1] / market[known].var(ddof=1)
    made = {
        "return": drawn[-1] ** (1.0 / years) - 1.0,
        "volatility": returns.std(ddof=1) * np.sqrt(252.0),
        "sharpe": sharpe(excess),
        "sharpe_low": low,
        "sharpe_high": high,
        "sharpe_before_costs": sharpe(excess + cut["cost"]),
        "max_drawdown": (1.0 - drawn / np.maximum.accumulate(drawn)).max(),
        "turnover": cut["traded"].sum() / years,
        "cost": cut["cost"].sum() / years,
        "beta": beta,
        "spy_sharpe": sharpe(market[known]),
    }
    told = {"first": str(days[a]), "last": str(days[b - 1])}
    return told | {key: round(float(x), 4) for key, x in made.items()}


def sharpe(excess):
    """A year, of daily returns above cash."""
    return excess.mean() / excess.std(ddof=1) * np.sqrt(252.0)


def main(folder, wanted):
    """Run the studies wanted and keep the figures of the others."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    with tempfile.TemporaryDirectory() as place:
        for name in wanted or STUDIES:
            began = time.perf_counter()
            told = kept[name] = study(name, folder, Path(place) / "runs.sqlite")
            took = time.perf_counter() - began
            line = [
                f"{told[k][s]:.2f}"
                for k in ("in_sample", "out_of_sample")
                for s in ("sharpe", "max_drawdown", "turnover", "cost")
            ]
            print(f"{name:28} {took:6.1f} s  {' '.join(line)}", flush=True)
            ordered = {study: kept[study] for study in STUDIES if study in kept}
            RESULTS.write_text(json.dumps(ordered, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
