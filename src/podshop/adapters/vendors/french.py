"""Kenneth French's data library: returns of the market, size, value, momentum and other factors.

A zip with one CSV: a preamble, a head, rows of YYYYMM or YYYYMMDD in percent, then (in monthly
files) a block of years, and a copyright line. -99.99 and -999 are missing. Years are left out: they
repeat the months. The five-factor file makes SMB of other portfolios than the three-factor file; it
is kept as `SMB5`, and what both files hold the same is taken from the three-factor file.

The library does not say when a row was published. It is dated 60 days after the end of its month
(the library follows the CRSP files, which come about a month late). Later revisions of old rows
bear the same date as the first version.

Documented only: no file of the library was recorded.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from podshop.adapters.reading import new_york, page_refusal, rows_of, wrong
from podshop.adapters.vendors import Request, Rows, Wanted

NAME = "french"
TABLES: tuple[str, ...] = ("factor_returns",)
BASE_URL = "https://mba.tuck.dartmouth.edu/pages/faculty/ken.french/ftp"
HEADERS: dict[str, str] = {"User-Agent": "podshop"}
PER_MINUTE = 20
KEY: tuple[str, str] | None = None

FILES = {
    "F-F_Research_Data_Factors": {"Mkt-RF": "Mkt-RF", "SMB": "SMB", "HML": "HML", "RF": "RF"},
    "F-F_Research_Data_5_Factors_2x3": {"SMB": "SMB5", "RMW": "RMW", "CMA": "CMA"},
    "F-F_Momentum_Factor": {"Mom": "MOM"},
}
"""Files of the library, and the name of each factor that is taken from them."""

LARGEST_BYTES = 50_000_000
PUBLISHED_DAYS = 60


def requests(wanted: Wanted) -> Iterator[Request]:
    """All files, monthly and daily; a file always holds the whole history.

    Symbols are names of factors (`Mkt-RF`, `SMB5`, `MOM` ...); none = all.
    """
    if "factor_returns" not in wanted.tables:
        return
    for name, factors in FILES.items():
        if not wanted.symbols or set(factors.values()) & set(wanted.symbols):
            for frequency, end in (("monthly", ""), ("daily", "_daily")):
                path = f"{name}{end}_CSV.zip"
                yield Request(NAME, frequency, path, fresh_hours=24 * 7)


def follow(request: Request, body: bytes, wanted: Wanted) -> Iterator[Request]:  # noqa: ARG001
    """Nothing: each file is whole."""
    yield from ()


def rows(request: Request, body: bytes) -> list[Rows]:
    """The factors of a file as fractions.

    Raises:
        DataError: it is no such zip, has no head, or a row does not fit the head.
    """
    stem = request.path.removesuffix("_CSV.zip").removesuffix("_daily")
    if stem not in FILES:
        raise wrong(request, "no file of the library that is known here")
    names, width = FILES[stem], 8 if request.endpoint == "daily" else 6
    head: list[str] = []
    records: list[dict[str, Any]] = []
    for i, line in enumerate(_unzip(request, body).splitlines(), 1):
        cells = [cell.strip() for cell in line.rstrip().rstrip(",").split(",")]
        if not head:
            if set(names) <= set(cells):
                head = cells[1:] if cells[0] == "" else cells
            continue
        if not re.fullmatch(rf"\d{{{width}}}", cells[0]):
            # What follows the block of months or days are years and the copyright.
            if records:
                break
            continue
        if len(cells) != len(head) + 1:
            raise wrong(request, f"line {i} has {len(cells) - 1} factors, the head {len(head)}")
        records += _factors(request, i, dict(zip(head, cells[1:], strict=True)), cells[0], names)
    if not records:
        raise wrong(request, f"no head with {', '.join(names)} and rows below it")
    return [rows_of("factor_returns", records)]


def refusal(status: int, body: bytes) -> str | None:
    """Why an answer is an error: it is no zip."""
    if body.startswith(b"PK") and status < 400:
        return None
    return page_refusal(status, body) or "again: the answer is no zip file"


def _unzip(request: Request, body: bytes) -> str:
    """The one CSV of a zip, read from memory."""
    if not body.startswith(b"PK"):
        raise wrong(request, (refusal(200, body) or "no zip").removeprefix("again: "))
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            inside = archive.infolist()
            if len(inside) != 1 or inside[0].file_size > LARGEST_BYTES:
                raise wrong(request, "the zip does not hold one file of a sensible size")
            return archive.read(inside[0]).decode("latin-1")
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise wrong(request, f"a damaged zip ({error})") from error


def _factors(
    request: Request, i: int, cells: dict[str, str], stamp: str, names: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """The factors of one row; a missing value has no record."""
    try:
        year, month = int(stamp[:4]), int(stamp[4:6])
        month_end = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        day = date(year, month, int(stamp[6:])) if len(stamp) == 8 else month_end
        values = {names[name]: float(cells[name]) for name in names}
    except ValueError as error:
        raise wrong(request, f"line {i}: {error}") from error
    for factor, percent in values.items():
        if percent in (-99.99, -999.0):
            continue
        yield {
            "factor": factor,
            "frequency": request.endpoint,
            "date": day,
            "value": percent / 100,
            "known_at": new_york(month_end + timedelta(days=PUBLISHED_DAYS), 23, 59),
            "source": NAME,
        }
