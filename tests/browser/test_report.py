"""The report as a person opens it: a file in a browser without a network."""

from pathlib import Path

import pytest
from playwright.sync_api import Page
from tests.made_up_run import made_up_run

from podshop.reports.fund import render

pytestmark = pytest.mark.browser

PLOTS = {"equity", "underwater", "pod-values", "allocation", "by-pod", "by-part"}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of twelve years on disk."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(made_up_run()), encoding="utf-8")
    return path


def opened(page: Page, report: Path) -> Page:
    """The report, all plots drawn; whatever it asks for beyond its own file fails the test."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    page.locator(".js-plotly-plot .cartesianlayer").nth(len(PLOTS) - 1).wait_for(state="attached")
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    return page


def test_every_plot_is_drawn_and_nothing_complains(page: Page, report: Path) -> None:
    opened(page, report)
    for name in sorted(PLOTS):
        plot = page.locator(f'.js-plotly-plot[data-plot="{name}"]')
        box = plot.locator(".main-svg").first.bounding_box()
        assert box is not None
        assert box["width"] > 300
        assert box["height"] > 200
    assert page.locator(".js-plotly-plot").count() == len(PLOTS)
    assert page.locator('[data-plot="pod-values"] .scatterlayer .trace path.js-line').count() == 5
    assert page.locator('[data-plot="by-pod"] .barlayer .point').count() == 6
    assert page.locator('[data-plot="underwater"] .shapelayer path').count() == 3


def test_lines_carry_every_session(page: Page, report: Path) -> None:
    opened(page, report)
    lines = "[...document.querySelector('[data-plot=equity]')._fullData]"
    assert page.evaluate(f"{lines}.map(t => [t.x.length, t.y.length])") == [[3024, 3024]] * 2


def test_the_scale_switches_to_logarithms_and_back(page: Page, report: Path) -> None:
    opened(page, report)
    scale = "document.querySelector('[data-plot=equity]').layout.yaxis.type"
    page.get_by_role("button", name="log").click()
    assert page.evaluate(scale) == "log"
    assert page.get_by_role("button", name="log").get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="linear").click()
    assert page.evaluate(scale) == "linear"


@pytest.mark.parametrize("width", [1280, 800, 400])
def test_the_page_fits_its_window(page: Page, report: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, report)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_dark_mode_turns_the_ink(page: Page, report: Path) -> None:
    page.emulate_media(color_scheme="dark")
    opened(page, report)
    line = '[data-plot="equity"] .scatterlayer .js-line[style*="rgb({})"]'
    page.locator(line.format("228, 232, 237")).wait_for(state="attached")
    page.emulate_media(color_scheme="light")
    page.locator(line.format("27, 36, 48")).wait_for(state="attached")


def test_the_page_prints(page: Page, report: Path) -> None:
    opened(page, report)
    assert len(page.pdf(format="A4")) > 100_000
