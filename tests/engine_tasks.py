"""Tasks for the engines: functions of a module, as workers need them.

Each worker imports this file, so what only a backtest needs is imported by that task alone.
"""

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from podshop.domain.error import FundError
from podshop.domain.market import Panel

if TYPE_CHECKING:
    from tests.funds import Recipe


class Picky(Exception):
    """An exception that pickle cannot make again: it wants two arguments and passes one on."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


def run_fund(panel: Panel, recipe: "Recipe") -> dict[str, Any]:
    """Backtest a fund of dice on the panel; NAV, pods and summary, to the last bit."""
    from podshop.research.backtest import backtest
    from tests.funds import dice_pods, rules_of

    rules = rules_of(recipe, dice_pods(recipe), panel.days)
    run = backtest(rules, panel, record="fast")
    return {
        "nav": run.nav.to_dict(as_series=False),
        "pods": run.pods.to_dict(as_series=False),
        "summary": run.summary,
    }


def column(panel: Panel, item: int) -> bytes:
    """The bytes of one column of prices, and of a sum that depends on its layout in memory."""
    return panel.close[:, item].tobytes() + np.nansum(panel.returns, axis=0).tobytes()


def double(panel: Panel, item: int) -> int:
    """Cheap."""
    return 2 * item


def switches(panel: Panel, item: int) -> dict[str, str | None]:
    """What a worker's libraries were told, and whether the panel is safe from tasks."""
    names = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "POLARS_MAX_THREADS")
    found: dict[str, str | None] = {name: os.environ.get(name) for name in names}
    return found | {"writeable": str(panel.close.flags.writeable), "pid": str(os.getpid())}


def array(panel: Panel, item: int) -> Any:
    """A large result that the caller may write to."""
    return np.full(200_000, float(item))


def fails_at_five(panel: Panel, item: int) -> int:
    """Work, except on 5."""
    if item == 5:
        raise FundError(f"no {item} today")
    return item


def fails_oddly(panel: Panel, item: int) -> int:
    """Raise what cannot travel."""
    raise Picky("this", "that")


def unsendable(panel: Panel, item: int) -> Any:
    """A result that pickle refuses."""
    return lambda: item


def dies(panel: Panel, item: int) -> int:
    """End the worker as the kernel does when memory runs out."""
    if item == 3:
        os.kill(os.getpid(), 9)
    return item


def slow(panel: Panel, item: tuple[Path, float]) -> int:
    """Leave the worker's process id in a folder, then take long."""
    folder, seconds = item
    (folder / str(os.getpid())).touch()
    time.sleep(seconds)
    return os.getpid()


def recipes(count: int) -> "list[Recipe]":
    """Funds that differ in their dice and sizes."""
    from tests.funds import Recipe

    return [replace(Recipe(days=120, assets=6), seed=i, pods=1 + i % 4) for i in range(count)]
