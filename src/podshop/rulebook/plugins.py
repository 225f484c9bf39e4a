"""Finding plug-ins by module name and reading their parameters.

A plug-in is one module: `podshop.pods.momentum` is "momentum". A name that is not among podshop's
own may be a module in the folder of the fund file ("own", "pods.own") or an installed package.
After a colon it may name a class in that module ("own:Breakout") that offers what a module would.
There is no registry: the file's presence is the registration.
"""

import dataclasses
import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
import typing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError

from podshop.rulebook.digest import HOUSE, digest_of, module_file, sources_of
from podshop.rulebook.faults import Fault, Unfit, suggest, worded, written
from podshop.rulebook.toml_lines import Loc

PACKAGES = {"strategy": "podshop.pods", "limit": "podshop.risk", "allocator": "podshop.capital"}
"""Where each kind of plug-in lives."""

OFFERS = {
    "strategy": ("Params", "FIELDS", "WHEN", "gross", "lookback", "wishes"),
    "limit": ("Params",),
    "allocator": ("Params", "shares"),
}
"""What a module of each kind must have."""

LIMIT_OFFERS = ("check", "restore", "cap", "tripwire")
"""A limit has at least one of these."""

_PLURAL = {"strategy": "strategies", "limit": "limits", "allocator": "allocators"}
_FRACTION = re.compile(r"^(min|max|cash)$|_(at|to|share)$")
_DAYS = re.compile(r"(^|_)days$")
_DIGEST, _CODE = "__podshop_digest__", "__podshop_code__"
"""What a loaded module of the owner's remembers: what it does with all it imports, and its text."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plug-in that was found.

    Attributes:
        kind: "strategy", "limit" or "allocator".
        name: as the fund file writes it.
        module: the imported module, or an instance of the class in it.
        digest: fingerprint of its code and of the owner's code that it imports.
    """

    kind: str
    name: str
    module: Any
    digest: str


def find(kind: str, name: str, folder: Path) -> Plugin:
    """Find and import a plug-in.

    Args:
        kind: "strategy", "limit" or "allocator".
        name: a file of podshop's own, or a dotted path outside, and a class in it after a colon.
        folder: folder of the fund file, searched before installed packages.

    Returns:
        the plug-in, which has everything that its kind must offer.

    Raises:
        Unfit: it does not exist, cannot be imported, or lacks something.
    """
    if name in names(kind):
        return _of_house(kind, name)
    path, _, cls = name.partition(":")
    module = _outside(kind, path, folder)
    digest = digest_of(_sources(module, folder), module.__name__)
    if not cls and not name.endswith(":"):
        _check_offers(kind, name, module)
        return Plugin(kind, name, module, digest)
    offered = _instance(kind, name, getattr(module, cls, None))
    _check_offers(kind, name, offered)
    # Two classes of one file are two strategies.
    return Plugin(
        kind, name, offered, blake2b(f"{digest} {cls}".encode(), digest_size=16).hexdigest()
    )


def _instance(kind: str, name: str, cls: Any) -> Any:
    """The one instance of a class that is a plug-in; it is made without arguments."""
    path, _, called = name.partition(":")
    if not isinstance(cls, type):
        raise Unfit(
            f'{kind} "{name}": {path} has no class "{called}"', "name a class of that module"
        )
    try:
        return cls()
    except Exception as error:
        raise _broken(kind, name, error) from error


@lru_cache(maxsize=256)
def _of_house(kind: str, name: str) -> Plugin:
    """One of podshop's own, whose code does not change while it runs."""
    module = importlib.import_module(f"{PACKAGES[kind]}.{name}")
    _check_offers(kind, name, module)
    return Plugin(kind, name, module, digest_of(_sources(module, HOUSE), module.__name__))


@cache
def names(kind: str) -> tuple[str, ...]:
    """The plug-ins of a kind that come with podshop, by file name."""
    package = importlib.import_module(PACKAGES[kind])
    found = []
    for info in pkgutil.iter_modules(package.__path__):
        spec = importlib.util.find_spec(f"{package.__name__}.{info.name}")
        # Neighbours without parameters, such as a shared projection, are no plug-ins.
        if spec and spec.origin and "\nclass Params" in Path(spec.origin).read_text("utf-8"):
            found.append(info.name)
    return tuple(sorted(found))


def _outside(kind: str, name: str, folder: Path) -> ModuleType:
    """Import a plug-in that does not come with podshop."""
    top = name.partition(".")[0]
    here = (folder / top).is_dir() or (folder / f"{top}.py").is_file()
    if not all(part.isidentifier() for part in name.split(".")) or not (here or "." in name):
        raise _unknown(kind, name)
    with _on_path(folder):
        if here:
            _forget_stale(name, folder.resolve())
            _stake_out(top, folder)
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name and (name == error.name or name.startswith(f"{error.name}.")):
                raise _unknown(kind, name) from error
            raise _broken(kind, name, error) from error
        except Exception as error:
            raise _broken(kind, name, error) from error
    _remember(name, _sources(module, folder))
    return module


def _sources(module: ModuleType, folder: Path) -> dict[str, Path]:
    """The files that decide what a plug-in does."""
    file = Path(module.__file__) if module.__file__ else None
    if file is None or not file.is_file():
        return {}
    installed = not file.absolute().is_relative_to(folder.resolve())
    return sources_of(module.__name__, file, installed)


def _unknown(kind: str, name: str) -> Unfit:
    """Say that there is no such plug-in, and which there are."""
    return Unfit(
        f'unknown {kind} "{name}"',
        f"{suggest(name, names(kind), _PLURAL[kind])}; "
        "or a dotted path to a module of your own, beside the fund file",
    )


def _broken(kind: str, name: str, error: Exception) -> Unfit:
    """Say that a plug-in of the owner's own cannot be imported."""
    return Unfit(
        f'{kind} "{name}" cannot be imported: {type(error).__name__}: {error}',
        "mend the module; it must import without side effects",
    )


@contextmanager
def _on_path(folder: Path) -> Iterator[None]:
    """Put the fund file's folder first on the import path."""
    entry, kept = str(folder.resolve()), sys.dont_write_bytecode
    sys.path.insert(0, entry)
    importlib.invalidate_caches()
    # Bytecode is found by second and size of the text: an edit within a second would not be seen.
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path.remove(entry)
        sys.dont_write_bytecode = kept


def _stake_out(top: str, folder: Path) -> None:
    """Let a folder without `__init__.py` win over a module of the same name elsewhere."""
    home = folder.resolve() / top
    if top not in sys.modules and home.is_dir() and not (home / "__init__.py").is_file():
        package = ModuleType(top)
        package.__path__ = [str(home)]
        sys.modules[top] = package


def _forget_stale(name: str, folder: Path) -> None:
    """Forget modules of the same names that came from another fund's folder, or from older text."""
    top = name.partition(".")[0]
    file = module_file(name, folder)
    parts = sources_of(name, file) if file else {}
    stale = name in sys.modules and getattr(sys.modules[name], _DIGEST, "") != digest_of(
        parts, name
    )
    stale |= any(_is_other(sys.modules.get(part), path) for part, path in parts.items())
    if stale or _is_elsewhere(sys.modules.get(top), folder):
        for old in [m for m in sys.modules if m.partition(".")[0] == top or m in parts]:
            if old.partition(".")[0] != "podshop":
                del sys.modules[old]


def _is_other(module: ModuleType | None, path: Path) -> bool:
    """Was a module loaded of another file, or of what stood in this one before?"""
    if module is None or module.__name__.partition(".")[0] == "podshop":
        return False
    same = Path(module.__file__ or "").absolute() == path
    return not same or getattr(module, _CODE, "") != digest_of(
        {module.__name__: path}, module.__name__
    )


def _is_elsewhere(module: ModuleType | None, folder: Path) -> bool:
    """Does a module or package lie outside a folder?"""
    places = list(getattr(module, "__path__", [])) or [getattr(module, "__file__", None) or ""]
    return module is not None and not any(
        Path(p).resolve().is_relative_to(folder) for p in places if p
    )


def _remember(name: str, parts: Mapping[str, Path]) -> None:
    """Write on loaded modules of what text they are."""
    for part, path in parts.items():
        if part in sys.modules and part.partition(".")[0] != "podshop":
            setattr(sys.modules[part], _CODE, digest_of({part: path}, part))
    setattr(sys.modules[name], _DIGEST, digest_of(parts, name))


def _check_offers(kind: str, name: str, module: Any) -> None:
    """Refuse a module that lacks what its kind must offer."""
    missing = [offer for offer in OFFERS[kind] if not hasattr(module, offer)]
    if kind == "limit" and not any(hasattr(module, offer) for offer in LIMIT_OFFERS):
        missing.append(f"one of {', '.join(LIMIT_OFFERS)}")
    if missing:
        raise Unfit(
            f'{kind} "{name}" lacks {", ".join(missing)}',
            f"copy a file of `{PACKAGES[kind]}` and change it; see docs/howto/add-a-pod.md",
        )
    how = getattr(module.Params, "__dataclass_params__", None)
    if how is None or not how.frozen:
        raise Unfit(
            f'{kind} "{name}": Params is no frozen dataclass', "write @dataclass(frozen=True)"
        )


def parameters(plugin: Plugin, raw: Mapping[str, Any], loc: Loc) -> Any:
    """Read a plug-in's parameters from the fund file.

    Args:
        plugin: whose `Params` to fill.
        raw: keys and values as TOML gave them.
        loc: where they stand.

    Returns:
        the plug-in's own frozen `Params`.

    Raises:
        WrongParameters: unknown keys, wrong types, wrong units.
    """
    cls = plugin.module.Params
    fields = [field.name for field in dataclasses.fields(cls)]
    heading = f'parameters of "{plugin.name}"'
    faults = [
        Fault((*loc, key), "unknown key", suggest(key, fields, heading))
        for key in raw
        if key not in fields
    ]
    known = {key: value for key, value in raw.items() if key in fields}
    params = None
    try:
        # Strict JSON mode takes lists for tuples and texts for enums and dates, and nothing else.
        params = _reader(cls).validate_json(orjson.dumps(known), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False)
        faults += [_params_fault(cls, known, detail, loc) for detail in details if detail["loc"]]
        if not faults:
            # The plug-in refused the combination; a wrong unit is the likelier and clearer cause.
            faults += _unit_faults(plugin, known, loc)
            faults = faults or [_params_fault(cls, known, detail, loc) for detail in details]
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise Unfit(
            f'Params of "{plugin.name}" cannot be filled from a file: {error.message}',
            "use plain types: int, float, str, bool, Literal, tuples of these",
        ) from error
    if params is not None:
        faults += _unit_faults(plugin, known, loc)
    if faults:
        raise WrongParameters(faults)
    return params


@lru_cache(maxsize=256)
def _reader(cls: type) -> TypeAdapter[Any]:
    """What reads a `Params`; making one takes longer than reading with it a thousand times."""
    return TypeAdapter(cls)


class WrongParameters(Exception):
    """A plug-in's parameters are wrong.

    Attributes:
        faults: each of them, with its place.
    """

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(fault.what for fault in faults))
        self.faults = faults


def _params_fault(cls: type, raw: Mapping[str, Any], detail: Any, loc: Loc) -> Fault:
    """Word what pydantic, or the plug-in itself, found in parameters."""
    what = worded(detail)
    if not detail["loc"]:
        # The plug-in's own complaint has no place: point at the first key that it mentions.
        words = set(re.findall(r"\w+", what))
        key = next((key for key in raw if words & {key, key.partition("_")[0]}), None)
        remedy = "change the parameters so that they fit together"
        return Fault((*loc, key) if key else loc, what, remedy)
    key = str(detail["loc"][0])
    meaning = descriptions(cls).get(key, "")
    default = next(f.default for f in dataclasses.fields(cls) if f.name == key)
    remedy = (
        f"leave it out for {written(default)}" if default is not dataclasses.MISSING else "write it"
    )
    remedy = f"{remedy} ({meaning})" if meaning else remedy
    return Fault((*loc, *detail["loc"]), what, remedy)


def _unit_faults(plugin: Plugin, raw: Mapping[str, Any], loc: Loc) -> list[Fault]:
    """Refuse figures whose name says a unit that they cannot be in.

    A default says the unit: `max: float = 0.05` is a fraction, `halve_at: float = 25.0` is not.
    A strategy's own thresholds (`exit_at` in standard deviations) follow no such rule.
    """
    hints = typing.get_type_hints(plugin.module.Params)
    faults = []
    for field in dataclasses.fields(plugin.module.Params):
        value, default = raw.get(field.name), field.default
        if value is None or not isinstance(default, int | float):
            continue
        fraction = _FRACTION.search(field.name) and default <= 1 and hints[field.name] is float
        if _DAYS.search(field.name) and hints[field.name] is int and value < 1 and value != default:
            what, remedy = f"must be at least 1 day, not {value}", "days are whole sessions"
        elif fraction and plugin.kind != "strategy" and value > 1:
            what = f"{value:g} looks like a percentage"
            remedy = f"fractions of 1 here: write {value / 100:g} for {value:g} %"
        elif fraction and plugin.kind != "strategy" and value < 0:
            what, remedy = (
                f"must not be negative, not {value:g}",
                "write a fraction between 0 and 1",
            )
        else:
            continue
        faults.append(Fault((*loc, field.name), what, remedy))
    return faults


def descriptions(cls: type) -> dict[str, str]:
    """What each attribute of a class means, from the `Attributes:` of its docstring."""
    found: dict[str, str] = {}
    name, inside = "", False
    for line in (inspect.getdoc(cls) or "").splitlines():
        start = re.match(r"^    (\w[\w, ]*?): (.*)$", line)
        if line.strip() == "Attributes:":
            inside = True
        elif inside and start:
            name = start.group(1)
            for key in name.split(", "):
                found[key] = start.group(2).strip()
        elif inside and name and line.strip():
            for key in name.split(", "):
                found[key] += f" {line.strip()}"
    return found
