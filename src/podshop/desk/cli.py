"""The command line: `podshop demo`, `init`, `backtest`, `run`, `data`, `research`, `explain` ...

Only the standard library is imported here, so that `podshop --help` answers at once; each command
lives in a file of its own in `commands/` and imports what it needs when it runs.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import podshop
from podshop.desk import (
    credit_words,
    data_words,
    environment,
    macro_words,
    pods_words,
    research_words,
)
from podshop.desk.data_words import day
from podshop.domain.error import (
    BrokerError,
    ConfigError,
    DataError,
    FundError,
    LawBroken,
    LedgerError,
    PodError,
    RequestRefused,
    SolverError,
)

OK, FOUND, USAGE, UNNAMED, BUG, INTERRUPTED = 0, 1, 2, 5, 70, 130

ERRORS: tuple[tuple[type[FundError], int, str, str], ...] = (
    (
        ConfigError,
        USAGE,
        "Nothing was done: it cannot be done as it is asked for or described.",
        "Mend what is named above.",
    ),
    (
        RequestRefused,
        USAGE,
        "What was asked cannot be done now; nothing was written down.",
        "`podshop pods list` shows how the pods stand.",
    ),
    (
        DataError,
        3,
        "The data cannot be trusted or is missing; nothing was traded on it.",
        "Mend or complete the data, then give the same command again.",
    ),
    (
        PodError,
        4,
        "A pod broke its contract; the fund does not run on it.",
        "Mend the pod named above, or remove it from the fund file.",
    ),
    (
        LawBroken,
        FOUND,
        "A law of the ledger does not hold; nothing is traded until it does.",
        "Keep the folder as it is and run `podshop verify` on it.",
    ),
    (
        LedgerError,
        5,
        "The journal and the books do not agree; nothing is traded until they do.",
        "Keep the folder as it is and run `podshop verify` on it.",
    ),
    (
        BrokerError,
        5,
        "The broker did not do what was expected; no outcome is guessed.",
        "Look at the account, then give the same command again: it goes on where it stopped.",
    ),
    (SolverError, 5, "No optimiser found a solution.", "Loosen the constraints in the fund file."),
)
"""Error, exit code, why it stops the fund, what to do; the first that fits is told."""

TOLD = {
    "demo": "run a fund of five pods on real prices",
    "init": "make a folder with a fund of your own",
    "backtest": "run a fund over history",
    "run": "run a fund session by session, going on where it stopped",
    "pods": "show the stages of a fund's pods; hire, cut, restore and retire them",
    "data": "fill, check and ask the market store",
    "research": "try strategies and judge what they show",
    "macro": "decide by hand: add to the journal of decisions, list it, close",
    "listen": "take decisions from other programs, signed, into the journal of decisions",
    "explain": "say where a day's profit or loss came from",
    "pay": "say what managers and authors are paid for a quarter",
    "credit": "say which pod of a fund earned what, by who else traded",
    "verify": "recompute the journal's chain, the books and all laws",
    "doctor": "check the installation and say how to mend it",
}
"""The commands, in the order in which a newcomer needs them."""

FUND: dict[str, Any] = {"metavar": "FUND", "help": "fund file, or a folder with a fund.toml"}
OUT: dict[str, Any] = {
    "metavar": "DIR",
    "help": "folder for the journal, the tables and the report",
}
RESULT: dict[str, Any] = {
    "metavar": "DIR",
    "help": "folder that a demo, backtest or paper run wrote",
}

EPILOG = """\
exit codes: 0 ok, 1 a check failed, 2 usage or fund file, 3 market data, 4 a pod,
            5 ledger or broker, 70 a bug in podshop, 130 interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: words after `podshop`; None for those of the process.

    Returns:
        exit code, see `EPILOG`.
    """
    environment.apply()
    try:
        args = parser().parse_args(argv)
    except SystemExit as stop:  # argparse has said what it had to say
        return int(stop.code or OK)
    try:
        name = "paper" if args.command == "run" else args.command
        return int(import_module(f"podshop.desk.commands.{name}").run(args))
    except FundError as error:
        return told(error, args.debug)
    except KeyboardInterrupt:
        print("\nInterrupted; give the same command again.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`podshop demo | head`); that is no error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        if args.debug:
            traceback.print_exc()
        print(f"{error}\nCheck the folder, its permissions and the free space.", file=sys.stderr)
        return USAGE
    except Exception as error:  # noqa: BLE001 - the outermost frame: nothing may pass unexplained
        return unexpected(error)


def told(error: FundError, debug: bool) -> int:
    """Say what happened, why it stops the fund and what to do; no traceback unless asked for.

    Args:
        error: what was raised.
        debug: True to show where.

    Returns:
        the exit code.
    """
    if debug:
        traceback.print_exception(error)
    for kind, code, why, step in ERRORS:
        if isinstance(error, kind):
            print(f"{error}\n\n{why}\n{step}", file=sys.stderr)
            return code
    print(f"{error}", file=sys.stderr)
    return UNNAMED


def unexpected(error: Exception) -> int:
    """Say that a package is missing, or that there is a bug to report.

    Args:
        error: anything that podshop did not raise on purpose.

    Returns:
        the exit code.
    """
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and not missing.startswith("podshop"):
        print(f"{missing} is not installed; `podshop doctor` says more.", file=sys.stderr)
        return USAGE
    traceback.print_exception(error)
    print("This is a bug in podshop; please report the lines above.", file=sys.stderr)
    return BUG


def parser() -> argparse.ArgumentParser:
    """The whole grammar of the command line."""
    top = argparse.ArgumentParser(
        prog="podshop",
        description="A multi-manager hedge fund for one person.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"podshop {podshop.__version__}")
    top.add_argument("--debug", action="store_true", help="show tracebacks")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    made = {
        name: commands.add_parser(name, help=told, description=told) for name, told in TOLD.items()
    }
    for sub in made.values():
        sub.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks"
        )
    made["demo"].add_argument("--out", type=Path, default=Path("demo-fund"), **OUT)
    made["init"].add_argument(
        "folder", type=Path, metavar="DIR", help="folder to fill; nothing in it is overwritten"
    )
    made["init"].add_argument(
        "--preset",
        choices=["own", "institutional"],
        default="own",
        help="own: a few pods and one of yours; institutional: a house of many pods",
    )
    made["init"].add_argument(
        "--pods",
        type=int,
        default=330,
        metavar="N",
        help="pods of an institutional house, of five types; default %(default)s",
    )
    _backtest(made["backtest"])
    _run(made["run"])
    pods_words.add(made["pods"])
    data_words.add(made["data"])
    research_words.add(made["research"])
    macro_words.add(made["macro"])
    macro_words.add_listen(made["listen"])
    _explain(made["explain"])
    _pay(made["pay"])
    credit_words.add(made["credit"])
    made["verify"].add_argument("folder", type=Path, **RESULT)
    return top


def _backtest(sub: argparse.ArgumentParser) -> None:
    """Words of `podshop backtest`."""
    sub.add_argument("fund", type=Path, **FUND)
    sub.add_argument("--start", type=day, metavar="DATE", help="first session traded")
    sub.add_argument("--end", type=day, metavar="DATE", help="last session traded")
    sub.add_argument("--out", type=Path, **OUT)


def _run(sub: argparse.ArgumentParser) -> None:
    """Words of `podshop run`."""
    sub.add_argument("fund", type=Path, **FUND)
    sub.add_argument(
        "--paper", action="store_true", required=True, help="with the simulated broker; obligatory"
    )
    sub.add_argument("--until", type=day, required=True, metavar="DATE", help="last session to run")
    why = "go on under rules other than the journal's, and say why"
    sub.add_argument("--accept-rules", metavar="WHY", help=why)
    why = "let pods without a certificate of the gate trade, and say why"
    sub.add_argument("--accept-uncertified", metavar="WHY", help=why)
    sub.add_argument(
        "--from", dest="start", type=day, metavar="DATE", help="first session, when the fund opens"
    )
    sub.add_argument("--out", type=Path, **OUT)


def _explain(sub: argparse.ArgumentParser) -> None:
    """Words of `podshop explain`."""
    sub.add_argument("folder", type=Path, **RESULT)
    sub.add_argument("--day", type=day, metavar="DATE", help="the day; left out: the last one")
    sub.add_argument("--pod", metavar="POD", help="one pod only")


def _pay(sub: argparse.ArgumentParser) -> None:
    """Words of `podshop pay`."""
    told = "fund file, a folder with a fund.toml, or the folder that a run wrote (left out: here)"
    sub.add_argument("fund", type=Path, nargs="?", default=Path(), metavar="FUND", help=told)
    told = "the quarter, as 2016Q4; left out: the journal's last"
    sub.add_argument("--quarter", type=quarter, metavar="QUARTER", help=told)
    told = "folder that a run wrote; left out: paper or out beside the fund file"
    sub.add_argument("--journal", type=Path, metavar="DIR", help=told)
    told = "folder for the statements; left out: pay/QUARTER beside the journal"
    sub.add_argument("--out", type=Path, metavar="DIR", help=told)
    sub.add_argument("--json", action="store_true", help="print plain values instead of a table")
    sub.add_argument("--pdf", action="store_true", help="statements as PDF too (Chromium)")


def quarter(text: str) -> str:
    """A calendar quarter of the command line.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    name = text.upper().replace("-", "")
    if len(name) != 6 or not name[:4].isdigit() or name[4] != "Q" or name[5] not in "1234":
        raise argparse.ArgumentTypeError(f"{text!r} is no quarter; write it as 2016Q4")
    return name


if __name__ == "__main__":
    sys.exit(main())
