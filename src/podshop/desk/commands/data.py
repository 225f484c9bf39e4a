"""`podshop data ACTION`: fill, check and ask the market store."""

import argparse
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from podshop.desk.data_words import STORE, day
from podshop.desk.terminal import progress, show
from podshop.domain.error import ConfigError

if TYPE_CHECKING:
    from podshop.adapters.stores.market import MarketStore

PRICES = ("symbols", "securities", "bars", "splits", "dividends", "adjusted")
"""What a sync fetches when no tables are named."""


def run(args: argparse.Namespace) -> int:
    """Do one action on the store."""
    if not args.store:
        raise ConfigError(f"which store? give --store DIR, or set {STORE}")
    from podshop.adapters.stores.market import MarketStore

    store = MarketStore(args.store)
    actions: dict[str, Callable[[MarketStore, argparse.Namespace], int]] = {
        "sync": _sync,
        "status": _status,
        "check": _check,
        "score": _score,
        "query": _query,
        "import": _import,
        "export": _export,
        "simulate": _simulate,
    }
    return actions[args.action](store, args)


def _sync(store: "MarketStore", args: argparse.Namespace) -> int:
    from podshop.adapters.vendors import Wanted, find
    from podshop.data.sync import Access, sync

    offered = find(args.vendor).TABLES
    tables = _list(args.tables) or tuple(t for t in PRICES if t in offered) or offered
    last = args.end or date.today() - timedelta(days=1)  # noqa: DTZ011 - a day, not a moment
    if last < args.start:
        raise ConfigError(f"the last day {last} is before the first {args.start}")
    wanted = Wanted(tables, _list(args.symbols), args.start, last)
    with progress(f"asking {args.vendor}") as done:
        made = sync(store, args.vendor, wanted, Access(base_url=args.base_url), done)
    rows = ", ".join(f"{n:,} {table}" for table, n in made.rows.items()) or "nothing"
    print(f"{made.asked:,} requests, {made.answers:,} new answers; offered: {rows}.")
    if made.quarantined:
        print(f"{made.quarantined:,} rows cannot be and were set aside: see table quarantine.")
    print(f"The store is at version {made.version}: {store.folder}")
    return 0


def _status(store: "MarketStore", args: argparse.Namespace) -> int:  # noqa: ARG001
    from podshop.data.status import status

    told = status(store)
    if told.is_empty():
        print(f"{store.folder}: an empty store; fill it with `podshop data sync` or `data import`")
        return 0
    show(told)
    print(f"version {store.version}: {store.folder}")
    return 0


def _check(store: "MarketStore", args: argparse.Namespace) -> int:
    from podshop.data.check import accept, check

    if args.accept:
        symbol, text, name = args.accept
        accept(store, symbol, day(text), name, args.why)
        print(f'Accepted: "{name}" of {symbol} on {text}.')
        return 0
    checked = check(store, args.today)
    findings = checked.findings
    if args.json:
        plain = findings.select("symbol", "date", "check", "severity", "detail")
        sys.stdout.write(plain.write_json() + "\n")
        return 1 if checked.stops.height else 0
    counts = findings.group_by("severity", "check").len("findings").sort("severity", "check")
    show(counts)
    shown = findings.filter(findings["severity"] != "note").sort("severity", "symbol", "date")
    if shown.height:
        show(shown.select("severity", "symbol", "date", "check", "detail").head(60))
    if args.report:
        from podshop.reports.quality import write

        print(f"Report: {write(checked.findings, args.report, store.folder.name)}")
    if checked.quarantined:
        print(f"{checked.quarantined} impossible bars were set aside: see table quarantine.")
    grave = checked.stops.height
    print(
        f"{grave} grave findings: no live fund trades on this store." if grave else "Fit to trade."
    )
    return 1 if grave else 0


def _score(store: "MarketStore", args: argparse.Namespace) -> int:  # noqa: ARG001
    from podshop.data.scores import make_scores

    made = make_scores(store)
    with store.writing() as writer:
        writer.put("scores", made)
        version = writer.commit()
    names = ", ".join(made.get_column("score").unique().sort())
    print(f"{made.height:,} scores ({names or 'the store has nothing to make them of'}).")
    print(f"The store is at version {version}: {store.folder}")
    return 0


def _query(store: "MarketStore", args: argparse.Namespace) -> int:
    answer = store.query(args.sql)
    if args.out is None:
        show(answer.head(1_000))
        if answer.height > 1_000:
            print(f"... and {answer.height - 1_000:,} rows more; --out FILE writes all")
        return 0
    if args.out.suffix == ".parquet":
        answer.write_parquet(args.out)
    elif args.out.suffix == ".csv":
        answer.write_csv(args.out)
    else:
        raise ConfigError(f"{args.out}: name a .parquet or a .csv file")
    print(f"{answer.height:,} rows: {args.out}")
    return 0


def _import(store: "MarketStore", args: argparse.Namespace) -> int:
    from podshop.data.imports import import_lean, import_prices

    path: Path = args.file
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder")
    made = import_lean(store, path) if path.is_dir() else import_prices(store, path)
    print(", ".join(f"{n:,} {table}" for table, n in made.rows.items()))
    if made.quarantined:
        print(f"{made.quarantined:,} rows cannot be and were set aside: see table quarantine.")
    print(f"The store is at version {made.version}: {store.folder}")
    return 0


def _export(store: "MarketStore", args: argparse.Namespace) -> int:
    from podshop.adapters.bundles import zipline

    folder = zipline.write(store, args.zipline)
    zipline.ingest(store, args.zipline)
    print(f'Bundle "{args.zipline}" is ingested; its files: {folder}')
    return 0


def _simulate(store: "MarketStore", args: argparse.Namespace) -> int:
    from podshop.simulator import data_simulate

    print(data_simulate(store.folder, args.names, args.years, args.seed))
    return 0


def _list(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
