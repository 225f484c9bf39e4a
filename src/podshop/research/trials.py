"""Trials: every backtest of a strategy is written down, because each one makes the next less
believable.
"""

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from podshop.adapters.stores.runs import RUNS, RunRecord, RunStore
from podshop.domain.event import Part
from podshop.domain.money import F64, I64, MICROS, Days
from podshop.domain.rules import Rules
from podshop.research.metrics import compute_many
from podshop.research.run import Run
from podshop.rulebook.strategy import Strategy

HOME = "PODSHOP_RUNS"
"""Environment variable that names the run ledger."""


def ledger_of(strategy: Strategy, given: Path | None = None) -> RunStore:
    """Where a strategy's runs are written: as given, as the environment says, beside its file."""
    named = os.environ.get(HOME)
    path = given or (Path(named) if named else strategy.folder / RUNS)
    return RunStore(path)


def run_id(rules: Rules, data: str, days: Days) -> str:
    """Name what was run: the same rules on the same data have the same name."""
    text = f"{rules.hash}|{data}|{days[0]}|{days[-1]}"
    return blake2b(text.encode(), digest_size=8).hexdigest()


def returns_of(run: Run, pod: int = 0) -> tuple[Days, F64]:
    """(days, returns) of a pod on its own capital, after all costs, from the first trade's day on.

    The day on which the fund opens is left out: nothing is traded on it.
    """
    unit = run.tape.unit_dp[:, pod]
    days = run.panel.days[run.start : run.stop].astype("datetime64[D]")
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = unit[1:] / unit[:-1] - 1.0
    return days[1:], np.nan_to_num(returns, nan=0.0)


def benchmark_of(run: Run) -> F64 | None:
    """Returns of the benchmark on the same days; None without one."""
    level = run.panel.benchmark_t[run.start : run.stop]
    if not np.isfinite(level).any():
        return None
    steps: F64 = level[1:] / level[:-1] - 1.0
    return steps


def money_of(run: Run, pod: int = 0, part_pk: I64 | None = None) -> dict[str, float]:
    """What a pod made and paid, in currency units.

    Args:
        run: the run.
        pod: number of the pod.
        part_pk: (P + 1, parts) the run's sums by pod and part, where they are known already.
    """
    part_k = (run.tape.part_dpk.sum(axis=0) if part_pk is None else part_pk)[pod]
    told = {part.name.lower(): int(part_k[part]) / MICROS for part in Part if part_k[part]}
    told["final_nav"] = int(run.tape.nav_dp[-1, pod]) / MICROS
    return told


def records(strategy: Strategy, each: Sequence[Rules], run: Run, trial: "Trial") -> list[RunRecord]:
    """The pods of a run as entries of the run ledger.

    Args:
        strategy: what was tried.
        each: the rules of each pod alone; for a combination of a sweep they are not the run's.
        run: what was run.
        trial: when, how long, as what.
    """
    found = [returns_of(run, p) for p in range(len(each))]
    days = found[0][0]
    returns_tp = np.stack([returns for _, returns in found], axis=1)
    figures = compute_many(returns_tp, benchmark_of(run), days=days)
    data = trial.data or run.data_hash
    part_pk = run.tape.part_dpk.sum(axis=0)
    return [
        RunRecord(
            id=run_id(rules, data, days),
            parent=trial.parent,
            kind=trial.kind,
            strategy=strategy.use,
            name=strategy.name,
            started=trial.started,
            seconds=trial.seconds,
            params=dict(rules.pods[0].manifest),
            metrics={k: float(v[p]) for k, v in figures.items() if math.isfinite(v[p])},
            facts=_facts(rules, run, data, days) | {"money": money_of(run, p, part_pk)},
            days=days,
            returns=returns_tp[:, p],
            artifacts=trial.artifacts,
        )
        for p, rules in enumerate(each)
    ]


def _facts(rules: Rules, run: Run, data: str, days: Days) -> dict[str, Any]:
    """What an entry says beside figures and parameters."""
    return {
        "rules": rules.hash,
        "data": data,
        "code": rules.manifest.get("sources", {}),
        "journal": run.journal_hash,
        "source": run.source,
        "first": str(days[0]),
        "last": str(days[-1]),
    }


@dataclass(frozen=True, slots=True)
class Trial:
    """What an entry says beside the figures; see `RunRecord`.

    Attributes:
        started, seconds: when and how long.
        kind, parent: what it is and what it belongs to.
        artifacts: its folder.
        data: fingerprint of the data; "" to take it of the run.
    """

    started: str
    seconds: float
    kind: str = "backtest"
    parent: str = ""
    artifacts: str = ""
    data: str = ""


@dataclass(slots=True)
class Watch:
    """When something began, and how long it took."""

    started: str
    began: float

    @property
    def seconds(self) -> float:
        """Since it began."""
        return round(time.perf_counter() - self.began, 3)


def watch() -> Watch:
    """Begin now."""
    return Watch(datetime.now(UTC).isoformat(timespec="milliseconds"), time.perf_counter())
