"""Made-up markets for the learned pod: pure noise, and a signal that no straight line sees."""

import numpy as np

from podshop.domain.market import Panel
from podshop.market.panel import from_arrays, with_signals
from podshop.pods import learned

QUICK = learned.Params(
    rate_days=(5, 21),
    volatility_days=(21,),
    skip_days=5,
    year_days=42,
    horizon_days=10,
    train_days=189,
    step_days=3,
    embargo_days=2,
    trees=60,
    ridge=10.0,
    examples_least=200,
)
"""Short windows, so that two years are history enough."""


def noise(seed: int, days: int = 700, names: int = 60, edge: float = 0.0) -> Panel:
    """Independent returns, and signals `left` and `right` that last for 20 sessions each.

    With an edge, a name drifts up by it each session after `left` was far from 0 on either side,
    and down after it was near: no straight line sees that. `right` never tells anything.
    """
    rng = np.random.default_rng(seed)
    blocks = -(-days // 20)
    left, right = (
        np.repeat(rng.uniform(-1.0, 1.0, (blocks, names)), 20, axis=0)[:days] for _ in range(2)
    )
    drift = np.zeros((days, names))
    drift[1:] = edge * np.sign(np.abs(left) - 0.5)[:-1]
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, (days, names)) + drift, axis=0))
    every = np.arange(np.datetime64("2018-01-01"), np.datetime64("2018-01-01") + 2 * days)
    panel = from_arrays(
        every[np.is_busday(every)][:days],
        [f"N{n:02d}" for n in range(names)],
        close,
        volume=rng.uniform(1e5, 1e6, (days, names)),
    )
    return with_signals(panel, {"left": left, "right": right})
