"""Three pods on 504 real names, 1999 to 2016, with raw prices, splits and dividends: the laws
hold.
"""

from pathlib import Path

import polars as pl
import pytest

import podshop
from podshop.desk.verify import verify

FUND = """
[fund]
name = "five hundred"
currency = "USD"
capital = 10_000_000

[market]
source = "parquet"
path = "{path}"
start = 2001-01-02

[capital]
use = "sharpe"
when = "month"
min = 0.10
max = 0.40

[[limit]]
use = "drawdown"
scope = "pod"

[[limit]]
use = "drawdown"
scope = "fund"

[[limit]]
use = "volatility"

[[limit]]
use = "position"

[[limit]]
use = "ticker"

[[pod]]
id = "momentum"
strategy = "momentum"

[[pod]]
id = "reversion"
strategy = "reversion"

[[pod]]
id = "neutral"
strategy = "neutral"
"""


def raw_prices(path: Path) -> pl.DataFrame:
    """The shared prices as podshop's own columns; the file has integers of 1/10,000."""
    frame = pl.read_parquet(path)
    e4 = [name for name in frame.columns if name.endswith("_e4")]
    frame = frame.with_columns((pl.col(e4) / 10_000).name.replace("_e4", ""))
    return frame.drop(e4)


@pytest.mark.slow
def test_three_pods_on_five_hundred_names(shared_data: Path, tmp_path: Path) -> None:
    """Residual 0, the journal verifies, both ways of recording agree, dividends and splits
    happened.
    """
    frame = raw_prices(shared_data / "prices" / "us_equities_1999_2016.parquet")
    frame.write_parquet(tmp_path / "prices.parquet")
    fund = tmp_path / "fund.toml"
    fund.write_text(FUND.format(path="prices.parquet"))
    rules = podshop.load(fund)
    run = podshop.backtest(rules, journal=tmp_path / "journal.sqlite")
    run.write(tmp_path)
    assert run.summary["residual_micros"] == 0
    assert verify(tmp_path) == []
    assert run.summary["parts_micros"]["dividend"] != 0
    assert (run.events["kind"] == "SplitApplied").sum() > 50
    assert run.summary["crossed_lots"] > 0
    fast = podshop.backtest(rules, record="fast")
    assert fast.book.digest() == run.book.digest()
    assert fast.fills.equals(run.fills)
    assert fast.pod_parts.equals(run.pod_parts)
