"""The fund file as it stands on disk: one TOML text, its includes, and the line of every key."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podshop.domain.error import ConfigError
from podshop.rulebook.toml_lines import Loc, key_lines

FUND_FILE = "fund.toml"
"""Name of the fund file when a folder is given in its place."""

INCLUDABLE = ("pod", "limit", "flow")
"""Lists that an included file may lengthen; everything else stands once, in the fund file."""


@dataclass(frozen=True, slots=True)
class FundFile:
    """A fund file and its includes, read but not yet understood.

    Attributes:
        path: the fund file.
        data: the TOML of all files as one nested dict.
        places: (file as the user named it, line) of every key.
    """

    path: Path
    data: dict[str, Any]
    places: Mapping[Loc, tuple[str, int]]

    def own(self, loc: Loc) -> Loc:
        """Where a key of a fund file stands in this file: here, at the same place."""
        return loc

    @property
    def told(self) -> Mapping[str, Any]:
        """The text as its owner wrote it."""
        return self.data

    @property
    def folder(self) -> Path:
        """The folder that relative paths and the owner's own plug-ins start from."""
        return self.path.parent

    def place(self, loc: Loc) -> str:
        """Say where a key stands, `fund.toml:12`; where it is missing, where its table stands."""
        mine = self.own(loc)
        for depth in range(len(mine), 0, -1):
            if mine[:depth] in self.places:
                name, line = self.places[mine[:depth]]
                return f"{name}:{line}"
        return f"{self.path}:1"


def folder_of(path: Path) -> Path:
    """The folder of a fund, given its file or the folder itself."""
    return path if path.is_dir() else path.parent


def read(path: str | Path) -> FundFile:
    """Read a fund file and everything it includes.

    Args:
        path: the fund file, or a folder with a `fund.toml`.

    Returns:
        the merged text with the place of every key.

    Raises:
        ConfigError: a file is missing, is no TOML, or includes what it may not.
    """
    main = Path(path)
    if main.is_dir():
        main = main / FUND_FILE
    data, places = parse(main)
    merged = FundFile(main, data, places)
    for pattern_number, pattern in enumerate(_patterns(merged)):
        for extra in _matches(merged, pattern, ("include", pattern_number)):
            _merge(merged.data, places, extra)
    return merged


def parse(path: Path) -> tuple[dict[str, Any], dict[Loc, tuple[str, int]]]:
    """Parse one file.

    Returns:
        its content, and (file, line) of every key.

    Raises:
        ConfigError: it is missing, unreadable or no TOML; a syntax error is named with its line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such file\n"
            "  -> `podshop init DIR` writes a fund file and a strategy file to start from"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: cannot be read: {error}\n  -> a fund file is UTF-8 text that you may read"
        ) from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax(path, text, str(error))) from error
    return data, {loc: (str(path), line) for loc, line in key_lines(text).items()}


def _syntax(path: Path, text: str, message: str) -> str:
    """Word a TOML syntax error with its line and the line's text."""
    found = re.search(r" \(at line (\d+), column (\d+)\)", message)
    line = int(found.group(1)) if found else text.count("\n") + 1
    what = re.sub(r" \(at .*\)$", "", message)
    lines = text.splitlines()
    shown = lines[line - 1].strip() if line <= len(lines) else ""
    return (
        f"{path}:{line}: this is not TOML: {what}: {shown}\n"
        "  -> one `key = value` a line; texts in quotes, fractions as 0.05, dates as 2020-01-31"
    )


def _patterns(fund: FundFile) -> list[str]:
    """The include patterns; anything but a list of texts is left for the schema to refuse."""
    patterns = fund.data.get("include", [])
    if not isinstance(patterns, list):
        return []
    return [pattern for pattern in patterns if isinstance(pattern, str)]


def _matches(fund: FundFile, pattern: str, loc: Loc) -> Iterator[Path]:
    """Files that an include pattern means, in the order of their names."""
    try:
        found = sorted(p for p in fund.folder.glob(pattern) if p.is_file())
    except (ValueError, NotImplementedError) as error:
        raise ConfigError(
            f'{fund.place(loc)}: include "{pattern}": {error}\n'
            '  -> give a pattern relative to the fund file, such as "pods/*.toml"'
        ) from error
    if not found:
        raise ConfigError(
            f'{fund.place(loc)}: include "{pattern}": no file matches\n'
            "  -> patterns are relative to the fund file's folder; remove the line or add a file"
        )
    # A wide pattern such as "*.toml" also finds the fund file itself.
    return (p for p in found if p.resolve() != fund.path.resolve())


def _merge(data: dict[str, Any], places: dict[Loc, tuple[str, int]], path: Path) -> None:
    """Append the pods, limits and flows of an included file to those already read."""
    extra, where = parse(path)
    for key, items in extra.items():
        line = where[(key,)][1]
        if key not in INCLUDABLE or not isinstance(items, list):
            raise ConfigError(
                f"{path}:{line}: `{key}` cannot stand in an included file\n"
                "  -> included files hold [[pod]], [[limit]] and [[flow]] only; "
                "the other sections stand once, in the fund file"
            )
        known = data.setdefault(key, [])
        if not isinstance(known, list):
            continue  # the fund file wrote [pod] for [[pod]]; the schema says so, with its line
        for loc, place in where.items():
            if len(loc) > 1 and loc[0] == key and isinstance(loc[1], int):
                places[key, loc[1] + len(known), *loc[2:]] = place
        known.extend(items)
