"""Pay day: what a fund's journal and its terms come to, for every manager and author.

    journal -> quarters -> profit by manager -> pay above the high-water mark    (`pay`)
                        -> profit by pod     -> royalties of the authors         (`royalties`)

Everything is reckoned from the opening of the fund, so a loss of any earlier quarter is carried,
and nothing is kept beside the journal. A manager of several pods is paid for their sum. Pay and
royalties are whole cents. It is a statement: no money moves. See docs/concepts/credit.md.
"""

from dataclasses import dataclass

import numpy as np

from podshop.attribution.apportion import apportion
from podshop.attribution.pay import Payroll, PayStatement, pay
from podshop.attribution.quarters import History, Quarter
from podshop.attribution.royalties import Royalties, by_credit, by_weight, own_profit
from podshop.domain.money import F64, I64, Bools, read_only
from podshop.domain.rules import PayTerms

CENT = 10_000
"""Micros in a cent, the smallest coin that is paid."""


@dataclass(frozen=True, slots=True)
class Royalty:
    """What the author of one pod gets for one quarter; amounts are micros.

    Attributes:
        period: row of the quarters.
        pod: number of the pod.
        weight: the pod's share of all pods' average capital.
        carried: loss of earlier quarters, not negative, that is recovered first; 0 by weight.
        profit: of the pod.
        paid: whole cents.
    """

    period: int
    pod: int
    weight: float
    carried: int
    profit: int
    paid: int


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything that one person is told.

    Attributes:
        payee: the name.
        pods: numbers of the pods that the payee runs.
        lines: pay by quarter, oldest first; empty for an author who runs no pod.
        royalties: by quarter and pod, oldest first; empty when there are none.
    """

    payee: str
    pods: tuple[int, ...]
    lines: tuple[PayStatement, ...]
    royalties: tuple[Royalty, ...]

    def paid(self, period: int) -> int:
        """Pay and royalties of one quarter, micros."""
        wages = sum(line.paid for line in self.lines if line.period == period)
        return wages + sum(line.paid for line in self.royalties if line.period == period)


@dataclass(frozen=True, slots=True)
class Bridge:
    """From what the managers made to what the investors keep; micros.

    Attributes:
        managers: profit of all pods.
        centre: profit of the centre.
        netted: the rate of all managers' new profit above their common mark: pay if the loss of
            one were netted with the profit of another.
        netting: what was paid above that: the netting risk, which the investors bear.
        pay: netted + netting.
        fund_rate: the rate of the fund's own new profit above its mark, the centre's included.
        royalties: of all authors.
    """

    managers: int
    centre: int
    netted: int
    netting: int
    pay: int
    fund_rate: int
    royalties: int

    @property
    def fund(self) -> int:
        """Profit of the fund: its change of NAV without flows."""
        return self.managers + self.centre

    @property
    def above(self) -> int:
        """Pay above the rate of the fund's own new profit; negative where below."""
        return self.pay - self.fund_rate

    @property
    def left(self) -> int:
        """What the investors keep."""
        return self.fund - self.pay - self.royalties


@dataclass(frozen=True, slots=True)
class PayDay:
    """The pay of a fund from its opening to a quarter.

    Attributes:
        terms: what it was reckoned by.
        history: the quarters.
        managers: names, in the order of their first pods.
        payroll: (Q, M) pay by quarter and manager.
        fund_rate_q: (Q,) the rate of the fund's own new profit above its mark, micros.
        royalty_qp: (Q, P) royalties by quarter and pod, micros.
        statements: of every manager and author.
    """

    terms: PayTerms
    history: History
    managers: tuple[str, ...]
    payroll: Payroll
    fund_rate_q: I64
    royalty_qp: I64
    statements: tuple[Statement, ...]

    @property
    def quarter(self) -> Quarter:
        """The quarter that was asked for: the last."""
        return self.history.quarters[-1]

    def bridge(self, first: int = -1) -> Bridge:
        """From profit to what is left, over the quarters from row `first` on; the last one only
        when left out.
        """
        profit_qp = _profits(self.history)[first:]
        netted, paid = self.payroll.netted_q[first:], self.payroll.paid_qp[first:]
        return Bridge(
            managers=int(profit_qp[:, :-1].sum()),
            centre=int(profit_qp[:, -1].sum()),
            netted=int(netted.sum()),
            netting=int(paid.sum() - netted.sum()),
            pay=int(paid.sum()),
            fund_rate=int(self.fund_rate_q[first:].sum()),
            royalties=int(self.royalty_qp[first:].sum()),
        )


def pay_day(history: History, terms: PayTerms) -> PayDay:
    """Reckon pay and royalties of every quarter of a history.

    Args:
        history: from the opening of the fund to the quarter that is paid.
        terms: rates, schemes, and who runs and invented which pod.

    Returns:
        the pay; an incomplete last quarter is accrued, not paid.

    Raises:
        ValueError: a rate is no fraction.
    """
    managers = tuple(dict.fromkeys(map(terms.manager, history.pods)))
    column_p = np.array([managers.index(terms.manager(pod)) for pod in history.pods])
    profit_qp = _profits(history)
    profit_qm = np.zeros((len(profit_qp), len(managers)), dtype=np.int64)
    for p, m in enumerate(column_p.tolist()):
        profit_qm[:, m] += profit_qp[:, p]
    closes_q = _closes(history, terms.when)
    roll = pay(profit_qm, terms.rate, terms.scheme, closes_q, coin=CENT)
    fund_qn = profit_qp.sum(axis=1, keepdims=True)
    fund = pay(fund_qn, terms.rate, closes_q=closes_q, coin=CENT)
    authored = _royalties(history, terms)
    royalty_qp = np.zeros((len(profit_qp), len(history.pods)), dtype=np.int64)
    for line in authored:
        royalty_qp[line.period, line.pod] = line.paid
    read_only(royalty_qp)
    return PayDay(
        terms=terms,
        history=history,
        managers=managers,
        payroll=roll,
        fund_rate_q=fund.paid_qp[:, 0],
        royalty_qp=royalty_qp,
        statements=tuple(_statements(history, terms, managers, roll, authored)),
    )


def _profits(history: History) -> I64:
    """(Q, P + 1) profit of pods and centre by quarter, micros."""
    profit_qp: I64 = np.array([quarter.profit_p for quarter in history.quarters], dtype=np.int64)
    return profit_qp


def _closes(history: History, when: str) -> Bools:
    """(Q,) True where pay crystallises: at the end of a quarter or of the last of a year."""
    quarters = history.quarters
    following = [*(quarter.year for quarter in quarters[1:]), ""]
    closes = [
        quarter.complete
        and (when == "quarter" or quarter.name.endswith("Q4") or later > quarter.year)
        for quarter, later in zip(quarters, following, strict=True)
    ]
    return np.array(closes, dtype=np.bool_)


def _royalties(history: History, terms: PayTerms) -> list[Royalty]:
    """What the author of every pod gets, by quarter; nothing for one that is not complete."""
    if terms.royalties == "none":
        return []
    lines = []
    carried_p = np.zeros(len(history.pods), dtype=np.int64)
    for q, quarter in enumerate(history.quarters):
        profit_p = quarter.profit_p[:-1]
        whole = sum(quarter.capital_p)
        weight = [capital / whole if whole else 0.0 for capital in quarter.capital_p]
        due = None
        if quarter.complete:
            due = _due(terms, quarter, np.array(weight), carried_p)
        paid = [0] * len(weight) if due is None else _cents(due).tolist()
        rows = zip(weight, carried_p.tolist(), profit_p.tolist(), paid, strict=True)
        lines += [Royalty(q, p, *row) for p, row in enumerate(rows)]
        carried_p = carried_p if due is None else due.carried_k
    return lines


def _due(terms: PayTerms, quarter: Quarter, weight_p: F64, carried_p: I64) -> Royalties | None:
    """Royalties of one quarter, to the micro; None when nobody had capital to be weighed by."""
    profit_p, fund = quarter.profit_p[:-1], int(quarter.profit_p.sum())
    if terms.royalties == "weight":
        return by_weight(weight_p, fund, terms.royalty_rate) if weight_p.any() else None
    scheme = by_credit if terms.royalties == "credit" else own_profit
    return scheme(profit_p, fund, terms.royalty_rate, carried_p)


def _cents(due: Royalties) -> I64:
    """Royalties in whole cents, rounded down once, so that no pool is exceeded."""
    return apportion(due.total // CENT, due.paid_k) * CENT


def _statements(
    history: History,
    terms: PayTerms,
    managers: tuple[str, ...],
    roll: Payroll,
    authored: list[Royalty],
) -> list[Statement]:
    """One statement for every manager, then for every author who manages nothing."""
    authors = tuple(map(terms.author, history.pods)) if authored else ()
    made = []
    for payee in dict.fromkeys((*managers, *authors)):
        pods = tuple(p for p, pod in enumerate(history.pods) if terms.manager(pod) == payee)
        lines = roll.statement(managers.index(payee)) if payee in managers else ()
        royalties = tuple(line for line in authored if authors[line.pod] == payee)
        made.append(Statement(payee, pods, lines, royalties))
    return made
