"""A search: combinations are chosen by what earlier ones showed, instead of all being tried.

Optuna's tree-structured Parzen estimator (Bergstra et al. 2011) suggests, in batches that go
through history together. With a fixed seed it suggests the same again, so an interrupted search
goes on by finding its first batches in the run ledger.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podshop.adapters.stores.runs import RunRecord
from podshop.domain.error import ConfigError
from podshop.domain.market import Panel
from podshop.research.space import Axis, axes
from podshop.research.strategy import Config
from podshop.research.sweep import (
    BETTER,
    Combination,
    Plan,
    Progress,
    Sweep,
    history,
    keep,
    try_all,
)
from podshop.research.trials import Trial, watch
from podshop.rulebook.strategy import Strategy, load_strategy

if TYPE_CHECKING:
    import optuna

BATCH = 10
"""Suggestions at a time: more go through history cheaper, fewer learn faster."""


def search(
    config: Config,
    panel: Panel | None = None,
    *,
    trials: int = 100,
    metric: str = "sharpe",
    seed: int = 0,
    engine: str = "serial",
    workers: int | None = None,
    runs: Path | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Search `[sweep]` for the combination with the best figure.

    Args:
        config: a strategy file, its content as a mapping, or a strategy that was read.
        panel: prices; the strategy's own source when None.
        trials: combinations to suggest; one that was suggested before is not tried again.
        metric: the figure; higher or lower is better as the table of metrics says.
        seed: of the suggestions.
        engine: as in `sweep`.
        workers: likewise.
        runs: likewise.
        progress: called with (suggestions done, suggestions in all).

    Raises:
        ConfigError: Optuna is not installed, or there is no such figure to search by.
    """
    if trials < 1:
        raise ConfigError("a search needs at least one trial")
    strategy = config if isinstance(config, Strategy) else load_strategy(config)
    space = axes(strategy.sweep)
    study = _study(metric, seed)
    name = f"optuna {metric} {seed}"  # not how many: a longer search goes on with a shorter one
    plan = Plan(space, name, engine, workers, runs, BATCH, metric)
    panel, data = history(strategy, panel)
    began, made = watch(), Sweep("", space, (), (), (), 0)
    records: dict[str, RunRecord] = {}
    for begun in range(0, trials, BATCH):
        asked = [study.ask() for _ in range(min(BATCH, trials - begun))]
        wanted = [_suggested(trial, space) for trial in asked]
        fresh = {_named(c, space): c for c in wanted if _named(c, space) not in records}
        if fresh:
            batch = try_all(strategy, tuple(fresh.values()), plan, panel, data)
            named = (_named(c, space) for c in batch.combinations)
            records |= dict(zip(named, batch.records, strict=True))
            made = _joined(made, batch)
        for trial, combination in zip(asked, wanted, strict=True):
            _tell(study, trial, records.get(_named(combination, space)), metric)
        if progress is not None:
            progress(begun + len(asked), trials)
    keep(strategy, made, plan, Trial(began.started, began.seconds, data=data))
    return made


def _study(metric: str, seed: int) -> "optuna.Study":
    better = BETTER.get(metric)
    if better is None:
        raise ConfigError(
            f"{metric!r} is no figure to search by\n  -> take one that docs/reference/metrics.md "
            "says is better when higher or lower, such as sharpe"
        )
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise ConfigError(
            "a search needs Optuna\n  -> pip install podshop[research], or sweep the grid"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
    return optuna.create_study(direction="maximize" if better else "minimize", sampler=sampler)


def _suggested(trial: "optuna.Trial", space: Sequence[Axis]) -> Combination:
    made: dict[str, Any] = {}
    for axis in space:
        if axis.values:
            made[axis.name] = trial.suggest_categorical(axis.name, axis.values)
        elif axis.whole:
            low, high = int(axis.low), int(axis.high)
            made[axis.name] = trial.suggest_int(axis.name, low, high, log=axis.log)
        else:
            made[axis.name] = trial.suggest_float(axis.name, axis.low, axis.high, log=axis.log)
    return made


def _named(params: Any, space: Sequence[Axis]) -> str:
    return repr([params[axis.name] for axis in space])


def _tell(
    study: "optuna.Study", trial: "optuna.Trial", record: RunRecord | None, metric: str
) -> None:
    """What came of a suggestion; one that the strategy refuses, or without the figure, failed."""
    from optuna.trial import TrialState

    value = math.nan if record is None else record.metrics.get(metric, math.nan)
    if math.isfinite(value):
        study.tell(trial, value)
    else:
        study.tell(trial, state=TrialState.FAIL)


def _joined(before: Sweep, batch: Sweep) -> Sweep:
    return replace(
        batch,
        combinations=(*before.combinations, *batch.combinations),
        records=(*before.records, *batch.records),
        refused=(*before.refused, *batch.refused),
        found=before.found + batch.found,
    )
