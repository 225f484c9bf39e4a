"""13F: what managers held at the end of a quarter, in dollars whatever the filer wrote.

Values are dollars since 2023-01-03 and were thousands before. Some filers still wrote thousands
after, and late reports of old periods came in dollars, so the unit is inferred per filing from
value per share:

1. With known prices by CUSIP: the median of (value / shares) / price is near 1 (dollars) or near
   0.001 (thousands); near means within a factor of 3.
2. Without: a quarter or more of the share positions below 1 a share means thousands, since the
   list of 13(f) securities holds few shares below a dollar. A share of positions rather than the
   median, because a small book of shares above 1,000 dollars has a median above 1 in thousands.
3. Else, a median of 10 a share or more means dollars: in thousands it would be 10,000 a share.
4. Else the form's own rule: thousands before 2023-01-03, dollars from then on.

Positions stated as a principal (PRN: convertible bonds) have no shares and are left out. Options
keep the shares they are on, with `put_call`. An amendment (13F-HR/A) is a filing of its own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from statistics import median
from typing import Any
from xml.etree.ElementTree import Element

from podshop.adapters.reading import wrong, xml_of
from podshop.adapters.vendors import Request
from podshop.adapters.vendors.sec.filings import accepted
from podshop.adapters.vendors.sec.ownership import accession_of, documents, header

DOLLARS_SINCE = datetime(2023, 1, 3, tzinfo=UTC)
CHEAP_PART = 0.25
DEAR = 10.0
NEAR = 3.0


@dataclass(frozen=True, slots=True)
class Unit:
    """What one unit of a filing's values is worth, and why that is believed.

    Attributes:
        dollars: 1.0 or 1000.0.
        reason: one sentence with the figure that decided.
    """

    dollars: float
    reason: str


@dataclass(frozen=True, slots=True)
class Position:
    """A line of an information table as filed: value in the filer's unit, kind SH or PRN."""

    issuer: str
    cusip: str
    value: float
    shares: float
    kind: str
    put_call: str


def unit_of(
    filed: list[Position], known_at: datetime, prices: Mapping[str, float] | None = None
) -> Unit:
    """Infer the unit of a filing's values by the rule in this module's docstring.

    Args:
        filed: its positions.
        known_at: moment of acceptance, UTC.
        prices: dollars a share at the quarter's end by CUSIP, as many as are known.
    """
    each = [(x.cusip, x.value / x.shares) for x in filed if _is_shares(x)]
    known = [ratio / prices[cusip] for cusip, ratio in each if prices and prices.get(cusip)]
    if known:
        middle = median(known)
        for dollars in (1.0, 1000.0):
            if 1 / NEAR < middle * dollars < NEAR:
                reason = (
                    f"the median of value / shares / price is {middle:.3g} ({len(known)} prices)"
                )
                return Unit(dollars, reason)
    if each:
        cheap = sum(ratio < 1 for _, ratio in each) / len(each)
        if cheap >= CHEAP_PART:
            return Unit(1000.0, f"{cheap:.0%} of {len(each)} positions are below 1 a share")
        middle = median(ratio for _, ratio in each)
        if middle >= DEAR:
            return Unit(1.0, f"the median of {len(each)} positions is {middle:.4g} a share")
    if known_at < DOLLARS_SINCE:
        return Unit(1000.0, "values do not tell; filed before 2023-01-03: thousands")
    return Unit(1.0, "values do not tell; filed since 2023-01-03: dollars")


def _is_shares(position: Position) -> bool:
    return position.kind == "SH" and not position.put_call and position.shares > 0 < position.value


def information_table(request: Request, root: Element) -> list[Position]:
    """The lines of an information table, as filed.

    Raises:
        DataError: a line lacks CUSIP, value or amount.
    """
    return list(_lines(request, root))


def _lines(request: Request, root: Element) -> Iterator[Position]:
    if _name(root) != "informationTable":
        raise wrong(request, f"<{_name(root)}> where an information table belongs")
    for i, item in enumerate(root, 1):
        cell = {_name(x): (x.text or "").strip() for x in item.iter()}
        try:
            yield Position(
                cell["nameOfIssuer"],
                cell["cusip"].upper().zfill(9),
                float(cell["value"].replace(",", "")),
                float(cell["sshPrnamt"].replace(",", "")),
                cell["sshPrnamtType"].upper(),
                cell.get("putCall", "").lower(),
            )
        except (KeyError, ValueError) as error:
            raise wrong(request, f"position {i}: {error!r}") from error


def _name(item: Element) -> str:
    """The name of a tag without its namespace; filers use several prefixes."""
    return item.tag.rpartition("}")[2]


def positions(
    request: Request, text: str, prices: Mapping[str, float] | None = None
) -> list[dict[str, Any]]:
    """Rows of `holdings` of a whole submission (.txt), known at its acceptance, in dollars.

    Args:
        request: names the answer in errors.
        text: the submission.
        prices: dollars a share by CUSIP, to infer the unit; see `unit_of`.

    Raises:
        DataError: the submission holds no information table, or was cut off.
    """
    known_at = accepted(header(request, text, "ACCEPTANCE-DATETIME"))
    accession = accession_of(request)
    roots = [xml_of(request, document) for document in documents(request, text)]
    tables = [root for root in roots if _name(root) == "informationTable"]
    if not tables:
        raise wrong(request, f"{accession}: no information table (before 2013 it is text)")
    filed = [line for root in tables for line in information_table(request, root)]
    unit = unit_of(filed, known_at, prices)
    stamp = header(request, text, "CONFORMED PERIOD OF REPORT")
    head = {
        "manager_id": header(request, text, r"\s*CENTRAL INDEX KEY").zfill(10),
        "manager": header(request, text, r"\s*COMPANY CONFORMED NAME"),
        "period_end": date.fromisoformat(re.sub(r"\D", "", stamp)),
        "known_at": known_at,
        "accession": accession,
        "source": "sec",
    }
    return [
        head
        | {
            "cusip": line.cusip,
            "issuer": line.issuer,
            "shares": line.shares,
            "value": line.value * unit.dollars,
            "put_call": line.put_call or None,
            "line": i,
        }
        for i, line in enumerate(filed, 1)
        if line.kind == "SH"
    ]
