"""Where podshop meets a solver: what comes back, and how a missing one is said."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from podshop.domain.error import SolverError
from podshop.domain.money import F64
from podshop.optimise.problem import Problem
from podshop.optimise.program import Program
from podshop.optimise.solution import Attempt, Found


@dataclass(frozen=True, slots=True)
class Answer:
    """What a solver said.

    Attributes:
        x: (X,) the unknowns; None where it did not solve the program to full accuracy.
        solver: its name.
        result: "solved", or why not, in its own word.
    """

    x: F64 | None
    solver: str
    result: str


def present(name: str) -> Any:
    """The module of a solver.

    Raises:
        SolverError: it is not installed.
    """
    try:
        import_module("scipy")
        return import_module(name)
    except ModuleNotFoundError as missing:
        raise SolverError(
            f"{missing.name} is not installed: pip install 'podshop[optimise]'"
        ) from missing


def size_of(program: Program) -> float:
    """What the objective is divided by, so that its largest numbers are near 1.

    Tolerances of solvers are absolute in part: an objective in the size of 1e-4 would be solved
    when it is not.
    """
    diagonal = program.square.diagonal()
    curved = diagonal[diagonal > 0.0]
    size = float(curved.mean()) if len(curved) else 0.0
    size = max(size, float(np.abs(program.linear).max(initial=0.0)))
    return size if size > 0.0 else 1.0


def found(problem: Problem, answers: list[Answer], *, homogeneous: bool = False) -> Found:
    """Read weights out of what solvers said.

    Args:
        problem: what was asked.
        answers: in the order in which they were given; the last one stands.
        homogeneous: the last unknown is kappa, by which the others are divided.
    """
    attempts = tuple(Attempt(problem.objective, (), told.solver, told.result) for told in answers)
    x = answers[-1].x
    if x is None:
        return Found(None, attempts)
    weight_n = x[: problem.names] / x[-1] if homogeneous else x[: problem.names]
    return Found(weight_n, attempts)
