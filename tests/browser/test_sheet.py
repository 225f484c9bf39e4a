"""The tear sheet as a person opens and prints it: a file in a browser without a network."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page
from tests.funds import Recipe, cook

from podshop.reports.pdf import write_pdf
from podshop.reports.sheet import Sheet, of_run, render

pytestmark = pytest.mark.browser

PLOTS = ("equity", "underwater", "rolling", "distribution", "bands")


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tear sheet on disk: a run's costs under ten years of returns with a benchmark."""
    run = of_run(cook(Recipe(seed=4, days=600, pods=1)).run(record="fast"))
    r = np.random.default_rng(1)
    market = r.standard_t(5, run.returns.size) * 0.008
    made = Sheet(
        "Sheet",
        run.days,
        market * 0.5 + r.normal(0.0006, 0.006, market.size),
        benchmark=market,
        costs=run.costs,
    )
    path = tmp_path_factory.mktemp("sheet") / "sheet.html"
    path.write_text(render(made), encoding="utf-8")
    return path


def opened(page: Page, sheet: Path) -> Page:
    """The sheet, all plots drawn; whatever it asks for beyond its own file fails the test."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(sheet.as_uri())
    page.locator(".js-plotly-plot .cartesianlayer").nth(len(PLOTS) - 1).wait_for(state="attached")
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    return page


def test_every_section_is_there_and_every_plot_drawn(page: Page, sheet: Path) -> None:
    opened(page, sheet)
    links = page.locator("nav a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert len(links) == 13
    for link in links:
        assert page.locator(f"section{link}").is_visible()
    for name in PLOTS:
        box = page.locator(f'[data-plot="{name}"] .main-svg').first.bounding_box()
        assert box is not None
        assert box["width"] > 300
        assert box["height"] > 200
    assert page.locator('[data-plot="rolling"] .scatterlayer .trace').count() == 12
    assert page.locator(".heat tbody tr").count() == 3


def test_the_scale_switches_to_logarithms(page: Page, sheet: Path) -> None:
    opened(page, sheet)
    page.get_by_role("button", name="log").click()
    assert page.evaluate("document.querySelector('[data-plot=equity]').layout.yaxis.type") == "log"


@pytest.mark.parametrize("width", [1280, 800, 400])
def test_the_sheet_fits_its_window(page: Page, sheet: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, sheet)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_sheet_fits_its_paper(page: Page, sheet: Path) -> None:
    page.set_viewport_size({"width": 703, "height": 1000})  # A4 less its margins
    opened(page, sheet)
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.scrollWidth") <= 703
    tall = page.locator(".plot").evaluate_all("all => all.map(x => x.offsetHeight)")
    assert max(tall) < 980


def test_the_sheet_prints(sheet: Path, chromium: str, tmp_path: Path) -> None:
    printed = write_pdf(sheet, tmp_path / "sheet.pdf")
    assert printed, printed.message
    content = (tmp_path / "sheet.pdf").read_bytes()
    pages = len(re.findall(rb"/Type\s*/Page\b", content))
    assert 5 <= pages <= 12
    # Lines of the plots are thousands of path operators: words alone are a tenth of this.
    assert len(content) > 150_000
