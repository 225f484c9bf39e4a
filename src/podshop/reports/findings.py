"""What a run left behind, as arrays that reports read; each is worked out once, when asked for.

Profit and loss is every part of the attribution but flows and transfers. The opening day, on which
a unit value is 1 and nothing was traded, is no observation.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from podshop.domain.money import F64, I64, Bools, Days
from podshop.reports.sentence import CAPITAL
from podshop.research.metrics import compute, drawdown_series

if TYPE_CHECKING:
    from podshop.research.run import Run

CENTRE = "centre"


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

    @property
    def drawdown(self) -> F64:
        """(T,) share lost since the high-water mark, positive."""
        return drawdown_series(self.unit)


@dataclass(frozen=True, slots=True)
class PodHistory:
    """The pods on the fund's sessions; NaN, or 0 for amounts, where a pod has no row.

    Attributes:
        nav_tp, nominal_tp: (T, P) micros.
        unit_tp: (T, P) unit value on nominal capital.
        drawdown_tp: (T, P) share lost since the peak of the unit value.
        keep_tp: (T, P) share of the nominal capital in use; 0 where there is none.
        closed_tp: (T, P) True after the close of days that end closed.
        status_p: (P,) status after the last session.
    """

    nav_tp: I64
    nominal_tp: I64
    unit_tp: F64
    drawdown_tp: F64
    keep_tp: F64
    closed_tp: Bools
    status_p: tuple[str, ...]

    def lived(self, values_tp: F64) -> F64:
        """(T, P) the values, NaN on the days after a closing."""
        before = np.vstack([np.zeros_like(self.closed_tp[:1]), self.closed_tp[:-1]])
        return np.where(self.closed_tp & before, np.nan, values_tp)


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


class Findings:
    """What a run came to.

    Attributes:
        run: the run; its tables are the source of everything here.
    """

    def __init__(self, run: "Run") -> None:
        """Look at a run; nothing is worked out yet."""
        self.run = run

    @cached_property
    def fund(self) -> Curve:
        """The fund and its benchmark on the fund's sessions."""
        nav = self.run.nav.sort("date")
        level = nav.select("date").join(
            self.run.benchmark.select("date", pl.col("level").cast(pl.Float64)),
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

    @cached_property
    def names(self) -> list[str]:
        """The pods in the order in which the run lists them."""
        names: list[str] = self.run.pods["pod"].unique(maintain_order=True).to_list()
        return names

    @cached_property
    def pods(self) -> PodHistory:
        """The pods' table as matrices on the fund's sessions."""
        table = self.run.pods
        t = np.searchsorted(self.fund.days, table["date"].to_numpy())
        numbers = dict(zip(self.names, range(len(self.names)), strict=True))
        p = table["pod"].replace_strict(numbers, return_dtype=pl.Int64).to_numpy()
        shape = (self.fund.days.size, len(self.names))

        def placed(column: str, missing: float) -> F64:
            values = np.full(shape, missing)
            values[t, p] = table[column].cast(pl.Float64).fill_null(missing).to_numpy()
            return values

        def amounts(column: str) -> I64:
            values = np.zeros(shape, dtype=np.int64)
            values[t, p] = table[column].to_numpy()
            return values

        closed = np.ones(shape, dtype=np.bool_)
        closed[t, p] = (table["status"] == "closed").to_numpy()
        last = dict(table.group_by("pod").agg(pl.col("status").sort_by("date").last()).rows())
        return PodHistory(
            nav_tp=amounts("nav_micros"),
            nominal_tp=amounts("nominal_micros"),
            unit_tp=placed("unit_value", np.nan),
            drawdown_tp=placed("drawdown", np.nan),
            keep_tp=placed("cut", 0.0),
            closed_tp=closed,
            status_p=tuple(str(last[name]) for name in self.names),
        )

    @cached_property
    def by(self) -> dict[str, dict[str, int]]:
        """Pod (and "centre") -> part -> micros over the whole run."""
        sums = self.run.pod_parts.group_by("pod", "part").agg(pl.col("amount_micros").sum())
        by: dict[str, dict[str, int]] = {}
        for pod, part, micros in sums.select("pod", "part", "amount_micros").rows():
            by.setdefault(pod, {})[part] = int(micros)
        return by

    @cached_property
    def metrics(self) -> dict[str, float]:
        """All metrics of the fund's returns, at a risk-free rate of 0."""
        fund = self.fund
        benchmark = fund.benchmark_returns if fund.has_benchmark else None
        return compute(fund.returns, benchmark, days=fund.return_days)

    def total(self, parts: tuple[str, ...], pod: str | None = None) -> int:
        """Micros of some parts, of one pod or of all."""
        told = self.by.values() if pod is None else [self.by.get(pod, {})]
        return sum(amounts.get(part, 0) for amounts in told for part in parts)

    def profit(self, pod: str | None = None) -> int:
        """Micros of profit or loss, of one pod or of the whole fund."""
        told = self.by.values() if pod is None else [self.by.get(pod, {})]
        return sum(x for amounts in told for part, x in amounts.items() if part not in CAPITAL)

    def drawn(self, most: int) -> tuple[list[str], int]:
        """The pods that a plot draws one by one, and how many it does not.

        Args:
            most: pods that the plot can hold and still be read.

        Returns:
            All pods, or the `most` with the largest profit or loss, in the run's order; and the
            number left out, which the plot must state.
        """
        if len(self.names) <= most:
            return self.names, 0
        largest = set(sorted(self.names, key=lambda pod: -abs(self.profit(pod)))[:most])
        return [pod for pod in self.names if pod in largest], len(self.names) - most
