"""Weights from forecasts under constraints: one file an objective, behind one `solve(problem)`.

Everything works on a factor model, never on a covariance of all names. The solvers (PIQP, Clarabel,
HiGHS) come with `pip install podshop[optimise]` and are imported where a problem first needs them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podshop.optimise.advice import Advice, advise
    from podshop.optimise.chain import solve
    from podshop.optimise.problem import Problem
    from podshop.optimise.risk_model import RiskModel
    from podshop.optimise.solution import Attempt, Breach, Solution

_ROOM_OF = {
    "Advice": "advice",
    "Attempt": "solution",
    "Breach": "solution",
    "Problem": "problem",
    "RiskModel": "risk_model",
    "Solution": "solution",
    "advise": "advice",
    "solve": "chain",
}

__all__ = [
    "Advice",
    "Attempt",
    "Breach",
    "Problem",
    "RiskModel",
    "Solution",
    "advise",
    "solve",
]


def __getattr__(name: str) -> Any:
    """Import the public name on first use: numpy and solvers cost time that not everybody owes."""
    if name in _ROOM_OF:
        return getattr(import_module(f"podshop.optimise.{_ROOM_OF[name]}"), name)
    raise AttributeError(f"module 'podshop.optimise' has no attribute {name!r}")
