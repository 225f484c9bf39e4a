"""Every name adds its share of the risk: w_i (Sigma w)_i = budget_i w'Sigma w.

The long-only answer is unique: min x'Sigma x / 2 - sum(budget ln x), w = x / sum(x) (Spinu 2013).

1. Newton's method, the step by Woodbury's identity: N * K^2 operations. A step that would change a
   weight by more than `FAR` is damped.
2. Where the answer breaks a limit, the same Newton under limits: each step is a quadratic program
   in v = kappa * w, whose limits are multiples of kappa. Parity then holds among the names that no
   limit touches; `Solution.risk_share_n` shows what is left of it.

With shorts there are 2^N answers, one for each choice of signs: bounds must be at or above zero.
Costs of trading are not weighed.
"""

from dataclasses import replace

import numpy as np

from podshop.domain.money import F64
from podshop.optimise import quadratic
from podshop.optimise.problem import Problem
from podshop.optimise.program import Program, homogenised, priced, program_of
from podshop.optimise.seam import Answer, found
from podshop.optimise.solution import Attempt, Found, breaches, full_size

FAR = 0.3
"""Largest relative step that is taken whole."""

NEAR = 1e-8
"""Relative step after which nothing is left to do: Newton's error is its square."""

STEPS = 100
"""Seldom more than 10 are needed without limits, 15 with them."""

SHRINK = 0.2
"""What one step under limits leaves at least of a weight: the logarithm has no other side."""


def find(problem: Problem) -> Found:
    """The weights of equal, or budgeted, risk.

    Raises:
        ValueError: shorts are allowed, or a name may not be held at all.
    """
    if (problem.low_n < 0.0).any() or not (problem.high_n > 0.0).all():
        raise ValueError(
            "risk_parity holds every name long: low_n must be at least 0 and high_n above 0; "
            "leave out names that may not be held"
        )
    budget_n = _budget_n(problem)
    free_n = parity(problem, budget_n)
    if free_n is not None:
        all_in_n = free_n * (problem.net[1] / free_n.sum())
        own = Found(all_in_n, (Attempt(problem.objective, (), "newton", "solved"),))
        own = full_size(problem, own)
        assert own.weight_n is not None
        if not breaches(problem, own.weight_n):
            return own
    return _limited(problem, budget_n, free_n)


def parity(problem: Problem, budget_n: F64) -> F64 | None:
    """The x of 1., without limits.

    Args:
        problem: for its risk model.
        budget_n: (N,) shares that sum to 1.

    Returns:
        (N,) positive; None where the steps did not arrive.
    """
    risk = problem.risk
    variance_n = risk.variance_n
    if not (variance_n > 0.0).all():
        return None
    x = np.sqrt(budget_n / variance_n)
    x /= risk.volatility(x)
    for _ in range(STEPS):
        slope = risk.times(x) - budget_n / x
        step = risk.solved(slope, budget_n / x**2)
        size = float(np.abs(step / x).max())
        x = x - step * _taken(size)
        if size < NEAR:
            return x
    return None


def _budget_n(problem: Problem) -> F64:
    """(N,) shares of risk that sum to 1."""
    if problem.budget_n is None:
        return np.full(problem.names, 1.0 / problem.names)
    shares: F64 = problem.budget_n / problem.budget_n.sum()
    return shares


def _taken(size: float) -> float:
    """Which part of a step is taken: all of a small one."""
    return 1.0 if size <= FAR else 1.0 / (1.0 + size)


def _limited(problem: Problem, budget_n: F64, free_n: F64 | None) -> Found:
    """Newton's method under limits."""
    program = program_of(problem, costs=False)
    x = np.sqrt(budget_n / np.maximum(problem.risk.variance_n, 1e-12)) if free_n is None else free_n
    kappa = 1.0
    size = np.inf
    for _ in range(STEPS):
        answers = quadratic.solve(_step(program, problem, budget_n, x))
        told = answers[-1].x
        if told is None:
            return found(problem, answers)
        step = told[: problem.names] - x
        size = float(np.abs(step / x).max())
        x = x + step * _taken(size)
        kappa = float(told[-1])
        if size < 10.0 * NEAR:
            named = Answer(np.append(x, kappa), f"newton on {answers[-1].solver}", "solved")
            limited = found(problem, [*answers[:-1], named], homogeneous=True)
            return full_size(problem, limited)
    return found(problem, [Answer(None, "newton", f"no answer in {STEPS} steps, {size:.1e} to go")])


def _step(program: Program, problem: Problem, budget_n: F64, x: F64) -> Program:
    """The quadratic model of the barrier problem at x, over admissible multiples of weights."""
    model = priced(
        program,
        problem,
        aversion=1.0,
        linear_n=-2.0 * budget_n / x,
        more_n=budget_n / x**2,
    )
    whole = homogenised(model)
    low = whole.low.copy()
    low[: problem.names] = np.maximum(low[: problem.names], SHRINK * x)
    return replace(whole, low=low)
