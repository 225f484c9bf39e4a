"""The most forecast return for each unit of volatility, after costs in proportion to the trade.

The ratio is a quadratic program in v = kappa * w (Charnes and Cooper 1962): min v'Sigma v with
(alpha - costs)'v = 1 and every limit times kappa. It has no answer where no admissible portfolio is
forecast to beat cash; then the least variance is the answer, and it says so.
"""

import numpy as np

from podshop.optimise import linear, minimum_variance, quadratic
from podshop.optimise.problem import Problem
from podshop.optimise.program import also_equal, homogenised, priced, program_of
from podshop.optimise.seam import Answer, found
from podshop.optimise.solution import Attempt, Found


def find(problem: Problem) -> Found:
    """The weights with the best ratio of forecast to volatility.

    Raises:
        ValueError: there are no forecasts, or a cost grows with the square of the trade.
    """
    problem.needs("alpha_n")
    if problem.impact_n is not None:
        raise ValueError("max_sharpe takes costs in proportion to the trade; leave impact_n out")
    program = priced(program_of(problem), problem, aversion=1.0, costs=False)
    gain = _gain(problem, program.trades, len(program.linear) + 1)
    size = float(np.abs(gain[: problem.names]).mean())
    ratio = homogenised(program)
    answers = quadratic.solve(also_equal(ratio, gain / size, 1.0)) if size > 0.0 else []
    if answers and answers[-1].x is not None:
        return found(problem, answers, homogeneous=True)
    best = _best(problem)
    if best.x is not None and float(gain[:-1] @ best.x) <= 0.0:
        return _replaced(problem, answers)
    return found(problem, answers or [best], homogeneous=True)


def _gain(problem: Problem, trades: int | None, size: int) -> np.ndarray:
    """(X,) forecast of a year after costs, for each unknown."""
    gain = np.zeros(size)
    gain[: problem.names] = problem.alpha_n
    if trades is not None and problem.cost_n is not None:
        gain[trades : trades + 2 * problem.names] = -np.tile(problem.cost_n, 2)
        gain /= np.where(np.arange(size) < trades, 1.0, problem.horizon_years)
    return gain


def _best(problem: Problem) -> Answer:
    """The most forecast return there is: does anything beat cash?"""
    program = priced(program_of(problem), problem, aversion=0.0, linear_n=None)
    assert problem.alpha_n is not None
    program.linear[: problem.names] = -problem.alpha_n
    return quadratic.solve(program)[-1] if program.cones else linear.solve(program)


def _replaced(problem: Problem, answers: list[Answer]) -> Found:
    """The least variance instead, with the reason."""
    why = Attempt(problem.objective, (), "highs", "nothing admissible is forecast to beat cash")
    instead = minimum_variance.find(problem)
    tried = found(problem, answers).attempts if answers else ()
    calmer = tuple(
        Attempt("minimum_variance", (), told.solver, told.result) for told in instead.attempts
    )
    return Found(instead.weight_n, (*tried, why, *calmer), replaced=True)
