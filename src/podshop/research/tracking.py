"""A copy of the run ledger in MLflow, written in one go by the process that has the results."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path

import orjson

from podshop.adapters.stores.runs import RunRecord
from podshop.adapters.tracking import Tracked, mlflow

Entry = tuple[RunRecord, tuple[Path, ...]]
"""An entry of the run ledger, and the files to keep with it."""


def track(entries: Sequence[Entry], uri: str) -> int:
    """Write entries into MLflow, one experiment a strategy; what is there already is left alone.

    Args:
        entries: what to write; combinations become nested runs of their sweep.
        uri: where MLflow keeps its runs, a database or a server.

    Returns:
        how many were written.

    Raises:
        ConfigError: MLflow is not installed, or cannot be reached.
    """
    written = 0
    by_strategy = sorted(entries, key=lambda entry: entry[0].strategy)
    for strategy, group in groupby(by_strategy, key=lambda entry: entry[0].strategy):
        runs = [_tracked(record, files) for record, files in group]
        written += mlflow.write(runs, uri=uri, experiment=f"podshop {strategy}")
    return written


def _tracked(record: RunRecord, files: tuple[Path, ...]) -> Tracked:
    started = int(datetime.fromisoformat(record.started).timestamp() * 1000)
    facts = {k: _text(v) for k, v in record.facts.items() if not isinstance(v, dict | list)}
    return Tracked(
        id=f"{record.parent}/{record.id}" if record.parent else record.id,
        name=record.name,
        parent=record.parent or None,
        started_ms=started,
        ended_ms=started + int(record.seconds * 1000),
        params={k: _text(v) for k, v in record.params.items()},
        metrics=dict(record.metrics),
        tags={"podshop.kind": record.kind, **{f"podshop.{k}": v for k, v in facts.items()}},
        files=files,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
