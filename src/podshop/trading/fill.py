"""What a broker does with orders, lots and cash in a session: the one cost model, for the bill and
the estimate.

The simulated broker and the notional book of pods on paper charge with these functions, and the
netting credit estimates with them, so that model and bill cannot disagree.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.market import Market
from podshop.domain.money import F64, I64
from podshop.domain.order import NO_FILLS, CashMove, Facts, Fills, Orders, Statement
from podshop.domain.rules import Costs
from podshop.kernel import day as kernel

RATIO = 1_000_000
"""Split ratios are in millionths of a lot after one lot before."""


@dataclass(frozen=True, slots=True)
class Account:
    """What the broker holds for the fund.

    Attributes:
        cash: micros.
        lots_n: (N,) lots per asset, negative when short.
        mark_n: (N,) last close, micros per lot.
    """

    cash: int
    lots_n: I64
    mark_n: I64


def open_account(capital: int, assets: int) -> Account:
    """An account with the capital paid in and nothing held."""
    return Account(capital, np.zeros(assets, dtype=np.int64), np.zeros(assets, dtype=np.int64))


def trade_day(
    account: Account,
    orders: Orders,
    market: Market,
    costs: Costs,
    moves: tuple[CashMove, ...],
    cursor: str,
) -> tuple[Account, Facts]:
    """Let the account live through the session in the last row of `market`.

    Args:
        account: the account after the session before.
        orders: what was submitted for this session's open.
        market: history up to and including the session.
        costs: the cost model.
        moves: deposits, withdrawals, fees of the session.
        cursor: name of this session in the broker's event stream.

    Returns:
        The account after the session and the facts to report.
    """
    t = len(market) - 1
    account = _split(account, market)
    moves += _management_fee(account, market, costs)
    dividend_n = np.zeros_like(account.lots_n)
    paying, micros = market.dividends.at(t)
    np.add.at(dividend_n, paying, account.lots_n[paying] * micros)
    borrow_n = np.empty_like(account.lots_n)
    kernel.charge_nb(account.lots_n, account.mark_n, borrow_rate(market.year_t[t], costs), borrow_n)
    interest = int(kernel.interest_nb(account.cash, *night_rates(market, costs)))
    cash = account.cash + int(dividend_n.sum()) - int(borrow_n.sum()) + interest
    lots_n = account.lots_n.copy()
    left = market.delistings.at(t)[0]
    cash += int((lots_n[left] * account.mark_n[left]).sum())
    lots_n[left] = 0
    fills = execute(orders, market, costs)
    np.add.at(lots_n, fills.asset_f, fills.lots_f)
    cash -= int((fills.lots_f * fills.price_f).sum()) + int(fills.fee_f.sum())
    cash += sum(move.amount for move in moves)
    after = Account(cash, lots_n, market.mark_tn[t])
    return after, Facts(
        fills, dividend_n, borrow_n, interest, moves, Statement(cash, lots_n), cursor
    )


def _management_fee(account: Account, market: Market, costs: Costs) -> tuple[CashMove, ...]:
    """The month's fee on the account's value at the last close; nothing in its first session."""
    fee = 0
    if costs.management_fee > 0.0 and fee_due(market) and account.mark_n.any():
        value = account.cash + int((account.lots_n * account.mark_n).sum())
        fee = int(max(value, 0) * fee_share(costs))
    return (CashMove("management", -fee),) if fee else ()


def _split(account: Account, market: Market) -> Account:
    lots_n, mark_n, cash = account.lots_n.copy(), account.mark_n.copy(), account.cash
    for asset, ratio in zip(*market.splits.at(len(market) - 1), strict=True):
        mark_n[asset] = (int(mark_n[asset]) * RATIO + int(ratio) // 2) // int(ratio)
        cash += cash_in_lieu(int(lots_n[asset]), int(ratio), int(mark_n[asset]))
        lots_n[asset] = whole_lots(int(lots_n[asset]) * int(ratio))
    return Account(cash, lots_n, mark_n)


def execute(orders: Orders, market: Market, costs: Costs) -> Fills:
    """Fill orders at the reference price of the last session, with spread, impact and volume cap.

    An order in a name that splits this morning is dropped: its lots meant something else.
    """
    split = market.splits.at(len(market) - 1)[0]
    if len(split):
        keep = ~np.isin(orders.asset_o, split)
        orders = Orders(orders.id_o[keep], orders.asset_o[keep], orders.lots_o[keep])
    asset, ids = orders.asset_o, orders.id_o
    if len(asset) == 0:
        return NO_FILLS
    sigma, adv = liquidity(asset, market, costs)
    filled, price, fee = kernel.fill_nb(
        orders.lots_o,
        market.reference_tn[-1][asset],
        market.volume_tn[-1][asset],
        sigma,
        adv,
        costs.half_spread_bps,
        costs.impact,
        costs.volume_cap,
        costs.commission_micros_per_lot,
        costs.commission_min_micros,
    )
    done = filled != 0
    return Fills(ids[done], asset[done], filled[done], price[done], fee[done])


def liquidity(assets: I64, market: Market, costs: Costs) -> tuple[F64, F64]:
    """Daily volatility and average daily volume of assets, known before the last session's open."""
    n = market.reference_tn.shape[1]
    if len(assets) > n:  # pods that trade apart order one name many times
        asked_n = np.zeros(n, dtype=np.bool_)
        asked_n[assets] = True
        once = np.flatnonzero(asked_n)
        sigma_n, adv_n = np.empty(n), np.empty(n)
        sigma_n[once], adv_n[once] = liquidity(once, market, costs)
        return sigma_n[assets], adv_n[assets]
    sigma, adv = np.empty(len(assets)), np.empty(len(assets))
    kernel.liquidity_nb(
        assets,
        len(market) - 1,
        costs.impact_days,
        market.returns_nt,
        market.volume_tn,
        market.mark_tn,
        float(costs.adv_assumed_micros),
        costs.volatility_assumed,
        sigma,
        adv,
    )
    return sigma, adv


def night_rates(market: Market, costs: Costs) -> tuple[float, float]:
    """Interest on cash held into the last session, and what negative cash pays on top;
    fractions.
    """
    t = len(market) - 1
    return float(market.rate_t[t]), float(market.year_t[t]) * (costs.debit_spread_bps_year * 1e-4)


def borrow_rate(years: float, costs: Costs) -> float:
    """Borrow fee of one night as a fraction of the value borrowed."""
    return float(years * (costs.borrow_bps_year * 1e-4))


def whole_lots(exact_e6: int) -> int:
    """Cut millionths of lots towards zero: what a broker books after a split."""
    return abs(exact_e6) // RATIO * (1 if exact_e6 >= 0 else -1)


def cash_in_lieu(lots: int, ratio_e6: int, mark: int) -> int:
    """Micros that a broker pays for the fraction of a lot that a split leaves over."""
    exact = lots * ratio_e6
    return (exact - whole_lots(exact) * RATIO) * mark // RATIO


def fee_due(market: Market) -> bool:
    """Tell whether the management fee is charged in the last session: the first of its month."""
    if len(market) < 2:
        return False
    before, today = market.days[-2:].astype("datetime64[M]")
    return bool(before != today)


def fee_share(costs: Costs) -> float:
    """Share of the NAV that one month's management fee takes."""
    return costs.management_fee / 12.0
