"""Write files whole or not at all, so that a crash never leaves half a report.

Text becomes a file by writing a neighbour with another name and renaming it: on one disk a
rename is all or nothing. Readers of other rooms use it for every output.
"""

import hashlib
import io
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from sipas_analysis.errors import OutputError


def check_writable(folder: Path) -> Path:
    """Return ``folder`` if it can be written or made; nothing is made yet.

    Raises:
        OutputError: The folder, or the nearest one above it that exists, takes no files.
    """
    nearest = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise OutputError("output", path=folder, why=nearest)
    return folder


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write ``content`` to ``path`` through a neighbour file and a rename; return the path.

    Raises:
        OutputError: The folder cannot be made or written, or the disk is full.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    aside = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".aside-", delete=False) as handle:
            aside = Path(handle.name)
            handle.write(data)
        aside.chmod(0o644)
        aside.replace(path)
    except OSError as error:
        if aside is not None:
            aside.unlink(missing_ok=True)
        raise OutputError("output", path=path, why=error.strerror or error) from error
    return path


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def hash_if_there(path: Path) -> str | None:
    """Return the SHA-256 of a file, or nothing if it is not there or cannot be read."""
    try:
        return hash_file(path) if path.is_file() else None
    except OSError:
        return None


def is_inside(path: Path, folder: Path | None) -> bool:
    """Say whether a file truly lies in a folder, if there is one to keep to."""
    try:
        return folder is None or path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # a link to itself
        return False


def zipped(parts: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a zip of parts in the order given, without the time of day: same parts, same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in parts:
            part = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            part.compress_type, part.external_attr, part.create_system = 8, 0o600 << 16, 3
            made.writestr(part, data)
    return out.getvalue()


def write_log(text: str) -> Path:
    """Write the details of a fault of ours here, or beside other temporary files if we may not."""
    for folder in (Path.cwd(), Path(tempfile.gettempdir())):
        try:
            (folder / "sipas-error.log").write_text(text, "utf-8")
        except OSError:
            continue
        return folder / "sipas-error.log"
    sys.stderr.write(text)
    return Path(os.devnull)
