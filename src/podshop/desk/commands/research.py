"""`podshop research ACTION`: try strategies, and be told how far to believe what they show."""

import argparse
import math
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from podshop.desk.terminal import announce_compilation, progress, show
from podshop.domain.error import ConfigError

if TYPE_CHECKING:
    import polars as pl

    from podshop.adapters.stores.runs import RunRecord, RunStore
    from podshop.domain.rules import Rules
    from podshop.research.gate import Verdict
    from podshop.research.run import Run
    from podshop.rulebook.strategy import Strategy

SHOWN = ("cagr", "vol_ann", "sharpe", "sharpe_se", "sortino", "max_drawdown", "calmar", "win_days")
"""Figures that a table has room for; the ledger has all."""
TOP = 15
"""Rows of a sweep that are printed."""


def run(args: argparse.Namespace) -> int:
    """Do one action of research."""
    actions: dict[str, Callable[[argparse.Namespace], int]] = {
        "run": _run,
        "sweep": _sweep,
        "gate": _gate,
        "costs": _costs,
        "runs": _runs,
        "factor": _factor,
    }
    return actions[args.action](args)


def _run(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from podshop.desk.commands.backtest import between
    from podshop.research import artifacts
    from podshop.research.strategy import tried
    from podshop.rulebook.strategy import load_strategy

    strategy = load_strategy(args.strategy)
    strategy = replace(strategy, rules=between(strategy.rules, args.start, args.end))
    announce_compilation()
    with progress(strategy.name) as done:
        made, entry = tried(strategy, runs=args.runs, progress=done)
    folder = args.out or strategy.folder / artifacts.FOLDER / entry.id
    files = artifacts.write(strategy, made, entry, folder)
    page = _sheet(made, folder)
    entry = _kept(strategy, replace(entry, artifacts=str(folder.resolve())), args.runs)
    _told(entry)
    _cost_table(made)
    print(f"\nTear sheet: {page}\nRun {entry.id}: {folder}")
    if args.pdf:
        print(f"PDF: {_pdf(page)}")
    _mlflow(args.mlflow, [(entry, (*files, page))])
    return 0


def _kept(strategy: "Strategy", entry: "RunRecord", runs: Path | None) -> "RunRecord":
    """The entry, in the run ledger in this form."""
    from podshop.research.trials import ledger_of

    ledger_of(strategy, runs).put([entry])
    return entry


def _sheet(made: "Run", folder: Path) -> Path:
    """Write the tear sheet."""
    from podshop.reports.sheet import of_run, render

    page = folder / "tear-sheet.html"
    part = folder / ".tear-sheet.html.part"
    part.write_text(render(of_run(made)), encoding="utf-8")
    return part.replace(page)


def _pdf(page: Path) -> str:
    from podshop.reports.pdf import write_pdf

    made = page.with_suffix(".pdf")
    printed = write_pdf(page, made)
    return str(made) if printed else printed.message


def _told(entry: "RunRecord") -> None:
    """Print the headline figures of a run."""
    import polars as pl

    figures = {name: [f"{entry.metrics[name]:.4g}"] for name in SHOWN if name in entry.metrics}
    print(f"{entry.name}, {entry.facts['first']} to {entry.facts['last']}, after all costs:")
    show(pl.DataFrame(figures))
    print(entry.facts["source"])


def _sweep(args: argparse.Namespace) -> int:
    from podshop.research.search import search
    from podshop.research.sweep import sweep
    from podshop.rulebook.strategy import load_strategy

    strategy = load_strategy(args.strategy)
    announce_compilation()
    with progress(f"sweeping {strategy.name}") as done:
        if args.search == "optuna":
            made = search(
                strategy,
                trials=args.trials,
                metric=args.metric,
                seed=args.seed,
                engine=args.engine,
                workers=args.workers,
                runs=args.runs,
                progress=done,
            )
        else:
            made = sweep(
                strategy, engine=args.engine, workers=args.workers, runs=args.runs, progress=done
            )
    names = [axis.name for axis in made.space]
    frame = made.frame
    best = frame.head(TOP)
    if "sharpe" in frame.columns:  # none where nothing was traded
        best = frame.sort("sharpe", descending=True, nulls_last=True).head(TOP)
    show(_rounded(best.select("run", *names, *(n for n in SHOWN if n in frame.columns))))
    already = f", {made.found} of them from before" if made.found else ""
    refused = f"; {len(made.refused)} refused by the strategy" if made.refused else ""
    print(f"{len(made.records)} combinations{already}{refused}. Sweep {made.id}.")
    for line in _luck(made.records):
        print(line)
    if args.out:
        _write_frame(frame, args.out)
        print(f"All figures: {args.out}")
    from podshop.research.trials import ledger_of

    parent = next(r for r in ledger_of(strategy, args.runs).runs() if r.id == made.id)
    _mlflow(args.mlflow, [(parent, ()), *((r, ()) for r in made.records)])
    return 0


def _luck(records: "Iterable[RunRecord]") -> Iterable[str]:
    """What the best of so many is worth."""
    import numpy as np

    from podshop.research.gate import loss_after_choice
    from podshop.research.validation import (
        expected_max_sharpe,
        pbo,
        rolling_windows,
        walk_forward_choice,
    )

    each = list(records)
    ratios = np.array([r.metrics.get("sharpe", np.nan) for r in each])
    ratios = ratios[np.isfinite(ratios)]
    if len(ratios) < 2:
        return
    luck = expected_max_sharpe(len(ratios), float(ratios.var(ddof=1)))
    yield (
        f"The best of {len(ratios)} worthless strategies that vary as these do would show a Sharpe "
        f"ratio of {luck:.2f} by luck alone; the best here shows {ratios.max():.2f}."
    )
    returns = np.stack([r.returns for r in each], axis=1)
    if len(returns) >= 20:
        yield (
            f"Choosing the best by one half of history would have lost in the other half in "
            f"{loss_after_choice(returns):.0%} of splits, and ended below the median in "
            f"{pbo(returns).probability:.0%}."
        )
    windows = rolling_windows(each[0].days)
    if windows:
        chosen = walk_forward_choice(returns, each[0].days, windows)
        inside, outside = (ratio * math.sqrt(252) for ratio in (chosen.inside, chosen.outside))
        yield (
            f"Chosen anew each year by the three years before, it would have shown a Sharpe ratio "
            f"of {outside:.2f} after {inside:.2f} in training, over {len(windows)} years."
        )


def _gate(args: argparse.Namespace) -> int:
    import orjson

    from podshop.research.certificate import Setting, issue
    from podshop.research.evidence import gathered
    from podshop.research.gate import judge
    from podshop.research.strategy import tried
    from podshop.research.trials import ledger_of
    from podshop.rulebook.config import load
    from podshop.rulebook.strategy import load_strategy

    strategy = load_strategy(args.strategy)
    fund = load(args.fund) if args.fund else None
    announce_compilation()
    with progress(strategy.name) as done:
        made, entry = tried(strategy, runs=args.runs, progress=done)
    evidence = gathered(strategy, made, entry, fund=fund, runs=args.runs)
    verdict = judge(evidence, strategy.gate)
    setting = Setting(fund, evidence.made, str(ledger_of(strategy, args.runs).path.resolve()))
    certificate = issue(strategy, entry, verdict, args.out or strategy.folder, setting)
    _mlflow(args.mlflow, [(entry, (certificate.path,))])
    if args.json:
        told = {"passed": verdict.passed, "criteria": verdict.as_plain(), "run": entry.id}
        sys.stdout.write(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _verdict(verdict)
        print("PASSED" if verdict.passed else "NOT PASSED", f"- certificate: {certificate.path}")
    return 0 if verdict.passed else 1


def _verdict(verdict: "Verdict") -> None:
    """Print every criterion with its figure."""
    import polars as pl

    rows = [
        {
            "": "" if c.asks == "told" else "yes" if c.passed else "NO",
            "criterion": c.name,
            "figure": f"{c.figure:.3g}",
            "asked": "" if c.asks == "told" else f"{c.asks} {c.limit:.3g}",
            "what it is": c.words,
        }
        for c in verdict.criteria
    ]
    show(pl.DataFrame(rows))
    for warning in verdict.warnings:
        print(f"Warning: {warning}.")


def _costs(args: argparse.Namespace) -> int:
    from podshop.research.backtest import backtest
    from podshop.research.costs import costs_of, warnings

    rules = _any_rules(args.file)
    announce_compilation()
    with progress(rules.name) as done:
        made = backtest(rules, record="fast", progress=done)
    _cost_table(made)
    found = list(warnings(made, costs_of(made)))
    for line in found:
        print(f"Warning: {line}.")
    return 1 if found else 0


def _any_rules(path: Path) -> "Rules":
    """The rules of a strategy file or of a fund file, told apart by what stands in it."""
    from podshop.rulebook.config import load
    from podshop.rulebook.fundfile import FUND_FILE, parse
    from podshop.rulebook.strategy import STRATEGY_FILE, load_strategy

    if path.is_dir():
        return (
            load(path)
            if (path / FUND_FILE).is_file()
            else load_strategy(path / STRATEGY_FILE).rules
        )
    return load_strategy(path).rules if "strategy" in parse(path)[0] else load(path)


def _cost_table(made: "Run") -> None:
    """Print what each pod's trading costs."""
    import polars as pl

    from podshop.research.costs import costs_of

    rows = []
    for one in costs_of(made):
        row = {"pod": one.pod, "turnover a year": f"{one.turnover:.2f}"}
        row |= {name: f"{share + 0.0:.3%}" for name, share in one.parts.items()}
        row |= {"cost a year": f"{one.cost:.3%}", "management fee": f"{one.fee:.3%}"}
        if math.isfinite(one.capacity):
            row["95 % of trades below"] = f"{one.high:.2%} of volume"
            row["capacity"] = f"{one.capacity:,.0f}"
        rows.append(row)
    show(pl.DataFrame(rows))


def _runs(args: argparse.Namespace) -> int:
    import orjson

    store = _store(args.runs)
    if args.compare:
        return _compare(store, *args.compare)
    parent = args.sweep if args.sweep else ("" if not args.mlflow else None)
    found = store.runs(strategy=args.strategy, parent=parent)
    if args.mlflow:
        _mlflow(args.mlflow, [(r, ()) for r in found])
        return 0
    if args.json:
        plain = [
            {"id": r.id, "kind": r.kind, "name": r.name, "started": r.started}
            | {"params": dict(r.params), "metrics": dict(r.metrics), "facts": dict(r.facts)}
            for r in found
        ]
        sys.stdout.write(orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode() + "\n")
        return 0
    if not found:
        print(f"{store.path}: no runs; `podshop research run STRATEGY` makes one")
        return 0
    _table(found)
    print(f"{len(found)} entries in {store.path}")
    return 0


def _store(given: Path | None) -> "RunStore":
    """The run ledger as given, as the environment says, or in the working folder."""
    import os

    from podshop.adapters.stores.runs import RUNS, RunStore
    from podshop.research.trials import HOME

    return RunStore(given or Path(os.environ.get(HOME) or RUNS))


def _table(found: "list[RunRecord]") -> None:
    import polars as pl

    rows = [
        {"run": r.id, "kind": r.kind, "name": r.name, "started": r.started[:19]}
        | {name: r.metrics.get(name) for name in ("cagr", "sharpe", "max_drawdown")}
        for r in found
    ]
    show(_rounded(pl.DataFrame(rows, infer_schema_length=None)))


def _compare(store: "RunStore", first: str, second: str) -> int:
    """Two runs side by side: what differs in parameters and facts, and all figures."""
    import polars as pl

    a, b = store.find(first), store.find(second)
    rows = [{"": "run", "A": a.id, "B": b.id}]
    rows += [{"": "strategy", "A": a.strategy, "B": b.strategy}]
    for x, y in ((a.params, b.params), (a.facts, b.facts)):
        rows += [
            {"": key, "A": _plain(x.get(key)), "B": _plain(y.get(key))}
            for key in sorted({*x, *y})
            if x.get(key) != y.get(key)
        ]
    rows += [
        {"": key, "A": _plain(a.metrics.get(key)), "B": _plain(b.metrics.get(key))}
        for key in dict.fromkeys([*a.metrics, *b.metrics])
    ]
    show(pl.DataFrame(rows))
    return 0


def _plain(value: object) -> str:
    """A value as a cell shows it; tables have no room for what has parts."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else "..." if isinstance(value, dict | list) else str(value)


def _factor(args: argparse.Namespace) -> int:
    import numpy as np
    import polars as pl

    from podshop.adapters.sources import load
    from podshop.reports.factor import render, words
    from podshop.research.factor import evaluate
    from podshop.research.scores import score_of

    panel = load(args.source, args.path)
    announce_compilation()
    found = evaluate(
        score_of(args.name, panel),
        panel.index,
        panel.days,
        priced=~np.isnan(panel.close),
        name=args.name,
        sectors=panel.assets.sectors,
        least=args.least,
    )
    rows = [
        {
            "sessions ahead": s.days,
            "rank IC": f"{s.ic:.4f}",
            "error": f"{s.error:.4f}",
            "95 %": f"{s.low:.4f} to {s.high:.4f}",
            "ICIR a year": f"{s.ratio:.2f}",
            "days": s.count,
        }
        for s in found.horizons
    ]
    show(pl.DataFrame(rows))
    for line in words(found):
        print(line)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(render(found, panel.source), encoding="utf-8")
        print(f"Page: {args.out}")
    return 0


def _mlflow(uri: str | None, entries: "list[tuple[RunRecord, tuple[Path, ...]]]") -> None:
    """Write entries into MLflow, when it is asked for or configured."""
    import os

    uri = uri or os.environ.get("PODSHOP_MLFLOW")
    if not uri:
        return
    from podshop.research.tracking import track

    count = track(entries, uri)
    # Not among the answer, which may be JSON, and without a password that the address may hold.
    shown = re.sub(r"(?<=://)[^/@]*@", "", uri)
    print(f"MLflow: {count} runs written to {shown}", file=sys.stderr)


def _rounded(frame: "pl.DataFrame") -> "pl.DataFrame":
    """Figures as a table shows them."""
    import polars as pl

    return frame.with_columns(pl.selectors.float().round(3))


def _write_frame(frame: "pl.DataFrame", path: Path) -> None:
    """Write a frame by the name of its file.

    Raises:
        ConfigError: the name says neither Parquet nor CSV.
    """
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    elif path.suffix == ".csv":
        frame.write_csv(path)
    else:
        raise ConfigError(f"{path}: name a .parquet or a .csv file")
