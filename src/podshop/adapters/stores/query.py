"""Questions to the market store in SQL: an in-memory DuckDB over the files of one version.

Views: every table by its name, and

    prices        date, symbol, open, high, low, close, volume (raw), adj_close, security_id
    stock_list    symbol, name, exchange, type, sector, industry, security_id (as of the last day)
    income_statement, balance_sheet, cash_flow, ratio   the tables of statements, in the singular

Nothing can be written, and no file but those of the version can be read.
"""

import contextlib
from typing import TYPE_CHECKING, Any

import polars as pl

from podshop.domain.error import ConfigError
from podshop.market.tables import TABLES

if TYPE_CHECKING:
    from podshop.adapters.stores.market import MarketStore

SQL_TYPES = {
    "text": "VARCHAR",
    "date": "DATE",
    "moment": "TIMESTAMPTZ",
    "real": "DOUBLE",
    "whole": "BIGINT",
    "flag": "BOOLEAN",
}

VIEWS = {
    "prices": """
        SELECT b.date, b.symbol, b.open, b.high, b.low, b.close, b.volume,
               b.close * coalesce(a.factor, 1.0) AS adj_close, b.security_id
        FROM bars b ASOF LEFT JOIN adjustments a
          ON b.security_id = a.security_id AND b.date < a.date""",
    "stock_list": """
        SELECT l.symbol, s.name, s.exchange, s.type, s.sector, s.industry, s.security_id
        FROM securities s LEFT JOIN (
            SELECT security_id, arg_max(symbol, first) AS symbol FROM symbols GROUP BY security_id
        ) l ON l.security_id = s.security_id
        ORDER BY l.symbol, s.security_id""",
    "income_statement": "SELECT * FROM income_statements",
    "balance_sheet": "SELECT * FROM balance_sheets",
    "cash_flow": "SELECT * FROM cash_flows",
    "ratio": "SELECT * FROM ratios",
}
"""Views made of the tables."""


def ask(store: "MarketStore", sql: str) -> pl.DataFrame:
    """Answer one question.

    Args:
        store: the version that is asked.
        sql: one SELECT (or DESCRIBE, SHOW, ...) in DuckDB's dialect.

    Raises:
        ConfigError: the SQL is wrong, is more than one statement, or would change something; the
            message is DuckDB's.
        DataError: the version's files are gone, because it was held for too long.
    """
    import duckdb

    with contextlib.closing(duckdb.connect(":memory:")) as connection:
        try:
            _views(connection, store)
            statements = connection.extract_statements(sql)
            kinds = [statement.type.name for statement in statements]
            if len(kinds) != 1 or kinds[0] not in ("SELECT", "EXPLAIN"):
                raise ConfigError(
                    f"the store answers one SELECT at a time, not {', '.join(kinds) or 'nothing'}"
                )
            answer: pl.DataFrame = connection.cursor().sql(sql).pl()
            return answer
        except duckdb.Error as error:
            store.assert_there()
            raise ConfigError(f"the question cannot be answered: {error}") from error


def _views(connection: Any, store: "MarketStore") -> None:
    """Make the views, then shut every other door."""
    paths: list[str] = []
    for name in TABLES:
        files = [str(file.absolute()) for file in store.files(name)]
        paths += files
        connection.execute(f'CREATE VIEW "{name}" AS {_select(name, files)}')
    for name, select in VIEWS.items():
        connection.execute(f'CREATE VIEW "{name}" AS {select}')
    allowed = ", ".join(_quoted(path) for path in paths)
    connection.execute(f"SET allowed_paths = [{allowed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET lock_configuration = true")


def _select(table: str, files: list[str]) -> str:
    if files:
        listed = ", ".join(_quoted(file) for file in files)
        return f"SELECT * FROM read_parquet([{listed}], union_by_name = true)"
    columns = ", ".join(
        f'NULL::{SQL_TYPES[kind]} AS "{name}"' for name, kind in TABLES[table].columns.items()
    )
    return f"SELECT {columns} WHERE false"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
