"""Capital policies of pods: what is above the mark goes to the centre, and nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest
from tests.funds import FREE, Fund, cook, live, plain, random_recipe, steady
from tests.funds import pod as pod_of

from podshop.capital.compounding import capital_path
from podshop.domain.event import Swept

POLICY = {0.0: ("half", None), 0.5: ("partial", 0.5)}


def keeping(fund: Fund, keep: float) -> Fund:
    """The fund with this policy for every pod but the last."""
    pods = [replace(pod, keep=keep) for pod in fund.rules.pods]
    pods[-1] = replace(pods[-1], keep=1.0) if len(pods) > 1 else pods[-1]
    return replace(fund, rules=replace(fund.rules, pods=tuple(pods)))


def alone(keep: float) -> Fund:
    """One pod that is sized anew each day, and gets capital once."""
    days = np.arange(240)
    close = 100.0 * np.exp(0.0015 * days + 0.06 * np.sin(days / 9.0))
    made = plain(close, pod_of("p", steady({0: 1.0}), "daily", 1.0), capital=1_000_000_000)
    made = replace(made, rules=replace(made.rules, costs=FREE))
    return keeping(made, keep)


@pytest.mark.parametrize("keep", [0.0, 0.5])
def test_the_capital_of_a_pod_follows_the_published_recursion(keep: float) -> None:
    run = alone(keep).run(record="full")
    nominal = run.tape.nominal_dp[:, 0].astype(np.float64)
    unit = run.tape.unit_dp[:, 0]
    first = int(np.argmax(nominal > 0))
    returns = unit[first + 1 :] / unit[first:-1] - 1.0
    policy, share = POLICY[keep]
    path = capital_path(returns, nominal[first], policy, share)  # type: ignore[arg-type]
    # On the day after a sweep a return counts on the larger of both capitals.
    np.testing.assert_allclose(nominal[first:], path.capital, rtol=2e-3)
    if keep == 0.0:
        assert nominal.max() <= nominal[first]
    assert run.book.reserve == pytest.approx(path.skimmed[-1], rel=0.02)
    assert run.tape.residual(run.rules.capital) == 0


@pytest.mark.parametrize("seed", range(20))
def test_fast_is_full_and_the_laws_hold(seed: int) -> None:
    fund = keeping(cook(random_recipe(seed)), (0.0, 0.5)[seed % 2])
    fast, full = fund.run(record="fast"), fund.run(record="full")
    assert fast.book.digest() == full.book.digest()
    np.testing.assert_array_equal(fast.tape.part_dpk, full.tape.part_dpk)
    np.testing.assert_array_equal(fast.tape.nominal_dp, full.tape.nominal_dp)
    assert full.tape.residual(fund.rules.capital) == 0


@pytest.mark.parametrize("seed", range(8))
def test_a_sweep_takes_cash_and_capital_and_no_profit(seed: int) -> None:
    fund = keeping(cook(random_recipe(seed)), 0.0)
    swept = 0
    for session in live(fund):
        book = session.book
        for event in session.plan.events:
            if isinstance(event, Swept):
                swept += 1
                assert (event.moved_r >= 0).all()
                assert (event.pod_r != len(fund.rules.pods) - 1).all()  # the last keeps its gains
                assert (book.unit_p[event.pod_r] == book.peak_p[event.pod_r]).all()
    assert swept or fund.run().tape.unit_dp.max() == 1.0


def test_the_same_returns_whatever_is_kept() -> None:
    """A policy moves money, not returns."""
    units = [alone(keep).run().tape.unit_dp[:, 0] for keep in (1.0, 0.5, 0.0)]
    for unit in units[1:]:
        np.testing.assert_allclose(unit, units[0], rtol=2e-3)
