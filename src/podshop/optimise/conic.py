"""Clarabel: programs with cones, and quadratic programs on which PIQP gave up."""

from typing import Any

import numpy as np

from podshop.domain.money import F64
from podshop.optimise.program import Program
from podshop.optimise.seam import Answer, present, size_of

CLOSE = 1e-9
"""Tolerance of feasibility and gap; "AlmostSolved" is looser and counts as failed."""


def solve(program: Program) -> Answer:
    """Solve a program by Clarabel's interior-point method.

    Args:
        program: any.

    Returns:
        The solution, or why there is none.

    Raises:
        SolverError: Clarabel is not installed.
    """
    clarabel = present("clarabel")
    matrix, right, cones = _stacked(clarabel, program)
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_feas = settings.tol_gap_abs = settings.tol_gap_rel = CLOSE
    scale = size_of(program)
    from scipy import sparse

    square = sparse.triu(sparse.csc_matrix(program.square) / scale, format="csc")
    solver = clarabel.DefaultSolver(
        square, program.linear / scale, sparse.csc_matrix(matrix), right, cones, settings
    )
    told = solver.solve()
    if told.status != clarabel.SolverStatus.Solved:
        return Answer(None, "clarabel", str(told.status))
    return Answer(np.array(told.x), "clarabel", "solved")


def _stacked(clarabel: Any, program: Program) -> tuple[Any, F64, list[Any]]:
    """Everything as b - Ax in cones; rows that are infinite are left out, they would stop it."""
    from scipy import sparse

    one = sparse.eye_array(len(program.linear), format="csr")
    rows = program.rows.tocsr()
    up, down = np.isfinite(program.row_high), np.isfinite(program.row_low)
    above, below = np.isfinite(program.high), np.isfinite(program.low)
    parts = [program.equal, rows[up], -rows[down], one[above], -one[below]]
    rights = [program.equal_to, program.row_high[up], -program.row_low[down]]
    rights += [program.high[above], -program.low[below]]
    inequalities = sum(len(right) for right in rights[1:])
    cones = [clarabel.ZeroConeT(len(program.equal_to)), clarabel.NonnegativeConeT(inequalities)]
    for cone in program.cones:
        parts.append(-cone.matrix)
        rights.append(cone.offset)
        rows_of_it = len(cone.offset)
        if cone.kind == "second_order":
            cones.append(clarabel.SecondOrderConeT(rows_of_it))
        elif cone.kind == "power":
            cones += [clarabel.PowerConeT(cone.exponent)] * (rows_of_it // 3)
        else:
            cones += [clarabel.ExponentialConeT()] * (rows_of_it // 3)
    return sparse.vstack(parts, format="csc"), np.concatenate(rights), cones
