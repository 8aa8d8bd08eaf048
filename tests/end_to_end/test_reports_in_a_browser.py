"""Reports in a real browser: who cannot see them can use them, on a screen and on a telephone."""

from pathlib import Path

import pytest
from browser import CHROMIUM, Browser, axe

import sipas_analysis as sipas
from sipas_analysis.publish.chapters import CHAPTERS

ROOT = Path(__file__).parents[2]
WAVES = ("an-giang-2021", "an-giang-2023")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The province and its first unit, of two demo waves."""
    out = tmp_path_factory.mktemp("out")
    for wave in WAVES:
        survey = sipas.read_survey(sipas.read_wave(ROOT / "data" / wave / "wave.yaml"))
        for unit in ("", survey.frame["unit"].iloc[0]):
            report = sipas.report(survey, "vi,en", unit=unit)
            made = report.write([report.chapter(it) for it in CHAPTERS], str(out / wave))
            (out / wave / made[0]).parent.rename(out / f"{wave}-{'unit' if unit else 'province'}")
    return out


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    """A browser for all tests of this file."""
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("kind", ["province", "unit"])
@pytest.mark.parametrize("wave", WAVES)
def test_axe_finds_nothing(tab, folder, wave, kind, language):
    """Names, headings, tables, contrast, languages: the rules of axe-core."""
    tab.open(folder / f"{wave}-{kind}" / f"report.{language}.html")
    tab.run("document.querySelectorAll('details').forEach(it => it.open = true)")
    assert axe(tab) == []
    tab.open(folder / f"{wave}-{kind}" / f"report.{language}.html", width=400)
    assert axe(tab) == []
    assert tab.run("document.documentElement.scrollWidth") <= 400
