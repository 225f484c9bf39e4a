"""A day, a week or a month in one sentence: who made the money and what it cost.

"Made $500: $400 momentum, $200 tech, lost $100 to slippage." The amounts named add up to the total
exactly, in cents; what rounding leaves over is named too. Capital that moved is not profit and is
said apart.
"""

from collections import defaultdict
from dataclasses import dataclass

import polars as pl

CENT = 10_000
"""Micros in a cent."""

CAPITAL = ("flow", "transfer")
"""Parts that move capital; everything else is profit or loss."""

GROUPS = {"spread": "slippage", "impact": "slippage"}
"""Parts that are told together."""

# How a gain is put first, how a gain follows a loss, and how a loss is put.
WORDS = {
    "slippage": ("slippage in our favour", "from slippage", "to slippage"),
    "commission": ("commission rebates", "in commission rebates", "to commission"),
    "netting": ("saved by netting", "by netting", "to crowding"),
    "borrow": ("borrow refunds", "in borrow refunds", "to borrow fees"),
    "interest": ("interest", "in interest", "to interest"),
    "fee": ("fee refunds", "in fee refunds", "to fees"),
    "rounding": ("rounding", "in rounding", "to rounding"),
}
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}


@dataclass(frozen=True, slots=True)
class Named:
    """One amount that the sentence names.

    Attributes:
        what: pod, or group of costs.
        pod: True for what a pod earned before costs.
        cents: gains positive, losses negative.
    """

    what: str
    pod: bool
    cents: int


def to_cents(micros: int) -> int:
    """Round micros to cents, half away from zero."""
    cents = (abs(micros) + CENT // 2) // CENT
    return cents if micros >= 0 else -cents


def named(parts: pl.DataFrame, most: int = 6) -> list[Named]:
    """The amounts that make up a profit or loss: pods before costs, then costs, then rounding.

    Args:
        parts: rows (pod, part, amount_micros) of the days told about.
        most: pods named one by one; the others are told as one.

    Returns:
        Amounts that are not zero, the largest first, pods before costs, rounding last; their cents
        add up to the cents of the total.
    """
    by_pod: dict[str, int] = defaultdict(int)
    by_cost: dict[str, int] = defaultdict(int)
    for pod, part, micros in _totals(parts):
        if part in ("price", "dividend"):
            by_pod["the centre" if pod == "centre" else pod] += micros
        elif part not in CAPITAL:
            by_cost[GROUPS.get(part, part)] += micros
    total = sum(by_pod.values()) + sum(by_cost.values())
    pods = sorted((p for p in by_pod if by_pod[p]), key=lambda p: (-abs(by_pod[p]), p))
    if len(pods) > most:
        rest = f"the other {len(pods) - most + 1} pods"
        by_pod[rest] = sum(by_pod[p] for p in pods[most - 1 :])
        pods = [*pods[: most - 1], rest]
    rows = [Named(p, True, to_cents(by_pod[p])) for p in pods]
    costs = sorted(by_cost, key=lambda c: (-abs(by_cost[c]), c))
    rows += [Named(c, False, to_cents(by_cost[c])) for c in costs]
    rows.append(Named("rounding", False, to_cents(total) - sum(row.cents for row in rows)))
    return [row for row in rows if row.cents]


def _totals(parts: pl.DataFrame) -> list[tuple[str, str, int]]:
    """(pod, part, micros) summed over days and symbols, in a fixed order."""
    sums = parts.group_by("pod", "part").agg(pl.col("amount_micros").sum()).sort("pod", "part")
    return list(sums.select("pod", "part", "amount_micros").iter_rows())


def sentence(parts: pl.DataFrame, currency: str = "USD", most: int = 6) -> str:
    """Tell what was made or lost, by whom, and to what.

    Args:
        parts: rows (pod, part, amount_micros) of the days told about.
        currency: three letters.
        most: pods named one by one; the others are told as one.

    Returns:
        One sentence, and one more when capital moved.
    """
    rows = named(parts, most)
    moved = _capital(parts)
    amounts = [row.cents for row in rows] + [cents for cents, _ in moved]
    whole = all(cents % 100 == 0 for cents in amounts)

    def say(cents: int) -> str:
        return _money(abs(cents), currency, whole)

    total = sum(row.cents for row in rows)
    gains = [row for row in rows if row.cents > 0]
    losses = [row for row in rows if row.cents < 0]
    lost = ", ".join(f"{say(row.cents)} {_loss(row)}" for row in losses)
    follow = ", ".join(f"{say(row.cents)} {_gain(row, lead=False)}" for row in gains)
    if not rows:
        told = "Nothing made, nothing lost."
    elif total > 0:
        lead = ", ".join(f"{say(row.cents)} {_gain(row, lead=True)}" for row in gains)
        told = f"Made {say(total)}: {lead}" + (f", lost {lost}." if lost else ".")
    elif total < 0:
        told = f"Lost {say(total)}: {lost}" + (f", but made {follow}." if follow else ".")
    else:
        told = f"Broke even: made {follow}, lost {lost}."
    return " ".join([told, *(f"{say(cents)} {how}, which is not profit." for cents, how in moved)])


def _gain(row: Named, lead: bool) -> str:
    """What follows the amount of a gain."""
    if row.pod:
        return row.what if lead else f"in {row.what}"
    return WORDS.get(row.what, (row.what, f"in {row.what}"))[0 if lead else 1]


def _loss(row: Named) -> str:
    """What follows the amount of a loss."""
    if row.pod:
        return f"in {row.what}"
    return WORDS[row.what][2] if row.what in WORDS else f"to {row.what}"


def _capital(parts: pl.DataFrame) -> list[tuple[int, str]]:
    """Capital that came and went, as (cents, words); transfers between pods cancel."""
    amount = pl.col("amount_micros")
    flow = parts.filter(pl.col("part") == "flow")["amount_micros"]
    transfer = parts.filter(pl.col("part") == "transfer").select(amount.sum()).item()
    told = [
        (to_cents(int(flow.filter(flow > 0).sum())), "was paid in"),
        (to_cents(int(flow.filter(flow < 0).sum())), "was taken out"),
        (to_cents(transfer), "was moved in from" if transfer > 0 else "was moved out to"),
    ]
    told[2] = (told[2][0], f"{told[2][1]} the rest of the fund")
    return [(cents, how) for cents, how in told if cents]


def _money(cents: int, currency: str, whole: bool) -> str:
    """`$1,234.50`, or `$1,234` where every amount of the sentence is whole."""
    text = f"{cents // 100:,}" if whole else f"{cents // 100:,}.{cents % 100:02d}"
    return SYMBOLS.get(currency, f"{currency} ") + text
