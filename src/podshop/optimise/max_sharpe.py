"""The most forecast return for each unit of volatility, after costs in proportion to the trade.

The ratio is a quadratic program in v = kappa * w (Charnes and Cooper 1962): min v'Sigma v with
(alpha - costs)'v = 1 and every limit times kappa. It has no answer where no admissible portfolio is
forecast to beat cash; then the least variance is the answer, and it says so. Where limits leave the
size of a portfolio open (long and short, net 0) and no trade counts, it is as large as they admit.
"""

from dataclasses import replace

import numpy as np

from podshop.domain.money import F64
from podshop.optimise import conic, linear, minimum_variance, quadratic
from podshop.optimise.problem import Problem
from podshop.optimise.program import Program, also_equal, homogenised, priced, program_of
from podshop.optimise.seam import Answer, found
from podshop.optimise.solution import Found, full_size

CASH = "nothing admissible is forecast to beat cash"


def find(problem: Problem) -> Found:
    """The weights with the best ratio of forecast to volatility.

    Raises:
        ValueError: there are no forecasts, or a cost grows with the square of the trade.
    """
    problem.needs("alpha_n")
    if problem.impact_n is not None:
        raise ValueError("max_sharpe takes costs in proportion to the trade; leave impact_n out")
    program = priced(program_of(problem), problem, aversion=1.0, costs=False)
    gain = _gain(problem, program)
    size = float(np.abs(gain).max())
    if size > 0.0:
        ratio = also_equal(homogenised(program), np.append(gain / size, 0.0), 1.0)
        answers = quadratic.solve(ratio)
        if answers[-1].x is not None:
            best = found(problem, answers, homogeneous=True)
            return best if problem.cost_n is not None else full_size(problem, best)
    else:
        answers = []
    told, most = _best(problem)
    if told.x is not None and most <= 0.0:
        return _replaced(problem, [*answers, replace(told, x=None, result=CASH)])
    return found(problem, answers or [told])


def _gain(problem: Problem, program: Program) -> F64:
    """(X,) forecast of a year after costs, for each unknown."""
    assert problem.alpha_n is not None
    gain = np.zeros(len(program.linear))
    gain[: problem.names] = problem.alpha_n
    if program.trades is not None and problem.cost_n is not None:
        gain[program.trades :] = -np.tile(problem.cost_n, 2) / problem.horizon_years
    return gain


def _best(problem: Problem) -> tuple[Answer, float]:
    """The most forecast return after costs that there is: does anything beat cash?"""
    program = program_of(problem, risk=False)
    gain = _gain(problem, program)
    program = replace(program, linear=-gain)
    told = conic.solve(program) if program.cones else linear.solve(program)
    return told, -np.inf if told.x is None else float(gain @ told.x)


def _replaced(problem: Problem, answers: list[Answer]) -> Found:
    """The least variance instead, after what was tried."""
    tried = found(problem, answers).attempts
    instead = minimum_variance.find(replace(problem, objective="minimum_variance"))
    return Found(instead.weight_n, (*tried, *instead.attempts), replaced=True)
