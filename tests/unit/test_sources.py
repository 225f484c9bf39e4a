"""Where panels come from: the embedded data, and a user's own files."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from podshop.adapters.sources import embedded, parquet
from podshop.domain.error import DataError


def prices() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "date": ["2024-01-02", "2024-01-03", "2024-01-02", "2024-01-03"],
            "symbol": ["B", "B", "A", "A"],
            "open": [1.0, 2.0, 3.0, 4.0],
            "close": [1.5, 2.5, 3.5, 4.5],
        }
    )


def test_the_embedded_universe_is_whole() -> None:
    panel = embedded.load()
    assert panel.close.shape == (8313, 20)
    assert str(panel.days[0]) == "1990-01-02"
    assert str(panel.days[-1]) == "2022-12-28"
    assert not np.isnan(panel.close).any()
    assert panel.assets.symbols == tuple(embedded.SECTORS)
    assert "" not in panel.assets.sectors
    assert not panel.opens
    assert panel.close[0, panel.assets.symbols.index("AAPL")] == 0.264
    assert panel.benchmark_t[[0, -1]].tolist() == [359.69, 3783.22]
    for word in ("adjusted", "next close", "November 2018", "hindsight"):
        assert word in panel.source


def test_embedded_interest_is_the_bill_known_before_and_ends_with_the_data() -> None:
    panel = embedded.load()
    t = panel.row(np.datetime64("1990-01-03"))
    assert panel.rate_t[t] == pytest.approx(0.0057 * 12 / 365)  # RF of 1990-01: 0.57 % a month
    assert panel.rate_t[panel.row(np.datetime64("2018-11-30"))] > 0.0
    assert (panel.rate_t[panel.row(np.datetime64("2018-12-04")) :] == 0.0).all()


def test_the_packages_that_hold_the_data_are_not_imported() -> None:
    before = set(sys.modules)
    embedded.load()
    assert not {"skfolio", "arch", "pandas"} & (set(sys.modules) - before)


def test_missing_embedded_data_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install podshop\[demo\]"):
        embedded.load()


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_file_becomes_a_panel(kind: str, tmp_path: Path) -> None:
    file = tmp_path / f"own.{kind}"
    if kind == "parquet":
        prices().with_columns(pl.col("date").str.to_date()).write_parquet(file)
    else:
        prices().write_csv(file)
    panel = parquet.load(file)
    assert panel.assets.symbols == ("A", "B")
    assert panel.close.tolist() == [[3.5, 1.5], [4.5, 2.5]]
    assert panel.opens
    assert "own" in panel.source


def test_a_folder_is_read_whole(tmp_path: Path) -> None:
    frame = prices()
    frame.head(2).write_csv(tmp_path / "1.csv")
    frame.tail(2).select("close", "symbol", "open", "date").write_parquet(tmp_path / "2.parquet")
    (tmp_path / "notes.txt").write_text("not prices")
    assert parquet.load(str(tmp_path)).close.shape == (2, 2)


def test_what_is_wrong_with_a_file_is_said_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        parquet.load(tmp_path / "absent.parquet")
    with pytest.raises(DataError, match="has no file of kind"):
        parquet.load(tmp_path)
    with pytest.raises(DataError, match="name the file"):
        parquet.load()
    broken = tmp_path / "broken.parquet"
    broken.write_text("this is no parquet")
    with pytest.raises(DataError, match=r"broken\.parquet: cannot be read"):
        parquet.load(broken)
    broken.rename(tmp_path / "broken.xlsx")
    with pytest.raises(DataError, match="cannot read this kind"):
        parquet.load(tmp_path / "broken.xlsx")
    (tmp_path / "broken.xlsx").unlink()
    odd = tmp_path / "odd.csv"
    prices().rename({"open": "opening"}).write_csv(odd)
    with pytest.raises(DataError, match=r"odd\.csv: .*nobody knows: opening"):
        parquet.load(odd)
    prices().write_csv(tmp_path / "even.csv")
    with pytest.raises(DataError, match=r"odd\.csv: its columns differ from those of even\.csv"):
        parquet.load(tmp_path)
    odd.write_text("date,symbol,close\n2024-01-02,A,-3\n")
    with pytest.raises(DataError, match=r"odd\.csv: A 2024-01-02: close -3\.0 must be positive"):
        parquet.load(odd)
