"""Read a text file (CSV) into rows: its code, its separator and its quotes are found or refused."""

import csv
import io
import re
from collections import Counter
from sys import intern

from sipas_analysis.errors import FileError, Place
from sipas_analysis.sheets.file_kinds import UTF_16_MARKS
from sipas_analysis.sheets.regular_text import SEPARATORS, WRONG_CODE

_LINE_END = re.compile(r"\r\n?|\n")
Rows = list[list[str]]


def read_text_rows(content: bytes, file: str) -> Rows:
    """Return the rows of a text file; a row has the number that a spreadsheet shows.

    The separator is the one that makes most rows equally wide, or that of a first line ``sep=;``.

    Raises:
        FileError: The text is empty or in an old code, two separators fit, or a quote is not
            closed, so that a cell would swallow the rows below.
    """
    text = decode_text(content, file)
    directive = re.match(r"sep=(.)\r?\n", text, re.IGNORECASE)
    text = text[directive.end() :] if directive else text
    if not text.strip():
        raise FileError("file_empty", file=file)
    signs = [directive[1]] if directive else sorted(SEPARATORS, key=text.count, reverse=True)
    readings, ranks = {}, list[tuple[int, int, str]]()
    for sign in signs:
        if not ranks or text.count(sign) >= ranks[0][0]:  # a rarer sign parts fewer rows
            readings[sign] = _split_rows(text, sign)
            ranks = sorted([*ranks, (*_measure_rows(readings[sign][0]), sign)], reverse=True)
    n_equal, width, separator = ranks[0]
    rows, is_closed = readings[separator]
    if width > 1 and len(ranks) > 1 and n_equal == ranks[1][0] == sum(any(row) for row in rows):
        raise FileError("which_separator", file=file, first=separator, second=ranks[1][2])
    n_lines = text.count("\n") + text.count("\r") - text.count("\r\n")
    has_lines = len(rows) != n_lines + (text[-1] not in "\r\n")  # within cells
    swallowed = _find_swallowed(rows, width, separator) if has_lines else 0
    row = swallowed if is_closed else len(rows) + 1
    if row:
        raise FileError("open_quote", [Place(file, row)])
    mixed = [
        Place(file, number)
        for number, cells in enumerate(rows, start=1)
        if len(cells) == 1 and width > 4 and width - 1 in map(cells[0].count, SEPARATORS)
    ]
    if mixed:
        raise FileError("mixed_separators", mixed, separator=separator.replace("\t", "TAB"))
    return rows


def decode_text(content: bytes, file: str) -> str:
    """Return the text of a UTF-8 or UTF-16 file; text that was saved in a wrong code is refused."""
    start = content[:2000]
    encoding = "utf-8-sig"
    if start[:2] in UTF_16_MARKS:
        encoding = "utf-16"
    elif b"\0" in start:
        encoding = "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text or sum(map(text.count, WRONG_CODE)) > 2:
        raise FileError("file_encoding", file=file)
    return text.lstrip("\ufeff")


def _split_rows(text: str, separator: str) -> tuple[Rows, bool]:
    """Return the rows up to the first quote that is not closed, and whether there is none."""
    rows: Rows = []
    content = io.BytesIO(text.encode("utf-8", "surrogatepass"))
    lines = io.TextIOWrapper(content, "utf-8", "surrogatepass", newline="")  # a quarter of StringIO
    try:
        for row in csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True):
            rows.append([*map(intern, row)])  # each distinct text once
    except csv.Error:
        return rows, False
    return rows, True


def _measure_rows(rows: Rows) -> tuple[int, int]:
    """Return how many rows have the most frequent width of two cells or more, and that width."""
    widths = Counter(len(row) for row in rows if len(row) > 1)
    width, n_rows = widths.most_common(1)[0] if widths else (1, 0)
    return n_rows, width


def _find_swallowed(rows: Rows, width: int, separator: str) -> int:
    """Return the first row with a cell that holds whole rows, 0 if there is none.

    A cell may have line ends. In a cell between two stray quotes each line has exactly the
    separators of a row, the first and the last line those of its part.
    """
    for number, row in enumerate(rows, start=1):
        for position, cell in enumerate(row):
            if "\n" in cell or "\r" in cell:
                counts = [line.count(separator) for line in _LINE_END.split(cell)]
                has_row = width - 1 in counts[1:-1]
                has_rows = len(counts) > 3 and {*counts[1:-1]} == {width - 1}
                has_ends = (counts[0], counts[-1]) == (width - 1 - position, position)
                if has_rows or (has_row and has_ends) or (width > 4 and (has_row or has_ends)):
                    return number
    return 0
