"""The quality gate: tables of the market store in, findings out; nothing is changed or deleted.

    bars.py          1 order of prices, 5 stale, 6 outliers, 8 volume, 9 duplicates
    actions.py       3 splits that were not, or wrongly, applied; 4 identity with the vendor's
                     adjusted close; 7 odd dividends and ratios
    listing.py       2 calendar, 11 symbols used again, 12 departures, 13 freshness
    sources.py       10 closes of another source, 14 statements
    gate.py          all of them, as far as the tables allow

A finding has a severity: "stop" (a fund may not trade on it), "warn" (a person should look), "note"
(worth knowing; real markets do that). Thresholds are in `params.py` with their reasons.
"""
