"""Futures: which contract is held when, and one series without gaps of what holding it earned.

1 `from_curve`  rows of `futures_curve` into the contracts of one root, by expiry
2 `rolled`      the contract held after each close, and the points it moved over each night
3 `Rolled`      points joined forward (`adjusted`) or so that they end at today's price
                (`back_adjusted`), and the rolls with their gaps
4 `lot_values`  value of one contract in the fund's currency, to be the close of a panel

A roll sells one contract and buys the next at the settlements of one session; the difference of the
two prices is no profit and no loss. So the value of a lot adds up the points of the contracts that
were really held, times multiplier and exchange rate: a book that holds lots of it earns, to the
micro, what those contracts earned. It is built forward, so a later roll never changes an earlier
value. Its level drifts away from the price of the newest contract; a position sized by volatility
does not mind, for the level cancels out of target volatility / (points a day / level) / level.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from podshop.domain.error import DataError
from podshop.domain.money import F64, I64, Bools, Days


@dataclass(frozen=True, slots=True)
class Terms:
    """What a contract of a future says.

    Attributes:
        name: of what is traded.
        exchange: where.
        multiplier: currency units a point of price of one contract.
        currency: in which it is settled.
        months: delivery months that are traded enough to be held.
    """

    name: str
    exchange: str
    multiplier: float
    currency: str
    months: tuple[int, ...] = tuple(range(1, 13))


TERMS: Mapping[str, Terms] = {
    "ES": Terms("E-mini S&P 500", "CME", 50.0, "USD", (3, 6, 9, 12)),
    "GC": Terms("gold, 100 troy ounces", "COMEX", 100.0, "USD", (2, 4, 6, 8, 12)),
    "VX": Terms("Cboe Volatility Index", "CFE", 1000.0, "USD"),
}
"""Terms by root, as the exchanges publish them; for other futures make your own `Terms`."""


@dataclass(frozen=True, slots=True)
class Contracts:
    """The contracts of one root, K of them by expiry.

    Attributes:
        root: such as ES.
        days: (T,) sessions on which any of them has a settlement, ascending.
        expiry_k: (K,) last trading days, ascending.
        settle_tk: (T, K) settlement in points; NaN where there is none.
        volume_tk: (T, K) contracts traded; NaN where unknown.
    """

    root: str
    days: Days
    expiry_k: Days
    settle_tk: F64
    volume_tk: F64


@dataclass(frozen=True, slots=True)
class Roll:
    """One change of contract.

    Attributes:
        day: at whose settlements it happens.
        old, new: expiries.
        gap: settlement of the new contract less that of the old one, points.
    """

    day: np.datetime64
    old: np.datetime64
    new: np.datetime64
    gap: float


@dataclass(frozen=True, slots=True)
class Rolled:
    """A root as one position that is always in one contract.

    Attributes:
        root: such as ES.
        days: (T,) sessions.
        held_t: (T,) number of the contract held after the close; -1 before the first.
        expiry_t: (T,) its expiry; NaT before the first.
        price_t: (T,) settlement of the contract held after the close; NaN where it has none.
        moved_t: (T,) points that the contract held over the night moved since its last settlement;
            0 on the first day, NaN where there is no settlement.
        rolls: every change of contract.
    """

    root: str
    days: Days
    held_t: I64
    expiry_t: Days
    price_t: F64
    moved_t: F64
    rolls: tuple[Roll, ...]

    def adjusted(self) -> F64:
        """(T,) points joined forward from the first price; later rolls never change it."""
        known = ~np.isnan(self.moved_t)
        first = float(self.price_t[known][0])
        level = first + np.cumsum(np.where(known, self.moved_t, 0.0))
        return np.where(known, level, np.nan)

    def back_adjusted(self) -> F64:
        """(T,) the same points, shifted so that the last is the price of the contract held now.

        Also called Panama canal method. Every roll shifts its whole past, so it is for charts.
        """
        points = self.adjusted()
        last = int(np.flatnonzero(~np.isnan(points))[-1])
        return points + float(self.price_t[last] - points[last])


def from_curve(curve: pl.DataFrame, root: str, months: tuple[int, ...] = ()) -> Contracts:
    """Pick the contracts of one root.

    Args:
        curve: rows of the market store's table `futures_curve`: root, expiry, date, settle and,
            where known, volume.
        root: such as ES.
        months: months of expiry that may be held; () = all.

    Raises:
        DataError: there is none, or a settlement is not a number above 0.
    """
    rows = curve.filter(pl.col("root") == root)
    if months:
        rows = rows.filter(pl.col("expiry").dt.month().is_in(months))
    if rows.is_empty():
        raise DataError(f"futures_curve has no contract of {root}; sync or import it first")
    settle_r = rows.get_column("settle").cast(pl.Float64).to_numpy()
    wrong = ~(np.isfinite(settle_r) & (settle_r > 0.0))
    if wrong.any():
        bad = rows.row(int(wrong.argmax()), named=True)
        raise DataError(
            f"{root} {bad['expiry']} {bad['date']}: settlement {bad['settle']}; correct or drop it"
        )
    day_r = rows.get_column("date").to_numpy().astype("datetime64[D]")
    expiry_r = rows.get_column("expiry").to_numpy().astype("datetime64[D]")
    days, t_r = np.unique(day_r, return_inverse=True)
    expiries, k_r = np.unique(expiry_r, return_inverse=True)
    settle, volume = np.full((2, len(days), len(expiries)), np.nan)
    settle[t_r, k_r] = settle_r
    if "volume" in rows.columns:
        volume[t_r, k_r] = rows.get_column("volume").cast(pl.Float64).to_numpy()
    return Contracts(root, days, expiries, settle, volume)


def terms_of(futures: pl.DataFrame, root: str) -> Terms:
    """The terms of a root from the market store, or those that are known here.

    Args:
        futures: rows of the table `futures`.
        root: such as ES.

    Raises:
        DataError: nobody knows the root.
    """
    rows = futures.filter(pl.col("root") == root)
    if rows.is_empty() and root in TERMS:
        return TERMS[root]
    if rows.is_empty():
        raise DataError(
            f"{root}: no terms in the table futures; put its multiplier and currency in"
        )
    row = rows.row(0, named=True)
    months = tuple(int(month) for month in (row["months"] or "").split(",") if month)
    given = row["name"] or root, row["exchange"] or "", row["multiplier"], row["currency"]
    return Terms(*given, months or tuple(range(1, 13)))


def rolled(contracts: Contracts, before_days: int = 8, by_volume: bool = False) -> Rolled:
    """Hold the nearest contract and roll before it expires.

    A roll happens at the first close at which the contract is within `before_days` calendar days of
    its expiry, or, `by_volume`, at which the next one traded more; and both have a settlement.
    Everything that decides is known at that close.

    Args:
        contracts: of one root.
        before_days: calendar days before expiry, at least 1.
        by_volume: whether volume rolls, too.

    Raises:
        DataError: a contract ended before the next one had a settlement beside it, or no contract
            is `before_days` from its expiry.
    """
    if before_days < 1:
        raise ValueError(f"before_days must be at least 1, not {before_days}")
    settle, days = contracts.settle_tk, contracts.days
    held_t = np.full(len(days), -1, dtype=np.int64)
    moved_t, price_t = np.full((2, len(days)), np.nan)
    rolls: list[Roll] = []
    k, last = -1, np.nan
    for t in range(len(days)):
        if k < 0:
            k = _nearest(contracts, t, before_days)
            moved_t[t] = 0.0 if k >= 0 else np.nan
        else:
            _refuse_ended(contracts, k, t)
            moved_t[t] = settle[t, k] - last
        if k < 0:
            continue
        following = _following(contracts, k, t)
        if following >= 0 and _due(contracts, k, following, t, before_days, by_volume):
            gap = float(settle[t, following] - settle[t, k])
            rolls.append(Roll(days[t], contracts.expiry_k[k], contracts.expiry_k[following], gap))
            k = following
        held_t[t], price_t[t] = k, settle[t, k]
        last = last if np.isnan(settle[t, k]) else settle[t, k]
    if k < 0:
        raise DataError(f"{contracts.root}: no contract is {before_days} days from its expiry")
    expiry_t = np.where(held_t >= 0, contracts.expiry_k[held_t], np.datetime64("NaT"))
    return Rolled(contracts.root, days, held_t, expiry_t, price_t, moved_t, tuple(rolls))


def _nearest(contracts: Contracts, t: int, before_days: int) -> int:
    """The first contract with a settlement that is not about to be rolled; -1 for none."""
    left = (contracts.expiry_k - contracts.days[t]).astype(np.int64)
    found = np.flatnonzero((left > before_days) & ~np.isnan(contracts.settle_tk[t]))
    return int(found[0]) if len(found) else -1


def _following(contracts: Contracts, k: int, t: int) -> int:
    """The next contract that has a settlement beside this one's; -1 for none."""
    if np.isnan(contracts.settle_tk[t, k]):
        return -1
    later = np.flatnonzero(~np.isnan(contracts.settle_tk[t, k + 1 :]))
    return k + 1 + int(later[0]) if len(later) else -1


def _due(
    contracts: Contracts, k: int, following: int, t: int, before_days: int, by_volume: bool
) -> bool:
    """Whether the contract is near its expiry, or the next one trades more (NaN never does)."""
    left = int((contracts.expiry_k[k] - contracts.days[t]).astype(np.int64))
    busier = bool(contracts.volume_tk[t, following] > contracts.volume_tk[t, k])
    return left <= before_days or (by_volume and busier)


def _refuse_ended(contracts: Contracts, k: int, t: int) -> None:
    """Refuse to hold a contract past its expiry: its successor was never there to roll into."""
    if contracts.days[t] > contracts.expiry_k[k]:
        raise DataError(
            f"{contracts.root} {contracts.expiry_k[k]} ended and no later contract had a "
            "settlement beside it in time; add the missing settlements, or roll earlier"
        )


def lot_values(
    series: Rolled, terms: Terms, fx_t: F64 | None = None, start: float | None = None
) -> F64:
    """Value of one contract: its first price and the points earned since, in the fund's currency.

    value_0 = price_0 * multiplier * fx_0;  value_t = value_(t-1) + points_t * multiplier * fx_t.
    Only what is earned is changed into the fund's currency: a future is settled daily, so its
    notional bears no exchange rate.

    A long position in a root that loses at every roll, as VX does, loses more than its first price
    in the end. Then say what is set aside for a lot at the start: any larger amount gives the same
    profits in money, and a position sized by volatility about the same lots, as long as a day moves
    it by more than the sizing's least volatility.

    Args:
        series: the rolled root.
        terms: for the multiplier.
        fx_t: (T,) units of the fund's currency for one of the contract's at each close; None where
            both are the same.
        start: value_0 in the fund's currency instead of the first price's.

    Returns:
        (T,) currency units a lot; NaN where there is no settlement.

    Raises:
        DataError: the value would not stay above 0, which a price must, or an exchange rate is
            missing.
    """
    rate_t = np.ones(len(series.days)) if fx_t is None else np.asarray(fx_t, dtype=np.float64)
    known: Bools = np.asarray(~np.isnan(series.moved_t))
    if rate_t.shape != series.days.shape or not (rate_t[known] > 0.0).all():
        raise DataError(f"{series.root}: needs an exchange rate above 0 for every settlement")
    points = np.where(known, series.moved_t, 0.0) * terms.multiplier
    first = int(known.argmax())
    if start is None:
        start = float(series.price_t[first]) * terms.multiplier * float(rate_t[first])
    value = np.where(known, start + np.cumsum(points * np.where(known, rate_t, 0.0)), np.nan)
    if np.nanmin(value) <= 0.0:
        t = int(np.flatnonzero(value <= 0.0)[0])
        raise DataError(
            f"{series.root} {series.days[t]}: a lot would be worth {value[t]:.2f}; "
            f"give a `start` above {start - value[known].min():.0f}"
        )
    return value


def collateral_interest(value_t: F64, rate_t: F64) -> F64:
    """Interest that a fund forgoes by paying a future in full, to be the `dividend` of its panel.

    The books know no margin: holding a lot costs its value in cash. A real future costs nothing,
    and the cash goes on earning. Paid as a dividend, that interest reaches whoever is long, and is
    taken from whoever is short, whose proceeds earned it.

    Args:
        value_t: (T,) value of a lot at each close; NaN where there is none.
        rate_t: (T,) fraction of the cash earned into each session (a panel's `rate_t`).

    Returns:
        (T,) currency units a lot, 0 on the first session.

    Raises:
        DataError: a rate is negative; a dividend cannot be.
    """
    if (rate_t < 0.0).any():
        raise DataError("interest below 0 cannot be given back as a dividend; leave it out")
    known = ~np.isnan(value_t)
    newest = np.maximum.accumulate(np.where(known, np.arange(len(value_t)), -1))
    paid = np.zeros(len(value_t))
    held = newest[:-1] >= 0
    paid[1:][held] = (value_t[newest[:-1]] * rate_t[1:])[held]
    return paid
