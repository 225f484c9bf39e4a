"""What costs leave, where nothing is left, and how much capital the trades carry."""

import math

import numpy as np
import pytest

from podshop.domain.error import DataError
from podshop.research import bill
from podshop.research.bands import bands
from podshop.research.bill import Bill, Trades
from podshop.research.metrics import compute
from podshop.research.validation import stationary_rows

NET = np.array([0.01, -0.005, 0.004, 0.003])


def paid(trades: Trades | None = None, **parts: float) -> Bill:
    """A bill of four sessions with the same cost in each."""
    return Bill(
        parts={name: np.full(4, cost) for name, cost in parts.items()},
        capital=np.array([100.0, 100.0, 200.0, 200.0]),
        traded=np.array([0.5, 0.0, 0.25, 0.25]),
        trades=trades,
    )


def test_costs_a_year_and_in_money() -> None:
    b = paid(spread=0.001, fee=0.0005)
    assert b.yearly() == pytest.approx({"spread": 0.252, "fee": 0.126})
    assert b.money() == pytest.approx({"spread": 0.6, "fee": 0.3})
    assert b.turnover == pytest.approx(63.0)
    profit = 1.0 - 0.5 + 0.8 + 0.6
    assert b.share_of_gross(NET) == pytest.approx(0.9 / (profit + 0.9))
    assert math.isnan(b.share_of_gross(-np.abs(NET)))


def test_once_the_costs_is_the_run_itself() -> None:
    b = paid(spread=0.001, impact=0.0007, fee=0.0005)
    assert bill.with_costs(NET, b, 1.0).tolist() == NET.tolist()
    told = {row.multiple: row for row in bill.sensitivity(NET, b, rf=0.01)}
    itself = compute(NET, rf=0.01)
    assert told[1.0].cagr == itself["cagr"]
    assert told[1.0].sharpe == itself["sharpe"]
    assert told[1.0].total == itself["total_return"]


def test_other_costs_by_hand() -> None:
    b = paid(commission=0.001, netting=-0.0002, fee=0.5)
    free, dear = bill.with_costs(NET, b, 0.0), bill.with_costs(NET, b, 3.0)
    assert free.tolist() == pytest.approx((NET + 0.0008).tolist())
    assert dear.tolist() == pytest.approx((NET - 0.0016).tolist())
    rows = bill.sensitivity(NET, b)
    assert [row.cagr for row in rows] == sorted((row.cagr for row in rows), reverse=True)
    assert rows[0].total == pytest.approx(float(np.prod(1 + free)) - 1)


def test_at_the_break_even_nothing_is_left() -> None:
    b = paid(spread=0.001)
    multiple = bill.break_even(NET, b)
    assert np.prod(1 + bill.with_costs(NET, b, multiple)) == pytest.approx(1.0, abs=1e-9)
    flat = np.full(4, 0.002)
    assert bill.break_even(flat, b) == pytest.approx(3.0)
    assert bill.break_even(flat - 0.01, b) == 0.0
    assert bill.break_even(flat, paid(fee=0.001)) == math.inf


def test_capacity_by_hand() -> None:
    trades = Trades(np.array([0.01, 0.02, 0.04]), np.array([100.0, 100.0, 200.0]), unknown=2)
    b = paid(trades, impact=0.0005)
    found = bill.capacity(NET, b)
    assert (found.trades, found.unknown) == (3, 2)
    assert found.median == pytest.approx(0.02)
    # One unit of capital took 1e-4, 2e-4 and 2e-4 of the volume.
    assert found.at[0.01] == pytest.approx((50.0, 50.0))
    assert found.at[0.10] == pytest.approx((500.0, 500.0))
    assert found.gross == pytest.approx((0.003 + 0.0005) * 252)
    assert found.capital == 150.0
    assert found.half == pytest.approx(150.0 * (0.00175 / 0.0005) ** 2)
    scale = math.sqrt(found.half / found.capital)
    assert found.impact * scale == pytest.approx(found.gross / 2)


def test_no_volume_and_no_impact_have_no_capacity() -> None:
    found = bill.capacity(NET, paid(spread=0.001))
    assert found.trades == 0
    assert found.at == {}
    assert math.isnan(found.half)
    assert math.isnan(found.median)


def test_a_bill_has_one_row_a_session() -> None:
    with pytest.raises(DataError, match="one row a session"):
        Bill({"spread": np.zeros(3)}, np.ones(4), np.zeros(4))


def test_bands_are_seeded_ordered_and_about_the_history() -> None:
    r = np.random.default_rng(5).normal(0.0005, 0.01, 600)
    one, same, other = (bands(r, samples=250, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(one.equity, same.equity)
    assert (one.cagr, one.sharpe, one.max_drawdown) == (same.cagr, same.sharpe, same.max_drawdown)
    assert not np.array_equal(one.equity, other.equity)
    assert one.equity.shape == (5, 600)
    assert (np.diff(one.equity, axis=0) >= 0).all()
    figures = compute(r)
    for name, three in (("cagr", one.cagr), ("sharpe", one.sharpe)):
        assert three[0] < figures[name] < three[2]
    assert 0.0 <= one.max_drawdown[0] < one.max_drawdown[2] < 1.0


def test_bands_of_a_constant_are_the_constant() -> None:
    found = bands(np.full(10, 0.01), samples=150)
    assert found.equity == pytest.approx(np.tile(1.01 ** np.arange(1, 11), (5, 1)), rel=1e-6)
    assert found.cagr == pytest.approx((1.01**252 - 1,) * 3)
    assert found.max_drawdown == (0.0, 0.0, 0.0)
    assert found.loss == 0.0
    with pytest.raises(DataError, match="bands need two"):
        bands(np.zeros(1))


def test_resampled_rows_run_in_stretches_of_the_mean_length() -> None:
    rows = stationary_rows(500, 200, 10.0, np.random.default_rng(0))
    follows = (rows[:, 1:] == (rows[:, :-1] + 1) % 500).mean()
    assert follows == pytest.approx(0.9, abs=0.01)
    assert rows.min() == 0
    assert rows.max() == 499
