"""The only wiring: plug-ins are bound to their parameters.

Everything else in podshop receives what it needs as an argument and looks nothing up.
"""

import dataclasses
import inspect
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from podshop.domain.market import Panel
from podshop.domain.pod import Pod
from podshop.domain.rules import Allocator, Limit
from podshop.rulebook.faults import Unfit
from podshop.rulebook.plugins import Plugin

SPEAKING = ("daily", "change", "week", "month")
"""The days on which a pod may choose to speak."""


def bind_pod(pod_id: str, plugin: Plugin, params: Any, when: str | None) -> Pod:
    """Hire a strategy as a pod.

    Args:
        pod_id: the pod's name.
        plugin: the strategy.
        params: its parameters.
        when: days on which the pod speaks; None for the strategy's own choice.

    Raises:
        Unfit: the strategy states no sensible gross, lookback, schedule or fields.
    """
    module = plugin.module
    gross = _asked(plugin, "gross", params)
    lookback = _asked(plugin, "lookback", params)
    if not isinstance(gross, int | float) or not (math.isfinite(gross) and gross > 0):
        raise Unfit(f"gross(p) says {gross!r}", "declare the largest sum of |weight|, above 0")
    if not isinstance(lookback, int) or lookback < 1:
        raise Unfit(f"lookback(p) says {lookback!r}", "say how many rows the last wish depends on")
    if module.WHEN not in SPEAKING:
        raise Unfit(f"WHEN says {module.WHEN!r}", f"choose one of {', '.join(SPEAKING)}")
    named = {name for name in module.FIELDS if not name.startswith("signals.")}
    unknown = named - {field.name for field in dataclasses.fields(Panel)}
    if unknown:
        raise Unfit(f"FIELDS names {sorted(unknown)}", "name attributes of podshop.Panel")
    return Pod(
        id=pod_id,
        strategy=plugin.name,
        params=params,
        wishes=module.wishes,
        lookback_days=lookback,
        when=when or module.WHEN,
        gross=float(gross),
        manifest=plain(params),
    )


def _asked(plugin: Plugin, name: str, params: Any) -> Any:
    """Ask a strategy about itself; what it throws is its own fault and is named so."""
    try:
        return getattr(plugin.module, name)(params)
    except Exception as error:
        raise Unfit(
            f'"{plugin.name}".{name}(p) threw {type(error).__name__}: {error}',
            "mend the strategy or its parameters",
        ) from error


def bind_limit(plugin: Plugin, params: Any) -> Limit:
    """Bind a limit to its parameters; what it does not offer stays None."""
    return Limit(
        name=plugin.name,
        check=_bound(plugin, "check", params),
        restore=_bound(plugin, "restore", params),
        cap=_bound(plugin, "cap", params),
        tripwire=_bound(plugin, "tripwire", params),
    )


def bind_allocator(plugin: Plugin, params: Any, when: str) -> Allocator:
    """Bind an allocator to its parameters and schedule."""
    shares = _bound(plugin, "shares", params)
    assert shares is not None, "the plug-in was checked when it was found"
    cash = float(getattr(params, "cash", 0.0))
    return Allocator(name=plugin.name, shares=shares, when=when, cash=cash)


def _bound(plugin: Plugin, name: str, params: Any) -> Callable[..., Any] | None:
    """Fix the last argument of a plug-in's function, whatever the plug-in calls it."""
    function = getattr(plugin.module, name, None)
    if function is None:
        return None
    return partial(function, **{list(inspect.signature(function).parameters)[-1]: params})


def plain(params: Any) -> Mapping[str, Any]:
    """Parameters as plain values, for hashes and reports."""
    return {field.name: _plain(getattr(params, field.name)) for field in dataclasses.fields(params)}


def _plain(value: Any) -> Any:
    """One value as text, number, list or table; JSON has no infinity, so it becomes text."""
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        return plain(value)
    return str(value)
