"""Old files in the folder of a run: what is said of them."""

from sipas_analysis.documents.writers.terminal import speak
from sipas_analysis.runs import annual_run
from sipas_analysis.runs.jobs import WHOLE


def test_the_folder_of_a_unit_that_is_gone_is_named_to_be_deleted(tmp_path, capsys):
    """It is not said to be made anew; a folder without a report's file is not named."""
    for name in ("gone/letter.vi.docx", "here/report.vi.html", "empty/notes.txt"):
        path = tmp_path / "units" / name
        path.parent.mkdir(parents=True)
        path.write_text("x", "utf-8")
    unchanged = {WHOLE: {}, "here": {"units/here/report.vi.html": "0" * 64}}
    with speak("vi"):
        annual_run._tell_leftovers(tmp_path, unchanged)
    said = capsys.readouterr().out
    assert said.startswith("1 thư mục thuộc đơn vị không còn trong danh sách đơn vị (units.csv): ")
    assert f"{tmp_path / 'units' / 'gone'}. " in said
    assert "không gửi đi" in said
    assert "sipas run" not in said
    assert "empty" not in said
    with speak("en"):
        annual_run._tell_leftovers(tmp_path, {WHOLE: {}, "here": {}, "gone": {}})
    said = capsys.readouterr().out
    assert "files of 2 report(s)" in said
    assert "no longer" not in said
