"""A user's own prices: one Parquet or CSV file, or a folder of them, with the panel's columns."""

from pathlib import Path

import polars as pl

from podshop.domain.error import DataError
from podshop.domain.market import Panel

KINDS = (".parquet", ".csv", ".csv.gz")


def load(path: str | Path = "") -> Panel:
    """Load raw daily prices.

    Args:
        path: a .parquet, .csv or .csv.gz file, or a folder whose files of those kinds are read in
            the order of their names. Columns as in `market.panel.from_frame`: date, symbol, close
            and, where known, open, high, low, volume, dividend, split, sector.

    Returns:
        The panel of all rows; interest is 0 and there is no benchmark.

    Raises:
        DataError: nothing to read, an unreadable file, or a table that is wrong; the message names
            the file, and the column or the symbol and date.
    """
    if not str(path):
        raise DataError("no path: name the file or folder that holds the prices")
    where = Path(path)
    files = _files(where)
    frames = [_read(file) for file in files]
    for file, frame in zip(files, frames, strict=True):
        if set(frame.columns) != set(frames[0].columns):
            differing = sorted(set(frame.columns) ^ set(frames[0].columns))
            raise DataError(
                f"{file}: its columns differ from those of {files[0].name}: {', '.join(differing)}"
            )
    try:
        frame = pl.concat([f.select(frames[0].columns) for f in frames], how="vertical_relaxed")
        return Panel.from_frame(frame, source=f"raw daily prices in {where.name}")
    except (DataError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{where}: {error}") from error


def _files(where: Path) -> list[Path]:
    """The file itself, or the readable files of the folder, sorted by name."""
    if where.is_file():
        if not where.name.endswith(KINDS):
            raise DataError(f"{where}: cannot read this kind of file; give {', '.join(KINDS)}")
        return [where]
    if not where.is_dir():
        raise DataError(f"{where}: no such file or folder")
    files = sorted(file for file in where.iterdir() if file.name.endswith(KINDS))
    if not files:
        raise DataError(f"{where}: the folder has no file of kind {', '.join(KINDS)}")
    return files


def _read(file: Path) -> pl.DataFrame:
    """Read one file; dates of a CSV stay texts and are read where the other columns are checked."""
    try:
        if file.suffix == ".parquet":
            return pl.read_parquet(file)
        texts = {"date": pl.String, "symbol": pl.String, "sector": pl.String}
        return pl.read_csv(file, schema_overrides=texts, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from error
