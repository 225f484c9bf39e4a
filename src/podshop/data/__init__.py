"""From vendors into the market store: who is who, sync, imports, checks. `Client` is the door."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podshop.data.client import Client as Client

__all__ = ["Client"]


def __getattr__(name: str) -> Any:
    """Import the client when it is asked for."""
    if name != "Client":
        raise AttributeError(f"podshop.data has no {name}")
    return import_module("podshop.data.client").Client
