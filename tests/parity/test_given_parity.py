"""A strategy and a file of its weights are the same fund, to the last micro, on real prices."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from podshop.adapters.sources import embedded
from podshop.pods import momentum
from podshop.research.backtest import backtest
from podshop.rulebook.config import load

FUND = """
[fund]
name = "twin"
capital = 1_000_000

[market]
start = 2005-01-03
end = 2009-12-31
{feeds}

[[pod]]
id = "it"
strategy = "{strategy}"
when = "month"
uncertified = "a test"
"""


@pytest.mark.parametrize("form", ["wide.csv", "long.parquet"])
def test_the_weights_of_a_pod_from_a_file_trade_as_the_pod_does(tmp_path: Path, form: str) -> None:
    panel = embedded.load()
    wishes = momentum.wishes(panel, momentum.Params())
    wide = pl.DataFrame(
        {"date": panel.days, **dict(zip(panel.assets.symbols, wishes.T, strict=True))}
    )
    if form == "wide.csv":
        wide.write_csv(tmp_path / form)
    else:
        long = wide.unpivot(index="date", variable_name="symbol", value_name="weight")
        long.filter(pl.col("weight") != 0.0).write_parquet(tmp_path / form)
    runs = []
    for name, feeds in (("momentum", ""), ("given", f'feeds = {{ weights = "{form}" }}')):
        (tmp_path / f"{name}.toml").write_text(FUND.format(strategy=name, feeds=feeds))
        runs.append(backtest(load(tmp_path / f"{name}.toml"), record="fast"))
    native, given = runs
    assert given.book.nav == native.book.nav != native.rules.capital
    assert np.array_equal(given.book.key_s, native.book.key_s)
    assert np.array_equal(given.book.lots_s, native.book.lots_s)
    assert len(native.book.key_s) > 3
