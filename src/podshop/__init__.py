"""podshop: a multi-manager hedge fund for one person.

The public surface is small: `load` a fund file into `Rules`, `backtest` the rules into a `Run`,
and build a `Panel` of your own prices. Everything else is reached through the command line or
the submodules. Names are resolved lazily so that `import podshop` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podshop.domain.market import Panel
    from podshop.domain.rules import Rules
    from podshop.research.backtest import backtest
    from podshop.research.run import Run
    from podshop.rulebook.config import load

__version__ = "0.1.0"
__all__ = ["Panel", "Rules", "Run", "__version__", "backtest", "load"]

_HOMES = {
    "Panel": "podshop.domain.market",
    "Rules": "podshop.domain.rules",
    "Run": "podshop.research.run",
    "backtest": "podshop.research.backtest",
    "load": "podshop.rulebook.config",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'podshop' has no attribute {name!r}")
