"""Files are written whole or not at all."""

from pathlib import Path

import pytest

from sipas_analysis.errors import OutputError
from sipas_analysis.files import write_whole


def test_a_file_is_written_with_its_folders(tmp_path):
    """Missing folders are made; text is UTF-8 and keeps its line ends."""
    path = write_whole(tmp_path / "units" / "so-a" / "report.html", "Sở A\n")
    assert path.read_bytes() == "Sở A\n".encode()


def test_bytes_are_written_as_they_are(tmp_path):
    """A workbook is no text."""
    assert write_whole(tmp_path / "a.xlsx", b"\x00\xff").read_bytes() == b"\x00\xff"


def test_a_failed_write_keeps_the_old_file_and_leaves_no_neighbour(tmp_path, monkeypatch):
    """If the rename fails, the folder is as it was before."""
    path = write_whole(tmp_path / "report.html", "old")

    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutputError, match="No space left on device") as caught:
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    assert caught.value.fields["path"] == path


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    """A file that stands where a folder should be is told, not overwritten."""
    (tmp_path / "outputs").write_text("mine")
    with pytest.raises(OutputError, match=r"outputs"):
        write_whole(tmp_path / "outputs" / "index.html", "new")
    assert (tmp_path / "outputs").read_text() == "mine"
