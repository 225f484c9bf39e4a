"""The command line: light to start, clear when it fails, and true to its exit codes."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

import podshop
from podshop.desk import cli, output, terminal
from podshop.desk.commands import backtest as backtest_command
from podshop.desk.commands import demo as demo_command
from podshop.desk.commands import doctor, init
from podshop.domain import error
from podshop.domain.market import Panel
from podshop.rulebook.config import load

ROOT = Path(__file__).resolve().parents[2]

HEAVY = ("numpy", "polars", "pandas", "numba", "pydantic", "plotly", "rich")


def outside(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run podshop in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "podshop.desk.cli", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ},
    )


# --- starting -------------------------------------------------------------------------------------


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    code = "import sys, podshop.desk.cli; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(done.stdout.split())


def test_help_needs_nothing_heavy_either() -> None:
    code = (
        "import sys; from podshop.desk.cli import main; main(['--help']); "
        f"print('heavy:', *(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("heavy:")
    for command in cli.TOLD:
        assert command in done.stdout
    assert "exit codes" in done.stdout


@pytest.mark.parametrize("command", cli.TOLD)
def test_every_command_has_a_help_page_and_a_file(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([command, "--help"]) == 0
    assert cli.TOLD[command] in capsys.readouterr().out
    name = "paper" if command == "run" else command
    assert (ROOT / "src/podshop/desk/commands" / f"{name}.py").is_file()


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"podshop {podshop.__version__}\n"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == podshop.__version__


# --- failing --------------------------------------------------------------------------------------

USAGE = [
    [],
    ["trade"],
    ["backtest"],
    ["backtest", "fund.toml", "--start", "May"],
    ["run", "fund.toml", "--until", "2020-01-31"],
    ["run", "fund.toml", "--paper"],
]


@pytest.mark.parametrize("words", USAGE, ids=" ".join)
def test_wrong_usage_is_answered_with_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    assert "usage: podshop" in capsys.readouterr().err


def test_a_missing_fund_file_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["backtest", str(tmp_path / "none.toml")]) == 2
    told = capsys.readouterr().err
    assert "there is no such file" in told
    assert "podshop init" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("command", ["explain", "verify"])
def test_a_folder_without_a_journal_is_wrong_usage(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([command, str(tmp_path)]) == 2
    assert "there is no journal.sqlite in it" in capsys.readouterr().err


ENDS = {
    error.ConfigError("why"): 2,
    error.DataError("why"): 3,
    error.PodError("why"): 4,
    error.LawBroken("why"): 1,
    error.ChainBroken("why"): 5,
    error.LedgerError("why"): 5,
    error.BrokerError("why"): 5,
    error.SolverError("why"): 5,
    error.FundError("why"): 5,
    KeyboardInterrupt(): 130,
    PermissionError(13, "Permission denied", "out"): 2,
    RuntimeError("oh"): 70,
    ModuleNotFoundError("no", name="polars"): 2,
    ModuleNotFoundError("no", name="podshop.nowhere"): 70,
}


@pytest.mark.parametrize("ends", ENDS.items(), ids=lambda ends: type(ends[0]).__name__)
def test_each_end_has_its_exit_code(
    ends: tuple[BaseException, int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    raised, code = ends

    def run(_args: object) -> int:
        raise raised

    monkeypatch.setattr(doctor, "run", run)
    assert cli.main(["doctor"]) == code
    told = capsys.readouterr().err
    assert ("Traceback" in told) == (code == 70)
    if isinstance(raised, error.FundError):
        assert told.startswith("why\n")
        assert cli.main(["doctor", "--debug"]) == code
        assert "Traceback" in capsys.readouterr().err


def test_every_branch_of_the_error_tree_has_an_exit_code() -> None:
    kinds = [k for k in vars(error).values() if isinstance(k, type)]
    named = tuple(kind for kind, _, _, _ in cli.ERRORS)
    assert [k for k in kinds if not issubclass(k, named) and k is not error.FundError] == []


def test_a_reader_that_leaves_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m podshop.desk.cli doctor | head -1; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "0"
    assert "Traceback" not in done.stderr


# --- speaking -------------------------------------------------------------------------------------


def test_progress_into_a_file_is_one_line_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.progress("work") as done:
        for i in range(1, 1001):
            done(i, 1000)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"work {10 * i} %" for i in range(1, 11)]


def test_progress_that_jumps_says_only_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.progress("work") as done:
        done(35, 100)
        done(39, 100)
        done(100, 100)
    assert capsys.readouterr().err == "work 30 %\nwork 100 %\n"


def test_no_color_means_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with terminal.console().capture() as got:
        terminal.console().print("[red]x[/red]")
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.console().no_color
    assert got.get() == ""


def test_doctor_prints_no_escape_codes() -> None:
    assert "\x1b" not in outside("doctor", NO_COLOR="1").stdout


# --- doctor ---------------------------------------------------------------------------------------


def test_doctor_finds_a_working_installation(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "podshop can run here" in told
    assert "ok    numpy" in told
    assert "NUMBA_CACHE_DIR=" in told


def test_doctor_fails_when_something_required_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(doctor.REQUIRED, "no-such-package", "1.0")
    monkeypatch.setitem(doctor.REQUIRED, "numpy", "99.0")
    assert cli.main(["doctor"]) == 1
    told = capsys.readouterr().out
    assert "FAIL  no-such-package is not installed\n      -> pip install podshop" in told
    assert re.search(r"FAIL  numpy [\d.]+ is older than 99.0", told)


def test_doctor_requires_what_the_package_requires() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    least = dict(re.match(r"([\w-]+)>=([\d.]+)", line).groups() for line in project["dependencies"])  # type: ignore[union-attr]
    assert least.keys() == doctor.REQUIRED.keys()
    for name, version in doctor.REQUIRED.items():
        assert least[name].startswith(version), name


def test_doctor_finds_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    found = doctor._writable("cache folder", blocked / "below", "set PODSHOP_HOME")
    assert (found.state, found.hint) == ("FAIL", "set PODSHOP_HOME")


# --- init -----------------------------------------------------------------------------------------


def test_init_fills_a_folder_and_never_overwrites(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "fund"
    assert cli.main(["init", str(folder)]) == 0
    made = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert made == {"README.md", "fund.toml", "pods/own.py", "strategy.toml"}
    assert "podshop backtest fund.toml" in capsys.readouterr().out
    (folder / "fund.toml").write_text("# mine\n")
    (folder / "README.md").unlink()
    assert cli.main(["init", str(folder)]) == 0
    told = capsys.readouterr().out
    assert (folder / "fund.toml").read_text() == "# mine\n"
    assert (folder / "README.md").is_file()
    assert f"kept  {folder / 'fund.toml'} (exists; nothing is overwritten)" in told


def test_init_into_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x").touch()
    assert cli.main(["init", str(tmp_path / "x")]) == 2
    assert "is a file" in capsys.readouterr().err


def test_the_templates_are_packaged() -> None:
    assert {place.name for _, place in init.templates()} == {
        "README.md",
        "fund.toml",
        "own.py",
        "strategy.toml",
    }


@pytest.fixture
def own_fund(tmp_path: Path) -> Path:
    """A folder that `podshop init` made."""
    folder = tmp_path / "fund"
    assert cli.main(["init", str(folder)]) == 0
    return folder


def test_the_fund_of_init_loads_and_its_pod_passes_the_cards(
    own_fund: Path, embedded: Panel
) -> None:
    from podshop.research.cards import check_pod

    rules = load(own_fund)
    assert rules.pod_ids() == ("momentum", "trend", "own")
    own = rules.pods[2]
    for seed in range(3):
        check_pod(own, embedded, seed=seed)
    weights = own.wishes(embedded, own.params)
    assert (weights[:251] == 0).all()
    assert weights[300:].sum(axis=1) == pytest.approx(1.0)


def test_the_fund_of_init_is_refused_with_the_line_of_the_mistake(own_fund: Path) -> None:
    text = (own_fund / "fund.toml").read_text()
    (own_fund / "fund.toml").write_text(text.replace('"pods.own"', '"pods.owm"'))
    line = text.splitlines().index('strategy = "pods.own" # pods/own.py, beside this file') + 1
    with pytest.raises(error.ConfigError, match=rf"fund.toml:{line}: .*unknown strategy"):
        load(own_fund)


# --- running --------------------------------------------------------------------------------------


def test_the_demo_fund_is_the_one_that_is_promised() -> None:
    rules = load(Path(demo_command.__file__).parents[1] / "funds" / "demo.toml")
    assert rules.pod_ids() == ("momentum", "pairs", "reversion", "trend", "neutral")
    assert rules.capital == 1_000_000_000_000
    assert rules.allocator.name == "sharpe"
    assert rules.allocator.when == "month"
    assert rules.manifest["capital"]["params"] == {
        "lookback_days": 252,
        "min": 0.1,
        "max": 0.4,
        "cash": 0.1,
    }
    caps = rules.caps
    assert (caps.position, caps.sector, caps.gross) == (0.05, 0.20, 2.0)
    assert caps.volatility == pytest.approx(0.10 / 1.5, rel=1e-3)
    ladders = [one["params"] for one in rules.manifest["limit"] if one["use"] == "drawdown"]
    assert [(one["scope"], one["halve_at"], one["terminate_at"]) for one in ladders] == [
        ("pod", 0.05, 0.10),
        ("fund", 0.05, 0.10),
    ]
    assert ladders[1]["halt_at"] == 0.15


def test_dates_on_the_command_line_win_and_do_not_change_who_the_fund_is(own_fund: Path) -> None:
    rules = load(own_fund)
    other = backtest_command.between(rules, date(2013, 1, 2), date(2014, 1, 2))
    assert str(other.market.start) == "2013-01-02"
    assert str(other.market.end) == "2014-01-02"
    assert other.hash == rules.hash
    assert backtest_command.between(rules, None, None).market == rules.market
    with pytest.raises(error.ConfigError, match="--start or --end"):
        backtest_command.between(rules, date(2015, 1, 2), date(2014, 1, 2))


def test_a_backtest_never_replaces_the_journal_of_a_running_fund(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").touch()
    with pytest.raises(error.ConfigError, match="--out"):
        output.for_backtest(tmp_path)
    assert output.for_running(tmp_path) == tmp_path
    other = tmp_path / "backtest"
    assert output.for_backtest(other) == output.for_backtest(other) == other / "journal.sqlite"
    with pytest.raises(error.ConfigError, match="--out"):
        output.for_running(other)


Short = Callable[..., int]


@pytest.fixture
def short(own_fund: Path) -> Short:
    """Run a command on a fund over a quarter of a year."""

    def run(*words: str) -> int:
        return cli.main([words[0], str(own_fund), *words[1:]])

    return run


@pytest.mark.slow
@pytest.mark.usefixtures("embedded")
def test_backtest_explain_verify_from_the_command_line(
    own_fund: Path, short: Short, capsys: pytest.CaptureFixture[str]
) -> None:
    out = own_fund / "out"
    assert short("backtest", "--start", "2012-01-03", "--end", "2012-03-30") == 0
    told = capsys.readouterr()
    assert str(out / "report.html") in told.out
    assert "\x1b" not in told.out
    assert "my fund 100 %" in told.err
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["residual_micros"], summary["first_session"]) == (0, "2012-01-03")
    for name in ("nav", "pods", "attribution", "orders", "fills", "events"):
        assert (out / f"{name}.parquet").is_file()
    assert cli.main(["explain", str(out)]) == 0
    assert "residual 0 micros" in capsys.readouterr().out
    assert cli.main(["explain", str(out), "--day", "2012-02-01", "--pod", "own"]) == 0
    told = capsys.readouterr()
    assert "2012-02-01 pod own" in told.out
    assert "residual 0 micros" in told.out
    assert cli.main(["explain", str(out), "--pod", "nobody"]) == 3
    assert cli.main(["explain", str(out), "--day", "2012-01-01"]) == 3
    assert cli.main(["verify", str(out)]) == 0


@pytest.mark.slow
@pytest.mark.usefixtures("embedded")
def test_verify_finds_a_changed_byte(
    own_fund: Path, short: Short, capsys: pytest.CaptureFixture[str]
) -> None:
    assert short("backtest", "--start", "2012-01-03", "--end", "2012-02-15") == 0
    journal = own_fund / "out" / "journal.sqlite"
    content = bytearray(journal.read_bytes())
    at = content.rfind(b"amount_r")
    assert at > 0
    content[at + 3] ^= 1
    journal.write_bytes(bytes(content))
    capsys.readouterr()
    assert cli.main(["verify", str(own_fund / "out")]) == 1
    assert "FOUND " in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("embedded")
def test_paper_goes_on_where_it_stopped_and_ends_like_the_backtest(
    own_fund: Path, short: Short
) -> None:
    assert short("run", "--paper", "--from", "2012-03-01", "--until", "2012-03-20") == 0
    assert short("run", "--paper", "--until", "2012-04-20") == 0  # it knows where it began
    assert short("run", "--paper", "--until", "2012-04-20") == 0  # nothing left to do
    assert short("backtest", "--start", "2012-03-01", "--end", "2012-04-20") == 0
    assert cli.main(["verify", str(own_fund / "paper")]) == 0
    paper, backtest = (
        json.loads((own_fund / name / "summary.json").read_text()) for name in ("paper", "out")
    )
    assert paper["journal_hash"] == backtest["journal_hash"]
    assert paper["book_digest"] == backtest["book_digest"]


@pytest.mark.slow
@pytest.mark.usefixtures("embedded")
def test_a_pod_that_looks_ahead_stops_the_fund_with_4(
    own_fund: Path, short: Short, capsys: pytest.CaptureFixture[str]
) -> None:
    pod = own_fund / "pods" / "own.py"
    pod.write_text(pod.read_text().replace("weights[t, nearest]", "weights[t - 5, nearest]"))
    assert short("backtest", "--start", "2012-01-03", "--end", "2012-03-30") == 4
    told = capsys.readouterr().err
    assert "'own'" in told
    assert "broke its contract" in told


@pytest.mark.slow
@pytest.mark.usefixtures("embedded")
def test_dates_without_sessions_stop_the_fund_with_3(
    short: Short, capsys: pytest.CaptureFixture[str]
) -> None:
    assert short("backtest", "--start", "2030-01-03", "--end", "2030-03-30") == 3
    assert "no sessions" in capsys.readouterr().err
