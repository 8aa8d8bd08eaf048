"""One entry of ``responses:`` in ``wave.yaml``: some files of answers, and how they are read.

The words of an entry (columns, labels, codes of no answer) add to those of the wave and go first.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from sipas_analysis.arguments import check_file_name
from sipas_analysis.errors import ConfigError, FileError
from sipas_analysis.input_copies import is_there, match_files
from sipas_analysis.instrument.strict_yaml import Strict
from sipas_analysis.sheets.texts import fold_text

Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
FileName = Annotated[str, AfterValidator(check_file_name)]
Row = Annotated[int, Field(ge=1)]


def _make_list(value: object) -> object:
    """Return a list; a value that is not a list becomes a list of one value."""
    return value if isinstance(value, list | tuple) else [value]


def _check_header(rows: tuple[int, ...]) -> tuple[int, ...]:
    """Refuse header rows that do not stand one below the other."""
    if [*rows] != [*range(rows[0], rows[0] + len(rows))]:
        raise ConfigError("header_order")
    return rows


def _check_range(rows: str) -> str:
    """Refuse rows that are not written ``6-60`` or ``6``."""
    match = re.fullmatch(r"([1-9]\d*)(?:-([1-9]\d*))?", rows)
    if not match or int(match[1]) > int(match[2] or match[1]):
        raise ConfigError("row_range")
    return rows


def _read_empty_list(value: object) -> object:
    """Return an empty list for a key without a value, and a list of one for a single value."""
    return () if value in ("", "null") else _make_list(value)


Texts = Annotated[tuple[str, ...], BeforeValidator(_make_list)]
FileNames = Annotated[tuple[FileName, ...], BeforeValidator(_make_list)]
Hidden = Literal["", "read", "skip"]
Dates = Literal["", "d/m", "m/d"]
Decimal = Literal["", "comma", "point"]


class Columns(Strict):
    """Roles of columns, by header text; items and indicators are recognised by code or wording.

    ``join`` names the columns of a question that was asked in several versions; ``recode`` maps
    texts of a profile question to its choices; ``ignore: rest`` ignores every other column.
    ``dossier`` holds the code of the dossier that a form is about (rule D7).
    """

    form: str = ""
    unit: str = ""
    mode: str = ""
    date: str = ""
    weight: str = ""
    stratum: str = ""
    cluster: str = ""
    fpc: str = ""
    count: str = ""
    operator: str = ""
    time: str = ""
    dossier: str = ""
    items: Mapping[str, str] = {}
    indicators: Mapping[str, str] = {}
    keys: Mapping[Code, str] = {}
    blank: Mapping[str, tuple[str, ...]] = {}
    labels: Mapping[str, int] = {}
    join: Mapping[str, tuple[str, ...]] = {}
    recode: Mapping[str, Mapping[str, str]] = {}
    ignore: Annotated[tuple[str, ...], BeforeValidator(_read_empty_list)] = ()

    def find_words(self, code: str, header: str) -> tuple[tuple[str, ...], dict[str, str]]:
        """Return the codes of no answer and the recodes of a column, named by code or header."""
        names = {fold_text(code), fold_text(header)}
        blanks = [texts for name, texts in self.blank.items() if fold_text(name) in names]
        recodes = [words for name, words in self.recode.items() if fold_text(name) in names]
        blank = tuple(text for texts in blanks for text in texts)
        return blank, {text: word for words in recodes for text, word in words.items()}


ROLES = tuple(name for name, part in Columns.model_fields.items() if part.annotation is str)


class Responses(Strict):
    """Some files of answers: a name or a pattern, the rows of their header, and how they are read.

    ``columns``, ``labels`` and ``blank`` add to those of the wave; ``hidden``, ``dates`` and
    ``decimal`` replace those of the wave.
    """

    file: FileName
    sheet: str = ""
    header: Annotated[
        tuple[Row, ...],
        BeforeValidator(_make_list),
        Field(min_length=1, max_length=2),
        AfterValidator(_check_header),
    ] = (1,)
    rows: Annotated[
        tuple[Annotated[str, AfterValidator(_check_range)], ...], BeforeValidator(_make_list)
    ] = ()
    blank: tuple[str, ...] = ()
    unit: str = ""
    columns: Columns = Columns()
    labels: Mapping[str, int] = {}
    hidden: Hidden = ""
    dates: Dates = ""
    decimal: Decimal = ""

    def merge_columns(self, columns: Columns) -> Columns:
        """Return the columns of the wave with those and the labels of this entry."""
        changes = {}
        for name in Columns.model_fields:
            before, after = getattr(columns, name), getattr(self.columns, name)
            if name == "labels":
                after = {**after, **self.labels}
            if name in ("items", "indicators", "keys"):
                headers = {fold_text(header) for header in after.values()}
                before = {
                    code: header
                    for code, header in before.items()
                    if fold_text(header) not in headers
                }
            if name in self.columns.model_fields_set or after:
                changes[name] = _add_words(before, after)
        return columns.model_copy(update=changes)

    def list_paths(self, folder: Path) -> list[Path]:
        """Return the file of that very name, else all files that match it as a pattern.

        The lock files of Excel (``~$…``) are left out.

        Raises:
            FileError: There is no such file.
        """
        return list_matches(folder, self.file)


def _add_words(before: object, after: object) -> object:
    """Return mappings and lists with those of an entry added; any other word replaces the first."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        added = {key: _add_words(before.get(key), value) for key, value in after.items()}
        return {**before, **added}
    if isinstance(before, tuple) and isinstance(after, tuple):
        return (*before, *after)
    return after


def list_matches(folder: Path, file: str) -> list[Path]:
    """Return the file of that very name, else all files that match it; see ``Responses``.

    Raises:
        FileError: There is no such file.
    """
    paths = [path for path in _match_files(folder, file) if path.name[:2] != "~$"]
    if not paths:
        raise FileError("glob_empty", file=file, folder=folder)
    return paths


def _match_files(folder: Path, pattern: str) -> list[Path]:
    """Return the file of that very name, else all files that match it as a pattern."""
    try:
        if is_there(folder / pattern) or not any(sign in pattern for sign in "*?"):
            return [folder / pattern]
        return match_files(folder, pattern.replace("[", "[[]"))  # brackets are part of a name
    except (ValueError, NotImplementedError, OSError):  # no pattern, or too long a name
        return []
