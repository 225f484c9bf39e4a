"""The quality gate finds what is planted wherever it is planted, and is silent on clean data."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from tests.prices import at, change, inputs, made_up, split_unrecorded, weekdays

from podshop.data.quarantine import part
from podshop.market.quality.bars import PRICES
from podshop.market.quality.gate import gate

SEEDS = st.integers(0, 5_000)
NAMES = st.integers(0, 19).map(lambda n: f"N{n:02d}")
ROWS = st.integers(60, 193)


def stops(bars: pl.DataFrame) -> list[tuple[str, int, str]]:
    told = gate(inputs(bars)).filter(pl.col("severity") == "stop")
    days = weekdays(200).astype(object).tolist()
    return [(s, days.index(d), c) for s, d, c in told.select("symbol", "date", "check").iter_rows()]


@given(seed=SEEDS)
def test_nothing_stops_on_clean_data(seed: int) -> None:
    assert stops(made_up(seed=seed)) == []


@given(seed=SEEDS, symbol=NAMES, row=ROWS, ratio=st.sampled_from([2.0, 3.0, 1.5, 5.0, 0.5, 0.1]))
def test_a_planted_split_is_the_only_stop(seed: int, symbol: str, row: int, ratio: float) -> None:
    bars = split_unrecorded(made_up(seed=seed), symbol, row, ratio)
    assert stops(bars) == [(symbol, row, "split")]


@given(
    seed=SEEDS,
    symbol=NAMES,
    row=ROWS,
    field=st.sampled_from(PRICES),
    value=st.sampled_from([0.0, -1.0, float("nan"), float("inf")]),
)
def test_an_impossible_bar_stops_and_is_set_aside_whole(
    seed: int, symbol: str, row: int, field: str, value: float
) -> None:
    bars = change(made_up(seed=seed), at(symbol, row), **{field: value})
    assert (symbol, row, "impossible bar") in stops(bars)
    good, aside = part(bars, "test")
    assert good.height + aside.height == bars.height
    assert aside["symbol"].to_list() == [symbol]
    assert good.equals(bars.filter(~at(symbol, row)))
