"""Pods that trade apart and keep what they make: each is the fund that it would be alone."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.funds import Fund, Recipe, cook, live, random_recipe

from podshop.capital import own
from podshop.domain.event import Filled, FillKind, Part
from podshop.domain.rules import Allocator
from podshop.research.run import Run
from podshop.research.wishing import gather
from podshop.risk import drawdown

OWN = Allocator("own", partial(own.shares, p=own.Params()), "month")


def apart(fund: Fund) -> Fund:
    """The fund with its pods apart."""
    return replace(fund, rules=replace(fund.rules, allocator=OWN, netting=False))


def alone(fund: Fund, p: int) -> Fund:
    """The fund of its pod p alone, with its share of the capital."""
    rules = fund.rules
    only = replace(rules, pods=(rules.pods[p],), capital=rules.capital // len(rules.pods))
    wishes = gather(only.pods, fund.panel, fund.recipe.start)
    return replace(fund, rules=replace(only, allocator=OWN), wishes=wishes)


def recipe_of(seed: int) -> Recipe:
    """Everything by dice but what ties pods together.

    That is flows, the fund's stop, its cap on a name, and cuts, whose freed cash lies with the
    centre for anybody. Splits share whole lots among all holders, so that an odd one may give a pod
    a lot more than alone; here nothing splits. And the night before the first session pays interest
    to the centre, which is shared to the micro; here there is none.
    """
    stop_loss = drawdown.Params(halve_at=0.0, terminate_at=0.04) if seed % 2 else None
    free = {
        "flows": (),
        "stop": 0.0,
        "ticker": np.inf,
        "splits": 0,
        "ladder": stop_loss,
        "start": 0,
    }
    return replace(random_recipe(seed), **free)


def same(together: Run, lonely: Run, p: int) -> None:
    """A pod among others and the same pod alone, to the micro."""
    for name in ("nav_dp", "unit_dp", "nominal_dp"):
        ours, theirs = getattr(together.tape, name)[:, p], getattr(lonely.tape, name)[:, 0]
        np.testing.assert_array_equal(ours, theirs, err_msg=f"{name} of pod {p}")


@pytest.mark.slow
@settings(max_examples=25)
@given(seed=st.integers(0, 400), record=st.sampled_from(["fast", "full"]))
def test_a_pod_apart_is_the_pod_alone(seed: int, record: str) -> None:
    recipe = recipe_of(seed)
    fund = apart(cook(recipe))
    together = fund.run(record=record)
    for p in range(recipe.pods):
        same(together, alone(fund, p).run(record=record), p)


@settings(max_examples=25)
@given(seed=st.integers(0, 400))
def test_nothing_crosses_and_nothing_is_saved(seed: int) -> None:
    fund = apart(cook(random_recipe(seed)))
    run = fund.run(record="full")
    # Nobody sells below a micro: such an impact costs less than the model says.
    assume(not (run.fills["price_micros"] == 1).any())
    assert (run.tape.part_dpk[:, :, Part.NETTING] == 0).all()
    assert run.summary["residual_micros"] == 0
    fills = run.fills
    assert fills.filter(fills["kind"] == "cross").is_empty()


@pytest.mark.parametrize("seed", range(12))
def test_what_the_day_says_replays_to_the_same_books(seed: int) -> None:
    fund = apart(cook(random_recipe(seed)))
    last = fund.run(record="full").book
    sessions = list(live(fund))
    assert sessions[-1].book.digest() == last.digest()
    markets = [e for s in sessions for e in s.plan.events if isinstance(e, Filled)]
    kinds = np.concatenate([e.kind_r for e in markets]) if markets else np.zeros(0)
    assert not (kinds == FillKind.CROSS).any()
