"""What trading will cost, and whether the money is enough, before a strategy is launched.

Each pod's bill is its own: what it paid on its own capital, session by session (`bill`). Capacity
is the capital at which 95 % of its trades are below a share of the session's volume.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from podshop.domain.event import FillKind, Part
from podshop.domain.money import F64, MICROS
from podshop.research.bill import Bill, Trades, capacity
from podshop.research.run import Run

COSTLY = 0.02
"""Cost a year, of the capital, from which on a warning is due."""
CAPITAL_A_POD = 25_000
"""Least capital of a pod in currency units: 3 pods need 75,000, 5 pods 125,000."""
FULL = 0.10
"""Share of a session's volume beyond which a trade moves the market against itself."""
PAID = (Part.COMMISSION, Part.SPREAD, Part.IMPACT, Part.NETTING, Part.BORROW, Part.FEE)


@dataclass(frozen=True, slots=True)
class PodCosts:
    """What one pod's trading costs.

    Attributes:
        pod: its name.
        turnover: value bought plus sold a year, as a multiple of its capital.
        parts: cost of trading and holding -> a year, fraction of the capital; positive is paid.
        fee: management fee a year, likewise.
        high: share of the session's volume that 95 % of its trades stay below; NaN where no volume
            is known.
        capacity: capital in currency units at which that share is `FULL`; NaN likewise.
    """

    pod: str
    turnover: float
    parts: dict[str, float]
    fee: float
    high: float
    capacity: float

    @property
    def cost(self) -> float:
        """Costs of trading and holding a year, fraction of the capital."""
        return sum(self.parts.values())


def costs_of(run: Run) -> list[PodCosts]:
    """What each pod's trading cost in a run."""
    return [costs_of_pod(run, p) for p in range(len(run.rules.pods))]


def costs_of_pod(run: Run, p: int) -> PodCosts:
    """What the trading of pod number `p` cost in a run."""
    bill = bill_of_pod(run, p)
    if not len(bill.capital):
        return PodCosts(run.rules.pods[p].id, 0.0, {}, 0.0, math.nan, math.nan)
    carried = capacity(np.zeros(len(bill.capital)), bill)
    parts = bill.yearly()
    fee = parts.pop(Part.FEE.name.lower())
    most = carried.at.get(FULL, (math.nan, math.nan))[1]
    return PodCosts(run.rules.pods[p].id, bill.turnover, parts, fee, carried.high, most)


def bill_of_pod(run: Run, p: int) -> Bill:
    """What a pod paid, session by session, on the capital that it had before the day's profit.

    Sessions on which it had none are left out.
    """
    tape = run.tape
    part_dk = tape.part_dpk[:, p, :]
    profit_d = part_dk.sum(axis=1) - part_dk[:, Part.TRANSFER]
    capital_d = (tape.nav_dp[:, p] - profit_d) / MICROS
    had = capital_d > 1.0
    traded_d, trades = _trades(run, p, np.where(had, capital_d, np.nan))
    capital = capital_d[had]
    return Bill(
        parts={k.name.lower(): -part_dk[had, k] / MICROS / capital + 0.0 for k in PAID},
        capital=capital,
        traded=traded_d[had] / capital,
        trades=trades,
    )


def _trades(run: Run, p: int, capital_d: F64) -> tuple[F64, Trades]:
    """Value that a pod traded each session, and what its trades took of the volume."""
    traded_d = np.zeros(len(capital_d))
    shares, capital, unknown = [np.zeros(0)], [np.zeros(0)], 0
    at = {int(day): d for d, day in enumerate(run.tape.day_d)}
    for day, fill in run.tape.fills:
        mine = (fill.pod_r == p) & (fill.kind_r != FillKind.FORCED)
        if not mine.any():
            continue
        d = at[int(day)]
        lots, asset = np.abs(fill.lots_r[mine]), fill.asset_r[mine]
        traded_d[d] += float((lots * (fill.price_r[mine] / MICROS)).sum())
        volume = run.market.volume_tn[run.start + d][asset]
        known = volume > 0
        shares.append(lots[known] / volume[known])
        capital.append(np.full(int(known.sum()), capital_d[d]))
        unknown += int((~known).sum())
    taken, borne = np.concatenate(shares), np.concatenate(capital)
    sound = np.isfinite(borne)
    return traded_d, Trades(taken[sound], borne[sound], unknown)


def warnings(run: Run, found: list[PodCosts]) -> Iterator[str]:
    """What a person should know before launching this."""
    for one in found:
        if one.cost > COSTLY:
            yield (
                f"{one.pod}: trading costs {one.cost:.2%} of its capital a year, more than "
                f"{COSTLY:.0%}; trade less often or in more liquid names"
            )
        if one.high > FULL:
            yield (
                f"{one.pod}: 5 % of its trades are more than {one.high:.0%} of a day's volume; "
                f"its capacity is about {one.capacity:,.0f}"
            )
        if not math.isfinite(one.high):
            yield f"{one.pod}: the data has no volume, so its capacity is not known"
    capital, pods = run.rules.capital / MICROS, len(found)
    if capital < CAPITAL_A_POD * pods:
        yield (
            f"{capital:,.0f} is too little for {pods} pods: {CAPITAL_A_POD * pods:,.0f} or more "
            f"({CAPITAL_A_POD:,.0f} a pod)"
        )
