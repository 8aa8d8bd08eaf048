"""A file that a person edited is never lost when its report is written again."""

import json
from pathlib import Path

import pytest

from sipas_analysis.errors import OutputError
from sipas_analysis.reports.edited_files import keep_edited, list_edited, tell_edited

LETTER = "units/so-a/letter.vi.docx"
KEPT = "units/so-a/letter.vi-{}.docx"


def write(out, text, name=LETTER):
    """Write one file as a report does."""
    with keep_edited(out, [name]):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text)


def read_kept(out, number):
    """Return what an edited file holds that was moved aside."""
    return (out / "edited" / KEPT.format(number)).read_text()


def test_what_the_program_wrote_is_replaced_without_a_copy(tmp_path):
    """Other answers, other bytes: nobody's work is in the old file."""
    for text in ("2023", "2024", "2025"):
        write(tmp_path, text)
    assert (tmp_path / LETTER).read_text() == "2025"
    assert list_edited(tmp_path) == []


def test_each_edited_file_is_kept_under_a_number_of_its_own(tmp_path, capsys):
    """Filled in twice, two copies; the line names folder and files, later runs the count."""
    write(tmp_path, "made")
    for number in (1, 2):
        (tmp_path / LETTER).write_text(f"filled in {number}")
        with tell_edited(tmp_path):
            write(tmp_path, "made")
        said = capsys.readouterr().out
        assert KEPT.format(number) in said
        assert str(tmp_path / "edited") in said
        assert (tmp_path / LETTER).read_text() == "made"
    assert [read_kept(tmp_path, number) for number in (1, 2)] == ["filled in 1", "filled in 2"]
    with tell_edited(tmp_path):
        write(tmp_path, "made")
    assert f"{tmp_path / 'edited'}" in capsys.readouterr().out
    assert len(list_edited(tmp_path)) == 2


def test_the_same_edited_bytes_are_kept_once(tmp_path):
    """An officer who puts a kept file back and runs again finds one copy, not two."""
    write(tmp_path, "made")
    for _ in range(2):
        (tmp_path / LETTER).write_text("filled in")
        write(tmp_path, "made")
    assert list_edited(tmp_path) == [KEPT.format(1)]


def test_a_file_of_a_stopped_run_is_no_edited_file(tmp_path):
    """It was written and not noted; once the same bytes are made again, no copy is left."""
    (tmp_path / LETTER).parent.mkdir(parents=True)
    (tmp_path / LETTER).write_text("made")
    write(tmp_path, "made")
    assert list_edited(tmp_path) == []


def test_a_report_that_fails_after_the_move_keeps_the_edited_file(tmp_path):
    """The disk is full: what was filled in stands in the folder of edited files."""
    write(tmp_path, "made")
    (tmp_path / LETTER).write_text("filled in")

    def fail():
        with keep_edited(tmp_path, [LETTER]):
            raise OutputError("output", path=tmp_path, why="full")

    with pytest.raises(OutputError):
        fail()
    assert read_kept(tmp_path, 1) == "filled in"
    write(tmp_path, "made")
    assert read_kept(tmp_path, 1) == "filled in"


@pytest.mark.parametrize(
    ("note", "facts"),
    [("state/so-a.json", "files"), ("receipt.json", "outputs")],
)
def test_files_of_earlier_versions_and_of_a_copied_folder_are_known(tmp_path, note, facts):
    """Their hashes stand in the note of the run, or in the receipt alone."""
    write(tmp_path, "made")
    written = tmp_path / "state" / "written" / "so-a.json"
    hashes = json.loads(written.read_text())
    written.unlink()
    (tmp_path / note).write_text(json.dumps({facts: hashes}))
    write(tmp_path, "newer")
    assert list_edited(tmp_path) == []


def test_a_note_that_was_cut_loses_nothing(tmp_path):
    """Without a note nobody knows who wrote the file: it is kept."""
    write(tmp_path, "made")
    (tmp_path / "state" / "written" / "so-a.json").write_text('{"units')
    write(tmp_path, "newer")
    assert read_kept(tmp_path, 1) == "made"


def test_a_file_that_is_open_in_word_stops_its_report(tmp_path, monkeypatch):
    """Windows lets nobody move it: the report is refused and says which program to close."""
    write(tmp_path, "made")
    (tmp_path / LETTER).write_text("filled in")

    def refuse(self, target):
        raise PermissionError(13, "in use", str(self))

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OutputError, match="Close it in Word"):
        write(tmp_path, "newer")
    assert (tmp_path / LETTER).read_text() == "filled in"
