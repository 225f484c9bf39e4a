"""Which names a strategy may look at on a day, from what was known at that day's close.

Four rules, each a (T, N) answer of which row t needs rows 0..t alone; they are joined with `&`.

    listed      has traded, and is not gone yet: names that leave later are in until they leave
    members     in an index, by the dated list of who entered and left
    preprocess  long, unbroken and plausible enough a history to study
    screen      large, liquid and calm enough over a lookback

`preprocess` and `screen` say why a name is out (`Universe.reason_tn`), the first reason that holds.
A jump of more than half is no reason by itself: banks did fall so in 2008. It is one when nothing
explains it and the price takes it back, which is what a bad tick does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.domain.money import F64, I8, I64, Bools, Days

SESSIONS_A_YEAR = 252
IN = 0
REASONS = (
    "in",
    "no price in the session",
    "too little history",
    "sessions are missing",
    "a jump that nothing explains was taken back",
    "it hardly trades",
    "average volume too low",
    "average price too low",
    "volatility too high",
    "not among the largest by volume",
    "out before this screen",
)
"""What a number in `Universe.reason_tn` says."""


@dataclass(frozen=True, slots=True)
class Params:
    """Thresholds of `preprocess` and `screen`.

    Attributes:
        history_sessions: sessions with a price that a name needs, up to the day; the window in
            which they may not be broken.
        jump: return of one session, as a fraction either way, that is looked into.
        jump_sessions: sessions within which a jump that is taken back is a bad tick.
        jump_left: share of the jump (log) that may be left then.
        jump_money: money traded against its median of the 20 sessions before, from which on news
            explains a jump.
        idle_share: share of the window's sessions without a trade above which a name hardly trades.
        lookback_days: calendar days that the screen averages over.
        coverage: share of the lookback's sessions that must have a price.
        top: names kept, by average volume.
        volume_least: lots a session, average, in lots of the day of decision.
        price_least: currency units, average, per lot of the day of decision.
        volatility_most: deviation of daily returns a year, fraction.
    """

    history_sessions: int = 504
    jump: float = 0.5
    jump_sessions: int = 5
    jump_left: float = 0.2
    jump_money: float = 2.5
    idle_share: float = 0.05
    lookback_days: int = 730
    coverage: float = 0.95
    top: int = 500
    volume_least: float = 100_000.0
    price_least: float = 4.0
    volatility_most: float = 0.25


DEFAULT = Params()


@dataclass(frozen=True, slots=True)
class Universe:
    """Who is in on each session, and why the others are not.

    Attributes:
        days: (T,) sessions.
        symbols: N names.
        reason_tn: (T, N) numbers of `REASONS`; 0 = in.
    """

    days: Days
    symbols: tuple[str, ...]
    reason_tn: I8

    @property
    def member_tn(self) -> Bools:
        """(T, N) True where a name is in."""
        member_tn: Bools = self.reason_tn == IN
        return member_tn

    def dropped(self) -> pl.DataFrame:
        """Who was out and why: symbol, reason, sessions, first, last; by symbol, then reason."""
        rows = []
        for n, symbol in enumerate(self.symbols):
            for code in np.unique(self.reason_tn[:, n]):
                if code != IN:
                    (at,) = np.nonzero(self.reason_tn[:, n] == code)
                    days = self.days[at[[0, -1]]].astype(object)
                    rows.append((symbol, REASONS[code], len(at), *days))
        kinds: dict[str, type[pl.DataType]] = {
            "symbol": pl.String,
            "reason": pl.String,
            "sessions": pl.Int64,
            "first": pl.Date,
            "last": pl.Date,
        }
        return pl.DataFrame(rows, schema=kinds, orient="row")


def listed(panel: Panel) -> Bools:
    """(T, N) True from a name's first price until it has been silent for `panel.gone_days`."""
    silent_tn = _silent(panel)
    return (silent_tn >= 0) & (silent_tn < panel.gone_days)


def members(table: pl.DataFrame, days: Days, symbols: Sequence[str]) -> Bools:
    """Who was in an index on each day, by a dated list.

    Args:
        table: ticker, start_date (first day in), end_date (first day out; empty = still in); a
            ticker may be there several times.
        days: (T,) sessions.
        symbols: N names, as the table spells them on those days.

    Returns:
        (T, N) True where a name was in; names that the table does not know never are.

    Raises:
        DataError: a column is missing, or a stay ends before it begins.
    """
    missing = {"ticker", "start_date", "end_date"} - set(table.columns)
    if missing:
        raise DataError(
            f"the list of members has no column {', '.join(sorted(missing))}; it needs ticker, "
            "start_date and end_date"
        )
    column = {symbol: n for n, symbol in enumerate(symbols)}
    member_tn = np.zeros((len(days), len(symbols)), dtype=np.bool_)
    for ticker, start, end in table.select("ticker", "start_date", "end_date").iter_rows():
        if start is None or (end is not None and end < start):
            raise DataError(f"the list of members: {ticker} stays from {start} to {end}; mend it")
        if ticker in column:
            first = np.searchsorted(days, np.datetime64(start, "D"))
            last = len(days) if end is None else np.searchsorted(days, np.datetime64(end, "D"))
            member_tn[first:last, column[ticker]] = True
    return member_tn


def jumps(panel: Panel, params: Params = DEFAULT) -> pl.DataFrame:
    """Every return beyond `params.jump`, and what became of it.

    A jump is explained when much money changed hands, and reverting when within `jump_sessions` the
    total-return level is back where it was. Only one that is unexplained and reverts is `bad`, and
    that is known on `reverted`, no earlier.

    Returns:
        symbol, date, change (fraction), explained, reverted (day, or empty), bad.
    """
    rows = [
        (
            panel.assets.symbols[n],
            panel.days[s].astype(object),
            float(panel.returns[s, n]),
            explained,
            None if back < 0 else panel.days[back].astype(object),
            back >= 0 and not explained,
        )
        for s, n, explained, back in _jumps(panel, params)
    ]
    kinds: dict[str, type[pl.DataType]] = {
        "symbol": pl.String,
        "date": pl.Date,
        "change": pl.Float64,
        "explained": pl.Boolean,
        "reverted": pl.Date,
        "bad": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=kinds, orient="row")


def preprocess(panel: Panel, params: Params = DEFAULT) -> Universe:
    """Names with enough of a history at each close; see `Params` for what is enough.

    Args:
        panel: T sessions, N names.
        params: thresholds.
    """
    window = params.history_sessions
    priced_tn = np.isfinite(panel.close)
    known_tn = _trailing(priced_tn, window)
    started_tn = np.maximum.accumulate(priced_tn, axis=0)
    lacking_tn = _trailing(started_tn & ~priced_tn, window)
    bad_tn = np.zeros(priced_tn.shape, dtype=np.bool_)
    for s, n, explained, back in _jumps(panel, params):
        if back >= 0 and not explained:
            bad_tn[back : s + window, n] = True
    # A session whose volume nobody knows is no evidence of idleness.
    idle_tn = _trailing(panel.volume == 0.0, window)
    reason_tn = _first_of(
        (1, ~priced_tn),
        (3, lacking_tn > 0),
        (2, known_tn < window),
        (4, bad_tn),
        (5, idle_tn > params.idle_share * np.maximum(known_tn, 1)),
    )
    return Universe(panel.days, panel.assets.symbols, reason_tn)


def screen(panel: Panel, params: Params = DEFAULT, among: Bools | None = None) -> Universe:
    """The largest names by volume that are liquid, dear and calm enough over the lookback.

    Averages are over the sessions with a price (or volume) of the last `lookback_days` calendar
    days, in lots of the day of decision, so that a split moves neither.

    Args:
        panel: T sessions, N names.
        params: thresholds.
        among: (T, N) names that may be in, such as `preprocess(panel).member_tn`; None = all.
    """
    priced_tn = np.isfinite(panel.close)
    first_t = np.searchsorted(panel.days, panel.days - params.lookback_days, side="right")
    lots_tn = np.cumprod(panel.split, axis=0)
    sessions = params.lookback_days * SESSIONS_A_YEAR / 365.0
    known_tn = _since(priced_tn.astype(np.float64), first_t)
    with np.errstate(invalid="ignore", divide="ignore"):
        volume_tn = _mean(panel.volume / lots_tn, first_t) * lots_tn
        price_tn = _mean(panel.close * lots_tn, first_t) / lots_tn
        variance_tn = _mean(panel.returns**2, first_t) - _mean(panel.returns, first_t) ** 2
        volatility_tn = np.sqrt(np.maximum(variance_tn, 0.0) * SESSIONS_A_YEAR)
        # What is not known (NaN) does not pass.
        reason_tn = _first_of(
            (10, np.zeros_like(priced_tn) if among is None else ~among),
            (1, ~priced_tn),
            (2, known_tn < params.coverage * sessions),
            (6, ~(volume_tn >= params.volume_least)),
            (7, ~(price_tn >= params.price_least)),
            (8, ~(volatility_tn <= params.volatility_most)),
        )
    out_tn = (reason_tn == IN) & ~_largest(volume_tn, reason_tn == IN, params.top)
    reason_tn[out_tn] = 9
    return Universe(panel.days, panel.assets.symbols, reason_tn)


# --- what they are made of ------------------------------------------------------------------------


def _first_of(*cases: tuple[int, Bools]) -> I8:
    """(T, N) the code of the first case that holds; 0 where none does."""
    reason_tn = np.full(cases[0][1].shape, IN, dtype=np.int8)
    for code, holds_tn in reversed(cases):
        reason_tn[holds_tn] = code
    return reason_tn


def _silent(panel: Panel) -> I64:
    """(T, N) sessions since the last price; -1 before the first."""
    row_t = np.arange(len(panel), dtype=np.int64)[:, None]
    last_tn = np.maximum.accumulate(np.where(np.isfinite(panel.close), row_t, -1), axis=0)
    return np.where(last_tn < 0, -1, row_t - last_tn)


def _trailing(true_tn: Bools, window: int) -> I64:
    """(T, N) how often it was true in the last `window` sessions, this one included."""
    total_tn = np.cumsum(true_tn, axis=0, dtype=np.int64)
    total_tn[window:] -= total_tn[:-window].copy()
    return total_tn


def _since(value_tn: F64, first_t: I64) -> F64:
    """(T, N) sums of the rows first_t[t]..t; what is not finite counts as 0."""
    total_tn = np.zeros((len(value_tn) + 1, value_tn.shape[1]))
    np.cumsum(np.where(np.isfinite(value_tn), value_tn, 0.0), axis=0, out=total_tn[1:])
    return total_tn[1:] - total_tn[first_t]


def _mean(value_tn: F64, first_t: I64) -> F64:
    """(T, N) means of the finite values of the rows first_t[t]..t; NaN where there are none."""
    return _since(value_tn, first_t) / _since(np.isfinite(value_tn).astype(np.float64), first_t)


def _largest(value_tn: F64, among_tn: Bools, top: int) -> Bools:
    """(T, N) True for the `top` largest of each row; a tie goes to the lower number."""
    if value_tn.shape[1] <= top:
        return among_tn
    order_tn = np.argsort(np.where(among_tn, -value_tn, np.inf), axis=1, kind="stable")[:, :top]
    kept_tn = np.zeros(value_tn.shape, dtype=np.bool_)
    np.put_along_axis(kept_tn, order_tn, values=True, axis=1)
    return kept_tn & among_tn


def _jumps(panel: Panel, params: Params) -> list[tuple[int, int, bool, int]]:
    """Rows (session, name, explained, session at which it is taken back or -1) by session."""
    found = []
    money_tn = panel.close * panel.volume
    at_s, at_n = np.nonzero(np.abs(panel.returns) > params.jump)
    for s, n in zip(at_s.tolist(), at_n.tolist(), strict=True):
        usual = money_tn[max(s - 20, 0) : s, n]
        usual = usual[np.isfinite(usual)]
        explained = len(usual) > 0 and bool(
            money_tn[s, n] >= params.jump_money * float(np.median(usual))
        )
        before = panel.index[s, n] / (1.0 + panel.returns[s, n])
        left = np.abs(np.log(panel.index[s + 1 : s + 1 + params.jump_sessions, n] / before))
        room = params.jump_left * abs(np.log1p(panel.returns[s, n]))
        (back,) = np.nonzero(left <= room)
        found.append((s, n, explained, s + 1 + int(back[0]) if len(back) else -1))
    return found
