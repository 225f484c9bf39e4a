"""`podshop init DIR`: a folder with a commented fund file and a pod of your own, or a house of
many pods.
"""

import argparse
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from podshop.desk.roster import roster
from podshop.domain.error import ConfigError

FOLDERS = {"own": "fund", "institutional": "institutional"}
"""Preset -> its folder of templates."""


def run(args: argparse.Namespace) -> int:
    """Fill the folder; what is there already is kept as it is."""
    folder: Path = args.folder
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: is a file\n  -> give a folder; it is made when it is missing")
    content = {place: template.read_bytes() for template, place in templates(args.preset)}
    if args.preset == "institutional":
        content[Path("pods.toml")] = roster(args.pods).encode()
    kept = 0
    for place, text in content.items():
        target = folder / place
        if target.exists():
            kept += 1
            print(f"kept  {target} (exists; nothing is overwritten)")
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text)
        print(f"made  {target}")
    if kept:
        print("\nDelete or rename a file that was kept to have it made anew.")
    print(f"\nTry next:\n  cd {folder}\n  podshop backtest fund.toml")
    return 0


def templates(preset: str = "own") -> Iterator[tuple[Traversable, Path]]:
    """Every template file of a preset and its place below the fund's folder."""
    yield from _below(files("podshop.desk") / "templates" / FOLDERS[preset], Path())


def _below(folder: Traversable, place: Path) -> Iterator[tuple[Traversable, Path]]:
    """The files of a packaged folder, without what Python compiled there."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _below(entry, place / entry.name)
        else:
            yield entry, place / entry.name
