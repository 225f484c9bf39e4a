"""Quadratic programs: PIQP, and Clarabel where PIQP gives up or a cone is in the way."""

import numpy as np

from podshop.optimise import conic
from podshop.optimise.program import Program
from podshop.optimise.seam import Answer, present, size_of


def solve(program: Program) -> list[Answer]:
    """Solve a program by the first solver that can.

    Args:
        program: convex and quadratic, with or without cones.

    Returns:
        What each solver said, in the order in which they were asked; the last one stands.

    Raises:
        SolverError: a solver is not installed.
    """
    said = []
    if not program.cones:
        said.append(piqp(program))
        if said[0].x is not None:
            return said
    return [*said, conic.solve(program)]


def piqp(program: Program) -> Answer:
    """Solve a quadratic program by PIQP (Schwan, Jiang, Kuhn and Jones 2023)."""
    module = present("piqp")
    from scipy import sparse

    solver = module.SparseSolver()
    solver.settings.eps_abs = 1e-9
    solver.settings.eps_duality_gap_abs = 1e-9
    solver.settings.num_threads = 1
    scale = size_of(program)
    solver.setup(
        sparse.csc_matrix(program.square) / scale,
        program.linear / scale,
        sparse.csc_matrix(program.equal),
        program.equal_to,
        sparse.csc_matrix(program.rows),
        program.row_low,
        program.row_high,
        program.low,
        program.high,
    )
    status = solver.solve()
    if status != module.PIQP_SOLVED:
        return Answer(None, "piqp", str(status).removeprefix("Status.PIQP_").lower())
    return Answer(np.array(solver.result.x), "piqp", "solved")
