"""Write files whole or not at all, so that a crash never leaves half a report.

The content is written to a temporary file in the same folder, which is then renamed; a rename on
one disk is atomic. Every output of the package is written this way.
"""

import errno
import hashlib
import io
import os
import re
import sys
import tempfile
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sipas_analysis.errors import ChangedError, OutputError

_MODES = [0o666]  # of new files; the umask takes from it
_SHORTAGES = {
    getattr(errno, name, None)
    for name in ("ENOMEM", "ENOSPC", "EDQUOT", "EFBIG", "EMFILE", "ENFILE", "EAGAIN")
} - {None}
_SHORT = re.compile(
    r"out ?of ?memory|cannot allocate|start new thread|failed to map|bad_alloc", re.I
)
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def check_writable(folder: Path) -> Path:
    """Return ``folder`` if files can be written there; the folder is not made yet.

    Raises:
        OutputError: The folder, or the nearest parent that exists, cannot be written.
    """
    candidates = (folder, *folder.absolute().parents)
    nearest = next(candidate for candidate in candidates if candidate.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise OutputError("output", path=folder, why=nearest)
    return folder


@contextmanager
def write_privately() -> Iterator[None]:
    """Let only the user read files that are written meanwhile; else the umask says who may."""
    _MODES.append(0o600)
    try:
        yield
    finally:
        _MODES.pop()


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write ``content`` to ``path`` through a temporary file and a rename; return the path.

    Raises:
        OutputError: The folder cannot be made or written, or the disk is full.
    """
    encoded = content.encode("utf-8") if isinstance(content, str) else content
    neighbour = path.parent / f".aside-{uuid.uuid4().hex}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(neighbour, _NEW_FILE, _MODES[-1]), "wb") as handle:
            handle.write(encoded)
        neighbour.replace(path)
    except OSError as error:
        with suppress(OSError):
            neighbour.unlink(missing_ok=True)
        raise OutputError("output", path=path, why=error.strerror or error) from error
    return path


@dataclass(frozen=True)
class FileContent:
    """An input file as it was read: its public name, its hash and its size."""

    file: str
    sha256: str
    bytes: int


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def hash_if_there(path: Path) -> str | None:
    """Return the SHA-256 of a file, or None if the file is missing or cannot be read."""
    try:
        return hash_file(path) if path.is_file() else None
    except OSError:
        return None


def refuse_changed(paths: Iterable[Path | str]) -> None:
    """Refuse files that changed after they were read.

    Raises:
        ChangedError: There is such a file.
    """
    if names := ", ".join(sorted({Path(path).name for path in paths})):
        raise ChangedError("input_changed", file=names)


def lock_file(handle: int) -> bool:
    """Take the lock of an open file if it is free; the system frees it when the process ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def find_shortage(error: BaseException) -> OutputError | None:
    """Return a refusal if the system gave no memory, file, thread or room; the cause counts, too.

    Only the kind of the error is told: its text may quote answers.
    """
    cause: BaseException | None = error
    while cause is not None:
        code = cause.errno if isinstance(cause, OSError) else None
        if isinstance(cause, MemoryError) or code in _SHORTAGES or _SHORT.search(repr(cause)):
            why = os.strerror(code) if code else type(cause).__name__
            return OutputError("shortage", why=why)
        cause = cause.__cause__ or cause.__context__
    return None


def is_inside(path: Path, folder: Path | None) -> bool:
    """Return whether a file is in a folder, links followed; always true without a folder."""
    try:
        return folder is None or path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # a link to itself
        return False


def zip_parts(parts: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a zip of parts in the order given, without the time of day: same parts, same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts:
            header = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            header.compress_type, header.external_attr, header.create_system = 8, 0o600 << 16, 3
            archive.writestr(header, content)
    return buffer.getvalue()


def write_log(text: str) -> Path:
    """Write the details of an internal fault to the working folder, else to the temporary one."""
    for find_folder in (Path.cwd, tempfile.gettempdir):
        with suppress(OSError, OutputError), write_privately():
            return write_whole(Path(find_folder()) / "sipas-error.log", text)
    sys.stderr.write(text)
    return Path(os.devnull)
