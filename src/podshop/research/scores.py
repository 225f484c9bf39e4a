"""Scores by name: styles made of prices, signals of the panel, and weighted sums of both."""

from collections.abc import Callable

import numpy as np

from podshop.domain.error import ConfigError
from podshop.domain.market import Panel
from podshop.domain.money import F64
from podshop.factors import style

STYLES: dict[str, Callable[[Panel], F64]] = {
    "momentum": lambda panel: style.qsmom(panel.index),
    "smooth_momentum": lambda panel: style.qsmom(panel.index, smooth=126),
    "reversal": lambda panel: style.reversal(panel.index),
    "low_volatility": lambda panel: style.low_volatility(panel.returns),
}
"""Styles that need prices only, with their usual windows."""


def score_of(name: str, panel: Panel) -> F64:
    """A score of a panel.

    Args:
        name: a style, a signal of the panel ("smart_money", "value" ...), or several with weights:
            "momentum:0.4,value:0.3,quality:0.3".
        panel: history.

    Returns:
        (T, N), higher is said to be better; NaN where unknown or without a price that day, so that
        names that left are not compared with those that trade.

    Raises:
        ConfigError: there is no such score, or a weight is no number.
    """
    if ":" not in name:
        return _one(name, panel)
    weights: dict[str, float] = {}
    for part in name.split(","):
        score, _, weight = part.partition(":")
        try:
            weights[score.strip()] = float(weight)
        except ValueError:
            raise ConfigError(
                f"{part!r} is no score with its weight\n  -> write momentum:0.6,reversal:0.4"
            ) from None
    try:
        return style.composite({score: _one(score, panel) for score in weights}, weights)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error


def _one(name: str, panel: Panel) -> F64:
    priced = ~np.isnan(panel.close)
    if name in STYLES:
        return np.where(priced, STYLES[name](panel), np.nan)
    if name in panel.signals:
        return np.where(priced, panel.signal(name).astype(np.float64), np.nan)
    there = ", ".join([*STYLES, *sorted(panel.signals)])
    raise ConfigError(f"there is no score {name!r}\n  -> scores here: {there}")
