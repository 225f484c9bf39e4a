"""The facts of a session as events: splits, leavings, accruals, crosses and fills shared to pods.

Each function looks at the book and the outside's facts and says what happened; nothing here changes
the book (that is the fold's work) or judges it (that is the limits' work).
"""

import numpy as np

from podshop.domain.book import Book
from podshop.domain.error import BrokerError
from podshop.domain.event import (
    CENTRE,
    Accrued,
    BreakFound,
    CostSplit,
    Delisted,
    Event,
    Filled,
    FillKind,
    Marked,
    Part,
    Reconciled,
    Revalued,
    SplitApplied,
)
from podshop.domain.market import Market
from podshop.domain.money import I64
from podshop.domain.order import Facts, Fills
from podshop.domain.pod import PodStatus
from podshop.domain.rules import Costs, Rules
from podshop.kernel import day as kernel
from podshop.trading.fill import (
    RATIO,
    borrow_rate,
    cash_in_lieu,
    fee_share,
    liquidity,
    night_rates,
    whole_lots,
)
from podshop.trading.sizing import netted

Columns = tuple[I64, ...]

COSTS = ("fee", "management")
"""Kinds of cash moves that are a cost; all others are flows, never profit or loss."""


def net_lots(book: Book) -> I64:
    """(N,) lots of the fund per asset: what the broker must hold."""
    n = len(book.mark_n)
    short_n, net_n = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    kernel.short_nb(book.key_s, book.lots_s, n, short_n, net_n)
    return net_n


def split(book: Book, asset: int, ratio_e6: int) -> SplitApplied | None:
    """Multiply the lots of a split asset; whole lots by largest remainder, fractions paid in cash.

    Args:
        book: the book before the split.
        asset: the asset that splits.
        ratio_e6: lots after one lot before, in millionths.

    Returns:
        The event, or None when nobody holds or wants the asset.
    """
    n = len(book.mark_n)
    mine = np.flatnonzero(book.key_s % n == asset)
    if len(mine) == 0:
        return None
    pods = book.key_s[mine] // n
    lots, want = [int(x) for x in book.lots_s[mine]], [int(x) for x in book.want_s[mine]]
    mark = (int(book.mark_n[asset]) * RATIO + ratio_e6 // 2) // ratio_e6
    exact = [x * ratio_e6 for x in lots]
    whole = whole_lots(sum(exact))
    floors = [x // RATIO for x in exact]
    order = sorted(range(len(exact)), key=lambda j: (floors[j] * RATIO - exact[j], j))
    for j in order[: whole - sum(floors)]:
        floors[j] += 1
    cash = [(e - x * RATIO) * mark // RATIO for e, x in zip(exact, floors, strict=True)]
    return SplitApplied(
        asset=asset,
        ratio_e6=ratio_e6,
        mark=mark,
        pod_r=pods,
        lots_r=np.array(floors, dtype=np.int64),
        want_r=np.array(_wants(lots, want, floors, ratio_e6), dtype=np.int64),
        cash_r=np.array(cash, dtype=np.int64),
        centre_cash=cash_in_lieu(sum(lots), ratio_e6, mark) - sum(cash),
    )


def _wants(lots: list[int], want: list[int], after: list[int], ratio_e6: int) -> list[int]:
    """Wants after a split: what nobody meant to trade is not traded, the rest is scaled."""
    return [
        held if x == y else 0 if y == 0 else held + whole_lots((y - x) * ratio_e6)
        for x, y, held in zip(lots, want, after, strict=True)
    ]


def leavings(book: Book, market: Market) -> list[Event]:
    """Close positions in assets that left the market, at their last mark and without cost."""
    n = len(book.mark_n)
    events: list[Event] = []
    for asset in market.delistings.at(len(market) - 1)[0]:
        mine = np.flatnonzero(book.key_s % n == asset)
        if len(mine) == 0:
            continue
        mark = int(book.mark_n[asset])
        events.append(Delisted(int(asset), mark))
        held = mine[book.lots_s[mine] != 0]
        if len(held):
            none = np.zeros(len(held), dtype=np.int64)
            events.append(
                Filled(
                    pod_r=book.key_s[held] // n,
                    asset_r=none + asset,
                    lots_r=-book.lots_s[held],
                    price_r=none + mark,
                    fee_r=none,
                    kind_r=none + FillKind.FORCED,
                    order_r=none,
                )
            )
    return events


def accruals(book: Book, facts: Facts, market: Market, rules: Rules) -> Accrued:
    """Dividends, borrow fees, interest of the night, and what the broker charged or the owner
    moved.

    The pods get what their own lots and cash earn; the centre gets the difference to what the
    broker really paid, so that the sum is the broker's to the micro. Netted pods share the fee for
    what the fund borrows; apart, each pays for its own.
    """
    costs = rules.costs
    n, slots = len(book.mark_n), len(book.key_s)
    short_n, net_n = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    kernel.short_nb(book.key_s, book.lots_s, n, short_n, net_n)
    dividend_s, borrow_s = np.empty(slots, dtype=np.int64), np.empty(slots, dtype=np.int64)
    paying, micros = market.dividends.at(len(market) - 1)
    kernel.accrue_nb(
        book.key_s, book.lots_s, n, paying, micros, facts.borrow_n, short_n, dividend_s, borrow_s
    )
    if not rules.netting:
        mark_s = book.mark_n[kernel.assets_nb(book.key_s, n)]
        night = borrow_rate(float(market.year_t[-1]), costs)
        kernel.charge_nb(book.lots_s, mark_s, night, borrow_s)
        borrow_s = -borrow_s
    interest_p = np.empty(len(book.cash_p), dtype=np.int64)
    kernel.nights_nb(book.cash_p, *night_rates(market, costs), interest_p)
    pods = np.flatnonzero(interest_p)
    rest = facts.interest - int(interest_p.sum())
    cash = [(CENTRE, -1, Part.INTEREST, rest)] if rest else []
    fee_p = _management_fees(book, facts, costs)
    cash += [
        (CENTRE, -1, Part.FEE if m.kind in COSTS else Part.FLOW, m.amount) for m in facts.moves
    ]
    if fee_p.any():
        cash.append((CENTRE, -1, Part.FEE, int(fee_p.sum())))
    blocks = [
        _slot_rows(Part.DIVIDEND, book, dividend_s),
        _slot_rows(Part.BORROW, book, borrow_s),
        _rows(Part.INTEREST, pods, np.full(len(pods), -1), interest_p[pods]),
        _rows(
            Part.FEE, np.flatnonzero(fee_p), np.full(np.count_nonzero(fee_p), -1), -fee_p[fee_p > 0]
        ),
        _centre_rows(Part.DIVIDEND, book, facts.dividend_n.copy(), dividend_s),
        _centre_rows(Part.BORROW, book, -facts.borrow_n, borrow_s),
        tuple(np.array(cash, dtype=np.int64).reshape(-1, 4).T),
    ]
    said = [block for block in blocks if len(block[0])] or blocks[:1]
    return Accrued(*(np.concatenate(column) for column in zip(*said, strict=True)))


def _management_fees(book: Book, facts: Facts, costs: Costs) -> I64:
    """(P,) what each pod bears of the management fee, when one was charged: on its own NAV."""
    charged = any(move.kind == "management" for move in facts.moves)
    rate = fee_share(costs) if charged else 0.0
    return np.floor(np.maximum(book.nav_p, 0) * rate).astype(np.int64)


def _rows(part: Part, pod_r: I64, asset_r: I64, amount_r: I64) -> Columns:
    """Columns (pod, asset, part, amount)."""
    return pod_r, asset_r, np.full(len(pod_r), int(part)), amount_r


def _slot_rows(part: Part, book: Book, amount_s: I64) -> Columns:
    """What the slots earn or pay, where it is not nothing."""
    at = np.flatnonzero(amount_s)
    pod_r = book.key_s[at] // len(book.mark_n)
    return _rows(part, pod_r, book.key_s[at] - pod_r * len(book.mark_n), amount_s[at])


def _centre_rows(part: Part, book: Book, rest_n: I64, mine_s: I64) -> Columns:
    """What the broker paid or charged per asset (`rest_n`, changed) beyond the pods' amounts."""
    kernel.less_nb(book.key_s, len(rest_n), mine_s, rest_n)
    at = np.flatnonzero(rest_n)
    return _rows(part, np.full(len(at), CENTRE), at, rest_n[at])


def night(book: Book, market: Market) -> Revalued | None:
    """What pods whose capital changed at the last close gained until they can trade to their size.

    Their lots at the reference price (at the last mark where there is none), and their cash,
    against their NAV at the last close.
    """
    pods = np.flatnonzero(
        (book.borne_p != book.nominal_p) & (book.borne_p > 0) & (book.status_p < PodStatus.CLOSED)
    )
    if len(pods) == 0:
        return None
    reference_n = market.reference_tn[-1]
    price_n = np.where(reference_n > 0, reference_n, book.mark_n)
    value_p = np.empty_like(book.cash_p)
    kernel.value_nb(book.key_s, book.lots_s, len(price_n), price_n, value_p)
    return Revalued(pods, (book.cash_p + value_p - book.nav_p)[pods])


def trades(book: Book, facts: Facts, market: Market, rules: Rules) -> list[Event]:
    """Cross the pods' trades at the reference price and share the broker's fills to them.

    What is netted goes by names: the assets. Without netting every slot is a name of its own, so
    that nothing crosses and every fill has one pod.

    Raises:
        BrokerError: the broker reports a fill that no pod ordered.
    """
    fills = facts.fills
    if len(fills) == 0 and not (book.want_s != book.lots_s).any():
        return []
    key_s, asset_m = book.key_s, np.arange(len(book.mark_n))
    if not rules.netting:
        fills = _by_slot(fills, book, market, rules)
        asset_m = kernel.assets_nb(key_s, len(asset_m))
        key_s = np.arange(len(key_s))
    reference_m = market.reference_tn[-1][asset_m]
    rows, count = kernel.share_nb(
        key_s,
        book.lots_s,
        book.want_s,
        len(asset_m),
        reference_m,
        fills.asset_f,
        fills.lots_f,
        fills.fee_f,
    )
    if count < 0:
        raise _unordered(market, int(asset_m[-1 - count]))
    if count == 0:
        return []
    rows = rows[:count]
    columns = kernel.filled_nb(
        rows,
        key_s,
        len(asset_m),
        reference_m,
        fills.price_f,
        fills.order_f,
        int(FillKind.MARKET),
        int(FillKind.CROSS),
    )
    filled = Filled(*_by_pod(columns, book, rules.netting))
    split = _cost_split(key_s, asset_m, rows, fills, filled.asset_r, market, rules.costs)
    return [filled, CostSplit(*_by_pod(split, book, rules.netting))]


def _by_slot(fills: Fills, book: Book, market: Market, rules: Rules) -> Fills:
    """The fills in the order of the slots, whose numbers stand in the place of assets."""
    names = len(book.mark_n) * len(book.cash_p)
    id_o, name_o, _ = netted(book, names, rules.seed, book.cycle - 1)
    if np.array_equal(id_o, fills.order_f):  # everything was filled, as it is on most days
        found = np.arange(len(id_o))
    else:
        by_id = np.argsort(id_o)
        found = by_id[np.minimum(np.searchsorted(id_o, fills.order_f, sorter=by_id), len(id_o) - 1)]
    strange = np.flatnonzero(id_o[found] != fills.order_f)
    if len(strange):
        raise _unordered(market, int(fills.asset_f[strange[0]]))
    slot_f = np.searchsorted(book.key_s, name_o[found])
    at = np.argsort(slot_f, kind="stable")
    return Fills(
        fills.order_f[at], slot_f[at], fills.lots_f[at], fills.price_f[at], fills.fee_f[at]
    )


def _by_pod(columns: Columns, book: Book, netting: bool) -> Columns:
    """Columns (pod, asset, ...), from those in which a slot's number stands for the asset."""
    if netting:
        return columns
    _, slot, *rest = columns
    pod = book.key_s[slot] // len(book.mark_n)
    return (pod, book.key_s[slot] - pod * len(book.mark_n), *rest)


def _unordered(market: Market, asset: int) -> BrokerError:
    return BrokerError(
        f"the broker filled {market.assets.symbols[asset]} beyond what the pods ordered; "
        "compare the broker's fills with the journal before going on"
    )


def _cost_split(
    key_s: I64,
    asset_m: I64,
    rows: I64,
    fills: Fills,
    asset_r: I64,
    market: Market,
    costs: Costs,
) -> Columns:
    """What each slot's trades would have cost alone; arguments as in `trades`, names M."""
    n = market.reference_tn.shape[1]
    traded_n = np.zeros(n, dtype=np.bool_)
    traded_n[asset_r] = True
    assets = np.flatnonzero(traded_n)
    sigma_n, adv_n = np.zeros(n), np.ones(n)
    sigma_n[assets], adv_n[assets] = liquidity(assets, market, costs)
    columns: Columns = kernel.cost_split_nb(
        rows,
        key_s,
        len(asset_m),
        market.reference_tn[-1][asset_m],
        fills.price_f,
        sigma_n[asset_m],
        adv_n[asset_m],
        costs.half_spread_bps,
        costs.impact,
        costs.commission_micros_per_lot,
        costs.commission_min_micros,
    )
    return columns


def marks(book: Book, market: Market) -> Marked:
    """The close of every asset whose mark changed; held assets without a price today are flagged
    stale.
    """
    mark_n, traded_n = market.mark_tn[-1], market.traded_tn[-1]
    changed = np.flatnonzero(mark_n != book.mark_n)
    stale = np.flatnonzero(~traded_n)
    if len(stale):
        held_n = np.zeros(len(mark_n), dtype=np.bool_)
        held_n[kernel.assets_nb(book.key_s, len(mark_n))[book.lots_s != 0]] = True
        stale = stale[held_n[stale]]
    return Marked(changed, mark_n[changed], stale, float(market.rate_t[-1]))


def reconcile(book: Book, facts: Facts) -> Reconciled | BreakFound:
    """Compare the broker's statement with the books, to the lot and the micro."""
    ours_n, theirs_n = net_lots(book), facts.statement.lots_n
    cash = int(book.cash_p.sum()) + book.reserve
    different = np.flatnonzero(ours_n != theirs_n)
    if cash == facts.statement.cash and len(different) == 0:
        return Reconciled(cash, facts.cursor)
    return BreakFound(cash, facts.statement.cash, different, ours_n[different], theirs_n[different])
