"""`podshop data`: what a user types, and what it answers."""

import json
from pathlib import Path

import polars as pl
import pytest
from tests.quality_tables import clean
from tests.vendor_server import KEY, vendor_server

from podshop.adapters.stores.market import MarketStore
from podshop.data import Client
from podshop.desk.cli import main
from podshop.domain.error import ConfigError

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    file = tmp_path / "prices.csv"
    bad = pl.DataFrame(
        {
            "symbol": ["BAD"],
            "date": ["2020-01-02"],
            "open": [1.0],
            "high": [1.0],
            "low": [2.0],
            "close": [1.5],
            "volume": [10.0],
        }
    )
    rows = clean(names=3).bars.drop("security_id").with_columns(pl.col("date").cast(pl.String))
    pl.concat([rows, bad.select(rows.columns)]).write_csv(file)
    return file


def data(*words: str | Path) -> int:
    return main(["data", *(str(word) for word in words)])


def test_import_status_query_and_check(tmp_path: Path, prices: Path, capsys: Capture) -> None:
    store = tmp_path / "store"
    assert data("import", prices, "--store", store) == 0
    assert "1 rows cannot be and were set aside" in capsys.readouterr().out
    assert data("status", "--store", store) == 0
    assert "quarantine" in capsys.readouterr().out
    assert data("query", "SELECT count(*) AS n FROM prices", "--store", store) == 0
    assert "1566" in capsys.readouterr().out
    page = tmp_path / "quality.html"
    assert data("check", "--store", store, "--report", page) == 0
    assert "Fit to trade" in capsys.readouterr().out
    assert "<h1>Data quality: store</h1>" in page.read_text(encoding="utf-8")


def test_findings_as_json_are_symbol_date_check_severity_and_detail(
    tmp_path: Path, prices: Path, capsys: Capture
) -> None:
    store = tmp_path / "store"
    spoilt = pl.read_csv(prices).filter(pl.col("symbol") == "N1")
    at = pl.col("date") >= "2021-03-01"
    halved = [
        pl.when(at).then(pl.col(c) / 2).otherwise(pl.col(c)).alias(c)
        for c in ("open", "high", "low", "close")
    ]
    lots = pl.when(at).then(pl.col("volume") * 2).otherwise(pl.col("volume"))
    spoilt.with_columns(*halved, lots.alias("volume")).write_csv(prices)
    assert data("import", prices, "--store", store) == 0
    capsys.readouterr()
    assert data("check", "--store", store, "--json") == 1
    (found,) = (f for f in json.loads(capsys.readouterr().out) if f["severity"] == "stop")
    assert list(found) == ["symbol", "date", "check", "severity", "detail"]
    assert (found["symbol"], found["date"], found["check"]) == ("N1", "2021-03-01", "split")
    accepted = ["--accept", "N1", "2021-03-01", "split", "--why", "it is made up"]
    assert data("check", "--store", store, *accepted) == 0
    capsys.readouterr()
    assert data("check", "--store", store, "--json") == 0


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_an_answer_is_written_to_a_file(tmp_path: Path, prices: Path, kind: str) -> None:
    store, out = tmp_path / "store", tmp_path / f"out.{kind}"
    assert data("import", prices, "--store", store) == 0
    assert data("query", "SELECT * FROM prices", "--out", out, "--store", store) == 0
    read = pl.read_parquet if kind == "parquet" else pl.read_csv
    assert read(out).height == 1566


def test_the_store_may_be_named_by_the_environment(
    tmp_path: Path, prices: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.delenv("PODSHOP_STORE", raising=False)
    assert data("status") == 2
    assert "set PODSHOP_STORE" in capsys.readouterr().err
    monkeypatch.setenv("PODSHOP_STORE", str(tmp_path / "store"))
    assert data("import", prices) == 0
    assert MarketStore(tmp_path / "store").version == 1


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("query", "DROP TABLE bars"), 2, "one SELECT at a time"),
        (("query", "SELECT nothing FROM bars"), 2, "cannot be answered"),
        (("query", "SELECT 1", "--out", "x.txt"), 2, "a .parquet or a .csv"),
        (("import", "nowhere.parquet"), 2, "no such file"),
        (("sync", "--vendor", "nobody"), 2, 'no vendor "nobody"'),
        (("sync", "--tables", "weather"), 2, "fmp has no weather"),
        (("sync", "--from", "2024-01-02", "--to", "2024-01-01"), 2, "is before the first"),
        (("sync", "--symbols", "AAPL"), 2, "FMP_API_KEY"),
    ],
)
def test_what_cannot_be_done_is_said(
    tmp_path: Path,
    words: tuple[str, ...],
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    monkeypatch.delenv("FMP_API_KEY", raising=False)
    assert data(*words, "--store", tmp_path / "store") == code
    assert told in capsys.readouterr().err


def test_a_price_file_that_is_wrong_names_its_column(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text("date,symbol,price\n2020-01-02,A,1\n", encoding="utf-8")
    assert data("import", file, "--store", tmp_path / "store") == 3
    assert "no column close" in capsys.readouterr().err
    file.write_text("date,symbol,close\n02.01.2020,A,1\n", encoding="utf-8")
    assert data("import", file, "--store", tmp_path / "store") == 3
    assert "wrong.csv" in capsys.readouterr().err


@pytest.mark.slow
def test_sync_from_the_command_line_and_the_client(
    tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("FMP_API_KEY", KEY)
    with vendor_server(shared_data / "recorded", limit=1_000) as server:
        words = ["--symbols", "AAPL,NEWCO", "--from", "2023-01-01", "--to", "2023-01-10"]
        asked = ["sync", *words, "--base-url", server.url, "--store", tmp_path / "cli"]
        assert data(*asked, "--tables", "symbols,bars,splits") == 0
        out = capsys.readouterr()
        assert "12 bars" in out.out
        assert KEY not in out.out + out.err
        client = Client(store=tmp_path / "client", api_key=KEY, base_url=server.url)
        prices = client.bulk_historical_prices("2023-01-01", "2023-01-10", ["AAPL", "NEWCO"])
        assert prices.columns[:3] == ["date", "symbol", "open"]
        figures = client.fetch_bulk_financial_statements("income", "annual", 2022, 2024, ["AAPL"])
        assert figures.select("symbol", "period", "fiscal_year").row(0) == ("AAPL", "FY", 2024)
        assert figures.get_column("known_at").null_count() == 0
        assert client.query("SELECT count(*) AS n FROM bars").item() == 12
        with pytest.raises(ConfigError, match="no such statement"):
            client.fetch_bulk_financial_statements("weather", "annual", 2022, 2024)


@pytest.mark.slow
def test_simulate_fills_a_store_with_its_truth(tmp_path: Path, capsys: Capture) -> None:
    words = ["--names", "30", "--years", "2", "--seed", "3", "--store", tmp_path / "made"]
    assert data("simulate", *words) == 0
    assert (tmp_path / "made" / "truth").is_dir()
    assert MarketStore(tmp_path / "made").query("SELECT count(*) AS n FROM prices").item() > 5_000
    assert data("simulate", *words) == 2  # it is full
    capsys.readouterr()
    assert data("score", "--store", tmp_path / "made") == 0
    assert "sentiment" in capsys.readouterr().out


def test_help_imports_nothing_heavy() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from podshop.desk.cli import parser; parser(); "
        "print(sorted({'duckdb', 'polars', 'httpx2', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
