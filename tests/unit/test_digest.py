"""What a plug-in does as one fingerprint: all of the owner's code that it runs, no comments."""

import os
import sys
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


def test_a_package_beside_a_module_of_its_name_is_what_python_takes(tmp_path: Path) -> None:
    own(tmp_path, "levels", 1.0)
    (tmp_path / "levels").mkdir()
    (tmp_path / "levels" / "__init__.py").write_text("LEVEL = 0.5\n")
    before = find("strategy", "own", tmp_path)
    assert before.module.gross(None) == 0.5
    (tmp_path / "levels" / "__init__.py").write_text("LEVEL = 0.75\n")
    assert find("strategy", "own", tmp_path).digest != before.digest


def test_a_linked_strategy_has_the_neighbours_of_the_link(tmp_path: Path) -> None:
    (tmp_path / "shelf").mkdir()
    (tmp_path / "fund").mkdir()
    own(tmp_path / "shelf", "levels", 1.0)
    (tmp_path / "fund" / "own.py").symlink_to(tmp_path / "shelf" / "own.py")
    (tmp_path / "fund" / "levels.py").write_text("LEVEL = 0.5\n")
    before = find("strategy", "own", tmp_path / "fund")
    (tmp_path / "fund" / "levels.py").write_text("LEVEL = 0.25\n")
    after = find("strategy", "own", tmp_path / "fund")
    assert (before.module.gross(None), after.module.gross(None)) == (0.5, 0.25)
    assert before.digest != after.digest


def test_a_docstring_that_is_read_counts(tmp_path: Path) -> None:
    before = own(tmp_path)
    path = tmp_path / "levels.py"
    path.write_text('"""One."""\n\nLEVEL = len(__doc__) / 4\n')
    one = find("strategy", "own", tmp_path)
    path.write_text('"""Three."""\n\nLEVEL = len(__doc__) / 4\n')
    three = find("strategy", "own", tmp_path)
    assert len({before.digest, one.digest, three.digest}) == 3


def test_a_module_named_like_one_of_python_is_not_taken_for_it(tmp_path: Path) -> None:
    import calendar

    (tmp_path / "calendar.py").write_text("LEVEL = 9.0\n")
    own(tmp_path)
    text = (tmp_path / "own.py").read_text()
    (tmp_path / "own.py").write_text(f"import calendar\n{text}")
    find("strategy", "own", tmp_path)
    find("strategy", "own", tmp_path)
    assert sys.modules["calendar"] is calendar


def test_an_edit_within_a_second_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for level in (1.0, 2.0, 3.0):
        found = own(tmp_path, "levels", level)
        os.utime(tmp_path / "levels.py", (1_700_000_000, 1_700_000_000 + level / 10))
        assert found.module.gross(None) == level
