"""The folder that a run leaves behind: journal, tables, summary, report."""

from pathlib import Path
from typing import TYPE_CHECKING

from podshop.domain.error import ConfigError

if TYPE_CHECKING:
    from podshop.research.run import Run

JOURNAL = "journal.sqlite"
"""The journal's file name in every such folder."""

REPORT = "report.html"

MARKER = ".backtest"
"""Says that the journal beside it belongs to a backtest and may be replaced by another."""


def for_backtest(folder: Path) -> Path:
    """Make the folder ready for a backtest, which begins its journal anew.

    Returns:
        the journal's path.

    Raises:
        ConfigError: the folder holds the journal of a fund that runs; that is never replaced.
    """
    journal = folder / JOURNAL
    if journal.exists() and not (folder / MARKER).exists():
        raise ConfigError(
            f"{folder}: holds the journal of a fund that runs session by session; "
            "a backtest would replace it\n  -> choose another folder with --out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).touch()
    return journal


def for_running(folder: Path) -> Path:
    """Make the folder ready for a fund that runs session by session, going on where it stopped.

    Returns:
        the folder.

    Raises:
        ConfigError: the folder belongs to a backtest.
    """
    if (folder / MARKER).exists():
        raise ConfigError(
            f"{folder}: holds a backtest, which cannot be gone on with\n"
            "  -> choose another folder with --out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def existing(folder: Path) -> Path:
    """Find the journal of a folder that was written before.

    Raises:
        ConfigError: there is none.
    """
    journal = folder / JOURNAL
    if not journal.is_file():
        raise ConfigError(
            f"{folder}: there is no {JOURNAL} in it\n"
            "  -> give the --out folder of a demo, backtest or paper run"
        )
    return journal


def write(run: "Run", folder: Path) -> Path:
    """Write a run's tables, summary and report.

    Returns:
        the report's path.
    """
    from podshop.reports.fund import render

    run.write(folder)
    report = folder / REPORT
    part = folder / f".{REPORT}.part"
    part.write_text(render(run), encoding="utf-8")
    part.replace(report)
    return report


def show(run: "Run") -> None:
    """Print what happened: figures, fates, cuts, costs, years, the last day in a sentence."""
    from podshop.desk.terminal import console
    from podshop.reports import tables
    from podshop.reports.sentence import sentence

    screen = console()
    for table in (tables.summary, tables.fates, tables.cuts, tables.costs, tables.years):
        screen.print(table(run))
    last = run.nav.get_column("date")[-1]
    frame = run.pod_parts.filter(run.pod_parts.get_column("date") == last)
    screen.print(f"{last}: {sentence(frame, run.rules.currency)}", markup=False)
    screen.print(run.source, markup=False, style="dim")
