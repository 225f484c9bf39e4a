"""Words of `podshop data`; standard library only, so that `podshop --help` answers at once."""

import argparse
import os
from datetime import date
from pathlib import Path
from typing import Any

STORE = "PODSHOP_STORE"
"""Environment variable that names the store where `--store` does not."""

ACTIONS = {
    "sync": "fetch what is missing from a vendor",
    "status": "say what the store has",
    "check": "run the quality gate, keep and show its findings",
    "score": "make the scores of news, insiders, statements ... that pods can read",
    "query": "ask in SQL",
    "import": "take in prices from a file, or a folder of LEAN's",
    "export": "write the store in another program's form",
    "simulate": "fill the store with a simulated market whose truth is known",
}


def add(sub: argparse.ArgumentParser) -> None:
    """Give `podshop data` its actions and their words."""
    actions = sub.add_subparsers(dest="action", required=True, metavar="ACTION")
    made = {
        name: actions.add_parser(name, help=text, description=text)
        for name, text in ACTIONS.items()
    }
    for action in made.values():
        action.add_argument(
            "--store",
            type=Path,
            metavar="DIR",
            default=os.environ.get(STORE),
            help=f"the market store; left out: the folder that {STORE} names",
        )
        debug: Any = argparse.SUPPRESS
        action.add_argument("--debug", action="store_true", default=debug, help="show tracebacks")
    _sync(made["sync"])
    _check(made["check"])
    made["query"].add_argument(
        "sql", metavar="SQL", help="one SELECT; see docs/howto/market-data.md"
    )
    made["query"].add_argument("--out", type=Path, metavar="FILE", help="a .parquet or .csv file")
    made["import"].add_argument(
        "file", type=Path, metavar="FILE", help=".parquet, .csv or .csv.gz, or LEAN's data folder"
    )
    made["export"].add_argument(
        "--zipline", required=True, metavar="NAME", help="write, register and ingest this bundle"
    )
    simulate = made["simulate"]
    simulate.add_argument("--names", type=int, default=3000, help="how many companies (3000)")
    simulate.add_argument("--years", type=int, default=10, help="how many years (10)")
    simulate.add_argument("--seed", type=int, default=7, help="the same seed, the same market (7)")


def _sync(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--vendor", default="fmp", help="whom to ask (fmp)")
    sub.add_argument(
        "--from", dest="start", type=day, metavar="DATE", default=date(2015, 1, 1), help="first day"
    )
    sub.add_argument("--to", dest="end", type=day, metavar="DATE", help="last day (yesterday)")
    sub.add_argument(
        "--symbols",
        default="",
        metavar="LIST",
        help="symbols and names of lists such as sp500, with commas; left out: all of the vendor",
    )
    sub.add_argument(
        "--tables",
        default="",
        metavar="LIST",
        help="tables, with commas; left out: prices, actions",
    )
    sub.add_argument("--base-url", metavar="URL", help="another address than the vendor's")


def _check(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--json", action="store_true", help="findings as JSON, nothing else")
    sub.add_argument(
        "--today", type=day, metavar="DATE", help="judge freshness as of this day; left out: not"
    )
    sub.add_argument("--report", type=Path, metavar="FILE", help="an HTML page of the findings")
    sub.add_argument(
        "--accept",
        nargs=3,
        metavar=("SYMBOL", "DATE", "CHECK"),
        help="take a finding for right: it stops no fund any more",
    )
    sub.add_argument("--why", default="", metavar="TEXT", help="why it is right")


def day(text: str) -> date:
    """Read a date from the command line.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write 2020-01-31") from None
