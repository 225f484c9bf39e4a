"""Money that the owner moves is neither profit nor loss: of no pod, not of the fund, not of pay."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.funds import Fund, plain, steady
from tests.funds import pod as pod_of

from podshop.adapters.stores.sqlite import read_entries
from podshop.attribution.payday import PayDay, pay_day
from podshop.attribution.quarters import history
from podshop.domain.event import Part
from podshop.domain.rules import PayTerms
from podshop.research.metrics import compute
from podshop.research.run import Run

FLOWS = ((30, "deposit", 700_000), (90, "withdrawal", -200_000), (140, "tax", -100_000))


def fund(keep: float | None, **fields: object) -> Fund:
    """Two pods whose capital was shared out once; what comes in later waits with the centre."""
    days = np.arange(200)
    up = 100.0 * np.exp(0.002 * days + 0.03 * np.sin(days / 5.0))
    down = 50.0 * np.exp(-0.001 * days + 0.04 * np.cos(days / 7.0))
    pods = (
        pod_of("long", steady({0: 0.8}), "daily", 1.0),
        pod_of("short", steady({1: -0.5}), "daily", 1.0),
    )
    made = plain(np.column_stack([up, down]), *pods, hi=0.4, **fields)
    return replace(made, rules=replace(made.rules, keep=keep))


def paid(made: Fund, folder: Path) -> tuple[Run, PayDay]:
    """The run and the pay that its journal gives."""
    folder.mkdir()
    run = made.run(record="full", journal=folder / "journal.sqlite")
    return run, pay_day(history(read_entries(folder / "journal.sqlite")), PayTerms())


@pytest.mark.parametrize("keep", [1.0, 0.5, 0.0, None])
def test_unit_value_drawdown_sharpe_and_pay_do_not_know_of_flows(
    keep: float | None, tmp_path: Path
) -> None:
    (calm, pay_calm), (moved, pay_moved) = (
        paid(fund(keep, **fields), tmp_path / name)
        for name, fields in (("calm", {}), ("moved", {"flows": FLOWS}))
    )
    assert moved.book.nav - calm.book.nav == 400_000 * 1_000_000
    np.testing.assert_array_equal(moved.tape.unit_dp, calm.tape.unit_dp)
    for p in range(2):
        one, other = (
            compute(run.tape.unit_dp[1:, p] / run.tape.unit_dp[:-1, p] - 1.0)
            for run in (calm, moved)
        )
        assert one["sharpe"] == other["sharpe"]
        assert one["max_drawdown"] == other["max_drawdown"]
    told = [[(s.payee, s.lines) for s in pay.statements] for pay in (pay_calm, pay_moved)]
    assert told[0] == told[1]


@pytest.mark.parametrize("keep", [1.0, 0.5, 0.0, None])
def test_the_funds_own_unit_value_grows_by_profit_on_what_was_there(
    keep: float | None, tmp_path: Path
) -> None:
    run, _ = paid(fund(keep, flows=FLOWS), tmp_path / "x")
    nav = np.concatenate(([run.rules.capital], run.tape.nav_d)).astype(np.float64)
    part_dk = run.tape.part_dpk.sum(axis=1)
    flow = part_dk[:, Part.FLOW].astype(np.float64)
    profit = part_dk.sum(axis=1) - flow
    assert np.count_nonzero(flow) == 3
    growth = np.cumprod(1.0 + profit / (nav[:-1] + flow))
    np.testing.assert_allclose(run.tape.unit_d, growth, rtol=1e-12)
