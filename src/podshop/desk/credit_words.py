"""Words of `podshop credit`; standard library only, so that `podshop --help` answers at once."""

import argparse
from pathlib import Path

from podshop.desk.data_words import day

METHODS = ("own", "leave-one-out", "euler", "shapley", "all")
"""What can be asked for; own profit is always shown."""


def add(sub: argparse.ArgumentParser) -> None:
    """Add the words of `podshop credit`."""
    told = "fund file, or a folder with a fund.toml"
    sub.add_argument("fund", type=Path, metavar="FUND", help=told)
    told = "how to credit: %(choices)s; left out: all"
    sub.add_argument("--method", choices=METHODS, default="all", metavar="METHOD", help=told)
    told = "first day whose profit counts; left out: the fund's opening"
    sub.add_argument("--first", type=day, metavar="DAY", help=told)
    told = "last day whose profit counts; left out: the end of the fund file or of the data"
    sub.add_argument("--last", type=day, metavar="DAY", help=told)
    told = "draw N pairs of orders; left out: every coalition up to 12 pods, 10 pairs beyond"
    sub.add_argument("--samples", type=samples, metavar="N", help=told)
    told = "of the drawn orders; left out: %(default)s"
    sub.add_argument("--seed", type=seed, default=0, metavar="S", help=told)
    sub.add_argument("--json", action="store_true", help="print plain values instead of a table")
    told = "write the credits of the pods as a table, too"
    sub.add_argument("--out", type=Path, metavar="FILE.csv", help=told)


def seed(text: str) -> int:
    """The seed of the drawn orders.

    Raises:
        argparse.ArgumentTypeError: it is no whole number of 0 or more.
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 0 or more")
    return int(text)


def samples(text: str) -> int:
    """How many pairs of orders to draw.

    Raises:
        argparse.ArgumentTypeError: it is no whole number of 5 or more.
    """
    if not text.isdecimal() or int(text) < 5:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 5 or more")
    return int(text)
