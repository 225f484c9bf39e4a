"""What a plug-in does, as one fingerprint: its code and the code of its owner's that it imports.

Comments, docstrings and layout do not count. Of podshop's own code the strategies, limits,
allocators and factors count; of other packages nothing does, for they are not the owner's to edit.
A module that is imported by a computed name cannot be seen here.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

INIT = "__init__.py"
HOUSE = Path(__file__).resolve().parents[2]
COUNTED = ("factors", "pods", "capital", "risk")
"""Folders of podshop whose code is part of what a plug-in does."""


def digest_of(sources: Mapping[str, Path], name: str) -> str:
    """Fingerprint of what a module does.

    Args:
        sources: module name -> file, of it and of what it imports.
        name: of the module itself; another name makes no other fingerprint.
    """
    told = blake2b(digest_size=16)
    for one, path in sorted(sources.items(), key=lambda item: (item[0] != name, item[0])):
        called = "" if one == name else one
        told.update(f"{called}\0{_code(path, path.stat().st_mtime_ns)[0]}\0".encode())
    return told.hexdigest()


def sources_of(name: str, file: Path, installed: bool = False) -> dict[str, Path]:
    """Module name -> file of a plug-in and of all that it imports and that counts.

    Args:
        name: of the plug-in.
        file: where it is.
        installed: True when its folder is one of many packages, of which only its own counts.
    """
    start, top = file.absolute(), name.partition(".")[0]
    root = start.parents[name.count(".") + (1 if start.name == INIT else 0)]
    found, waiting = {name: start}, [(name, start)]
    while waiting:
        here, path = waiting.pop()
        parent = here if path.name == INIT else here.rpartition(".")[0]
        for asked in _code(path, path.stat().st_mtime_ns)[1]:
            for one in _with_parents(_absolute(asked, parent)):
                if installed and one.partition(".")[0] not in (top, "podshop"):
                    continue
                source = module_file(one, root)
                if source is not None and one not in found:
                    found[one] = source
                    waiting.append((one, source))
    return found


def module_file(name: str, root: Path) -> Path | None:
    """The file of a module that counts; None for one that does not, or is none."""
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts) or parts[0] in sys.stdlib_module_names:
        return None
    if parts[0] == "podshop":
        if len(parts) < 2 or parts[1] not in COUNTED:
            return None
        root = HOUSE
    at = root.joinpath(*parts)
    # Python prefers a package to a module of the same name.
    return next((p for p in (at / INIT, at.with_suffix(".py")) if p.is_file()), None)


def _absolute(asked: str, package: str) -> str:
    """A name as it is imported, without leading dots."""
    rest = asked.lstrip(".")
    for _ in range(len(asked) - len(rest) - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{rest}".strip(".") if rest != asked else asked


def _with_parents(name: str) -> Iterator[str]:
    """A module and the packages in which it lies, which run when it is imported."""
    while name:
        yield name
        name = name.rpartition(".")[0]


@lru_cache(maxsize=1024)
def _code(path: Path, changed: int) -> tuple[str, tuple[str, ...]]:  # noqa: ARG001 - cache key
    """(fingerprint of the code, names of what it imports, with leading dots where relative)."""
    source = path.read_bytes()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # said with its line where the module is imported
        return blake2b(source, digest_size=16).hexdigest(), ()
    # Who reads its docstrings does something with them.
    said_only = b"__doc__" not in source
    asked: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            asked += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            stem = "." * node.level + (node.module or "")
            joint = "" if stem.endswith(".") else "."
            # What is imported from a package may be a module of it.
            asked += [stem, *(f"{stem}{joint}{alias.name}" for alias in node.names)]
        body = getattr(node, "body", None)
        if said_only and isinstance(body, list) and body and _is_text(body[0]):
            body[:1] = []
    text = ast.dump(tree).encode()
    return blake2b(text, digest_size=16).hexdigest(), tuple(dict.fromkeys(asked))


def _is_text(node: ast.AST) -> bool:
    """A string that stands alone, which says something and does nothing."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
