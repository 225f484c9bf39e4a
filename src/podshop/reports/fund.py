"""The report of a run as one HTML page that needs nothing else: no network, no second file."""

import json
import math
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from podshop.reports import figures, plots
from podshop.reports.figures import Headline
from podshop.reports.findings import Curve, Findings
from podshop.reports.page import days_json, environment, metric_groups, plot_json
from podshop.reports.sentence import SYMBOLS, sentence
from podshop.reports.writing import percent
from podshop.research.metrics import underwater

if TYPE_CHECKING:
    from podshop.research.run import Run

WIDE = 10
"""Pods that the year table can hold as columns; with more it names the best and the worst."""
DEEPEST = 5
"""Spells below the high-water mark that the page lists."""


def render(run: "Run") -> str:
    """The whole report.

    Args:
        run: a finished run.

    Returns:
        One self-contained HTML page, about 5 MB because the plotting library is inside.
    """
    from plotly.offline import get_plotlyjs

    page = environment().get_template("fund.html.j2")
    text: str = page.render(plotly_js=get_plotlyjs(), **contents(run))
    return text


def contents(run: "Run") -> dict[str, Any]:
    """Everything that the page says, by the names its template uses."""
    found = Findings(run)
    fund, names = found.fund, found.names
    head = figures.headline(found)
    currency = run.rules.currency
    return {
        "name": run.rules.name,
        "currency": currency,
        "symbol": SYMBOLS.get(currency, f"{currency} "),
        "head": head,
        "source": run.source,
        "told": list(_sentences(run)),
        "pods": names,
        "colour": plots.colours(names),
        "undrawn": found.drawn(plots.MOST)[1],
        "fates": figures.fates(found),
        "cuts": figures.cuts(found),
        "costs": figures.costs(found),
        "years": figures.years(found),
        "year_pods": names if len(names) <= WIDE else [],
        "spells": list(_spells(fund)),
        "metrics": metric_groups(found.metrics),
        "has_benchmark": fund.has_benchmark,
        "limits": _honest_limits(head),
        "hashes": {key: _hash(run.summary, key) for key in ("journal", "data", "rules")},
        "residual": run.summary.get("residual_micros"),
        "rules_text": json.dumps(run.rules.manifest, indent=2, default=str),
        "plots": _plots(found),
        "days": days_json(fund.days),
        "ink": plots.SWAPPED,
    }


def _hash(summary: Mapping[str, Any], name: str) -> str:
    """A hash of the summary, or that there is none."""
    return str(summary.get(f"{name}_hash") or "none kept")


def _sentences(run: "Run") -> Iterator[tuple[str, str]]:
    """(when, sentence) of the last day, its month, its year and the whole run."""
    last: date = run.nav["date"].max()  # type: ignore[assignment]  # polars cannot know it is a date
    day = pl.col("date")
    same_year = day.dt.year() == last.year
    spans = [
        (f"{last:%A}, {last.day} {last:%B %Y}", day == last),
        (f"{last:%B %Y}", same_year & (day.dt.month() == last.month)),
        (f"{last:%Y}", same_year),
        ("Since the start", pl.lit(value=True)),
    ]
    for when, rows in spans:
        yield when, sentence(run.pod_parts.filter(rows), run.rules.currency)


def _spells(fund: Curve) -> Iterator[dict[str, Any]]:
    """The deepest spells below the high-water mark, deepest first."""
    spells = sorted(underwater(fund.unit), key=lambda spell: -spell.depth)[:DEEPEST]
    for spell in spells:
        end = fund.unit.size if spell.end is None else spell.end
        yield {
            "depth": spell.depth,
            "begin": fund.days[spell.begin],
            "trough": fund.days[spell.trough],
            "end": None if spell.end is None else fund.days[spell.end],
            "sessions": end - spell.begin,
        }


def _honest_limits(head: Headline) -> list[str]:
    """What a reader should hold against the figures."""
    modelled = (
        "Costs are modelled, not billed: commission, half the spread, a square-root impact and "
        "borrow fees at the rates of the fund file (see the rules below)."
    )
    chosen = (
        "Pods and parameters were chosen by people who know this history; nothing here corrects "
        "for that choice."
    )
    told = [modelled, chosen]
    if head.profit > 0 and head.interest > 0.01 * head.profit:
        share = percent(head.interest / head.profit, 0)
        told.insert(
            0,
            f"Interest on cash is {share} of the profit; no ratio here subtracts a risk-free rate.",
        )
    if math.isfinite(head.sharpe_se) and math.isfinite(head.sharpe):
        low, high = head.sharpe - 1.96 * head.sharpe_se, head.sharpe + 1.96 * head.sharpe_se
        told.insert(
            0,
            f"A Sharpe ratio of {head.sharpe:.2f} over {head.years:.1f} years has a standard error "
            f"of {head.sharpe_se:.2f}: its 95 % interval runs from {low:.2f} to {high:.2f}.",
        )
    return told


def _plots(found: Findings) -> dict[str, str]:
    """Each plot as JSON; sessions are written once for all of them, in `days`."""
    drawn = {
        "equity": plots.equity(found),
        "underwater": plots.underwater(found),
        "pod-values": plots.pod_values(found),
        "allocation": plots.allocation(found),
        "by-pod": plots.by_pod(found),
        "by-part": plots.by_part(found),
    }
    return {name: plot_json(figure, found.fund.days) for name, figure in drawn.items()}
