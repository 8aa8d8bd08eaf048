"""`sipas init` knows exports of records by their columns, and drafts `records:`."""

import pytest
from made_exports import make_dossiers, make_movements, write_export

from sipas_analysis.collect.wave import read_wave
from sipas_analysis.draft.record_files import recognise_export
from sipas_analysis.draft.wave_file import draft_wave
from sipas_analysis.errors import FileError
from sipas_analysis.reports.draft_output import describe_draft

ANSWERS = "Đơn vị,A1,A2,A3,A4,B1,B2,B3,B4,B5,C1,C2,C3,C4,C5,C6,D1,D2,D3,E1,E2,E3,E4\n"
ANSWERS += "Sở Nội vụ," + ",".join("4" * 22) + "\nSở Y tế," + ",".join("5" * 22) + "\n"


@pytest.mark.slow
def test_a_draft_names_the_exports_and_leaves_them_out_of_the_answers(tmp_path):
    """Kinds, a header in another row, a file without a column of units."""
    (tmp_path / "phieu-2024.csv").write_text(ANSWERS, "utf-8")
    write_export(tmp_path / "ho-so.parquet", make_dossiers())
    write_export(tmp_path / "luan-chuyen.csv.gz", make_movements())
    text = make_dossiers().drop(columns="DonViQuanLy").to_csv(index=False)
    (tmp_path / "ho-so-2.csv").write_text(f"Báo cáo quý I\n{text}", "utf-8")
    draft = draft_wave([tmp_path], tmp_path, "vi")
    records = read_wave(draft.wave).records
    assert [entry.file for entry in records.dossiers] == ["ho-so-2.csv", "ho-so.parquet"]
    assert [entry.header for entry in records.dossiers] == [2, 1]
    assert [entry.file for entry in records.movements] == ["luan-chuyen.csv.gz"]
    assert "unit: ''" in draft.wave.read_text("utf-8")
    assert draft.skipped == []
    assert any("ho-so.parquet" in line for line, _ in describe_draft(draft, "vi"))


@pytest.mark.slow  # many files are drafted
def test_answers_are_no_export_and_exports_are_no_answers(tmp_path):
    """Neither is taken for the other; exports alone make no wave."""
    (tmp_path / "phieu.csv").write_text(ANSWERS, "utf-8")
    assert recognise_export(tmp_path / "phieu.csv") == ("", {})
    path = write_export(tmp_path / "ho-so.csv", make_dossiers())
    assert recognise_export(path) == ("dossiers", {})
    with pytest.raises(FileError) as caught:
        draft_wave([path], tmp_path, "vi")
    assert "ho-so.csv" in caught.value.text("vi")


@pytest.mark.slow  # many files are drafted
def test_a_draft_says_where_records_would_stand_and_looks_into_folders(tmp_path):
    """Forms in one folder, exports in another: nothing lies in the folder itself."""
    (tmp_path / "phieu").mkdir()
    (tmp_path / "phieu" / "phieu-2024.csv").write_text(ANSWERS, "utf-8")
    alone = draft_wave([tmp_path / "phieu"], tmp_path / "phieu", "vi").wave.read_text("utf-8")
    assert "#records: {dossiers: ho-so/*.xlsx" in alone
    for name in ("wave.yaml", "units.csv"):
        (tmp_path / "phieu" / name).unlink()
    (tmp_path / "ho-so").mkdir()
    write_export(tmp_path / "ho-so" / "quy-1.csv", make_dossiers())
    frame = make_dossiers().rename(columns={"DonViQuanLy": "MaDonVi"}).assign(Khu="a")
    write_export(tmp_path / "ho-so" / "quy-2.csv", frame)
    book = "STT,Đơn vị xử lý,Ngày tiếp nhận,Hạn trả lời\n1,Sở Y tế,01/03/2025,10/03/2025\n"
    (tmp_path / "so.csv").write_text(book, "utf-8")
    draft = draft_wave([tmp_path], tmp_path, "vi")
    records = read_wave(draft.wave).records
    assert [entry.file for entry in records.dossiers] == ["ho-so/quy-1.csv", "ho-so/quy-2.csv"]
    assert "ho-so/quy-2.csv: cột chưa nhận ra, không đọc: Khu" in draft.wave.read_text("utf-8")
    assert "unit: ''" not in draft.wave.read_text("utf-8")
    assert [dict(entry.columns) for entry in records.petitions] == [{"petition": "STT"}]
    assert "#records:" not in draft.wave.read_text("utf-8")


def test_a_list_with_running_numbers_alone_is_no_book_of_petitions(tmp_path):
    """Unit and day of receipt stand in many lists."""
    (tmp_path / "so.csv").write_text("STT,Đơn vị xử lý,Ngày tiếp nhận\n1,a,01/03/2025\n", "utf-8")
    assert recognise_export(tmp_path / "so.csv") == ("", {})
