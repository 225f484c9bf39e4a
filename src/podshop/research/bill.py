"""What trading cost a strategy, what other costs would have left of it, and how much it can carry.

Everything here holds the trades fixed: with other costs or more capital a strategy might have
traded otherwise, which only another backtest can tell.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from podshop.domain.error import DataError
from podshop.domain.money import F64
from podshop.research.metrics.numbers import NAN, growth, ratio
from podshop.research.metrics.sample import Sample

PERIODS = 252
"""Sessions a year."""
SCALED = ("commission", "spread", "impact", "netting", "borrow")
"""Parts that a multiple of costs multiplies; fees for management are agreed, not estimated."""
MULTIPLES = (0.0, 0.5, 1.0, 2.0, 3.0)
LEVELS = (0.01, 0.05, 0.10)
"""Shares of a session's volume that a trade may take."""
DEAREST = 2.0**20
"""Multiple of costs above which a break-even is not looked for."""


@dataclass(frozen=True)
class Trades:
    """How much of the market a strategy took: one row a trade, an asset and a session.

    Attributes:
        participation: (K,) lots over the lots that traded in the session; known volumes only.
        capital: (K,) currency units of the strategy's capital at that trade.
        unknown: trades in sessions without a volume.
    """

    participation: F64
    capital: F64
    unknown: int = 0


@dataclass(frozen=True)
class Bill:
    """What a strategy paid, session by session.

    Attributes:
        parts: name -> (T,) cost as a share of the capital that bore it; paid is positive. Names of
            SCALED are costs of trading and holding; all others ("fee") are agreed.
        capital: (T,) currency units that bore them.
        traded: (T,) value bought plus sold, as a share of that capital.
        trades: how much of the market was taken; None where nobody knows.
    """

    parts: Mapping[str, F64]
    capital: F64
    traded: F64
    trades: Trades | None = None

    def __post_init__(self) -> None:
        """Check that all columns have the same sessions."""
        sizes = {name: len(part) for name, part in self.parts.items()}
        sizes |= {"capital": len(self.capital), "traded": len(self.traded)}
        if len(set(sizes.values())) > 1:
            raise DataError(f"a bill needs one row a session in every column, it has {sizes}")

    @cached_property
    def scaled(self) -> F64:
        """(T,) costs of trading and holding, a share of capital."""
        known = [part for name, part in self.parts.items() if name in SCALED]
        total: F64 = np.sum([*known, np.zeros(len(self.capital))], axis=0)
        return total

    @cached_property
    def whole(self) -> F64:
        """(T,) all costs, a share of capital."""
        total: F64 = np.sum([*self.parts.values(), np.zeros(len(self.capital))], axis=0)
        return total

    @property
    def turnover(self) -> float:
        """Value bought plus sold a year, as a multiple of capital."""
        return float(self.traded.mean()) * PERIODS

    def yearly(self) -> dict[str, float]:
        """Part -> cost a year as a share of capital: mean of a session times 252."""
        return {name: float(part.mean()) * PERIODS for name, part in self.parts.items()}

    def money(self) -> dict[str, float]:
        """Part -> currency units over the whole run."""
        return {name: float((part * self.capital).sum()) for name, part in self.parts.items()}

    def share_of_gross(self, returns: F64) -> float:
        """All costs over the profit before costs, in money; NaN where there was no such profit."""
        paid = float((self.whole * self.capital).sum())
        gross = float((returns * self.capital).sum()) + paid
        return paid / gross if gross > 0.0 else NAN


def with_costs(returns: F64, bill: Bill, multiple: float) -> F64:
    """(T,) returns at a multiple of the costs of trading and holding, trades held fixed.

    r + (1 - m) c: at 1 they are the returns themselves.

    Args:
        returns: (T,) net simple returns.
        bill: what they paid.
        multiple: 0 for free, 1 as it was.
    """
    return returns + (1.0 - multiple) * bill.scaled


@dataclass(frozen=True, slots=True)
class Scenario:
    """A strategy at other costs.

    Attributes:
        multiple: of the costs of trading and holding.
        cagr, sharpe: a year, net.
        total: return over the whole time.
    """

    multiple: float
    cagr: float
    sharpe: float
    total: float


def sensitivity(
    returns: F64, bill: Bill, rf: float = 0.0, multiples: Sequence[float] = MULTIPLES
) -> list[Scenario]:
    """The strategy at multiples of its costs.

    Args:
        returns: (T,) net simple returns.
        bill: what they paid.
        rf: risk-free rate a year.
        multiples: of the costs of trading and holding.
    """
    s = Sample(np.stack([with_costs(returns, bill, m) for m in multiples]), rf, PERIODS)
    cagr, sharpe, end = s.cagr[:, 0], s.sr[:, 0] * s.root, s.value[:, -1]
    return [
        Scenario(m, float(cagr[k]), float(sharpe[k]), float(end[k]) - 1.0)
        for k, m in enumerate(multiples)
    ]


def break_even(returns: F64, bill: Bill) -> float:
    """Multiple of the costs at which nothing is left: compound growth of zero.

    Returns:
        The multiple, by bisection to 1e-9 of it; 0 when nothing is left even without costs,
        infinity when no multiple up to 2^20 is enough.
    """

    def left(multiple: float) -> bool:
        r = with_costs(returns, bill, multiple)
        return bool((r > -1.0).all()) and growth(r, PERIODS).item() > 0.0

    if not left(0.0):
        return 0.0
    low, high = 0.0, 1.0
    while left(high):
        low, high = high, 2.0 * high
        if high > DEAREST:
            return math.inf
    while high - low > 1e-9 * high:
        middle = (low + high) / 2.0
        low, high = (middle, high) if left(middle) else (low, middle)
    return low


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much capital the strategy's own trades could have carried; currency units.

    Attributes:
        trades, unknown: trades with a known volume, and without.
        median, high: the median and the 95 % quantile of the share of volume taken.
        at: level of LEVELS -> (capital at which the median trade takes it, at which 95 % of the
            trades take no more).
        gross, impact: return and impact a year, shares of capital; the return before all costs.
        half: capital at which impact takes half of the gross return; NaN where there is none.
        capital: mean capital of the run.
    """

    trades: int
    unknown: int
    median: float
    high: float
    at: Mapping[float, tuple[float, float]]
    gross: float
    impact: float
    half: float
    capital: float


def capacity(returns: F64, bill: Bill) -> Capacity:
    """How much capital the trades of a run could have carried.

    A trade's lots, and so its share of the volume, grow with capital. The impact a lot grows with
    the square root of the lots (square-root law: Torre & Ferrari 1997; Almgren et al. 2005), so
    impact as a share of capital grows with the square root of capital:
    half = capital * (gross / 2 / impact)^2.

    Args:
        returns: (T,) net simple returns.
        bill: what they paid.
    """
    trades = bill.trades or Trades(np.zeros(0), np.zeros(0))
    # Share of the volume taken by one unit of capital, so that runs which grew can be compared.
    unit = trades.participation / trades.capital
    at, median, high = {}, NAN, NAN
    if unit.size:
        middle, most = np.quantile(unit, [0.5, 0.95]).tolist()
        at = {x: (ratio(x, middle).item(), ratio(x, most).item()) for x in LEVELS}
        median, high = np.quantile(trades.participation, [0.5, 0.95]).tolist()
    gross = float((returns + bill.whole).mean()) * PERIODS
    impact = bill.yearly().get("impact", 0.0)
    mean_capital = float(bill.capital.mean())
    carries = gross > 0.0 and impact > 0.0
    half = mean_capital * (gross / 2.0 / impact) ** 2 if carries else NAN
    return Capacity(
        trades=int(unit.size),
        unknown=trades.unknown,
        median=median,
        high=high,
        at=at,
        gross=gross,
        impact=impact,
        half=half,
        capital=mean_capital,
    )
