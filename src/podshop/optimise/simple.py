"""Kelly with caps, without a solver: what a person can follow with a calculator.

1. w = fraction * Sigma^-1 alpha, by Woodbury's identity.
2. Each weight is cut to its bounds.
3. All are scaled down until gross, net and volatility hold, and the trade until turnover does.

Other limits are not heeded: where one is broken, the chain says so and goes on. Costs are not
weighed.
"""

import numpy as np

from podshop.optimise.problem import Problem
from podshop.optimise.solution import Attempt, Found, breaches, room


def find(problem: Problem) -> Found:
    """Capped Kelly weights.

    Raises:
        ValueError: there are no forecasts, or a name has no variance of its own.
    """
    problem.needs("alpha_n")
    assert problem.alpha_n is not None
    wanted_n = problem.fraction * problem.risk.solved(problem.alpha_n)
    weight_n = np.clip(wanted_n, problem.low_n, problem.high_n)
    weight_n = weight_n * min(room(problem, weight_n, ("gross", "net", "volatility")), 1.0)
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
