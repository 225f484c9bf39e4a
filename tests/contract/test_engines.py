"""What every engine keeps, played on all that are installed; `serial` says what is right."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests import engine_tasks as tasks
from tests.funds import Recipe, cook

from podshop.adapters import engines
from podshop.domain.error import ConfigError, FundError
from podshop.domain.market import Panel

WORKERS = 2
CLUSTERS = ("dask", "ray")

NAMES = [
    pytest.param(
        name,
        marks=[
            *([pytest.mark.slow] if name in (*CLUSTERS, "processes") else []),
            pytest.mark.skipif(not engines.installed(name), reason="not installed"),
        ],
    )
    for name in engines.NAMES
]


@pytest.fixture(scope="module")
def panel() -> Panel:
    """A small market in which a lot happens."""
    return cook(Recipe(days=120, assets=6)).panel


@pytest.fixture(scope="module", params=NAMES)
def engine(request: pytest.FixtureRequest) -> Iterator[engines.Engine]:
    """Each engine; a cluster is held for all tests of the file."""
    found = engines.find(request.param)
    held: Any = nullcontext()
    if request.param in CLUSTERS:
        held = import_module(f"podshop.adapters.engines.{request.param}").session(WORKERS)
    with held:
        yield found


@pytest.mark.slow
def test_backtests_are_equal_to_the_last_bit_in_the_order_of_the_items(
    engine: engines.Engine, panel: Panel
) -> None:
    items = tasks.recipes(9)
    right = [tasks.run_fund(panel, recipe) for recipe in items]
    assert repr(engine.map(tasks.run_fund, items, panel, workers=WORKERS)) == repr(right)
    assert len({repr(one) for one in right}) == len(items)  # the items do matter


def test_the_panel_of_a_worker_is_the_callers_to_the_last_bit(
    engine: engines.Engine, panel: Panel
) -> None:
    items = list(range(panel.close.shape[1]))
    right = [tasks.column(panel, item) for item in items]
    assert engine.map(tasks.column, items, panel, workers=WORKERS) == right


@pytest.mark.parametrize("count", [0, 1, 3, 50])
def test_each_position_comes_once_whatever_their_number(
    engine: engines.Engine, panel: Panel, count: int
) -> None:
    items = [7 * i for i in range(count)]
    found = list(engine.stream(tasks.double, items, panel, workers=WORKERS))
    assert sorted(found) == [(i, 14 * i) for i in range(count)]


def test_progress_counts_up_to_all_in_the_callers_thread(
    engine: engines.Engine, panel: Panel
) -> None:
    told: list[tuple[int, int, int]] = []

    def done(finished: int, total: int) -> None:
        told.append((finished, total, threading.get_ident()))

    engine.map(tasks.double, list(range(20)), panel, workers=WORKERS, done=done)
    assert told == [(i + 1, 20, threading.get_ident()) for i in range(20)]


def test_an_exception_is_raised_as_it_was_with_its_item(
    engine: engines.Engine, panel: Panel
) -> None:
    found: list[tuple[int, int]] = []
    with pytest.raises(FundError, match="no 5 today") as caught:
        found.extend(engine.stream(tasks.fails_at_five, list(range(30)), panel, workers=WORKERS))
    assert (type(caught.value), str(caught.value)) == (FundError, "no 5 today")
    assert "item 5 (of 30, counted from 0): 5" in "".join(caught.value.__notes__)
    assert all(position == result for position, result in found)
    assert 5 not in dict(found)


def test_results_belong_to_the_caller_who_may_write_to_them(
    engine: engines.Engine, panel: Panel
) -> None:
    for item, found in enumerate(engine.map(tasks.array, [0, 1], panel, workers=WORKERS)):
        found[:] += 1.0
        assert found.sum() == 200_000 * (item + 1)


def test_a_worker_has_one_thread_and_cannot_change_the_panel(
    engine: engines.Engine, panel: Panel
) -> None:
    before = dict(os.environ)
    for found in engine.map(tasks.switches, list(range(8)), panel, workers=WORKERS):
        assert found["writeable"] == "False"
        if engine.name not in ("serial", "threads"):
            assert found["pid"] != str(os.getpid())
            names = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "POLARS_MAX_THREADS")
            assert [found[name] for name in names] == ["1", "1", "1"]
    kept = {name: os.environ.get(name) for name in before if name.endswith("_NUM_THREADS")}
    assert kept == {name: before[name] for name in kept}
    assert "POLARS_MAX_THREADS" in before or "POLARS_MAX_THREADS" not in os.environ


def test_who_stops_listening_stops_the_work(
    engine: engines.Engine, panel: Panel, tmp_path: Path
) -> None:
    stream = engine.stream(tasks.slow, [(tmp_path, 0.05)] * 200, panel, workers=WORKERS)
    position, pid = next(stream)
    assert (position in range(200), pid > 0) == (True, True)
    begun = time.monotonic()
    stream.close()  # type: ignore[attr-defined]
    assert time.monotonic() - begun < 8.0  # 200 items take 5 s and more, processes end faster
    with pytest.raises(StopIteration):
        next(stream)


def test_a_worker_that_dies_is_told_from_a_result(engine: engines.Engine, panel: Panel) -> None:
    if engine.name in ("serial", "threads"):
        pytest.skip("its worker is this process")
    with pytest.raises(engines.WorkerLost, match="worker process ended"):
        engine.map(tasks.dies, list(range(8)), panel, workers=WORKERS)


def test_what_cannot_travel_is_named(engine: engines.Engine, panel: Panel) -> None:
    if engine.name in ("serial", "threads"):
        pytest.skip("nothing travels")
    with pytest.raises(ConfigError, match="cannot be sent to a worker"):
        engine.map(lambda panel, item: item, [1], panel, workers=WORKERS)
    with pytest.raises(ConfigError, match=r"items 0\.\.0 cannot be sent"):
        engine.map(tasks.double, [threading.Lock()], panel, workers=WORKERS)  # type: ignore[list-item]
    with pytest.raises(FundError, match="Picky: this and that") as caught:
        engine.map(tasks.fails_oddly, [1], panel, workers=WORKERS)
    assert "item 0 (of 1" in "".join(caught.value.__notes__)
    with pytest.raises((AttributeError, TypeError, ValueError), match="pickle") as refused:
        engine.map(tasks.unsendable, [1], panel, workers=WORKERS)
    assert "item 0 (of 1" in "".join(refused.value.__notes__)


def test_workers_are_counted(engine: engines.Engine, panel: Panel) -> None:
    with pytest.raises(ConfigError, match=r"workers = 0: at least 1"):
        engine.map(tasks.double, [1], panel, workers=0)


def test_unknown_and_missing_engines_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r'"spark": there is no such engine \(there are: serial'):
        engines.find("spark")
    for name, library in engines.LIBRARY.items():
        monkeypatch.setitem(sys.modules, library, None)  # as Python marks what is not there
        with pytest.raises(ConfigError, match=r"pip install 'podshop\[scale\]'"):
            engines.find(name)


@pytest.fixture
def short() -> Iterator[Path]:
    """A temporary folder with a name that is short enough for Ray's sockets."""
    with tempfile.TemporaryDirectory(prefix="e", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


SCRIPT = """
import sys
from pathlib import Path
from podshop.adapters import engines
from tests import engine_tasks, funds
if __name__ == "__main__":
    panel = funds.cook(funds.Recipe()).panel
    items = [(Path(sys.argv[2]), 60.0)] * 4
    engines.find(sys.argv[1]).map(engine_tasks.slow, items, panel, workers=2)
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("name", [p for p in NAMES if p.values[0] in ("processes", *CLUSTERS)])
def test_no_worker_outlives_its_caller(
    name: str, how: signal.Signals, tmp_path: Path, root: Path, short: Path
) -> None:
    script, places = tmp_path / "script.py", tmp_path / "workers"
    script.write_text(SCRIPT, encoding="utf-8")
    places.mkdir()
    environ = os.environ | {"PYTHONPATH": f"{root / 'src'}:{root}", "TMPDIR": str(short)}
    command = [sys.executable, str(script), name, str(places)]
    with subprocess.Popen(
        command, env=environ, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as caller:
        wait_until(lambda: len(list(places.iterdir())) == 2, 90.0)
        if how == signal.SIGINT:
            os.killpg(caller.pid, how)  # as a terminal does: to all of them
        else:
            caller.kill()
        caller.wait(30.0)
        workers = [int(place.name) for place in places.iterdir()]
        wait_until(lambda: not any(alive(pid) for pid in workers), 20.0)
        if how == signal.SIGINT:
            told = caller.stderr.read() if caller.stderr else ""
            assert told.count("KeyboardInterrupt") == 1, told
        if how == signal.SIGINT or name == "processes":
            wait_until(lambda: list(short.iterdir()) == [], 5.0)


def alive(pid: int) -> bool:
    """True while a process runs (a zombie does not)."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    """Wait for something, or fail."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
