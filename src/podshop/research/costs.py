"""What trading will cost, and whether the money is enough, before a strategy is launched.

turnover       value traded a year over the mean NAV; buying and selling count once each
cost           commission, half spread, impact, borrow; a year, over the mean NAV
participation  the trade over the volume of its day
capacity       the capital at which 95 % of the trades are below a share of the day's volume:
               participation is proportional to capital as long as weights stay the same
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from podshop.domain.event import FillKind, Part
from podshop.domain.money import F64, MICROS
from podshop.research.run import Run

YEAR = 252
COSTLY = 0.02
"""Cost a year, of the capital, from which on a warning is due."""
CAPITAL_A_POD = 25_000
"""Least capital of a pod in currency units: 3 pods need 75,000, 5 pods 125,000."""
FULL = 0.10
"""Share of a day's volume beyond which a trade moves the market against itself."""

COSTS = (Part.COMMISSION, Part.SPREAD, Part.IMPACT, Part.NETTING, Part.BORROW)


@dataclass(frozen=True, slots=True)
class PodCosts:
    """What one pod's trading costs.

    Attributes:
        pod: its name.
        turnover: a year.
        parts: cost part -> a year, fraction of the mean NAV; positive is paid.
        fee: management fee a year, likewise.
        participation: median and 95 % quantile of trade over volume; NaN where no volume is known.
        capacity: capital in currency units at which 95 % of trades are below `FULL`; NaN likewise.
        nav: mean NAV, currency units.
    """

    pod: str
    turnover: float
    parts: dict[str, float]
    fee: float
    participation: tuple[float, float]
    capacity: float
    nav: float

    @property
    def cost(self) -> float:
        """Trading costs a year, fraction of the mean NAV."""
        return sum(self.parts.values())


def costs_of(run: Run) -> list[PodCosts]:
    """What each pod's trading cost in a run."""
    return [costs_of_pod(run, p) for p in range(len(run.rules.pods))]


def costs_of_pod(run: Run, p: int) -> PodCosts:
    """What the trading of pod number `p` cost in a run."""
    tape = run.tape
    nav_d = tape.nav_dp[:, p] / MICROS
    held = nav_d > 0.0
    nav, years = float(nav_d[held].mean()) if held.any() else 0.0, max(held.sum() / YEAR, 1 / YEAR)
    part_k = tape.part_dpk[:, p, :].sum(axis=0) / MICROS
    traded, share = _trades(run, p)
    scale = nav * years if nav > 0.0 else np.inf
    known = share[np.isfinite(share)]
    median, high = (
        (float(np.median(known)), float(np.quantile(known, 0.95)))
        if len(known)
        else (np.nan, np.nan)
    )
    return PodCosts(
        pod=run.rules.pods[p].id,
        turnover=traded / scale,
        parts={part.name.lower(): float(-part_k[part]) / scale for part in COSTS},
        fee=float(-part_k[Part.FEE]) / scale,
        participation=(median, high),
        capacity=nav * FULL / high if high > 0.0 else np.nan,
        nav=nav,
    )


def _trades(run: Run, p: int) -> tuple[float, F64]:
    """Value that a pod traded, currency units, and each trade's share of its day's volume."""
    value, shares = 0.0, []
    first = int(run.tape.day_d[0])
    row_of = {int(day): run.start + d for d, day in enumerate(run.tape.day_d)}
    for day, fill in run.tape.fills:
        mine = (fill.pod_r == p) & (fill.kind_r != FillKind.FORCED)
        if not mine.any():
            continue
        lots, asset = np.abs(fill.lots_r[mine]), fill.asset_r[mine]
        value += float((lots * (fill.price_r[mine] / MICROS)).sum())
        volume = run.market.volume_tn[row_of.get(int(day), first)][asset]
        shares.append(np.where(volume > 0, lots / np.maximum(volume, 1), np.nan))
    return value, np.concatenate(shares) if shares else np.zeros(0)


def warnings(run: Run, found: list[PodCosts]) -> Iterator[str]:
    """What a person should know before launching this."""
    for one in found:
        if one.cost > COSTLY:
            yield (
                f"{one.pod}: trading costs {one.cost:.2%} of its capital a year, more than "
                f"{COSTLY:.0%}; trade less often or in more liquid names"
            )
        if one.participation[1] > FULL:
            yield (
                f"{one.pod}: 5 % of its trades are more than {one.participation[1]:.0%} of a "
                f"day's volume; its capacity is about {one.capacity:,.0f}"
            )
        if not np.isfinite(one.participation[1]):
            yield f"{one.pod}: the data has no volume, so its capacity is not known"
    capital, pods = run.rules.capital / MICROS, len(found)
    if capital < CAPITAL_A_POD * pods:
        yield (
            f"{capital:,.0f} is too little for {pods} pods: {CAPITAL_A_POD * pods:,.0f} or more "
            f"({CAPITAL_A_POD:,.0f} a pod)"
        )
