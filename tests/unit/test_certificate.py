"""Certificates that nobody can change, and who may trade by them."""

from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from podshop.adapters.stores.runs import RunRecord
from podshop.domain.error import ConfigError
from podshop.domain.rules import Rules
from podshop.research.admission import admissions, known
from podshop.research.certificate import (
    KEY,
    Certificate,
    Setting,
    identity_of,
    issue,
    of_folder,
    read,
)
from podshop.research.gate import Criterion, Verdict
from podshop.rulebook.config import load
from podshop.rulebook.strategy import load_strategy

GOOD = Verdict((Criterion("sharpe", 1.5, 1.0, "more than", True, "Sharpe ratio a year"),), ())
BAD = Verdict((Criterion("sharpe", 0.5, 1.0, "more than", False, "Sharpe ratio a year"),), ())

SMALL = {"use": "momentum", "name": "mine", "capital": 100_000}
WINDOW = [[date(2010, 1, 1), date(2012, 1, 1), date(2013, 1, 1), date(2014, 1, 1)]]

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
[[limit]]
use = "position"
max = 0.10
[[limit]]
use = "sector"
max = 0.30
"""


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY, raising=False)


def issued(
    folder: Path, verdict: Verdict = GOOD, fund: Rules | None = None, **text: Any
) -> Certificate:
    """The certificate of the momentum strategy as it comes."""
    strategy = load_strategy({"strategy": {"use": "momentum", "name": "mine"}, **text})
    days = np.array(["2020-01-02", "2020-01-03"], dtype="datetime64[D]")
    facts = {"data": "d" * 16, "journal": "", "first": str(days[0]), "last": str(days[-1])}
    facts["source"] = "made up for a test"
    entry = RunRecord(
        "0123456789abcdef", "", "backtest", "momentum", "mine", "", 0.0, {}, {}, facts, days
    )
    return issue(strategy, entry, verdict, folder, Setting(fund, 3, "runs.sqlite"))


def seal_of(said: dict[str, Any]) -> str:
    """What a seal without a key is: a hash over all that is said."""
    return sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


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
    assert told.why == f"certificate {said.path.name}, 3 trials in runs.sqlite"
    assert said.path.name == f"mine-{said.identity[:8]}.certificate.json"
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


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ({"gate": {"sharpe": 0.5}}, r"its gate asked less than the house's \(sharpe"),
        ({"gate": {"max_drawdown": 0.9}}, r"asked less.*max_drawdown"),
        (
            {"costs": {"half_spread_bps": 0.5, "impact": 0.0}},
            r"lower costs.*spread_bps, impact",
        ),
        ({"limits": {"position": 0.05}}, r"tighter caps than the fund's \(position"),
        ({"gate": {"train_years": 1}}, r"asked less.*train_years"),
        ({"gate": {"windows": WINDOW}}, r"asked less.*windows"),
        ({"costs": {"adv_assumed": 1_000_000_000_000}}, r"lower costs.*adv_assumed"),
        ({"costs": {"volume_cap": 1.0}}, r"lower costs.*volume_cap"),
        ({"costs": {"volatility_assumed": 0.0001}}, r"lower costs.*volatility_assumed"),
        ({"strategy": SMALL}, r"a capital of 100,000, the fund has 1,000,000"),
    ],
)
def test_a_certificate_of_another_setting_admits_nobody(
    tmp_path: Path, text: dict[str, Any], lacks: str
) -> None:
    issued(tmp_path / "certificates", **text)
    with pytest.raises(ConfigError, match=lacks):
        admissions(load(fund(tmp_path)))
    assert known(load(fund(tmp_path))) == ()


def test_a_certificate_of_another_kind_of_market_admits_nobody(tmp_path: Path) -> None:
    (tmp_path / "prices.parquet").touch()
    market = {"source": "parquet", "path": str(tmp_path / "prices.parquet")}
    issued(tmp_path / "certificates", market=market)
    with pytest.raises(ConfigError, match="judged on the source 'parquet', not on 'embedded'"):
        admissions(load(fund(tmp_path)))


def test_a_stricter_setting_admits(tmp_path: Path) -> None:
    strict = {"gate": {"sharpe": 1.5}, "costs": {"impact": 2.0}, "limits": {"position": 0.2}}
    issued(tmp_path / "certificates", **strict)
    assert len(admissions(load(fund(tmp_path)))) == 1


SECOND = """
[[pod]]
id = "other"
strategy = "trend"
uncertified = "has been here for years"
"""


def test_two_pods_that_do_the_same_are_one(tmp_path: Path) -> None:
    second = '[[pod]]\nid = "again"\nstrategy = "momentum"\nstop_loss = 0.15'
    issued(tmp_path / "certificates")
    with pytest.raises(ConfigError, match="pod 'again': it does what pod 'mine' does already"):
        admissions(load(fund(tmp_path, second)))


def test_pods_of_a_fund_must_have_been_compared(tmp_path: Path) -> None:
    issued(tmp_path / "certificates")
    path = fund(tmp_path, SECOND)
    with pytest.raises(ConfigError, match=r"pod 'mine': it was not compared with other: .*--fund"):
        admissions(load(path))
    issued(tmp_path / "certificates", fund=load(path))
    mine, other = admissions(load(path))
    assert mine.certificate
    assert other.why == "has been here for years"


def test_a_pod_and_the_one_it_was_to_replace_do_not_go_together(tmp_path: Path) -> None:
    second = """
[[pod]]
id = "former"
strategy = "momentum"
uncertified = "an experiment"
"""
    path = fund(tmp_path, second)
    both = path.read_text()
    path.write_text(both.replace('id = "mine"', 'id = "x"').replace('"former"', '"mine"'))
    issued(tmp_path / "certificates", fund=load(path))  # judged as the successor of "mine"
    path.write_text(both)
    with pytest.raises(ConfigError, match="it was not compared with former"):
        admissions(load(path))


def test_of_several_certificates_the_newest_counts(tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    good = issued(folder)
    bad = issued(tmp_path, BAD)
    bad.path.rename(folder / "a-name-that-comes-first.certificate.json")
    with pytest.raises(ConfigError, match="did not pass"):  # issued in the same second
        admissions(load(fund(tmp_path)))
    later = {**good.said, "issued": "2999-01-01T00:00:00+00:00"}
    good.path.write_bytes(orjson.dumps({**later, "seal": seal_of(later)}))
    assert len(admissions(load(fund(tmp_path)))) == 1


def test_a_certificate_of_an_older_form_says_what_to_do(tmp_path: Path) -> None:
    said = {k: v for k, v in issued(tmp_path).said.items() if k != "beside"}
    path = tmp_path / "old.certificate.json"
    path.write_bytes(orjson.dumps({**said, "seal": seal_of(said)}))
    with pytest.raises(ConfigError, match=r"older podshop.*\n.*remove it"):
        read(path)


def test_a_broken_certificate_stops_no_backtest(tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    issued(folder)
    (folder / "torn.certificate.json").write_text("{")
    assert len(known(load(fund(tmp_path)))) == 1
    with pytest.raises(ConfigError, match="torn"):
        admissions(load(fund(tmp_path)))


@pytest.mark.parametrize("how", ["equal", "inverse volatility"])
def test_a_strategy_with_a_construction_can_be_hired(tmp_path: Path, how: str) -> None:
    made = {"use": "momentum", "name": "mine", "construction": how}
    issued(tmp_path / "certificates", strategy=made)
    with pytest.raises(ConfigError, match="there is no certificate"):
        admissions(load(fund(tmp_path)))
    assert len(admissions(load(fund(tmp_path, f'construction = "{how}"')))) == 1
