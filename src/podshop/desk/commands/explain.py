"""`podshop explain DIR`: the parts that a day's profit or loss is made of, with journal entries."""

import argparse

import numpy as np

from podshop.desk import output
from podshop.desk.terminal import console


def run(args: argparse.Namespace) -> int:
    """Explain one day of a fund, or of one pod."""
    from podshop.attribution.explain import explain

    output.existing(args.folder)
    day = None if args.day is None else np.datetime64(args.day, "D")
    console().print(explain(args.folder, day, args.pod))
    return 0
