"""What a broker does with orders, lots and cash in a session: the one cost model, for the bill and
the estimate.

The simulated broker charges with these functions, and the netting credit estimates with them, so
that model and bill cannot disagree.
"""

import numpy as np

from podshop.domain.market import Market
from podshop.domain.money import F64, I64
from podshop.domain.order import NO_FILLS, Fills, Orders
from podshop.domain.rules import Costs
from podshop.kernel import day as kernel

RATIO = 1_000_000
"""Split ratios are in millionths of a lot after one lot before."""


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
