"""Follow trends of futures and funds at equal risk: Carver's forecasts, multipliers and buffers.

Economics: trends persist because information, hedgers and stop-losses arrive slowly (Moskowitz,
Ooi, Pedersen 2012, Journal of Financial Economics 104; Hurst, Ooi, Pedersen 2017, Journal of
Portfolio Management 44, a century of it). It pays when several asset classes trend at a time, and
in long crises. Framework: Carver, "Systematic Trading" (2015) = ST and "Advanced Futures Trading
Strategies" (2023) = AFTS:

1 volatility = 0.7 of an exponential one over 32 sessions + 0.3 of its mean over ten years
2 forecast of each rule = EWMAC (or breakout) / volatility, scaled to 10 on average, at most +-20
3 forecast = mean of the rules * forecast diversification multiplier (FDM), at most +-20
4 target = forecast / 10 * share of the name * instrument diversification multiplier (IDM)
  * target volatility / the name's volatility
5 held: the lots of before, while they are within a tenth of the average position of the target;
  else the nearer edge of that band. Wishes are fractions of a capital that grows meanwhile, so
  the pod follows the growth of its own book

FDM and IDM come from correlations of the past, renewed on the first session of each month. Windows
are bounded: means end after three spans, and a buffered position is looked back on until what was
held before cannot matter. Fails when markets go sideways, at turns, and where all names are one
bet: a hundred stocks of one country are closer to one instrument than to a hundred.
"""

import math
from dataclasses import dataclass

import numpy as np

from podshop.domain.market import Panel
from podshop.domain.money import F64, Bools
from podshop.domain.rules import periods
from podshop.factors import buffering, cross_section, diversification, window

FIELDS = ("index", "returns", "close", "split")
WHEN = "daily"

SLOWER = 4
"""Span of the slow mean over that of the fast one (AFTS, strategy seven)."""
SPANS = 3
"""Spans after which a mean ends; they hold 99.8 % of its weights."""
AVERAGE, LARGEST = 10.0, 20.0
"""Size of an average forecast, and of the largest (ST, chapter 7)."""
SCALARS = {2: 12.1, 4: 8.53, 8: 5.95, 16: 4.10, 32: 2.79, 64: 1.91}
"""What makes an EWMAC 10 on average, by its fast span: over a hundred futures (AFTS, table 29)."""
BREAKOUT_SCALARS = {10: 0.60, 20: 0.67, 40: 0.70, 80: 0.73, 160: 0.74, 320: 0.74}
"""The same for breakouts, by their sessions (AFTS, strategy twelve)."""
VOLATILITY_SPAN, LONG_SHARE = 32, 0.3
"""Span of the exponential volatility, and how much its long-run mean counts (AFTS, strategy 3)."""
CALMEST = 0.001
"""Daily volatility below which a name is not believed to be calm: a peg, or a price that stands."""
RENEWAL_ROWS = 32
"""Rows within which any row's month has begun, the row before it included."""
WEEK = 5
"""Sessions of the returns whose correlations count; markets close at different hours of a day."""
FEWEST = 26
"""Samples that a correlation needs."""
LARGEST_MULTIPLIER = 2.5
"""ST, chapter 11: in a crisis correlations are higher than those of the past."""
PASSES = 2
"""A book's growth follows from what it holds, and what it holds from its growth: guessed from the
targets first, then from what came out."""
LEAST_GROWTH = 0.5
"""A book that lost more than half in a day is a fault of the data; lots are divided by this."""
BUFFER_ROWS = 252
"""Rows of targets that a held position is looked for in; in nearly all cases far fewer decide."""


@dataclass(frozen=True)
class Params:
    """Rules, risk, multipliers and buffer.

    Attributes:
        fast_days: spans of the fast means in sessions; each slow mean has four times the span.
        breakout_days: sessions of breakout rules beside them: any of 10, 20, 40, 80, 160, 320.
        volatility: target volatility a year of the pod, fraction of its capital.
        long_days: sessions of the long-run mean of a name's volatility.
        by_sector: equal shares of risk for sectors and, within each, for names; else for names.
        forecast_multiplier: FDM, at most 2.5; 0 = from the past correlations of the rules.
        instrument_multiplier: IDM, at most 2.5; 0 = from the past correlations of the names.
        correlation_days: sessions of the correlations of both.
        buffer: half the width of the band, fraction of an average position; 0 trades every day.
        gross: largest sum of |weight|.
    """

    fast_days: tuple[int, ...] = (8, 16, 32, 64)
    breakout_days: tuple[int, ...] = ()
    volatility: float = 0.10
    long_days: int = 2520
    by_sector: bool = True
    forecast_multiplier: float = 0.0
    instrument_multiplier: float = 0.0
    correlation_days: int = 756
    buffer: float = 0.10
    gross: float = 4.0

    def __post_init__(self) -> None:
        """Refuse rules and sizes that make no sense."""
        if not self.fast_days or min(self.fast_days) < 2:
            raise ValueError("fast_days must be 2 or more each, and at least one")
        unknown = [days for days in self.breakout_days if days not in BREAKOUT_SCALARS]
        if unknown:
            raise ValueError(f"breakout_days {unknown} are none of {sorted(BREAKOUT_SCALARS)}")
        for name in ("forecast_multiplier", "instrument_multiplier"):
            value = getattr(self, name)
            if value != 0.0 and not 1.0 <= value <= LARGEST_MULTIPLIER:
                raise ValueError(f"{name} must be 0, or from 1 to {LARGEST_MULTIPLIER}")
        if self.correlation_days < FEWEST * WEEK:
            raise ValueError(f"correlation_days must be at least {FEWEST * WEEK}")
        if min(self.volatility, self.gross) <= 0.0 or self.long_days < 1:
            raise ValueError("volatility and gross must be above 0, long_days 1 or more")
        if not 0.0 <= self.buffer < 1.0:
            raise ValueError("buffer must be in [0, 1)")


def gross(p: Params) -> float:
    """As the parameters say."""
    return p.gross


def lookback(p: Params) -> int:
    """A position's targets, the newest multiplier of the oldest of them, and what that is from."""
    means = SPANS * SLOWER * max(p.fast_days)
    breakouts = max((days + _smooth(days) * SPANS for days in p.breakout_days), default=0)
    forecast = max(means, breakouts, SPANS * VOLATILITY_SPAN + p.long_days)
    estimated = 0.0 in (p.forecast_multiplier, p.instrument_multiplier)
    correlated = RENEWAL_ROWS + p.correlation_days + WEEK if estimated else 0
    return PASSES * (BUFFER_ROWS + 2) + correlated + forecast


def wishes(panel: Panel, p: Params) -> F64:
    """Volatility-targeted, buffered positions in the direction of each name's trend.

    Args:
        panel: history.
        p: parameters.

    Returns:
        (T, N) fractions of the pod's capital: the lots held at the day's close.
    """
    priced = ~np.isnan(panel.close)
    target, average = targets(panel, p)
    unknown = priced & np.isnan(target)
    lots = np.where(unknown, 0.0, target / panel.close)  # NaN on days without a price: no news
    width = np.where(unknown, 0.0, p.buffer * average / panel.close)
    weights = np.nan_to_num(target)
    for _ in range(PASSES):
        change = panel.split / _growth(panel, weights)[:, None]
        held = buffering.held(lots, width, change, BUFFER_ROWS)
        weights = np.nan_to_num(held * panel.close)
    return cross_section.grain(cross_section.scale(weights, p.gross), priced)


def _growth(panel: Panel, weights: F64) -> F64:
    """(T,) growth of the capital of a book that holds these weights, from the row before.

    Positions are held from the next open on, or from the next close where there are no opens.
    """
    late = 1 if panel.opens else 2
    growth_t = np.ones(len(panel))
    earned = np.nan_to_num(panel.returns[late:]) * weights[:-late]
    idle_t = 1.0 - cross_section.mean(weights[:-late]) * weights.shape[1]
    growth_t[late:] += cross_section.mean(earned) * weights.shape[1] + idle_t * panel.rate_t[late:]
    return np.maximum(growth_t, LEAST_GROWTH)


def targets(panel: Panel, p: Params) -> tuple[F64, F64]:
    """Positions before buffering.

    Args:
        panel: history.
        p: parameters.

    Returns:
        (T, N) target weights and (T, N) weights at an average forecast, both shrunk on days on
        which the targets exceed the gross; NaN where there is no forecast or volatility.
    """
    daily = volatility(panel.returns, p.long_days)
    rules = rule_forecasts(panel.index, daily, p)
    known: Bools = np.asarray(~np.isnan(rules).any(axis=0))
    renewed = _renewals(panel)
    share = shares(known, panel.assets.sector_ids() if p.by_sector else [0] * known.shape[1])
    forecast = combined(rules, _fdm(rules, renewed, p))
    average = share * _idm(panel.index, share, renewed, p)[:, None]
    average = np.where(known, average * p.volatility / (daily * math.sqrt(252.0)), np.nan)
    target = forecast / AVERAGE * average
    total_t = np.maximum(cross_section.gross(target), p.gross)
    shrink = (p.gross / total_t)[:, None]
    return target * shrink, average * shrink


def volatility(returns: F64, long_days: int) -> F64:
    """Daily volatility of each name (AFTS, strategy three).

    sigma_t^2 = exponential mean of (r - its exponential mean)^2 over a span of 32 sessions; blended
    0.7 sigma_t + 0.3 mean of sigma over `long_days`, or over what there is of them.

    Args:
        returns: (T, N) returns.
        long_days: rows of the long-run mean.

    Returns:
        (T, N) standard deviation a session; NaN before 32 known returns.
    """
    mean = _mean(returns, VOLATILITY_SPAN, VOLATILITY_SPAN)
    square = _mean(returns * returns, VOLATILITY_SPAN, VOLATILITY_SPAN)
    now = np.sqrt(np.maximum(square - mean * mean, 0.0))
    before = np.full((long_days - 1, now.shape[1]), np.nan)
    long_run = window.rolling_mean(np.vstack([before, now]), long_days, 1)[long_days - 1 :]
    blend = (1.0 - LONG_SHARE) * now + LONG_SHARE * long_run
    return np.maximum(blend, CALMEST)


def rule_forecasts(index: F64, daily: F64, p: Params) -> F64:
    """The forecast of every rule, 10 on average, within +-20.

    EWMAC (ST, appendix B; AFTS, strategy seven): (EMA of `fast` - EMA of 4 * `fast` sessions of the
    index) / (index * volatility) * scalar. Breakout (AFTS, strategy twelve): 40 * (index - middle
    of its range) / width of the range, smoothed over a quarter of the sessions, * scalar.

    Args:
        index: (T, N) total-return index.
        daily: (T, N) daily volatility.
        p: parameters.

    Returns:
        (R, T, N) rules in the order of the parameters; NaN before their slow mean or range is full.
    """
    spans = sorted({span for fast in p.fast_days for span in (fast, SLOWER * fast)})
    means = {span: _mean(index, span, span) for span in spans}
    move = index * daily
    made = []
    for fast in p.fast_days:
        crossing = (means[fast] - means[SLOWER * fast]) / move
        made.append(np.clip(crossing * scalar(fast), -LARGEST, LARGEST))
    for days in p.breakout_days:
        top, low = window.rolling_max(index, days), window.rolling_min(index, days)
        width = np.where(top > low, top - low, np.nan)
        smooth = _mean(40.0 * (index - (top + low) / 2.0) / width, _smooth(days), 1)
        made.append(np.clip(smooth * BREAKOUT_SCALARS[days], -LARGEST, LARGEST))
    return np.stack(made)


def scalar(fast: int) -> float:
    """What makes an EWMAC 10 on average: Carver's where he gives it, else that of a random walk.

    Means of spans with decays a and b leave sum (b^j - a^j)^2, j >= 1, of the variance of a step,
    and a normal variable of deviation s is s * sqrt(2 / pi) on average.

    Args:
        fast: span of the fast mean.
    """
    return SCALARS[fast] if fast in SCALARS else random_walk_scalar(fast)


def random_walk_scalar(fast: int) -> float:
    """The scalar of a random walk with normal steps; about a tenth above Carver's."""
    a, b = (1.0 - 2.0 / (span + 1.0) for span in (fast, SLOWER * fast))
    variance = a * a / (1.0 - a * a) + b * b / (1.0 - b * b) - 2.0 * a * b / (1.0 - a * b)
    return AVERAGE / math.sqrt(variance * 2.0 / math.pi)


def combined(rules: F64, fdm_t: F64) -> F64:
    """Mean of the rules times the FDM, within +-20.

    Args:
        rules: (R, T, N) forecasts.
        fdm_t: (T,) forecast diversification multiplier.

    Returns:
        (T, N).
    """
    total = np.zeros(rules.shape[1:])
    for rule in rules:
        total = total + rule
    mean = total / len(rules)
    return np.clip(mean * fdm_t[:, None], -LARGEST, LARGEST)


def shares(known: Bools, sector_n: list[int]) -> F64:
    """Share of the risk of each name: equal by sector, and equal within each.

    Args:
        known: (T, N) True where a name has a forecast.
        sector_n: sector number of each name.

    Returns:
        (T, N) summing to 1 on each row with a forecast; 0 where there is none.
    """
    out = np.zeros(known.shape)
    numbers = np.array(sector_n)
    groups_t = np.zeros(len(known))
    for s in np.unique(numbers):
        inside = known[:, numbers == s]
        count_t = inside.sum(axis=1)
        groups_t += count_t > 0
        out[:, numbers == s] = inside / np.maximum(count_t, 1)[:, None]
    return out / np.maximum(groups_t, 1.0)[:, None]


def _fdm(rules: F64, renewed: Bools, p: Params) -> F64:
    """(T,) forecast diversification multiplier; rules have equal weights, all names one sample."""
    if p.forecast_multiplier:
        return np.full(rules.shape[1], p.forecast_multiplier)
    samples = np.ascontiguousarray(rules.transpose(1, 2, 0))
    weight = np.ones((len(samples), len(rules)))
    return _held_over(samples, weight, renewed, p.correlation_days)


def _idm(index: F64, share: F64, renewed: Bools, p: Params) -> F64:
    """(T,) instrument diversification multiplier, from weekly returns."""
    if p.instrument_multiplier:
        return np.full(len(index), p.instrument_multiplier)
    weekly = np.full(index.shape, np.nan)
    weekly[WEEK:] = index[WEEK:] / index[:-WEEK] - 1.0
    return _held_over(weekly[:, None, :], share, renewed, p.correlation_days)


def _held_over(x: F64, weight: F64, renewed: Bools, length: int) -> F64:
    """(T,) multipliers estimated on the renewing rows and held until the next; 1 before the first.

    Every fifth session is read: weekly returns do not overlap then, and forecasts change slowly.
    """
    rows = np.flatnonzero(renewed)
    found = diversification.multipliers(x, weight, rows, length, WEEK, FEWEST, LARGEST_MULTIPLIER)
    return np.concatenate([[1.0], found])[np.cumsum(renewed)]


def _renewals(panel: Panel) -> Bools:
    """(T,) True on the first session of each month; the first row may not be one."""
    month = periods("month", panel.days)
    return np.concatenate([[False], month[1:] != month[:-1]])


def _mean(x: F64, span: int, least: int) -> F64:
    """Exponential mean over three spans, from the moment that `least` values are known."""
    length = SPANS * span
    before = np.full((length - 1, x.shape[1]), np.nan)
    return window.exponential_mean(np.vstack([before, x]), span, length, least)[length - 1 :]


def _smooth(days: int) -> int:
    """Span of the smoothing of a breakout."""
    return max(days // 4, 1)
