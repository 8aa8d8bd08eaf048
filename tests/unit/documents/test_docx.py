"""The Word file: an administrative letter in Word's own means, faithful to the model, stable."""

import io
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import docx
import numpy as np
import pytest
from conftest import PACK
from docx.oxml.ns import qn
from docx.shared import Mm
from matplotlib.image import imread

import sipas_analysis as sipas
from sipas_analysis.documents.model import (
    Bullets,
    Column,
    Document,
    Paragraph,
    Picture,
    Section,
    Signatory,
    Table,
    make_text,
    render_text,
)
from sipas_analysis.documents.writers.docx import write_docx
from sipas_analysis.documents.writers.docx_letter import choose_looks
from sipas_analysis.documents.writers.docx_parts import FONT, LOOKS, Word, pack_parts
from sipas_analysis.documents.writers.typst_process import convert_to_png
from sipas_analysis.errors import OutputError
from sipas_analysis.instrument.strict_yaml import Bilingual

DEMO = Path(__file__).parents[3] / "data/an-giang-2021/wave.yaml"
LANGUAGES = ("vi", "en")
HOSTILE = "<b>&amp;</b> =1+1 \x00\x0b\ud800\ufffe \t ភាសាខ្មែរ 🙂 " + "x" * 300
CLEAN = "<b>&amp;</b> =1+1 ភាសាខ្មែរ 🙂 " + "x" * 300
WORDS = make_text("report.method.note", note=HOSTILE)
DAY = date(2022, 2, 7)
TITLE = (
    "Kết quả đo lường sự hài lòng của người dân, tổ chức đối với sự phục vụ của "
    "cơ quan hành chính nhà nước năm\xa02021"
)
LETTER = Signatory(
    Bilingual(vi="tỉnh An Giang", en="An Giang province"),
    Bilingual(vi="Sở Nội vụ", en="Home Affairs"),
    DAY,
)


def document_of(survey, unit="", **facts):
    """Build a whole report as the notebooks do."""
    whole = sipas.report(survey, "vi,en", unit)
    sections = tuple(whole.chapter(name).section for name in (*whole.chapters, *whole.annexes))
    return replace(whole._build_document(sections), recipients=(), **facts)


def short(*blocks, **facts):
    """Build a document of one chapter."""
    words = make_text("report.skip")
    usual = {
        "id": "d",
        "title": "T",
        "subtitle": "S",
        "banner": None,
        "footer": words,
        "sections": (Section("one", words, blocks),),
    }
    return Document(**usual | facts)


def opened(document, folder, language="vi"):
    """Write a document and open it again."""
    return docx.Document(str(write_docx(document, folder / f"{language}.docx", language)))


@pytest.fixture(scope="module")
def demo(demo_2021):
    """The demonstration province as a document."""
    return document_of(demo_2021)


@pytest.fixture(scope="module")
def paths(demo, tmp_path_factory):
    """Its Word file in each language."""
    folder = tmp_path_factory.mktemp("docx")
    return {lang: write_docx(demo, folder / f"{lang}.docx", lang) for lang in LANGUAGES}


@pytest.fixture(scope="module")
def words(paths):
    """These files, opened."""
    return {language: docx.Document(str(path)) for language, path in paths.items()}


def blocks_of(document, kind):
    return [
        block
        for section in document.sections
        for block in section.blocks
        if isinstance(block, kind)
    ]


def letters(element):
    """Return the text inside an element."""
    return "".join(it.text or "" for it in element.iter(qn("w:t")))


def text_of(file):
    """Return everything a reader sees in the body, and in its tables."""
    return "\n".join(letters(element) for element in file.element.body.iter(qn("w:p")))


def data_tables(file):
    """Return the tables of figures: those that have a caption of their own."""
    return [it for it in file.tables if it._tbl.tblPr.find(qn("w:tblCaption")) is not None]


def lines_in(file, *styles):
    return [paragraph.text for paragraph in file.paragraphs if paragraph.style.name in styles]


def said(value, language):
    """Return a value as the file must show it: a percent sign stays with its number."""
    return render_text(value, language).replace(" %", "\u00a0%")


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_chapters_are_headings_of_word(words, demo, language):
    """Contents and navigation are made from Heading 1 and 2, in reading order."""
    wanted = []
    for section in demo.sections:
        inside = [block for block in section.blocks if isinstance(block, Paragraph)]
        heads = [it.text for it in inside if it.style == "heading"]
        wanted += [("Heading 1", section.title), *(("Heading 2", head) for head in heads)]
    got = [
        (paragraph.style.name, paragraph.text)
        for paragraph in words[language].paragraphs
        if paragraph.style.name.startswith("Heading")
    ]
    assert got == [(style, said(text, language)) for style, text in wanted]


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_chapter_is_empty(words, demo, language):
    """Between two chapters stands something to read."""
    body = list(words[language].element.body)
    names = [it.pPr.pStyle.val if it.tag == qn("w:p") and it.pPr is not None else "" for it in body]
    at = [k for k, name in enumerate(names) if name == "Heading1"]
    assert len(at) == len(demo.sections)
    for first, following in zip(at, [*at[1:], len(body)], strict=True):
        assert following > first + 1
        assert letters(body[first + 1]) or list(body[first + 1].iter(qn("w:drawing")))


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cell_says_what_the_model_says(words, demo, language):
    """Heads, cells and notes, in order; numbers to the right and text to the left."""
    tables, found = blocks_of(demo, Table), data_tables(words[language])
    assert len(found) == len(tables)
    for table, made in zip(tables, found, strict=True):
        cells = [[letters(element) for element in row.iter(qn("w:tc"))] for row in made._tbl.tr_lst]
        model = [[column.label for column in table.columns], *table.rows]
        assert cells == [[said(it, language) for it in row] for row in model]
        sides = [element.get(qn("w:val")) for element in made._tbl.tr_lst[1].iter(qn("w:jc"))]
        kinds = [column.kind for column in table.columns]
        assert sides == ["right" if kind == "number" else "left" for kind in kinds]
    notes = [said(note, language) for table in tables for note in table.notes]
    assert {*notes} <= {*lines_in(words[language], "SIPAS Note")}


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_heads_repeat_rows_hold_together_and_nothing_leaves_the_margins(words, language):
    """A table of many pages is legible on each; widths add up to the room between margins."""
    page = words[language].sections[0]
    room = (page.page_width - page.left_margin - page.right_margin) / 635  # twips
    for table in data_tables(words[language]):
        rows = table._tbl.tr_lst
        assert [bool(list(row.iter(qn("w:tblHeader")))) for row in rows] == [
            at == 0 for at in range(len(rows))
        ]
        assert all(list(row.iter(qn("w:cantSplit"))) for row in rows)
        widths = [int(it.get(qn("w:w"))) for it in table._tbl.tblGrid]
        assert sum(widths) <= room + len(widths)
        assert min(widths) > 500


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "kinds"), [("vi", ("Bảng", "Hình")), ("en", ("Table", "Figure"))]
)
def test_captions_count_themselves(words, demo, language, kinds):
    """``Bảng 1. …`` above a table, ``Hình 1. …`` below a picture, numbered by SEQ fields."""
    styles = ("Caption", "SIPAS Figure Caption")
    for kind, model, style in zip(kinds, (Table, Picture), styles, strict=True):
        lines = [
            paragraph for paragraph in words[language].paragraphs if paragraph.style.name == style
        ]
        captions = [said(block.caption, language) for block in blocks_of(demo, model)]
        codes = [element.text for line in lines for element in line._p.iter(qn("w:instrText"))]
        assert codes == [f" SEQ {kind} \\* ARABIC "] * len(captions)
        shown = [letters(line._p) for line in lines]
        assert shown == [f"{kind}\u00a0{k}. {it}" for k, it in enumerate(captions, 1)]
        for line in lines:
            beside = line._p.getnext() if model is Table else line._p.getprevious()
            tag = qn("w:tbl") if model is Table else qn("w:drawing")
            assert beside.tag == tag or list(beside.iter(tag))


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_can_be_heard_and_fits(words, demo, language):
    """Alt text and title of the model; no wider and no higher than the page allows."""
    figures, shapes = blocks_of(demo, Picture), words[language].inline_shapes
    assert len(shapes) == len(figures) > 5
    for figure, shape in zip(figures, shapes, strict=True):
        facts = shape._inline.docPr
        assert facts.get("descr") == said(figure.alt, language) != ""
        assert facts.get("title") == said(figure.caption, language)
        assert shape.width <= Mm(165.1)
        assert {shape._inline.get(f"dist{side}") for side in "TBLR"} == {"0"}
        assert shape.height <= Mm(220)
    sent = [
        part.blob
        for part in words[language].part.package.iter_parts()
        if part.partname.endswith(".png")
    ]
    assert sorted(sent) == sorted(convert_to_png(figure.draw(language)) for figure in figures)


@pytest.mark.slow
def test_a_picture_many_pages_high_is_cut_between_its_lines(tmp_path):
    """All pixels stay, in order; no piece is higher than a page; each says which part it is."""
    lines = "".join(f'<rect y="{y / 200}" width="7.2" height="0.2"/>' for y in range(0, 9000, 60))
    size = 'width="7.2in" height="45in" viewBox="0 0 7.2 45"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{lines}</svg>'.encode()
    pixels = imread(io.BytesIO(convert_to_png(svg)))[:, :, :3]
    assert pixels.shape == (9000, 1440, 3)
    made = Picture("f", WORDS, WORDS, lambda *_: svg, Table("t", WORDS, (), ()))
    file = opened(short(made), tmp_path)
    parts = [
        file.part.related_parts[inline_shape._inline.graphic.graphicData.pic.blipFill.blip.embed]
        for inline_shape in file.inline_shapes
    ]
    found = [imread(io.BytesIO(part.blob))[:, :, :3] for part in parts]
    assert len(found) == 5
    assert np.allclose(np.concatenate(found), pixels, atol=0.01)
    assert all((it[-1] > 0.9).all() for it in found)
    assert all(inline_shape.height <= Mm(220) for inline_shape in file.inline_shapes)
    assert "(phần 2/5)" in file.inline_shapes[1]._inline.docPr.get("descr")


@pytest.mark.slow
def test_the_page_is_the_one_of_the_decree(words):
    """A4, 20–25 mm above and below, 30–35 mm left, 15–20 mm right; PAGE from page two."""
    page = words["vi"].sections[0]
    mm = {
        name: round(getattr(page, name) / 36000)
        for name in (
            "page_width",
            "page_height",
            "top_margin",
            "bottom_margin",
            "left_margin",
            "right_margin",
        )
    }
    assert (mm["page_width"], mm["page_height"]) == (210, 297)
    assert 20 <= mm["top_margin"] <= 25
    assert 20 <= mm["bottom_margin"] <= 25
    assert 30 <= mm["left_margin"] <= 35
    assert 15 <= mm["right_margin"] <= 20
    assert page.different_first_page_header_footer
    assert [element.text for element in page.header._element.iter(qn("w:instrText"))] == [" PAGE "]
    assert list(page.first_page_header._element.iter(qn("w:instrText"))) == []
    assert LOOKS["Header"].align == "center"


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_style_speaks_the_language_in_times_new_roman(words, language):
    """Also in headings and in East Asian and complex scripts; body 13 pt, 10 mm indent."""
    styles = words[language].styles
    for fonts in styles.element.iter(qn("w:rFonts")):
        assert {fonts.get(qn(f"w:{it}")) for it in ("ascii", "hAnsi", "eastAsia", "cs")} == {FONT}
        assert len(fonts.attrib) == 4
    locale = {"vi": "vi-VN", "en": "en-US"}[language]
    assert {element.get(qn("w:val")) for element in styles.element.iter(qn("w:lang"))} == {locale}
    body = styles["Body Text"]
    assert body.font.size.pt == 13
    assert round(body.paragraph_format.first_line_indent / 36000) == 10
    assert 1 <= body.paragraph_format.line_spacing <= 1.5
    colours = {
        it.get(qn("w:val")) for name in LOOKS for it in styles[name].element.iter(qn("w:color"))
    }
    assert colours == {"000000"}
    assert styles["Heading 1"].paragraph_format.keep_with_next


@pytest.mark.slow
def test_paragraphs_and_lists_have_their_styles(words, demo):
    """Lead bold, warning boxed, note small, bullets a real list."""
    styles = words["vi"].styles
    assert styles["SIPAS Lead"].font.bold
    assert list(styles["SIPAS Warning"].element.iter(qn("w:pBdr")))
    assert styles["SIPAS Note"].font.size.pt < 12
    assert list(styles["List Bullet"].element.iter(qn("w:numPr")))
    items = [said(it, "vi") for block in blocks_of(demo, Bullets) for it in block.items]
    assert lines_in(words["vi"], "List Bullet") == items
    for style, name in (
        ("lead", "SIPAS Lead"),
        ("warning", "SIPAS Warning"),
        ("normal", "Body Text"),
    ):
        wanted = [block.text for block in blocks_of(demo, Paragraph) if block.style == style]
        assert lines_in(words["vi"], name) == [said(it, "vi") for it in wanted]


@pytest.mark.slow
def test_the_letter_has_head_and_foot(words):
    """Office and nation side by side, number, place and day, what it is, who signs."""
    head, foot = words["vi"].tables[0], words["vi"].tables[-1]
    lines = [
        [paragraph.text for paragraph in cell.paragraphs if paragraph.text]
        for row in head.rows
        for cell in row.cells
    ]
    assert lines == [
        ["UBND TỈNH AN GIANG", "SỞ NỘI VỤ TỈNH AN GIANG"],
        ["CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc"],
        ["Số: ……/BC-……"],
        ["An Giang, ngày …… tháng …… năm ……"],
    ]
    assert lines_in(words["vi"], "Title") == ["BÁO CÁO", TITLE]
    assert foot.cell(0, 0).text == "Nơi nhận:\n- ……;\n- Lưu: VT."
    signer = foot.cell(0, 1).text.split("\n")
    assert signer == ["QUYỀN HẠN, CHỨC VỤ", *[""] * 4, "Họ và tên"]  # nothing to delete by hand
    position, *_, name = foot.cell(0, 1).paragraphs
    assert position.runs[0].bold
    assert name.runs[0].bold
    assert [it.tag for it in words["vi"].element.body][-2:] == [qn("w:tbl"), qn("w:sectPr")]
    english = words["en"].tables
    assert "SOCIALIST REPUBLIC OF VIET NAM\nIndependence" in english[0].cell(0, 1).text
    assert english[0].cell(1, 1).text == "An Giang, date ……………"
    assert "Full name" in english[-1].cell(0, 1).text
    assert list(head._tbl.iter(qn("w:tblBorders"))) == []


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("province", "place"),
    [
        ("thành phố Đà Nẵng", "Đà Nẵng"),
        ("Thành phố Hồ Chí Minh", "Thành phố Hồ Chí Minh"),
        ("tỉnh Cà Mau", "Cà Mau"),
        ("Ho Chi Minh City", "Ho Chi Minh City"),
        ("Da Nang city", "Da Nang"),
        ("", "……"),
    ],
)
def test_a_place_is_named_as_the_decree_does(tmp_path, province, place):
    """Without its level, except where it bears a person's name."""
    letter = replace(LETTER, province=Bilingual(vi=province))
    file = opened(short(Paragraph(WORDS), official=letter), tmp_path)
    assert file.tables[0].cell(1, 1).text.startswith(f"{place}, ngày")


def test_a_chapter_that_starts_a_page_does_so(tmp_path):
    """The leaders' page of a province stands alone."""
    made = short(Paragraph(WORDS))
    made = replace(made, sections=(*made.sections, replace(made.sections[0], starts_page=True)))
    heads = [it for it in opened(made, tmp_path).paragraphs if it.style.name == "Heading 1"]
    assert [it.paragraph_format.page_break_before for it in heads] == [None, True]


@pytest.mark.parametrize("last", [Paragraph(WORDS), Table("t", WORDS, (Column("n"),), ((1,),))])
def test_the_signature_is_never_alone(tmp_path, last):
    """Word keeps the last lines on the page of the signature, which is not cut."""
    file = opened(short(last, official=LETTER), tmp_path)
    *_, end, signature, _ = file.element.body
    assert signature.find(f".//{qn('w:cantSplit')}") is not None
    assert all(
        it.pPr.keepNext_val for it in (end.iter(qn("w:p")) if end.tag == qn("w:tbl") else [end])
    )


def test_annexes_are_smaller_and_not_signed(tmp_path):
    """Type of 12 points, no head of state, and at the end where the figures come from."""
    made = short(
        Paragraph(WORDS), official=LETTER, is_signed=False, kind=make_text("office.annexes")
    )
    file = opened(made, tmp_path)
    assert (file.tables, lines_in(file, "Title")) == ([], ["PHỤ LỤC", "T"])
    assert file.styles["Body Text"].font.size.pt == 12
    assert lines_in(file, "SIPAS Note") == ["Đến thẳng nội dung báo cáo"]


def letter_of(n, name="Sở Nội vụ"):
    """Return a letter with so many paragraphs and a table of five rows."""
    sentence = make_text("report.method.note", note="Kết quả khảo sát cho thấy chỉ số tăng. " * 5)
    rows = tuple((f"{name} {k}", 94.59) for k in range(5))
    table = Table("t", make_text("report.skip"), (Column("Đơn vị", "row"), Column("Điểm")), rows)
    section = Section(
        "letter", make_text("letter.to", unit=name), (Paragraph(sentence),) * n + (table,)
    )
    about = make_text("report.skip")
    return short(title="", subtitle="", official=LETTER, about=about, sections=(section,))


def test_a_letter_says_what_it_is_about_under_its_number(tmp_path):
    """And has no title; the addressee stands in the middle."""
    file = opened(letter_of(1), tmp_path)
    assert file.tables[0].cell(1, 0).text == "Số: ……/……\nĐến thẳng nội dung báo cáo"
    assert lines_in(file, "Title", "Subtitle", "Heading 1") == []
    assert lines_in(file, "SIPAS Addressee") == ["Kính gửi: Sở Nội vụ"]
    assert file.core_properties.title == "Đến thẳng nội dung báo cáo"


@pytest.mark.slow
def test_a_long_letter_is_set_tighter(tmp_path):
    """Around table and lines first, as the decree has it; then in smaller type; then two pages."""
    looks = [choose_looks(letter_of(n), "vi") for n in range(1, 20)]
    bodies = [(look["Body Text"].size, sum(look["Body Text"].space)) for look in looks]
    lines = [look["Body Text"].line for look in looks]
    n_decreed = next(at for at, body in enumerate(bodies) if body != (13, 6))
    n_page = len(bodies) - bodies[::-1].index(min(bodies, key=lambda body: body[0]))
    assert 1 < n_decreed < n_page < len(bodies)
    assert lines[0] == lines[-1] == 1.1  # one page with room; two pages in comfortable type
    assert lines[:n_decreed] == sorted(lines[:n_decreed], reverse=True)
    assert bodies[n_decreed:n_page] == sorted(bodies[n_decreed:n_page], reverse=True)
    assert {*bodies[n_page:]} == {(13, 6)}
    assert {look["SIPAS Addressee"].size for look in looks[:n_decreed]} == {14}


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice lays Word files out")
@pytest.mark.parametrize(
    ("n", "name", "n_pages"),
    [(1, "Sở Nội vụ", 1), (7, "Sở Nội vụ", 1), (3, "Sở dài " * 17, 1), (19, "Sở Nội vụ", 2)],
)
def test_a_letter_takes_one_page_where_it_can(tmp_path, n, name, n_pages):
    """Also with names of 120 letters; a long one has two pages."""
    path = write_docx(letter_of(n, name), tmp_path / "a.docx", "vi")
    home = f"-env:UserInstallation=file://{tmp_path}/home"
    convert = ["soffice", home, "--headless", "--convert-to", "pdf", "--outdir", tmp_path, path]
    subprocess.run(convert, check=True, capture_output=True)
    facts = subprocess.run(["pdfinfo", tmp_path / "a.pdf"], check=True, capture_output=True).stdout
    assert re.search(rf"Pages: +{n_pages}\n".encode(), facts)


@pytest.mark.parametrize("letter", [None, replace(LETTER, publisher=Bilingual())])
def test_without_an_office_there_is_no_letter(tmp_path, letter):
    """A researcher's survey of an airport does not bear the head of a state."""
    file = opened(short(Paragraph(WORDS), official=letter), tmp_path)
    assert file.tables == []
    assert lines_in(file, "Title", "Subtitle", "SIPAS Note") == [
        "T",
        "S",
        "Đến thẳng nội dung báo cáo",
    ]
    assert "CỘNG HÒA" not in text_of(file)


@pytest.mark.slow
def test_synthetic_data_cannot_be_mistaken(words, tmp_path):
    """A box below the title says so, and the foot of every later page."""
    [line] = [it for it in words["vi"].paragraphs[:5] if it.style.name == "SIPAS Banner"]
    assert line.text.startswith("DỮ LIỆU MÔ PHỎNG")
    assert list(line.style.element.iter(qn("w:pBdr")))
    assert words["vi"].sections[0].footer.paragraphs[0].text == line.text
    assert lines_in(opened(short(Paragraph(WORDS)), tmp_path), "SIPAS Banner") == []


@pytest.mark.slow
def test_the_same_document_gives_the_same_bytes(paths, tmp_path):
    """No clock, no random id: an auditor compares two runs byte by byte."""
    again = document_of(sipas.read_survey(sipas.read_wave(DEMO)))
    content = paths["vi"].read_bytes()
    assert write_docx(again, tmp_path / "again.docx", "vi").read_bytes() == content
    with zipfile.ZipFile(paths["vi"]) as package:
        assert {member.date_time for member in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert package.namelist()[0] == "[Content_Types].xml"
        assert not [it for it in package.namelist() if "thumbnail" in it]


@pytest.mark.slow
def test_the_file_says_whose_it_is_and_from_which_day(words, tmp_path):
    """Title, author and the day of the decision; never the clock or the library's name."""
    facts = words["vi"].core_properties
    assert facts.title == TITLE
    assert facts.author == facts.last_modified_by == "Sở Nội vụ tỉnh An Giang"
    assert facts.created.replace(tzinfo=None) == datetime(2022, 4, 27)
    assert facts.modified == facts.created
    assert "Lập bằng sipas_analysis" in facts.comments
    assert facts.language == "vi-VN"
    assert 'w:name="compatibilityMode"' in (xml := words["vi"].settings.element.xml)
    assert 'office/word" w:val="15"' in xml  # else Word calls the file old
    plain = opened(short(Paragraph(WORDS)), tmp_path).core_properties
    assert plain.created.year == 2000
    assert plain.author == ""


def test_text_is_data_whatever_it_holds(tmp_path):
    """Tags, ampersands, formulas, control letters, Khmer, emoji, 300 letters without a space."""
    table = Table("t", WORDS, (Column(HOSTILE, "row"), Column("n")), ((HOSTILE, 1),), (WORDS,))
    letter = replace(LETTER, province=Bilingual(vi=HOSTILE))
    blocks = (Paragraph(WORDS), Bullets((WORDS,)), table)
    made = short(*blocks, title=HOSTILE, banner=WORDS, official=letter)
    file = opened(made, tmp_path)
    shown = text_of(file)
    assert shown.count(CLEAN) == 9
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe]", shown)
    assert file.core_properties.title == CLEAN[:255]


@pytest.mark.slow
def test_a_survey_of_hostile_units_is_written_whole(make_wave, tmp_path):
    """Names go from units.csv into titles, tables, charts and alt texts."""
    name = "<b>=1+1</b> & $x$"  # charts have no letters for Khmer
    units = f'code,name_vi,name_en,group\nso-a,"{name}",,departments\nso-b,Sở B,,departments\n'
    rows = [f"{unit},{k % 5 + 1},4,5,4,male\n" for unit in ("so-a", "so-b") for k in range(30)]
    wave = make_wave(
        "unit,A1,A2,D1,OVERALL,sex\n" + "".join(rows),
        units=units,
        pack=PACK.replace("Kết quả,", '"<i> & {x}",'),
        min_forms=20,
        publisher={"vi": name},
    )
    survey = sipas.read_survey(sipas.read_wave(wave))
    for unit in ("", "so-a"):
        file = opened(document_of(survey, unit), tmp_path)
        assert name in text_of(file)
        assert name.upper() in file.tables[0].cell(0, 0).text
    assert f"đối với {name}" in text_of(file)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    """Whole or not at all, with an error that a user can mend."""
    (tmp_path / "taken").write_text("a file", "utf-8")
    with pytest.raises(OutputError):
        write_docx(short(Paragraph(WORDS)), tmp_path / "taken" / "x.docx", "vi")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.slow
def test_a_picture_is_drawn_as_png_and_the_svg_stays(demo):
    """One drawing in two kinds; the PNG names no software and no date, no pixel is clear."""
    svg = blocks_of(demo, Picture)[0].draw("vi")
    made = convert_to_png(svg)
    assert made.startswith(b"\x89PNG")
    pixels = imread(io.BytesIO(made))
    assert pixels.shape[1] > 1400
    assert pixels[..., :3].std() > 0.05
    assert pixels.shape[2] == 3 or (pixels[..., 3] == 1).all()
    assert not re.search(rb"Software|tIME|matplotlib", made)
    assert convert_to_png(svg) == made


def test_packed_parts_are_those_that_python_docx_saves_and_keep_every_sign():
    word = Word(docx.Document(), "vi")
    paragraph = word.add_paragraph(" “A” & B's <b> ", "List Bullet")
    assert (paragraph.text, paragraph.style.name) == (" “A” & B's <b> ", "List Bullet")
    saved = io.BytesIO()
    word.file.save(saved)
    with zipfile.ZipFile(saved) as usual, zipfile.ZipFile(io.BytesIO(pack_parts(word))) as packed:
        assert sorted(packed.namelist()) == sorted(usual.namelist())
        assert all(packed.read(name) == usual.read(name) for name in usual.namelist())
        assert {item.date_time for item in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
