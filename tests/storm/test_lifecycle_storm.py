"""Crash the paper driver while people ask things of pods: nothing is lost, nothing done twice."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.funds import Fund, random_recipe
from tests.property.test_lifecycle import following
from tests.storm.test_crashes import Killed, Reaper

from podshop.adapters import sources
from podshop.adapters.brokers.paper import PaperBroker
from podshop.adapters.stores.sqlite import SqliteJournal
from podshop.desk.live import JOURNAL, run_paper
from podshop.desk.lives import ask, read
from podshop.desk.verify import verify
from podshop.domain.life import Asked
from podshop.domain.pod import Stage

FIRST, LAST = 12, 30
"""Sessions before people ask, and in all."""


def storm_fund() -> Fund:
    """A fund with pods on paper, one of which is hired and one of which is cut."""
    fund = following(random_recipe(3), Stage.FULL)
    plan = fund.rules.lifecycle
    assert plan is not None
    begin = {fund.rules.pods[0].id: Stage.CANDIDATE}
    plan = replace(plan, begin=begin, paper_days=7)
    return replace(fund, rules=replace(fund.rules, lifecycle=plan))


def lived(fund: Fund, folder: Path, reaper: Reaper | None, patch: pytest.MonkeyPatch) -> str:
    """Run, ask, run on; started again after every death. Gives the journal's last hash."""
    rules, days, first = fund.rules, fund.panel.days, fund.recipe.start
    journal = folder / JOURNAL
    calls = ((SqliteJournal, "append"), (PaperBroker, "submit"), (PaperBroker, "facts"))
    with patch.context() as context:
        for cls, name in calls if reaper is not None else ():
            assert reaper is not None
            context.setattr(cls, name, reaper.wrap(getattr(cls, name)))
        for _ in range(5):
            try:
                run_paper(rules, folder, days[first + FIRST])
                if not _was_asked(journal):
                    requests = (Asked(0, "hire", 1.0, "me", "why"), Asked(1, "cut", 0.5, "me", "w"))
                    for request in requests[len(_waiting(journal)) :]:
                        ask(folder, journal, rules, request)
                run_paper(rules, folder, days[first + LAST])
            except Killed:
                continue
            break
    return run_paper(rules, folder, days[first + LAST]).journal_hash or ""


def _waiting(journal: Path) -> tuple[Asked, ...]:
    life = read(journal).book.life
    return life.asked if life is not None else ()


def _was_asked(journal: Path) -> bool:
    """Both requests are in the journal already."""
    return len(_waiting(journal)) == 2 or bool(read(journal).answers)


@pytest.mark.storm
@pytest.mark.parametrize("after", [False, True])
def test_killed_between_any_two_calls_while_pods_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    fund = storm_fund()
    monkeypatch.setattr(sources, "load", lambda *_: fund.panel)
    whole = lived(fund, tmp_path / "whole", None, monkeypatch)
    told = read(tmp_path / "whole" / JOURNAL)
    assert [a.done for _, a in told.answers] == [True, True]
    # Around the requests every call is a place to die, elsewhere every seventh.
    near = range(3 * FIRST - 3, 3 * FIRST + 12)
    for n in sorted({*near, *range(1, 3 * LAST, 7)}):
        folder = tmp_path / f"{after}{n}"
        assert lived(fund, folder, Reaper(n, after), monkeypatch) == whole, n
        assert verify(folder) == []
