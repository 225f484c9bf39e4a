"""Double entry: every event as postings that sum to zero per commodity, exactly.

Accounts: `pod/<number>` and `centre` are what the fund owns; `street` is the counterparty of
trades, `income/<part>` where dividends, interest, fees and flows come from, `capital` the money
paid in at the start. Commodities: `cash` in micros, `asset/<id>` in lots.
"""

from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from podshop.domain.event import (
    CENTRE,
    Accrued,
    ActionApplied,
    Allocated,
    Filled,
    FillKind,
    FundOpened,
    Part,
    PodClosed,
    SplitApplied,
    Swept,
)

CASH = "cash"


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of a double entry: `amount` of `commodity` into `account` (negative: out of it)."""

    account: str
    commodity: str
    amount: int


def owner(pod: int) -> str:
    """Account of a pod or of the centre."""
    return "centre" if pod == CENTRE else f"pod/{pod}"


def _both(to: str, source: str, commodity: str, amount: int) -> list[Posting]:
    return [Posting(to, commodity, amount), Posting(source, commodity, -amount)]


@singledispatch
def postings(_event: Any) -> list[Posting]:
    """The postings of an event; events that only tell have none."""
    return []


@postings.register
def _opened(event: FundOpened) -> list[Posting]:
    return _both("centre", "capital", CASH, event.capital)


@postings.register
def _accrued(event: Accrued) -> list[Posting]:
    lines: list[Posting] = []
    for pod, part, amount in zip(event.pod_r, event.part_r, event.amount_r, strict=True):
        lines += _both(owner(int(pod)), f"income/{Part(part).name.lower()}", CASH, int(amount))
    return lines


@postings.register
def _filled(event: Filled) -> list[Posting]:
    """Market fills trade with the street; crosses only among pods: their own rows must balance."""
    lines: list[Posting] = []
    for r in range(len(event.pod_r)):
        account, lots = owner(int(event.pod_r[r])), int(event.lots_r[r])
        value, fee = lots * int(event.price_r[r]), int(event.fee_r[r])
        asset = f"asset/{event.asset_r[r]}"
        if event.kind_r[r] == FillKind.CROSS:
            lines += [Posting(account, asset, lots), Posting(account, CASH, -value)]
        else:
            lines += _both(account, "street", asset, lots) + _both("street", account, CASH, value)
        if fee:
            lines += _both("income/commission", account, CASH, fee)
    return lines


@postings.register
def _split(event: SplitApplied) -> list[Posting]:
    lines: list[Posting] = []
    for pod, cash in zip(event.pod_r, event.cash_r, strict=True):
        lines += _both(owner(int(pod)), "street", CASH, int(cash))
    return lines + _both("centre", "street", CASH, event.centre_cash)


@postings.register
def _action(event: ActionApplied) -> list[Posting]:
    return _both("centre", owner(event.pod), CASH, event.moved)


@postings.register
def _closed(event: PodClosed) -> list[Posting]:
    return _both("centre", owner(event.pod), CASH, event.moved)


@postings.register
def _swept(event: Swept) -> list[Posting]:
    lines: list[Posting] = []
    for pod, moved in zip(event.pod_r, event.moved_r, strict=True):
        lines += _both("centre", owner(int(pod)), CASH, int(moved))
    return lines


@postings.register
def _allocated(event: Allocated) -> list[Posting]:
    lines: list[Posting] = []
    for pod, moved in enumerate(event.moved_p):
        lines += _both(owner(pod), "centre", CASH, int(moved))
    return lines
