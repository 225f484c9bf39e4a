"""The environment switches that keep libraries quiet, local and repeatable.

Called before anything heavy is imported, because libraries read these switches once, at import.
A switch that the owner has set already is left alone.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

TELEMETRY = {
    "DO_NOT_TRACK": "true",
    # MLflow understands the word only, not "1".
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "RAY_USAGE_STATS_ENABLED": "0",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
}
"""Nobody is told that podshop runs."""

LOCAL = {
    "GIT_PYTHON_REFRESH": "quiet",
    "MPLBACKEND": "Agg",
    # Polars 2 streams by default, and then promises no order of rows.
    "POLARS_ENGINE_AFFINITY": "in-memory",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "STREAMLIT_BROWSER_SERVER_ADDRESS": "localhost",
    "STREAMLIT_SERVER_ADDRESS": "127.0.0.1",
    "STREAMLIT_SERVER_HEADLESS": "true",
}
"""Servers listen on this machine only, plots need no screen, rows keep their order."""


def apply() -> None:
    """Set every switch that is not set yet."""
    for name, value in switches(os.environ).items():
        os.environ.setdefault(name, value)


def switches(environ: Mapping[str, str]) -> dict[str, str]:
    """State every switch that podshop wants, and its value.

    Args:
        environ: the environment, for the folders that the owner chose.
    """
    cache = cache_folder(environ)
    folders = {
        "MPLCONFIGDIR": str(cache / "matplotlib"),
        "NUMBA_CACHE_DIR": str(cache / "numba"),
        "PREFECT_HOME": str(data_folder(environ) / "prefect"),
    }
    return {**TELEMETRY, **LOCAL, **folders}


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where compiled kernels and the like are kept; can be deleted at any time.

    Args:
        environ: PODSHOP_HOME (then its `cache`) wins over XDG_CACHE_HOME over the home folder.

    Returns:
        a folder that can be written, if need be a temporary one; it is not created here.
    """
    if environ.get("PODSHOP_HOME"):
        return _writable(Path(environ["PODSHOP_HOME"]) / "cache")
    return _writable(_base(environ, "XDG_CACHE_HOME", ".cache") / "podshop")


def data_folder(environ: Mapping[str, str]) -> Path:
    """Where optional services keep their state.

    Args:
        environ: PODSHOP_HOME wins over XDG_DATA_HOME over the home folder.
    """
    if environ.get("PODSHOP_HOME"):
        return _writable(Path(environ["PODSHOP_HOME"]))
    return _writable(_base(environ, "XDG_DATA_HOME", ".local/share") / "podshop")


def _base(environ: Mapping[str, str], name: str, below_home: str) -> Path:
    """A base folder of the XDG convention; relative ones are to be ignored, says the convention."""
    chosen = Path(environ.get(name, ""))
    if chosen.is_absolute():
        return chosen
    home = Path(environ.get("HOME", "")).expanduser()
    return home / below_home if home.is_absolute() else _temporary()


def _writable(folder: Path) -> Path:
    """The folder, or a temporary one where it cannot be made or written (read-only homes)."""
    parent = folder.absolute()
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    usable = parent.is_dir() and os.access(parent, os.W_OK | os.X_OK)
    return folder.absolute() if usable else _temporary() / folder.name


def _temporary() -> Path:
    """A folder of this user among the temporary files."""
    return Path(tempfile.gettempdir()) / f"podshop-{os.getuid()}"
