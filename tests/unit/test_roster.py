"""The roster of a house of many pods: every setting is taken, none twice, and the house runs."""

import tomllib
from pathlib import Path

import pytest

from podshop.desk import cli
from podshop.desk.roster import TYPES, most, roster
from podshop.domain.error import ConfigError
from podshop.rulebook.config import load


@pytest.mark.parametrize("count", [5, 50, 330, most()])
def test_every_type_has_as_many_pods_and_no_two_do_the_same(count: int) -> None:
    pods = tomllib.loads(roster(count))["pod"]
    assert len(pods) == count
    assert len({pod["id"] for pod in pods}) == count
    assert len({str((pod["strategy"], pod["params"])) for pod in pods}) == count
    assert all(sum(p["strategy"] == name for p in pods) == count // len(TYPES) for name in TYPES)


@pytest.mark.parametrize("count", [0, -5, 7, most() + 5])
def test_a_number_that_cannot_be_says_which_can(count: int) -> None:
    with pytest.raises(ConfigError, match=f"divide by 5.*at most {most()}"):
        roster(count)


@pytest.mark.slow
def test_the_house_is_made_loads_and_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["init", str(tmp_path), "--preset", "institutional"]) == 0
    rules = load(tmp_path)
    assert len(rules.pods) == 330
    assert (rules.pay.rate, rules.caps.ticker) == (0.15, 0.03)
    assert rules.lifecycle is not None
    assert (rules.lifecycle.review, rules.lifecycle.quarantine_days) == ("alert", 90)
    ladder = rules.manifest["limit"][0]["params"]
    assert [ladder[f"{x}_at"] for x in ("trim", "halve", "terminate")] == [0.025, 0.05, 0.075]
    (tmp_path / "pods.toml").write_text(roster(20))
    text = (tmp_path / "fund.toml").read_text().replace("end = 2021", "end = 2012")
    (tmp_path / "fund.toml").write_text(text)
    out = str(tmp_path / "out")
    assert cli.main(["backtest", str(tmp_path), "--out", out]) == 0
    assert cli.main(["verify", out]) == 0
    assert cli.main(["init", str(tmp_path / "x"), "--preset", "institutional", "--pods", "7"]) == 2
    assert "divide by 5" in capsys.readouterr().err
