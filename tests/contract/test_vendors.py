"""The contract of vendors, kept by every module in adapters/vendors."""

import builtins
import pkgutil
import socket
from datetime import date
from types import ModuleType

import pytest

from podshop.adapters import vendors
from podshop.adapters.vendors import Request, Wanted, find
from podshop.domain.error import ConfigError, DataError
from podshop.market.tables import TABLES

NAMES = sorted(module.name for module in pkgutil.iter_modules(vendors.__path__))
SYMBOLS = {
    "fred": ("DTB3",),
    "french": (),
    "cboe": ("VIX", "AAPL"),
    "sec": ("AAPL", "CIK0001067983"),
}
RUBBISH = {
    "empty": b"",
    "html": b"<!DOCTYPE html><html><head><title>Busy</title></head></html>",
    "cut off": b'{"filings": {"recent": {"form": ["4"',
    "words": b"no data today",
}


@pytest.fixture(params=NAMES)
def vendor(request: pytest.FixtureRequest) -> ModuleType:
    return find(request.param)


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network and no file while a vendor thinks."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a vendor does no I/O of its own")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(builtins, "open", refuse)


def wanted(vendor: ModuleType) -> Wanted:
    symbols = SYMBOLS.get(vendor.NAME, ("AAPL", "MSFT"))
    return Wanted(tuple(vendor.TABLES), symbols, date(2023, 1, 1), date(2023, 3, 31))


def test_it_says_what_it_is(vendor: ModuleType) -> None:
    assert vendor.NAME in NAMES
    assert set(vendor.TABLES) <= set(TABLES)
    assert vendor.BASE_URL.startswith("https://")
    assert 0 < vendor.PER_MINUTE <= 600
    assert vendor.KEY is None or (vendor.KEY[0].isupper() and len(vendor.KEY) == 2)
    assert all(isinstance(v, str) for v in vendor.HEADERS.values())


def test_it_asks_the_same_every_time_each_question_once_without_its_key(
    vendor: ModuleType, sealed: None
) -> None:
    asked = list(vendor.requests(wanted(vendor)))
    assert asked
    assert asked == list(vendor.requests(wanted(vendor)))
    assert len(asked) == len(set(asked))
    for question in asked:
        assert isinstance(question, Request)
        assert question.vendor == vendor.NAME
        if vendor.KEY is not None:
            assert vendor.KEY[1] not in dict(question.params)
            assert vendor.KEY[1] + "=" not in question.path


def test_it_asks_nothing_of_tables_that_nobody_wants(vendor: ModuleType) -> None:
    nothing = Wanted((), SYMBOLS.get(vendor.NAME, ("AAPL",)), date(2023, 1, 1), date(2023, 1, 31))
    assert list(vendor.requests(nothing)) == []


@pytest.mark.parametrize("kind", RUBBISH)
def test_rubbish_is_refused_or_raises_and_is_never_taken_for_data(
    vendor: ModuleType, kind: str, sealed: None
) -> None:
    body = RUBBISH[kind]
    for question in list(vendor.requests(wanted(vendor)))[:12]:
        if vendor.refusal(200, body) is not None:
            continue
        told = error = None
        try:
            told = vendor.rows(question, body)
        except DataError as caught:
            error = str(caught)
        if told is None:
            assert vendor.NAME.removesuffix("_legacy") in str(error)
        else:
            assert all(rows.frame.is_empty() for rows in told)


def test_a_refusal_is_one_of_the_words_or_a_sentence(vendor: ModuleType) -> None:
    words = {"limit", "quota", "key", "plan", "nothing"}
    for status in (200, 403, 404, 500):
        for body in RUBBISH.values():
            said = vendor.refusal(status, body)
            assert said is None or said in words or said.startswith("again: ") or " " in said


def test_a_vendor_that_is_none_is_named() -> None:
    with pytest.raises(ConfigError, match='there is no vendor "nobody"'):
        find("nobody")
