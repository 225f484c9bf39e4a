"""A made-up market whose truth is known: what is planted, and the tables of a store."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podshop.simulator.store import data_simulate
    from podshop.simulator.world import World, simulate

__all__ = ["World", "data_simulate", "simulate"]

_HOMES = {
    "World": "podshop.simulator.world",
    "data_simulate": "podshop.simulator.store",
    "simulate": "podshop.simulator.world",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'podshop.simulator' has no attribute {name!r}")
