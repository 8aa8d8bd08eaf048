"""Reports in a real browser: who cannot see them can use them, on a screen and on a telephone."""

import pytest
from browser import NEEDED, axe

import sipas_analysis as sipas

WAVES = ("an-giang-2021", "an-giang-2023")

pytestmark = NEEDED


@pytest.fixture(scope="module")
def folder(tmp_path_factory, demo_2021, demo_2023):
    """The province and its first unit, of two demo waves."""
    out = tmp_path_factory.mktemp("out")
    for wave, survey in zip(WAVES, (demo_2021, demo_2023), strict=True):
        for unit in ("", survey.frame["unit"].iloc[0]):
            report = sipas.report(survey, "vi,en", unit=unit)
            made = report.write([], str(out / wave))
            (out / wave / made[0]).parent.rename(out / f"{wave}-{'unit' if unit else 'province'}")
    return out


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("kind", ["province", "unit"])
@pytest.mark.parametrize("wave", WAVES)
def test_axe_finds_nothing(browser, folder, wave, kind, language):
    """Names, headings, tables, contrast, languages: the rules of axe-core."""
    browser.open(folder / f"{wave}-{kind}" / f"report.{language}.html")
    browser.run("document.querySelectorAll('details').forEach(it => it.open = true)")
    assert axe(browser) == []
    browser.open(folder / f"{wave}-{kind}" / f"report.{language}.html", width=400)
    assert axe(browser) == []
    assert browser.run("document.documentElement.scrollWidth") <= 400
