"""`podshop research`: what a person types, sees and gets as exit codes."""

import json
from pathlib import Path

import polars as pl
import pytest

from podshop.desk import cli

STRATEGY = """
[strategy]
use = "momentum"
params = { slow_days = 60, fast_days = 5, names = 5 }

[market]
start = 2018-01-02

[sweep]
names = [3, 5]
"""


@pytest.fixture
def folder(tmp_path: Path, embedded: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a strategy, in which we stand."""
    (tmp_path / "strategy.toml").write_text(STRATEGY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PODSHOP_RUNS", raising=False)
    return tmp_path


def test_a_sweep_says_what_luck_alone_would_show(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["research", "sweep", ".", "--out", "all.parquet"]) == 0
    told = capsys.readouterr().out
    assert "2 combinations" in told
    assert "by luck alone" in told
    assert pl.read_parquet("all.parquet").height == 2
    assert cli.main(["research", "sweep", "."]) == 0
    assert "2 of them from before" in capsys.readouterr().out


def test_the_gate_refuses_with_1_and_writes_why(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["research", "sweep", "."]) == 0
    capsys.readouterr()
    assert cli.main(["research", "gate", ".", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["passed"]
    named = {c["name"]: c for c in told["criteria"]}
    assert {"sharpe", "max_drawdown", "win_days", "out_of_sample", "deflated_sharpe"} <= set(named)
    assert "after 2 trials" in named["deflated_sharpe"]["words"]  # the run is one of the two swept
    [certificate] = folder.glob("momentum-*.certificate.json")
    said = json.loads(certificate.read_text())
    assert said["passed"] is False
    assert said["run"] == told["run"]


def test_runs_are_listed_and_compared(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["research", "runs"]) == 0
    assert "no runs" in capsys.readouterr().out
    assert cli.main(["research", "sweep", "."]) == 0
    capsys.readouterr()
    assert cli.main(["research", "runs", "--json"]) == 0
    [parent] = json.loads(capsys.readouterr().out)
    assert parent["kind"] == "sweep"
    assert cli.main(["research", "runs", "--sweep", parent["id"], "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert cli.main(["research", "runs", "--compare", first["id"], second["id"]]) == 0
    told = capsys.readouterr().out
    assert "names" in told
    assert "sharpe" in told
    assert cli.main(["research", "runs", "--compare", "zz", "yy"]) == 2
    assert "no run" in capsys.readouterr().err


def test_costs_warn_with_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = STRATEGY.replace("[market]", "capital = 20_000\n[market]")
    (folder / "strategy.toml").write_text(small)
    assert cli.main(["research", "costs", "."]) == 1
    told = capsys.readouterr().out
    assert "20,000 is too little for 1 pods: 25,000 or more" in told
    assert "no volume" in told


def test_costs_are_told_of_a_fund_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["init", "fund"]) == 0
    capsys.readouterr()
    cli.main(["research", "costs", "fund"])
    told = capsys.readouterr().out
    for pod in ("momentum", "trend", "own"):
        assert pod in told


@pytest.mark.slow
def test_an_uncertified_pod_is_refused_and_a_reason_lets_it_in(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["init", "fund"]) == 0
    file = folder / "fund" / "fund.toml"
    text = file.read_text()
    assert text.count("uncertified = ") == 3
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("uncertified"))
    file.write_text(bare)
    run = ["run", "fund", "--paper", "--from", "2012-03-01", "--until", "2012-03-05"]
    capsys.readouterr()
    assert cli.main(run) == 2
    told = capsys.readouterr().err
    for pod in ("momentum", "trend", "own"):
        assert f"pod '{pod}': there is no certificate" in told
    assert cli.main([*run, "--accept-uncertified", "my own money"]) == 0
    events = pl.read_parquet(folder / "fund" / "paper" / "events.parquet")
    admitted = events.filter(pl.col("kind") == "PodAdmitted")
    assert admitted.height == 3
    assert admitted["detail"].str.contains("my own money").all()
    assert cli.main(["verify", "fund/paper"]) == 0


AHEAD = {
    "tomorrow's return": "ahead[:-1] = panel.returns[1:]",
    "the month to come": "ahead[:-21] = panel.index[21:] / panel.index[:-21]",
    "the mean of all time": "ahead[:] = panel.close / np.nanmean(panel.close, axis=0)",
    "a centred window": "ahead[5:-5] = panel.close[10:] - panel.close[:-10]",
}


@pytest.mark.parametrize("sees", AHEAD)
def test_a_strategy_that_looks_ahead_is_named_and_not_tried(
    sees: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "clever.py").write_text(
        f'''"""Hold what {sees} favours."""

from dataclasses import dataclass

import numpy as np

FIELDS, WHEN = ("close", "returns", "index"), "month"


@dataclass(frozen=True)
class Params:
    """How many.

    Attributes:
        names: to hold.
    """

    names: int = 3


def gross(p):
    return 1.0


def lookback(p):
    return 30


def wishes(panel, p):
    ahead = np.zeros(panel.close.shape)
    {AHEAD[sees]}
    ahead = np.where(np.isnan(panel.close), -np.inf, np.nan_to_num(ahead))
    held = np.argsort(np.argsort(-ahead, axis=1), axis=1) < p.names
    return np.where(held & ~np.isnan(panel.close), 0.25, 0.0)
'''
    )
    (folder / "strategy.toml").write_text(
        '[strategy]\nuse = "clever"\n[market]\nstart = 2018-01-02\n'
    )
    assert cli.main(["research", "run", "."]) == 4
    told = capsys.readouterr().err
    assert "'clever'" in told
    assert "looks ahead" in told
    assert not (folder / "runs.sqlite").exists()  # it is no trial
