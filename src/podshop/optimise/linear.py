"""Linear programs: HiGHS."""

from typing import Any

import numpy as np

from podshop.optimise.program import Program
from podshop.optimise.seam import Answer, present


def solve(program: Program) -> Answer:
    """Solve a program without curvature and cones by HiGHS' simplex method.

    Args:
        program: its square part and its cones must be empty.

    Returns:
        The solution, or why there is none.

    Raises:
        ValueError: the program is not linear.
        SolverError: HiGHS is not installed.
    """
    if program.cones or program.square.nnz:
        raise ValueError("a program with curvature or cones is not for the linear solver")
    highspy = present("highspy")
    highs = highspy._Highs()  # the class around it prints a banner before it can be told not to
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.passModel(_model(highspy, program))
    highs.run()
    status = highs.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        return Answer(None, "highs", str(status.name).removeprefix("k").lower())
    return Answer(np.array(highs.getSolution().col_value), "highs", "solved")


def _model(highspy: Any, program: Program) -> Any:
    """The program in HiGHS' own record."""
    from scipy import sparse

    matrix = sparse.vstack([program.equal, program.rows], format="csc")
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = matrix.shape
    model.col_cost_ = program.linear
    model.col_lower_, model.col_upper_ = program.low, program.high
    model.row_lower_ = np.append(program.equal_to, program.row_low)
    model.row_upper_ = np.append(program.equal_to, program.row_high)
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = matrix.indptr.astype(np.int32)
    model.a_matrix_.index_ = matrix.indices.astype(np.int32)
    model.a_matrix_.value_ = matrix.data
    return model
