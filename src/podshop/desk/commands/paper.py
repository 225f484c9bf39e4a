"""`podshop run FUND --paper`: the live driver with the simulated broker, one session at a time."""

import argparse
from pathlib import Path

import numpy as np

from podshop.desk import output
from podshop.desk.config import load
from podshop.desk.fundfile import folder_of
from podshop.desk.terminal import announce_compilation, progress


def run(args: argparse.Namespace) -> int:
    """Go on with a paper fund until a day; interrupted anywhere, the same command goes on."""
    from podshop.desk.live import run_paper

    rules = load(args.fund)
    folder = output.for_running(args.out or folder_of(args.fund) / "paper")
    start = begun(folder) if args.start is None else np.datetime64(args.start, "D")
    announce_compilation()
    with progress(rules.name) as done:
        result = run_paper(rules, folder, np.datetime64(args.until, "D"), start, done)
    report = output.write(result, folder)
    output.show(result)
    print(f"\nReport: {report}\nJournal: {folder / output.JOURNAL}")
    return 0


def begun(folder: Path) -> np.datetime64 | None:
    """The first session of the folder's journal, so that `--from` is given only once.

    Returns:
        the day; None when no session has been run here.
    """
    from podshop.adapters.stores.sqlite import read_entries
    from podshop.domain.event import CycleOpened
    from podshop.ledger.entry import decode

    if not (folder / output.JOURNAL).is_file():
        return None
    events = (decode(entry.kind, entry.body) for entry in read_entries(folder / output.JOURNAL))
    first = next((event for event in events if isinstance(event, CycleOpened)), None)
    return None if first is None else np.datetime64(first.day, "D")
