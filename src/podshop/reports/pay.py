"""Pay on paper: a page for every manager and author, one for the fund, tables, and plain values.

Every amount is exact: cents, and behind them the micros where there are any, so that each column
adds up as it is printed. Each quarter names the cycles and entries of the journal that it comes
from, and the hash that the journal had at its end.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from podshop.attribution.payday import Bridge, PayDay, Statement
from podshop.attribution.quarters import EARNED, MOVED, Quarter
from podshop.domain.event import Part
from podshop.domain.money import I64
from podshop.reports.page import environment
from podshop.reports.sentence import SYMBOLS
from podshop.reports.writing import decimal, exact

COSTS_AND_GAINS = tuple(part for part in Part if part not in MOVED)
"""Parts that are profit or loss, in the order of the tables."""

PLACE = ("quarter", "first_session", "last_session", "first_cycle", "last_cycle", "hash")
"""Columns that say where in the journal a row comes from."""

PAY = ("carried", "profit", "below", "accrued", "earned", "paid", "owed")
"""Columns of pay, in the words of `PayStatement`."""

ROYALTIES = {
    "weight": "by average capital",
    "credit": "by profit above the loss carried",
    "own": "on every pod's own profit above the loss carried",
}


@dataclass(frozen=True, slots=True)
class Account:
    """Whose pay it is.

    Attributes:
        fund: name.
        currency: three letters.
    """

    fund: str
    currency: str


def file_names(pay: PayDay) -> dict[str, str]:
    """Payee -> stem of the payee's files: the name with dashes for spaces, no two alike."""
    names: dict[str, str] = {}
    taken = {"fund", "profits", "pay"}
    for statement in pay.statements:
        stem = plain = re.sub(r"[^\w.-]+", "-", statement.payee).strip("-.")
        number = 2
        while stem.lower() in taken:
            stem, number = f"{plain}-{number}", number + 1
        taken.add(stem.lower())
        names[statement.payee] = stem
    return names


def render_statement(pay: PayDay, statement: Statement, account: Account) -> str:
    """One person's statement of the quarter, with all quarters before.

    Returns:
        One self-contained HTML page.
    """
    last = len(pay.history.quarters) - 1
    rows = [_part_row(pay.history.pods[p], pay.quarter.parts_pk[p]) for p in statement.pods]
    return _page(
        "statement.html.j2",
        pay,
        account,
        statement=statement,
        line=statement.lines[-1] if statement.lines else None,
        paid=statement.paid(last),
        parts=_named(rows),
        rows=[*rows, _sum_row("all pods", rows)] if len(rows) > 1 else rows,
    )


def render_fund(pay: PayDay, account: Account) -> str:
    """The fund's page: from profit to what is left, all managers, all pods and the centre.

    Returns:
        One self-contained HTML page.
    """
    names = (*pay.history.pods, "centre")
    rows = [
        _part_row(name, parts_k) for name, parts_k in zip(names, pay.quarter.parts_pk, strict=True)
    ]
    return _page(
        "pay.html.j2",
        pay,
        account,
        bridges=_bridge_rows(pay.bridge(), pay.bridge(0)),
        bridge=pay.bridge(),
        ever=pay.bridge(0),
        lines=[statement.lines[-1] for statement in pay.statements if statement.lines],
        files=file_names(pay),
        parts=_named(rows),
        rows=[*rows, _sum_row("fund", rows)],
    )


def statement_csv(pay: PayDay, statement: Statement) -> str:
    """One person's pay by quarter: where it stands in the journal, then the amounts."""
    rows = [
        (*_place(quarter), *(decimal(_amount(statement, q, name)) for name in (*PAY, "royalties")))
        for q, quarter in enumerate(pay.history.quarters)
    ]
    return _csv((*PLACE, *PAY, "royalties"), rows)


def fund_csv(pay: PayDay) -> str:
    """What everybody is paid for the quarter, one row a payee, and their sum."""
    last = len(pay.history.quarters) - 1
    columns = (*PAY, "royalties")
    amounts = [[_amount(s, last, name) for name in columns] for s in pay.statements]
    rows: list[tuple[str, ...]] = [
        (statement.payee, *_place(pay.quarter), *map(decimal, row))
        for statement, row in zip(pay.statements, amounts, strict=True)
    ]
    total = (decimal(sum(column)) for column in zip(*amounts, strict=True))
    rows.append(("fund", *_place(pay.quarter), *total))
    return _csv(("payee", *PLACE, *columns), rows)


def profits_csv(pay: PayDay) -> str:
    """Every part of every pod and the centre by quarter; its amounts sum to the change of NAV."""
    names = (*pay.history.pods, "centre")
    managers = (*map(pay.terms.manager, pay.history.pods), "")
    rows = [
        (*_place(quarter), name, manager, part.name.lower(), decimal(int(parts_k[part])))
        for quarter in pay.history.quarters
        for name, manager, parts_k in zip(names, managers, quarter.parts_pk, strict=True)
        for part in Part
        if parts_k[part]
    ]
    return _csv((*PLACE, "pod", "manager", "part", "amount"), rows)


def figures(pay: PayDay, account: Account) -> dict[str, Any]:
    """The pay of the quarter as plain values: amounts are whole micros, ready for JSON."""
    quarter, last = pay.quarter, len(pay.history.quarters) - 1
    names = (*pay.history.pods, "centre")
    return {
        "fund": account.fund,
        "currency": account.currency,
        **_evidence(quarter),
        "complete": quarter.complete,
        "terms": asdict(pay.terms),
        "nav_before_micros": quarter.nav_before,
        "nav_after_micros": quarter.nav_after,
        "flows_micros": quarter.flows,
        "profit_micros": {
            name: {"profit": int(profit)} | _parts_of(parts_k)
            for name, profit, parts_k in zip(names, quarter.profit_p, quarter.parts_pk, strict=True)
        },
        "bridge_micros": {
            "quarter": _bridge(pay.bridge()),
            "since_opening": _bridge(pay.bridge(0)),
        },
        "payees": [
            {
                "payee": statement.payee,
                "pods": [pay.history.pods[p] for p in statement.pods],
                **{f"{n}_micros": _amount(statement, last, n) for n in (*PAY, "royalties")},
            }
            for statement in pay.statements
        ],
    }


def rate(fraction: float) -> str:
    """A rate as it was agreed: `15 %`, `12.5 %`."""
    return f"{100 * fraction:.6g} %"


def words(pay: PayDay) -> list[str]:
    """The terms, one sentence each."""
    terms = pay.terms
    often = "quarter" if terms.when == "quarter" else "year"
    earns = (
        f"A manager earns {rate(terms.rate)} of the profit that stands above the manager's own "
        f"high-water mark, in money, at the end of every {often}. Profit is after all costs that "
        "the pods bear; capital that is given or taken does not touch the mark."
    )
    carried = "A loss is carried on until it is recovered, over all quarters since the opening."
    lines = [earns, carried]
    if terms.scheme == "netted":
        lines.append(
            "What was earned is paid as far as all managers together made new profit; the rest "
            "stays owed until they do."
        )
    else:
        lines.append("What was earned is paid, whatever the other managers lost.")
    if terms.royalties != "none":
        lines.append(
            f"Authors share royalties of {rate(terms.royalty_rate)} {ROYALTIES[terms.royalties]}"
            ", by quarter."
        )
    if not pay.quarter.complete:
        lines.append(
            f"{pay.quarter.name} is not over in the journal, which ends with "
            f"{pay.quarter.last_day}: its pay is accrued, not due."
        )
    return lines


def _page(template: str, pay: PayDay, account: Account, **contents: Any) -> str:
    """Fill a template with what both pages need and with its own."""
    env = environment()
    env.filters |= {"exact": exact, "rate": rate}
    text: str = env.get_template(template).render(
        pay=pay,
        fund=account.fund,
        symbol=SYMBOLS.get(account.currency, f"{account.currency} "),
        quarter=pay.quarter,
        quarters=pay.history.quarters,
        pods=pay.history.pods,
        words=words(pay),
        **contents,
    )
    return text


def _bridge_rows(quarter: Bridge, opened: Bridge) -> list[tuple[str, str, int, int]]:
    """(style, words, quarter, since opening): from the managers' profit to what is left."""
    told = (
        ("", "profit of the managers' pods", "managers"),
        ("", "profit of the centre", "centre"),
        ("sum", "profit of the fund", "fund"),
        ("", "pay if managers' losses were netted with profits", "netted"),
        ("", "netting risk: the cost of not netting them", "netting"),
        ("sum", "pay", "pay"),
        ("", "royalties", "royalties"),
        ("sum", "left to the investors", "left"),
        ("faint", "the same rate of the fund's own new profit", "fund_rate"),
        ("faint", "pay above that", "above"),
    )
    return [(s, text, getattr(quarter, name), getattr(opened, name)) for s, text, name in told]


def _bridge(bridge: Bridge) -> dict[str, int]:
    """A bridge as plain values, with its sums."""
    return asdict(bridge) | {name: getattr(bridge, name) for name in ("fund", "above", "left")}


def _part_row(name: str, parts_k: I64) -> tuple[str, dict[str, int], int]:
    """(name, its parts that are profit or loss, their sum)."""
    return name, _parts_of(parts_k), int(parts_k[EARNED].sum())


def _parts_of(parts_k: I64) -> dict[str, int]:
    """What is profit or loss, by name; micros."""
    return {part.name.lower(): int(parts_k[part]) for part in COSTS_AND_GAINS}


def _sum_row(
    name: str, rows: Sequence[tuple[str, dict[str, int], int]]
) -> tuple[str, dict[str, int], int]:
    """The sum of rows of parts."""
    keys = rows[0][1]
    return name, {key: sum(row[1][key] for row in rows) for key in keys}, sum(r[2] for r in rows)


def _named(rows: Sequence[tuple[str, dict[str, int], int]]) -> list[str]:
    """Names of the parts that are not 0 everywhere."""
    return [name for name in (rows[0][1] if rows else ()) if any(row[1][name] for row in rows)]


def _amount(statement: Statement, period: int, name: str) -> int:
    """One amount of one quarter; 0 where the payee has no such line."""
    if name == "royalties":
        return sum(line.paid for line in statement.royalties if line.period == period)
    return int(getattr(statement.lines[period], name)) if statement.lines else 0


def _evidence(quarter: Quarter) -> dict[str, int | str]:
    """Where in the journal a quarter stands, see `PLACE`."""
    values = (
        quarter.name,
        str(quarter.first_day),
        str(quarter.last_day),
        quarter.first_cycle,
        quarter.last_cycle,
        quarter.hash,
    )
    return dict(zip(PLACE, values, strict=True))


def _place(quarter: Quarter) -> tuple[str, ...]:
    """The same as the cells of a table."""
    return tuple(map(str, _evidence(quarter).values()))


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows as CSV with a head."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()
