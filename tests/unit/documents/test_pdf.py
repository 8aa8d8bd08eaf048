"""One PDF for the archive: tagged, dated by its document, with every text shown as it stands."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
import zlib
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from conftest import FACTS, PACK

from sipas_analysis.documents.model import (
    Bullets,
    Column,
    Document,
    Joined,
    Number,
    Paragraph,
    Picture,
    Section,
    Signatory,
    Table,
    render_text,
)
from sipas_analysis.documents.writers import pdf
from sipas_analysis.documents.writers import typst_process as typeset
from sipas_analysis.documents.writers.pdf import write_pdf
from sipas_analysis.errors import OutputError
from sipas_analysis.instrument.strict_yaml import Bilingual

TOOLS = ("pdfinfo", "pdftotext", "pdffonts")
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason="poppler-utils reads the PDFs back"
)

ROOT = Path(__file__).parents[3]
HOSTILE = (
    r"""#panic("out") $x^2$ <b>*bold*</b> _low_ @ref \ `raw` [x] // /* -- ~ {{7}} #sys.inputs"""
)
LETTERS = "ẩ ẫ ậ ắ ỵ Ặ ơ ư Đ đ"
RARE = "† ₀ ⚠ Привет"
LONG = "W" * 300
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><path d="M0 0H40V20z"/></svg>'
HEAD = Signatory(
    Bilingual(vi="tỉnh An Giang", en="An Giang province"),
    Bilingual(vi="Sở Nội vụ", en="Department of Home Affairs"),
    date(2022, 4, 27),
)


def it(text):
    """Return a text of the model that is its own wording."""
    return Joined((text,))


def table(rows, columns=("Đơn vị", "Điểm"), notes=()):
    """Return a table whose first column heads the rows."""
    heads = tuple(Column(name, "number" if k else "row") for k, name in enumerate(columns))
    return Table("t", it("Bảng điểm"), heads, tuple(rows), tuple(map(it, notes)))


def document(*texts, blocks=(), n_sections=2, official=HEAD):
    """Return a small document that shows ``texts`` in every role a text can have."""
    said = it(" ".join(texts) or "Câu chữ")
    scores = table([(said, Number("94.59")), ("Sở B", Number(1234567))], notes=["Ghi chú."])
    styles = ("normal", "lead", "note", "warning", "heading")
    shown = [
        *(Paragraph(said, style) for style in styles),
        Bullets((said, said)),
        scores,
        Picture("f", it("Hình điểm"), it("Lời tả hình"), lambda _: SVG, scores),
    ]
    sections = tuple(Section(f"s{k}", said, tuple(blocks or shown)) for k in range(n_sections))
    banner, foot = it("DỮ LIỆU MÔ PHỎNG"), it("Chân trang")
    return Document("id", it("Báo cáo năm"), it("Phụ đề"), banner, sections, foot, official)


def run(tool, path, *options):
    """Return what a tool of poppler says about a file."""
    done = subprocess.run(
        [tool, *options, path, *(["-"] if tool == "pdftotext" else [])],
        capture_output=True,
        check=True,
    )
    return done.stdout.decode("utf-8", "replace")


def squeezed(text):
    """Return a text without blanks and breaks, which a layout may move."""
    return re.sub(r"[\s\u200b\f]+", "", text)


def text_of(path):
    """Return all words of a file, without blanks."""
    return squeezed(run("pdftotext", path))


def objects(path):
    """Return the file with every packed stream opened."""
    raw = path.read_bytes()
    opened = [raw]
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", raw, re.DOTALL):
        try:
            opened.append(zlib.decompress(packed))
        except zlib.error:
            continue
    return b"\n".join(opened)


def words(path):
    """Return the words of each page with their boxes: (x from, x to, y from, y to, word)."""
    tree = ET.fromstring(re.sub(r"[\x00-\x08]", "", run("pdftotext", path, "-bbox")))
    name = "{http://www.w3.org/1999/xhtml}"
    return [
        [
            (*(float(element.get(k)) for k in ("xMin", "xMax", "yMin", "yMax")), element.text or "")
            for element in page.iter(f"{name}word")
        ]
        for page in tree.iter(f"{name}page")
    ]


def misplaced(path):
    """Return the words that leave the margins of A4 or run into the next one."""
    found = []
    for page in words(path):
        found += [one[4] for one in page if one[0] < 84 or one[1] > 554 or one[3] > 842]
        lines = sorted(page, key=lambda one: (round(one[3]), one[0]))
        found += [
            f"{one[4]} | {after[4]}"
            for one, after in pairwise(lines)
            if round(one[3]) == round(after[3]) and after[0] < one[1] - 0.5
        ]
    return found


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A document with Vietnamese letters and nothing unusual, in Vietnamese."""
    return write_pdf(document(LETTERS), tmp_path_factory.mktemp("plain") / "a.pdf", "vi")


def test_a_text_can_never_become_markup(tmp_path):
    """Whatever a unit is called, it is shown letter by letter, in every role."""
    made = write_pdf(document(HOSTILE, n_sections=7), tmp_path / "a.pdf", "vi")
    assert text_of(made).count(squeezed(HOSTILE)) >= 7 * 9


def test_titles_and_letter_head_are_data_too(tmp_path):
    """The words that wave.yaml gives stand at the head as they were given."""
    head = replace(HEAD, province=Bilingual(vi=HOSTILE), publisher=Bilingual(vi=HOSTILE))
    given = document(official=head)
    given = replace(given, title=it(HOSTILE), subtitle=it(HOSTILE), recipients=(it(HOSTILE),))
    text = text_of(write_pdf(given, tmp_path / "a.pdf", "vi"))
    assert text.count(squeezed(HOSTILE)) == 4
    assert text.count(squeezed(HOSTILE).upper()) == 2


def test_vietnamese_letters_come_out_whole(plain):
    """Copied from the PDF, a name is the name: no letter falls apart."""
    assert squeezed(LETTERS) in text_of(plain)


def test_what_no_font_can_draw_is_marked_and_the_rest_stays(tmp_path):
    """An emoji or a Khmer name cannot stop a report; each letter missing is seen to miss."""
    made = write_pdf(
        document(RARE, "a😀b", "ខ្ម", "c\x00\ue000d\ufeff", "\ud800", "e\u202efg"),
        tmp_path / "a.pdf",
        "vi",
    )
    text = text_of(made)
    assert f"{squeezed(RARE)}a\ufffdb\ufffd\ufffdc\ufffd\ufffdd\ufffde\ufffdfg" in text


def test_letters_that_join_well_only_alone_do_not_stop_a_report(tmp_path, monkeypatch):
    """If Typst refuses what it drew by itself, unusual letters are replaced once more."""
    monkeypatch.setattr(pdf, "_can_draw", lambda _: True)
    text = text_of(write_pdf(document("Sở A 😀"), tmp_path / "a.pdf", "vi"))
    assert "SởA\ufffd" in text


def test_empty_texts_do_not_stop_a_report(tmp_path):
    """PDF/UA allows neither an empty heading nor an empty description."""
    figure = Picture("f", it(""), it(""), lambda _: SVG, table([]))
    blocks = (Paragraph(it(""), "heading"), Bullets(()), table([]), figure)
    given = replace(document(blocks=blocks), title=it(""))
    sections = tuple(replace(section, title=it("")) for section in given.sections)
    made = write_pdf(replace(given, sections=sections), tmp_path / "a.pdf", "en")
    assert re.search(r"Title: +id\n", run("pdfinfo", made))


def test_it_can_be_archived_and_read_aloud(plain):
    """The file declares PDF/A-2a and PDF/UA-1, its language and its title."""
    meta = run("pdfinfo", plain, "-meta")
    for mark in ("pdfaid:part>2", "pdfaid:conformance>A", "pdfuaid:part>1", "<rdf:li>vi<"):
        assert mark in meta
    facts = run("pdfinfo", plain)
    assert re.search(r"Title: +Báo cáo năm\n", facts)
    assert re.search(r"Author: +Sở Nội vụ\n", facts)
    assert re.search(r"Tagged: +yes\n", facts)
    assert "A4" in facts
    assert b"/Lang(vi)" in objects(plain).replace(b" ", b"")


def test_headings_tables_and_pictures_are_tagged(plain):
    """A screen reader finds headings, header cells, lists, and the description of a picture."""
    tags = re.findall(r"(?m)^ *([A-Z][A-Za-z0-9]*)\b", run("pdfinfo", plain, "-struct"))
    counts = {tag: tags.count(tag) for tag in ("H1", "H2", "Table", "TH", "L", "Figure")}
    assert counts == {"H1": 2, "H2": 2, "Table": 2, "TH": 4, "L": 2, "Figure": 2}
    opened = objects(plain)
    alt = "Lời tả hình".encode("utf-16-be")
    assert opened.count(alt) + opened.count(alt.hex().upper().encode()) >= 2
    assert b"/Outlines" in opened


def test_every_font_is_inside_and_of_the_measures_of_times(plain):
    """Nothing of the machine is used, and nothing must be installed to read the file."""
    fonts = run("pdffonts", plain).splitlines()[2:]
    assert fonts
    for line in fonts:
        assert "LiberationSerif" in line
        assert re.search(r"Identity-H +yes +yes +yes", line)


@pytest.mark.parametrize(
    ("language", "names"), [("vi", ("Bảng 2.", "Hình 2.")), ("en", ("Table 2.", "Figure 2."))]
)
def test_captions_are_numbered_in_the_language(tmp_path, language, names):
    """Tables and pictures count from one, each by themselves."""
    text = text_of(write_pdf(document(), tmp_path / "a.pdf", language))
    for name in names:
        assert squeezed(name) in text


def test_contents_stand_before_long_annexes_only(tmp_path):
    """Seven annexes need a list of them; six do not, nor does a report that is signed."""
    annexes = replace(document(n_sections=7), is_signed=False)
    long = write_pdf(annexes, tmp_path / "a.pdf", "vi")
    assert "Mụclục" in text_of(long)
    assert run("pdfinfo", long, "-struct").count("TOCI") == 7
    short = replace(annexes, sections=annexes.sections[1:])
    assert "Mụclục" not in text_of(write_pdf(short, tmp_path / "b.pdf", "vi"))
    assert "Mụclục" not in text_of(write_pdf(document(n_sections=7), tmp_path / "c.pdf", "vi"))


def test_the_page_number_stands_at_the_top_from_page_two(tmp_path):
    """In the middle between the margins, as the decree has it; none on the first page."""
    pages = words(write_pdf(document(n_sections=7), tmp_path / "a.pdf", "vi"))
    assert len(pages) > 2
    above = [[one for one in page if one[3] < 57 or one[2] > 785] for page in pages]
    assert above[0] == []
    for number, top in enumerate(above[1:], 2):
        left, right, _, bottom, word = top[0]
        assert (word, bottom < 57) == (str(number), True)
        assert abs((left + right) / 2 - (85 + 552.8) / 2) < 1
        assert " ".join(one[4] for one in top[1:]) == "DỮ LIỆU MÔ PHỎNG"


def lines_of(page, size):
    """Return where the lines of a page in a type size begin, from the top."""
    high = {round(one[2], 1) for one in page if abs(one[3] - one[2] - 0.91 * size) < 0.2}
    return sorted(high)


def test_no_letter_touches_the_line_above(tmp_path):
    """Ẩ is as high as a line of Times, which is 1.107 of its size; lines are further apart."""
    text = "ẨỆ gợi ý " * 60
    blocks = [Paragraph(it(text)), table([(text, "")])]
    page = words(write_pdf(document(blocks=blocks, n_sections=1), tmp_path / "a.pdf", "vi"))[0]
    found = {size: lines_of(page, size) for size in (13, 11, 10.5, 10, 9.5)}
    several = {size: heights for size, heights in found.items() if len(heights) > 3}
    assert len(several) == 2
    for size, heights in several.items():
        assert min(after - before for before, after in pairwise(heights)) > 1.14 * size


def test_the_first_page_may_stand_alone(tmp_path):
    """A chapter that starts a page leaves the leaders' page to itself."""
    given = document(blocks=[Paragraph(it("câu"))], n_sections=3)
    first, second, third = given.sections
    given = replace(given, sections=(first, replace(second, starts_page=True), third))
    assert len(words(write_pdf(given, tmp_path / "a.pdf", "vi"))) == 2


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("n", [1, 36, 38, 40, 42])
def test_the_signature_is_last_and_never_alone(tmp_path, n):
    """Recipients and signer stand together under the last words, on their page."""
    blocks = [*(Paragraph(it(f"câu {k}")) for k in range(n)), Paragraph(it("câu cuối"))]
    given = replace(
        document(blocks=blocks, n_sections=1), recipients=(it("Như trên"), it("Lưu: VT"))
    )
    pages = run("pdftotext", write_pdf(given, tmp_path / "a.pdf", "vi"), "-layout").split("\f")[:-1]
    last = pages[-1]
    assert last.index("câu cuối") < last.index("Nơi nhận:") < last.index("Họ và tên")
    assert re.search(r"- Như trên;\s*\n- Lưu: VT\.", last)
    assert "Chân trang" not in "".join(pages)


def test_annexes_are_not_signed(tmp_path, plain):
    """No head of state and no signature: they belong to the report that has both."""
    given = replace(document(), is_signed=False, kind=it("PHỤ LỤC"))
    text = text_of(write_pdf(given, tmp_path / "a.pdf", "vi"))
    assert text.startswith("PHỤLỤCBáocáonămPhụđề")
    assert "Chântrang" in text
    for line in ("CỘNGHÒA", "Nơinhận", "Họvàtên"):
        assert line in text_of(plain)
        assert line not in text


def letter(n_sentences, name="Sở Nội vụ"):
    """Return a letter with a table of five rows and so many sentences."""
    sentence = "Kết quả khảo sát cho thấy chỉ số của đơn vị đạt 81,31%, tăng so với năm 2020. "
    rows = table([(f"{name} {k}", Number("94.59")) for k in range(5)])
    blocks = (*(Paragraph(it(sentence * 2)) for _ in range(n_sentences)), rows)
    made = replace(
        document(blocks=blocks, n_sections=1), title="", subtitle="", about=it("V/v tin")
    )
    return replace(made, sections=(replace(made.sections[0], title=it(f"Kính gửi: {name}")),))


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(("n", "name"), [(1, "Sở Nội vụ"), (9, "Sở Nội vụ"), (4, "Sở dài " * 17)])
def test_a_letter_takes_one_page_where_it_can(tmp_path, n, name):
    """A long letter is set tighter; the signature stays with it, and what it is about on top."""
    made = write_pdf(letter(n, name), tmp_path / "a.pdf", "vi")
    pages = words(made)
    assert len(pages) == 1
    assert misplaced(made) == []
    text = text_of(made)
    assert text.index("Số:") < text.index("V/vtin") < text.index("Kínhgửi") < text.index("Nơinhận:")
    assert max(one[3] for one in pages[0]) <= 842 - 56  # the name below the room for a signature
    assert re.search(r"Title: +V/v tin\n", run("pdfinfo", made))


def test_a_letter_that_is_too_long_for_a_page_has_two(tmp_path):
    """Its type is not made smaller than can be read."""
    pages = run("pdftotext", write_pdf(letter(22), tmp_path / "a.pdf", "vi"), "-layout").split("\f")
    assert ["Nơi nhận:" in page for page in pages] == [False, True, False]


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            "vi",
            (
                "An Giang, ngày …… tháng …… năm ……",
                "Số: ……/BC-……",
                "UBND TỈNH AN GIANG",
                "Độc lập - Tự do - Hạnh phúc",
            ),
        ),
        ("en", ("An Giang, date ……………", "No. ……/BC-……", "PEOPLE'S COMMITTEE OF AN GIANG PROVINCE")),
    ],
)
def test_the_head_is_that_of_decree_30(tmp_path, language, lines):
    """Number and day are left to who signs: those of the decision are not the letter's."""
    text = text_of(write_pdf(document(official=HEAD), tmp_path / "a.pdf", language))
    for line in lines:
        assert squeezed(line) in text
    assert "851" not in text


def test_a_document_without_an_office_has_neither_head_nor_signature(tmp_path, plain):
    """A researcher's report claims no authority, and carries no date of today."""
    bare = write_pdf(document(official=None), tmp_path / "a.pdf", "vi")
    for line in ("CỘNGHÒAXÃHỘICHỦNGHĨAVIỆTNAM", "QUYỀNHẠN,CHỨCVỤ"):
        assert line in text_of(plain)
        assert line not in text_of(bare)
    assert "2000-01-01" in run("pdfinfo", bare, "-isodates")
    assert "2022-04-27" in run("pdfinfo", plain, "-isodates")


def test_a_long_table_repeats_its_header_and_keeps_all_rows(tmp_path):
    """No row is dropped, and each page says what its columns are."""
    rows = [(f"Đơn vị {k}", Number(f"{k}.50")) for k in range(150)]
    made = write_pdf(document(blocks=[table(rows)], n_sections=1), tmp_path / "a.pdf", "vi")
    pages = [squeezed(page) for page in run("pdftotext", made).split("\f")[:-1]]
    full = [page for page in pages if "Đơnvị1" in page or "Đơnvị9" in page]
    assert len(full) >= 3
    assert all("Điểm" in page.replace("Bảngđiểm", "") for page in full)
    assert all(f"Đơnvị{k}" in "".join(pages) for k in range(150))
    assert run("pdfinfo", made, "-struct").count("Table") == 1


def test_numbers_stand_right_under_each_other(tmp_path):
    """Tens under tens: the ends of all numbers of a column lie on one line."""
    rows = [("A", Number("7.5")), ("B", Number("1234.5")), ("C", Number("88888888.5"))]
    made = write_pdf(document(blocks=[table(rows)], n_sections=1), tmp_path / "a.pdf", "vi")
    ends = [one[1] for page in words(made) for one in page if one[4].endswith(",5")]
    assert len(ends) == 3
    assert max(ends) - min(ends) < 0.6


def test_text_goes_on_where_a_picture_does_not_fit(tmp_path):
    """The text after it fills the page; where little room is missing the picture is smaller."""
    tall = Picture("f", it("Hình điểm"), it("Lời tả"), lambda _: SVG, table([("A", Number("1.0"))]))
    lines = [Paragraph(it(f"Dòng{k}.")) for k in range(45)]
    pages = {}
    for n_above in (12, 16):
        chapter = Section("b", it("Hai"), (*lines[:n_above], tall, *lines[n_above:]))
        whole = document(blocks=lines[:1], n_sections=1)
        whole = replace(whole, sections=(*whole.sections, chapter))
        made = write_pdf(whole, tmp_path / f"{n_above}.pdf", "vi")
        pages[n_above] = [squeezed(page) for page in run("pdftotext", made).split("\f")[:-1]]
    assert "Hình1.Hìnhđiểm" in pages[12][0]
    assert "Hình1.Hìnhđiểm" in pages[16][1]
    assert "Dòng20." in pages[16][0]


def test_a_first_chapter_a_little_too_long_fits_its_page(tmp_path):
    """It is set closer; one that is far too long is not."""
    counts = {}
    for n_lines in (28, 90):
        lines = tuple(Paragraph(it(f"Dòng{k}.")) for k in range(n_lines))
        whole = document(blocks=lines, n_sections=1)
        after = Section("b", it("Hai"), lines[:1], starts_page=True)
        whole = replace(whole, sections=(*whole.sections, after))
        made = write_pdf(whole, tmp_path / f"{n_lines}.pdf", "vi")
        counts[n_lines] = len(run("pdftotext", made).split("\f")[:-1])
    assert counts == {28: 2, 90: 4}


def test_wide_tables_and_endless_words_stay_on_the_page(tmp_path):
    """Sixteen columns get smaller type, 300 letters without a blank get broken: nothing is cut."""
    wide = table(
        [("Sở Lao động - Thương binh và Xã hội", *["100,00"] * 15)] * 3,
        ["Đơn vị", *[f"Khoảng tin cậy {k} %" for k in range(15)]],
    )
    endless = table([(LONG, LONG), ("B", Number("1.5"))])
    made = write_pdf(
        document(blocks=[wide, endless, Paragraph(it(LONG))]), tmp_path / "a.pdf", "vi"
    )
    assert misplaced(made) == []
    assert text_of(made).count("W") == 2 * 300 * 3
    assert text_of(made).count("100,00") == 2 * 3 * 15


@pytest.mark.slow
def test_what_is_taller_than_a_page_breaks(tmp_path):
    """A cell or a warning with a whole chapter in it loses no word."""
    chapter = " ".join(f"từ{k}" for k in range(3000))
    blocks = [table([(chapter, 1)]), Paragraph(it(chapter), "warning")]
    made = write_pdf(document(blocks=blocks, n_sections=1), tmp_path / "a.pdf", "vi")
    assert text_of(made).count("từ") == 6000
    assert misplaced(made) == []


def test_a_tall_picture_is_made_to_fit_the_page(tmp_path):
    """A chart of many units shrinks; it does not run off the paper."""
    tall = SVG.replace(b"0 0 40 20", b"0 0 20 90")
    figure = Picture("f", it("Hình cao"), it("Lời tả"), lambda _: tall, table([]))
    made = write_pdf(document(blocks=[figure], n_sections=1), tmp_path / "a.pdf", "vi")
    boxes = re.findall(r"/BBox ?\[([\d. ]+)\]", objects(made).decode("latin-1"))
    heights = [float(b) - float(a) for _, a, _, b in map(str.split, boxes)]
    assert heights
    assert 500 < max(heights) < 680


@pytest.mark.slow
def test_same_bytes_on_any_day_in_any_place(tmp_path, plain):
    """Another zone, language, folder and clock change nothing: what is signed can be made again."""
    code = "from test_pdf import *; write_pdf(document(LETTERS), Path('b.pdf'), 'vi')"
    abroad = {"TZ": "Pacific/Auckland", "LANG": "C", "LC_ALL": "C", "SOURCE_DATE_EPOCH": "1"}
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)])
    env = os.environ | abroad | {"PYTHONPATH": path, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=True)
    assert (tmp_path / "b.pdf").read_bytes() == plain.read_bytes()


def test_a_process_forked_after_use_does_not_wait_for_ever(tmp_path, plain):
    """Typst's threads are lost in a fork; a child has its own process, or is one: same bytes."""
    write_pdf(document(LETTERS), tmp_path / "before.pdf", "vi")
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            write_pdf(document(LETTERS), tmp_path / "a.pdf", "vi")
            typeset.typeset_here()  # as a child of a run does
            typeset._start_process = None
            write_pdf(document(LETTERS), tmp_path / "c.pdf", "vi")
            with pytest.raises(typeset.TypstRefusal):
                typeset.typeset("#nothing", {})
            (tmp_path / "refused").touch()
        os._exit(0)
    for _ in range(3000):  # a deadlock must fail, not hang
        if os.waitpid(child, os.WNOHANG)[0]:
            break
        time.sleep(0.1)
    else:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert (tmp_path / "a.pdf").read_bytes() == plain.read_bytes()
    assert (tmp_path / "c.pdf").read_bytes() == plain.read_bytes()
    assert (tmp_path / "refused").exists()


@pytest.mark.slow
def test_typst_that_was_killed_is_started_once_more(tmp_path, plain):
    """A lost process costs no report."""
    typeset._start_process(os.getpid()).kill()
    typeset._start_process(os.getpid()).wait()
    made = write_pdf(document(LETTERS), tmp_path / "a.pdf", "vi")
    assert made.read_bytes() == plain.read_bytes()
    pdf._can_draw.cache_clear()
    assert not pdf._can_draw("😀")


@pytest.mark.slow
def test_an_interrupt_leaves_no_answer_for_the_next(tmp_path, plain):
    """Ctrl-C between question and answer: the next document is not the last one's."""

    def stop(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with contextlib.suppress(KeyboardInterrupt):
            for _ in range(20):
                write_pdf(document(LETTERS * 50), tmp_path / "b.pdf", "vi")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    made = write_pdf(document(LETTERS), tmp_path / "a.pdf", "vi")
    assert made.read_bytes() == plain.read_bytes()


def test_a_failure_names_the_file_and_leaves_the_old_one(tmp_path, monkeypatch):
    """Whole or not at all: yesterday's report is not lost to a fault of today."""
    broken = tmp_path / "broken.typ"
    broken.write_text("#panic()", "utf-8")
    path = tmp_path / "out" / "a.pdf"
    path.parent.mkdir()
    path.write_bytes(b"yesterday")
    monkeypatch.setattr(pdf, "TEMPLATE", broken)
    with pytest.raises(OutputError, match=r"a\.pdf cannot be made: panicked") as caught:
        write_pdf(document(), path, "vi")
    assert caught.value.message_id == "unset"
    assert [(one.name, one.read_bytes()) for one in path.parent.iterdir()] == [
        ("a.pdf", b"yesterday")
    ]


def numbers(given, language):
    """Return every cell of every table that is a number, as the reader sees it."""
    return {
        squeezed(render_text(cell, language))
        for section in given.sections
        for block in section.blocks
        if isinstance(block, Table)
        for row in block.rows
        for column, cell in zip(block.columns, row, strict=True)
        if column.kind == "number"
    }


def checked(given, path, language):
    """Write a document; assert what holds for every report; return its text."""
    made = write_pdf(given, path, language)
    text = text_of(made)
    assert [one for one in numbers(given, language) if one not in text] == []
    assert misplaced(made) == []
    tags = run("pdfinfo", made, "-struct")
    for kind, tag in ((Table, "Table"), (Picture, "Figure")):
        n = sum(isinstance(block, kind) for section in given.sections for block in section.blocks)
        assert len(re.findall(rf"(?m)^ *{tag}\b", tags)) == n
    assert "\ufffd" not in text
    return text


def read(path):
    """Return the survey of a wave; statistics are loaded for the tests that need them only."""
    from sipas_analysis.collect.survey import read_survey
    from sipas_analysis.collect.wave import read_wave

    return read_survey(read_wave(path))


def whole(survey, unit="", names=()):
    """Return the document of a report, with every chapter if none is named."""
    from sipas_analysis.reports.report import report

    made = report(survey, "vi,en", unit)
    return made._build_document(
        tuple(made.chapter(name).section for name in names or (*made.chapters, *made.annexes))
    )


@pytest.mark.slow
def test_a_wave_with_hostile_names_makes_a_report(tmp_path):
    """From the files of an office to paper: the name of a unit is only a name."""
    name = HOSTILE.replace('"', "'")
    (tmp_path / "pack.yaml").write_text(PACK, "utf-8")
    units = f'code,name_vi,name_en,group\nso-a,"{name}",,departments\nso-b,Sở B,,departments\n'
    (tmp_path / "units.csv").write_text(units, "utf-8")
    forms = [f"so-{'ab'[k % 2]},{1 + k % 5},{5 - k % 4},4,{3 + k % 3},male,HN\n" for k in range(60)]
    head = "unit,A1,A2,D1,OVERALL,sex,vulnerable\n"
    (tmp_path / "answers.csv").write_text(head + "".join(forms), "utf-8")
    facts = FACTS | {"province": {"vi": name}, "languages": ["vi", "en"], "min_forms": 20}
    (tmp_path / "wave.yaml").write_text(yaml.safe_dump(facts, allow_unicode=True), "utf-8")
    survey = read(tmp_path / "wave.yaml")
    names = ("leaders", "results", "ranking")
    text = checked(whole(survey, "so-a", names), tmp_path / "a.pdf", "vi")
    assert squeezed(name) in text


@pytest.mark.slow
@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("unit", ["", "so-ldtbxh"])
def test_the_demo_reports_are_whole(demo_2021, unit, language, tmp_path):
    """Every figure of every table is on paper, inside the margins, and nothing overlaps."""
    given = whole(demo_2021, unit)
    made = tmp_path / "a.pdf"
    text = checked(given, made, language)
    title = squeezed(render_text(given.title, language))
    assert title.replace("-", "") in text.replace("-", "")  # a hyphen that ends a line is not read
    for section in given.sections:
        assert squeezed(render_text(section.title, language)) in text
    assert write_pdf(given, tmp_path / "b.pdf", language).read_bytes() == made.read_bytes()
