"""What a plug-in does as one fingerprint: all of the owner's code that it runs, no comments."""

from pathlib import Path

import pytest

from podshop.rulebook.plugins import Plugin, find

OWN = '''"""A pod of my own."""

from dataclasses import dataclass

import numpy as np

from {module} import LEVEL

FIELDS, WHEN = ("close",), "month"


@dataclass(frozen=True)
class Params:
    """Nothing to set."""


def gross(p):
    return LEVEL


def lookback(p):
    return 1


def wishes(panel, p):
    return np.full(panel.close.shape, LEVEL / panel.close.shape[1])
'''


def own(folder: Path, module: str = "levels", level: float = 1.0) -> Plugin:
    """A strategy that imports a module beside it."""
    (folder / "own.py").write_text(OWN.format(module=module))
    path = folder.joinpath(*module.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"LEVEL = {level}\n")
    return find("strategy", "own", folder)


@pytest.mark.parametrize("module", ["levels", "shared.levels"])
def test_an_edit_of_what_is_imported_counts_and_is_run(tmp_path: Path, module: str) -> None:
    before = own(tmp_path, module, 1.0)
    after = own(tmp_path, module, 0.25)
    assert before.digest != after.digest
    assert after.module.gross(after.module.Params()) == 0.25
    assert own(tmp_path, module, 1.0).digest == before.digest


def test_two_folders_with_modules_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    assert own(tmp_path / "a", "levels", 1.0).module.gross(None) == 1.0
    assert own(tmp_path / "b", "levels", 0.5).module.gross(None) == 0.5
    again = find("strategy", "own", tmp_path / "a")
    assert again.module.gross(None) == 1.0


def test_what_is_only_said_does_not_count(tmp_path: Path) -> None:
    before = own(tmp_path)
    (tmp_path / "levels.py").write_text('"""Levels."""\n\nLEVEL = 1.0  # as agreed\n')
    assert find("strategy", "own", tmp_path).digest == before.digest


def test_another_name_is_no_other_strategy(tmp_path: Path) -> None:
    before = own(tmp_path)
    (tmp_path / "renamed.py").write_text((tmp_path / "own.py").read_text())
    assert find("strategy", "renamed", tmp_path).digest == before.digest


def test_a_relative_import_and_a_package_count(tmp_path: Path) -> None:
    package = tmp_path / "mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "own.py").write_text(OWN.format(module=".levels"))
    (package / "levels.py").write_text("from . import scale\n\nLEVEL = scale.ONE\n")
    (package / "scale.py").write_text("ONE = 1.0\n")
    before = find("strategy", "mine.own", tmp_path)
    (package / "scale.py").write_text("ONE = 0.5\n")
    after = find("strategy", "mine.own", tmp_path)
    assert before.digest != after.digest
    assert after.module.gross(None) == 0.5


def test_factors_of_the_house_count() -> None:
    from podshop.pods import momentum
    from podshop.rulebook.digest import sources_of

    assert "podshop.factors.window" in sources_of(momentum.__name__, Path(momentum.__file__))
