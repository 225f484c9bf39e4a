"""How much a backtest proves: Sharpe ratios under error, luck and many trials; tests out of sample.

All Sharpe ratios here are PER PERIOD (a daily one is the annual one over sqrt(252)), kurtosis is
raw (3 for a normal), counts are observations. A one-year daily Sharpe has a standard error of about
1 a year whatever it is, which is why none of these functions says "skill": they say how likely luck
is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import NormalDist

import numpy as np

from podshop.domain.money import F64, I64, Days
from podshop.research.metrics.numbers import std

NORMAL = NormalDist()
EULER_GAMMA = 0.5772156649015329
PASSING_RATIO = 0.8
"""Share of the Sharpe ratio in sample that must be left out of sample."""


# --- one Sharpe ratio -----------------------------------------------------------------------------


def sharpe_variance(sharpe: float, n_obs: int, skew: float = 0.0, kurtosis: float = 3.0) -> float:
    """Variance of an estimated Sharpe ratio (Mertens 2002; Opdyke 2007).

    (1 - skew * SR + (kurtosis - 1) / 4 * SR^2) / (n - 1)

    Args:
        sharpe: per period.
        n_obs: observations that it was estimated on.
        skew: of the returns.
        kurtosis: of the returns, raw.

    Returns:
        Variance of the per-period Sharpe ratio; NaN with fewer than two observations.
    """
    if n_obs < 2:
        return math.nan
    return (1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2) / (n_obs - 1)


def probabilistic_sharpe(
    sharpe: float,
    n_obs: int,
    benchmark: float = 0.0,
    skew: float = 0.0,
    kurtosis: float = 3.0,
) -> float:
    """Probability that the true Sharpe ratio is above a benchmark (Bailey, Lopez de Prado 2012).

    Args:
        sharpe: estimated, per period.
        n_obs: observations.
        benchmark: Sharpe ratio to beat, per period.
        skew: of the returns.
        kurtosis: of the returns, raw.

    Returns:
        A probability; NaN where the variance is not positive.
    """
    variance = sharpe_variance(sharpe, n_obs, skew, kurtosis)
    if not variance > 0.0:
        return math.nan
    return NORMAL.cdf((sharpe - benchmark) / math.sqrt(variance))


def min_track_record(
    sharpe: float,
    benchmark: float = 0.0,
    skew: float = 0.0,
    kurtosis: float = 3.0,
    confidence: float = 0.95,
) -> float:
    """Observations after which a Sharpe ratio is above a benchmark with that confidence.

    1 + (1 - skew * SR + (kurtosis - 1) / 4 * SR^2) * (z / (SR - benchmark))^2
    (Bailey, Lopez de Prado 2012, equation 11)

    Returns:
        Observations, not rounded; infinity where the Sharpe ratio is not above the benchmark.
    """
    if sharpe <= benchmark:
        return math.inf
    z = NORMAL.inv_cdf(confidence)
    shape = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    return 1.0 + shape * (z / (sharpe - benchmark)) ** 2


# --- the best of many -----------------------------------------------------------------------------


def expected_max_sharpe(trials: float, variance: float = 1.0) -> float:
    """Sharpe ratio that the best of many worthless trials is expected to show.

    sqrt(variance) * ((1 - g) * z(1 - 1/N) + g * z(1 - 1/(N e))), g = 0.5772
    (Bailey, Lopez de Prado 2014, equation 1)

    Args:
        trials: independent trials; those that resemble each other count for fewer.
        variance: of the trials' Sharpe ratios, in the squared unit of the answer.

    Raises:
        ValueError: fewer than one trial.
    """
    if trials < 1.0:
        raise ValueError("there must be at least one trial")
    if trials == 1.0:
        return 0.0
    first = NORMAL.inv_cdf(1.0 - 1.0 / trials)
    second = NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - EULER_GAMMA) * first + EULER_GAMMA * second)


def deflated_sharpe(
    sharpe: float,
    n_obs: int,
    trials: float,
    variance: float,
    skew: float = 0.0,
    kurtosis: float = 3.0,
) -> float:
    """Probability that the best of many trials has a true Sharpe ratio above luck.

    The probabilistic Sharpe ratio against what the best of as many worthless trials would show
    (Bailey, Lopez de Prado 2014).

    Args:
        sharpe: of the best trial, per period.
        n_obs: observations.
        trials: independent trials that were made, all of them.
        variance: of the trials' per-period Sharpe ratios.
        skew: of the best trial's returns.
        kurtosis: likewise, raw.
    """
    luck = expected_max_sharpe(trials, variance)
    return probabilistic_sharpe(sharpe, n_obs, luck, skew, kurtosis)


def min_backtest_years(trials: float, target: float = 1.0) -> float:
    """Years of data below which the best of worthless trials shows the target by luck alone.

    (E[max] / target)^2, target a year (Bailey, Borwein, Lopez de Prado, Zhu 2014).
    """
    return (expected_max_sharpe(trials) / target) ** 2


@dataclass(frozen=True, slots=True)
class Overfit:
    """Probability of backtest overfitting by combinatorially symmetric cross-validation.

    Attributes:
        probability: share of splits in which the best in sample is not above the median out of it.
        logits: (splits,) log odds of the relative rank out of sample of the best in sample.
    """

    probability: float
    logits: F64


def pbo(returns: F64, blocks: int = 10) -> Overfit:
    """How often choosing the best in sample chooses worse than the median out of sample.

    The rows are cut into `blocks` equal stretches; every half of them is once in sample, the other
    half out of it. The best by Sharpe ratio in sample has rank r of N out of it;
    logit = ln(w / (1 - w)), w = r / (N + 1); overfit is logit <= 0 (Bailey et al. 2016).

    Args:
        returns: (T, N) per-period returns of N trials; rows beyond a multiple of `blocks` are left
            out at the beginning.
        blocks: even number of stretches, 10 to 16 as a rule.

    Raises:
        ValueError: the number is odd, there are too few rows, or fewer than two trials.
    """
    if blocks < 2 or blocks % 2:
        raise ValueError("blocks must be an even number")
    size, trials = len(returns) // blocks, returns.shape[1]
    if size < 2 or trials < 2:
        raise ValueError("needs two trials and two rows a block at least")
    cut = returns[len(returns) - size * blocks :].reshape(blocks, size, trials)
    sums, squares = cut.sum(axis=1), (cut**2).sum(axis=1)
    count = size * blocks / 2
    logits = []
    for chosen in combinations(range(blocks), blocks // 2):
        inside = np.zeros(blocks, dtype=np.bool_)
        inside[list(chosen)] = True
        best = int(np.argmax(_sharpes(sums[inside], squares[inside], count)))
        outside = _sharpes(sums[~inside], squares[~inside], count)
        # Ranks of equals are shared, so that copies of one trial are neither better nor worse.
        rank = (outside < outside[best]).sum() + ((outside == outside[best]).sum() + 1) / 2
        share = rank / (trials + 1)
        logits.append(math.log(share / (1.0 - share)))
    found = np.array(logits)
    return Overfit(float((found <= 0.0).mean()), found)


def _sharpes(sums: F64, squares: F64, count: float) -> F64:
    """(N,) Sharpe ratios from sums over blocks; a trial that never moves has none to speak of."""
    mean = sums.sum(axis=0) / count
    variance = np.maximum(squares.sum(axis=0) / count - mean**2, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = mean / np.sqrt(variance)
    made: F64 = np.where(variance > 1e-18, ratio, 0.0)
    return made


# --- out of sample --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fold:
    """One training window and the window after it.

    Attributes:
        train: first and last day, included.
        test: first and last day, included.
        train_sharpe: per period.
        test_sharpe: per period.
        passed: True when enough of the Sharpe ratio is left, and there was one.
    """

    train: tuple[np.datetime64, np.datetime64]
    test: tuple[np.datetime64, np.datetime64]
    train_sharpe: float
    test_sharpe: float
    passed: bool


Window = tuple[str, str, str, str]
"""First and last day of training, first and last day of testing: "2015-01-01", ..."""

FIXED: tuple[Window, ...] = (
    ("2015-01-01", "2019-12-31", "2020-01-01", "2021-12-31"),
    ("2015-01-01", "2021-12-31", "2022-01-01", "2023-12-31"),
)
"""The windows of requirement R8."""


def walk_forward(
    returns: F64,
    days: Days,
    windows: Sequence[Window] = FIXED,
    ratio: float = PASSING_RATIO,
) -> tuple[Fold, ...]:
    """Compare a strategy's Sharpe ratio in sample and after it.

    The returns must come from parameters that were chosen on the training windows alone; this
    function compares, it cannot know what was chosen on what.

    Args:
        returns: (T,) per-period returns.
        days: (T,) their days, ascending.
        windows: training and testing windows; testing must begin after training ends.
        ratio: share of the Sharpe ratio in sample that must be left.

    Raises:
        ValueError: a window holds fewer than two observations, or testing overlaps training.
    """
    folds = []
    for a, b, c, d in windows:
        if np.datetime64(c) <= np.datetime64(b):
            raise ValueError(f"testing from {c} overlaps training until {b}")
        train, test = _between(returns, days, a, b), _between(returns, days, c, d)
        inside, outside = _sharpe(train), _sharpe(test)
        passed = inside > 0.0 and outside >= ratio * inside
        spans = [(np.datetime64(x), np.datetime64(y)) for x, y in ((a, b), (c, d))]
        folds.append(Fold(spans[0], spans[1], inside, outside, passed))
    return tuple(folds)


def rolling_windows(days: Days, train_years: int = 3, test_years: int = 1) -> tuple[Window, ...]:
    """Windows that follow each other: `train_years`, then `test_years`, moved by `test_years`."""
    made: list[Window] = []
    begin, last = days[0].astype("datetime64[D]"), days[-1].astype("datetime64[D]")
    while True:
        split = _years_after(begin, train_years)
        end = _years_after(split, test_years)
        if end - np.timedelta64(1, "D") > last:
            return tuple(made)
        one = np.timedelta64(1, "D")
        made.append((str(begin), str(split - one), str(split), str(end - one)))
        begin = _years_after(begin, test_years)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What choosing the best trial anew in each training window would have come to.

    Attributes:
        picks: number of the trial chosen in each window.
        inside: mean Sharpe ratio of the chosen in their training windows, per period.
        outside: Sharpe ratio of all test windows together, per period.
    """

    picks: tuple[int, ...]
    inside: float
    outside: float


def walk_forward_choice(returns: F64, days: Days, windows: Sequence[Window]) -> Chosen:
    """Choose the trial with the best Sharpe ratio in each training window, and test that one.

    Args:
        returns: (T, N) per-period returns of N trials.
        days: (T,) their days, ascending.
        windows: training and testing windows, at least one.

    Raises:
        ValueError: there is no window, or one holds fewer than two observations.
    """
    if not windows:
        raise ValueError("needs one window at least")
    picks, inside, tested = [], [], []
    for a, b, c, d in windows:
        train = _between(returns, days, a, b)
        ratios = [_sharpe(train[:, n]) for n in range(train.shape[1])]
        best = int(np.argmax(ratios))
        picks.append(best)
        inside.append(ratios[best])
        tested.append(_between(returns, days, c, d)[:, best])
    return Chosen(tuple(picks), float(np.mean(inside)), _sharpe(np.concatenate(tested)))


def purged_folds(
    n_obs: int, folds: int = 5, label: int = 1, embargo: int = 0
) -> tuple[tuple[I64, I64], ...]:
    """Cross-validation whose training rows know nothing of the tested ones (Lopez de Prado 2018).

    Args:
        n_obs: rows, in time.
        folds: stretches, each tested once.
        label: rows ahead that a row's label reaches; training rows whose label reaches into the
            tested stretch are left out.
        embargo: rows after the tested stretch that are left out too.

    Returns:
        (training rows, tested rows) of each fold.
    """
    edges = np.linspace(0, n_obs, folds + 1).astype(np.int64)
    rows = np.arange(n_obs)
    made = []
    for a, b in pairwise(edges):
        before = rows < a - label
        # A tested row's label reaches beyond the stretch, so what it reaches is left out as well.
        after = rows >= b + label + embargo
        made.append((rows[before | after], rows[a:b]))
    return tuple(made)


def stationary_rows(n: int, samples: int, block: float, rng: np.random.Generator) -> I64:
    """Rows of resampled histories (stationary bootstrap, Politis, Romano 1994).

    Args:
        n: rows of the history, and of each resampled one.
        samples: histories to make.
        block: mean length of the stretches that are kept together; their lengths are geometric,
            and a stretch that runs over the end goes on at the beginning.
        rng: the generator.

    Returns:
        (samples, n) row numbers.
    """
    starts = rng.integers(0, n, (samples, n))
    fresh = rng.random((samples, n)) < 1.0 / block
    fresh[:, 0] = True
    # The position of each draw: a fresh start, or the one after the last.
    since = np.arange(n) - np.maximum.accumulate(np.where(fresh, np.arange(n), 0), axis=1)
    origin = np.take_along_axis(starts, np.arange(n) - since, axis=1)
    rows: I64 = (origin + since) % n
    return rows


def bootstrap_sharpe(returns: F64, samples: int = 2_000, block: float = 20.0, seed: int = 0) -> F64:
    """Per-period Sharpe ratios of resampled histories (stationary bootstrap, Politis, Romano 1994).

    Args:
        returns: (T,) per-period returns.
        samples: histories to make.
        block: mean length of the stretches that are kept together, observations.
        seed: of the generator.

    Returns:
        (samples,) ratios, ascending: their quantiles are the interval.
    """
    rng = np.random.default_rng(seed)
    drawn = returns[stationary_rows(len(returns), samples, block, rng)]
    deviation = drawn.std(axis=1, ddof=1)
    ratios: F64 = np.sort(np.where(deviation > 0.0, drawn.mean(axis=1) / deviation, 0.0))
    return ratios


def _sharpe(returns: F64) -> float:
    if len(returns) < 2:
        raise ValueError("a window with fewer than two observations")
    deviation = std(returns).item()
    return float(returns.mean()) / deviation if deviation > 0.0 else 0.0


def _between(returns: F64, days: Days, first: str, last: str) -> F64:
    a, b = (
        np.searchsorted(days, np.datetime64(first)),
        np.searchsorted(days, np.datetime64(last), "right"),
    )
    return returns[a:b]


def _years_after(day: np.datetime64, years: int) -> np.datetime64:
    """The same day some years later; the 29th of February becomes the 1st of March."""
    month = day.astype("datetime64[M]")
    into = day - month.astype("datetime64[D]")
    later: np.datetime64 = (month + np.timedelta64(12 * years, "M")).astype("datetime64[D]") + into
    return later
