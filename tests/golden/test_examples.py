"""The examples, and the demo, give the figures that stand beside them.

`make golden` rewrites; git reviews.
"""

import re
from datetime import date
from pathlib import Path

import pytest

import podshop
from podshop.adapters.stores.sqlite import read_entries
from podshop.attribution.pay import Scheme
from podshop.attribution.payday import pay_day
from podshop.attribution.quarters import history
from podshop.domain.rules import PayTerms
from podshop.reports.pay import fund_csv, statement_csv
from podshop.research.run import Run
from tests.golden.card import page, pod_path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HERE = Path(__file__).resolve().parent
SCHEMES: tuple[Scheme, ...] = ("pass-through", "netted")


def compare(expected: Path, text: str, rewrite: bool) -> None:
    """Compare a card with the one on file, or rewrite it."""
    if rewrite:
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "pods"), [("ladder", ("faller",)), ("netting", ("A", "B", "C"))])
def test_example(name: str, pods: tuple[str, ...], rewrite_golden: bool) -> None:
    """Every example gives its expected page."""
    run = podshop.backtest(podshop.load(EXAMPLES / name / "fund.toml"))
    compare(EXAMPLES / name / "expected.txt", page(run, pods), rewrite_golden)


def test_the_ladder_page_shows_the_example(root: Path) -> None:
    """The worked case in the docs is the example's own output, line by line."""
    run = podshop.backtest(podshop.load(EXAMPLES / "ladder" / "fund.toml"))
    text = (root / "docs" / "concepts" / "ladder.md").read_text(encoding="utf-8")
    for line in pod_path(run, "faller"):
        assert line in text


def test_the_ladder_by_hand() -> None:
    """-3 % and -2.5 % give 0.94575 and one cut; -1 % on the halved book is -0.5 %, no new cut."""
    run = podshop.backtest(podshop.load(EXAMPLES / "ladder" / "fund.toml"))
    faller = run.pods.filter(run.pods["pod"] == "faller")
    unit = faller["unit_value"].to_list()
    assert unit[3] == pytest.approx(0.94575, abs=1e-15)
    assert unit[5] == pytest.approx(0.94575 * 0.995, abs=1e-12)
    cuts = run.events.filter(run.events["detail"].str.contains('"action":"HALVE"'))
    assert cuts.filter(cuts["kind"] == "ActionApplied").height == 1
    february = faller["date"].to_list().index(date(2024, 2, 1))
    assert faller["nominal_micros"][february] > faller["nominal_micros"][february - 1]
    assert faller["cut"][february] == 0.5
    assert faller["unit_value"][february] == unit[february - 1]
    assert faller["status"].to_list()[12] == "active"


def test_netting_by_hand() -> None:
    """+100, -80, +30: cross 80, buy 50; 20 of the 50 are shared 15 and 5; everybody ends full."""
    run = podshop.backtest(podshop.load(EXAMPLES / "netting" / "fund.toml"))
    got = run.fills.group_by("pod").agg(lots=run.fills["lots"].sum()).height
    assert got == 3
    lots = {p: run.fills.filter(run.fills["pod"] == p)["lots"].to_list() for p in "ABC"}
    assert lots == {"A": [62, 15, 23], "B": [-80], "C": [18, 5, 7]}
    crossed = run.fills.filter(run.fills["kind"] == "cross")
    assert crossed["lots"].sum() == 0
    assert set(crossed["price_micros"]) == {101_000_000}
    assert run.orders["lots"].to_list() == [50, 30]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """A run of the demo fund, and its journal."""
    fund = Path(podshop.__file__).parent / "desk" / "funds" / "demo.toml"
    journal = tmp_path_factory.mktemp("demo") / "journal.sqlite"
    return podshop.backtest(podshop.load(fund), journal=journal), journal


@pytest.mark.slow
def test_the_demo(demo: tuple[Run, Path], rewrite_golden: bool) -> None:
    """The demo fund gives its expected page, to the last micro and hash."""
    compare(HERE / "demo.txt", page(demo[0]), rewrite_golden)


@pytest.mark.slow
def test_the_pay_of_the_demo(demo: tuple[Run, Path], rewrite_golden: bool) -> None:
    """What the demo's managers are paid for 2016Q4, and one statement with 25 years before it."""
    told = history(read_entries(demo[1]), "2016Q4")
    pages = [
        f"{scheme}\n{fund_csv(pay_day(told, PayTerms(scheme=scheme, royalties='credit')))}"
        for scheme in SCHEMES
    ]
    paid = pay_day(told, PayTerms())
    one = next(statement for statement in paid.statements if statement.payee == "reversion")
    text = "\n".join([*pages, statement_csv(paid, one)])
    # The chain's hashes follow every edit of a strategy's file; they are tested elsewhere.
    text = re.sub(r"\b[0-9a-f]{64}\b", "HASH", text)
    compare(HERE / "demo-pay.txt", text, rewrite_golden)
