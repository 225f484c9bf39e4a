"""EDGAR's answers as rows of tables."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from xml.etree.ElementTree import Element

from podshop.adapters.reading import NEW_YORK, new_york, object_of, rows_of, text_of, wrong, xml_of
from podshop.adapters.vendors import Request, Rows
from podshop.adapters.vendors.sec.endpoints import NAME, cik_of, filings_of

THOUSANDS_SHARE = 0.25
"""A 13F tells values in thousands when this share of its positions in shares would be worth less
than one dollar a share: a quarter of a manager's book is never penny stocks, and of shares told in
thousands only those above 1,000 dollars do not look so. Filers kept to thousands after the form
went over to dollars (2023-01-03), and told dollars for old quarters: the date does not decide."""


def rows(request: Request, body: bytes) -> list[Rows]:
    """The rows of an answer.

    Raises:
        DataError: it has another shape, or was cut off.
    """
    try:
        if request.endpoint in ("submissions", "submissions-page"):
            answer = object_of(request, body)
            return [rows_of("filings", [_filing(request, line) for line in filings_of(answer)])]
        if request.endpoint == "companyfacts":
            return [rows_of("facts", _facts(request, object_of(request, body)))]
        if request.endpoint == "form-4":
            return [
                rows_of("insider_trades", _insiders(request, text_of(request, body, "latin-1")))
            ]
        if request.endpoint == "form-13F-HR":
            return [rows_of("holdings", _holdings(request, text_of(request, body, "latin-1")))]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise wrong(request, f"another shape ({error!r})") from error
    return []


# --- submissions and facts ------------------------------------------------------------------------


def _filing(request: Request, line: dict[str, Any]) -> dict[str, Any]:
    return {
        "symbol": request.about or None,
        "cik": cik_of(request),
        "accession": line["accessionNumber"],
        "form": line["form"],
        "filed": date.fromisoformat(line["filingDate"]),
        "known_at": _eastern(line["acceptanceDateTime"]),
        "report_date": date.fromisoformat(line["reportDate"]) if line.get("reportDate") else None,
        "document": line.get("primaryDocument") or None,
        "source": NAME,
    }


def _eastern(text: str) -> datetime:
    """A moment of acceptance; the Z at its end is not true."""
    plain = datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=None, microsecond=0)
    return plain.replace(tzinfo=NEW_YORK).astimezone(UTC)


def _facts(request: Request, answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every fact of every filing; `fy` and `fp` are the filing's. Known at the end of its day."""
    cik = f"{int(answer['cik']):010d}"
    for taxonomy, tags in answer["facts"].items():
        for tag, said in tags.items():
            for unit, values in said["units"].items():
                for fact in values:
                    filed = date.fromisoformat(fact["filed"])
                    yield {
                        "symbol": request.about or None,
                        "cik": cik,
                        "taxonomy": taxonomy,
                        "tag": tag,
                        "unit": unit,
                        "start": date.fromisoformat(fact["start"]) if "start" in fact else None,
                        "end": date.fromisoformat(fact["end"]),
                        "value": float(fact["val"]),
                        "fiscal_year": fact.get("fy"),
                        "fiscal_period": fact.get("fp"),
                        "form": fact.get("form"),
                        "filed": filed,
                        "accession": fact["accn"],
                        "known_at": new_york(filed, 23, 59),
                        "source": NAME,
                    }


# --- documents ------------------------------------------------------------------------------------


def _accepted(request: Request, text: str) -> datetime:
    found = re.search(r"<ACCEPTANCE-DATETIME>(\d{14})", text)
    if found is None:
        raise wrong(request, "a filing without its head")
    return _eastern(datetime.strptime(found[1], "%Y%m%d%H%M%S").isoformat())  # noqa: DTZ007


def _accession(request: Request) -> str:
    return request.path.rpartition("/")[2].removesuffix(".txt")


def _documents(request: Request, text: str) -> list[Element]:
    """The XML documents of a filing, without their namespaces."""
    bodies = re.findall(r"<XML>\s*(.*?)\s*</XML>", text, re.DOTALL)
    roots = [xml_of(request, body) for body in bodies]
    for root in roots:
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
    return roots


def _said(element: Element | None, path: str) -> str | None:
    """The text at a path, `value` below it where there is one; None where there is nothing."""
    if element is None:
        return None
    found = element.find(f"{path}/value")
    found = element.find(path) if found is None else found
    text = (found.text or "").strip() if found is not None else ""
    return text or None


def _figure(element: Element, path: str) -> float | None:
    text = _said(element, path)
    return None if text is None else float(text.replace(",", ""))


def _insiders(request: Request, text: str) -> Iterator[dict[str, Any]]:
    """Trades of a Form 4 in the security itself; options and other derivatives are no shares.

    A price that only a footnote tells is empty. A trade under a 10b5-1 plan is `planned`: by the
    form's box, or where a footnote speaks of one.
    """
    known_at, accession = _accepted(request, text), _accession(request)
    for root in _documents(request, text):
        if _said(root, "documentType") != "4":
            continue
        owner = root.find("reportingOwner")
        plan = _said(root, "aff10b5One") in ("1", "true")
        notes = {n.get("id"): (n.text or "") for n in root.iter("footnote")}
        for line, trade in enumerate(root.iter("nonDerivativeTransaction")):
            shares = _figure(trade, "transactionAmounts/transactionShares")
            if shares is None:
                continue
            used = [notes.get(n.get("id"), "") for n in trade.iter("footnoteId")]
            side = _said(trade, "transactionAmounts/transactionAcquiredDisposedCode")
            yield {
                "symbol": _said(root, "issuer/issuerTradingSymbol"),
                "known_at": known_at,
                "transaction_date": date.fromisoformat(
                    (_said(trade, "transactionDate") or "")[:10]
                ),
                "insider_id": _said(owner, "reportingOwnerId/rptOwnerCik"),
                "insider": _said(owner, "reportingOwnerId/rptOwnerName"),
                "role": _role(owner),
                "code": _said(trade, "transactionCoding/transactionCode"),
                "shares": -shares if side == "D" else shares,
                "price": _figure(trade, "transactionAmounts/transactionPricePerShare"),
                "shares_after": _figure(
                    trade, "postTransactionAmounts/sharesOwnedFollowingTransaction"
                ),
                "direct": _said(trade, "ownershipNature/directOrIndirectOwnership") == "D",
                "planned": plan or any("10b5-1" in note for note in used),
                "accession": accession,
                "line": line,
                "source": NAME,
            }


def _role(owner: Element | None) -> str | None:
    """What the owner is to the company, the highest first."""
    path = "reportingOwnerRelationship/"
    title = _said(owner, f"{path}officerTitle")
    if title:
        return title
    for flag, name in (("isDirector", "director"), ("isTenPercentOwner", "10 % owner")):
        if _said(owner, f"{path}{flag}") in ("1", "true"):
            return name
    return None


def _holdings(request: Request, text: str) -> Iterator[dict[str, Any]]:
    """Positions of a 13F, values in dollars."""
    known_at, accession = _accepted(request, text), _accession(request)
    period = re.search(r"CONFORMED PERIOD OF REPORT:\s*(\d{8})", text)
    if period is None:
        raise wrong(request, "a filing without its period")
    roots = _documents(request, text)
    manager = next(
        (n for r in roots if (n := _said(r, "formData/coverPage/filingManager/name"))), None
    )
    filer = next((n for r in roots for n in (e.text for e in r.iter("cik")) if n), None)
    lines = [line for root in roots for line in root.iter("infoTable")]
    unit = 1_000.0 if in_thousands(list(map(_worth, lines))) else 1.0
    for number, line in enumerate(lines):
        value = _figure(line, "value")
        yield {
            "cusip": _said(line, "cusip"),
            "issuer": _said(line, "nameOfIssuer"),
            "manager_id": filer,
            "manager": manager,
            "period_end": datetime.strptime(period[1], "%Y%m%d").date(),  # noqa: DTZ007
            "known_at": known_at,
            "shares": _figure(line, "shrsOrPrnAmt/sshPrnamt"),
            "value": None if value is None else value * unit,
            "put_call": _said(line, "putCall"),
            "accession": accession,
            "line": number,
            "source": NAME,
        }


def _worth(line: Element) -> float | None:
    """Value of a share of a position; None for what is not told in shares."""
    shares, value = _figure(line, "shrsOrPrnAmt/sshPrnamt"), _figure(line, "value")
    if not shares or value is None or _said(line, "shrsOrPrnAmt/sshPrnamtType") != "SH":
        return None
    return value / shares


def in_thousands(worth: list[float | None]) -> bool:
    """Whether a 13F tells its values in thousands; see `THOUSANDS_SHARE`.

    Args:
        worth: value of a share of each position, as told; None for what is not told in shares.
    """
    known = [x for x in worth if x is not None]
    return bool(known) and sum(x < 1.0 for x in known) >= THOUSANDS_SHARE * len(known)
