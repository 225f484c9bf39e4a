"""What managers are paid: a share of new profit above a high-water mark in dollars.

For each manager, with X the profit of a period and C its running sum since the manager was hired,

    earned = rate * (max(mark, C) - mark),    then mark = max(mark, C),

at the end of every crystallisation period. A loss is thus carried forward until it is recovered,
and capital that is given or taken does not touch the mark. Two ways to pay what is earned:

    pass-through   every manager is paid, whatever the fund made
    netted         all managers together are paid the rate of the FUND's profit above its own mark,
                   in proportion to what each has earned and not been paid; the rest stays owed

so with one period from the start the first costs rate * sum max(0, X_p) and the second
rate * max(0, sum X_p). The difference is the netting cost, which the investors bear. Pay is the
difference of sums since the first period, each rounded up to a micro, or to a cent where money can
be paid in no smaller coin, so rounding never adds up and what managers have earned is never less
than what the fund owes them netted. See
docs/concepts/credit.md.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from podshop.attribution.apportion import apportion, rate_of
from podshop.domain.money import I64, Bools, read_only

Scheme = Literal["pass-through", "netted"]

RATE = 0.15
"""Fifteen percent of new profit."""

COLUMNS = ("profit", "carried", "below", "accrued", "earned", "paid", "owed")
"""What is written down of every period and pod."""

NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class PayStatement:
    """One line of a manager's statement: a period in which pay was or was not crystallised.

    Attributes:
        period, pod: row and column of the profits.
        carried: loss below the mark at the period's start, not negative.
        profit: of the period.
        below: loss below the mark at the period's end, carried forward.
        accrued: pay on profit above the mark that is not crystallised yet.
        earned: pay that crystallised.
        paid: in cash.
        owed: earned and not paid yet, which only "netted" leaves.

    All amounts are micros.
    """

    period: int
    pod: int
    carried: int
    profit: int
    below: int
    accrued: int
    earned: int
    paid: int
    owed: int


@dataclass(frozen=True, slots=True)
class Payroll:
    """Every manager's pay in every period; (Q, P) micros, in the words of `PayStatement`.

    Attributes:
        profit_qp, carried_qp, below_qp, accrued_qp, earned_qp, paid_qp, owed_qp: as there.
        netted_q: (Q,) rate of the fund's new profit above the fund's mark: what all would be paid
            if losses of one were netted with profits of another.
    """

    profit_qp: I64
    carried_qp: I64
    below_qp: I64
    accrued_qp: I64
    earned_qp: I64
    paid_qp: I64
    owed_qp: I64
    netted_q: I64

    @property
    def total(self) -> int:
        """All pay, micros."""
        return int(self.paid_qp.sum())

    @property
    def netting_cost_q(self) -> I64:
        """(Q,) paid above what netted profits would have earned; its sum is never negative."""
        cost_q: I64 = self.paid_qp.sum(axis=1) - self.netted_q
        return cost_q

    def net_q(self) -> I64:
        """(Q,) profit of all managers less their pay."""
        left_q: I64 = self.profit_qp.sum(axis=1) - self.paid_qp.sum(axis=1)
        return left_q

    def statement(self, pod: int) -> tuple[PayStatement, ...]:
        """The statement of one manager, oldest period first."""
        return tuple(row for row in self.rows() if row.pod == pod)

    def rows(self) -> Iterator[PayStatement]:
        """Every line of every statement, by period and then by pod."""
        tables = (
            self.carried_qp,
            self.profit_qp,
            self.below_qp,
            self.accrued_qp,
            self.earned_qp,
            self.paid_qp,
            self.owed_qp,
        )
        for period, pod in np.ndindex(self.profit_qp.shape):
            yield PayStatement(period, pod, *(int(table[period, pod]) for table in tables))


def pay(
    profit_qp: I64,
    rate: float = RATE,
    scheme: Scheme = "pass-through",
    closes_q: Bools | None = None,
    replaced_qp: Bools | None = None,
    coin: int = 1,
) -> Payroll:
    """Reckon what managers are paid.

    Args:
        profit_qp: (Q, P) profit of each period and pod after its own costs, micros.
        rate: fraction of new profit, in whole millionths.
        scheme: "pass-through" or "netted".
        closes_q: (Q,) True where pay crystallises at the end of the period: of quarterly profits
            everywhere, or every fourth to pay by the year. What came after the last such end is
            accrued, not paid. Everywhere when None.
        replaced_qp: (Q, P) True where the manager goes at the end of the period. Its pay
            crystallises then, and the successor starts without its loss: a deficit forgiven.
            Nobody is when None.
        coin: micros that can be paid; 10_000 pays whole cents.

    Returns:
        The payroll. Under "netted" what is paid since the start is the rate of the fund's highest
        profit at a crystallisation since the start, to the coin.

    Raises:
        ValueError: the scheme, the coin, the rate or a shape is wrong.
    """
    if scheme not in ("pass-through", "netted"):
        raise ValueError(f'scheme is "pass-through" or "netted", not {scheme!r}')
    if profit_qp.ndim != 2 or profit_qp.dtype != np.int64 or coin < 1:
        raise ValueError(
            f"profits are (Q, P) int64 micros and a coin is 1 micro or more, not "
            f"{profit_qp.dtype} {profit_qp.shape} and {coin}"
        )
    ends_q = np.ones(len(profit_qp), dtype=np.bool_) if closes_q is None else closes_q
    gone_qp = np.zeros(profit_qp.shape, dtype=np.bool_) if replaced_qp is None else replaced_qp
    if gone_qp.shape != profit_qp.shape or ends_q.shape != profit_qp.shape[:1]:
        raise ValueError(
            f"profits are {profit_qp.shape}, replaced is {gone_qp.shape}, closes {ends_q.shape}"
        )
    pods = [_Account(rate, coin) for _ in range(profit_qp.shape[1])]
    fund = _Account(rate, coin)
    table = {f"{name}_qp": np.zeros(profit_qp.shape, dtype=np.int64) for name in COLUMNS}
    table["profit_qp"] += profit_qp
    netted_q = np.zeros(len(profit_qp), dtype=np.int64)
    owed_p = np.zeros(len(pods), dtype=np.int64)
    for q, profit_p in enumerate(profit_qp.tolist()):
        closes_p = gone_qp[q] | ends_q[q]
        table["carried_qp"][q] = [pod.below for pod in pods]
        booked = zip(pods, profit_p, closes_p, strict=True)
        earned = [pod.book(profit, closes) for pod, profit, closes in booked]
        earned_p = np.array(earned, dtype=np.int64)
        netted_q[q] = fund.book(sum(profit_p), bool(ends_q[q]))
        owed_p = owed_p + earned_p
        paid_p = owed_p if scheme == "pass-through" else _shared(int(netted_q[q]), owed_p, coin)
        owed_p = owed_p - paid_p
        for p in np.flatnonzero(gone_qp[q]):
            pods[p].restart()
        table["below_qp"][q] = [pod.below for pod in pods]
        table["accrued_qp"][q] = [pod.accrued for pod in pods]
        table["earned_qp"][q], table["paid_qp"][q], table["owed_qp"][q] = earned_p, paid_p, owed_p
    for array in (*table.values(), netted_q):
        read_only(array)
    return Payroll(netted_q=netted_q, **table)


def netting_cost(
    mean_p: Sequence[float], deviation_p: Sequence[float], rate: float = RATE
) -> float:
    """Expected cost of paying on each profit instead of on their sum, for independent normals.

    E max(0, X) = m Phi(m/s) + s phi(m/s), so the cost is rate * (sum of those - that of the sum).

    Args:
        mean_p: (P,) expected profits of one period from the mark.
        deviation_p: (P,) standard deviations, above 0.
        rate: fraction of profit.

    Returns:
        Expected cost in the unit of the profits.
    """
    apart = math.fsum(_expected_gain(m, s) for m, s in zip(mean_p, deviation_p, strict=True))
    together = _expected_gain(math.fsum(mean_p), math.hypot(*deviation_p))
    return rate * (apart - together)


class _Account:
    """A running profit with its high-water mark; pay is kept as a rounded sum since the start."""

    def __init__(self, rate: float, coin: int) -> None:
        self.rate, self.coin = rate, coin
        self.sum, self.mark = 0, 0
        # New profit of all managers of this pod so far, and the pay on it.
        self.gained, self.earned = 0, 0

    @property
    def below(self) -> int:
        """Loss below the mark, not negative."""
        return max(0, self.mark - self.sum)

    @property
    def accrued(self) -> int:
        """Pay on what stands above the mark."""
        due = rate_of(self.gained + max(0, self.sum - self.mark), self.rate)
        return -(-due // self.coin) * self.coin - self.earned

    def book(self, profit: int, closes: bool) -> int:
        """Add a period's profit; the pay that it crystallises when the period closes the books."""
        self.sum += profit
        if not closes:
            return 0
        due = self.accrued
        self.gained += max(0, self.sum - self.mark)
        self.mark = max(self.mark, self.sum)
        self.earned += due
        return due

    def restart(self) -> None:
        """Begin with a new manager, who owes nothing."""
        self.mark = self.sum


def _shared(amount: int, owed_p: I64, coin: int) -> I64:
    """Whole coins shared by what is owed; both amounts are whole coins."""
    return apportion(amount // coin, owed_p // coin) * coin


def _expected_gain(mean: float, deviation: float) -> float:
    """E max(0, X) of a normal X."""
    z = mean / deviation
    return mean * NORMAL.cdf(z) + deviation * NORMAL.pdf(z)
