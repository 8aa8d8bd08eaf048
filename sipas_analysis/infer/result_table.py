"""What all results have in common: a table that can be copied, shown, exported and published.

A result is printed narrow: the columns that matter, the wording of items beside their codes.
``wide()`` shows all columns. ``to_frame()`` is always the whole table, with codes and numbers as
they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Self

import pandas as pd

from sipas_analysis.arguments import check_path, check_word
from sipas_analysis.documents.model import Table
from sipas_analysis.extras import require_library
from sipas_analysis.files import write_whole
from sipas_analysis.infer.printed_result import LONGEST_VIEW, Printing, ResultPart, make_table
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES, Language, say

SUPPRESS = "suppress"  # the flag of a figure that must not be published (rule P2)


class _WithFrame:
    """Has a table; each result declares it among its own fields, in its own place."""

    frame: pd.DataFrame


@dataclass(frozen=True, eq=False, repr=False)
class ResultTable(_WithFrame):
    """A result: a table, the sentences that belong to it, and how it is printed.

    Attributes:
        frame: The table; each result says what its columns are.
        wording: Text of each code in both languages; empty where codes have none.
        language: Language of sentences, headings and numbers.
        shows_all: Whether all columns are printed, see ``wide``.
    """

    decimals: ClassVar[int] = 2
    index_name: ClassVar[str] = ""  # of a table whose index names its rows
    main_columns: ClassVar[tuple[str, ...]] = ()  # of the narrow table; the usual ones if empty

    wording: Mapping[str, Bilingual] = field(default_factory=dict, kw_only=True)
    language: Language = field(default="en", kw_only=True)
    shows_all: bool = field(default=False, kw_only=True)

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the whole table as a pandas frame."""
        return self.frame.copy()

    def wide(self) -> Self:
        """Return the same result, printed with all columns, each end of an interval on its own.

        Example:
            >>> import pandas as pd
            >>> import sipas_analysis as sipas
            >>> frame = pd.DataFrame({"y": [1.0, 2, 4], "x": [1.0, 2, 3]})
            >>> test = sipas.t_test(sipas.Design(frame), "y").wide()
            >>> print(test.to_markdown().splitlines()[0])  # doctest: +ELLIPSIS
            | Variable | Contrast | Estimate | SE | Low | High | Statistic | df | df 2 | p | n | ...
        """
        return replace(self, shows_all=True)

    def translate(self, language: Language) -> Self:
        """Return the same result, printed in Vietnamese (``vi``) or English (``en``)."""
        check_word(language, LANGUAGES, "language")
        return replace(self, language=language)

    def print_like(self, other: "ResultTable") -> Self:
        """Return the same result, printed as another one: wording, language and width."""
        return replace(
            self, wording=other.wording, language=other.language, shows_all=other.shows_all
        )

    def sentences(self) -> list[str]:
        """Return the sentences above the table."""
        return []

    def to_markdown(
        self, path: str | Path | None = None, *, lang: Language | None = None, caption: str = ""
    ) -> str:
        """Return the printed table as Markdown, and write it to a file if there is a path.

        Args:
            path: File to write; none if left out.
            lang: ``vi`` or ``en``; the language of the result if left out.
            caption: Title of the table.

        Returns:
            A table with pipes; every mark of Markdown and HTML in texts is escaped. The sentences
            of the result stand below. A result without rows has the headings alone.

        Example:
            >>> import pandas as pd
            >>> import sipas_analysis as sipas
            >>> frame = pd.DataFrame({"y": [1.0, 2, 4]})
            >>> print(sipas.t_test(sipas.Design(frame), "y").to_markdown(lang="vi"))
            | Biến | Giá trị | Sai số chuẩn | Khoảng tin cậy | Thống kê | p | Số phiếu |
            | :-- | --: | --: | --: | --: | --: | --: |
            | y | 2,3333 | 0,8819 | −8,8725 đến 13,5392 | 2,6458 | 0,230 | 3 |
            <BLANKLINE>
        """
        from sipas_analysis.documents.writers.markdown import render_markdown

        shown = self._in(lang)
        return _save(path, render_markdown(shown.make_tables(caption), shown.language))

    def to_latex(
        self,
        path: str | Path | None = None,
        *,
        lang: Language | None = None,
        caption: str = "",
        label: str = "",
    ) -> str:
        r"""Return the printed table as LaTeX, and write it to a file if there is a path.

        Args:
            path: File to write, for ``\input``; none if left out.
            lang: ``vi`` or ``en``; the language of the result if left out.
            caption: Title of the table.
            label: Label to refer to.

        Returns:
            A ``table`` with the rules of booktabs; more than 40 rows are a ``longtable``. Every
            special character of texts is escaped; letters of Unicode stay.

        Example:
            >>> import pandas as pd
            >>> import sipas_analysis as sipas
            >>> frame = pd.DataFrame({"y": [1.0, 2, 4]})
            >>> print(sipas.t_test(sipas.Design(frame), "y").to_latex().splitlines()[6])
            y & 2.3333 & 0.8819 & $-$8.8725 to 13.5392 & 2.6458 & 0.230 & 3 \\
        """
        from sipas_analysis.documents.writers.latex import render_latex

        shown = self._in(lang)
        return _save(path, render_latex(shown.make_tables(caption), shown.language, label))

    def to_excel(
        self, path: str | Path, *, lang: Language | None = None, caption: str = ""
    ) -> Path:
        """Write the printed table to a workbook; each further table of the result has a sheet.

        Numbers are those of the frame, unrounded, shown with the decimals of print; the ends of an
        interval have a column each. Codes are text, and no text is a formula. The same result
        gives the same bytes.

        Args:
            path: File to write, whole or not at all.
            lang: ``vi`` or ``en``; the language of the result if left out.
            caption: Title above the table.

        Returns:
            The path.

        Raises:
            OutputError: The file cannot be written.
        """
        from sipas_analysis.documents.writers.xlsx_tables import write_xlsx_tables

        shown = self._in(lang)
        tables = shown.make_tables(caption)
        return write_xlsx_tables(tables, _read_path(path), shown.language)

    def to_word(self, path: str | Path, *, lang: Language | None = None, caption: str = "") -> Path:
        """Write the printed table as a Word file: A4, the head repeats on every page.

        Args:
            path: File to write, whole or not at all.
            lang: ``vi`` or ``en``; the language of the result if left out.
            caption: Title of the table; Word numbers it.

        Returns:
            The path. The same result gives the same bytes.

        Raises:
            OutputError: The file cannot be written.
        """
        require_library("docx", "fontTools")  # before the writer is imported
        from sipas_analysis.documents.writers.docx_tables import write_docx_tables

        shown = self._in(lang)
        tables = shown.make_tables(caption)
        return write_docx_tables(tables, _read_path(path), shown.language)

    def make_tables(self, caption: str = "") -> list[Table]:
        """Return the printed tables, headings in words: the same for all formats.

        A row with the flag ``suppress`` keeps its name and loses its numbers (rule P2).
        """
        printing = Printing(self.language, self.wording, self.shows_all, hidden_flag=SUPPRESS)
        notes = [*self.sentences(), *self._warn_hidden()]
        return self._print_parts(printing, caption, notes)

    def _print_parts(
        self,
        printing: Printing,
        caption: str = "",
        notes: Sequence[str] = (),
        most_rows: int | None = None,
    ) -> list[Table]:
        """Return the printed tables; caption and notes are those of the main one."""
        main, *others = self._list_parts()
        first = make_table(main, printing, caption=caption, notes=notes, most_rows=most_rows)
        return [first, *(make_table(part, printing, most_rows=most_rows) for part in others)]

    def _in(self, language: Language | None) -> Self:
        return self if language is None else self.translate(language)

    def _list_parts(self) -> list[ResultPart]:
        """Return the tables of the result, the main one first."""
        return [self._make_part("", self.frame)]

    def _make_part(self, name: str, frame: pd.DataFrame, decimals: int | None = None) -> ResultPart:
        """Return a table of the result with its keys and decimals."""
        digits = self._choose_decimals() if decimals is None else decimals
        frame = frame.rename(columns=str)
        if name:
            return ResultPart(name, frame, digits)
        keys = tuple(self._list_row_keys())
        if self.index_name:
            index_name = str(frame.index.name or self.index_name)
            frame = frame.rename_axis(index_name).reset_index()
            keys = (index_name, *keys)
        return ResultPart(name, frame, digits, keys, self.main_columns)

    def _list_row_keys(self) -> list[str]:
        """Return the columns that name a row and hold codes."""
        return []

    def _choose_decimals(self) -> int:
        """Return the decimals of the numbers."""
        return self.decimals

    def _warn_hidden(self) -> list[str]:
        """Return a warning if a row must not be published."""
        n = int((self.frame["flag"] == SUPPRESS).sum()) if "flag" in self.frame else 0
        return [say(self.language, "result.suppressed", n=n)] if n else []

    def _view_tables(self) -> list[Table]:
        """Return the tables of a view: names of columns as heads, long ones cut."""
        is_code = self.language == "en"
        printing = Printing(self.language, self.wording, self.shows_all, names_columns=is_code)
        return self._print_parts(printing, most_rows=LONGEST_VIEW)

    def __repr__(self) -> str:
        from sipas_analysis.documents.writers.table_text import render_lines

        tables = ["\n".join(render_lines(table, self.language)) for table in self._view_tables()]
        return "\n".join([*self.sentences(), "\n\n".join(tables)])

    def _repr_html_(self) -> str:
        from sipas_analysis.documents.writers.table_html import render_view

        return render_view(self.sentences(), self._view_tables(), self.language)


def _save(path: str | Path | None, text: str) -> str:
    """Write a text to a file, if there is a path, and return it."""
    if path is not None:
        write_whole(_read_path(path), text)
    return text


def _read_path(path: str | Path) -> Path:
    check_path(path)
    return Path(path)
