"""The reference pages say what the code says."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from podshop.rulebook import plugins
from podshop.rulebook.sections import FundText

ROOT = Path(__file__).resolve().parents[2]
HINT = "run: .venv/bin/python docs/generate.py"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """The script that writes the page."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date(generate: ModuleType) -> None:
    for path, write in generate.PAGES.items():
        assert path.read_text(encoding="utf-8") == write(), HINT


def test_every_section_and_plug_in_has_a_place_on_the_page(generate: ModuleType) -> None:
    text = generate.page()
    for section in FundText.model_fields:
        assert re.search(rf"^## \[+{section}\]|`{section}`", text, flags=re.MULTILINE)
    for kind in plugins.PACKAGES:
        for name in plugins.names(kind):
            assert f"### {name}\n" in text


def test_no_key_is_without_a_meaning(generate: ModuleType) -> None:
    rows = re.findall(r"^\| `.*$", generate.page(), flags=re.MULTILINE)
    assert len(rows) > 50
    assert [row for row in rows if row.endswith("|  |")] == []


def test_every_pod_has_a_page_with_economics_sources_parameters_and_results() -> None:
    nav = (ROOT / "properdocs.yml").read_text(encoding="utf-8")
    overview = (ROOT / "docs" / "pods" / "index.md").read_text(encoding="utf-8")
    for name in plugins.names("strategy"):
        text = (ROOT / "docs" / "pods" / f"{name}.md").read_text(encoding="utf-8")
        for heading in ("Economics", "Sources", "Needs", "Parameters", "Results"):
            assert f"\n## {heading}\n" in text, f"docs/pods/{name}.md"
        assert f"pods/{name}.md" in nav
        assert f"({name}.md)" in overview


def test_results_on_the_pages_are_the_measured_ones(generate: ModuleType) -> None:
    results = json.loads(generate.RESULTS.read_text(encoding="utf-8"))
    overview = generate.pod_page(generate.POD_PAGES / "index.md")
    for name, told in results.items():
        late = told["out_of_sample"]
        assert f"| {name}, {late['first'][:4]}-2016 | {100 * late['return']:.1f} % |" in overview
        assert f"**{late['sharpe']:.2f} (" in overview
