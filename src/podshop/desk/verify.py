"""Verify a fund's folder: the hash chain, the fold, the laws of every cycle, and the tables."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import orjson

from podshop.adapters.stores.sqlite import file_hash, read_entries
from podshop.attribution.tensor import payoff
from podshop.domain.book import Book
from podshop.domain.error import FundError, LawBroken
from podshop.domain.event import CycleClosed, CycleOpened, Event, OrderIntended, Reconciled
from podshop.ledger.audit import assert_balanced, assert_laws
from podshop.ledger.entry import decode
from podshop.ledger.replay import apply, fold, opening

JOURNAL, SUMMARY = "journal.sqlite", "summary.json"


@dataclass(slots=True)
class Proven:
    """What a journal proves.

    Attributes:
        capital: micros paid in at the start.
        navs: NAV by day, micros.
        hashes: of every entry; the last is the head.
    """

    capital: int = 0
    navs: dict[int, int] = field(default_factory=dict)
    hashes: list[str] = field(default_factory=list)


def verify(folder: Path) -> list[str]:
    """Recompute everything that a journal claims.

    Args:
        folder: the output of a backtest, a demo or a paper run.

    Returns:
        What was found, one sentence each; empty when all is well.
    """
    proven = Proven()
    try:
        _replay(folder / JOURNAL, proven)
    except FundError as error:
        return [str(error)]
    summary = folder / SUMMARY
    if not summary.is_file():
        return []
    try:
        told = orjson.loads(summary.read_bytes())
    except orjson.JSONDecodeError as error:
        return [f"{SUMMARY} was damaged: {error}"]
    return _summary(folder, told, proven)


def _replay(path: Path, proven: Proven) -> None:
    """Fold the journal, proving the laws on the way."""
    book: Book | None = None
    before: Book | None = None
    cycle: list[Event] = []
    seen: set[int] = set()
    for entry in read_entries(path):
        proven.hashes.append(entry.hash)
        event = decode(entry.kind, entry.body)
        assert_balanced(event)
        if book is None:
            book = opening(event)
            proven.capital = book.nav
            continue
        if isinstance(event, CycleOpened):
            before, cycle = book, []
        cycle.append(event)
        book = apply(event, book)
        if isinstance(event, OrderIntended):
            _new_ids(event, seen, entry.seq)
        if isinstance(event, Reconciled):
            _cash(event, book, entry.seq)
        if isinstance(event, CycleClosed) and before is not None:
            _cycle(before, tuple(cycle), book, event)
            proven.navs[book.day] = book.nav
    if book is None:
        raise LawBroken(f"the journal {path} is empty")


def _cycle(before: Book, events: tuple[Event, ...], book: Book, closed: CycleClosed) -> None:
    assert_laws(book)
    payoff(before, events, book)
    if fold(before, events).digest() != closed.book:
        raise LawBroken(f"law 4: cycle {closed.cycle} folds to another book than was written")


def _new_ids(event: OrderIntended, seen: set[int], seq: int) -> None:
    ids = event.orders.id_o.tolist()
    if len(set(ids)) < len(ids) or seen.intersection(ids):
        raise LawBroken(f"law 7: entry {seq} repeats an order id")
    seen.update(ids)


def _cash(event: Reconciled, book: Book, seq: int) -> None:
    ours = int(book.cash_p.sum()) + book.reserve
    if event.cash != ours:
        raise LawBroken(
            f"law 2: entry {seq} reconciled {event.cash} micros of cash, the books have {ours}"
        )


def _summary(folder: Path, told: dict[str, object], proven: Proven) -> list[str]:
    """Compare the summary and the tables with the journal they were made from."""
    head = told.get("journal_hash")
    if head not in proven.hashes:
        return [f"{SUMMARY} was made from another journal"]
    if head != proven.hashes[-1]:
        return []  # a run went on and was interrupted before its tables were written again
    findings = []
    recorded = told.get("journal_sha256")
    if recorded is not None and recorded != file_hash(folder / JOURNAL):
        findings.append(f"a byte of {JOURNAL} was changed outside its entries")
    if told.get("residual_micros") != 0:
        findings.append(f"law 9: {SUMMARY} has a residual of {told.get('residual_micros')} micros")
    return findings + _tables(folder, proven)


def _tables(folder: Path, proven: Proven) -> list[str]:
    """Compare NAV by day, and the sum of each day's attribution, with the journal."""
    change, last = {}, proven.capital
    for day, nav in proven.navs.items():
        change[day], last = nav - last, nav
    findings = _column(folder / "nav.parquet", "nav_micros", proven.navs)
    moved = {day: amount for day, amount in change.items() if amount}
    return findings + _column(folder / "attribution.parquet", "amount_micros", moved)


def _column(path: Path, name: str, expected: dict[int, int]) -> list[str]:
    """Compare a column, summed by date, with the journal; days of nothing do not count."""
    import polars as pl  # the tables are the only thing here that needs it

    if not path.is_file():
        return []
    try:
        frame = pl.read_parquet(path).group_by("date").agg(pl.col(name).sum()).sort("date")
        days = frame["date"].to_numpy().astype("datetime64[D]").astype(np.int64).tolist()
        table = {d: x for d, x in zip(days, frame[name].to_list(), strict=True) if x}
    except (pl.exceptions.PolarsError, OSError) as error:
        return [f"{path.name} cannot be read: {error}"]
    wrong = sorted(d for d in table.keys() | expected.keys() if table.get(d) != expected.get(d))
    if not wrong:
        return []
    return [f"{path.name}: {name} of {np.datetime64(wrong[0], 'D')} is not the journal's"]
