"""The book: everything the fund owns and remembers at one close, as read-only arrays.

Holdings are packed slots sorted by key = pod * N + asset. The centre holds cash only; it is the
`reserve` of the fund and appears as pod number P (named "centre") in tables.
"""

from dataclasses import dataclass, fields
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import numpy as np

from podshop.domain.life import Asked
from podshop.domain.money import F64, I8, I64
from podshop.domain.pod import PodStatus, Stage


@dataclass(frozen=True, slots=True)
class Life:
    """Where the pods stand in their lives, for funds that follow them.

    Attributes:
        place_p: (P,) `Stage` last entered; CUT and TERMINATED follow from the book's status.
        since_p: (P,) day on which it was entered.
        cycle_p: (P,) cycle from which its sessions count: of entering it, for pods with capital of
            their first capital.
        part_p: (P,) share of its target capital that a pod gets.
        hold_p: (P,) share of its capital that people and reviews leave a pod; 1.0 is all.
        weak_p: (P,) quarters in a row that were too weak.
        asked: what people asked and no cycle has answered yet.
        paper: the notional book of the pods on paper, in which all others are closed; None when
            there are none.
    """

    place_p: I8
    since_p: I64
    cycle_p: I64
    part_p: F64
    hold_p: F64
    weak_p: I64
    asked: tuple[Asked, ...]
    paper: "Book | None"


def open_life(pods: int) -> Life:
    """The lives of P pods that nobody has staged: all have what the book gives them."""
    return Life(
        place_p=np.full(pods, Stage.FULL, dtype=np.int8),
        since_p=np.full(pods, -1, dtype=np.int64),
        cycle_p=np.full(pods, -1, dtype=np.int64),
        part_p=np.ones(pods),
        hold_p=np.ones(pods),
        weak_p=np.zeros(pods, dtype=np.int64),
        asked=(),
        paper=None,
    )


@dataclass(frozen=True, slots=True)
class Book:
    """State of the fund after a cycle; the fold of the journal.

    Attributes:
        day: session as days since 1970-01-01; -1 before the first.
        cycle: number of the last cycle; -1 before the first.
        key_s: (S,) pod * N + asset of each slot, ascending.
        lots_s: (S,) lots held, negative when short.
        want_s: (S,) lots wanted; the difference is traded at the next open.
        mark_n: (N,) last known value of one lot, micros.
        cash_p: (P,) cash of each pod, micros; may be negative.
        nav_p: (P,) cash plus holdings at the mark, micros.
        nominal_p: (P,) capital before the cut, micros; moves with the unit value, reset by
            allocation.
        mark_p: (P,) high-water mark of nominal_p, micros; moves along when capital is given or
            taken.
        borne_p: (P,) nominal capital that the lots held were sized on; differs from nominal_p from
            a change of capital to the next close.
        night_p: (P,) return already booked today on borne_p; 0.0 at every close.
        unit_p: (P,) nominal unit value, 1.0 at hiring.
        peak_p: (P,) high-water mark of unit_p.
        keep_p: (P,) share of the nominal capital in use: 1.0, 0.5 after a halving, 0.0 when
            terminated.
        rung_p: (P,) rungs of the ladder that have fired since the last peak.
        status_p: (P,) `PodStatus`.
        closed_day_p: (P,) day on which a pod was closed; -1 while it lives.
        returns_hp: (H, P) latest nominal returns of the pods, oldest first.
        fund_returns_h: (H,) latest returns of the fund.
        rate_h: (H,) what idle cash earned in the same nights, fraction.
        reserve: cash of the centre, micros.
        nav: NAV of the fund, micros.
        skimmed: gains taken off the risk, part of the NAV, micros; 0 where all gains compound.
        mark: high-water mark of the risk capital, micros; 0 before there is one.
        fund_unit, fund_peak: flow-free unit value of the fund and its high-water mark.
        fund_rung: rungs of the fund's own ladder that have fired.
        halted: True after a halt: everything is closed and nothing opened until a person resumes.
        blocked: True after a reconciliation break: no new risk, closing allowed.
        cursor: the broker's position in its own event stream.
        life: where the pods stand in their lives; None in a fund that does not follow them.
    """

    day: int
    cycle: int
    key_s: I64
    lots_s: I64
    want_s: I64
    mark_n: I64
    cash_p: I64
    nav_p: I64
    nominal_p: I64
    mark_p: I64
    borne_p: I64
    night_p: F64
    unit_p: F64
    peak_p: F64
    keep_p: F64
    rung_p: I8
    status_p: I8
    closed_day_p: I64
    returns_hp: F64
    fund_returns_h: F64
    rate_h: F64
    reserve: int
    nav: int
    skimmed: int
    mark: int
    fund_unit: float
    fund_peak: float
    fund_rung: int
    halted: bool
    blocked: bool
    cursor: str
    life: Life | None = None

    @property
    def part_p(self) -> F64:
        """(P,) share of its target capital that each pod gets: below 1.0 in the ramp."""
        return np.ones(len(self.unit_p)) if self.life is None else self.life.part_p

    @property
    def hold_p(self) -> F64:
        """(P,) share of its capital that people and reviews leave each pod."""
        return np.ones(len(self.unit_p)) if self.life is None else self.life.hold_p

    @property
    def stage_p(self) -> I8:
        """(P,) `Stage` of each pod."""
        full = np.full(len(self.unit_p), Stage.FULL, dtype=np.int8)
        place_p = full if self.life is None else self.life.place_p
        invested = (place_p == Stage.RAMP) | (place_p == Stage.FULL)
        ended = invested & (self.status_p >= PodStatus.CLOSING)
        cut = invested & (self.status_p == PodStatus.CUT)
        return np.where(ended, Stage.TERMINATED, np.where(cut, Stage.CUT, place_p)).astype(np.int8)

    @property
    def drawdown_p(self) -> F64:
        """(P,) 1 - unit value / high-water mark."""
        return 1.0 - self.unit_p / self.peak_p

    @property
    def drawdown(self) -> float:
        """Drawdown of the fund's flow-free unit value."""
        return 1.0 - self.fund_unit / self.fund_peak

    @property
    def risk_capital(self) -> int:
        """What allocation shares out: NAV without what was skimmed, micros; never more than NAV."""
        return max(0, self.nav - max(0, self.skimmed))

    def digest(self) -> str:
        """Fingerprint of the whole state; equal books have equal digests, bit for bit."""
        h = blake2b(digest_size=16)
        for f in fields(self):
            if f.name != "life":
                _print(h, f.name, getattr(self, f.name))
        if self.life is not None:
            for f in fields(self.life):
                value = getattr(self.life, f.name)
                _print(h, f.name, value.digest() if isinstance(value, Book) else value)
        return h.hexdigest()


def _print(h: "blake2b", name: str, value: object) -> None:
    """Feed one field to a fingerprint, every bit of it."""
    if isinstance(value, np.ndarray):
        h.update(f"{name}{value.dtype.str}{value.shape}".encode())
        h.update(np.ascontiguousarray(value).tobytes())
    else:
        h.update(f"{name}={value!r};".encode())


_NAMES = tuple(f.name for f in fields(Book))
_PLACE = {name: at for at, name in enumerate(_NAMES)}
_TAKE = attrgetter(*_NAMES)
_PUT = tuple(getattr(Book, name).__set__ for name in _NAMES)


def but(book: Book, **changes: Any) -> Book:
    """The same book but for some attributes.

    What `dataclasses.replace` does, in half the time: it runs for every event of every day.
    """
    values = list(_TAKE(book))
    for name, value in changes.items():
        values[_PLACE[name]] = value
    made = object.__new__(Book)
    for put, value in zip(_PUT, values, strict=True):
        put(made, value)
    return made


HISTORY_DAYS = 252
"""Longest window of pod returns that a book remembers (allocation looks back one year)."""


def open_book(pods: int, assets: int, capital_micros: int) -> Book:
    """The book before the first cycle: all capital is cash of the centre.

    Args:
        pods: number of pods P.
        assets: number of assets N.
        capital_micros: the capital paid in.
    """
    zero = np.zeros(pods, dtype=np.int64)
    none = np.zeros(0, dtype=np.int64)
    return Book(
        day=-1,
        cycle=-1,
        key_s=none,
        lots_s=none,
        want_s=none,
        mark_n=np.zeros(assets, dtype=np.int64),
        cash_p=zero,
        nav_p=zero,
        nominal_p=zero,
        mark_p=zero,
        borne_p=zero,
        night_p=np.zeros(pods),
        unit_p=np.ones(pods),
        peak_p=np.ones(pods),
        keep_p=np.ones(pods),
        rung_p=np.zeros(pods, dtype=np.int8),
        status_p=np.zeros(pods, dtype=np.int8),
        closed_day_p=np.full(pods, -1, dtype=np.int64),
        returns_hp=np.zeros((0, pods)),
        fund_returns_h=np.zeros(0),
        rate_h=np.zeros(0),
        reserve=capital_micros,
        nav=capital_micros,
        skimmed=0,
        mark=0,
        fund_unit=1.0,
        fund_peak=1.0,
        fund_rung=0,
        halted=False,
        blocked=False,
        cursor="",
    )
