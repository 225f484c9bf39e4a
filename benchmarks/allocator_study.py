"""Which allocator beats equal shares after costs, and when: the study behind docs/concepts/allocators.md.

In simulated markets the worth of every pod is planted, so it is known which allocator should win. A
world is a market; a case says what its pods are worth, how alike they are and which of them die. In
each world the pods are asked once, and the whole backtest, with costs, is run once for every
allocator on the same wishes: all differences are paired. Then the same with the house's pods on
real prices, where nothing is known and the differences get an interval by a block bootstrap.

    python -m benchmarks.allocator_study [CASE ...]        simulated, all cases when none is named
    python -m benchmarks.allocator_study real DATA         DATA as in benchmarks/pod_results.py

Bounds are the same for all allocators, other parameters the allocators' own. The first year is not
judged: until its window is full, every allocator shares equally. `tiers` moves by the quarter, as its
page says.
"""

import math
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import pod_results
from podshop.domain.market import Panel
from podshop.domain.money import F64, I64
from podshop.domain.pod import WishBook
from podshop.domain.rules import Rules
from podshop.research.backtest import backtest, traded_rows
from podshop.research.run import Run
from podshop.research.summary import COSTS
from podshop.research.validation import stationary_rows
from podshop.research.wishing import gather
from podshop.rulebook.config import compiled
from podshop.rulebook.fundfile import FundFile
from podshop.simulator import simulate
from podshop.simulator.alphas import Alpha

YEAR = 252
CAPITAL = 1_000_000
HALF_LIFE_DAYS = 63.0
IC_AT_ONE = 0.0107
"""Planted correlation of a signal that gives its pod a true Sharpe ratio of about 1 after costs."""
IC_AT_NONE = 0.0004
"""The one that earns the costs and no more."""

ALLOCATORS: Mapping[str, Mapping[str, Any]] = {
    "equal": {"use": "equal"},
    "sharpe": {"use": "sharpe"},
    "tiers": {"use": "tiers", "when": "quarter"},
    "inverse_volatility": {"use": "inverse_volatility"},
    "risk_parity": {"use": "risk_parity"},
    "minimum_variance": {"use": "minimum_variance"},
    "hrp": {"use": "hrp"},
    "kelly": {"use": "kelly"},
    "shrunk_sharpe": {"use": "shrunk_sharpe"},
}
BOUNDS: Mapping[str, float] = {"min": 0.05, "max": 0.40, "cash": 0.10}
"""Of every allocator."""

LADDER = (
    {"use": "drawdown", "scope": "pod", "halve_at": 0.05, "terminate_at": 0.10},
    {"use": "volatility", "max": 0.0667},
)
"""The retail ladder, and the volatility that goes with it."""


@dataclass(frozen=True, slots=True)
class Case:
    """What the pods of a case are.

    Attributes:
        sharpe_p: true Sharpe ratios that are aimed at, after costs.
        gross_p: gross exposure of each pod, which is its volatility.
        crowd: the first so many pods are of one crowd; 0 for none.
        crowding: correlation of the crowd's signals.
        dying: the last so many pods are worth nothing from the middle on.
        ladder: with the retail ladder and its cap on volatility.
    """

    sharpe_p: tuple[float, ...]
    gross_p: tuple[float, ...] = (1.2,) * 8
    crowd: int = 0
    crowding: float = 0.0
    dying: int = 0
    ladder: bool = False


GRADED = (0.0, 0.2, 0.4, 0.6, 0.9, 1.1, 1.3, 1.5)
CASES: Mapping[str, Case] = {
    "all alike": Case((0.75,) * 8),
    "graded": Case(GRADED),
    "far apart": Case((0.0,) * 4 + (1.5,) * 4),
    "some lose": Case((-1.0, -1.0, 0.0, 0.0, 0.75, 0.75, 1.5, 1.5)),
    "two die": Case((0.75,) * 6 + (1.5,) * 2, dying=2),
    "five are a crowd": Case((0.75,) * 8, crowd=5, crowding=0.8),
    "uneven risk": Case((0.75,) * 8, gross_p=(0.4, 0.4, 0.8, 0.8, 1.2, 1.2, 2.0, 2.0)),
    "graded, ladder": Case(GRADED, ladder=True),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is simulated.

    Attributes:
        worlds: markets of each case.
        years: of history.
        names: securities in all.
        seed: of the first world; the others follow it.
        allocators: name -> its section.
        bounds: of every allocator.
    """

    worlds: int = 16
    years: float = 9.0
    names: int = 250
    seed: int = 4_000
    allocators: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: ALLOCATORS)
    bounds: Mapping[str, float] = field(default_factory=lambda: BOUNDS)


# --- funds ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hired:
    """The pods of a fund, and what else its file says.

    Attributes:
        pods: id -> (strategy, parameters).
        limits: of the fund file; none as a rule, so that only the allocator decides.
        market: first and last session traded.
        capital: of the fund, whole currency units.
    """

    pods: Mapping[str, tuple[str, Mapping[str, Any]]]
    limits: tuple[Mapping[str, Any], ...] = ()
    market: Mapping[str, Any] = field(default_factory=dict)
    capital: int = CAPITAL


def rules_of(hired: Hired, capital: Mapping[str, Any]) -> Rules:
    """The fund of these pods under one allocator, with default costs.

    Args:
        hired: the pods.
        capital: keys of `[capital]`.
    """
    text = {
        "fund": {"name": "study", "capital": hired.capital},
        "market": dict(hired.market),
        "capital": dict(capital),
        "limit": [dict(limit) for limit in hired.limits],
        "pod": [
            {"id": name, "strategy": use, "uncertified": "a study", "params": dict(params)}
            for name, (use, params) in hired.pods.items()
        ],
    }
    return compiled(FundFile(Path("study.toml"), text, {}))


def runs(hired: Hired, panel: Panel, plan: "Plan") -> Iterator[tuple[str, Run]]:
    """The same wishes under every allocator of the plan: its name, and the run."""
    wishes: WishBook | None = None
    for name, section in plan.allocators.items():
        rules = rules_of(hired, {**plan.bounds, **section})
        if wishes is None:
            start, stop = traded_rows(rules, panel)
            wishes = gather(rules.pods, panel.rows(0, stop), start)
        yield name, backtest(rules, panel, wishes=wishes, record="fast")


# --- figures --------------------------------------------------------------------------------------

FIGURES = ("sharpe", "growth", "drawdown", "volatility", "cost", "moved")
"""Sharpe ratio above cash, growth a year, deepest drawdown, volatility, all costs a year as a
fraction of the fund, and the capital that an allocation moves between pods a year, as the same."""


def excess_of(run: Run, first: int = YEAR) -> F64:
    """(D,) the fund's returns above cash from session `first` on, after all costs."""
    unit = run.tape.unit_d
    idle = run.panel.rate_t[run.start + 1 : run.stop]
    return np.asarray((unit[1:] / unit[:-1] - 1.0 - idle)[first:])


def figures(run: Run, first: int = YEAR) -> F64:
    """(F,) FIGURES of a fund from session `first` on."""
    unit = run.tape.unit_d[first:]
    years = (len(unit) - 1) / YEAR
    excess = excess_of(run, first)
    paid = -run.tape.part_dpk[first + 1 :, :, [int(part) for part in COSTS]].sum(axis=(1, 2))
    told = (
        sharpe(excess),
        (unit[-1] / unit[0]) ** (1.0 / years) - 1.0,
        float((1.0 - unit / np.maximum.accumulate(unit)).max()),
        float(excess.std(ddof=1)) * math.sqrt(YEAR),
        float((paid / run.tape.nav_d[first:-1]).sum()) / years,
        moved(run, first) / years,
    )
    return np.array(told)


def sharpe(excess: F64) -> float:
    """A year, of daily returns above cash."""
    return float(excess.mean() / excess.std(ddof=1)) * math.sqrt(YEAR)


def moved(run: Run, first: int) -> float:
    """Half the sum of all changes of shares from session `first` on: fractions of the fund."""
    day = int(run.tape.day_d[first])
    shares_ap = np.array([event.share_p for at, event in run.tape.allocations if at >= day])
    return float(np.abs(np.diff(shares_ap, axis=0)).sum()) / 2.0


# --- simulated ------------------------------------------------------------------------------------


def ic_of(sharpe_p: tuple[float, ...]) -> F64:
    """(P,) correlations to plant for true Sharpe ratios after costs: a straight line."""
    return IC_AT_NONE + (IC_AT_ONE - IC_AT_NONE) * np.asarray(sharpe_p)


def planted(case: Case) -> tuple[Alpha, ...]:
    """The alphas of a case, and one worthless signal for each pod that dies.

    A member of a crowd inherits from the others, so its own part is smaller.
    """
    ic_p = ic_of(case.sharpe_p)
    alphas = []
    for p, ic in enumerate(ic_p):
        if p < case.crowd:
            own = float(ic) / (1.0 + case.crowding * (case.crowd - 1))
            alphas.append(Alpha(f"s{p}", own, HALF_LIFE_DAYS, "crowd", case.crowding))
        else:
            alphas.append(Alpha(f"s{p}", float(ic), HALF_LIFE_DAYS))
    worthless = [Alpha(f"after{k}", 0.0, HALF_LIFE_DAYS) for k in range(case.dying)]
    return (*alphas, *worthless)


def world(case: Case, plan: Plan, number: int) -> Panel:
    """The panel of a simulated market with one signal a pod."""
    made = simulate(plan.names, plan.years, plan.seed + number, alphas=planted(case))
    signals = {name: signal.copy() for name, signal in made.truth.signals.items()}
    pods, middle = len(case.sharpe_p), round(plan.years * YEAR / 2)
    for k in range(case.dying):
        signals[f"s{pods - case.dying + k}"][middle:] = signals[f"after{k}"][middle:]
    return replace(made.panel(), signals=signals)


def hired(case: Case) -> Hired:
    """One pod a signal, alike but for gross exposure."""
    pods = {}
    for p, gross in enumerate(case.gross_p):
        params = {"signal": f"s{p}", "names": 15, "smooth_days": 10, "gross": gross}
        pods[f"p{p}"] = ("benchmarks.signal_pod", params)
    return Hired(pods, LADDER if case.ladder else ())


def study(case: Case, plan: Plan) -> tuple[F64, F64]:
    """All worlds of a case.

    Returns:
        (W, A, F) figures of each allocator's fund; (W, P) Sharpe ratios of the pods, under the
        first allocator.
    """
    figures_waf: list[list[F64]] = []
    sharpe_wp: list[F64] = []
    for number in range(plan.worlds):
        panel = world(case, plan, number)
        figures_af: list[F64] = []
        for _, run in runs(hired(case), panel, plan):
            if not figures_af:
                sharpe_wp.append(sharpe_of_pods(run))
            figures_af.append(figures(run))
        figures_waf.append(figures_af)
    return np.array(figures_waf), np.array(sharpe_wp)


def sharpe_of_pods(run: Run) -> F64:
    """(P,) Sharpe ratios above cash of the pods, over all of the run.

    A pod that was closed counts on with returns of 0, which is less than cash.
    """
    unit_dp = run.tape.unit_dp
    idle = run.panel.rate_t[run.start + 1 : run.stop]
    excess_dp = unit_dp[1:] / unit_dp[:-1] - 1.0 - idle[:, None]
    ratio_p = excess_dp.mean(axis=0) / excess_dp.std(axis=0, ddof=1) * math.sqrt(YEAR)
    return np.asarray(ratio_p)


def paired(figures_waf: F64, confidence: float = 0.95) -> tuple[F64, F64]:
    """Differences from the first allocator, mean over worlds, and half their interval (Student).

    Args:
        figures_waf: (W, A, F) figures.
        confidence: that the interval holds the true mean.

    Returns:
        (A, F) means and (A, F) half widths; exactly 0 for the first.
    """
    from scipy.stats import t  # heavy, and only the tables need it

    apart_waf = figures_waf - figures_waf[:, :1]
    worlds = len(apart_waf)
    error_af = apart_waf.std(axis=0, ddof=1) / math.sqrt(worlds)
    return apart_waf.mean(axis=0), error_af * float(t.ppf(0.5 + confidence / 2.0, worlds - 1))


CERTAIN = 1.0 - 0.05 / (len(CASES) * (len(ALLOCATORS) - 1))
"""Confidence of one comparison with which all of them together hold 95 % (Bonferroni)."""


def told(plan: Plan, figures_waf: F64, sharpe_wp: F64) -> Iterator[str]:
    """A case as lines of a Markdown table."""
    pods = ", ".join(f"{ratio:.2f}" for ratio in sharpe_wp.mean(axis=0))
    yield f"Sharpe ratios of the pods, mean of {len(sharpe_wp)} worlds: {pods}\n"
    yield "| allocator | Sharpe | less equal | growth | drawdown | volatility | cost | moved |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    mean_af = figures_waf.mean(axis=0)
    apart_af, half_af = paired(figures_waf)
    sure_af = paired(figures_waf, CERTAIN)[1]
    for a, name in enumerate(plan.allocators):
        ratio, *rest = mean_af[a]
        difference = f"{apart_af[a, 0]:+.3f} +- {half_af[a, 0]:.3f}" if a else ""
        if a and abs(apart_af[a, 0]) > sure_af[a, 0]:
            difference = f"**{difference}**"
        cells = " | ".join(f"{100.0 * value:.2f} %" for value in rest)
        yield f"| `{name}` | {ratio:.2f} | {difference} | {cells} |"


# --- real -----------------------------------------------------------------------------------------

WISHES: Mapping[str, Mapping[str, Any]] = {
    "momentum": {},
    "trend": {},
    "reversion": {},
    "pairs": {},
    "neutral": {},
    "composite": {},
    "relative_value": {"groups": "RELATED"},
}
"""The house's pods on stocks that are ready from the first year on, as benchmarks/pod_results.py
has them."""


@dataclass(frozen=True, slots=True)
class Roster:
    """Some of the house's pods.

    Attributes:
        pods: which.
        limits: of the fund.
        capital: of the fund, whole currency units.
    """

    pods: tuple[str, ...] = tuple(WISHES)
    limits: tuple[Mapping[str, Any], ...] = ()
    capital: int = 10_000_000


SMALL = 1_000_000
"""A capital at which the least charge an order makes losers of pods that trade many names."""

REAL: Mapping[str, Roster] = {
    "as they wish": Roster(),
    "volatility capped": Roster(limits=LADDER[1:]),
    "retail ladder": Roster(limits=LADDER),
    "small, as they wish": Roster(capital=SMALL),
    "small, retail ladder": Roster(limits=LADDER, capital=SMALL),
    "small, those that did not lose, by hindsight": Roster(
        ("momentum", "trend", "reversion", "relative_value"), capital=SMALL
    ),
}


def real(folder: Path, roster: Roster, plan: Plan, samples: int = 2_000) -> Iterator[str]:
    """The house's pods on real prices under every allocator, as lines of a Markdown table.

    Args:
        folder: of the prices.
        roster: who is hired.
        plan: allocators and bounds.
        samples: resampled histories behind the intervals (stationary bootstrap, blocks of a mean of
            20 sessions, the same rows for both funds of a pair).
    """
    panel = pod_results.panel_of(folder, "stocks")
    yield (
        "| allocator | Sharpe | less equal, 95 % | in each half | " + " | ".join(FIGURES[1:]) + " |"
    )
    yield "| --- " * (len(FIGURES) + 3) + "|"
    base, ratios, rows = np.zeros(0), np.zeros(0), np.zeros((0, 0), dtype=np.int64)
    for name, run in runs(house(roster, panel), panel, plan):
        excess = excess_of(run)
        if not len(base):
            base = excess
            rows = stationary_rows(len(excess), samples, 20.0, np.random.default_rng(0))
            ratios = sharpe_of_pods(run)
        yield row_of(name, run, base, rows)
    pods = ", ".join(f"{p} {x:.2f}" for p, x in zip(roster.pods, ratios, strict=True))
    yield f"Sharpe ratios of the pods: {pods}"


def house(roster: Roster, panel: Panel) -> Hired:
    """The pods of a roster with the parameters of their own studies."""
    pods = {}
    for name in roster.pods:
        text = pod_results.config(name, "stocks", dict(WISHES[name]), panel)
        pods[name] = (name, text["strategy"]["params"])
    market = {"start": pod_results.START["stocks"], "end": pod_results.LAST}
    return Hired(pods, roster.limits, market, roster.capital)


def row_of(name: str, run: Run, base: F64, rows: I64) -> str:
    """A line of the table of real prices; `base` are the returns of the fund to compare with."""
    excess, half = excess_of(run), len(base) // 2
    ratio, *rest = figures(run)
    low, high = difference(excess, base, rows)
    early = sharpe(excess[:half]) - sharpe(base[:half])
    late = sharpe(excess[half:]) - sharpe(base[half:])
    apart = f"{ratio - sharpe(base):+.2f} ({low:+.2f} to {high:+.2f}) | {early:+.2f}, {late:+.2f}"
    cells = " | ".join(f"{100.0 * value:.1f} %" for value in rest)
    return f"| `{name}` | {ratio:.2f} | {apart} | {cells} |"


def difference(excess: F64, other: F64, rows: I64) -> tuple[float, float]:
    """Interval of 95 % of the difference of two funds' Sharpe ratios, on the same resampled rows."""
    ratios = []
    for series in (excess, other):
        drawn = series[rows]
        ratios.append(drawn.mean(axis=1) / drawn.std(axis=1, ddof=1) * math.sqrt(YEAR))
    low, high = np.quantile(ratios[0] - ratios[1], [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    """Print the study: real prices, or the cases named, or all."""
    wanted, plan = sys.argv[1:], Plan()
    if len(wanted) == 2 and wanted[0] == "real":
        for name, roster in REAL.items():
            print(f"\n## {name}", flush=True)
            for line in real(Path(wanted[1]), roster, plan):
                print(line, flush=True)
        return
    unknown = [name for name in wanted if name not in CASES]
    if unknown:
        raise SystemExit(f"no case {unknown}: name some of {list(CASES)}, or say: real DATA")
    for name in wanted or CASES:
        began = time.process_time()
        figures_waf, sharpe_wp = study(CASES[name], plan)
        print(f"\n## {name}", flush=True)
        for line in told(plan, figures_waf, sharpe_wp):
            print(line, flush=True)
        print(f"{time.process_time() - began:.0f} CPU s", flush=True)


if __name__ == "__main__":
    main()
