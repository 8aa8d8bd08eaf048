"""Words of the reports: none that a leader would have to look up, and one way of spelling."""

import random
import re
import unicodedata
from functools import cache
from html import unescape
from itertools import chain
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
import yaml

import sipas_analysis
from sipas_analysis.documents.model import Bullets, Document, Paragraph, Picture, render_text
from sipas_analysis.figures.published import figures_of
from sipas_analysis.instrument.pack import list_packs, read_instrument
from sipas_analysis.messages import LANGUAGES, format_number, read_catalogue
from sipas_analysis.reports.portal import write_portal
from sipas_analysis.reports.report import report
from sipas_analysis.reports.score_output import describe_ranking

TERMS = yaml.safe_load((Path(__file__).parent / "terms.yaml").read_text("utf-8"))
PACKS = Path(sipas_analysis.__file__).parent / "instrument/packs"
# In syllables without a last consonant the mark stands on the first vowel: hóa, khỏe, thủy.
MARK_ON_THE_SECOND = re.compile(r"(?:o[àáảãạèéẻẽẹ]|(?<!q)u[ỳýỷỹỵ])(?!\w)", re.IGNORECASE)
MARK_ON_THE_FIRST = re.compile(r"(?:[òóỏõọ][ae]|(?<!q)[ùúủũụ]y)(?=\w)", re.IGNORECASE)


POINTS = """\
id: own-points
title: {vi: Bộ có điểm, en: A pack with points}
source: none
status: unverified
population: {vi: người dân, en: citizens}
index: {points: {1: 0, 2: 25, 3: 50, 4: 75, 5: 100}}
factors:
  access: {vi: Tiếp cận, en: Access}
  results: {vi: Kết quả, en: Results}
items:
  A1: {factor: access, vi: Đủ chỗ ngồi, en: Enough seats}
  A2: {factor: access, vi: Thiết bị tốt, en: Good equipment}
  D1: {factor: results, vi: Đúng quy định, en: As regulated}
overall_item: {code: OVERALL, vi: Hài lòng chung, en: Satisfaction as a whole}
"""


@pytest.fixture(scope="module")
def read_pack(read_shared):
    """Return a survey by a pack of the program, or by the one above: four units, random answers."""

    @cache
    def read(name):
        pack = read_instrument(name) if name else None
        items = [*pack.rated_codes] if pack else ["A1", "A2", "D1", "OVERALL"]
        levels = [*pack.scale.levels][-3:] if pack else [3, 4, 5]
        draw = random.Random(name)
        rows = [["unit", *items]]
        rows += [[f"u-{k % 4}", *(str(draw.choice(levels)) for _ in items)] for k in range(160)]
        units = "".join(f"u-{k},Sở {k},Department {k},departments\n" for k in range(4))
        return read_shared(
            "".join(",".join(row) + "\n" for row in rows),
            pack=POINTS,
            instrument=name or "pack.yaml",
            units=f"code,name_vi,name_en,group\n{units}",
            targets=[80],
        )

    return read


def find_terms(text, *kinds):
    """Return the banned terms of a text, each with the words around it."""
    patterns = chain.from_iterable(TERMS[kind] for kind in kinds)
    found = (
        (pattern, text[max(match.start() - 40, 0) : match.end() + 20])
        for pattern in patterns
        for match in [re.search(pattern, text, 0 if re.search("[A-Z]", pattern) else re.I)]
        if match
    )
    return dict(found)


def list_texts(document):
    """Yield every text of a document, without the drawings."""
    yield from (document.title, document.subtitle, document.banner, document.about)
    yield from (document.footer, document.kind, *document.recipients)
    for section in document.sections:
        yield section.title
        for block in section.blocks:
            if isinstance(block, Paragraph):
                yield block.text
            elif isinstance(block, Bullets):
                yield from block.items
            else:
                table = block.data if isinstance(block, Picture) else block
                yield from (block.caption, block.alt) if isinstance(block, Picture) else ()
                yield from (table.caption, *(column.label for column in table.columns))
                yield from chain(*table.rows, table.notes)


def read_document(document: Document, language):
    """Return the words of a document, a line for each text."""
    texts = (render_text(text, language) for text in list_texts(document) if text is not None)
    return "\n".join(texts)


def list_documents(survey, language, units):
    """Yield name and document of the province's report, and of reports and letters of units."""
    for unit in ("", *units):
        written = report(survey, language, unit)
        sections = tuple(written.chapter(name).section for name in written.chapters)
        yield unit or "province", written._build_document(sections)
        if unit:
            yield f"letter to {unit}", written.letter()


def check_words(survey, language):
    """Assert that no document of the wave says a banned term."""
    units = survey.frame["unit"].value_counts().index
    for name, document in list_documents(survey, language, {units[0], units[-1]}):
        text = read_document(document, language)
        found = find_terms(text, language, "both")
        assert not found, f"{name}: {found}"


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("wave", ["demo_2021", "demo_2023"])
def test_no_report_to_leaders_has_a_term_of_statistics(wave, language, request):
    """Province, units and letters of the demo waves; the annexes may say it, explained."""
    check_words(request.getfixturevalue(wave), language)


@pytest.mark.slow
@pytest.mark.parametrize("pack", list_packs())
def test_no_pack_brings_a_term_of_statistics(pack, read_pack):
    """All packs: other scales, points, no factors, no question on the whole."""
    for language in LANGUAGES:
        check_words(read_pack(pack), language)


@pytest.mark.slow
def test_a_survey_of_columns_brings_no_term_of_statistics():
    """A data frame without a pack: names of columns are the names of its items."""
    draw = np.random.default_rng(4)
    frame = pd.DataFrame(draw.integers(3, 8, (160, 4)), columns=["Speed", "Care", "Price", "Whole"])
    frame["office"] = [f"Office {form % 4}" for form in range(160)]
    factors = {"Service": ["Speed", "Care"], "Value": ["Price"]}
    survey = sipas_analysis.survey(
        frame, factors=factors, scale=(1, 7), overall="Whole", unit="office"
    )
    for language in LANGUAGES:
        check_words(survey, language)


POINT_PACKS = [name for name in list_packs() if read_instrument(name).index.points]


@pytest.mark.slow
@pytest.mark.parametrize("pack", ["", *POINT_PACKS])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_score_is_never_called_a_percentage(pack, language, read_pack, tmp_path):
    """Where answers have points: body, annexes, letter, page of the wave and workbooks."""
    survey = read_pack(pack)
    province, unit = report(survey, language), report(survey, language, "u-1")
    files = [*province.write([], str(tmp_path), "html,xlsx"), *unit.write([], str(tmp_path))]
    portal = write_portal(figures_of(survey), (), tmp_path / "index.html", [language])
    texts = [render_html(tmp_path / name) for name in files if name.endswith("html")]
    texts += [render_html(portal), read_document(unit.letter(), language)]
    texts += [read_workbook(tmp_path / name) for name in files if name.endswith("xlsx")]
    name = {"vi": "Điểm trung bình (0–100)", "en": "Average score (0–100)"}[language]
    assert all(name in table for _, table in describe_ranking(figures_of(survey), language))
    shown = [format_number(printed, language) for printed in survey_values(survey)]
    for text in texts:
        assert name in text
        assert not re.search(
            r"(?m)^(Hài lòng|Satisfied) \(%\)|tỷ lệ hài lòng|share of satisfied", text
        )
        assert [value for value in shown if f"{value}%" in text] == []


def survey_values(survey):
    """Return the printed indices of the whole and of units."""
    scores = figures_of(survey).scores
    return scores.loc[scores["level"].isin(["overall", "factor"]), "printed"]


def render_html(path):
    """Return the texts of a page, a line for each."""
    return unescape(
        re.sub(r"(?s)<style.*?</style>|<script.*?</script>|<[^>]+>", "\n", path.read_text("utf-8"))
    )


def read_workbook(path):
    """Return the texts of a workbook, a line for each."""
    with ZipFile(path) as book:
        return unescape(re.sub("<[^>]+>", "\n", book.read("xl/sharedStrings.xml").decode()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_of_the_program_has_a_banned_word(language):
    """What no sentence says, in a report or on the screen; the percent sign touches its number."""
    for message_id, text in read_catalogue(language).items():
        assert not find_terms(text, "everywhere"), message_id


def list_vietnamese_files():
    """Return the files of the program and its pages that are Vietnamese."""
    root = Path(sipas_analysis.__file__).parent
    return [root / "messages/vi.yaml", root.parent / "docs/huong-dan.md", *PACKS.glob("*.yaml")]


@pytest.mark.parametrize("path", list_vietnamese_files(), ids=lambda path: path.name)
def test_marks_stand_where_the_program_puts_them(path):
    """One way of spelling (hóa, thủy, but hoàn, khoản), and letters are composed."""
    text = path.read_text("utf-8")
    assert unicodedata.is_normalized("NFC", text)
    assert MARK_ON_THE_SECOND.findall(text) == []
    assert MARK_ON_THE_FIRST.findall(text) == []
