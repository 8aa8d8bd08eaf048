"""A unit whose forms need a second look: no rank before it is accepted, then a mark (rule M9)."""

import re

import numpy as np
import openpyxl
import pytest

from sipas_analysis.documents.model import Bullets, Paragraph, Picture, Table, render_text
from sipas_analysis.errors import ConfigError
from sipas_analysis.explain.priority import priority
from sipas_analysis.figures.published import Figures
from sipas_analysis.measure.ranking import rank
from sipas_analysis.measure.scores import score
from sipas_analysis.messages import LANGUAGES, read_catalogue
from sipas_analysis.quality.findings import check
from sipas_analysis.reports.annex_workbook import write_annexes
from sipas_analysis.reports.chapters.annexes import ANNEXES
from sipas_analysis.reports.chapters.leaders import build_leaders
from sipas_analysis.reports.chapters.letters import build_letter
from sipas_analysis.reports.chapters.ranking import build_ranking
from sipas_analysis.reports.check_output import describe_check, describe_flagged
from sipas_analysis.reports.portal import write_portal
from sipas_analysis.reports.subject import Subject

CODES = "abcdefgh"
UNITS = "code,name_vi,name_en,group\n" + "".join(
    f"so-{code},Sở {code.upper()},Department {code.upper()},departments\n" for code in CODES
)
ACCEPTED = {"by": {"vi": "Giám đốc Sở Nội vụ", "en": "the director"}, "because": "đã phúc tra"}
RANKS = ["unit", "rank", "rank_low", "rank_high", "letter"]


def forms_of(codes):
    """Answer three items at random, 40 forms a unit; everyone in unit A ticks 5."""
    rng = np.random.default_rng(7)
    answers = {code: rng.integers(2, 6, (40, 4)).tolist() for code in CODES} | {"a": [[5] * 4] * 40}
    lines = [f"so-{code},{','.join(map(str, form))}\n" for code in codes for form in answers[code]]
    return "unit,A1,A2,D1,OVERALL\n" + "".join(lines)


@pytest.fixture(scope="module")
def flagged(read_shared):
    """A wave in which unit A is all fives and nobody has accepted it."""
    return Figures(read_shared(forms_of(CODES), units=UNITS))


@pytest.fixture(scope="module")
def accepted(read_shared):
    """The same wave, with who accepted unit A and why."""
    return Figures(read_shared(forms_of(CODES), units=UNITS, accepted={"so-a": ACCEPTED}))


@pytest.fixture(scope="module")
def without(read_shared):
    """The same wave without the forms of unit A."""
    return Figures(read_shared(forms_of(CODES[1:]), units=UNITS))


def read_section(section, language="vi"):
    """Return every text of a chapter, one a line."""
    lines = []
    for block in section.blocks:
        if isinstance(block, Paragraph):
            lines.append(block.text.text(language))
        elif isinstance(block, Bullets):
            lines += [text.text(language) for text in block.items]
        elif isinstance(block, Table | Picture):
            table = block.data if isinstance(block, Picture) else block
            cells = [cell for row in table.rows for cell in row]
            lines += [render_text(text, language) for text in (*cells, *table.notes, table.caption)]
            lines += [block.alt.text(language)] if isinstance(block, Picture) else []
    return "\n".join(lines)


def row_of(figures, unit="so-a"):
    return figures.ranking[figures.ranking["unit"] == unit].iloc[0]


@pytest.mark.slow
def test_a_unit_of_fives_has_no_rank_before_it_is_accepted_and_one_after(flagged, accepted):
    """Its figure stays; rank, places and letter come with the acceptance, and the mark stays."""
    before, after = row_of(flagged), row_of(accepted)
    assert flagged.survey.frame["unit"].eq("so-a").sum() == 40
    assert (before["printed"], before["reason"], before["mark"]) == ("100.00", "flagged", "flagged")
    assert before[["rank", "rank_low", "rank_high"]].isna().all()
    assert before["letter"] == ""
    assert (after["printed"], after["reason"], after["mark"]) == ("100.00", "", "accepted")
    assert after["rank"] == 1
    assert after["letter"] == "A"


@pytest.mark.slow
def test_the_other_units_are_ranked_as_if_it_were_not_there(flagged, without):
    """The same ranks, places and letters as in the wave without its forms."""
    others = flagged.ranking[flagged.ranking["unit"] != "so-a"].reset_index(drop=True)
    assert others[RANKS].equals(without.ranking[RANKS])
    assert set(flagged.pairs["unit"]) | set(flagged.pairs["other"]) == set(others["unit"])
    assert set(flagged.ranks_by_rule["unit"]) == set(others["unit"])
    assert set(flagged.adjusted_and_pooled["unit"]) == set(others["unit"])


@pytest.mark.slow
def test_its_forms_stay_in_the_total_of_the_province(flagged, accepted):
    """Not ranked is not left out."""
    for table in (flagged.scores, accepted.scores):
        whole = table[(table["domain"] == "all") & (table["level"] == "overall")].iloc[0]
        assert whole["n"] == 320
    assert flagged.scores.equals(accepted.scores)


def test_all_units_set_apart_leave_an_order_without_ranks(flagged):
    """The order keeps its columns."""
    scores = score(flagged.survey, "unit")
    ranking = rank(scores, set_apart=set(flagged.survey.units["code"]))
    assert ranking.frame["rank"].isna().all()
    assert set(ranking.frame["reason"]) == {"flagged"}
    assert ranking.sets == {}


@pytest.mark.slow
def test_scores_of_a_survey_are_ranked_without_it_in_python_too(flagged, accepted):
    """The plain call asks the survey; so does a ranking of some of its units (rule M9)."""
    scores = score(flagged.survey, "unit")
    for some in (scores, scores.select(unit=["so-a", "so-b", "so-c"])):
        ranked = rank(some).select(unit="so-a").frame.iloc[0]
        assert (ranked["reason"], ranked["printed"]) == ("flagged", "100.00")
    assert rank(scores).frame[RANKS].equals(flagged.ranking[RANKS])
    assert rank(scores, set_apart=()).frame["unit"].iloc[0] == "so-a"
    assert rank(score(accepted.survey, "unit")).frame["reason"].eq("").all()


@pytest.mark.slow
def test_no_target_of_a_better_item_comes_from_it(flagged, accepted, without):
    """Accepted or not (M9, D5): targets are those without its forms, but for n in the errors."""
    expected = without.priority("so-b").what_if.set_index("item")["target"].to_dict()
    found = (flagged.priority("so-b"), accepted.priority("so-b"), priority(flagged.survey, "so-b"))
    for table in found:
        gains = table.what_if.set_index("item")
        assert gains["target"].to_dict() == pytest.approx(expected, rel=1e-3)
    assert (gains["target"] > gains["percent"]).any()


def test_few_forms_come_before_the_second_look_as_the_reason(flagged):
    """Accepting seven forms would give no rank, so the reason is that there are seven."""
    ranking = rank(score(flagged.survey, "unit"), min_forms=41, set_apart={"so-a"})
    assert set(ranking.frame["reason"]) == {"few_forms"}


def test_the_chapter_lists_it_apart_with_figure_and_reason(flagged):
    """Below the ranking, in no letter and in no table of ranks."""
    section = build_ranking(Subject(flagged))
    tables = {block.id: block for block in section.blocks if isinstance(block, Table)}
    apart = tables["table-apart-departments"]
    ranked = tables["table-ranking-departments"]
    assert [render_text(cell, "vi") for cell in apart.rows[0][:2]] == ["Sở A ‡", "100,00"]
    assert "cần kiểm tra lại trước khi công bố; chưa được chấp nhận" in apart.notes[-1].text("vi")
    assert "Sở A" not in "".join(render_text(row[0], "vi") for row in ranked.rows)
    bullets = [block for block in section.blocks if isinstance(block, Bullets)]
    assert "Sở A" not in "".join(text.text("vi") for block in bullets for text in block.items)


@pytest.mark.slow  # whole reports are made
def test_an_accepted_unit_is_ranked_and_marked_with_who_and_why(accepted):
    """In every table that names it."""
    subject = Subject(accepted)
    annexes = [build(subject) for build in ANNEXES.values()]
    for section in (build_ranking(subject), *annexes):
        text = read_section(section)
        assert "Sở A" not in text or "Giám đốc Sở Nội vụ" in text, section.id
        assert not re.search(r"Sở A(?! ‡|:)", text), section.id
    assert "accepted by the director (đã phúc tra)." in read_section(build_ranking(subject), "en")


@pytest.mark.slow
def test_it_is_no_benchmark_in_the_letter_of_another_unit(flagged, accepted, without):
    """The letter compares with the first of the units whose forms need no second look."""
    first = without.ranking["unit"].iloc[0]
    name = Subject(without).unit_name(first).vi
    for figures in (flagged, accepted):
        for code in CODES[1:]:
            said = read_section(build_letter(Subject(figures, f"so-{code}")))
            assert "Sở A" not in said
            assert f"so-{code}" == first or f"({name})" in said
    leader = read_section(build_letter(Subject(accepted, first)))
    assert "đơn vị liền sau, không kể đơn vị có phiếu cần kiểm tra lại (" in leader
    other = next(f"so-{code}" for code in CODES[1:] if f"so-{code}" != first)
    beside = f"đơn vị đứng đầu, không kể đơn vị có phiếu cần kiểm tra lại ({name})"
    assert beside in read_section(build_letter(Subject(accepted, other)))
    assert f"đơn vị đứng đầu ({name})" in read_section(build_letter(Subject(flagged, other)))


@pytest.mark.slow
def test_its_own_letter_asks_for_help_and_has_no_internal_remark(flagged, accepted):
    """Before it is accepted: some forms need another look, no rank; after: its place."""
    before = read_section(build_letter(Subject(flagged, "so-a")))
    after = read_section(build_letter(Subject(accepted, "so-a")))
    assert "cần được rà soát lại nên kết quả này chưa được xếp hạng" in before
    assert "rà soát" not in after
    assert "đứng thứ 1/8" in after
    for said in (before, after):
        assert "trước khi công bố" not in said


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_says_that_no_unit_stands_out(flagged, accepted, without, language):
    """Neither in a report of the province nor in that of another unit; in a clean wave it does."""
    none = read_catalogue(language)["report.quality.none"]
    for figures in (flagged, accepted):
        for code in ("", "so-a", "so-b"):
            subject = Subject(figures, code)
            annexes = [] if code else [build(subject) for build in ANNEXES.values()]
            chapters = [build_leaders(subject), build_ranking(subject), *annexes]
            text = "\n".join(read_section(chapter, language) for chapter in chapters)
            assert none not in text
            assert read_catalogue(language)["report.quality.none_published"] not in text
        printed = "\n".join(text for text, _ in describe_check(figures.survey, language))
        assert read_catalogue(language)["cli.said.no_findings"] not in printed
    assert check(without.survey).flagged_units == set()


@pytest.mark.slow
def test_the_page_of_all_units_marks_it(flagged, accepted, tmp_path):
    """The name has the mark, the row the reason, and a note says who accepted it."""
    for figures, note in (
        (flagged, "chưa được chấp nhận nên chưa xếp hạng"),
        (accepted, "Giám đốc Sở Nội vụ đã chấp nhận (đã phúc tra)"),
    ):
        path = write_portal(figures, [], tmp_path / "index.html", ["vi"])
        text = path.read_text("utf-8")
        row = re.search(r'<tr [^>]*data-code="so-a".*?</tr>', text).group(0)
        assert "Sở A ‡" in row
        assert 'class="flagged"' in row
        assert ("chưa được chấp nhận" in row) == (figures is flagged)
        assert note in text
        assert text.count("‡ Sở A:") == 1
        assert "Sở B ‡" not in text


@pytest.mark.slow
def test_the_annexes_of_the_decision_mark_it(flagged, accepted, tmp_path):
    """A name with the mark, a note, and for the unranked the reason in its column."""
    for figures in (flagged, accepted):
        path = write_annexes(figures, tmp_path / "annexes.xlsx", "vi")
        sheet = openpyxl.load_workbook(path).worksheets[0]
        rows = [[cell.value for cell in row] for row in sheet]
        row = next(row for row in rows if "Sở A ‡" in row)
        assert ("cần kiểm tra lại trước khi công bố" in str(row[-1])) == (figures is flagged)
        assert any(str(row[0]).startswith("‡ Sở A:") for row in rows)


def test_the_command_says_what_to_write(flagged, accepted):
    """One line for the unit, then the two lines of wave.yaml."""
    (said, _), (block, _) = describe_flagged(flagged.survey, "en")
    assert said.startswith("Sở A is not ranked: its forms need a second look")
    assert block.splitlines()[1:] == ["accepted:", '  so-a: {by: "…", because: "…"}']
    ((said, _),) = describe_flagged(accepted.survey, "vi")
    assert said.startswith("Được chấp nhận, có đánh dấu trong báo cáo: Sở A")


@pytest.mark.slow
def test_two_lines_as_printed_give_the_rank(flagged, read_answers):
    """What is printed can be pasted."""
    import yaml

    block = [text for text, _ in describe_flagged(flagged.survey, "vi")][-1]
    facts = yaml.safe_load("\n".join(block.splitlines()[1:]))
    figures = Figures(read_answers(forms_of(CODES), units=UNITS, **facts))
    assert row_of(figures)["rank"] == 1


def test_an_acceptance_of_an_unknown_unit_is_refused(read_answers):
    """With the nearest code."""
    with pytest.raises(ConfigError, match=r"names the unit code “so-aa”.*Nearest: so-a ") as caught:
        read_answers(forms_of(CODES), units=UNITS, accepted={"so-aa": ACCEPTED})
    assert caught.value.exit_code == 15


def test_an_acceptance_that_is_not_needed_is_said(read_answers):
    """It would hide a later finding."""
    survey = read_answers(forms_of(CODES[1:]), units=UNITS, accepted={"so-b": ACCEPTED})
    ((said, _),) = describe_flagged(survey, "en")
    assert "names so-b, whose forms need no acceptance" in said


@pytest.mark.slow
def test_long_xuyen_keeps_its_published_rank_with_a_mark(demo_2021):
    """2021: 100.00 and rank 1 as published; marked, and no benchmark for Châu Đốc."""
    figures = Figures(demo_2021)
    row = row_of(figures, "tp-long-xuyen")
    assert (row["printed"], row["rank"], row["mark"]) == ("100.00", 1, "accepted")
    assert "851/QĐ-UBND" in demo_2021.wave.accepted["tp-long-xuyen"].because.vi
    assert "Long Xuyên" not in read_section(build_letter(Subject(figures, "tp-chau-doc")))
