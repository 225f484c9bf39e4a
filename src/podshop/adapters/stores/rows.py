"""Rows of the market store as frames: their types, what is refused, what was known when."""

import polars as pl

from podshop.domain.error import DataError
from podshop.domain.money import Days
from podshop.market.tables import TABLES, Table
from podshop.market.visibility import first_rows

TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "text": pl.String,
    "date": pl.Date,
    "moment": pl.Datetime("us", "UTC"),
    "real": pl.Float64,
    "whole": pl.Int64,
    "flag": pl.Boolean,
}
"""The type of every kind of column."""


def schema(table: str) -> dict[str, pl.DataType | type[pl.DataType]]:
    """Names and types of a table's columns."""
    return {name: TYPES[kind] for name, kind in TABLES[table].columns.items()}


def checked(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the table's columns in their order and types; those that it lacks are empty.

    Raises:
        DataError: names the table and the column that is missing, unknown or of a wrong kind.
    """
    if table not in TABLES:
        raise DataError(f'the market store has no table "{table}"')
    made = TABLES[table]
    unknown = [c for c in frame.columns if c not in made.columns]
    if unknown and not made.open:
        raise DataError(
            f"{table}: nobody knows the column {', '.join(unknown)}; "
            f"it has {', '.join(made.columns)}"
        )
    for name in _obligatory(made):
        if name not in frame.columns or (
            frame.get_column(name).null_count() and name in made.needs
        ):
            raise DataError(f"{table}: rows without {name}; every row needs one")
    columns = [_cast(table, frame, name, type_) for name, type_ in schema(table).items()]
    extra = [_cast(table, frame, name, pl.Float64) for name in sorted(unknown)]
    return pl.DataFrame([*columns, *extra])


def _obligatory(made: Table) -> tuple[str, ...]:
    return (*made.key, *made.needs)


def _cast(
    table: str, frame: pl.DataFrame, name: str, type_: pl.DataType | type[pl.DataType]
) -> pl.Series:
    if name not in frame.columns:
        return pl.Series(name, [None] * frame.height, dtype=type_)
    try:
        return frame.get_column(name).cast(type_)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{table}: column {name} does not hold {type_}: {error}") from error


def since_known(rows: pl.DataFrame, days: Days) -> pl.DataFrame:
    """The newest report of each security at every session's close.

    Of the versions known, the one with the latest period counts; of one period, the one that became
    known last.
    """
    dated = rows.drop_nulls("known_at").sort("security_id", "known_at", "period_end", "period")
    row = first_rows(dated.get_column("known_at"), days)
    calendar = pl.DataFrame(
        {"date": days, "row": range(len(days))}, schema_overrides={"row": pl.Int64}
    )
    dated = dated.with_columns(row=pl.Series(row, dtype=pl.Int64)).filter(pl.col("row") < len(days))
    # An old period that is restated later must not hide a newer one that is known already.
    newest = pl.col("period_end").cum_max().over("security_id")
    dated = dated.filter(pl.col("period_end") >= newest)
    ids = dated.select("security_id").unique(maintain_order=True)
    return (
        ids.join(calendar, how="cross")
        .sort("row")
        .join_asof(
            dated.unique(["security_id", "row"], keep="last", maintain_order=True).sort("row"),
            on="row",
            by="security_id",
            strategy="backward",
            check_sortedness=False,
        )
        .drop_nulls("known_at")
        .drop("row")
        .sort("security_id", "date")
    )
