"""`podshop credit FUND`: which pod of a fund earned what, by backtests of its coalitions."""

import argparse
import csv
import io
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from podshop.desk.terminal import announce_compilation, console, progress
from podshop.domain.error import ConfigError
from podshop.domain.money import money
from podshop.domain.rules import Rules
from podshop.rulebook.config import load

if TYPE_CHECKING:
    from podshop.domain.money import I64
    from podshop.research.credits import FundCredit, Worth

SAMPLES = 10
"""Pairs of orders that are drawn where there are too many coalitions and nobody says how many."""

LONG = 600.0
"""Seconds above which it is said what would be quicker."""


def run(args: argparse.Namespace) -> int:
    """Credit the pods of a fund, print the credits and what they sum to."""
    from podshop.research.coalitions import fund_value
    from podshop.research.credits import METHODS, Worth, check, credit_pods, planned

    rules = load(args.fund)
    pods = len(rules.pods)
    methods = METHODS if args.method == "all" else ("own", args.method)
    samples = drawn(pods, methods, args.samples)
    check(pods, methods, samples)
    writable(args.out)
    announce_compilation()
    say(f"{rules.name}: asking {pods} pods what they wished for")
    value = fund_value(rules, None, _day(args.first), _day(args.last))
    worth = Worth(value)
    most = planned(pods, methods, samples)
    if most > 1:
        foretell(most, timed(worth), pods, samples)
    with progress("coalitions") as done:
        worth.tell(lambda known: done(min(known, most), most))
        credit = credit_pods(worth, methods, samples, args.seed)
        done(most, most)
    if args.out:
        args.out.write_text(as_csv(credit), encoding="utf-8")
    if args.json:
        print(json.dumps(figures(credit, rules, args.seed), indent=2))
    else:
        show(credit, rules)
        print(f"\n{worth.everybody.source}")
    if args.out:
        say(f"Table: {args.out}")
    return 0


def drawn(pods: int, methods: tuple[str, ...], asked: int | None) -> int:
    """Pairs of orders to draw; 0 where every coalition is valued.

    Args:
        pods: in the fund.
        methods: that are asked for.
        asked: by the person; None where nothing was said.
    """
    from podshop.attribution.credit import EXACT_MOST

    if "shapley" not in methods:
        return 0
    if asked is not None:
        return asked
    return SAMPLES if pods > EXACT_MOST else 0


def writable(out: Path | None) -> None:
    """Refuse, before hours of work, a file that cannot be written.

    Raises:
        ConfigError: it is a folder, or its folder does not exist.
    """
    if out is not None and (out.is_dir() or not out.resolve().parent.is_dir()):
        raise ConfigError(f"{out}: is no file in a folder that exists\n  -> choose another --out")


def timed(worth: "Worth") -> float:
    """Seconds of one more backtest, with all pods but the first; the one before compiled."""
    began = time.monotonic()
    worth.micros(np.arange(len(worth.value.rules.pods)) != 0)
    return time.monotonic() - began


def foretell(most: int, seconds: float, pods: int, samples: int) -> None:
    """Say how much work is ahead, and what would be quicker when it is long.

    Args:
        most: backtests there can be.
        seconds: of one.
        pods: in the fund.
        samples: pairs of orders; 0 where none are drawn.
    """
    from podshop.research.credits import METHODS, planned

    ahead = most * seconds
    say(f"up to {most:,} backtests of {seconds:.2g} s each: {lasting(ahead)} at most")
    if samples:
        say(f"Shapley's value of {pods} pods from {samples} pairs of orders, with 95 % intervals")
    if ahead <= LONG:
        return
    ways = {
        "--samples 5": planned(pods, METHODS, 5),
        "--method leave-one-out": planned(pods, ("leave-one-out",), 0),
        "--method euler": planned(pods, ("euler",), 0),
    }
    quicker = ", ".join(f"{way} ({count:,})" for way, count in ways.items() if count < most)
    say(f"That is long. Fewer backtests: {quicker}; shorter ones: an earlier --last.")


def lasting(seconds: float) -> str:
    """A span of time as a person says it."""
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} seconds"


def say(text: str) -> None:
    """Tell the person what goes on, on stderr."""
    print(text, file=sys.stderr, flush=True)


def rows(credit: "FundCredit") -> list[dict[str, Any]]:
    """One row a pod, plain values; only what was asked for."""
    columns: dict[str, Any] = {"pod": credit.pods, "own_micros": credit.own_p.tolist()}
    if credit.left_out_p is not None:
        columns["left_out_micros"] = credit.left_out_p.tolist()
    if credit.risk_p is not None:
        risk = float(credit.risk_p.sum())
        columns["risk_a_year"] = credit.risk_p.tolist()
        columns["risk_share"] = [x / risk if risk else 0.0 for x in credit.risk_p.tolist()]
    if credit.shapley_p is not None and credit.reach_p is not None:
        columns["shapley_micros"] = credit.shapley_p.tolist()
        columns["low_micros"] = (credit.shapley_p - credit.reach_p).tolist()
        columns["high_micros"] = (credit.shapley_p + credit.reach_p).tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def as_csv(credit: "FundCredit") -> str:
    """The rows as text."""
    text, table = io.StringIO(), rows(credit)
    writer = csv.DictWriter(text, list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()


def figures(credit: "FundCredit", rules: Rules, seed: int) -> dict[str, Any]:
    """The credits as plain values.

    Args:
        credit: of the pods.
        rules: of the fund.
        seed: of the drawn orders.

    Returns:
        amounts in micros; `sums` has what each column sums to and what it is to sum to: None for
        leave-one-out, which is no split.
    """
    sums = {"own_micros": _sum(credit.own_p, credit.profit - credit.centre)}
    if credit.left_out_p is not None:
        sums["left_out_micros"] = _sum(credit.left_out_p, None)
    if credit.shapley_p is not None and credit.idle is not None:
        sums["shapley_micros"] = _sum(credit.shapley_p, credit.profit - credit.idle)
    return {
        "fund": rules.name,
        "currency": rules.currency,
        "first": str(credit.first),
        "last": str(credit.last),
        "sessions": credit.sessions,
        "profit_micros": credit.profit,
        "centre_micros": credit.centre,
        "interest_micros": credit.interest,
        "idle_micros": credit.idle,
        "pods": rows(credit),
        "sums": sums,
        "risk_a_year": None if credit.risk_p is None else float(credit.risk_p.sum()),
        "samples": credit.samples,
        "seed": seed if credit.samples else None,
        "backtests": credit.valuations,
    }


def _sum(amount_p: "I64", total: int | None) -> dict[str, int | None]:
    """What a column sums to, what it is to sum to, and the difference."""
    summed = int(amount_p.sum())
    return {"sum": summed, "total": total, "residual": None if total is None else total - summed}


def show(credit: "FundCredit", rules: Rules) -> None:
    """Print the credits, their sums, and what each of them means."""
    from rich.table import Table

    screen = console()
    span = f"{credit.first} to {credit.last}, {credit.sessions:,} sessions"
    screen.print(f"{rules.name}, {span}, {rules.currency}", style="bold", markup=False)
    table = Table(box=None, pad_edge=False, show_footer=True)
    table.add_column("pod", "sum")
    cells = [list(credit.pods)]
    for title, total, column in columns(credit):
        table.add_column(title, total, justify="right")
        cells.append(column)
    for row in zip(*cells, strict=True):
        table.add_row(*row)
    screen.print(table)
    print()
    for line in meanings(credit):
        screen.print(line, markup=False)


def columns(credit: "FundCredit") -> list[tuple[str, str, list[str]]]:
    """Title, sum and cells of every column that was asked for."""
    found = [("own profit", credit.own_p)]
    if credit.left_out_p is not None:
        found.append(("left out", credit.left_out_p))
    told = [_column(title, amount_p) for title, amount_p in found]
    if credit.risk_p is not None:
        risk = float(credit.risk_p.sum())
        told.append(("risk a year", f"{risk:,.2f}", [f"{x:,.2f}" for x in credit.risk_p]))
        share = [f"{x / risk:.1%}" if risk else "" for x in credit.risk_p]
        told.append(("of risk", "100.0%" if risk else "", share))
    if credit.shapley_p is not None and credit.reach_p is not None:
        told.append(_column("Shapley", credit.shapley_p))
        if credit.samples:
            told.append(("+-", "", [money(int(x)) for x in credit.reach_p]))
    return told


def _column(title: str, amount_p: "I64") -> tuple[str, str, list[str]]:
    return title, money(int(amount_p.sum())), [money(int(amount)) for amount in amount_p]


def meanings(credit: "FundCredit") -> list[str]:
    """One line on what each column means and sums to."""
    missed = credit.profit - credit.centre - int(credit.own_p.sum())
    own = (
        f"own profit: what the pod's own book made, {money(credit.interest)} of it interest on "
        f"cash. With {money(credit.centre)} of the centre it sums to the fund's profit of "
        f"{money(credit.profit)}, residual {missed} micros."
    )
    told = [own]
    if credit.left_out_p is not None:
        told.append(
            "left out: what the fund would have missed without the pod. It is no split and does "
            f"not sum: {money(int(credit.left_out_p.sum()))} here."
        )
    if credit.risk_p is not None:
        told.append(
            "risk a year: the pod's share, by covariance (Euler), of the volatility of the pods' "
            "profit, to which it sums; below 0 for a pod that made the fund calmer."
        )
    if credit.shapley_p is not None and credit.idle is not None:
        total = credit.profit - credit.idle
        how = (
            f"{credit.samples} pairs of drawn orders; +- is the 95 % interval of each pod alone"
            if credit.samples
            else f"all {2 ** len(credit.pods):,} coalitions"
        )
        told.append(
            "Shapley: what the pod added on average, whoever traded before it. Sums to "
            f"{money(total)}, residual {total - int(credit.shapley_p.sum())} micros: the fund's "
            f"profit less {money(credit.idle)} that it would have made with nobody. From {how}."
        )
    return told


def _day(day: Any) -> np.datetime64 | None:
    return None if day is None else np.datetime64(day, "D")
