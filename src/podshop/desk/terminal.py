"""Speaking to the person at the terminal: tables on stdout, progress on stderr.

Colour only where someone looks, and never when NO_COLOR is set; into a file or a pipe goes plain
text, and of the progress one line each tenth.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    import polars as pl

PLAIN_WIDTH = 120
"""Columns of tables that nobody's window limits."""


def console() -> Console:
    """The console that tables are printed on."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    return Console(width=width, highlight=False, soft_wrap=False)


def show(frame: "pl.DataFrame") -> None:
    """Print a frame as a table: words at the left, figures at the right, nothing cut short."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name, kind in frame.schema.items():
        table.add_column(name, justify="right" if kind.is_numeric() else "left", overflow="fold")
    for row in frame.iter_rows():
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console().print(table)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far a long piece of work is.

    Args:
        what: the work, e.g. "backtest".

    Returns:
        what to call with (sessions done, sessions in all).
    """
    if not sys.stderr.isatty():
        yield _tenths(what)
        return
    from rich.progress import Progress  # a pipe needs no bar

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _tenths(what: str) -> Callable[[int, int], None]:
    """One line for each tenth that is done."""
    told = 0

    def tell(done: int, total: int) -> None:
        nonlocal told
        tenth = 10 * done // total if total else 10
        if tenth > told:
            told = tenth
            print(f"{what} {tenth * 10} %", file=sys.stderr, flush=True)

    return tell


def announce_compilation() -> None:
    """Say that the first run compiles, so that nobody takes the wait for a hang."""
    folder = Path(os.environ.get("NUMBA_CACHE_DIR", ""))
    if not any(folder.glob("**/*.nbi")):
        print("First run: compiling the kernels, once.", file=sys.stderr, flush=True)
