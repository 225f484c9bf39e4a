"""The tear sheet says what the run says, of a run or any series; printing says what it needs."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.funds import Recipe, cook

from podshop.domain.error import DataError
from podshop.reports import pdf, sheet_plots
from podshop.reports.figures import CHARGES
from podshop.reports.sheet import Sheet, contents, heat, of_run, render, sharpe_of
from podshop.research.metrics import compute
from podshop.research.run import Run

DAYS = np.busday_offset("2019-01-02", np.arange(300), roll="forward").astype("datetime64[D]")
SECTIONS = [
    "equity",
    "drawdown",
    "years",
    "months",
    "rolling",
    "crises",
    "distribution",
    "costs",
    "sensitivity",
    "capacity",
    "bands",
    "metrics",
    "limits",
]


@pytest.fixture(scope="module")
def run() -> Run:
    flows = ((40, "deposit", 300_000), (70, "withdrawal", -100_000))
    return cook(Recipe(seed=4, days=110, pods=1, flows=flows)).run()


def series(**more: object) -> Sheet:
    r = np.random.default_rng(8).normal(0.0004, 0.01, 300)
    plain = Sheet("plain", DAYS, r, samples=50)
    return replace(plain, **more)  # type: ignore[arg-type]


def test_the_bill_is_the_runs_to_the_cent(run: Run) -> None:
    sheet = of_run(run)
    assert sheet.costs is not None
    sums = dict(run.pod_parts.group_by("part").agg(pl.col("amount_micros").sum()).rows())
    money = sheet.costs.money()
    assert set(money) == set(CHARGES)
    for part, amount in money.items():
        assert amount == pytest.approx(-sums.get(part, 0) / 1e6, abs=1e-4)
    assert money["impact"] > 0


def test_returns_times_capital_are_the_profit(run: Run) -> None:
    sheet = of_run(run)
    assert sheet.costs is not None
    made = run.pod_parts.filter(~pl.col("part").is_in(["flow", "transfer"]))["amount_micros"].sum()
    assert (sheet.returns * sheet.costs.capital).sum() == pytest.approx(made / 1e6, abs=1e-3)


def test_turnover_and_participation_are_the_fills(run: Run) -> None:
    sheet = of_run(run)
    assert sheet.costs is not None
    assert sheet.costs.trades is not None
    fills = run.fills.filter(pl.col("kind") != "cross")
    value = (fills["lots"].abs() * fills["price_micros"]).sum() / 1e6
    assert (sheet.costs.traded * sheet.costs.capital).sum() == pytest.approx(value)
    trades = sheet.costs.trades
    market = fills.filter(pl.col("kind") == "market").group_by("date", "symbol").len().height
    assert trades.participation.size + trades.unknown == market
    assert 0 < trades.participation.max() <= run.rules.costs.volume_cap + 1e-9


def test_a_run_without_volume_says_so() -> None:
    sheet = of_run(cook(Recipe(seed=4, days=60, pods=1, volume=False)).run())
    assert sheet.costs is not None
    assert sheet.costs.trades is not None
    assert sheet.costs.trades.participation.size == 0
    assert "The data has no volume for any of the" in render(replace(sheet, samples=20))


def test_the_sheet_has_the_summarys_metrics(run: Run) -> None:
    metrics = of_run(run).metrics
    for name in ("cagr", "sharpe", "max_drawdown", "total_return"):
        assert metrics[name] == pytest.approx(run.summary["metrics"][name], rel=1e-9)


def test_the_page_of_a_run_has_every_section_and_no_address_to_load(run: Run) -> None:
    page = render(replace(of_run(run), samples=50))
    assert re.findall(r'<section id="([a-z]+)"', page) == SECTIONS
    assert not re.search(r'<(?:script|img|link)[^>]+(?:src|href)="(?!data:)', page)
    assert "The trades are held fixed" in page


def test_the_page_of_a_plain_series_leaves_costs_out() -> None:
    page = render(series(name="<b>bold</b>", notes=("a note",)))
    found = re.findall(r'<section id="([a-z]+)"', page)
    assert found == [s for s in SECTIONS if s not in ("costs", "sensitivity", "capacity")]
    assert "<b>bold</b>" not in page
    assert "a note" in page
    assert "Nothing is known about the costs" in page


def test_the_interval_of_the_sharpe_ratio() -> None:
    sheet = series()
    sharpe, figures = sharpe_of(sheet), compute(sheet.returns)
    assert sharpe.ratio == figures["sharpe"]
    assert (sharpe.high - sharpe.low) / (2 * sharpe.error) == pytest.approx(1.96, abs=0.001)
    # Close to normal returns: close to what Lo's formula says.
    assert sharpe.error == pytest.approx(figures["sharpe_se"], rel=0.05)
    assert np.isnan(sharpe_of(series(returns=np.zeros(300))).error)


def test_contents_follow_the_benchmark_and_the_seed() -> None:
    benchmark = np.concatenate([[np.nan], np.full(299, 0.001)])
    told = contents(series(benchmark=benchmark))
    assert told["benchmark_total"] == pytest.approx(1.001**299 - 1)
    assert told["years"][1].benchmark == pytest.approx(1.001 ** told["years"][1].sessions - 1)
    again = contents(series(benchmark=benchmark))
    assert told["bands"].sharpe == again["bands"].sharpe
    assert contents(series(seed=1))["bands"].sharpe != again["bands"].sharpe
    worst, loss, best, gain = told["extremes"][0]
    r = series().returns
    assert (loss, gain) == (r.min(), r.max())
    assert (worst, best) == (DAYS[r.argmin()], DAYS[r.argmax()])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"returns": np.array([0.01])}, "needs two at least"),
        ({"days": DAYS[:-1]}, "299 rows of days"),
        ({"benchmark": np.zeros(7)}, "7 rows of benchmark"),
        ({"days": DAYS[::-1]}, "must ascend"),
        ({"returns": np.append(np.zeros(299), np.nan)}, f"return of {DAYS[-1]} is nan"),
    ],
)
def test_a_sheet_of_bad_input_says_what_is_wrong(change: dict[str, object], why: str) -> None:
    with pytest.raises(DataError, match=why):
        series(**change)


def test_a_late_benchmark_starts_where_the_strategy_stands() -> None:
    benchmark = np.array([np.nan, np.nan, 0.10, np.nan, 0.10, np.nan])
    value = np.array([1.0, 2.0, 3.0, 3.0, 3.0, 3.0])
    growth = sheet_plots.beside(benchmark, value)
    assert growth[2:5].tolist() == pytest.approx([2.2, 2.2, 2.42])
    assert np.isnan(growth[[0, 1, 5]]).all()


def test_the_histogram_counts_every_session() -> None:
    r = np.append(np.random.default_rng(0).normal(0, 0.01, 500), [0.9, -0.9])
    edges, counts = sheet_plots.histogram(r)
    assert counts.sum() == 502
    assert edges[0] == -edges[-1]
    assert counts[0] >= 1
    assert counts[-1] >= 1


def test_heat_grows_with_the_return_and_stops() -> None:
    def strength(value: float) -> float:
        return float(heat(value).split(",")[-1].rstrip(")"))

    assert strength(0.01) < strength(0.04) < strength(0.08) == strength(0.50)
    assert heat(0.01).split(",")[0] != heat(-0.01).split(",")[0]
    assert heat(float("nan")) == heat(0.0) == "transparent"


def test_without_a_browser_the_page_stays_and_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "sheet.html"
    page.write_text("<p>sheet", encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    printed = pdf.write_pdf(page, tmp_path / "sheet.pdf")
    assert not printed
    assert "apt-get install chromium" in printed.message
    assert page.is_file()
    assert not (tmp_path / "sheet.pdf").exists()


def test_a_browser_that_fails_leaves_no_pdf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, browser = tmp_path / "sheet.html", tmp_path / "chromium"
    page.write_text("<p>sheet", encoding="utf-8")
    browser.write_text("#!/bin/sh\necho out of memory >&2\nexit 3\n", encoding="utf-8")
    browser.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    printed = pdf.write_pdf(page, tmp_path / "sheet.pdf")
    assert not printed
    assert "ended with 3: out of memory" in printed.message
    assert not (tmp_path / "sheet.pdf").exists()


def test_there_must_be_a_page(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no page to print"):
        pdf.write_pdf(tmp_path / "none.html", tmp_path / "none.pdf")
