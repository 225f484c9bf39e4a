"""What EDGAR is asked."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from podshop.adapters.reading import object_of
from podshop.adapters.vendors import Request, Wanted

NAME = "sec"
BASE_URL = "https://data.sec.gov"
ARCHIVES = "https://www.sec.gov/Archives/edgar/data"
HEADERS: dict[str, str] = {"Accept-Encoding": "gzip, deflate"}
CONTACT = True
"""The sync puts PODSHOP_CONTACT into the User-Agent."""
PER_MINUTE = 480
KEY: tuple[str, str] | None = None
TABLES = ("filings", "facts", "insider_trades", "holdings")

FORMS = {"insider_trades": ("4",), "holdings": ("13F-HR",)}
"""Forms whose documents fill a table. Amendments tell the same trades again and are left out."""


def requests(wanted: Wanted) -> Iterator[Request]:
    """The list of tickers, and the filers that are named by number."""
    if not set(wanted.tables) & set(TABLES):
        return
    named = [s for s in wanted.symbols if not s.startswith("CIK")]
    if named:
        path = "https://www.sec.gov/files/company_tickers.json"
        yield Request(NAME, "company-tickers", path, fresh_hours=24 * 7)
    for symbol in wanted.symbols:
        if symbol.startswith("CIK"):
            yield from _of_filer(int(symbol[3:]), symbol, wanted)


def follow(request: Request, body: bytes, wanted: Wanted) -> Iterator[Request]:
    """From tickers to filers, from filers to older pages and to documents."""
    if request.endpoint == "company-tickers":
        number = {row["ticker"]: int(row["cik_str"]) for row in object_of(request, body).values()}
        for symbol in wanted.symbols:
            # EDGAR writes share classes with a dash: BRK-B.
            if symbol.replace(".", "-") in number:
                yield from _of_filer(number[symbol.replace(".", "-")], symbol, wanted)
    elif request.endpoint in ("submissions", "submissions-page"):
        answer = object_of(request, body)
        if request.endpoint == "submissions":
            for page in answer["filings"]["files"]:
                if page["filingTo"] >= str(wanted.start) and page["filingFrom"] <= str(wanted.end):
                    path = f"submissions/{page['name']}"
                    yield Request(NAME, "submissions-page", path, about=request.about)
        yield from _documents(request, filings_of(answer), wanted)


def filings_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The filings of a page of submissions: columns turned into rows."""
    columns = answer["filings"]["recent"] if "filings" in answer else answer
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def cik_of(request: Request) -> str:
    """The filer's number, ten digits, from the path of a question about it."""
    return request.path.partition("CIK")[2][:10]


def _of_filer(cik: int, symbol: str, wanted: Wanted) -> Iterator[Request]:
    if set(wanted.tables) & {"filings", *FORMS}:
        yield Request(NAME, "submissions", f"submissions/CIK{cik:010d}.json", about=symbol)
    if "facts" in wanted.tables:
        path = f"api/xbrl/companyfacts/CIK{cik:010d}.json"
        yield Request(NAME, "companyfacts", path, about=symbol)


def _documents(
    request: Request, filings: list[dict[str, Any]], wanted: Wanted
) -> Iterator[Request]:
    """The documents of forms that fill a wanted table, filed in the days asked for."""
    forms = {form for table, names in FORMS.items() if table in wanted.tables for form in names}
    for filing in filings:
        if filing["form"] in forms and str(wanted.start) <= filing["filingDate"] <= str(wanted.end):
            accession = filing["accessionNumber"]
            folder = f"{ARCHIVES}/{int(cik_of(request))}/{accession.replace('-', '')}"
            # A filing never changes: what was fetched days after it is final.
            covers = date.fromisoformat(filing["filingDate"])
            endpoint = f"form-{filing['form']}"
            yield Request(
                NAME, endpoint, f"{folder}/{accession}.txt", covers=covers, about=request.about
            )
