"""The gate: what a strategy must show before a fund may give it capital.

A backtest that looks good is what every strategy has; otherwise nobody would show it. So the gate
asks for size (Sharpe ratio, drawdown, days won), for what is left out of sample, for more than the
luck of all trials that were made to find it, and for being different from what the fund has. It
judges returns after all costs above what cash earned. Its false-alarm rate and its power are
measured on simulated strategies (docs/concepts/gate.md).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from podshop.domain.money import F64, Days
from podshop.research.luck import hurdle
from podshop.research.metrics import compute
from podshop.research.metrics.numbers import std
from podshop.research.validation import (
    Window,
    min_track_record,
    pbo,
    probabilistic_sharpe,
    rolling_windows,
    walk_forward,
)
from podshop.rulebook.strategy import GateSection

YEAR = 252
FEWEST = 21
"""Sessions that a window holds at least."""
BLOCKS = 10
"""Stretches that cross-validation cuts the history into."""
FALSE_ALARMS = 0.05
"""Largest share of worthless strategies that pass with the default `[gate]`, the best of their
trials sent in. Promised here; measured by benchmarks/gate_study.py (docs/concepts/gate.md) and
asserted on a smaller study by tests/unit/test_gate_study.py."""
COSTLY = 0.02
"""Cost a year, of the capital, from which on a warning is due (R9)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the gate judges.

    Attributes:
        days: (D,) sessions.
        returns: (D,) of the strategy, after all costs and above what cash earned.
        trials: (D, K) of everything that was tried on these sessions to find it, itself included;
            one column when nothing else was.
        made: how many trials were made in all, those on other sessions too; at least K.
        pods: name -> (D,) returns of the fund's pods, NaN where there are none.
        cost_year: trading costs a year, fraction of the capital.
    """

    days: Days
    returns: F64
    trials: F64
    made: int
    pods: Mapping[str, F64] = field(default_factory=dict)
    cost_year: float = 0.0


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that is asked.

    Attributes:
        name: of the key in `[gate]`, where there is one.
        figure: what was found; NaN where it cannot be told.
        limit: what it is compared with.
        asks: "more than", "less than", "at least", "at most", or "told" for what decides nothing.
        passed: True when it is as asked.
        words: what it means, for a person.
    """

    name: str
    figure: float
    limit: float
    asks: str
    passed: bool
    words: str


ASKED: dict[str, Callable[[float, float], bool]] = {
    "more than": lambda x, limit: x > limit,
    "less than": lambda x, limit: x < limit,
    "at least": lambda x, limit: x >= limit,
    "at most": lambda x, limit: x <= limit,
    "told": lambda x, limit: True,  # noqa: ARG005 - decides nothing
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says.

    Attributes:
        criteria: in the order in which they are told.
        warnings: what a person should know and the gate does not decide on.
    """

    criteria: tuple[Criterion, ...]
    warnings: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """True when every criterion is as asked."""
        return all(c.passed for c in self.criteria)

    def as_plain(self) -> list[dict[str, Any]]:
        """The criteria as plain values; what cannot be told is null."""
        return [
            {
                "name": c.name,
                "figure": c.figure if math.isfinite(c.figure) else None,
                "limit": c.limit if math.isfinite(c.limit) else None,
                "asks": c.asks,
                "passed": c.passed,
                "words": c.words,
            }
            for c in self.criteria
        ]


def judge(evidence: Evidence, gate: GateSection) -> Verdict:
    """Hold the evidence against what is asked.

    Args:
        evidence: what there is.
        gate: what is asked.

    Returns:
        Every criterion with its figure. What cannot be told (too short a history, no deviation)
        is not passed.
    """
    figures = compute(evidence.returns)
    told = [
        _asked("sharpe", figures["sharpe"], gate.sharpe, "more than", "Sharpe ratio a year"),
        _asked(
            "max_drawdown",
            figures["max_drawdown"],
            gate.max_drawdown,
            "less than",
            "deepest drawdown",
        ),
        _asked("win_days", figures["win_days"], gate.win_days, "more than", "days with a profit"),
        _out_of_sample(evidence, gate),
        *_luck(evidence, gate, figures),
        *_choice(evidence, gate),
        _correlation(evidence, gate),
    ]
    return Verdict(tuple(told), tuple(_warnings(evidence, gate)))


def _asked(name: str, figure: float, limit: float, asks: str, words: str) -> Criterion:
    passed = math.isfinite(figure) and bool(ASKED[asks](figure, limit))
    return Criterion(name, figure, limit, asks, passed or asks == "told", words)


def _out_of_sample(evidence: Evidence, gate: GateSection) -> Criterion:
    """Sharpe ratio of all test windows together over the mean of the training windows."""
    windows = tuple((str(a), str(b), str(c), str(d)) for a, b, c, d in gate.windows)
    words = f"Sharpe ratio of {len(windows)} test windows, together, over the mean in training"
    if not windows:
        windows = rolling_windows(evidence.days, gate.train_years, gate.test_years)
        words = (
            f"Sharpe ratio of {len(windows)} test windows of {gate.test_years} years, together, "
            f"over the mean of the {gate.train_years} years before each"
        )
    share, empty = math.nan, [w for w in windows if not _held(evidence, w)]
    if empty:
        words = f"the history has too few sessions in the window {' '.join(empty[0])}"
    elif windows:
        folds = walk_forward(evidence.returns, evidence.days, windows)
        inside = float(np.mean([fold.train_sharpe for fold in folds]))
        tested = np.concatenate([_between(evidence, fold.test[0], fold.test[1]) for fold in folds])
        outside = _sharpe(tested)
        share = outside / inside if inside > 0.0 else math.nan
    else:
        words = f"there is less than {gate.train_years + gate.test_years} years of history"
    return _asked("out_of_sample", share, gate.out_of_sample, "at least", words)


def _held(evidence: Evidence, window: Window) -> bool:
    """Has the history sessions enough in the training and in the testing of a window?"""
    a, b, c, d = (np.datetime64(day) for day in window)
    return min(len(_between(evidence, a, b)), len(_between(evidence, c, d))) >= FEWEST


def _between(evidence: Evidence, first: np.datetime64, last: np.datetime64) -> F64:
    a, b = np.searchsorted(evidence.days, first), np.searchsorted(evidence.days, last, "right")
    return evidence.returns[a:b]


def _luck(evidence: Evidence, gate: GateSection, figures: Mapping[str, float]) -> list[Criterion]:
    """Is it more than the best of so many worthless trials would show?"""
    n, ratio = len(evidence.returns), figures["sharpe"] / math.sqrt(YEAR)
    skew, kurtosis = figures["skew"], figures["kurtosis"] + 3.0
    bar = hurdle(evidence.trials, max(evidence.made, 1))
    chance = probabilistic_sharpe(ratio, n, bar, skew, kurtosis)
    years = min_track_record(ratio, 0.0, skew, kurtosis) / YEAR
    counted = f"{evidence.made} trials" if evidence.made > 1 else "the only trial"
    shown = f", whose best would show {bar * math.sqrt(YEAR):.2f}" if bar > 0.0 else ""
    return [
        _asked(
            "deflated_sharpe",
            chance,
            gate.deflated_sharpe,
            "at least",
            f"probability that it is better than luck, after {counted}{shown}",
        ),
        _asked(
            "track_record",
            years,
            n / YEAR,
            "at most",
            "years that its Sharpe ratio needs to be above 0 with 95 % confidence",
        ),
    ]


def _choice(evidence: Evidence, gate: GateSection) -> list[Criterion]:
    """Does choosing among the trials by their past choose what loses?"""
    if evidence.trials.shape[1] < 2 or len(evidence.days) < 2 * BLOCKS:
        return []
    overfit = pbo(evidence.trials, BLOCKS).probability
    return [
        _asked(
            "overfit",
            loss_after_choice(evidence.trials),
            gate.overfit,
            "at most",
            "probability that the best of the trials in one half of history loses in the other",
        ),
        _asked(
            "pbo",
            overfit,
            0.5,
            "told",
            "probability of backtest overfitting: the best in one half is below the median in the "
            "other; about one half too where all trials are equally good, so it decides nothing",
        ),
    ]


def loss_after_choice(returns: F64, blocks: int = BLOCKS) -> float:
    """How often the best trial in one half of history loses in the other half.

    The probability of loss of combinatorially symmetric cross-validation (Bailey, Borwein, Lopez de
    Prado, Zhu 2016): history is cut into `blocks`, every half of them is once in sample.

    Args:
        returns: (T, N) per-period returns of N trials.
        blocks: even number of stretches.
    """
    size = len(returns) // blocks
    cut = returns[len(returns) - size * blocks :].reshape(blocks, size, -1)
    sums, squares = cut.sum(axis=1), (cut**2).sum(axis=1)
    losses, splits = 0, 0
    for chosen in combinations(range(blocks), blocks // 2):
        inside = np.zeros(blocks, dtype=np.bool_)
        inside[list(chosen)] = True
        scale = np.sqrt(squares[inside].sum(axis=0))
        ratio = np.divide(
            sums[inside].sum(axis=0), scale, out=np.zeros_like(scale), where=scale > 0
        )
        best = int(np.argmax(ratio))
        losses += int(sums[~inside, best].sum() <= 0.0)
        splits += 1
    return losses / splits


def _correlation(evidence: Evidence, gate: GateSection) -> Criterion:
    """The highest correlation with a pod of the fund; without a fund there is none to fear."""
    found = {name: _correlated(evidence.returns, theirs) for name, theirs in evidence.pods.items()}
    if not found:
        words = "no fund was named, so there are no pods that it could resemble"
        return Criterion("correlation", 0.0, gate.correlation, "less than", True, words)
    # What cannot be told comes first, for it does not pass.
    name = max(found, key=lambda pod: math.inf if math.isnan(found[pod]) else found[pod])
    words = f'highest correlation with a pod of the fund: "{name}"'
    return _asked("correlation", found[name], gate.correlation, "less than", words)


def _correlated(ours: F64, theirs: F64) -> float:
    """Correlation on common days; NaN where they share fewer than a quarter of a year.

    What never moves resembles nothing.
    """
    both = np.isfinite(theirs)
    if both.sum() < YEAR // 4:
        return math.nan
    if not theirs[both].std() > 0.0 or not ours[both].std() > 0.0:
        return 0.0
    return float(np.corrcoef(ours[both], theirs[both])[0, 1])


def _warnings(evidence: Evidence, gate: GateSection) -> Sequence[str]:
    told = []
    if evidence.cost_year > COSTLY:
        told.append(
            f"trading costs {evidence.cost_year:.2%} of the capital a year, more than {COSTLY:.0%}"
        )
    if evidence.made <= 1:
        told.append(
            "one trial only: if others were made elsewhere, the deflated Sharpe ratio is too kind"
        )
    years = len(evidence.days) / YEAR
    if years < gate.train_years + 4 * gate.test_years:
        told.append(f"{years:.1f} years of history give few test windows")
    return told


def _sharpe(returns: F64) -> float:
    """Per-period Sharpe ratio; 0 for what never moved."""
    deviation = std(returns).item() if len(returns) > 1 else 0.0
    return float(returns.mean()) / deviation if deviation > 0.0 else 0.0
