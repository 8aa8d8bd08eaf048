"""What a terminal shows of files that were written: few lines, with every name."""

from pathlib import Path

import pytest

from sipas_analysis.documents.writers.terminal import print_written, speak


@pytest.mark.parametrize(
    ("folder", "names", "printed"),
    [
        ("out", "a.csv b.csv c.csv", "Đã ghi vào out: a.csv, b.csv, c.csv\n"),
        (".", "a.csv b.csv c.csv", "Đã ghi a.csv, b.csv, c.csv\n"),
        ("out", "a.csv b.csv", "Đã ghi out/a.csv\nĐã ghi out/b.csv\n"),
    ],
)
def test_many_files_of_a_folder_stand_in_one_line(capsys, folder, names, printed):
    """One or two have a line each, with the path to copy."""
    with speak("vi"):
        print_written(Path(folder) / name for name in names.split())
    assert capsys.readouterr().out == printed
