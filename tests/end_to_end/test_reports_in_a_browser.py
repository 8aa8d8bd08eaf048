"""Pages in a real browser: who cannot see them can use them, on a screen and on a telephone."""

import pytest
from browser import NEEDED, axe
from conftest import DATA

import sipas_analysis as sipas
from sipas_analysis.documents.writers.html import write_html
from sipas_analysis.proof.findings import Finding, Verification
from sipas_analysis.proof.receipt import receipt_facts
from sipas_analysis.proof.receipt_page import make_receipt_page
from sipas_analysis.proof.verification_page import make_verification_page
from sipas_analysis.reports.comparison_page import write_comparison

PAGES = [
    *(f"2021/{page}.{language}" for page in ("report", "annexes") for language in ("vi", "en")),
    *(f"2021/unit.{language}" for language in ("vi", "en")),
    *(f"2023/{page}.vi" for page in ("report", "annexes", "unit")),
    "compare.vi",
    "receipt.vi",
    "verdict.vi",
]

pytestmark = NEEDED


@pytest.fixture(scope="module")
def folder(tmp_path_factory, demo_2021, demo_2023):
    """Reports and annexes of two demo waves, a comparison, a receipt, and a check with faults."""
    out = tmp_path_factory.mktemp("out")
    for year, survey in (("2021", demo_2021), ("2023", demo_2023)):
        for unit in ("", survey.frame["unit"].iloc[0]):
            for name in sipas.report(survey, "vi,en", unit=unit).write([], str(out / year)):
                path = out / year / name
                if path.suffix == ".html":
                    stem = path.name.replace("report", "unit" if unit else "report")
                    path.rename(out / year / stem)
    earlier = sipas.read_survey(sipas.read_wave(DATA / "an-giang-2020"))
    write_comparison([earlier, demo_2021], out, "vi", None)
    receipt = make_receipt_page(receipt_facts(demo_2021), demo_2021)
    write_html(receipt, out / "receipt.vi.html", "vi")
    findings = (Finding("figure", "tables/scores.csv", "overall@so-nv", "93.89", "93.90"),)
    verification = Verification("0" * 64, findings, True, 1, 1, 1)
    write_html(make_verification_page(verification), out / "verdict.vi.html", "vi")
    return out


@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing(browser, folder, page):
    """Names, headings, tables, contrast, languages, sizes of targets: the rules of axe-core."""
    for width in (1280, 390):
        browser.open(folder / f"{page}.html", width=width)
        browser.run("document.querySelectorAll('details').forEach(it => it.open = true)")
        assert axe(browser) == []
        assert browser.run("document.documentElement.scrollWidth") <= width
