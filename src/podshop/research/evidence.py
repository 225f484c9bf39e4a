"""What the gate judges: a run, all trials that led to it, and the fund that it would join."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from podshop.adapters.stores.runs import RunRecord
from podshop.domain.market import Panel
from podshop.domain.money import F64, Days
from podshop.domain.rules import Rules
from podshop.research.backtest import backtest
from podshop.research.certificate import identity_in
from podshop.research.costs import costs_of
from podshop.research.gate import FEWEST, Evidence
from podshop.research.run import Run
from podshop.research.sweep import apart
from podshop.research.trials import ledger_of, returns_of
from podshop.rulebook.strategy import Strategy

TRIED = ("backtest", "combination", "gate")
"""Entries of the run ledger that are trials; a sweep is counted by its combinations."""
COVERS = 0.8
"""Share of the sessions that a trial must have to be laid beside the others."""
ALIKE = 0.9
"""Correlation of returns from which on two runs are trials of one idea."""


def gathered(
    strategy: Strategy,
    run: Run,
    entry: RunRecord,
    *,
    fund: Rules | None = None,
    runs: Path | None = None,
) -> Evidence:
    """Gather the evidence on a strategy.

    Args:
        strategy: what is judged.
        run: its run.
        entry: that run's entry.
        fund: the fund that it would join.
        runs: the run ledger.

    Returns:
        Its returns above cash, those of every trial on the same sessions, the number of all trials
        of this strategy, and the fund's pods over the same sessions.
    """
    idle = run.panel.rate_t[run.start + 1 : run.stop]
    found = [r for r in ledger_of(strategy, runs).runs() if is_trial_of(r, entry)]
    trials = {(r.id, r.returns.tobytes()): r for r in [*found, entry]}
    same = [x - idle for r in trials.values() if (x := _on_days(r, entry.days)) is not None]
    return Evidence(
        days=entry.days,
        returns=entry.returns - idle,
        trials=np.stack(same, axis=1),
        made=len(trials),
        pods={} if fund is None else pods_of(fund, strategy, run.panel, entry.days),
        cost_year=costs_of(run)[0].cost,
    )


def is_trial_of(tried: RunRecord, entry: RunRecord) -> bool:
    """Was this run a trial of the same idea as that one?

    It was when it has the module's name or its code, whatever the module was called then, or when
    its returns were nearly the same.
    """
    if tried.kind not in TRIED:
        return False
    if tried.strategy == entry.strategy or (_code(tried) and _code(tried) == _code(entry)):
        return True
    _, ours, theirs = np.intersect1d(
        entry.days, tried.days, assume_unique=True, return_indices=True
    )
    return _alike(entry.returns[ours], tried.returns[theirs])


def _on_days(tried: RunRecord, days: Days) -> F64 | None:
    """(D,) returns of a trial on these days, 0 where it was not there; None for too few of them."""
    _, at, theirs = np.intersect1d(days, tried.days, assume_unique=True, return_indices=True)
    if len(at) < COVERS * len(days):
        return None
    returns = np.zeros(len(days))
    returns[at] = tried.returns[theirs]
    return returns


def _code(record: RunRecord) -> str:
    """Fingerprint of the strategy's code."""
    return str(record.facts.get("code", {}).get(f"strategy {record.strategy}", ""))


def _alike(one: F64, other: F64) -> bool:
    if len(one) < FEWEST or not one.std() > 0.0 or not other.std() > 0.0:
        return False
    return float(np.corrcoef(one, other)[0, 1]) > ALIKE


def pods_of(fund: Rules, strategy: Strategy, panel: Panel, days: Days) -> dict[str, F64]:
    """Returns of a fund's pods on these days, NaN where it has none; neither itself nor the pod of
    its name, which it would replace, is another.

    Each is run alone, on the data, capital and costs of the strategy and without limits: a pod that
    the ladder had closed, or that had no capital to trade with, would resemble nothing.
    """
    mine = identity_in(strategy.rules, 0)
    others = [
        p
        for p, pod in enumerate(fund.pods)
        if identity_in(fund, p) != mine and pod.id != strategy.name
    ]
    if not others:
        return {}
    alone = [replace(strategy.rules, pods=(fund.pods[p],), limits=()) for p in others]
    run = backtest(apart(alone), panel, record="fast")
    theirs = run.panel.days[run.start : run.stop].astype("datetime64[D]")[1:]
    at = np.searchsorted(theirs, days)
    found = (at < len(theirs)) & (theirs[np.minimum(at, len(theirs) - 1)] == days)
    aligned: dict[str, F64] = {}
    for k, p in enumerate(others):
        _, returns = returns_of(run, k)
        aligned[fund.pods[p].id] = np.full(len(days), np.nan)
        aligned[fund.pods[p].id][found] = returns[at[found]]
    return aligned
