"""The tear sheet of one strategy as one HTML page that needs nothing else, ready to print."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from podshop.domain.error import DataError
from podshop.domain.money import F64, MICROS, Days
from podshop.reports import plots, sheet_plots
from podshop.reports.figures import CHARGES
from podshop.reports.findings import Findings
from podshop.reports.page import days_json, environment, metric_groups, plot_json
from podshop.reports.sentence import CAPITAL, SYMBOLS
from podshop.research import bands, bill, periods
from podshop.research.bill import Bill, Trades
from podshop.research.metrics import PERIODS, compute
from podshop.research.metrics.sample import Sample
from podshop.research.validation import sharpe_variance

if TYPE_CHECKING:
    from podshop.research.run import Run

Z975 = 1.959963984540054
"""97.5 % quantile of the normal distribution."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
EXTREMES = 5
"""Best and worst sessions that the page lists."""


@dataclass(frozen=True)
class Sheet:
    """What a tear sheet is made of: any series of returns.

    Attributes:
        name: of the strategy.
        days: (T,) sessions, ascending.
        returns: (T,) net simple returns, finite.
        benchmark: (T,) simple returns of the same sessions, NaN where unknown; None without one.
        rf: risk-free rate a year.
        source: where the returns come from.
        costs: what they paid; None where nobody knows, then the page has no costs and no capacity.
        currency: three letters, of the amounts in `costs`.
        samples: resampled histories of the bands.
        seed: of their generator.
        notes: further sentences for the limits of the page.
    """

    name: str
    days: Days
    returns: F64
    benchmark: F64 | None = None
    rf: float = 0.0
    source: str = ""
    costs: Bill | None = None
    currency: str = "USD"
    samples: int = 1_000
    seed: int = 0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that there is one finite return a session, in order.

        Raises:
            DataError: there is not.
        """
        size = len(self.returns)
        if size < 2:
            raise DataError(f"{self.name}: {size} returns; a tear sheet needs two at least")
        columns: dict[str, Days | F64] = {"days": self.days}
        if self.benchmark is not None:
            columns["benchmark"] = self.benchmark
        if self.costs is not None:
            columns["costs"] = self.costs.capital
        for what, column in columns.items():
            if len(column) != size:
                raise DataError(f"{self.name}: {size} returns but {len(column)} rows of {what}")
        bad = np.flatnonzero(~np.isfinite(self.returns))
        if bad.size:
            at = int(bad[0])
            raise DataError(
                f"{self.name}: the return of {self.days[at]} is {self.returns[at]}\n"
                "  -> fill it or leave the session out"
            )
        if not (np.diff(self.days.astype("datetime64[D]").astype(np.int64)) > 0).all():
            raise DataError(f"{self.name}: the days must ascend, each once")

    @cached_property
    def against(self) -> F64:
        """(T,) returns of the benchmark; NaN where unknown, and everywhere without one."""
        return np.full(len(self.returns), np.nan) if self.benchmark is None else self.benchmark

    @property
    def has_benchmark(self) -> bool:
        """True when there is something to compare with."""
        return bool(np.isfinite(self.against).any())

    @cached_property
    def metrics(self) -> dict[str, float]:
        """All metrics of the returns."""
        return compute(self.returns, self.against if self.has_benchmark else None, self.rf)


def of_run(run: "Run", rf: float = 0.0, seed: int = 0) -> Sheet:
    """The tear sheet of a finished backtest: the fund's returns, which of one pod are the pod's.

    Args:
        run: a finished run.
        rf: risk-free rate a year.
        seed: of the bands.
    """
    found = Findings(run)
    fund = found.fund
    return Sheet(
        name=run.rules.name,
        days=fund.return_days,
        returns=fund.returns,
        benchmark=fund.benchmark_returns if fund.has_benchmark else None,
        rf=rf,
        source=run.source,
        costs=bill_of(found),
        currency=run.rules.currency,
        seed=seed,
    )


def bill_of(found: Findings) -> Bill:
    """What a run paid, session by session, on the capital that its returns are measured on.

    Args:
        found: of a finished run.
    """
    run, days = found.run, found.fund.return_days
    made = ~pl.col("part").is_in(CAPITAL)
    profit = _by_day(run.pod_parts.filter(made), "amount_micros", days)
    nav = _by_day(run.nav, "nav_micros", days)
    # NAV after the day's flows and before its profit: what `unit_value` grows on.
    capital = np.maximum(nav - profit, 1.0)
    parts = {
        part: -_by_day(run.pod_parts.filter(pl.col("part") == part), "amount_micros", days)
        for part in CHARGES
    }
    fills = (
        run.fills.filter(pl.col("kind") != "cross")
        .group_by("date", "symbol", "order_id", "price_micros", "kind", maintain_order=True)
        .agg(pl.col("lots").sum())
        .filter(pl.col("lots") != 0)
        .with_columns((pl.col("lots").abs() * pl.col("price_micros")).alias("value_micros"))
    )
    return Bill(
        parts={name: part / capital + 0.0 for name, part in parts.items()},
        capital=capital / MICROS,
        traded=_by_day(fills, "value_micros", days) / capital,
        trades=_trades(run, fills, days, capital / MICROS),
    )


def _by_day(table: pl.DataFrame, column: str, days: Days) -> F64:
    """(T,) sums of a column by session; what lies on other days is left out."""
    sums = table.group_by("date").agg(pl.col(column).sum())
    when, amounts = sums["date"].to_numpy().astype("datetime64[D]"), sums[column].to_numpy()
    at = np.minimum(np.searchsorted(days, when), days.size - 1)
    known = days[at] == when
    placed = np.zeros(days.size)
    placed[at[known]] = amounts[known]
    return placed


def _trades(run: "Run", fills: pl.DataFrame, days: Days, capital: F64) -> Trades:
    """How much of each session's volume the fund's own trades took."""
    bought = (
        fills.filter(pl.col("kind") == "market")
        .group_by("date", "symbol", maintain_order=True)
        .agg(pl.col("lots").abs().sum())
    )
    when = bought["date"].to_numpy().astype("datetime64[D]")
    number = {symbol: i for i, symbol in enumerate(run.market.assets.symbols)}
    assets = np.array([number[symbol] for symbol in bought["symbol"]], dtype=np.int64)
    rows = np.searchsorted(run.market.days.astype("datetime64[D]"), when)
    volume = run.market.volume_tn[rows, assets] if assets.size else np.zeros(0)
    known = volume > 0
    at = np.minimum(np.searchsorted(days, when), days.size - 1)
    share = bought["lots"].to_numpy()[known] / volume[known]
    return Trades(share, capital[at][known], int((~known).sum()))


@dataclass(frozen=True, slots=True)
class Sharpe:
    """A Sharpe ratio a year and how sure it is.

    Attributes:
        ratio: a year.
        error: its standard error for returns with this skewness and kurtosis (Mertens 2002).
        low, high: 95 % interval, normal.
        probability: that the true ratio is above zero (Bailey & Lopez de Prado 2012).
    """

    ratio: float
    error: float
    low: float
    high: float
    probability: float


def sharpe_of(sheet: Sheet) -> Sharpe:
    """The Sharpe ratio with its uncertainty; NaN where it cannot be told."""
    s = Sample(sheet.returns[None, :], sheet.rf, PERIODS)
    daily = s.sr.item()
    variance = sharpe_variance(daily, s.n, s.skew.item(), s.kurt.item() + 3.0)
    error = math.sqrt(variance) * s.root if variance > 0.0 else math.nan
    ratio = daily * s.root
    low, high = ratio - Z975 * error, ratio + Z975 * error
    return Sharpe(ratio, error, low, high, sheet.metrics["psr"])


def render(sheet: Sheet) -> str:
    """The whole tear sheet.

    Args:
        sheet: what it is about.

    Returns:
        One self-contained HTML page, about 5 MB because the plotting library is inside.
    """
    from plotly.offline import get_plotlyjs

    page = environment().get_template("sheet.html.j2")
    text: str = page.render(plotly_js=get_plotlyjs(), **contents(sheet))
    return text


def contents(sheet: Sheet) -> dict[str, Any]:
    """Everything that the page says, by the names its template uses."""
    days, r, b = sheet.days, sheet.returns, sheet.against
    rolled = [periods.rolling(r, b, window, sheet.rf) for window in periods.WINDOWS]
    found = bands.bands(r, sheet.rf, sheet.samples, seed=sheet.seed)
    return {
        "name": sheet.name,
        "first": days[0],
        "last": days[-1],
        "length": len(r) / PERIODS,
        "source": sheet.source,
        "notes": sheet.notes,
        "rf": sheet.rf,
        "symbol": SYMBOLS.get(sheet.currency, f"{sheet.currency} "),
        "has_benchmark": sheet.has_benchmark,
        "m": sheet.metrics,
        "benchmark_total": periods.compound(b[np.isfinite(b)]),
        "sharpe": sharpe_of(sheet),
        "years": periods.calendar_years(days, r, b, sheet.rf),
        "months": periods.months(days, r),
        "month_names": MONTHS,
        "heat": heat,
        "windows": [_window_rows(window) for window in rolled],
        "falls": periods.falls(days, r),
        "crises": periods.crises(days, r, b, sheet.rf),
        "tails": periods.tails(r, b),
        "beyond": list(periods.beyond_sigma(r)),
        "extremes": _extremes(days, r),
        "bands": found,
        "metrics": metric_groups(sheet.metrics),
        "costs": _costs(sheet),
        "plots": _plots(sheet, rolled, found),
        "days": days_json(days),
        "ink": plots.SWAPPED,
    }


def heat(value: float, full: float = 0.08) -> str:
    """CSS background of a cell of the months: green or red, the stronger the farther from zero.

    Args:
        value: a return; NaN has no colour.
        full: return from which the colour is at its strongest.
    """
    if not math.isfinite(value) or value == 0.0:
        return "transparent"
    shade = plots.GAIN if value > 0 else plots.LOSS
    return plots.tint(shade, round(0.08 + 0.62 * min(abs(value) / full, 1.0), 2))


def _window_rows(window: periods.Rolling) -> dict[str, Any]:
    """Least, median, largest and last figure of each measure of a window."""
    told = {}
    for measure, _, _ in sheet_plots.MEASURES:
        x = getattr(window, measure)
        known = x[np.isfinite(x)]
        told[measure] = (
            (*np.quantile(known, [0.0, 0.5, 1.0]).tolist(), float(x[-1]))
            if known.size
            else (math.nan,) * 4
        )
    return {"sessions": window.window, "measures": told}


def _extremes(days: Days, returns: F64) -> list[tuple[Any, float, Any, float]]:
    """(day, return, day, return): the worst sessions beside the best, the farthest first."""
    order = np.argsort(returns, kind="stable")
    worst, best = order[:EXTREMES], order[::-1][:EXTREMES]
    return [
        (days[w], float(returns[w]), days[g], float(returns[g]))
        for w, g in zip(worst.tolist(), best.tolist(), strict=True)
    ]


def _costs(sheet: Sheet) -> dict[str, Any] | None:
    """What the page says about costs and capacity; None where they are not known."""
    paid = sheet.costs
    if paid is None:
        return None
    yearly, money = paid.yearly(), paid.money()
    return {
        "turnover": paid.turnover,
        "parts": [(name, yearly[name], money[name]) for name in yearly],
        "yearly": sum(yearly.values()),
        "money": sum(money.values()),
        "share": paid.share_of_gross(sheet.returns),
        "scenarios": bill.sensitivity(sheet.returns, paid, sheet.rf),
        "break_even": bill.break_even(sheet.returns, paid),
        "capacity": bill.capacity(sheet.returns, paid),
    }


def _plots(sheet: Sheet, rolled: list[periods.Rolling], found: bands.Bands) -> dict[str, str]:
    """Each plot as JSON; sessions are written once for all of them, in `days`."""
    days, r, b = sheet.days, sheet.returns, sheet.against
    drawn = {
        "equity": sheet_plots.equity(days, r, b),
        "underwater": sheet_plots.underwater(days, r, b),
        "rolling": sheet_plots.rolled(days, rolled, sheet.has_benchmark),
        "distribution": sheet_plots.distribution(r),
        "bands": sheet_plots.banded(days, r, found),
    }
    return {name: plot_json(figure, days) for name, figure in drawn.items()}
