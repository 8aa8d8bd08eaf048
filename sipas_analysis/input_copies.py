"""Read each input once: copy it into a private folder while it is hashed, and parse the copy.

A copy is named by the hash of its bytes, so that the hash in a receipt is that of the bytes that
were parsed, whatever becomes of the original. All processes of a run on one machine use one folder;
the process that made it removes it. A folder that a killed process left is removed by the next one.

    <temporary folder>/sipas-inputs-<random>/<SHA-256>/<name of the file>
"""

import atexit
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from sipas_analysis.errors import FileError, OutputError
from sipas_analysis.files import FileContent, hash_if_there, lock_file, refuse_changed

BLOCK = 1 << 20  # bytes read at a time
LARGEST = 1 << 29  # bytes of copies that a process keeps beside those in use
MEMORY = Path("/dev/shm")  # noqa: S108 (a folder in memory, where no temporary folder is writable)
PREFIX, LOCK = "sipas-inputs-", ".inputs.lock"

_HELD: dict[str, str] = {}  # the hash that each input must have, by its absolute path
_MATCHED: dict[tuple[str, str], list[Path]] = {}  # files, by their folder and pattern
_FOLDERS: list[Path] = []  # where copies are; the last takes new ones
_OWNED: dict[Path, int] = {}  # the process that made a folder
_SEEN: dict[str, tuple[int, ...]] = {}  # size and times of each file when it was copied
_KEPT: dict[Path, int] = {}  # size of each copy that this process made, the oldest first


def copy_input(path: Path) -> Path:
    """Return the private copy of a file, under the same name; whoever parses an input opens this.

    Where the content of the file is held (``hold_files``), that content is returned, even if the
    file has changed or is gone. A file that is missing or cannot be read is returned itself, so
    that its reader refuses it.

    Raises:
        ChangedError: Another content is held, of which there is no copy.
        FileError: It exists, but cannot be read as a file.
        OutputError: There is no folder where a copy can be written.
    """
    wanted = _HELD.get(str(path.absolute()), "")
    held = _find_copy(wanted, path.name)
    if held is not None:
        return held
    copy = _copy_if_readable(path)
    refuse_changed([path] if wanted and (copy is None or hash_of_copy(copy) != wanted) else [])
    return copy or path


def copy_inputs(names: Mapping[Path, str]) -> dict[Path, FileContent]:
    """Copy each file that exists; return its public name, hash and size by its absolute path.

    Of files that are held, the content that is held counts. The first name is that of the wave.

    Raises:
        ChangedError: A file of the wave whose files are held has changed, came or went since.
        OutputError: There is no folder where a copy can be written.
    """
    _remove_oldest()
    copies = {path: copy for path in names if (copy := copy_input(path)) != path}
    contents = {
        path.absolute(): FileContent(names[path], hash_of_copy(copy), copy.stat().st_size)
        for path, copy in copies.items()
    }
    here = [*map(str, contents)]
    if _HELD and here[:1] == [*_HELD][:1]:
        refuse_changed(_HELD.keys() ^ {*here})
    return contents


def find_changed(hashes: Mapping[str, str]) -> list[Path]:
    """Return files that have not these hashes any more, or were written to since their copying."""
    changed = []
    for path, wanted in hashes.items():
        try:
            state = _describe_state(Path(path).stat())
        except (OSError, ValueError):
            state = ()
        if state != _SEEN.get(path, state) or hash_if_there(Path(path)) != wanted:
            changed.append(Path(path))
    return changed


def refuse_rewritten(inputs: Mapping[Path, FileContent], others: Iterable[Path]) -> None:
    """Refuse inputs that changed since they were read, unless held, and files that came since.

    Raises:
        ChangedError: There is such a file; a missing one of ``others`` is left to its reader.
    """
    hashes = {str(path): content.sha256 for path, content in inputs.items()}
    changed = find_changed({path: sha for path, sha in hashes.items() if path not in _HELD})
    with release_files():
        refuse_changed([*changed, *filter(is_there, others)])


def is_there(path: Path) -> bool:
    """Return whether a file exists; while files are held, whether it is one of them."""
    if _HELD:
        return str(path.absolute()) in _HELD
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long a name, or no name at all
        return False


def find_file(path: Path, name: str) -> Path | None:
    """Return the file that a path names, or the file ``name`` of the folder that it names."""
    inside = path / name
    if is_there(inside) or path.is_dir():
        return inside
    return path if is_there(path) or path.exists() else None


def match_files(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a folder that match a pattern, sorted; as before while files are held.

    Raises:
        ValueError: The pattern is none; also NotImplementedError, OSError.
    """
    key = (str(folder.absolute()), pattern)
    if not _HELD or key not in _MATCHED:
        _MATCHED[key] = sorted(folder.glob(pattern))
    return _MATCHED[key]


def hash_of_copy(copy: Path) -> str:
    """Return the SHA-256 of the bytes of a copy, which its folder is named by."""
    return copy.parent.name


@contextmanager
def hold_files(hashes: Mapping[str, str]) -> Iterator[None]:
    """Let only contents with these hashes be read, by absolute path; calls may be nested.

    Raises:
        ChangedError: An outer call holds another content of a file.
    """
    before = dict(_HELD)
    refuse_changed(path for path, wanted in hashes.items() if before.get(path, wanted) != wanted)
    _HELD.update(hashes)
    try:
        yield
    finally:
        _HELD.clear()
        _HELD.update(before)


@contextmanager
def release_files() -> Iterator[None]:
    """Look at files as they are now, although others are held."""
    held, matched = dict(_HELD), dict(_MATCHED)
    _HELD.clear()
    try:
        yield
    finally:
        for kept, before in ((_HELD, held), (_MATCHED, matched)):
            kept.clear()
            kept.update(before)  # type: ignore[arg-type]  # of one kind each


def keep_copy(copy: Path) -> Path:
    """Keep a copy to the end of the process, for whoever reads it piece by piece; return it."""
    _KEPT.pop(copy, None)
    return copy


def share_folder() -> str:
    """Return the folder of copies for a process that this one starts; see ``use_folder``."""
    return str(next(_list_folders(), ""))


def use_folder(folder: str) -> None:
    """Look for copies in the folder of the process that started this one; it must outlive it."""
    if folder and Path(folder).is_dir():  # else on another machine
        _FOLDERS.insert(0, Path(folder))


def _find_copy(sha256: str, name: str) -> Path | None:
    """Return the copy of a content under a name, if there is one."""
    copies = (folder / sha256 / name for folder in _FOLDERS if sha256)
    return next((copy for copy in copies if copy.is_file()), None)


def _copy_if_readable(path: Path) -> Path | None:
    """Copy a file while it is hashed; nothing if it is missing or cannot be read."""
    try:
        original = path.open("rb") if path.is_file() else None
        content = original.read(BLOCK) if original else b""
    except (OSError, ValueError):
        original = None
    if original is None:
        _refuse_unreadable(path)
        return None
    with original:
        start = _describe_state(os.fstat(original.fileno()))
        known = None
        if len(content) < BLOCK:  # of a small file nothing is written if there is a copy
            known = _find_copy(hashlib.sha256(content).hexdigest(), path.name)
        copy = known or _write_copy(original, path)
        end = _describe_state(os.fstat(original.fileno()))
    refuse_changed([] if start == end else [path])
    _SEEN[str(path.absolute())] = start
    return copy


def _describe_state(state: os.stat_result) -> tuple[int, ...]:
    """Return what differs once a file was written to, even if its old content was put back."""
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns


def _refuse_unreadable(path: Path) -> None:
    """Refuse what exists but is no file that can be read: a pipe or a device would never end."""
    is_unreadable = False
    with suppress(OSError, ValueError):
        is_unreadable = path.exists() and not path.is_dir()
    if is_unreadable:
        raise FileError("file_missing", file=path)


def _write_copy(original: IO[bytes], path: Path) -> Path:
    """Copy an open file into the first folder that takes it, and return the copy."""
    why: OSError | None = None
    for folder in _list_folders():
        aside = folder / uuid.uuid4().hex
        try:
            digest, n_bytes = _copy_bytes(original, aside)
            copy = folder / digest / path.name
            copy.parent.mkdir(mode=0o700, exist_ok=True)
            aside.replace(copy)
        except OSError as error:  # full, or a limit on the size of files
            why = error
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            continue
        _KEPT[copy] = n_bytes
        return copy
    raise OutputError("no_copy", path=path.name, why=why.strerror if why else "")


def _copy_bytes(original: IO[bytes], aside: Path) -> tuple[str, int]:
    """Write the bytes of an open file to a new private one; return their hash and number."""
    digest, n_bytes = hashlib.sha256(), 0
    original.seek(0)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as copy:
        while block := original.read(BLOCK):
            digest.update(block)
            copy.write(block)
            n_bytes += len(block)
    return digest.hexdigest(), n_bytes


def _remove_oldest() -> None:
    """Remove the oldest copies of files that are not held, where they take too much room."""
    for copy in [*_KEPT]:
        if sum(_KEPT.values()) <= LARGEST:
            return
        if hash_of_copy(copy) not in _HELD.values():
            del _KEPT[copy]
            with suppress(OSError):
                copy.unlink()


def _list_folders() -> Iterator[Path]:
    """Yield folders for copies: the one in use, then new ones wherever one can be made."""
    yield from reversed(_FOLDERS)
    roots = [MEMORY]
    with suppress(OSError):  # no temporary folder at all
        roots.insert(0, Path(tempfile.gettempdir()))
    for root in roots:
        if not any(folder.parent == root for folder in _FOLDERS):
            with suppress(OSError):
                _FOLDERS.append(_make_folder(root))
                if root == MEMORY:  # for whoever else needs a temporary folder
                    tempfile.tempdir = str(_FOLDERS[-1])
                yield _FOLDERS[-1]


def _make_folder(root: Path) -> Path:
    """Make the folder of this process, which only its user can open; remove those left there."""
    for left in root.glob(f"{PREFIX}*/{LOCK}"):
        _remove_left(left)
    hidden = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=root))
    handle = os.open(hidden / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    lock_file(handle)
    folder = hidden.rename(root / hidden.name[1:])
    _OWNED[folder] = os.getpid()
    atexit.register(remove_copies)
    return folder


def _remove_left(lock: Path) -> None:
    """Remove the folder of a process that has ended: the lock of a living one is taken."""
    with suppress(OSError):
        handle = os.open(lock, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        try:
            if lock_file(handle):
                shutil.rmtree(lock.parent, ignore_errors=True)
        finally:
            os.close(handle)


def remove_copies() -> None:
    """Remove the folders of this process, at its end; a forked process has none."""
    for folder, owner in _OWNED.items():
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)
