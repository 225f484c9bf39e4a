"""A fraction f of Kelly: the growth of capital, or the safer part of it.

1. From forecasts: max alpha'w - w'Sigma w / (2 f) - costs / horizon. Unconstrained, w is
   f Sigma^-1 alpha; half of Kelly keeps three quarters of the growth at half the volatility (Kelly
   1956; Thorp 2006; MacLean, Thorp and Ziemba 2011).
2. From scenarios, exactly: max mean log(1 + r'w), and for f < 1 the power utility with aversion
   1 / f, mean (1 + r'w)^(1 - 1/f) / (1 - 1/f), of which 1. is the second-order approximation. No
   scenario can ruin. Costs are not weighed here. Meant for pods or some hundred names: the factor
   model only measures.
"""

from dataclasses import replace

import numpy as np

from podshop.optimise import conic, quadratic
from podshop.optimise.problem import Problem
from podshop.optimise.program import Cone, Program, priced, program_of
from podshop.optimise.seam import found
from podshop.optimise.solution import Found


def find(problem: Problem) -> Found:
    """The weights that grow fastest, at this fraction.

    Raises:
        ValueError: there are neither forecasts nor scenarios, or the fraction is above 1 with
            scenarios.
    """
    if problem.scenario_tn is not None:
        return _exact(problem)
    problem.needs("alpha_n")
    assert problem.alpha_n is not None
    program = priced(
        program_of(problem),
        problem,
        aversion=1.0 / problem.fraction,
        linear_n=-problem.alpha_n,
    )
    return found(problem, quadratic.solve(program))


def _exact(problem: Problem) -> Found:
    """Expected utility over scenarios, by exponential or power cones."""
    if problem.fraction > 1.0:
        raise ValueError(f"fraction must be at most 1 with scenarios, not {problem.fraction}")
    program = program_of(problem, risk=False, costs=False)
    return found(problem, [conic.solve(_with_scenarios(program, problem))])


def _with_scenarios(program: Program, problem: Problem) -> Program:
    """A program with one unknown more for each scenario: its utility (log) or its loss (power).

    (u, 1, 1 + r'w) in the exponential cone says u <= log(1 + r'w); (u, 1 + r'w, 1) in the power
    cone with exponent f says u >= (1 + r'w)^(1 - 1/f).
    """
    from scipy import sparse

    assert problem.scenario_tn is not None
    days, names = problem.scenario_tn.shape
    size = len(program.linear)
    log = problem.fraction == 1.0
    wealth = 2 if log else 1
    row, column = np.divmod(np.arange(days * names), names)
    data = np.append(np.ones(days), problem.scenario_tn.ravel())
    rows = np.append(3 * np.arange(days), 3 * row + wealth)
    matrix = sparse.csc_array(
        (data, (rows, np.append(size + np.arange(days), column))), shape=(3 * days, size + days)
    )
    offset = np.tile(np.array([0.0, 1.0, 1.0]), days)
    more = sparse.csc_array((program.equal.shape[0], days))
    others = tuple(
        replace(
            cone,
            matrix=sparse.hstack(
                [cone.matrix, sparse.csc_array((cone.matrix.shape[0], days))], format="csc"
            ),
        )
        for cone in program.cones
    )
    cone = Cone("exponential" if log else "power", matrix, offset, problem.fraction)
    return replace(
        program,
        square=sparse.csc_array((size + days, size + days)),
        linear=np.append(np.zeros(size), np.full(days, (-1.0 if log else 1.0) / days)),
        equal=sparse.hstack([program.equal, more], format="csc"),
        rows=sparse.hstack(
            [program.rows, sparse.csc_array((program.rows.shape[0], days))], format="csc"
        ),
        low=np.append(program.low, np.full(days, -np.inf)),
        high=np.append(program.high, np.full(days, np.inf)),
        cones=(*others, cone),
    )
