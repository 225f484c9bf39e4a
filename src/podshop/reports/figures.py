"""What a run came to, as numbers: the same ones for the page, the terminal and the tests.

Profit and loss is every part of the attribution but flows and transfers. The opening day, on which
a unit value is 1 and nothing was traded, is no observation.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from podshop.domain.money import F64, I64, Bools, Days
from podshop.reports.sentence import CAPITAL
from podshop.research.metrics import PERIODS, compute, drawdown_series, yearly
from podshop.research.series import Sample

if TYPE_CHECKING:
    from podshop.research.run import Run

CENTRE = "centre"
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
class Curve:
    """The fund's flow-free growth beside its benchmark.

    Attributes:
        days: (T,) sessions.
        unit: (T,) unit value.
        nav_micros: (T,) NAV.
        benchmark: (T,) growth of the benchmark since its first known day; NaN where unknown.
        return_days: (n,) days of the returns.
        returns: (n,) simple returns of the unit value.
        benchmark_returns: (n,) the benchmark's on those days; NaN where unknown.
    """

    days: Days
    unit: F64
    nav_micros: I64
    benchmark: F64
    return_days: Days
    returns: F64
    benchmark_returns: F64

    @property
    def has_benchmark(self) -> bool:
        """True when there is something to compare with."""
        return bool(np.isfinite(self.benchmark_returns).any())


def life_returns(unit: F64, closed: Bools) -> tuple[I64, F64]:
    """Returns of a unit value while it is in use; each life starts at 1.

    Args:
        unit: (T,) unit values.
        closed: (T,) True after the close of days that end closed.

    Returns:
        (n,) row numbers and (n,) simple returns. The day of closing counts, later ones do not; nor
        does the day of hiring, on which nothing was traded.
    """
    was_closed = np.concatenate(([True], closed[:-1]))
    before = np.where(was_closed, 1.0, np.concatenate(([1.0], unit[:-1])))
    idle = was_closed & (closed | (unit == 1.0))
    rows = np.flatnonzero(~idle)
    return rows, unit[rows] / before[rows] - 1.0


def curve(run: "Run") -> Curve:
    """The fund and its benchmark on the fund's sessions."""
    nav = run.nav.sort("date")
    level = nav.select("date").join(
        run.benchmark.select("date", pl.col("level").cast(pl.Float64)),
        on="date",
        how="left",
        maintain_order="left",
    )["level"]
    levels = level.fill_nan(None).forward_fill().fill_null(np.nan).to_numpy()
    known = levels[np.isfinite(levels)]
    growth = levels / known[0] if known.size else np.full(levels.size, np.nan)
    days, unit = nav["date"].to_numpy(), nav["unit_value"].to_numpy()
    rows, returns = life_returns(unit, np.zeros(unit.size, dtype=np.bool_))
    steps = growth / np.concatenate(([np.nan], growth[:-1])) - 1.0
    return Curve(
        days=days,
        unit=unit,
        nav_micros=nav["nav_micros"].to_numpy(),
        benchmark=growth,
        return_days=days[rows],
        returns=returns,
        benchmark_returns=steps[rows],
    )


def drawdowns(fund: Curve) -> F64:
    """(T,) share lost since the fund's high-water mark, positive."""
    return drawdown_series(fund.unit)


def metrics(fund: Curve) -> dict[str, float]:
    """All metrics of the fund's returns, at a risk-free rate of 0."""
    return compute(fund.returns, fund.benchmark_returns if fund.has_benchmark else None)


def totals(run: "Run") -> dict[tuple[str, str], int]:
    """(pod, part) -> micros over the whole run."""
    sums = run.pod_parts.group_by("pod", "part").agg(pl.col("amount_micros").sum())
    return {
        (pod, part): int(x) for pod, part, x in sums.select("pod", "part", "amount_micros").rows()
    }


def part_sum(by: Mapping[tuple[str, str], int], parts: tuple[str, ...], pod: str = "") -> int:
    """Micros of some parts, of one pod or of all."""
    return sum(x for (p, part), x in by.items() if part in parts and pod in ("", p))


def profit(by: Mapping[tuple[str, str], int], pod: str = "") -> int:
    """Micros of profit or loss, of one pod or of the whole fund."""
    return sum(x for (p, part), x in by.items() if part not in CAPITAL and pod in ("", p))


def pod_names(run: "Run") -> list[str]:
    """The pods in the order in which the run lists them."""
    names: list[str] = run.pods["pod"].unique(maintain_order=True).to_list()
    return names


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


def headline(run: "Run") -> Headline:
    """The figures at the head of a report."""
    fund, by = curve(run), totals(run)
    m = metrics(fund)
    final, made, flows = int(fund.nav_micros[-1]), profit(by), part_sum(by, CAPITAL)
    return Headline(
        first=fund.days[0].astype(object),
        last=fund.days[-1].astype(object),
        opening=final - made - flows,
        final=final,
        flows=flows,
        profit=made,
        costs=-part_sum(by, CHARGES),
        alone=-part_sum(by, ("commission", "spread", "impact")),
        saved=part_sum(by, ("netting",)),
        interest=part_sum(by, ("interest",)),
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


def fates(run: "Run") -> list[Fate]:
    """What became of each pod."""
    by = totals(run)
    return [_fate(pod, frame, by) for pod, frame in _by_pod(run)]


def _fate(pod: str, frame: pl.DataFrame, by: Mapping[tuple[str, str], int]) -> Fate:
    """What became of one pod, from its rows by date."""
    unit, keep = frame["unit_value"].to_numpy(), frame["cut"].fill_null(0.0).to_numpy()
    closed = (frame["status"] == "closed").to_numpy()
    _, returns = life_returns(unit, closed)
    none = np.zeros(0)
    sample = Sample(returns, none, none, 0.0, PERIODS)
    lived = np.flatnonzero(~closed)
    last_row = int(lived[-1]) if lived.size else -1
    return Fate(
        pod=pod,
        status=str(frame["status"][-1]),
        until=frame["date"][last_row + 1] if closed[-1] else None,
        unit=float(unit[-1]),
        profit=profit(by, pod),
        costs=-part_sum(by, CHARGES, pod),
        max_drawdown=float(frame["drawdown"].to_numpy().max()),
        sharpe=sample.sr * sample.root,
        cuts=int(((keep[1:] < keep[:-1]) & (keep[1:] > 0.0)).sum()),
        keep=float(keep[-1]),
        nav=int(frame["nav_micros"][-1]),
    )


def _by_pod(run: "Run") -> Iterator[tuple[str, pl.DataFrame]]:
    """Each pod's rows by date, pods in the run's order."""
    frames = run.pods.sort("date", maintain_order=True).partition_by("pod", as_dict=True)
    for pod in pod_names(run):
        yield pod, frames[(pod,)]


def pod_matrix(run: "Run", column: str, alive_only: bool = True) -> dict[str, F64]:
    """One column of the pods' table on the fund's sessions.

    Args:
        run: the run.
        column: a column of `run.pods`, or "use": capital in use as a share of fund NAV.
        alive_only: NaN on the days after a closing.

    Returns:
        pod -> (T,) values; NaN on days without a row.
    """
    nav = run.nav.sort("date").select("date", fund=pl.col("nav_micros"))
    use = pl.col("nominal_micros") * pl.col("cut").fill_null(0.0) / pl.col("fund")
    matrix = {}
    for pod, frame in _by_pod(run):
        rows = nav.join(frame, on="date", how="left", maintain_order="left")
        value = use if column == "use" else pl.col(column)
        values = rows.select(value.cast(pl.Float64).fill_null(np.nan)).to_series().to_numpy()
        closed = (rows["status"] == "closed").fill_null(value=True).to_numpy()
        gone = closed & np.concatenate(([True], closed[:-1]))
        matrix[pod] = np.where(gone & alive_only, np.nan, values)
    return matrix


def costs(run: "Run") -> list[dict[str, Any]]:
    """One row a pod and one for the fund: trading alone, netting, what was paid, other money.

    Returns:
        Rows with "pod" and micros: "commission", "spread", "impact", "alone", "netting", "paid",
        "borrow", "interest", "fee"; costs negative.
    """
    by = totals(run)
    names = pod_names(run)
    rows = []
    for pod in [*names, CENTRE, ""]:
        row: dict[str, Any] = {"pod": pod or "fund"}
        for part in (*CHARGES, "interest"):
            row[part] = part_sum(by, (part,), pod)
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


def cuts(run: "Run") -> list[Cut]:
    """Cuts, terminations, closings, restorations and halts, oldest first."""
    kinds = ("Breached", "ActionApplied", "PodClosed", "Halted")
    rows = run.events.filter(pl.col("kind").is_in(kinds)).sort("seq")
    crossed: dict[tuple[date, str, str], dict[str, Any]] = {}
    told = []
    for seq, day, kind, pod, text in rows.select("seq", "date", "kind", "pod", "detail").rows():
        body = json.loads(text)
        if kind == "Breached":
            breach = body.get("breach", body)
            crossed[(day, pod, breach["action"])] = breach
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


def ladder(run: "Run") -> dict[str, dict[str, float]]:
    """Levels of the drawdown ladders in the fund file.

    Returns:
        {"pod": {"halve": 0.05, "terminate": 0.1}, "fund": {"halt": 0.15}}; a rung that the file
        does not mention is missing.
    """
    levels: dict[str, dict[str, float]] = {"pod": {}, "fund": {}}
    for table in _tables(run.rules.manifest):
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


def years(run: "Run") -> list[Year]:
    """The calendar years, oldest first."""
    fund = curve(run)
    returns = yearly(fund.return_days, fund.returns)
    known = np.isfinite(fund.benchmark_returns)
    bench = yearly(fund.return_days[known], fund.benchmark_returns[known])
    sums = (
        run.pod_parts.filter(~pl.col("part").is_in(CAPITAL))
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


def drawn(run: "Run", most: int) -> tuple[list[str], int]:
    """The pods that a plot draws one by one, and how many it does not.

    Args:
        run: the run.
        most: pods a plot can hold and still be read.

    Returns:
        All pods, or the `most` with the largest profit or loss, in the run's order; and the number
        left out, which the plot must state.
    """
    names = pod_names(run)
    if len(names) <= most:
        return names, 0
    by = totals(run)
    largest = set(sorted(names, key=lambda pod: -abs(profit(by, pod)))[:most])
    return [pod for pod in names if pod in largest], len(names) - most
