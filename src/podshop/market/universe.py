"""Which names a strategy may hold on a day, decided with what was known on that day (R1).

    `sound`     names whose history can be studied: long enough, without holes, without jumps that
                look like errors, liquid
    `screen`    the largest names by volume that are liquid, not penny stocks, not too wild
    `members`   the names that an index had on each day
    `listed`    the names that have begun to trade and are not known to be gone

All give a (T, N) table of True and False whose row t is made of rows <= t alone, so a name that
will be delisted is in until it leaves, and nothing that happens later changes an earlier row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from podshop.domain.market import Panel
from podshop.domain.money import F64, Bools, Days

YEAR_SESSIONS = 252


@dataclass(frozen=True, slots=True)
class Soundness:
    """What makes a history fit to be studied.

    Attributes:
        least_days: sessions with a price that a name must have had.
        holes: sessions without a price, since its first one, that it may have.
        jump: size of a return that is looked at, fraction. A jump that nothing explains and the
            next session takes back is a bad tick; others may be true (AIG and Hartford in 2008
            were).
        jump_left: share of a jump that may be left for it to count as taken back.
        jump_money: money traded, against its median of the 20 sessions before, from which on news
            explains a jump; unknown volume explains nothing.
        least_money: average money traded in a session over `liquid_days`, currency units; names
            whose volume is unknown pass.
        liquid_days: sessions of that average.
    """

    least_days: int = 504
    holes: int = 0
    jump: float = 0.5
    jump_left: float = 0.2
    jump_money: float = 2.5
    least_money: float = 1e6
    liquid_days: int = 63


@dataclass(frozen=True, slots=True)
class Screen:
    """What makes a name one of the universe.

    Attributes:
        lookback_days: calendar days that averages are over.
        names: most names by average volume.
        least_volume: average lots a session.
        least_price: average close, currency units.
        most_volatility: standard deviation of daily returns times sqrt(252), fraction a year.
        least_share: share of the lookback's sessions on which a name must have had a price.
    """

    lookback_days: int = 730
    names: int = 500
    least_volume: float = 100_000.0
    least_price: float = 4.0
    most_volatility: float = 0.25
    least_share: float = 0.9


@dataclass(frozen=True, slots=True)
class Sound:
    """Which names were sound when, and why others were not.

    Attributes:
        sound_tn: (T, N) True where a name could be studied.
        dropped: symbol, date (the first on which it was not sound although it had a price and a
            long enough history), reason, sessions for which that holds.
    """

    sound_tn: Bools
    dropped: pl.DataFrame


def sound(panel: Panel, params: Soundness | None = None) -> Sound:
    """Names whose history up to each session can be studied.

    Args:
        panel: history.
        params: what is asked of a history; None = R1's figures.
    """
    p = params or Soundness()
    priced = ~np.isnan(panel.close)
    had = priced.cumsum(axis=0)
    listed = had > 0
    holes = (listed & ~priced).cumsum(axis=0)
    reasons = {
        "holes": holes > p.holes,
        "a jump that was taken back": reverted_jumps(panel, p).cumsum(axis=0) > 0,
        "too little traded": _illiquid(panel, p),
    }
    long_enough = had >= p.least_days
    good = long_enough & priced
    for bad in reasons.values():
        good &= ~bad
    told = [
        row
        for name, bad in reasons.items()
        for row in _first_days(panel, bad & long_enough & priced, name)
    ]
    kinds = {"symbol": pl.String, "date": pl.Date, "reason": pl.String, "sessions": pl.Int64}
    return Sound(good, pl.DataFrame(told, schema=kinds, orient="row").sort("symbol", "reason"))


def reverted_jumps(panel: Panel, params: Soundness) -> Bools:
    """(T, N) True on the session on which a jump of the session before turns out to be an error.

    The jump came without news (little money changed hands), and the next return takes it back but
    for a small part. A crash stays down or trades, and is left alone: deleting it would delete what
    a strategy must survive.
    """
    log = np.log1p(np.nan_to_num(panel.returns, nan=0.0))
    before, now = log[:-1], log[1:]
    # A fall of a half and a rise of a half are not the same size; in logs they are compared fairly.
    large = (before > np.log1p(params.jump)) | (before < np.log1p(-params.jump))
    back = np.abs(before + now) < params.jump_left * np.abs(before)
    found = np.zeros(panel.returns.shape, dtype=np.bool_)
    found[1:] = large & back
    for t, n in np.argwhere(found).tolist():
        money = panel.close[max(t - 21, 0) : t, n] * panel.volume[max(t - 21, 0) : t, n]
        usual = money[:-1][np.isfinite(money[:-1])]
        if len(usual) and money[-1] >= params.jump_money * float(np.median(usual)):
            found[t, n] = False
    return found


def listed(panel: Panel) -> Bools:
    """(T, N) True from a name's first price until it has been silent for `panel.gone_days`.

    A name that will be delisted is in until it is known to be gone, not until its last price.
    """
    priced = ~np.isnan(panel.close)
    row = np.arange(len(panel), dtype=np.int64)[:, None]
    last = np.maximum.accumulate(np.where(priced, row, -1), axis=0)
    there: Bools = (last >= 0) & (row - last < panel.gone_days)
    return there


def screen(panel: Panel, params: Screen | None = None) -> Bools:
    """The largest liquid names of each session.

    Args:
        panel: history; volume must be known.
        params: what is asked of a name; None = R1's figures.

    Returns:
        (T, N) True where a name is in the universe. Averages are over the sessions of the
        lookback, the session itself included, in lots of that session, so that a split moves
        neither price nor volume; before a full lookback nothing is in.
    """
    p = params or Screen()
    days = panel.days
    first_t = np.searchsorted(days, days - np.timedelta64(p.lookback_days, "D"), side="right")
    whole = days - np.timedelta64(p.lookback_days, "D") >= days[0] - np.timedelta64(1, "D")
    lots = panel.split.cumprod(axis=0)
    sums = _windowed(panel, lots, first_t)
    count, sessions = sums["count"], (np.arange(len(days)) - first_t + 1)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        price, volume = sums["close"] / count / lots, sums["volume"] / sums["traded"] * lots
        moves = np.maximum(sums["moves"], 1)
        variance = (sums["square"] - sums["move"] ** 2 / moves) / np.maximum(moves - 1, 1)
    wild = np.sqrt(np.maximum(variance, 0.0) * YEAR_SESSIONS) > p.most_volatility
    fit = (price >= p.least_price) & (volume >= p.least_volume) & ~wild
    fit &= (count >= p.least_share * sessions) & ~np.isnan(panel.close) & whole[:, None]
    return _largest(np.where(fit, volume, -np.inf), fit, p.names)


def members(table: pl.DataFrame, days: Days, symbols: Sequence[str]) -> Bools:
    """The names that an index had on each day.

    Args:
        table: symbol (or ticker), start_date, end_date; an empty end means still.
        days: (T,) sessions.
        symbols: N names.

    Returns:
        (T, N) True from the start day on, up to the day before the end.
    """
    column = {name: n for n, name in enumerate(symbols)}
    inside = np.zeros((len(days), len(symbols)), dtype=np.bool_)
    name = "symbol" if "symbol" in table.columns else "ticker"
    for symbol, start, end in table.select(name, "start_date", "end_date").iter_rows():
        if symbol in column:
            a = int(np.searchsorted(days, np.datetime64(str(start))))
            b = len(days) if not end else int(np.searchsorted(days, np.datetime64(str(end))))
            inside[a:b, column[symbol]] = True
    return inside


def _illiquid(panel: Panel, p: Soundness) -> Bools:
    """(T, N) True where the average money traded is known and too small."""
    money = panel.close * panel.volume
    known = ~np.isnan(money)
    total = np.vstack([np.zeros((1, money.shape[1])), np.where(known, money, 0.0).cumsum(axis=0)])
    count = np.vstack([np.zeros((1, money.shape[1]), dtype=np.int64), known.cumsum(axis=0)])
    first = np.maximum(np.arange(len(money)) + 1 - p.liquid_days, 0)
    last = np.arange(len(money)) + 1
    n = count[last] - count[first]
    thin: Bools = (n > 0) & (total[last] - total[first] < p.least_money * np.maximum(n, 1))
    return thin


def _windowed(panel: Panel, lots: F64, first_t: np.ndarray) -> dict[str, F64]:
    """Sums of closes, volumes and returns over rows first_t[t]..t, and how many there were.

    Closes and volumes are of the lots that there were at the beginning: `lots` for one of them.
    """
    priced = ~np.isnan(panel.close)
    known = priced & ~np.isnan(panel.volume)
    moved = ~np.isnan(panel.returns)
    move = np.where(moved, panel.returns, 0.0)
    columns = {
        "count": priced.astype(np.float64),
        "close": np.where(priced, panel.close * lots, 0.0),
        "volume": np.where(known, panel.volume / lots, 0.0),
        "traded": known.astype(np.float64),
        "moves": moved.astype(np.float64),
        "move": move,
        "square": move * move,
    }
    last = np.arange(len(first_t)) + 1
    sums = {}
    for name, values in columns.items():
        total = np.vstack([np.zeros((1, values.shape[1])), values.cumsum(axis=0)])
        sums[name] = total[last] - total[first_t]
    return sums


def _largest(score: F64, fit: Bools, names: int) -> Bools:
    """(T, N) the `names` largest scores of each row among those that are fit."""
    if score.shape[1] <= names:
        return fit
    chosen = np.zeros(fit.shape, dtype=np.bool_)
    order = np.argsort(-score, axis=1, kind="stable")[:, :names]
    np.put_along_axis(chosen, order, values=True, axis=1)
    return chosen & fit


def _first_days(panel: Panel, bad: Bools, reason: str) -> list[tuple[str, object, str, int]]:
    """For each name that is dropped for a reason: since when, and for how many sessions."""
    return [
        (
            panel.assets.symbols[n],
            panel.days[int(bad[:, n].argmax())].item(),
            reason,
            int(bad[:, n].sum()),
        )
        for n in np.flatnonzero(bad.any(axis=0))
    ]
