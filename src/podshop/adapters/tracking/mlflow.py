"""MLflow: finished runs, written in batches into a database file or to a server.

One process writes, after the work is done: SQLite has one writer, and one metric at a time takes
ten times as long as a batch. A run is known by its tag `podshop.id`: one that stands there finished
is not written again, one that was begun and not finished (a kill in between) is written anew.
"""

import math
import os
import posixpath
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from typing import Any

from podshop.adapters.tracking import Tracked
from podshop.domain.error import ConfigError

ID, CUT = "podshop.id", "podshop.cut"
"""Tags: podshop's own id of a run; the params and tags whose values did not fit."""

QUIET = {
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",  # a server that is not there: seconds, not minutes
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Switches that MLflow reads when it is imported; what the owner has set is left alone."""

METRICS, PARAMS = 900, 100
"""In one batch: MLflow takes 100 params and 1,000 entries of all kinds."""

NAME, PARAM, TAG = 250, 6000, 8000
"""Characters of a name, of a param and of a tag that MLflow keeps."""

STRANGE = re.compile(r"[^/\w.\- :]")
"""What the name of a param or metric must not contain, as MLflow has it."""

SQLITE = "sqlite:///"


def default_uri(folder: Path) -> str:
    """The database file of a folder, as MLflow names it."""
    return f"{SQLITE}{folder.absolute() / 'mlflow.db'}"


def installed() -> bool:
    """True when MLflow is there."""
    return find_spec("mlflow") is not None


def write(
    runs: Sequence[Tracked], *, uri: str, experiment: str, artifacts: Path | None = None
) -> int:
    """Write finished runs to MLflow; those that are there already are left alone.

    Metrics that are not finite are left out: MLflow would show 0 or a huge number for them.

    Args:
        runs: in any order; a parent among them or there already.
        uri: `sqlite:///FILE` (see `default_uri`) or a server's `http://...`.
        experiment: MLflow's word for a group of runs; made when it is not there.
        artifacts: where a new experiment keeps files; None for `artifacts` beside a database
            file, and for what a server thinks best.

    Returns:
        how many runs were written.

    Raises:
        ConfigError: MLflow is not installed or cannot be reached, an id or a parent is unusable, or
            a file is missing.
    """
    if not installed():
        raise ConfigError("MLflow is not installed\n  -> pip install 'podshop[tracking]'")
    _check(runs)
    if uri.startswith(SQLITE):
        beside = Path(uri.removeprefix(SQLITE)).absolute().parent
        beside.mkdir(parents=True, exist_ok=True)
        artifacts = beside / "artifacts" if artifacts is None else artifacts
    with warnings.catch_warnings():
        # MLflow 3.17 asks SQLAlchemy 2.1 for a loader that it will lose; not the caller's doing.
        warnings.filterwarnings("ignore", "The ``noload`` loader", DeprecationWarning)
        return _written(runs, uri, experiment, artifacts)


def _written(runs: Sequence[Tracked], uri: str, experiment: str, artifacts: Path | None) -> int:
    """Write what is not there; see `write`."""
    mlflow = _library()
    client = mlflow.MlflowClient(tracking_uri=uri)
    try:
        number, fresh = _experiment(client, experiment, artifacts)
    except mlflow.exceptions.MlflowException as error:
        raise ConfigError(
            f"{uri}: MLflow cannot be reached there, or refuses: {error}\n"
            "  -> check the address; without a server, leave it out: a file is written"
        ) from error
    known = {} if fresh else _known(client, number, runs)
    order = _parents_first(runs, set(known))
    for run in order:
        known[run.id] = _write_one(client, number, run, known)
    return len(order)


def _check(runs: Sequence[Tracked]) -> None:
    """Refuse what cannot be written before anything is."""
    seen: set[str] = set()
    for run in runs:
        if not re.fullmatch(r"[\w.:/@+\-]{1,250}", run.id):
            raise ConfigError(f"run id {run.id!r}: use letters, digits and . : / @ + - _ only")
        if run.id in seen:
            raise ConfigError(f"run id {run.id!r} comes twice")
        seen.add(run.id)
        for file in run.files:
            if not file.is_file():
                raise ConfigError(f"run {run.id}: {file} is not there, or is no file")
        if len({file.name for file in run.files}) < len(run.files):
            raise ConfigError(f"run {run.id}: two of its files have the same name")


def _experiment(client: Any, name: str, artifacts: Path | None) -> tuple[str, bool]:
    """MLflow's id of an experiment, and whether it was made just now."""
    found = client.get_experiment_by_name(name)
    if found is None:
        place = None if artifacts is None else artifacts.absolute().as_uri()
        return str(client.create_experiment(name, artifact_location=place)), True
    if found.lifecycle_stage != "active":
        raise ConfigError(
            f'experiment "{name}" was deleted in MLflow\n  -> restore it there, or take another'
        )
    return str(found.experiment_id), False


def _known(client: Any, number: str, runs: Sequence[Tracked]) -> dict[str, str]:
    """MLflow's ids of those runs, and of their parents, that stand there finished, by our ids.

    Runs of ours that were begun and not finished are deleted; they have no children yet.
    """
    known: dict[str, str] = {}
    for name in {run.id for run in runs} | {run.parent for run in runs if run.parent is not None}:
        for found in client.search_runs([number], f"tags.`{ID}` = '{name}'"):
            if found.info.status == "FINISHED":
                known[name] = found.info.run_id
            else:
                client.delete_run(found.info.run_id)
    return known


def _parents_first(runs: Sequence[Tracked], known: set[str]) -> list[Tracked]:
    """Runs that are not known yet, each after its parent."""
    left, order, there = [run for run in runs if run.id not in known], [], set(known)
    while left:
        ready = [run for run in left if run.parent is None or run.parent in there]
        if not ready:
            raise ConfigError(
                f"run {left[0].id}: its parent {left[0].parent} is neither in MLflow nor among "
                "the runs\n  -> write the parent first, or together with it"
            )
        order += ready
        there |= {run.id for run in ready}
        left = [run for run in left if run.id not in there]
    return order


def _write_one(client: Any, number: str, run: Tracked, known: Mapping[str, str]) -> str:
    """Write a run; it counts only when it is marked as finished, at the very end."""
    entities = import_module("mlflow.entities")
    params = {name: run.params[key] for key, name in _names(run.params)}
    tags = {name: run.tags[key] for key, name in _names(run.tags)}
    cut = [name for name, text in params.items() if len(text) > PARAM]
    cut += [name for name, text in tags.items() if len(text) > TAG]
    tags = {name: text[:TAG] for name, text in tags.items()} | {ID: run.id}
    if cut:
        tags[CUT] = ", ".join(cut)[:TAG]
    if run.parent is not None:
        tags["mlflow.parentRunId"] = known[run.parent]
    made = client.create_run(number, start_time=run.started_ms, tags=tags, run_name=run.name)
    numbers = [
        entities.Metric(name, run.metrics[key], run.ended_ms, 0)
        for key, name in _names(run.metrics)
        if math.isfinite(run.metrics[key])
    ]
    texts = [entities.Param(name, text[:PARAM]) for name, text in params.items()]
    for some_numbers, some_texts in zip_longest(_slices(numbers, METRICS), _slices(texts, PARAMS)):
        client.log_batch(
            made.info.run_id, metrics=some_numbers or (), params=some_texts or (), synchronous=True
        )
    for file in run.files:
        client.log_artifact(made.info.run_id, str(file))
    client.set_terminated(made.info.run_id, status="FINISHED", end_time=run.ended_ms)
    return str(made.info.run_id)


def _names(named: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Our names and those that MLflow accepts; what would become the same is numbered."""
    taken: set[str] = set()
    for key in named:
        name = STRANGE.sub("_", key)[:NAME] or "_"
        if posixpath.normpath(name) != name or name.startswith(("..", "/")) or name == ".":
            name = name.replace("/", "_").replace(".", "_")
        clean, count = name, 1
        while name in taken:
            count += 1
            name = f"{clean[: NAME - 8]}_{count}"
        taken.add(name)
        yield key, name


def _slices(values: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [values[at : at + size] for at in range(0, len(values), size)]


def _library() -> Any:
    """MLflow, with the switches that it reads at import."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    return import_module("mlflow")
