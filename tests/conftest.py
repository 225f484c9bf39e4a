"""What all tests share: the larger real data set, the golden switch, how hard hypothesis looks."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from podshop.domain.error import DataError
from podshop.domain.market import Panel

ROOT = Path(__file__).resolve().parents[1]

# What commands print is read as on a wide terminal, wherever the tests run.
os.environ["COLUMNS"] = "200"

# Compiling a kernel in the first example takes seconds, so there is no deadline.
settings.register_profile(
    "fast",
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "storm",
    deadline=None,
    max_examples=2_000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real prices and recorded responses, kept beside the repository and never inside it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data set (../shared/data beside the repository) is not here")
    return folder


@pytest.fixture(scope="session")
def rewrite_golden() -> bool:
    """True when expected results are to be rewritten: `make golden`."""
    return os.environ.get("PODSHOP_REWRITE_GOLDEN") == "1"


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium, for tests that look at a page as a person does."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium on this machine (.ci/chromium installs Debian's)")


@pytest.fixture(scope="session")
def embedded() -> Panel:
    """The embedded data, or a reason to skip."""
    from podshop.adapters.sources import load

    try:
        return load("embedded")
    except DataError as missing:
        pytest.skip(str(missing))
