"""A return series by stretches of time: months, years, crises, rolling windows; and its tails.

Returns are simple returns a session. A benchmark is NaN on sessions that have none; a stretch with
such a session has no benchmark figure, so that nothing is compared over different days.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from podshop.domain.money import F64, Bools, Days
from podshop.research.metrics.numbers import NAN, mean_where, std, value_paths
from podshop.research.metrics.sample import Sample
from podshop.research.series import TINY, drawdown_series, underwater

PERIODS = 252
"""Sessions a year."""

WINDOWS = (63, 126, 252)
"""Sessions of a quarter, half a year, a year."""

CRISES = (
    ("Dot-com bust", "2000-03-27", "2002-10-09"),
    ("Financial crisis", "2007-10-10", "2009-03-09"),
    ("Flash crash month", "2010-05-03", "2010-05-28"),
    ("Euro crisis and US downgrade", "2011-07-25", "2011-10-03"),
    ("COVID crash", "2020-02-20", "2020-03-23"),
    ("Inflation of 2022", "2022-01-04", "2022-10-12"),
    ("Carry unwind", "2024-08-01", "2024-08-05"),
)
"""(name, first, last session): falls of the S&P 500 from the session after its high to its low."""

TAILS = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)
"""Shares whose quantiles the table of tails has."""


def compound(returns: F64) -> float:
    """Return over all rows together; NaN of nothing, or where one is NaN."""
    return float(np.prod(1.0 + returns)) - 1.0 if returns.size else NAN


def deepest(returns: F64) -> float:
    """Largest share lost since a high within the rows, positive; NaN where one is NaN."""
    if not returns.size:
        return NAN
    return max(float(drawdown_series(value_paths(returns)).max()), 0.0)


@dataclass(frozen=True, slots=True)
class Months:
    """Compound returns by calendar month.

    Attributes:
        years: (Y,) calendar years, each of them, oldest first.
        returns: (Y, 12) of the months; NaN where there is no session.
        whole: (Y,) of the years; NaN where there is no session.
    """

    years: tuple[int, ...]
    returns: F64
    whole: F64


def months(days: Days, returns: F64) -> Months:
    """Compound returns of the calendar months; the first and the last may be part of one.

    Args:
        days: (T,) sessions, ascending.
        returns: (T,) simple returns.
    """
    month_t = days.astype("datetime64[M]").astype(np.int64)
    found, first = np.unique(month_t, return_index=True)
    begin, end = int(month_t[0]) // 12, int(month_t[-1]) // 12 + 1
    flat = np.full((end - begin) * 12, NAN)
    flat[found - begin * 12] = np.multiply.reduceat(1.0 + returns, first) - 1.0
    table = flat.reshape(-1, 12)
    known = np.isfinite(table)
    whole = np.where(known, 1.0 + table, 1.0).prod(axis=1) - 1.0
    years = tuple(range(begin + 1970, end + 1970))
    return Months(years, table, np.where(known.any(axis=1), whole, NAN))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A strategy and its benchmark over some sessions.

    Attributes:
        name: of the year or the crisis.
        first, last: first and last session.
        sessions: how many.
        strategy, benchmark: compound returns; NaN where unknown.
        drawdown, benchmark_drawdown: deepest fall since a high within the stretch, positive.
        sharpe: a year, of the stretch's sessions.
    """

    name: str
    first: np.datetime64
    last: np.datetime64
    sessions: int
    strategy: float
    benchmark: float
    drawdown: float
    benchmark_drawdown: float
    sharpe: float

    @property
    def difference(self) -> float:
        """Strategy less benchmark."""
        return self.strategy - self.benchmark


def calendar_years(days: Days, returns: F64, benchmark: F64, rf: float = 0.0) -> list[Stretch]:
    """The calendar years, oldest first.

    Args:
        days: (T,) sessions, ascending.
        returns: (T,) of the strategy.
        benchmark: (T,) NaN where unknown.
        rf: risk-free rate a year.
    """
    year_t = days.astype("datetime64[Y]").astype(np.int64) + 1970
    return [
        _stretch(str(year), year_t == year, days, returns, benchmark, rf)
        for year in np.unique(year_t).tolist()
    ]


def crises(days: Days, returns: F64, benchmark: F64, rf: float = 0.0) -> list[Stretch]:
    """What happened in the falls of `CRISES` that lie inside the data from first to last session.

    Args:
        days: (T,) sessions, ascending.
        returns: (T,) of the strategy.
        benchmark: (T,) NaN where unknown.
        rf: risk-free rate a year.
    """
    found = []
    for name, first, last in CRISES:
        a, b = np.datetime64(first), np.datetime64(last)
        inside = (days >= a) & (days <= b)
        if days[0] <= a and days[-1] >= b and inside.any():
            found.append(_stretch(name, inside, days, returns, benchmark, rf))
    return found


def _stretch(
    name: str, rows: Bools, days: Days, returns: F64, benchmark: F64, rf: float
) -> Stretch:
    """The sessions of a mask as one stretch."""
    r, b = returns[rows], benchmark[rows]
    sample = Sample(r[None, :], rf, PERIODS)
    return Stretch(
        name=name,
        first=days[rows][0],
        last=days[rows][-1],
        sessions=int(r.size),
        strategy=compound(r),
        benchmark=compound(b),
        drawdown=deepest(r),
        benchmark_drawdown=deepest(b),
        sharpe=sample.sr.item() * sample.root,
    )


@dataclass(frozen=True, slots=True)
class Fall:
    """A spell below the high-water mark.

    Attributes:
        depth: share lost at the trough.
        begin, trough, end: first session below, deepest one, first one back; end None while it
            lasts.
        down, up: sessions from the high to the trough, and from there back to it (so far).
    """

    depth: float
    begin: np.datetime64
    trough: np.datetime64
    end: np.datetime64 | None
    down: int
    up: int


def falls(days: Days, returns: F64, most: int = 10) -> list[Fall]:
    """The deepest spells below the high-water mark, deepest first.

    Args:
        days: (T,) sessions.
        returns: (T,) simple returns.
        most: how many at most.
    """
    spells = sorted(underwater(value_paths(returns)), key=lambda spell: -spell.depth)[:most]
    return [
        Fall(
            depth=s.depth,
            begin=days[s.begin],
            trough=days[s.trough],
            end=None if s.end is None else days[s.end],
            down=s.trough - s.begin + 1,
            up=(len(days) - 1 if s.end is None else s.end) - s.trough,
        )
        for s in spells
    ]


@dataclass(frozen=True, slots=True)
class Rolling:
    """Trailing windows; row t looks at the `window` sessions that end with it, NaN before.

    Attributes:
        window: sessions.
        total: (T,) compound return over the window, not a year's.
        volatility: (T,) a year.
        sharpe: (T,) a year; NaN where nothing moved.
        beta: (T,) on the benchmark; NaN where a session has none.
    """

    window: int
    total: F64
    volatility: F64
    sharpe: F64
    beta: F64


def rolling(returns: F64, benchmark: F64, window: int, rf: float = 0.0) -> Rolling:
    """Figures of every trailing window.

    Args:
        returns: (T,) of the strategy.
        benchmark: (T,) NaN where unknown.
        window: sessions, at least 2.
        rf: risk-free rate a year.
    """
    total, volatility, sharpe, beta = (np.full(returns.size, NAN) for _ in range(4))
    if returns.size < window:
        return Rolling(window, total, volatility, sharpe, beta)
    r = np.lib.stride_tricks.sliding_window_view(returns, window)
    b = np.lib.stride_tricks.sliding_window_view(benchmark, window)
    f = (1.0 + rf) ** (1.0 / PERIODS) - 1.0
    at = slice(window - 1, None)
    total[at] = np.prod(1.0 + r, axis=1) - 1.0
    centred = r - r.mean(axis=1, keepdims=True)
    deviation = np.sqrt((centred**2).sum(axis=1) / (window - 1))
    deviation[deviation <= TINY * np.abs(r).max(axis=1)] = 0.0
    volatility[at] = deviation * np.sqrt(PERIODS)
    excess, moved = r.mean(axis=1) - f, deviation > 0.0
    sharpe[at] = np.divide(
        excess * np.sqrt(PERIODS), deviation, out=np.full(moved.size, NAN), where=moved
    )
    market = b - b.mean(axis=1, keepdims=True)
    variance = (market**2).sum(axis=1)
    beta[at] = np.divide(
        (centred * market).sum(axis=1),
        variance,
        out=np.full(moved.size, NAN),
        where=variance > 0.0,
    )
    return Rolling(window, total, volatility, sharpe, beta)


@dataclass(frozen=True, slots=True)
class Tail:
    """One row of the table of tails.

    Attributes:
        share: of the sessions.
        quantile: of the strategy's returns, linear between order statistics.
        beyond: mean of the returns at or beyond it, on the nearer side; NaN in the middle.
        normal: the same quantile of a normal of the same mean and deviation.
        benchmark: quantile of the benchmark's returns where it has them.
    """

    share: float
    quantile: float
    beyond: float
    normal: float
    benchmark: float


def tails(returns: F64, benchmark: F64) -> list[Tail]:
    """Quantiles of the returns beside those of a normal and of the benchmark.

    Args:
        returns: (T,) of the strategy.
        benchmark: (T,) NaN where unknown.
    """
    known = benchmark[np.isfinite(benchmark)]
    deviation, middle = std(returns).item(), float(returns.mean())
    return [
        Tail(
            share=share,
            quantile=float(np.quantile(returns, share)),
            beyond=_beyond(returns, share),
            normal=middle + NormalDist().inv_cdf(share) * deviation,
            benchmark=float(np.quantile(known, share)) if known.size else NAN,
        )
        for share in TAILS
    ]


def _beyond(returns: F64, share: float) -> float:
    if share == 0.5:
        return NAN
    edge = np.quantile(returns, share)
    return mean_where(returns, returns <= edge if share < 0.5 else returns >= edge).item()


def beyond_sigma(
    returns: F64, sigmas: tuple[int, ...] = (2, 3, 4)
) -> Iterator[tuple[int, int, float]]:
    """(k, sessions farther than k deviations from the mean, sessions a normal would have there)."""
    deviation, middle = std(returns).item(), float(returns.mean())
    for k in sigmas:
        far = int((np.abs(returns - middle) > k * deviation).sum())
        yield k, far, 2.0 * NormalDist().cdf(-k) * returns.size
