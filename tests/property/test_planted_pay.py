"""Planted alphas through the whole path: who is credited, and who is paid, is who was right.

A simulated market with five alphas of graded strength, one pod on each, all in one fund with costs
and netting. The fund's journal is paid out, and its profit is credited in every way there is.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.funds import Recipe, assemble, table_pod

from podshop.adapters.stores.sqlite import read_entries
from podshop.attribution.credit import Credit, euler, leave_one_out, sampled_shapley, shapley
from podshop.attribution.payday import PayDay, pay_day
from podshop.attribution.quarters import EARNED, history
from podshop.domain.rules import PayTerms
from podshop.research.coalitions import FundValue
from podshop.research.run import Run
from podshop.simulator import World, simulate
from podshop.simulator.alphas import Alpha

Floats = npt.NDArray[np.float64]

TRUTH = {"best": 0.08, "good": 0.06, "fair": 0.04, "weak": 0.02, "noise": 0.0}
"""Planted correlation of each signal with the next session's specific return."""

ORDER = ("weak", "best", "noise", "fair", "good")
"""The order in which the fund hires them, which gives nothing away."""

PODS = len(ORDER)


@dataclass(frozen=True)
class Study:
    """The fund's run, its pay, and its value by coalition."""

    run: Run
    pay: PayDay
    value: FundValue
    profit_p: Floats


def weights(world: World, name: str) -> Floats:
    """Signal over volatility among the listed, dollar neutral, gross 1."""
    listed = world.truth.lives.listed(len(world.truth.days))
    raw = np.where(listed, world.truth.signals[name] / world.truth.structure.volatility_n, 0.0)
    raw = np.where(listed, raw - raw.sum(1, keepdims=True) / listed.sum(1, keepdims=True), 0.0)
    return raw / np.abs(raw).sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    planted = tuple(Alpha(name, ic, 21.0) for name, ic in TRUTH.items())
    world = simulate(200, 3, seed=23, alphas=planted)
    pods = tuple(table_pod(name, weights(world, name), "week", gross=1.01) for name in ORDER)
    recipe = Recipe(
        pods=PODS, ladder=None, stop=0.0, capital=50_000_000, lo=0.0, hi=1.0, schedule="never"
    )
    fund = assemble(recipe, world.panel(), pods)
    journal = tmp_path_factory.mktemp("planted") / "journal.sqlite"
    run = fund.run(journal=journal)
    told = history(read_entries(Path(journal)))
    profit_p = sum(quarter.profit_p[:-1] for quarter in told.quarters) / 1e6
    return Study(
        run,
        pay_day(told, PayTerms(royalties="credit")),
        FundValue(fund.rules, fund.panel, fund.wishes),
        np.asarray(profit_p),
    )


def ranked(amount_p: npt.ArrayLike) -> list[str]:
    """Pods from the largest amount to the smallest."""
    return [ORDER[p] for p in np.argsort(-np.asarray(amount_p), kind="stable")]


def parts_by_day(run: Run) -> Floats:
    """(T, P) profit of every pod by session, currency units."""
    return run.tape.part_dpk[:, :-1, EARNED].sum(axis=2) / 1e6


@pytest.mark.slow
def test_every_credit_ranks_the_pods_as_the_truth_does(study: Study) -> None:
    exact = shapley(study.value, PODS)
    whole = euler(lambda x: float(x @ study.profit_p), np.ones(PODS))
    drawn = sampled_shapley(study.value, PODS, samples=10, seed=3)
    for amount in (
        study.profit_p,
        leave_one_out(study.value, PODS),
        whole.share,
        exact.share,
        drawn.share,
    ):
        assert ranked(amount) == list(TRUTH), amount
    assert whole.total == pytest.approx(study.profit_p.sum())
    # The sample says how sure it is, and it is right.
    assert (np.abs(drawn.share - exact.share) <= 4.0 * drawn.error + 1.0).all()
    # What a pod brings is in proportion to what was planted, but for its costs and luck.
    truth = np.array([TRUTH[name] for name in ORDER])
    assert np.corrcoef(exact.share, truth)[0, 1] > 0.97
    check_total(study, exact)


def check_total(study: Study, exact: Credit) -> None:
    """The split is of the real run's profit, and the value with all pods is that of the run."""
    everybody = study.value(np.ones(PODS, dtype=np.bool_))
    assert everybody == pytest.approx(study.run.summary["profit_micros"] / 1e6, abs=1e-6)
    nobody = study.value(np.zeros(PODS, dtype=np.bool_))
    assert exact.share.sum() == pytest.approx(everybody - nobody)


@pytest.mark.slow
def test_the_ranking_is_no_luck(study: Study) -> None:
    daily_tp = parts_by_day(study.run)
    for better, worse in zip(list(TRUTH)[:-1], list(TRUTH)[1:], strict=True):
        lead = daily_tp[:, ORDER.index(better)] - daily_tp[:, ORDER.index(worse)]
        assert lead.mean() > 1.5 * lead.std(ddof=1) / np.sqrt(len(lead)), (better, worse)


@pytest.mark.slow
def test_pay_and_royalties_rank_as_the_truth_does(study: Study) -> None:
    day = study.pay
    paid_p = day.payroll.paid_qp.sum(axis=0)
    assert ranked(paid_p) == list(TRUTH)
    assert ranked(day.royalty_qp.sum(axis=0))[:3] == list(TRUTH)[:3]
    bridge = day.bridge(0)
    assert bridge.fund == study.run.summary["profit_micros"]
    assert bridge.left == bridge.fund - bridge.pay - bridge.royalties
