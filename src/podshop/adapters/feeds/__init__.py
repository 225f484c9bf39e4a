"""Feeds: files of targets that become signals of the panel, by `[market] feeds = { name = FILE }`.

A `.jsonl` file is a journal of decisions, `.csv` and `.parquet` are tables of weights or what other
engines write. Nothing is ever unpickled. A file is read again whenever a panel is loaded, so live
trading sees each evening what has come; the journal's fingerprint of every session covers what the
files said of it, so a past that changes is refused.
"""

from collections.abc import Iterable
from pathlib import Path

from podshop.adapters.feeds.tables import KINDS, read_table
from podshop.adapters.stores import decisions
from podshop.domain.error import DataError
from podshop.domain.market import Panel
from podshop.market.panel import with_signals
from podshop.market.targets import Targets, of_decisions, signals_of


def attach(panel: Panel, feeds: Iterable[tuple[str, str]]) -> Panel:
    """The panel with the signals of these feeds beside those that it has.

    Args:
        panel: the panel.
        feeds: name and file of each.

    Returns:
        the panel itself where there are no feeds.

    Raises:
        DataError: a file is wrong or wants what the data does not have; names file and line.
    """
    signals = dict(panel.signals)
    for name, path in feeds:
        made = signals_of(name, read(Path(path)), panel)
        if twice := sorted(set(made) & set(signals)):
            raise DataError(
                f'feed "{name}": the data has a signal {twice[0]} already; call the feed otherwise'
            )
        signals |= made
    return with_signals(panel, signals) if len(signals) > len(panel.signals) else panel


def read(path: Path) -> Targets:
    """The targets of one file.

    Args:
        path: a .jsonl, .csv or .parquet file.

    Raises:
        DataError: there is no such file, its kind is not read, or it is wrong.
    """
    if not path.is_file():
        raise DataError(f"{path}: there is no such file")
    if path.suffix == ".jsonl":
        return of_decisions(path.name, [entry.decision for entry in decisions.read(path)])
    if path.suffix in KINDS:
        return read_table(path)
    raise DataError(
        f"{path}: cannot read this kind of file; give .jsonl, {', '.join(KINDS)} "
        "(pickles run code when they are read, so they never are)"
    )
