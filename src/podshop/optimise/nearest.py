"""The admissible weights that track others best: min (w - target)'Sigma(w - target) / 2.

What rules without a solver want (hierarchical, a model's own weights), brought within limits at the
least tracking variance. Costs of trading are not weighed; limits of turnover hold.
"""

from podshop.optimise import quadratic
from podshop.optimise.problem import Problem
from podshop.optimise.program import priced, program_of
from podshop.optimise.seam import found
from podshop.optimise.solution import Found


def find(problem: Problem) -> Found:
    """The admissible weights nearest to `target_n`."""
    problem.needs("target_n")
    assert problem.target_n is not None
    linear_n = -problem.risk.times(problem.target_n)
    program = program_of(problem, costs=False)
    return found(
        problem, quadratic.solve(priced(program, problem, aversion=1.0, linear_n=linear_n))
    )
