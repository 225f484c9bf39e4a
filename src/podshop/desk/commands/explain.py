"""`podshop explain DIR`: the parts that a day's profit or loss is made of, with journal entries."""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from podshop.desk import output
from podshop.desk.terminal import console
from podshop.domain.money import money
from podshop.domain.pod import Stage

if TYPE_CHECKING:
    from rich.table import Table

    from podshop.attribution.explain import ExplainedPart, Explanation

LIFE = ("PodStaged", "Answered", "Audited", "Reviewed")
"""Entries about the pods' lives."""

SHOWN = 8
"""Journal entries named a row; the rest is counted."""


def run(args: argparse.Namespace) -> int:
    """Explain one day of a fund, or of one pod."""
    from podshop.adapters.stores.sqlite import read_entries
    from podshop.attribution.explain import explain

    output.existing(args.folder)
    day = None if args.day is None else np.datetime64(args.day, "D")
    journal = args.folder / output.JOURNAL
    told = explain(read_entries(journal), day, args.pod)
    show(told, told.pods)
    return 0


def show(told: "Explanation", pods: Sequence[str]) -> None:
    """Print a day: NAV before and after, the parts, the decisions.

    Args:
        told: the day.
        pods: ids by pod number.
    """
    screen = console()
    whose = f"pod {told.pod}" if told.pod else "fund"
    change = told.nav_after - told.nav_before
    screen.print(f"{told.day} {whose}", style="bold", markup=False)
    screen.print(f"NAV {money(told.nav_before)} -> {money(told.nav_after)}, {signed(change)}\n")
    screen.print(table(told, change))
    said = [(seq, decision(kind, json.loads(text), pods)) for seq, kind, text in told.told]
    if any(words for _, words in said):
        screen.print("\nDecided at the close", style="bold")
    for seq, words in said:
        if words:
            screen.print(f"  entry {seq}: {words}", markup=False)


def decision(kind: str, body: dict[str, Any], pods: Sequence[str]) -> str:
    """Say what an entry decided; nothing for entries that explain amounts.

    Args:
        kind: the event's name.
        body: the event as the journal has it.
        pods: ids by pod number.
    """
    if kind == "Breached":
        breach = body["breach"]
        if breach["limit"] == "review":
            return (
                f"{_pod(breach['pod'], pods)} was too weak: Sharpe {breach['measured']:.2f} < "
                f"{breach['threshold']:.2f}, {breach['action'].lower()}"
            )
        return (
            f"{_pod(breach['pod'], pods)} crossed {breach['limit']}: "
            f"{breach['measured']:.2%} >= {breach['threshold']:.2%}, {breach['action'].lower()}"
        )
    if kind == "ActionApplied":
        return f"{_pod(body['pod'], pods)} {body['action'].lower()}: keeps {body['keep']:.0%}"
    if kind == "PodClosed":
        return f"{_pod(body['pod'], pods)} closed, {money(body['moved'])} to the centre"
    if kind == "Allocated":
        shares = zip(pods, body["share_p"], strict=True)
        return f"capital shared out ({body['why']}): " + ", ".join(
            f"{pod} {share:.1%}" for pod, share in shares
        )
    if kind in LIFE:
        return _of_life(kind, body, pods)
    if kind == "OrderIntended":
        return f"{len(body['orders']['id_o'])} orders for the next session"
    return f"halted: {body['cause']}" if kind == "Halted" else ""


def _of_life(kind: str, body: dict[str, Any], pods: Sequence[str]) -> str:
    """Say what an entry about the pods' lives decided."""
    if kind == "PodStaged":
        stage = Stage(body["stage"]).name.lower()
        return f"{_pod(body['pod'], pods)} enters {stage} ({body['who']}: {body['why']})"
    if kind == "Answered":
        done = "done" if body["done"] else "refused"
        return f"{_pod(body['pod'], pods)} {body['act']}: {done}, {body['why']}"
    if kind == "Audited":
        worst = body["replace"]
        last = f"; the pod to replace is {pods[worst]}" if worst >= 0 else ""
        return f"average correlation of {len(body['pod_r'])} pods {body['average']:.2f}{last}"
    shown = zip(body["pod_r"], body["sharpe_r"], strict=True)
    rows = ", ".join(f"{pods[p]} {sharpe:.2f}" for p, sharpe in shown)
    return f"review of the {body['period']}, Sharpe ratios: {rows}"


def _pod(number: int, pods: Sequence[str]) -> str:
    """Name a pod, or the fund."""
    return pods[number] if number >= 0 else "the fund"


def table(told: "Explanation", change: int) -> "Table":
    """The parts as rows: of the fund by pod and part, of one pod by name and part.

    Args:
        told: the day.
        change: of the NAV, micros, which the parts must sum to.
    """
    from rich.table import Table

    made = Table(box=None, pad_edge=False, show_footer=True)
    made.add_column("name" if told.pod else "pod", "sum of the parts")
    made.add_column("part", f"residual {change - told.total} micros")
    made.add_column("amount", signed(told.total), justify="right")
    made.add_column("journal entries")
    for (name, part), amount, entries in summed(told):
        made.add_row(name or "cash", part, signed(amount), listed(entries))
    return made


def summed(told: "Explanation") -> list[tuple[tuple[str, str], int, set[int]]]:
    """Amounts and entries by pod (or name) and part; within each, the largest first."""
    amounts: dict[tuple[str, str], int] = defaultdict(int)
    entries: dict[tuple[str, str], set[int]] = defaultdict(set)
    sizes: dict[str, int] = defaultdict(int)
    for part in told.parts:
        name = _name(part, told.pod)
        amounts[name, part.part] += part.amount
        entries[name, part.part].update(part.entries)
        sizes[name] += abs(part.amount)
    order = sorted(amounts, key=lambda key: (-sizes[key[0]], key[0], -abs(amounts[key]), key[1]))
    return [(key, amounts[key], entries[key]) for key in order]


def _name(part: "ExplainedPart", pod: str) -> str:
    """What a row is named by: the pod, or within one pod the name traded."""
    return part.symbol if pod else part.pod


def signed(micros: int) -> str:
    """Micros with their sign, to the cent: `+1,234.57`."""
    text = money(micros)
    return text if text.startswith("-") else f"+{text}"


def listed(entries: Iterable[int]) -> str:
    """Journal entries by number, the first few."""
    numbers = sorted(entries)
    more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
    return ", ".join(str(number) for number in numbers[:SHOWN]) + more
