"""Capital among pods once more: who is free between its bounds is decided with exact fractions.

Given who is free, lambda = (budget - what the bound pods take) / (sum of free scores) is one
division, written in the order of the rule: equal to the last bit for fewer than eight pods.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from tests.funds import Recipe

CLOSING = 2


def add(values: Sequence[float]) -> float:
    """Sum in order."""
    total = 0.0
    for x in values:
        total += x
    return total


def sharpe(returns: Sequence[float]) -> float:
    """Mean over deviation, a year of 252; 0 for what never moved."""
    n = len(returns)
    mean = add(returns) / n
    spread = math.sqrt(add([(x - mean) * (x - mean) for x in returns]) / (n - 1))
    return mean / spread * math.sqrt(252.0) if spread > 0 else 0.0


def shares(recipe: Recipe, pods: Sequence[Any], nav: int) -> list[float]:
    """Shares of the risk capital as nominal capital."""
    if nav <= 0:
        return [0.0 for _ in pods]
    alive = [pod.status < CLOSING for pod in pods]
    scores = [0.0 if recipe.sharpe else 1.0 for _ in pods]
    if recipe.sharpe and len(pods[0].returns) >= recipe.lookback:
        scores = [sharpe(pod.returns[-recipe.lookback :]) for pod in pods]
    lo = [recipe.lo if x else 0.0 for x in alive]
    hi = [recipe.hi if x else 0.0 for x in alive]
    closing = sum(pod.nav for pod in pods if pod.status == CLOSING)
    budget = max(0.0, 1.0 - recipe.cash - max(0.0, closing / nav))
    share = project(scores, lo, hi, budget)
    whole = [p for p, pod in enumerate(pods) if alive[p] and pod.keep >= 1.0]
    freed = add([share[p] * (1.0 - pod.keep) for p, pod in enumerate(pods) if alive[p]])
    if freed <= 0.0 or not whole:
        return share
    mine = [share[p] for p in whole]
    more = project(mine, mine, [max(x, recipe.hi) for x in mine], add(mine) + freed)
    for p, x in zip(whole, more, strict=True):
        share[p] = x
    return share


def project(
    scores: Sequence[float], lo: Sequence[float], hi: Sequence[float], total: float
) -> list[float]:
    """Shares in proportion to scores, within bounds, summing to the total where bounds let."""
    if add(hi) <= total:
        return list(hi)
    if add(lo) >= total:
        return [x * (total / add(lo)) for x in lo]
    s = [max(x, 0.0) if h > 0 else 0.0 for x, h in zip(scores, hi, strict=True)]
    if not any(s):
        s = [1.0 if h > 0 else 0.0 for h in hi]
    scored = [i for i, x in enumerate(s) if x > 0]
    rest = [i for i, x in enumerate(s) if x <= 0]
    w = list(lo)
    caps = add([hi[i] for i in scored])
    room = total - add([lo[i] for i in rest])
    if caps <= room:
        for i in scored:
            w[i] = hi[i]
        s = [1.0 if h > 0 else 0.0 for h in hi]
        scored, room = [i for i in rest if hi[i] > 0], total - caps
    found = fill([s[i] for i in scored], [lo[i] for i in scored], [hi[i] for i in scored], room)
    for i, x in zip(scored, found, strict=True):
        w[i] = x
    return w


def fill(s: Sequence[float], lo: Sequence[float], hi: Sequence[float], total: float) -> list[float]:
    """Solve sum(clip(lambda s, lo, hi)) = total for positive scores."""
    top = max(s, default=1.0)
    s = [x / top for x in s]
    exact = [(Fraction(x), Fraction(a), Fraction(b)) for x, a, b in zip(s, lo, hi, strict=True)]
    points = sorted({bound / x for x, a, b in exact for bound in (a, b)})

    def spent(at: Fraction) -> Fraction:
        return sum((min(max(at * x, a), b) for x, a, b in exact), Fraction(0))

    right = next((k for k, at in enumerate(points) if spent(at) >= Fraction(total)), -1)
    if right == 0:
        return list(lo)
    middle = (points[right - 1] + points[right]) / 2
    free = [a < middle * x < b for x, a, b in exact]
    bound = [hi[i] if middle * x >= b else lo[i] for i, (x, _, b) in enumerate(exact)]
    fixed = add([bound[i] for i in range(len(s)) if not free[i]])
    scale = (total - fixed) / add([s[i] for i in range(len(s)) if free[i]]) if any(free) else 0.0
    return [s[i] * scale if free[i] else bound[i] for i in range(len(s))]
