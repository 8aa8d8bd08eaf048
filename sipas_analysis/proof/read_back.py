"""Read back what was printed: every number in HTML, Word and Excel that names its figure.

Files may have been edited by anyone, so what cannot be read is said, never guessed.
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

from sipas_analysis.messages import LANGUAGES, Language, format_number

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
LARGEST = 200_000_000  # bytes that one part of a Word file may unfold to
Named = tuple[str, str, Language]  # ``id#column``, the text, its language


@dataclass(frozen=True)
class PrintedNumber:
    """A number as a file prints it: the figure it names, the column, and the text."""

    id: str
    column: str
    text: str
    language: Language

    def agrees(self, exact: str | float | None) -> bool:
        """Say whether the text is that value, rounded to as many digits as it shows."""
        if exact is None:
            return False
        exact = float(exact) if exact in ("inf", "-inf") else exact
        places = len(self.text.partition("," if self.language == "vi" else ".")[2])
        try:
            return self.text == format_number(exact, self.language, places)
        except ArithmeticError:  # no number at all
            return False


def read_printed(path: Path) -> list[PrintedNumber]:
    """Return the named numbers of a file; none of a kind that names none.

    Raises:
        ValueError: The file is not what its name says.
    """
    read = READERS.get(path.suffix)
    language = next((it for it in LANGUAGES if f".{it}." in path.name), LANGUAGES[0])
    if read is None:
        return []
    try:
        return [_printed_number(*one) for one in read(path, language)]
    except Exception as error:  # a damaged file fails in any way that its parsers know
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _printed_number(name: str, text: str, language: Language) -> PrintedNumber:
    key, _, column = name.rpartition("#")
    return PrintedNumber(key, column, text, language)


class _FigureSpans(HTMLParser):
    """Collect the text of each element that names a figure, in the language around it."""

    def __init__(self, language: Language) -> None:
        super().__init__()
        self.found: list[Named] = []
        self.open = ""
        self.around = [language]  # a portal speaks two

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("html", "span"):
            return
        own = dict(attrs)
        spoken = next((it for it in LANGUAGES if it == own.get("lang")), self.around[-1])
        self.around.append(spoken)
        self.open = own.get("data-figure") or ""
        if self.open:
            self.found.append((self.open, "", spoken))

    def handle_data(self, data: str) -> None:
        if self.open:
            name, text, spoken = self.found[-1]
            self.found[-1] = (name, text + data, spoken)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("html", "span"):
            self.open = ""
            self.around = self.around[:-1] or self.around


def _read_html(path: Path, language: Language) -> Iterator[Named]:
    spans = _FigureSpans(language)
    spans.feed(path.read_text("utf-8"))
    yield from spans.found


def _read_word(path: Path, language: Language) -> Iterator[Named]:
    """Yield each bookmarked number of a Word file, as the list inside names it."""
    with zipfile.ZipFile(path) as parts:
        body = ET.fromstring(_read_part(parts, "word/document.xml"))  # noqa: S314 (size is checked)
        listed = [
            _read_part(parts, name)
            for name in parts.namelist()
            if re.fullmatch(r"customXml/\w+\.xml", name)
        ]
    roots = [ET.fromstring(it) for it in listed]  # noqa: S314 (size is checked)
    lists = [root for root in roots if root.tag == "{urn:sipas:figures}figures"]
    marks = {
        one.get("mark", ""): f"{one.get('id')}#{one.get('column')}"
        for root in lists
        for one in root
    }
    for parent in body.iter():
        mark, text = "", ""
        for one in parent:
            if one.tag == f"{W}bookmarkStart":
                mark, text = one.get(f"{W}name", ""), ""
            elif one.tag == f"{W}bookmarkEnd" and mark in marks:
                yield marks.pop(mark), text, language
                mark = ""
            elif mark:
                text += "".join(it.text or "" for it in one.iter(f"{W}t"))
    for left in marks.values():
        yield left, "", language


def _read_part(parts: zipfile.ZipFile, name: str) -> bytes:
    if parts.getinfo(name).file_size > LARGEST:
        raise ValueError(f"{name} > {LARGEST}")
    return parts.read(name)


def _read_excel(path: Path, language: Language) -> Iterator[Named]:
    """Yield each number of a workbook that its hidden sheet names, as Excel shows it."""
    import openpyxl

    with zipfile.ZipFile(path) as parts:
        for name in parts.namelist():
            if parts.getinfo(name).file_size > LARGEST:
                raise ValueError(f"{name} > {LARGEST}")
    with path.open("rb") as handle:  # openpyxl leaves a damaged file open
        book = openpyxl.load_workbook(handle, read_only=True)
        rows = (
            book["ids"].iter_rows(min_row=2, values_only=True) if "ids" in book.sheetnames else ()
        )
        named: dict[str, dict[str, list[str]]] = {}
        for sheet, cell, figure, column, _ in rows:
            named.setdefault(str(sheet), {}).setdefault(str(cell), []).append(f"{figure}#{column}")
        for sheet, cells in named.items():
            for row in book[sheet].iter_rows():
                for held in row:
                    names = cells.pop(held.coordinate, ()) if held.value is not None else ()
                    for name in names:
                        yield (
                            name,
                            _format_cell(held.value, str(held.number_format), language),
                            language,
                        )
            for name in (it for names in cells.values() for it in names):  # nothing stands there
                yield name, "", language


def _format_cell(value: object, form: str, language: Language) -> str:
    """Return a cell as Excel shows it."""
    digits = re.match(r"[#,0]*\.?(0*)", form)
    places = len(digits[1]) if digits and "." in form else 0
    known = isinstance(value, int | float)
    return format_number(f"{value:.{places}f}", language) if known else str(value)


READERS: dict[str, Callable[[Path, Language], Iterator[Named]]] = {
    ".html": _read_html,
    ".docx": _read_word,
    ".xlsx": _read_excel,
}
