"""One headless Chromium for all browser tests of a worker, shut off from the network."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

# Without these Chromium tries to reach its maker at every start.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """The running browser."""
    with sync_playwright() as p:
        running = p.chromium.launch(executable_path=chromium, args=list(QUIET))
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page without a network; errors that it prints or throws fail the test at its end."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    yield opened
    context.close()
    assert not complaints, "the page complained: " + "; ".join(complaints)
