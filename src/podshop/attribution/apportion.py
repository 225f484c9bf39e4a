"""Whole micros split by weights, so that the parts sum to the whole: the largest remainder.

Every part gets the floor of its exact quota; the micros left over go, one each, to the parts with
the largest fractions, the lower index first among equals (Hamilton's method). Quotas are exact
fractions, so that no float rounds money and a split of 2^62 micros ties out like one of ten.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from podshop.domain.money import F64, I64

MILLIONTHS = 1_000_000


def apportion(total: int, weight_k: F64 | I64 | Sequence[Fraction]) -> I64:
    """Split an amount in proportion to weights.

    Args:
        total: micros; of either sign.
        weight_k: (K,) finite, not negative; their scale does not matter.

    Returns:
        (K,) micros that sum to the total; a weight of 0 gets 0, and no part is a micro or more
        away from its exact quota.

    Raises:
        ValueError: a weight is negative or not finite, or all are zero and the total is not.
    """
    total = int(total)
    if total < 0:
        return -apportion(-total, weight_k)
    weights = [_exact(weight) for weight in weight_k]
    whole = sum(weights, Fraction(0))
    if whole == 0:
        if total:
            raise ValueError(f"{total} micros cannot be split: every weight is 0")
        return np.zeros(len(weights), dtype=np.int64)
    quotas = [total * weight / whole for weight in weights]
    part = [int(quota) for quota in quotas]
    fraction = [quota - floor for quota, floor in zip(quotas, part, strict=True)]
    order = sorted(range(len(part)), key=lambda k: (-fraction[k], k))
    for k in order[: total - sum(part)]:
        part[k] += 1
    return np.array(part, dtype=np.int64)


def rate_of(amount: int, rate: float) -> int:
    """A rate of an amount in micros, rounded up, so that parts never owe less than their sum.

    Args:
        amount: micros, not negative.
        rate: fraction between 0 and 1, in whole millionths (0.15 is 15 %).

    Raises:
        ValueError: the rate is out of range or finer than a millionth, or the amount is negative.
    """
    if amount < 0:
        raise ValueError(f"a rate is taken of a profit, not of {amount} micros")
    return -(-int(amount) * millionths(rate) // MILLIONTHS)


def millionths(rate: float) -> int:
    """A rate as whole millionths, so that money is multiplied by integers only.

    Raises:
        ValueError: the rate is not in [0, 1] or finer than a millionth.
    """
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"a rate is a fraction between 0 and 1 (0.15 is 15 %), not {rate}")
    whole = round(rate * MILLIONTHS)
    if abs(rate * MILLIONTHS - whole) > 1e-6:
        raise ValueError(f"a rate is in whole millionths; {rate} is finer")
    return whole


def _exact(weight: float | int | Fraction) -> Fraction:
    """A weight as an exact fraction."""
    if isinstance(weight, Fraction):
        exact = weight
    else:
        if not np.isfinite(weight):
            raise ValueError(f"a weight is {weight}, not a finite number")
        exact = Fraction(weight.item() if isinstance(weight, np.generic) else weight)
    if exact < 0:
        raise ValueError(f"a weight is {float(exact)}; weights are not negative")
    return exact
