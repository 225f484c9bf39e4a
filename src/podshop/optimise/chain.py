"""`solve`: the objective as asked, then with soft limits widened, then what is held already.

1. The problem as it stands; PIQP, then Clarabel, or what the objective uses.
2. With turnover open, then sectors too, then factors too: an elastic linear program says by how
   much they must give at the least, the earlier ones rather than the later; they are widened by
   just that, and the objective is asked again.
3. The weights held now.

Bounds, net, gross, beta and volatility are never widened. Every try is kept in `Solution.chain`,
and `Solution.breaches` tells which limits, as asked, do not hold.
"""

from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from podshop.domain.error import SolverError
from podshop.domain.money import F64
from podshop.optimise import conic, linear
from podshop.optimise.problem import Problem
from podshop.optimise.program import elastic, program_of
from podshop.optimise.solution import SOFT, Attempt, Found, Solution, Status, breaches, describe

PRICE = {"turnover": 1.0, "sector": 1e2, "factor": 1e4}
"""What a unit of widening costs: dear enough that the earlier gives way before the later."""

MARGIN = 1e-5
"""Widened a little further than just feasible: solvers want an inside."""

DUST = 1e-9
"""Weights this near to a bound, to zero or to what is held are there."""


def solve(problem: Problem) -> Solution:
    """Find weights, whatever has to give.

    Args:
        problem: what is asked.

    Returns:
        Weights with their status, the chain of what was tried, and which limits they do not keep.

    Raises:
        ValueError: no such objective, or the problem lacks what it needs.
        SolverError: nothing helped and there are no weights to keep, or a solver is not installed.
    """
    objective = _objective(problem.objective)
    chain: tuple[Attempt, ...] = ()
    for level in range(len(SOFT) + 1):
        relaxed = SOFT[:level]
        asked, widened = (problem, None) if not relaxed else _widened(problem, relaxed)
        if widened is not None:
            chain += (widened,)
        if asked is None:
            continue
        found = _checked(asked, objective.find(asked))
        chain += tuple(replace(told, relaxed=relaxed) for told in found.attempts)
        if found.weight_n is not None:
            status: Status = "relaxed" if relaxed else "solved"
            status = "replaced" if found.replaced else status
            return describe(problem, replace(found, attempts=chain), status, found.weight_n)
    return _kept(problem, chain)


def _objective(name: str) -> Any:
    """The module of an objective: a file here that offers `find`.

    Raises:
        ValueError: there is none of that name.
    """
    where = f"podshop.optimise.{name}"
    module = import_module(where) if find_spec(where) is not None else None
    if not hasattr(module, "find"):
        raise ValueError(f"no objective {name!r}: podshop/optimise has no such file with `find`")
    return module


def _widened(problem: Problem, relaxed: tuple[str, ...]) -> tuple[Problem | None, Attempt | None]:
    """The problem with some limits widened as little as possible.

    Returns:
        The wider problem, None where the newest of the relaxed limits is not part of the problem,
        or where nothing is feasible even so; and the try, if there was one.
    """
    program = program_of(problem, risk=False, costs=False)
    present = {name for name, _ in program.labels}
    if relaxed[-1] not in present:
        return None, None
    prices = {name: PRICE[name] for name in relaxed if name in present}
    loose = elastic(program, prices)
    told = conic.solve(loose) if loose.cones else linear.solve(loose)
    tried = Attempt("least widening", relaxed, told.solver, told.result)
    if told.x is None:
        return None, tried
    giving = [label for label in program.labels if label[0] in prices]
    slack = told.x[len(program.linear) :].reshape(2, len(giving)).max(axis=0)
    slack_of = {
        label: max(float(by), 0.0) + MARGIN for label, by in zip(giving, slack, strict=True)
    }
    return _wider(problem, slack_of), tried


def _wider(problem: Problem, slack_of: dict[tuple[str, int], float]) -> Problem:
    """The problem with these limits moved apart."""
    wider: dict[str, Any] = {}
    if problem.turnover is not None and ("turnover", 0) in slack_of:
        wider["turnover"] = problem.turnover + slack_of["turnover", 0]
    for name, low, high in (
        ("sector", "sector_low_s", "sector_high_s"),
        ("factor", "factor_low_k", "factor_high_k"),
    ):
        if getattr(problem, low) is None:
            continue
        by = np.zeros(len(getattr(problem, low)))
        for (limit, index), amount in slack_of.items():
            if limit == name:
                by[index] = amount
        wider[low], wider[high] = getattr(problem, low) - by, getattr(problem, high) + by
    return replace(problem, **wider)


def _checked(problem: Problem, found: Found) -> Found:
    """Weights without a solver's dust; none where they break a limit after all."""
    if found.weight_n is None:
        return found
    weight_n = _tidy(problem, found.weight_n)
    missed = breaches(problem, weight_n)
    if not missed:
        return replace(found, weight_n=weight_n)
    limits = ", ".join(dict.fromkeys(breach.limit for breach in missed))
    last = replace(found.attempts[-1], result=f"its weights break {limits}")
    return Found(None, (*found.attempts[:-1], last))


def _tidy(problem: Problem, weight_n: F64) -> F64:
    """Weights exactly on the bounds they are near, and exactly within net."""
    for place_n in (problem.held_n, np.zeros(problem.names), problem.low_n, problem.high_n):
        weight_n = np.where(np.abs(weight_n - place_n) < DUST, place_n, weight_n)
    weight_n = np.clip(weight_n, problem.low_n, problem.high_n)
    net = float(weight_n.sum())
    gap = min(max(net, problem.net[0]), problem.net[1]) - net
    room_n = (problem.high_n - weight_n) if gap > 0.0 else (weight_n - problem.low_n)
    # Only names that trade and are held take part: the others are where they are on purpose.
    room_n = room_n * np.abs(weight_n) * (weight_n != problem.held_n)
    if gap == 0.0 or abs(gap) > MARGIN or not room_n.sum() > 0.0:
        return weight_n
    spread: F64 = np.clip(weight_n + gap * room_n / room_n.sum(), problem.low_n, problem.high_n)
    return spread


def _kept(problem: Problem, chain: tuple[Attempt, ...]) -> Solution:
    """What is held stays, or an error where nothing is."""
    if problem.current_n is None:
        told = "; ".join(str(attempt) for attempt in chain)
        raise SolverError(
            f"{problem.objective} found no weights and there are none to keep (current_n): {told}"
        )
    last = Attempt(problem.objective, SOFT, "none", "the weights held are kept")
    return describe(problem, Found(None, (*chain, last)), "kept", problem.current_n)
