"""One strategy file becomes a fund of one pod: the same rules, the same day, on its own.

    [strategy]   which strategy, with what parameters, capital and construction
    [market]     as in a fund file
    [costs]      as in a fund file; the management fee is 2 % a year unless it says otherwise
    [limits]     stop-loss of a position, largest position, largest sector
    [sweep]      values of parameters to try
    [gate]       what it must show before a fund may hire it

It is turned into the text of a fund file and goes the same way from there, so a strategy behaves in
a fund as it did alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
from pydantic import Field, ValidationError, field_validator

from podshop.domain.error import ConfigError
from podshop.domain.pod import Pod
from podshop.domain.rules import Rules
from podshop.rulebook import faults
from podshop.rulebook.build import bind_pod
from podshop.rulebook.config import compiled, fingerprint
from podshop.rulebook.construction import Construction, constructed
from podshop.rulebook.faults import Unfit
from podshop.rulebook.fundfile import FundFile, parse
from podshop.rulebook.plugins import WrongParameters, find, parameters
from podshop.rulebook.sections import Amount, CostsSection, Fraction, MarketSection, Section
from podshop.rulebook.toml_lines import Loc

STRATEGY_FILE = "strategy.toml"
"""Name of the strategy file when a folder is given in its place."""


class StrategySection(Section):
    """`[strategy]`: what is tried."""

    use: str = Field(
        min_length=1,
        description="file in `podshop/pods`, or a dotted path to your own, `own` or `own:Class`",
        examples=["momentum"],
    )
    name: str = Field(
        default="", description="its name in tables; left out: that of the strategy's file"
    )
    params: dict[str, Any] = Field(
        default_factory=dict, description="parameters of the strategy", examples=[{}]
    )
    when: str | None = Field(
        default=None,
        description='"daily", "change", "week" or "month"; left out: the strategy\'s own choice',
    )
    construction: Construction = Field(
        default="as wished",
        description='"as wished": the strategy\'s own weights; "equal"; "inverse volatility"',
    )
    capital: Amount = Field(
        default=1_000_000, description="whole currency units", examples=[1_000_000]
    )
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$", description="three capital letters")


class StrategyCosts(CostsSection):
    """`[costs]` of a strategy file."""

    management_fee: Fraction = Field(
        default=0.02,
        description="of the NAV, a year; a twelfth is charged in each month's first session",
        examples=[0.02],
    )


class LimitsSection(Section):
    """`[limits]`: what the strategy may not exceed; 0 switches a limit off."""

    stop_loss: Fraction = Field(
        default=0.15,
        description="loss of a position since its entry at which it is closed",
        examples=[0.15],
    )
    position: Fraction = Field(
        default=0.10, description="largest share of the capital in one name", examples=[0.10]
    )
    sector: Fraction = Field(
        default=0.30,
        description="largest share of the capital in one sector and side",
        examples=[0.30],
    )


class GateSection(Section):
    """`[gate]`: what a strategy must show before a fund may hire it."""

    sharpe: float = Field(default=1.0, description="Sharpe ratio a year, after costs, more than")
    max_drawdown: Fraction = Field(default=0.25, description="deepest drawdown, less than")
    win_days: Fraction = Field(default=0.52, description="share of days with a profit, more than")
    correlation: float = Field(default=0.4, description="with each pod of the fund, less than")
    out_of_sample: float = Field(
        default=0.8, description="share of the Sharpe ratio in sample left out of sample, at least"
    )
    deflated_sharpe: Fraction = Field(
        default=0.95, description="probability that it is better than the luck of all trials"
    )
    overfit: Fraction = Field(
        default=0.25,
        description="probability that the best trial in one half of history loses in the other, "
        "at most",
    )
    windows: tuple[tuple[date, date, date, date], ...] = Field(
        default=(),
        description="first and last day of training, first and last day of testing, for each "
        "window; left out: windows that roll through all of history",
        examples=[[[date(2015, 1, 1), date(2019, 12, 31), date(2020, 1, 1), date(2021, 12, 31)]]],
    )
    train_years: int = Field(default=3, ge=1, description="years of each training window")
    test_years: int = Field(default=1, ge=1, description="years of each test window")

    @field_validator("windows")
    @classmethod
    def _in_order(cls, windows: tuple[tuple[date, ...], ...]) -> tuple[tuple[date, ...], ...]:
        """Refuse windows that test what they trained on, or test a day twice."""
        for a, b, c, d in windows:
            if not a < b < c < d:
                raise ValueError(f"{a} {b} {c} {d} do not follow each other")
        tests = sorted(window[2:] for window in windows)
        for (_, last), (first, _) in pairwise(tests):
            if first <= last:
                raise ValueError(f"two windows test {first}")
        return windows


class StrategyText(Section):
    """The whole strategy file."""

    strategy: StrategySection = Field(description="what is tried")
    market: MarketSection = Field(default=MarketSection(), description="prices")
    costs: StrategyCosts = Field(default=StrategyCosts(), description="costs")
    limits: LimitsSection = Field(default=LimitsSection(), description="limits")
    sweep: dict[str, Any] = Field(
        default_factory=dict,
        description="parameter = values to try, or { low, high, step } to search in",
        examples=[{"names": [10, 20]}],
    )
    gate: GateSection = Field(default=GateSection(), description="what it must show")


@dataclass(frozen=True, slots=True)
class StrategyFile(FundFile):
    """A strategy file in the form of a fund file that remembers what its owner wrote.

    Attributes:
        text: the owner's own content.
    """

    text: Mapping[str, Any] = field(default_factory=dict)

    def own(self, loc: Loc) -> Loc:
        """Where a key of the fund file stands in the strategy file."""
        head, rest = loc[0] if loc else "", loc[1:]
        if head == "fund":
            return ("strategy", *rest)
        if head == "pod":
            into = rest[1:]
            return ("strategy", *(("use", *into[1:]) if into[:1] == ("strategy",) else into))
        return ("limits",) if head == "limit" else loc

    @property
    def told(self) -> Mapping[str, Any]:
        """The text as its owner wrote it."""
        return self.text


@dataclass(frozen=True, slots=True)
class Strategy:
    """A strategy ready to be tried.

    Attributes:
        name: what it is called.
        rules: a fund of this one pod.
        sweep: parameter -> what to try, as the file says.
        gate: what it must show.
        text: the file as plain values, all defaults written out.
        file: where it was read; None when it was given as values.
        folder: where its own plug-ins and relative paths begin.
    """

    name: str
    rules: Rules
    sweep: Mapping[str, Any]
    gate: GateSection
    text: Mapping[str, Any]
    file: Path | None
    folder: Path

    @property
    def use(self) -> str:
        """The strategy's module."""
        return self.rules.pods[0].strategy


def load_strategy(config: str | Path | Mapping[str, Any], folder: Path | None = None) -> Strategy:
    """Read a strategy.

    Args:
        config: a strategy file, a folder with a `strategy.toml`, or the same content as a mapping.
        folder: where a mapping's own plug-ins and paths begin; None for the working folder.

    Raises:
        ConfigError: something is wrong; names file, line, key and what to do, for every fault.
    """
    if isinstance(config, Mapping):
        data, path = dict(config), (folder or Path()) / "strategy"
        places: Mapping[Loc, tuple[str, int]] = {}
    else:
        path = Path(config)
        path = path / STRATEGY_FILE if path.is_dir() else path
        data, places = parse(path)
    told = FundFile(path, data, places)
    try:
        text = StrategyText.model_validate_json(orjson.dumps(data), strict=True)
    except ValidationError as error:
        faults.refuse(told, faults.of_sections(error, StrategyText))
        raise  # pydantic never raises without a finding
    name = text.strategy.name or text.strategy.use.replace(":", ".").rpartition(".")[2]
    file = StrategyFile(path, _fund_form(text, name), places, data)
    rules = compiled(file)
    rules = _with_pod(rules, constructed(rules.pods[0], text.strategy.construction))
    plain = orjson.loads(orjson.dumps(text.model_dump(mode="json", exclude_none=True)))
    source = None if isinstance(config, Mapping) else path
    return Strategy(name, rules, text.sweep, text.gate, plain, source, path.parent)


def _fund_form(text: StrategyText, name: str) -> dict[str, Any]:
    """The fund file of a fund that hires this one strategy."""
    strategy, limits = text.strategy, text.limits
    pod: dict[str, Any] = {"id": name, "strategy": strategy.use, "params": strategy.params}
    pod["stop_loss"] = limits.stop_loss
    if strategy.when is not None:
        pod["when"] = strategy.when
    found: list[dict[str, Any]] = []
    if limits.position:
        found.append({"use": "position", "max": limits.position})
    if limits.sector:
        found.append({"use": "sector", "max": limits.sector})
    fund = {"name": name, "currency": strategy.currency, "capital": strategy.capital}
    return {
        "fund": {**fund, "restore": "never"},
        "market": text.market.model_dump(mode="json", exclude_none=True),
        "costs": text.costs.model_dump(mode="json"),
        "capital": {"use": "own", "when": "never"},
        "limit": found,
        "pod": [pod],
    }


def variants(
    strategy: Strategy, combinations: Iterable[Mapping[str, Any]]
) -> Iterator[Rules | ConfigError]:
    """The strategy with other values of some parameters, one after another.

    Args:
        strategy: what is varied.
        combinations: parameter -> value; what a combination does not name stays as it is.

    Yields:
        the rules of each combination, or why the strategy refuses it.
    """
    plugin = find("strategy", strategy.use, strategy.folder)
    section = strategy.text["strategy"]
    for params in combinations:
        raw = {**section["params"], **params}
        try:
            bound = bind_pod(
                strategy.name,
                plugin,
                parameters(plugin, raw, ("sweep",)),
                section.get("when"),
            )
        except (Unfit, WrongParameters) as error:
            values = ", ".join(f"{k} = {faults.written(v)}" for k, v in params.items())
            yield ConfigError(f"{strategy.name} with {values}: {error}")
            continue
        bound = replace(bound, stop_loss=strategy.rules.pods[0].stop_loss)
        yield _with_pod(strategy.rules, constructed(bound, section["construction"]))


def _with_pod(rules: Rules, pod: Pod) -> Rules:
    """The rules with another pod in the place of their only one."""
    told = {**rules.manifest["pod"][0], "params": dict(pod.manifest)}
    told |= {"gross": pod.gross, "lookback_days": pod.lookback_days}
    manifest = {**rules.manifest, "pod": [told]}
    return replace(rules, pods=(pod,), manifest=manifest, hash=fingerprint(manifest))
