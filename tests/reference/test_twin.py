"""The slow twin and the real day must agree to the last micro, lot and bit, on every day."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.funds import Fund, cook, random_recipe
from tests.reference.day import Twin

from podshop.adapters.stores.sqlite import read_entries
from podshop.domain.book import Book
from podshop.domain.event import CycleClosed, Filled, FillKind, OrderIntended, Part
from podshop.ledger.entry import decode
from podshop.ledger.replay import apply, opening
from podshop.research.run import Run


def journalled(path: Path) -> list[tuple[Book, list[Any], list[Any]]]:
    """(book, fills, orders) after every cycle, from the journal alone."""
    book: Book | None = None
    out: list[tuple[Book, list[Any], list[Any]]] = []
    fills: list[Any] = []
    orders: list[Any] = []
    for entry in read_entries(path):
        event = decode(entry.kind, entry.body)
        book = opening(event) if book is None else apply(event, book)
        if isinstance(event, Filled):
            kinds = [FillKind(k).name.lower() for k in event.kind_r.tolist()]
            columns = (event.pod_r, event.asset_r, event.lots_r, event.price_r, event.fee_r)
            fills += zip(*(c.tolist() for c in columns), kinds, event.order_r.tolist(), strict=True)
        if isinstance(event, OrderIntended):
            o = event.orders
            orders = list(zip(o.id_o.tolist(), o.asset_o.tolist(), o.lots_o.tolist(), strict=True))
        if isinstance(event, CycleClosed):
            assert event.book == book.digest()
            out.append((book, fills, orders))
            fills, orders = [], []
    return out


def positions(book: Book, column: Any) -> dict[tuple[int, int], int]:
    """(pod, asset) -> lots of one column of the slots, where there are any."""
    n = len(book.mark_n)
    pairs = zip(book.key_s.tolist(), column.tolist(), strict=True)
    return {(key // n, key % n): lots for key, lots in pairs if lots}


def assert_same_book(twin: Twin, book: Book, where: str) -> None:
    pods = twin.pods
    held = {(p, i): x for p, pod in enumerate(pods) for i, x in pod.lots.items()}
    wanted = {(p, i): x for p, pod in enumerate(pods) for i, x in pod.want.items()}
    assert positions(book, book.lots_s) == held, where
    assert positions(book, book.want_s) == wanted, where
    assert book.mark_n.tolist() == twin.mark, where
    for name in ("cash", "nav", "nominal", "unit", "peak", "keep", "rung", "status"):
        ours = [getattr(pod, name) for pod in pods]
        assert getattr(book, f"{name}_p").tolist() == ours, f"{where} {name}"
    if twin.rules.keep != 1.0:
        assert (book.skimmed, book.mark) == (twin.skim, twin.high), where
    whole = (book.reserve, book.nav, book.fund_unit, book.fund_peak, book.halted, book.cycle)
    assert whole == (twin.reserve, twin.nav, twin.unit, twin.peak, twin.halted, twin.cycle), where


def assert_same_parts(twin: Twin, run: Run, d: int, where: str) -> None:
    _, payoff = run.tape.payoffs[d]
    rows = zip(payoff.pod_r.tolist(), payoff.asset_r.tolist(), payoff.part_r.tolist(), strict=True)
    theirs = {
        (pod, asset, Part(part).name.lower()): amount
        for (pod, asset, part), amount in zip(rows, payoff.amount_r.tolist(), strict=True)
    }
    assert theirs == {key: x for key, x in twin.parts.items() if x}, where
    by_pod = np.zeros_like(run.tape.part_dpk[d])
    for (pod, _, part), amount in twin.parts.items():
        by_pod[pod, Part[part.upper()]] += amount
    assert (run.tape.part_dpk[d] == by_pod).all(), where


def assert_twins(fund: Fund, folder: Path) -> Run:
    """Run a fund both ways and compare everything after every session."""
    path = folder / "journal.sqlite"
    run, twin = fund.run(journal=path), Twin(fund)
    days = journalled(path)
    assert len(days) == len(fund.panel) - fund.recipe.start
    for d, (book, fills, orders) in enumerate(days):
        where = f"session {d} of {fund.recipe}"
        twin.settle(d + fund.recipe.start)
        assert sorted(fills) == sorted(twin.fills), where
        twin.decide(d + fund.recipe.start)
        assert_same_book(twin, book, where)
        assert_same_parts(twin, run, d, where)
        assert orders == twin.orders, where
        assert run.tape.nav_d[d] == twin.nav, where
        assert run.tape.cash_d[d] == twin.broker_cash, where
    assert not run.book.blocked
    return run


@pytest.mark.parametrize("seed", range(40))
def test_the_day_is_what_its_slow_twin_says(seed: int, tmp_path: Path) -> None:
    assert_twins(cook(random_recipe(seed, days=45)), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1300))
def test_the_day_is_what_its_slow_twin_says_at_length(seed: int, tmp_path: Path) -> None:
    assert_twins(cook(random_recipe(seed, days=130)), tmp_path)
