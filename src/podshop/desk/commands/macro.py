"""`podshop macro add|list|close`: the manager's own decisions, each with its thesis."""

import argparse
import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from podshop.desk.terminal import show
from podshop.domain.error import ConfigError, DataError

if TYPE_CHECKING:
    from podshop.adapters.stores.decisions import Entry
    from podshop.domain.market import Panel


def run(args: argparse.Namespace) -> int:
    """Add a decision, or show what was decided."""
    return _list(args) if args.action == "list" else _decide(args)


def _decide(args: argparse.Namespace) -> int:
    from podshop.adapters.stores.decisions import append
    from podshop.market.targets import Decision

    _refuse_other_kinds(args.file)
    closing = args.action == "close"
    if closing:
        _refuse_nothing_to_close(args.file, args.symbol)
    if args.fund is not None and args.symbol not in (panel := _panel(args.fund)).assets.symbols:
        raise ConfigError(f"{args.symbol} is not in the data of {args.fund}: {panel.source}")
    try:
        decision = Decision(
            at=_now(),
            symbol=args.symbol,
            weight=0.0 if closing else args.weight,
            thesis=args.thesis,
            author=args.author or _me(),
            expires=None if closing else args.expires,
            stop=None if closing else args.stop,
        )
    except ValueError as error:
        raise ConfigError(f"--{error}") from error
    (entry,) = append(args.file, [decision], _now)
    made = entry.decision
    print(f"{args.file} line {entry.line}, {made.at:%F %T} UTC, by {made.author}")
    print(f"{made.symbol} {made.weight:+.2%}{_ends(entry)}: {made.thesis}")
    print(f"counts from the first close at or after that moment; hash {entry.hash[:16]}")
    return 0


def _me() -> str:
    """The login of whoever runs this."""
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise ConfigError("this machine does not know who you are: give --author NAME") from error


def _ends(entry: "Entry") -> str:
    """How the position ends by itself."""
    made = entry.decision
    stop = f", stopped at a loss of {made.stop:.2%}" if made.stop is not None else ""
    return f"{stop}, until {made.expires}" if made.expires else stop


def _list(args: argparse.Namespace) -> int:
    import polars as pl

    from podshop.adapters.stores.decisions import read

    _refuse_other_kinds(args.file)
    entries = read(args.file)
    told = _told(entries, _panel(args.fund) if args.fund is not None else None)
    rows = [
        {
            "line": entry.line,
            "at": f"{entry.decision.at:%F %R}",
            "symbol": entry.decision.symbol,
            "weight": f"{entry.decision.weight:+.2%}",
            "state": state,
            "expires": str(entry.decision.expires or ""),
            "stop": "" if entry.decision.stop is None else f"{entry.decision.stop:.2%}",
            "author": entry.decision.author,
            "thesis": entry.decision.thesis,
        }
        for entry, state in zip(entries, told, strict=True)
        if args.all or state in ("open", "waiting", "no data")
    ]
    if rows:
        show(pl.DataFrame(rows))
    print(f"{len(rows)} of {len(entries)} decisions; the chain of {args.file} holds.")
    return 0


def _told(entries: list["Entry"], panel: "Panel | None") -> list[str]:
    """What became of each decision; the prices of a panel also tell stops and waiting ones."""
    by_prices = _told_by_prices(entries, panel) if panel is not None else {}
    last = {entry.decision.symbol: entry.line for entry in entries}
    told = []
    for entry in entries:
        made = entry.decision
        if last[made.symbol] != entry.line:
            told.append("superseded")
        elif made.weight == 0.0:
            told.append("closed")
        elif by_prices:
            told.append(by_prices[made.symbol])
        else:
            told.append("expired" if made.expires and made.expires <= _now().date() else "open")
    return told


def _told_by_prices(entries: list["Entry"], panel: "Panel") -> dict[str, str]:
    """Of each name, what became of its last decision at the panel's last close."""
    import numpy as np
    import polars as pl

    from podshop.market.targets import of_decisions, signals_of
    from podshop.market.visibility import first_rows

    column = {symbol: n for n, symbol in enumerate(panel.assets.symbols)}
    known = [entry.decision for entry in entries if entry.decision.symbol in column]
    signals = signals_of("macro", of_decisions("", known), panel)
    loss, stop = signals.get("macro.loss"), signals.get("macro.stop")
    told = {}
    for made in (entry.decision for entry in entries):
        if made.symbol not in column:
            told[made.symbol] = "no data"
        elif first_rows(pl.Series([made.at]), panel.days)[0] == len(panel):
            told[made.symbol] = "waiting"
        elif made.expires and np.datetime64(made.expires) <= panel.days[-1]:
            told[made.symbol] = "expired"
        else:
            n = column[made.symbol]
            out = loss is not None and stop is not None and loss[-1, n] >= stop[-1, n]
            told[made.symbol] = "stopped" if out else "open"
    return told


def _panel(fund: Path) -> "Panel":
    """The prices of a fund, without its feeds, one of which may be begun just now."""
    from podshop.adapters.sources import load
    from podshop.rulebook.fundfile import read

    file = read(fund)
    market = file.data.get("market", {})
    path = market.get("path")
    return load(market.get("source", "embedded"), str(file.folder / path) if path else "")


def _refuse_other_kinds(file: Path) -> None:
    if file.suffix != ".jsonl":
        raise ConfigError(
            f"{file}: a journal of decisions is a .jsonl file, such as decisions.jsonl"
        )


def _refuse_nothing_to_close(file: Path, symbol: str) -> None:
    from podshop.adapters.stores.decisions import read

    entries = read(file) if file.exists() else []
    weights = [e.decision.weight for e in entries if e.decision.symbol == symbol]
    if not weights or weights[-1] == 0.0:
        raise DataError(f"{file}: no decision on {symbol} stands, so there is none to close")


def _now() -> datetime:
    return datetime.now(UTC)
