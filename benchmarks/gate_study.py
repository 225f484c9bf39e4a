"""How often the gate is wrong: strategies whose truth is known, through the whole path.

simulated market -> panel -> pods -> backtest with costs -> trials of a sweep -> evidence -> verdict

1 a world has one signal a strategy; each predicts its names' next returns by the same known `ic`,
  or not at all (`ic` = 0), so all strategies of a study are draws of one and the same strategy
2 a strategy is `benchmarks.signal_pod` on its signal, tried with every combination of `TRIALS`
3 the trial with the highest Sharpe ratio goes to the gate, with all others as its trials
4 what a trial's Sharpe ratio truly is, is its mean over all strategies of the study

Strategies of one world share its market, and by their stop-losses lean on it at the same time:
their returns correlate by about 0.1. So a study takes many worlds.

    python -m benchmarks.gate_study [WORKERS [WORDS OF CASES]]      the table of docs/concepts/gate.md
"""

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

import numpy as np

from podshop.domain.market import Panel
from podshop.domain.money import F64, Days
from podshop.domain.rules import Rules
from podshop.research.backtest import backtest
from podshop.research.costs import costs_of_pod
from podshop.research.gate import Evidence, Verdict, judge
from podshop.research.space import axes, grid
from podshop.research.sweep import apart
from podshop.research.trials import returns_of
from podshop.rulebook.strategy import GateSection, load_strategy, variants
from podshop.simulator import simulate
from podshop.simulator.alphas import Alpha

YEAR = 252
TRIALS: Mapping[str, list[int]] = {"names": [12, 18, 24, 30], "smooth_days": [1, 10, 21]}
HALF_LIFE_DAYS = 63.0
PLANTED_IC = 0.0178
"""Correlation of signal and next specific return: a true Sharpe ratio of 1.5 for a middle trial, 1.6
for what is chosen among all (measured)."""
FREE: Mapping[str, float] = {
    "commission_per_lot": 0.0,
    "commission_min": 0.0,
    "half_spread_bps": 0.0,
    "impact": 0.0,
    "borrow_bps_year": 0.0,
    "debit_spread_bps_year": 0.0,
    "management_fee": 0.0,
}
"""No costs: a worthless strategy then does not lose them.

For its truth to be 0 it may have no stop-loss either: that sells what falls, and in these markets,
with momentum, late reactions to news and names that die slowly, this earns a Sharpe ratio of 0.2.
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is studied.

    Attributes:
        ic: planted in each signal; 0 for none.
        costs: `[costs]` of the strategies.
        stop_loss: of their positions; 0 for none.
        worlds: simulated markets.
        strategies: of each world.
        years: of history.
        names: securities in all.
        seed: of the first world; the others follow it.
    """

    ic: float
    costs: Mapping[str, float]
    stop_loss: float = 0.15
    worlds: int = 20
    strategies: int = 10
    years: float = 12.0
    names: int = 250
    seed: int = 100


@dataclass(frozen=True, slots=True)
class Lot:
    """The strategies of a study.

    Attributes:
        days: (D,) sessions.
        returns_skd: (S, K, D) returns above cash of every trial of every strategy.
        cost_sk: (S, K) trading costs a year, fraction of the capital.
    """

    days: Days
    returns_skd: F64
    cost_sk: F64

    def sharpes(self) -> F64:
        """(S, K) Sharpe ratios a year."""
        mean, deviation = self.returns_skd.mean(axis=2), self.returns_skd.std(axis=2, ddof=1)
        return np.asarray(mean / deviation * math.sqrt(YEAR))

    def last(self, years: float) -> "Lot":
        """The same strategies with less history."""
        rows = round(years * YEAR)
        return Lot(self.days[-rows:], self.returns_skd[:, :, -rows:], self.cost_sk)

    def alone(self, k: int) -> "Lot":
        """The same strategies with one trial each, the k-th: nothing was chosen."""
        return Lot(self.days, self.returns_skd[:, k : k + 1], self.cost_sk[:, k : k + 1])


def strategy_text(signal: str, plan: Plan) -> dict[str, Any]:
    """The strategy file of one signal."""
    use = {"use": "benchmarks.signal_pod", "name": signal, "params": {"signal": signal}}
    limits = {"stop_loss": plan.stop_loss}
    return {"strategy": use, "costs": dict(plan.costs), "limits": limits, "sweep": dict(TRIALS)}


def world(plan: Plan, number: int) -> Panel:
    """The panel of a simulated market with one signal a strategy."""
    planted = tuple(Alpha(f"s{k}", plan.ic, HALF_LIFE_DAYS) for k in range(plan.strategies))
    made = simulate(plan.names, plan.years, plan.seed + number, alphas=planted)
    return replace(made.panel(), signals=made.truth.signals)


def trials_of(plan: Plan, number: int) -> Lot:
    """Every trial of every strategy of one world, as pods of one fund that share nothing."""
    panel, each = world(plan, number), list(_rules(plan))
    run = backtest(apart(each), panel, record="fast")
    idle = run.panel.rate_t[run.start + 1 : run.stop]
    days = returns_of(run)[0]
    returns = np.stack([returns_of(run, p)[1] - idle for p in range(len(each))])
    cost = np.array([costs_of_pod(run, p).cost for p in range(len(each))])
    shape = (plan.strategies, len(each) // plan.strategies)
    return Lot(days, returns.reshape(*shape, -1), cost.reshape(shape))


def _rules(plan: Plan) -> Iterator[Rules]:
    """The fund of one pod of every trial, strategy by strategy."""
    for k in range(plan.strategies):
        strategy = load_strategy(strategy_text(f"s{k}", plan))
        for rules in variants(strategy, grid(axes(strategy.sweep))):
            if not isinstance(rules, Rules):
                raise rules
            yield rules


def study(plan: Plan, workers: int = 1) -> Lot:
    """All worlds of a study."""
    numbers = range(plan.worlds)
    if workers == 1:
        lots = [trials_of(plan, number) for number in numbers]
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            lots = list(pool.map(trials_of, [plan] * plan.worlds, numbers))
    return Lot(
        lots[0].days,
        np.concatenate([lot.returns_skd for lot in lots]),
        np.concatenate([lot.cost_sk for lot in lots]),
    )


def evidence(lot: Lot, s: int) -> Evidence:
    """What the gate is given on strategy `s`: the best of its trials, and all of them."""
    best = int(np.argmax(lot.sharpes()[s]))
    trials = lot.returns_skd[s]
    return Evidence(
        days=lot.days,
        returns=trials[best],
        trials=np.ascontiguousarray(trials.T),
        made=len(trials),
        cost_year=float(lot.cost_sk[s, best]),
    )


def verdicts(lot: Lot, gate: GateSection | None = None) -> list[Verdict]:
    """What the gate says about each strategy."""
    asked = gate or GateSection()
    return [judge(evidence(lot, s), asked) for s in range(len(lot.returns_skd))]


def true_sharpe(lot: Lot) -> tuple[float, float]:
    """True Sharpe ratio of what was chosen, and its standard error.

    All strategies are draws of one, so a trial's true Sharpe ratio is its mean over them; choosing
    cannot raise that. The error is that of the mean over strategies of a typical trial.
    """
    sharpe_sk = lot.sharpes()
    chosen = sharpe_sk.argmax(axis=1)
    error = sharpe_sk.std(axis=0, ddof=1).mean() / math.sqrt(len(sharpe_sk))
    return float(sharpe_sk.mean(axis=0)[chosen].mean()), float(error)


def interval(passed: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a share (Clopper, Pearson 1934): holds the true one at least so often."""
    from scipy.stats import beta  # heavy, and only the table needs it

    tail = (1.0 - confidence) / 2.0
    low = beta.ppf(tail, passed, of - passed + 1) if passed else 0.0
    high = beta.ppf(1.0 - tail, passed + 1, of - passed) if passed < of else 1.0
    return float(low), float(high)


def share_passing(found: list[Verdict]) -> dict[str, float]:
    """Criterion -> share of the strategies that pass it; "all" for the whole gate."""
    names = [c.name for c in found[0].criteria if c.asks != "told"]
    shares = {"all": float(np.mean([v.passed for v in found]))}
    for name in names:
        shares[name] = float(
            np.mean([c.passed for v in found for c in v.criteria if c.name == name])
        )
    return shares


CASES: Mapping[str, Plan] = {
    "no alpha, no costs, no stop-loss": Plan(0.0, FREE, stop_loss=0.0, seed=100),
    "no alpha, no costs, stop-loss": Plan(0.0, FREE, seed=100),
    "no alpha, default costs": Plan(0.0, {}, seed=200),
    "planted, default costs": Plan(PLANTED_IC, {}, seed=300),
}
CUTS: Mapping[str, Callable[[Lot], Lot]] = {
    "best of 12, 12 years": lambda lot: lot,
    "best of 12, 10 years": lambda lot: lot.last(10),
    "best of 12, 8 years": lambda lot: lot.last(8),
    "best of 12, 6 years": lambda lot: lot.last(6),
    "one trial, 12 years": lambda lot: lot.alone(4),
    "one trial, 10 years": lambda lot: lot.last(10).alone(4),
}


def told(case: str, plan: Plan, lot: Lot) -> Iterator[str]:
    """A case as lines: what its strategies are, then each cut as rows of Markdown tables."""
    sharpe_sk = lot.sharpes()
    yield f"\n## {case}: {len(sharpe_sk)} strategies"
    yield f"mean Sharpe by trial {sharpe_sk.mean(axis=0).round(2).tolist()}"
    volatility_k = lot.returns_skd.std(axis=(0, 2)) * math.sqrt(YEAR)
    yield f"volatility by trial {volatility_k.round(3).tolist()}"
    yield f"trading costs a year {lot.cost_sk.mean():.4f}"
    for name, cut in CUTS.items():
        part = cut(lot)
        found = verdicts(part)
        passed = sum(v.passed for v in found)
        low, high = interval(passed, len(found))
        by_world = np.reshape([v.passed for v in found], (plan.worlds, -1)).mean(axis=1)
        spread = by_world.std(ddof=1) / math.sqrt(plan.worlds)
        true, error = true_sharpe(part)
        shown = part.sharpes().max(axis=1).mean()
        yield (
            f"| {name} | {true:.2f} +- {error:.2f} | {shown:.2f} | {passed / len(found):.1%} | "
            f"{low:.1%} to {high:.1%} | error between worlds {spread:.1%} |"
        )
        shares = share_passing(found)
        yield "    " + ", ".join(f"{key} {share:.1%}" for key, share in shares.items())


def main() -> None:
    """Print the study: workers, then words of the cases wanted (all when there are none)."""
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    wanted = sys.argv[2:]
    for case, plan in CASES.items():
        if wanted and not any(word in case for word in wanted):
            continue
        began = time.perf_counter()
        lot = study(plan, workers)
        for line in told(case, plan, lot):
            print(line, flush=True)
        print(f"{time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
