"""The rules of one fund: what the fund file says, compiled into frozen records.

Plug-ins appear here as plain functions with their parameters, so that `cycle.py` needs no registry.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal

import numpy as np

from podshop.domain.book import Book
from podshop.domain.event import Breach
from podshop.domain.money import F64, I64, Bools, Days
from podshop.domain.pod import Pod, Stage


@dataclass(frozen=True, slots=True)
class Caps:
    """How much a pod may wish for, and the fund may hold; inf where nothing is capped.

    Attributes:
        position: largest |weight| of one name, fraction of the pod's capital in use.
        sector: largest sum of weights of one sector and side, fraction of the pod's capital in use.
        gross: largest sum of |weight|, fraction of the pod's capital in use.
        net: largest |sum of weights|, fraction of the pod's capital in use.
        volatility: largest ex-ante volatility a year of the pod on its capital in use, fraction.
        volatility_days: trailing window for that estimate.
        ticker: largest |net position| of the fund in one name, fraction of fund NAV.
        beta: largest |sum of weight x beta| of the pod, fraction of its capital in use.
        beta_days: trailing window for that estimate.
        leverage: largest sum of |net position| of the fund over all names, fraction of fund NAV.
    """

    position: float = np.inf
    sector: float = np.inf
    gross: float = np.inf
    net: float = np.inf
    volatility: float = np.inf
    volatility_days: int = 63
    ticker: float = np.inf
    beta: float = np.inf
    beta_days: int = 252
    leverage: float = np.inf

    def tighten(self, other: "Caps") -> "Caps":
        """Combine two sets of caps: the stricter of each wins."""
        calmer = self if self.volatility <= other.volatility else other
        return Caps(
            position=min(self.position, other.position),
            sector=min(self.sector, other.sector),
            gross=min(self.gross, other.gross),
            net=min(self.net, other.net),
            volatility=min(self.volatility, other.volatility),
            volatility_days=calmer.volatility_days,
            ticker=min(self.ticker, other.ticker),
            beta=min(self.beta, other.beta),
            beta_days=(self if self.beta <= other.beta else other).beta_days,
            leverage=min(self.leverage, other.leverage),
        )


@dataclass(frozen=True, slots=True)
class Tripwire:
    """When a limit could next act, so that the quiet days before it need no look.

    Attributes:
        drawdown_p: (P,) drawdown at which a pod's next rung fires; inf for none.
        recovery_p: (P,) True where a new high-water mark changes something.
        fund_drawdown: drawdown at which the fund's next rung fires; inf for none.
    """

    drawdown_p: F64
    recovery_p: Bools
    fund_drawdown: float


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit or breaker, bound to its parameters.

    Attributes:
        name: the file in `podshop.risk`.
        check: book -> breaches; looks, never remembers. None when the limit only caps.
        restore: book -> (P,) True where a cut is over. None when there is no way back.
        cap: () -> caps. None when the limit only checks.
        tripwire: book -> when `check` could next say something. None: the limit must look every
            day.
    """

    name: str
    check: Callable[[Book], list[Breach]] | None = None
    restore: Callable[[Book], Bools] | None = None
    cap: Callable[[], Caps] | None = None
    tripwire: Callable[[Book], Tripwire] | None = None


@dataclass(frozen=True, slots=True)
class Allocator:
    """How capital is shared among the living pods, bound to its parameters.

    Attributes:
        name: the file in `podshop.capital`.
        shares: book -> (P,) fractions of fund NAV as nominal capital; 0 for closed pods.
        when: "month" (first session), "week", "quarter" or "never" (only at the start).
        cash: share of fund NAV that always stays with the centre.
    """

    name: str
    shares: Callable[[Book], F64]
    when: str
    cash: float = 0.0


@dataclass(frozen=True, slots=True)
class Costs:
    """The one cost definition, used by the optimiser, the simulated broker and the netting credit.

    Attributes:
        commission_micros_per_lot: broker's charge a lot.
        commission_min_micros: least charge an order.
        half_spread_bps: half the quoted spread, 1e-4 of the price.
        impact: square-root impact = impact * daily volatility * sqrt(lots / average daily volume).
        impact_days: trailing window of volatility and volume.
        volume_cap: largest share of a session's volume that an order may take.
        adv_assumed_micros: traded value a day assumed where the data has no volume.
        volatility_assumed: daily volatility assumed before there is a window.
        borrow_bps_year: fee for borrowed lots, 1e-4 of their value a year.
        debit_spread_bps_year: charged on negative cash above the interest rate.
        management_fee: of the NAV, a year, fraction; a twelfth is charged in the first session of
            each month for the month before.
    """

    commission_micros_per_lot: int = 3_500
    commission_min_micros: int = 350_000
    half_spread_bps: float = 2.0
    impact: float = 0.5
    impact_days: int = 20
    volume_cap: float = 0.10
    adv_assumed_micros: int = 100_000_000_000_000
    volatility_assumed: float = 0.02
    borrow_bps_year: float = 50.0
    debit_spread_bps_year: float = 100.0
    management_fee: float = 0.0


@dataclass(frozen=True, slots=True)
class Flow:
    """Money that the owner pays in or takes out on a day (the next session when it is none)."""

    day: np.datetime64
    kind: str
    amount: int


@dataclass(frozen=True, slots=True)
class MarketRules:
    """Where the data comes from and which sessions are traded.

    Attributes:
        source, path: of the prices.
        start, end: first and last session; None for those of the data.
        feeds: name and file of each feed of targets.
    """

    source: str = "embedded"
    path: str = ""
    start: np.datetime64 | None = None
    end: np.datetime64 | None = None
    feeds: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """How a fund follows its pods from candidate to retirement.

    Attributes:
        begin: pod id -> stage in which it enters the fund; those not named enter at `entry`.
        entry: stage of the others: CANDIDATE, PAPER, RAMP or FULL.
        ramp: share of its target capital that a pod gets in the ramp.
        ramp_sessions: sessions with capital before the ramp may end.
        ramp_sharpe: Sharpe ratio a year, in the ramp, above which it ends.
        ramp_drawdown: deepest fall, in the ramp, below which it ends.
        paper_days: calendar days on paper before a candidate may get capital; 0: no paper.
        quarantine_days: calendar days on paper before a terminated pod may return.
        restore: "person": only a person brings pods from paper to capital; "auto": so does an
            allocation, when the time is over and the record on paper is good enough.
        paper_sharpe, paper_drawdown: what such a record must be above and below.
        audit: True for a correlation audit each quarter.
        correlation: average correlation of the pods above which one should be replaced.
        candidate_correlation: mean correlation with the pods that a candidate must stay under.
        review: "off", "alert", or "cut": what follows from too many weak quarters.
        review_sharpe: Sharpe ratio below which a quarter is weak.
        review_quarters: weak quarters in a row that are too many.
        review_keep: share of its capital that a pod keeps after a review's cut.
    """

    begin: Mapping[str, Stage] = field(default_factory=dict)
    entry: Stage = Stage.RAMP
    ramp: float = 0.5
    ramp_sessions: int = 20
    ramp_sharpe: float = 1.0
    ramp_drawdown: float = 0.05
    paper_days: int = 90
    quarantine_days: int = 90
    restore: str = "person"
    paper_sharpe: float = 0.0
    paper_drawdown: float = 0.05
    audit: bool = True
    correlation: float = 0.5
    candidate_correlation: float = 0.4
    review: str = "alert"
    review_sharpe: float = 0.8
    review_quarters: int = 2
    review_keep: float = 0.5

    def entry_of(self, pod: str) -> Stage:
        """The stage in which a pod enters the fund."""
        return self.begin.get(pod, self.entry)


@dataclass(frozen=True, slots=True)
class PayTerms:
    """What managers and authors are paid. It decides nothing that is traded, so it is no rule.

    Attributes:
        rate: of new profit above a manager's high-water mark.
        scheme: "pass-through": every manager is paid, whatever the fund made; "netted": all
            together by the fund's new profit.
        when: "quarter" or "year": how often pay crystallises.
        royalties: "none", "weight", "credit" or "own": how authors share in the profit.
        royalty_rate: of profit.
        managers, authors: pod -> who is paid; a pod that is not named runs itself, and is its
            manager's own idea.
    """

    rate: float = 0.15
    scheme: Literal["pass-through", "netted"] = "pass-through"
    when: Literal["quarter", "year"] = "quarter"
    royalties: Literal["none", "weight", "credit", "own"] = "none"
    royalty_rate: float = 0.10
    managers: Mapping[str, str] = field(default_factory=dict)
    authors: Mapping[str, str] = field(default_factory=dict)

    def manager(self, pod: str) -> str:
        """Who runs a pod."""
        return self.managers.get(pod, pod)

    def author(self, pod: str) -> str:
        """Whose idea a pod is."""
        return self.authors.get(pod, self.manager(pod))


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that decides what a fund does, apart from the data.

    Attributes:
        name: the fund's name.
        currency: three letters.
        capital: micros paid in at the start.
        pods: the hired pods; their position is their number.
        limits: limits and breakers, in the order of the fund file.
        allocator: who gets how much.
        costs: the cost model.
        market: data source and dates.
        flows: deposits, withdrawals, taxes, fees by day.
        restore: "peak": a cut ends at a new high-water mark; "never": a person must end it.
        on_halt: "flatten": close everything at the next open; "hold": keep what is held.
        hash: fingerprint of all of the above.
        manifest: the same as plain values, for reports.
        certificates: folder with the certificates of the gate.
        waived: pod -> why it may trade without one.
        keep: share of the fund's gains above the high-water mark that stays at risk: 1 full, 0 half
            compounding; None for a fixed risk capital.
        pay: what managers and authors are paid.
        netting: False lets every pod's orders go to the market alone, as if it had an account of
            its own; a sweep compares strategies that way.
        lifecycle: how pods rise, fall and return; None: a terminated pod is gone for good.
    """

    name: str
    currency: str
    capital: int
    pods: tuple[Pod, ...]
    limits: tuple[Limit, ...]
    allocator: Allocator
    costs: Costs
    market: MarketRules
    flows: tuple[Flow, ...]
    restore: str
    on_halt: str
    hash: str
    manifest: Mapping[str, Any] = field(default_factory=dict)
    certificates: str = ""
    waived: Mapping[str, str] = field(default_factory=dict)
    pay: PayTerms = field(default_factory=PayTerms)
    netting: bool = True
    lifecycle: Lifecycle | None = None
    keep: float | None = 1.0

    @property
    def caps(self) -> Caps:
        """The strictest of all limits' caps."""
        caps = Caps()
        for limit in self.limits:
            if limit.cap is not None:
                caps = caps.tighten(limit.cap())
        return caps

    @property
    def gross_p(self) -> F64:
        """(P,) declared gross of each pod."""
        return np.array([pod.gross for pod in self.pods], dtype=np.float64)

    @property
    def seed(self) -> int:
        """What makes the order ids of this fund differ from another's; stays when rules change."""
        return _seed(self.name, self.currency, self.capital, self.pod_ids())

    def pod_ids(self) -> tuple[str, ...]:
        """Names of the pods in their order."""
        return tuple(pod.id for pod in self.pods)


@lru_cache(maxsize=64)
def _seed(name: str, currency: str, capital: int, pods: tuple[str, ...]) -> int:
    who = f"{name}|{currency}|{capital}|{'|'.join(pods)}"
    return int(blake2b(who.encode(), digest_size=8).hexdigest(), 16)


def due(when: str, days: Days, start: int, t: int) -> bool:
    """Tell whether a schedule is due at the close of row t.

    Args:
        when: "daily", "week", "month", "quarter" or "never".
        days: (T,) sessions as datetime64[D].
        start: first traded row; every schedule is due there.
        t: the row asked about.
    """
    if t == start or when == "daily":
        return True
    if t < start or when == "never":
        return False
    before, today = periods(when, days[t - 1 : t + 1])
    return bool(before != today)


def periods(when: str, days: Days) -> I64:
    """Number the period of each day, so that a change of number is the first session of a period.

    Args:
        when: "week" (Monday to Sunday), "month" or "quarter".
        days: datetime64[D] array.

    Raises:
        ValueError: there is no such schedule.
    """
    if when == "week":
        return (days.astype("datetime64[D]").astype(np.int64) + 3) // 7
    month = days.astype("datetime64[M]").astype(np.int64)
    if when == "quarter":
        return month // 3
    if when == "month":
        return month
    raise ValueError(f"unknown schedule {when!r}")
