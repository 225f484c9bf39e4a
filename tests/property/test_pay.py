"""Money that is split ties out to the micro; managers are paid for new profit only."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from podshop.attribution.apportion import apportion, rate_of
from podshop.attribution.pay import Scheme, netting_cost, pay
from podshop.attribution.royalties import by_credit, by_weight, mixed, own_profit

MICROS = st.integers(-(10**15), 10**15)
RATE = st.integers(0, 1_000_000).map(lambda whole: whole / 1_000_000)
WEIGHTS = st.lists(st.floats(0.0, 1e6), min_size=1, max_size=12).filter(lambda w: sum(w) > 0.0)
PROFITS = npst.arrays(
    np.int64,
    st.tuples(st.integers(1, 12), st.integers(1, 6)),
    elements=st.one_of(st.integers(-100, 100), st.integers(-(10**12), 10**12)),
)
SCHEME = st.sampled_from(("pass-through", "netted"))


@given(st.integers(-(2**62), 2**62), WEIGHTS)
def test_parts_sum_to_the_whole_and_stay_within_a_micro_of_their_quota(
    total: int, weights: list[float]
) -> None:
    part = apportion(total, np.array(weights))
    whole = sum(map(Fraction, weights))
    assert sum(map(int, part)) == total
    for micros, weight in zip(part, weights, strict=True):
        assert abs(int(micros) - total * Fraction(weight) / whole) < 1
        assert weight > 0.0 or micros == 0


def test_the_largest_remainder_gets_the_micro_left_over() -> None:
    assert apportion(10, np.array([1.0, 1.0, 1.0])).tolist() == [4, 3, 3]
    assert apportion(-10, np.array([1, 1, 1])).tolist() == [-4, -3, -3]
    assert apportion(100, np.array([50.4, 25.3, 24.3])).tolist() == [51, 25, 24]
    assert apportion(0, np.zeros(2)).tolist() == [0, 0]
    with pytest.raises(ValueError, match="every weight is 0"):
        apportion(1, np.zeros(2))
    with pytest.raises(ValueError, match="not negative"):
        apportion(1, np.array([2.0, -1.0]))
    with pytest.raises(ValueError, match="finite"):
        apportion(1, np.array([np.nan]))


def test_a_rate_is_taken_in_integers_and_rounded_up() -> None:
    assert rate_of(10_000_000, 0.15) == 1_500_000
    assert rate_of(1, 0.15) == 1
    assert rate_of(2**60, 0.1) == -(-(2**60) // 10)
    with pytest.raises(ValueError, match="fraction between 0 and 1"):
        rate_of(1, 15.0)
    with pytest.raises(ValueError, match="finer"):
        rate_of(1, 0.12345678)
    with pytest.raises(ValueError, match="not of -1"):
        rate_of(-1, 0.1)


# --- royalties ------------------------------------------------------------------------------------

EARNED = np.array([12_000_000, -3_000_000, 1_000_000])
WEIGHT = np.array([5.0, 3.0, 2.0])


def test_the_three_schemes_on_the_worked_example() -> None:
    # By hand: a profit of 10 at 10 % is a pool of 1.
    assert by_weight(WEIGHT, 10_000_000).paid_k.tolist() == [500_000, 300_000, 200_000]
    credited = by_credit(EARNED, 10_000_000)
    assert credited.paid_k.tolist() == [923_077, 0, 76_923]
    assert credited.carried_k.tolist() == [0, 3_000_000, 0]
    own = own_profit(EARNED, 10_000_000)
    assert own.paid_k.tolist() == [1_200_000, 0, 100_000]
    assert own.netting_cost == 300_000
    half = mixed(WEIGHT, 0.5, credited)
    assert half.paid_k.tolist() == [711_539, 150_000, 138_461]
    assert half.total == half.pool == 1_000_000


def test_a_loss_is_carried_until_it_is_recovered() -> None:
    bad = by_credit(np.array([5_000_000, -4_000_000]), 1_000_000)
    assert bad.paid_k.tolist() == [100_000, 0]
    half = by_credit(np.array([1_000_000, 3_000_000]), 4_000_000, carried_k=bad.carried_k)
    assert half.paid_k.tolist() == [400_000, 0]
    good = own_profit(np.array([0, 3_000_000]), 3_000_000, carried_k=half.carried_k)
    assert good.paid_k.tolist() == [0, 200_000]
    assert good.carried_k.tolist() == [0, 0]


@given(st.lists(MICROS, min_size=1, max_size=8), MICROS, RATE, st.data())
def test_royalties_tie_out(earned: list[int], net: int, rate: float, data: st.DataObject) -> None:
    earned_k = np.array(earned)
    shares = st.lists(st.floats(0.01, 1.0), min_size=len(earned), max_size=len(earned))
    weight_k = np.array(data.draw(shares))
    pool = rate_of(max(0, net), rate)
    assert by_weight(weight_k, net, rate).total == pool
    credited = by_credit(earned_k, net, rate)
    assert credited.total == (pool if (earned_k > 0).any() else 0)
    own = own_profit(earned_k, net, rate)
    assert own.total == rate_of(sum(max(0, e) for e in earned), rate)
    for paid in (credited.paid_k, own.paid_k):
        assert (paid[earned_k <= 0] == 0).all()
        assert (paid >= 0).all()
    if sum(earned) >= net:
        assert own.netting_cost >= 0


# --- managers -------------------------------------------------------------------------------------


def quarters(*rows: tuple[int, ...]) -> np.ndarray:
    return np.array(rows) * 1_000_000


def each(profit_qp: np.ndarray, every: int) -> np.ndarray:
    """True at the end of every stretch of so many periods."""
    return (np.arange(len(profit_qp)) + 1) % every == 0


def test_a_manager_below_the_mark_is_not_paid_until_the_loss_is_recovered() -> None:
    roll = pay(quarters((100,), (-60,), (40,), (50,)))
    assert roll.paid_qp[:, 0].tolist() == [15_000_000, 0, 0, 4_500_000]
    assert roll.below_qp[:, 0].tolist() == [0, 60_000_000, 20_000_000, 0]
    second = roll.statement(0)[1]
    assert (second.carried, second.profit, second.below, second.paid) == (
        0,
        -60_000_000,
        60_000_000,
        0,
    )
    assert roll.statement(0)[3].carried == 20_000_000


def test_a_year_is_paid_once_and_nets_its_quarters() -> None:
    rows = quarters((100,), (-60,), (40,), (50,), (10,))
    roll = pay(rows, closes_q=each(rows, 4))
    assert roll.paid_qp[:, 0].tolist() == [0, 0, 0, 19_500_000, 0]
    assert roll.accrued_qp[:, 0].tolist() == [15_000_000, 6_000_000, 12_000_000, 0, 1_500_000]
    # Paid by quarter, the peak of the first is the mark: 100, then 130.
    assert pay(rows[:4]).total == roll.total


def test_pass_through_pays_the_winner_of_a_fund_that_made_nothing() -> None:
    rows = quarters((100, -100), (0, 60), (0, 60))
    assert pay(rows).paid_qp.tolist() == [[15_000_000, 0], [0, 0], [0, 3_000_000]]
    assert pay(rows).netting_cost_q.tolist() == [15_000_000, -9_000_000, -6_000_000]
    netted = pay(rows, scheme="netted")
    assert netted.paid_qp.tolist() == [[0, 0], [9_000_000, 0], [6_000_000, 3_000_000]]
    assert netted.owed_qp.tolist() == [[15_000_000, 0], [6_000_000, 0], [0, 0]]
    assert (netted.netting_cost_q == 0).all()


def test_a_replacement_forgives_the_loss_and_costs_what_it_forgives() -> None:
    rows = quarters((-80,), (80,))
    assert pay(rows).total == 0
    replaced = pay(rows, replaced_qp=np.array([[True], [False]]))
    assert replaced.total == 12_000_000
    assert replaced.netting_cost_q.sum() == 12_000_000
    # One who leaves above the mark is paid then, though the books close by the year.
    rows = quarters((40,), (0,))
    leaves = pay(rows, closes_q=each(rows, 4), replaced_qp=np.array([[True], [False]]))
    assert leaves.paid_qp[:, 0].tolist() == [6_000_000, 0]


@given(PROFITS, RATE, st.integers(1, 4))
def test_pay_is_the_rate_of_the_highest_profit_so_far_to_the_micro(
    profit_qp: np.ndarray, rate: float, every: int
) -> None:
    closed = profit_qp[: len(profit_qp) // every * every]
    total_qp = np.cumsum(closed, axis=0)[every - 1 :: every]
    roll = pay(profit_qp, rate, closes_q=each(profit_qp, every))
    for p in range(profit_qp.shape[1]):
        peak = max([0, *total_qp[:, p].tolist()])
        assert roll.paid_qp[:, p].sum() == rate_of(peak, rate)
    netted = pay(profit_qp, rate, "netted", each(profit_qp, every))
    fund_peak = max([0, *total_qp.sum(axis=1).tolist()])
    assert netted.total == netted.netted_q.sum() == rate_of(fund_peak, rate)
    assert roll.netting_cost_q.sum() == roll.total - netted.total >= 0


@given(PROFITS, RATE, SCHEME, st.sampled_from((10_000, 7)))
def test_whole_coins_are_paid_and_rounding_never_adds_up(
    profit_qp: np.ndarray, rate: float, scheme: Scheme, coin: int
) -> None:
    exact, whole = pay(profit_qp, rate, scheme), pay(profit_qp, rate, scheme, coin=coin)
    for table in (whole.earned_qp, whole.paid_qp, whole.owed_qp, whole.netted_q):
        assert (table % coin == 0).all()
        assert (table >= 0).all()
    # Sums since the start are rounded up once, so no coin is ever lost or added over time.
    off_qp = whole.earned_qp.cumsum(axis=0) - exact.earned_qp.cumsum(axis=0)
    assert ((off_qp >= 0) & (off_qp < coin)).all()
    off_q = whole.netted_q.cumsum() - exact.netted_q.cumsum()
    assert ((off_q >= 0) & (off_q < coin)).all()
    assert (whole.below_qp == exact.below_qp).all()


@given(PROFITS, RATE, st.integers(1, 4), SCHEME, st.integers(0, 99))
def test_every_line_of_every_statement_adds_up(
    profit_qp: np.ndarray, rate: float, every: int, scheme: Scheme, seed: int
) -> None:
    gone_qp = np.random.default_rng(seed).random(profit_qp.shape) < 0.2
    roll = pay(profit_qp, rate, scheme, each(profit_qp, every), gone_qp)
    assert roll.net_q().sum() == profit_qp.sum() - roll.total
    owed = dict.fromkeys(range(profit_qp.shape[1]), 0)
    for row in roll.rows():
        assert row.owed == owed[row.pod] + row.earned - row.paid
        assert min(row.paid, row.owed, row.earned, row.carried, row.below, row.accrued) >= 0
        assert row.profit == profit_qp[row.period, row.pod]
        if gone_qp[row.period, row.pod]:
            assert row.below == row.accrued == 0
        elif row.below:
            assert row.below <= row.carried - row.profit or row.carried == 0
        owed[row.pod] = row.owed
    assert len(list(roll.rows())) == profit_qp.size


@given(PROFITS, st.integers(0, 99))
def test_what_happens_later_changes_no_pay(profit_qp: np.ndarray, seed: int) -> None:
    cut = len(profit_qp) // 2
    other = profit_qp.copy()
    other[cut:] = np.random.default_rng(seed).integers(-(10**9), 10**9, other[cut:].shape)
    for scheme in ("pass-through", "netted"):
        one, two = pay(profit_qp, scheme=scheme), pay(other, scheme=scheme)
        assert (one.paid_qp[:cut] == two.paid_qp[:cut]).all()


@pytest.mark.parametrize(
    ("sharpe", "paid_bp", "netted_bp"),
    [(0.0, 29.9, 0.0), (0.5, 52.3, 37.5), (1.0, 81.2, 75.0), (2.0, 150.6, 150.0)],
)
def test_one_year_of_many_pods_costs_what_the_formula_says(
    sharpe: float, paid_bp: float, netted_bp: float
) -> None:
    # 5 % volatility, 15 %, uncorrelated: rho E max(0, X) a pod against rho E X for all together.
    rng, pods, capital = np.random.default_rng(int(10 * sharpe)), 40_000, 10**10
    drawn_p = rng.normal(0.05 * sharpe, 0.05, pods) * capital
    roll = pay(np.rint(drawn_p).astype(np.int64)[None])
    scale = 1e4 / capital / pods
    error = 0.15 * 0.05 * 1e4 / math.sqrt(pods)
    assert roll.total * scale == pytest.approx(paid_bp, abs=0.1 + 3 * error)
    assert roll.netted_q[0] * scale == pytest.approx(netted_bp, abs=0.1 + 3 * error)
    expected = netting_cost([0.05 * sharpe] * pods, [0.05] * pods) * 1e4 / pods
    assert expected == pytest.approx(paid_bp - netted_bp, abs=0.2)


def test_few_pods_net_less_and_the_formula_knows_how_much() -> None:
    # Two pods without skill: E max(0, X) = s / sqrt(2 pi), of the sum sqrt(2) times that.
    expected = 0.15 * (2.0 - math.sqrt(2.0)) * 0.05 / math.sqrt(2.0 * math.pi)
    assert netting_cost([0.0, 0.0], [0.05, 0.05]) == pytest.approx(expected, rel=1e-12)
    rng = np.random.default_rng(5)
    drawn_yp = np.rint(rng.normal(0.0, 0.05, (20_000, 2)) * 1e9).astype(np.int64)
    costs = [int(pay(year[None]).netting_cost_q[0]) / 1e9 for year in drawn_yp[:4_000]]
    error = np.std(costs) / math.sqrt(len(costs))
    assert np.mean(costs) == pytest.approx(expected, abs=3 * error)


def test_a_mark_that_carries_losses_pays_less_than_one_that_forgives_them() -> None:
    # Spitzer (1956): E max(0, S_1..S_n) = sum of E max(0, S_k) / k = s phi(0) sum 1 / sqrt(k).
    years, pods, capital = 6, 20_000, 10**10
    drawn_qp = np.rint(np.random.default_rng(9).normal(0.0, 0.05, (years, pods)) * capital)
    profit_qp = drawn_qp.astype(np.int64)
    scale = 1e4 / capital / pods / years
    carried = pay(profit_qp).total * scale
    peak = 0.05 / math.sqrt(2.0 * math.pi) * sum(1.0 / math.sqrt(k) for k in range(1, years + 1))
    assert carried == pytest.approx(0.15 * peak / years * 1e4, abs=0.5)
    assert carried == pytest.approx(18.2, abs=0.5)
    # Replaced after every year of loss, each year is an option of its own: 29.9 bp.
    gone_qp = profit_qp < 0
    forgiven = pay(profit_qp, replaced_qp=gone_qp).total * scale
    assert forgiven == pytest.approx(29.9, abs=0.5)


def test_what_cannot_be_paid_is_refused() -> None:
    with pytest.raises(ValueError, match="pass-through"):
        pay(quarters((1,)), scheme="both")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="int64 micros"):
        pay(np.array([[1.0]]))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a coin is 1 micro or more"):
        pay(quarters((1,)), coin=0)
    with pytest.raises(ValueError, match="closes"):
        pay(quarters((1,)), closes_q=np.ones(2, np.bool_))
    with pytest.raises(ValueError, match="replaced is"):
        pay(quarters((1,)), replaced_qp=np.zeros((2, 1), np.bool_))
    with pytest.raises(ValueError, match="carried losses"):
        by_credit(EARNED, 1, carried_k=np.array([-1, 0, 0]))
