"""Lay out sheets and write them as a workbook: safe text, real numbers, fit to be printed.

Text is never run as a formula and contains no control character. A number keeps the decimals with
which it is printed (rule M6). The same sheets give the same bytes. Other modules decide the content
of the sheets.
"""

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from math import ceil, isfinite
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple, Protocol

from sipas_analysis.documents.model import (
    FigureReference,
    Number,
    Text,
    render_parts,
    render_text,
)
from sipas_analysis.extras import require_library
from sipas_analysis.files import write_whole
from sipas_analysis.messages import Language, read_catalogue
from sipas_analysis.rounding import round_to_text

LONGEST = 32_767  # characters of a cell; emoji count as two
NAME = 31  # characters of the name of a sheet
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
IDS = ("sheet", "cell", "id", "column", "value", "start")
LINE = 15.0  # points of a line of text
LETTERS = 1.25  # letters in the width of a digit, on average
EMPTY = 8.43  # default width of a column
NARROW = 5.2  # least width of a column of numbers
LEAST = 24  # least width of the column with the names of the rows
READABLE = 84  # least width of titles and notes
MANY = 20  # a table with more columns is set narrower
SHORT = 8  # characters; a text of at most so many is centred
WIDEST = 60  # characters of a column
NUMBERS_IN_WORDS = {"report.cautioned", "report.change.signed", "annex.sure"}  # stay numbers
LOOKS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 14, "align": "center", "border": 0},
    "subtitle": {"align": "center", "border": 0},
    "warning": {
        "bold": True,
        "font_color": "#5F280C",
        "bg_color": "#FDF3EC",
        "align": "center",
        "border": 0,
    },
    "note": {"font_size": 10, "font_color": "#44505E", "border": 0, "valign": "top"},
    "head": {"bold": True, "align": "center", "bg_color": "#DCEAF0"},
    "count": {"italic": True, "align": "center", "font_size": 9, "font_color": "#44505E"},
    "top": {"bold": True, "bg_color": "#F3F6F8"},
    "row": {},
}


class Cell(NamedTuple):
    """A cell: its value, words around a number, the figure of a number, a sheet to link to.

    ``figures`` are those of the numbers inside a text, each with its place in the text. A
    ``pattern`` is a number format of Excel, in place of the decimals.
    """

    value: object
    decimals: int = 0
    mark: str = ""
    sign: str = ""
    figure: FigureReference | None = None
    link: int | None = None
    figures: tuple[tuple[int, FigureReference], ...] = ()
    pattern: str = ""


Line = tuple[object, ...]


@dataclass(frozen=True)
class Sheet:
    """One sheet: lines above, one table whose ``top`` rows stay visible, notes below."""

    name: object
    titles: Line
    heads: Line
    rows: tuple[Line, ...]
    top: tuple[Line, ...] = ()
    notes: Line = ()
    warning: object = None
    fixed: int = 1

    def before(self) -> list[tuple[str, object]]:
        """Return the lines above the table with their looks."""
        looks = ["title", *["subtitle"] * len(self.titles)]
        lines: list[tuple[str, object]] = [*zip(looks, self.titles, strict=False)]
        return lines + ([("warning", self.warning)] if self.warning else [])

    def write_on(self, page: "Page", language: Language) -> None:
        """Write the sheet on a page of a workbook."""
        _write_sheet(page, self, language)


class Writable(Protocol):
    """A sheet of any kind, as far as a workbook depends on it."""

    @property
    def name(self) -> object:
        """Name of the sheet."""

    def write_on(self, page: "Page", language: Language) -> None:
        """Write the sheet on a page of a workbook."""


# ── from values to cells


def _convert_value(value: object, language: Language) -> Cell:
    """Return a cell whose value is a float, an int or clean text."""
    cell = value if isinstance(value, Cell) else Cell(value)
    content = cell.value
    while isinstance(content, Text) and content.id in NUMBERS_IN_WORDS:
        before, after = read_catalogue(language)[content.id].split("{value}")
        cell = cell._replace(sign=before + cell.sign, mark=after + cell.mark)
        content = content.fields["value"]
    if isinstance(content, Number):
        text = content.value if isinstance(content.value, str) else _format_digits(content)
        if text:
            decimals = len(text.partition(".")[2])
            value = float(text) if decimals else int(text)
            return cell._replace(value=value, decimals=decimals, figure=content.figure)
        content = render_text(content, language)
    if isinstance(content, int) or (isinstance(content, float) and cell.pattern):
        return cell._replace(value=content)
    text_cell = convert_text(content, language)
    return cell._replace(value=text_cell.value, figures=text_cell.figures, mark="", sign="")


def convert_text(value: object, language: Language) -> Cell:
    """Return a cell of clean text, with the figures of the numbers inside."""
    text, figures = "", list[tuple[int, FigureReference]]()
    for part in render_parts(value, language):
        if part.figure is not None and len(text) < LONGEST // 4:
            figures.append((len(text), part.figure))
        text += clean_text(part.text)
    return Cell(clean_text(text), figures=tuple(figures))


def _format_digits(number: Number) -> str:
    """Return a value rounded by rule M6 as digits; empty where there is none."""
    value = number.value
    if value is None or isinstance(value, str) or not isfinite(value):
        return ""
    return round_to_text(float(value), decimals=number.decimals)


def clean_text(text: str) -> str:
    """Drop characters that XML does not allow, and cut a text that is too long for a cell."""
    return ILLEGAL.sub("", text)[: LONGEST // 2]


def _make_sheet_names(wanted: Iterable[str]) -> list[str]:
    """Return valid and different names of sheets."""
    names: list[str] = []
    taken = {"history", "ids", "lists"}
    for text in wanted:
        plain = " ".join(re.sub(r"[\[\]:*?/\\']", " ", ILLEGAL.sub("", text)).split()) or "-"
        name, k = _shorten_name(plain, ""), 1
        while name.casefold() in taken:
            k += 1
            name = _shorten_name(plain, f" {k}")
        taken.add(name.casefold())
        names.append(name)
    return names


def _shorten_name(text: str, ending: str) -> str:
    """Return text and ending in the length of a sheet's name, as Excel counts it (UTF-16).

    A long text ends with a whole word, unless the word itself is long.
    """
    shown = text
    while len((shown + ending).encode("utf-16-le")) > 2 * NAME:
        shown = shown[:-1].rstrip()
    words, _, part = shown.rpartition(" ")
    is_cut_word = text[len(shown) :][:1].strip() and words and len(part) < SHORT
    return (words if is_cut_word else shown) + ending


# ── the workbook


def write_workbook(
    path: Path, sheets: Sequence[Writable], about: tuple[object, object, date], language: Language
) -> Path:
    """Write sheets, and a hidden one with the figure behind every number; return the path.

    Args:
        path: File of the workbook, written whole or not at all.
        sheets: The sheets in reading order; names are made valid and different.
        about: Title, author and day of the document; the day is never today's.
        language: Language of all texts.
    """
    require_library("xlsxwriter")
    import xlsxwriter

    from sipas_analysis.documents.writers.quick_sheet import QuickSheet

    out = io.BytesIO()
    safe = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(out, safe)
    book.worksheet_class = QuickSheet
    title, author = (clean_text(render_text(text, language)) for text in about[:2])
    day = datetime.combine(about[2], time())
    book.set_properties({"title": title, "author": author, "created": day})
    names = _make_sheet_names(render_text(sheet.name, language) for sheet in sheets)
    ids: list[Line] = []
    looks: dict[str, Any] = {}
    for sheet, name in zip(sheets, names, strict=True):
        page = Page(book, name, names, looks)
        sheet.write_on(page, language)
        ids += page.ids
    _write_ids(book, ids)
    book.close()
    return write_whole(path, out.getvalue())


class Page:
    """A sheet while it is written: the place of the next row, the widths of its columns."""

    def __init__(self, book: Any, name: str, names: Sequence[str], looks: dict[str, Any]) -> None:
        self.book, self.name, self.names, self.looks = book, name, names, looks
        self.sheet = book.add_worksheet(name)
        self.row, self.widths, self.middle = 0, [1.0], {0}
        self.ids: list[Line] = []

    def look(self, name: str, **more: object) -> Any:
        """Return a format; equal formats are shared."""
        base = {
            "font_name": "Times New Roman",
            "font_size": 11,
            "valign": "vcenter",
            "text_wrap": True,
            "border": 1,
            "border_color": "#9AA5B1",
        }
        key = f"{name}{more}"
        if key not in self.looks:
            self.looks[key] = self.book.add_format(base | LOOKS[name] | more)
        return self.looks[key]

    def across(self, look: str, cell: Cell) -> None:
        """Write a text over the whole width and go to the next row."""
        style, last, text = self.look(look), self.last, str(cell.value)
        size = style.font_size / 11
        self.sheet.merge_range(self.row, 0, self.row, last, "", style)
        self.sheet.write_string(self.row, 0, text, style)
        self._name_figures(0, cell.figures)
        width = sum(self.widths) + EMPTY * (last + 1 - len(self.widths))
        self.sheet.set_row(self.row, LINE * size * count_lines(text, width / size) + 3)
        self.row += 1

    @property
    def last(self) -> int:
        """The column up to which titles and notes go: wide enough to be read."""
        more = ceil((READABLE - sum(self.widths)) / EMPTY)
        return max(len(self.widths) - 1 + max(more, 0), 1)

    def line(self, look: str, cells: Sequence[Cell]) -> None:
        """Write a row of a table, as high as its texts need, and go to the next row."""
        for c, cell in enumerate(cells):
            (self._text if isinstance(cell.value, str) else self._number)(c, cell, look)
        texts = [str(cell.value) if isinstance(cell.value, str) else "" for cell in cells]
        lines = max(map(count_lines, texts, self.widths))
        self.sheet.set_row(self.row, LINE * lines + (3 if lines > 1 else 1))
        self.row += 1

    def _text(self, c: int, cell: Cell, look: str) -> None:
        text = str(cell.value)
        if cell.link is not None:
            go = f"internal:'{self.names[cell.link]}'!A1"
            style = self.look(look, font_color="#0B5E7A", underline=1)
            self.sheet.write_url(self.row, c, go, style, text)
            return
        at = {"align": "center"} if c in self.middle else {}
        self.sheet.write_string(self.row, c, text, self.look(look, **at))
        self._name_figures(c, cell.figures)

    def _number(self, c: int, cell: Cell, look: str) -> None:
        shown = f"0.{'0' * cell.decimals}" if cell.decimals else "#,##0"
        before, after = (f'"{words}"' if words else "" for words in (cell.sign, cell.mark))
        shown = cell.pattern or before + shown + after
        at = {"align": "center" if c in self.middle else "right"}
        self.sheet.write_number(self.row, c, cell.value, self.look(look, num_format=shown, **at))
        if cell.figure is not None:
            self._name_figures(c, (("", cell.figure),))

    def _name_figures(self, c: int, figures: Iterable[tuple[int | str, FigureReference]]) -> None:
        """Note the figures of a cell; a number inside a text has its place in the text."""
        from xlsxwriter.utility import xl_rowcol_to_cell_fast

        for start, figure in figures:
            place = xl_rowcol_to_cell_fast(self.row, c)
            exact = float(f"{figure.value:.10g}")
            self.ids.append((self.name, place, figure.id, figure.column, exact, start))


def _write_sheet(page: Page, sheet: Sheet, language: Language) -> None:
    """Write the lines above, the table and the notes; make it ready for screen and paper."""
    top, rows = (
        [[_convert_value(value, language) for value in row] for row in part]
        for part in (sheet.top, sheet.rows)
    )
    heads = [clean_text(render_text(head, language)) for head in sheet.heads]
    page.widths = _choose_widths(heads, [*top, *rows], sheet.fixed)
    for c, width in enumerate(page.widths):
        page.sheet.set_column(c, c, width)
    page.middle = _find_centred_columns([*top, *rows])
    for look, text in sheet.before():
        page.across(look, convert_text(text, language))
    head = page.row
    page.line("head", [Cell(text) for text in heads])
    for row in top:
        page.line("top", row)
    if top:
        page.line("count", [Cell(f"({c})") for c in range(1, len(heads) + 1)])
    body = page.row
    for row in rows:
        page.line("row", row)
    if rows:
        page.sheet.autofilter(body - 1, 0, page.row - 1, len(heads) - 1)
    for note in sheet.notes:
        page.across("note", convert_text(note, language))
    page.sheet.freeze_panes(body, min(sheet.fixed, len(heads) - 1))
    set_paper(page, head, body - 1)


def set_paper(page: Page, head: int, last_head: int) -> None:
    """Set A4 across, one page wide, heads on every page, page numbers."""
    page.sheet.set_landscape()
    page.sheet.set_paper(9)
    page.sheet.fit_to_pages(1, 0)
    page.sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
    page.sheet.center_horizontally()
    page.sheet.repeat_rows(head, last_head)
    page.sheet.print_area(0, 0, page.row - 1, page.last)
    page.sheet.set_footer("&C&P / &N")


def _write_ids(book: Any, ids: Sequence[Line]) -> None:
    """Write the hidden sheet that lists the figure of each cell."""
    if not ids:
        return
    sheet = book.add_worksheet("ids")
    for r, line in enumerate([IDS, *ids]):
        for c, value in enumerate(line):
            if isinstance(value, str):
                sheet.write_string(r, c, value)
            elif isinstance(value, int | float):
                sheet.write_number(r, c, value)
    sheet.hide()


def _choose_widths(heads: Sequence[str], rows: Sequence[Sequence[Cell]], fixed: int) -> list[float]:
    """Return widths by content: numbers are not cut, texts are wrapped within ``WIDEST``."""
    columns = [*zip(*rows, strict=True)] if rows else [()] * len(heads)
    widths = []
    many = len(heads) > MANY
    for c, (head, cells) in enumerate(zip(heads, columns, strict=True)):
        word = max(map(len, head.split()), default=1)
        widest = WIDEST if len(heads) < 6 else WIDEST / (1.8 if c < fixed else 2.6)
        texts = [len(_preview_cell(cell)) + (1 if many else 2) for cell in cells]
        least = NARROW if many or c < fixed - 1 else LEAST if c < fixed else 1.6 * NARROW
        widths.append(min(max([word * 1.1 + 1.5, least, *texts]), widest))
    return widths


def _preview_cell(cell: Cell) -> str:
    """Return a cell about as long as Excel shows it."""
    if isinstance(cell.value, str):
        return cell.value
    return f"{cell.sign}{cell.value:,.{cell.decimals}f}{cell.mark}"


def _find_centred_columns(rows: Sequence[Sequence[Cell]]) -> set[int]:
    """Return the columns whose cells are centred: serial numbers and short texts."""
    centred = set()
    for c, cells in enumerate(zip(*rows, strict=True)):
        texts = [cell.value for cell in cells if isinstance(cell.value, str)]
        whole = all(isinstance(cell.value, int) and cell.figure is None for cell in cells[-1:])
        if (c == 0 and whole) or (c > 1 and max(map(len, texts), default=SHORT + 1) <= SHORT):
            centred.add(c)
    return centred


def count_lines(text: str, width: float) -> int:
    """Estimate the lines of a text in a width given in digits; letters are narrower."""
    room = max(int(width * LETTERS), 1)
    if len(text) <= room and "\n" not in text:  # most cells
        return 1
    return max(1, sum(len(wrap(line, room)) or 1 for line in text.split("\n")))
