"""Where a fund file may take its prices from, one file each; a source offers `load`."""

from importlib import import_module
from typing import TYPE_CHECKING

from podshop.domain.error import ConfigError

if TYPE_CHECKING:
    from podshop.domain.market import Panel


def load(source: str, path: str = "") -> "Panel":
    """Load the panel that a fund file names.

    Args:
        source: module in this folder, e.g. "embedded" or "parquet".
        path: file or folder, for the sources that need one.

    Raises:
        ConfigError: there is no such source.
        DataError: the source has no usable data.
    """
    try:
        module = import_module(f"{__name__}.{source}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{source}":
            raise  # the source is there, a library that it needs is not
        raise ConfigError(f'[market] source = "{source}": there is no such source') from error
    panel: Panel = module.load(path) if path else module.load()
    return panel
