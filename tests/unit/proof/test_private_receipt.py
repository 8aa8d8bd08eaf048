"""The private receipt says where an input was altered, and no answer."""

import json
import stat
from dataclasses import asdict

import openpyxl
import pytest

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.proof.private_receipt import (
    PRIVATE_NAME,
    Change,
    hash_private_receipt,
    locate_changes,
    make_private_receipt,
    write_private_receipt,
)
from sipas_analysis.sheets.reader import read_sheet

FORMS = [["unit", "A1", "A2", "D1", "OVERALL"]] + [
    ["so-a", str(1 + place % 5), "4", "5", "3"] for place in range(40)
]


def write_csv(path, rows):
    path.write_text("\n".join(map(",".join, rows)) + "\n", "utf-8")


def write_xlsx(path, rows):
    book = openpyxl.Workbook()
    for name, part in (("Sheet", [["a note"]]), ("Phiếu", [["", *row] for row in rows])):
        sheet = book[name] if name in book.sheetnames else book.create_sheet(name)
        for row in part:
            sheet.append(row)
    book.save(path)


@pytest.fixture
def keep(make_wave, tmp_path):
    """Write a wave with these answers and keep its private receipt; return what locates edits."""

    def keep(write, name, **entry):
        write(tmp_path / name, FORMS)
        path = make_wave(None, responses=[{"file": name, **entry}])
        survey = read_survey(read_wave(path))
        text = make_private_receipt(survey)
        assert text == make_private_receipt(survey)
        write_private_receipt(text, tmp_path)
        inputs = [asdict(file) for file in survey.inputs.values()]
        facts = {"private": hash_private_receipt(text), "inputs": inputs}
        return lambda: [*locate_changes(tmp_path, facts, tmp_path)]

    return keep


def test_an_altered_cell_is_named_by_file_row_and_column(keep, tmp_path):
    """The letter of the column and its header; nothing while nothing was altered."""
    locate = keep(write_csv, "answers.csv")
    assert locate() == []
    rows = [[*row] for row in FORMS]
    rows[7][2] = "1"
    write_csv(tmp_path / "answers.csv", rows)
    assert locate() == [Change("cell", "answers.csv", "8", "C (A2)")]
    write_csv(tmp_path / "answers.csv", [*rows[:3], *rows[4:]])
    assert Change("row_removed", "answers.csv", "4") in locate()


def test_an_altered_cell_of_a_workbook_is_named_with_its_sheet(keep, tmp_path):
    """Of the sheet that the wave names; saving again alters no cell."""
    path, sheet = tmp_path / "answers.xlsx", "Phiếu"
    locate = keep(write_xlsx, path.name, sheet=sheet)
    book = openpyxl.load_workbook(path)
    book["Sheet"]["A1"] = "another note"
    book.save(path)
    assert locate() == [Change("no_cell", path.name)]
    book[sheet]["C9"] = 1
    book.save(path)
    assert read_sheet(path, sheet).rows[8][2] == "1"
    assert locate() == [Change("cell", f"{path.name} [{sheet}]", "9", "C (A1)")]


def test_an_altered_line_of_a_pack_is_named(keep, tmp_path):
    """And the unit list beside it."""
    locate = keep(write_csv, "answers.csv")
    for name, old, new in (("pack.yaml", "made for tests", "Decision 1"), ("units.csv", ",", ", ")):
        text = (tmp_path / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace(old, new, 1), "utf-8")
    assert [change[:2] for change in locate()] == [
        ("line", "pack.yaml"),
        ("no_cell", "units.csv"),  # a space before a cell is not read
    ]
    assert locate()[0].old == "3"


def test_the_private_receipt_holds_no_answer_and_is_read_by_its_owner_only(keep, tmp_path):
    """True names of files, a key, hashes; bound to the receipt by its own hash."""
    locate = keep(write_csv, "answers.csv")
    path = tmp_path / PRIVATE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    private = json.loads(path.read_text("utf-8"))
    assert {file["name"] for file in private["files"]} >= {"answers.csv", "pack.yaml"}
    assert "so-a" not in path.read_text("utf-8")
    write_csv(tmp_path / "answers.csv", FORMS[:-1])
    assert locate()
    private["files"] = private["files"][:1]
    path.write_text(json.dumps(private), "utf-8")
    assert [change.kind for change in locate()] == ["output"]  # another one is not believed
    path.unlink()
    assert locate() == []


@pytest.mark.parametrize("content", ["[" * 5000, "{}", '{"format": 1}', "\x00"])
def test_a_private_receipt_that_no_program_wrote_is_not_read(tmp_path, content):
    """Even if the receipt names its hash."""
    (tmp_path / PRIVATE_NAME).write_text(content, "utf-8")
    facts = {"private": hash_private_receipt(content), "inputs": []}
    assert [*locate_changes(tmp_path, facts, tmp_path)] == []
