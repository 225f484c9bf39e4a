"""Money is int64 micros (1e-6 of the fund currency); holdings are int64 lots.

Integers make every sum exact in any order, so "the pods add up to the broker" is `==`.
This module holds the only places where a float becomes money.
"""

import math

import numpy as np
import numpy.typing as npt

MICROS = 1_000_000
"""Micros in one unit of the fund currency."""

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
I8 = npt.NDArray[np.int8]
F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Days = npt.NDArray[np.datetime64]


def to_micros(amount: float) -> int:
    """Turn an amount in currency units into micros, rounding half away from zero.

    Args:
        amount: currency units, e.g. 12.345678 dollars.

    Returns:
        int64-sized micros.

    Raises:
        OverflowError: the amount is not finite or does not fit 63 bits.
    """
    if not math.isfinite(amount):
        raise OverflowError(f"{amount} is not an amount of money")
    micros = math.floor(abs(amount) * MICROS + 0.5)
    if micros >= 2**63:
        raise OverflowError(f"{amount} does not fit int64 micros")
    return micros if amount >= 0 else -micros


def prices_to_micros(prices: F64) -> I64:
    """Turn an array of prices into micros per lot; NaN becomes 0 (no price).

    Args:
        prices: any shape, currency units per lot.

    Returns:
        int64 micros of the same shape, rounded half up.
    """
    micros = np.floor(np.where(np.isnan(prices), 0.0, prices) * MICROS + 0.5)
    return micros.astype(np.int64)


def money(micros: int, cents: bool = True) -> str:
    """Write micros as a person reads them: `-1,234.57`."""
    value = micros / MICROS
    return f"{value:,.2f}" if cents else f"{value:,.0f}"


def read_only(array: npt.NDArray[np.generic]) -> None:
    """Forbid writing to an array that is shared from now on."""
    array.flags.writeable = False
