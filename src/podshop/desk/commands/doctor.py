"""`podshop doctor`: is everything here that podshop needs, and if not, what mends it?"""

import argparse
import importlib.metadata
import importlib.util
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import podshop
from podshop.desk import environment

REQUIRED = {
    "numpy": "2.4",
    "numba": "0.68",
    "polars": "2.1",
    "orjson": "3.13",
    "pydantic": "2.14",
    "rich": "15.0",
    "plotly": "7.1",
    "jinja2": "3.1",
}
"""Packages that podshop cannot run without, and the least version."""

STORE = "duckdb exchange_calendars feedparser httpx2 pyarrow stamina vaderSentiment"
EXTRAS = {
    "demo": (("skfolio", "arch"), 'the demo and source = "embedded" need it'),
    "data": (tuple(STORE.split()), 'podshop data and source = "store" need it'),
}
"""Optional packages and what needs them, by the extra that installs them."""

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report.

    Attributes:
        state: "ok", "warn" (something optional), or "FAIL" (something required is missing).
        what: what was looked at and what was found.
        hint: what mends it; empty when nothing is to be mended.
    """

    state: str
    what: str
    hint: str = ""


def run(_args: argparse.Namespace) -> int:
    """Print every finding; 1 when something required is missing."""
    findings = list(examine())
    for finding in findings:
        print(f"{finding.state:<5} {finding.what}")
        if finding.hint:
            print(f"      -> {finding.hint}")
    if any(finding.state == "FAIL" for finding in findings):
        print("\nSomething required is missing.")
        return 1
    print("\npodshop can run here.")
    return 0


def examine() -> Iterator[Finding]:
    """Look at everything, from Python outwards."""
    yield _python()
    yield from _required()
    yield from _extras()
    yield _writable("working folder", Path.cwd(), "work in a folder that you may write")
    yield _cache()
    yield _kernels()
    yield from _clock()
    yield _chromium()
    yield from _switches()


def _python() -> Finding:
    """The interpreter."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("ok", f"podshop {podshop.__version__} on Python {version}")


def _required() -> Iterator[Finding]:
    """Packages without which nothing runs."""
    for name, least in REQUIRED.items():
        found = _version(name)
        if found is None:
            yield Finding("FAIL", f"{name} is not installed", "pip install podshop")
        elif _numbers(found) < _numbers(least):
            yield Finding("FAIL", f"{name} {found} is older than {least}", f"pip install -U {name}")
        else:
            yield Finding("ok", f"{name} {found}")


def _extras() -> Iterator[Finding]:
    """Packages that only some commands need."""
    for extra, (packages, use) in EXTRAS.items():
        for name in packages:
            found = _version(name)
            if found is None:
                hint = f"pip install 'podshop[{extra}]'; {use}"
                yield Finding("warn", f"extra {extra}: {name} is not installed", hint)
            else:
                yield Finding("ok", f"extra {extra}: {name} {found}")


def _version(name: str) -> str | None:
    """Installed version of a package that can also be found; importing it would take seconds."""
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    return version if importlib.util.find_spec(name) else None


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, for comparing."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _writable(what: str, folder: Path, hint: str) -> Finding:
    """Try to write, because permissions alone do not tell of full disks and read-only mounts."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder) as probe:
            probe.write(b"podshop")
            probe.flush()
    except OSError as error:
        return Finding("FAIL", f"{what} {folder}: {error.strerror}", hint)
    free = shutil.disk_usage(folder).free / 2**30
    if free < 1.0:
        return Finding("warn", f"{what} {folder}: {free:.1f} GiB free", "make room")
    return Finding("ok", f"{what} {folder}: can be written, {free:.0f} GiB free")


def _cache() -> Finding:
    """The folder for compiled kernels and the like."""
    folder = environment.cache_folder(os.environ)
    return _writable("cache folder", folder, "set PODSHOP_HOME to a folder that you may write")


def _kernels() -> Finding:
    """Compiled kernels: none yet means that the first run takes longer."""
    folder = Path(os.environ.get("NUMBA_CACHE_DIR", ""))
    kernels = len(list(folder.glob("**/*.nbi")))
    if not kernels:
        return Finding("warn", "no compiled kernels yet", "the first run compiles them, once")
    return Finding("ok", f"{kernels} compiled kernels in {folder}")


def _clock() -> Iterator[Finding]:
    """The clock and its time zones."""
    now = datetime.now(UTC)
    written = datetime.fromtimestamp(Path(podshop.__file__).stat().st_mtime, UTC)
    if now < written:
        what = f"the clock says {now:%Y-%m-%d %H:%M} UTC, before podshop was installed"
        yield Finding("warn", what, "set the clock; sessions are dated by it")
    else:
        yield Finding("ok", f"clock {now:%Y-%m-%d %H:%M} UTC, local zone {time.strftime('%Z')}")
    try:
        york = datetime.now(ZoneInfo("America/New_York"))
    except ZoneInfoNotFoundError:
        yield Finding("warn", "no time zone data", "pip install tzdata")
    else:
        yield Finding("ok", f"New York {york:%H:%M}")


def _chromium() -> Finding:
    """A browser that tests and PDF printing can drive."""
    for name in CHROMIUM:
        place = shutil.which(name)
        if place:
            return Finding("ok", f"{name} at {place}")
    return Finding("ok", "no chromium (optional; only the browser tests need one)")


def _switches() -> Iterator[Finding]:
    """Environment switches as they stand; one that the owner changed is told."""
    for name, wanted in environment.switches(os.environ).items():
        value = os.environ.get(name)
        if value == wanted:
            yield Finding("ok", f"{name}={value}")
        else:
            yield Finding("ok", f"{name}={value} (yours; podshop would set {wanted})")
