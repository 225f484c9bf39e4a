"""Threads of this process: nothing to start and nothing to send, but Python takes turns.

Kernels compiled with `nogil` run side by side; whatever else a task does waits for the others.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any

from podshop.adapters.engines.work import Task, as_they_come, named

if TYPE_CHECKING:
    from podshop.domain.market import Panel


def run(fn: Task, items: Sequence[Any], panel: "Panel", workers: int) -> Iterator[tuple[int, Any]]:
    """Work on the items in threads; see `Engine.stream`.

    A thread cannot be ended from outside: when the call ends early, those items that are being
    worked on are waited for, and no other is begun.
    """
    with ThreadPoolExecutor(workers, thread_name_prefix="podshop-engine") as pool:
        stop = Event()
        try:
            waiting = [pool.submit(_one, fn, panel, items, i, stop) for i in range(len(items))]
            for found in as_they_come(waiting):
                if found is not None:
                    yield found
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _one(
    fn: Task, panel: "Panel", items: Sequence[Any], position: int, stop: Event
) -> tuple[int, Any] | None:
    """Work on one item; None when the call is over already: the first error ends it at once."""
    if stop.is_set():
        return None
    try:
        return position, fn(panel, items[position])
    except Exception as error:
        stop.set()
        named(error, position, len(items), items[position])
        raise
