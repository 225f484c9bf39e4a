"""Which trades are worth their cost.

What weights are worth over the horizon h is U(w) = h (alpha'w - w'Sigma w / (2 fraction)), a
fraction of NAV like a cost. From the trades that lead to a target,

1. the gain of a trade is what U loses when this one trade is left out and the others are done;
2. the trade whose gain beats its cost by least is struck out while it does not beat it; the gains
   of the others change, and are counted anew;
3. what is left is done only if together it beats its cost too: two legs of a hedge need each other,
   and may both be needless.

The band of a name is where no trade in it alone can pay: |w - wanted| <= cost * fraction / (h
variance), from U'' (the myopic case of Davis and Norman 1990). Trades that go beyond it stop at its
edge when the problem itself knows the costs (`cost_n` with kelly or minimum_variance); advice is
for targets that do not, and for asking whether to trade at all.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.money import F64, Bools
from podshop.optimise.problem import Problem
from podshop.optimise.solution import trade_cost_n


@dataclass(frozen=True, slots=True)
class Advice:
    """What to trade.

    Attributes:
        weight_n: (N,) weights after the advised trades. Where trades were struck out, net, sectors
            and factors may be off: cash takes the rest.
        trade_n: (N,) the advised trades.
        worth_n: (N,) which of the proposed trades are advised.
        gain_n: (N,) gain over the horizon of each proposed trade beside those that 2. leaves,
            before cost, fraction of NAV; 0 where nothing was proposed.
        cost_n: (N,) what each proposed trade costs, once, fraction of NAV.
        band_n: (N,) half-width of the no-trade band, weight; infinite for a name without variance.
        gain: of all advised trades together, before cost.
        cost: of all advised trades.
        said: the verdict in a sentence.
    """

    weight_n: F64
    trade_n: F64
    worth_n: Bools
    gain_n: F64
    cost_n: F64
    band_n: F64
    gain: float
    cost: float
    said: str


def advise(problem: Problem, target_n: F64, *, margin: float = 1.0) -> Advice:
    """Say which trades towards a target are worth their cost.

    Args:
        problem: forecasts (zero where left out), risk, what is held, costs, horizon and fraction.
        target_n: (N,) weights that somebody proposes, e.g. `Solution.weight_n`.
        margin: a trade must gain this many times its cost; 1 breaks even.

    Raises:
        ValueError: the target does not fit, or the margin is negative.
    """
    if target_n.shape != (problem.names,) or not np.isfinite(target_n).all():
        raise ValueError(f"target_n must be ({problem.names},) and finite")
    if not 0.0 <= margin < np.inf:
        raise ValueError(f"margin must be finite and not negative, not {margin}")
    proposed_n = target_n - problem.held_n
    cost_n = trade_cost_n(problem, proposed_n)
    worth_n, gain_n = _struck_out(problem, proposed_n, margin * cost_n)
    trade_n = np.where(worth_n, proposed_n, 0.0)
    gain, cost = _gain(problem, trade_n), float(cost_n[worth_n].sum())
    left, all_of_them = int(worth_n.sum()), int((proposed_n != 0.0).sum())
    said = f"{left} of {all_of_them} trades are worth their cost"
    if left and gain <= margin * cost:
        said = f"no trade: together they gain {gain:.2e} and cost {cost:.2e}"
        worth_n, trade_n, gain, cost = np.zeros_like(worth_n), np.zeros_like(trade_n), 0.0, 0.0
    weight_n = problem.held_n + trade_n
    band_n = margin * _band_n(problem)
    return Advice(weight_n, trade_n, worth_n, gain_n, cost_n, band_n, gain, cost, said)


def _struck_out(problem: Problem, proposed_n: F64, needed_n: F64) -> tuple[Bools, F64]:
    """The trades that remain when the worst is struck out again and again, and every gain."""
    variance_n = problem.risk.variance_n
    worth_n = proposed_n != 0.0
    while True:
        weight_n = problem.held_n + np.where(worth_n, proposed_n, 0.0)
        slope_n = _alpha_n(problem) - problem.risk.times(weight_n) / problem.fraction
        curve_n = variance_n * proposed_n**2 / (2.0 * problem.fraction)
        # Leaving one out takes it away; for a trade already struck out, doing it adds it.
        sign_n = np.where(worth_n, 1.0, -1.0)
        gain_n = problem.horizon_years * (slope_n * proposed_n + sign_n * curve_n)
        over_n = np.where(worth_n, gain_n - needed_n, np.inf)
        worst = int(np.argmin(over_n))
        if not over_n[worst] <= 0.0:
            return worth_n, gain_n
        worth_n[worst] = False


def _alpha_n(problem: Problem) -> F64:
    """(N,) forecasts; zeros where there are none."""
    return np.zeros(problem.names) if problem.alpha_n is None else problem.alpha_n


def _gain(problem: Problem, trade_n: F64) -> float:
    """What U gains by these trades together."""
    slope_n = _alpha_n(problem) - problem.risk.times(problem.held_n) / problem.fraction
    bend = problem.risk.variance(trade_n) / (2.0 * problem.fraction)
    return problem.horizon_years * (float(slope_n @ trade_n) - bend)


def _band_n(problem: Problem) -> F64:
    """(N,) half-widths within which no trade in one name pays its linear cost."""
    if problem.cost_n is None:
        return np.zeros(problem.names)
    bend_n = problem.horizon_years * problem.risk.variance_n / problem.fraction
    wide_n: F64 = np.where(
        bend_n > 0.0, problem.cost_n / np.where(bend_n > 0.0, bend_n, 1.0), np.inf
    )
    return wide_n
