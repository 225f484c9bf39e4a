"""The tables that the terminal shows after a run; the same figures as the page."""

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from podshop.reports import figures
from podshop.reports.findings import CENTRE, Findings
from podshop.reports.sentence import SYMBOLS
from podshop.reports.writing import DASH, number, percent, whole

if TYPE_CHECKING:
    from podshop.research.run import Run

NARROW = 6
"""Pods that a year has columns for; with more, the year names its best and its worst."""
WIDE = 9
"""Columns from which on a table leaves one space between them, so that 80 characters hold it."""
STYLES = {
    "active": "green",
    "restored": "green",
    "cut": "yellow",
    "trimmed": "yellow",
    "paused": "yellow",
    "closing": "red",
    "terminated": "red",
    "halted": "red",
    "closed": "dim",
}


def _table(title: str, left: tuple[str, ...], right: tuple[str, ...]) -> Table:
    """An empty table: words at the left, figures at the right; in a narrow terminal cells fold.

    A cell is never cut short: half a figure is a wrong figure.
    """
    table = Table(
        title=f"\n{title}",
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0) if len(left) + len(right) < WIDE else 0,
    )
    for k, name in enumerate(left):
        table.add_column(name, overflow="fold", no_wrap=k == 0)
    for name in right:
        table.add_column(name, justify="right", overflow="fold")
    return table


def _amount(micros: int) -> Text:
    """Whole currency units; losses red."""
    return Text(whole(micros), style="red" if micros < 0 else "")


def _state(word: str) -> Text:
    """A status or an action in its colour."""
    return Text(word, style=STYLES.get(word, ""))


def summary(run: "Run") -> Table:
    """The headline: equity, return, risk, costs, what netting saved."""
    head = figures.headline(Findings(run))
    symbol = SYMBOLS.get(run.rules.currency, f"{run.rules.currency} ")
    span = f"{head.first} to {head.last}, {head.years:.1f} years"
    table = _table(f"{run.rules.name}: {span}", ("",), ("",))
    table.show_header = False
    rows = [
        ("Opening capital", symbol + whole(head.opening)),
        ("Final equity", symbol + whole(head.final)),
        ("Profit", symbol + whole(head.profit)),
        ("Total return", percent(head.total_return)),
        ("CAGR", percent(head.cagr)),
        ("CAGR of the benchmark", percent(head.benchmark_cagr)),
        ("Volatility", percent(head.volatility)),
        ("Sharpe ratio", f"{number(head.sharpe)} ± {number(head.sharpe_se)}"),
        ("Max drawdown", percent(head.max_drawdown)),
        ("Costs paid", symbol + whole(head.costs)),
        ("Netting saved", symbol + whole(head.saved)),
    ]
    if head.flows:
        rows.insert(2, ("Paid in less taken out", symbol + whole(head.flows)))
    for name, value in rows:
        table.add_row(name, value)
    return table


def fates(run: "Run") -> Table:
    """What became of each pod."""
    right = ("unit value", "profit", "costs", "max drawdown", "Sharpe", "cuts", "in use")
    table = _table("Pods", ("pod", "fate"), right)
    for fate in figures.fates(Findings(run)):
        state = _state(fate.status)
        if fate.until:
            state.append(f" {fate.until}", style="dim")
        table.add_row(
            Text(fate.pod),
            state,
            number(fate.unit, 4),
            _amount(fate.profit),
            whole(fate.costs),
            percent(fate.max_drawdown),
            number(fate.sharpe),
            str(fate.cuts),
            percent(fate.keep, 0),
        )
    return table


def cuts(run: "Run") -> Table:
    """Cuts, terminations, closings and restorations with dates and reasons."""
    rows = figures.cuts(Findings(run))
    title = "Cuts and terminations" if rows else "Cuts and terminations: none"
    table = _table(title, ("date", "pod", "what", "reason"), ("keeps",))
    for cut in rows:
        what, why = _state(cut.what), Text(cut.why)
        table.add_row(str(cut.day), Text(cut.pod), what, why, percent(cut.keep, 0))
    return table


def costs(run: "Run") -> Table:
    """What trading would have cost the pods alone, what netting saved, what was paid."""
    rows = figures.costs(Findings(run))
    every = ("commission", "spread", "impact", "netting", "paid", "borrow", "fee", "interest")
    parts = tuple(part for part in every if any(row[part] for row in rows))
    table = _table(f"Costs and netting, {run.rules.currency}", ("pod",), parts)
    for row in rows:
        style = "bold" if row["pod"] == "fund" else ""
        amounts = (whole(row[part]) if row[part] else DASH for part in parts)
        table.add_row(Text(row["pod"]), *amounts, style=style)
    return table


def years(run: "Run") -> Table:
    """Each year: the fund, its benchmark, the profit of each pod."""
    found = Findings(run)
    names = found.names
    few = len(names) <= NARROW
    by_pod = tuple(names) if few else ("best pod", "worst pod")
    right = ("fund", "benchmark", "profit", *by_pod, CENTRE)
    table = _table(f"Years; profit in {run.rules.currency}", ("year",), right)
    for year in figures.years(found):
        if few:
            made = [_amount(year.by_pod[p]) if p in year.by_pod else Text(DASH) for p in names]
        else:
            made = [Text(f"{pod} {whole(micros)}") for pod, micros in (year.best, year.worst)]
        table.add_row(
            str(year.year),
            percent(year.fund),
            percent(year.benchmark),
            _amount(year.profit),
            *made,
            _amount(year.by_pod.get(CENTRE, 0)),
        )
    return table
