"""Read printed numbers back from HTML, Word and Excel, if a number names its figure.

Anyone may have edited a file, so a file that cannot be read is reported; nothing is guessed.
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from sipas_analysis.extras import require_library
from sipas_analysis.messages import LANGUAGES, Language, format_number

if TYPE_CHECKING:
    from openpyxl import Workbook

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
LARGEST = 200_000_000  # bytes that one part of a Word file may unpack to
Named = tuple[str, str, Language]  # ``id#column``, the text, its language


@dataclass(frozen=True)
class PrintedNumber:
    """A number that a file prints: the id of its figure, the column, and the text."""

    id: str
    column: str
    text: str
    language: Language

    def agrees(self, exact: str | float | None) -> bool:
        """Return whether the text is that value, rounded to the digits of the text."""
        if exact is None:
            return False
        exact = float(exact) if exact in ("inf", "-inf") else exact
        places = len(self.text.partition("," if self.language == "vi" else ".")[2])
        try:
            return self.text == format_number(exact, self.language, places)
        except ArithmeticError:  # no number at all
            return False


def read_printed(path: Path) -> list[PrintedNumber]:
    """Return the named numbers of a file; none of a format that names no figure.

    Raises:
        ValueError: The file is not of the format in its name.
    """
    read_file = READERS.get(path.suffix)
    if read_file is None:
        return []
    language = next((code for code in LANGUAGES if f".{code}." in path.name), LANGUAGES[0])
    try:
        return [_printed_number(*named) for named in read_file(path, language)]
    except Exception as error:  # on a damaged file, parsers raise errors of many kinds
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _printed_number(name: str, text: str, language: Language) -> PrintedNumber:
    key, _, column = name.rpartition("#")
    return PrintedNumber(key, column, text, language)


class _FigureSpans(HTMLParser):
    """Collect the text of each element that names a figure, in the language around it."""

    def __init__(self, language: Language) -> None:
        super().__init__()
        self.numbers: list[Named] = []
        self.open_figure = ""
        self.languages = [language]  # of the elements around; a portal has two

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("html", "div", "span"):
            return
        attributes = dict(attrs)
        lang = attributes.get("lang")
        language = next((code for code in LANGUAGES if code == lang), self.languages[-1])
        self.languages.append(language)
        self.open_figure = attributes.get("data-figure") or ""
        if self.open_figure:
            self.numbers.append((self.open_figure, "", language))

    def handle_data(self, data: str) -> None:
        if self.open_figure:
            name, text, language = self.numbers[-1]
            self.numbers[-1] = (name, text + data, language)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("html", "div", "span"):
            self.open_figure = ""
            self.languages = self.languages[:-1] or self.languages


def _read_html(path: Path, language: Language) -> Iterator[Named]:
    spans = _FigureSpans(language)
    spans.feed(path.read_text("utf-8"))
    yield from spans.numbers


def _read_word(path: Path, language: Language) -> Iterator[Named]:
    """Yield each bookmarked number of a Word file, as the list inside names it."""
    with zipfile.ZipFile(path) as parts:
        body = ET.fromstring(read_part(parts, "word/document.xml"))  # noqa: S314 (size is checked)
        listed = [
            read_part(parts, name)
            for name in parts.namelist()
            if re.fullmatch(r"customXml/\w+\.xml", name)
        ]
    roots = [ET.fromstring(part) for part in listed]  # noqa: S314 (size is checked)
    lists = [root for root in roots if root.tag == "{urn:sipas:figures}figures"]
    marks = {
        row.get("mark", ""): f"{row.get('id')}#{row.get('column')}"
        for rows in lists
        for row in rows
    }
    for parent in body.iter():
        mark, text = "", ""
        for element in parent:
            if element.tag == f"{W}bookmarkStart":
                mark, text = element.get(f"{W}name", ""), ""
            elif element.tag == f"{W}bookmarkEnd" and mark in marks:
                yield marks.pop(mark), text, language
                mark = ""
            elif mark:
                text += "".join(run.text or "" for run in element.iter(f"{W}t"))
    for name in marks.values():  # the list names a bookmark that is not there
        yield name, "", language


def read_part(parts: zipfile.ZipFile, name: str) -> bytes:
    """Return one part of an office file; a part that is too large is refused."""
    if parts.getinfo(name).file_size > LARGEST:
        raise ValueError(f"{name} > {LARGEST}")
    return parts.read(name)


def _read_excel(path: Path, language: Language) -> Iterator[Named]:
    """Yield each number of a workbook that its hidden sheet names, as Excel shows it."""
    require_library("openpyxl")
    import openpyxl

    with zipfile.ZipFile(path) as parts:
        for name in parts.namelist():
            if parts.getinfo(name).file_size > LARGEST:
                raise ValueError(f"{name} > {LARGEST}")
    with path.open("rb") as handle:  # openpyxl leaves a damaged file open
        book = openpyxl.load_workbook(handle, read_only=True)
        for sheet, names_by_cell in _figures_by_cell(book).items():
            for cell in (cell for row in book[sheet].iter_rows() for cell in row):
                if cell.value is not None:
                    text = _format_cell(cell.value, str(cell.number_format), language)
                    for name, start in names_by_cell.pop(cell.coordinate, ()):
                        yield name, text if start is None else _find_number(text, start), language
            for names in names_by_cell.values():  # the hidden sheet names an empty cell
                for name, _ in names:
                    yield name, "", language


def _figures_by_cell(book: "Workbook") -> dict[str, dict[str, list[tuple[str, int | None]]]]:
    """Return the list in the hidden sheet: names of figures by sheet and cell.

    Beside each name is the place of the number inside a text; None if the number is the cell.
    """
    names: dict[str, dict[str, list[tuple[str, int | None]]]] = {}
    has_list = "ids" in book.sheetnames
    rows = book["ids"].iter_rows(min_row=2, values_only=True) if has_list else ()
    for sheet, cell, figure, column, _, *starts in rows:
        start = int(str(starts[0])) if starts and starts[0] not in (None, "") else None
        by_cell = names.setdefault(str(sheet), {})
        by_cell.setdefault(str(cell), []).append((f"{figure}#{column}", start))
    return names


def _find_number(text: str, start: int) -> str:
    """Return the number at a place of a text; empty if there is none."""
    number = re.match(r"−?(?:\d+(?:[.,]\d+)*|∞)", text[start:])
    return number[0] if number else ""


def _format_cell(value: object, number_format: str, language: Language) -> str:
    """Return a cell as Excel shows it."""
    digits = re.match(r"[#,0]*\.?(0*)", re.sub('"[^"]*"', "", number_format))
    places = len(digits[1]) if digits and "." in number_format else 0
    if not isinstance(value, int | float):
        return str(value)
    return format_number(f"{value:.{places}f}", language)


READERS: dict[str, Callable[[Path, Language], Iterator[Named]]] = {
    ".html": _read_html,
    ".docx": _read_word,
    ".xlsx": _read_excel,
}
