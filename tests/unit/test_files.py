"""Files are written whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from sipas_analysis.errors import OutputError
from sipas_analysis.files import find_shortage, write_privately, write_whole


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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX")
@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077, 0])
def test_the_umask_says_who_may_read_a_file(tmp_path, umask):
    """Private files are the user's alone whatever it says; a file is replaced with its mode."""
    before = os.umask(umask)
    try:
        path = write_whole(tmp_path / "a" / "report.html", "x")
        assert path.stat().st_mode & 0o777 == 0o666 & ~umask
        assert path.parent.stat().st_mode & 0o777 == 0o777 & ~umask
        with write_privately():
            assert write_whole(path, "y").stat().st_mode & 0o777 == 0o600
        assert write_whole(path, "z").stat().st_mode & 0o777 == 0o666 & ~umask
    finally:
        os.umask(before)


def test_a_shortage_is_told_apart_from_a_fault_of_ours():
    """By the error or what caused it; never with its text, which may quote answers."""
    try:
        try:
            raise OSError(errno.EMFILE, "P0001 said 5")
        except OSError as cause:
            raise ImportError("P0001") from cause
    except ImportError as error:
        shortage = find_shortage(error)
    assert shortage.fields["why"] == os.strerror(errno.EMFILE)
    assert find_shortage(MemoryError()).fields["why"] == "MemoryError"
    assert find_shortage(RuntimeError("can't start new thread")).exit_code == 19
    assert find_shortage(ValueError("P0001")) is None
    assert find_shortage(OSError(errno.ENOENT, "no")) is None
