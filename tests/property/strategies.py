"""How hypothesis draws funds: recipes whose fields shrink one by one to a simple failing fund."""

from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from tests.funds import FREE, Recipe

from podshop.domain.rules import Costs
from podshop.risk.drawdown import Params as Ladder

LADDERS = (
    Ladder(),
    Ladder(trim_at=0.025, halve_at=0.05, terminate_at=0.075),
    Ladder(halve_at=0.015, terminate_at=0.03),
    None,
)
HARSH = Ladder(halve_at=0.008, terminate_at=0.02)
"""A ladder that noise runs down within weeks."""

COSTS = (FREE, Costs(), Costs(volume_cap=0.01, impact_days=3), Costs(commission_micros_per_lot=0))
CAP = st.sampled_from((np.inf, 0.5, 0.1))


def few(share: int) -> settings:
    """A share of the profile's examples, for properties that run whole funds."""
    profile = settings.get_current_profile_name()
    whole = settings.get_profile(profile).max_examples
    return settings(max_examples=max(2, whole // share))


def flows(days: int) -> st.SearchStrategy[tuple[tuple[int, str, int], ...]]:
    """Up to three flows in the first sessions, small against the capital."""
    one = st.tuples(
        st.integers(0, days - 1),
        st.sampled_from(
            (("deposit", 70_000), ("withdrawal", -40_000), ("tax", -900), ("fee", -90))
        ),
    ).map(lambda x: (x[0], *x[1]))
    return st.lists(one, max_size=3).map(lambda found: tuple(sorted(found)))


def recipes(days: int = 32, **fixed: Any) -> st.SearchStrategy[Recipe]:
    """Random recipes; what is given by name is not drawn."""
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "seed": st.integers(0, 10_000),
        "assets": st.integers(2, 6),
        "pods": st.integers(1, 4),
        "start": st.sampled_from((0, 5)),
        "opens": st.booleans(),
        "volume": st.booleans(),
        "splits": st.integers(0, 4),
        "delistings": st.integers(0, 2),
        "late": st.integers(0, 2),
        "dividends": st.sampled_from((0.0, 0.05)),
        "holes": st.sampled_from((0.0, 0.08)),
        "dry": st.sampled_from((0.0, 0.08)),
        "swing": st.sampled_from((0.01, 0.03)),
        "depth": st.sampled_from((1e6, 5_000.0)),
        "gross": st.sampled_from((0.8, 2.0)),
        "ladder": st.sampled_from(LADDERS),
        "stop": st.sampled_from((0.15, 0.03, 0.0)),
        "position": CAP,
        "sector": CAP,
        "gross_cap": CAP,
        "net": CAP,
        "vol": CAP,
        "vol_days": st.sampled_from((20, 63)),
        "ticker": CAP,
        "sharpe": st.booleans(),
        "lookback": st.sampled_from((2, 10)),
        "lo": st.sampled_from((0.0, 0.1)),
        "hi": st.sampled_from((0.4, 0.9)),
        "cash": st.sampled_from((0.1, 0.0)),
        "schedule": st.sampled_from(("month", "week", "daily", "never")),
        "flows": flows(days),
        "costs": st.sampled_from(COSTS),
        "restore": st.sampled_from(("peak", "never")),
    }
    chosen = {name: st.just(value) for name, value in fixed.items()}
    return st.builds(Recipe, days=st.just(days), **(drawn | chosen))
