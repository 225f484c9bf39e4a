"""zipline-reloaded ingests our bundle and trades on it, in the environment of its own extra."""

import json
import os
import subprocess
from datetime import date
from pathlib import Path

import pytest

from podshop.adapters.bundles import zipline
from podshop.adapters.stores.market import MarketStore
from podshop.data.imports import import_lean, import_prices
from podshop.domain.error import ConfigError, DataError

ALGORITHM = """
import json, sys, warnings
warnings.simplefilter("ignore")
import pandas as pd
from podshop.adapters.bundles import zipline as bundle
store, name = sys.argv[1:]
bundle.ingest(store, name)
from zipline import run_algorithm
from zipline.api import order_target, record, symbol

def initialize(context):
    context.asset = symbol("AAPL")

def handle_data(context, data):
    if context.portfolio.positions_value == 0:
        order_target(context.asset, 100)
    record(price=data.current(context.asset, "price"),
           adjusted=float(data.history(context.asset, "close", 3, "1d").iloc[0]),
           lots=context.portfolio.positions[context.asset].amount)

days = pd.date_range("2014-01-01", "2015-01-01", tz="UTC")
run = run_algorithm(
    start=pd.Timestamp("2014-04-30"), end=pd.Timestamp("2014-06-11"), initialize=initialize,
    handle_data=handle_data, capital_base=1e6, bundle=name,
    benchmark_returns=pd.Series(0.0, index=days))
run.index = run.index.strftime("%Y-%m-%d")
print(json.dumps({c: run[c].to_dict() for c in ("price", "adjusted", "lots", "ending_cash")}))
"""


@pytest.fixture(scope="module")
def store(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> MarketStore:
    made = MarketStore(tmp_path_factory.mktemp("bundle"))
    import_lean(made, shared_data / "lean_us")
    return made


@pytest.mark.slow
def test_zipline_trades_on_our_bundle_through_a_split_and_a_dividend(
    store: MarketStore, root: Path, tmp_path: Path
) -> None:
    python = root / ".venv-zipline" / "bin" / "python"
    if not python.exists():
        pytest.skip("zipline's environment is not here: make .venv-zipline")
    zipline.write(store, "lean")
    environment = os.environ | {"PYTHONPATH": str(root / "src"), "ZIPLINE_ROOT": str(tmp_path)}
    done = subprocess.run(
        [str(python), "-c", ALGORITHM, str(store.folder), "lean"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    told = json.loads(done.stdout.strip().splitlines()[-1])
    # Seven for one on 2014-06-09: 100 lots become 700, and the history is adjusted for it.
    assert told["lots"]["2014-06-06"] == 100
    assert told["lots"]["2014-06-09"] == 700
    assert told["price"]["2014-06-06"] == pytest.approx(645.57)
    assert told["price"]["2014-06-09"] == pytest.approx(93.70)
    assert told["adjusted"]["2014-06-09"] == pytest.approx(647.35 / 7, rel=1e-3)
    # The dividend of 3.29 went ex on 2014-05-08 and is paid on 100 lots.
    cash = told["ending_cash"]
    assert cash["2014-05-08"] - cash["2014-05-07"] == pytest.approx(329.0, abs=1.0)


def test_without_zipline_it_says_how_to_get_it(store: MarketStore) -> None:
    zipline.write(store, "lean")
    with pytest.raises(ConfigError, match=r"make \.venv-zipline"):
        zipline.ingest(store, "lean")


def test_the_files_of_a_bundle_hold_what_zipline_asks_for(store: MarketStore) -> None:
    import polars as pl

    folder = zipline.write(store, "files")
    tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in zipline.FILES}
    equities = tables["equities"]
    assert equities.get_column("symbol").is_unique().all()
    assert set(tables["bars"].get_column("sid")) == set(equities.get_column("sid"))
    assert tables["bars"].null_count().sum_horizontal().item() == 0
    apple = equities.filter(pl.col("symbol") == "AAPL").get_column("sid").item()
    ratios = tables["splits"].filter(pl.col("sid") == apple).sort("date").get_column("ratio")
    assert [round(r, 4) for r in ratios] == [0.5, 0.5, 0.1429, 0.25]


def test_a_dividend_on_the_day_of_a_split_is_per_lot_before_it(tmp_path: Path) -> None:
    import polars as pl

    # Ours is per lot after the split; zipline pays on the lots before it, and would have paid
    # four times as much for this consolidation of four lots into one.
    days = pl.date_range(date(2024, 1, 2), date(2024, 1, 4), eager=True)
    prices = pl.DataFrame({"date": days, "symbol": "A", "close": [10.0, 32.0, 33.0]})
    actions = {"dividend": [0.0, 8.0, 0.5], "split": [1.0, 0.25, 1.0]}
    prices.with_columns(**{k: pl.Series(v) for k, v in actions.items()}).write_parquet(
        tmp_path / "prices.parquet"
    )
    made = MarketStore(tmp_path / "store")
    import_prices(made, tmp_path / "prices.parquet")
    dividends = pl.read_parquet(zipline.write(made, "both") / "dividends.parquet")
    assert dividends.get_column("amount").to_list() == [2.0, 0.5]


@pytest.mark.parametrize("name", ["", "a/b", "../up", "with space"])
def test_a_name_that_is_no_name_is_refused(store: MarketStore, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be a bundle's name"):
        zipline.write(store, name)


def test_a_store_without_bars_makes_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no bars"):
        zipline.write(MarketStore(tmp_path), "empty")
