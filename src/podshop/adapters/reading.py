"""How vendors read answers: JSON, XML and moments in, rows of the store's tables out.

What is no such answer raises `DataError`, which names vendor and endpoint, so that the sync can say
what to ask again. XML is read only where it declares no document type: neither entity bombs nor
outside files can be named without one.
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import polars as pl

from podshop.adapters.vendors import Request, Rows
from podshop.domain.error import DataError
from podshop.market.tables import TABLES

NEW_YORK = ZoneInfo("America/New_York")

DTYPES: Mapping[str, pl.DataType] = {
    "text": pl.String(),
    "date": pl.Date(),
    "moment": pl.Datetime("us", "UTC"),
    "real": pl.Float64(),
    "whole": pl.Int64(),
    "flag": pl.Boolean(),
}
"""How each kind of column of `market.tables` is kept in a frame."""


def rows_of(table: str, records: Iterable[Mapping[str, Any]]) -> Rows:
    """Rows of a table from records; a column that a record leaves out is empty there.

    Raises:
        DataError: a record has a column that the table does not.
    """
    lines = list(records)
    kinds = TABLES[table].columns
    named = {name for line in lines for name in line}
    if strange := named - set(kinds):
        raise DataError(f"table {table} has no column {', '.join(sorted(strange))}")
    names = [name for name in kinds if name in named] if lines else list(kinds)
    data = {name: [line.get(name) for line in lines] for name in names}
    schema = {name: DTYPES[kinds[name]] for name in names}
    return Rows(table, pl.DataFrame(data, schema=schema))


def wrong(request: Request, what: str) -> DataError:
    """The error that says which answer of which vendor cannot be read, and why."""
    return DataError(f"{request.vendor} {request.endpoint} ({request.path}): {what}; ask again")


def text_of(request: Request, body: bytes, encoding: str = "utf-8") -> str:
    """An answer as text, without a byte order mark.

    Raises:
        DataError: it is empty, HTML, an XML error, or not in this encoding.
    """
    if why := page_refusal(200, body):
        raise wrong(request, why.removeprefix("again: "))
    try:
        return body.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise wrong(request, f"byte {error.start} is not {encoding}") from error


def object_of(request: Request, body: bytes) -> dict[str, Any]:
    """An answer as a JSON object.

    Raises:
        DataError: it is something else, or was cut off.
    """
    text = text_of(request, body)
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise wrong(request, f"no JSON, or cut off ({error})") from error
    if not isinstance(answer, dict):
        raise wrong(request, f"a JSON {type(answer).__name__} where an object belongs")
    return answer


def xml_of(request: Request, body: bytes | str) -> ET.Element:
    """The root of an answer in XML.

    Raises:
        DataError: it is no XML, or was cut off, or declares a document type.
    """
    raw = body.encode() if isinstance(body, str) else body
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise wrong(request, "XML that declares a document type or entities is not read")
    try:
        # Without a document type there are no entities to grow.
        return ET.fromstring(raw)  # noqa: S314
    except ET.ParseError as error:
        raise wrong(request, f"no XML, or cut off ({error})") from error


def page_refusal(status: int, body: bytes) -> str | None:
    """Why a body is an error that any server may send; see `vendors` for the words.

    Empty and HTML are worth asking again; a file store that knows no such file has nothing (yet).
    """
    head = body[:2048].lstrip(b"\xef\xbb\xbf \t\r\n")
    low = head.lower()
    if not head:
        return "again: the answer is empty"
    if re.search(rb"<Error>\s*<Code>", head):
        return "nothing"
    if low.startswith((b"<!doctype html", b"<html")):
        return f"again: a page of HTML instead of data{_title(low)}"
    return f"the server refuses with {status}" if status >= 400 else None


def _title(low: bytes) -> str:
    title = low.partition(b"<title>")[2].partition(b"</title>")[0].strip()
    return f' titled "{title.decode("utf-8", "replace")}"' if title else ""


def new_york(day: date, hour: int, minute: int = 0) -> datetime:
    """A time of a day in New York, as UTC."""
    return datetime.combine(day, time(hour, minute), NEW_YORK).astimezone(UTC)


def number(text: str | None) -> float | None:
    """A figure as it is displayed: "$1,234", "($0.12)" is negative; "", "N/A", "-" are missing.

    Raises:
        ValueError: it is not a figure.
    """
    plain = (text or "").strip().replace("$", "").replace(",", "")
    if plain.upper() in ("", "N/A", "NA", "-", "--", "."):
        return None
    if plain.startswith("(") and plain.endswith(")"):
        return -float(plain[1:-1])
    return float(plain)
