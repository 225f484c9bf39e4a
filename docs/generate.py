"""Write the reference pages from the code: the fund file, the market store's tables, the metrics;
and the parameters and results in the pages of the pods.

python docs/generate.py            write the pages
python docs/generate.py --check    say whether they are up to date (exit code 1 when they are not)
"""

import dataclasses
import json
import math
import re
import sys
import types
import typing
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from podshop.market.tables import TABLES
from podshop.research import metrics
from podshop.rulebook import plugins
from podshop.rulebook.faults import written
from podshop.rulebook.sections import (
    CapitalSection,
    CostsSection,
    FlowSection,
    FundSection,
    FundText,
    LifecycleSection,
    LimitSection,
    MarketSection,
    PaySection,
    PodSection,
)
from podshop.rulebook.strategy import GateSection, LimitsSection, StrategyCosts, StrategySection

PAGE = Path(__file__).parent / "reference" / "fund-file.md"
TABLES_PAGE = PAGE.with_name("market-tables.md")
METRICS_PAGE = PAGE.with_name("metrics.md")
STRATEGY_PAGE = PAGE.with_name("strategy-file.md")
POD_PAGES = Path(__file__).parent / "pods"
RESULTS = Path(__file__).parents[1] / "benchmarks" / "pod_results.json"

TABLES_HEAD = """\
# Tables of the market store

<!-- Written by docs/generate.py from the code; change the code, then run it. -->

What `podshop data query` can ask, besides the views `prices`, `stock_list`, `income_statement`,
`balance_sheet`, `cash_flow` and `ratio`. Prices are raw, in currency per lot. `known_at` is the
moment, UTC, when anybody could have known the row. `security_id` never changes; `symbol` is the one
of the row's day. Kinds: text, date, moment (UTC), real, whole, flag.
"""

HEAD = """\
# The fund file

<!-- Written by docs/generate.py from the code; change the code, then run it. -->

One TOML file describes a fund. `podshop init DIR` writes one with comments. Amounts are whole
currency units (`1_000_000`), shares are fractions of 1 (`0.05` is 5 %), `_bps` are basis points
(1e-4), days are sessions, dates are bare (`2020-01-31`).

An unknown key, a wrong type, a figure that cannot be in its unit, or rules that cannot hold
together are answered with file, line, key and what to do, all at once, before anything runs.
"""

STRATEGY_HEAD = """\
# The strategy file

<!-- Written by docs/generate.py from the code; change the code, then run it. -->

One TOML file describes one strategy to be tried: `podshop research run FILE`. Units are those of
[the fund file](fund-file.md). From Python, the same content as a mapping goes into
`podshop.research.run_backtest`.
"""

STRATEGY_SECTIONS: tuple[tuple[str, type[BaseModel], str], ...] = (
    (
        "[strategy]",
        StrategySection,
        "What is tried. Parameters are those of the [strategies](fund-file.md#strategies).",
    ),
    ("[market]", MarketSection, "As in the fund file."),
    ("[costs]", StrategyCosts, "As in the fund file, but for the management fee."),
    ("[limits]", LimitsSection, "What the strategy may not exceed; 0 switches a limit off."),
    ("[gate]", GateSection, "What it must show before a fund may hire it."),
)

SWEEP_TOLD = """\
## [sweep]

A parameter and the values to try: `names = [10, 20, 30]`, or a range with steps
`names = { low = 10, high = 30, step = 5 }`. A search also draws from ranges without steps, evenly
or with `log = true` evenly in the logarithm.
"""

SECTIONS: tuple[tuple[str, type[BaseModel], str], ...] = (
    ("[fund]", FundSection, "The fund as a whole."),
    ("[market]", MarketSection, "Where prices come from, and which sessions are traded."),
    ("[costs]", CostsSection, "One cost model, for the simulated broker and the netting credit."),
    (
        "[capital]",
        CapitalSection,
        "Who gets how much of the fund's NAV. The other keys are the [allocator's](#allocators).",
    ),
    (
        "[[limit]]",
        LimitSection,
        "A limit or breaker, once for each. The other keys are the [limit's](#limits).",
    ),
    (
        "[lifecycle]",
        LifecycleSection,
        "How pods rise, fall and return; left out, a terminated pod is gone for good.",
    ),
    ("[[pod]]", PodSection, "A pod the fund hires, once for each."),
    ("[pay]", PaySection, "What [`podshop pay`](../howto/pay.md) reckons; no rule of trading."),
    ("[[flow]]", FlowSection, "Money between the fund and its owner, once for each."),
)

KINDS = (
    ("Allocators", "allocator", "`use` in `[capital]`."),
    ("Limits", "limit", "`use` in `[[limit]]`."),
    ("Strategies", "strategy", "`strategy` in `[[pod]]`; parameters go into `params = { ... }`."),
)


def page() -> str:
    """The whole page."""
    include = FundText.model_fields["include"]
    parts = [HEAD, "## Top of the file\n", table([_section_row("include", include)])]
    for name, model, told in SECTIONS:
        rows = [_section_row(key, field) for key, field in model.model_fields.items()]
        parts += [f"## {name}\n", f"{told}\n", table(rows)]
    for heading, kind, told in KINDS:
        parts += [f"## {heading}\n", f"{told} A dotted path may point to a module of your own.\n"]
        for name in plugins.names(kind):
            parts += list(plugin(kind, name))
    return "\n".join(parts).rstrip() + "\n"


def plugin(kind: str, name: str) -> Iterator[str]:
    """Heading, first sentence and parameters of one plug-in."""
    module = plugins.find(kind, name, Path()).module
    yield f"### {name}\n"
    paragraph = (module.__doc__ or "").strip().split("\n\n", maxsplit=1)[0]
    yield f"{' '.join(paragraph.split())}\n"
    if kind == "strategy":
        yield f"Speaks: {module.WHEN}.\n"
    meanings = plugins.descriptions(module.Params)
    hints = typing.get_type_hints(module.Params)
    yield table(
        [
            (
                f"`{field.name}`",
                typed(hints[field.name]),
                default(field.default),
                meanings[field.name],
            )
            for field in dataclasses.fields(module.Params)
        ]
    )


def _section_row(key: str, field: FieldInfo) -> tuple[str, str, str, str]:
    """One key of a fixed section."""
    value = (
        "obligatory"
        if field.is_required()
        else default(field.get_default(call_default_factory=True))
    )
    return f"`{key}`", typed(field.annotation), value, field.description or ""


def table(rows: list[tuple[str, str, str, str]]) -> str:
    """A Markdown table of keys."""
    if not rows:
        return "No parameters.\n"
    lines = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def typed(annotation: Any) -> str:
    """A type in words."""
    origin, inside = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return ", ".join(f'`"{choice}"`' for choice in inside)
    if origin in (typing.Union, types.UnionType):
        return ", ".join(typed(one) for one in inside if one is not type(None))
    if origin is typing.Annotated:
        return typed(inside[0])
    if origin is tuple:
        return f"list of {typed(inside[0])}"
    if origin is dict:
        return "table"
    words = {int: "whole number", float: "number", str: "text", bool: "true, false", date: "date"}
    return words[annotation]


def default(value: Any) -> str:
    """A default as it would stand in the file."""
    return "" if value is None or value in ("", (), {}) else f"`{written(value)}`"


def strategy_page() -> str:
    """The page of the strategy file."""
    parts = [STRATEGY_HEAD]
    for name, model, told in STRATEGY_SECTIONS:
        rows = [_section_row(key, field) for key, field in model.model_fields.items()]
        parts += [f"## {name}\n", f"{told}\n", table(rows)]
    return "\n".join([*parts, SWEEP_TOLD]).rstrip() + "\n"


def tables_page() -> str:
    """The page of the market store's tables."""
    blocks = [TABLES_HEAD]
    for table in TABLES.values():
        kind = "a newer row replaces" if table.grows == "merge" else "rows are never replaced"
        blocks.append(f"## {table.name}\n\n{table.about[0].upper()}{table.about[1:]}.\n")
        blocks.append(f"Key: {', '.join(f'`{c}`' for c in table.key)}; {kind}.\n")
        blocks.append("| column | kind |\n| --- | --- |")
        blocks += [f"| `{name}` | {what} |" for name, what in table.columns.items()]
        if table.open:
            blocks.append("| further figures as the vendor names them | real |")
        blocks.append("")
    return "\n".join(blocks)


METRICS_HEAD = """\
# Metrics

<!-- Written by docs/generate.py from the code; change the code, then run it. -->

`podshop.research.metrics.compute(returns, benchmark, rf, periods, days)` gives all of them for one
series, `compute_many` for the columns of a table at once.

"""

JUDGES_HEAD = """\
## Beside other libraries

One made-up series of 1,500 business days with fat tails and idle days, beside a benchmark, at a
risk-free rate of 0 (`tests/judges.py`, which also has the call that each figure comes from). Losses
are turned positive and the information ratio is annualised, as here; else the figures are as the
library gave them. "Same" is to a relative 1e-9; a test holds every row to it. Metrics that no
library has are left out.
"""


def figure(value: float | None) -> str:
    """A figure to six digits."""
    return "" if value is None else "NaN" if math.isnan(value) else f"{value:.6g}"


def metrics_page() -> str:
    """The page of the metrics: the table, and other libraries' figures of one series."""
    about = (metrics.__doc__ or "").split("\n\n")
    blocks = [METRICS_HEAD + "\n\n".join(about[1:3]) + "\n"]
    for group in dict.fromkeys(m.group for m in metrics.METRICS):
        blocks.append(f"## {group.capitalize()}\n")
        blocks.append("| name | unit | better | formula | convention | source |")
        blocks.append("| --- | --- | --- | --- | --- | --- |")
        for m in metrics.METRICS:
            if m.group == group:
                better = {True: "higher", False: "lower", None: ""}[m.higher_is_better]
                formula = m.formula.replace("|", "\\|")
                cells = (f"`{m.name}`", m.unit, better, f"`{formula}`", m.convention, m.source)
                blocks.append("| " + " | ".join(cells) + " |")
        blocks.append("")
    return "\n".join([*blocks, JUDGES_HEAD, *judged(), ""])


def judged() -> Iterator[str]:
    """The table of other libraries' figures."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from tests import judges

    returns, benchmark, days = judges.series()
    ours, kept = metrics.compute(returns, benchmark, days=days), judges.kept()
    heads = [f"{package} {kept[lib]['version']}" for lib, package in judges.PACKAGES.items()]
    yield "| metric | here | " + " | ".join(heads) + " | agreement |"
    yield "| --- " * (len(judges.LIBRARIES) + 3) + "|"
    for name in ours:
        rows = {j.library: j for j in judges.JUDGEMENTS if j.metric == name}
        theirs = [
            figure(kept[lib]["figures"][rows[lib].call] if lib in rows else None)
            for lib in judges.LIBRARIES
        ]
        whys = [f"{lib} differs: {j.why}" for lib, j in rows.items() if j.why]
        if rows:
            cells = (f"`{name}`", figure(ours[name]), *theirs, "; ".join(whys) or "same")
            yield "| " + " | ".join(cells) + " |"


RESULT_HEADS = (
    "study, years",
    "return",
    "volatility",
    "Sharpe, 95 % interval",
    "before costs",
    "drawdown",
    "turnover",
    "costs",
    "beta",
)
YARDSTICKS = ("all names held",)


def pod_page(path: Path) -> str:
    """A pod's page with its parameters and results written anew; the rest is its author's.

    A block stands between `<!-- NAME -->` and `<!-- /NAME -->`; a page without is left alone.
    """
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    mine = {name: told for name, told in results.items() if told["pod"] == path.stem}
    writers = {
        "parameters": lambda: parameters_table(path.stem),
        "results": lambda: results_table(mine | {k: results[k] for k in YARDSTICKS}),
        "overview": lambda: results_table(results),
    }
    text = path.read_text(encoding="utf-8")
    for name, write in writers.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if pattern.search(text):
            made = f"\n{write()}\n"
            text = pattern.sub(lambda m, made=made: m.group(1) + made + m.group(2), text)
    return text


def parameters_table(name: str) -> str:
    """The parameters of a pod, from its docstring."""
    return "\n".join(list(plugin("strategy", name))[2:]).strip() + "\n"


def results_table(studies: dict[str, Any]) -> str:
    """One line a study and stretch."""
    lines = ["| " + " | ".join(RESULT_HEADS) + " |", "| --- " * len(RESULT_HEADS) + "|"]
    for name, told in studies.items():
        for stretch in ("in_sample", "out_of_sample"):
            f = told[stretch]
            years = f"{f['first'][:4]}-{f['last'][:4]}"
            interval = f"{f['sharpe']:.2f} ({f['sharpe_low']:.2f} to {f['sharpe_high']:.2f})"
            strong = "**" if stretch == "out_of_sample" else ""
            cells = (
                f"{name}, {years}",
                f"{100.0 * f['return']:.1f} %",
                f"{100.0 * f['volatility']:.1f} %",
                f"{strong}{interval}{strong}",
                f"{f['sharpe_before_costs']:.2f}",
                f"{100.0 * f['max_drawdown']:.0f} %",
                f"{f['turnover']:.1f}",
                f"{100.0 * f['cost']:.1f} %",
                f"{f['beta']:.2f}",
            )
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


PAGES = {
    PAGE: page,
    STRATEGY_PAGE: strategy_page,
    TABLES_PAGE: tables_page,
    METRICS_PAGE: metrics_page,
    **{path: partial(pod_page, path) for path in sorted(POD_PAGES.glob("*.md"))},
}
"""What writes which page."""


def main() -> int:
    """Write or check the pages."""
    wrong = 0
    for path, write in PAGES.items():
        text = write()
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            sys.stderr.write(f"{path.name} is not what the code says; run docs/generate.py\n")
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main())
