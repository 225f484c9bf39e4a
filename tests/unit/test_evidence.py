"""What counts as a trial of an idea: its module, its code by any name, its returns."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from podshop.adapters.stores.runs import RunRecord
from podshop.research.evidence import is_trial_of

DAYS = np.busday_offset("2015-01-01", np.arange(500), roll="forward").astype("datetime64[D]")
RNG = np.random.default_rng(7)
ONE, OTHER = 0.01 * RNG.standard_normal((2, 500))


def entry(strategy: str = "momentum", code: str = "c1", **fields: Any) -> RunRecord:
    """An entry of the run ledger."""
    facts = {"code": {f"strategy {strategy}": code}}
    told = RunRecord(
        "a1", "", "backtest", strategy, "m", "2026-01-01", 0.1, {}, {}, facts, DAYS, ONE
    )
    return replace(told, **fields)


@pytest.mark.parametrize(
    ("tried", "counts"),
    [
        (entry(code="c2", returns=OTHER), True),  # the same module, edited
        (entry("copied", returns=OTHER), True),  # the same code by another name
        (entry("copied", code="c2"), True),  # rewritten, with the same returns
        (entry("copied", code="c2", returns=ONE + 0.2 * OTHER), True),
        (entry("trend", code="c2", returns=OTHER), False),
        (entry("trend", code="c2", returns=-ONE), False),
        (entry("trend", code="c2", days=DAYS[:400], returns=ONE[:400]), False),
        (entry("trend", code="c2", returns=np.zeros(500)), False),
        (entry("trend", facts={}, returns=OTHER), False),
        (entry(kind="sweep"), False),  # is counted by its combinations
    ],
)
def test_what_is_a_trial_of_the_same_idea(tried: RunRecord, counts: bool) -> None:
    assert is_trial_of(tried, entry()) is counts
