"""Which pod of a fund earned what: own books, leave-one-out, Euler's share of risk and Shapley.

Everything is of one fund over one span, so the four can stand beside one another:

    own            profit of the pod's own book           sums to the pods' profit, to the micro
    left out       v(N) - v(N without p)                  does not sum
    risk           cov(x_p, X) / sd(X), X = sum of x_p    sums to sd(X), the pods' volatility
    Shapley        mean of what p adds to coalitions      sums to v(N) - v(nobody), to the micro

v is `coalitions.FundValue`; x_p the daily profit of a pod's own book. Sources: see
`attribution.credit`.
"""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from podshop.attribution.apportion import apportion
from podshop.attribution.credit import (
    EXACT_MOST,
    Credit,
    euler,
    leave_one_out,
    sampled_shapley,
    shapley,
)
from podshop.attribution.quarters import EARNED
from podshop.domain.error import ConfigError
from podshop.domain.event import Part
from podshop.domain.money import F64, I64, MICROS, Bools
from podshop.research.coalitions import FundValue
from podshop.research.run import Run

METHODS = ("own", "leave-one-out", "euler", "shapley")
"""Ways to credit the pods of a fund."""

SESSIONS_A_YEAR = 252


@dataclass(frozen=True, slots=True)
class FundCredit:
    """The credits of a fund's pods; amounts are micros, None is what was not asked for.

    Attributes:
        pods: ids.
        first: first session whose profit counts.
        last: last one.
        sessions: how many.
        profit: of the fund with all pods, without flows.
        idle: what it would have made with nobody trading; None without Shapley's value.
        own_p: (P,) profit of each pod's own book; sums to the profit less the centre's.
        interest: what of the pods' own profits is interest on their cash.
        centre: profit of the centre.
        left_out_p: (P,) what the fund would have missed without each pod.
        risk_p: (P,) share of the volatility of the pods' profit, currency units a year.
        shapley_p: (P,) sums to `profit - idle`.
        reach_p: (P,) half the width of each one's 95 % interval; 0 when nothing was sampled.
        samples: pairs of orders that were drawn; 0 when every coalition was valued.
        valuations: coalitions that were backtested.
    """

    pods: tuple[str, ...]
    first: np.datetime64
    last: np.datetime64
    sessions: int
    profit: int
    idle: int | None
    own_p: I64
    interest: int
    centre: int
    left_out_p: I64 | None
    risk_p: F64 | None
    shapley_p: I64 | None
    reach_p: I64 | None
    samples: int
    valuations: int


class Worth:
    """Profit in micros by coalition; each is backtested once, for all methods together."""

    def __init__(self, value: FundValue) -> None:
        """Backtest the fund with all pods, which every method needs.

        Args:
            value: the fund's profit by coalition.
        """
        self.value = value
        all_p = np.ones(len(value.rules.pods), dtype=np.bool_)
        self.everybody: Run = value.run(all_p)
        self._known = {all_p.tobytes(): value.profit(self.everybody)}
        self._told: Callable[[int], None] | None = None

    @property
    def valuations(self) -> int:
        """Coalitions that were backtested."""
        return len(self._known)

    def tell(self, told: Callable[[int], None]) -> None:
        """Say after each backtest how many there were.

        Args:
            told: called with the number.
        """
        self._told = told

    def micros(self, member: Bools) -> int:
        """Profit of the fund with these pods only.

        Args:
            member: (P,) true for those who trade.
        """
        key = member.tobytes()
        if key not in self._known:
            self._known[key] = self.value.profit(self.value.run(member))
            if self._told is not None:
                self._told(len(self._known))
        return self._known[key]

    def __call__(self, member: Bools) -> float:
        """The same as a float, which is exact up to nine billion currency units."""
        return float(self.micros(member))


def planned(pods: int, methods: Collection[str], samples: int) -> int:
    """The most coalitions that will be backtested.

    Args:
        pods: in the fund.
        methods: of `METHODS`.
        samples: pairs of orders; 0 for every coalition.
    """
    if "shapley" in methods and samples == 0:
        return int(2**pods)
    left_out = pods if "leave-one-out" in methods else 0
    drawn = 1 + 2 * samples * (pods - 1) if "shapley" in methods else 0
    return min(1 + left_out + drawn, int(2**pods))


def credit_pods(
    worth: Worth, methods: Collection[str] = METHODS, samples: int = 0, seed: int = 0
) -> FundCredit:
    """Credit the pods of a fund in every way that is asked for.

    Args:
        worth: the fund's profit by coalition.
        methods: of `METHODS`; own profit is always there.
        samples: pairs of orders for Shapley's value, 5 or more; 0 for every coalition, up to 12
            pods.
        seed: of the orders.

    Raises:
        ConfigError: the fund has one pod, or too many for every coalition to be valued.
        ValueError: a method is unknown, or there are too few samples.
    """
    value, run = worth.value, worth.everybody
    pods = len(value.rules.pods)
    check(pods, methods, samples)
    part_tpk = run.tape.part_dpk[value.skipped :]
    profit_tp = part_tpk[:, :, EARNED].sum(axis=2)
    left_out_p = shapley_p = reach_p = risk_p = idle = None
    if "leave-one-out" in methods:
        left_out_p = np.rint(leave_one_out(worth, pods)).astype(np.int64)
    if "shapley" in methods:
        idle = worth.micros(np.zeros(pods, np.bool_))
        drawn = sampled_shapley(worth, pods, samples, seed) if samples else shapley(worth, pods)
        shapley_p = whole(drawn.share, value.profit(run) - idle)
        reach_p = np.ceil(drawn.interval[:, 1] - drawn.share).astype(np.int64)
    if "euler" in methods:
        risk_p = risk_shares(profit_tp[:, :-1] / MICROS).share
    days = run.panel.days[run.start + value.skipped : run.stop]
    return FundCredit(
        pods=value.rules.pod_ids(),
        first=days[0],
        last=days[-1],
        sessions=len(days),
        profit=value.profit(run),
        idle=idle,
        own_p=profit_tp[:, :-1].sum(axis=0),
        interest=int(part_tpk[:, :-1, Part.INTEREST].sum()),
        centre=int(profit_tp[:, -1].sum()),
        left_out_p=left_out_p,
        risk_p=risk_p,
        shapley_p=shapley_p,
        reach_p=reach_p,
        samples=samples if "shapley" in methods else 0,
        valuations=worth.valuations,
    )


def check(pods: int, methods: Collection[str], samples: int) -> None:
    """Refuse what cannot be credited, before anything is backtested.

    Args:
        pods: in the fund.
        methods: of `METHODS`.
        samples: pairs of orders; 0 for every coalition.

    Raises:
        ConfigError: the fund has one pod, or too many for every coalition to be valued.
        ValueError: a method is unknown.
    """
    unknown = set(methods) - set(METHODS)
    if unknown:
        raise ValueError(f"no method is called {sorted(unknown)}; there are {', '.join(METHODS)}")
    if pods < 2:
        raise ConfigError(
            "credit splits a profit among pods, and this fund has one, which earned it all\n"
            "  -> `podshop backtest` shows its profit; credit needs two pods or more"
        )
    if "shapley" in methods and samples == 0 and pods > EXACT_MOST:
        raise ConfigError(
            f"{pods} pods have {2.0**pods:.3g} coalitions; up to {EXACT_MOST} pods all are valued\n"
            "  -> say how many pairs of orders to draw with --samples"
        )


def risk_shares(profit_tp: F64) -> Credit:
    """Split the volatility of the pods' profit by covariance: Euler's rule on sqrt(x' S x).

    Args:
        profit_tp: (T, P) profit of each pod by session, currency units.

    Returns:
        The split of the volatility a year, currency units; below 0 for who made it calmer.
    """
    covariance = np.atleast_2d(np.cov(profit_tp, rowvar=False)) * SESSIONS_A_YEAR
    at = np.ones(len(covariance))
    risk = _risk(covariance, at)
    slope = covariance @ at / risk if risk > 0.0 else np.zeros(len(at))
    return euler(lambda x: _risk(covariance, x), at, lambda _: slope)


def whole(share: F64, total: int) -> I64:
    """Shares as whole micros that sum to the total: the floor, and what is left by the fractions.

    Args:
        share: (P,) micros, of either sign, that sum to the total but for rounding.
        total: micros.

    Returns:
        (P,) micros, none a micro or more away from its share while floats hold micros, up to
        nine billion currency units; a share of 0 stays 0.
    """
    floor_p = np.floor(share)
    left = total - sum(int(part) for part in floor_p)
    fraction_p = share - floor_p
    weight_p = fraction_p if fraction_p.any() else np.abs(share)
    return floor_p.astype(np.int64) + apportion(left, weight_p)


def _risk(covariance: F64, x: F64) -> float:
    return math.sqrt(max(float(x @ covariance @ x), 0.0))
