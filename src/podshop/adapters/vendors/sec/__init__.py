"""The SEC: filings, XBRL facts, insiders' trades (Form 4) and managers' holdings (13F).

How one question leads to the next:

1. With symbols: the map of tickers gives the number (CIK) of each; a symbol that is a number
   (`CIK0001067983`, as a manager of a 13F has no ticker) needs no map.
2. The submissions of a CIK name its filings; older ones are on pages named in `filings.files`.
3. Forms 4 and 13F-HR among them are fetched whole (.txt): only there is the moment of acceptance.
4. Without symbols: the daily index of each filing day, and the feed of the latest filings.

What follows needs to know what was wanted; that stands in the fragment of a path (`#tables=...`),
which no client sends.

Traps. `acceptanceDateTime` ends in Z but is New York's time. The filing date may be the day
after acceptance. A fact's fiscal year and period are those of the filing that repeats it;
restatements stay as several rows. Facts only tell the filing date: they are dated at ten in the
evening, when EDGAR closes, which is never too early; `filings.dated_by_acceptance` sharpens
that. The feed lists a filing for issuer and owner, and ends at 5,000.

The SEC wants a contact in the User-Agent (PODSHOP_CONTACT) and at most ten requests a second.

Recorded: everything here but the block page of a client without contact.
"""

import os
import re
from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlencode

from podshop.adapters.answers import object_of, page_refusal, rows_of, text_of, wrong
from podshop.adapters.vendors import Request, Rows, Wanted
from podshop.adapters.vendors.sec import filings, holdings, ownership
from podshop.domain.error import ConfigError
from podshop.market.business_days import filing_days

NAME = "sec"
TABLES: tuple[str, ...] = ("filings", "facts", "insider_trades", "holdings")
BASE_URL = "https://www.sec.gov"
HEADERS: dict[str, str]
PER_MINUTE = 540
KEY: tuple[str, str] | None = None

DATA_URL = "https://data.sec.gov"
FORMS = {"insider_trades": ("4", "4/A"), "holdings": ("13F-HR", "13F-HR/A")}
LATEST_PAGE, LATEST_END = 100, 5_000


def __getattr__(name: str) -> dict[str, str]:
    """HEADERS are made when they are asked for, because they name the person who asks.

    Raises:
        ConfigError: PODSHOP_CONTACT is not set to an address of e-mail.
    """
    if name != "HEADERS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    contact = os.environ.get("PODSHOP_CONTACT", "").strip()
    if not re.fullmatch(r"[\x20-\x7e]*[^\s@]+@[^\s@]+\.[^\s@]+", contact):
        raise ConfigError(
            "sec: the SEC answers only who names a contact; set PODSHOP_CONTACT to your address "
            "of e-mail, such as PODSHOP_CONTACT='Jane Doe jane@example.com'"
        )
    return {"User-Agent": f"podshop {contact}"}


def requests(wanted: Wanted) -> Iterator[Request]:
    """The first questions: submissions of numbers, the map of tickers, or indices by day."""
    tables = [table for table in TABLES if table in wanted.tables]
    if not tables:
        return
    note = {"tables": ",".join(tables), "start": str(wanted.start), "end": str(wanted.end)}
    numbers = [s for s in wanted.symbols if re.fullmatch(r"(CIK)?\d{1,10}", s)]
    tickers = [s for s in wanted.symbols if s not in numbers]
    for symbol in numbers:
        yield from _company(int(symbol.removeprefix("CIK")), "", note)
    if tickers:
        path = "files/company_tickers.json#" + urlencode({"symbols": ",".join(tickers), **note})
        yield Request(NAME, "tickers", path)
    if not wanted.symbols and set(tables) & set(FORMS):
        forms = [form for table in tables for form in FORMS.get(table, ())]
        note["forms"] = ",".join(forms)
        for day in filing_days(wanted.start, wanted.end):
            folder = f"Archives/edgar/daily-index/{day.year}/QTR{(day.month + 2) // 3}"
            path = f"{folder}/form.{day:%Y%m%d}.idx#{urlencode(note)}"
            yield Request(NAME, "daily-index", path, covers=day)
        if "insider_trades" in tables:
            yield _latest(0, note)


def follow(request: Request, body: bytes) -> Iterator[Request]:
    """What an answer leads to: companies of a map, pages and documents of a list.

    Raises:
        DataError: the answer has another shape; or no symbol at all is in the map.
    """
    note = note_of(request)
    if request.endpoint == "tickers":
        known = filings.tickers(request, object_of(request, body))
        found = {s: known[_dashed(s)] for s in note["symbols"].split(",") if _dashed(s) in known}
        if not found:
            raise wrong(request, f"none of {note['symbols']} is in the map of tickers")
        for symbol, cik in found.items():
            yield from _company(cik, _dashed(symbol), note)
    elif request.endpoint in ("submissions", "submissions-page"):
        yield from _of_submissions(request, object_of(request, body), note)
    elif request.endpoint == "daily-index":
        forms = set(note["forms"].split(","))
        listed = filings.index_lines(request, text_of(request, body, "latin-1"))
        yield from _documents(line for line in listed if line.form in forms)
    elif request.endpoint == "latest":
        listed = filings.latest_lines(request, body)
        start, end = date.fromisoformat(note["start"]), date.fromisoformat(note["end"])
        forms = set(FORMS["insider_trades"])
        inside = (x for x in listed if x.form in forms and start <= x.filed <= end)
        yield from _documents(inside)
        seen = int(dict(request.params)["start"]) + LATEST_PAGE
        more = len(listed) == LATEST_PAGE and listed[-1].filed >= start
        if more and seen <= LATEST_END - LATEST_PAGE:
            yield _latest(seen, note)


def rows(request: Request, body: bytes) -> list[Rows]:
    """The rows of an answer; lists that only lead on have none.

    Raises:
        DataError: the answer has another shape.
    """
    note, endpoint = note_of(request), request.endpoint
    if endpoint in ("submissions", "submissions-page"):
        answer = object_of(request, body)
        lines = filings.filing_rows(request, answer, note.get("cik", ""), note.get("symbol", ""))
        return [rows_of("filings", lines)]
    if endpoint == "companyfacts":
        facts = filings.fact_rows(request, object_of(request, body), note.get("symbol", ""))
        return [rows_of("facts", facts)]
    if endpoint == "ownership":
        return [rows_of("insider_trades", ownership.trades(request, text_of(request, body)))]
    if endpoint == "13f":
        return [rows_of("holdings", holdings.positions(request, text_of(request, body)))]
    if endpoint in ("tickers", "daily-index", "latest"):
        return []
    raise wrong(request, "the SEC has no such endpoint here")


def refusal(status: int, body: bytes) -> str | None:
    """Why an answer is an error: a file that is not there, a page of apology, a block."""
    if b"Request Rate Threshold Exceeded" in body:
        return "limit"
    if b"Undeclared Automated Tool" in body:
        return f"status {status}, the SEC does not know who asks; see PODSHOP_CONTACT"
    return page_refusal(status, body)


def unknown_symbols(request: Request, body: bytes) -> tuple[str, ...]:
    """Symbols of a question to the map of tickers that the map does not hold."""
    known = filings.tickers(request, object_of(request, body))
    return tuple(s for s in note_of(request)["symbols"].split(",") if _dashed(s) not in known)


def note_of(request: Request) -> dict[str, str]:
    """What was wanted, from the fragment of a request's path."""
    return dict(parse_qsl(request.path.partition("#")[2]))


def _dashed(symbol: str) -> str:
    """A ticker as the SEC writes it: BRK-B."""
    return symbol.upper().replace(".", "-")


def _company(cik: int, symbol: str, note: dict[str, str]) -> Iterator[Request]:
    """Submissions and facts of a company."""
    tables = note["tables"].split(",")
    keep = {"symbol": symbol, "cik": f"{cik:010}"}
    if set(tables) & {"filings", *FORMS}:
        wants = {key: note[key] for key in ("tables", "start", "end")}
        path = f"{DATA_URL}/submissions/CIK{cik:010}.json#{urlencode({**keep, **wants})}"
        yield Request(NAME, "submissions", path)
    if "facts" in tables:
        path = f"{DATA_URL}/api/xbrl/companyfacts/CIK{cik:010}.json#{urlencode(keep)}"
        yield Request(NAME, "companyfacts", path)


def _latest(start: int, note: dict[str, str]) -> Request:
    params = (
        ("action", "getcurrent"),
        ("type", "4"),
        ("owner", "include"),
        ("count", str(LATEST_PAGE)),
        ("start", str(start)),
        ("output", "atom"),
    )
    path = "cgi-bin/browse-edgar#" + urlencode({"start": note["start"], "end": note["end"]})
    return Request(NAME, "latest", path, params, fresh_hours=0.25)


def _of_submissions(
    request: Request, answer: dict[str, Any], note: dict[str, str]
) -> Iterator[Request]:
    """Older pages and documents of the days that were wanted."""
    start, end = date.fromisoformat(note["start"]), date.fromisoformat(note["end"])
    wanted = {form for table in note["tables"].split(",") for form in FORMS.get(table, ())}
    for page in filings.older_pages(request, answer):
        if page.first <= end and page.last >= start:
            path = f"{DATA_URL}/submissions/{page.name}#{urlencode(note)}"
            yield Request(NAME, "submissions-page", path, covers=page.last)
    listed = filings.listed(request, answer, note["cik"])
    yield from _documents(x for x in listed if x.form in wanted and start <= x.filed <= end)


def _documents(listed: Iterator[filings.Listed]) -> Iterator[Request]:
    """Whole submissions, each once, though lists name them for every party."""
    seen = set()
    for line in listed:
        if line.accession in seen:
            continue
        seen.add(line.accession)
        endpoint = "13f" if line.form.startswith("13F") else "ownership"
        folder = f"Archives/edgar/data/{int(line.cik)}/{line.accession.replace('-', '')}"
        yield Request(NAME, endpoint, f"{folder}/{line.accession}.txt", covers=line.filed)
