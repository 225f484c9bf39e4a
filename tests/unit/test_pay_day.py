"""Pay day: from a fund's journal to statements that add up, counted by hand."""

import csv
import io
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.funds import Fund, cook, plain, pod, random_recipe, sessions_of, steady

from podshop.adapters.stores.sqlite import read_entries
from podshop.attribution.payday import CENT, PayDay, pay_day
from podshop.attribution.quarters import History, history, quarter_of
from podshop.desk import cli
from podshop.domain.error import DataError
from podshop.domain.event import Part
from podshop.domain.rules import PayTerms
from podshop.reports import pay as pages
from podshop.reports.pay import Account

THOUSAND = 1_000_000_000
"""Micros in a thousand currency units."""

LEVELS = {"A": (110, 90, 100, 130), "B": (90, 100, 100, 110)}
"""What one lot of each pod's name is worth at the end of the quarters; 5,000 lots bought at 100."""

ACCOUNT = Account("test fund", "USD")


def two_pods(sessions: int = 245) -> Fund:
    """Two pods with half a million each, which buy 5,000 lots at 100 and hold them."""
    quarter_t = sessions_of(sessions).astype("datetime64[M]").astype(int) // 3
    quarter_t = quarter_t - quarter_t[0]
    close = np.stack([np.array(LEVELS[name])[quarter_t] for name in "AB"], axis=1).astype(float)
    close[:10] = 100.0
    pods = (pod("A", steady({0: 1.0})), pod("B", steady({1: 1.0})))
    return plain(close, *pods)


def read(folder: Path, last: str | None = None) -> History:
    return history(read_entries(folder / "journal.sqlite"), last)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of the two pods, until shortly before the end of 2020."""
    path = tmp_path_factory.mktemp("run")
    two_pods().run(journal=path / "journal.sqlite")
    return path


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same a few sessions longer: the year is over."""
    path = tmp_path_factory.mktemp("year")
    long = sessions_of(260)
    assert str(long[-1]) > "2021-01-01"
    sessions = int((long < np.datetime64("2021-01-01")).sum())
    fund = two_pods(sessions)
    assert np.busday_count(fund.panel.days[-1] + 1, np.datetime64("2021-01-01")) == 0
    fund.run(journal=path / "journal.sqlite")
    return path


def thousands(amounts: object) -> list[float]:
    return (np.asarray(amounts) / THOUSAND).tolist()


# --- quarters -------------------------------------------------------------------------------------


def test_quarters_have_names() -> None:
    day = np.datetime64("1970-01-01", "D")
    for text, name in (
        ("1969-12-31", "1969Q4"),
        ("1970-01-01", "1970Q1"),
        ("2016-12-31", "2016Q4"),
        ("2020-04-01", "2020Q2"),
    ):
        assert quarter_of(int((np.datetime64(text, "D") - day).astype(int))) == name


def test_a_journal_is_summed_by_quarter(folder: Path) -> None:
    told = read(folder)
    assert told.pods == ("A", "B")
    assert [quarter.name for quarter in told.quarters] == [f"2020Q{n}" for n in (1, 2, 3, 4)]
    assert [thousands(quarter.profit_p) for quarter in told.quarters] == [
        [50.0, -50.0, 0.0],
        [-100.0, 50.0, 0.0],
        [50.0, 0.0, 0.0],
        [150.0, 50.0, 0.0],
    ]
    for before, after in zip(told.quarters, told.quarters[1:], strict=False):
        assert after.first_cycle == before.last_cycle + 1
        assert after.first_entry > before.last_entry
        assert after.nav_before == before.nav_after
    assert [quarter.complete for quarter in told.quarters] == [True, True, True, False]


def test_a_quarter_names_the_head_that_the_journal_had_at_its_end(folder: Path) -> None:
    hashes = {entry.seq: entry.hash for entry in read_entries(folder / "journal.sqlite")}
    for quarter in read(folder).quarters:
        assert hashes[quarter.last_entry] == quarter.hash
    # What comes later changes nothing of a quarter that is over.
    assert read(folder, "2020Q2").quarters[-1].hash == read(folder).quarters[1].hash


def test_a_quarter_is_over_when_no_weekday_of_it_is_left(year: Path) -> None:
    assert read(year).quarters[-1].complete


def test_a_quarter_that_the_journal_does_not_have_is_refused(folder: Path) -> None:
    with pytest.raises(DataError, match=r"no session in 2021Q1; it has 2020Q1 to 2020Q4"):
        read(folder, "2021Q1")
    with pytest.raises(DataError, match=r"no session in 2019Q4; it begins with 2020Q1"):
        read(folder, "2019Q4")
    with pytest.raises(DataError, match="nobody is paid"):
        history(list(read_entries(folder / "journal.sqlite"))[:1])


@pytest.mark.parametrize("seed", range(6))
def test_any_fund_ties_to_the_micro(seed: int, tmp_path: Path) -> None:
    """Pods and centre sum to the change of NAV less flows; the tables of the run say the same."""
    run = cook(random_recipe(seed, days=140)).run(journal=tmp_path / "journal.sqlite")
    told = read(tmp_path)
    assert len(told.quarters) >= 2
    parts = run.pod_parts.filter(~pl.col("part").is_in(["flow", "transfer"]))
    nav = dict(run.nav.select("date", "nav_micros").iter_rows())
    for quarter in told.quarters:
        change = quarter.nav_after - quarter.nav_before
        assert int(quarter.profit_p.sum()) == change - quarter.flows
        assert nav[quarter.last_day.item()] == quarter.nav_after
        mine = parts.filter(
            pl.col("date").is_between(quarter.first_day.item(), quarter.last_day.item())
        )
        for name, profit in zip((*told.pods, "centre"), quarter.profit_p, strict=True):
            assert mine.filter(pl.col("pod") == name)["amount_micros"].sum() == profit
    terms = PayTerms(scheme="netted" if seed % 2 else "pass-through", royalties="credit")
    adds_up(pay_day(told, terms))


# --- pay ------------------------------------------------------------------------------------------


def test_a_loss_is_carried_until_it_is_recovered(year: Path) -> None:
    day = pay_day(read(year), PayTerms())
    assert thousands(day.payroll.paid_qp[:, 0]) == [7.5, 0.0, 0.0, 15.0]
    assert thousands(day.payroll.carried_qp[:, 0]) == [0.0, 0.0, 100.0, 50.0]
    assert thousands(day.payroll.paid_qp[:, 1]) == [0.0, 0.0, 0.0, 7.5]
    # Nobody made anything in the first quarter, and one of them is paid: the netting risk.
    first = pay_day(read(year, "2020Q1"), PayTerms()).bridge()
    assert thousands([first.fund, first.pay, first.netting, first.above]) == [0.0, 7.5, 7.5, 7.5]
    third = pay_day(read(year, "2020Q3"), PayTerms()).bridge(0)
    assert thousands([third.fund, third.pay, third.netted, third.netting]) == [0.0, 7.5, 0.0, 7.5]
    # At the end both stand at their marks, so nothing was paid that is not the fund's profit too.
    assert thousands([day.bridge(0).netted, day.bridge(0).netting]) == [30.0, 0.0]
    adds_up(day)


def test_netted_pay_waits_for_the_funds_profit(year: Path) -> None:
    day = pay_day(read(year), PayTerms(scheme="netted"))
    assert thousands(day.payroll.paid_qp.sum(axis=1)) == [0.0, 0.0, 0.0, 30.0]
    assert thousands(day.payroll.owed_qp[:, 0]) == [7.5, 7.5, 7.5, 0.0]
    assert day.bridge(0).netting == 0
    adds_up(day)


def test_a_manager_of_two_pods_is_paid_for_their_sum(year: Path) -> None:
    day = pay_day(read(year), PayTerms(managers={"A": "Ada", "B": "Ada"}))
    assert day.managers == ("Ada",)
    # 0, -50, 50, 200: the last quarter alone stands above the mark.
    assert thousands(day.payroll.paid_qp[:, 0]) == [0.0, 0.0, 0.0, 30.0]
    assert day.statements[0].pods == (0, 1)
    adds_up(day)


def test_by_the_year_quarters_are_accrued(year: Path, folder: Path) -> None:
    day = pay_day(read(year), PayTerms(when="year"))
    assert thousands(day.payroll.paid_qp[:, 0]) == [0.0, 0.0, 0.0, 22.5]
    assert thousands(day.payroll.accrued_qp[:, 0]) == [7.5, 0.0, 0.0, 0.0]
    adds_up(day)
    # The other journal stops before the year is over: nothing is due.
    assert pay_day(read(folder), PayTerms(when="year")).bridge(0).pay == 0


def test_a_quarter_that_is_not_over_is_accrued(folder: Path) -> None:
    day = pay_day(read(folder), PayTerms(royalties="own"))
    assert thousands(day.payroll.paid_qp[:, 0]) == [7.5, 0.0, 0.0, 0.0]
    assert thousands(day.payroll.accrued_qp[3]) == [15.0, 7.5]
    assert not day.royalty_qp[3].any()
    assert "not over" in " ".join(pages.words(day))


def test_royalties_three_ways(year: Path) -> None:
    def paid(scheme: str) -> list[list[float]]:
        day = pay_day(read(year), PayTerms(royalties=scheme))  # type: ignore[arg-type]
        adds_up(day)
        return [thousands(row) for row in day.royalty_qp]

    # The fund made 0, -50, 50 and 200; A carries 100 and then 50, B carries 50 after the first.
    own = paid("own")
    assert own == [[5.0, 0.0], [0.0, 0.0], [0.0, 0.0], [10.0, 5.0]]
    credit = paid("credit")
    assert credit[:2] == [[0.0, 0.0], [0.0, 0.0]]
    assert credit[3] == [pytest.approx(20 * 100 / 150), pytest.approx(20 * 50 / 150)]
    weight = paid("weight")
    assert [sum(row) for row in weight] == [0.0, 0.0, 5.0, 20.0]
    # Nominal capital in the last quarter: 650 and 550 at nearly every close.
    assert weight[3][0] == pytest.approx(20 * 650 / 1200, rel=0.01)


def test_an_author_who_manages_nothing_has_a_statement(year: Path) -> None:
    terms = PayTerms(managers={"A": "Ada"}, authors={"A": "Grace"}, royalties="own")
    day = pay_day(read(year), terms)
    assert [s.payee for s in day.statements] == ["Ada", "B", "Grace"]
    grace = day.statements[2]
    assert (grace.pods, grace.lines, grace.paid(3)) == ((), (), 10 * THOUSAND)
    assert day.statements[1].paid(3) == int(12.5 * THOUSAND)
    assert "Statement of pay for 2020Q4" in pages.render_statement(day, grace, ACCOUNT)
    adds_up(day)


def adds_up(day: PayDay) -> None:
    """Statements sum to what the fund pays, to the cent; tables sum to the journal's NAV."""
    for name in ("earned_qp", "paid_qp", "owed_qp", "accrued_qp"):
        assert (getattr(day.payroll, name) % CENT == 0).all()
    assert (day.royalty_qp % CENT == 0).all()
    for q in range(len(day.history.quarters)):
        due = sum(statement.paid(q) for statement in day.statements)
        assert due == int(day.payroll.paid_qp[q].sum() + day.royalty_qp[q].sum())
    bridge = day.bridge()
    quarter = day.quarter
    assert bridge.fund == quarter.nav_after - quarter.nav_before - quarter.flows
    assert bridge.fund == bridge.pay + bridge.royalties + bridge.left
    assert bridge.pay == bridge.netted + bridge.netting
    rows = list(csv.DictReader(io.StringIO(pages.profits_csv(day))))
    nav = sum(Decimal(row["amount"]) for row in rows) * 1_000_000
    assert nav == quarter.nav_after - day.history.quarters[0].nav_before
    table = list(csv.DictReader(io.StringIO(pages.fund_csv(day))))
    for name in ("profit", "paid", "royalties"):
        amounts = [Decimal(row[name]) for row in table]
        assert sum(amounts[:-1]) == amounts[-1]
    assert Decimal(table[-1]["paid"]) * 1_000_000 == bridge.pay
    assert {row["hash"] for row in table} == {quarter.hash}


# --- pages ----------------------------------------------------------------------------------------


def test_a_statement_says_what_is_due_and_where_it_comes_from(year: Path) -> None:
    day = pay_day(read(year), PayTerms(royalties="credit"))
    page = pages.render_statement(day, day.statements[0], ACCOUNT)
    assert "$28,333.33" in page  # 15,000.00 of pay and 13,333.33 of royalties
    assert day.quarter.hash in page
    assert f"{day.quarter.first_cycle} to {day.quarter.last_cycle}" in page
    assert "15 %" in page
    for reach in ("http://", "https://", "<script"):
        assert reach not in page
    fund = pages.render_fund(day, Account("<b>fund</b>", "CHF"))
    assert "<b>fund" not in fund
    assert "CHF 22,500.00" in fund


def test_a_table_of_pay_is_exact(year: Path) -> None:
    day = pay_day(read(year), PayTerms())
    rows = list(csv.DictReader(io.StringIO(pages.statement_csv(day, day.statements[0]))))
    assert [row["paid"] for row in rows] == ["7500.00", "0.00", "0.00", "15000.00"]
    assert [row["quarter"] for row in rows] == [q.name for q in day.history.quarters]
    assert rows[1]["profit"] == "-100000.00"
    told = pages.figures(day, ACCOUNT)
    assert told["payees"][0]["paid_micros"] == 15 * THOUSAND
    assert told["bridge_micros"]["quarter"]["fund"] == 200 * THOUSAND
    assert told["profit_micros"]["centre"]["profit"] == 0
    assert json.loads(json.dumps(told)) == told


def test_no_two_payees_share_a_file(year: Path) -> None:
    terms = PayTerms(managers={"A": "J. R. Lo"}, authors={"A": "J.-R.-Lo", "B": "Fund"})
    stems = pages.file_names(pay_day(read(year), replace(terms, royalties="own")))
    assert stems == {"J. R. Lo": "J.-R.-Lo", "B": "B", "J.-R.-Lo": "J.-R.-Lo-2", "Fund": "Fund-2"}


# --- the command line -----------------------------------------------------------------------------

FUND = """\
[fund]
name = "two"
capital = 1_000_000

[pay]
rate = 0.2

[[pod]]
id = "A"
strategy = "momentum"
manager = "Ada Byron"

[[pod]]
id = "B"
strategy = "trend"
"""


def test_pay_of_a_run_without_a_fund_file(
    year: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "statements"
    assert cli.main(["pay", str(year), "--quarter", "2020q4", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "15,000.00" in told
    assert "Netting risk -7,500.00 (0.00 since the opening)" in told
    assert {file.name for file in out.iterdir()} == {
        "fund.html", "fund.csv", "profits.csv", "pay.json", "A.html", "A.csv", "B.html", "B.csv",
    }  # fmt: skip
    assert json.loads((out / "pay.json").read_text())["quarter"] == "2020Q4"


def test_pay_of_a_fund_by_its_own_terms(
    year: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fund.toml").write_text(FUND)
    assert cli.main(["pay", str(tmp_path)]) == 2
    assert "there is no run of this fund beside it" in capsys.readouterr().err
    (tmp_path / "out").symlink_to(year)
    words = ["pay", str(tmp_path), "--quarter", "2020Q4", "--out", str(tmp_path / "pay")]
    assert cli.main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["fund"] == "two"
    payees = {row["payee"]: row["paid_micros"] / THOUSAND for row in told["payees"]}
    assert payees == {"Ada Byron": 20.0, "B": 10.0}
    assert (tmp_path / "pay" / "Ada-Byron.html").is_file()
    (tmp_path / "paper").symlink_to(year)
    assert cli.main(words) == 2
    assert "more than one run" in capsys.readouterr().err
    assert cli.main([*words, "--journal", str(year)]) == 0


@pytest.mark.browser
@pytest.mark.usefixtures("chromium")
def test_statements_are_printed_as_pdf(
    year: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["pay", str(year), "--quarter", "2020Q4", "--out", str(tmp_path), "--pdf", "--json"]
    assert cli.main(words) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["quarter"] == "2020Q4"
    assert told.err.count("PDF: ") == 1
    for name in ("fund", "A", "B"):
        assert (tmp_path / f"{name}.pdf").read_bytes().startswith(b"%PDF-")


def test_pay_refuses_what_does_not_belong_together(
    year: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fund.toml").write_text(FUND.replace('"B"', '"C"'))
    words = ["pay", str(tmp_path), "--journal", str(year), "--out", str(tmp_path / "pay")]
    assert cli.main(words) == 2
    assert "has the pods A, C, the journal" in capsys.readouterr().err
    assert not (tmp_path / "pay").exists()
    assert cli.main(["pay", str(tmp_path / "nothing")]) == 2
    assert cli.main(["pay", str(year), "--quarter", "2019Q1"]) == 3
    for wrong in ("2016Q5", "16Q4", "Q4", "2016-12"):
        assert cli.main(["pay", str(year), "--quarter", wrong]) == 2
        assert "write it as 2016Q4" in capsys.readouterr().err


def test_a_runs_folder_names_the_fund(tmp_path: Path) -> None:
    from podshop.desk.commands.pay import named

    assert named(None, tmp_path) == (tmp_path.name, "USD")
    (tmp_path / "summary.json").write_text('{"fund": "mine", "currency": "EUR"}')
    assert named(None, tmp_path) == ("mine", "EUR")
    (tmp_path / "summary.json").write_text('{"fund": ')
    with pytest.raises(DataError, match="was damaged"):
        named(None, tmp_path)


def test_every_part_is_profit_or_moved_capital() -> None:
    from podshop.attribution.quarters import EARNED, MOVED

    assert [part for part in Part if not EARNED[part]] == list(MOVED)
