"""The life of a pod, told by its journal: terminated, 90 days on paper, brought back, full again.

A fund is run on paper from the command line, and people ask what they ask between its sessions.
"""

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from podshop.adapters.stores.sqlite import SqliteJournal, read_entries
from podshop.desk import cli
from podshop.desk.lives import read
from podshop.domain.life import Asked
from podshop.domain.pod import Stage
from tests.golden.test_examples import EXAMPLES, compare

TOLD = ("PodStaged", "Asked", "Answered", "ActionApplied", "PodClosed", "Audited", "Reviewed")


def lived(entry_body: bytes, kind: str, pods: list[str]) -> str:
    """One entry of a pod's life as a line."""
    body = json.loads(entry_body)
    pod = pods[body["pod"]] if "pod" in body else ""
    if kind == "PodStaged":
        stage = Stage(body["stage"]).name
        return f"{pod}: {stage}, part {body['part']:g}, {body['who']}: {body['why']}"
    if kind == "Asked":
        return f"{pod}: asked to {body['act']} by {body['who']}: {body['why']}"
    if kind == "Answered":
        return f"{pod}: {body['act']} {'done' if body['done'] else 'refused'}"
    if kind == "ActionApplied":
        return f"{pod}: {body['action']}, keeps {body['keep']:g}, {body['why']}"
    if kind == "PodClosed":
        return f"{pod}: closed, {body['moved']} micros to the centre"
    if kind == "Audited":
        return f"average correlation {body['average']:.6f}, on paper {body['paper_mean_r'][0]:.6f}"
    shown = zip(body["pod_r"], body["sharpe_r"], strict=True)
    ratios = ", ".join(f"{pods[p]} {sharpe:.6f}" for p, sharpe in shown)
    return f"review of the {body['period']}: Sharpe ratios {ratios}"


def story(journal: Path) -> str:
    """What the journal says of the pods' lives, a line an entry."""
    lines, day, pods = [], "", []
    for entry in read_entries(journal):
        body = json.loads(entry.body)
        if entry.kind == "FundOpened":
            pods = body["pods"]
        if entry.kind == "CycleOpened":
            day = str(np.datetime64(body["day"], "D"))
        if entry.kind in TOLD:
            lines.append(f"{day} {entry.kind} {lived(entry.body, entry.kind, pods)}")
    return "\n".join(lines) + "\n"


def test_the_page_tells_the_story_as_it_is_on_file(root: Path) -> None:
    """The worked case in the docs is the expected story, line by line."""
    page = (root / "docs" / "concepts" / "lifecycle.md").read_text(encoding="utf-8")
    told = (EXAMPLES / "lifecycle" / "expected.txt").read_text(encoding="utf-8")
    assert told in page


@pytest.mark.slow
def test_termination_quarantine_and_return(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rewrite_golden: bool
) -> None:
    """The whole story by commands, and then by the journal alone."""
    fund, out = str(EXAMPLES / "lifecycle" / "fund.toml"), ["--out", str(tmp_path / "paper")]

    def run(until: str) -> None:
        assert cli.main(["run", fund, "--paper", "--until", until, *out]) == 0

    def pods(*words: str) -> int:
        return cli.main(["pods", words[0], fund, *words[1:], *out])

    run("2024-03-01")
    assert pods("restore", "faller", "--why", "too early") == 2
    assert "on paper for 65 more days" in capsys.readouterr().err
    assert pods("hire", "reserve", "--why", "a second opinion") == 0
    assert pods("hire", "reserve", "--why", "twice") == 2
    assert "asked of it already" in capsys.readouterr().err
    run("2024-05-06")
    assert pods("restore", "faller", "--who", "the desk head", "--why", "good on paper") == 0
    run("2024-05-31")
    assert pods("cut", "steady", "--keep", "0.7", "--why", "on holiday") == 0
    run("2024-07-10")
    assert pods("restore", "steady", "--why", "back") == 0
    assert pods("retire", "reserve", "--why", "the same as steady") == 0
    with closing(SqliteJournal(tmp_path / "paper" / "journal.sqlite")) as journal:
        late = Asked(0, "restore", 1.0, "the desk head", "twice")  # could still be done when asked
        journal.append((late,), read(journal.path).book.cycle)
    run("2024-08-30")
    capsys.readouterr()
    assert pods("list") == 0
    listed = capsys.readouterr().out
    assert "retired" in listed
    assert "the same as steady" in listed
    assert "2024-07-11 faller: restore was refused: it is at full capital" in listed
    assert pods("review") == 0
    shown = capsys.readouterr().out
    assert "reserve (on paper)" in shown
    assert "Review 2024-07-01: the quarter before, 65 sessions" in shown
    assert pods("hire", "reserve", "--why", "after all") == 2
    assert cli.main(["verify", str(tmp_path / "paper")]) == 0
    assert cli.main(["explain", str(tmp_path / "paper"), "--day", "2024-07-01"]) == 0
    assert "faller enters full" in capsys.readouterr().out
    told = story(tmp_path / "paper" / "journal.sqlite")
    compare(EXAMPLES / "lifecycle" / "expected.txt", told, rewrite_golden)
