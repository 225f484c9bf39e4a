"""What every allocator must do: played on every file in `podshop.capital` that has `Params`."""

import dataclasses
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.funds import live, plain, pod, steady

from podshop.capital.allocation import allocate, budget
from podshop.domain.book import Book, open_book
from podshop.domain.event import Allocated
from podshop.domain.pod import PodStatus
from podshop.domain.rules import Allocator
from podshop.rulebook import plugins

NAV = 1_000_000_000_000
NAMES = plugins.names("allocator")
EXPECTED = {"equal", "hrp", "inverse_volatility", "kelly", "own", "risk_parity", "sharpe"}
EXPECTED |= {"minimum_variance", "shrunk_sharpe", "tiers"}
BOOKS = 150
EPS = 1e-9

every_allocator = pytest.mark.parametrize("name", NAMES)


def offer(name: str, **changes: Any) -> tuple[Any, Any]:
    """The `shares` of an allocator and its parameters, with those changes that it knows."""
    module = import_module(f"podshop.capital.{name}")
    known = {field.name for field in dataclasses.fields(module.Params)}
    return module.shares, module.Params(**{k: v for k, v in changes.items() if k in known})


def random_book(seed: int, days: int = 70, cut: bool = True) -> Book:
    """Pods in every state, with what markets and ladders do to them."""
    r = np.random.default_rng(seed)
    pods = int(r.integers(1, 9))
    common = r.normal(0.0, 0.004, (days, 1)) * r.uniform(-0.3, 1.0, pods)
    level = 10.0 ** r.uniform(-4, -1.5, pods)
    returns = common + r.normal(r.normal(0.0, 0.1, pods), 1.0, (days, pods)) * level
    returns[:, r.random(pods) < 0.15] = 0.0  # never moved
    returns[: days // 2, r.random(pods) < 0.1] = 0.0  # began late
    status = r.choice([0, 0, 0, 0, 1, 2, 3], pods).astype(np.int8)
    keep = np.where(r.random(pods) < 0.3, r.choice([0.75, 0.5, 0.25], pods), 1.0)
    keep = keep if cut else np.ones(pods)
    share = r.dirichlet(np.ones(pods)) * r.uniform(0.5, 1.0)
    share[(status == PodStatus.CLOSED) | (r.random(pods) < 0.1)] = 0.0
    nominal = (share * NAV).astype(np.int64) * int(r.random() < 0.9)
    nav = (nominal * keep).astype(np.int64)
    book = dataclasses.replace(
        open_book(pods, 1, NAV),
        status_p=status,
        keep_p=keep,
        nominal_p=nominal,
        nav_p=nav,
        returns_hp=returns,
        rate_h=np.full(days, 0.0001),
        reserve=NAV - int(nav.sum()),
    )
    for column in (status, keep, nominal, nav, returns):
        column.flags.writeable = False
    return book


def permuted(book: Book, order: npt.NDArray[np.int64]) -> Book:
    """The same book with its pods named in another order."""
    by_pod = ("status_p", "keep_p", "nominal_p", "nav_p")
    columns = {name: getattr(book, name)[order] for name in by_pod}
    return dataclasses.replace(book, returns_hp=book.returns_hp[:, order], **columns)


def test_every_allocator_is_played() -> None:
    assert set(NAMES) == EXPECTED


@every_allocator
def test_sums_and_caps_hold_and_the_closed_get_nothing(name: str) -> None:
    shares, p = offer(name, lookback_days=60)
    for seed in range(BOOKS):
        book = random_book(seed)
        got = shares(book, p)
        alive = book.status_p < PodStatus.CLOSING
        assert got.shape == alive.shape, seed
        assert np.isfinite(got).all(), seed
        assert (got >= 0.0).all(), seed
        assert (got[~alive] == 0.0).all(), seed
        # What a cut leaves unused may be nominal capital of another: what is used counts.
        room = budget(book, p.cash) if hasattr(p, "cash") else 1.0
        assert (got * book.keep_p).sum() <= room + EPS, seed
        assert (got <= getattr(p, "max", 1.0) + EPS).all(), seed
        allocate(book, got, "contract")


@every_allocator
def test_floors_hold_for_pods_without_a_cut_where_there_is_room(name: str) -> None:
    shares, p = offer(name, lookback_days=60, min=0.06)
    for seed in range(BOOKS):
        book = random_book(seed)
        whole = (book.status_p < PodStatus.CLOSING) & (book.keep_p >= 1.0)
        if hasattr(p, "min") and 0.06 * len(whole) <= budget(book, p.cash):
            assert (shares(book, p)[whole] >= 0.06 - EPS).all(), seed


@every_allocator
def test_the_same_book_gives_the_same_bits(name: str) -> None:
    shares, p = offer(name, lookback_days=60)
    for seed in range(0, BOOKS, 5):
        assert shares(random_book(seed), p).tobytes() == shares(random_book(seed), p).tobytes()


@every_allocator
def test_the_order_of_the_pods_does_not_matter(name: str) -> None:
    shares, p = offer(name, lookback_days=60)
    for seed in range(BOOKS):
        book = random_book(seed)
        order = np.random.default_rng(seed).permutation(len(book.status_p))
        assert shares(permuted(book, order), p) == pytest.approx(shares(book, p)[order], abs=EPS)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "own"])
def test_without_a_history_or_a_movement_everybody_gets_the_same(name: str) -> None:
    shares, p = offer(name, lookback_days=60)
    for seed in range(20):
        book = dataclasses.replace(
            random_book(seed, cut=False), nominal_p=np.zeros_like(random_book(seed).nominal_p)
        )
        alive = book.status_p < PodStatus.CLOSING
        if not alive.any():
            continue
        short = dataclasses.replace(book, returns_hp=book.returns_hp[:59], rate_h=book.rate_h[:59])
        want = min(budget(book, p.cash) / alive.sum(), p.max)
        assert shares(short, p)[alive] == pytest.approx(want)
        if name != "kelly":  # which leaves cash where nobody has shown anything
            still = dataclasses.replace(book, returns_hp=np.zeros_like(book.returns_hp))
            assert shares(still, p)[alive] == pytest.approx(want)


@every_allocator
def test_a_fund_that_is_worth_nothing_gives_nothing(name: str) -> None:
    shares, p = offer(name, lookback_days=60)
    for seed in range(10):
        book = random_book(seed)
        poor = dataclasses.replace(book, nav=0, nav_p=np.zeros_like(book.nav_p), reserve=0)
        assert (shares(poor, p) == 0.0).all()


@every_allocator
def test_a_fund_runs_on_it(name: str) -> None:
    shares, p = offer(name, lookback_days=30)
    r = np.random.default_rng(6)
    close = 100.0 * np.cumprod(1.0 + r.normal(0.001, 0.01, (90, 3)), axis=0)
    pods = [pod(f"pod{k}", steady({k: 0.3 + 0.3 * k}), "month") for k in range(3)]
    fund = plain(close, *pods, schedule="week")
    allocator = Allocator(name, partial(shares, p=p), "week", getattr(p, "cash", 0.0))
    fund = dataclasses.replace(fund, rules=dataclasses.replace(fund.rules, allocator=allocator))
    given = []
    for session in live(fund):
        events = session.plan.events
        given += [event.share_p for event in events if isinstance(event, Allocated)]
        assert session.book.reserve >= 0
    assert len(given) > 15
    assert name == "equal" or not np.array_equal(given[0], given[-1]), "it never changed its mind"
