"""What a run came to, as numbers: the same ones for the page, the terminal and the tests."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from podshop.domain.pod import Stage
from podshop.reports.findings import CENTRE, Findings, life_returns
from podshop.reports.sentence import CAPITAL
from podshop.research.metrics import PERIODS, Sample, yearly

TRADING = ("commission", "spread", "impact", "netting")
"""Parts whose sum is what trading really cost."""
CHARGES = (*TRADING, "borrow", "fee")
"""Parts whose sum is what the fund paid away; interest is told apart."""
DONE = {
    "TRIM": "trimmed",
    "HALVE": "cut",
    "PAUSE": "paused",
    "TERMINATE": "terminated",
    "RESTORE": "restored",
}
RUNGS = {"trim_at": "trim", "halve_at": "halve", "terminate_at": "terminate", "halt_at": "halt"}


@dataclass(frozen=True, slots=True)
class Headline:
    """The figures at the head of a report; amounts in micros.

    Attributes:
        first, last: sessions.
        opening, final: equity before the first part of the attribution and after the last.
        flows: capital paid in less capital taken out.
        profit: final - opening - flows.
        costs: paid away: trading after netting, borrow and fees; a cost is positive.
        alone: what trading would have cost without netting.
        saved: what netting saved.
        interest: earned on cash less paid on debit.
        total_return, cagr, volatility, sharpe, sharpe_se, max_drawdown: of the unit value.
        years: length in years of 252 sessions.
        benchmark_cagr: NaN without one.
    """

    first: date
    last: date
    opening: int
    final: int
    flows: int
    profit: int
    costs: int
    alone: int
    saved: int
    interest: int
    total_return: float
    cagr: float
    volatility: float
    sharpe: float
    sharpe_se: float
    max_drawdown: float
    years: float
    benchmark_cagr: float


def headline(found: Findings) -> Headline:
    """The figures at the head of a report."""
    fund, m = found.fund, found.metrics
    final, made, flows = int(fund.nav_micros[-1]), found.profit(), found.total(CAPITAL)
    return Headline(
        first=fund.days[0].astype(object),
        last=fund.days[-1].astype(object),
        opening=final - made - flows,
        final=final,
        flows=flows,
        profit=made,
        costs=-found.total(CHARGES),
        alone=-found.total(("commission", "spread", "impact")),
        saved=found.total(("netting",)),
        interest=found.total(("interest",)),
        total_return=m["total_return"],
        cagr=m["cagr"],
        volatility=m["vol_ann"],
        sharpe=m["sharpe"],
        sharpe_se=m["sharpe_se"],
        max_drawdown=m["max_drawdown"],
        years=fund.returns.size / PERIODS,
        benchmark_cagr=m["cagr"] - m["active_return"],
    )


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a pod.

    Attributes:
        pod: its name.
        status: active, cut, closing or closed.
        until: day of closing; None while it lives.
        unit: last unit value.
        profit: micros over its life, after costs.
        costs: micros paid away by it; a cost is positive.
        max_drawdown: deepest fall of its unit value, a share.
        sharpe: of its returns on nominal capital, while it lived.
        cuts: times that its capital was reduced without closing it.
        keep: share of the nominal capital still in use.
        nav: micros it holds now.
    """

    pod: str
    status: str
    until: date | None
    unit: float
    profit: int
    costs: int
    max_drawdown: float
    sharpe: float
    cuts: int
    keep: float
    nav: int


def fates(found: Findings) -> list[Fate]:
    """What became of each pod."""
    return [_fate(found, p, pod) for p, pod in enumerate(found.names)]


def _fate(found: Findings, p: int, pod: str) -> Fate:
    """What became of one pod, number p of the run."""
    pods = found.pods
    unit, keep, closed = pods.unit_tp[:, p], pods.keep_tp[:, p], pods.closed_tp[:, p]
    _, returns = life_returns(unit, closed)
    sample = Sample(returns[None, :])
    lived = np.flatnonzero(~closed)
    ended = int(lived[-1]) + 1 if lived.size else 0
    return Fate(
        pod=pod,
        status=pods.status_p[p],
        until=found.fund.days[ended].astype(object) if closed[-1] else None,
        unit=float(unit[-1]),
        profit=found.profit(pod),
        costs=-found.total(CHARGES, pod),
        max_drawdown=float(np.nanmax(pods.drawdown_tp[:, p])),
        sharpe=float(sample.sr[0, 0]) * sample.root,
        cuts=int(((keep[1:] < keep[:-1]) & (keep[1:] > 0.0)).sum()),
        keep=float(keep[-1]),
        nav=int(pods.nav_tp[-1, p]),
    )


def costs(found: Findings) -> list[dict[str, Any]]:
    """One row a pod and one for the fund: trading alone, netting, what was paid, other money.

    Returns:
        Rows with "pod" and micros: "commission", "spread", "impact", "alone", "netting", "paid",
        "borrow", "interest", "fee"; costs negative.
    """
    rows = []
    for pod in [*found.names, CENTRE, None]:
        row: dict[str, Any] = {"pod": pod or "fund"}
        for part in (*CHARGES, "interest"):
            row[part] = found.total((part,), pod)
        row["alone"] = row["commission"] + row["spread"] + row["impact"]
        row["paid"] = row["alone"] + row["netting"]
        rows.append(row)
    return rows


@dataclass(frozen=True, slots=True)
class Cut:
    """Something that was done to a pod, or to the fund.

    Attributes:
        day: the session whose close showed it; it acts at the next open.
        pod: the pod, or "fund".
        what: cut, terminated, closed, restored, halted.
        keep: share of nominal capital in use from then on.
        measured, threshold: the figure that crossed and what it crossed; NaN where neither did.
        why: the reason in the journal.
        seq: its journal entry.
    """

    day: date
    pod: str
    what: str
    keep: float
    measured: float
    threshold: float
    why: str
    seq: int


def cuts(found: Findings) -> list[Cut]:
    """Cuts, terminations, closings, restorations, halts and stages, oldest first.

    The stages in which pods enter the fund are left out.
    """
    kinds = ("Breached", "ActionApplied", "PodClosed", "Halted", "PodStaged")
    first = found.fund.days[0]
    rows = found.run.events.filter(pl.col("kind").is_in(kinds)).sort("seq")
    crossed: dict[tuple[date, str, str], dict[str, Any]] = {}
    told = []
    for seq, day, kind, pod, text in rows.select("seq", "date", "kind", "pod", "detail").rows():
        body = json.loads(text)
        if kind == "Breached":
            breach = body.get("breach", body)
            crossed[(day, pod, breach["action"])] = breach
            continue
        if kind == "PodStaged" and np.datetime64(day) == first:
            continue
        told.append(_cut(seq, day, kind, pod, body, crossed))
    return told


def _cut(
    seq: int,
    day: date,
    kind: str,
    pod: str,
    body: dict[str, Any],
    crossed: dict[tuple[date, str, str], dict[str, Any]],
) -> Cut:
    """One row of `cuts`, with the breach that caused it."""
    action = {"PodClosed": "", "Halted": "HALT"}.get(kind) or str(body.get("action", ""))
    breach = crossed.get((day, pod, action), {})
    words = {"PodClosed": "closed", "Halted": "halted"}
    if kind == "PodStaged":
        words[kind] = Stage(body["stage"]).name.lower()
        body = {**body, "keep": body["part"], "why": f"{body['who']}: {body['why']}"}
    reasons = {"PodClosed": "flat after termination", "Halted": str(body.get("cause", ""))}
    return Cut(
        day=day,
        pod="fund" if kind == "Halted" or pod in ("", CENTRE) else pod,
        what=words.get(kind) or DONE.get(action, action.lower()),
        keep=float(body.get("keep", 0.0)),
        measured=float(breach.get("measured", np.nan)),
        threshold=float(breach.get("threshold", np.nan)),
        why=reasons.get(kind) or str(body.get("why", "")),
        seq=seq,
    )


def ladder(found: Findings) -> dict[str, dict[str, float]]:
    """Levels of the drawdown ladders in the fund file.

    Returns:
        {"pod": {"halve": 0.05, "terminate": 0.1}, "fund": {"halt": 0.15}}; a rung that the file
        does not mention is missing.
    """
    levels: dict[str, dict[str, float]] = {"pod": {}, "fund": {}}
    for table in _tables(found.run.rules.manifest):
        scope = str(table.get("scope", "pod"))
        for key, rung in RUNGS.items():
            level = table.get(key)
            # A fund's ladder has the halt alone, a pod's has everything else.
            if level and scope in levels and (scope == "fund") == (rung == "halt"):
                levels[scope][rung] = float(level)
    return levels


def _tables(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every table inside a manifest, at any depth."""
    if isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from _tables(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _tables(inner)


@dataclass(frozen=True, slots=True)
class Year:
    """One calendar year.

    Attributes:
        year: the year; the first and the last may be part of one.
        fund, benchmark: returns; NaN where unknown.
        profit: micros, the whole fund.
        by_pod: pod (and "centre") -> micros.
    """

    year: int
    fund: float
    benchmark: float
    profit: int
    by_pod: dict[str, int]

    @property
    def best(self) -> tuple[str, int]:
        """The pod that made most, and its micros; "" and 0 where no pod did anything."""
        return max(self._pods(), key=lambda row: row[1], default=("", 0))

    @property
    def worst(self) -> tuple[str, int]:
        """The pod that made least, and its micros."""
        return min(self._pods(), key=lambda row: row[1], default=("", 0))

    def _pods(self) -> list[tuple[str, int]]:
        """(pod, micros) without the centre, by name."""
        return sorted(row for row in self.by_pod.items() if row[0] != CENTRE)


def years(found: Findings) -> list[Year]:
    """The calendar years, oldest first."""
    fund = found.fund
    returns = yearly(fund.return_days, fund.returns)
    known = np.isfinite(fund.benchmark_returns)
    bench = yearly(fund.return_days[known], fund.benchmark_returns[known])
    sums = (
        found.run.pod_parts.filter(~pl.col("part").is_in(CAPITAL))
        .group_by(pl.col("date").dt.year().alias("year"), "pod")
        .agg(pl.col("amount_micros").sum())
    )
    made: dict[int, dict[str, int]] = {}
    for year, pod, micros in sums.select("year", "pod", "amount_micros").rows():
        made.setdefault(int(year), {})[pod] = int(micros)
    return [
        Year(
            year=year,
            fund=returns.get(year, np.nan),
            benchmark=bench.get(year, np.nan),
            profit=sum(made.get(year, {}).values()),
            by_pod=made.get(year, {}),
        )
        for year in sorted(set(returns) | set(made))
    ]
