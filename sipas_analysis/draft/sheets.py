"""Recognise the sheets of answers among an office's files: questionnaire, header, columns, unit.

A header is a row of names: a row of numbers or of answers is never taken for one. A questionnaire
is recognised by at least half of its items, and only if most codes in the header are its own.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path

import pandas as pd

from sipas_analysis.collect.cell_state import keep_forms
from sipas_analysis.collect.columns import (
    PlacedColumns,
    place_columns,
    propose_items,
    propose_overall,
)
from sipas_analysis.collect.form_rows import Readers
from sipas_analysis.collect.headers import fold_header, list_names, recognise_header
from sipas_analysis.collect.likeness import LEAST
from sipas_analysis.collect.readings import make_level_reader
from sipas_analysis.collect.responses import Columns
from sipas_analysis.collect.row_rules import find_split_questions, place_split_questions
from sipas_analysis.collect.tables import (
    Table,
    find_table,
    find_tick_grids,
    is_below_names,
    name_columns,
)
from sipas_analysis.collect.vocabulary import read_vocabulary
from sipas_analysis.errors import FileError
from sipas_analysis.instrument.answer_levels import list_words, order_columns
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.sheets.reader import Sheet, read_sheets
from sipas_analysis.sheets.texts import fold_text, plain_text, tidy_text

HEADER_ROWS = 60  # a title page and more
_NO_NAME = re.compile(r"[\W\d_]*")  # a number, a date, a mark
_CODE = re.compile(r"[a-z]{1,4}\d+")
_LETTER = re.compile(r"\([A-Z]{1,3}\)")  # how ``find_table`` names a column without a name
_ITEM_NUMBER = re.compile(r"(?:(?:câu(?: hỏi)?|tiêu chí|question|item)\s*|[cq])?0*([1-9]\d{0,2})")


@dataclass(frozen=True)
class DraftSheet:
    """One sheet of answers, with what was recognised in it.

    Attributes:
        path: The file.
        table: Header and forms.
        placed: What each column is.
        readers: How to read each item, by header.
        roles: Header by role, and of the overall item (``overall``).
        unit: Name of the unit of all forms, if no column names it.
        nearest: Header by code of an item that the header may mean, to be confirmed.
        is_numbered: Whether the items are known by their place in the questionnaire only.
    """

    path: Path
    table: Table
    placed: PlacedColumns
    readers: Readers
    roles: dict[str, str]
    unit: str
    nearest: Mapping[str, str]
    is_numbered: bool = False

    @property
    def titles(self) -> list[list[str]]:
        """Texts of each row above the header."""
        above = self.table.sheet.rows[: min(self.table.header) - 1]
        return [[*filter(None, map(tidy_text, row))] for row in above]

    def count_units(self) -> dict[str, int]:
        """Return how many forms each name of a unit has in the sheet."""
        column = self.roles.get("unit") if not self.unit else None
        names = self.table.frame[column] if column else pd.Series([self.unit])
        counts = names.map(tidy_text).value_counts(sort=False)
        return {str(name): int(n) for name, n in counts.items()}


@dataclass
class SheetFiles:
    """The sheets of some files, and the files that hold none."""

    sheets: list[tuple[Path, Sheet]] = field(default_factory=list)
    errors: dict[Path, FileError] = field(default_factory=dict)


def expand_files(files: Iterable[Path]) -> list[Path]:
    """Return the files of folders and patterns; lock files of Excel (``~$…``) are left out."""
    paths: list[Path] = []
    for path in files:
        inside = path.iterdir() if path.is_dir() else path.parent.glob(path.name)
        matches = [] if path.is_file() else sorted(match for match in inside if match.is_file())
        paths += matches or [path]
    return [path for path in dict.fromkeys(paths) if not path.name.startswith(("~$", "."))]


def list_sub_folders(files: Iterable[Path]) -> list[Path]:
    """Return the folders in some folders, without those of another wave and hidden ones."""
    inside = [path for folder in files if folder.is_dir() for path in sorted(folder.iterdir())]
    return [
        path
        for path in inside
        if path.is_dir() and path.name[0] != "." and not (path / "wave.yaml").exists()
    ]


def read_files(paths: Iterable[Path]) -> SheetFiles:
    """Read every sheet with a text of some files.

    Raises:
        FileError: A file is missing or cannot be read; another kind of file is only listed.
    """
    files = SheetFiles()
    for path in paths:
        if not path.is_file():
            raise FileError("file_missing", file=path)
        try:
            files.sheets += [(path, sheet) for sheet in read_sheets(path)]
        except FileError as error:
            if error.message_id not in ("file_kind", "file_empty"):
                raise
            files.errors[path] = error
    return files


def find_header(sheet: Sheet, pack: Instrument) -> tuple[tuple[int, ...], int]:
    """Return the header that names most items, and their number; then most columns, fewest rows."""
    names = list_names(pack)
    last = min(HEADER_ROWS, len(sheet.rows) - 1)
    headers = [(row,) for row in range(1, last + 1)]
    pairs = [(row - 1, row) for row in range(2, last + 1)]
    best: tuple[tuple[int, int, int], tuple[int, ...]] = ((0, 0, 0), ())
    for header in [*headers, *pairs]:
        rows = [sheet.rows[row - 1] for row in header]
        if not (all(map(holds_names, rows)) or find_tick_grids(rows)):
            continue
        texts = [name for name in name_columns(rows) if name]
        targets = [recognise_header(text, names, sheet.labels.get(text, "")) for text in texts]
        codes = {target[1] for target in targets if target and target[1] in pack.items}
        foreign = [
            text
            for text, target in zip(texts, targets, strict=True)
            if not target and _CODE.fullmatch(fold_header(text))
        ]
        rank = (len(codes) if len(foreign) <= len(codes) else 0, len(texts), -len(header))
        best = max(best, (rank, header), key=lambda fit: fit[0])
    return best[1], best[0][0]


def holds_names(row: Sequence[str]) -> bool:
    """Return whether a row may hold names of columns: mostly words, and few of them repeat."""
    texts = [fold_text(text) for text in row if tidy_text(text)]
    words = [text for text in texts if not _NO_NAME.fullmatch(text)]
    return 2 * len(words) > len(texts) and 2 * len(set(words)) > len(words)


def find_names(sheet: Sheet) -> tuple[int, ...]:
    """Return the header of an unknown questionnaire: the first with most names, of one row or two.

    Two rows are a header if the upper one names columns that the lower one leaves unnamed, and the
    lower one columns of a group.
    """
    rows = [[*map(tidy_text, row)] for row in sheet.rows]
    named = [row for row, cells in enumerate(rows[:HEADER_ROWS], 1) if holds_names(cells)]
    counts: dict[tuple[int, ...], int] = {(row,): sum(map(bool, rows[row - 1])) for row in named}
    for row in {*named} & {row - 1 for row in named}:
        pairs = [*zip_longest(rows[row - 1], rows[row], fillvalue="")]
        n_above, n_below = (sum(map(bool, names)) for names in zip(*pairs, strict=True))
        n_columns = sum(map(any, pairs))
        is_group = n_above > 2 and n_columns > max(n_above, n_below)
        if is_group and not _recurs(rows, row):
            counts[row, row + 1] = n_columns
    return max(counts, key=lambda header: (counts[header], -header[0]), default=())


def _recurs(rows: Sequence[Sequence[str]], at: int) -> bool:
    """Return whether most texts of a row stand again below it in their columns, as answers do."""
    below = [{*column} for column in zip_longest(*rows[at + 1 :], fillvalue="")]
    texts = [(text, column) for text, column in zip(rows[at], below, strict=False) if text]
    return 2 * sum(text in column for text, column in texts) > len(texts)


def is_letter(header: str) -> bool:
    """Return whether a header is the letter of a column without a name, which says nothing."""
    return _LETTER.fullmatch(header) is not None


def find_numbered_header(sheet: Sheet, pack: Instrument) -> tuple[tuple[int, ...], dict[str, str]]:
    """Return the rows whose names number all items of a pack in order, and the headers by code."""
    singles = [(row,) for row in range(1, min(HEADER_ROWS, len(sheet.rows)) + 1)]
    for header in filter(None, [find_names(sheet), *singles]):
        names = name_columns([sheet.rows[row - 1] for row in header])
        matches = [(name, _ITEM_NUMBER.fullmatch(fold_header(name))) for name in names]
        headers = {name: int(match[1]) for name, match in matches if match}
        numbers = [*headers.values()]
        is_whole = len(numbers) in (len(pack.items), len(pack.rated_codes))
        is_run = numbers == [*range(1, len(numbers) + 1)] and len(numbers) > pack.scale.high
        if is_whole and is_run and not (len(header) == 1 and is_below_names(sheet, header[0])):
            return header, dict(zip(pack.rated_codes, headers, strict=False))
    return (), {}


def recognise_sheets(
    files: SheetFiles, pack: Instrument, *, is_named: bool = False
) -> list[DraftSheet]:
    """Return the sheets in which at least half of the items are recognised or nearly so.

    Of a pack that the user has named, the headers may be the numbers of the items. A file without
    such a sheet is listed among the errors of ``files``.
    """
    sheets, n_found = [], dict.fromkeys((path for path, _ in files.sheets), 0)
    for path, sheet in files.sheets:
        header, n_items = find_header(sheet, pack)
        n_found[path] = max(n_found[path], n_items)
        fits = header and 2 * (n_items + count_near(sheet, header, pack)) >= len(pack.items)
        rows, numbered = find_numbered_header(sheet, pack) if is_named and not fits else ((), {})
        if rows:
            sheets.append(_recognise_sheet(path, find_table(sheet, rows), pack, numbered))
        elif fits:
            draft = _recognise_sheet(path, find_table(sheet, header), pack, {})
            sheets += [] if draft.table.frame.empty else [draft]
    sheets = _add_units(sheets, files)
    with_ids = [draft for draft in sheets if "form" in draft.roles]
    ids = [text for draft in with_ids for text in draft.table.frame[draft.roles["form"]]]
    for draft in with_ids if len(set(ids)) < len(ids) else ():
        del draft.roles["form"]  # a running number that restarts
    for path in [path for path in n_found if path not in {sheet.path for sheet in sheets}]:
        fields = {"pack": pack.id, "n_items": len(pack.items), "found": n_found[path]}
        error = FileError("nothing_recognised", (), file=path.name, rows=HEADER_ROWS, **fields)
        files.errors[path] = error
    return sheets


def recognise_others(
    files: SheetFiles, sheets: Sequence[DraftSheet], pack: Instrument
) -> list[DraftSheet]:
    """Return the sheets with a header, of the files without a sheet of the questionnaire."""
    taken, others = {sheet.path for sheet in sheets}, list[DraftSheet]()
    for path, sheet in files.sheets:
        rows, numbered = find_numbered_header(sheet, pack)
        rows = rows or find_names(sheet)
        if path not in taken and rows:
            with suppress(FileError):
                others.append(_recognise_sheet(path, find_table(sheet, rows), pack, numbered))
    return _add_units(others, files)


def _add_units(sheets: Iterable[DraftSheet], files: SheetFiles) -> list[DraftSheet]:
    """Return the sheets with the unit of all forms, where no column names it."""
    n_sheets = Counter(path for path, _ in files.sheets)
    return [replace(d, unit=_find_unit(d, is_alone=n_sheets[d.path] == 1)) for d in sheets]


def count_near(
    sheet: Sheet, header: tuple[int, ...], pack: Instrument, least: float = LEAST
) -> int:
    """Return how many names of a header read like an item that the header does not name."""
    names = name_columns([sheet.rows[row - 1] for row in header])
    return len(propose_items(place_columns(filter(None, names), Columns(), pack), pack, least))


def _recognise_sheet(
    path: Path, table: Table, pack: Instrument, numbered: Mapping[str, str]
) -> DraftSheet:
    """Return the forms of a sheet, with what its columns are and the unit of all forms."""
    columns = Columns(items=numbered)
    split = find_split_questions(table.frame.columns, columns, pack)
    headers, columns = place_split_questions(table.frame.columns, split, columns, pack)
    placed = place_columns(headers, columns, pack, table.sheet.labels)
    readers = {
        header: make_level_reader(
            pack.scale_of(code),
            pack.list_codes(code, "blank"),
            {},
            pack.list_codes(code, "not_applicable"),
        )
        for code, header in placed.items.items()
    }
    likely = recognise_roles(table, placed, pack)  # the label of a total may stand below the units
    table = keep_forms(table, replace(placed, roles=likely), readers, (), "read")
    roles = recognise_roles(table, placed, pack)
    nearest = {code: header for code, header in numbered.items() if code != fold_header(header)}
    nearest = nearest or {**propose_items(placed, pack), **propose_overall(placed, pack, roles)}
    return DraftSheet(path, table, placed, readers, roles, "", nearest, bool(numbered))


def recognise_roles(table: Table, placed: PlacedColumns, pack: Instrument) -> dict[str, str]:
    """Return the header of each role and of the overall item, by the words offices use."""
    vocabulary = read_vocabulary()
    words = {**vocabulary["roles"]}
    if pack.overall_item and pack.overall_item.code not in placed.items:
        words["overall"] = vocabulary["overall"]
    nearest = propose_items(placed, pack).values()
    free = [header for header in placed.unknown + placed.system if header not in nearest]
    headers = {_glue_words(header.rpartition("/")[2]): header for header in reversed(free)}
    labels = table.sheet.labels
    headers |= {_glue_words(labels[h]): h for h in free if h in labels}
    roles = {"weight": table.sheet.weight} if table.sheet.weight in free else {}
    for role, names in words.items():
        match = next((headers[name] for name in map(_glue_words, names) if name in headers), "")
        if match and match not in roles.values():
            roles[role] = match
    for header in free:
        hints = (hint in fold_text(labels.get(header, header)) for hint in vocabulary["unit_hints"])
        if any(hints) and _names_units(table, header):
            roles.setdefault("unit", header)
    return roles


def find_unit_columns(sheet: DraftSheet) -> list[str]:
    """Return the columns that may name the unit: few texts, no levels, under a usual word."""
    if "unit" in sheet.roles:
        return []
    words = "|".join(map(re.escape, read_vocabulary()["unit_words"]))
    pattern, labels = re.compile(rf"(?<!\w)(?:{words})(?!\w)"), sheet.table.sheet.labels
    headers, candidates = (*sheet.placed.unknown, *sheet.placed.indicators.values()), []
    for header in filter(sheet.table.frame.__contains__, headers):
        texts = {fold_text(text) for text in sheet.table.frame[header]} - {""}
        names = [text for text in texts if not _NO_NAME.fullmatch(text)]
        repeats = 1 < len(texts) <= len(sheet.table.frame) / 2
        is_name = 2 * len(names) > len(texts) and not texts <= {*list_words("profile_answers")}
        is_name &= not order_columns({header: [*texts]})
        if repeats and is_name and pattern.search(fold_text(labels.get(header, header))):
            candidates.append(header)
    return candidates


def _glue_words(name: str) -> str:
    """Return the letters and digits of a name, so that ``don_vi`` and ``Đơn vị`` are alike."""
    return plain_text(name).replace(" ", "") or name


def _names_units(table: Table, header: str) -> bool:
    """Return whether most texts of a column begin like the name of a unit."""
    texts = [text for text in table.frame[header].unique() if tidy_text(text)]
    return 2 * sum(bool(guess_group(text)) for text in texts) > len(texts)


def guess_group(name: str) -> str:
    """Return the group whose units have names with the same start, else an empty text."""
    folded = _cut_prefix(fold_text(name))
    for group, starts in read_vocabulary()["groups"].items():
        if any(re.match(rf"{re.escape(start)}(?!\w)", folded) for start in starts):
            return group
    return ""


def _cut_prefix(folded: str) -> str:
    """Return a folded name without the words that do not tell its group (UBND)."""
    for prefix in read_vocabulary()["prefixes"]:
        folded = folded.removeprefix(f"{prefix} ")
    return folded


def _find_unit(draft: DraftSheet, *, is_alone: bool) -> str:
    """Return the unit of all forms of a sheet: of the title rows, the sheet, or the file.

    Empty where a column names the unit of each form.
    """
    roles, frame = draft.roles, draft.table.frame
    if "unit" in roles and frame[roles["unit"]].map(tidy_text).any():
        return ""
    unit_words = {fold_text(word) for word in read_vocabulary()["roles"]["unit"]}
    for row in draft.titles:
        for text, following in zip(row, [*row[1:], ""], strict=False):
            word, _, rest = text.partition(":")
            name = rest.strip() or following
            is_name = guess_group(name) or len(name.split()) > 2  # not a unit of measurement
            if fold_text(word) in unit_words and is_name:
                return write_unit_name(name)
    sheet = draft.table.sheet.name
    return sheet if guess_group(sheet) or not is_alone else draft.path.stem


def write_unit_name(name: str) -> str:
    """Return a name as offices write it, if it is in capitals: Sở Y tế, UBND huyện Chợ Mới."""
    vocabulary, folded = read_vocabulary(), fold_text(name)
    usual = {fold_text(text): text for text in vocabulary["names"]}
    if not name.isupper() or folded in usual:
        return usual.get(folded, name)
    rest = _cut_prefix(folded)
    place = next((word for word in vocabulary["places"] if rest.startswith(f"{word} ")), "")
    if place:
        rest = f"{place} {rest.removeprefix(place).strip().title()}"
    text = folded.removesuffix(_cut_prefix(folded)).replace("ubnd", "UBND") + rest
    return text[:1].upper() + text[1:]
