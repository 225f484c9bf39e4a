"""Vendors of market data, one file each; a vendor offers `load`."""

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
        vendor = import_module(f"podshop.adapters.vendors.{source}")
    except ModuleNotFoundError as error:
        raise ConfigError(f'[market] source = "{source}": there is no such vendor') from error
    panel: Panel = vendor.load(path) if path else vendor.load()
    return panel
