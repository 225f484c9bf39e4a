"""Hierarchical risk parity among names, then the nearest weights that the limits admit.

The weights are those of `capital/hrp.py` (Lopez de Prado 2016) on the correlations of the factor
model. This is the one objective that looks at all pairs of names: N^2 numbers, for a moment.
Bounds and net hold by the exact projection of capital; where another limit is broken, the answer is
the admissible portfolio that tracks it best. Costs of trading are not weighed.
"""

from dataclasses import replace

import numpy as np

from podshop.capital import hrp
from podshop.capital.projection import project
from podshop.optimise import nearest
from podshop.optimise.problem import Problem
from podshop.optimise.solution import Attempt, Found, breaches


def find(problem: Problem) -> Found:
    """The weights of hierarchical risk parity.

    Raises:
        ValueError: a name has no variance, or may only be held short.
    """
    if (problem.high_n < 0.0).any():
        raise ValueError("hierarchical holds names long: high_n must be at least 0")
    risk = problem.risk
    variance_n = risk.variance_n
    if not (variance_n > 0.0).all():
        raise ValueError("hierarchical needs a variance of every name")
    deviation_n = np.sqrt(variance_n)
    loaded_nk = risk.exposure_nk @ risk.root_kk / deviation_n[:, None]
    correlation_nn = loaded_nk @ loaded_nk.T
    np.fill_diagonal(correlation_nn, 1.0)
    score_n = hrp.weights(correlation_nn, deviation_n) if problem.names > 1 else np.ones(1)
    low_n = np.maximum(problem.low_n, 0.0)
    weight_n = project(score_n, low_n, problem.high_n, max(problem.net[1], 0.0))
    own = Attempt(problem.objective, (), "bisection", "solved")
    missed = breaches(problem, weight_n)
    if not missed:
        return Found(weight_n, (own,))
    limits = ", ".join(dict.fromkeys(breach.limit for breach in missed))
    own = replace(own, result=f"breaks {limits}; the nearest admissible weights instead")
    near = nearest.find(replace(problem, target_n=weight_n))
    return Found(near.weight_n, (own, *near.attempts))
