"""What happened, in the desk's words. The journal is a list of these; the book is their fold.

Columns end `_r` (one value a row of the event). Pod -1 is the centre, asset -1 is cash.
"""

from dataclasses import dataclass
from enum import IntEnum

from podshop.domain.life import Answered, Asked, Audited, PodsListed, PodStaged, Reviewed
from podshop.domain.money import F64, I64
from podshop.domain.order import Orders

CENTRE = -1
"""The pod number of the centre in events and tables."""


class Action(IntEnum):
    """What a limit demands; the strongest wins and is latched."""

    CONTINUE = 0
    ALERT = 1
    TRIM = 2
    HALVE = 3
    PAUSE = 4
    TERMINATE = 5
    HALT = 6


class Part(IntEnum):
    """The parts that a day's change of NAV is made of; they sum to it without residual.

    Commission, spread and impact are what the pod's trades would have cost alone; netting is what
    the fund saved (or, where pods crowd, lost) against that. Their sum is what was really paid.
    """

    PRICE = 0
    DIVIDEND = 1
    COMMISSION = 2
    SPREAD = 3
    IMPACT = 4
    NETTING = 5
    BORROW = 6
    INTEREST = 7
    FEE = 8
    FLOW = 9
    TRANSFER = 10


class FillKind(IntEnum):
    """How a pod got its lots."""

    MARKET = 0
    CROSS = 1
    FORCED = 2


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that was crossed.

    Attributes:
        limit: name of the limit's file.
        pod: pod number, or CENTRE for the whole fund.
        measured: the figure that crossed.
        threshold: the figure it crossed.
        action: what the limit demands.
        keep: share of the nominal capital that stays in use.
        rung: rungs of the ladder that have fired, this one included; 0 when the limit has no
            ladder.
    """

    limit: str
    pod: int
    measured: float
    threshold: float
    action: Action
    keep: float
    rung: int


@dataclass(frozen=True, slots=True)
class FundOpened:
    """The first entry of a journal: whose journal this is.

    Attributes:
        capital: micros paid in.
        pods: ids of the pods.
        symbols, sectors: the universe.
        rules: hash of the rules.
        data: hash of the market data up to the first session (history the rules may look at).
    """

    capital: int
    pods: tuple[str, ...]
    symbols: tuple[str, ...]
    sectors: tuple[str, ...]
    rules: str
    data: str


@dataclass(frozen=True, slots=True)
class CycleOpened:
    """A cycle begins.

    Attributes:
        day: the session as days since 1970-01-01.
        cycle: number of the cycle.
        data: hash of the session's market row.
    """

    day: int
    cycle: int
    data: str


@dataclass(frozen=True, slots=True)
class SplitApplied:
    """Lots were multiplied by ratio_e6 millionths; fractions were paid in cash.

    Rows are the slots of the asset after the split.
    """

    asset: int
    ratio_e6: int
    mark: int
    pod_r: I64
    lots_r: I64
    want_r: I64
    cash_r: I64
    centre_cash: int


@dataclass(frozen=True, slots=True)
class Delisted:
    """An asset left the market for good; positions are closed at the last mark."""

    asset: int
    mark: int


@dataclass(frozen=True, slots=True)
class Accrued:
    """Money that came or went without a trade: dividends, borrow, interest, broker fees, flows."""

    pod_r: I64
    asset_r: I64
    part_r: I64
    amount_r: I64


@dataclass(frozen=True, slots=True)
class Compounded:
    """Gains that are off the risk after a session, and the high-water mark of what is at risk.

    Attributes:
        skimmed: micros of the NAV that allocation does not share out; negative when the risk
            capital is more than there is.
        mark: high-water mark of the risk capital, micros.
    """

    skimmed: int
    mark: int


@dataclass(frozen=True, slots=True)
class Swept:
    """Gains of pods above their high-water marks that went to the centre.

    Attributes:
        pod_r: pods.
        nominal_r: nominal capital afterwards, and its new mark, micros.
        moved_r: cash that went to the centre, micros.
    """

    pod_r: I64
    nominal_r: I64
    moved_r: I64


@dataclass(frozen=True, slots=True)
class Filled:
    """Lots that pods got: shares of broker fills, internal crosses, forced closings.

    `order_r` is the order id, 0 for crosses and forced closings. A cross moves lots between pods at
    one price and no fee, so its rows sum to zero per asset.
    """

    pod_r: I64
    asset_r: I64
    lots_r: I64
    price_r: I64
    fee_r: I64
    kind_r: I64
    order_r: I64


@dataclass(frozen=True, slots=True)
class CostSplit:
    """What each pod's trades would have cost alone, and what netting saved.

    It explains and moves no money. `reference_r` is the price that the trades are judged against,
    micros per lot; amounts are micros, costs negative; commission + spread + impact + netting =
    what the pod really paid.
    """

    pod_r: I64
    asset_r: I64
    reference_r: I64
    commission_r: I64
    spread_r: I64
    impact_r: I64
    netting_r: I64


@dataclass(frozen=True, slots=True)
class Revalued:
    """What the night brought to pods whose nominal capital changed at the last close.

    Their lots were sized on the capital before, so `gain_r` micros, up to the price at which they
    trade to their new size, count as a return on that; the rest of the day, with the cost of the
    trade, on the larger of the two.
    Without this a pod whose capital is quartered would seem to lose four times what it lost.
    """

    pod_r: I64
    gain_r: I64


@dataclass(frozen=True, slots=True)
class Marked:
    """The close: marks of the assets held or traded, and of those that changed hands."""

    asset_r: I64
    mark_r: I64
    stale_r: I64
    rate: float


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The broker's statement equals the sum of the pods' books, to the lot and the micro."""

    cash: int
    cursor: str


@dataclass(frozen=True, slots=True)
class BreakFound:
    """The broker's statement differs from the books: no new risk until a person has looked."""

    cash_ours: int
    cash_theirs: int
    asset_r: I64
    ours_r: I64
    theirs_r: I64


@dataclass(frozen=True, slots=True)
class Breached:
    """A limit was crossed; what follows from it is an event of its own."""

    breach: Breach


@dataclass(frozen=True, slots=True)
class ActionApplied:
    """A pod was trimmed, halved, terminated or restored.

    `moved` micros went from the pod to the centre, or came back when negative.
    """

    pod: int
    action: str
    keep: float
    rung: int
    status: int
    nominal: int
    moved: int
    why: str


@dataclass(frozen=True, slots=True)
class PodClosed:
    """A terminated pod is flat; its remaining cash went to the centre."""

    pod: int
    moved: int


@dataclass(frozen=True, slots=True)
class Allocated:
    """Capital was shared out: nominal capital per pod, and what moved from the centre to each."""

    why: str
    share_p: F64
    nominal_p: I64
    moved_p: I64


@dataclass(frozen=True, slots=True)
class Wanted:
    """The lots that pods want from the next open on, where they changed."""

    pod_r: I64
    asset_r: I64
    want_r: I64


@dataclass(frozen=True, slots=True)
class OrderIntended:
    """The fund's orders for the next open, durable before they are sent."""

    orders: Orders


@dataclass(frozen=True, slots=True)
class Halted:
    """The fund stopped: everything is to be closed, nothing opened."""

    cause: str
    rung: int


@dataclass(frozen=True, slots=True)
class RulesChanged:
    """A person let the fund go on under other rules, and said why."""

    rules: str
    why: str


@dataclass(frozen=True, slots=True)
class PodAdmitted:
    """A pod may trade: by the certificate of the gate with this seal, or without one, and why."""

    pod: int
    certificate: str
    why: str


@dataclass(frozen=True, slots=True)
class OnPaper:
    """What happened in the notional book of the pods on paper; no money of the fund moved."""

    events: "tuple[Event, ...]"


@dataclass(frozen=True, slots=True)
class Stopped:
    """The driver met an error and stopped without trading; the next start tries again.

    Not a halt: an error proves nothing about the positions, it only forbids to decide on what is
    wrong.
    """

    cause: str


@dataclass(frozen=True, slots=True)
class CycleClosed:
    """The cycle is complete; `book` is the digest of the state after it."""

    day: int
    cycle: int
    book: str


Event = (
    FundOpened
    | CycleOpened
    | SplitApplied
    | Delisted
    | Accrued
    | Filled
    | CostSplit
    | Revalued
    | Marked
    | Compounded
    | Swept
    | Reconciled
    | BreakFound
    | Breached
    | ActionApplied
    | PodClosed
    | Allocated
    | Wanted
    | OrderIntended
    | Halted
    | RulesChanged
    | PodAdmitted
    | PodsListed
    | Asked
    | Answered
    | PodStaged
    | OnPaper
    | Audited
    | Reviewed
    | Stopped
    | CycleClosed
)


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole answer of `decide`: what happened and what to send."""

    events: tuple[Event, ...]
    orders: Orders
