"""What every engine sends and gets: one folder with the task and the panel, and chunks of items.

The folder is written once a call. Workers open the panel in it by mapping its arrays, so that it is
neither sent nor copied, and answer each chunk with bytes that `pickle` made: an engine's own way to
carry objects (Ray hands out arrays that cannot be written to) never changes a result.
"""

import pickle
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import resource_tracker
from os import environ, sched_getaffinity
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

from podshop.domain.error import ConfigError, FundError

if TYPE_CHECKING:
    from podshop.domain.market import Panel

Found = TypeVar("Found")

Task = Callable[["Panel", Any], Any]
"""A module-level function of the panel and one item."""

SINGLE = {
    "NUMBA_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
}
"""A worker has one processor; libraries read these once, when they are imported."""

CHUNK = 8
"""Items that travel together at most: sending costs about a millisecond, and what a chunk found is
known to the caller, who may keep it, only when all of it is done."""

SHARES = 4
"""Chunks for each worker at least, so that nobody waits long for the slowest at the end."""

GLANCE = 0.2
"""Seconds after which a wait is begun anew, so that Ctrl-C is heard."""

TOLD = 300
"""Characters of an item that an error shows."""


class WorkerLost(FundError):
    """A worker process ended in the middle of its work; whatever it had found is lost."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Items that one worker takes in one go.

    Attributes:
        start: position of the first one.
        total: of all items, for error messages.
        items: the items.
    """

    start: int
    total: int
    items: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Folder:
    """Where workers find the task and the panel.

    Attributes:
        path: the folder; it lasts as long as the call.
        imports: the caller's `sys.path`, so that workers can import what the caller could.
    """

    path: str
    imports: tuple[str, ...]


def processors(workers: int | None) -> int:
    """The number of workers to use.

    Args:
        workers: as asked for; None for the processors that this process may use.

    Raises:
        ConfigError: fewer than one.
    """
    if workers is None:
        return len(sched_getaffinity(0))
    if workers < 1:
        raise ConfigError(f"workers = {workers}: at least 1 is needed\n  -> leave it out, or 1")
    return workers


def cut(items: Sequence[Any], workers: int) -> list[Chunk]:
    """Cut items into chunks of even size, at most `CHUNK` long, at least `SHARES` for a worker."""
    size = max(1, min(CHUNK, len(items) // (workers * SHARES)))
    total = len(items)
    return [Chunk(at, total, items[at : at + size]) for at in range(0, total, size)]


def named(error: BaseException, position: int, total: int, item: object) -> None:
    """Say in an error on which item it happened; the error stays what it was."""
    told = repr(item)
    told = told if len(told) <= TOLD else f"{told[:TOLD]}..."
    error.add_note(f"while working on item {position} (of {total}, counted from 0): {told}")


@contextmanager
def shared(fn: Task, panel: "Panel") -> Iterator[Folder]:
    """Write the task and the panel for the workers to open; both go away at the end.

    Args:
        fn: a function that a worker can import.
        panel: what it studies.

    Raises:
        ConfigError: `fn` is not a module-level function.
    """
    # Not at the top: the names of the engines can be had without numpy.
    from podshop.adapters.stores import snapshot

    with TemporaryDirectory(prefix="podshop-engine-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "task.pickle").write_bytes(_packed_task(fn))
        snapshot.save(Path(folder), "panel", panel)
        yield Folder(folder, tuple(sys.path))


@contextmanager
def single_threaded() -> Iterator[None]:
    """Let processes that start in here have one thread per library; see `SINGLE`.

    The switches must be there before a worker imports anything, and the first thing that it imports
    may be the caller's own script; so they are inherited, and taken back here at once.
    """
    before = {name: environ.get(name) for name in SINGLE}
    environ.update(SINGLE)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del environ[name]
            else:
                environ[name] = value


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let processes that start in here never see a Ctrl-C: the caller hears it, and ends them.

    A terminal sends it to them too, and each would print a traceback of its own. The mask of
    signals is inherited; here it is lifted at the end, and a Ctrl-C that waited is heard then.
    """
    # The first process brings Python's resource tracker along, whose start lifts the mask.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@lru_cache(maxsize=1)
def opened(folder: Folder) -> tuple[Task, "Panel"]:
    """In a worker: open the task and the panel, once."""
    from podshop.adapters.stores import snapshot

    sys.path += [entry for entry in folder.imports if entry not in sys.path]
    # Bytes of our own, from a folder that only this user can write to.
    fn: Task = pickle.loads((Path(folder.path) / "task.pickle").read_bytes())  # noqa: S301
    return fn, snapshot.load(Path(folder.path))


def answer(folder: Folder, chunk: bytes) -> bytes:
    """In a worker: work on a chunk.

    Args:
        folder: where the task and the panel are.
        chunk: a pickled `Chunk`.

    Returns:
        a pickled list of (position, result); an exception in place of the first that failed.
    """
    fn, panel = opened(folder)
    found: list[bytes] = []
    work: Chunk = pickle.loads(chunk)  # noqa: S301 - the caller's own bytes
    for position, item in enumerate(work.items, start=work.start):
        try:
            found.append(pickle.dumps((position, fn(panel, item))))
        except Exception as error:  # noqa: BLE001 - it is raised in the caller
            where = traceback.format_exc()
            named(error, position, work.total, item)
            error.add_note(f"in a worker:\n{where}")
            found.append(_packed_error(error))
            break
    return pickle.dumps(found)


def packed(chunk: Chunk) -> bytes:
    """A chunk as it travels.

    Raises:
        ConfigError: an item cannot be pickled.
    """
    try:
        return pickle.dumps(chunk)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        last = chunk.start + len(chunk.items) - 1
        raise ConfigError(
            f"one of the items {chunk.start}..{last} cannot be sent to a worker: {error}\n"
            '  -> make items of plain values, or use engine "threads"'
        ) from error


def results(answered: bytes) -> Iterator[tuple[int, Any]]:
    """In the caller: what a worker answered, one by one.

    Raises:
        Exception: what the task raised, as it was, with the item in its notes.
    """
    for one in pickle.loads(answered):  # noqa: S301 - our own worker's bytes
        found = pickle.loads(one)  # noqa: S301
        if isinstance(found, Exception):
            raise found
        yield found


def as_they_come(waiting: Sequence[Future[Found]]) -> Iterator[Found]:
    """The results of futures as they are done, awaited in a way that hears a Ctrl-C.

    Python's own `as_completed` waits on a lock for as long as it takes, and polars makes the system
    restart such a wait after a signal, so that Ctrl-C is heard only when a result comes
    (https://github.com/pola-rs/polars/issues/21739). A short wait ends by itself.
    """
    finished: SimpleQueue[Future[Found]] = SimpleQueue()
    for future in waiting:
        future.add_done_callback(finished.put)
    left = len(waiting)
    while left:
        try:
            future = finished.get(timeout=GLANCE)
        except Empty:
            continue
        left -= 1
        yield future.result()


def lost(engine: str, cause: BaseException) -> WorkerLost:
    """The error of a worker that died."""
    return WorkerLost(
        f'engine "{engine}": a worker process ended in the middle of its work ({cause})\n'
        "  -> out of memory? use fewer workers. In a script of your own: does the call stand below "
        '`if __name__ == "__main__":`?'
    )


def _packed_task(fn: Task) -> bytes:
    try:
        return pickle.dumps(fn)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"{fn!r} cannot be sent to a worker: {error}\n"
            '  -> give a function of a module, not a lambda or an inner one; or engine "threads"'
        ) from error


def _packed_error(error: Exception) -> bytes:
    """An exception as bytes; one that would not survive the journey becomes a plain one."""
    try:
        sent = pickle.dumps(error)
        pickle.loads(sent)  # noqa: S301 - made in the line above
    except Exception:  # noqa: BLE001 - whatever its own __reduce__ or __init__ throws
        plain = FundError(f"{type(error).__name__}: {error}")
        for note in error.__notes__:
            plain.add_note(note)
        return pickle.dumps(plain)
    return sent
