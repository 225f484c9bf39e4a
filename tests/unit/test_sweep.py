"""Sweeps: every combination is the backtest it would be alone, and none is lost or done twice."""

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.unit.test_strategy import panel

from podshop.adapters.stores.runs import RunRecord, RunStore
from podshop.domain.error import ConfigError
from podshop.research import run_backtest
from podshop.research import sweep as sweeping
from podshop.research.search import search
from podshop.research.space import axes, grid
from podshop.research.trials import returns_of
from podshop.rulebook.strategy import load_strategy, variants

CONFIG: dict[str, Any] = {
    "strategy": {"use": "momentum", "params": {"slow_days": 40, "fast_days": 5, "names": 3}},
    "sweep": {"names": [2, 3, 4], "slow_days": [20, 40]},
}


# --- the space ------------------------------------------------------------------------------------


def test_the_grid_is_every_combination_the_last_turning_fastest() -> None:
    space = axes({"a": [1, 2], "b": {"low": 0.1, "high": 0.3, "step": 0.1}})
    assert list(grid(space)) == [{"a": a, "b": b} for a in (1, 2) for b in (0.1, 0.2, 0.3)]


@pytest.mark.parametrize(
    "axis",
    [
        *([], {"low": 3}, {"low": 3, "high": 1}, "ab", 7, {"values": [1]}),
        {"low": 1, "high": 9, "step": "1"},
        {"low": "1", "high": 9},
        {"low": True, "high": 9},
        {"low": 0, "high": 9, "log": True},
        {"low": 1, "high": 9, "log": "yes"},
        {"low": 1.0, "high": float("inf"), "step": 1.0},
    ],
)
def test_an_axis_that_says_nothing_is_refused(axis: Any) -> None:
    with pytest.raises(ConfigError, match=r"\[sweep\] a"):
        axes({"a": axis})


def test_a_range_without_steps_has_no_grid() -> None:
    with pytest.raises(ConfigError, match="give it a step"):
        list(grid(axes({"a": {"low": 1, "high": 5}})))


# --- the sweep ------------------------------------------------------------------------------------


def test_a_combination_is_the_backtest_it_would_be_alone(tmp_path: Path) -> None:
    market = panel(rate=0.02)
    made = sweep_of(market, tmp_path)
    strategy = load_strategy(CONFIG)
    for rules, entry in zip(variants(strategy, grid(made.space)), made.records, strict=True):
        assert not isinstance(rules, ConfigError)
        alone = run_backtest(replace(strategy, rules=rules), market, runs=tmp_path / "alone.sqlite")
        days, returns = returns_of(alone)
        np.testing.assert_array_equal(entry.returns, returns)
        np.testing.assert_array_equal(entry.days, days)
    ids = {r.id for r in RunStore(tmp_path / "alone.sqlite").runs()}
    assert ids == {r.id for r in made.records}  # the same trial, by whatever way it was made


def sweep_of(market: Any, folder: Path, **options: Any) -> Any:
    """A sweep with its ledger in a folder."""
    return sweeping.sweep(CONFIG, market, runs=folder / "runs.sqlite", **options)


@pytest.mark.parametrize(
    "engine", ["serial", "threads", pytest.param("processes", marks=pytest.mark.slow)]
)
def test_the_engine_changes_no_byte(engine: str, tmp_path: Path) -> None:
    market = panel()
    here = sweep_of(market, tmp_path / "serial", group=2)
    there = sweep_of(market, tmp_path / engine, group=2, engine=engine, workers=2)
    assert [r.returns.tobytes() for r in here.records] == [
        r.returns.tobytes() for r in there.records
    ]
    assert [r.metrics for r in here.records] == [r.metrics for r in there.records]
    assert (here.id, [r.id for r in here.records]) == (there.id, [r.id for r in there.records])


def test_a_sweep_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    market = panel()
    worked: list[int] = []
    true = sweeping.run_group

    def dying(market: Any, group: Any) -> Any:
        if len(worked) == 2:
            raise KeyboardInterrupt
        worked.append(len(group.combinations))
        return true(market, group)

    monkeypatch.setattr(sweeping, "run_group", dying)
    with pytest.raises(KeyboardInterrupt):
        sweep_of(market, tmp_path, group=2)
    monkeypatch.setattr(sweeping, "run_group", true)
    made = sweep_of(market, tmp_path, group=2)
    assert made.found == 4
    whole = sweep_of(market, tmp_path / "whole", group=2)
    assert [r.returns.tobytes() for r in made.records] == [
        r.returns.tobytes() for r in whole.records
    ]
    assert sweep_of(market, tmp_path, group=2).found == 6


def test_what_the_strategy_refuses_is_told_and_left_out(tmp_path: Path) -> None:
    config = {**CONFIG, "sweep": {"slow_days": [4, 20]}}
    made = sweeping.sweep(config, panel(), runs=tmp_path / "runs.sqlite")
    assert len(made.records) == 1
    assert [r.params for r in made.refused] == [{"slow_days": 4}]
    with pytest.raises(ConfigError, match="every combination is refused"):
        sweeping.sweep(
            {**CONFIG, "sweep": {"slow_days": [3, 4]}}, panel(), runs=tmp_path / "r.sqlite"
        )


def test_a_value_is_told_by_what_the_strategy_reads(tmp_path: Path) -> None:
    config = {**CONFIG, "sweep": {"gross": [1, 0.5]}}  # the strategy reads 1 as 1.0
    made = sweeping.sweep(config, panel(), runs=tmp_path / "runs.sqlite")
    assert [r.params["gross"] for r in made.records] == [1.0, 0.5]
    assert [c["gross"] for c in made.combinations] == [1, 0.5]
    assert sweeping.sweep(config, panel(), runs=tmp_path / "runs.sqlite").found == 2
    found = search(config, panel(), trials=4, runs=tmp_path / "search.sqlite")
    assert {r.params["gross"] for r in found.records} == {1.0, 0.5}


def test_the_frame_has_a_row_a_combination(tmp_path: Path) -> None:
    frame = sweep_of(panel(), tmp_path).frame
    assert frame.select("names", "slow_days").rows() == [
        (a, b) for a in (2, 3, 4) for b in (20, 40)
    ]
    assert frame["sharpe"].dtype == pl.Float64


# --- the search -----------------------------------------------------------------------------------


def test_a_search_repeats_itself_and_goes_on(tmp_path: Path) -> None:
    config = {**CONFIG, "sweep": {"names": {"low": 1, "high": 6}, "slow_days": [20, 40, 60]}}
    market, ledger = panel(), tmp_path / "runs.sqlite"
    few = search(config, market, trials=10, runs=ledger)
    more = search(config, market, trials=20, runs=ledger)
    assert more.found >= len(few.records)
    assert [r.id for r in more.records][: len(few.records)] == [r.id for r in few.records]
    again = search(config, market, trials=20, runs=tmp_path / "other.sqlite")
    assert [r.id for r in again.records] == [r.id for r in more.records]


def test_a_search_needs_a_figure_that_can_be_better(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no figure to search by"):
        search(CONFIG, panel(), metric="n_obs", runs=tmp_path / "runs.sqlite")


def test_the_entry_of_a_search_is_of_all_its_batches(tmp_path: Path) -> None:
    config = {**CONFIG, "sweep": {"names": {"low": 1, "high": 6}, "slow_days": [20, 40, 60]}}
    ledger = tmp_path / "runs.sqlite"
    made = search(config, panel(), trials=30, metric="max_drawdown", runs=ledger)
    [entry] = [r for r in RunStore(ledger).runs() if r.kind == "sweep"]
    assert entry.facts["combinations"] == len(made.records) > 10
    assert entry.metrics["max_drawdown"] == min(r.metrics["max_drawdown"] for r in made.records)


def test_a_refused_batch_does_not_end_a_search(tmp_path: Path) -> None:
    config = {**CONFIG, "sweep": {"slow_days": {"low": 1, "high": 6}}}  # needs more than 5
    ledger = tmp_path / "runs.sqlite"
    made = search(config, panel(), trials=30, runs=ledger)
    assert [r.params["slow_days"] for r in made.records] == [6]
    with pytest.raises(ConfigError, match="every combination is refused"):
        search({**CONFIG, "sweep": {"slow_days": [3, 4]}}, panel(), trials=3, runs=ledger)


# --- the run ledger -------------------------------------------------------------------------------


def record(run: str = "a1", parent: str = "", **fields: Any) -> RunRecord:
    """An entry."""
    days = np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]")
    plain = RunRecord(
        run,
        parent,
        "backtest",
        "momentum",
        "m",
        "2026-01-01T00:00:00",
        0.1,
        {"n": 3},
        {"x": 1.5},
        {},
    )
    return replace(plain, **{"days": days, "returns": np.array([0.1, -0.1])} | fields)


def test_what_is_put_is_read_back(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "deep" / "runs.sqlite")
    assert store.runs() == []
    store.put([record(), record("b2", facts={"k": [1, {"z": None}]})])
    one, two = store.runs()
    assert (one.id, one.params, one.metrics) == ("a1", {"n": 3}, {"x": 1.5})
    assert two.facts == {"k": [1, {"z": None}]}
    np.testing.assert_array_equal(one.returns, [0.1, -0.1])
    assert one.days.tolist() == record().days.tolist()


def test_the_same_run_is_one_entry_and_a_combination_another(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.sqlite")
    store.put([record()])
    store.put([record(metrics={"x": 2.0}), record(parent="s1")])
    assert [(r.id, r.parent, r.metrics["x"]) for r in store.runs()] == [
        ("a1", "", 2.0),
        ("a1", "s1", 1.5),
    ]
    assert len(store.runs(parent="")) == 1
    assert store.runs(strategy="trend") == []


def test_a_run_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.sqlite")
    store.put([record("abc"), record("abd")])
    assert store.find("abc").id == "abc"
    with pytest.raises(ConfigError, match="several runs"):
        store.find("ab")
    with pytest.raises(ConfigError, match="no run"):
        store.find("x")


def test_all_or_none_is_kept(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.sqlite")
    with pytest.raises(TypeError):
        store.put([record(), record("b2", params={"x": object()})])
    assert store.runs() == []


def test_a_file_that_is_no_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(ConfigError, match=r"runs\.sqlite"):
        RunStore(tmp_path / "runs.sqlite").put([record()])


def test_the_ledger_is_plain_sqlite(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.sqlite")
    store.put([record()])
    db = sqlite3.connect(tmp_path / "runs.sqlite")
    assert db.execute("SELECT json_extract(metrics, '$.x') FROM run").fetchone() == (1.5,)
    db.close()


def test_calendars_of_one_length_and_the_same_ends_are_two(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.sqlite")
    first = np.array(["2020-01-01", "2020-01-02", "2020-01-06"], dtype="datetime64[D]")
    second = np.array(["2020-01-01", "2020-01-03", "2020-01-06"], dtype="datetime64[D]")
    for name, days in (("a", first), ("b", second)):
        store.put([replace(record(name), days=days, returns=np.zeros(3))])
    a, b = store.runs()
    np.testing.assert_array_equal(a.days, first)
    np.testing.assert_array_equal(b.days, second)


def test_running_again_without_a_folder_takes_none_away(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.sqlite")
    store.put([record(artifacts="runs/a1")])
    store.put([record()])
    assert [r.artifacts for r in store.runs()] == ["runs/a1"]


def test_a_run_with_other_returns_takes_no_earlier_one_away(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.sqlite")
    store.put([record()])
    store.put([replace(record(), returns=np.array([0.3, 0.3]))])
    store.put([replace(record(), returns=np.array([0.3, 0.3]), seconds=9.0)])
    old, new = store.runs()
    assert (old.id, old.returns.tolist()) == ("a1.1", [0.1, -0.1])
    assert (new.id, new.returns.tolist(), new.seconds) == ("a1", [0.3, 0.3], 9.0)
    assert store.find("a1").seconds == 9.0


def test_running_again_keeps_a_trial_where_it_was_made(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.sqlite")
    store.put([record("a1"), record("b2"), record("c3")])
    store.put([record("a1", seconds=9.0)])
    assert [(r.id, r.seconds) for r in store.runs()] == [("a1", 9.0), ("b2", 0.1), ("c3", 0.1)]


def test_a_folder_of_other_figures_is_not_taken_over(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.sqlite")
    store.put([record(artifacts="shows the first")])
    store.put([replace(record(), returns=np.array([0.3, 0.3]))])
    assert [r.artifacts for r in store.runs()] == ["shows the first", ""]
