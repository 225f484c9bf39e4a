"""Words of `podshop macro` and `podshop listen`; standard library only, so help comes at once."""

import argparse
from pathlib import Path
from typing import Any

from podshop.desk.data_words import day

KEY = "PODSHOP_WEBHOOK_KEY"
"""Environment variable with the secret that programs sign with."""

ACTIONS = {
    "add": "decide on a name: what to hold, why, until when",
    "list": "show the decisions, and which of them stand",
    "close": "decide to hold a name no longer",
}


def add(sub: argparse.ArgumentParser) -> None:
    """Give `podshop macro` its actions and their words."""
    actions = sub.add_subparsers(dest="action", required=True, metavar="ACTION")
    made = {
        name: actions.add_parser(name, help=text, description=text)
        for name, text in ACTIONS.items()
    }
    for action in made.values():
        _file(action)
        debug: Any = argparse.SUPPRESS
        action.add_argument("--debug", action="store_true", default=debug, help="show tracebacks")
        action.add_argument(
            "--fund",
            type=Path,
            metavar="FUND",
            help="fund file whose data must have the name; `list` tells stops by its prices",
        )
    for name in ("add", "close"):
        made[name].add_argument("symbol", metavar="SYMBOL", help="as in the market data")
        made[name].add_argument("--thesis", required=True, metavar="TEXT", help="why")
        made[name].add_argument("--author", metavar="NAME", help="who decides; left out: you")
    made["add"].add_argument(
        "--weight",
        type=float,
        required=True,
        metavar="W",
        help="fraction of the pod's capital, negative for short",
    )
    made["add"].add_argument(
        "--expires", type=day, metavar="DATE", help="closed at the first close on or after it"
    )
    made["add"].add_argument(
        "--stop", type=float, metavar="LOSS", help="closed when it lost this fraction since entry"
    )
    made["list"].add_argument("--all", action="store_true", help="also those that are over")


def add_listen(sub: argparse.ArgumentParser) -> None:
    """Give `podshop listen` its words."""
    _file(sub)
    sub.add_argument("--port", type=int, default=8420, help="8420; 0 takes a free one")
    sub.add_argument(
        "--host", default="127.0.0.1", help="127.0.0.1: only programs of this machine reach it"
    )


def _file(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--file",
        type=Path,
        metavar="FILE",
        default=Path("decisions.jsonl"),
        help="the journal of decisions (decisions.jsonl)",
    )
