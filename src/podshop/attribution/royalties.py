"""Royalties of the authors of K alphas on the fund's profit, three ways and a mixture.

With A_k the net profit credited to alpha k less the loss it carries, P the fund's net profit, w_k
the weights of the combination and rho the rate:

    weight   w_k / sum w * rho * max(0, P)                 pays for being used, losers too
    credit   max(0, A_k) / sum max(0, A) * rho * max(0, P) pays for earning, never more than rho P
    own      rho * max(0, A_k)                             as if each ran alone: no netting

The first two split one pool to the micro. The third can exceed the pool, because nobody's profit
is netted with another's loss; the excess is its netting cost. Sources: the scheme by weight is
Quantopian's of 2019 (10 % of net profits); docs/concepts/credit.md compares the three.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from podshop.attribution.apportion import apportion, millionths, rate_of
from podshop.domain.money import F64, I64, read_only

RATE = 0.10
"""Ten percent of net profits."""


@dataclass(frozen=True, slots=True)
class Royalties:
    """What the authors are paid for one period.

    Attributes:
        paid_k: (K,) micros.
        pool: rho * max(0, fund's net profit), micros.
        carried_k: (K,) micros of loss, not negative, that the next period starts with; 0 under a
            scheme that does not look at own profits.
    """

    paid_k: I64
    pool: int
    carried_k: I64

    @property
    def total(self) -> int:
        """Sum of what is paid, micros."""
        return sum(int(paid) for paid in self.paid_k)

    @property
    def netting_cost(self) -> int:
        """What is paid above the pool because losses of others are not netted, micros."""
        return self.total - self.pool


def by_weight(weight_k: F64, net_profit: int, rate: float = RATE) -> Royalties:
    """The pool by the weights of the combination, whatever each alpha earned.

    Args:
        weight_k: (K,) average weights of the period, not negative; their scale does not matter.
        net_profit: the fund's, micros.
        rate: fraction of the profit.

    Returns:
        The royalties; they sum to the pool.

    Raises:
        ValueError: a weight is negative or none is positive, or the rate is no fraction.
    """
    pool = _pool(net_profit, rate)
    return _royalties(apportion(pool, weight_k), pool, np.zeros(len(weight_k), dtype=np.int64))


def by_credit(
    earned_k: I64, net_profit: int, rate: float = RATE, carried_k: I64 | None = None
) -> Royalties:
    """The pool by what each alpha earned above the loss it carries.

    Args:
        earned_k: (K,) net profit credited to each alpha in the period, micros.
        net_profit: the fund's, micros; need not be the sum of the credits.
        rate: fraction of the profit.
        carried_k: (K,) losses carried from the period before, micros, not negative; 0 when None.

    Returns:
        The royalties; they sum to the pool, or to 0 when no alpha is above its loss. An alpha
        without profit above its loss gets 0.

    Raises:
        ValueError: a carried loss is negative, the shapes differ, or the rate is no fraction.
    """
    above_k, left_k = _above(earned_k, carried_k)
    pool = _pool(net_profit, rate)
    paid_k = apportion(pool if above_k.any() else 0, above_k)
    return _royalties(paid_k, pool, left_k)


def own_profit(
    earned_k: I64, net_profit: int, rate: float = RATE, carried_k: I64 | None = None
) -> Royalties:
    """A rate of what each alpha earned above the loss it carries, whatever the others lost.

    Args:
        earned_k: (K,) net profit credited to each alpha in the period, micros.
        net_profit: the fund's, micros; only for the pool beside which the cost of netting shows.
        rate: fraction of the profit.
        carried_k: (K,) losses carried from the period before, micros, not negative; 0 when None.

    Returns:
        The royalties; they sum to the rate of all profits above losses, rounded once.

    Raises:
        ValueError: as in `by_credit`.
    """
    above_k, left_k = _above(earned_k, carried_k)
    due = rate_of(sum(int(above) for above in above_k), rate)
    return _royalties(apportion(due, above_k), _pool(net_profit, rate), left_k)


def mixed(weight_k: F64, by_weight_share: float, credited: Royalties) -> Royalties:
    """A mixture of `by_weight` and `by_credit`, which smooths the noise of credits.

    Args:
        weight_k: (K,) average weights of the period, not negative.
        by_weight_share: fraction of the pool that goes by weight, in whole millionths.
        credited: what `by_credit` gave; its pool is split.

    Returns:
        The royalties; they sum to the pool, or where no alpha is above its loss to the part of it
        that goes by weight.

    Raises:
        ValueError: a weight is negative or none is positive, or the share is no fraction.
    """
    part = Fraction(millionths(by_weight_share), 1_000_000)
    exact = [Fraction(float(weight)) for weight in weight_k]
    whole = sum(exact, Fraction(0))
    if whole <= 0:
        raise ValueError("no weight is positive")
    quota_k = [
        part * credited.pool * weight / whole + (1 - part) * int(paid)
        for weight, paid in zip(exact, credited.paid_k, strict=True)
    ]
    total = int(sum(quota_k, Fraction(0)))
    return _royalties(apportion(total, quota_k), credited.pool, credited.carried_k.copy())


def _pool(net_profit: int, rate: float) -> int:
    """What there is to split, micros."""
    return rate_of(max(0, net_profit), rate)


def _above(earned_k: I64, carried_k: I64 | None) -> tuple[I64, I64]:
    """Profit above the carried loss, and the loss that is left."""
    before_k = np.zeros_like(earned_k) if carried_k is None else carried_k
    if before_k.shape != earned_k.shape or (before_k < 0).any():
        raise ValueError(
            f"carried losses must be {earned_k.shape} micros and not negative: {before_k}"
        )
    balance_k = earned_k - before_k
    return np.maximum(balance_k, 0), np.maximum(-balance_k, 0)


def _royalties(paid_k: I64, pool: int, carried_k: I64) -> Royalties:
    read_only(paid_k)
    read_only(carried_k)
    return Royalties(paid_k, pool, carried_k)
