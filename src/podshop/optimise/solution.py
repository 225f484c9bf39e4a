"""What an optimiser answers: weights, how they came about, and which limits they do not keep."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from podshop.domain.money import F64
from podshop.optimise.problem import Problem

Status = Literal["solved", "relaxed", "replaced", "kept"]
"""solved: as asked. relaxed: soft limits were widened. replaced: another objective answered, as
max_sharpe does where nothing beats cash. kept: no solver answered, the weights held stay."""

TOLERANCE = 1e-6
"""By how much a limit may be missed, in its own unit, before it counts: solvers stop near."""

SOFT = ("turnover", "sector", "factor")
"""Limits that may be widened, the first to give way first. Bounds, net, gross, beta and volatility
never are."""


SCALED = ("bound", "net", "gross", "sector", "factor", "beta", "volatility")
"""Limits in proportion to the weights: what ends a portfolio whose size is open."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of the chain.

    Attributes:
        objective: what was wanted.
        relaxed: soft limits that were open for this try.
        solver: who tried.
        result: "solved", or why not, in the solver's words.
    """

    objective: str
    relaxed: tuple[str, ...]
    solver: str
    result: str

    def __str__(self) -> str:
        """Tell the try in a line."""
        without = f" with {', '.join(self.relaxed)} relaxed" if self.relaxed else ""
        return f"{self.objective}{without}, {self.solver}: {self.result}"


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit of the problem that the weights do not keep.

    Attributes:
        limit: turnover, sector, factor, bound, net, gross, beta or volatility.
        index: which sector, factor or name; 0 for the others.
        amount: by how much, in the unit of the limit; negative where it is undershot.
    """

    limit: str
    index: int
    amount: float


@dataclass(frozen=True, slots=True)
class Found:
    """What one objective found, before anything is relaxed.

    Attributes:
        weight_n: (N,) weights, None where nobody answered.
        attempts: everything that was tried, in order.
        replaced: another objective answered.
    """

    weight_n: F64 | None
    attempts: tuple[Attempt, ...]
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Solution:
    """The answer to a problem.

    Attributes:
        weight_n: (N,) weights.
        status: see `Status`.
        solver: who found them; "none" where the weights held are kept.
        chain: everything that was tried, in order; the last one stands.
        breaches: limits of the problem as asked that the weights do not keep.
        volatility: of the weights, a year.
        expected: forecast return above cash, a year, before costs; 0 without forecasts.
        turnover: sum of |w - current|.
        cost: of that trade, once, fraction of NAV.
        risk_share_n: (N,) share of each name in the variance; zeros where there is none.
    """

    weight_n: F64
    status: Status
    solver: str
    chain: tuple[Attempt, ...]
    breaches: tuple[Breach, ...]
    volatility: float
    expected: float
    turnover: float
    cost: float
    risk_share_n: F64


def trade_cost_n(problem: Problem, trade_n: F64) -> F64:
    """(N,) cost of a trade, once, fractions of NAV: cost * |trade| + impact * trade^2."""
    total_n = np.zeros(problem.names)
    if problem.cost_n is not None:
        total_n += problem.cost_n * np.abs(trade_n)
    if problem.impact_n is not None:
        total_n += problem.impact_n * trade_n**2
    return total_n


def breaches(problem: Problem, weight_n: F64) -> tuple[Breach, ...]:
    """Which limits of a problem these weights do not keep, and by how much.

    Args:
        problem: the limits.
        weight_n: (N,) weights.

    Returns:
        One entry for each limit that is missed by more than `TOLERANCE`.
    """
    found = []
    for limit, value_i, low_i, high_i in measures(problem, weight_n):
        over_i = value_i - np.clip(value_i, low_i, high_i)
        missed = np.flatnonzero(np.abs(over_i) > TOLERANCE)
        found += [Breach(limit, int(i), float(over_i[i])) for i in missed]
    return tuple(found)


def measures(problem: Problem, weight_n: F64) -> Iterator[tuple[str, F64, F64, F64]]:
    """Everything that is limited.

    Args:
        problem: the limits.
        weight_n: (N,) weights.

    Yields:
        Name of the limit, its values, least and most, as arrays of one length. All but turnover
        grow with the weights in proportion.
    """
    yield "bound", weight_n, problem.low_n, problem.high_n
    yield _one("net", float(weight_n.sum()), *problem.net)
    if problem.gross is not None:
        yield _one("gross", float(np.abs(weight_n).sum()), -np.inf, problem.gross)
    if problem.beta_n is not None:
        yield _one("beta", float(problem.beta_n @ weight_n), *problem.beta)
    if problem.volatility_max is not None:
        yield _one("volatility", problem.risk.volatility(weight_n), -np.inf, problem.volatility_max)
    if problem.turnover is not None:
        traded = float(np.abs(weight_n - problem.held_n).sum())
        yield _one("turnover", traded, -np.inf, problem.turnover)
    low_s, high_s = problem.sector_low_s, problem.sector_high_s
    if problem.sector_n is not None and low_s is not None and high_s is not None:
        held_s = np.zeros(len(low_s))
        np.add.at(held_s, problem.sector_n, weight_n)
        yield "sector", held_s, low_s, high_s
    if problem.factor_low_k is not None and problem.factor_high_k is not None:
        exposure_k = problem.risk.exposure_nk.T @ weight_n
        yield "factor", exposure_k, problem.factor_low_k, problem.factor_high_k


def _one(limit: str, value: float, low: float, high: float) -> tuple[str, F64, F64, F64]:
    """A single number as a row of `measures`."""
    return limit, np.array([value]), np.array([low]), np.array([high])


def room(problem: Problem, weight_n: F64, limits: tuple[str, ...]) -> float:
    """The largest multiple of these weights that some limits admit.

    Args:
        problem: the limits.
        weight_n: (N,) weights.
        limits: which of them count; not turnover, which is not in proportion to the weights.

    Returns:
        The multiple; 0 where none does, infinite where none ends it.
    """
    most = np.inf
    for limit, value_i, low_i, high_i in measures(problem, weight_n):
        if limit in limits:
            some = np.abs(value_i) > TOLERANCE  # a solver's zero has no end
            end_i = np.where(value_i > 0.0, high_i, low_i)[some]
            most = min(most, float((end_i / value_i[some]).min(initial=np.inf)))
    return max(most, 0.0)


def full_size(problem: Problem, found: Found) -> Found:
    """The largest multiple of what was found that the limits admit.

    Ratios and shares of risk say nothing of size: where net leaves it open, it is as large as it
    may be. Turnover is not in proportion to size: with it, the solver's word stands.
    """
    if found.weight_n is None or problem.turnover is not None:
        return found
    gross = float(np.abs(found.weight_n).sum())
    if not gross > 0.0:
        return found
    shape_n = found.weight_n / gross  # of size 1, so that a small answer is no solver's zero
    return replace(found, weight_n=shape_n * room(problem, shape_n, SCALED))


def describe(problem: Problem, found: Found, status: Status, weight_n: F64) -> Solution:
    """Put figures beside weights.

    Args:
        problem: as it was asked, before anything was relaxed.
        found: the try that stands, with all tries before it.
        status: how it came about.
        weight_n: (N,) the weights.
    """
    weight_n = weight_n.copy()
    trade_n = weight_n - problem.held_n
    variance = problem.risk.variance(weight_n)
    share_n = np.zeros(problem.names)
    if variance > 0.0:
        share_n = weight_n * problem.risk.times(weight_n) / variance
    for answer_n in (weight_n, share_n):
        answer_n.setflags(write=False)
    return Solution(
        weight_n=weight_n,
        status=status,
        solver="none" if status == "kept" else found.attempts[-1].solver,
        chain=found.attempts,
        breaches=breaches(problem, weight_n),
        volatility=variance**0.5,
        expected=0.0 if problem.alpha_n is None else float(problem.alpha_n @ weight_n),
        turnover=float(np.abs(trade_n).sum()),
        cost=float(trade_cost_n(problem, trade_n).sum()),
        risk_share_n=share_n,
    )
