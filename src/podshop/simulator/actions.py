"""Raw prices out of total returns: splits, reverse splits and dividends on the way.

The close of a session follows from the one before by the house's identity,

    (close + dividend) * split / close before = 1 + total return

with the dividend per lot after that session's split. A split comes when the price has run beyond
what its owners like to see on the tape; a reverse split when it is too low to stay listed.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.money import F32, F64, I64
from podshop.simulator.lives import Lives
from podshop.simulator.returns import Course
from podshop.simulator.streams import stream

QUARTER = 63
"""Sessions between dividends."""
RATIOS = np.array([2.0, 3.0, 1.5, 4.0])
RATIO_SHARE = np.array([0.6, 0.15, 0.2, 0.05])
LEAST_PRICE = 1e-4


@dataclass(frozen=True, slots=True)
class Habits:
    """What companies do to their shares.

    Attributes:
        price: median price of a lot at the start, currency units.
        price_spread: standard deviation of its logarithm over names.
        split_above: price above which a company splits, over `price`, median over names.
        reverse_below: price below which it does the reverse; the exchanges' bid rule asks for 1.
        reverse_ratio: lots after one lot before in a reverse split.
        patience_sessions: mean sessions from there to the split.
        payers_share: of names that pay dividends; about 40 to 50 % of US listed companies.
        yield_year: median dividend yield of payers, fraction; the S&P 500's is 1.5 to 2 %.
        yield_spread: standard deviation of its logarithm over names.
        declared_sessions: sessions from declaration to ex-date.
        paid_sessions: sessions from ex-date to payment.
    """

    price: float = 38.0
    price_spread: float = 0.8
    split_above: float = 5.0
    reverse_below: float = 1.0
    reverse_ratio: float = 0.1
    patience_sessions: float = 40.0
    payers_share: float = 0.45
    yield_year: float = 0.018
    yield_spread: float = 0.5
    declared_sessions: int = 20
    paid_sessions: int = 15


@dataclass(frozen=True, slots=True)
class Prices:
    """Raw closes and what happened to lots.

    Attributes:
        close_tn: (T, N) exact raw closes in currency per lot; NaN where not listed.
        lots_tn: (T, N) lots outstanding.
        split_t, split_n, split_e: rows, names and ratios of splits.
        paid_t, paid_n, paid_e: rows (ex), names and amounts per lot of dividends.
    """

    close_tn: F64
    lots_tn: F32
    split_t: I64
    split_n: I64
    split_e: F64
    paid_t: I64
    paid_n: I64
    paid_e: F64


def prices(course: Course, lives: Lives, seed: int, p: Habits) -> Prices:
    """Walk every name from its first price through its actions."""
    rows, names = course.returns_tn.shape
    draw = stream(seed, "shares")
    wide = np.exp(np.log(p.price) + p.price_spread * draw.standard_normal(names))
    price: F64 = np.round(np.clip(wide, 3.0, 900.0), 2)
    above = p.price * p.split_above * np.exp(0.5 * draw.standard_normal(names))
    above = np.maximum(above, 1.5 * price)
    pays = draw.random(names) < p.payers_share
    quarterly = np.exp(p.yield_spread * draw.standard_normal(names)) * p.yield_year / 4.0
    phase = (lives.first_n + draw.integers(p.declared_sessions + 1, QUARTER + 21, names)) % QUARTER
    amount = np.where(pays, np.round(quarterly * price, 4), 0.0)
    lots = np.round(np.exp(course.log_value_n) / price)
    turn = stream(seed, "splits")
    close_tn = np.empty((rows, names))
    lots_tn = np.empty((rows, names), dtype=np.float32)
    splits: list[tuple[I64, I64, F64]] = []
    paid: list[tuple[I64, I64, F64]] = []
    for t in range(rows):
        chance, kind = turn.random((2, names))
        open_n = (lives.first_n < t) & (lives.last_n >= t)
        price = np.asarray(price * (1.0 + course.returns_tn[t]))
        ready = open_n & (chance < 1.0 / p.patience_sessions) & (t < lives.last_n - 5)
        ready &= (price > above) | (price < p.reverse_below)
        if ready.any():
            n = np.flatnonzero(ready)
            chosen = RATIOS[np.searchsorted(np.cumsum(RATIO_SHARE)[:-1], kind[n])]
            ratio = np.where(price[n] > above[n], chosen, p.reverse_ratio)
            price[n] /= ratio
            amount[n] = np.round(amount[n] / ratio, 4)
            lots[n] = np.round(lots[n] * ratio)
            splits.append((np.full(len(n), t), n, ratio))
        due = open_n & (amount > 0.0) & (t % QUARTER == phase)
        due &= t >= lives.first_n + p.declared_sessions
        if due.any():
            n = np.flatnonzero(due & (amount < 0.05 * price))  # omitted where it would be a tenth
            price[n] -= amount[n]
            paid.append((np.full(len(n), t), n, amount[n].copy()))
        if t % (4 * QUARTER) == 0:
            # A board thinks of its dividend once a year, and dislikes to cut it.
            hoped = np.round(quarterly * price, 4)
            amount = np.where(pays, np.clip(hoped, 0.7 * amount, 1.3 * amount + 1e-4), 0.0)
            amount = np.round(amount, 4)
        np.maximum(price, LEAST_PRICE, out=price)
        close_tn[t], lots_tn[t] = price, lots
    close_tn[~lives.listed(rows)] = np.nan
    return Prices(close_tn, lots_tn, *_packed(splits), *_packed(paid))


def _packed(parts: list[tuple[I64, I64, F64]]) -> tuple[I64, I64, F64]:
    """Rows, names and values of many sessions as three arrays."""
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    t, n, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    return t.astype(np.int64), n.astype(np.int64), value


def dense(row_e: I64, n_e: I64, value_e: F64, shape: tuple[int, int], empty: float) -> F64:
    """(T, N) of rare values, `empty` elsewhere."""
    out = np.full(shape, empty)
    out[row_e, n_e] = value_e
    return out
