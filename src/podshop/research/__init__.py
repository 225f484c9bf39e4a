"""Study of the past: backtest, metrics, sweeps, validation, the gate; the same day code as live."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podshop.research.strategy import run_backtest

__all__ = ["run_backtest"]


def __getattr__(name: str) -> Any:
    """Import the public name on first use, so that who wants metrics does not pay for backtests."""
    if name == "run_backtest":
        return import_module("podshop.research.strategy").run_backtest
    raise AttributeError(f"module 'podshop.research' has no attribute {name!r}")
