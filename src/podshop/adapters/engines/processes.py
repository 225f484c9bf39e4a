"""Fresh processes on this machine, kept for the length of a call.

They are spawned, not forked: a fork copies the locks of numba's and polars' threads as they happen
to stand. Each pays for its imports once (about 3 s of processor time with compiled kernels).
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from threading import Thread
from typing import TYPE_CHECKING, Any

from podshop.adapters.engines.work import (
    Task,
    answer,
    as_they_come,
    cut,
    lost,
    packed,
    results,
    shared,
    single_threaded,
    undisturbed,
)

if TYPE_CHECKING:
    from podshop.domain.market import Panel


class _Recording(SpawnContext):
    """Remembers the processes it starts, so that they can be ended in the middle of a task."""

    def __init__(self) -> None:
        self.started: list[SpawnProcess] = []

    # Named by `multiprocessing`, where it is a class.
    def Process(  # type: ignore[override]  # noqa: N802
        self, *args: Any, **options: Any
    ) -> SpawnProcess:
        process = SpawnProcess(*args, **options)
        self.started.append(process)
        return process

    def kill(self) -> None:
        """End every process now."""
        for process in self.started:
            if process.pid is not None:
                process.kill()


def run(fn: Task, items: Sequence[Any], panel: "Panel", workers: int) -> Iterator[tuple[int, Any]]:
    """Work on the items in processes; see `Engine.stream`."""
    chunks, context = cut(items, workers), _Recording()
    with (
        shared(fn, panel) as folder,
        ProcessPoolExecutor(workers, context, _begin, (folder.path,)) as pool,
    ):
        try:
            # The pool starts a process with each chunk that finds none idle.
            with single_threaded(), undisturbed():
                waiting = [pool.submit(answer, folder, packed(chunk)) for chunk in chunks]
            for answered in as_they_come(waiting):
                yield from results(answered)
        except BrokenProcessPool as error:
            raise lost("processes", error) from error
        except BaseException:  # an error, Ctrl-C, or nobody listens any more
            pool.shutdown(wait=False, cancel_futures=True)
            context.kill()
            raise


def _begin(folder: str) -> None:
    """In a fresh worker: end when the caller is gone, however it went, and tidy up after it."""
    caller = parent_process()
    assert caller is not None

    def follow() -> None:
        caller.join()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    Thread(target=follow, name="follow the caller", daemon=True).start()
