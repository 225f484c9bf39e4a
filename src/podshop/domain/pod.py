"""What a pod is: a strategy with a book of its own, and what it wishes for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from podshop.domain.money import F32, F64, I32, I64, Bools


class PodStatus(IntEnum):
    """Where a pod stands in its life."""

    ACTIVE = 0
    CUT = 1
    CLOSING = 2
    CLOSED = 3


class Stage(IntEnum):
    """Where a pod stands between its hiring and its end (see `risk/lifecycle.py`).

    CUT and TERMINATED follow from the pod's `PodStatus`; the book keeps the others.
    """

    CANDIDATE = 0
    PAPER = 1
    RAMP = 2
    FULL = 3
    CUT = 4
    TERMINATED = 5
    QUARANTINE = 6
    RETIRED = 7


ON_PAPER = (Stage.PAPER, Stage.QUARANTINE)
"""Stages in which a pod trades a notional book that never reaches a broker."""

INVESTED = (Stage.RAMP, Stage.FULL)
"""Stages that the book keeps for pods with capital; a cut is told by their status."""


@dataclass(frozen=True, slots=True)
class Pod:
    """One strategy as the fund hires it.

    Attributes:
        id: the pod's name in every table and journal entry.
        strategy: module name in `podshop.pods`, or a dotted path outside.
        params: the strategy's own frozen parameters.
        wishes: (panel, params) -> (T, N) weights, fractions of the pod's capital; row t uses rows
            <= t. It may take a third argument, the (T,) rows that will be read, and leave the
            others 0.
        lookback_days: rows of history that the last row of `wishes` depends on.
        when: the days on which the pod speaks: "daily", "change" (its weights differ from the row
            before), "week" or "month" (first session).
        gross: declared maximum of the sum of |weight|; wishing for more is an error.
        manifest: parameters as plain values, for hashes and reports.
        stop_loss: loss of a position since its entry at which it is closed, fraction; 0 for never.
        keep: share of its gains above the high-water mark that stays with the pod between
            allocations: 1 full, 0 half compounding; the rest goes to the centre.
    """

    id: str
    strategy: str
    params: Any
    wishes: Callable[..., F64]
    lookback_days: int
    when: str
    gross: float
    manifest: Mapping[str, Any]
    stop_loss: float = 0.0
    keep: float = 1.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """The latest spoken wish of every pod on one day, packed.

    Attributes:
        begin_p, end_p: (P,) range of each pod in asset_w; empty = wishes for cash.
        asset_w: asset ids, ascending within a pod.
        weight_w: float32 fractions of the pod's capital.
        speaks_p: (P,) True where the pod speaks today, so that it is sized anew.
    """

    begin_p: I64
    end_p: I64
    asset_w: I32
    weight_w: F32
    speaks_p: Bools


@dataclass(frozen=True, slots=True)
class WishBook:
    """Every wish of a backtest, packed by pod and speaking day.

    Attributes:
        latest_tp: (T, P) row number of each pod's latest wish; -1 before its first.
        row_ptr: (R + 1,) range of each row in asset_w.
        asset_w, weight_w: as in `Wishes`; rows have ascending assets.
        speaks_tp: (T, P) True on speaking days.
    """

    latest_tp: I32
    row_ptr: I64
    asset_w: I32
    weight_w: F32
    speaks_tp: Bools

    def on(self, t: int) -> Wishes:
        """The wishes that stand at the close of row t."""
        row_p = self.latest_tp[t]
        begin_p = self.row_ptr[row_p]
        end_p = self.row_ptr[row_p + 1]
        if (row_p < 0).any():
            end_p = begin_p + (end_p - begin_p) * (row_p >= 0)
        return Wishes(begin_p, end_p, self.asset_w, self.weight_w, self.speaks_tp[t])
