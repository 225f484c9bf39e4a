"""Rolling futures: what is held when, and that a book earns what the real contracts earned."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from podshop.adapters.sources.store import load
from podshop.adapters.stores.market import MarketStore
from podshop.data.futures import put_rolled
from podshop.domain.error import DataError
from podshop.domain.money import F64, Days
from podshop.market import rolling
from podshop.market.panel import from_arrays
from podshop.market.quotes import quotes
from podshop.market.rolling import TERMS, Contracts, Terms

EXPIRIES = np.array(["2024-01-19", "2024-02-16", "2024-03-15"], dtype="datetime64[D]")


def weekdays(first: str, count: int) -> Days:
    every = np.arange(np.datetime64(first), np.datetime64(first) + 2 * count)
    return every[np.is_busday(every)][:count]


def made_up(seed: int = 1) -> Contracts:
    """Three contracts on one walk, 2 points apart, settled until they expire."""
    rng = np.random.default_rng(seed)
    days = weekdays("2024-01-02", 50)
    walk = 100.0 + np.cumsum(rng.normal(0.0, 1.0, len(days)))
    settle = np.round(walk[:, None] + 2.0 * np.arange(3) + rng.normal(0, 0.1, (len(days), 3)), 2)
    volume = np.full(settle.shape, 10.0)
    for k, expiry in enumerate(EXPIRIES):
        settle[days > expiry, k] = np.nan
    keep = days <= EXPIRIES[-1]
    return Contracts("XX", days[keep], EXPIRIES, settle[keep], volume[keep])


def earned_by_hand(contracts: Contracts, before_days: int) -> F64:
    """Points of the contract held over each night, by the words of the rule."""
    held, points = 0, [0.0]
    for t in range(1, len(contracts.days)):
        points.append(contracts.settle_tk[t, held] - contracts.settle_tk[t - 1, held])
        left = (contracts.expiry_k[held] - contracts.days[t]).astype(int)
        if left <= before_days and held < 2:
            held += 1
    return np.array(points)


@pytest.mark.parametrize("before_days", [1, 3, 8])
def test_points_are_those_of_the_contract_held_over_the_night(before_days: int) -> None:
    contracts = made_up()
    series = rolling.rolled(contracts, before_days)
    np.testing.assert_array_equal(series.moved_t, earned_by_hand(contracts, before_days))
    assert len(series.rolls) == 2
    for roll, expiry in zip(series.rolls, EXPIRIES, strict=False):
        assert roll.old == expiry
        assert 0 < (expiry - roll.day).astype(int) <= before_days
        t = int(np.searchsorted(contracts.days, roll.day))
        k = int(np.searchsorted(EXPIRIES, expiry))
        assert roll.gap == contracts.settle_tk[t, k + 1] - contracts.settle_tk[t, k]
        assert series.expiry_t[t] == EXPIRIES[k + 1]
        assert series.expiry_t[t - 1] == expiry


def test_a_roll_is_neither_profit_nor_loss() -> None:
    """The price jumps by the premium of 2 points, the series does not."""
    contracts = made_up()
    series = rolling.rolled(contracts)
    joined = series.adjusted()
    for roll in series.rolls:
        t = int(np.searchsorted(series.days, roll.day))
        assert roll.gap == pytest.approx(2.0, abs=0.6)
        own = contracts.settle_tk[t, series.held_t[t - 1]]
        before = contracts.settle_tk[t - 1, series.held_t[t - 1]]
        assert joined[t] - joined[t - 1] == pytest.approx(own - before, abs=1e-9)
    assert joined[0] == contracts.settle_tk[0, 0]
    back = series.back_adjusted()
    assert back[-1] == contracts.settle_tk[-1, 2]
    np.testing.assert_allclose(np.diff(back), np.diff(joined), atol=1e-9)
    # Shifted by all gaps, the oldest price is the one that was paid then.
    total = sum(roll.gap for roll in series.rolls)
    assert back[0] == pytest.approx(contracts.settle_tk[0, 0] + total)


def test_later_rolls_never_change_earlier_values() -> None:
    contracts = made_up()
    whole = rolling.lot_values(rolling.rolled(contracts), TERMS["ES"])
    for stop in (5, 12, 30):
        cut = replace(
            contracts,
            days=contracts.days[:stop],
            settle_tk=contracts.settle_tk[:stop],
            volume_tk=contracts.volume_tk[:stop],
        )
        short = rolling.lot_values(rolling.rolled(cut), TERMS["ES"])
        assert short.tobytes() == whole[:stop].tobytes()


def test_volume_rolls_when_the_next_contract_is_busier() -> None:
    contracts = made_up()
    busy = contracts.volume_tk.copy()
    busy[6:, 1] = 11.0
    busy[20, 2], busy[25, 2] = np.nan, 50.0
    series = rolling.rolled(replace(contracts, volume_tk=busy), 1, by_volume=True)
    assert [roll.day for roll in series.rolls] == [contracts.days[6], contracts.days[25]]
    assert len(rolling.rolled(replace(contracts, volume_tk=busy), 1).rolls) == 2


def test_a_missing_settlement_is_made_up_for_by_the_next() -> None:
    contracts = made_up()
    holes = contracts.settle_tk.copy()
    holes[4, :] = np.nan
    series = rolling.rolled(replace(contracts, settle_tk=holes))
    value = rolling.lot_values(series, TERMS["ES"])
    assert np.isnan(value[4])
    assert np.isnan(series.price_t[4])
    whole = rolling.lot_values(rolling.rolled(contracts), TERMS["ES"])
    np.testing.assert_allclose(np.delete(value, 4), np.delete(whole, 4), rtol=1e-12)


def test_a_contract_that_ends_without_a_successor_is_refused() -> None:
    contracts = made_up()
    alone = contracts.settle_tk.copy()
    alone[contracts.days <= EXPIRIES[0], 1:] = np.nan
    with pytest.raises(DataError, match="XX 2024-01-19 ended and no later contract"):
        rolling.rolled(replace(contracts, settle_tk=alone))
    with pytest.raises(DataError, match="no contract is 300 days"):
        rolling.rolled(contracts, 300)
    with pytest.raises(ValueError, match="before_days"):
        rolling.rolled(contracts, 0)


def test_a_foreign_future_earns_points_at_the_rate_of_their_day() -> None:
    contracts = made_up()
    series = rolling.rolled(contracts)
    terms = Terms("made up", "none", 20.0, "EUR")
    fx = np.linspace(1.0, 1.3, len(series.days))
    value = rolling.lot_values(series, terms, fx)
    np.testing.assert_allclose(np.diff(value), series.moved_t[1:] * 20.0 * fx[1:], atol=1e-8)
    # A price that stands still earns nothing, whatever the currency does.
    still = replace(series, moved_t=np.zeros(len(fx)))
    assert np.ptp(rolling.lot_values(still, terms, fx)) == 0.0
    with pytest.raises(DataError, match="exchange rate"):
        rolling.lot_values(series, terms, np.where(fx > 1.2, np.nan, fx))
    sinking = replace(series, moved_t=np.full(len(fx), -3.0))
    with pytest.raises(DataError, match=r"a lot would be worth -[0-9.]+; give a `start` above 3"):
        rolling.lot_values(sinking, terms)
    deeper = rolling.lot_values(sinking, terms, start=5_000.0)
    assert deeper[0] == 5_000.0 - 60.0
    assert set(np.diff(deeper)) == {-60.0}


def test_a_book_of_lots_earns_to_the_micro_what_the_contracts_earned() -> None:
    contracts = made_up()
    series = rolling.rolled(contracts)
    value = rolling.lot_values(series, TERMS["ES"])
    market = quotes(from_arrays(series.days, ["XX"], value[:, None]))
    lots = 7
    booked = lots * np.diff(market.mark_tn[:, 0])
    points = np.rint(series.moved_t[1:] * 100).astype(np.int64)  # settlements are of cents
    np.testing.assert_array_equal(booked, lots * points * 50 * 10_000)


def test_forgone_interest_comes_back_as_a_dividend() -> None:
    value = np.array([100.0, 110.0, np.nan, 120.0])
    rate = np.array([0.0, 0.001, 0.001, 0.002])
    paid = rolling.collateral_interest(value, rate)
    np.testing.assert_allclose(paid, [0.0, 0.1, 0.11, 0.22])
    assert rolling.collateral_interest(np.array([np.nan, 5.0]), rate[:2])[1] == 0.0
    with pytest.raises(DataError, match="below 0"):
        rolling.collateral_interest(value, -rate)


def test_contracts_come_from_rows_of_the_store() -> None:
    curve = pl.DataFrame(
        {
            "root": ["ES", "ES", "ES", "GC"],
            "expiry": ["2024-03-15", "2024-06-21", "2024-07-19", "2024-04-26"],
            "date": ["2024-03-01", "2024-03-01", "2024-03-04", "2024-03-01"],
            "settle": [5100.0, 5160.0, 5200.0, 2090.0],
            "volume": [9.0, None, 1.0, 3.0],
        }
    ).with_columns(pl.col("expiry", "date").str.to_date())
    contracts = rolling.from_curve(curve, "ES", TERMS["ES"].months)
    assert contracts.days.astype(str).tolist() == ["2024-03-01"]
    assert contracts.expiry_k.astype(str).tolist() == ["2024-03-15", "2024-06-21"]
    assert contracts.settle_tk.tolist() == [[5100.0, 5160.0]]
    assert contracts.volume_tk[0, 0] == 9.0
    assert np.isnan(contracts.volume_tk[0, 1])
    with pytest.raises(DataError, match="no contract of NQ"):
        rolling.from_curve(curve, "NQ")
    with pytest.raises(DataError, match=r"ES 2024-03-15 2024-03-01: settlement 0.0"):
        rolling.from_curve(curve.with_columns(settle=pl.lit(0.0)), "ES")


def test_a_session_without_a_settlement_loses_no_interest(tmp_path: Path) -> None:
    """A store that was given one future, with a day on which nothing was settled."""
    days = weekdays("2024-01-02", 8)
    rows = [
        {"root": "XX", "expiry": date(2024, 6, 21), "date": day, "settle": 100.0 + t, "source": "x"}
        for t, day in enumerate(days.tolist())
        if t != 3
    ]
    other = {"root": "XX", "expiry": date(2024, 7, 19), "date": days[3].item(), "settle": 99.0}
    terms = {"root": "XX", "currency": "EUR", "multiplier": 10.0}
    store = MarketStore(tmp_path)
    with store.writing() as writer:
        writer.put("futures_curve", pl.DataFrame([*rows, {**other, "source": "x"}]))
        writer.put("futures", pl.DataFrame([terms]))
        writer.commit()
    bills = pl.DataFrame({"date": [date(2024, 1, 1)], "rate": [0.0365]})
    put_rolled(store, "XX", rate=bills)
    panel = load(tmp_path)
    assert panel.close[:, 0].tolist() == [1000.0 + 10.0 * t for t in range(8) if t != 3]
    # Thursday to Monday, at a ten-thousandth of 1,020 a night.
    assert panel.dividend[3, 0] == pytest.approx(4 * 0.102)
