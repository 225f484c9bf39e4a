"""record="fast" and record="full" are one result, and so is any number of threads."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.funds import Fund, Recipe, cook, plain, pod, random_recipe, steady

from podshop.kernel import day as kernel
from podshop.research.run import Run
from podshop.research.wishing import wishes_today

FRAMES = ("nav", "pods", "pod_parts", "orders", "fills", "allocation", "marks", "benchmark")
QUIET = ("month", "week", "month", "month")


def quiet(recipe: Recipe) -> Recipe:
    """The same fund with long stretches in which nobody speaks."""
    schedule = ("month", "quarter", "never")[recipe.seed % 3]
    holes = recipe.holes if recipe.seed % 2 else 0.0
    return replace(recipe, when=QUIET, schedule=schedule, holes=holes)


def told(run: Run) -> pl.DataFrame:
    """The events both ways know, without journal numbers and the journal's first entry."""
    return run.events.filter(pl.col("kind") != "FundOpened").drop("seq")


def assert_same(fund: Fund) -> None:
    """Run a fund both ways and compare everything."""
    full, fast = fund.run(), fund.run(record="fast")
    where = str(fund.recipe)
    assert full.book.digest() == fast.book.digest(), where
    for name in FRAMES:
        assert getattr(full, name).equals(getattr(fast, name)), f"{name} of {where}"
    assert told(full).equals(told(fast)), where
    left, right = (dict(run.summary) for run in (full, fast))
    assert left.pop("journal_hash") is not None
    assert right.pop("journal_hash") is None
    assert str(left) == str(right), where


@pytest.mark.parametrize("seed", range(20))
def test_fast_is_full(seed: int) -> None:
    assert_same(cook(random_recipe(seed, days=60)))


@pytest.mark.parametrize("seed", range(20, 40))
def test_fast_is_full_over_quiet_stretches(seed: int) -> None:
    assert_same(cook(quiet(random_recipe(seed, days=120))))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 200))
def test_fast_is_full_at_length(seed: int) -> None:
    assert_same(cook(random_recipe(seed, days=200)))
    assert_same(cook(quiet(random_recipe(seed, days=400))))


def test_fast_really_runs_through_quiet_days(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    quiet_nb = kernel.quiet_nb

    def spy(*args: Any) -> Any:
        out = quiet_nb(*args)
        done.append(int(out[0]))
        return out

    monkeypatch.setattr(kernel, "quiet_nb", spy)
    recipe = Recipe(3, days=120, when=("month",), schedule="quarter", ladder=None, holes=0.0)
    cook(replace(recipe, late=0, delistings=0, splits=0, volume=False)).run(record="fast")
    assert sum(done) > 80
    assert max(done) > 10


def test_a_ladder_that_fires_within_a_quiet_stretch_stops_it() -> None:
    path = 100.0 * np.cumprod([1.0] * 5 + [0.99] * 12 + [1.02] * 30 + [0.97] * 9)
    fund = plain(path, pod("p", steady({0: 1.0}), "month"), ladder=Recipe().ladder, stop=0.2)
    assert_same(fund)
    actions = told(fund.run(record="fast")).filter(pl.col("kind") == "ActionApplied")
    words = [detail.split('"')[3] for detail in actions["detail"].to_list()]
    assert words == ["HALVE", "RESTORE", "HALVE", "TERMINATE"]


def test_a_flow_within_a_quiet_stretch_is_the_same() -> None:
    flows = ((7, "deposit", 250_000), (11, "withdrawal", -10_000), (11, "fee", -10))
    recipe = Recipe(8, days=40, when=("month",), flows=flows, holes=0.0, late=0, delistings=0)
    assert_same(cook(recipe))


@pytest.mark.parametrize("schedule", ["never", "week"])
def test_a_fund_that_pays_everything_out_is_the_same(schedule: str) -> None:
    flows = ((4, "withdrawal", -1_000_000),)
    idle = pod("p", steady({}), "month")
    fund = plain([100.0] * 12, idle, flows=flows, schedule=schedule)
    assert fund.run().book.nav == 0
    assert_same(fund)


@pytest.mark.parametrize("seed", range(6))
def test_asking_day_by_day_gives_the_wishes_of_the_whole_backtest(seed: int) -> None:
    fund = cook(random_recipe(seed, days=45))
    start = fund.recipe.start
    for t in range(start, len(fund.panel)):
        once = fund.wishes.on(t)
        again = wishes_today(fund.rules.pods, fund.panel, start, t)
        assert once.speaks_p.tolist() == again.speaks_p.tolist()
        for p in range(len(fund.rules.pods)):
            left, right = (slice(w.begin_p[p], w.end_p[p]) for w in (once, again))
            assert once.asset_w[left].tolist() == again.asset_w[right].tolist()
            assert once.weight_w[left].tolist() == again.weight_w[right].tolist()


THREADS = """
from tests.funds import cook, random_recipe
for seed in (3, 11):
    print(cook(random_recipe(seed, days=60)).run().journal_hash)
"""


@pytest.mark.slow
def test_one_thread_or_two_write_the_same_journal(root: Path) -> None:
    heads = []
    for threads in ("1", "2"):
        paths = os.pathsep.join(p for p in (str(root), *sys.path) if p)
        env = os.environ | {"NUMBA_NUM_THREADS": threads, "PYTHONPATH": paths}
        done = subprocess.run(
            [sys.executable, "-c", THREADS],
            cwd=root,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        heads.append(done.stdout.split())
    here = [cook(random_recipe(seed, days=60)).run().journal_hash for seed in (3, 11)]
    assert heads == [here, here]
