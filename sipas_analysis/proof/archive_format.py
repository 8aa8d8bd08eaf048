"""Check that a zip holds nothing but its parts: no byte before, between or after them.

A zip can hide files that one program unpacks and another does not see. An archive of this program
has a single form, ``files.zip_parts``, so every byte that is not the content of a part is
known beforehand.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

LOCAL, CENTRAL, END = "<4s5H3L2H", "<4s4B4H3L5H2L", "<4s4H2LH"
DAY, DEFLATED, IS_UTF8, VERSION, UNIX, MODE = 33, 8, 0x800, 20, 3, 0o600 << 16
CHUNK = 1 << 20  # bytes


def find_foreign_bytes(path: Path) -> Iterator[str]:
    """Yield what a zip holds beside its parts, as a few technical words; nothing if all is right.

    Raises:
        zipfile.BadZipFile: It is no zip.
    """
    with zipfile.ZipFile(path) as archive, path.open("rb") as handle:
        parts = archive.infolist()
        names = [part.filename for part in parts]
        if names != sorted(names):
            yield "order of the parts"
        place, central = 0, b""
        for part in parts:
            header = _local_header(part)
            if part.header_offset != place or handle.read(len(header)) != header:
                yield f"{part.filename}: header, or bytes before it"
                return
            if not _is_one_stream(handle, part.compress_size):
                yield f"{part.filename}: bytes after its content"
            central += _central_header(part)
            place += len(header) + part.compress_size
        end = struct.pack(END, b"PK\5\6", 0, 0, *[len(parts) & 0xFFFF] * 2, len(central), place, 0)
        if handle.read() != central + end:
            yield "list of the parts, a comment, or bytes after it"


def _local_header(part: zipfile.ZipInfo) -> bytes:
    """Return the bytes before the content of a part."""
    name, flag = _encode_name(part)
    sizes = part.CRC, part.compress_size, part.file_size
    fields = VERSION, flag, DEFLATED, 0, DAY, *sizes, len(name), 0
    return struct.pack(LOCAL, b"PK\3\4", *fields) + name


def _central_header(part: zipfile.ZipInfo) -> bytes:
    """Return the entry of a part in the list at the end."""
    name, flag = _encode_name(part)
    sizes = part.CRC, part.compress_size, part.file_size
    fields = VERSION, UNIX, VERSION, 0, flag, DEFLATED, 0, DAY, *sizes, len(name)
    return struct.pack(CENTRAL, b"PK\1\2", *fields, 0, 0, 0, 0, MODE, part.header_offset) + name


def _encode_name(part: zipfile.ZipInfo) -> tuple[bytes, int]:
    """Return the name of a part as bytes, and the flag that tells whether it is UTF-8."""
    name = part.filename
    return name.encode("utf-8"), 0 if name.isascii() else IS_UTF8


def _is_one_stream(handle: BinaryIO, size: int) -> bool:
    """Return whether a part of a file is one compressed stream to its end."""
    stream = zlib.decompressobj(-15)
    for start in range(0, size, CHUNK):
        try:
            stream.decompress(handle.read(min(CHUNK, size - start)))
        except zlib.error:
            return False
    return stream.eof and not stream.unused_data
