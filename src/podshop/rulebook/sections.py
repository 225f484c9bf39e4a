"""The sections of a fund file: which keys there are, what they mean, and in which unit.

Amounts are whole currency units, prices and commissions currency units, `_bps` basis points (1e-4),
other shares fractions of 1. `compile` steps in `config.py` turn them into integer micros.
"""

import math
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from podshop.rulebook.construction import Construction

RESERVED = ("centre", "fund")
"""Ids that no pod may have: tables use them for the centre and for the whole fund."""

LARGEST = 9_000_000_000_000
"""Largest amount, in whole currency units, that int64 micros can hold."""


def _whole(value: Any) -> Any:
    """Accept "1_000_000" for 1_000_000; refuse fractions of a currency unit."""
    if isinstance(value, str):
        digits = value.replace("_", "").strip()
        if not digits.removeprefix("-").isdigit():
            raise ValueError(f'"{value}" is not a whole number of currency units')
        return int(digits)
    if isinstance(value, float):
        raise ValueError(f"{value} is not a whole number of currency units")
    return value


def _bps(value: float) -> float:
    """Refuse what was surely meant as a fraction or a percentage."""
    if 0 < value < 0.01:
        raise ValueError(
            f"{value} is a hundredth of a basis point or less, so it is probably a fraction; "
            f"basis points are 1e-4: write {value * 1e4:g}"
        )
    if value > 10_000:
        raise ValueError(f"{value:g} basis points are more than the whole price")
    return value


def _fraction(value: float) -> float:
    """Refuse percentages where a fraction of 1 is meant."""
    if value > 1:
        raise ValueError(
            f"{value:g} looks like a percentage; write {value / 100:g} for {value:g} %"
        )
    return value


def _price(value: float) -> float:
    """Refuse charges that were surely meant in micros."""
    if value > 1_000:
        raise ValueError(
            f"{value:g} currency units is no commission; "
            f"were micros meant? write {value / 1e6:g} for {value:g} micros"
        )
    return value


def _finite(value: float) -> float:
    """Refuse nan and inf, which TOML can write."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a number that a fund can count with")
    return value


def _millionths(value: float) -> float:
    """Refuse rates that cannot be taken of money exactly."""
    if abs(value * 1e6 - round(value * 1e6)) > 1e-6:
        raise ValueError(
            f"{value:.12g} is finer than a millionth; write {round(value, 6):g}, so that money is "
            "multiplied by whole numbers"
        )
    return value


def _person(name: str) -> str:
    """Refuse names that cannot head a statement or name its file."""
    plain = name.translate({ord(mark): None for mark in " .-_'&"})
    if name.strip() != name or len(name) > 60 or (name and not plain.isalnum()):
        raise ValueError(
            f'"{name}" is no name for a person; use up to 60 letters, digits, spaces, ".", "-", '
            '"_", "\'" and "&"'
        )
    if name.lower() in RESERVED:
        raise ValueError(f'"{name}" is reserved for the fund\'s own accounts; choose another name')
    return name


Amount = Annotated[int, BeforeValidator(_whole), Field(gt=0, le=LARGEST)]
Bps = Annotated[float, Field(ge=0), AfterValidator(_bps)]
Share = Annotated[float, Field(gt=0), AfterValidator(_fraction)]
Fraction = Annotated[float, Field(ge=0), AfterValidator(_fraction)]
Rate = Annotated[float, Field(ge=0), AfterValidator(_fraction), AfterValidator(_millionths)]
Person = Annotated[str, AfterValidator(_person)]
Price = Annotated[float, Field(ge=0), AfterValidator(_price)]
Number = Annotated[float, Field(ge=0), AfterValidator(_finite)]


class Section(BaseModel):
    """A table of the fund file: unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class FundSection(Section):
    """`[fund]`: the fund as a whole."""

    name: str = Field(min_length=1, description="the fund's name in reports", examples=["my fund"])
    currency: str = Field(
        default="USD", pattern="^[A-Z]{3}$", description="three capital letters", examples=["USD"]
    )
    capital: Amount = Field(
        description='paid in at the start, whole currency units; 1_000_000 or "1_000_000"',
        examples=[1_000_000],
    )
    restore: Literal["peak", "never"] = Field(
        default="peak",
        description='"peak": a cut ends when the pod reaches a new high-water mark; '
        '"never": only a person ends it',
    )
    on_halt: Literal["flatten", "hold"] = Field(
        default="flatten",
        description='after the fund stop: "flatten" closes everything at the next open, '
        '"hold" keeps what is held',
    )
    certificates: str = Field(
        default="certificates",
        description="folder with the certificates that `podshop research gate` wrote, relative to "
        "the fund file",
    )


class MarketSection(Section):
    """`[market]`: where the prices come from, and which sessions are traded."""

    source: Literal["embedded", "parquet", "store"] = Field(
        default="embedded",
        description='"embedded": real closes that come with an installed package; '
        '"parquet": your own file; "store": a market store that `podshop data` filled',
    )
    path: str = Field(
        default="",
        description="file of source parquet, or folder of source store, relative to the fund file",
        examples=["prices.parquet"],
    )
    feeds: dict[str, str] = Field(
        default_factory=dict,
        description="targets from outside, name and file: a journal of decisions (.jsonl) or "
        "weights (.csv, .parquet), relative to the fund file",
        examples=[{"macro": "decisions.jsonl"}],
    )
    start: date | None = Field(
        default=None,
        description="first session traded; earlier ones are history that pods may study; "
        "left out: the first of the data",
        examples=[date(2012, 1, 3)],
    )
    end: date | None = Field(
        default=None,
        description="last session traded; left out: the last of the data",
        examples=[date(2022, 12, 28)],
    )


class CostsSection(Section):
    """`[costs]`: the one cost model, for the simulated broker and for the netting credit."""

    commission_per_lot: Price = Field(
        default=0.0035, description="broker's charge a lot, currency units", examples=[0.0035]
    )
    commission_min: Price = Field(
        default=0.35, description="least charge an order, currency units", examples=[0.35]
    )
    half_spread_bps: Bps = Field(
        default=2.0, description="half the quoted spread, basis points of the price", examples=[2.0]
    )
    impact: Number = Field(
        default=0.5,
        description="times daily volatility x sqrt(lots / lots traded a day)",
        examples=[0.5],
    )
    impact_days: int = Field(
        default=20,
        ge=2,
        le=1_000,
        description="trailing sessions for that volatility and volume",
        examples=[20],
    )
    volume_cap: Share = Field(
        default=0.10,
        description="largest share of a session's volume an order may take",
        examples=[0.1],
    )
    adv_assumed: Amount = Field(
        default=100_000_000,
        description="value traded a day assumed where the data has no volume, whole currency units",
        examples=[100_000_000],
    )
    volatility_assumed: Share = Field(
        default=0.02,
        description="daily volatility assumed before there is a window",
        examples=[0.02],
    )
    borrow_bps_year: Bps = Field(
        default=50.0,
        description="fee for borrowed lots, basis points of their value a year",
        examples=[50.0],
    )
    debit_spread_bps_year: Bps = Field(
        default=100.0,
        description="charged on negative cash above the interest rate, basis points a year",
        examples=[100.0],
    )
    management_fee: Fraction = Field(
        default=0.0,
        description="of the NAV, a year; a twelfth is charged in each month's first session",
        examples=[0.02],
    )


def _fits(section: Any) -> Any:
    """Refuse a share of gains without its policy, and the policy without its share."""
    if (section.compounding == "partial") != (section.keep is not None):
        raise ValueError('keep belongs to compounding = "partial", and that needs it')
    return section


class CapitalSection(Section):
    """`[capital]`: who gets how much. Further keys are the parameters of the allocator named."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    use: str = Field(default="equal", min_length=1, description="allocator", examples=["sharpe"])
    when: Literal["week", "month", "quarter", "never"] = Field(
        default="month", description='first session of each; "never": only at the start'
    )
    compounding: Literal["full", "half", "partial", "fixed"] = Field(
        default="full",
        description="what stays at risk of the fund's gains above their high-water mark: all, "
        'none, the share `keep`; "fixed": the capital paid in, whatever was made or lost',
    )
    keep: Fraction | None = Field(
        default=None, description='for "partial": the share that stays at risk', examples=[0.5]
    )

    _kept = model_validator(mode="after")(_fits)

    @property
    def share_kept(self) -> float | None:
        """The share that stays at risk; None for a fixed capital."""
        return {"full": 1.0, "half": 0.0, "partial": self.keep, "fixed": None}[self.compounding]


class LimitSection(Section):
    """`[[limit]]`: a limit or breaker. Further keys are the parameters of the limit named."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    use: str = Field(min_length=1, description="limit", examples=["drawdown"])


class PodSection(Section):
    """`[[pod]]`: a strategy the fund hires."""

    id: str = Field(
        description="the pod's name in every table and journal entry", examples=["momentum"]
    )
    strategy: str = Field(
        min_length=1,
        description="file in `podshop/pods`, or a dotted path to your own, `own` or `own:Class`",
        examples=["momentum"],
    )
    when: Literal["daily", "change", "week", "month"] | None = Field(
        default=None,
        description="days on which the pod speaks; left out: the strategy's own choice",
    )
    uncertified: str = Field(
        default="",
        description="why the pod may trade without a certificate of the gate; it goes into the "
        "journal",
        examples=["my own money, my own risk"],
    )
    stop_loss: Fraction = Field(
        default=0.0,
        description="loss of a position since its entry at which it is closed; 0: never",
        examples=[0.15],
    )
    stage: Literal["candidate", "paper", "ramp", "full"] | None = Field(
        default=None,
        description="stage in which the pod enters a fund with [lifecycle]; left out: its `entry`",
    )
    construction: Construction = Field(
        default="as wished",
        description='"as wished": the strategy\'s own weights; "equal"; "inverse volatility"',
    )
    compounding: Literal["full", "half", "partial"] = Field(
        default="full",
        description="what stays with the pod, between allocations, of its gains above its "
        "high-water mark: all, none, the share `keep`; the rest goes to the centre",
    )
    keep: Fraction | None = Field(
        default=None, description='for "partial": the share that stays', examples=[0.5]
    )
    manager: Person = Field(
        default="",
        description="who runs the pod and is paid for it; left out: the pod's own id",
        examples=["Ada"],
    )
    author: Person = Field(
        default="",
        description="whose idea the strategy is, for royalties; left out: the manager's",
        examples=["Grace"],
    )
    params: dict[str, Any] = Field(
        default_factory=dict, description="parameters of the strategy", examples=[{}]
    )

    _kept = model_validator(mode="after")(_fits)

    @property
    def share_kept(self) -> float:
        """The share of its gains that stays with the pod."""
        return {"full": 1.0, "half": 0.0}.get(self.compounding, self.keep or 0.0)

    @field_validator("id")
    @classmethod
    def _named(cls, name: str) -> str:
        """Refuse empty, unreadable and reserved ids."""
        if not name.strip():
            raise ValueError("is empty; every pod needs a name of its own")
        if name.lower() in RESERVED:
            raise ValueError(
                f'"{name}" is reserved for the fund\'s own accounts; choose another name'
            )
        if len(name) > 40 or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
            raise ValueError(
                f'"{name}" is no name for a pod; use up to 40 letters, digits, ".", "-" and "_"'
            )
        return name


class FlowSection(Section):
    """`[[flow]]`: money that moves between the fund and its owner, or is charged from outside."""

    day: date = Field(
        description="the day; the next session when it is none", examples=[date(2020, 6, 30)]
    )
    kind: Literal["deposit", "withdrawal", "tax", "fee"] = Field(
        description="deposits, withdrawals and taxes are never profit or loss; a fee is a cost"
    )
    amount: Amount = Field(
        description="whole currency units, always positive: the kind gives the direction",
        examples=[50_000],
    )


class LifecycleSection(Section):
    """`[lifecycle]`: how pods rise, fall and return; without it a terminated pod is gone."""

    entry: Literal["candidate", "paper", "ramp", "full"] = Field(
        default="ramp", description="stage in which pods enter the fund that name no other"
    )
    ramp: Share = Field(
        default=0.5,
        description="share of its target capital that a pod gets in the ramp",
        examples=[0.5],
    )
    ramp_sessions: int = Field(
        default=20,
        ge=2,
        le=252,
        description="sessions with capital before the ramp may end",
        examples=[20],
    )
    ramp_sharpe: Number = Field(
        default=1.0, description="Sharpe ratio above which the ramp ends", examples=[1.0]
    )
    ramp_drawdown: Share = Field(
        default=0.05,
        description="deepest fall in the ramp below which it ends",
        examples=[0.05],
    )
    paper_days: int = Field(
        default=90,
        ge=0,
        description="calendar days on paper before a candidate may get capital; 0: none",
        examples=[90],
    )
    quarantine_days: int = Field(
        default=90,
        ge=1,
        description="calendar days on paper before a terminated pod may return",
        examples=[90],
    )
    restore: Literal["person", "auto"] = Field(
        default="person",
        description='"person": only a person brings pods from paper to capital; "auto": so does '
        "an allocation when the record on paper is good enough",
    )
    paper_sharpe: Number = Field(
        default=0.0,
        description="Sharpe ratio that such a record must be above",
        examples=[0.0],
    )
    paper_drawdown: Share = Field(
        default=0.05,
        description="deepest fall that such a record must stay under",
        examples=[0.05],
    )
    audit: bool = Field(default=True, description="a correlation audit each quarter")
    correlation: Share = Field(
        default=0.5,
        description="average correlation of the pods above which one should be replaced",
        examples=[0.5],
    )
    candidate_correlation: Share = Field(
        default=0.4,
        description="mean correlation with the fund's pods that a candidate must stay under",
        examples=[0.4],
    )
    review: Literal["off", "alert", "cut"] = Field(
        default="alert",
        description="what follows from too many weak quarters in a row; the figures are told "
        'each quarter and year unless "off"',
    )
    review_sharpe: Number = Field(
        default=0.8, description="Sharpe ratio below which a quarter is weak", examples=[0.8]
    )
    review_quarters: int = Field(
        default=2, ge=1, description="weak quarters in a row that are too many", examples=[2]
    )
    review_keep: Share = Field(
        default=0.5,
        description="share of its capital that a pod keeps after a review's cut, below 1",
        examples=[0.5],
    )


class PaySection(Section):
    """`[pay]`: what `podshop pay` reckons with; it decides nothing that is traded."""

    rate: Rate = Field(
        default=0.15,
        description="of a manager's new profit above the high-water mark, in whole millionths",
        examples=[0.15],
    )
    scheme: Literal["pass-through", "netted"] = Field(
        default="pass-through",
        description='"pass-through": every manager is paid, whatever the fund made; "netted": all '
        "together by the fund's new profit, the rest stays owed",
    )
    when: Literal["quarter", "year"] = Field(
        default="quarter", description="how often what was earned is paid"
    )
    royalties: Literal["none", "weight", "credit", "own"] = Field(
        default="none",
        description="share of the pods' authors, each quarter: by average capital, by profit above "
        "the loss carried, or a rate of every author's own such profit",
    )
    royalty_rate: Rate = Field(
        default=0.10, description="of profit, in whole millionths", examples=[0.1]
    )


class FundText(Section):
    """The whole fund file."""

    include: tuple[str, ...] = Field(
        default=(),
        description="files with further [[pod]], [[limit]] and [[flow]], relative to this one",
        examples=[["pods/*.toml"]],
    )
    fund: FundSection = Field(description="the fund as a whole")
    market: MarketSection = Field(default=MarketSection(), description="prices")
    costs: CostsSection = Field(default=CostsSection(), description="costs")
    capital: CapitalSection = Field(default=CapitalSection(), description="allocation of capital")
    lifecycle: LifecycleSection | None = Field(
        default=None, description="stages of the pods; left out: none"
    )
    pay: PaySection = Field(default=PaySection(), description="pay of managers and authors")
    limit: tuple[LimitSection, ...] = Field(default=(), description="limits and breakers")
    pod: tuple[PodSection, ...] = Field(min_length=1, description="the pods")
    flow: tuple[FlowSection, ...] = Field(default=(), description="money in and out")
