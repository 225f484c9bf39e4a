"""Words of `podshop research`; standard library only, so that `podshop --help` answers at once."""

import argparse
from pathlib import Path
from typing import Any

from podshop.desk.data_words import day

ACTIONS = {
    "run": "backtest one strategy and write its tear sheet",
    "sweep": "try many parameter values of a strategy",
    "gate": "judge whether a strategy may get capital, and write a certificate",
    "costs": "say what trading will cost and whether the money is enough",
    "runs": "list what was tried, or compare two runs",
    "factor": "judge a score: does it order next month's returns?",
}

STRATEGY: dict[str, Any] = {
    "type": Path,
    "metavar": "STRATEGY",
    "help": "strategy file, or a folder with a strategy.toml",
}


def add(sub: argparse.ArgumentParser) -> None:
    """Give `podshop research` its actions and their words."""
    actions = sub.add_subparsers(dest="action", required=True, metavar="ACTION")
    made = {
        name: actions.add_parser(name, help=text, description=text)
        for name, text in ACTIONS.items()
    }
    for action in made.values():
        debug: Any = argparse.SUPPRESS
        action.add_argument("--debug", action="store_true", default=debug, help="show tracebacks")
        action.add_argument(
            "--runs",
            type=Path,
            metavar="FILE",
            help="the run ledger; left out: as PODSHOP_RUNS says, or runs.sqlite beside the file",
        )
    for name in ("run", "sweep", "gate"):
        made[name].add_argument("strategy", **STRATEGY)
        made[name].add_argument(
            "--mlflow",
            metavar="URI",
            help="write into MLflow too, such as sqlite:///mlflow.db or http://localhost:5000",
        )
    _run(made["run"])
    _sweep(made["sweep"])
    _gate(made["gate"])
    made["costs"].add_argument(
        "file", type=Path, metavar="FILE", help="strategy file or fund file, or a folder with one"
    )
    _runs(made["runs"])
    _factor(made["factor"])


def _run(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--start", type=day, metavar="DATE", help="first session traded")
    sub.add_argument("--end", type=day, metavar="DATE", help="last session traded")
    sub.add_argument(
        "--out", type=Path, metavar="DIR", help="its folder; left out: runs/ID beside the file"
    )
    sub.add_argument("--pdf", action="store_true", help="the tear sheet as PDF too (Chromium)")


def _sweep(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--engine",
        default="serial",
        metavar="NAME",
        help="serial, threads, processes, dask or ray (serial)",
    )
    sub.add_argument("--workers", type=int, metavar="N", help="how many at a time")
    sub.add_argument(
        "--search", choices=("grid", "optuna"), default="grid", help="try all, or search (grid)"
    )
    sub.add_argument("--trials", type=int, default=100, help="suggestions of a search (100)")
    sub.add_argument("--metric", default="sharpe", help="figure to search by (sharpe)")
    sub.add_argument("--seed", type=int, default=0, help="of a search (0)")
    sub.add_argument("--out", type=Path, metavar="FILE", help="a .parquet or .csv of all figures")


def _gate(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--fund", type=Path, metavar="FUND", help="the fund that it would join, for correlation"
    )
    sub.add_argument(
        "--out", type=Path, metavar="DIR", help="folder of the certificate; left out: beside it"
    )
    sub.add_argument("--json", action="store_true", help="the verdict as JSON, nothing else")


def _runs(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--strategy", default="", metavar="NAME", help="of this strategy only")
    sub.add_argument("--sweep", metavar="ID", help="the combinations of this sweep")
    sub.add_argument(
        "--compare", nargs=2, metavar=("A", "B"), help="two runs side by side, by their ids"
    )
    sub.add_argument("--json", action="store_true", help="as JSON, nothing else")
    sub.add_argument("--mlflow", metavar="URI", help="write all of them into MLflow")


def _factor(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "name",
        metavar="SCORE",
        help="momentum, reversal, low_volatility, a signal of the store, or several with weights: "
        "momentum:0.6,reversal:0.4",
    )
    sub.add_argument(
        "--source", default="embedded", help="embedded, parquet or store, as in [market] (embedded)"
    )
    sub.add_argument("--path", default="", help="file or folder of the source")
    sub.add_argument("--least", type=int, default=30, help="names that a day needs (30)")
    sub.add_argument("--out", type=Path, metavar="FILE", help="an HTML page of what was found")
