"""Read the text of a PDF that this program typeset, line by line; other PDFs give what is found.

No library of the lock reads PDF. Typst writes each object in plain form, each page as one
compressed stream, and for each font a table from codes to letters, so that a few patterns suffice.
"""

import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256

OBJECT = re.compile(rb"(\d+) \d+ obj\s(.*?)\sendobj", re.DOTALL)
STREAM = re.compile(rb"stream\r?\n(.*)\r?\nendstream", re.DOTALL)
SHOWN = re.compile(  # a font, a text in brackets or in hexadecimal, the end of a text object
    rb"/(\w+) [\d.]+ Tf|\(((?:\\.|[^\\()])*)\)|<([0-9A-Fa-f]*)>(?!>)|\b(ET)\b", re.DOTALL
)
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
ACTIONS = re.compile(rb"/(?:JavaScript|JS|OpenAction|AA|Launch|EmbeddedFile|SubmitForm)\b")
LARGEST = 50_000_000  # bytes of one stream
Objects = Mapping[bytes, bytes]  # content by number


def read_pdf(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield pieces as ``file_contents`` names them: text by line, links, scripts, other objects."""
    objects = {match[1]: match[2] for match in OBJECT.finditer(content)}
    pages = [body for body in objects.values() if re.search(rb"/Type\s*/Page\b", body)]
    for page in pages:
        fonts = _read_fonts(page, objects)
        for number in re.findall(rb"/Contents\s*\[?\s*((?:\d+ \d+ R\s*)+)", page):
            for reference in re.findall(rb"(\d+) \d+ R", number):
                stream = _unpack(objects.get(reference, b""))
                yield from (("text", line) for line in _read_lines(stream, fonts))
    for body in objects.values():
        for title in re.findall(rb"/(?:Title|Alt|Contents)\s*<([0-9A-Fa-f]+)>", body):
            yield "text", _decode(title)
        yield from (("link", str(link)) for link in re.findall(rb"/URI\s*\((.*?)\)", body))
        yield from (("script", str(name)) for name in ACTIONS.findall(body))
        yield "layout", sha256(body).hexdigest()
    yield "part", f"{len(objects)} objects, {content.count(b'%%EOF')} ends"


def _decode(digits: bytes) -> str:
    """Return the letters of a text in hexadecimal UTF-16."""
    return bytes.fromhex(digits.decode()).decode("utf-16-be", "replace").lstrip("\ufeff")


def _unpack(body: bytes) -> bytes:
    """Return the stream of an object; nothing if there is none."""
    match = STREAM.search(body)
    if match is None:
        return b""
    with suppress(zlib.error):
        return zlib.decompressobj().decompress(match[1], LARGEST)
    return match[1]


def _read_fonts(page: bytes, objects: Objects) -> dict[bytes, dict[int, str]]:
    """Return for each font of a page which letters its codes are."""
    resources = re.search(rb"/Resources\s+(\d+)", page)
    listed = objects.get(resources[1], b"") if resources else page
    fonts = {}
    for name, number in re.findall(rb"/(\w+)\s+(\d+) \d+ R", listed):
        table = re.search(rb"/ToUnicode\s+(\d+)", objects.get(number, b""))
        if table:
            pairs = re.findall(
                rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]+)>\s", _unpack(objects.get(table[1], b""))
            )
            fonts[name] = {int(code, 16): _decode(letters) for code, letters in pairs}
    return fonts


def _read_lines(stream: bytes, fonts: Mapping[bytes, Mapping[int, str]]) -> Iterator[str]:
    """Yield the text of each text object of a page."""
    letters: Mapping[int, str] = {}
    line = ""
    for font, plain, digits, end in SHOWN.findall(stream):
        if font:
            letters = fonts.get(font, {})
        elif end:
            yield line
            line = ""
        else:
            codes = bytes.fromhex(digits.decode()) if len(digits) % 4 == 0 else b""
            codes = codes or _unescape(plain)
            pairs = zip(codes[::2], codes[1::2], strict=False)
            line += "".join(letters.get(256 * high + low, "") for high, low in pairs)


def _unescape(text: bytes) -> bytes:
    """Return a text of a PDF without its backslashes."""

    def replace(match: "re.Match[bytes]") -> bytes:
        if match[1].isdigit():
            return bytes([int(match[1], 8) & 255])
        return ESCAPES.get(match[1], match[1])

    return re.sub(rb"\\([0-7]{1,3}|.)", replace, text, flags=re.DOTALL)
