"""The annex, the sheets and the page of the wave on the plan: every line, every verdict, once."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from sipas_analysis.documents.model import Bullets, Table, render_text
from sipas_analysis.figures.published import figures_of
from sipas_analysis.improve.verdict import VERDICT_COLUMNS
from sipas_analysis.messages import format_number
from sipas_analysis.reports.chapters.annexes import select_annexes
from sipas_analysis.reports.long_tables import build_long_tables
from sipas_analysis.reports.portal_rows import list_unit_rows
from sipas_analysis.reports.subject import Subject

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def subject(demo_2021):
    return Subject(figures_of(demo_2021))


def texts_of(table, language="vi"):
    """Return the cells of a table as they are printed."""
    return [[render_text(cell, language) for cell in row] for row in table.rows]


def tables_of(section, kind):
    """Return the tables whose id begins with a kind."""
    tables = [block for block in section.blocks if isinstance(block, Table)]
    return [table for table in tables if table.id.startswith(f"table-{kind}")]


def test_the_annex_lists_every_line_and_every_verdict(subject):
    """Proposals are said to be so; each verdict has a reason or its numbers."""
    section = select_annexes(subject)["plan"](subject)
    lines, verdicts = subject.figures.plan.frame, subject.figures.verdicts
    assert section.blocks[1].text.id == "annex.plan.of.proposal"
    plans, judged = tables_of(section, "plan"), tables_of(section, "verdicts")
    assert sum(len(table.rows) for table in plans) == len(lines)
    assert sum(len(table.rows) for table in judged) == (verdicts["kind"] == "line").sum()
    (measures,) = tables_of(section, "measures")
    planted = verdicts[verdicts["kind"] == "measure"].iloc[0]
    change = format_number(planted["change"], "vi", 2)
    assert texts_of(measures)[0][4] == f"+{change}"
    assert texts_of(measures)[0][-1].startswith("tốt lên rõ rệt")  # as planted
    words = [row[-1] for table in judged for row in texts_of(table)]
    assert any(re.fullmatch("chưa thể kết luận: .+", word) for word in words)
    assert any(isinstance(block, Bullets) for block in section.blocks)  # what the columns mean
    first = lines[lines["unit"] != ""].iloc[0]
    name, number, *_ = texts_of(plans[1])[0]
    assert (name, number) == (subject.marked_name(first["unit"]).vi, "1")
    (tasks,) = tables_of(section, "tasks")  # each once: units share them, with owner and day
    in_words = {row[0]: row[1:] for row in texts_of(tasks)}
    assert in_words[number] == [first["task"], first["owner"], f"{first['due']:%d/%m/%Y}"]
    assert texts_of(tasks, "en")[0][1] != first["task"]  # measures are named in both languages
    of_units = [each for each in (*plans, *judged) if not each.id.endswith("province")]
    numbers = {row[1] for table in of_units for row in texts_of(table)}
    assert numbers == {*in_words}


def test_tasks_that_no_units_share_stand_in_the_lines(subject, monkeypatch):
    """After the name of the unit, also of the one for which the plan was made."""
    figures = subject.figures
    line = next(line for line in figures.plan.records if line.unit)
    row = next(row for row in figures.judged if row.unit and row.unit != line.unit)
    monkeypatch.setitem(figures.plan.__dict__, "records", [line])
    monkeypatch.setitem(figures.__dict__, "judged", [replace(row, unit_then=line.unit)])
    section = select_annexes(subject)["plan"](subject)
    assert tables_of(section, "tasks") == []
    (plan,), (judged,) = (tables_of(section, kind) for kind in ("plan", "verdicts"))
    unit, then = (subject.marked_name(code).vi for code in (row.unit, line.unit))
    assert texts_of(plan)[0][0] == f"{then}: {line.task}"
    assert texts_of(judged)[0][0].startswith(f"{unit} (khi lập kế hoạch: ")


def test_sheets_list_plan_and_verdicts_with_unit_and_id(subject):
    """One sheet each; every row names its line."""
    tables = {table.id: table for table in build_long_tables(subject).blocks}
    for name, frame in (
        ("tables-proposal", subject.figures.plan.frame),
        ("tables-verdicts", subject.figures.verdicts),
    ):
        rows = texts_of(tables[name])
        assert {row[2] for row in rows} == {*frame["id"]}
        assert len(rows) == len(frame)
        assert len(rows[0]) == len(tables[name].columns)


def test_the_page_of_the_wave_counts_lines_and_verdicts(subject, tmp_path):
    """A unit without a line of an earlier plan has no verdict."""
    rows = {row.code: row for row in list_unit_rows(subject, [], tmp_path)}
    lines, verdicts = subject.figures.plan.frame, subject.figures.verdicts
    for unit, row in rows.items():
        counts = [(lines["unit"] == unit).sum(), (verdicts["unit"] == unit).sum()]
        numbers = [int(re.search(r"\d+", render_text(text, "vi"))[0]) for text in row.plan]
        assert numbers == [n for n in counts if n]


def test_the_tables_have_the_columns_of_the_glossary(subject):
    """A column that is not described there would be known to nobody."""
    glossary = (Path(__file__).parents[3] / "docs" / "glossary.md").read_text("utf-8")
    tables = subject.figures.tables(["plan", "verdicts"])
    assert {*VERDICT_COLUMNS} < {*tables["verdicts"]}
    for table in tables.values():
        assert [name for name in table if f"`{name}`" not in glossary] == []
