"""`podshop run FUND --paper`: the live driver with the simulated broker, one session at a time."""

import argparse

import numpy as np

from podshop.desk import output
from podshop.desk.terminal import announce_compilation, progress
from podshop.rulebook.config import load
from podshop.rulebook.fundfile import folder_of


def run(args: argparse.Namespace) -> int:
    """Go on with a paper fund until a day; interrupted anywhere, the same command goes on."""
    from podshop.desk.live import run_paper
    from podshop.research.admission import admissions

    rules = load(args.fund)
    folder = output.for_running(args.out or folder_of(args.fund) / "paper")
    start = None if args.start is None else np.datetime64(args.start, "D")
    why, admitted = args.accept_rules, admissions(rules, args.accept_uncertified)
    announce_compilation()
    with progress(rules.name) as done:
        until = np.datetime64(args.until, "D")
        result = run_paper(rules, folder, until, start, done, why, admitted)
    report = output.write(result, folder)
    output.show(result)
    print(f"\nReport: {report}\nJournal: {folder / output.JOURNAL}")
    return 0
