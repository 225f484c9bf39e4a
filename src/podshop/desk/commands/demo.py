"""`podshop demo`: the packaged fund of five pods over real prices, from opening to report."""

import argparse
from importlib.resources import as_file, files

from podshop.desk import output
from podshop.desk.terminal import announce_compilation, progress
from podshop.rulebook.config import load


def run(args: argparse.Namespace) -> int:
    """Backtest the demonstration fund, print what happened and what to try next."""
    from podshop.research.backtest import backtest

    with as_file(files("podshop.desk") / "funds" / "demo.toml") as path:
        rules = load(path)
    journal = output.for_backtest(args.out)
    announce_compilation()
    with progress("demo fund") as done:
        result = backtest(rules, journal=journal, progress=done)
    report = output.write(result, args.out)
    output.show(result)
    print(f"\nReport: {report}\n\nTry next:")
    print(f"  podshop explain {args.out}       where the last day's profit or loss came from")
    print(f"  podshop verify {args.out}        recompute the journal, the books and all laws")
    print("  podshop init my-fund            make a fund of your own")
    return 0
