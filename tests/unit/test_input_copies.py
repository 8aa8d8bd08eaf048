"""Each input is copied once, privately, and read from the copy; the copies go with the process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sipas_analysis import input_copies
from sipas_analysis.errors import ChangedError, OutputError
from sipas_analysis.files import FileContent
from sipas_analysis.input_copies import (
    copy_input,
    copy_inputs,
    find_changed,
    hash_of_copy,
    hold_files,
    is_there,
    match_files,
)

HASH = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of abc, FIPS 180-2


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A process without copies, whose temporary folder is a new one."""
    for name, empty in (("_FOLDERS", []), ("_KEPT", {}), ("_MATCHED", {}), ("_OWNED", {})):
        monkeypatch.setattr(input_copies, name, empty)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(input_copies.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    monkeypatch.setattr(input_copies.tempfile, "tempdir", None)
    yield tmp_path
    input_copies.remove_copies()


def test_a_copy_is_named_by_its_bytes_and_is_its_users_alone(fresh):
    """The hash is the published one of these bytes; equal files have one copy."""
    path, again = fresh / "tệp.csv", fresh / "again" / "tệp.csv"
    again.parent.mkdir()
    for file in (path, again):
        file.write_bytes(b"abc")
    copy = copy_input(path)
    assert (copy.name, hash_of_copy(copy), copy.read_bytes()) == ("tệp.csv", HASH, b"abc")
    assert copy_input(again) == copy
    assert copy_inputs({path: "a.csv", fresh / "none.csv": "b.csv"}) == {
        path: FileContent("a.csv", HASH, 3)
    }
    modes = [place.stat().st_mode & 0o777 for place in (copy, copy.parent, copy.parents[1])]
    assert modes == [0o400, 0o700, 0o700]
    assert copy_input(fresh / "none.csv") == fresh / "none.csv"
    input_copies.remove_copies()
    assert [*(fresh / "tmp").iterdir()] == []


def test_what_is_held_is_read_and_nothing_else_is_there(fresh):
    """A file that changed, went or came meanwhile; a large one, which is copied in blocks."""
    path, large = fresh / "a.csv", fresh / "large.csv"
    path.write_bytes(b"abc")
    large.write_bytes(bytes(3 * input_copies.BLOCK))
    inputs = copy_inputs({path: "a.csv", large: "b.csv"})
    hashes = {str(file): content.sha256 for file, content in inputs.items()}
    assert match_files(fresh, "*.csv") == [path, large]
    assert find_changed(hashes) == []
    path.write_bytes(b"abc")
    assert find_changed(hashes) == [path]  # written to, though with the same bytes
    large.unlink()
    (fresh / "new.csv").write_bytes(b"abc")
    with hold_files(hashes):
        assert copy_input(large).stat().st_size == 3 * input_copies.BLOCK
        assert match_files(fresh, "*.csv") == [path, large]
        assert [is_there(fresh / name) for name in ("large.csv", "new.csv")] == [True, False]
        with pytest.raises(ChangedError, match=r"new\.csv"):
            copy_inputs({path: "a.csv", large: "b.csv", fresh / "new.csv": "c.csv"})
    assert find_changed(hashes) == [path, large]
    with pytest.raises(ChangedError, match=r"a\.csv"), hold_files({str(path): "0" * 64}):
        copy_input(path)


def test_a_file_that_changes_while_it_is_copied_is_refused(fresh, monkeypatch):
    """Half of the old and half of the new content is neither."""
    path, real = fresh / "a.csv", input_copies._copy_bytes
    path.write_bytes(b"abc")

    def change_and_copy(*arguments):
        path.write_bytes(b"abcd")
        return real(*arguments)

    monkeypatch.setattr(input_copies, "_copy_bytes", change_and_copy)
    with pytest.raises(ChangedError, match=r"a\.csv"):
        copy_input(path)


def test_without_a_temporary_folder_copies_lie_in_memory(fresh, monkeypatch):
    """Else the run is refused with what to do, and nothing is left."""
    path, memory = fresh / "a.csv", fresh / "memory"
    path.write_bytes(b"abc")
    memory.mkdir()
    monkeypatch.setattr(input_copies, "MEMORY", memory)
    monkeypatch.setattr(input_copies.tempfile, "gettempdir", lambda: str(fresh / "none"))
    assert copy_input(path).is_relative_to(memory)
    assert Path(input_copies.tempfile.tempdir).parent == memory  # for whoever needs one, too
    input_copies.remove_copies()
    input_copies._FOLDERS.clear()
    monkeypatch.setattr(input_copies, "MEMORY", fresh / "none")
    with pytest.raises(OutputError, match="TMPDIR"):
        copy_input(path)


def test_copies_of_earlier_waves_make_room(fresh, monkeypatch):
    """The oldest go first, none that is held."""
    monkeypatch.setattr(input_copies, "LARGEST", 3)
    copies = []
    for content in (b"abc", b"def", b"ghi"):
        path = fresh / f"{content.decode()}.csv"
        path.write_bytes(content)
        copy_inputs({path: "a.csv"})
        copies.append(copy_input(path))
    copy_inputs({})
    assert [copy.exists() for copy in copies] == [False, False, True]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX")
def test_what_a_killed_process_left_the_next_one_removes(fresh):
    """The folder of a process that lives stays; one that ends by itself leaves nothing."""
    (fresh / "a.csv").write_bytes(b"abc")
    code = (
        "import sys; from pathlib import Path; from sipas_analysis.input_copies import copy_input; "
    )
    code += "print(copy_input(Path('a.csv')).parents[1], flush=True); sys.stdin.readline()"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=fresh,
        env=os.environ | {"TMPDIR": str(fresh / "tmp")},
    )
    left = Path(process.stdout.readline().strip())
    own = copy_input(fresh / "a.csv").parents[1]
    assert {left, own} == {*(fresh / "tmp").iterdir()}
    process.kill()
    process.communicate()
    input_copies._FOLDERS.clear()
    (fresh / "a.csv").write_bytes(b"abcd")
    copy_input(fresh / "a.csv")
    assert not left.exists()
    assert own.exists()
