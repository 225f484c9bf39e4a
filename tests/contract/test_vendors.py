"""Cards that every vendor's module must pass, whichever there are."""

import pkgutil
from datetime import date

import pytest

from podshop.adapters import vendors
from podshop.adapters.vendors import ABOUT, Wanted, find
from podshop.domain.error import ConfigError
from podshop.market.tables import TABLES

NAMES = sorted(found.name for found in pkgutil.iter_modules(vendors.__path__))
OFFERED = ("requests", "follow", "rows", "refusal")
SPAN = (date(2023, 1, 2), date(2023, 1, 10))
each = pytest.mark.parametrize("name", NAMES)


@each
def test_a_vendor_says_what_it_is(name: str) -> None:
    vendor = find(name)
    assert name == vendor.NAME
    assert vendor.TABLES
    assert set(vendor.TABLES) <= set(TABLES) | set(ABOUT)
    assert vendor.BASE_URL.startswith("https://")
    assert vendor.PER_MINUTE > 0
    assert vendor.KEY is None or (len(vendor.KEY) == 2 and vendor.KEY[0].isupper())
    assert all(callable(getattr(vendor, offer)) for offer in OFFERED)


@each
@pytest.mark.parametrize("symbols", [(), ("AAPL", "MSFT")], ids=["everything", "two"])
def test_the_same_want_asks_the_same_questions_in_the_same_order(
    name: str, symbols: tuple[str, ...]
) -> None:
    vendor = find(name)
    wanted = Wanted(vendor.TABLES, symbols, *SPAN)
    asked = list(vendor.requests(wanted))
    assert asked == list(vendor.requests(wanted))
    assert {request.vendor for request in asked} <= {name}
    key = vendor.KEY[1] if vendor.KEY else ""
    assert not [r for r in asked if key and key in dict(r.params)]


@each
def test_asking_for_nothing_asks_nothing(name: str) -> None:
    assert list(find(name).requests(Wanted((), ("AAPL",), *SPAN))) == []


@each
def test_a_page_of_html_and_an_empty_body_are_never_data(name: str) -> None:
    vendor = find(name)
    for body in (b"", b"<!DOCTYPE html><html><body>Just a moment...</body></html>"):
        assert vendor.refusal(200, body) is not None


def test_an_unknown_vendor_is_named() -> None:
    with pytest.raises(ConfigError, match='there is no vendor "nobody"'):
        find("nobody")
