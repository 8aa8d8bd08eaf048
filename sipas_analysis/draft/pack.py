"""Choose the questionnaire of a draft: named by the user, recognised, or drafted from the files.

Where no pack fits, ``pack.yaml`` is drafted from the headers and the answers, or from an XLSForm.
"""

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from sipas_analysis.collect.columns import place_columns
from sipas_analysis.collect.headers import list_names
from sipas_analysis.collect.likeness import pair_nearest
from sipas_analysis.collect.responses import Columns
from sipas_analysis.collect.tables import find_table, name_columns
from sipas_analysis.draft.answer_columns import make_columns
from sipas_analysis.draft.sheets import (
    HEADER_ROWS,
    SheetFiles,
    count_near,
    find_header,
    find_names,
    find_numbered_header,
    is_letter,
    recognise_roles,
)
from sipas_analysis.errors import FileError
from sipas_analysis.instrument.pack import Instrument, list_packs, read_instrument
from sipas_analysis.instrument.pack_draft import (
    PackDraft,
    draft_pack,
    make_code,
)
from sipas_analysis.instrument.xlsform import read_questions
from sipas_analysis.messages import Language, say
from sipas_analysis.sheets.reader import read_sheets
from sipas_analysis.sheets.texts import tidy_text

PACK_FILE = "pack.yaml"
RETYPED = 0.75  # likeness from which a header may be a retyped wording
_FIGURE = re.compile(r"(?!(?:\d|10)$)[-+]?\d[\d.,\s]*%?|[=#].*")  # a sum or mean, not a level


@dataclass(frozen=True)
class PackChoice:
    """The questionnaire of a draft.

    Attributes:
        pack: The questionnaire.
        name: What ``instrument:`` says.
        text: The drafted pack as YAML; empty if the pack exists already.
        labels: Further words of the files with their level.
        ignored: Headers and wordings of free text.
        unordered: Headers of questions whose answers have no known order.
        no_answer: Texts of the files that the drafted pack takes for no answer.
        nearest: The pack of the program that fits best, with the items found, if wordings are near.
        unlike: The pack whose codes are the names of variables with labels of other questions.
        numbered: Packs with as many items as the files have numbered columns.
    """

    pack: Instrument
    name: str
    text: str = ""
    labels: dict[str, int] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    unordered: list[str] = field(default_factory=list)
    no_answer: list[str] = field(default_factory=list)
    nearest: str = ""
    unlike: str = ""
    numbered: list[str] = field(default_factory=list)


def choose_questionnaire(
    files: SheetFiles, named: str, folder: Path, language: Language
) -> PackChoice:
    """Return the questionnaire that the user names, else the one that fits, else a draft.

    Args:
        files: The sheets of answers.
        named: Id or path of a pack, or path of an XLSForm; empty if the user names none.
        folder: Folder of the draft.
        language: Language of the draft.

    Raises:
        ConfigError: No such pack, or a mistake in it.
        FileError: The form cannot be read, or has no question whose answers can be ordered.
    """
    path = Path(named)
    if named and path.suffix.lower() in (".yaml", ".yml"):
        name = Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
        return PackChoice(read_instrument(path), name)
    if named and not path.suffix:
        return PackChoice(read_instrument(named), named)
    if named:
        draft = _draft_from_form(path, language)
        if draft is None:
            raise FileError("form_without_scale", file=path.name)
        return _use_draft(draft, language)
    pack, n_items = _find_pack(files)
    fits = 2 * n_items >= len(pack.items)
    near = None if fits else _find_near_pack(files)
    if near:
        return PackChoice(near, near.id)
    draft = None if fits else _draft_from_sheets(files, language, folder)
    choice = _use_draft(draft, language) if draft else PackChoice(pack, pack.id)
    wordings = list_names(pack).item_wordings
    drafted = [item.text(language) for item in choice.pack.items.values()]
    if draft and 0 < n_items <= 2 * len(pair_nearest(drafted, wordings)):
        choice = replace(choice, nearest=f"{pack.id} ({n_items}/{len(pack.items)})")
    if draft:
        choice = replace(choice, numbered=_list_numbered(files, choice.pack))
    is_labelled = any(sheet.labels for _, sheet in files.sheets)
    return choice if (wordings and not draft) or not is_labelled else _note_unlike(choice, files)


def _list_numbered(files: SheetFiles, drafted: Instrument) -> list[str]:
    """Return the packs of the program, of the drafted scale, whose items the headers may number."""
    return [
        pack.id
        for pack in map(read_instrument, list_packs())
        if pack.scale.levels == drafted.scale.levels
        and any(find_numbered_header(sheet, pack)[0] for _, sheet in files.sheets)
    ]


def _note_unlike(choice: PackChoice, files: SheetFiles) -> PackChoice:
    """Return the choice with the pack that would fit if the labels of the files did not count."""
    bare = [(path, replace(sheet, labels={})) for path, sheet in files.sheets]
    pack, n_items = _find_pack(SheetFiles(bare))
    fits = pack.id != choice.name and 2 * n_items >= len(pack.items)
    return replace(choice, unlike=pack.id) if fits else choice


def _find_pack(files: SheetFiles) -> tuple[Instrument, int]:
    """Return the pack of the program that fits best, and how many of its items a sheet names.

    It is one whose wordings are most of the labels, else the one of most items found; of two, the
    one of which more is found.
    """
    ratings: list[tuple[bool, int, float, int, Instrument]] = []
    for pack in map(read_instrument, list_packs()):
        headers = [find_header(sheet, pack) for _, sheet in files.sheets]
        counts, wordings = [n_items for _, n_items in headers], list_names(pack).item_wordings
        n_near = 0
        for (_, sheet), (header, _) in zip(files.sheets, headers, strict=True):
            names = name_columns([sheet.rows[row - 1] for row in header]) if header else []
            texts = [sheet.labels.get(name, name) for name in names]
            n_near = max(n_near, len(pair_nearest(texts, wordings)))
        n_found = sum(count for count in counts if 2 * count >= len(pack.items))
        most = max(counts, default=0)
        is_worded = bool(n_found) and 2 * n_near >= most
        ratings.append((is_worded, n_found, most / len(pack.items), most, pack))
    *_, most, pack = max(ratings, key=lambda rating: rating[:3])
    return pack, most


def _find_near_pack(files: SheetFiles) -> Instrument | None:
    """Return the pack of which most items are named or nearly so, at least half; else none.

    Headers may be retyped: other marks or letters, a slip of the keyboard. Each of them is only
    proposed for its item.
    """
    sheets = {tuple(map(tuple, sheet.rows[:HEADER_ROWS])): sheet for _, sheet in files.sheets}
    ratings: list[tuple[int, float, str]] = []
    for pack in map(read_instrument, list_packs()):
        counts = [0]
        for sheet in sheets.values():
            header, n_items = find_header(sheet, pack)
            if header and not sheet.labels:
                counts.append(n_items + count_near(sheet, header, pack, RETYPED))
        n_found = max(counts)
        if n_found > 1 and 2 * n_found >= len(pack.items):
            ratings.append((n_found, n_found / len(pack.items), pack.id))
    return read_instrument(max(ratings)[-1]) if ratings else None


def _use_draft(draft: PackDraft, language: Language) -> PackChoice:
    """Return a drafted pack, checked like any other."""
    pack = Instrument.model_validate(draft.content)
    parts = draft.labels, draft.ignored, draft.unordered, draft.no_answer
    return PackChoice(pack, PACK_FILE, draft.write(language), *parts)


def _draft_from_form(path: Path, language: Language) -> PackDraft | None:
    """Return a pack drafted from the sheets ``survey`` and ``choices`` of an XLSForm."""
    sheets = {sheet.name: [*sheet.rows] for sheet in read_sheets(path)}
    if not {*sheets} >= {"survey", "choices"}:
        raise FileError("no_xlsform", file=path.name)
    survey, choices = (_list_records(sheets[name]) for name in ("survey", "choices"))
    questions = read_questions(survey, choices, language)
    return draft_pack(questions, make_code(path.stem), path.name, language)


def _list_records(rows: list[list[str]]) -> list[dict[str, str]]:
    """Return the rows below the first one, by column."""
    header, *rows = rows
    return [dict(zip(header, map(tidy_text, row), strict=False)) for row in rows]


def _draft_from_sheets(files: SheetFiles, language: Language, folder: Path) -> PackDraft | None:
    """Return a pack drafted from the columns of all sheets that no role or person explains.

    It is named by the file; of several files by the folder of the wave.
    """
    answers: dict[str, list[str]] = {}
    names: list[str] = []
    labels: dict[str, str] = {}
    for _, sheet in files.sheets:
        rows = find_names(sheet)
        if not rows or rows[-1] == len(sheet.rows):
            continue
        table, nothing = find_table(sheet, rows), _make_empty_pack()
        placed = place_columns(table.frame.columns, Columns(), nothing, table.sheet.labels)
        labels |= table.sheet.labels
        names += map(str, table.frame.columns)
        roles = recognise_roles(table, placed, nothing)
        taken = {*roles.values()}
        headers = [name for name in placed.unknown if name not in taken and not is_letter(name)]
        forms = _drop_figures(table.frame[headers])
        for header in headers:
            texts = map(tidy_text, forms[header])
            answers.setdefault(header, []).extend(filter(None, texts))
    columns = make_columns(answers, labels)
    paths = [*dict.fromkeys(path for path, _ in files.sheets)]
    title = paths[0].stem if len(paths) == 1 else folder.resolve().name if paths else ""
    draft = draft_pack(columns, make_code(title), title, language, names)
    if draft and len(paths) > 1:
        draft.content["title"] = {language: say(language, "draft.pack_title_many", name=title)}
    return draft


def _drop_figures(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without those of sums, means and shares, if these are the fewer."""
    surplus = pd.Series(0, index=frame.index)  # figures, minus other texts
    for header in frame.columns:
        column = frame[header]
        texts = {text: tidy_text(text) for text in column.unique()}
        sign = {text: 2 * bool(_FIGURE.fullmatch(tidy)) - 1 for text, tidy in texts.items() if tidy}
        surplus += column.map(sign).fillna(0).astype(int)
    is_sum = surplus > 0
    return frame if 2 * is_sum.sum() > len(frame) else frame[~is_sum]


def _make_empty_pack() -> Instrument:
    """Return a pack whose only item no file has."""
    facts = {"id": "none", "title": {}, "source": "", "status": "unverified"}
    return Instrument.model_validate({**facts, "items": {"-": {}}})
