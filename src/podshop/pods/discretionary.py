"""Hold what a manager decided: size, stop and expiry of each name as the decision says.

Economics: a person who knows something that no rule does, such as what a central bank will do.
What such judgement is worth is measured like any other pod's; there is no reason in a book. Fails
where conviction is not knowledge, which is why every decision carries its thesis and its end.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.domain.money import F64
from podshop.factors import cross_section

FIELDS = ("close", "signals.macro")
WHEN = "change"


@dataclass(frozen=True)
class Params:
    """Whose decisions, and how much.

    Attributes:
        feed: name of the decisions in `feeds` of the fund file's `[market]`.
        gross: largest sum of |weight|; decisions that come to more are scaled down together.
    """

    feed: str = "macro"
    gross: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no name, and no size."""
        if not self.feed.isidentifier():
            raise ValueError("feed must be a name, like macro")
        if self.gross <= 0.0:
            raise ValueError("gross must be above 0")


def gross(p: Params) -> float:
    """As the parameters say."""
    return p.gross


def lookback(p: Params) -> int:  # noqa: ARG001 - every pod is asked with its parameters
    """The row itself: the decisions that stand, with the loss since each entry, are in it."""
    return 1


def wishes(panel: Panel, p: Params) -> F64:
    """The weights that stand, without the positions that have been stopped.

    Returns:
        (T, N) fractions of the pod's capital.

    Raises:
        DataError: the fund file names no such feed.
    """
    if p.feed not in panel.signals:
        raise DataError(
            f'no feed "{p.feed}": name the file of decisions in the fund file, '
            f'[market] feeds = {{ {p.feed} = "decisions.jsonl" }}'
        )
    weight = np.nan_to_num(panel.signals[p.feed].astype(np.float64))
    if f"{p.feed}.stop" in panel.signals:  # not of portfolios, which have no stops
        loss, stop = panel.signals[f"{p.feed}.loss"], panel.signals[f"{p.feed}.stop"]
        weight = np.where(loss >= stop, 0.0, weight)  # without a stop it is NaN, and never is
    priced = ~np.isnan(panel.close)
    return cross_section.grain(cross_section.scale(np.where(priced, weight, 0.0), p.gross), priced)
