"""Study of the past: backtest, metrics, sweeps, validation, the gate; the same day code as live."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podshop.research.strategy import run_backtest
    from podshop.research.sweep import sweep

__all__ = ["run_backtest", "sweep"]

_HOMES = {"run_backtest": "strategy", "sweep": "sweep"}


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use, so that a reader of one pays for one."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'podshop.research' has no attribute {name!r}")
    return getattr(import_module(f"podshop.research.{home}"), name)
