"""What every vendor keeps, whichever files lie in the folder: `adapters.vendors` says it."""

import builtins
import io
import pkgutil
import re
import socket
from collections.abc import Iterator
from datetime import date
from types import ModuleType
from typing import Any, NoReturn

import pytest

from podshop.adapters import vendors
from podshop.adapters.vendors import Request, Wanted
from podshop.domain.error import ConfigError, DataError
from podshop.market.tables import TABLES

NAMES = sorted(found.name for found in pkgutil.iter_modules(vendors.__path__))
SECRET = "s3cr3t-k3y-0f-th3-t3st"

WANTED = [
    Wanted(tuple(TABLES), (), date(2024, 1, 2), date(2024, 1, 12)),
    Wanted(tuple(TABLES), ("AAPL", "BRK.B"), date(2023, 12, 20), date(2024, 1, 12)),
]
SERIES_ONLY = ("fred",)
"""Vendors that know series of their own, and no shares."""

NONSENSE = {
    "empty": b"",
    "blank": b" \r\n",
    "html": b"<!DOCTYPE html>\n<html><head><title>Sorry</title></head></html>",
    "store": b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>',
    "cut off": b'{"data": [{"symbol": "AAPL", "clo',
}


@pytest.fixture(params=NAMES)
def vendor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Every vendor there is, with a contact and a key in the environment."""
    monkeypatch.setenv("PODSHOP_CONTACT", "desk@example.com")
    module = vendors.find(request.param)
    if module.KEY is not None:
        monkeypatch.setenv(module.KEY[0], SECRET)
    return module


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file and no socket can be opened from here on."""

    def forbidden(*args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError(f"a vendor did I/O of its own: {args!r}")

    monkeypatch.setattr(socket, "socket", forbidden)
    monkeypatch.setattr(socket, "create_connection", forbidden)
    monkeypatch.setattr(builtins, "open", forbidden)
    monkeypatch.setattr(io, "open", forbidden)


def asked(vendor: ModuleType) -> Iterator[Request]:
    """Everything that a vendor asks at first; symbols that it cannot know are an error."""
    for wanted in WANTED:
        try:
            questions = list(vendor.requests(wanted))
        except ConfigError:
            assert vendor.NAME in SERIES_ONLY
            continue
        yield from questions


def test_the_public_vendors_are_there() -> None:
    assert {"cboe", "finra", "fred", "french", "nasdaq", "news", "sec"} <= set(NAMES)


def test_a_vendor_says_who_it_is_and_what_it_allows(vendor: ModuleType) -> None:
    assert vendor.__name__ == f"podshop.adapters.vendors.{vendor.NAME}"
    assert vendor.TABLES
    assert set(vendor.TABLES) <= set(TABLES)
    assert re.fullmatch(r"https://[^/].*[^/]|https://[^/]+/?", vendor.BASE_URL)
    assert 0 < vendor.PER_MINUTE <= 600
    assert all(isinstance(word, str) for pair in vendor.HEADERS.items() for word in pair)
    if vendor.KEY is not None:
        variable, parameter = vendor.KEY
        assert variable.isupper()
        assert parameter
    for function in ("requests", "follow", "rows", "refusal"):
        assert callable(getattr(vendor, function))


def test_a_vendor_asks_the_same_in_the_same_order(vendor: ModuleType, alone: None) -> None:
    first, second = list(asked(vendor)), list(asked(vendor))
    assert first == second
    assert first


def test_a_question_is_whole_and_without_secrets(vendor: ModuleType, alone: None) -> None:
    for request in asked(vendor):
        assert request.vendor == vendor.NAME
        assert request.endpoint
        assert not request.path.startswith("/")
        assert SECRET not in repr(request)
        assert vendor.KEY is None or vendor.KEY[1] not in dict(request.params)
        assert request.fresh_hours > 0
        assert re.match(r"https?://", request.path) or "://" not in request.path
    assert SECRET not in repr(vendor.HEADERS)


def test_a_vendor_of_other_tables_is_not_asked(vendor: ModuleType) -> None:
    other = tuple(set(TABLES) - set(vendor.TABLES))
    assert list(vendor.requests(Wanted(other, ("AAPL",), date(2024, 1, 2), date(2024, 1, 5)))) == []


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_is_refused_or_an_error_that_names_the_question(
    vendor: ModuleType, kind: str, alone: None
) -> None:
    body = NONSENSE[kind]
    for request in {request.endpoint: request for request in asked(vendor)}.values():
        if vendor.refusal(200, body):
            continue
        with pytest.raises(DataError) as caught:
            _ = vendor.rows(request, body), list(vendor.follow(request, body))
        assert vendor.NAME in str(caught.value)
        assert request.endpoint in str(caught.value)


@pytest.mark.parametrize("kind", ["empty", "html", "store"])
def test_a_status_of_an_error_is_always_refused(vendor: ModuleType, kind: str) -> None:
    for status in (403, 404, 429, 500, 503):
        reason = vendor.refusal(status, NONSENSE[kind])
        assert reason
        assert SECRET not in reason


def test_a_missing_vendor_is_named() -> None:
    with pytest.raises(ConfigError, match='no vendor "nobody"'):
        vendors.find("nobody")
