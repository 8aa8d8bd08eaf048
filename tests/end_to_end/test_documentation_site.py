"""The documentation site: built strictly without a network, read in a browser wide and narrow."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from browser import CHROMIUM, NEEDED

pytestmark = NEEDED
ROOT = Path(__file__).parents[2]
ASKED = """() => performance.getEntriesByType('resource').map(entry => entry.name)
    .filter(name => !name.startsWith('file:') && !name.startsWith('data:'))"""
NAMELESS = """() => [...document.querySelectorAll('svg.formula')]
    .filter(formula => !formula.getAttribute('aria-label')).length"""
LINES = """() => [...document.querySelectorAll('article table.docutils')].filter(table =>
    table.scrollWidth > table.clientWidth && getComputedStyle(table).overflowX !== 'auto').length"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site that CI has just built; without it, build as `make docs` does: no warning."""
    if built := os.environ.get("SIPAS_SITE"):
        return Path(built)
    folder = tmp_path_factory.mktemp("site")
    words = ["-q", "-W", "--keep-going", "-d", str(folder / "trees"), "docs", str(folder / "site")]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "site"


def test_no_page_is_wider_than_its_window_or_asks_a_network(site):
    """Every page on 390 and 1280 pixels, light and dark; tables scroll within themselves."""
    from playwright.sync_api import sync_playwright

    pages = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    assert len(pages) > 40
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for width, scheme in ((390, "light"), (1280, "dark")):
            tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            faults: list[str] = []
            tab.on("pageerror", lambda error, said=faults: said.append(str(error)))
            for page in pages:
                tab.goto(page.as_uri())
                assert tab.evaluate("document.documentElement.scrollWidth") <= width, page
                assert tab.evaluate(LINES) == 0, page
                assert tab.evaluate(ASKED) == [], page
                assert tab.evaluate(NAMELESS) == 0, page
            assert faults == []
            tab.close()
        browser.close()


def test_formulas_have_the_colour_of_the_text(site):
    """So they read on a dark page; each dollar of the source is drawn."""
    page = (site / "formulas.html").read_text("utf-8")
    source = (ROOT / "docs" / "formulas.md").read_text("utf-8")
    drawn = re.findall(r'<svg class="formula".*?<path fill="currentColor" d="M[^"]+"/></svg>', page)
    assert len(drawn) == len(re.findall(r"\$\$?[^$]+\$\$?", source)) > 40
