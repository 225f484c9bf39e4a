"""Vendors of market data, one file (or folder) each. A vendor is pure: it does no I/O of its own.

A vendor's module offers

    NAME                       as in `podshop data sync --vendor NAME` and in the rows' `source`
    TABLES                     the tables of `market.tables` that it can fill
    BASE_URL, HEADERS          where it lives, and what it wants to be told
    PER_MINUTE                 requests a minute that it allows
    KEY                        (environment variable, query parameter) of its key; None = no key
    requests(wanted)           what to ask, as `Request`s, in a fixed order
    follow(request, body, wanted)  further requests that an answer leads to (the next page)
    rows(request, body)        an answer as rows of tables; DataError where it is no such answer
    refusal(status, body)      why an answer is an error, whatever its status; None = it is none:
                               "limit" (too many requests), "quota" (of the day), "key", "plan",
                               "nothing" (an answer too), "again: why" (worth asking again), or
                               another text, which is final

`adapters/web` asks politely (limit, retries, cache of raw answers), `data/sync.py` drives it, and
the store keeps the rows. So a vendor can be tested on recorded answers alone, and what was once
fetched is read again without the network.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from podshop.domain.error import ConfigError

if TYPE_CHECKING:
    import polars as pl


ABOUT = {
    "profiles": "symbol name exchange type currency country cik isin sector industry listed",
    "renames": "symbol new date",
    "delistings": "symbol name exchange listed date",
    "split_adjusted": "symbol date open high low close volume source",
}
"""What vendors tell besides rows of tables: who a symbol is, its new name from a day on, its end,
and bars that are adjusted for the splits known when they were fetched."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a sync asks a vendor for.

    Attributes:
        tables: names of tables.
        symbols: the vendor's symbols; empty = everything that it has.
        start: first day.
        end: last day, included.
    """

    tables: tuple[str, ...]
    symbols: tuple[str, ...]
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a vendor; equal questions are asked once.

    Attributes:
        vendor: the vendor's NAME.
        endpoint: what is asked, the name under which the answer is filed.
        path: path below BASE_URL, or a whole URL where a vendor lives in several places.
        params: query parameters, without the key, in a fixed order.
        covers: last day that the answer speaks of; an answer fetched some days after it is final.
            None = the answer may change any day.
        fresh_hours: how long an answer that is not final need not be asked for again.
        about: what it is about where the answer does not say so; kept with it, never sent.
    """

    vendor: str
    endpoint: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    covers: date | None = None
    fresh_hours: float = 20.0
    about: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table as a vendor tells them.

    Attributes:
        table: name of a table in `market.tables`, or of `ABOUT`.
        frame: its columns, or some of them; `symbol` is the vendor's, `security_id` is not there.
    """

    table: str
    frame: "pl.DataFrame"


class Vendor(Protocol):
    """The functions of a vendor's module."""

    NAME: str
    TABLES: tuple[str, ...]
    BASE_URL: str
    HEADERS: dict[str, str]
    PER_MINUTE: int
    KEY: tuple[str, str] | None

    def requests(self, wanted: Wanted) -> Iterator[Request]:
        """What to ask."""

    def follow(self, request: Request, body: bytes, wanted: Wanted) -> Iterator[Request]:
        """Further requests that an answer leads to."""

    def rows(self, request: Request, body: bytes) -> list[Rows]:
        """An answer as rows."""

    def refusal(self, status: int, body: bytes) -> str | None:
        """Why an answer is an error."""


def find(name: str) -> ModuleType:
    """Find a vendor's module by its name.

    Raises:
        ConfigError: there is no such vendor.
    """
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise ConfigError(f'there is no vendor "{name}"') from error
