"""Draft ``wave.yaml`` and ``units.csv`` from an office's files, for a person to correct.

The draft names the columns that it recognised, lists those that it could not place or that are not
read, and proposes what only a person can decide: wordings of an older form, labels, names of one
unit. ``sipas check`` lists each unplaced column. Existing files are never overwritten,
but a draft that nobody edited may be written again with its proposals in use.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from sipas_analysis.draft.decisions import accept_columns
from sipas_analysis.draft.pack import PACK_FILE, PackChoice, choose_questionnaire
from sipas_analysis.draft.proposals import (
    propose_joins,
    propose_labels,
    propose_questions,
    propose_same_units,
    propose_states,
    propose_units,
)
from sipas_analysis.draft.recognised import Draft, share_roles
from sipas_analysis.draft.record_files import find_exports
from sipas_analysis.draft.sheets import (
    DraftSheet,
    SheetFiles,
    expand_files,
    list_sub_folders,
    read_files,
    recognise_others,
    recognise_sheets,
)
from sipas_analysis.draft.wave_text import write_wave
from sipas_analysis.errors import FileError, OutputError
from sipas_analysis.files import write_whole
from sipas_analysis.instrument.answer_levels import is_no_answer
from sipas_analysis.messages import Language
from sipas_analysis.sheets.texts import fold_text

DRAFTED = ("wave.yaml", "units.csv", PACK_FILE)


def draft_wave(
    files: Sequence[Path],
    folder: Path,
    language: Language,
    questionnaire: str = "",
    *,
    accepts: bool = False,
) -> Draft:
    """Draft ``wave.yaml`` and ``units.csv`` in ``folder`` from files of answers.

    Args:
        files: Files, folders or patterns; every sheet with at least half of the items is read.
        folder: Folder for the two files.
        language: Language of the comments in the draft.
        questionnaire: Id or path of a pack, or path of an XLSForm; else the one that fits best. A
            pack is drafted beside the wave where none fits.
        accepts: Whether the proposed columns are used. An earlier draft that nobody edited is then
            written again.

    Returns:
        What was written and what the user still has to do.

    Raises:
        FileError: A file cannot be read, or no instrument is recognised in any.
        OutputError: ``wave.yaml`` or ``units.csv`` exists already.
    """
    replaced = [folder / name for name in DRAFTED] if accepts else []
    draft = recognise_wave(files, folder, language, questionnaire, replaced)
    if accepts:
        plain, draft = draft, accept_columns(draft)
        _refuse_edited(plain, draft)
    return write_draft(draft, replaced)


def recognise_wave(
    files: Sequence[Path],
    folder: Path,
    language: Language,
    questionnaire: str = "",
    replaces: Collection[Path] = (),
) -> Draft:
    """Return what ``draft_wave`` would write, but over files of a draft that may be replaced.

    Nothing is written.

    Raises:
        FileError: A file cannot be read, or no instrument is recognised in any.
        OutputError: ``wave.yaml`` or ``units.csv`` exists already.
    """
    paths = _leave_out(expand_files(files), replaces)
    try:
        return _recognise_files(paths, folder, language, questionnaire, replaces)
    except FileError:
        deeper = _leave_out(expand_files([*files, *list_sub_folders(files)]), replaces)
        if deeper == paths:
            raise
    return _recognise_files(deeper, folder, language, questionnaire, replaces)


def write_draft(draft: Draft, replaces: Collection[Path] = ()) -> Draft:
    """Write the files of a draft, over those that may be replaced; return it.

    Raises:
        OutputError: One of them exists already, or the folder cannot be written.
    """
    _refuse_existing(draft.folder, draft.choice, replaces)
    for name, text in _list_texts(draft).items():
        if text:
            write_whole(draft.folder / name, text)
    return draft


def _list_texts(draft: Draft) -> dict[str, str]:
    """Return the text of each file of a draft; empty where it is not needed."""
    units = draft.unit_list.to_csv(index=False, lineterminator="\n")
    return {
        "units.csv": f"\ufeff{units}" if draft.has_unit_list else "",
        PACK_FILE: draft.choice.text,
        "wave.yaml": write_wave(draft),
    }


def _leave_out(paths: Sequence[Path], replaces: Collection[Path]) -> list[Path]:
    """Return the paths without those of a draft that is replaced, which holds no answers."""
    drafted = {path.resolve() for path in replaces}
    return [path for path in paths if path.resolve() not in drafted]


def _refuse_edited(plain: Draft, accepted: Draft) -> None:
    """Refuse to write over files of an earlier draft that somebody edited since."""
    folder, versions = plain.folder, [_list_texts(plain), _list_texts(accepted)]
    needed = [name for name in DRAFTED if name != PACK_FILE or plain.choice.text]
    there = [name for name in needed if (folder / name).exists()]
    texts = {name: [texts[name].encode("utf-8") for texts in versions] for name in there}
    edited = [name for name in there if (folder / name).read_bytes() not in texts[name]]
    if edited:
        raise OutputError("draft_edited", names=", ".join(edited), folder=folder)


def _refuse_existing(folder: Path, choice: PackChoice, replaces: Collection[Path]) -> None:
    """Refuse to write over files of a draft; all of them are named at once."""
    names = ("wave.yaml", "units.csv", *([PACK_FILE] if choice.text else []))
    paths = (folder / name for name in names)
    existing = [path.name for path in paths if path.exists() and path not in replaces]
    if len(existing) == 1:
        raise OutputError("exists", path=folder / existing[0])
    if existing:
        raise OutputError("draft_exists", names=", ".join(existing), folder=folder)


def _recognise_files(
    paths: Sequence[Path],
    folder: Path,
    language: Language,
    questionnaire: str,
    replaces: Collection[Path],
) -> Draft:
    """Recognise the files of a wave, of those that are there."""
    records = find_exports(paths, folder)
    if records.paths and len(records.paths) == len(paths):
        raise FileError("draft_only_records", names=", ".join(path.name for path in paths))
    contents = read_files([path for path in paths if path not in records.paths])
    choice = choose_questionnaire(contents, questionnaire, folder, language)
    _refuse_existing(folder, choice, replaces)
    sheets = recognise_sheets(contents, choice.pack, is_named=bool(questionnaire))
    if not sheets:
        raise next(iter(contents.errors.values()))
    draft = _draft_parts(sheets, contents, choice, folder, language)
    return replace(draft, records=records)


def _draft_parts(
    sheets: Sequence[DraftSheet],
    contents: SheetFiles,
    choice: PackChoice,
    folder: Path,
    language: Language,
) -> Draft:
    """Return what the sheets of answers show."""
    words, units = propose_labels(sheets, choice.pack), propose_units(sheets, language)
    no_answer = [text for text in words if is_no_answer(fold_text(text))]
    levels = {text: level for text, level in words.items() if text not in no_answer}
    return Draft(
        sheets,
        choice,
        folder,
        language,
        skipped=[path.name for path in contents.errors],
        shared=share_roles(sheets),
        labels={text: level for text, level in levels.items() if text not in choice.labels},
        no_answer=no_answer,
        questions=propose_questions(sheets, choice.pack),
        joins=propose_joins(sheets),
        states=propose_states(sheets),
        unit_list=units,
        near_units=propose_same_units([*units["name_vi"]]),
        others=recognise_others(contents, sheets, choice.pack),
    )
