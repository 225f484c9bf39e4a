"""The space of a sweep: which parameters are tried at which values."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from podshop.domain.error import ConfigError

Value = int | float | str | bool
RANGE = {"low", "high", "step", "log"}


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter of a sweep.

    Attributes:
        name: of the parameter.
        values: what is tried; empty for a range without steps, which only a search can draw from.
        low, high: ends of a range.
        log: True where a search draws evenly in the logarithm.
        whole: True for whole numbers.
    """

    name: str
    values: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False


def axes(sweep: Mapping[str, Any]) -> tuple[Axis, ...]:
    """Read `[sweep]`: parameter = [values], or { low, high, step } or { low, high, log = true }.

    Raises:
        ConfigError: there is nothing to try, or an axis is neither.
    """
    if not sweep:
        raise ConfigError(
            "there is nothing to sweep\n  -> write [sweep] with a list of values, such as "
            "names = [10, 20, 30]"
        )
    return tuple(_axis(name, text) for name, text in sweep.items())


def _axis(name: str, text: Any) -> Axis:
    if isinstance(text, Sequence) and not isinstance(text, str) and len(text):
        return Axis(name, tuple(_plain(v) for v in text))
    if isinstance(text, Mapping) and {"low", "high"} <= set(text) <= RANGE:
        low, high, step = text["low"], text["high"], text.get("step")
        whole = all(isinstance(x, int) for x in (low, high))
        if _fits(low, high, step, text.get("log", False)):
            values = _steps(low, high, step) if step is not None else ()
            return Axis(name, values, low, high, text.get("log", False), whole)
    raise ConfigError(
        f"[sweep] {name}: {text!r} says no values to try\n"
        f"  -> write {name} = [10, 20], or {name} = {{ low = 10, high = 30, step = 5 }}; with "
        "log = true low is above 0"
    )


def _fits(low: Any, high: Any, step: Any, log: Any) -> bool:
    """Are these the ends, the step and the scale of a range?"""
    numbers = [low, high] if step is None else [low, high, step]
    if any(isinstance(x, bool) or not isinstance(x, int | float) for x in numbers):
        return False
    finite = all(math.isfinite(x) for x in numbers)
    rising = finite and high > low and (step is None or step > 0)
    # A logarithm has no 0.
    return rising and isinstance(log, bool) and (low > 0 or not log)


def _plain(value: Any) -> Value:
    return tuple(value) if isinstance(value, list) else value  # type: ignore[return-value]


def _steps(low: float, high: float, step: float) -> tuple[Value, ...]:
    """From low to high, both included where the steps meet it; multiplied, so no error adds up."""
    count = int((high - low) / step + 1e-9) + 1
    whole = all(isinstance(x, int) for x in (low, step))
    return tuple(low + k * step if whole else round(low + k * step, 12) for k in range(count))


def grid(space: Sequence[Axis]) -> Iterator[dict[str, Value]]:
    """Every combination, the last parameter turning fastest.

    Raises:
        ConfigError: an axis is a range without steps.
    """
    for axis in space:
        if not axis.values:
            raise ConfigError(
                f"[sweep] {axis.name}: a range without steps has no grid\n"
                "  -> give it a step, or search: podshop research sweep --search optuna"
            )
    names = [axis.name for axis in space]
    for values in product(*(axis.values for axis in space)):
        yield dict(zip(names, values, strict=True))
