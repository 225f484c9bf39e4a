"""The house rules of STYLE.md, as tests over every file of the package.

Layers are kept by import-linter, format and lint by ruff, types by mypy; here is what they
cannot see.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "podshop"
MODULES = sorted(PACKAGE.rglob("*.py"))

LINES_OF_A_FILE = 500
LINES_OF_A_FUNCTION = 70
# Longer rooms, each with its reason.
ROOMY = {
    # Compiled code is cached per file and does not notice a change in another: one file.
    "kernel/day.py": 1000,
}

BELOW_THE_RIM = (
    "domain",
    "ports",
    "kernel",
    "ledger",
    "market",
    "factors",
    "pods",
    "capital",
    "risk",
    "trading",
    "cycle",
)
COMPILED_ROOMS = ("kernel", "factors")
BANNED_ROOMS = {"utils", "util", "helpers", "helper", "manager", "base", "handler", "engine"}
BANNED_ROOMS |= {"common", "misc"}

CLOCKS = {
    f"{owner}.{method}"
    for owner in ("datetime", "datetime.datetime", "date", "datetime.date")
    for method in ("now", "today", "utcnow")
} | {f"time.{name}" for name in ("time", "time_ns", "monotonic", "perf_counter", "sleep")}
DICE = ("random.", "np.random.", "numpy.random.", "secrets.", "uuid.")
FILES = {"open", "io.open", "os.open", "print", "input"}
FILE_METHODS = {
    "read_bytes",
    "read_csv",
    "read_parquet",
    "read_text",
    "scan_parquet",
    "write_bytes",
    "write_parquet",
    "write_text",
}
BANNED_IMPORTS = {"logging", "random", "secrets", "time", "uuid"}

HEAVY = {
    "arch",
    "duckdb",
    "jinja2",
    "numba",
    "numpy",
    "orjson",
    "pandas",
    "plotly",
    "polars",
    "pydantic",
    "scipy",
    "skfolio",
}


def name_of(path: Path) -> str:
    """Path of a module as a test id: `kernel/day.py`."""
    return path.relative_to(PACKAGE).as_posix()


def is_in(path: Path, rooms: tuple[str, ...]) -> bool:
    """True when a module lies in one of the top-level rooms."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py") in rooms


def parse(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def dotted(node: ast.expr) -> str:
    """Write a name or a chain of attributes as `a.b.c`; a call in the chain becomes `()`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "()"


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef, source: list[str]) -> int:
    """Lines of a function that hold code: no docstring, comment or blank line."""
    assert node.end_lineno is not None
    lines = set(range(node.lineno, node.end_lineno + 1))
    if ast.get_docstring(node) is not None:
        doc = node.body[0]
        assert doc.end_lineno is not None
        lines -= set(range(doc.lineno, doc.end_lineno + 1))
    texts = (source[i - 1].strip() for i in lines)
    return sum(1 for text in texts if text and not text.startswith("#"))


def public_definitions(
    node: ast.Module | ast.ClassDef, inside: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    """Public classes, functions and methods with their dotted names."""
    for child in node.body:
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if child.name.startswith("_"):
            continue
        yield inside + child.name, child
        if isinstance(child, ast.ClassDef):
            yield from public_definitions(child, f"{inside}{child.name}.")


def imported(tree: ast.Module) -> Iterator[str]:
    """Top-level names of everything that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0]


def impurities(tree: ast.Module) -> Iterator[str]:
    """Clocks, dice, files, prints and logs in a module, with their lines."""
    for name in sorted(BANNED_IMPORTS & set(imported(tree))):
        yield f"imports {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and f"{dotted(node)}.".startswith(DICE):
            yield f"line {node.lineno}: {dotted(node)}"
        if not isinstance(node, ast.Call):
            continue
        called = dotted(node.func)
        if called in CLOCKS | FILES or called.rpartition(".")[2] in FILE_METHODS:
            yield f"line {node.lineno}: {called}()"


def swallowed(tree: ast.Module) -> Iterator[int]:
    """Lines of bare excepts, and of broad ones that pass over what happened."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        broad = isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
        silent = all(isinstance(line, ast.Pass | ast.Continue) for line in node.body)
        if node.type is None or (broad and silent):
            yield node.lineno


def tracked(*suffixes: str) -> list[Path]:
    """Files that git knows, and new ones it does not ignore, by the end of their names."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    paths = (ROOT / line for line in done.stdout.splitlines() if line.endswith(suffixes))
    return [path for path in paths if path.is_file()]


every_module = pytest.mark.parametrize("path", MODULES, ids=name_of)
every_module_below = pytest.mark.parametrize(
    "path", [path for path in MODULES if is_in(path, BELOW_THE_RIM)], ids=name_of
)


def test_there_is_a_package_to_judge() -> None:
    assert len(MODULES) > 5


@every_module
def test_a_file_is_one_room(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= ROOMY.get(name_of(path), LINES_OF_A_FILE), f"{lines} lines: split it in two"


@every_module
def test_a_function_fits_on_a_screen(path: Path) -> None:
    source = path.read_text(encoding="utf-8").splitlines()
    sizes = {f.name: code_lines(f, source) for f in functions(parse(path))}
    assert {k: n for k, n in sizes.items() if n > LINES_OF_A_FUNCTION} == {}


@every_module
def test_a_room_is_named_after_its_subject(path: Path) -> None:
    parts = [part.removesuffix(".py") for part in path.relative_to(PACKAGE).parts]
    assert BANNED_ROOMS.isdisjoint(parts)


@every_module
def test_what_is_public_says_what_it_is(path: Path) -> None:
    tree = parse(path)
    assert ast.get_docstring(tree), "the module has no docstring"
    silent = [name for name, node in public_definitions(tree) if not ast.get_docstring(node)]
    assert silent == []


@every_module_below
def test_nothing_below_the_rim_touches_the_world(path: Path) -> None:
    assert list(impurities(parse(path))) == []


@every_module
def test_only_the_compiled_rooms_use_numba(path: Path) -> None:
    if not is_in(path, COMPILED_ROOMS):
        assert "numba" not in set(imported(parse(path)))


@every_module
def test_nothing_is_left_for_later_or_swallowed(path: Path) -> None:
    marks = "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"))
    found = re.findall(rf"\b(?:{marks})\b", path.read_text(encoding="utf-8"))
    assert found == []
    assert list(swallowed(parse(path))) == []


def test_the_glossary_has_every_type_of_the_domain() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^- \*\*(\w+)\*\*: \w", glossary, flags=re.MULTILINE))
    types = {
        node.name
        for path in MODULES
        if is_in(path, ("domain",))
        for node in parse(path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }
    assert types - explained == set(), "add a line to docs/glossary.md"
    gone = {word for word in explained - types if word[0].isupper()}
    assert gone == set(), "docs/glossary.md explains types that no longer exist"


def test_the_command_line_starts_light() -> None:
    loaded = f"sorted(set({sorted(HEAVY)!r}) & set(sys.modules))"
    script = f"import sys, podshop, podshop.desk.cli; print({loaded})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]", "import it inside the command that needs it"


def test_locks_and_settings_name_no_package_host() -> None:
    hosts = "|".join(("https?://", "index-url", "find-links", "file:", "@ *git"))
    for path in tracked(".lock", "requirements.txt"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if re.search(hosts, line)] == [], path.name
    settings = "|".join(("index-url", "extra-index", "find-links", "tool\\.uv\\.index"))
    for path in tracked(".toml", ".cfg", ".ini", ".yaml", ".yml", ".sh", "Makefile", ".ci/install"):
        assert re.findall(settings, path.read_text(encoding="utf-8")) == [], path.name


def test_every_locked_package_has_a_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE | re.IGNORECASE)[1:]
    assert len(entries) > 20
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@every_module
def test_nobody_is_watched(path: Path) -> None:
    text = path.read_text(encoding="utf-8").lower()
    collectors = ("sentry", "posthog", "mixpanel", "amplitude", "googletagmanager", "scarf.sh")
    assert [word for word in collectors if word in text] == []
