"""LEAN's daily futures: the roll of the E-mini S&P 500 in December 2013 and gold's."""

import json
import zipfile
from datetime import date
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from podshop.market import rolling
from podshop.market.business_days import FRIDAY, nth_weekday


def curve(folder: Path, root: str) -> pl.DataFrame:
    """Rows of `futures_curve` from LEAN's zip of trades; they name contracts by month."""
    frames = []
    with zipfile.ZipFile(folder / f"{root.lower()}_trade.zip") as archive:
        for name in sorted(archive.namelist()):
            month = name[-10:-4]
            names = ["time", "open", "high", "low", "settle", "volume"]
            bars = pl.read_csv(BytesIO(archive.read(name)), has_header=False, new_columns=names)
            frames.append(
                bars.select(
                    root=pl.lit(root),
                    expiry=pl.lit(nth_weekday(int(month[:4]), int(month[4:]), FRIDAY, 3)),
                    date=pl.col("time").str.slice(0, 8).str.to_date("%Y%m%d"),
                    settle=pl.col("settle").cast(pl.Float64),
                    volume=pl.col("volume").cast(pl.Float64),
                )
            )
    rows = pl.concat(frames)
    # Sunday evenings belong to Monday's session.
    return rows.filter((pl.col("date").dt.weekday() < 6) & (pl.col("date") < date(2014, 1, 1)))


@pytest.fixture(scope="module")
def emini(shared_data: Path) -> rolling.Contracts:
    folder = shared_data / "lean_us/Data/future/cme/daily"
    terms = rolling.TERMS["ES"]
    return rolling.from_curve(curve(folder, "ES"), "ES", terms.months)


def test_the_emini_rolls_where_its_volume_went(emini: rolling.Contracts) -> None:
    series = rolling.rolled(emini, before_days=1, by_volume=True)
    (roll,) = series.rolls
    assert str(roll.day) == "2013-12-13"  # 347,764 of December's, 868,208 of March's
    assert (str(roll.old), str(roll.new)) == ("2013-12-20", "2014-03-21")
    assert roll.gap == 1768.75 - 1775.0
    assert str(rolling.rolled(emini).rolls[0].day) == "2013-12-12"


def test_a_lot_earns_what_december_and_then_march_earned(emini: rolling.Contracts) -> None:
    series = rolling.rolled(emini, by_volume=True, before_days=1)
    value = rolling.lot_values(series, rolling.TERMS["ES"])
    december = emini.settle_tk[:, int(np.searchsorted(emini.expiry_k, series.rolls[0].old))]
    first = december[0]
    # To the roll on 2013-12-13 at 1775 in December's; from 1768.75 to 1836.75 in March's.
    points = (1775.0 - first) + (1836.75 - 1768.75)
    assert value[-1] - value[0] == 50.0 * points
    assert series.back_adjusted()[-1] == 1836.75
    assert np.isfinite(value).all()


def test_the_gap_is_the_one_lean_adjusts_by(emini: rolling.Contracts, shared_data: Path) -> None:
    lines = (shared_data / "lean_us/Data/future/cme/factor_files/es.csv").read_text().split()
    rows = [json.loads(line) for line in lines]
    mode = [row for row in rows if row["DataMappingMode"] == 2]
    at = next(i for i, row in enumerate(mode) if row["Date"].startswith("2013-12-17"))
    before, after = (row["BackwardsPanamaCanalScale"][0] for row in mode[at : at + 2])
    # LEAN takes the gap from other moments of the day; ticks are a quarter of a point.
    assert rolling.rolled(emini).rolls[0].gap == pytest.approx(before - after, abs=0.5)


def test_gold_is_held_in_a_month_that_trades(shared_data: Path) -> None:
    # Five sessions of October 2013, far from any last day; October itself hardly trades.
    rows = curve(shared_data / "lean_us/Data/future/comex/daily", "GC")
    gold = rolling.from_curve(rows, "GC", rolling.TERMS["GC"].months)
    series = rolling.rolled(gold)
    value = rolling.lot_values(series, rolling.TERMS["GC"])
    assert value.tolist() == pytest.approx([132_340, 132_060, 130_310, 128_790, 127_170])
