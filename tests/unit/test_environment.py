"""The environment switches: quiet, local, repeatable, and never against the owner's will."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from podshop.desk import environment


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment of its own, so that no switch leaks into other tests."""
    own = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    monkeypatch.setattr(os, "environ", own)
    return own


def test_switches_are_set_and_the_owners_are_kept(environ: dict[str, str]) -> None:
    environ["POLARS_ENGINE_AFFINITY"] = "streaming"
    environment.apply()
    assert environ["POLARS_ENGINE_AFFINITY"] == "streaming"
    # MLflow ignores "1": the word is needed.
    assert environ["MLFLOW_DISABLE_TELEMETRY"] == environ["DO_NOT_TRACK"] == "true"
    assert environ["STREAMLIT_SERVER_ADDRESS"] == "127.0.0.1"
    assert environ["MPLBACKEND"] == "Agg"


def test_applying_twice_changes_nothing(environ: dict[str, str]) -> None:
    environment.apply()
    before = dict(environ)
    environment.apply()
    assert environ == before


def test_podshop_home_wins_over_xdg_over_home(tmp_path: Path) -> None:
    home, xdg, own = tmp_path / "home", tmp_path / "xdg", tmp_path / "own"
    environ = {"HOME": str(home)}
    assert environment.cache_folder(environ) == home / ".cache" / "podshop"
    environ["XDG_CACHE_HOME"] = str(xdg)
    assert environment.cache_folder(environ) == xdg / "podshop"
    environ["PODSHOP_HOME"] = str(own)
    assert environment.cache_folder(environ) == own / "cache"
    assert environment.switches(environ)["NUMBA_CACHE_DIR"] == str(own / "cache" / "numba")
    assert environment.switches(environ)["PREFECT_HOME"] == str(own / "prefect")


def test_relative_xdg_folders_are_ignored(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "XDG_CACHE_HOME": "here"}
    assert environment.cache_folder(environ) == tmp_path / ".cache" / "podshop"


@pytest.mark.parametrize("home", [{}, {"HOME": ""}, {"HOME": "/dev/null"}])
def test_without_a_home_a_temporary_folder_is_used(home: dict[str, str]) -> None:
    folder = environment.cache_folder(home)
    assert folder.is_absolute()
    assert f"podshop-{os.getuid()}" in folder.parts


def test_nothing_is_created_by_looking(tmp_path: Path) -> None:
    environment.switches({"HOME": str(tmp_path), "PODSHOP_HOME": str(tmp_path / "own")})
    assert list(tmp_path.iterdir()) == []


def test_numba_is_not_needed_to_say_where_its_cache_is() -> None:
    code = "import podshop.desk.environment, sys; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
