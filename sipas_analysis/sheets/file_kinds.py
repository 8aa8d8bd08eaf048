"""Find what a file is by its content, as its name may be wrong."""

import re
import zipfile
import zlib
from pathlib import Path

from sipas_analysis.errors import FileError
from sipas_analysis.messages import LANGUAGES, say

TEXT_ENDINGS = (".csv", ".tsv", ".txt")
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
WORKBOOKS = ("xlsx", "xlsb", "xls", "ods")
_OTHER_ENDINGS = ("xlsm", "sav", "dta", "parquet", "csv", "tsv", "zip")
ANSWER_ENDINGS = tuple(f".{kind}" for kind in (*WORKBOOKS, *_OTHER_ENDINGS))
READABLE = (*WORKBOOKS, "text", "texts", "sav", "dta", "parquet")
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, RuntimeError)  # the last: version, password
LARGEST = 1_000_000_000  # bytes that a file may unfold to
_KIND_BY_START = {
    rb"%PDF": "pdf",
    rb"\x89PNG|\xff\xd8\xff|GIF8|II\*\x00|MM\x00\*|BM....\x00\x00": "image",
    rb"Rar!|7z\xbc\xaf|\x1f\x8b": "archive",
    rb"PAR1": "parquet",
    rb"\$FL[23]": "sav",
    rb"<stata_dta>|[h-s][\x01\x02]\x01\x00": "dta",
    rb"\{\\rtf": "document",
    rb"\W*<(!doctype html|html|head|meta|style|table|div)\b|mime-version:": "page",
    rb"\W*<\?(xml|mso)": "xml",
}
_XLS_PASSWORD = re.compile(
    rb"\x09\x08[\x08\x10]\x00\x00[\x05\x06]\x05\x00.{4}(?:.{8})?(?:\x86\x00\x00\x00)?/\x00",
    re.DOTALL,
)
_KIND_BY_STREAM = {"EncryptedPackage": "password", "Workbook": "xls", "Book": "xls"}
_KIND_BY_PART = {
    "xl/workbook.xml": "xlsx",
    "xl/workbook.bin": "xlsb",
    "word/document.xml": "document",
    "ppt/presentation.xml": "document",
    "Index/Document.iwa": "numbers",
}


def find_kind(path: Path) -> str:
    """Return what a file holds, one of ``READABLE``.

    Raises:
        FileError: It is missing, empty, damaged or of a kind that is not read; says how to convert.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError:
        raise FileError("file_missing", file=path) from None
    if not start:
        raise FileError("file_empty", file=path.name)
    kind = _find_zip_kind(path) if start.startswith(b"PK\x03\x04") else _match_start(path, start)
    if kind not in READABLE:
        sentences = {language: say(language, f"file_kind.{kind}") for language in LANGUAGES}
        raise FileError("file_kind", file=path.name, kind=sentences)
    return kind


def _match_start(path: Path, start: bytes) -> str:
    """Return the kind of a file that is no archive; a text must be named as one."""
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        content = path.read_bytes()
        if _XLS_PASSWORD.search(content):
            return "password"
        streams = (name for name in _KIND_BY_STREAM if name.encode("utf-16-le") in content)
        return _KIND_BY_STREAM.get(next(streams, ""), "document")
    for pattern, kind in _KIND_BY_START.items():
        if any(re.match(pattern, text, re.I) for text in (start, start.replace(b"\0", b""))):
            return kind
    if path.suffix.lower() in TEXT_ENDINGS:
        return "text"
    if path.suffix.lower() == ".gsheet":
        return "link"
    is_text = start[:2] in UTF_16_MARKS or not re.search(rb"[\x00-\x08\x0e-\x1f]", start)
    return "disguise" if is_text and path.suffix.lower().startswith((".xls", ".ods")) else "other"


def _find_zip_kind(path: Path) -> str:
    """Return the kind of a packed file: a workbook, texts, or another."""
    try:
        with zipfile.ZipFile(path) as parts:
            infos = {info.filename: info for info in parts.infolist() if not info.is_dir()}
            is_calc = b"spreadsheet" in parts.read("mimetype") if "mimetype" in infos else False
            manifest = parts.read("META-INF/manifest.xml") if is_calc else b""
    except (*_ZIP_ERRORS, OSError, KeyError, ValueError, EOFError) as error:
        raise FileError("file_broken", file=path.name, why=error) from None
    sizes = [(info.file_size, info.compress_size) for info in infos.values()]
    is_bomb = any(size > 50_000_000 and size > 200 * packed for size, packed in sizes)
    if is_bomb or sum(size for size, _ in sizes) > LARGEST:
        raise FileError("file_unfolds", file=path.name, mb=sum(size for size, _ in sizes) // 10**6)
    if any(info.flag_bits & 1 for info in infos.values()) or b"encryption-data" in manifest:
        return "password"
    if is_calc:
        return "ods"
    texts = [name for name in infos if not name.startswith("__MACOSX")]
    if texts and all(name.lower().endswith(TEXT_ENDINGS) for name in texts):
        return "texts"
    return next((kind for part, kind in _KIND_BY_PART.items() if part in infos), "archive")
