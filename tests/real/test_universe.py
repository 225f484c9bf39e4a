"""The universe over 504 real names: what 2008 did is history, not an error."""

import time
from functools import cache
from pathlib import Path

import polars as pl

from podshop.domain.market import Panel
from podshop.market.panel import from_frame
from podshop.market.universe import jumps, members, preprocess, screen


@cache
def panel_of(folder: Path) -> Panel:
    raw = pl.read_parquet(folder / "prices" / "us_equities_1999_2016.parquet")
    prices = [(pl.col(f"{name}_e4") / 1e4).alias(name) for name in ("open", "high", "low", "close")]
    return from_frame(raw.select("date", "symbol", *prices, "volume", "dividend", "split"))


def test_aig_and_hartford_survive_2008(shared_data: Path) -> None:
    panel = panel_of(shared_data)
    found = jumps(panel).filter(pl.col("symbol").is_in(["AIG", "HIG"]))
    year = found.filter(pl.col("date").dt.year() == 2008)
    assert {"AIG 2008-09-15", "HIG 2008-10-30", "HIG 2008-12-05"} <= set(
        year.select(w=pl.format("{} {}", "symbol", pl.col("date").cast(pl.String)))["w"]
    )
    assert not found["bad"].any()
    member_tn = preprocess(panel).member_tn
    for symbol in ("AIG", "HIG"):
        n = panel.assets.symbols.index(symbol)
        assert member_tn[503:, n].all()


def test_the_screen_of_4300_sessions_takes_seconds_and_follows_the_volatility_of_the_market(
    shared_data: Path,
) -> None:
    panel = panel_of(shared_data)
    start = time.perf_counter()
    among = preprocess(panel).member_tn
    told = screen(panel, among=among)
    assert time.perf_counter() - start < 20.0
    year_t = panel.days.astype("datetime64[Y]").astype(int) + 1970
    size = {year: told.member_tn[year_t == year].sum(axis=1).mean() for year in (2006, 2009, 2015)}
    # Few names moved less than 25 % a year through the two years up to 2009.
    assert size[2009] < 0.4 * size[2006]
    assert size[2015] > 2.0 * size[2009]
    assert not (told.member_tn & ~among).any()


def test_the_dated_index_has_about_500_members_and_not_all_are_in_the_survivors_panel(
    shared_data: Path,
) -> None:
    table = pl.read_csv(
        shared_data / "sp500_membership" / "sp500_ticker_start_end.csv", try_parse_dates=True
    )
    panel = panel_of(shared_data)
    everybody = sorted(set(table["ticker"]))
    size_t = members(table, panel.days, everybody).sum(axis=1)
    assert size_t.min() > 480
    assert size_t.max() < 520
    mine_t = members(table, panel.days, panel.assets.symbols).sum(axis=1)
    assert mine_t[0] < 0.6 * size_t[0]  # the panel is of those that were there in 2021
    assert 0.75 * size_t[-1] < mine_t[-1] < 0.85 * size_t[-1]
