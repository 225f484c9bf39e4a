"""One item after the other, in the caller's own thread: the engine the others are held to."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from podshop.adapters.engines.work import Task, named

if TYPE_CHECKING:
    from podshop.domain.market import Panel


def run(fn: Task, items: Sequence[Any], panel: "Panel", workers: int) -> Iterator[tuple[int, Any]]:
    """Work on the items in their order; see `Engine.stream`."""
    del workers  # there is one: the caller
    for position, item in enumerate(items):
        try:
            result = fn(panel, item)
        except Exception as error:
            named(error, position, len(items), item)
            raise
        yield position, result
