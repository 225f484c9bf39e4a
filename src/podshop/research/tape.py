"""What a run records: one row a session and pod, and columns of everything that was traded.

Books, fills and payoffs go in; the polars frames of `Run` come out. The tape judges nothing.
"""

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from podshop.attribution.tensor import PARTS, Payoff
from podshop.domain.book import Book
from podshop.domain.event import (
    CENTRE,
    ActionApplied,
    Allocated,
    Breached,
    BreakFound,
    Delisted,
    Event,
    Filled,
    FundOpened,
    Halted,
    Marked,
    OrderIntended,
    PodAdmitted,
    PodClosed,
    RulesChanged,
    SplitApplied,
)
from podshop.domain.life import Answered, Asked, Audited, PodsListed, PodStaged, Reviewed
from podshop.domain.money import F64, I8, I64
from podshop.domain.pod import PodStatus
from podshop.ledger.entry import encode

TOLD = (
    FundOpened,
    SplitApplied,
    Delisted,
    BreakFound,
    Breached,
    ActionApplied,
    PodClosed,
    Allocated,
    Halted,
    RulesChanged,
    PodAdmitted,
    PodsListed,
    Asked,
    Answered,
    PodStaged,
    Audited,
    Reviewed,
)
"""Kinds that the table of events shows; the journal has all."""


LARGE = 1_000
"""Rows of an event above which it is worth packing."""


class Kept:
    """The columns of an event in a fraction of the room; reading one makes it anew.

    What the fills of an order share (name, price, kind, order) is kept once for each run of rows,
    every column in the narrowest integers that hold it.
    """

    SHARED = ("asset_r", "price_r", "kind_r", "order_r")

    def __init__(self, event: Filled) -> None:
        """Pack every column of the event."""
        shared = [getattr(event, name) for name in self.SHARED]
        changes = np.zeros(len(event.pod_r) - 1, dtype=np.bool_)
        for column_r in shared:
            changes |= column_r[1:] != column_r[:-1]
        first = np.concatenate(([0], np.flatnonzero(changes) + 1))
        self._times = np.diff(first, append=len(event.pod_r)).astype(np.int32)
        self._columns = {
            f.name: _narrow(getattr(event, f.name))
            for f in fields(event)
            if f.name not in self.SHARED
        }
        self._columns |= {
            name: _narrow(column_r[first])
            for name, column_r in zip(self.SHARED, shared, strict=True)
        }

    def __getattr__(self, name: str) -> I64:
        """Unpack a column."""
        if name.startswith("_") or name not in self._columns:
            raise AttributeError(name)
        column_r = self._columns[name].astype(np.int64)
        return np.repeat(column_r, self._times) if name in self.SHARED else column_r


def _narrow(column_r: I64) -> npt.NDArray[np.integer]:
    """The same numbers in the narrowest integers that hold them."""
    low, high = (int(column_r.min()), int(column_r.max())) if len(column_r) else (0, 0)
    for kind in (np.int8, np.int16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return column_r.astype(kind)
    return column_r


@dataclass(slots=True)
class Tape:
    """Columns of a run over D sessions and P pods; part tables have the centre as row P.

    Attributes:
        day_d: sessions as days since 1970-01-01.
        fills, orders, payoffs: blocks of columns, each with its day first.
        told: (seq, day, kind, pod, detail) of the events worth a line.
        detail: True when payoffs are kept by asset.
    """

    day_d: I64
    nav_dp: I64
    unit_dp: F64
    nominal_dp: I64
    keep_dp: F64
    status_dp: I8
    part_dpk: I64
    nav_d: I64
    unit_d: F64
    cash_d: I64
    detail: bool
    fills: list[tuple[int, Filled | Kept]] = field(default_factory=list)
    orders: list[tuple[int, OrderIntended]] = field(default_factory=list)
    payoffs: list[tuple[int, Payoff]] = field(default_factory=list)
    allocations: list[tuple[int, Allocated]] = field(default_factory=list)
    told: list[tuple[int, int, str, int, str]] = field(default_factory=list)

    @classmethod
    def blank(cls, day_d: I64, pods: int, detail: bool) -> "Tape":
        """A tape for D sessions and P pods."""
        shape = (len(day_d), pods)
        return cls(
            day_d=day_d,
            nav_dp=np.zeros(shape, dtype=np.int64),
            unit_dp=np.ones(shape),
            nominal_dp=np.zeros(shape, dtype=np.int64),
            keep_dp=np.ones(shape),
            status_dp=np.zeros(shape, dtype=np.int8),
            part_dpk=np.zeros((len(day_d), pods + 1, PARTS), dtype=np.int64),
            nav_d=np.zeros(len(day_d), dtype=np.int64),
            unit_d=np.ones(len(day_d)),
            cash_d=np.zeros(len(day_d), dtype=np.int64),
            detail=detail,
        )

    def close(self, d: int, book: Book) -> None:
        """Record the state of the fund after the decision of session d."""
        pods = len(book.nav_p)
        self.nav_dp[d, :pods] = book.nav_p
        self.unit_dp[d, :pods] = book.unit_p
        self.nominal_dp[d, :pods] = book.nominal_p
        self.keep_dp[d, :pods] = book.keep_p
        self.status_dp[d, :pods] = book.status_p
        self.status_dp[d, pods:] = PodStatus.CLOSED  # listed later
        self.nav_d[d] = book.nav
        self.unit_d[d] = book.fund_unit
        self.cash_d[d] = int(book.cash_p.sum()) + book.reserve

    def hear(self, d: int, events: tuple[Event, ...], first_seq: int) -> None:
        """Record the events of session d; `first_seq` is the journal number of the first, -1 for
        none.
        """
        day = int(self.day_d[d])
        for offset, event in enumerate(events):
            if isinstance(event, Filled):
                self.fills.append((day, Kept(event) if len(event.pod_r) > LARGE else event))
            elif isinstance(event, OrderIntended):
                self.orders.append((day, event))
            elif isinstance(event, Marked) and len(event.stale_r):
                seq = first_seq + offset if first_seq >= 0 else -1
                stale = orjson.dumps({"stale_assets": event.stale_r.tolist()}).decode()
                self.told.append((seq, day, "Marked", CENTRE, stale))
            elif isinstance(event, TOLD):
                if isinstance(event, Allocated):
                    self.allocations.append((day, event))
                seq = first_seq + offset if first_seq >= 0 else -1
                self.told.append(
                    (seq, day, type(event).__name__, _pod_of(event), encode(event).decode())
                )

    def explain(self, d: int, payoff: Payoff) -> None:
        """Record the payoff of session d."""
        self.credit(d, payoff.by_pod_part(self.nav_dp.shape[1]))
        if self.detail:
            self.payoffs.append((int(self.day_d[d]), payoff))

    def credit(self, d: int, parts_pk: I64) -> None:
        """Record the (P + 1, parts) sums of session d."""
        self.part_dpk[d] += parts_pk

    def peak_dp(self) -> F64:
        """(D, P) high-water marks of the unit values; each life of a pod has its own."""
        peak_dp = np.maximum(np.maximum.accumulate(self.unit_dp, axis=0), 1.0)
        closed_dp = self.status_dp == PodStatus.CLOSED
        for d, p in np.argwhere(closed_dp[:-1] & ~closed_dp[1:]):
            born = slice(d + 1, None)
            peak_dp[born, p] = np.maximum(np.maximum.accumulate(self.unit_dp[born, p]), 1.0)
        return peak_dp

    def cut(self, sessions: int) -> None:
        """Shorten the tape to the sessions that will be run."""
        for column in fields(self):
            value = getattr(self, column.name)
            if isinstance(value, np.ndarray):
                setattr(self, column.name, value[:sessions])

    def residual(self, opening_nav: int) -> int:
        """Largest |change of fund NAV - sum of parts| over all sessions, micros; 0 by law 9."""
        change = np.diff(self.nav_d, prepend=opening_nav)
        return int(np.abs(change - self.part_dpk.sum(axis=(1, 2))).max(initial=0))


def _pod_of(event: Any) -> int:
    if isinstance(event, Breached):
        return event.breach.pod
    return int(getattr(event, "pod", -1))
