"""What the market store holds: its tables, their columns, units and keys.

Vendors deliver rows of these tables under the vendor's symbol; the store adds the permanent
`security_id` and keeps the rows. Prices are RAW (as traded on the day, never adjusted), in currency
per lot. A moment (`known_at`) is UTC and says when anybody could have known the row: nothing that
decides on a day may read a row that became known after it.

A table grows in one of two ways. "merge": a newer row takes the place of the one with the same key,
and the old one goes to `revisions`. "append": rows are never replaced; a row that is there already,
whatever day it comes again, is dropped.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

KINDS = ("text", "date", "moment", "real", "whole", "flag")
"""Kinds of columns: String, Date, Datetime(us, UTC), Float64, Int64, Boolean."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the market store.

    Attributes:
        name: as in SQL.
        about: one line on what a row is.
        columns: kind of each column, in order.
        key: columns that together name a row.
        grows: "merge" or "append".
        year: date or moment column by whose year the files are parted; "" = one file.
        needs: columns that may not be empty, besides the key.
        open: True when further columns of kind real are kept as the vendor names them.
    """

    name: str
    about: str
    columns: Mapping[str, str]
    key: tuple[str, ...]
    grows: str = "merge"
    year: str = ""
    needs: tuple[str, ...] = field(default=())
    open: bool = False


def _kinds(text: str) -> dict[str, str]:
    """Columns written as `name name:kind ...`; without a kind, real."""
    pairs = (word.partition(":") for word in text.split())
    return {name: kind or "real" for name, _, kind in pairs}


_WHO = "security_id:text symbol:text "

_STATEMENT_HEAD = (
    _WHO + "period_end:date period:text fiscal_year:whole currency:text "
    "filed:date known_at:moment source:text "
)


def _statement(name: str, about: str, items: str) -> Table:
    """A table of reported figures; every version that was ever reported stays."""
    return Table(
        name,
        about,
        _kinds(_STATEMENT_HEAD + items),
        ("security_id", "period_end", "period", "known_at"),
        "append",
        needs=("symbol",),
        open=True,
    )


_ALL = (
    Table(
        "securities",
        "a security, under an id that never changes",
        _kinds(
            "security_id:text name:text exchange:text type:text currency:text country:text "
            "cik:text isin:text sector:text industry:text listed:date delisted:date "
            "delist_reason:text"
        ),
        ("security_id",),
    ),
    Table(
        "symbols",
        "the symbol of a security from one day to another (empty `last` = still)",
        _kinds("security_id:text symbol:text first:date last:date"),
        ("symbol", "first"),
        needs=("security_id",),
    ),
    Table(
        "bars",
        "a session's raw prices; `symbol` is the one of that day, volume in lots as traded",
        _kinds(_WHO + "date:date open high low close volume source:text"),
        ("security_id", "date"),
        year="date",
        needs=("symbol", "close"),
    ),
    Table(
        "splits",
        "`ratio` lots after one lot before, from the open of `date` on",
        _kinds(_WHO + "date:date ratio source:text"),
        ("security_id", "date"),
        needs=("symbol", "ratio"),
    ),
    Table(
        "dividends",
        "cash per lot (a lot after that day's split) that goes ex on `date`",
        _kinds(
            _WHO + "date:date amount record_date:date payment_date:date declared_date:date "
            "source:text"
        ),
        ("security_id", "date"),
        needs=("symbol", "amount"),
    ),
    Table(
        "adjustments",
        "made of bars and actions by the store: prices before `date` are multiplied by `factor`",
        _kinds("security_id:text date:date factor"),
        ("security_id", "date"),
    ),
    Table(
        "adjusted",
        "the vendor's own adjusted close, kept as a second opinion only",
        _kinds(_WHO + "date:date adj_close source:text"),
        ("security_id", "date"),
        year="date",
        needs=("symbol", "adj_close"),
    ),
    _statement(
        "income_statements",
        "figures of an income statement; period is FY, Q1..Q4",
        "revenue cost_of_revenue gross_profit operating_income net_income eps eps_diluted "
        "weighted_shares weighted_shares_diluted",
    ),
    _statement(
        "balance_sheets",
        "figures of a balance sheet",
        "cash total_current_assets total_assets total_current_liabilities total_debt "
        "total_liabilities total_equity",
    ),
    _statement(
        "cash_flows",
        "figures of a cash flow statement",
        "operating_cash_flow capital_expenditure free_cash_flow dividends_paid shares_repurchased",
    ),
    _statement("ratios", "ratios as the vendor computes them", ""),
    Table(
        "facts",
        "one XBRL fact of one filing, as the SEC publishes it",
        _kinds(
            _WHO + "cik:text taxonomy:text tag:text unit:text start:date end:date value "
            "fiscal_year:whole fiscal_period:text form:text filed:date accession:text "
            "known_at:moment source:text"
        ),
        ("cik", "taxonomy", "tag", "unit", "start", "end", "accession"),
        "append",
        needs=("value", "known_at"),
    ),
    Table(
        "filings",
        "a filing with the SEC; known at its acceptance",
        _kinds(
            _WHO + "cik:text accession:text form:text filed:date known_at:moment "
            "report_date:date document:text source:text"
        ),
        ("cik", "accession"),
        "append",
        needs=("known_at",),
    ),
    Table(
        "news",
        "a headline about a symbol",
        _kinds(_WHO + "known_at:moment title:text body:text site:text url:text source:text"),
        ("symbol", "known_at", "title"),
        "append",
    ),
    Table(
        "insider_trades",
        "a line of a Form 4: `shares` bought (+) or sold (-) at `price` currency units",
        _kinds(
            _WHO + "known_at:moment transaction_date:date insider_id:text insider:text role:text "
            "code:text shares price shares_after direct:flag planned:flag accession:text "
            "line:whole source:text"
        ),
        ("accession", "insider_id", "line"),
        "append",
        needs=("symbol", "known_at", "shares"),
    ),
    Table(
        "congress_trades",
        "a trade by a member of Congress or kin, in a range of money; known when disclosed",
        _kinds(
            _WHO + "known_at:moment transaction_date:date chamber:text member:text owner:text "
            "side:text low high source:text"
        ),
        ("symbol", "chamber", "member", "owner", "transaction_date", "side", "low", "known_at"),
        "append",
    ),
    Table(
        "short_interest",
        "lots sold short on a settlement date; known when published",
        _kinds(_WHO + "date:date known_at:moment shares average_volume days_to_cover source:text"),
        ("symbol", "date", "known_at"),
        "append",
        needs=("shares",),
    ),
    Table(
        "short_volume",
        "lots sold short in a session, as FINRA's facilities reported them",
        _kinds(_WHO + "date:date known_at:moment short exempt total source:text"),
        ("symbol", "date"),
        "append",
        year="date",
        needs=("short", "total"),
    ),
    Table(
        "options_activity",
        "a day's option contracts on a symbol: traded, and open at its start",
        _kinds(
            _WHO + "date:date known_at:moment call_volume put_volume call_open put_open source:text"
        ),
        ("symbol", "date"),
        "append",
        needs=("call_volume", "put_volume"),
    ),
    Table(
        "holdings",
        "a position on a 13F: `shares` and `value` (money) of a manager at a quarter's end",
        _kinds(
            _WHO + "cusip:text issuer:text manager_id:text manager:text period_end:date "
            "known_at:moment shares value put_call:text accession:text line:whole source:text"
        ),
        ("accession", "line"),
        "append",
        needs=("cusip", "known_at", "shares"),
    ),
    Table(
        "earnings",
        "an announcement of earnings, expected or made, as known at `known_at`; `time` is "
        "`before open`, `after close` or empty",
        _kinds(
            _WHO + "date:date time:text known_at:moment eps eps_estimated revenue "
            "revenue_estimated source:text"
        ),
        ("symbol", "date", "known_at"),
        "append",
    ),
    Table(
        "rates",
        "a level of a series of rates, as a fraction a year (0.05 is 5 %)",
        _kinds("series:text date:date value known_at:moment source:text"),
        ("series", "date", "known_at"),
        "append",
        needs=("value",),
    ),
    Table(
        "factor_returns",
        "a factor's return of a period that ends on `date`, as a fraction",
        _kinds("factor:text frequency:text date:date value known_at:moment source:text"),
        ("factor", "frequency", "date", "known_at"),
        "append",
        needs=("value",),
    ),
    Table(
        "indices",
        "a session of an index that is no security, such as VIX or SPX",
        _kinds("index:text date:date open high low close source:text"),
        ("index", "date"),
        needs=("close",),
    ),
    Table(
        "futures_curve",
        "the settlement of one future (such as VX) of an expiry",
        _kinds("root:text expiry:date date:date settle volume open_interest source:text"),
        ("root", "expiry", "date"),
        needs=("settle",),
    ),
    Table(
        "futures",
        "terms of a root's contracts: currency units a point of price of one contract, and the "
        "months that trade enough to be held (text such as 3,6,9,12; empty = all)",
        _kinds(
            "root:text name:text exchange:text currency:text multiplier months:text source:text"
        ),
        ("root",),
        needs=("currency", "multiplier"),
    ),
    Table(
        "scores",
        "a figure made of other tables for a symbol and session, dated by what it was made of",
        _kinds(_WHO + "date:date score:text value known_at:moment"),
        ("security_id", "date", "score"),
        needs=("value", "known_at"),
    ),
    Table(
        "findings",
        "something that the quality gate found; `severity` is note, warn or stop",
        _kinds(_WHO + "date:date check:text severity:text detail:text"),
        ("security_id", "date", "check"),
        needs=("severity", "detail"),
    ),
    Table(
        "accepted",
        "a finding that a person looked at and took for right, and why",
        _kinds("security_id:text date:date check:text why:text"),
        ("security_id", "date", "check"),
        needs=("why",),
    ),
    Table(
        "quarantine",
        "a row that was refused: never deleted, never read by a fund",
        _kinds(
            "table:text symbol:text date:date reason:text row:text source:text received_at:moment"
        ),
        ("table", "row", "reason"),
        "append",
    ),
    Table(
        "revisions",
        "a row that a newer one replaced",
        _kinds("table:text key:text row:text replaced_at:moment"),
        ("table", "key", "row"),
        "append",
    ),
)

TABLES: Mapping[str, Table] = {table.name: table for table in _ALL}
"""Every table by its name."""

MADE = {"adjustments": ("bars", "splits", "dividends")}
"""Tables that the store makes itself whenever one of those after the colon changes."""

CLOCKED = ("received_at", "replaced_at")
"""Columns that say when this machine did something; two stores that differ only there are equal."""
