"""What counts as a trial of an idea: its module, its code by any name, its returns."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.test_strategy import panel

from podshop.adapters.stores.runs import RunRecord
from podshop.research.evidence import gathered, is_trial_of
from podshop.research.gate import Evidence
from podshop.research.strategy import tried
from podshop.rulebook.config import load
from podshop.rulebook.strategy import load_strategy

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
        (entry("trend", code="c2", days=DAYS[:400], returns=ONE[:400]), True),  # fewer sessions
        (entry("trend", code="c2", days=DAYS[-20:], returns=ONE[-20:]), False),  # too few to tell
        (entry("trend", code="c2", returns=np.zeros(500)), False),
        (entry("trend", facts={}, returns=OTHER), False),
        (entry(kind="sweep"), False),  # is counted by its combinations
    ],
)
def test_what_is_a_trial_of_the_same_idea(tried: RunRecord, counts: bool) -> None:
    assert is_trial_of(tried, entry()) is counts


PARAMS = {"slow_days": 40, "fast_days": 5, "names": 3}
CONFIG: dict[str, Any] = {"strategy": {"use": "momentum", "params": PARAMS}}


FUND = """
[fund]
name = "home"
capital = {capital}
[capital]
use = "equal"
[[limit]]
use = "drawdown"
halve_at = 0.005
terminate_at = 0.01
[[pod]]
id = "theirs"
strategy = "momentum"
stop_loss = {stop_loss}
params = {{ slow_days = 40, fast_days = 5, names = {names} }}
"""


def beside(folder: Path, names: int, stop_loss: float = 0.15, capital: int = 1_000_000) -> Evidence:
    """The evidence beside a fund with such a pod, and a ladder that closes it soon."""
    (folder / "fund.toml").write_text(
        FUND.format(names=names, stop_loss=stop_loss, capital=capital), encoding="utf-8"
    )
    strategy, ledger = load_strategy(CONFIG), folder / "runs.sqlite"
    run, entry = tried(strategy, panel(), runs=ledger)
    return gathered(strategy, run, entry, fund=load(folder), runs=ledger)


@pytest.mark.parametrize(
    "pod", [{"names": 4}, {"names": 4, "capital": 10}, {"names": 3, "stop_loss": 0.1501}]
)
def test_a_near_copy_is_seen_whatever_became_of_it_in_the_fund(
    pod: dict[str, Any], tmp_path: Path
) -> None:
    found = beside(tmp_path, **pod)
    assert np.corrcoef(found.returns, found.pods["theirs"])[0, 1] > 0.8


def test_itself_and_what_it_would_replace_are_not_others(tmp_path: Path) -> None:
    assert beside(tmp_path, 3).pods == {}
    former = (tmp_path / "fund.toml").read_text().replace("theirs", "momentum")
    (tmp_path / "fund.toml").write_text(former.replace("names = 3", "names = 4"))
    strategy, ledger = load_strategy(CONFIG), tmp_path / "runs.sqlite"
    run, entry = tried(strategy, panel(), runs=ledger)
    assert gathered(strategy, run, entry, fund=load(tmp_path), runs=ledger).pods == {}


def test_trials_of_a_session_more_or_less_stand_beside_the_others(tmp_path: Path) -> None:
    market, ledger = panel(), tmp_path / "runs.sqlite"
    for names in (2, 4):
        tried(
            {"strategy": {"use": "momentum", "params": {**PARAMS, "names": names}}},
            market,
            runs=ledger,
        )
    strategy, shorter = load_strategy(CONFIG), market.rows(0, len(market) - 1)
    run, entry = tried(strategy, shorter, runs=ledger)
    found = gathered(strategy, run, entry, runs=ledger)
    assert (found.trials.shape, found.made) == ((len(entry.days), 3), 3)
