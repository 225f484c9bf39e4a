"""Crash the paper driver between any two calls to the outside.

Starting again loses nothing and doubles nothing.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.funds import cook, random_recipe

import podshop
from podshop.adapters import sources
from podshop.adapters.brokers.paper import PaperBroker
from podshop.adapters.stores.sqlite import SqliteJournal
from podshop.desk.live import run_paper
from podshop.desk.verify import verify

SESSIONS = 25


class Killed(BaseException):
    """Stands for kill -9: nothing may catch it."""


class Reaper:
    """Kills at the n-th call to the outside, before or after it takes effect."""

    def __init__(self, at: int, after: bool) -> None:
        self.left, self.after = at, after

    def wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Count a call, and kill when it is the one."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self.after:
                raise Killed
            result = call(*args, **kwargs)
            if self.left == 0:
                raise Killed
            return result

        return counted


@pytest.mark.storm
@pytest.mark.parametrize("after", [False, True])
def test_killed_between_any_two_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    """Every call is a place to die; the journal ends as if nothing had happened."""
    fund = cook(random_recipe(3))
    rules, panel = fund.rules, fund.panel
    monkeypatch.setattr(sources, "load", lambda *_: panel)
    first = fund.recipe.start
    until = panel.days[first + SESSIONS - 1]
    whole = run_paper(rules, tmp_path / "whole", until).journal_hash
    assert whole == podshop.backtest(rules, panel.rows(0, first + SESSIONS)).journal_hash
    deaths = 0
    for n in range(1, 3 * SESSIONS + 4):
        folder = tmp_path / f"{after}{n}"
        reaper = Reaper(n, after)
        with monkeypatch.context() as patch:
            for cls, name in (
                (SqliteJournal, "append"),
                (PaperBroker, "submit"),
                (PaperBroker, "facts"),
            ):
                patch.setattr(cls, name, reaper.wrap(getattr(cls, name)))
            try:
                run_paper(rules, folder, until)
            except Killed:
                deaths += 1
        run = run_paper(rules, folder, until)
        assert run.journal_hash == whole
        run.write(folder)
        assert verify(folder) == []
    assert deaths >= 3 * SESSIONS


@pytest.mark.storm
def test_dying_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies at its seventh call, over and over, still gets to the end."""
    fund = cook(random_recipe(5))
    rules, panel = fund.rules, fund.panel
    monkeypatch.setattr(sources, "load", lambda *_: panel)
    first = fund.recipe.start
    until = panel.days[first + SESSIONS - 1]
    whole = run_paper(rules, tmp_path / "whole", until).journal_hash
    for attempt in range(200):
        reaper = Reaper(7, after=attempt % 2 == 0)
        with monkeypatch.context() as patch:
            for cls, name in (
                (SqliteJournal, "append"),
                (PaperBroker, "submit"),
                (PaperBroker, "facts"),
            ):
                patch.setattr(cls, name, reaper.wrap(getattr(cls, name)))
            try:
                run = run_paper(rules, tmp_path / "dying", until)
            except Killed:
                continue
        assert run.journal_hash == whole
        return
    pytest.fail("never finished")
