"""What a person or another program wants held, and from which close on it counts.

Targets come in two kinds. **Decisions** are about one name each: the weight stands until a later
decision on the same name, until it expires, or until its stop. **Portfolios** are a whole row of
weights for a date: a name that the date does not mention is not held. Both become signals of the
panel here, row by row from what was known at that row's close, so that a target that is written
later never changes an earlier wish.

For a feed `macro` the signals are `macro`, the weight that stands at each close (NaN for none), and
of decisions also `macro.stop`, the loss at which a position is closed (NaN for none), and
`macro.loss`, the deepest loss at a close since the decision, measured from the position's entry.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isfinite

import numpy as np
import polars as pl

from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.domain.money import F32, F64, I64, Days
from podshop.market.visibility import first_rows

LARGEST_WEIGHT = 10.0
"""More than this in one name is no weight but units, currency or a percentage."""

SCHEMA = {
    "known_at": pl.Datetime("us", "UTC"),
    "date": pl.Date(),
    "symbol": pl.String(),
    "weight": pl.Float64(),
    "units": pl.Float64(),
    "nav": pl.Float64(),
    "expires": pl.Date(),
    "stop": pl.Float64(),
    "place": pl.String(),
}
"""Columns of `Targets.frame`."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of a manager on one name.

    Attributes:
        at: when it was made, with a time zone; it counts from the first close at or after.
        symbol: the name.
        weight: fraction of the pod's capital to hold, negative for short, 0 to close.
        thesis: why.
        author: who decided.
        expires: the position is closed at the first close on or after this day; None for never.
        stop: loss since entry, fraction, at which the position is closed; None for none.
        via: the way it came, such as "webhook 5f3a" with its nonce; "" for the command line.
    """

    at: datetime
    symbol: str
    weight: float
    thesis: str
    author: str
    expires: date | None = None
    stop: float | None = None
    via: str = ""

    def __post_init__(self) -> None:
        """Refuse what nobody can act on, naming the field."""
        if self.at.tzinfo is None:
            raise ValueError(f"at: {self.at} has no time zone; write 2026-01-30T21:00:00Z")
        if not self.symbol or self.symbol != self.symbol.strip():
            raise ValueError(f"symbol: {self.symbol!r} is no symbol")
        check_weight(self.weight)
        for name in ("symbol", "thesis", "author", "via"):
            if not getattr(self, name).isprintable():
                raise ValueError(f"{name}: must be one line of printable characters")
        if not self.thesis.strip():
            raise ValueError("thesis: is empty; say why, in one sentence")
        if not self.author.strip():
            raise ValueError("author: is empty; say who decides")
        if self.stop is not None:
            check_stop(self.stop)
        if self.expires is not None and self.expires <= self.at.astimezone(UTC).date():
            raise ValueError(f"expires: {self.expires} is not after the decision, {self.at:%F}")


def check_weight(weight: float) -> None:
    """Refuse what is no fraction of a capital.

    Raises:
        ValueError: it is not finite, or so large that it must be units, currency or per cent.
    """
    if not isfinite(weight):
        raise ValueError(f"weight: {weight} is no number to hold")
    if abs(weight) > LARGEST_WEIGHT:
        raise ValueError(
            f"weight: {weight:g} is no fraction of the capital; 0.1 is a tenth "
            "(units or values need a column nav or cash)"
        )


def check_stop(stop: float) -> None:
    """Refuse what is no loss.

    Raises:
        ValueError: it is not a fraction above 0 and up to 1.
    """
    if not 0.0 < stop <= 1.0:
        raise ValueError(f"stop: {stop:g} is no loss; 0.05 closes a position that lost 5 %")


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """The targets of one file.

    Attributes:
        source: the file, for complaints.
        whole: True for portfolios, which have a `date`; False for decisions, which have `known_at`.
        frame: columns of `SCHEMA` in the order of the file. Where `weight` is empty, it is
            `units` x that day's close / `nav`. A row of a portfolio without a symbol only says
            that there is a portfolio on its date. `place` is where the row stands in the file.
    """

    source: str
    whole: bool
    frame: pl.DataFrame


def of_decisions(source: str, decisions: list[Decision]) -> Targets:
    """Decisions as targets; `place` is the number of the line, from 1."""
    rows = [
        {
            "known_at": made.at,
            "symbol": made.symbol,
            "weight": made.weight,
            "expires": made.expires,
            "stop": made.stop,
            "place": f"line {number}",
        }
        for number, made in enumerate(decisions, start=1)
    ]
    return Targets(source, False, pl.DataFrame(rows, schema=SCHEMA))


def signals_of(name: str, targets: Targets, panel: Panel) -> dict[str, F32]:
    """The targets as signals of a panel.

    Args:
        name: of the feed.
        targets: what is wanted.
        panel: sessions, names and prices.

    Returns:
        (T, N) float32 by name, see the head of this file.

    Raises:
        DataError: a name that is wanted is not in the data, or units have no price.
    """
    if targets.whole:
        return {name: _portfolios(targets, panel)}
    return _decisions(name, targets, panel)


# --- portfolios -----------------------------------------------------------------------------------


def _portfolios(targets: Targets, panel: Panel) -> F32:
    """Each date's weights stand from the close of its session to that of the next date."""
    weights = np.full(panel.close.shape, np.nan, dtype=np.float32)
    if targets.frame.is_empty():
        return weights
    frame = targets.frame
    dates, which_e = np.unique(frame.get_column("date").to_numpy(), return_inverse=True)
    row_k = _session(pl.Series(dates), panel.days)
    column = _columns(panel)
    n_e = np.array([column.get(s, -1) if s else -2 for s in frame.get_column("symbol").to_list()])
    weight_e = frame.get_column("weight").fill_null(np.nan).to_numpy().copy()
    for e in np.flatnonzero(np.isnan(weight_e) & (n_e >= 0) & (row_k[which_e] < len(panel))):
        weight_e[e] = _worth(targets, panel, int(row_k[which_e[e]]), int(e), int(n_e[e]))
    wanted = (weight_e != 0.0) & (frame.get_column("units").fill_null(np.nan).to_numpy() != 0.0)
    if (lost := np.flatnonzero((n_e == -1) & wanted)).size:
        raise _absent(
            targets, frame.item(int(lost[0]), "place"), frame.item(int(lost[0]), "symbol")
        )
    table = np.zeros((len(dates), len(column)))
    known_e = n_e >= 0
    table[which_e[known_e], n_e[known_e]] = weight_e[known_e]
    last_t = np.searchsorted(row_k, np.arange(len(panel)), side="right") - 1
    seen = last_t >= 0
    weights[seen] = table[last_t[seen]]
    return weights


def _worth(targets: Targets, panel: Panel, t: int, e: int, n: int) -> float:
    """The weight of units at the close of their date, which must be a session with a price."""
    day, units, nav, place = targets.frame.select("date", "units", "nav", "place").row(e)
    price = float(panel.close[t, n])
    if panel.days[t] != np.datetime64(day) or not isfinite(price):
        raise DataError(
            f"{targets.source} {place}: {panel.assets.symbols[n]} has no close on {day}, so its "
            "units have no value; give a column weight, or value, instead"
        )
    weight: float = units * price / nav
    return weight


# --- decisions ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What one decision says of one name, for the rows [start, stop)."""

    start: int
    stop: int
    weight: float
    loss: float
    lapsed: bool  # it ends by itself, not by a later decision


def _decisions(name: str, targets: Targets, panel: Panel) -> dict[str, F32]:
    """Decisions, name by name, with their expiry and the loss since entry."""
    shape = panel.close.shape
    weight, loss, stop = (np.full(shape, np.nan, dtype=np.float32) for _ in range(3))
    column = _columns(panel)
    for (symbol,), mine in targets.frame.group_by("symbol", maintain_order=True):
        n = column.get(str(symbol))
        if n is None:
            _refuse_absent(targets, mine, panel)
            continue
        held = 0.0  # index at the entry of the position that stands, with its sign; 0 for none
        for part in _stretches(mine, panel.days):
            span = slice(part.start, part.stop)
            weight[span, n] = part.weight
            if part.weight == 0.0:
                held = 0.0
                continue
            held = held if held * part.weight > 0.0 else _entry(panel.index[span, n], part.weight)
            lost = deepest(panel.index[span, n], held)
            loss[span, n], stop[span, n] = lost, part.loss
            out = part.lapsed or (len(lost) > 0 and lost[-1] >= np.float32(part.loss))
            held = 0.0 if out else held
    # All three always: a first stop must not change what earlier sessions are known by.
    return {name: weight, f"{name}.loss": loss, f"{name}.stop": stop}


def _stretches(mine: pl.DataFrame, days: Days) -> Iterator[_Stretch]:
    """The stretches of rows of one name's decisions; of those of one session, the last counts."""
    ordered = mine.sort("known_at", maintain_order=True)
    row_e = first_rows(ordered.get_column("known_at"), days)
    ends_e = np.append(row_e[1:], len(days))
    for e, (weight, expires, stop) in enumerate(
        ordered.select("weight", "expires", "stop").iter_rows()
    ):
        start, end = int(row_e[e]), int(ends_e[e])
        over = len(days) if expires is None else int(np.searchsorted(days, np.datetime64(expires)))
        if start < end:
            loss = np.nan if stop is None else stop
            yield _Stretch(start, max(start, min(end, over)), weight, loss, over < end)


def _entry(index: F64, side: float) -> float:
    """The first index that is known, with the sign of the position; 0 where there is none."""
    known = index[np.isfinite(index)]
    return float(np.copysign(known[0], side)) if len(known) else 0.0


def deepest(index: F64, entry: float) -> F32:
    """The deepest loss so far of a position, at each close.

    Args:
        index: (T,) total-return index; NaN where there is no price.
        entry: index at the entry, negative for a short position; 0 where there was no price yet.

    Returns:
        (T,) fraction of the entry that was lost at worst, 0 where nothing was.
    """
    if entry == 0.0:
        return np.zeros(len(index), dtype=np.float32)
    change = (index / abs(entry) - 1.0) * np.sign(entry)
    lost: F32 = np.fmax.accumulate(np.fmax(-change, 0.0)).astype(np.float32)
    return lost


# --- names and sessions ---------------------------------------------------------------------------


def _session(dates: pl.Series, days: Days) -> I64:
    """(E,) the session of each date, or the next one; T where there is none yet."""
    found: I64 = np.searchsorted(days, dates.to_numpy().astype("datetime64[D]")).astype(np.int64)
    return found


def _columns(panel: Panel) -> dict[str, int]:
    return {symbol: n for n, symbol in enumerate(panel.assets.symbols)}


def _refuse_absent(targets: Targets, mine: pl.DataFrame, panel: Panel) -> None:
    """Refuse a name without data while a decision on it stands; closed ones are no matter."""
    last = mine.row(-1, named=True)
    over = last["expires"] is not None and np.datetime64(last["expires"]) <= panel.days[-1]
    if last["weight"] != 0.0 and not over:
        raise _absent(targets, last["place"], last["symbol"])


def _absent(targets: Targets, place: str, symbol: str) -> DataError:
    return DataError(
        f"{targets.source} {place}: {symbol} is not in the market data\n"
        "  -> mend the symbol (a later decision with weight 0 takes it back), or bring its prices"
    )
