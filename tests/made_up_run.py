"""A made-up run: the tables of `podshop.research.run.Run` from seeded dice, exact to the micro.

It obeys the books' identities (parts add up to the change of NAV, transfers cancel, a ladder that
halves at 5 % and terminates at 10 %), so that a report of it can be checked against its own tables.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

MILLION = 1_000_000_000_000
NAMES = ("momentum", "residual", "rsi", "trend", "sector-neutral")
MANIFEST = {
    "fund": {"name": "Five Pods", "capital": 1_000_000, "currency": "USD"},
    "limit": [
        {"use": "drawdown", "scope": "pod", "halve_at": 0.05, "terminate_at": 0.10},
        {"use": "drawdown", "scope": "fund", "halt_at": 0.15},
    ],
    "pod": [{"id": name, "strategy": name.replace("-", "_")} for name in NAMES],
}


@dataclass(frozen=True)
class MadeUpRules:
    """What a report reads of the rules."""

    name: str = "Five Pods"
    currency: str = "USD"
    capital: int = MILLION
    manifest: dict[str, Any] = field(default_factory=lambda: MANIFEST)


@dataclass(frozen=True)
class MadeUpRun:
    """The attributes of a Run."""

    nav: pl.DataFrame
    pods: pl.DataFrame
    attribution: pl.DataFrame
    pod_parts: pl.DataFrame
    orders: pl.DataFrame
    fills: pl.DataFrame
    events: pl.DataFrame
    allocation: pl.DataFrame
    benchmark: pl.DataFrame
    source: str
    rules: MadeUpRules
    summary: dict[str, Any]


@dataclass
class PodBook:
    """One pod of the made-up fund."""

    name: str
    nominal: int
    nav: int
    unit: float = 1.0
    peak: float = 1.0
    keep: float = 1.0
    status: str = "active"


class Dice:
    """The made-up fund, day by day; rows collect in lists."""

    def __init__(self, seed: int, names: tuple[str, ...], sessions: int, flows: bool) -> None:
        self.rng = np.random.default_rng(seed)
        self.days = np.busday_offset("2010-01-04", np.arange(sessions), roll="forward").astype(
            object
        )
        self.flows = flows
        share = 0.9 / len(names)
        self.pods = [PodBook(n, int(MILLION * share), int(MILLION * share)) for n in names]
        self.reserve = MILLION - sum(pod.nav for pod in self.pods)
        self.unit = 1.0
        self.rows: dict[str, list[tuple[Any, ...]]] = {
            t: [] for t in ("nav", "pods", "parts", "events", "allocation")
        }
        p = len(names)
        drift = np.linspace(0.055, -0.02, p) / 252
        market = self.rng.standard_t(5, sessions) * 0.0075
        own = self.rng.standard_t(5, (sessions, p)) * np.linspace(0.0030, 0.0024, p)
        self.market = market + 0.0003
        self.returns = drift + own + market[:, None] * np.linspace(0.12, 0.04, p)

    def event(self, day: Any, kind: str, pod: str, body: dict[str, Any]) -> None:
        """Append one journal entry."""
        self.rows["events"].append((len(self.rows["events"]), day, kind, pod, json.dumps(body)))

    def part(self, day: Any, pod: str, part: str, micros: int) -> None:
        """Append one part of the attribution."""
        if micros:
            self.rows["parts"].append((day, pod, "", part, micros))

    def earn(self, day: Any, t: int, k: int, pod: PodBook) -> int:
        """A pod's profit or loss of one day."""
        used = int(pod.nominal * pod.keep)
        made = round(used * float(self.returns[t, k]))
        paid = {"price": made}
        if t % 21 == k:
            paid["dividend"] = used // 900
        if self.rng.random() < 0.3:
            cost = used * float(self.rng.uniform(0.2, 1.6)) * 1e-5
            paid |= {
                "commission": -round(cost * 0.5),
                "spread": -round(cost * 1.5),
                "impact": -round(cost * 0.8),
                "netting": round(cost * 0.45),
            }
        paid["borrow"] = -round(used * 0.2 * 0.005 / 252)
        for part, micros in paid.items():
            self.part(day, pod.name, part, micros)
        return sum(paid.values())

    def ladder(self, day: Any, p: int, pod: PodBook) -> None:
        """Halve at 5 %, terminate at 10 %, restore at a new peak."""
        down = 1.0 - pod.unit / pod.peak
        if pod.status == "closing":
            self.move(day, pod, -pod.nav)
            pod.status, pod.nominal = "closed", 0
            self.event(day, "PodClosed", pod.name, {"pod": p, "moved": 0})
        elif down >= 0.10 and pod.status in ("active", "cut"):
            self.act(day, p, pod, "TERMINATE", 0.0, down, 0.10)
            pod.status = "closing"
        elif down >= 0.05 and pod.status == "active":
            self.act(day, p, pod, "HALVE", 0.5, down, 0.05)
            pod.status = "cut"
            self.move(day, pod, -(pod.nav // 2))
        elif pod.status == "cut" and pod.unit >= pod.peak:
            pod.keep, pod.status = 1.0, "active"
            body = {"pod": p, "action": "RESTORE", "keep": 1.0, "why": "new high-water mark"}
            self.event(day, "ActionApplied", pod.name, body)

    def act(
        self, day: Any, p: int, pod: PodBook, action: str, keep: float, down: float, at: float
    ) -> None:
        """Journal a breach and what follows from it."""
        breach = {"limit": "drawdown", "pod": p, "measured": down, "threshold": at}
        breach |= {"action": action, "keep": keep, "rung": 1}
        self.event(day, "Breached", pod.name, {"breach": breach})
        why = f"drawdown {down:.4%} >= {at:.2%}"
        body = {"pod": p, "action": action, "keep": keep, "rung": 1, "why": why}
        self.event(day, "ActionApplied", pod.name, body)
        pod.keep = keep

    def move(self, day: Any, pod: PodBook, micros: int) -> None:
        """Move capital between a pod and the centre."""
        pod.nav += micros
        self.reserve -= micros
        self.part(day, pod.name, "transfer", micros)
        self.part(day, "centre", "transfer", -micros)

    def allocate(self, day: Any) -> None:
        """Share capital out among the living pods, once a month."""
        alive = [pod for pod in self.pods if pod.status in ("active", "cut")]
        total = self.reserve + sum(pod.nav for pod in self.pods)
        scores = self.rng.uniform(0.6, 1.4, len(alive))
        shares = np.minimum(0.9 * scores / scores.sum(), 0.4) if alive else scores
        for pod, share in zip(alive, shares, strict=True):
            pod.nominal = int(total * share)
            self.move(day, pod, int(pod.nominal * pod.keep) - pod.nav)
            self.rows["allocation"].append((day, pod.name, float(share), pod.nominal))

    def session(self, t: int, day: Any) -> None:
        """One day: earn, look at the ladder, allocate, note."""
        before = self.reserve + sum(pod.nav for pod in self.pods)
        if t:
            for k, pod in enumerate(self.pods):
                if pod.status != "closed":
                    made = self.earn(day, t, k, pod)
                    pod.unit *= 1.0 + made / pod.nominal
                    pod.nominal, pod.nav = pod.nominal + made, pod.nav + made
                    pod.peak = max(pod.peak, pod.unit)
            interest = self.reserve * 2 // 25_200
            self.reserve += interest
            self.part(day, "centre", "interest", interest)
        after = self.reserve + sum(pod.nav for pod in self.pods)
        self.unit *= after / before
        if self.flows and t == len(self.days) // 2:
            self.reserve += MILLION // 10
            self.part(day, "centre", "flow", MILLION // 10)
        for p, pod in enumerate(self.pods):
            self.ladder(day, p, pod)
        if t and day.month != self.days[t - 1].month:
            self.allocate(day)
        self.rows["nav"].append(
            (day, self.reserve + sum(pod.nav for pod in self.pods), self.unit, self.reserve)
        )
        for pod in self.pods:
            down = 1.0 - pod.unit / pod.peak
            row = (day, pod.name, pod.nav, pod.unit, pod.nominal, down, pod.status, pod.keep)
            self.rows["pods"].append(row)


def columns(text: str) -> dict[str, Any]:
    """A schema from "name:type" words."""
    types = {"d": pl.Date, "i": pl.Int64, "f": pl.Float64, "s": pl.String}
    return {name: types[kind] for name, kind in (word.split(":") for word in text.split())}


SCHEMAS = {
    "nav": "date:d nav_micros:i unit_value:f cash_micros:i",
    "pods": "date:d pod:s nav_micros:i unit_value:f nominal_micros:i drawdown:f status:s cut:f",
    "parts": "date:d pod:s symbol:s part:s amount_micros:i",
    "events": "seq:i date:d kind:s pod:s detail:s",
    "allocation": "date:d pod:s share:f nominal_micros:i",
}


def made_up_run(
    sessions: int = 3_024,
    seed: int = 26,
    names: tuple[str, ...] = NAMES,
    flows: bool = False,
    benchmark: bool = True,
) -> MadeUpRun:
    """A run of made-up pods.

    Args:
        sessions: business days from 2010-01-04 on.
        seed: of the dice.
        names: pods.
        flows: pay in a tenth of the capital halfway.
        benchmark: give the run a benchmark.
    """
    dice = Dice(seed, names, sessions, flows)
    for t, day in enumerate(dice.days):
        dice.session(t, day)
    table = {
        name: pl.DataFrame(dice.rows[name], schema=columns(text), orient="row")
        for name, text in SCHEMAS.items()
    }
    level = pl.DataFrame(
        {"date": dice.days.tolist(), "level": 1_132.99 * np.cumprod(1 + dice.market)},
        schema={"date": pl.Date, "level": pl.Float64},
    )
    parts = table["parts"].group_by("date", "pod", "part").agg(pl.col("amount_micros").sum())
    return MadeUpRun(
        nav=table["nav"],
        pods=table["pods"],
        attribution=table["parts"],
        pod_parts=parts.sort("date", "pod", "part"),
        orders=pl.DataFrame(schema=columns("date:d order_id:i symbol:s lots:i")),
        fills=pl.DataFrame(schema=columns("date:d pod:s symbol:s lots:i")),
        events=table["events"],
        allocation=table["allocation"],
        benchmark=level if benchmark else level.clear(),
        source="Made-up returns from seeded dice; close-only fills at the next close; "
        "survivors only.",
        rules=MadeUpRules(),
        summary={
            "journal_hash": "9f" * 32,
            "data_hash": "4b" * 16,
            "rules_hash": "c3" * 16,
            "residual_micros": 0,
        },
    )
