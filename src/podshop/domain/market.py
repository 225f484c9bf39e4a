"""What was known: `Panel`, the floats that pods study, and `Market`, the integers of the books.

Both come from the same raw table. A panel or market that is handed on is cut at the day in
question: looking ahead is excluded by what is passed, not by good manners.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from podshop.domain.asset import Assets
from podshop.domain.error import DataError
from podshop.domain.money import F32, F64, I64, Bools, Days

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Panel:
    """Daily history of a universe as pods see it.

    The arrays are read-only floats, NaN where there is no price.

    Attributes:
        days: (T,) sessions, ascending.
        assets: the universe, N names.
        open, high, low, close: (T, N) raw prices (not adjusted).
        volume: (T, N) lots traded; NaN where unknown.
        dividend: (T, N) cash per lot that goes ex on the session (per lot after that day's split).
        split: (T, N) lots after one lot before; 1.0 on ordinary days.
        returns: (T, N) total return of the session against the last known price; NaN without a
            price.
        index: (T, N) total-return index, 1.0 at the first price, built forward, so that later
            events never change earlier values.
        rate_t: (T,) interest for holding cash into the session, as a fraction of the cash.
        benchmark_t: (T,) level of the benchmark; NaN where there is none.
        gone_days: sessions in a row without a price after which an asset counts as gone.
        opens: True when the data has opening prices (else fills happen at the next close).
        source: one sentence on where the data comes from, shown in reports.
        signals: (T, N) float32 figures made of other data, by name ("smart_money", "sentiment");
            each value was public at the close of its session; NaN where nothing is known.
    """

    days: Days
    assets: Assets
    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64
    dividend: F64
    split: F64
    returns: F64
    index: F64
    rate_t: F64
    benchmark_t: F64
    gone_days: int
    opens: bool
    source: str
    signals: Mapping[str, F32] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.days)

    def signal(self, name: str) -> F32:
        """One of the signals.

        Args:
            name: as in `FIELDS`, without "signals.".

        Returns:
            (T, N) float32, NaN where nothing is known.

        Raises:
            DataError: the source of the panel does not have it.
        """
        if name not in self.signals:
            there = ", ".join(sorted(self.signals)) or "none"
            raise DataError(
                f'{self.source}: no signal "{name}" (it has: {there})\n'
                "  -> fill the store with alternative data and make its scores, or take a pod that "
                "needs none"
            )
        return self.signals[name]

    @classmethod
    def from_frame(cls, frame: "pl.DataFrame", **options: Any) -> "Panel":
        """Build a panel from a long table of prices; see `market.panel.from_frame`."""
        # The builder is the only place that needs polars.
        from podshop.market.panel import from_frame

        return from_frame(frame, **options)

    def rows(self, start: int, stop: int) -> Self:
        """Keep the sessions [start, stop), as views; nothing from `stop` on can be reached."""
        if start == 0 and stop >= len(self.days):
            return self
        names = [f.name for f in fields(self)]
        cut: dict[str, Any] = {
            name: getattr(self, name)[start:stop]
            for name in names
            if name not in ("assets", "gone_days", "opens", "source", "signals")
        }
        if self.signals:
            cut["signals"] = {name: x[start:stop] for name, x in self.signals.items()}
        return replace(self, **cut)

    def until(self, day: np.datetime64) -> "Panel":
        """Keep the sessions up to and including `day`."""
        return self.rows(0, int(np.searchsorted(self.days, day, side="right")))

    def row(self, day: np.datetime64) -> int:
        """Find the row of a session.

        Raises:
            DataError: the day is not a session of this panel.
        """
        i = int(np.searchsorted(self.days, day))
        if i >= len(self.days) or self.days[i] != day:
            raise DataError(f"{day} is not a session of the data ({self.days[0]}..{self.days[-1]})")
        return i


@dataclass(frozen=True, slots=True)
class Daily:
    """Rare happenings by session, packed: those of row t are `[start_t[t]:start_t[t + 1]]`.

    Attributes:
        start_t: (T + 1,) offsets.
        asset: ids, ascending within a session.
        value: micros per lot for dividends, millionths for split ratios, 0 for delistings.
    """

    start_t: I64
    asset: I64
    value: I64

    def at(self, t: int) -> tuple[I64, I64]:
        """Assets and values of row t."""
        a, b = self.start_t[t], self.start_t[t + 1]
        return self.asset[a:b], self.value[a:b]

    def rows(self, start: int, stop: int) -> "Daily":
        """Keep the sessions [start, stop); values are shared, the offsets stay absolute."""
        return Daily(self.start_t[start : stop + 1], self.asset, self.value)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Market:
    """Daily market as the books see it: integers, one row a session.

    Attributes:
        days: (T,) sessions.
        assets: the universe, N names.
        sector_n: (N,) sector number of each asset.
        reference_tn: (T, N) micros per lot at which pods cross and fills are judged: the open, or
            the close where the data has only closes; 0 = not tradable in the session.
        mark_tn: (T, N) value of one lot at the close in micros, carried forward over missing days;
            0 before the first price.
        traded_tn: (T, N) True when the session has a price of its own.
        volume_tn: (T, N) lots traded; -1 where unknown.
        returns_nt: (N, T) float32 total returns, asset-major for trailing windows; 0 where missing.
        dividends, splits, delistings: happenings by session.
        rate_t: (T,) interest on cash held into the session, fraction.
        year_t: (T,) calendar time since the previous session in years (act/365), for borrow fees.
        opens: True when reference_tn are opening prices.
        signals: the panel's signals; books do not read them, but wishes do, so the journal's
            fingerprint of a session covers them.
    """

    days: Days
    assets: Assets
    sector_n: I64
    reference_tn: I64
    mark_tn: I64
    traded_tn: Bools
    volume_tn: I64
    returns_nt: F32
    dividends: Daily
    splits: Daily
    delistings: Daily
    rate_t: F64
    year_t: F64
    opens: bool
    signals: Mapping[str, F32] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.days)

    def until(self, t: int) -> Self:
        """Keep rows 0..t: everything known at the close of row t, nothing later."""
        return replace(
            self,
            days=self.days[: t + 1],
            reference_tn=self.reference_tn[: t + 1],
            mark_tn=self.mark_tn[: t + 1],
            traded_tn=self.traded_tn[: t + 1],
            volume_tn=self.volume_tn[: t + 1],
            returns_nt=self.returns_nt[:, : t + 1],
            dividends=self.dividends.rows(0, t + 1),
            splits=self.splits.rows(0, t + 1),
            delistings=self.delistings.rows(0, t + 1),
            rate_t=self.rate_t[: t + 1],
            year_t=self.year_t[: t + 1],
            signals={name: x[: t + 1] for name, x in self.signals.items()},
        )
