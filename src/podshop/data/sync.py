"""Fill the market store from a vendor: ask for what is missing, then take in what was answered.

Every answer is on disk before more is asked, and the store changes in one commit at the end. So a
sync can be stopped at any point, by whatever; the same command goes on where it stopped, and a
second one asks for nothing that is still current.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from tempfile import gettempdir
from types import ModuleType
from typing import TYPE_CHECKING

from podshop.adapters.stores.market import MarketStore
from podshop.adapters.vendors import Request, Rows, Wanted, find
from podshop.adapters.web.answers import Answer, Answers, name_of
from podshop.adapters.web.client import Web
from podshop.adapters.web.limiter import Limiter
from podshop.data.ingest import ingest
from podshop.domain.error import ConfigError, DataError, FundError

if TYPE_CHECKING:
    import polars as pl

Progress = Callable[[int, int], None]
WORKERS = 4
"""Requests under way at once: enough to use the limit when an answer takes a second."""


@dataclass(frozen=True, slots=True)
class Access:
    """How a vendor is reached.

    Attributes:
        key: its key; "" = from the environment.
        base_url: another address than its own (a proxy, a test).
        per_minute: requests a minute; None = as the vendor allows.
        window_s: seconds over which the vendor counts requests.
    """

    key: str = field(default="", repr=False)
    base_url: str | None = None
    per_minute: float | None = None
    window_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did.

    Attributes:
        asked: requests sent.
        answers: answers that were new to the store.
        rows: rows offered to each table.
        quarantined: rows set aside; an answer that cannot be read counts as one.
        version: the store's version.
        symbols: the symbols that were asked for, lists replaced by their members.
    """

    asked: int
    answers: int
    rows: dict[str, int]
    quarantined: int
    version: int
    symbols: tuple[str, ...]


def sync(
    store: MarketStore,
    vendor: str,
    wanted: Wanted,
    access: Access,
    progress: Progress | None = None,
) -> Synced:
    """Bring a store up to date.

    Args:
        store: the store.
        vendor: name of a module in `adapters/vendors`.
        wanted: tables, symbols and days; a symbol may be the name of a list, such as sp500.
        access: how the vendor is reached.
        progress: called with (questions answered, questions known of).

    Raises:
        ConfigError: the key is missing or refused, the plan does not include something, another
            process writes to the store.
        DataError: the vendor cannot be reached or answers nonsense; what was answered is kept.
    """
    module = find(vendor)
    unknown = sorted(set(wanted.tables) - set(module.TABLES))
    if unknown:
        raise ConfigError(
            f"{vendor} has no {', '.join(unknown)}; it has {', '.join(module.TABLES)}"
        )
    with store.writing() as writer:
        web = _web(store.folder, module, access)
        stopped: FundError | None = None
        try:
            wanted = _expanded(web, wanted)
            for done, total in _fetch(web, wanted):
                if progress is not None:
                    progress(done, total)
        except FundError as error:
            stopped = error  # told below, when what has come is in the store
        finally:
            web.close()
        fresh = _unread(store, web.answers, vendor)
        told, unreadable = _read(module, fresh)
        tables = ingest(store, told, vendor)
        for name, rows in tables.items():
            if name == "symbols":
                writer.replace(name, rows)
            else:
                writer.put(name, rows)
        writer.put("quarantine", _set_aside(unreadable))
        writer.ingest([a.id for a in fresh if a.id not in {bad.id for bad, _ in unreadable}])
        version = writer.commit()
        for answer, _ in unreadable:
            web.answers.forget(answer)  # so that the next sync asks for it anew
    if stopped is not None:
        raise stopped
    counts = {n: f.height for n, f in tables.items() if n != "quarantine" and f.height}
    aside = tables["quarantine"].height + len(unreadable)
    return Synced(web.asked, len(fresh), counts, aside, version, wanted.symbols)


def _web(folder: Path, module: ModuleType, access: Access) -> Web:
    key = access.key
    if module.KEY is not None and not key:
        key = os.environ.get(module.KEY[0], "")
        if not key:
            raise ConfigError(
                f"{module.NAME} needs a key: set the environment variable {module.KEY[0]}"
            )
    contact = ""
    if getattr(module, "CONTACT", False):
        contact = os.environ.get("PODSHOP_CONTACT", "")
        if not contact:
            raise ConfigError(
                f"{module.NAME} wants to know who asks: "
                "set PODSHOP_CONTACT to a name and an address of mail"
            )
    rate = access.per_minute or module.PER_MINUTE
    if access.base_url is None:
        rate = min(rate, module.PER_MINUTE)  # another address may have another limit
    limiter = Limiter(_turnstile(module.NAME, access.base_url), rate)
    answers = Answers(folder / "answers")
    return Web(module, answers, limiter, key, contact, access.base_url, window_s=access.window_s)


def _turnstile(vendor: str, base_url: str | None) -> Path:
    """The file by which all processes of this user take turns at one address of a vendor.

    The vendor counts by key, not by store: two stores that are filled at once share its limit.
    """
    where = blake2b((base_url or "").encode(), digest_size=6).hexdigest()
    return Path(gettempdir()) / f"podshop-{os.getuid()}" / "limits" / f"{vendor}-{where}.gcra"


def _fetch(web: Web, wanted: Wanted) -> Iterator[tuple[int, int]]:
    """Ask everything, wave after wave: an answer may lead to further questions."""
    vendor = web.vendor
    pool = ThreadPoolExecutor(WORKERS)
    try:
        wave = list(dict.fromkeys(vendor.requests(wanted)))
        done, seen = 0, set(wave)
        while wave:
            following: list[Request] = []
            # What was never answered comes first, so that a small quota gets everywhere in time.
            wave.sort(key=web.answers.has)
            for request, answer in zip(wave, pool.map(web.get, wave), strict=True):
                done += 1
                yield done, len(seen)
                if answer.status < 400:
                    for more in vendor.follow(request, answer.body, wanted):
                        if more not in seen:
                            seen.add(more)
                            following.append(more)
            wave = following
    finally:
        pool.shutdown(cancel_futures=True)


def _expanded(web: Web, wanted: Wanted) -> Wanted:
    """The symbols with the names of lists replaced by their members."""
    universe = getattr(web.vendor, "universe", None)
    symbols: set[str] = set()
    for name in wanted.symbols:
        questions = universe(name) if universe is not None else []
        if not questions:
            symbols.add(name)
        for question in questions:
            symbols.update(web.vendor.members(web.get(question).body))
    return Wanted(wanted.tables, tuple(sorted(symbols)), wanted.start, wanted.end)


def _unread(store: MarketStore, answers: Answers, vendor: str) -> list[Answer]:
    """The vendor's answers whose rows are not in the store yet."""
    known = store.ingested()
    return [a for a in answers.all() if a.request.vendor == vendor and a.id not in known]


def _read(
    module: ModuleType, answers: list[Answer]
) -> tuple[list[Rows], list[tuple[Answer, DataError]]]:
    """The rows of all answers, and the answers that are of no shape the vendor's module knows.

    One answer that cannot be read does not hold up the others.
    """
    told: list[Rows] = []
    unreadable: list[tuple[Answer, DataError]] = []
    # By day and question, so that threads that answer in another order make no other store.
    for answer in sorted(answers, key=lambda a: (a.fetched_at.date(), name_of(a.request))):
        if answer.status < 400:
            try:
                told += module.rows(answer.request, answer.body)
            except DataError as error:
                unreadable.append((answer, error))
    return told, unreadable


def _set_aside(unreadable: list[tuple[Answer, DataError]]) -> "pl.DataFrame":
    """Rows of table `quarantine` for answers that cannot be read: their first letters and why."""
    import polars as pl

    return pl.DataFrame(
        {
            "table": [f"answer of {a.request.vendor} {a.request.endpoint}" for a, _ in unreadable],
            "reason": [str(error) for _, error in unreadable],
            "row": [a.body[:500].decode(errors="replace") for a, _ in unreadable],
            "source": [a.request.vendor for a, _ in unreadable],
            "received_at": [a.fetched_at for a, _ in unreadable],
        },
        schema={
            "table": pl.String,
            "reason": pl.String,
            "row": pl.String,
            "source": pl.String,
            "received_at": pl.Datetime("us", "UTC"),
        },
    )
