"""`podshop backtest FUND`: a fund over history, with journal, tables and report."""

import argparse
from dataclasses import replace
from datetime import date

import numpy as np

from podshop.desk import output
from podshop.desk.terminal import announce_compilation, progress
from podshop.domain.error import ConfigError
from podshop.domain.rules import Rules
from podshop.rulebook.config import load
from podshop.rulebook.fundfile import folder_of


def run(args: argparse.Namespace) -> int:
    """Backtest a fund, print what happened and where it is written."""
    from podshop.research.backtest import backtest

    rules = between(load(args.fund), args.start, args.end)
    folder = args.out or folder_of(args.fund) / "out"
    journal = output.for_backtest(folder)
    announce_compilation()
    with progress(rules.name) as done:
        result = backtest(rules, journal=journal, progress=done)
    report = output.write(result, folder)
    output.show(result)
    print(f"\nReport: {report}\nJournal: {journal}")
    return 0


def between(rules: Rules, start: date | None, end: date | None) -> Rules:
    """The rules with other first and last sessions; who the fund is does not change.

    Raises:
        ConfigError: the end is not after the start.
    """
    market = rules.market
    if start is not None:
        market = replace(market, start=np.datetime64(start, "D"))
    if end is not None:
        market = replace(market, end=np.datetime64(end, "D"))
    if market.start is not None and market.end is not None and market.end <= market.start:
        raise ConfigError(
            f"the last session {market.end} is not after the first {market.start}\n"
            "  -> change --start or --end, or `start` and `end` in [market] of the fund file"
        )
    return replace(rules, market=market)
