"""Large sheets kept by column: each distinct text of a column once, and its number for each row.

A row of texts needs some 350 bytes for its 40 cells, their numbers need 40 bytes.
"""

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.sheets.texts import tidy_text

MANY_ROWS = 20_000  # from so many rows on a sheet is kept by column

Flags = NDArray[np.bool_]
Numbers = NDArray[np.integer]


def keep_by_column(n_rows: int) -> bool:
    """Return whether a sheet of so many rows is kept by column."""
    return n_rows >= MANY_ROWS


def number_texts(texts: Sequence[str] | NDArray[np.object_]) -> pd.Categorical:
    """Return a column of texts as numbers of its distinct texts, in the order of appearance.

    Example:
        >>> column = number_texts(["5", "4", "", "5"])
        >>> [*column.categories], column.codes.tolist()
        (['5', '4', ''], [0, 1, 2, 0])
    """
    number, distinct = pd.factorize(np.asarray(texts, dtype=object))
    return pd.Categorical.from_codes(number, pd.Index(distinct, dtype=object))


def number_column(column: "pd.Series[str]") -> tuple[Numbers, NDArray[np.object_]]:
    """Return the number of each text of a column, and the distinct texts in any order.

    A column of numbers is not numbered again, unless texts are without a row by now.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, texts = np.asarray(column.cat.codes), column.cat.categories
        is_whole = len(codes) > 0 and codes.min() >= 0  # no cell without a text
        if is_whole and np.bincount(codes, minlength=len(texts)).all():
            return codes, np.asarray(texts, dtype=object)
    number, distinct = pd.factorize(column)
    return number, np.asarray(distinct, dtype=object)


def has_text(column: "pd.Series[str]") -> Flags:
    """Return which cells of a column hold more than spaces."""
    number, distinct = number_column(column)
    flags = [text.isalnum() or bool(tidy_text(text)) for text in distinct]
    return np.array(flags, dtype=bool)[number]


class ColumnRows(Sequence[list[str]]):
    """The rows of a sheet that is kept by column: names first, each row made when it is read.

    Attributes:
        names: Row 1.
        columns: The rows below, by column; all of the same length.
    """

    def __init__(self, names: Sequence[str], columns: Sequence[pd.Categorical]) -> None:
        self.names, self.columns = [*names], [*columns]

    def __len__(self) -> int:
        return 1 + len(self.columns[0])

    @overload
    def __getitem__(self, at: int) -> list[str]: ...

    @overload
    def __getitem__(self, at: slice) -> list[list[str]]: ...

    def __getitem__(self, at: int | slice) -> list[str] | list[list[str]]:
        rows = range(len(self))[at]
        if isinstance(rows, range):
            return [self[row] for row in rows]
        return [str(column[rows - 1]) for column in self.columns] if rows else [*self.names]

    def __iter__(self) -> Iterator[list[str]]:
        yield [*self.names]
        yield from map(list, zip(*self.columns, strict=True))

    def make_frame(self, first_row: int) -> pd.DataFrame:
        """Return the rows from ``first_row`` (the names are row 1) on; columns by position."""
        columns = {at: column[first_row - 2 :] for at, column in enumerate(self.columns)}
        index = pd.RangeIndex(first_row, len(self) + 1)
        frame = pd.DataFrame(columns, index, copy=False)
        is_filled = np.zeros(len(frame), dtype=bool)
        for at in frame if len(frame) else ():
            is_filled |= has_text(frame[at])
        return frame if is_filled.all() else frame[is_filled]
