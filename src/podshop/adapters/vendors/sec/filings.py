"""Lists of filings (submissions, daily index, latest feed), the map of tickers, and XBRL facts."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from podshop.adapters.reading import NEW_YORK, new_york, wrong, xml_of
from podshop.adapters.vendors import Request

ATOM = "{http://www.w3.org/2005/Atom}"
COLUMNS = (
    "accessionNumber",
    "form",
    "filingDate",
    "acceptanceDateTime",
    "reportDate",
    "primaryDocument",
)
"""Columns of submissions that are read; all of equal length."""

EDGAR_CLOSES = 22
"""EDGAR accepts filings until ten in the evening, New York."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A filing as a list names it: form, number of a party, accession, filing date."""

    form: str
    cik: str
    accession: str
    filed: date


@dataclass(frozen=True, slots=True)
class Page:
    """A page of older submissions: its file, and the first and last filing date on it."""

    name: str
    first: date
    last: date


def tickers(request: Request, answer: Mapping[str, Any]) -> dict[str, int]:
    """The number (CIK) of each ticker.

    Raises:
        DataError: the map has another shape.
    """
    try:
        return {str(line["ticker"]).upper(): int(line["cik_str"]) for line in answer.values()}
    except (KeyError, TypeError, ValueError) as error:
        raise wrong(request, f"no map of tickers: {error!r}") from error


def accepted(text: str) -> datetime:
    """The moment of acceptance: written `2024-11-01T06:01:36.000Z` or `20241101060136`, but
    New York's time.
    """
    digits = re.sub(r"\D", "", text)[:14]
    local = datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=NEW_YORK)
    return local.astimezone(UTC)


def _recent(request: Request, answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The columns of submissions as records; an older page is the columns alone."""
    columns = answer.get("filings", {}).get("recent") if "filings" in answer else answer
    try:
        lists = [columns[name] for name in COLUMNS]
        return [dict(zip(COLUMNS, line, strict=True)) for line in zip(*lists, strict=True)]
    except (KeyError, TypeError, ValueError) as error:
        raise wrong(request, f"submissions without equal columns: {error!r}") from error


def listed(request: Request, answer: Mapping[str, Any]) -> list[Listed]:
    """The filings of submissions or of an older page.

    Raises:
        DataError: the columns are missing or of unequal length.
    """
    cik = cik_of(request)
    return [
        Listed(x["form"], cik, x["accessionNumber"], date.fromisoformat(x["filingDate"]))
        for x in _recent(request, answer)
    ]


def cik_of(request: Request) -> str:
    """The ten digits of a company's number, from the path of a question about it."""
    found = re.search(r"CIK(\d{10})", request.path)
    if found is None:
        raise wrong(request, "a path without a number (CIK)")
    return found[1]


def older_pages(request: Request, answer: Mapping[str, Any]) -> list[Page]:
    """The pages of older filings that submissions name.

    Raises:
        DataError: a page is named in another shape.
    """
    try:
        return [
            Page(
                str(page["name"]),
                date.fromisoformat(page["filingFrom"]),
                date.fromisoformat(page["filingTo"]),
            )
            for page in answer.get("filings", {}).get("files") or ()
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise wrong(request, f"filings.files: {error!r}") from error


def filing_rows(request: Request, answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of `filings`, known at their acceptance.

    Args:
        request: tells number (in the path) and symbol (about), which older pages do not repeat;
            without a symbol, the first ticker that submissions name.
        answer: submissions or an older page.

    Raises:
        DataError: another shape, or a moment that is none.
    """
    number = cik_of(request)
    who = request.about or next(iter(answer.get("tickers") or ()), None)
    records = []
    for x in _recent(request, answer):
        try:
            records.append(
                {
                    "symbol": who,
                    "cik": number,
                    "accession": x["accessionNumber"],
                    "form": x["form"],
                    "filed": date.fromisoformat(x["filingDate"]),
                    "known_at": accepted(x["acceptanceDateTime"]),
                    "report_date": _day_or_none(x["reportDate"]),
                    "document": x["primaryDocument"] or None,
                    "source": "sec",
                }
            )
        except ValueError as error:
            raise wrong(request, f"filing {x['accessionNumber']}: {error}") from error
    return records


def _day_or_none(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def fact_rows(request: Request, answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows of `facts`: every value of every filing, so that restatements stay beside the first.

    `start` is empty for values at a moment. `known_at` is the filing day's ten in the evening.

    Raises:
        DataError: the answer has another shape.
    """
    try:
        cik, facts = f"{int(answer['cik']):010}", answer["facts"]
        for taxonomy, tags in facts.items():
            for tag, fact in tags.items():
                for unit, values in fact["units"].items():
                    head = {"cik": cik, "taxonomy": taxonomy, "tag": tag, "unit": unit}
                    head |= {"symbol": request.about or None, "source": "sec"}
                    for value in values:
                        yield head | _fact(value)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise wrong(request, f"no companyfacts: {error!r}") from error


def _fact(value: Mapping[str, Any]) -> dict[str, Any]:
    filed = date.fromisoformat(value["filed"])
    return {
        "start": _day_or_none(value.get("start")),
        "end": date.fromisoformat(value["end"]),
        "value": float(value["val"]),
        "fiscal_year": value.get("fy"),
        "fiscal_period": value.get("fp"),
        "form": value["form"],
        "filed": filed,
        "accession": value["accn"],
        "known_at": new_york(filed, EDGAR_CLOSES),
    }


def dated_by_acceptance(facts: pl.DataFrame, filings: pl.DataFrame) -> pl.DataFrame:
    """Facts dated by the moment their filing was accepted, where the filing is known.

    Args:
        facts: rows of `facts`.
        filings: rows of `filings`.

    Returns:
        The facts in the same order, with an earlier `known_at` where `filings` has the accession.
    """
    moments = filings.select("accession", accepted_at="known_at").unique("accession")
    found = facts.join(moments, on="accession", how="left", maintain_order="left")
    known_at = pl.coalesce("accepted_at", "known_at").alias("known_at")
    return found.with_columns(known_at).drop("accepted_at")


def index_lines(request: Request, text: str) -> list[Listed]:
    """The filings of a daily index by form.

    Raises:
        DataError: there is no head, or a line below it does not end in number, date and file.
    """
    head, rule, below = text.partition("-" * 80)
    if not rule or "Form Type" not in head:
        raise wrong(request, "no daily index by form")
    found = []
    for line in below.splitlines()[1:]:
        if not line.strip():
            continue
        end = re.search(r"\s(\d{1,10})\s+([\d-]{8,10})\s+edgar/data/\S*?([\d-]{20})\.txt\s*$", line)
        if end is None:
            raise wrong(request, f"a line of the index is cut off: {line[:60]!r}")
        form = re.split(r"\s{2,}", line, maxsplit=1)[0]
        found.append(Listed(form, end[1], end[3], date.fromisoformat(end[2])))
    return found


def latest_lines(request: Request, body: bytes) -> list[Listed]:
    """The entries of the feed of latest filings, as listed: once for issuer, once for owner.

    Raises:
        DataError: it is no such feed.
    """
    found = []
    for entry in xml_of(request, body).iter(f"{ATOM}entry"):
        category, link = entry.find(f"{ATOM}category"), entry.find(f"{ATOM}link")
        accession = re.search(r"[\d-]{20}$", entry.findtext(f"{ATOM}id", ""))
        filed = re.search(r"Filed:\S*\s*(\d{4}-\d\d-\d\d)", entry.findtext(f"{ATOM}summary", ""))
        cik = re.search(r"/data/(\d+)/", "" if link is None else link.get("href", ""))
        if category is None or accession is None or filed is None or cik is None:
            title = entry.findtext(f"{ATOM}title")
            raise wrong(request, f"entry {title!r} lacks form, number or date")
        day = date.fromisoformat(filed[1])
        found.append(Listed(category.get("term", ""), cik[1], accession[0], day))
    return found
