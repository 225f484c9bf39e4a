"""One figure for what the informed do: `smart_money`, in [-1, 1] by session and symbol.

1 each component's value against its own past (mean and deviation of the sessions before) and
  against the other names of the day; the mean of the two z-scores that are there
2 squashed by tanh(z / 2), so that one extreme is not everything
3 faded by 2 ** (-age / half-life)
4 weighted over the components that are known for the name, times the square root of their share of
  all weights: what little is known speaks softly, and an unknown component is not a zero
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from podshop.domain.money import F32, F64
from podshop.market.alternative.scores import Known

LEAST_PAST, LEAST_NAMES = 20, 5
"""Sessions of own past, and names of the day, from which on a z-score is said."""


@dataclass(frozen=True, slots=True)
class Component:
    """One voice.

    Attributes:
        known: value and age, (T, N); higher is better for the name.
        weight: above 0.
        half_life_days: sessions after the last event at which it speaks half as loud.
    """

    known: Known
    weight: float
    half_life_days: float


def score(components: Mapping[str, Component]) -> F32:
    """The score of all components.

    Args:
        components: by name, at least one, all of one shape.

    Returns:
        (T, N) float32 in [-1, 1]; NaN where no component is known.
    """
    parts = [components[name] for name in sorted(components)]
    shape = parts[0].known.value.shape
    said, heard = np.zeros(shape), np.zeros(shape)
    for part in parts:
        z = standing(part.known.value)
        there = ~np.isnan(z)
        loud = np.exp2(-np.where(there, part.known.age, 0.0) / part.half_life_days)
        said += np.where(there, part.weight * loud * np.tanh(z / 2.0), 0.0)
        heard += part.weight * there
    coverage = np.sqrt(heard / sum(part.weight for part in parts))
    mean = np.divide(said, heard, out=np.full(shape, np.nan), where=heard > 0.0)
    total: F32 = np.clip(mean * coverage, -1.0, 1.0).astype(np.float32)
    return total


def standing(value: F64) -> F64:
    """Mean of the z-scores against the own past and against the day's names, where there are such.

    Args:
        value: (T, N), NaN where unknown.
    """
    there = ~np.isnan(value)
    plain = np.where(there, value, 0.0)
    count, total, square = (np.cumsum(x, axis=0) - x for x in (there * 1.0, plain, plain**2))
    past = _z(value, count, total, square, LEAST_PAST)
    names = there.sum(axis=1, keepdims=True) * 1.0
    across = _z(
        value,
        names,
        plain.sum(axis=1, keepdims=True),
        (plain**2).sum(axis=1, keepdims=True),
        LEAST_NAMES,
    )
    voices = (~np.isnan(past)).astype(np.float64) + ~np.isnan(across)
    both = np.nan_to_num(past) + np.nan_to_num(across)
    mean: F64 = np.divide(both, voices, out=np.full(value.shape, np.nan), where=voices > 0.0)
    return mean


def _z(value: F64, count: F64, total: F64, square: F64, least: int) -> F64:
    """(value - mean) / deviation; NaN where there are fewer than `least`, or nothing varies."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        spread = np.sqrt(np.maximum(square / count - mean**2, 0.0))
        z = (value - mean) / spread
    z[(np.broadcast_to(count, z.shape) < least) | ~(spread > 1e-9 * (1.0 + np.abs(mean)))] = np.nan
    return np.clip(z, -8.0, 8.0)
