"""Market data from Python: `podshop.data.Client`."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from podshop.adapters.stores.market import MarketStore
from podshop.adapters.vendors import Wanted
from podshop.data.sync import Access, sync
from podshop.domain.error import ConfigError

if TYPE_CHECKING:
    import polars as pl

STATEMENTS = {
    "income": "income_statements",
    "balance": "balance_sheets",
    "cash": "cash_flows",
    "ratios": "ratios",
    "income_statement": "income_statements",
    "balance_sheet": "balance_sheets",
    "balance_sheet_statement": "balance_sheets",
    "cash_flow": "cash_flows",
    "cash_flow_statement": "cash_flows",
}
"""What a kind of statement may be called."""


class Client:
    """A market store and the vendor that fills it.

    Args:
        store: the store's folder.
        api_key: the vendor's key; None = from the environment (FMP_API_KEY).
        base_url: another address than the vendor's (a proxy, a test).
        vendor: the vendor's name.
    """

    def __init__(
        self,
        store: str | Path,
        api_key: str | None = None,
        base_url: str | None = None,
        vendor: str = "fmp",
    ) -> None:
        """Open the store; nothing is asked yet."""
        self.store = MarketStore(store)
        self.vendor = vendor
        self._access = Access(key=api_key or "", base_url=base_url)

    def bulk_historical_prices(
        self, start_date: date | str, end_date: date | str, symbols: Sequence[str] = ()
    ) -> "pl.DataFrame":
        """Fetch what is missing of daily prices, and give what the store then has.

        Args:
            start_date: first day.
            end_date: last day, included.
            symbols: names, or names of lists such as sp500; none = every name that the vendor has.

        Returns:
            The view `prices` of these days, of these names under whatever symbol they had: date,
            symbol, open, high, low, close, volume (raw), adj_close, security_id.
        """
        first, last = _day(start_date), _day(end_date)
        tables = ("symbols", "bars", "splits", "dividends")
        asked = self._sync(tables, tuple(symbols), first, last)
        listed = ", ".join("'" + symbol.replace("'", "''") + "'" for symbol in asked)
        theirs = (
            f" AND security_id IN (SELECT security_id FROM symbols WHERE symbol IN ({listed}))"  # noqa: S608
            if asked
            else ""
        )
        return self.query(
            f"SELECT * FROM prices WHERE date BETWEEN DATE '{first}' AND DATE '{last}'{theirs} "  # noqa: S608
            "ORDER BY date, symbol"
        )

    def fetch_bulk_financial_statements(
        self,
        statement_type: str | Sequence[str],
        periods: str | Sequence[str],
        start_year: int,
        end_year: int,
        symbols: Sequence[str] = (),
    ) -> "pl.DataFrame":
        """Fetch what is missing of statements, and give what the store then has.

        Args:
            statement_type: "income", "balance", "cash", "ratios", or several.
            periods: "annual", "quarter", or names of periods such as "FY", "Q1", or several.
            start_year: first fiscal year.
            end_year: last fiscal year, included.
            symbols: names; none = every name that the vendor has.

        Returns:
            The rows, each with `known_at`, the moment when it became public; of several kinds one
            below the other, with a column `statement`.

        Raises:
            ConfigError: no such statement or period.
        """
        import polars as pl

        kinds = [statement_type] if isinstance(statement_type, str) else list(statement_type)
        unknown = [k for k in kinds if k not in STATEMENTS]
        if unknown:
            raise ConfigError(f"no such statement: {', '.join(unknown)}; {', '.join(STATEMENTS)}")
        names = [STATEMENTS[k] for k in kinds]
        span = (date(start_year, 1, 1), date(end_year, 12, 31))
        asked = self._sync(tuple(names), tuple(symbols), *span)
        who = self.store.frame("symbols").filter(pl.col("symbol").is_in(list(asked)))
        theirs = pl.col("security_id").is_in(who.get_column("security_id").to_list()) | (not asked)
        wanted = _periods([periods] if isinstance(periods, str) else list(periods))
        rows = [
            self.store.frame(name)
            .filter(
                theirs,
                pl.col("period").is_in(wanted),
                pl.col("fiscal_year").is_between(start_year, end_year),
            )
            .with_columns(statement=pl.lit(name))
            for name in names
        ]
        return pl.concat(rows, how="diagonal")

    def query(self, sql: str) -> "pl.DataFrame":
        """Ask the store in SQL; see `adapters/stores/query.py` for the views.

        Raises:
            ConfigError: the SQL is wrong, or is more than one question.
        """
        return self.store.query(sql)

    def build_zipline_bundle(self, name: str) -> Path:
        """Write the store as the files of a zipline bundle; gives their folder."""
        from podshop.adapters.bundles import zipline

        return zipline.write(self.store, name)

    def register_bundle(self, name: str) -> None:
        """Make zipline know the bundle in this process."""
        from podshop.adapters.bundles import zipline

        zipline.register(self.store, name)

    def ingest_bundle(self, name: str) -> None:
        """Let zipline ingest the bundle."""
        from podshop.adapters.bundles import zipline

        zipline.ingest(self.store, name)

    def _sync(
        self, tables: tuple[str, ...], symbols: tuple[str, ...], first: date, last: date
    ) -> tuple[str, ...]:
        """Bring the store up to date; gives the symbols, lists replaced by their members."""
        made = sync(self.store, self.vendor, Wanted(tables, symbols, first, last), self._access)
        self.store.refresh()
        return made.symbols


def _day(value: date | str) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def _periods(named: list[str]) -> list[str]:
    """Names of periods as in the tables."""
    told: list[str] = []
    for name in named:
        if name == "annual":
            told.append("FY")
        elif name in ("quarter", "quarterly"):
            told += ["Q1", "Q2", "Q3", "Q4"]
        elif name in ("FY", "Q1", "Q2", "Q3", "Q4"):
            told.append(name)
        else:
            raise ConfigError(f'no period "{name}"; say annual, quarter, FY or Q1 to Q4')
    return told
