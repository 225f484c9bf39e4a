"""Certificates that nobody can change, and who may trade by them."""

from pathlib import Path

import numpy as np
import orjson
import pytest

from podshop.adapters.stores.runs import RunRecord
from podshop.domain.error import ConfigError
from podshop.research.admission import admissions, known
from podshop.research.certificate import KEY, Certificate, identity_of, issue, of_folder, read
from podshop.research.gate import Criterion, Verdict
from podshop.rulebook.config import load
from podshop.rulebook.strategy import load_strategy

GOOD = Verdict((Criterion("sharpe", 1.5, 1.0, "more than", True, "Sharpe ratio a year"),), ())
BAD = Verdict((Criterion("sharpe", 0.5, 1.0, "more than", False, "Sharpe ratio a year"),), ())

FUND = """
[fund]
name = "home"
capital = 1_000_000
[capital]
use = "equal"
[[pod]]
id = "mine"
strategy = "momentum"
stop_loss = 0.15
{more}
"""


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY, raising=False)


def issued(folder: Path, verdict: Verdict = GOOD) -> Certificate:
    """The certificate of the momentum strategy as it comes."""
    strategy = load_strategy({"strategy": {"use": "momentum", "name": "mine"}})
    days = np.array(["2020-01-02", "2020-01-03"], dtype="datetime64[D]")
    facts = {"data": "d" * 16, "journal": "", "first": str(days[0]), "last": str(days[-1])}
    facts["source"] = "made up for a test"
    entry = RunRecord(
        "0123456789abcdef", "", "backtest", "momentum", "mine", "", 0.0, {}, {}, facts, days
    )
    return issue(strategy, entry, verdict, folder)


def fund(folder: Path, more: str = "") -> Path:
    """A fund with one pod, beside its certificates."""
    path = folder / "fund.toml"
    path.write_text(FUND.format(more=more))
    return path


# --- seals ----------------------------------------------------------------------------------------


def test_what_was_issued_is_read_back(tmp_path: Path) -> None:
    made = issued(tmp_path)
    again = read(made.path)
    assert again.passed
    assert again.identity == made.identity
    assert again.said == made.said
    assert [c.path for c in of_folder(tmp_path)] == [made.path]
    assert not read(issued(tmp_path, BAD).path).passed


@pytest.mark.parametrize("written", ["7", "q", "é"])
def test_a_changed_character_breaks_the_seal(tmp_path: Path, written: str) -> None:
    path = issued(tmp_path).path
    text = path.read_text()
    said = orjson.loads(text)
    for at in range(len(text)):
        changed = text[:at] + written + text[at + 1 :]
        try:
            same = orjson.loads(changed) == said
        except orjson.JSONDecodeError:
            same = False
        if same:
            continue
        path.write_text(changed, encoding="utf-8")
        with pytest.raises(ConfigError, match=r"seal|no certificate|key"):
            read(path)


@pytest.mark.parametrize("text", ["", "[1]", "7", "{}", '{"seal": "x"}', "null"])
def test_what_is_no_certificate_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.certificate.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="is no certificate"):
        read(path)
    with pytest.raises(ConfigError, match="is no certificate"):
        of_folder(tmp_path)


def test_a_keyed_seal_needs_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "secret")
    path = issued(tmp_path).path
    assert read(path).passed
    monkeypatch.setenv(KEY, "guess")
    with pytest.raises(ConfigError, match="was changed"):
        read(path)
    monkeypatch.delenv(KEY)
    with pytest.raises(ConfigError, match="sealed with a key"):
        read(path)


def test_where_there_is_a_key_nobody_can_seal_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = issued(tmp_path).path  # by somebody without the key
    monkeypatch.setenv(KEY, "secret")
    with pytest.raises(ConfigError, match="without a key"):
        read(path)


def test_the_identity_changes_with_all_that_a_pod_does() -> None:
    one = identity_of("code", {"a": 1, "b": 2}, "week", 0.1)
    assert one == identity_of("code", {"b": 2, "a": 1}, "week", 0.1)
    others = [
        identity_of("code!", {"a": 1, "b": 2}, "week", 0.1),
        identity_of("code", {"a": 1, "b": 3}, "week", 0.1),
        identity_of("code", {"a": 1}, "week", 0.1),
        identity_of("code", {"a": 1, "b": 2}, "month", 0.1),
        identity_of("code", {"a": 1, "b": 2}, "week", 0.2),
    ]
    assert len({one, *others}) == 6


# --- admission ------------------------------------------------------------------------------------


def test_a_pod_without_a_certificate_is_refused_by_name(tmp_path: Path) -> None:
    rules = load(fund(tmp_path))
    with pytest.raises(ConfigError, match=r"pod 'mine': there is no certificate.*\n.*gate"):
        admissions(rules)
    assert known(rules) == ()


def test_a_certificate_admits_the_pod_that_it_is_about(tmp_path: Path) -> None:
    issued(tmp_path / "certificates")
    (told,) = admissions(load(fund(tmp_path)))
    [said] = of_folder(tmp_path / "certificates")
    assert (told.pod, told.certificate) == (0, said.seal)
    assert told.why == "certificate mine.certificate.json"
    assert known(load(fund(tmp_path))) == (told,)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("stop_loss = 0.15", "stop_loss = 0.10"),
        ('strategy = "momentum"', 'strategy = "momentum"\nwhen = "daily"'),
        ('strategy = "momentum"', 'strategy = "trend"'),
    ],
)
def test_a_certificate_is_not_for_another_pod(tmp_path: Path, old: str, new: str) -> None:
    issued(tmp_path / "certificates")
    path = fund(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ConfigError, match="there is no certificate"):
        admissions(load(path))


def test_a_failed_certificate_admits_nobody(tmp_path: Path) -> None:
    issued(tmp_path / "certificates", BAD)
    with pytest.raises(ConfigError, match="did not pass the gate"):
        admissions(load(fund(tmp_path)))


def test_a_reason_admits_and_stands_in_the_journal(tmp_path: Path) -> None:
    (told,) = admissions(load(fund(tmp_path)), "a test of the wires")
    assert (told.certificate, told.why) == ("", "a test of the wires")
    written = load(fund(tmp_path, 'uncertified = "my own money"'))
    assert [x.why for x in admissions(written)] == ["my own money"]
    issued(tmp_path / "certificates", BAD)
    assert [x.why for x in admissions(written)] == ["my own money"]


def test_a_changed_certificate_stops_the_fund(tmp_path: Path) -> None:
    path = issued(tmp_path / "certificates", BAD).path
    path.write_text(path.read_text().replace('"passed": false', '"passed": true'))
    with pytest.raises(ConfigError, match="was changed"):
        admissions(load(fund(tmp_path)))
