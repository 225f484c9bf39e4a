"""Kelly with caps, without a solver: what a person can follow with a calculator.

1. w = fraction * Sigma^-1 alpha, by Woodbury's identity.
2. Each weight is cut to its bounds.
3. All are scaled down until gross, net and volatility hold, and the trade until turnover does.

Other limits are not heeded: where one is broken, the chain says so and goes on. Costs are not
weighed.
"""

import numpy as np

from podshop.domain.money import F64
from podshop.optimise.problem import Problem
from podshop.optimise.solution import Attempt, Found, breaches


def find(problem: Problem) -> Found:
    """Capped Kelly weights.

    Raises:
        ValueError: there are no forecasts, or a name has no variance of its own.
    """
    problem.needs("alpha_n")
    assert problem.alpha_n is not None
    wanted_n = problem.fraction * problem.risk.solved(problem.alpha_n)
    weight_n = np.clip(wanted_n, problem.low_n, problem.high_n)
    weight_n = weight_n * _room(problem, weight_n)
    trade_n = weight_n - problem.held_n
    traded = float(np.abs(trade_n).sum())
    if problem.turnover is not None and traded > problem.turnover:
        weight_n = problem.held_n + trade_n * (problem.turnover / traded)
    missed = breaches(problem, weight_n)
    if missed:
        limits = ", ".join(dict.fromkeys(breach.limit for breach in missed))
        broken = Attempt(problem.objective, (), "closed form", f"breaks {limits}")
        return Found(None, (broken,))
    return Found(weight_n, (Attempt(problem.objective, (), "closed form", "solved"),))


def _room(problem: Problem, weight_n: F64) -> float:
    """The largest factor up to 1 at which gross, net and volatility hold."""
    gross, net = float(np.abs(weight_n).sum()), float(weight_n.sum())
    room = 1.0
    if problem.gross is not None and gross > problem.gross:
        room = min(room, problem.gross / gross)
    for end in problem.net:
        if abs(end) < abs(net) and end * net >= 0.0 and (net > end) == (end == problem.net[1]):
            room = min(room, end / net)
    if problem.volatility_max is not None:
        volatility = problem.risk.volatility(weight_n)
        if volatility > problem.volatility_max:
            room = min(room, problem.volatility_max / volatility)
    return room
