"""Wishes into wanted lots, wants into orders: caps, netting, and what may trade at all."""

import numpy as np

from podshop.domain.book import Book
from podshop.domain.event import Wanted
from podshop.domain.market import Market
from podshop.domain.money import I64, Bools
from podshop.domain.order import Orders
from podshop.domain.pod import Wishes
from podshop.domain.rules import Caps, Rules
from podshop.kernel import day as kernel


def wants(
    book: Book, market: Market, wishes: Wishes, sized_p: Bools, base_p: I64, rules: Rules
) -> tuple[I64, I64, I64]:
    """Size the pods that are due, each under its own caps.

    Args:
        book: the book at the close.
        market: history up to the close.
        wishes: the latest wish of every pod.
        sized_p: (P,) pods to size anew; the others keep their wants.
        base_p: (P,) micros that each pod is sized on.
        rules: caps and declared gross.

    Returns:
        (keys, lots held, lots wanted) of all slots, old and new.
    """
    caps = rules.caps
    n = len(book.mark_n)
    days = caps.volatility_days if np.isfinite(caps.volatility) else 0
    recent_nt = np.ascontiguousarray(market.returns_nt[:, max(0, len(market) - days) :])
    key_w, want_w = kernel.size_nb(
        sized_p,
        base_p,
        wishes.begin_p,
        wishes.end_p,
        wishes.asset_w,
        wishes.weight_w,
        book.key_s,
        book.lots_s,
        n,
        book.mark_n,
        market.traded_tn[-1],
        market.sector_n,
        int(market.sector_n.max()) + 1,
        recent_nt,
        rules.gross_p,
        np.array([caps.position, caps.sector, caps.gross, caps.net, caps.volatility]),
        caps.volatility_days,
        rules.costs.volatility_assumed,
    )
    key_s, lots_s, want_s = kernel.merge_nb(book.key_s, book.lots_s, book.want_s, key_w, want_w)
    return key_s, lots_s, want_s


def bring_in(book: Book, key_s: I64, want_s: I64, sized_p: Bools, base_p: I64, caps: Caps) -> I64:
    """Bring all wants under the fund's cap on one name and the pods' net caps, which pull at each
    other.

    Capping a name can leave a pod lopsided, and balancing a pod can uncover a name; each step only
    takes whole lots away, so it comes to rest.

    Args:
        book: the book at the close.
        key_s: all slots.
        want_s: their wants; written in place.
        sized_p: (P,) pods that were sized; pods that a capped name touches are balanced too.
        base_p: (P,) micros that each pod is sized on.
        caps: the caps.

    Returns:
        The wants.
    """
    n, before = len(book.mark_n), want_s.copy()
    limit = int(caps.ticker * book.nav) if np.isfinite(caps.ticker) else None
    while True:
        if limit is not None:
            kernel.cap_nb(key_s, want_s, n, book.mark_n, limit)
        if not np.isfinite(caps.net):
            return want_s
        touched_p = sized_p.copy()
        cut = np.flatnonzero(want_s != before)
        touched_p[key_s[cut] // n] = True
        if not kernel.balance_nb(touched_p, base_p, key_s, want_s, n, book.mark_n, caps.net):
            return want_s


def close_all(book: Book) -> tuple[I64, I64, I64]:
    """Want nothing: every position is to be closed."""
    return book.key_s, book.lots_s, np.zeros_like(book.want_s)


def close_only(lots_s: I64, want_s: I64) -> I64:
    """Forbid new risk, allow closing."""
    kernel.close_only_nb(lots_s, want_s)
    return want_s


def changed(book: Book, key_s: I64, want_s: I64) -> Wanted | None:
    """The wants that differ from the book's, or None."""
    pod_r, asset_r, want_r = kernel.differ_nb(
        book.key_s, book.want_s, key_s, want_s, len(book.mark_n)
    )
    return Wanted(pod_r, asset_r, want_r) if len(want_r) else None


def net(book: Book, seed: int, netting: bool = True) -> Orders:
    """Net what all pods want to trade into one order a name, with ids that the same inputs
    repeat; without netting one order a pod and name.
    """
    n = len(book.mark_n)
    ids, name_o, lots = netted(book, n if netting else n * len(book.cash_p), seed, book.cycle)
    return Orders(ids, name_o % n, lots)


def netted(book: Book, names: int, seed: int, cycle: int) -> tuple[I64, I64, I64]:
    """(ids, names, lots) of the orders of a cycle.

    Args:
        book: lots and wants.
        names: N to net the pods; P * N to keep them apart: a name is then pod * N + asset.
        seed: of the fund.
        cycle: in which they were decided.
    """
    ids, name_o, lots = kernel.net_nb(
        book.key_s, book.lots_s, book.want_s, names, np.uint64(seed), cycle
    )
    return ids, name_o, lots
