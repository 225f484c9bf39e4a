"""Raw tables into panels: returns, index, gaps, departures, interest, and what is refused."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.market.panel import accrue, departures, from_arrays

NAN = float("nan")


def days_from(first: str, count: int) -> np.ndarray:
    return np.arange(first, np.datetime64(first) + count, dtype="datetime64[D]")


def one_name(close: list[float], **fields: list[float]) -> Panel:
    columns = {name: np.array([values]).T for name, values in fields.items()}
    return from_arrays(days_from("2024-01-01", len(close)), ["A"], np.array([close]).T, **columns)


def table(**columns: list[Any]) -> pl.DataFrame:
    rows = len(next(iter(columns.values()), [0, 0]))
    whole = {
        "date": [date(2024, 1, 2 + i) for i in range(rows)],
        "symbol": ["ABC"] * rows,
        "close": [10.0] * rows,
    }
    return pl.DataFrame({**whole, **columns})


def made_up(seed: int) -> dict[str, np.ndarray]:
    """Random prices of 7 names over 60 days with holes, splits and dividends, also in the holes."""
    rng = np.random.default_rng(seed)
    shape = (60, 7)
    close = rng.uniform(5.0, 50.0, shape)
    close[rng.random(shape) < 0.2] = NAN
    close[:15, 2] = NAN
    close[40:, 3] = NAN
    return {
        "close": close,
        "dividend": np.where(rng.random(shape) < 0.1, rng.uniform(0.1, 2.0, shape), 0.0),
        "split": np.where(rng.random(shape) < 0.1, rng.choice([0.25, 1.5, 2.0, 3.0], shape), 1.0),
    }


def grow_by_hand(close: np.ndarray, dividend: np.ndarray, split: np.ndarray) -> list[float]:
    """Hold one lot from price to price, day by day; dividends are spent at the next price."""
    returns, lots, cash, last = [], 1.0, 0.0, NAN
    for price, paid, ratio in zip(close, dividend, split, strict=True):
        lots *= ratio
        cash += lots * paid
        if np.isnan(price):
            returns.append(NAN)
            continue
        returns.append((lots * price + cash) / last - 1.0)
        lots, cash, last = 1.0, 0.0, price
    return returns


@pytest.mark.parametrize("seed", range(5))
def test_returns_are_what_a_holder_of_one_lot_earns_whatever_happens_in_the_gaps(seed: int) -> None:
    fields = made_up(seed)
    close, dividend, split = fields["close"], fields["dividend"], fields["split"]
    panel = from_arrays(days_from("2024-01-01", 60), list("ABCDEFG"), **fields)
    for n in range(7):
        first = int(np.flatnonzero(~np.isnan(close[:, n]))[0])
        want = grow_by_hand(close[first:, n], dividend[first:, n], split[first:, n])
        np.testing.assert_allclose(panel.returns[first:, n], want, rtol=1e-12)
        assert np.isnan(panel.returns[: first + 1, n]).all()
        grown = np.nancumprod(1.0 + panel.returns[first:, n])
        np.testing.assert_allclose(panel.index[first:, n], grown, rtol=1e-12)
        assert np.isnan(panel.index[:first, n]).all()
        assert panel.index[first, n] == 1.0


@pytest.mark.parametrize("seed", range(3))
def test_a_panel_tells_one_story(seed: int) -> None:
    # The panel's own dividend and split explain its returns: without a price nothing happens.
    panel = from_arrays(days_from("2024-01-01", 60), list("ABCDEFG"), **made_up(seed))
    hole = np.isnan(panel.close)
    assert (panel.dividend[hole] == 0.0).all()
    assert (panel.split[hole] == 1.0).all()
    for n in range(7):
        t = np.flatnonzero(~hole[:, n])
        close, paid, ratio = panel.close[t, n], panel.dividend[t, n], panel.split[t, n]
        want = (close[1:] + paid[1:]) * ratio[1:] / close[:-1] - 1.0
        np.testing.assert_allclose(panel.returns[t[1:], n], want, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("seed", range(3))
def test_a_later_row_never_changes_an_earlier_value(seed: int) -> None:
    fields = made_up(seed)
    whole = from_arrays(days_from("2024-01-01", 60), list("ABCDEFG"), **fields)
    for stop in (17, 33, 59):
        fewer = {name: values[:stop] for name, values in fields.items()}
        cut = from_arrays(days_from("2024-01-01", stop), list("ABCDEFG"), **fewer)
        for name in ("returns", "index", "dividend", "split", "rate_t"):
            np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name)[:stop])


def test_a_dividend_is_per_lot_after_that_days_split() -> None:
    # ABT 2004-05-03, as the vendor of the shared data has it; its adjusted closes say 9.8345 %.
    panel = one_name([44.02, 42.32], dividend=[0.0, 2.9154], split=[1.0, 1.068833])
    assert panel.returns[1, 0] == pytest.approx(0.098343, abs=1e-6)


def test_a_split_in_a_halt_reaches_the_session_that_trades_again() -> None:
    panel = one_name([100.0, NAN, 52.0], split=[1.0, 2.0, 1.0], dividend=[0.0, 0.0, 1.0])
    assert panel.split[:, 0].tolist() == [1.0, 1.0, 2.0]
    assert panel.returns[2, 0] == pytest.approx(0.06)  # 2 * (52 + 1) / 100 - 1


def test_departures_are_known_when_they_can_be_and_no_sooner() -> None:
    close = np.full((8, 3), 1.0)
    close[3:5, 0] = NAN  # a halt
    close[3:, 1] = NAN  # gone, which nobody knows before the third silent session
    close[:4, 2] = NAN  # not listed yet
    panel = from_arrays(days_from("2024-01-01", 8), list("ABC"), close, gone_days=3)
    rows, assets = departures(panel.close, panel.gone_days)
    assert (rows.tolist(), assets.tolist()) == ([5], [1])
    for stop in range(6):
        assert departures(panel.close[:stop], 3)[0].tolist() == []


def test_interest_is_earned_over_calendar_days_at_the_rate_known_before() -> None:
    days = np.array(["2024-01-04", "2024-01-05", "2024-01-08"], dtype="datetime64[D]")
    rate = pl.DataFrame({"date": ["2023-12-01", "2024-01-05"], "rate": [0.0365, 0.073]})
    frame = pl.DataFrame({"date": days, "symbol": "A", "close": [1.0, 1.0, 1.0]})
    assert Panel.from_frame(frame, rate=rate).rate_t.tolist() == pytest.approx([0, 1e-4, 6e-4])
    assert Panel.from_frame(frame, rate=0.0365).rate_t.tolist() == pytest.approx([0, 1e-4, 3e-4])
    with pytest.raises(DataError, match="a fraction"):
        accrue(days, 5.0)


def test_symbols_are_sorted_and_rows_may_come_in_any_order() -> None:
    frame = pl.DataFrame(
        {
            "date": ["2024-01-03", "2024-01-02", "2024-01-03"],
            "symbol": ["B", "B", "A"],
            "close": [3.0, 2.0, 1.0],
            "sector": [None, "Energy", "Tech"],
        }
    )
    benchmark = pl.DataFrame({"date": ["2024-01-03"], "close": [7]})
    panel = Panel.from_frame(frame, benchmark=benchmark, source="by hand")
    assert panel.assets.symbols == ("A", "B")
    assert panel.assets.sectors == ("Tech", "Energy")
    assert panel.days.astype(str).tolist() == ["2024-01-02", "2024-01-03"]
    np.testing.assert_array_equal(panel.close, [[NAN, 2.0], [1.0, 3.0]])
    np.testing.assert_array_equal(panel.benchmark_t, [NAN, 7.0])
    assert np.isnan(panel.open).all()
    assert not panel.opens
    assert panel.source == "by hand"


def test_empty_cells_mean_unknown_nothing_or_one() -> None:
    empty = [None, None]
    fields = ("open", "high", "low", "volume", "dividend", "split")
    panel = Panel.from_frame(table(**dict.fromkeys(fields, empty)).cast({"open": pl.Float64}))
    assert np.isnan(panel.volume).all()
    assert (panel.dividend == 0.0).all()
    assert (panel.split == 1.0).all()
    assert not panel.opens


def test_a_panel_cannot_be_written_to_and_does_not_alias() -> None:
    close = np.array([[1.0], [2.0]])
    panel = from_arrays(days_from("2024-01-01", 2), ["A"], close)
    close[0, 0] = 9.0
    assert panel.close[0, 0] == 1.0
    for name in ("close", "open", "dividend", "returns", "index", "rate_t", "days"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(panel, name)[...] = getattr(panel, name)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"close": [10.0, None]}, "ABC 2024-01-03: close is empty"),
        ({"close": [10.0, NAN]}, "ABC 2024-01-03: close is empty"),
        ({"close": [10.0, -1.0]}, "ABC 2024-01-03: close -1.0 must be positive"),
        ({"close": [0.0, 0.0]}, r"ABC 2024-01-02: close 0.0 must be positive.*\(2 rows\)"),
        ({"close": [1.0, float("inf")]}, "ABC 2024-01-03: close inf must be positive and finite"),
        ({"close": ["ten", "10"]}, "close cannot be read"),
        ({"open": [0.0, 1.0]}, "ABC 2024-01-02: open 0.0 must be positive"),
        ({"high": [9.0, 9.0], "low": [8.0, 9.5]}, "ABC 2024-01-03: high 9.0 is below the low"),
        ({"split": [1.0, 0.0]}, "ABC 2024-01-03: split 0.0 must be positive"),
        ({"dividend": [-0.1, 0.0]}, "ABC 2024-01-02: dividend -0.1 must not be negative"),
        ({"volume": [-5, 0]}, "ABC 2024-01-02: volume -5.0 must not be negative"),
        ({"date": ["2024-01-02", "2024-01-02"]}, "ABC 2024-01-02: more than one row"),
        ({"date": ["2024-01-02", "02/01/2024"]}, "date cannot be read"),
        ({"date": [1, 2]}, "give dates"),
        ({"symbol": ["ABC", None]}, "rows without a symbol"),
        ({"closing": [1.0, 2.0], "adj": [1, 2]}, "columns nobody knows: closing, adj"),
    ],
)
def test_what_cannot_be_is_named(columns: dict[str, list[Any]], words: str) -> None:
    with pytest.raises(DataError, match=words):
        Panel.from_frame(table(**columns))


def test_a_missing_column_and_an_empty_table_are_named() -> None:
    with pytest.raises(DataError, match="no column symbol, close"):
        Panel.from_frame(pl.DataFrame({"date": ["2024-01-02"], "price": [1.0]}))
    with pytest.raises(DataError, match="no rows"):
        Panel.from_frame(table().clear())


def test_shapes_and_orders_that_do_not_fit_are_named() -> None:
    days = days_from("2024-01-01", 2)
    with pytest.raises(DataError, match="sort the sessions"):
        from_arrays(days[::-1], ["A"], np.ones((2, 1)))
    with pytest.raises(DataError, match=r"open is \(1, 1\)"):
        from_arrays(days, ["A"], np.ones((2, 1)), np.ones((1, 1)))
    with pytest.raises(DataError, match="a symbol is there twice"):
        from_arrays(days, ["A", "A"], np.ones((2, 2)))


def test_real_returns_agree_with_the_vendors_adjusted_closes(shared_data: Path) -> None:
    prices = shared_data / "prices"
    adjusted = pl.read_parquet(prices / "adj_close_check_1999_2016.parquet")
    raw = pl.read_parquet(prices / "us_equities_1999_2016.parquet")
    fields = [(pl.col(f"{f}_e4") / 1e4).alias(f) for f in ("open", "high", "low", "close")]
    names = adjusted.get_column("symbol").unique()
    wanted = raw.filter(pl.col("symbol").is_in(names.implode()))
    panel = Panel.from_frame(
        wanted.select("date", "symbol", *fields, "volume", "dividend", "split")
    )
    assert panel.opens
    for (symbol,), rows in adjusted.sort("date").group_by("symbol", maintain_order=True):
        t = np.searchsorted(panel.days, rows.get_column("date").to_numpy())
        level = rows.get_column("adj_close").to_numpy()
        mine = panel.returns[t[1:], panel.assets.symbols.index(str(symbol))]
        # Adjusted closes have six decimals, which is what limits the agreement.
        np.testing.assert_allclose(mine, level[1:] / level[:-1] - 1.0, atol=5e-6)
