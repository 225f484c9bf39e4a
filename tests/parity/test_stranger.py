"""A stranger who has only the Parquet tables recomputes the fund's NAV, to the micro."""

from collections import defaultdict
from pathlib import Path

import orjson
import polars as pl
from tests.funds import cook, random_recipe

import podshop
from podshop.domain.rules import Rules

CASH_PARTS = ("dividend", "borrow", "interest", "fee", "flow")


def navs_from_tables(folder: Path, capital: int, symbols: list[str]) -> dict[object, int]:
    """Recompute the NAV of every session from fills, prices, cash parts, splits; plain Python."""
    tables = {
        name: pl.read_parquet(folder / f"{name}.parquet")
        for name in ("fills", "marks", "attribution", "events", "nav")
    }
    cash_by_day: dict[object, int] = defaultdict(int)
    for row in tables["attribution"].iter_rows(named=True):
        if row["part"] in CASH_PARTS:
            cash_by_day[row["date"]] += row["amount_micros"]
    fills, splits, marks = defaultdict(list), defaultdict(list), {}
    for row in tables["fills"].iter_rows(named=True):
        fills[row["date"]].append(row)
    for row in tables["events"].filter(pl.col("kind") == "SplitApplied").iter_rows(named=True):
        splits[row["date"]].append(orjson.loads(row["detail"]))
    for row in tables["marks"].iter_rows(named=True):
        marks[row["date"], row["symbol"]] = row["mark_micros"]
    cash, lots, navs = capital, defaultdict(int), {}
    for day in tables["nav"]["date"]:
        for split in splits[day]:
            symbol = symbols[split["asset"]]
            lots[symbol] = sum(split["lots_r"])
            cash += sum(split["cash_r"]) + split["centre_cash"]
        for fill in fills[day]:
            lots[fill["symbol"]] += fill["lots"]
            cash -= fill["lots"] * fill["price_micros"] + fill["fee_micros"]
        cash += cash_by_day[day]
        navs[day] = cash + sum(held * marks[day, s] for s, held in lots.items() if held)
    return navs


def recomputes(rules: Rules, panel: podshop.Panel, folder: Path) -> None:
    """Run, write, read back, recompute, compare."""
    run = podshop.backtest(rules, panel)
    run.write(folder)
    table = pl.read_parquet(folder / "nav.parquet")
    expected = dict(zip(table["date"], table["nav_micros"], strict=True))
    assert navs_from_tables(folder, rules.capital, list(panel.assets.symbols)) == expected


def test_random_funds(tmp_path: Path) -> None:
    """With splits, dividends, shorts, partial fills, flows, delistings."""
    for seed in range(4):
        fund = cook(random_recipe(seed))
        recomputes(fund.rules, fund.panel, tmp_path / str(seed))
