"""The simulated broker: one account that fills the fund's orders at the next reference price.

It keeps its own lots and cash and knows nothing of pods, so that reconciling against it means
something. Orders are filled at the open (or at the close where the data has only closes) with half
spread and square-root impact, up to a share of the session's volume; what is not filled expires.
Overnight lots receive dividends (short lots pay them), borrowed lots cost a fee, cash earns
interest.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from podshop.domain.error import BrokerError
from podshop.domain.market import Market
from podshop.domain.money import I64, Bools
from podshop.domain.order import NO_ORDERS, CashMove, Facts, Orders
from podshop.domain.rules import Costs, Flow
from podshop.kernel import day as kernel
from podshop.trading.fill import Account, trade_day


def moves_between(
    flows: tuple[Flow, ...], after: np.datetime64 | None, day: np.datetime64
) -> tuple[CashMove, ...]:
    """The flows that reach the account in the session `day`: those dated after the one before."""
    return tuple(
        CashMove(f.kind, f.amount)
        for f in flows
        if f.day <= day and (after is None or f.day > after)
    )


def eve(start: np.datetime64 | None, first: np.datetime64) -> np.datetime64:
    """The last day whose flows are part of the capital paid in, not flows of their own.

    Args:
        start: the day the fund file names; it may be no session.
        first: the first session.
    """
    opening = first if start is None else min(start, first)
    return opening - np.timedelta64(1, "D")


@dataclass(slots=True)
class SimBroker:
    """A simulated account in memory, for backtests. Submitting is idempotent by order id.

    Attributes:
        costs: the cost model.
        flows: deposits, withdrawals, taxes and fees by day.
        account: state after the last session reported.
        orders: waiting for the next open.
        worked: ids of the orders of the last session, which may be sent once more.
        day: the last session reported.
    """

    costs: Costs
    flows: tuple[Flow, ...]
    account: Account
    orders: Orders = NO_ORDERS
    worked: I64 = field(default_factory=lambda: NO_ORDERS.id_o)
    day: np.datetime64 | None = None
    _last: Facts | None = None

    def submit(self, orders: Orders) -> None:
        """Take orders for the next open; ids already waiting or just worked are ignored."""
        if len(orders) == 0:
            return
        new = ~_among(orders.id_o, np.concatenate((self.orders.id_o, self.worked)))
        if len(self.orders) == 0 and new.all():
            self.orders = orders
        elif new.any():
            both = [
                np.concatenate(x)
                for x in zip(_columns(self.orders), _columns(orders, new), strict=True)
            ]
            at = np.argsort(both[1], kind="stable")
            self.orders = Orders(both[0][at], both[1][at], both[2][at])

    def facts(self, market: Market) -> Facts:
        """Live through the last session of `market` and report it.

        Asked for the same session again, it repeats its answer.

        Raises:
            BrokerError: a later session was already reported.
        """
        day = market.days[-1]
        if self.day is not None and day < self.day:
            raise BrokerError(f"the broker already reported {self.day}; it cannot go back to {day}")
        if self._last is None or day != self.day:
            moves = moves_between(self.flows, self.day, day)
            self.account, self._last = trade_day(
                self.account, self.orders, market, self.costs, moves, str(day)
            )
            self.worked, self.orders, self.day = self.orders.id_o, NO_ORDERS, day
        return self._last

    def rest(self, market: Market, t0: int, t1: int) -> tuple[I64, I64, I64]:
        """What the quiet sessions of rows [t0, t1) would charge and pay.

        Nothing is changed until `rested`.

        Returns:
            (D, N) borrow fees, (D,) interest and (D,) cash, micros.
        """
        borrow_tn = np.empty((t1 - t0, len(self.account.lots_n)), dtype=np.int64)
        interest_t, cash_t = np.empty(t1 - t0, dtype=np.int64), np.empty(t1 - t0, dtype=np.int64)
        kernel.rest_nb(
            self.account.cash,
            self.account.lots_n,
            self.account.mark_n,
            market.mark_tn[t0:t1],
            market.dividends.start_t[t0 : t1 + 1],
            market.dividends.asset,
            market.dividends.value,
            market.year_t[t0:t1] * (self.costs.borrow_bps_year * 1e-4),
            market.rate_t[t0:t1],
            market.year_t[t0:t1] * (self.costs.debit_spread_bps_year * 1e-4),
            borrow_tn,
            interest_t,
            cash_t,
        )
        return borrow_tn, interest_t, cash_t

    def rested(self, market: Market, t: int, cash: int) -> None:
        """Accept that quiet sessions up to row t have passed."""
        self.account = replace(self.account, cash=cash, mark_n=market.mark_tn[t])
        self.day, self._last = market.days[t], None
        self.orders, self.worked = NO_ORDERS, NO_ORDERS.id_o


def _among(id_o: I64, known: I64) -> Bools:
    """True for ids that are known; sorting beats `np.isin`, whose hash of wide numbers is slow."""
    if len(known) == 0:
        return np.zeros(len(id_o), dtype=np.bool_)
    known = np.sort(known)
    among: Bools = known[np.minimum(np.searchsorted(known, id_o), len(known) - 1)] == id_o
    return among


def _columns(orders: Orders, keep: Bools | slice = slice(None)) -> tuple[I64, I64, I64]:
    return orders.id_o[keep], orders.asset_o[keep], orders.lots_o[keep]
