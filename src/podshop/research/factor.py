"""Is a score worth trading on? What it knows of coming returns, for how long, and at what turnover.

    IC_t(h)     rank correlation over the names of score_t with the return from close t to t + h
    lagged IC   rank correlation of score_t with the return of the one session t + l alone
    half-life   sessions in which the lagged IC halves: a 2^(-(l - 1) / H), weighted least squares
    quantiles   mean return of the next session of the names in each fifth of the score

Errors of means allow for returns that overlap (Newey, West 1987), those of the half-life for
errors that go together (stationary bootstrap, Politis, Romano 1994). A name counts on a day only
if it traded, and its later return only if it trades again; one that leaves within the horizon
counts with its return up to its last price. An IC of the same size as its
error says nothing; with N names and no skill a day's IC is about 1 / sqrt(N) off zero by luck alone
(Grinold, Kahn 2000, "Active portfolio management", chapter 11).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from podshop.domain.error import DataError
from podshop.domain.money import F64, Bools, Days
from podshop.factors import cross_section
from podshop.factors.ranks import Ordered, bucket_means, correlation, ordered
from podshop.research.series import mean_error
from podshop.research.validation import stationary_rows

YEAR, MONTH = 252, 21
"""Sessions."""
HORIZONS = (1, 5, 10, 21, 63)
LAGS = 42
"""Sessions ahead that the decay is looked at."""
LEAST = 30
"""Names that a day needs to say anything."""
FEW = 10
"""The same for one sector."""
Z = 1.959964
"""97.5 % quantile of the normal: 95 % intervals."""
OVERLAP = 3
"""An IC over h sessions is correlated over h - 1 days, by 1 - k / h where the score hardly moves.
Newey and West's weights with h - 1 lags would count 2/3 of that, with 3 h - 1 they count 8/9; with
many more, what is counted is noise."""
SAMPLES = 400
"""Resampled histories for the half-life's interval."""
BLOCK = 10.0
"""Mean sessions of a stretch that they keep together, for volatility that comes in spells."""
HALF_LIVES: F64 = np.geomspace(0.5, 500.0, 800)
"""Half-lives that the fit chooses among, about 1 % apart."""


@dataclass(frozen=True, slots=True)
class Skill:
    """An information coefficient and how sure it is.

    Attributes:
        days: sessions that the return reaches ahead.
        ic: mean over the days.
        error: its standard error.
        ratio: mean over deviation, a year: mean / std * sqrt(252 / days).
        positive: share of the days above 0.
        count: days with enough names.
    """

    days: int
    ic: float
    error: float
    ratio: float
    positive: float
    count: int

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.ic - Z * self.error

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.ic + Z * self.error


@dataclass(frozen=True, slots=True)
class Decay:
    """How long a score knows something.

    Attributes:
        ic: (LAGS,) mean IC with the return of the session that many ahead.
        error: (LAGS,) its standard error.
        half_life: sessions; NaN where there is nothing that could halve.
        low, high: 95 % interval of it.
    """

    ic: F64
    error: F64
    half_life: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Quantiles:
    """What the names in each quantile of the score earned.

    Attributes:
        mean: (Q,) mean return of the next session, a year, lowest score first.
        error: (Q,) standard error of it.
        spread: the highest less the lowest, a year.
        spread_error: of it.
        spread_t: (T,) the spread of each session; NaN without enough names.
        leaving: share of the top quantile that is no longer in it the next session, and 21 later.
    """

    mean: F64
    error: F64
    spread: float
    spread_error: float
    spread_t: F64
    leaving: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a score is worth.

    Attributes:
        name: of the score.
        days: (T,) sessions.
        horizons: skill by horizon.
        ic_t: (T,) IC of each day at the first horizon; NaN without enough names.
        decay: how long it lasts.
        quantiles: what it earned, before costs.
        persistence: rank correlation of the score with itself 1 and 21 sessions later.
        sectors: sector -> skill within it at the last horizon of a month or less.
        names: median number of names with a score.
    """

    name: str
    days: Days
    horizons: tuple[Skill, ...]
    ic_t: F64
    decay: Decay
    quantiles: Quantiles
    persistence: tuple[float, float]
    sectors: dict[str, Skill]
    names: float


def evaluate(
    score: F64,
    index: F64,
    days: Days,
    *,
    priced: Bools | None = None,
    name: str = "score",
    sectors: Sequence[str] = (),
    horizons: Sequence[int] = HORIZONS,
    quantiles: int = 5,
    least: int = LEAST,
    seed: int = 0,
) -> Evaluation:
    """Judge a score against what came after it.

    Args:
        score: (T, N) known at each close; higher is said to be better; NaN where unknown.
        index: (T, N) total-return index, standing still without a price as a panel's does.
        days: (T,) sessions.
        priced: (T, N) True where there is a price; None = wherever the index is known. Without it
            names that left long ago would be judged by returns of 0.
        name: of the score.
        sectors: (N,) sector names; a sector without a name, or with few names, is left out.
        horizons: sessions ahead.
        quantiles: groups of equal size.
        least: names that a day needs.
        seed: of the resampling.

    Returns:
        The evaluation. No figure of day t uses a return before t + 1 or a score after t.

    Raises:
        DataError: shapes differ, or on no day are there enough names.
    """
    if score.shape != index.shape or len(days) != len(score):
        raise DataError(f"score {score.shape}, index {index.shape} and {len(days)} days differ")
    traded = ~np.isnan(index) if priced is None else priced
    score = np.where(traded, score, np.nan)
    later = {h: forward(index, h, traded) for h in sorted({*horizons, 1})}
    ranked, ahead = ordered(score), {h: ordered(x) for h, x in later.items()}
    skills = tuple(_skill(correlation(ranked, ahead[h], 0, least), h) for h in horizons)
    if not any(s.count for s in skills):
        raise DataError(f"{name}: on no day have {least} names a score and a later return")
    month = max((h for h in horizons if h <= MONTH), default=min(horizons))
    return Evaluation(
        name=name,
        days=days,
        horizons=skills,
        ic_t=correlation(ranked, ahead[horizons[0]], 0, least),
        decay=_decay(ranked, ahead[1], least, seed),
        quantiles=_quantiles(score, later[1], quantiles, least),
        persistence=(_lasting(ranked, 1, least), _lasting(ranked, MONTH, least)),
        sectors=_by_sector(score, later[month], sectors, month),
        names=float(np.median((~np.isnan(score)).sum(axis=1))),
    )


def forward(index: F64, days: int, priced: Bools | None = None) -> F64:
    """Returns from each close to the one some sessions later.

    Args:
        index: (T, N) total-return index, standing still without a price.
        days: sessions ahead.
        priced: (T, N) True where there is a price; None = wherever the index is known.

    Returns:
        (T, N); NaN on the last `days` rows and where no later price is among them. A name that
        leaves in between has its return up to its last price: what was left to earn.
    """
    out = np.full(index.shape, np.nan)
    if days >= len(index):
        return out
    out[:-days] = index[days:] / index[:-days] - 1.0
    if priced is not None:
        seen = np.cumsum(priced, axis=0, dtype=np.int32)
        out[:-days][seen[days:] == seen[:-days]] = np.nan
    return out


def _skill(ic_t: F64, days: int) -> Skill:
    known = ic_t[~np.isnan(ic_t)]
    if len(known) < 2:
        return Skill(days, math.nan, math.nan, math.nan, math.nan, len(known))
    deviation, mean = float(known.std(ddof=1)), float(known.mean())
    ratio = mean / deviation * math.sqrt(YEAR / days) if deviation > 0.0 else math.nan
    error = mean_error(known, OVERLAP * days - 1 if days > 1 else 0)
    return Skill(days, mean, error, ratio, float((known > 0.0).mean()), len(known))


def _lasting(ranked: Ordered, ahead: int, least: int) -> float:
    """Mean rank correlation of the score with itself later."""
    known = correlation(ranked, ranked, ahead, least)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else math.nan


# --- decay ----------------------------------------------------------------------------------------


def _decay(ranked: Ordered, next_day: Ordered, least: int, seed: int) -> Decay:
    """Lagged ICs, and the half-life that fits them."""
    rows = len(ranked.value)
    table = np.full((rows, LAGS), np.nan)
    for lag in range(min(LAGS, rows)):
        # The return of session t + l stands in row t + l - 1 of the forward returns; what is put
        # into one row has that return in common. So the lags of a row err together, but one row
        # hardly with the next, and short stretches are enough to resample.
        table[lag:, lag] = correlation(ranked, next_day, lag, least)[: rows - lag]
    table = table[~np.isnan(table).any(axis=1)]
    if len(table) < 2 * LAGS:
        none = np.full(LAGS, math.nan)
        return Decay(none, none, math.nan, math.nan, math.nan)
    ic, error = table.mean(axis=0), np.array([mean_error(table[:, k], 5) for k in range(LAGS)])
    drawn = stationary_rows(len(table), SAMPLES, BLOCK, np.random.default_rng(seed))
    times = np.stack([np.bincount(chosen, minlength=len(table)) for chosen in drawn])
    fits = half_lives(times @ table / len(table), error)
    found = float(half_lives(ic[None], error)[0])
    known = fits[~np.isnan(fits)]
    # Where many resampled histories have nothing to halve, no interval can be told.
    told = not math.isnan(found) and len(known) >= 0.9 * SAMPLES
    low, high = np.quantile(known, [0.025, 0.975]).tolist() if told else (math.nan, math.nan)
    return Decay(ic, error, found, low, high)


def half_lives(ic: F64, error: F64) -> F64:
    """Sessions in which lagged ICs halve: the H of a 2^(-(l - 1) / H), least weighted squares.

    For each H the best a is sum(w d y) / sum(w d^2) with d = 2^(-(l - 1) / H), w = 1 / error^2; it
    takes sum(w d y)^2 / sum(w d^2) off the sum of squares, and the H that takes most is the answer.

    Args:
        ic: (S, L) IC with the return 1, 2, ... sessions ahead, of S histories.
        error: (L,) their standard errors.

    Returns:
        (S,) each one of HALF_LIVES, the last meaning that or more; NaN where no a is above 0.
    """
    weight = 1.0 / np.maximum(error, 1e-12) ** 2
    shape = 2.0 ** (-np.arange(ic.shape[1]) / HALF_LIVES[:, None])
    top = (ic * weight) @ shape.T
    gain = np.where(top > 0.0, top**2 / ((shape**2) @ weight), 0.0)
    best: F64 = np.where(gain.max(axis=1) > 0.0, HALF_LIVES[gain.argmax(axis=1)], np.nan)
    return best


# --- quantiles and sectors ------------------------------------------------------------------------


def _quantiles(score: F64, later: F64, count: int, least: int) -> Quantiles:
    known_t = (~np.isnan(score)).sum(axis=1)
    bucket = cross_section.buckets(score, count)
    bucket[known_t < least] = -1
    mean_tq = bucket_means(bucket, later, count)
    spread_t = mean_tq[:, -1] - mean_tq[:, 0]
    columns = [x[~np.isnan(x)] for x in (*mean_tq.T, spread_t)]
    mean = [float(x.mean()) * YEAR if len(x) else math.nan for x in columns]
    error = [mean_error(x, 5) * YEAR for x in columns]
    top = bucket == count - 1
    return Quantiles(
        np.array(mean[:-1]),
        np.array(error[:-1]),
        mean[-1],
        error[-1],
        spread_t,
        (_leaving(top, 1), _leaving(top, MONTH)),
    )


def _leaving(top: Bools, days: int) -> float:
    """Share of the names in the top that are not in it some sessions later."""
    before, after = top[:-days], top[days:]
    both = before.any(axis=1) & after.any(axis=1)
    held = before[both].sum(axis=1)
    left = (before & ~after)[both].sum(axis=1)
    return float((left / held).mean()) if len(held) else math.nan


def _by_sector(score: F64, later: F64, sectors: Sequence[str], horizon: int) -> dict[str, Skill]:
    found = {}
    of_name = np.array(sectors, dtype=object)
    for sector in sorted({s for s in sectors if s}):
        mine = np.flatnonzero(of_name == sector)
        if len(mine) >= FEW:
            ic_t = correlation(ordered(score[:, mine]), ordered(later[:, mine]), 0, FEW)
            found[sector] = _skill(ic_t, horizon)
    return {name: skill for name, skill in found.items() if skill.count > 1}
