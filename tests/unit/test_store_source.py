"""A fund on a market store: its panel, its snapshot, and the gate that live trading asks."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.quality_tables import SESSIONS, clean, with_split

import podshop
from podshop.adapters import sources
from podshop.adapters.sources import store as source
from podshop.adapters.stores import snapshot
from podshop.adapters.stores.market import MarketStore
from podshop.data.check import accept, check
from podshop.data.imports import import_prices
from podshop.desk.cli import main
from podshop.domain.error import ConfigError, DataError
from podshop.market.panel import from_frame

FIELDS = ("open", "high", "low", "close", "volume", "dividend", "split", "returns", "index")
EASTERN_HOLIDAYS = ("2020", "2021")


@pytest.fixture
def prices() -> pl.DataFrame:
    """Clean prices on true sessions of the exchange."""
    from podshop.adapters.calendar import sessions

    open_days = sessions(SESSIONS[0], SESSIONS[-1])
    days = pl.Series("date", open_days, dtype=pl.Date)
    bars = clean(names=12).bars.filter(pl.col("date").is_in(days.implode()))
    return bars.drop("security_id").with_columns(sector=pl.lit("Energy"))


@pytest.fixture
def store(tmp_path: Path, prices: pl.DataFrame) -> MarketStore:
    return filled(tmp_path / "store", tmp_path / "prices.parquet", prices)


def filled(folder: Path, file: Path, prices: pl.DataFrame) -> MarketStore:
    prices.write_parquet(file)
    made = MarketStore(folder)
    import_prices(made, file)
    made.refresh()
    return made


def test_the_panel_of_a_store_is_that_of_its_prices(
    store: MarketStore, prices: pl.DataFrame
) -> None:
    mine, theirs = source.load(store.folder), from_frame(prices)
    assert mine.assets == theirs.assets
    for name in ("days", *FIELDS):
        np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))
    assert "version 1" in mine.source


def test_a_snapshot_is_made_once_a_version_and_is_read_only(
    store: MarketStore, tmp_path: Path
) -> None:
    first = source.load(store.folder)
    assert snapshot.newest(store.folder) == "v1"
    stamp = (store.folder / "snapshots" / "v1" / "close.npy").stat().st_mtime_ns
    source.load(store.folder)
    assert (store.folder / "snapshots" / "v1" / "close.npy").stat().st_mtime_ns == stamp
    assert not first.close.flags.writeable
    more = pl.DataFrame({"date": [SESSIONS[-1].item()], "symbol": ["NEW"], "close": [5.0]})
    filled(store.folder, tmp_path / "more.parquet", more)
    second = source.load(store.folder)
    assert "NEW" in second.assets.symbols
    assert "NEW" not in first.assets.symbols
    assert np.isfinite(first.close[0]).all()  # the old one can still be read


def test_interest_counts_from_the_close_at_which_it_was_known(store: MarketStore) -> None:
    day = dt.date(2020, 3, 2)
    known = dt.datetime(2020, 3, 4, 12, 0, tzinfo=dt.UTC)
    with store.writing() as writer:
        writer.put(
            "rates",
            pl.DataFrame(
                {"series": ["DTB3"], "date": [day], "value": [0.0365], "known_at": [known]}
            ),
        )
        writer.commit()
    panel = source.load(store.folder)
    earned = dict(zip(panel.days.astype(str), panel.rate_t, strict=True))
    assert earned["2020-03-04"] == 0.0
    assert earned["2020-03-05"] == pytest.approx(0.0001)


def test_a_dead_name_whose_symbol_lives_on_goes_by_its_id(tmp_path: Path) -> None:
    from podshop.data.register import Register

    store = MarketStore(tmp_path)
    register = Register()
    days = [dt.date(2020, 1, 2), dt.date(2020, 1, 3)]
    old = register.identify(pl.DataFrame({"symbol": "WM", "date": days}))
    register.delist("WM", days[1])
    later = [dt.date(2021, 1, 4), dt.date(2021, 1, 5)]
    new = register.identify(pl.DataFrame({"symbol": "WM", "date": later}))
    with store.writing() as writer:
        writer.put("bars", pl.concat([old, new]).with_columns(close=pl.lit(1.0)))
        writer.put("symbols", register.symbols())
        writer.commit()
    assert source.load(tmp_path).assets.symbols == ("WM", "WM@2020-01-02")


def test_live_refuses_what_the_gate_finds_grave_until_it_is_accepted(
    tmp_path: Path, prices: pl.DataFrame
) -> None:
    who = pl.col("symbol").alias("security_id")
    split_day = prices.get_column("date").unique().sort()[-60]
    inputs = replace(clean(), bars=prices.with_columns(who))
    wrong = with_split(inputs, "N1", split_day, 2.0).bars.drop("security_id")
    store = filled(tmp_path / "store", tmp_path / "prices.parquet", wrong)
    last = SESSIONS[-1]
    with pytest.raises(DataError, match=rf"N1 {split_day} split: opens at 0\.49"):
        sources.refuse("store", str(store.folder), last)
    assert check(store).stops.height == 1
    store.refresh()
    with pytest.raises(ConfigError, match="say why"):
        accept(store, "N1", split_day, "split", " ")
    accept(store, "N1", split_day, "split", "the company is being wound up")
    sources.refuse("store", str(store.folder), last)
    assert check(store).stops.is_empty()


def test_live_refuses_a_feed_that_is_behind(store: MarketStore) -> None:
    sources.refuse("store", str(store.folder), np.datetime64("2021-12-30"))
    with pytest.raises(DataError, match="freshness"):
        sources.refuse("store", str(store.folder), np.datetime64("2022-01-12"))


def test_a_source_that_knows_nothing_of_quality_refuses_nothing() -> None:
    sources.refuse("embedded", "", np.datetime64("2022-01-12"))


FUND = """
[fund]
name = "of a store"
currency = "USD"
capital = 1_000_000

[market]
source = "store"
path = "store"
start = 2021-06-01

[capital]
use = "equal"
when = "month"

[[limit]]
use = "drawdown"
scope = "pod"

[[pod]]
id = "reversion"
strategy = "reversion"
"""


def test_a_fund_runs_on_a_store_in_backtest_and_on_paper(
    store: MarketStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fund.toml").write_text(FUND, encoding="utf-8")
    run = podshop.backtest(podshop.load(tmp_path / "fund.toml"))
    assert run.summary["residual_micros"] == 0
    paper = ["run", str(tmp_path / "fund.toml"), "--paper", "--until", "2021-07-30"]
    paper += ["--accept-uncertified", "a test"]
    assert main(paper) == 0
    stale = ["run", str(tmp_path / "fund.toml"), "--paper", "--until", "2022-03-01"]
    stale += ["--accept-uncertified", "a test"]
    assert main(stale) == 3
    assert "freshness" in capsys.readouterr().err
    assert store.version == 1


def test_a_store_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no market store with bars is here"):
        source.load(tmp_path / "nothing")
    with pytest.raises(DataError, match="name the folder"):
        source.load("")
