"""Read a large text file by column where all lines are plain: the same cells in less time.

Plain lines have the same number of cells, no line end within a cell, quotes only around whole cells
and no space before a cell. Every other file is read row by row (``text_files.py``), which also says
what is wrong with it.
"""

import csv
import io
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.sheets.text_columns import ColumnRows, keep_by_column, number_texts

SEPARATORS = (",", ";", "\t", "|")
WRONG_CODE = ("áº", "á»", "Ä‘")  # of Vietnamese that was saved in a wrong code
_MARK = b"\xef\xbb\xbf"  # of UTF-8
_SPACE, _LINE_END, _RETURN, _QUOTE = map(ord, ' \n\r"')
_PIECE = 2**22  # bytes that are looked at together
_CHUNK = 50_000  # lines that are read together

Bytes = NDArray[np.uint8]


def read_regular_text(content: bytes) -> ColumnRows | None:
    r"""Return a large UTF-8 file of plain lines by column; None for any other file.

    Example:
        >>> lines = ["unit,A1", *['"so, a",5'] * 20_000]
        >>> rows = read_regular_text("\n".join(lines).encode())
        >>> len(rows), rows[20_000]
        (20001, ['so, a', '5'])
    """
    start = len(_MARK) if content.startswith(_MARK) else 0
    counts = dict.fromkeys((*SEPARATORS, "\n"), 0)
    for piece in _list_pieces(content, start):
        for sign in counts:
            counts[sign] += int(np.count_nonzero(piece == ord(sign)))
    n_lines = counts.pop("\n")
    separator, rival = sorted(counts, key=counts.__getitem__, reverse=True)[:2]
    if not keep_by_column(n_lines) or counts[rival] >= n_lines or _is_odd(content, start):
        return None
    widths = {_find_width(piece, ord(separator)) for piece in _list_pieces(content, start)}
    if len(widths) > 1 or widths & {0, 1}:
        return None
    try:
        return _read_columns(io.BytesIO(content[start:]), separator)
    except UnicodeDecodeError:
        return None


def _is_odd(content: bytes, start: int) -> bool:
    """Return whether a text names its separator, has odd line ends, or may be in another code."""
    return (
        content.isspace()
        or b"\0" in content
        or content[start : start + 4].lower() == b"sep="
        or content.startswith(_MARK, start)
        or content.count(b"\r") != content.count(b"\r\n")
        or sum(content.count(text.encode()) for text in WRONG_CODE) > 2
    )


def _list_pieces(content: bytes, start: int) -> Iterator[Bytes]:
    """Yield whole lines, some millions of bytes at a time."""
    while start < len(content):
        end = content.rfind(b"\n", start, start + _PIECE) + 1 or content.find(b"\n", start) + 1
        piece = np.frombuffer(content[start : end or len(content)], np.uint8)
        yield piece if end else np.append(piece, np.uint8(_LINE_END))
        start = end or len(content)


def _find_width(lines: Bytes, separator: int) -> int:
    """Return how many cells each of some whole lines has; 0 if one is not plain."""
    is_quote, is_end = lines == _QUOTE, lines == _LINE_END
    is_inside = np.bitwise_xor.accumulate(is_quote)  # from each first quote to before its second
    is_border = ((lines == separator) & ~is_inside) | is_end
    borders, quotes = np.flatnonzero(is_border), np.flatnonzero(is_quote)
    first, behind = quotes[::2], quotes[1::2] + 1
    starts_cell = np.append(True, is_border[:-1])
    at_ends = np.flatnonzero(is_end[borders])
    is_plain = (
        not is_inside[borders].any()
        and (starts_cell[first] | is_quote[first - 1]).all()  # of two quotes in a cell the second
        and (is_border[behind] | is_quote[behind] | (lines[behind] == _RETURN)).all()
        and not (lines[borders[:-1] + 1] == _SPACE).any()
        and lines[0] != _SPACE
        and np.diff(borders[at_ends], prepend=-1).max() <= csv.field_size_limit()
    )
    widths = np.diff(at_ends, prepend=-1)
    return int(widths[0]) if is_plain and (widths == widths[0]).all() else 0


def _read_columns(content: io.BytesIO, separator: str) -> ColumnRows:
    """Return the columns of plain lines, read and numbered some lines at a time."""
    chunks = pd.read_csv(
        content,
        sep=separator,
        header=None,
        dtype=object,
        na_filter=False,
        skip_blank_lines=False,
        chunksize=_CHUNK,
        low_memory=False,
    )
    names: list[str] = []
    numbers: list[dict[str, int]] = []  # of each text of a column, in the order of appearance
    parts: list[list[NDArray[np.unsignedinteger]]] = []
    for chunk in chunks:
        first = 0 if names else 1
        names = names or chunk.iloc[0].tolist()
        numbers = numbers or [{} for _ in names]
        parts = parts or [[] for _ in names]
        for at, number in enumerate(numbers):
            part = number_texts(chunk[at].to_numpy()[first:])
            new = [number.setdefault(text, len(number)) for text in part.categories]
            parts[at].append(np.array(new, np.min_scalar_type(len(number)))[part.codes])
    columns = (
        pd.Categorical.from_codes(np.concatenate(part), pd.Index([*number], dtype=object))
        for part, number in zip(parts, numbers, strict=True)
    )
    return ColumnRows(names, [*columns])
