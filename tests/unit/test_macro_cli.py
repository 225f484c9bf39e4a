"""`podshop macro`, `podshop listen` and funds that live on files of targets, from outside."""

import hashlib
import hmac
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from podshop.adapters.stores.decisions import append, read
from podshop.adapters.webhook import HEADERS
from podshop.desk import cli
from podshop.market.targets import Decision

SECRET = "a secret that is long enough to be one"


@pytest.fixture
def fund(tmp_path: Path) -> Path:
    """A folder with thirty sessions of two names, a journal of decisions and a table of weights."""
    days = pl.date_range(date(2024, 3, 4), date(2024, 4, 12), "1d", eager=True)
    days = days.filter(days.dt.weekday() < 6)
    rows = [
        {"date": day, "symbol": symbol, "close": price + 0.1 * t, "open": price, "volume": 1e6}
        for t, day in enumerate(days)
        for symbol, price in (("SPY", 100.0), ("TLT", 50.0))
    ]
    pl.DataFrame(rows).write_parquet(tmp_path / "prices.parquet")
    (tmp_path / "weights.csv").write_text("date,SPY,TLT\n2024-03-05,0.5,0.25\n")
    decided(tmp_path, datetime(2024, 3, 6, 20, tzinfo=UTC), "SPY", 0.4)
    (tmp_path / "fund.toml").write_text(
        """
[fund]
name = "outside"
capital = 1_000_000

[market]
source = "parquet"
path = "prices.parquet"
feeds = { macro = "decisions.jsonl", weights = "weights.csv" }

[capital]
cash = 0.1

[[pod]]
id = "me"
strategy = "discretionary"
uncertified = "my own money"

[[pod]]
id = "bt"
strategy = "given"
uncertified = "my own money"
"""
    )
    return tmp_path


def decided(folder: Path, at: datetime, symbol: str, weight: float) -> None:
    append(folder / "decisions.jsonl", [Decision(at, symbol, weight, "because", "me")], lambda: at)


def podshop(*words: object) -> int:
    return cli.main([str(word) for word in words])


# --- macro ----------------------------------------------------------------------------------------


def test_add_list_and_close(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "decisions.jsonl"
    spy = ("SPY", "--weight", 0.1, "--thesis", "rates fall", "--author", "jo")
    assert (
        podshop("macro", "add", *spy, "--stop", 0.05, "--expires", "2099-12-31", "--file", file)
        == 0
    )
    told = capsys.readouterr().out
    assert "SPY +10.00%, stopped at a loss of 5.00%, until 2099-12-31: rates fall" in told
    assert "by jo" in told
    assert (
        podshop("macro", "add", "TLT", "--weight", -0.2, "--thesis", "supply", "--file", file) == 0
    )
    assert podshop("macro", "list", "--file", file) == 0
    told = capsys.readouterr().out
    assert re.search(r"1 +.* SPY +\+10.00% +open", told)
    assert re.search(r"2 +.* TLT +-20.00% +open", told)
    assert podshop("macro", "close", "SPY", "--thesis", "they fell", "--file", file) == 0
    capsys.readouterr()
    assert podshop("macro", "list", "--file", file) == 0
    told = capsys.readouterr().out
    assert "SPY" not in told
    assert "1 of 3 decisions; the chain of" in told
    assert podshop("macro", "list", "--all", "--file", file) == 0
    assert re.search(r"superseded[^$]*closed", capsys.readouterr().out)
    entry = read(file)[0].decision
    assert abs(datetime.now(UTC) - entry.at) < timedelta(minutes=1)


def test_what_cannot_be_decided_is_refused_by_its_option(
    fund: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = ("--file", fund / "decisions.jsonl")
    why = ("--thesis", "why")
    before = (fund / "decisions.jsonl").read_bytes()
    for words, told, code in (
        (("add", "SPY", "--weight", 50, *why), "--weight: 50 is no fraction", 2),
        (("add", "SPY", "--weight", 0.1, "--stop", 5, *why), "--stop: 5 is no loss", 2),
        (("add", "SPY", "--weight", 0.1, "--thesis", ""), "--thesis: is empty", 2),
        (("add", "SPY", "--weight", 0.1, "--expires", "2020-01-01", *why), "--expires: 2020", 2),
        (("add", "SPY", "--weight", "much", *why), "invalid float value", 2),
        (("add", "SPY", "--weight", 0.1), "required: --thesis", 2),
        (("add", "SPZ", "--weight", 0.1, *why, "--fund", fund), "SPZ is not in the data", 2),
        (("close", "TLT", *why), "no decision on TLT stands", 3),
    ):
        assert podshop("macro", *words, *file) == code
        assert told in capsys.readouterr().err
    assert (fund / "decisions.jsonl").read_bytes() == before
    assert podshop("macro", "list", "--file", fund / "weights.csv") == 2
    assert podshop("macro", "list", "--file", fund / "none.jsonl") == 3
    text = (fund / "decisions.jsonl").read_text().replace("0.4", "0.9")
    (fund / "decisions.jsonl").write_text(text)
    assert podshop("macro", "list", *file) == 3
    assert "line 1: was changed" in capsys.readouterr().err


def test_list_tells_by_the_prices_of_a_fund_what_became_of_each(
    fund: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = fund / "decisions.jsonl"
    at = datetime(2024, 3, 7, 20, tzinfo=UTC)
    short = Decision(at, "SPY", -0.1, "too dear", "me", None, 0.02)
    brief = Decision(at, "TLT", 0.1, "a week", "me", date(2024, 3, 14))
    append(file, [short, brief], lambda: at)
    assert podshop("macro", "list", "--all", "--file", file, "--fund", fund) == 0
    told = capsys.readouterr().out
    for line, state in ((1, "superseded"), (2, "stopped"), (3, "expired")):
        assert re.search(rf"^ *{line} .* {state} ", told, flags=re.MULTILINE), told
    assert podshop("macro", "add", "TLT", "--weight", 0.1, "--thesis", "again", "--file", file) == 0
    capsys.readouterr()
    assert podshop("macro", "list", "--file", file, "--fund", fund) == 0
    assert " waiting " in capsys.readouterr().out


# --- funds ----------------------------------------------------------------------------------------


def test_a_fund_trades_what_was_decided_and_given(
    fund: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from podshop.research.backtest import backtest
    from podshop.rulebook.config import load

    run = backtest(load(fund))
    names = len(run.market.assets)
    lots = {
        divmod(int(key), names): int(held)
        for key, held in zip(run.book.key_s, run.book.lots_s, strict=True)
        if held
    }
    assert set(lots) == {(0, 0), (1, 0), (1, 1)}
    # 450 000 of capital each: 40 % at about 100, 50 % at about 100, 25 % at about 50
    assert lots[0, 0] == pytest.approx(1800, rel=0.05)
    assert lots[1, 0] == pytest.approx(2250, rel=0.05)
    assert lots[1, 1] == pytest.approx(2250, rel=0.05)


def test_live_takes_what_came_and_refuses_a_past_that_changed(
    fund: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(until: str) -> int:
        return podshop("run", fund, "--paper", "--until", until, "--out", fund / "out")

    assert run("2024-03-20") == 0
    at = datetime(2024, 3, 21, 15, tzinfo=UTC)
    stopped = Decision(at, "TLT", 0.3, "the first with a stop", "me", date(2024, 4, 1), 0.05)
    append(fund / "decisions.jsonl", [stopped], lambda: at)
    assert run("2024-03-25") == 0
    assert podshop("verify", fund / "out") == 0
    whole = (fund / "weights.csv").read_text()
    (fund / "weights.csv").write_text(whole + "2024-03-26,0.1,0.1\n")
    assert run("2024-03-27") == 0
    capsys.readouterr()
    (fund / "weights.csv").write_text(whole + "2024-03-26,0.2,0.1\n")
    assert run("2024-03-28") == 3
    assert "the market data of 2024-03-26 is not what" in capsys.readouterr().err
    (fund / "weights.csv").write_text(whole + "2024-03-26,0.1,0.1\n")
    lines = (fund / "decisions.jsonl").read_text().splitlines(keepends=True)
    (fund / "decisions.jsonl").write_text(lines[0])  # the chain holds, the past does not
    assert run("2024-03-28") == 3
    assert "the market data of 2024-03-21 is not what" in capsys.readouterr().err
    (fund / "decisions.jsonl").write_text("".join(lines))
    assert run("2024-03-28") == 0


def test_a_fund_without_decisions_yet_holds_nothing_of_them(fund: Path) -> None:
    from podshop.research.backtest import backtest
    from podshop.rulebook.config import load

    (fund / "decisions.jsonl").write_text("")
    book = backtest(load(fund)).book
    assert {int(key) // 2 for key in book.key_s[book.lots_s != 0]} == {1}


def test_a_strategy_is_tried_on_a_feed_and_begun_journals_are_checked_against_its_data(
    fund: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (fund / "s.toml").write_text(
        """
[strategy]
use = "given"

[market]
source = "parquet"
path = "prices.parquet"
feeds = { weights = "weights.csv" }

[limits]
position = 0
sector = 0

[sweep]
lag_days = [0, 3]
"""
    )
    assert podshop("research", "sweep", fund / "s.toml", "--runs", fund / "runs") == 0
    told = capsys.readouterr().out
    found = re.findall(r"^[0-9a-f]{16} +([03]) +(\S+)", told, flags=re.MULTILINE)
    assert len({growth for _, growth in found}) == 2, "three sessions later is another run"
    fresh = ("--file", fund / "new.jsonl", "--fund", fund / "fund.toml", "--thesis", "why")
    (fund / "decisions.jsonl").unlink()  # the fund file names it, and it is not there yet
    assert podshop("macro", "add", "TLX", "--weight", 0.1, *fresh) == 2
    assert podshop("macro", "add", "TLT", "--weight", 0.1, *fresh) == 0


def test_a_fund_file_with_a_wrong_feed_is_told_so(
    fund: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (fund / "fund.toml").read_text()
    for old, new, told in (
        ("decisions.jsonl", "none.jsonl", 'there is no "none.jsonl"'),
        ("macro =", '"my macro" =', '"my macro" is no name for a feed'),
    ):
        (fund / "fund.toml").write_text(text.replace(old, new))
        assert podshop("backtest", fund) == 2
        assert told in capsys.readouterr().err
    (fund / "fund.toml").write_text(text.replace("weights =", "other ="))
    assert podshop("backtest", fund, "--out", fund / "out") == 4
    assert 'no feed "weights"' in capsys.readouterr().err


# --- listen ---------------------------------------------------------------------------------------


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A webhook that listens, in a process of its own."""
    words = ["listen", "--file", str(tmp_path / "decisions.jsonl"), "--port", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "podshop.desk.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PODSHOP_WEBHOOK_KEY": SECRET},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found, said + process.stderr.read()
        yield found[0]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert SECRET not in said + out + err
        assert "Traceback" not in err


BODY = {
    "author": "a program",
    "decisions": [
        {"symbol": "SPY", "weight": 0.1, "thesis": "up", "expires": "2099-12-31", "stop": 0.05},
        {"symbol": "TLT", "weight": -0.2, "thesis": "down"},
    ],
}


def sign(key: bytes, stamp: str, nonce: str, body: bytes) -> str:
    """As the documentation tells other programs to."""
    return hmac.new(key, f"{stamp}.{nonce}.".encode() + body, hashlib.sha256).hexdigest()


def post(address: str, body: bytes, **changed: str) -> tuple[int, dict[str, Any]]:
    """Send a message; `changed` are headers other than the right ones."""
    stamp = changed.pop("timestamp", str(int(time.time())))
    nonce = changed.pop("nonce", f"nonce-{time.time_ns()}")
    headers = dict(
        zip(HEADERS, (stamp, nonce, sign(SECRET.encode(), stamp, nonce, body)), strict=True)
    )
    headers |= {f"x-podshop-{name}": value for name, value in changed.items()}
    request = urllib.request.Request(f"{address}/decisions", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())


def test_a_signed_message_is_in_the_journal_when_it_is_answered(
    address: str, tmp_path: Path
) -> None:
    status, told = post(address, json.dumps(BODY).encode())
    assert status == 200
    entries = read(tmp_path / "decisions.jsonl")
    assert [one["hash"] for one in told["entries"]] == [entry.hash for entry in entries]
    assert entries[0].decision.expires == date(2099, 12, 31)
    assert entries[0].decision.author == "a program"
    assert entries[1].decision.weight == -0.2


def test_a_message_is_taken_in_once_even_by_another_process(address: str, tmp_path: Path) -> None:
    body = json.dumps(BODY).encode()
    status, first = post(address, body, nonce="the-only-one-of-its-kind")
    assert status == 200
    status, again = post(address, body, nonce="the-only-one-of-its-kind")
    assert status == 409
    assert again["entries"] == first["entries"]
    assert len(read(tmp_path / "decisions.jsonl")) == 2


def test_what_is_not_signed_now_by_the_secret_is_refused_with_one_sentence(
    address: str, tmp_path: Path
) -> None:
    body = json.dumps(BODY).encode()
    now, nonce = str(int(time.time())), "a-nonce-long-enough"
    right = sign(SECRET.encode(), now, nonce, body)
    old, ahead = str(int(time.time()) - 3600), str(int(time.time()) + 3600)
    answers = [
        post(address, body, signature=""),
        post(address, body, signature="0" * 64),
        post(address, body, signature=sign(b"another", now, nonce, body), nonce=nonce),
        post(address, body + b" ", timestamp=now, nonce=nonce, signature=right),
        post(address, body, timestamp=now, nonce=nonce + "x", signature=right),
        post(address, body, timestamp=old),
        post(address, body, timestamp=ahead),
        post(address, body, timestamp="soon"),
        post(address, body, nonce="short"),
        post(address, body, nonce="with spaces in it ...."),
    ]
    assert {status for status, _ in answers} == {401}
    assert len({json.dumps(told) for _, told in answers}) == 1
    assert not (tmp_path / "decisions.jsonl").exists()
    assert post(address, body, timestamp=now, nonce=nonce, signature=right)[0] == 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"decisions": []}, "decisions: "),
        ({"author": ""}, "author: "),
        ({"extra": 1}, "extra: "),
        ({"decisions": [{"symbol": "SPY", "weight": "0.1", "thesis": "x"}]}, "0.weight: "),
        ({"decisions": [{"symbol": "SPY", "weight": 1e9, "thesis": "x"}]}, "weight: "),
        ({"decisions": [{"symbol": "SPY", "weight": 0.1}]}, "0.thesis: "),
        ({"decisions": [{**BODY["decisions"][0], "stop": 7.0}]}, "stop: 7 is no loss"),  # type: ignore[index, dict-item]
        ({"decisions": [{**BODY["decisions"][0], "at": "2020-01-01"}]}, "0.at: "),  # type: ignore[index, dict-item]
        ({"decisions": [{**BODY["decisions"][0], "expires": "2020-01-01"}]}, "expires: 2020"),  # type: ignore[index, dict-item]
    ],
)
def test_a_signed_message_without_sense_is_refused_by_its_field(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    from podshop.adapters.webhook import Desk, Refused

    desk = Desk(tmp_path / "d.jsonl", SECRET.encode(), lambda: datetime.now(UTC))
    with pytest.raises(Refused, match=re.escape(words)) as refused:
        desk.take("a-nonce-long-enough", json.dumps({**BODY, **change}).encode())
    assert refused.value.status == 422
    assert not (tmp_path / "d.jsonl").exists()
    assert SECRET not in repr(desk)


def test_large_bodies_other_paths_and_broken_journals_are_answered(
    address: str, tmp_path: Path
) -> None:
    assert post(address, b"x" * 70_000)[0] == 413
    assert post(address, b"{")[0] == 422
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        urllib.request.urlopen(f"{address}/openapi.json", timeout=20)
    refused.value.close()
    with urllib.request.urlopen(f"{address}/health", timeout=20) as answer:
        assert json.loads(answer.read()) == {"status": "listening"}
    (tmp_path / "decisions.jsonl").write_text("not ours\n")
    status, told = post(address, json.dumps(BODY).encode())
    assert status == 503
    assert "line 1: no JSON" in told["error"]
    assert (tmp_path / "decisions.jsonl").read_text() == "not ours\n"


def test_listen_needs_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = ("--file", tmp_path / "d.jsonl", "--port", 0)
    monkeypatch.delenv("PODSHOP_WEBHOOK_KEY", raising=False)
    assert podshop("listen", *file) == 2
    assert "set PODSHOP_WEBHOOK_KEY" in capsys.readouterr().err
    monkeypatch.setenv("PODSHOP_WEBHOOK_KEY", "hunter2")
    assert podshop("listen", *file) == 2
    told = capsys.readouterr().err
    assert "has 7 characters and needs 32" in told
    assert "hunter2" not in told


@pytest.mark.parametrize("port", ["99999", "-1", "taken"])
def test_an_address_that_cannot_be_is_refused(
    port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PODSHOP_WEBHOOK_KEY", SECRET)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1]) if port == "taken" else port
        words = ["listen", "--file", str(tmp_path / "d.jsonl"), f"--port={port}"]
        assert cli.main(words) == 2
    assert "cannot listen" in capsys.readouterr().err
