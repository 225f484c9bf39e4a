"""Quarterly statements that add up, in whole thousands of the currency.

For each name and quarter, from what it is (size, quality) and how it surprises:

    gross profit     = revenue - cost of revenue
    operating income = gross profit - operating expenses
    net income       = operating income - interest and taxes
    operating cash   = net income + depreciation - increase of working capital
    free cash flow   = operating cash - capital expenditure
    cash             = cash before + free cash flow - dividends paid + borrowed
    other assets     = other assets before + capital expenditure - depreciation + working capital
    debt             = debt before + borrowed
    assets           = cash + other assets
    liabilities      = debt + other liabilities
    equity           = equity before + net income - dividends paid = assets - liabilities

The last line is an identity, not a plug. Dividends paid are those of the dividends' table, by
ex-date. Lots change by splits only. A restatement moves net income, other assets and equity
together.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.money import F64, I64, Days
from podshop.simulator.reporting import Quarters, Reporting
from podshop.simulator.returns import Course, Structure
from podshop.simulator.streams import stream

GRAIN = 1000.0
INCOME: tuple[str, ...] = (
    "revenue",
    "cost_of_revenue",
    "gross_profit",
    "operating_expenses",
    "operating_income",
)
INCOME += ("interest_and_taxes", "net_income")
CASH: tuple[str, ...] = (
    "depreciation",
    "working_capital_increase",
    "operating_cash_flow",
    "capital_expenditure",
)
CASH += ("free_cash_flow", "dividends_paid", "shares_repurchased", "debt_issued")
BALANCE = ("cash", "other_assets", "total_debt", "other_liabilities", "total_equity")


@dataclass(frozen=True, slots=True)
class Accounts:
    """(Q, N) figures by name, in currency units, and the net income that was expected.

    Attributes:
        figure: every item of INCOME, CASH and BALANCE.
        expected_qn: net income before the surprise.
        lots_qn: lots outstanding at the quarter's end.
    """

    figure: dict[str, F64]
    expected_qn: F64
    lots_qn: F64


def accounts(
    made: Quarters,
    course: Course,
    structure: Structure,
    lots_qn: F64,
    dividends_qn: F64,
    seed: int,
    p: Reporting,
) -> Accounts:
    """Keep the books of every name, quarter after quarter.

    Args:
        made: quarters and surprises.
        course: market and book value at the start.
        structure: quality.
        lots_qn: (Q, N) lots outstanding.
        dividends_qn: (Q, N) cash paid in each quarter, currency units.
        seed: of the world.
        p: how large surprises are.
    """
    rng = stream(seed, "accounts")
    count, names = dividends_qn.shape
    equity = _whole(np.exp(course.log_book_bn[0]))
    quality = structure.quality_n.astype(np.float64)
    margin = np.clip(0.08 + 0.04 * quality + 0.03 * rng.standard_normal(names), 0.01, 0.35)
    pay = 0.25 * np.clip(0.12 + 0.06 * quality, -0.05, 0.40)  # net income over equity, a quarter
    gross = np.clip(margin + rng.uniform(0.1, 0.4, names), 0.15, 0.85)
    cash, debt = _whole(0.2 * equity), _whole(equity * rng.uniform(0.0, 1.2, names))
    owed = _whole(equity * rng.uniform(0.2, 0.8, names))
    other = equity + debt + owed - cash
    figure = {name: np.empty((count, names)) for name in (*INCOME, *CASH, *BALANCE)}
    expected_qn = np.empty((count, names))
    for q in range(count):
        season, noise, need = rng.standard_normal((3, names))
        hoped = _whole(pay * np.maximum(equity, 1e5) * np.exp(0.05 * season))
        net = _whole(hoped + p.surprise * np.abs(hoped) * made.surprise_qn[q])
        revenue = _whole(np.abs(hoped) / margin * np.exp(0.03 * noise)) + GRAIN
        gross_profit = _whole(gross * revenue)
        taxes = _whole(0.25 * np.abs(hoped))
        worn = _whole(0.012 * np.maximum(other, 0.0))
        stock = _whole(0.01 * revenue * need)
        spent = _whole(worn * np.exp(0.1 * need + 0.01))
        flow = net + worn - stock
        paid = _whole(dividends_qn[q])
        least = _whole(0.15 * revenue)
        free = cash + flow - spent - paid
        repaid = _whole(np.minimum(debt, 0.5 * np.maximum(free - 3.0 * least, 0.0)))
        borrowed = np.where(free < least, least - free, -repaid)
        cash, debt = free + borrowed, debt + borrowed
        other, equity = other + spent - worn + stock, equity + net - paid
        expected_qn[q] = hoped
        told: tuple[F64, ...] = (
            revenue,
            revenue - gross_profit,
            gross_profit,
            gross_profit - net - taxes,
        )
        told += (net + taxes, taxes, net, worn, stock, flow, spent, flow - spent, paid)
        told += (np.zeros(names), borrowed, cash, other, debt, owed, equity)
        for name, value in zip(figure, told, strict=True):
            figure[name][q] = value
    return Accounts(figure, expected_qn, lots_qn)


def _whole(value: F64) -> F64:
    return np.asarray(np.rint(value / GRAIN) * GRAIN)


def by_quarter(days: Days, end_q: Days, row_e: I64, n_e: I64, cash_e: F64, names: int) -> F64:
    """(Q, N) cash of events summed by the calendar quarter in which they fall."""
    out = np.zeros((len(end_q), names))
    q = np.searchsorted(end_q, days[row_e])
    inside = q < len(end_q)
    np.add.at(out, (q[inside], n_e[inside]), cash_e[inside])
    return out
