"""Entries, the chain and the file: what is written comes back, and no byte changes unnoticed."""

import sqlite3
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from tests.funds import Recipe, cook

from podshop.adapters.stores.sqlite import SqliteJournal, read_entries
from podshop.domain import event as events
from podshop.domain.book import Book, open_book
from podshop.domain.error import ChainBroken, LawBroken, LedgerError
from podshop.domain.event import (
    Action,
    Breach,
    Breached,
    Event,
    Filled,
    FillKind,
    FundOpened,
    Halted,
    PodClosed,
    Wanted,
)
from podshop.domain.money import F64, I64
from podshop.domain.order import Statement
from podshop.domain.pod import PodStatus
from podshop.domain.rules import Caps
from podshop.ledger.audit import assert_balanced, assert_caps, assert_laws, assert_statement
from podshop.ledger.entry import GENESIS, Entry, check, decode, encode, entry_hash, seal
from podshop.ledger.replay import apply, opening

SAMPLES: dict[Any, Any] = {
    int: -(2**62) + 1,
    float: 0.1 + 0.2,
    bool: True,
    str: 'Zürich "x" \\ \u2028',
    I64: np.array([-(2**63), 0, 2**63 - 1], dtype=np.int64),
    F64: np.array([0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0]),
    tuple[str, ...]: ("a", "", "ü"),
    Action: Action.HALVE,
    tuple[Event, ...]: (
        PodClosed(1, -7),
        Wanted(np.array([1]), np.array([2**40]), np.array([-(2**63)])),
        Breached(Breach("drawdown", 1, 0.1 + 0.2, 0.1, Action.HALVE, 0.5, 1)),
    ),
}


def columns(value: Any) -> list[Any]:
    """Every plain value in a record, arrays as bytes with their type."""
    if isinstance(value, np.ndarray):
        return [value.dtype.str, value.tobytes()]
    if isinstance(value, tuple):
        return [columns(item) for item in value]
    if is_dataclass(value):
        return [columns(getattr(value, f.name)) for f in fields(value)]
    return [type(value), value]


def awkward(cls: Any) -> Any:
    """A sample; arrays have no truth value, so they are looked up one by one."""
    hints, given = get_type_hints(cls), {}
    for f in fields(cls):
        hint = hints[f.name]
        given[f.name] = SAMPLES[hint] if hint in SAMPLES else awkward(hint)
    return cls(**given)


KINDS = get_args(events.Event)


@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)
def test_every_kind_of_event_comes_back_bit_for_bit(cls: Any) -> None:
    event = awkward(cls)
    again = decode(cls.__name__, encode(event))
    assert type(again) is cls
    assert encode(again) == encode(event)
    for f in fields(cls):
        assert columns(getattr(again, f.name)) == columns(getattr(event, f.name)), f.name


def test_bodies_are_canonical() -> None:
    assert encode(Halted("x", 1)) == b'{"cause":"x","rung":1}'
    assert encode(PodClosed(2, -3)) == b'{"moved":-3,"pod":2}'


@pytest.mark.parametrize(
    ("kind", "body"),
    [("Nothing", b"{}"), ("Halted", b"{}"), ("Halted", b"not json"), ("Halted", b"[1]")],
)
def test_what_cannot_be_read_is_a_broken_chain(kind: str, body: bytes) -> None:
    with pytest.raises(ChainBroken):
        decode(kind, body)


# --- the chain ------------------------------------------------------------------------------------


def test_the_hash_is_of_everything_before_it_too() -> None:
    first = seal(Halted("a", 0), 0, 5, GENESIS)
    assert first.hash == entry_hash(GENESIS, 0, 5, "Halted", first.body)
    other = seal(Halted("b", 0), 0, 5, GENESIS)
    after = [seal(Halted("c", 0), 1, 5, entry.hash) for entry in (first, other)]
    assert after[0].body == after[1].body
    assert after[0].hash != after[1].hash


def test_no_byte_of_an_entry_changes_unnoticed() -> None:
    entry = seal(awkward(Filled), 7, 3, "ab" * 32)
    check(entry, 7, "ab" * 32)
    for at in range(len(entry.body)):
        body = bytearray(entry.body)
        body[at] ^= 1
        with pytest.raises(ChainBroken):
            check(replace(entry, body=bytes(body)), 7, "ab" * 32)
    wrong: list[dict[str, Any]] = [
        {"seq": 8},
        {"cycle": 4},
        {"kind": "Fille"},
        {"prev": "ac" * 32},
        {"hash": "0" * 64},
    ]
    for change in wrong:
        with pytest.raises(ChainBroken):
            check(replace(entry, **change), 7, "ab" * 32)


def test_no_part_of_an_entry_can_be_moved_to_its_neighbour() -> None:
    # "3|Halted" and "3|1|Halted" must not be confused whatever the fields hold.
    one = entry_hash(GENESIS, 1, 13, "Halted", b"{}")
    assert one != entry_hash(GENESIS, 11, 3, "Halted", b"{}")
    assert one != entry_hash(GENESIS, 1, 1, "3|Halted", b"{}")


# --- the file -------------------------------------------------------------------------------------


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The journal of a small run."""
    path = tmp_path / "journal.sqlite"
    cook(Recipe(4, days=12)).run(journal=path)
    return path


def tampered(path: Path, sql: str, *values: Any) -> None:
    """Change a journal as somebody with the file and a tool would."""
    db = sqlite3.connect(path)
    db.execute("DROP TRIGGER no_update")
    db.execute("DROP TRIGGER no_delete")
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f'DROP TRIGGER "{name}"')
    db.execute(sql, values)
    db.commit()
    db.close()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE journal SET cycle = cycle + 1 WHERE seq = 9",
        "UPDATE journal SET kind = 'Marked' WHERE seq = 1",
        "UPDATE journal SET body = CAST(lower(CAST(body AS TEXT)) || ' ' AS BLOB) WHERE seq = 1",
        "UPDATE journal SET body = CAST(CAST(body AS BLOB) || X'20' AS BLOB) WHERE seq = 9",
        "UPDATE journal SET prev = hash WHERE seq = 9",
        "UPDATE journal SET hash = prev WHERE seq = 9",
        "DELETE FROM journal WHERE seq = 9",
        "DELETE FROM journal WHERE seq = 0",
        "UPDATE journal SET seq = 999999 WHERE seq = 9",
    ],
)
def test_a_changed_row_is_found(journal: Path, sql: str) -> None:
    tampered(journal, sql)
    with pytest.raises(ChainBroken):
        list(read_entries(journal))


def test_an_end_that_was_cut_off_has_another_head(journal: Path) -> None:
    head = list(read_entries(journal))[-1].hash
    tampered(journal, "DELETE FROM journal WHERE seq > 20")
    assert list(read_entries(journal))[-1].hash != head


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE journal SET body = X'7B7D' WHERE seq = 3",
        "DELETE FROM journal WHERE seq = 3",
        "INSERT OR REPLACE INTO journal VALUES (3, 0, 'Halted', X'7B7D', '', '')",
        "REPLACE INTO journal VALUES (3, 0, 'Halted', X'7B7D', '', '')",
    ],
)
def test_the_file_refuses_to_change_what_was_written(journal: Path, sql: str) -> None:
    before = list(read_entries(journal))
    db = sqlite3.connect(journal)
    try:
        with pytest.raises(sqlite3.DatabaseError, match="append-only"):
            db.execute(sql)
    finally:
        db.rollback()
        db.close()
    assert list(read_entries(journal)) == before


def test_appending_goes_on_after_reopening_and_a_failed_append_leaves_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "j.sqlite"
    one = SqliteJournal(path)
    one.append((Halted("a", 0), Halted("b", 0)), 0)
    head = one.head
    other = SqliteJournal(path)
    assert (other.head, other.next_seq) == (head, 2)
    other.append((Halted("c", 0),), 1)
    with pytest.raises(LedgerError):
        one.append((Halted("d", 0),), 1)  # a second writer: its number is taken
    one.close()
    other.close()
    causes = [decode(e.kind, e.body) for e in read_entries(path)]
    assert [e.cause for e in causes if isinstance(e, Halted)] == ["a", "b", "c"]


def outcome(path: Path) -> list[Entry] | str:
    """What reading a file gives: its entries, or the name of the error of ours."""
    try:
        return list(read_entries(path))
    except LedgerError as error:
        return type(error).__name__


def test_a_file_that_was_cut_short_is_an_error_or_the_same_entries(journal: Path) -> None:
    whole, data = outcome(journal), journal.read_bytes()
    assert isinstance(whole, list)
    for share in (0.0, 0.001, 0.1, 0.5, 0.9, 0.999):
        journal.write_bytes(data[: int(len(data) * share)])
        found = outcome(journal)
        assert isinstance(found, str) or found == whole
    assert outcome(journal.parent / "nowhere.sqlite") == "LedgerError"


def test_a_flipped_byte_anywhere_in_the_file_is_never_read_as_another_history(
    journal: Path,
) -> None:
    whole, data = outcome(journal), journal.read_bytes()
    found_out = 0
    for at in np.random.default_rng(5).integers(0, len(data), 120).tolist():
        changed = bytearray(data)
        changed[at] ^= 0x10
        journal.write_bytes(bytes(changed))
        found = outcome(journal)
        assert isinstance(found, str) or found == whole
        found_out += isinstance(found, str)
    assert found_out > 60


# --- the laws say no ------------------------------------------------------------------------------


def book_of(**changed: Any) -> Book:
    """A book of two pods and two names that obeys every law, changed."""
    return replace(open_book(2, 2, 1_000), **changed)


def i64(*values: int) -> Any:
    """A column of whole numbers."""
    return np.array(values, dtype=np.int64)


@pytest.mark.parametrize(
    ("law", "changed"),
    [
        ("law 3", {"nav": 999}),
        ("ascending", {"key_s": i64(2, 1), "lots_s": i64(1, 1), "want_s": i64(1, 1)}),
        ("ascending", {"key_s": i64(1, 1), "lots_s": i64(1, 1), "want_s": i64(1, 1)}),
    ],
)
def test_broken_books_are_named(law: str, changed: dict[str, Any]) -> None:
    assert_laws(book_of())
    with pytest.raises(LawBroken, match=law):
        assert_laws(book_of(**changed))


@pytest.mark.parametrize(("status", "want"), [(PodStatus.CLOSED, 0), (PodStatus.CLOSING, 1)])
def test_law_6_names_the_pod_that_should_be_gone(status: PodStatus, want: int) -> None:
    wrong = book_of(
        status_p=np.array([0, status], dtype=np.int8),
        key_s=i64(2),
        lots_s=i64(1),
        want_s=i64(want),
    )
    with pytest.raises(LawBroken, match="law 6"):
        assert_laws(wrong)


def test_law_2_names_the_asset_and_the_cash() -> None:
    book = book_of(key_s=i64(1, 3), lots_s=i64(5, -2), want_s=i64(5, -2))
    assert_statement(book, Statement(1_000, i64(0, 3)))
    with pytest.raises(LawBroken, match="asset 1"):
        assert_statement(book, Statement(1_000, i64(0, 5)))
    with pytest.raises(LawBroken, match="cash"):
        assert_statement(book, Statement(999, i64(0, 3)))


def test_law_8_names_the_name() -> None:
    book = book_of(key_s=i64(1, 3), lots_s=i64(0, 0), want_s=i64(9, -2), mark_n=i64(1, 10))
    assert_caps(book, Caps(ticker=0.07))
    with pytest.raises(LawBroken, match="asset 1"):
        assert_caps(book, Caps(ticker=0.069))


def test_law_1_names_a_cross_that_does_not_cancel() -> None:
    one = i64(5, -4)
    kinds = i64(FillKind.CROSS, FillKind.CROSS)
    event = Filled(i64(0, 1), i64(0, 0), one, i64(7, 7), i64(0, 0), kinds, i64(0, 0))
    with pytest.raises(LawBroken, match="law 1"):
        assert_balanced(event)
    assert_balanced(replace(event, lots_r=i64(5, -5)))


def test_a_fill_without_a_slot_is_refused_by_the_fold() -> None:
    zero = i64(0)
    event: Event = Filled(zero, zero, i64(1), i64(1), zero, zero, zero)
    with pytest.raises(LedgerError, match="neither held nor wanted"):
        apply(event, book_of())


def test_a_fund_is_opened_with_all_its_money_in_the_centre() -> None:
    book = opening(FundOpened(77, ("a",), ("X", "Y"), ("", ""), "r", "d"))
    assert (book.reserve, book.nav, len(book.cash_p), len(book.mark_n)) == (77, 77, 1, 2)
