"""Form 4: what insiders bought, sold, were granted or gave.

Only lines of the non-derivative table are trades in shares. Options and other derivatives are left
out: exercising one shows up as a share line of its own (code M), so nothing is counted twice, and
a grant of options is no purchase. Reports of holdings are no trades.

A line of an amendment (4/A) repeats or corrects an earlier one; its code ends in `/A` (`P/A`), so
that who counts purchases by code P counts none twice.

A price that stands only in a footnote is missing, not 0; a price of 0 (grants, gifts) is 0. A
weighted average that a footnote explains is a price.

`planned` (Rule 10b5-1): the footnotes of the line where they name the rule; else the form's box,
which exists since April 2023; empty where neither speaks. A ticked box goes to every line unless
footnotes single some out.

A form of several owners states one trade; it is one row, of the first owner, with all roles.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from xml.etree.ElementTree import Element

from podshop.adapters.reading import wrong, xml_of
from podshop.adapters.vendors import Request
from podshop.adapters.vendors.sec.filings import accepted

RULE = re.compile(r"10b-?5-?1", re.IGNORECASE)
"""The rule as filers write it, also the misspelt 10b-5-1."""

ROLES = {"isDirector": "director", "isTenPercentOwner": "10% owner", "isOther": "other"}


def header(request: Request, text: str, field: str) -> str:
    """A field of the header of a whole submission (.txt).

    Raises:
        DataError: there is no such field: the text is something else, or its begin is missing.
    """
    found = re.search(rf"^(?:<{field}>|{field}:)\s*(\S.*?)\s*$", text, re.MULTILINE)
    if found is None:
        raise wrong(request, f"no {field} in the header of the submission")
    return found[1]


def accession_of(request: Request) -> str:
    """The number of a filing, which is the name of its file."""
    return request.path.rpartition("/")[2].removesuffix(".txt")


def documents(request: Request, text: str) -> list[str]:
    """The XML documents inside a whole submission.

    Raises:
        DataError: there is none, or one has no end: the text was cut off.
    """
    found = re.findall(r"<XML>\s*(.*?)\s*</XML>", text, re.DOTALL)
    if not found or text.count("<XML>") != len(found):
        raise wrong(request, "no document in XML, or one without an end: cut off")
    return found


def trades(request: Request, text: str) -> list[dict[str, Any]]:
    """Rows of `insider_trades` of a whole submission (.txt), known at its acceptance.

    Raises:
        DataError: it holds no report of ownership, or one that cannot be read.
    """
    known_at = accepted(header(request, text, "ACCEPTANCE-DATETIME"))
    accession = accession_of(request)
    for document in documents(request, text):
        root = xml_of(request, document)
        if root.tag == "ownershipDocument":
            return list(lines(request, root, accession, known_at))
    raise wrong(request, "no report of ownership in XML (forms before May 2003 are text)")


def lines(
    request: Request, root: Element, accession: str, known_at: datetime
) -> Iterator[dict[str, Any]]:
    """The trades of one report of ownership, in the order of the form.

    Args:
        request: names the answer in errors.
        root: the `ownershipDocument`.
        accession: number of the filing.
        known_at: moment of acceptance, UTC.

    Raises:
        DataError: a line lacks date, shares or direction.
    """
    owners = root.findall("reportingOwner")
    if not owners:
        raise wrong(request, f"{accession}: no reporting owner")
    amended = "/A" if root.findtext("documentType", "").strip().endswith("/A") else ""
    head = {
        "symbol": root.findtext("issuer/issuerTradingSymbol", "").strip().upper(),
        "known_at": known_at,
        "insider_id": owners[0].findtext("reportingOwnerId/rptOwnerCik", "").strip(),
        "insider": "; ".join(
            owner.findtext("reportingOwnerId/rptOwnerName", "").strip() for owner in owners
        ),
        "role": "; ".join(role for owner in owners if (role := _role(owner))),
        "accession": accession,
        "source": "sec",
    }
    items = root.findall("nonDerivativeTable/nonDerivativeTransaction")
    for i, (item, planned) in enumerate(zip(items, _planned(root, items), strict=True), 1):
        try:
            yield head | {"planned": planned, "line": i} | _line(item, amended)
        except (KeyError, ValueError) as error:
            raise wrong(request, f"{accession}, line {i}: {error!r}") from error


def _line(item: Element, amended: str) -> dict[str, Any]:
    """One trade; shares have the sign of what happened to the owner's holding."""
    sign = {"A": 1.0, "D": -1.0}[_value(item, "transactionAmounts/transactionAcquiredDisposedCode")]
    price = _value(item, "transactionAmounts/transactionPricePerShare")
    after = _value(item, "postTransactionAmounts/sharesOwnedFollowingTransaction")
    direct = _value(item, "ownershipNature/directOrIndirectOwnership")
    code = item.findtext("transactionCoding/transactionCode", "").strip()
    return {
        # Some filers' dates carry the offset of a time zone.
        "transaction_date": date.fromisoformat(_value(item, "transactionDate")[:10]),
        "code": code + amended,
        "shares": sign * float(_value(item, "transactionAmounts/transactionShares")),
        "price": float(price) if price else None,
        "shares_after": float(after) if after else None,
        "direct": direct == "D" if direct else None,
    }


def _value(item: Element, path: str) -> str:
    return (item.findtext(f"{path}/value") or "").strip()


def _flag(text: str | None) -> bool:
    return (text or "").strip().lower() in ("1", "true")


def _role(owner: Element) -> str:
    """What the owner is to the issuer: `director, Chief Financial Officer`."""
    relation = owner.find("reportingOwnerRelationship")
    if relation is None:
        return ""
    roles = [name for tag, name in ROLES.items() if _flag(relation.findtext(tag))]
    if _flag(relation.findtext("isOfficer")):
        title = (relation.findtext("officerTitle") or "").strip()
        roles.append(title or "officer")
    return ", ".join(roles)


def _planned(root: Element, items: list[Element]) -> list[bool | None]:
    """Whether each line follows a plan under Rule 10b5-1; None = the form does not say."""
    notes = {
        note.get("id", "")
        for note in root.findall("footnotes/footnote")
        if RULE.search("".join(note.itertext()))
    }
    named = [bool(notes & {ref.get("id", "") for ref in x.iter("footnoteId")}) for x in items]
    box = root.findtext("aff10b5One")
    if box is None:
        return [True if line else None for line in named]
    if _flag(box) and not any(named):
        return [True] * len(items)
    return list(named)
