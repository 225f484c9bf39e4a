"""One fund file becomes `Rules`: read, understood, checked as a whole, bound, fingerprinted.

    1 read the text and its includes (`fundfile`)   2 check sections, types and units (`sections`)
    3 find plug-ins and read their parameters (`plugins`)   4 refuse what cannot be together
    5 bind (`build`) and fingerprint

Nothing runs before all of it is right, and all that is wrong is told at once.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import orjson
from pydantic import ValidationError

import podshop
from podshop.domain.book import HISTORY_DAYS
from podshop.domain.money import MICROS, to_micros
from podshop.domain.pod import Pod, Stage
from podshop.domain.rules import (
    Allocator,
    Costs,
    Flow,
    Lifecycle,
    Limit,
    MarketRules,
    PayTerms,
    Rules,
)
from podshop.rulebook import faults
from podshop.rulebook.build import bind_allocator, bind_limit, bind_pod, plain
from podshop.rulebook.construction import constructed
from podshop.rulebook.faults import Fault, Unfit
from podshop.rulebook.fundfile import FundFile, read
from podshop.rulebook.plugins import Plugin, WrongParameters, find, parameters
from podshop.rulebook.sections import CostsSection, FlowSection, FundText, MarketSection, PodSection
from podshop.rulebook.toml_lines import Loc

ROUNDING = 1e-9
"""Five floors of 0.18 are 0.9, whatever binary floats say."""

T = TypeVar("T")


def load(path: str | Path) -> Rules:
    """Read a fund file.

    Args:
        path: the fund file, or a folder with a `fund.toml`.

    Returns:
        everything that decides what the fund does, apart from the data.

    Raises:
        ConfigError: something is wrong; names file, line, key and what to do, for every fault.
    """
    return compiled(read(path))


def compiled(fund: FundFile) -> Rules:
    """The rules of a fund file that was read.

    Raises:
        ConfigError: as `load`.
    """
    text = _understand(fund)
    hiring = _hire(fund, text)
    wrong = [*hiring.faults, *_impossible(fund, text, hiring)]
    faults.refuse(fund, wrong)
    assert hiring.allocator is not None, "without faults there is an allocator"
    manifest = _manifest(text, hiring)
    return Rules(
        name=text.fund.name,
        currency=text.fund.currency,
        capital=text.fund.capital * MICROS,
        keep=text.capital.share_kept,
        pods=tuple(hiring.pods),
        limits=tuple(hiring.limits),
        allocator=hiring.allocator,
        costs=_costs(text.costs),
        market=_market(text.market, fund.folder),
        flows=tuple(_flow(flow) for flow in sorted(text.flow, key=lambda flow: flow.day)),
        restore=text.fund.restore,
        on_halt=text.fund.on_halt,
        hash=fingerprint(manifest),
        manifest=manifest,
        certificates=str((fund.folder / text.fund.certificates).resolve()),
        waived={pod.id: pod.uncertified for pod in text.pod if pod.uncertified},
        lifecycle=_lifecycle(text),
        pay=_pay(text),
    )


def fingerprint(manifest: Mapping[str, Any]) -> str:
    """Hash everything that decides what a fund does, apart from the data.

    Which data and which sessions is left out: they have hashes of their own in the journal, a fund
    goes on under the same rules when `end` moves, and no folder may change who the fund is. So are
    flows: what the owner pays in or takes out is a fact of its day, not a rule. Nor is pay one:
    it is reckoned from the journal and moves no money.
    """
    rules = {key: value for key, value in manifest.items() if key not in ("market", "flow")}
    return blake2b(orjson.dumps(rules, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def _understand(fund: FundFile) -> FundText:
    """Check the fixed sections: keys, types, units."""
    faults.refuse(fund, list(_uncountable(fund.data, ())))
    try:
        return FundText.model_validate_json(orjson.dumps(fund.data), strict=True)
    except ValidationError as error:
        faults.refuse(fund, faults.of_sections(error))
        raise  # pydantic never raises without a finding


def _uncountable(value: Any, loc: Loc) -> Iterator[Fault]:
    """Find figures that TOML can write and no fund can count with: nan, inf, beyond 64 bits."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _uncountable(item, (*loc, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _uncountable(item, (*loc, number))
    elif isinstance(value, float) and not math.isfinite(value):
        yield Fault(
            loc, f"{value} is no figure to count with", "write a finite number, or leave it out"
        )
    elif isinstance(value, int) and abs(value) >= 2**63:
        yield Fault(loc, f"{value} is too large", "write a smaller number")


@dataclass(slots=True)
class _Hiring:
    """What the plug-in sections came to; incomplete where there are faults."""

    pods: list[Pod] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    limit_params: list[Any] = field(default_factory=list)
    allocator: Allocator | None = None
    allocator_params: Any = None
    digests: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def attempt(self, loc: Loc, work: Callable[[], T]) -> T | None:
        """Do a piece of work; note what is wrong and give None."""
        try:
            return work()
        except Unfit as error:
            self.faults.append(error.at(loc))
        except WrongParameters as error:
            self.faults += error.faults
        return None

    def engage(
        self, fund: FundFile, kind: str, name: str, raw: Mapping[str, Any], at: Sequence[Loc]
    ) -> tuple[Plugin, Any] | None:
        """Find a plug-in and read its parameters; `at` has the places of its name and of those."""
        plugin = self.attempt(at[0], lambda: find(kind, name, fund.folder))
        if plugin is None:
            return None
        self.digests[f"{kind} {name}"] = plugin.digest
        params = self.attempt(at[0], lambda: parameters(plugin, raw, at[1]))
        return None if params is None else (plugin, params)


def _hire(fund: FundFile, text: FundText) -> _Hiring:
    """Find every plug-in of the file, read its parameters and bind it."""
    hiring = _Hiring()
    for i, pod in enumerate(text.pod):
        _hire_pod(hiring, fund, pod, i)
    for i, limit in enumerate(text.limit):
        raw = limit.model_extra or {}
        found = hiring.engage(fund, "limit", limit.use, raw, (("limit", i, "use"), ("limit", i)))
        hiring.limit_params.append(found[1] if found else None)
        hiring.limits += [bind_limit(*found)] if found else []
    raw = text.capital.model_extra or {}
    at: tuple[Loc, Loc] = (("capital", "use"), ("capital",))
    found = hiring.engage(fund, "allocator", text.capital.use, raw, at)
    if found:
        hiring.allocator = bind_allocator(*found, text.capital.when)
        hiring.allocator_params = found[1]
    return hiring


def _hire_pod(hiring: _Hiring, fund: FundFile, pod: PodSection, number: int) -> None:
    """Find a pod's strategy, read its parameters and bind it."""
    loc: Loc = ("pod", number, "strategy")
    at: tuple[Loc, Loc] = (loc, ("pod", number, "params"))
    found = hiring.engage(fund, "strategy", pod.strategy, pod.params, at)
    if found:
        bound = hiring.attempt(loc, lambda: bind_pod(pod.id, *found, pod.when))
        if bound:
            hired = replace(bound, stop_loss=pod.stop_loss, keep=pod.share_kept)
            hiring.pods.append(constructed(hired, pod.construction))


def _impossible(fund: FundFile, text: FundText, hiring: _Hiring) -> Iterator[Fault]:
    """Find what is right alone and cannot be together."""
    yield from _twice(text, hiring)
    yield from _market_faults(fund, text)
    yield from _capital_faults(text, hiring.allocator_params)
    yield from _life_faults(text)
    for i, flow in enumerate(text.flow):
        if text.market.start and flow.day < text.market.start:
            what = f"{flow.day} is before the fund's first session {text.market.start}"
            yield Fault(
                ("flow", i, "day"), what, "capital paid in before is part of [fund] capital"
            )


def _twice(text: FundText, hiring: _Hiring) -> Iterator[Fault]:
    """Find pods of one name, and limits that would fight over one ladder."""
    first: dict[str, int] = {}
    for i, pod in enumerate(text.pod):
        if first.setdefault(pod.id.lower(), i) != i:
            what = f'the id "{pod.id}" is taken by pod {first[pod.id.lower()] + 1}'
            yield Fault(("pod", i, "id"), what, "give every pod an id of its own")
    seen: dict[tuple[str, Any], int] = {}
    for i, (limit, params) in enumerate(zip(text.limit, hiring.limit_params, strict=True)):
        scope = getattr(params, "scope", None)
        if params is not None and seen.setdefault((limit.use, scope), i) != i:
            of = f' with scope "{scope}"' if scope else ""
            what = f'"{limit.use}"{of} stands twice (limit {seen[limit.use, scope] + 1})'
            yield Fault(("limit", i, "use"), what, "keep one of them")


def _market_faults(fund: FundFile, text: FundText) -> Iterator[Fault]:
    """Find a source without its file, a file without its source, an end before the start."""
    market = text.market
    needs = {"parquet": ("a file", "prices.parquet"), "store": ("a folder", "store")}
    if market.source in needs and not market.path:
        thing, example = needs[market.source]
        remedy = f'write `path = "{example}"`, relative to this file'
        what = f"is missing: source {market.source} needs {thing}"
        yield Fault(("market", "path"), what, remedy)
    elif market.source in needs and not (fund.folder / market.path).exists():
        what = f'there is no "{market.path}"'
        yield Fault(("market", "path"), what, "the path is relative to the folder of the fund file")
    elif market.source not in needs and market.path:
        what = f'source "{market.source}" has no path'
        yield Fault(("market", "path"), what, 'remove it, or write source = "parquet" or "store"')
    for name, path in market.feeds.items():
        if not name.isidentifier():
            what = f'"{name}" is no name for a feed'
            yield Fault(("market", "feeds", name), what, "take letters, digits and _, like macro")
        if not (fund.folder / path).is_file():
            what = f'there is no "{path}"'
            remedy = (
                "the path is relative to the folder of the fund file; `podshop macro add` begins a "
                "journal of decisions"
            )
            yield Fault(("market", "feeds", name), what, remedy)
    if market.start and market.end and market.end <= market.start:
        what = f"end {market.end} is not after start {market.start}"
        yield Fault(("market", "end"), what, "let the end be later than the start")


def _capital_faults(text: FundText, params: Any) -> Iterator[Fault]:
    """Find floors, caps and cash that no allocation can satisfy, and a window nobody remembers."""
    least, most = getattr(params, "min", 0.0), getattr(params, "max", 1.0)
    cash, pods = getattr(params, "cash", 0.0), len(text.pod)
    if least * pods > 1.0 - cash + ROUNDING:
        what = f"{pods} pods x {least:g} is more than the {1 - cash:g} that is not cash"
        room = math.floor((1 - cash) / pods * 1e4) / 1e4
        remedy = f"lower min to {room:g} or less, or hire fewer pods"
        yield Fault(("capital", "min"), what, remedy)
    if least > most:
        what = f"the floor {least:g} is above the cap {most:g}"
        yield Fault(("capital", "min"), what, "lower min or raise max")
    if text.capital.when == "never" and text.capital.compounding != "full":
        what = f'"{text.capital.compounding}" does nothing where capital is shared out only once'
        yield Fault(("capital", "compounding"), what, 'write when = "month", or leave it out')
    days = getattr(params, "lookback_days", 0)
    if days > HISTORY_DAYS:
        what = f"{days} days; the book remembers {HISTORY_DAYS}"
        yield Fault(("capital", "lookback_days"), what, f"write {HISTORY_DAYS} or less")


def _life_faults(text: FundText) -> Iterator[Fault]:
    """Find stages in a fund without them, and a fund whose pods could never get capital."""
    for i, pod in enumerate(text.pod):
        if pod.stage is not None and text.lifecycle is None:
            what = "a stage needs a fund that follows its pods"
            yield Fault(("pod", i, "stage"), what, "write a [lifecycle] section, or remove it")
    if text.lifecycle is None:
        return
    if text.capital.when == "never":
        what = "with [lifecycle] pods get their capital when it is shared out, which is never"
        yield Fault(("capital", "when"), what, 'write "week", "month" or "quarter"')
    if text.capital.use == "own":
        what = '"own" never moves capital, so no pod can get its first or more of it'
        yield Fault(("capital", "use"), what, 'use another allocator, such as "equal"')
    if text.lifecycle.review_keep >= 1.0:
        what = "a cut that keeps everything is none"
        yield Fault(("lifecycle", "review_keep"), what, "write less than 1, such as 0.5")


def _lifecycle(text: FundText) -> Lifecycle | None:
    """The stages of the fund, where its file has them."""
    if text.lifecycle is None:
        return None
    told = text.lifecycle.model_dump(exclude={"entry"})
    begin = {pod.id: Stage[pod.stage.upper()] for pod in text.pod if pod.stage is not None}
    return Lifecycle(begin=begin, entry=Stage[text.lifecycle.entry.upper()], **told)


def _costs(costs: CostsSection) -> Costs:
    """Costs in human units as the engine's."""
    return Costs(
        commission_micros_per_lot=to_micros(costs.commission_per_lot),
        commission_min_micros=to_micros(costs.commission_min),
        half_spread_bps=costs.half_spread_bps,
        impact=costs.impact,
        impact_days=costs.impact_days,
        volume_cap=costs.volume_cap,
        adv_assumed_micros=costs.adv_assumed * MICROS,
        volatility_assumed=costs.volatility_assumed,
        borrow_bps_year=costs.borrow_bps_year,
        debit_spread_bps_year=costs.debit_spread_bps_year,
        management_fee=costs.management_fee,
    )


def _market(market: MarketSection, folder: Path) -> MarketRules:
    """The data source, with its path made absolute."""
    return MarketRules(
        source=market.source,
        path=str((folder / market.path).resolve()) if market.path else "",
        start=np.datetime64(market.start, "D") if market.start else None,
        end=np.datetime64(market.end, "D") if market.end else None,
        feeds=tuple((name, str((folder / feed).resolve())) for name, feed in market.feeds.items()),
    )


def _flow(flow: FlowSection) -> Flow:
    """A flow from the fund's point of view: deposits come in, everything else goes out."""
    sign = 1 if flow.kind == "deposit" else -1
    return Flow(np.datetime64(flow.day, "D"), flow.kind, sign * flow.amount * MICROS)


def _pay(text: FundText) -> PayTerms:
    """What managers and authors are paid; not part of who the fund is, see `fingerprint`."""
    return PayTerms(
        **text.pay.model_dump(),
        managers={pod.id: pod.manager for pod in text.pod if pod.manager},
        authors={pod.id: pod.author for pod in text.pod if pod.author},
    )


def _manifest(text: FundText, hiring: _Hiring) -> dict[str, Any]:
    """Everything the file says, with all defaults, as plain values.

    The path of the data stays as the owner wrote it, so no folder of a machine enters.
    """
    sections = text.model_dump(
        mode="json",
        include={"fund", "market", "costs", "flow"},
        exclude={"fund": {"certificates"}},  # who may trade is no rule of trading
    )
    if text.lifecycle is not None:
        begin = {pod.id: pod.stage for pod in text.pod if pod.stage is not None}
        sections["lifecycle"] = {**text.lifecycle.model_dump(mode="json"), "begin": begin}
    params = {
        "use": text.capital.use,
        "when": text.capital.when,
        **({"keep": text.capital.share_kept} if text.capital.compounding != "full" else {}),
        "params": plain(hiring.allocator_params),
    }
    limits = [
        {"use": limit.use, "params": plain(params)}
        for limit, params in zip(text.limit, hiring.limit_params, strict=True)
    ]
    pods = [
        {
            "id": pod.id,
            "strategy": pod.strategy,
            "when": pod.when,
            "gross": pod.gross,
            "lookback_days": pod.lookback_days,
            "params": dict(pod.manifest),
            **({"stop_loss": pod.stop_loss} if pod.stop_loss else {}),
            **({"keep": pod.keep} if pod.keep != 1.0 else {}),
        }
        for pod in hiring.pods
    ]
    return {
        "podshop": podshop.__version__,
        **sections,
        "capital": params,
        "limit": limits,
        "pod": pods,
        "sources": dict(sorted(hiring.digests.items())),
    }
