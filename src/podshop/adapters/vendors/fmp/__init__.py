"""Financial Modeling Prep, the /stable API. Prices, statements, actions, news; one key, paid plans.

Recorded answers exist for prices, statements, profile, dividends, splits (v3), treasury rates and
the refusal of too many requests; the other shapes are as the vendor's documentation and client
libraries have them, so unknown fields are kept or ignored, never an error.

`close` of `historical-price-eod/full` is adjusted for splits; raw prices come from
`non-split-adjusted`. A bulk day (`eod-bulk`) has the prices of that day. Where only a date is known
of a moment, it is the end of that day in New York.
"""

from podshop.adapters.vendors.fmp.endpoints import (
    BASE_URL,
    HEADERS,
    KEY,
    NAME,
    PER_MINUTE,
    TABLES,
    follow,
    members,
    requests,
    universe,
)
from podshop.adapters.vendors.fmp.refusals import refusal
from podshop.adapters.vendors.fmp.rows import rows

__all__ = [
    "BASE_URL",
    "HEADERS",
    "KEY",
    "NAME",
    "PER_MINUTE",
    "TABLES",
    "follow",
    "members",
    "refusal",
    "requests",
    "rows",
    "universe",
]
