"""How long reports are: a page for leaders and ten of body, four for a unit, one for a letter.

A wave with records has a page more for them, and a unit half a page.

PDF by its own layout, Word by LibreOffice, the page as Chromium prints it, in both languages, for
the waves of the demonstration, a real survey of another kind, and a province of 187 units.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from browser import CHROMIUM

import sipas_analysis as sipas
from sipas_analysis.collect.simulate import build_demo, write_demo

DATA = Path(__file__).parents[2] / "data"
SFO = Path(__file__).parent / "sfo-2017" / "wave.yaml"
SFO_ANSWERS = Path(__file__).parents[3] / "shared" / "real" / "sfo-2017" / "responses.csv"
LANGUAGES, FORMATS = ("vi", "en"), ("pdf", "docx")
MOST_BODY, MOST_UNIT = 10, 4  # pages beside the leaders' page; pages of a unit in all
HAS_OFFICE = bool(shutil.which("soffice"))  # without it nobody lays Word files out
WITH_RECORDS = "an-giang-2021"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("pdfinfo"), reason="poppler counts the pages"),
]


@pytest.fixture(scope="module", params=["an-giang-2021", "an-giang-2023", "sfo-2017", "187 units"])
def made(request, tmp_path_factory):
    """The reports of a wave, the whole and its first two units, all laid out as PDF."""
    folder = tmp_path_factory.mktemp("pages")
    if request.param == "187 units":
        wave = write_demo(build_demo("demo", 187), folder / "wave")
    elif request.param == "sfo-2017":
        if not SFO_ANSWERS.is_file():
            pytest.skip(f"the answers are not at {SFO_ANSWERS}")
        wave = SFO
    else:
        wave = DATA / request.param / "wave.yaml"
    survey = sipas.read_survey(sipas.read_wave(wave))
    units = [*dict.fromkeys(survey.frame["unit"])][:2]
    for unit in ("", *units):
        formats = ["html", *FORMATS[: 1 + HAS_OFFICE]]
        sipas.report(survey, LANGUAGES, unit).write([], str(folder), formats)
    if HAS_OFFICE:
        lay_out_word_files(folder)
    return folder, int(request.param == WITH_RECORDS)


def lay_out_word_files(folder):
    """Lay out all Word files of a folder, each beside itself; LibreOffice starts once for all."""
    places = dict(enumerate(sorted(folder.rglob("*.docx"))))
    flat = folder / "word"
    flat.mkdir()
    for number, path in places.items():
        shutil.copy(path, flat / f"{number}.docx")
    home = f"-env:UserInstallation=file://{flat}/home"
    convert = ["soffice", home, "--headless", "--convert-to", "pdf", "--outdir", flat]
    command = [*convert, *sorted(flat.glob("*.docx"))]
    subprocess.run(command, check=True, capture_output=True)
    for number, path in places.items():
        (flat / f"{number}.pdf").rename(path.with_suffix(".docx.pdf"))


def lay_out(path, folder):
    """Return a file as PDF: itself, a page as printed, a Word file as LibreOffice laid it out."""
    if path.suffix == ".pdf":
        return path
    if path.suffix == ".html":
        return print_page(path, folder / "printed.pdf")
    if not HAS_OFFICE:
        pytest.skip("LibreOffice lays Word files out")
    return path.with_suffix(".docx.pdf")


def print_page(path, printed):
    """Print a page of the web by Chromium, as a leader would who was sent its address."""
    if not CHROMIUM:
        pytest.skip("no chromium on this machine")
    switches = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    command = [CHROMIUM, *switches, f"--print-to-pdf={printed}", path.as_uri()]
    subprocess.run(command, check=True, capture_output=True)
    return printed


def read_pages(path, folder):
    """Return the text of each page."""
    pdf = lay_out(path, folder)
    done = subprocess.run(
        ["pdftotext", "-layout", pdf, "-"], check=True, capture_output=True, text=True
    )
    return done.stdout.split("\f")[:-1]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("file_format", FORMATS)
def test_a_province_has_a_page_for_leaders_and_ten_of_body(made, tmp_path, language, file_format):
    """What a leader needs stands on page 1, the chapters behind it have ten."""
    folder, n_more = made
    pages = read_pages(folder / "province" / f"report.{language}.{file_format}", tmp_path)
    assert 2 < len(pages) <= 1 + MOST_BODY + n_more
    assert_leaders_have_a_page(pages)
    last = "VIII" if n_more else "VII"
    assert re.search(rf"(?m)^ *{last}\. \w", pages[-1] + pages[-2])


def assert_leaders_have_a_page(pages):
    """The first chapter begins on page 2 and not before."""
    chapter = r"(?m)^ *I\. \w[^.]+$"  # a line of contents has dots and a page number
    assert [bool(re.search(chapter, page)) for page in pages[:2]] == [False, True]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_printed_page_has_the_leaders_part_on_one_sheet(made, tmp_path, language):
    """A table that may not be broken left half a sheet empty, and began on the next one."""
    assert_leaders_have_a_page(
        read_pages(made[0] / "province" / f"report.{language}.html", tmp_path)
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("file_format", FORMATS)
def test_a_unit_has_four_pages_and_a_letter_of_one(made, tmp_path, language, file_format):
    """No chapter of the province is repeated in it."""
    wave, n_more = made
    for folder in sorted((wave / "units").iterdir()):
        pages = read_pages(folder / f"report.{language}.{file_format}", tmp_path)
        assert 0 < len(pages) <= MOST_UNIT + n_more, folder.name
        too_many = "VI" if n_more else "V"
        assert not re.search(rf"(?m)^ *{too_many}\. \w", "".join(pages))
        letter = read_pages(folder / f"letter.{language}.{file_format}", tmp_path)
        assert len(letter) == 1, folder.name
