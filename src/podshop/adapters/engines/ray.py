"""Ray on this machine: a small cluster of its own that starts with a call and ends with it.

It starts in 20 s or so; `session` holds it for several calls. Nothing leaves the machine: no usage
statistics, no dashboard, the loopback address. Panels are files that workers map, so Ray's store of
objects stays small, and lies beside Ray's other files: /dev/shm may be as small as it likes.
"""

import logging
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any

from podshop.adapters.engines.work import (
    Task,
    answer,
    cut,
    lost,
    packed,
    results,
    shared,
    single_threaded,
)
from podshop.domain.error import ConfigError

if TYPE_CHECKING:
    from podshop.domain.market import Panel

QUIET = {
    "RAY_AUTH_MODE": "token",  # as it is when unset, but then Ray says so at every start
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # would build an environment anew, from the network
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # today's default warns of tomorrow's
}
"""Switches that Ray reads when it is imported."""

STORE_BYTES = 100_000_000
"""Room for results on their way; Ray takes no less than 75 MB, and spills to disk beyond."""

SHORT = 30
"""Characters of a temporary folder in which Ray's sockets still have names of at most 107."""

AHEAD = 3
"""Chunks given out for each worker: enough that none waits, few enough to keep an eye on."""


def run(fn: Task, items: Sequence[Any], panel: "Panel", workers: int) -> Iterator[tuple[int, Any]]:
    """Work on the items with Ray; see `Engine.stream`."""
    if getattr(getattr(fn, "func", fn), "__module__", None) == "__main__":
        raise ConfigError(
            f"{fn!r} stands in the script itself, where Ray's workers cannot find it\n"
            '  -> put it into a module, or use engine "processes"'
        )
    with shared(fn, panel) as folder, session(workers):
        ray = _library()
        remote = ray.remote(max_retries=0, num_cpus=1)(answer)
        chunks = (packed(chunk) for chunk in cut(items, workers))
        waiting = [remote.remote(folder, chunk) for chunk in islice(chunks, AHEAD * workers)]
        try:
            while waiting:
                ready, waiting = ray.wait(waiting)
                waiting += [remote.remote(folder, chunk) for chunk in islice(chunks, 1)]
                yield from results(ray.get(ready[0]))
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
            raise lost("ray", error) from error
        finally:
            for task in waiting:
                ray.cancel(task, force=True)


@contextmanager
def session(workers: int) -> Iterator[None]:
    """Hold Ray for several calls; inside, and where Ray runs already, calls use what is there.

    Args:
        workers: processors that Ray may use.
    """
    ray = _library()
    if ray.is_initialized():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    place = gettempdir() if len(gettempdir()) <= SHORT else "/tmp"  # noqa: S108 - unique below
    with TemporaryDirectory(prefix="ps", dir=place, ignore_cleanup_errors=True) as folder:
        try:
            _start(ray, workers, Path(folder))
            yield
        finally:
            ray.shutdown()
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, before)  # Ray put its own there


def _start(ray: Any, workers: int, folder: Path) -> None:
    store = folder / "store"
    store.mkdir()
    with single_threaded():
        ray.init(
            address="local",  # whatever RAY_ADDRESS says
            num_cpus=workers,
            num_gpus=0,
            include_dashboard=False,
            object_store_memory=STORE_BYTES,
            configure_logging=False,
            logging_level=logging.ERROR,
            log_to_driver=False,
            _temp_dir=str(folder),
            _plasma_directory=str(store),
            _node_ip_address="127.0.0.1",
        )


def _library() -> Any:
    """Ray, with the switches that it reads at import."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    return import_module("ray")
