"""Positions that follow capital: actual from notional lots, and the band that leaves them alone.

A strategy sizes on a notional capital that does not move; what is held is scaled to the capital of
the day. Small differences are not worth their cost: with a band around the target, trade only when
the lots held lie outside it, and then only to its nearer edge, where the cost of the last lot
traded still pays. Source: Carver, "Advanced Futures Trading Strategies" (2023), buffering; the edge
is the optimal policy under costs in proportion to the trade (Davis and Norman 1990).
"""

import numpy as np
import numpy.typing as npt

from podshop.domain.money import F64, I64


def actual_lots(
    notional_lots: npt.ArrayLike, capital: npt.ArrayLike, notional_capital: float
) -> F64:
    """Scale positions that were sized on a notional capital to the capital of the day.

    Args:
        notional_lots: (..., N) lots on the notional capital, before rounding.
        capital: risk capital of the day; (T, 1) for T days. Same unit as `notional_capital`.
        notional_capital: what the positions were sized on, > 0.

    Returns:
        notional_lots * capital / notional_capital, not rounded.

    Raises:
        ValueError: the notional capital is not a positive amount.
    """
    if not (np.isfinite(notional_capital) and notional_capital > 0.0):
        raise ValueError(f"notional capital must be a positive amount, not {notional_capital}")
    scale = np.asarray(capital, dtype=np.float64) / notional_capital
    actual: F64 = np.asarray(notional_lots, dtype=np.float64) * scale
    return actual


def buffered(target_lots: npt.ArrayLike, held_lots: npt.ArrayLike, buffer: npt.ArrayLike) -> I64:
    """Whole lots to hold: what is held, or the nearer edge of the band around the target.

    Args:
        target_lots: (N,) wanted lots, not rounded.
        held_lots: (N,) whole lots held.
        buffer: half the width of the band in lots, >= 0; a scalar holds for every asset. Carver's
            is a tenth of the average position. 0 trades to the rounded target.

    Returns:
        (N,) lots, within the rounded band [target - buffer, target + buffer].

    Raises:
        ValueError: a buffer is negative or not finite, or a target is not finite.
    """
    target = np.asarray(target_lots, dtype=np.float64)
    width = np.asarray(buffer, dtype=np.float64)
    if not (np.isfinite(target).all() and np.isfinite(width).all() and (width >= 0.0).all()):
        raise ValueError("targets must be finite and buffers finite and not negative, in lots")
    low, high = np.rint(target - width), np.rint(target + width)
    held = np.asarray(held_lots, dtype=np.int64)
    return np.clip(held, low.astype(np.int64), high.astype(np.int64))
