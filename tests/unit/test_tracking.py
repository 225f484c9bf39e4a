"""The MLflow sink, written to and read back from a real database file."""

import math
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from podshop.adapters.tracking import Tracked, mlflow
from podshop.domain.error import ConfigError


def with_mlflow(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that needs the extra, whose import takes seconds."""
    there = mlflow.installed()
    needs = pytest.mark.skipif(not there, reason="the extra `tracking` is not installed")
    marked: Callable[..., None] = pytest.mark.slow(needs(test))
    return marked


@pytest.fixture(autouse=True)
def nothing_but_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever connects to another machine fails."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        local = self.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "::1", "localhost")
        assert local, f"connects to {address}"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def nested(folder: Path) -> list[Tracked]:
    """A sweep, a point of it, and a fold of the point, the youngest first."""
    report = folder / "report.html"
    report.write_text("<p>a report</p>", encoding="utf-8")
    metrics = {"sharpe": 1.25, "sortino": math.nan, "calmar": math.inf, "95 % VaR": -0.02}
    params = {"pods[0].lookback": "120", "universe": "x" * 7000}
    sweep = Tracked("sweep/1", "a sweep", None, 1_000, 9_000, tags={"fund": "demo"})
    point = Tracked("sweep/1/7", "point 7", "sweep/1", 2_000, 5_000, params, metrics, {}, (report,))
    fold = Tracked("sweep/1/7/2", "fold 2", "sweep/1/7", 3_000, 4_000, {}, {"sharpe": 0.5})
    return [fold, point, sweep]


def read(uri: str, experiment: str) -> dict[str, Any]:
    """All runs that MLflow shows, by podshop's id."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    runs = client.search_runs([found.experiment_id])
    assert len({run.data.tags["podshop.id"] for run in runs}) == len(runs)
    return {run.data.tags["podshop.id"]: run for run in runs}


@with_mlflow
def test_nested_runs_are_read_back_as_they_were_and_written_once(tmp_path: Path) -> None:
    uri, runs = mlflow.default_uri(tmp_path / "tracking"), nested(tmp_path)
    assert mlflow.write(runs, uri=uri, experiment="demo") == 3
    found = read(uri, "demo")
    sweep, point, fold = (found[name] for name in ("sweep/1", "sweep/1/7", "sweep/1/7/2"))
    assert [run.data.tags.get("mlflow.parentRunId") for run in (sweep, point, fold)] == [
        None,
        sweep.info.run_id,
        point.info.run_id,
    ]
    assert (point.info.run_name, point.info.status) == ("point 7", "FINISHED")
    assert (point.info.start_time, point.info.end_time) == (2_000, 5_000)
    assert point.data.metrics == {"sharpe": 1.25, "95 _ VaR": -0.02}  # what is no number is not 0
    assert point.data.params == {"pods_0_.lookback": "120", "universe": "x" * 6000}
    assert point.data.tags["podshop.cut"] == "universe"
    assert sweep.data.tags["fund"] == "demo"
    kept = tmp_path / "tracking" / "artifacts" / point.info.run_id / "artifacts" / "report.html"
    assert kept.read_text(encoding="utf-8") == "<p>a report</p>"

    another = replace(runs[0], id="sweep/1/7/3", name="fold 3")  # its parent is there already
    assert mlflow.write([*runs, another], uri=uri, experiment="demo") == 1
    assert set(read(uri, "demo")) == {"sweep/1", "sweep/1/7", "sweep/1/7/2", "sweep/1/7/3"}
    assert not (Path.cwd() / "mlruns").exists()
    assert not (Path.cwd() / "mlflow.db").exists()


@with_mlflow
def test_more_than_a_batch_holds_and_names_that_become_the_same(tmp_path: Path) -> None:
    metrics = {f"m{i}": float(i) for i in range(2_001)} | {"a%": 1.0, "a$": 2.0, "../up": 3.0}
    params = {f"p{i}": str(i) for i in range(205)}
    run = Tracked("1", "large", None, 0, 1, params, metrics)
    uri = mlflow.default_uri(tmp_path)
    files = tmp_path / "files"
    assert mlflow.write([run], uri=uri, experiment="large", artifacts=files) == 1
    data = read(uri, "large")["1"].data
    assert (len(data.metrics), data.metrics["m2000"]) == (2_004, 2_000.0)
    assert [data.metrics[name] for name in ("a_", "a__2", "___up")] == [1.0, 2.0, 3.0]
    assert data.params == params


@with_mlflow
def test_a_run_that_was_begun_and_not_finished_is_written_anew(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    uri, runs = mlflow.default_uri(tmp_path), nested(tmp_path)
    mlflow.write(runs[2:], uri=uri, experiment="demo")
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("demo")
    assert experiment is not None
    client.create_run(experiment.experiment_id, tags={"podshop.id": "sweep/1/7"})  # then a kill
    assert mlflow.write(runs, uri=uri, experiment="demo") == 2
    assert read(uri, "demo")["sweep/1/7"].data.metrics["sharpe"] == 1.25


@with_mlflow
def test_a_parent_that_is_nowhere_is_named(tmp_path: Path) -> None:
    fold = nested(tmp_path)[0]
    with pytest.raises(ConfigError, match="its parent sweep/1/7 is neither in MLflow nor among"):
        mlflow.write([fold], uri=mlflow.default_uri(tmp_path), experiment="demo")


def test_what_cannot_be_written_is_refused_before_anything_is(tmp_path: Path) -> None:
    run = Tracked("1", "", None, 0, 1)
    uri = mlflow.default_uri(tmp_path / "none")
    for runs, told in (
        ([replace(run, id="it's")], "run id"),
        ([run, run], "comes twice"),
        ([replace(run, files=(tmp_path / "gone.html",))], "gone.html is not there"),
        ([replace(run, files=(Path(__file__), Path(__file__)))], "the same name"),
    ):
        with pytest.raises(ConfigError, match=told):
            mlflow.write(runs, uri=uri, experiment="demo")
    assert not (tmp_path / "none").exists()


def test_without_mlflow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)  # as Python marks what is not there
    with pytest.raises(ConfigError, match=r"pip install 'podshop\[tracking\]'"):
        mlflow.write([], uri="sqlite:///x.db", experiment="demo")
