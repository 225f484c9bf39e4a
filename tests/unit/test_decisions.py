"""The journal of decisions: it only grows, and what was changed in it is found."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from podshop.adapters.stores.decisions import Repeated, append, read
from podshop.domain.error import DataError
from podshop.market.targets import Decision

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def decided(symbol: str = "SPY", weight: float = 0.1, **more: object) -> Decision:
    return Decision(NOON, symbol, weight, "because", "me", **more)  # type: ignore[arg-type]


def filled(folder: Path, count: int = 3) -> Path:
    """A journal with some entries, an hour between them."""
    file = folder / "decisions.jsonl"
    for n in range(count):
        append(file, [decided(f"S{n}", 0.1 * n)], lambda n=n: NOON + timedelta(hours=n))
    return file


def test_what_was_added_is_read_again_with_the_moment_of_the_writing(tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    one = decided(expires=date(2026, 12, 31), stop=0.05, via="webhook abc")
    late = NOON + timedelta(seconds=3, microseconds=5)
    made = append(file, [one, decided("TLT", -0.2)], lambda: late)
    assert read(file) == made
    assert [entry.line for entry in made] == [1, 2]
    # up to the second: a decision may count later than it was made, never earlier
    assert {entry.decision.at for entry in made} == {NOON + timedelta(seconds=4)}
    assert made[0].decision.expires == date(2026, 12, 31)
    assert made[0].decision.stop == 0.05
    assert oct(file.stat().st_mode & 0o777) == "0o600", "convictions are nobody else's business"


def test_an_empty_file_is_a_journal_without_entries(tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    file.touch()
    assert read(file) == []
    assert append(file, [decided()], lambda: NOON) == read(file)
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read(tmp_path / "none.jsonl")


def test_moments_never_run_backwards(tmp_path: Path) -> None:
    file = filled(tmp_path)
    last = read(file)[-1].decision.at
    append(file, [decided()], lambda: last - timedelta(seconds=30))
    assert read(file)[-1].decision.at == last
    with pytest.raises(DataError, match="lies in the future of this machine's clock"):
        append(file, [decided()], lambda: last - timedelta(hours=1))
    assert len(read(file)) == 4


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("weight", 0.9, "line 2: was changed"),
        ("thesis", "hindsight", "line 2: was changed"),
        ("at", "2026-03-01T12:00:00Z", "line 2: was changed"),
        ("hash", "0" * 64, "line 2: was changed"),
        ("weight", "much", "line 2: field weight must be a number"),
        ("weight", 70.0, "line 2: field weight: 70 is no fraction"),
        ("stop", 70.0, "line 2: field stop: 70 is no loss"),
        ("thesis", None, "line 2: field thesis must be a text"),
        ("expires", "soon", "line 2: field .*soon"),
        ("at", "2026-03-01", "line 2: field at: .* has no time zone"),
    ],
)
def test_a_line_that_was_edited_is_named(
    tmp_path: Path, field: str, value: object, words: str
) -> None:
    file = filled(tmp_path)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines[1][field] = value
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(DataError, match=words):
        read(file)
    before = file.read_bytes()
    with pytest.raises(DataError, match=words):
        append(file, [decided()], lambda: NOON + timedelta(days=1))
    assert file.read_bytes() == before


def test_lines_taken_out_moved_or_made_by_hand_are_named(tmp_path: Path) -> None:
    file = filled(tmp_path)
    one, two, three = file.read_text().splitlines(keepends=True)
    for text, words in (
        (one + three, "line 2: was changed, or a line before it was taken out"),
        (two + one + three, "line 1: was changed"),
        (one + "\n" + two + three, "line 2: no JSON"),
        (one + '{"symbol": "SPY", "weight": 0.1}\n', "line 2: must be an object with at, symbol"),
        (one + two + three.replace("}", ', "note": 1}'), "line 3: must be an object"),
        (one + two.replace("because", "ofcourse").rstrip("\n"), "line 2: was changed"),
    ):
        file.write_text(text)
        with pytest.raises(DataError, match=words):
            read(file)
    file.write_text(one + two + three.rstrip("\n"))  # an editor's way to save; nothing is lost
    append(file, [decided()], lambda: NOON + timedelta(days=1))
    assert [entry.line for entry in read(file)] == [1, 2, 3, 4]


def test_what_a_killed_process_left_of_a_line_is_dropped(tmp_path: Path) -> None:
    whole = filled(tmp_path).read_bytes()
    two = whole.splitlines(keepends=True)
    start = len(two[0]) + len(two[1])
    file = tmp_path / "torn.jsonl"
    for length in range(start, len(whole) - 1):
        file.write_bytes(whole[:length])
        assert len(read(file)) == 2
    append(file, [decided("NEW")], lambda: NOON + timedelta(days=1))
    assert [entry.decision.symbol for entry in read(file)] == ["S0", "S1", "NEW"]
    assert file.read_bytes().startswith(whole[:start])


def test_what_came_the_same_way_is_taken_in_once(tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    (first,) = append(file, [decided(via="webhook abc")], lambda: NOON)
    with pytest.raises(Repeated, match="as line 1") as caught:
        append(file, [decided(via="webhook abc")], lambda: NOON)
    assert caught.value.entries == [first]
    assert len(read(file)) == 1


FULL = """
import resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from podshop.adapters.stores.decisions import append
from podshop.market.targets import Decision
now = lambda: datetime.now(UTC)
file = Path(sys.argv[1])
append(file, [Decision(now(), "SPY", 0.1, "why", "me")], now)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))
try:
    append(file, [Decision(now(), "TLT", 0.1, "why", "me")] * 5, now)
except OSError as error:
    print(error.strerror)
"""


def test_a_disk_that_is_full_leaves_nothing_of_a_message(tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(file)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "File too large\n"
    assert [entry.decision.symbol for entry in read(file)] == ["SPY"]
    assert file.read_bytes().count(b"\n") == 1
    assert file.read_bytes().endswith(b"\n")


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from podshop.adapters.stores.decisions import append
from podshop.market.targets import Decision
now = lambda: datetime.now(UTC)
for n in range(int(sys.argv[2])):
    (made,) = append(Path(sys.argv[1]), [Decision(now(), "SPY", 0.1, "x" * 2000, "me")], now)
    print(made.line, made.hash, flush=True)
"""


def writing(file: Path, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file), str(count)], stdout=subprocess.PIPE, text=True
    )


def test_two_writers_take_turns(tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    both = [writing(file, 25) for _ in range(2)]
    told = [line.split() for one in both for line in one.communicate(timeout=60)[0].splitlines()]
    assert [one.returncode for one in both] == [0, 0]
    assert sorted((int(line), digest) for line, digest in told) == [
        (entry.line, entry.hash) for entry in read(file)
    ]
    assert len(told) == 50


@pytest.mark.storm
@pytest.mark.parametrize("seed", range(6))
def test_what_was_told_survives_a_kill_at_any_moment(tmp_path: Path, seed: int) -> None:
    file = tmp_path / "decisions.jsonl"
    one = writing(file, 100_000)
    assert one.stdout is not None
    heard = [one.stdout.readline()]
    time.sleep(0.02 + 0.013 * seed)
    os.kill(one.pid, signal.SIGKILL)
    heard += one.stdout.readlines()
    one.stdout.close()
    assert one.wait(timeout=60) == -signal.SIGKILL
    told = [line.split() for line in heard if line.endswith("\n")]
    entries = read(file)
    assert [(str(e.line), e.hash) for e in entries[: len(told)]] == [(a, b) for a, b in told]
    assert len(entries) - len(told) in (0, 1)
    append(file, [decided("NEXT")], lambda: datetime.now(UTC))
    assert read(file)[-1].decision.symbol == "NEXT"


def test_a_message_that_was_written_in_part_is_none_and_may_come_again(tmp_path: Path) -> None:
    file = filled(tmp_path)
    two = [decided("SPY", via="webhook n1"), decided("TLT", -0.1, via="webhook n1")]
    made = append(file, two, lambda: NOON + timedelta(hours=9))
    whole = file.read_bytes()
    lines = whole.splitlines(keepends=True)
    for cut in (len(b"".join(lines[:-1])), len(whole) - 7):
        file.write_bytes(whole[:cut])  # what a power cut left
        assert [e.decision.symbol for e in read(file)] == ["S0", "S1", "S2"]
        assert append(file, two, lambda: NOON + timedelta(hours=9)) == made
    with pytest.raises(Repeated):
        append(file, two[:1], lambda: NOON + timedelta(hours=10))


def test_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.jsonl"
    file.write_text("my precious notes")
    with pytest.raises(DataError, match="no JSON"):
        append(file, [decided()], lambda: NOON)
    assert file.read_text() == "my precious notes"
