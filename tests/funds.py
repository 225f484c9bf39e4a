"""Small random funds for tests: a recipe of plain values, cooked into panel, rules and wishes.

Everything follows from the recipe, so that a failing example can be written down in one line. What
happens in a market happens here often: splits of odd ratios, dividends, days without a price, late
listings, leavings, sessions without volume, gains and losses that run through the whole ladder.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from podshop.adapters.brokers.sim import SimBroker
from podshop.capital import equal, sharpe
from podshop.cycle import step
from podshop.domain.book import Book
from podshop.domain.event import FundOpened, Plan
from podshop.domain.market import Market, Panel
from podshop.domain.money import Days
from podshop.domain.order import Facts
from podshop.domain.pod import Pod, WishBook
from podshop.domain.rules import Allocator, Costs, Flow, Limit, MarketRules, Rules, due
from podshop.ledger.replay import opening
from podshop.market.panel import from_arrays
from podshop.market.quotes import quotes, row_hash
from podshop.research.backtest import backtest, fund_opened
from podshop.research.run import Run
from podshop.research.wishing import gather
from podshop.risk import drawdown, exposure, position, sector, ticker, volatility
from podshop.trading.fill import open_account

Floats = npt.NDArray[np.float64]

GONE = 3
"""Sessions without a price after which a name counts as gone in these small markets."""

RATIOS = (2.0, 3.0, 0.5, 0.25, 1.5, 1.068833, 0.1, 0.333333)
"""Split ratios as they occur, odd ones too."""

FREE = Costs(0, 0, 0.0, 0.0, borrow_bps_year=0.0, debit_spread_bps_year=0.0, volume_cap=1.0)
"""Trading that costs nothing and is never partial."""


@dataclass(frozen=True)
class Recipe:
    """A fund in plain values.

    Attributes:
        seed: of prices and wishes.
        days, assets, pods: sizes.
        start: first traded row; rows before it are history.
        opens, volume: what the data has.
        splits, delistings, late: how many.
        dividends, holes, dry: share of cells with a dividend, without a price, without volume.
        swing: daily volatility of prices.
        depth: typical lots traded a session.
        rate: interest a year.
        capital: currency units.
        when: when each pod speaks, repeated.
        gross: declared and typical gross of the pods.
        ladder: rungs of the pods; None for no ladder.
        stop: drawdown that halts the fund; 0 for none.
        position, sector, gross_cap, net, vol, vol_days, ticker: caps; inf for none.
        sharpe: True for the Sharpe allocator, with its lookback; else equal shares.
        lo, hi, cash, schedule: bounds and schedule of the allocation.
        flows: (row, kind, whole currency units).
        costs, restore, on_halt, keep: as in `Rules`.
    """

    seed: int = 0
    days: int = 60
    assets: int = 5
    pods: int = 3
    start: int = 0
    opens: bool = True
    volume: bool = True
    splits: int = 2
    delistings: int = 1
    late: int = 1
    dividends: float = 0.02
    holes: float = 0.02
    dry: float = 0.02
    swing: float = 0.02
    depth: float = 60_000.0
    rate: float = 0.03
    capital: int = 1_000_000
    when: tuple[str, ...] = ("change", "week", "month", "daily")
    gross: float = 1.2
    ladder: drawdown.Params | None = field(default_factory=drawdown.Params)
    stop: float = 0.15
    position: float = np.inf
    sector: float = np.inf
    gross_cap: float = np.inf
    net: float = np.inf
    vol: float = np.inf
    vol_days: int = 30
    ticker: float = np.inf
    sharpe: bool = False
    lookback: int = 20
    lo: float = 0.1
    hi: float = 0.4
    cash: float = 0.1
    schedule: str = "month"
    flows: tuple[tuple[int, str, int], ...] = ()
    costs: Costs = field(default_factory=Costs)
    restore: str = "peak"
    on_halt: str = "flatten"
    keep: float | None = 1.0


@dataclass(frozen=True)
class Fund:
    """A cooked recipe."""

    recipe: Recipe
    panel: Panel
    rules: Rules
    wishes: WishBook

    def run(self, **options: Any) -> Run:
        """Backtest it; the pods are asked already, so their cards are not played."""
        return backtest(self.rules, self.panel, wishes=self.wishes, **options)


@dataclass(frozen=True)
class Session:
    """One cycle of a fund, seen from outside."""

    t: int
    before: Book
    facts: Facts
    market: Market
    book: Book
    plan: Plan


# --- prices ---------------------------------------------------------------------------------------


def sessions_of(days: int) -> Days:
    """Weekdays from 2020-01-01 on without every 19th, as if it were a holiday."""
    every = np.datetime64("2020-01-01", "D") + np.arange(days * 2)
    open_days = every[np.is_busday(every)]
    return np.delete(open_days, np.arange(18, len(open_days), 19))[:days]


def tables(recipe: Recipe) -> dict[str, Any]:
    """The raw tables of a recipe, as `from_arrays` takes them; free to be changed."""
    r = np.random.default_rng([recipe.seed, 1])
    days, n = recipe.days, recipe.assets
    path = np.cumsum(r.normal(0.0003, recipe.swing, (days, n)), axis=0)
    close = r.choice([3.7, 20.0, 55.0, 410.0], n) * np.exp(path)
    opens = close * np.exp(r.normal(0, 0.004, (days, n)))
    volume = np.round(recipe.depth * np.exp(r.normal(0, 0.8, (days, n))))
    dividend = np.where(r.random((days, n)) < recipe.dividends, 0.006 * close, 0.0)
    split = np.ones((days, n))
    for _ in range(recipe.splits):
        t, i = int(r.integers(2, days)), int(r.integers(n))
        ratio = float(r.choice(RATIOS))
        split[t, i] *= ratio
        close[t:, i] /= ratio
        opens[t:, i] /= ratio
    volume[r.random((days, n)) < recipe.dry] = 0.0
    volume[r.random((days, n)) < recipe.dry] = np.nan
    opens[r.random((days, n)) < recipe.holes / 2] = np.nan
    gaps = r.random((days, n)) < recipe.holes
    for i in range(min(recipe.late, n - 1)):
        gaps[: r.integers(1, max(2, days // 2)), i] = True
    for i in range(min(recipe.delistings, n - 1)):
        gaps[r.integers(days // 3, days) :, n - 1 - i] = True
    for table in (close, opens):
        table[gaps] = np.nan
    dividend[gaps] = 0.0
    return {
        "days": sessions_of(days),
        "symbols": [f"S{i}" for i in range(n)],
        "close": close,
        "open": opens if recipe.opens else None,
        "volume": volume if recipe.volume else None,
        "dividend": dividend,
        "split": split,
        "sectors": [f"sector {i % 3}" for i in range(n)],
        "rate": recipe.rate,
    }


# --- wishes ---------------------------------------------------------------------------------------


def dice(seed: int, gross: float, hold: int) -> Callable[[Panel, Any], Floats]:
    """Wishes that roll dice every `hold` days, by the day alone: causal by construction."""

    def wishes(panel: Panel, params: Any) -> Floats:
        known = np.isfinite(panel.close)
        out = np.zeros(panel.close.shape)
        for t, day in enumerate(panel.days.astype(np.int64).tolist()):
            r = np.random.default_rng([seed, day // hold])
            weight = r.normal(0.3, 1.0, size=(panel.close.shape[1],))
            weight[r.random(len(weight)) < 0.3] = 0.0
            weight *= known[t]
            if r.random() > 0.1 and weight.any():
                out[t] = np.round(weight / np.abs(weight).sum() * gross * r.uniform(0.5, 1.0), 6)
        return out

    return wishes


def steady(weights: dict[int, float]) -> Callable[[Panel, Any], Floats]:
    """Wishes that are the same every day."""

    def wishes(panel: Panel, params: Any) -> Floats:
        out = np.zeros(panel.close.shape)
        for asset, weight in weights.items():
            out[:, asset] = weight
        return out

    return wishes


def table_pod(name: str, table: Floats, when: str = "change", gross: float = 10.0) -> Pod:
    """A pod whose wishes are written down, one row a session of the whole panel."""

    def wishes(panel: Panel, params: Any) -> Floats:
        return table[: len(panel)]

    return Pod(name, "tests.table", None, wishes, 1, when, gross, {})


def pod(name: str, wishes: Callable[..., Floats], when: str = "change", gross: float = 10.0) -> Pod:
    """A pod around a function of wishes."""
    return Pod(name, "tests.pod", None, wishes, 1, when, gross, {})


# --- rules ----------------------------------------------------------------------------------------


def limit(module: Any, params: Any) -> Limit:
    """A limit of `podshop.risk`, bound to its parameters."""

    def bound(name: str) -> Any:
        return partial(getattr(module, name), p=params) if hasattr(module, name) else None

    name = module.__name__.rpartition(".")[2]
    return Limit(name, bound("check"), bound("restore"), bound("cap"), bound("tripwire"))


def limits_of(recipe: Recipe) -> tuple[Limit, ...]:
    """The limits of a recipe."""
    found = []
    if recipe.ladder is not None:
        found.append(limit(drawdown, recipe.ladder))
    if recipe.stop:
        found.append(limit(drawdown, drawdown.Params(scope="fund", halt_at=recipe.stop)))
    if np.isfinite(recipe.position):
        found.append(limit(position, position.Params(recipe.position)))
    if np.isfinite(recipe.sector):
        found.append(limit(sector, sector.Params(recipe.sector)))
    if np.isfinite(recipe.gross_cap) or np.isfinite(recipe.net):
        found.append(limit(exposure, exposure.Params(recipe.gross_cap, recipe.net)))
    if np.isfinite(recipe.vol):
        found.append(limit(volatility, volatility.Params(recipe.vol, recipe.vol_days)))
    if np.isfinite(recipe.ticker):
        found.append(limit(ticker, ticker.Params(recipe.ticker)))
    return tuple(found)


def allocator_of(recipe: Recipe) -> Allocator:
    """The allocator of a recipe."""
    if recipe.sharpe:
        by_sharpe = sharpe.Params(recipe.lookback, recipe.lo, recipe.hi, recipe.cash)
        return Allocator(
            "sharpe", partial(sharpe.shares, p=by_sharpe), recipe.schedule, recipe.cash
        )
    evenly = equal.Params(recipe.lo, recipe.hi, recipe.cash)
    return Allocator("equal", partial(equal.shares, p=evenly), recipe.schedule, recipe.cash)


def rules_of(recipe: Recipe, pods: tuple[Pod, ...], days: Days) -> Rules:
    """The rules of a recipe for these pods."""
    flows = tuple(Flow(days[row], kind, amount * 1_000_000) for row, kind, amount in recipe.flows)
    return Rules(
        name="test fund",
        currency="USD",
        capital=recipe.capital * 1_000_000,
        pods=pods,
        limits=limits_of(recipe),
        allocator=allocator_of(recipe),
        costs=recipe.costs,
        market=MarketRules(start=days[recipe.start], end=days[-1]),
        flows=flows,
        restore=recipe.restore,
        on_halt=recipe.on_halt,
        keep=recipe.keep,
        hash=f"{(recipe.seed + 1) * 0x9E3779B97F4A7C15 % 2**64:016x}" + 16 * "0",
    )


def dice_pods(recipe: Recipe) -> tuple[Pod, ...]:
    """The random pods of a recipe."""
    return tuple(
        pod(
            f"pod {p}",
            dice(recipe.seed * 100 + p, recipe.gross, 1 + 3 * p),
            recipe.when[p % len(recipe.when)],
            recipe.gross * 1.001,
        )
        for p in range(recipe.pods)
    )


@lru_cache(maxsize=64)
def cook(recipe: Recipe) -> Fund:
    """Make the fund of a recipe."""
    return assemble(recipe, from_arrays(**tables(recipe), gone_days=GONE), dice_pods(recipe))


def assemble(recipe: Recipe, panel: Panel, pods: tuple[Pod, ...]) -> Fund:
    """Make a fund of a recipe's rules on a given panel with given pods."""
    rules = rules_of(recipe, pods, panel.days)
    return Fund(recipe, panel, rules, gather(pods, panel, recipe.start))


def plain(
    close: npt.ArrayLike, *pods: Pod, raw: dict[str, Any] | None = None, **fields: Any
) -> Fund:
    """A fund to count by hand: these closes (T, N), free trading, no limits, all capital used.

    `raw` holds further tables of the panel, `fields` those of the recipe that differ.
    """
    table = np.array(close, dtype=np.float64)
    table = table[:, None] if table.ndim == 1 else table
    given: dict[str, Any] = {
        "days": sessions_of(len(table)),
        "symbols": [f"S{i}" for i in range(table.shape[1])],
        "close": table,
    }
    simple = Recipe(
        days=len(table),
        assets=table.shape[1],
        pods=len(pods),
        costs=FREE,
        rate=0.0,
        ladder=None,
        stop=0.0,
        lo=0.0,
        hi=1.0,
        cash=0.0,
        schedule="never",
    )
    return assemble(
        replace(simple, **fields), from_arrays(**({"gone_days": GONE} | given | (raw or {}))), pods
    )


def random_recipe(seed: int, days: int = 60) -> Recipe:
    """A recipe with everything chosen by dice."""
    r = np.random.default_rng([seed, 2])

    def sometimes(share: float, *values: float) -> float:
        return float(r.choice(values)) if r.random() < share else np.inf

    start, capital = int(r.choice([0, 0, 7, 25])), int(r.choice([30_000, 1_000_000, 50_000_000]))
    rows = sorted(int(x) for x in r.integers(start, days, r.integers(0, 4)))
    kinds = [str(r.choice(["deposit", "withdrawal", "tax", "fee"])) for _ in rows]
    share = {"deposit": 0.09, "withdrawal": -0.06, "tax": -0.008, "fee": -0.0007}
    ladders = (
        drawdown.Params(),
        drawdown.Params(trim_at=0.025, halve_at=0.05, terminate_at=0.075),
        drawdown.Params(halve_at=0.03, terminate_at=0.06),
        drawdown.Params(halve_at=0.0, terminate_at=0.04),
        None,
    )
    fee = float(np.random.default_rng([seed, 3]).choice([0.0, 0.02, 0.3]))
    return Recipe(
        seed=seed,
        days=days,
        assets=int(r.integers(2, 8)),
        pods=int(r.integers(2, 6)),
        start=start,
        opens=bool(r.random() < 0.7),
        volume=bool(r.random() < 0.7),
        splits=int(r.integers(0, 5)),
        delistings=int(r.integers(0, 3)),
        late=int(r.integers(0, 3)),
        dividends=float(r.choice([0.0, 0.02, 0.1])),
        holes=float(r.choice([0.0, 0.02, 0.1])),
        dry=float(r.choice([0.0, 0.02, 0.1])),
        swing=float(r.choice([0.005, 0.015, 0.03])),
        depth=float(r.choice([3_000.0, 60_000.0, 1e6])),
        rate=float(r.choice([0.0, 0.03, -0.005])),
        capital=capital,
        gross=float(r.choice([0.8, 1.5, 2.5])),
        ladder=ladders[int(r.integers(len(ladders)))],
        stop=float(r.choice([0.0, 0.04, 0.15])),
        position=sometimes(0.4, 0.1, 0.3),
        sector=sometimes(0.4, 0.2, 0.5),
        gross_cap=sometimes(0.3, 0.7, 1.0),
        net=sometimes(0.3, 0.1, 0.5),
        vol=sometimes(0.4, 0.05, 0.2),
        vol_days=int(r.choice([20, 63])),
        ticker=sometimes(0.4, 0.03, 0.1),
        sharpe=bool(r.random() < 0.6),
        lookback=int(r.choice([2, 10, 20])),
        lo=float(r.choice([0.0, 0.05, 0.1])),
        hi=float(r.choice([0.3, 0.4, 0.9])),
        cash=float(r.choice([0.0, 0.1, 0.3])),
        schedule=str(r.choice(["week", "month", "quarter", "never", "daily"])),
        flows=tuple(
            (row, kind, int(share[kind] * capital)) for row, kind in zip(rows, kinds, strict=True)
        ),
        costs=replace(
            Costs(),
            volume_cap=float(r.choice([0.01, 0.1, 1.0])),
            impact_days=int(r.choice([3, 20])),
            management_fee=fee,
        ),
        restore=str(r.choice(["peak", "peak", "never"])),
        on_halt=str(r.choice(["flatten", "hold"])),
        keep=(1.0, 1.0, 0.0, 0.5, None)[int(np.random.default_rng([seed, 4]).integers(5))],
    )


# --- day by day -----------------------------------------------------------------------------------


def live(fund: Fund, first: FundOpened | None = None) -> Iterator[Session]:
    """Take a fund through its sessions with `step` and the simulated broker, as a driver would."""
    rules, market = fund.rules, quotes(fund.panel)
    start = fund.recipe.start
    book = opening(first or fund_opened(rules, market, start))
    account = open_account(rules.capital, len(market.assets))
    broker = SimBroker(
        rules.costs, rules.flows, account, day=market.days[start] - np.timedelta64(1, "D")
    )
    for t in range(start, len(market)):
        today, before = market.until(t), book
        facts = broker.facts(today)
        due_today = due(rules.allocator.when, market.days, start, t)
        book, plan = step(
            before, facts, today, fund.wishes.on(t), rules, due_today, row_hash(market, t)
        )
        broker.submit(plan.orders)
        yield Session(t, before, facts, today, book, plan)
