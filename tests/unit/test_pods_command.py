"""Lives of pods in fund files, on the command line, in the report; pods that are listed later."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from tests.lives import MILLION, ask, falls, following, wave

from podshop.adapters import sources
from podshop.adapters.stores.sqlite import SqliteJournal, read_entries
from podshop.attribution.explain import explain
from podshop.attribution.quarters import history
from podshop.desk import cli
from podshop.desk.commands.pods import WIDEST, show_reviews, table
from podshop.desk.live import JOURNAL, run_paper
from podshop.desk.lives import Standing, read, standings
from podshop.desk.lives import ask as write_down
from podshop.desk.verify import verify
from podshop.domain.book import Book, open_book
from podshop.domain.error import ConfigError
from podshop.domain.life import PodStaged
from podshop.domain.pod import PodStatus, Stage
from podshop.domain.rules import Lifecycle
from podshop.ledger.replay import apply
from podshop.reports import figures
from podshop.reports.findings import Findings
from podshop.reports.fund import render
from podshop.research.admission import admission_of, admissions
from podshop.rulebook.config import load

# --- the fund file --------------------------------------------------------------------------------


def text(*more: str, lifecycle: str = "[lifecycle]\n", pod_lines: str = "", when: str = "") -> str:
    """A small fund file."""
    return (
        '[fund]\nname = "f"\ncapital = 1_000_000\n'
        f'[capital]\nuse = "equal"\n{when}{lifecycle}'
        f'[[pod]]\nid = "a"\nstrategy = "trend"\n{pod_lines}'
        '[[pod]]\nid = "b"\nstrategy = "momentum"\nstage = "candidate"\n' + "".join(more)
        if lifecycle or pod_lines
        else '[fund]\nname = "f"\ncapital = 1_000_000\n[[pod]]\nid = "a"\nstrategy = "trend"\n'
    )


def test_the_section_becomes_rules_and_part_of_their_hash(tmp_path: Path) -> None:
    file = tmp_path / "fund.toml"
    file.write_text(text(lifecycle='[lifecycle]\nreview = "cut"\nramp = 0.25\n'))
    rules = load(file)
    assert rules.lifecycle is not None
    assert (rules.lifecycle.ramp, rules.lifecycle.review) == (0.25, "cut")
    assert rules.lifecycle.entry_of("a") == Stage.RAMP
    assert rules.lifecycle.entry_of("b") == Stage.CANDIDATE
    file.write_text(text(lifecycle='[lifecycle]\nreview = "cut"\nramp = 0.5\n'))
    assert load(file).hash != rules.hash
    file.write_text(text(lifecycle=""))
    plain_rules = load(file)
    assert plain_rules.lifecycle is None
    assert "lifecycle" not in plain_rules.manifest


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (text(lifecycle="", pod_lines='stage = "paper"\n'), "needs a fund that follows its pods"),
        (text(when='when = "never"\n'), "shared out, which is never"),
        (text().replace("equal", "own"), "never moves capital"),
        (text(lifecycle="[lifecycle]\nreview_keep = 1\n"), "keeps everything is none"),
        (text(lifecycle="[lifecycle]\nramp = 50\n"), "looks like a percentage"),
        (text(lifecycle='[lifecycle]\nrestore = "never"\n'), "restore"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "fund.toml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=said):
        load(file)


def test_a_candidate_is_asked_for_its_certificate_when_it_is_hired(tmp_path: Path) -> None:
    file = tmp_path / "fund.toml"
    file.write_text(text(pod_lines='uncertified = "mine"\n'))
    rules = load(file)
    assert [said.pod for said in admissions(rules)] == [0]
    with pytest.raises(ConfigError, match="no certificate"):
        admission_of(rules, "b")
    assert admission_of(rules, "b", "a trial").why == "a trial"


def book_of(*stages: Stage) -> Book:
    """A book whose pods were staged so."""
    book = open_book(len(stages), 1, MILLION)
    for p, stage in enumerate(stages):
        book = apply(PodStaged(p, int(stage), 1.0, 0, "rules", "enters"), book)
    return book


def test_the_book_tells_the_stage_of_every_pod() -> None:
    stages = (Stage.CANDIDATE, Stage.PAPER, Stage.RAMP, Stage.FULL, Stage.QUARANTINE)
    book = book_of(*stages)
    assert tuple(book.stage_p.tolist()) == stages
    assert (book.status_p == PodStatus.CLOSED).tolist() == [True, True, False, False, True]


# --- pods that are listed later -------------------------------------------------------------------


def test_a_running_fund_lists_a_new_pod_and_hires_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Lifecycle(entry=Stage.FULL, paper_days=14, candidate_correlation=1.0)
    closes = [wave(90, 0.001), wave(90, 0.001, shift=3), wave(90, 0.002, shift=1)]
    three = following(closes, plan)
    rules = three.rules
    two = replace(rules, pods=rules.pods[:2], hash="2" * 32)
    monkeypatch.setattr(sources, "load", lambda *_: three.panel)
    days, journal = three.panel.days, tmp_path / JOURNAL
    run_paper(two, tmp_path, days[9])
    with pytest.raises(ConfigError, match="--accept-rules"):
        run_paper(rules, tmp_path, days[19])
    with pytest.raises(ConfigError, match=r"write \[lifecycle\]"):
        run_paper(replace(rules, lifecycle=None), tmp_path, days[19], accept="why")
    backwards = replace(rules, pods=rules.pods[::-1])
    with pytest.raises(ConfigError, match="behind those"):
        run_paper(backwards, tmp_path, days[19], accept="why")
    run = run_paper(rules, tmp_path, days[19], accept="a third leg")
    assert run.book.stage_p.tolist() == [Stage.FULL, Stage.FULL, Stage.CANDIDATE]
    assert standings(read(journal), rules)[2].why == "p2 was listed: a third leg"
    write_down(tmp_path, journal, rules, ask("hire", 2))
    run_paper(rules, tmp_path, days[44])
    write_down(tmp_path, journal, rules, ask("hire", 2))
    run = run_paper(rules, tmp_path, days[89])
    assert run.book.nominal_p[2] > 0
    assert [a.done for _, a in read(journal).answers] == [True, True]
    run.write(tmp_path)
    assert verify(tmp_path) == []
    assert explain(read_entries(journal), days[80]).pods == ("p0", "p1", "p2")
    assert explain(read_entries(journal), days[5]).pods == ("p0", "p1")
    first = run.pods.filter(run.pods["pod"] == "p2")["status"].to_list()[:10]
    assert first == ["closed"] * 10
    assert run.allocation.filter(run.allocation["pod"] == "p2").height == 4
    # A quarter before it was listed knows nothing of it, and is paid by the same fund file.
    earned = history(read_entries(journal))
    assert earned.pods == ("p0", "p1", "p2")
    assert [quarter.profit_p.shape for quarter in earned.quarters] == [(4,)] * len(earned.quarters)
    assert sum(int(quarter.profit_p[2]) for quarter in earned.quarters) > 0
    with pytest.raises(ConfigError, match="retired, not removed"):
        run_paper(two, tmp_path, days[89], accept="why")


# --- the command line and the report --------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cut", "nobody", "--why", "w"], "there is no pod 'nobody'; the fund has a, b"),
        (["cut", "a", "--why", " "], "--why is empty"),
        (["cut", "a", "--why", "w", "--who", ""], "--who is empty"),
        (["cut", "a", "--why", "two\nlines"], "--why must be one line"),
        (["cut", "a", "--why", "w", "--who", "\udcff"], "--who must be one line"),
        (["hire", "b", "--why", "w"], "there is no certificate"),
        (["hire", "a", "--why", "w"], "no fund was opened"),
        (["list"], "no fund was opened"),
    ],
)
def test_requests_that_make_no_sense_are_refused_with_a_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    (tmp_path / "fund.toml").write_text(text(pod_lines='uncertified = "mine"\n'))
    (tmp_path / "paper").mkdir()
    SqliteJournal(tmp_path / "paper" / "journal.sqlite").close()
    assert cli.main(["pods", words[0], str(tmp_path), *words[1:]]) == 2
    assert said in capsys.readouterr().err


def test_a_request_needs_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["pods", "retire", "fund.toml", "p"]) == 2
    assert "--why" in capsys.readouterr().err


def test_the_report_tells_the_stages_after_the_first_day() -> None:
    plan = Lifecycle(entry=Stage.FULL, restore="auto", quarantine_days=30)
    run = following([falls(90, 0.002), wave(90, 0.001)], plan).run()
    told = [(cut.pod, cut.what, cut.why) for cut in figures.cuts(Findings(run))]
    assert [what for _, what, _ in told] == ["terminated", "closed", "quarantine", "ramp", "full"]
    assert told[2][2].startswith("rules: terminated; 30 days on paper")
    assert "quarantine" in render(run)
    lost = run.pods.filter(run.pods["pod"] == "p0")["drawdown"].to_list()
    assert lost[-1] < 0.05 < max(lost)


def test_of_many_pods_an_audit_shows_the_most_alike_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Lifecycle(entry=Stage.FULL, correlation=0.1)
    closes = [wave(70, 0.001, shift=shift % 3) for shift in range(WIDEST + 1)]
    fund = following(closes, plan)
    monkeypatch.setattr(sources, "load", lambda *_: fund.panel)
    run_paper(fund.rules, tmp_path, fund.panel.days[-1])
    show_reviews(tmp_path / JOURNAL)
    shown = capsys.readouterr().out
    audit = read(tmp_path / JOURNAL).audits[-1][1]
    assert f"the one to replace is p{audit.replace}" in shown
    first = next(line for line in shown.splitlines() if line.startswith("p") and "pod" not in line)
    assert first.split() == [f"p{audit.replace}", f"{audit.mean_r.max():.2f}"]
    small = following(closes[:3], plan)
    monkeypatch.setattr(sources, "load", lambda *_: small.panel)
    run_paper(small.rules, tmp_path / "small", small.panel.days[-1])
    audit = read(tmp_path / "small" / JOURNAL).audits[-1][1]
    capsys.readouterr()
    show_reviews(tmp_path / "small" / JOURNAL)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    below, beside, last = audit.correlation_r
    assert ["p1", f"{below:.2f}", "1.00", f"{last:.2f}", f"{audit.mean_r[1]:.2f}"] in rows
    assert ["p2", f"{beside:.2f}", f"{last:.2f}", "1.00", f"{audit.mean_r[2]:.2f}"] in rows


def test_a_reason_with_brackets_is_shown_as_it_is() -> None:
    why = "see [/old] note, [ok]"
    one = Standing("p", Stage.RETIRED, None, "me [x]", why, 0, 0.0, 0.0, 0.0, 0, ())
    screen = Console(file=io.StringIO(), width=200)
    screen.print(table([one]))
    assert isinstance(screen.file, io.StringIO)
    assert why in screen.file.getvalue()
    assert "me [x]" in screen.file.getvalue()
