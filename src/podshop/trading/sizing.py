"""Wishes into wanted lots, wants into orders: caps, netting, and what may trade at all."""

import numpy as np

from podshop.domain.book import Book
from podshop.domain.event import Wanted
from podshop.domain.market import Market
from podshop.domain.money import F64, I64, Bools
from podshop.domain.order import Orders
from podshop.domain.pod import Wishes
from podshop.domain.rules import Caps, Rules
from podshop.kernel import day as kernel

KNOWN = 60
"""Returns that a beta needs."""


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


def bring_in(
    book: Book,
    key_s: I64,
    want_s: I64,
    sized_p: Bools,
    base_p: I64,
    caps: Caps,
    beta_n: F64 | None = None,
) -> I64:
    """Bring all wants under the fund's caps on one name and on leverage, and under the pods' caps
    on net and beta, which pull at each other.

    Capping a name can leave a pod lopsided, and balancing a pod can uncover a name; each step only
    takes whole lots away, so it comes to rest.

    Args:
        book: the book at the close.
        key_s: all slots.
        want_s: their wants; written in place.
        sized_p: (P,) pods that were sized; pods that a capped name touches are balanced too.
        base_p: (P,) micros that each pod is sized on.
        caps: the caps.
        beta_n: (N,) beta of every name, where there is a cap on it.

    Returns:
        The wants.
    """
    n, before = len(book.mark_n), want_s.copy()
    nav = max(0, book.nav)  # a fund that owes more than it has may hold nothing under a cap
    limit = int(caps.ticker * nav) if np.isfinite(caps.ticker) else None
    while True:
        if limit is not None:
            kernel.cap_nb(key_s, want_s, n, book.mark_n, limit)
        touched_p = sized_p.copy()
        cut = np.flatnonzero(want_s != before)
        touched_p[key_s[cut] // n] = True
        changed = False
        if np.isfinite(caps.net):
            changed |= bool(
                kernel.balance_nb(touched_p, base_p, key_s, want_s, n, book.mark_n, caps.net)
            )
        if beta_n is not None:
            changed |= _calm(
                book, key_s, want_s, touched_p, (base_p * caps.beta).astype(np.float64), beta_n
            )
        if np.isfinite(caps.leverage):
            changed |= _unlever(book, key_s, want_s, int(caps.leverage * nav))
        if not changed:
            return want_s


def betas(market: Market, days: int) -> F64:
    """(N,) beta of every name to the mean of all names that have a price, of daily returns.

    Each name is measured on the sessions of the last `days` in which it has a return; with fewer
    than `KNOWN` of them it counts as 1. Sums in one fixed order, so that equal inputs give equal
    bits.
    """
    first = max(1, len(market) - days)
    known_tn = (market.traded_tn[first:] & (market.mark_tn[first - 1 : -1] > 0)).astype(np.float64)
    return_tn = market.returns_nt[:, first:].T.astype(np.float64) * known_tn
    count_t = known_tn.sum(axis=1)
    mean_t = np.divide(
        return_tn.sum(axis=1), count_t, out=np.zeros(len(count_t)), where=count_t > 0.0
    )
    count_n, own_n = known_tn.sum(axis=0), return_tn.sum(axis=0)
    market_n = np.einsum("tn,t->n", known_tn, mean_t, optimize=False)
    square_n = np.einsum("tn,t->n", known_tn, mean_t * mean_t, optimize=False)
    both_n = np.einsum("tn,t->n", return_tn, mean_t, optimize=False)
    size_n = np.maximum(count_n, 1.0)
    spread_n = square_n - market_n * market_n / size_n
    told_n = (count_n >= KNOWN) & (spread_n > 1e-12)
    beta_n: F64 = np.divide(
        both_n - own_n * market_n / size_n, spread_n, out=np.ones(len(count_n)), where=told_n
    )
    return beta_n


def pod_betas(book: Book, key_s: I64, want_s: I64, beta_n: F64) -> F64:
    """(P,) sum of wanted value x beta, micros."""
    n = len(book.mark_n)
    asset_s = kernel.assets_nb(key_s, n)
    exposed_s = want_s * book.mark_n[asset_s] * beta_n[asset_s]
    exposed_p = np.bincount(key_s // n, weights=exposed_s, minlength=len(book.cash_p))
    return exposed_p.astype(np.float64)


def _calm(book: Book, key_s: I64, want_s: I64, pods: Bools, limit_p: F64, beta_n: F64) -> bool:
    """Shrink touched pods whose beta is too large, in proportion, in place; True when one was."""
    beta_p = np.abs(pod_betas(book, key_s, want_s, beta_n))
    over_p = pods & (beta_p > limit_p)
    if not over_p.any():
        return False
    scale_p = np.where(over_p, limit_p / np.maximum(beta_p, 1.0), 1.0)
    return _shrink(want_s, scale_p[key_s // len(book.mark_n)])


def _unlever(book: Book, key_s: I64, want_s: I64, limit: int) -> bool:
    """Shrink all wants when the fund's netted positions are too large, in place; True when so."""
    gross = leverage_of(book, key_s, want_s)
    return gross > limit and _shrink(want_s, np.full(len(want_s), limit / gross))


def leverage_of(book: Book, key_s: I64, want_s: I64) -> int:
    """Sum of |net wanted value| over all names, micros."""
    n = len(book.mark_n)
    net_n = np.zeros(n, dtype=np.int64)
    np.add.at(net_n, kernel.assets_nb(key_s, n), want_s)
    return int((np.abs(net_n) * book.mark_n).sum())


def _shrink(want_s: I64, scale_s: F64) -> bool:
    """Take lots away in proportion, at least one of each that is to shrink; in place."""
    shrinks = (scale_s < 1.0) & (want_s != 0)
    least_s = np.abs(want_s) - shrinks
    lots_s = np.minimum(np.floor(np.abs(want_s) * scale_s).astype(np.int64), least_s)
    want_s[:] = np.sign(want_s) * np.where(shrinks, lots_s, np.abs(want_s))
    return bool(shrinks.any())


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
