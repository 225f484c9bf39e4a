"""Crossing and sharing: exact on random trades, fair to every pod (notes: mid-cross, pro rata)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.funds import FREE, Recipe, cook, sessions_of

from podshop.domain.book import Book, open_book
from podshop.domain.event import CostSplit, Event, Filled, FillKind
from podshop.domain.market import Market
from podshop.domain.order import Facts, Fills, Statement
from podshop.domain.rules import Costs
from podshop.kernel import day as kernel
from podshop.ledger.audit import assert_balanced
from podshop.ledger.replay import fold
from podshop.market.panel import from_arrays
from podshop.market.quotes import quotes
from podshop.trading import settlement

PRICE = 100_000_000
"""The reference price of every name, micros."""

Trade = tuple[int, int, int, int]
"""A fill: asset, lots, price, fee."""


@lru_cache
def market_of(assets: int) -> Market:
    """Two sessions at 100."""
    names = [f"S{i}" for i in range(assets)]
    return quotes(from_arrays(sessions_of(2), names, np.full((2, assets), 100.0)))


def book_of(open_pn: Sequence[Sequence[int]], held: int = 0) -> Book:
    """A book in which pod p wants to trade open_pn[p][i] lots of asset i more than the `held`."""
    table = np.array(open_pn, dtype=np.int64)
    key = np.arange(table.size, dtype=np.int64)
    lots = np.full(table.size, held, dtype=np.int64)
    pods, assets = table.shape
    book = open_book(pods, assets, 10**15)
    return replace(book, key_s=key, lots_s=lots, want_s=lots + table.ravel())


def columns(rows: Sequence[Sequence[int]], width: int) -> list[Any]:
    """Rows as int64 columns."""
    table = np.array(rows, dtype=np.int64).reshape(-1, width)
    return [np.ascontiguousarray(table[:, j]) for j in range(width)]


def settle(book: Book, trades: Sequence[Trade], costs: Costs = FREE) -> list[Event]:
    """What follows for the pods when the broker reports these fills."""
    n = len(book.mark_n)
    asset, lots, price, fee = columns(trades, 4)
    fills = Fills(np.arange(1, len(asset) + 1), asset, lots, price, fee)
    zero = np.zeros(n, dtype=np.int64)
    facts = Facts(fills, zero, zero, 0, (), Statement(0, zero), "")
    rules = replace(cook(Recipe()).rules, costs=costs)
    return settlement.trades(book, facts, market_of(n), rules)


def rows_of(events: list[Event]) -> list[dict[str, int]]:
    """The rows of the `Filled` event."""
    names = ("pod", "asset", "lots", "price", "fee", "kind")
    found = [e for e in events if isinstance(e, Filled)]
    tables = [[getattr(e, f"{name}_r").tolist() for name in names] for e in found]
    return [dict(zip(names, row, strict=True)) for t in tables for row in zip(*t, strict=True)]


def got(rows: list[dict[str, int]], asset: int, kind: FillKind | None = None) -> dict[int, int]:
    """Lots that each pod got of an asset."""
    total: dict[int, int] = defaultdict(int)
    for row in rows:
        if row["asset"] == asset and kind in (None, row["kind"]):
            total[row["pod"]] += row["lots"]
    return dict(total)


# --- the cases that the notes count by hand -------------------------------------------------------

ABC = ((100,), (-80,), (30,))
"""A +100, B -80, C +30 of one name."""


def test_a_buys_100_b_sells_80_c_buys_30_all_are_filled_with_50_from_the_street() -> None:
    rows = rows_of(settle(book_of(ABC), [(0, 50, PRICE + 20_000, 175_000)]))
    assert got(rows, 0) == {0: 100, 1: -80, 2: 30}
    crossed = got(rows, 0, FillKind.CROSS)
    assert crossed == {0: 62, 1: -80, 2: 18}
    assert {row["price"] for row in rows if row["kind"] == FillKind.CROSS} == {PRICE}
    assert sum(row["fee"] for row in rows) == 175_000
    assert all(row["fee"] == 0 for row in rows if row["kind"] == FillKind.CROSS)


def test_20_of_50_are_shared_by_the_two_buyers_and_the_seller_is_done() -> None:
    rows = rows_of(settle(book_of(ABC), [(0, 20, PRICE, 0)]))
    assert got(rows, 0) == {0: 62 + 15, 1: -80, 2: 18 + 5}


def test_when_all_cross_nobody_needs_the_street() -> None:
    events = settle(book_of(((7,), (-4,), (-3,))), [])
    assert got(rows_of(events), 0) == {0: 7, 1: -4, 2: -3}


def test_plus_10_and_minus_4_cost_6_and_nothing() -> None:
    spread = 30_000
    linear = replace(FREE, half_spread_bps=3.0)
    events = settle(book_of(((10,), (-4,))), [(0, 6, PRICE + spread, 0)], linear)
    rows = rows_of(events)
    paid = {p: sum(r["lots"] * (r["price"] - PRICE) for r in rows if r["pod"] == p) for p in (0, 1)}
    assert paid == {0: 6 * spread, 1: 0}
    (split,) = (e for e in events if isinstance(e, CostSplit))
    assert split.spread_r.tolist() == [-10 * spread, -4 * spread]
    assert split.netting_r.tolist() == [4 * spread, 4 * spread]


def test_pods_that_crowd_pay_for_it_and_the_netting_line_says_so() -> None:
    costs = replace(FREE, impact=1.0, adv_assumed_micros=PRICE * 10_000)
    size = 2_000
    impact = round(100e6 * 0.02 * (size / 10_000) ** 0.5)
    events = settle(book_of(((1_000,), (1_000,))), [(0, size, PRICE + impact, 0)], costs)
    (split,) = (e for e in events if isinstance(e, CostSplit))
    assert (split.netting_r < 0).all()
    assert int((split.impact_r + split.netting_r).sum()) == -impact * size


# --- random trades --------------------------------------------------------------------------------

LOTS = st.integers(-400, 400)


@st.composite
def trading(draw: st.DrawFn) -> tuple[list[list[int]], list[Trade]]:
    """Trades that pods want, and fills of any part of what is left after crossing, in pieces."""
    pods, assets = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    wanted = [[draw(LOTS) for _ in range(assets)] for _ in range(pods)]
    fills: list[Trade] = []
    for i in range(assets):
        left = sum(row[i] for row in wanted)
        for _ in range(draw(st.integers(0, 3))):
            part = draw(st.integers(0, abs(left))) * (1 if left > 0 else -1)
            left -= part
            if part:
                price = draw(st.integers(1, 3 * PRICE))
                fills.append((i, part, price, draw(st.integers(0, 10**7))))
    return wanted, fills


@given(st.lists(LOTS, min_size=1, max_size=7), st.integers(1, 500), st.integers(0, 100_000))
def test_the_cap_on_a_name_holds_and_only_makes_wants_smaller(
    wanted: list[int], mark: int, most: int
) -> None:
    want = np.array(wanted, dtype=np.int64)
    kernel.cap_nb(np.arange(len(wanted)), want, 1, np.array([mark]), most)
    assert abs(int(want.sum())) * mark <= most
    assert all(
        0 <= after * np.sign(before) <= abs(before)
        for before, after in zip(wanted, want, strict=True)
    )


@given(trading(), st.integers(-50, 50))
def test_lots_and_cash_are_the_broker_s_to_the_lot_and_the_micro(
    case: tuple[list[list[int]], list[Trade]], held: int
) -> None:
    wanted, fills = case
    book = book_of(wanted, held)
    events = settle(book, fills)
    after = fold(book, events)
    n = len(book.mark_n)
    for event in events:
        assert_balanced(event)
    for i in range(n):
        lots = sum(x for asset, x, _, _ in fills if asset == i)
        assert sum(got(rows_of(events), i).values()) == lots
    spent = sum(lots * price + fee for _, lots, price, fee in fills)
    assert int(after.cash_p.sum() - book.cash_p.sum()) == -spent
    assert settlement.net_lots(after).sum() - settlement.net_lots(book).sum() == sum(
        lots for _, lots, _, _ in fills
    )


@given(trading())
def test_crosses_cancel_and_nobody_goes_past_or_away_from_what_it_wants(
    case: tuple[list[list[int]], list[Trade]],
) -> None:
    wanted, fills = case
    rows = rows_of(settle(book_of(wanted), fills))
    for i in range(len(wanted[0])):
        crossed = got(rows, i, FillKind.CROSS)
        assert sum(crossed.values()) == 0
        buys = sum(max(0, row[i]) for row in wanted)
        sells = -sum(min(0, row[i]) for row in wanted)
        assert sum(max(0, x) for x in crossed.values()) == min(buys, sells)
        for p, lots in got(rows, i).items():
            assert 0 <= lots / wanted[p][i] <= 1
        few = -1 if buys >= sells else 1
        for p, row in enumerate(wanted):
            if few * row[i] > 0:
                assert crossed[p] == row[i]


@given(trading())
def test_every_share_is_within_a_lot_of_pro_rata(
    case: tuple[list[list[int]], list[Trade]],
) -> None:
    wanted, fills = case
    if len({asset for asset, *_ in fills}) < len(fills):
        return
    rows = rows_of(settle(book_of(wanted), fills))
    for i, filled, _, fee in fills:
        side = {p: row[i] for p, row in enumerate(wanted) if row[i] * filled > 0}
        crossed = got(rows, i, FillKind.CROSS)
        left = {p: x - crossed.get(p, 0) for p, x in side.items()}
        for p, lots in got(rows, i, FillKind.MARKET).items():
            assert abs(lots - filled * left[p] / sum(left.values())) < 1
        paid = {r["pod"]: r["fee"] for r in rows if r["asset"] == i and r["kind"] == 0}
        assert sum(paid.values()) == fee
        for p, lots in got(rows, i, FillKind.MARKET).items():
            assert abs(paid[p] - fee * lots / filled) < 1


@given(st.lists(LOTS, min_size=1, max_size=6), st.floats(0, 1), st.integers(0, 20_000))
def test_with_linear_costs_no_pod_pays_more_than_alone(
    wanted: list[int], share: float, per_lot: int
) -> None:
    linear = replace(FREE, half_spread_bps=2.0, commission_micros_per_lot=per_lot)
    left = sum(wanted)
    lots = int(left * share)
    price = PRICE + (20_000 if lots > 0 else -20_000)
    fills = [(0, lots, price, per_lot * abs(lots))] if lots else []
    events = settle(book_of([[x] for x in wanted]), fills, linear)
    for event in events:
        if isinstance(event, CostSplit):
            assert (event.netting_r >= 0).all()
            paid = -(event.commission_r + event.spread_r + event.impact_r + event.netting_r)
            assert int(paid.sum()) == abs(lots) * (20_000 + per_lot)


@given(LOTS.filter(bool), LOTS.filter(bool))
def test_for_two_pods_the_split_is_shapley_s(a: int, b: int) -> None:
    spread = 20_000
    linear = replace(FREE, half_spread_bps=2.0)
    net = a + b
    fills = [(0, net, PRICE + (spread if net > 0 else -spread), 0)] if net else []
    (split,) = (e for e in settle(book_of([[a], [b]]), fills, linear) if isinstance(e, CostSplit))
    paid = -(split.spread_r + split.netting_r)
    together = spread * abs(net)
    for mine, x, other in zip(paid.tolist(), (a, b), (b, a), strict=True):
        assert 2 * mine == spread * abs(x) + together - spread * abs(other)
