"""The least variance that the limits allow, trading costs counted.

min a/2 w'Sigma w + costs / horizon, with a = 1 / fraction: without costs a does not matter.
Source: Markowitz 1952.
"""

from podshop.optimise import quadratic
from podshop.optimise.problem import Problem
from podshop.optimise.program import priced, program_of
from podshop.optimise.seam import found
from podshop.optimise.solution import Found


def find(problem: Problem) -> Found:
    """The weights of least variance."""
    program = priced(program_of(problem), problem, aversion=1.0 / problem.fraction)
    return found(problem, quadratic.solve(program))
