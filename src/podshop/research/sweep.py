"""A sweep: a strategy with many parameter values, tried as the pods of one fund.

The combinations are pods that keep what they make, trade apart and never share capital, so each
is the backtest it would be alone, and many of them cost about one pass through history. They go in
groups of fixed size; groups are what engines spread over processors, what is written into the run
ledger as one, and what a resumed sweep skips when it is there. So neither the engine nor an
interruption changes a figure.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl

from podshop.adapters.engines import find as find_engine
from podshop.adapters.sources import load
from podshop.adapters.stores.runs import RunRecord
from podshop.capital import own
from podshop.domain.error import ConfigError
from podshop.domain.market import Panel
from podshop.domain.rules import Allocator, Rules
from podshop.market.quotes import data_hash, quotes
from podshop.research.backtest import backtest, traded_rows
from podshop.research.metrics import METRICS
from podshop.research.space import Axis, Value, axes, grid
from podshop.research.strategy import Config
from podshop.research.trials import Trial, ledger_of, records, watch
from podshop.rulebook.strategy import Strategy, load_strategy, variants

GROUP = 50
"""Combinations that go through history together."""

BETTER = {m.name: m.higher_is_better for m in METRICS}
"""Metric -> True where more is better, False where less is."""

Progress = Callable[[int, int], None]
Combination = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Group:
    """Some combinations of a strategy: what one processor works on at a time.

    Attributes:
        text: the strategy's file as plain values.
        folder: where its own plug-ins are.
        parent: id of the sweep.
        data: fingerprint of the data.
        combinations: parameter -> value.
    """

    text: Mapping[str, Any]
    folder: str
    parent: str
    data: str
    combinations: tuple[Combination, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A combination that the strategy does not take, and why."""

    params: Combination
    why: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """A finished sweep.

    Attributes:
        id: of the sweep in the run ledger: the same space on the same data has the same id.
        space: the parameters that were varied.
        combinations: parameter -> value as they were asked for, in the order of the space.
        records: the entry of each.
        refused: combinations that the strategy does not take.
        found: how many of them were there already from an earlier, interrupted sweep.
    """

    id: str
    space: tuple[Axis, ...]
    combinations: tuple[Combination, ...]
    records: tuple[RunRecord, ...]
    refused: tuple[Refused, ...]
    found: int

    @property
    def frame(self) -> pl.DataFrame:
        """One row a combination: its parameters, then all metrics."""
        names = [axis.name for axis in self.space]
        rows = [{"run": r.id, **{n: r.params[n] for n in names}, **r.metrics} for r in self.records]
        return pl.DataFrame(rows, infer_schema_length=None)

    @property
    def returns(self) -> Any:
        """(D, K) daily returns of the combinations."""
        return np.stack([r.returns for r in self.records], axis=1)

    def best(self, metric: str = "sharpe") -> RunRecord:
        """The combination with the best figure; of equals the first."""
        sign = -1.0 if BETTER.get(metric) is False else 1.0
        return max(self.records, key=lambda r: sign * r.metrics.get(metric, -sign * math.inf))


def sweep(
    config: Config,
    panel: Panel | None = None,
    *,
    engine: str = "serial",
    workers: int | None = None,
    runs: Path | None = None,
    group: int = GROUP,
    progress: Progress | None = None,
) -> Sweep:
    """Try every combination of `[sweep]`.

    Args:
        config: a strategy file, its content as a mapping, or a strategy that was read.
        panel: prices; the strategy's own source when None.
        engine: "serial", "threads", "processes", "ray" or "dask".
        workers: how many at once; None for the engine's own choice.
        runs: file of the run ledger, as in `run_backtest`.
        group: combinations that go through history together; part of what a sweep is.
        progress: called with (combinations done, combinations in all).

    Returns:
        All combinations, those that an interrupted sweep had finished too.

    Raises:
        ConfigError: nothing to sweep, or every combination is refused.
    """
    strategy = config if isinstance(config, Strategy) else load_strategy(config)
    space = axes(strategy.sweep)
    plan = Plan(space, "grid", engine, workers, runs, group)
    panel, data = history(strategy, panel)
    began = watch()
    made = try_all(strategy, tuple(grid(space)), plan, panel, data, progress)
    keep(strategy, made, plan, Trial(began.started, began.seconds, data=data))
    return made


@dataclass(frozen=True, slots=True)
class Plan:
    """How combinations are tried; the arguments of `sweep`.

    Attributes:
        space: the parameters that are varied.
        search: "grid", or the name and settings of a search.
        engine, workers, runs, group: as in `sweep`.
        metric: by which the best is told.
    """

    space: tuple[Axis, ...]
    search: str
    engine: str
    workers: int | None
    runs: Path | None
    group: int
    metric: str = "sharpe"


def history(strategy: Strategy, panel: Panel | None) -> tuple[Panel, str]:
    """The strategy's data up to its last session, and its fingerprint."""
    market = strategy.rules.market
    panel = load(market.source, market.path, market.feeds) if panel is None else panel
    panel = panel.rows(0, traded_rows(strategy.rules, panel)[1])
    return panel, data_hash(quotes(panel))


def try_all(
    strategy: Strategy,
    combinations: Sequence[Combination],
    plan: Plan,
    panel: Panel,
    data: str,
    progress: Progress | None = None,
) -> Sweep:
    """Try these combinations, but for those that are in the run ledger already.

    Args:
        strategy: what is varied.
        combinations: in the order in which they are told.
        plan: how.
        panel: as of `history`.
        data: likewise.
        progress: as in `sweep`.
    """
    space, store = plan.space, ledger_of(strategy, plan.runs)
    start, _ = traded_rows(strategy.rules, panel)
    taken, refused = _sorted_out(strategy, combinations)
    told: list[Any] = [strategy.rules.hash, data, str(panel.days[start]), plan.search, plan.group]
    told.append([dict(c) for c in combinations] if plan.search == "grid" else strategy.sweep)
    parent = blake2b(orjson.dumps(told, default=str), digest_size=8).hexdigest()
    known = {_key(r.params, space): r for r in store.runs(parent=parent)}
    groups = _groups(strategy, [c for c, _ in taken], parent, data, plan.group)
    fresh = [_key(bound, space) not in known for _, bound in taken]
    size = plan.group
    missing = [g for k, g in enumerate(groups) if any(fresh[k * size : (k + 1) * size])]
    done = len(taken) - sum(len(g.combinations) for g in missing)
    found = done
    stream = find_engine(plan.engine).stream
    for at, made in stream(run_group, missing, panel, workers=plan.workers):
        store.put(made)
        known |= {_key(r.params, space): r for r in made}
        done += len(missing[at].combinations)
        if progress is not None:
            progress(done, len(taken))
    return Sweep(
        parent,
        space,
        tuple(c for c, _ in taken),
        tuple(known[_key(bound, space)] for _, bound in taken),
        tuple(refused),
        found,
    )


def keep(strategy: Strategy, made: Sweep, plan: Plan, trial: Trial) -> None:
    """Write the sweep itself into the run ledger.

    Raises:
        ConfigError: the strategy took none of its combinations.
    """
    if not made.records:
        raise ConfigError(f"every combination is refused; the first: {made.refused[0].why}")
    ledger_of(strategy, plan.runs).put([_parent(strategy, made, plan, trial)])


def _sorted_out(
    strategy: Strategy, combinations: Sequence[Combination]
) -> tuple[list[tuple[Combination, Mapping[str, Any]]], list[Refused]]:
    """What the strategy takes, with all parameters as it reads them, and what it refuses."""
    taken, refused = [], []
    for params, rules in zip(combinations, variants(strategy, combinations), strict=True):
        if isinstance(rules, ConfigError):
            refused.append(Refused(params, str(rules)))
        else:
            taken.append((params, rules.pods[0].manifest))
    return taken, refused


def _groups(
    strategy: Strategy, combinations: Sequence[Combination], parent: str, data: str, size: int
) -> list[Group]:
    folder = str(strategy.folder.resolve())
    return [
        Group(strategy.text, folder, parent, data, tuple(combinations[k : k + size]))
        for k in range(0, len(combinations), size)
    ]


def _key(params: Mapping[str, Any], space: Sequence[Axis]) -> str:
    """What tells a combination from the others of its sweep."""
    return orjson.dumps([params[axis.name] for axis in space], default=str).decode()


def run_group(panel: Panel, group: Group) -> list[RunRecord]:
    """Take the combinations of a group through history: pods of one fund that share nothing."""
    strategy = load_strategy(group.text, Path(group.folder))
    began = watch()
    each = [rules for rules in variants(strategy, group.combinations) if isinstance(rules, Rules)]
    together = apart(each)
    run = backtest(together, panel, record="fast")
    trial = Trial(
        began.started, began.seconds / len(each), "combination", group.parent, data=group.data
    )
    return records(strategy, each, run, trial)


def apart(each: Sequence[Rules]) -> Rules:
    """A fund whose pods are the only pods of these funds, apart, each with its own capital."""
    pods = tuple(
        replace(rules.pods[0], id=f"{rules.pods[0].id}-{p}") for p, rules in enumerate(each)
    )
    allocator = Allocator("own", partial(own.shares, p=own.Params()), "never")
    first = each[0]
    capital = first.capital * len(each)
    return replace(first, pods=pods, capital=capital, allocator=allocator, netting=False)


def _parent(strategy: Strategy, made: Sweep, plan: Plan, trial: Trial) -> RunRecord:
    """The sweep itself as an entry."""
    best = made.best(plan.metric)
    facts = {
        "search": plan.search,
        "space": strategy.sweep,
        "combinations": len(made.records),
        "refused": [{"params": dict(r.params), "why": r.why} for r in made.refused],
        "best": best.id,
        "data": trial.data,
        "rules": strategy.rules.hash,
    }
    return RunRecord(
        made.id,
        "",
        "sweep",
        strategy.use,
        strategy.name,
        trial.started,
        trial.seconds,
        dict(best.params),
        best.metrics,
        facts,
    )
