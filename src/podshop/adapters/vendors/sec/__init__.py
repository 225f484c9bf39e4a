"""The SEC: filings, XBRL facts, insiders' trades (Form 4) and managers' holdings (13F).

How one question leads to the next:

1. With symbols: the map of tickers gives the number (CIK) of each; a symbol that is a number
   (`CIK0001067983`, as a manager of a 13F has no ticker) needs no map.
2. The submissions of a CIK name its filings; older ones are on pages named in `filings.files`.
3. Forms 4 and 13F-HR among them, filed in the days asked for, are fetched whole (.txt): only there
   is the moment of acceptance. An insider's own submissions are not needed: they are the issuer's.
4. Without symbols: the index of each filing day, and the feed of the latest filings, which has
   today's before there is an index.

Traps. `acceptanceDateTime` ends in Z but is New York's time. The filing date may be the day after
acceptance. A fact's fiscal year and period are those of the filing that repeats it; restatements
stay as several rows. Facts only tell the filing date: they are dated at ten in the evening, when
EDGAR closes, which is never too early; `filings.dated_by_acceptance` sharpens that. The feed lists
a filing for issuer and owner, and ends at 5,000.

The SEC wants to be told who asks (PODSHOP_CONTACT, a name and an address of mail) and at most ten
requests a second. A library for EDGAR was weighed (edgartools: 444 MB with what it brings, 0.8 s to
import, and it fetches by itself, beside our limit and cache); these few shapes need little.

Recorded: everything here but the page that blocks a client.
"""

import re
from collections.abc import Iterable, Iterator

from podshop.adapters.reading import object_of, page_refusal, rows_of, text_of, wrong
from podshop.adapters.vendors import Request, Rows, Wanted
from podshop.adapters.vendors.sec import filings, holdings, ownership
from podshop.market.business_days import filing_days

NAME = "sec"
TABLES: tuple[str, ...] = ("filings", "facts", "insider_trades", "holdings")
BASE_URL = "https://data.sec.gov"
ARCHIVES = "https://www.sec.gov/Archives/edgar"
HEADERS: dict[str, str] = {"Accept-Encoding": "gzip, deflate"}
CONTACT = True
"""The sync puts PODSHOP_CONTACT into the User-Agent."""
PER_MINUTE = 480
KEY: tuple[str, str] | None = None

FORMS = {"insider_trades": ("4", "4/A"), "holdings": ("13F-HR", "13F-HR/A")}
"""Forms whose documents fill a table."""
LATEST_PAGE, LATEST_END = 100, 5_000


def requests(wanted: Wanted) -> Iterator[Request]:
    """The first questions: submissions of numbers, the map of tickers, or lists by day."""
    if not set(wanted.tables) & set(TABLES):
        return
    if any(_number(symbol) is None for symbol in wanted.symbols):
        path = "https://www.sec.gov/files/company_tickers.json"
        yield Request(NAME, "company-tickers", path, fresh_hours=24 * 7)
    for symbol in wanted.symbols:
        cik = _number(symbol)
        if cik is not None:
            yield from _company(cik, symbol, wanted)
    if not wanted.symbols and _forms(wanted):
        for day in filing_days(wanted.start, wanted.end):
            folder = f"{ARCHIVES}/daily-index/{day.year}/QTR{(day.month + 2) // 3}"
            yield Request(NAME, "daily-index", f"{folder}/form.{day:%Y%m%d}.idx", covers=day)
        if "insider_trades" in wanted.tables:
            yield _latest(0)


def follow(request: Request, body: bytes, wanted: Wanted) -> Iterator[Request]:
    """What an answer leads to: companies of a map, pages and documents of a list.

    Raises:
        DataError: the answer has another shape; or no symbol at all is in the map.
    """
    if request.endpoint == "company-tickers":
        known = filings.tickers(request, object_of(request, body))
        tickers = [symbol for symbol in wanted.symbols if _number(symbol) is None]
        found = {symbol: known[_dashed(symbol)] for symbol in tickers if _dashed(symbol) in known}
        if tickers and not found:
            raise wrong(request, f"none of {', '.join(tickers)} is in the map of tickers")
        for symbol, cik in found.items():
            yield from _company(cik, symbol, wanted)
    elif request.endpoint in ("submissions", "submissions-page"):
        answer = object_of(request, body)
        for page in filings.older_pages(request, answer):
            if page.first <= wanted.end and page.last >= wanted.start:
                path = f"submissions/{page.name}"
                covers, about = page.last, request.about
                yield Request(NAME, "submissions-page", path, covers=covers, about=about)
        yield from _documents(filings.listed(request, answer), wanted)
    elif request.endpoint == "daily-index":
        text = text_of(request, body, "latin-1")
        yield from _documents(filings.index_lines(request, text), wanted)
    elif request.endpoint == "latest":
        listed = filings.latest_lines(request, body)
        yield from _documents(
            (line for line in listed if line.form in FORMS["insider_trades"]), wanted
        )
        seen = int(dict(request.params)["start"]) + LATEST_PAGE
        more = len(listed) == LATEST_PAGE and listed[-1].filed >= wanted.start
        if more and seen <= LATEST_END - LATEST_PAGE:
            yield _latest(seen)


def rows(request: Request, body: bytes) -> list[Rows]:
    """The rows of an answer; lists that only lead on have none.

    Raises:
        DataError: the answer has another shape, or was cut off.
    """
    endpoint = request.endpoint
    if endpoint in ("submissions", "submissions-page"):
        return [rows_of("filings", filings.filing_rows(request, object_of(request, body)))]
    if endpoint == "companyfacts":
        return [rows_of("facts", filings.fact_rows(request, object_of(request, body)))]
    if endpoint == "form-4":
        return [rows_of("insider_trades", ownership.trades(request, _filing(request, body)))]
    if endpoint == "form-13F-HR":
        return [rows_of("holdings", holdings.positions(request, _filing(request, body)))]
    if endpoint == "company-tickers":
        filings.tickers(request, object_of(request, body))
    elif endpoint == "daily-index":
        filings.index_lines(request, text_of(request, body, "latin-1"))
    elif endpoint == "latest":
        filings.latest_lines(request, body)
    else:
        raise wrong(request, "the SEC has no such endpoint here")
    return []


def refusal(status: int, body: bytes) -> str | None:
    """Why an answer is an error: a file that is not there, a page of apology, a block."""
    if b"Request Rate Threshold Exceeded" in body:
        return "limit"
    if b"Undeclared Automated Tool" in body:
        return (
            "the SEC does not know who asks; set PODSHOP_CONTACT to a name and an address of mail"
        )
    return page_refusal(status, body)


def unknown_symbols(request: Request, body: bytes, wanted: Wanted) -> tuple[str, ...]:
    """Symbols that the map of tickers does not hold: delisted, renamed, or misspelt."""
    known = filings.tickers(request, object_of(request, body))
    return tuple(s for s in wanted.symbols if _number(s) is None and _dashed(s) not in known)


def _number(symbol: str) -> int | None:
    """The CIK that a symbol is; None where it is a ticker."""
    found = re.fullmatch(r"(?:CIK)?(\d{1,10})", symbol)
    return int(found[1]) if found else None


def _dashed(symbol: str) -> str:
    """A ticker as the SEC writes it: BRK-B."""
    return symbol.upper().replace(".", "-")


def _forms(wanted: Wanted) -> set[str]:
    return {form for table in wanted.tables for form in FORMS.get(table, ())}


def _company(cik: int, symbol: str, wanted: Wanted) -> Iterator[Request]:
    """Submissions and facts of a company; a number is no symbol of its rows."""
    about = symbol if _number(symbol) is None else ""
    if "filings" in wanted.tables or _forms(wanted):
        yield Request(NAME, "submissions", f"submissions/CIK{cik:010}.json", about=about)
    if "facts" in wanted.tables:
        path = f"api/xbrl/companyfacts/CIK{cik:010}.json"
        yield Request(NAME, "companyfacts", path, about=about)


def _latest(start: int) -> Request:
    params = (
        ("action", "getcurrent"),
        ("type", "4"),
        ("owner", "include"),
        ("count", str(LATEST_PAGE)),
        ("start", str(start)),
        ("output", "atom"),
    )
    path = "https://www.sec.gov/cgi-bin/browse-edgar"
    return Request(NAME, "latest", path, params, fresh_hours=0.25)


def _documents(listed: Iterable[filings.Listed], wanted: Wanted) -> Iterator[Request]:
    """Whole filings of the days and forms that are wanted, each once, though lists name them for
    every party.
    """
    seen, forms = set(), _forms(wanted)
    for line in listed:
        inside = line.form in forms and wanted.start <= line.filed <= wanted.end
        if not inside or line.accession in seen:
            continue
        seen.add(line.accession)
        # A filing never changes: what was fetched days after it is final.
        folder = f"{ARCHIVES}/data/{int(line.cik)}/{line.accession.replace('-', '')}"
        endpoint = f"form-{line.form.removesuffix('/A')}"
        yield Request(NAME, endpoint, f"{folder}/{line.accession}.txt", covers=line.filed)


def _filing(request: Request, body: bytes) -> str:
    """A whole filing as text: UTF-8 as its XML says, else the Latin-1 of old ones."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return text_of(request, body, "latin-1")
    return text_of(request, body)
