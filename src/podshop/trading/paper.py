"""Pods on paper: a notional book that is lived through like the fund's own, and never reaches a
broker.

It is a `Book` with the same pods, of which only those on paper are open. Each trades alone, as if
it had an account of its own (`netting = False`), under the fund's caps on a pod and the fund's
costs; what a broker would have done is worked out with the simulated broker's own arithmetic. No
limit acts on it: what a pod did on paper is judged once, when it is to get capital.
"""

from dataclasses import replace

import numpy as np

from podshop.domain.book import Book
from podshop.domain.market import Market
from podshop.domain.money import Bools
from podshop.domain.order import Facts, Orders
from podshop.domain.pod import Wishes
from podshop.domain.rules import Limit, Rules
from podshop.trading.fill import Account, trade_day
from podshop.trading.settlement import net_lots
from podshop.trading.sizing import netted


def rules_on_paper(rules: Rules) -> Rules:
    """The rules that the notional book lives under: caps on a pod, costs, nothing else.

    The caps on one name over all pods and on leverage are left out: they compare with the NAV of
    the fund.
    """
    caps = replace(rules.caps, ticker=np.inf, leverage=np.inf)
    limits = (Limit("paper", cap=lambda: caps),)
    pods = tuple(replace(pod, keep=1.0) for pod in rules.pods)
    return replace(
        rules, pods=pods, limits=limits, flows=(), netting=False, keep=1.0, lifecycle=None
    )


def facts_on_paper(paper: Book, market: Market, rules: Rules) -> Facts:
    """What a broker would report of the session in the last row of `market`.

    Args:
        paper: the notional book after the session before, its cycle already opened.
        market: history up to and including the session.
        rules: of the fund or on paper; what is needed is the same.
    """
    n, pods = len(paper.mark_n), len(paper.cash_p)
    ids, name_o, lots_o = netted(paper, n * pods, rules.seed, paper.cycle - 1)
    cash = int(paper.cash_p.sum()) + paper.reserve
    account = Account(cash, net_lots(paper), paper.mark_n)
    orders = Orders(ids, name_o % n, lots_o)
    return trade_day(account, orders, market, rules.costs, (), str(market.days[-1]))[1]


def sized_on_paper(book: Book, wishes: Wishes, allocation_due: bool) -> Bools:
    """(P,) pods on paper to size anew: those that speak, all on days of an allocation, and those
    that came to paper in this cycle.
    """
    if book.life is None or book.life.paper is None:
        return np.zeros(len(book.cash_p), dtype=np.bool_)
    new_p = book.life.cycle_p == book.cycle
    sized_p: Bools = (wishes.speaks_p | allocation_due | new_p) & (book.life.paper.closed_day_p < 0)
    return sized_p
