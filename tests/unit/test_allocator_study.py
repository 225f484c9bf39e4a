"""The study of the allocators: a small one, whose pairs differ by nothing but the allocator."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks import allocator_study
from benchmarks.allocator_study import ALLOCATORS, Case, Plan

from podshop.simulator.alphas import true_ic

SMALL = Plan(worlds=2, years=3.0, names=120, seed=11)
FOUR = Case((0.0, 0.5, 1.0, 1.5), gross_p=(1.2,) * 4)


@pytest.mark.slow
def test_bounds_that_leave_no_choice_give_one_fund() -> None:
    # Floor and cap are the same: nothing is left to the allocator, so nothing else may differ.
    monthly = {name: {"use": section["use"]} for name, section in ALLOCATORS.items()}
    plan = replace(SMALL, allocators=monthly, bounds={"min": 0.2, "max": 0.2, "cash": 0.1})
    panel = allocator_study.world(FOUR, plan, 0)
    funds = dict(allocator_study.runs(allocator_study.hired(FOUR), panel, plan))
    assert list(funds) == list(ALLOCATORS)
    equal = funds["equal"].tape
    assert np.ptp(equal.nav_d) > 0
    for run in funds.values():
        assert (run.tape.nav_d == equal.nav_d).all()
        assert (run.tape.part_dpk == equal.part_dpk).all()


@pytest.mark.slow
def test_equal_against_equal_is_exactly_nothing() -> None:
    twice = {"equal": {"use": "equal"}, "again": {"use": "equal"}, "sharpe": {"use": "sharpe"}}
    plan = replace(SMALL, allocators=twice)
    figures_waf, _ = allocator_study.study(FOUR, plan)
    apart_af, half_af = allocator_study.paired(figures_waf)
    assert (apart_af[:2] == 0.0).all()
    assert (half_af[:2] == 0.0).all()
    assert (apart_af[2] != 0.0).all()  # and what does differ is seen
    assert (figures_waf[0, 0] != figures_waf[1, 0])[:-1].all()  # worlds are different markets
    assert (figures_waf[:, 0, -1] == 0.0).all()  # equal moves no capital


@pytest.mark.slow
def test_a_pod_that_died_ends_at_the_floor_of_sharpe() -> None:
    case = Case((6.0,) * 4, gross_p=(1.2,) * 4, dying=1)
    plan = replace(SMALL, worlds=1, years=5.0, allocators={"sharpe": {"use": "sharpe"}})
    panel = allocator_study.world(case, plan, 0)
    [(_, run)] = allocator_study.runs(allocator_study.hired(case), panel, plan)
    last = run.tape.allocations[-1][1].share_p
    assert last[3] < 0.12 < last[:3].min()
    unit_dp = run.tape.unit_dp
    middle, end = len(unit_dp) // 2, len(unit_dp) - 1
    before, after = unit_dp[middle] - 1.0, unit_dp[end] / unit_dp[middle] - 1.0
    assert before[3] > 0.5 * before[:3].mean()
    assert after[3] < 0.2 * after[:3].mean()


def test_a_member_of_a_crowd_is_worth_what_a_loner_is() -> None:
    case = Case((0.75,) * 8, crowd=5, crowding=0.8)
    alphas = allocator_study.planted(case)
    found = [true_ic(alpha.name, alphas) for alpha in alphas]
    assert found == pytest.approx(allocator_study.ic_of(case.sharpe_p))


def test_the_interval_of_paired_differences() -> None:
    # Two worlds, differences 1 and 3: mean 2, error 1, Student's t of one degree at 95 % is 12.706.
    figures_waf = np.array([[[5.0], [6.0]], [[1.0], [4.0]]])
    apart_af, half_af = allocator_study.paired(figures_waf)
    assert apart_af.tolist() == [[0.0], [2.0]]
    assert half_af[0, 0] == 0.0
    assert half_af[1, 0] == pytest.approx(12.7062, rel=1e-5)


def test_a_difference_on_the_same_days() -> None:
    excess = np.random.default_rng(1).normal(0.0005, 0.01, 500)
    rows = np.random.default_rng(2).integers(0, 500, (200, 500))
    assert allocator_study.difference(excess, excess, rows) == (0.0, 0.0)
    # Half the risk of the same bets has the same ratio on any days; a gift every day has a higher.
    low, high = allocator_study.difference(0.5 * excess, excess, rows)
    assert max(abs(low), abs(high)) < 1e-12
    assert allocator_study.difference(excess + 0.001, excess, rows)[0] > 1.0
