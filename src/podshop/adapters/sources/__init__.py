"""Where a fund file may take its prices from, one file each; a source offers `load`."""

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from podshop.domain.error import ConfigError

if TYPE_CHECKING:
    import numpy as np

    from podshop.domain.market import Panel


def load(source: str, path: str = "", feeds: Sequence[tuple[str, str]] = ()) -> "Panel":
    """Load the panel that a fund file names.

    Args:
        source: module in this folder, e.g. "embedded" or "parquet".
        path: file or folder, for the sources that need one.
        feeds: name and file of the targets that become signals of the panel.

    Raises:
        ConfigError: there is no such source.
        DataError: the source has no usable data, or a feed is wrong.
    """
    module = _module(source)
    panel: Panel = module.load(path) if path else module.load()
    if not feeds:
        return panel
    from podshop.adapters.feeds import attach

    return attach(panel, feeds)


def refuse(source: str, path: str, day: "np.datetime64") -> None:
    """Refuse to trade on a source whose data is known to be wrong or old; most know nothing of it.

    Args:
        source: module in this folder.
        path: file or folder.
        day: the day on which the last session should be there.

    Raises:
        DataError: says what is wrong and what to do.
    """
    module = _module(source)
    if hasattr(module, "refuse"):
        module.refuse(path, day)


def _module(source: str) -> ModuleType:
    try:
        return import_module(f"{__name__}.{source}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{source}":
            raise  # the source is there, a library that it needs is not
        raise ConfigError(f'[market] source = "{source}": there is no such source') from error
