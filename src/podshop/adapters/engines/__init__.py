"""Where many independent tasks over one panel are worked on: an engine, one file each.

An engine offers one primitive, a stream of results as they come in; whatever a caller wants else is
built on it here, so every engine behaves alike:

- `fn(panel, item)` is a module-level function; items and results can be pickled.
- Each position comes once. `map` gives results in the order of the items, whatever the engine.
- The first exception of `fn` stops everything and is raised as it was, its item in its notes.
- However a call ends (done, error, Ctrl-C, a caller who stops listening), its workers end with it.

| engine | tasks run in | start | for |
|---|---|---|---|
| serial | the caller | none | few tasks; a debugger; the reference that the others are held to |
| threads | threads | none | tasks whose time goes into compiled kernels, which let go of the GIL |
| processes | fresh processes | a second or two | the usual choice on one machine |
| dask, ray | a local cluster | 5 s, 20 s | who has them already; need `podshop[scale]` |
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from podshop.adapters.engines.work import WorkerLost, processors
from podshop.domain.error import ConfigError

if TYPE_CHECKING:
    from podshop.domain.market import Panel

__all__ = ["NAMES", "Engine", "WorkerLost", "find"]

Item = TypeVar("Item")
Result = TypeVar("Result")

NAMES = ("serial", "threads", "processes", "dask", "ray")
"""The engines, those that need nothing first."""

LIBRARY = {"dask": "distributed", "ray": "ray"}
"""What an engine needs that podshop alone does not install."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine.

    Attributes:
        name: one of `NAMES`.
        run: its primitive: (fn, items, panel, workers) to (position, result) as they come in.
    """

    name: str
    run: Callable[[Callable[..., Any], Sequence[Any], "Panel", int], Iterator[tuple[int, Any]]]

    def stream(
        self,
        fn: "Callable[[Panel, Item], Result]",
        items: Sequence[Item],
        panel: "Panel",
        *,
        workers: int | None = None,
    ) -> Iterator[tuple[int, Result]]:
        """Work on items and give each result as soon as it is there, so that it can be kept.

        Args:
            fn: a module-level function; called once for each item, in any order.
            items: what to work on, in memory.
            panel: handed to each call; workers map it, none of them can write to it.
            workers: how many at a time; None for the processors that this process may use.

        Yields:
            (position of the item, result), each position once. Close the iterator to stop early.

        Raises:
            ConfigError: `fn` cannot be sent, or `workers` is less than 1.
            WorkerLost: a worker process died.
            Exception: what `fn` raised, as it was, with the item in its notes.
        """
        count = min(processors(workers), len(items))
        return self.run(fn, items, panel, count) if items else iter(())

    def map(
        self,
        fn: "Callable[[Panel, Item], Result]",
        items: Sequence[Item],
        panel: "Panel",
        *,
        workers: int | None = None,
        done: Callable[[int, int], None] | None = None,
    ) -> list[Result]:
        """Work on items and give all results.

        Args:
            fn: as for `stream`.
            items: as for `stream`.
            panel: as for `stream`.
            workers: as for `stream`.
            done: called with (items done, items in all) after each item, in the caller's thread.

        Returns:
            one result for each item, in the order of the items.

        Raises:
            Exception: as for `stream`.
        """
        found: dict[int, Result] = {}
        for position, result in self.stream(fn, items, panel, workers=workers):
            found[position] = result
            if done is not None:
                done(len(found), len(items))
        return [found[position] for position in range(len(items))]


def find(name: str) -> Engine:
    """Find an engine.

    Args:
        name: one of `NAMES`.

    Raises:
        ConfigError: there is no such engine, or its library is not installed.
    """
    if name not in NAMES:
        raise ConfigError(f'engine "{name}": there is no such engine (there are: {_listed()})')
    if not installed(name):
        raise ConfigError(
            f'engine "{name}": {LIBRARY[name]} is not installed\n'
            "  -> pip install 'podshop[scale]', or engine \"processes\""
        )
    return Engine(name, import_module(f"{__name__}.{name}").run)


def installed(name: str) -> bool:
    """True when the library that an engine needs is there."""
    return name not in LIBRARY or find_spec(LIBRARY[name]) is not None


def _listed() -> str:
    return ", ".join(NAMES)
