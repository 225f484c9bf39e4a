"""Verify a fund's folder: the hash chain, the fold, the laws of every cycle, and the tables."""

from pathlib import Path

import numpy as np
import orjson

from podshop.adapters.stores.sqlite import file_hash, read_entries
from podshop.attribution.tensor import payoff
from podshop.domain.book import Book
from podshop.domain.error import FundError, LawBroken
from podshop.domain.event import CycleClosed, CycleOpened, Event, OrderIntended, Reconciled
from podshop.ledger.audit import assert_balanced, assert_laws
from podshop.ledger.entry import Entry, decode
from podshop.ledger.replay import apply, fold, opening

JOURNAL, SUMMARY = "journal.sqlite", "summary.json"


def verify(folder: Path) -> list[str]:
    """Recompute everything that a journal claims.

    Args:
        folder: the output of a backtest, a demo or a paper run.

    Returns:
        What was found, one sentence each; empty when all is well.
    """
    findings: list[str] = []
    navs: dict[int, int] = {}
    head = ""
    try:
        head = _replay(folder / JOURNAL, navs)
    except FundError as error:
        findings.append(str(error))
    summary = folder / SUMMARY
    if summary.is_file() and not findings:
        findings += _summary(folder, orjson.loads(summary.read_bytes()), head, navs)
    return findings


def _replay(path: Path, navs: dict[int, int]) -> str:
    """Fold the journal, proving the laws on the way; gives the head of its chain."""
    book: Book | None = None
    before: Book | None = None
    cycle: list[Event] = []
    seen: set[int] = set()
    entry: Entry | None = None
    for entry in read_entries(path):
        event = decode(entry.kind, entry.body)
        assert_balanced(event)
        if book is None:
            book = opening(event)
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
            navs[book.day] = book.nav
    if entry is None:
        raise LawBroken(f"the journal {path} is empty")
    return entry.hash


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


def _summary(
    folder: Path, summary: dict[str, object], head: str, navs: dict[int, int]
) -> list[str]:
    """Compare the summary and the NAV table with the journal they were made from."""
    if summary.get("journal_hash") != head:
        return [
            "summary.json was made from another journal; run the command again to renew the tables"
        ]
    findings = []
    recorded = summary.get("journal_sha256")
    if recorded is not None and recorded != file_hash(folder / JOURNAL):
        findings.append("a byte of journal.sqlite was changed outside its entries")
    if summary.get("residual_micros") != 0:
        findings.append(
            f"law 9: the summary has a residual of {summary.get('residual_micros')} micros"
        )
    return findings + _nav_table(folder / "nav.parquet", navs)


def _nav_table(path: Path, navs: dict[int, int]) -> list[str]:
    import polars as pl

    if not path.is_file():
        return []
    try:
        frame = pl.read_parquet(path)
        days = frame["date"].to_numpy().astype("datetime64[D]").astype(np.int64).tolist()
        table = dict(zip(days, frame["nav_micros"].to_list(), strict=True))
    except (pl.exceptions.PolarsError, OSError) as error:
        return [f"{path.name} cannot be read: {error}"]
    wrong = [day for day, nav in navs.items() if table.get(day) != nav]
    return (
        [f"{path.name}: NAV of {np.datetime64(wrong[0], 'D')} is not the journal's"]
        if wrong
        else []
    )
