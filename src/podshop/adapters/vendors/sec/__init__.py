"""The SEC's EDGAR: filings, XBRL facts, insiders' trades (Form 4), managers' holdings (13F).

Symbols are tickers, or `CIK` and a number for filers without one (managers). A symbol leads to its
submissions, those to older pages, and to the documents of Forms 4 and 13F in the days asked for. An
insider's own submissions are not needed: they are among the issuer's.

The SEC wants to be told who asks (PODSHOP_CONTACT, a name and an address of mail) and at most ten
requests a second. A library for EDGAR was weighed (edgartools 5): it fetches by itself, beside our
limit and cache, and brings pandas and some forty packages; these few shapes need 300 lines.

All shapes here are recorded. `acceptanceDateTime` ends in Z and is Eastern time all the same.
"""

from podshop.adapters.reading import page_refusal
from podshop.adapters.vendors.sec.endpoints import (
    BASE_URL,
    CONTACT,
    HEADERS,
    KEY,
    NAME,
    PER_MINUTE,
    TABLES,
    follow,
    requests,
)
from podshop.adapters.vendors.sec.rows import rows

__all__ = [
    "BASE_URL",
    "CONTACT",
    "HEADERS",
    "KEY",
    "NAME",
    "PER_MINUTE",
    "TABLES",
    "follow",
    "refusal",
    "requests",
    "rows",
]


def refusal(status: int, body: bytes) -> str | None:
    """Why an answer is an error: pages of HTML and errors of the file store, as recorded."""
    return page_refusal(status, body)
