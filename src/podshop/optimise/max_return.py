"""The most forecast return after costs that the limits allow.

max alpha'w - costs / horizon. Without `volatility_max` the answer is a corner of the limits, a few
names at their bounds, whatever their risk: a linear program. With it, a second-order cone program.
"""

from podshop.optimise import linear, quadratic
from podshop.optimise.problem import Problem
from podshop.optimise.program import priced, program_of
from podshop.optimise.seam import found
from podshop.optimise.solution import Found


def find(problem: Problem) -> Found:
    """The weights of most forecast return."""
    problem.needs("alpha_n")
    assert problem.alpha_n is not None
    program = priced(
        program_of(problem, risk=False), problem, aversion=0.0, linear_n=-problem.alpha_n
    )
    if problem.volatility_max is None and problem.impact_n is None:
        return found(problem, [linear.solve(program)])
    return found(problem, quadratic.solve(program))
