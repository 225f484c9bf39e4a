"""The roster of a house of many pods: five types of strategy, each at many settings.

A house of 330 pods has not 330 ideas. It has a few, each run by many teams at their own speed and
size; so has this one. The settings are spread evenly over plausible ranges, and none was chosen by
what it earned.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from podshop.domain.error import ConfigError

TYPES: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "momentum": {
        "slow_days": [126, 168, 189, 210, 231, 252],
        "fast_days": [5, 10, 21, 42],
        "names": [4, 6, 8],
    },
    "neutral": {
        "slow_days": [126, 189, 252],
        "fast_days": [10, 21],
        "momentum": [0.3, 0.5, 0.7],
        "reversal": [0.1, 0.3],
        "calm": [0.0, 0.3],
    },
    "pairs": {
        "window_days": [40, 60, 90],
        "enter": [1.0, 1.25, 1.5, 2.0],
        "leave": [0.25, 0.5],
        "hold_days": [15, 30, 45],
    },
    "reversion": {
        "rsi_days": [2, 3, 4],
        "trend_days": [100, 150, 200],
        "enter": [5.0, 10.0, 15.0, 20.0],
        "hold_days": [5, 10],
    },
    "trend": {
        "fast_days": [[4, 8, 16], [8, 16, 32], [16, 32, 64], [8, 16], [16, 32], [32, 64]],
        "volatility_days": [42, 63, 126],
        "step": [0.1, 0.2],
        "multiplier": [1.0, 1.5],
    },
}
"""Strategy -> parameter -> its settings."""


def most() -> int:
    """How many pods the settings make, the same of every type."""
    return len(TYPES) * min(_settings(axes) for axes in TYPES.values())


def roster(count: int) -> str:
    """Hire so many pods, as the text of a fund file.

    Args:
        count: pods, the same of every type.

    Raises:
        ConfigError: the number does not divide by the types, or is more than there are settings.
    """
    each, rest = divmod(count, len(TYPES))
    if rest or not 1 <= count <= most():
        raise ConfigError(
            f"{count} pods cannot be hired\n  -> the number must divide by {len(TYPES)}, the types "
            f"of strategy, and be at most {most()}"
        )
    return "\n".join(pod for name in TYPES for pod in _pods(name, each))


def _settings(axes: Mapping[str, Sequence[Any]]) -> int:
    return len(list(product(*axes.values())))


def _pods(name: str, each: int) -> Iterator[str]:
    """The pods of one type: settings at even distances through all of them."""
    axes = TYPES[name]
    settings = list(product(*axes.values()))
    for k in range(each):
        values = settings[k * len(settings) // each]
        params = ", ".join(f"{key} = {value}" for key, value in zip(axes, values, strict=True))
        yield (
            f'[[pod]]\nid = "{name}-{k + 1:02d}"\nstrategy = "{name}"\nmanager = "{name} {k + 1}"\n'
            'uncertified = "an example; no money rides on it"\n'
            f"params = {{ {params} }}\n"
        )
