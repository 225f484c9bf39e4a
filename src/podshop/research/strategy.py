"""A strategy by itself: the backtest of one pod in a fund of one pod, written down as a trial."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from podshop.adapters.stores.runs import RunRecord
from podshop.domain.market import Panel
from podshop.research.backtest import backtest
from podshop.research.run import Run
from podshop.research.trials import Trial, ledger_of, records, watch
from podshop.rulebook.strategy import Strategy, load_strategy

Config = str | Path | Mapping[str, Any] | Strategy


def run_backtest(
    config: Config,
    panel: Panel | None = None,
    *,
    record: str = "full",
    journal: Path | None = None,
    runs: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Backtest one strategy: the same day code as the fund's, in a fund of one pod.

    The trial is written into the run ledger: `runs`, else the file that PODSHOP_RUNS names, else
    `runs.sqlite` beside the strategy file (in the working folder for a mapping).

    Args:
        config: a strategy file, its content as a mapping, or a strategy that was read.
        panel: prices; the strategy's own source when None.
        record: "full" or "fast", as in `backtest`.
        journal: file for the journal.
        runs: file of the run ledger.
        progress: called with (sessions done, sessions in all).

    Returns:
        The run. Its fund is the strategy: NAV, fills, attribution, summary and metrics are after
        commission, spread, impact, borrow, interest and management fee.

    Raises:
        ConfigError: the strategy cannot be as it is described.
        DataError: the data is missing or has no such sessions.
        PodError: the strategy broke its contract, such as looking ahead.
    """
    run, _ = tried(config, panel, recorded=record, journal=journal, runs=runs, progress=progress)
    return run


def tried(
    config: Config,
    panel: Panel | None = None,
    *,
    recorded: str = "full",
    journal: Path | None = None,
    runs: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    artifacts: str = "",
) -> tuple[Run, RunRecord]:
    """`run_backtest` with the entry that it made in the run ledger."""
    strategy = config if isinstance(config, Strategy) else load_strategy(config)
    began = watch()
    rules = strategy.rules
    run = backtest(rules, panel, journal=journal, record=recorded, progress=progress)
    trial = Trial(began.started, began.seconds, artifacts=artifacts)
    [entry] = records(strategy, (rules,), run, trial)
    ledger_of(strategy, runs).put([entry])
    return run, entry
