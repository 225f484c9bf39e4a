"""The words of `podshop pods`."""

import argparse
from pathlib import Path
from typing import Any

TOLD = {
    "list": "show the stage of every pod, since when and why",
    "review": "show the last correlation audit and every review",
    "hire": "let a candidate trade on paper, or a pod on paper get capital",
    "cut": "leave a pod only part of its capital",
    "restore": "end a cut, or let a pod return from quarantine",
    "retire": "let a pod go for good",
}
"""The words after `pods`."""

FUND: dict[str, Any] = {"metavar": "FUND", "help": "fund file, or a folder with a fund.toml"}
OUT = "folder that the fund runs in; left out: `paper` beside the fund file"


def add(sub: argparse.ArgumentParser) -> None:
    """Add the words of `podshop pods`."""
    words = sub.add_subparsers(dest="word", required=True, metavar="WORD")
    for name, told in TOLD.items():
        word = words.add_parser(name, help=told, description=told)
        word.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks"
        )
        word.add_argument("fund", type=Path, **FUND)
        word.add_argument("--out", type=Path, metavar="DIR", help=OUT)
        if name not in ("list", "review"):
            _act(word, name)


def _act(word: argparse.ArgumentParser, name: str) -> None:
    word.add_argument("pod", metavar="POD", help="the pod's id")
    word.add_argument("--why", required=True, help="the reason; it goes into the journal")
    word.add_argument(
        "--who", default="the owner", metavar="NAME", help="who asks; left out: the owner"
    )
    if name == "cut":
        word.add_argument(
            "--keep",
            type=float,
            default=0.5,
            metavar="SHARE",
            help="share of its capital that the pod keeps; left out: 0.5",
        )
    if name == "hire":
        why = "hire a pod without a certificate of the gate, and say why"
        word.add_argument("--accept-uncertified", metavar="WHY", help=why)
