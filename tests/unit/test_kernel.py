"""The kernel's arithmetic against numbers counted by hand."""

import math
from typing import Any

import numpy as np
import pytest

from podshop.kernel import day as kernel

INF = math.inf


def i64(*values: int) -> Any:
    """A column of whole numbers."""
    return np.array(values, dtype=np.int64)


def f64(*values: float) -> Any:
    """A column of floats."""
    return np.array(values, dtype=np.float64)


# --- costs and fills ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "whole"), [(2.5, 3), (2.4999, 2), (-2.5, -2), (-2.51, -3), (0.0, 0), (0.5, 1)]
)
def test_rounding_is_half_up(x: float, whole: int) -> None:
    assert kernel.round_nb(x) == whole


def test_half_a_spread_of_two_basis_points_of_50_is_a_cent() -> None:
    assert kernel.spread_nb(50_000_000, 2.0) == 10_000


def test_impact_is_square_root_of_the_share_of_volume() -> None:
    # 0.5 * 2 % * sqrt(2500 / 10000) = 0.5 % of 50.00 = 0.25
    assert kernel.impact_nb(50_000_000, 2_500, 0.02, 10_000.0, 0.5) == 250_000
    assert kernel.impact_nb(50_000_000, 10_000, 0.02, 10_000.0, 0.5) == 500_000
    assert kernel.impact_nb(50_000_000, -2_500, 0.02, 10_000.0, 0.5) == 250_000


@pytest.mark.parametrize(
    ("lots", "fee"), [(0, 0), (1, 350_000), (100, 350_000), (101, 353_500), (-101, 353_500)]
)
def test_commission_has_a_minimum_and_nothing_traded_costs_nothing(lots: int, fee: int) -> None:
    assert kernel.commission_nb(lots, 3_500, 350_000) == fee


def fill(
    lots: int, *, price: int = 50_000_000, volume: int = -1, cap: float = 0.1, impact: float = 0.0
) -> tuple[int, int, int]:
    """(filled, price, fee) of one order at 2 bps half spread, 0.0035 a lot, at least 0.35."""
    out = kernel.fill_nb(
        i64(lots),
        i64(price),
        i64(volume),
        f64(0.02),
        f64(10_000.0),
        2.0,
        impact,
        cap,
        3_500,
        350_000,
    )
    filled, at, fee = (int(x[0]) for x in out)
    return filled, at, fee


def test_buyers_pay_the_spread_and_sellers_get_it_less() -> None:
    assert fill(200) == (200, 50_010_000, 700_000)
    assert fill(-200) == (-200, 49_990_000, 700_000)
    assert fill(2_500, impact=0.5) == (2_500, 50_260_000, 8_750_000)


def test_an_order_takes_no_more_than_its_share_of_the_volume() -> None:
    assert fill(200, volume=1_999)[0] == 199
    assert fill(-200, volume=1_999)[0] == -199
    assert fill(200, volume=5_000)[0] == 200
    assert fill(200, volume=9) == (0, 0, 0)
    assert fill(200, volume=-1)[0] == 200


def test_impact_is_of_what_was_filled_not_of_what_was_ordered() -> None:
    assert fill(10_000, volume=25_000, impact=0.5)[:2] == (2_500, 50_260_000)


def test_without_a_price_nothing_is_filled_and_no_price_goes_below_a_micro() -> None:
    assert fill(200, price=0) == (0, 0, 0)
    assert fill(-10_000, price=3, impact=500.0)[1] == 1


def test_liquidity_knows_only_the_rows_before_the_session() -> None:
    returns = np.array([[0.01, -0.01, 0.01, -0.01, 0.01, 9.0]], dtype=np.float32)
    volume = i64(100, -1, 200, 300, 0, 10**9).reshape(-1, 1)
    mark = np.full((6, 1), 50_000_000, dtype=np.int64)
    sigma, adv = f64(0.0), f64(0.0)
    assets = i64(0)
    kernel.liquidity_nb(assets, 5, 20, returns, volume, mark, 1e12, 0.02, sigma, adv)
    assert sigma[0] == pytest.approx(np.std([0.01, -0.01, 0.01, -0.01, 0.01], ddof=1), rel=1e-6)
    assert adv[0] == 600 / 4
    kernel.liquidity_nb(assets, 4, 20, returns, volume, mark, 1e12, 0.02, sigma, adv)
    assert sigma[0] == 0.02
    kernel.liquidity_nb(assets, 2, 1, returns, volume, mark, 1e12, 0.02, sigma, adv)
    assert adv[0] == 1e12 / 50_000_000


# --- the night ------------------------------------------------------------------------------------


def test_borrow_is_charged_on_shorts_at_the_last_mark_and_rounded_up() -> None:
    fee = i64(9, 9, 9)
    kernel.charge_nb(i64(-100, 100, -1), i64(36_500_000, 36_500_000, 1), 0.01 / 365, fee)
    assert fee.tolist() == [100_000, 0, 1]


def test_interest_is_rounded_down_and_debts_pay_more() -> None:
    assert kernel.interest_nb(1_000_000_000, 0.0001, 0.0002) == 100_000
    assert kernel.interest_nb(9_999, 0.0001, 0.0002) == 0
    assert kernel.interest_nb(-1_000_000_000, 0.0001, 0.0002) == -300_000
    assert kernel.interest_nb(-1, 0.0001, 0.0002) == -1


def test_shorts_pay_dividends_and_share_the_borrow_fee_of_the_net_short() -> None:
    # Pod 0 holds +40, pods 1 and 2 are short 30 and 60: the fund is short 50 and pays 1000.
    key, lots = i64(0, 1, 2), i64(40, -30, -60)
    dividend, borrow = i64(0, 0, 0), i64(0, 0, 0)
    kernel.accrue_nb(key, lots, 1, i64(0), i64(250_000), i64(1_000), i64(90), dividend, borrow)
    assert dividend.tolist() == [10_000_000, -7_500_000, -15_000_000]
    assert borrow.tolist() == [0, -333, -666]


# --- sharing --------------------------------------------------------------------------------------


def apportion(total: int, *weights: int) -> list[int]:
    """Shares by largest remainder."""
    share = np.zeros(len(weights), dtype=np.int64)
    kernel.apportion_nb(total, i64(*weights), share)
    return [int(x) for x in share]


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (80, (100, 30), [62, 18]),
        (20, (38, 12), [15, 5]),
        (1, (1, 1, 1), [1, 0, 0]),
        (2, (1, 1, 1), [1, 1, 0]),
        (10, (1, 0, 2), [3, 0, 7]),
        (0, (5, 5), [0, 0]),
        (7, (0, 0), [0, 0]),
        (350_000, (1, 2, 3), [58_333, 116_667, 175_000]),
        (10**15, (3, 4), [428_571_428_571_429, 571_428_571_428_571]),
    ],
)
def test_largest_remainder_ties_to_the_first(
    total: int, weights: tuple[int, ...], shares: list[int]
) -> None:
    assert apportion(total, *weights) == shares


def test_billions_of_lots_are_apportioned_as_fairly_as_ten() -> None:
    # Two pods hold a token worth a thousandth of a cent: 4 of 8 billion lots were filled.
    assert apportion(4_000_000_000, 3_000_000_000, 5_000_000_000) == [1_500_000_000, 2_500_000_000]


def test_a_broker_that_fills_more_than_was_wanted_is_named() -> None:
    _, count = kernel.share_nb(
        i64(0, 1), i64(0, 0), i64(0, 5), 2, i64(10, 10), i64(1), i64(6), i64(0)
    )
    assert count == -1 - 1


def test_without_a_reference_price_nothing_is_crossed() -> None:
    rows, count = kernel.share_nb(i64(0, 1), i64(0, 0), i64(5, -5), 1, i64(0), i64(), i64(), i64())
    assert count == 0
    assert len(rows) == 2


# --- the book -------------------------------------------------------------------------------------


def test_merging_wants_keeps_order_and_drops_what_is_neither_held_nor_wanted() -> None:
    key, lots, want = kernel.merge_nb(
        i64(2, 5, 9), i64(10, 0, -3), i64(10, 4, -3), i64(1, 5, 7), i64(6, 0, 8)
    )
    assert key.tolist() == [1, 2, 7, 9]
    assert lots.tolist() == [0, 10, 0, -3]
    assert want.tolist() == [6, 10, 8, -3]


def test_a_fill_without_a_slot_is_refused() -> None:
    lots, cash = i64(0), i64(0)
    one = i64(1)
    assert kernel.post_nb(i64(0), lots, cash, 2, i64(0), one, one, one, i64(0)) == 0
    assert lots.tolist() == [0]


def test_unit_values_grow_on_nominal_capital_and_stop_at_nothing() -> None:
    unit, peak, ret = f64(1.0, 0.5, 1.0, 1.0), f64(1.0, 1.0, 1.0, 1.0), f64(0, 0, 0, 0)
    nominal = i64(1_000, 1_000, 0, 1_000)
    kernel.grow_nb(i64(-30, 100, 55, -1_500), nominal, nominal.copy(), unit, peak, ret)
    assert unit.tolist() == [0.97, 0.55, 1.0, 0.0]
    assert peak.tolist() == [1.0, 1.0, 1.0, 1.0]
    assert nominal.tolist() == [970, 1_100, 0, 0]
    assert ret.tolist() == [-0.03, 0.1, 0.0, -1.5]


# --- sizing ---------------------------------------------------------------------------------------


def shrink(weights: list[float], sectors: list[int], *caps: float) -> list[float]:
    """Weights under (position, sector, gross, net) caps."""
    w = f64(*weights)
    n = len(w)
    kernel.shrink_nb(np.arange(n), w, n, i64(*sectors), max(sectors) + 1, *caps)
    return [float(x) for x in w]


def test_each_cap_by_hand() -> None:
    assert shrink([0.3, -0.3, 0.05], [0, 1, 2], 0.1, INF, INF, INF) == [0.1, -0.1, 0.05]
    assert shrink([0.3, 0.1, -0.2], [0, 0, 0], INF, 0.2, INF, INF) == pytest.approx(
        [0.15, 0.05, -0.2]
    )
    assert shrink([0.6, -0.6], [0, 1], INF, INF, 0.6, INF) == pytest.approx([0.3, -0.3])
    assert shrink([0.6, -0.2], [0, 1], INF, INF, INF, 0.1) == pytest.approx([0.3, -0.2])
    assert shrink([0.2, -0.6], [0, 1], INF, INF, INF, 0.1) == pytest.approx([0.2, -0.3])
    assert shrink([0.3005, -0.2], [0, 1], INF, INF, INF, 0.1) == pytest.approx([0.3, -0.2])
    assert shrink([0.9, -0.1], [0, 1], 0.5, INF, 0.3, 0.2) == pytest.approx([0.225, -0.075])


def test_volatility_is_the_deviation_of_the_weighted_path() -> None:
    r = np.random.default_rng(7)
    returns = r.normal(0, 0.02, (3, 90)).astype(np.float32)
    w = f64(0.5, -0.3)
    path = returns[0].astype(float) * 0.5 - returns[2].astype(float) * 0.3
    got = kernel.volatility_nb(i64(0, 2), w, 2, returns, 63, 0.02)
    assert got == pytest.approx(path[-63:].std(ddof=1) * math.sqrt(252), rel=1e-12)
    early = kernel.volatility_nb(i64(0, 2), w, 2, returns[:, :19], 63, 0.02)
    assert early == pytest.approx(0.8 * 0.02 * math.sqrt(252), rel=1e-12)


def capped(wants: list[int], mark: int, most: int) -> list[int]:
    """Wants of several pods for one name under the fund's cap in micros."""
    want = i64(*wants)
    kernel.cap_nb(np.arange(len(wants)), want, 1, i64(mark), most)
    return [int(x) for x in want]


def test_the_cap_on_a_name_shrinks_the_longer_side_in_proportion() -> None:
    assert capped([60, 40, -20], 10, 500) == [42, 28, -20]
    assert capped([-60, -40, 20], 10, 500) == [-42, -28, 20]
    assert capped([60, 40, -20], 10, 800) == [60, 40, -20]
    assert capped([7, 6], 10, 100) == [5, 5]
    assert capped([7, 6], 0, 100) == [7, 6]


def test_a_cap_of_less_than_a_lot_leaves_the_sides_equal() -> None:
    # One long and two shorts of a lot each, and not one lot allowed net: rounding both shorts down
    # to nothing would leave the fund long.
    assert sum(capped([1, -1, -1], 100, 99)) == 0
    assert abs(sum(capped([5, -3, -3, -3], 100, 100))) <= 1


def test_the_cap_holds_for_billions_of_lots() -> None:
    # A token at 0.00001: 300,000 wanted in all, 100,000 allowed.
    assert capped([20_000_000_000, 10_000_000_000], 10, 10**11) == [6_666_666_667, 3_333_333_333]


@pytest.mark.parametrize(
    ("lots", "want", "allowed"),
    [(10, 15, 10), (10, 4, 4), (10, -3, 0), (-10, -15, -10), (-10, -4, -4), (-10, 3, 0), (0, 5, 0)],
)
def test_close_only_lets_a_position_shrink_and_nothing_else(
    lots: int, want: int, allowed: int
) -> None:
    wants = i64(want)
    kernel.close_only_nb(i64(lots), wants)
    assert wants[0] == allowed


def test_orders_are_the_net_of_all_pods() -> None:
    key, lots, want = i64(0, 1, 2, 3, 4), i64(0, 5, 0, 5, 0), i64(100, 5, -80, 9, 30)
    ids, asset, net = kernel.net_nb(key, lots, want, 2, np.uint64(5), 3)
    assert asset.tolist() == [0, 1]
    assert net.tolist() == [100 - 80 + 30, 4]
    assert ids.tolist() == [kernel.order_id_nb(np.uint64(5), 3, i, 1) for i in (0, 1)]


def test_order_ids_do_not_collide() -> None:
    ids = {
        kernel.order_id_nb(np.uint64(2**63 + 12345), cycle, asset, side)
        for cycle in range(60)
        for asset in (0, 1, 2, 500, 2_999)
        for side in (0, 1)
    }
    assert len(ids) == 600
