"""Draft ``wave.yaml`` and ``units.csv`` from an office's files, for a person to correct.

The draft names the columns that it recognised, lists those that it could not place or that are not
read, and proposes what only a person can decide: wordings of an older form, labels, names of one
unit. ``sipas check`` lists each unplaced column. Existing files are never overwritten.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from sipas_analysis.draft.pack import PACK_FILE, PackChoice, choose_questionnaire
from sipas_analysis.draft.proposals import (
    USUAL_EXPORTS,
    find_year,
    propose_joins,
    propose_keys,
    propose_labels,
    propose_questions,
    propose_same_units,
    propose_states,
    propose_units,
    relate_path,
    write_flow,
    write_key,
    write_part,
    write_rules,
    write_yaml,
)
from sipas_analysis.draft.record_files import RecordEntries, find_exports, write_records
from sipas_analysis.draft.sheets import (
    DraftSheet,
    SheetFiles,
    expand_files,
    find_unit_columns,
    guess_group,
    list_sub_folders,
    read_files,
    recognise_others,
    recognise_sheets,
)
from sipas_analysis.errors import FileError, OutputError, shorten
from sipas_analysis.files import write_whole
from sipas_analysis.instrument.answer_levels import is_no_answer
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.instrument.pack_draft import make_code
from sipas_analysis.messages import Language, say
from sipas_analysis.sheets.texts import fold_text


@dataclass(frozen=True)
class Draft:
    """What the sheets of a wave show, which files are drafted, and what is left for the user.

    Attributes:
        choice: The questionnaire.
        skipped: Files without answers: not half of the items were found.
        shared: Header of each role that has one header in all sheets (a unit: where it is).
        labels: Words among the answers that are no level, with the level that they may mean.
        no_answer: Words among them that may mean no answer.
        questions: Header by code of a question beside the index, to be confirmed.
        joins: Headers of each code that has several columns.
        states: Texts of each column that tells finished forms from others.
        others: Sheets with a header, of the skipped files.
        records: Exports of the one-stop system, of petitions and of checklists.
        unit_list: Code, name and group of each unit.
        near_units: By name of a unit the name before it that may mean the same unit.
    """

    sheets: Sequence[DraftSheet]
    choice: PackChoice
    folder: Path
    language: Language
    skipped: Sequence[str]
    shared: Mapping[str, str]
    labels: Mapping[str, int | None]
    no_answer: Sequence[str]
    questions: Mapping[str, str]
    joins: Mapping[str, Sequence[str]]
    states: Mapping[str, Sequence[str]]
    unit_list: pd.DataFrame
    near_units: Mapping[str, str]
    others: Sequence[DraftSheet]
    records: RecordEntries = field(default_factory=RecordEntries)

    @property
    def pack(self) -> Instrument:
        """The questionnaire, recognised or drafted."""
        return self.choice.pack

    @property
    def wave(self) -> Path:
        """The drafted ``wave.yaml``."""
        return self.folder / "wave.yaml"

    @property
    def units(self) -> Path | None:
        """The drafted list of units, if there is one."""
        return self.folder / "units.csv" if self.has_unit_list else None

    @property
    def pack_file(self) -> Path | None:
        """The drafted pack, if there is one."""
        return self.folder / PACK_FILE if self.choice.text else None

    @property
    def written(self) -> list[Path]:
        """The files written."""
        return [path for path in (self.wave, self.units, self.pack_file) if path]

    @property
    def units_to_place(self) -> list[str]:
        """Units of the list whose group is not known."""
        is_open = (self.unit_list["group"] == "") & self.has_unit_list
        return [*self.unit_list.loc[is_open, "name_vi"]]

    @property
    def file_is_unit(self) -> bool:
        """Whether a file or sheet belongs to one unit of the list."""
        return self.has_unit_list and any(sheet.unit for sheet in self.sheets)

    @property
    def unit_columns(self) -> list[str]:
        """Columns that may name the unit."""
        return [header for sheet in self.sheets for header in find_unit_columns(sheet)]

    @property
    def dropped(self) -> list[str]:
        """Columns that are not read."""
        return [*self.list_left("personal", "system"), *self.list_ignored()]

    @property
    def to_confirm(self) -> list[str]:
        """Wordings, labels and names of units that are proposed."""
        headers = [*(sheet.nearest for sheet in self.sheets), self.questions]
        wordings = [f"{code} = {shorten(name)}" for near in headers for code, name in near.items()]
        units = [f"{name} = {near}" for name, near in self.near_units.items()]
        return [*wordings, *self.labels, *self.no_answer, *units]

    @property
    def numbered(self) -> list[str]:
        """Files whose headers are numbers of items."""
        return [*dict.fromkeys(sheet.path.name for sheet in self.sheets if sheet.is_numbered)]

    @property
    def year(self) -> int | None:
        """The year that most sheets name, if any."""
        return find_year(self.sheets)

    @property
    def has_unit_list(self) -> bool:
        """Whether units are listed: several, those of a column, or one of a known group."""
        units = {fold_text(sheet.unit) for sheet in self.sheets}
        has_column = any("unit" in sheet.roles for sheet in self.sheets)
        return has_column or len(units) > 1 or any(map(guess_group, units))

    def is_ignored(self, header: str) -> bool:
        """Return whether the drafted pack leaves out a column as free text."""
        return not {header, header.rpartition("/")[2]}.isdisjoint(self.choice.ignored)

    def list_ignored(self) -> list[str]:
        """Return the headers of free text, once each."""
        headers = (header for sheet in self.sheets for header in sheet.placed.unknown)
        return [*dict.fromkeys(filter(self.is_ignored, headers))]

    def list_left(self, *parts: str) -> list[str]:
        """Return the headers of some lists of the placed columns that have no role, once each."""
        proposed = {*self.questions.values(), *self.states}
        choices = tuple(f"{header}/" for header in self.questions.values())
        left = [
            header
            for sheet in self.sheets
            for part in parts
            for header in getattr(sheet.placed, part)
            if header not in {*sheet.roles.values(), *sheet.nearest.values(), *proposed}
            and not self.is_ignored(header)
            and not header.startswith(choices)
        ]
        return [*{fold_text(header): header for header in left}.values()]

    def say(self, message: str, **fields: object) -> str:
        """Return a sentence of the draft as a comment."""
        return f"# {say(self.language, f'draft.{message}', **fields)}\n"

    def say_numbered(self) -> str:
        """Return the packs that the numbered columns may belong to, and how to name one."""
        names = self.choice.numbered
        return self.say("like_numbered", names=", ".join(names), pack=names[0])


def draft_wave(
    files: Sequence[Path], folder: Path, language: Language, questionnaire: str = ""
) -> Draft:
    """Draft ``wave.yaml`` and ``units.csv`` in ``folder`` from files of answers.

    Args:
        files: Files, folders or patterns; every sheet with at least half of the items is read.
        folder: Folder for the two files.
        language: Language of the comments in the draft.
        questionnaire: Id or path of a pack, or path of an XLSForm; else the one that fits best. A
            pack is drafted beside the wave where none fits.

    Returns:
        What was written and what the user still has to do.

    Raises:
        FileError: A file cannot be read, or no instrument is recognised in any.
        OutputError: ``wave.yaml`` or ``units.csv`` exists already.
    """
    paths = expand_files(files)
    try:
        return _draft_files(paths, folder, language, questionnaire)
    except FileError:
        deeper = expand_files([*files, *list_sub_folders(files)])
        if deeper == paths:
            raise
    return _draft_files(deeper, folder, language, questionnaire)


def _draft_files(
    paths: Sequence[Path], folder: Path, language: Language, questionnaire: str
) -> Draft:
    """Draft the files of a wave from files that are there."""
    records = find_exports(paths, folder)
    if records.paths and len(records.paths) == len(paths):
        raise FileError("draft_only_records", names=", ".join(path.name for path in paths))
    contents = read_files([path for path in paths if path not in records.paths])
    choice = choose_questionnaire(contents, questionnaire, folder, language)
    for name in ("wave.yaml", "units.csv", *([PACK_FILE] if choice.text else [])):
        if (folder / name).exists():
            raise OutputError("exists", path=folder / name)
    sheets = recognise_sheets(contents, choice.pack, is_named=bool(questionnaire))
    if not sheets:
        raise next(iter(contents.errors.values()))
    draft = _draft_parts(sheets, contents, choice, folder, language)
    draft = replace(draft, records=records)
    units = draft.unit_list.to_csv(index=False, lineterminator="\n")
    texts = {
        "units.csv": f"\ufeff{units}" if draft.has_unit_list else "",
        PACK_FILE: choice.text,
        "wave.yaml": _write_wave(draft),
    }
    for name, text in texts.items():
        if text:
            write_whole(folder / name, text)
    return draft


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
        shared=_share_roles(sheets),
        labels={text: level for text, level in levels.items() if text not in choice.labels},
        no_answer=no_answer,
        questions=propose_questions(sheets, choice.pack),
        joins=propose_joins(sheets),
        states=propose_states(sheets),
        unit_list=units,
        near_units=propose_same_units([*units["name_vi"]]),
        others=recognise_others(contents, sheets, choice.pack),
    )


def _share_roles(sheets: Sequence[DraftSheet]) -> dict[str, str]:
    """Return the roles that have one header in all sheets, or for the unit in all that have it."""
    shared: dict[str, str] = {}
    for role in dict.fromkeys(role for sheet in sheets for role in sheet.roles):
        headers = {sheet.roles.get(role, "") for sheet in sheets}
        headers -= {""} if role == "unit" else set()
        shared |= {role: min(headers)} if len(headers) == 1 else {}
    return shared


def _write_wave(draft: Draft) -> str:
    """Return the draft as YAML with a comment at each place that a person must look at."""
    sheets, pack, year = draft.sheets, draft.pack, draft.year
    facts = {
        "id": make_code(draft.folder.resolve().name, (), "dot"),
        "title": {"vi": "Chỉ số hài lòng", "en": "Satisfaction index"},
        "year": year,
        "instrument": draft.choice.name,
        "languages": [draft.language],
        "province": {"vi": "", "en": ""},
        "publisher": {"vi": "", "en": ""},
    }
    keys = propose_keys(sheets, draft.others, pack, year, draft.folder)
    keys |= {} if draft.records.paths else {"records_none": USUAL_EXPORTS}
    n_items = max(len({*sheet.placed.items} & {*pack.items}) for sheet in sheets)
    parts = [
        draft.say("head", items=n_items, pack=pack.id),
        draft.say("numbered", names="; ".join(draft.numbered)) if draft.numbered else "",
        draft.say("facts"),
        "" if year else draft.say("year"),
        draft.say_numbered() if draft.choice.numbered else "",
        write_yaml(facts),
        "\n" + draft.say("keys"),
        *(f"# {write_key(key, value)}  {draft.say(key)}" for key, value in keys.items()),
        "\n" + draft.say("responses"),
        draft.say("file_is_unit") if any(sheet.unit for sheet in sheets) else "",
        draft.say("skipped", names="; ".join(draft.skipped)) if draft.skipped else "",
        "responses:\n",
        *(_write_entry(sheet, draft) for sheet in sheets),
        _write_others(draft) if draft.others else "",
        "\n" + draft.say("columns"),
        _write_columns(draft),
        "\n" + draft.say("units" if draft.has_unit_list else "no_units"),
        *(draft.say("near_unit", name=name, near=near) for name, near in draft.near_units.items()),
        write_yaml({**({"units": "units.csv"} if draft.has_unit_list else {}), "min_forms": 30}),
        "\n" + draft.say("states") if draft.states else "",
        *write_rules(draft.states),
    ]
    return "".join(parts) + write_records(draft.records, draft.language)


def _write_entry(sheet: DraftSheet, draft: Draft) -> str:
    """Return one entry of ``responses:``, with the wordings to be confirmed as a comment."""
    near = sheet.nearest
    facts = _draft_entry(sheet, draft)
    columns = _draft_columns(sheet.roles.items() - draft.shared.items(), draft.pack)
    lines = write_yaml({"columns": {"items": {**near}}}).splitlines() if near else []
    lines = lines[bool(columns) + ("items" in columns) :]
    comments = [f"  # {line}\n" for line in lines]
    comments[:0] = ["  " + draft.say("confirm")] if near else []
    if draft.no_answer:
        comments += [
            "  " + draft.say("no_answer"),
            f"  # blank: {write_flow([*draft.no_answer])}\n",
        ]
    return "".join([write_yaml([facts]), *comments])


def _draft_entry(sheet: DraftSheet, draft: Draft) -> dict[str, object]:
    """Return file, sheet, header, unit and own columns of one entry."""
    header, roles = sheet.table.header, sheet.roles.items() - draft.shared.items()
    facts: dict[str, object] = {
        "file": relate_path(sheet.path, draft.folder),
        "sheet": sheet.table.sheet.name,
        "header": [*header] if len(header) > 1 else header[0] if header != (1,) else None,
        "unit": sheet.unit if draft.has_unit_list or sheet.unit != sheet.path.stem else "",
        "columns": _draft_columns(roles, draft.pack),
    }
    return {key: value for key, value in facts.items() if value}


def _write_others(draft: Draft) -> str:
    """Return entries of the skipped files and lines of their units, all behind a #."""
    parts = [draft.say("others")]
    for sheet in draft.others:
        facts = _draft_entry(sheet, draft)
        columns = _draft_columns(sheet.roles.items() - draft.shared.items(), draft.pack)
        columns |= {"items": {**sheet.nearest}} if sheet.nearest else {}
        text = write_yaml([facts | ({"columns": columns} if columns else {})])
        parts += [f"# {line}\n" for line in text.splitlines()]
    units = propose_units(draft.others, draft.language)
    units = units[~units["name_vi"].map(fold_text).isin(draft.unit_list["name_vi"].map(fold_text))]
    lines = units.to_csv(index=False, header=False, lineterminator="\n").splitlines()
    parts += [draft.say("other_units"), *(f"#   {line}\n" for line in lines)] if lines else []
    return "".join(parts)


def _draft_columns(roles: Iterable[tuple[str, str]], pack: Instrument) -> dict[str, object]:
    """Return roles, and the column of the overall item, as ``columns:`` has them."""
    columns: dict[str, object] = dict(sorted(roles))
    overall = columns.pop("overall", "")
    items = {pack.overall_item.code: overall} if overall and pack.overall_item else {}
    return {**columns, "items": items} if items else columns


def _write_columns(draft: Draft) -> str:
    """Return the recognised columns, labels to be confirmed, and a place for columns to ignore."""
    columns = _draft_columns(draft.shared.items(), draft.pack)
    unplaced = draft.list_left("unknown")
    dropped = "; ".join(map(shorten, draft.list_left("personal", "system")))
    labels = write_yaml({"labels": {**draft.labels}}).splitlines() if draft.labels else []
    lines = [
        *([draft.say("labels")] if labels else []),
        *(f"# {line}\n" for line in labels),
        *([draft.say("questions")] if draft.questions else []),
        *write_part("indicators", draft.questions),
        *([draft.say("versions")] if draft.joins else []),
        *write_part("join", draft.joins),
        *([draft.say("dropped", names=dropped)] if dropped else []),
        "ignore:\n",
        *(f"- {write_yaml(name).splitlines()[0]}\n" for name in draft.list_ignored()),
        *([draft.say("unplaced")] if unplaced else []),
        *(f"# - {write_yaml(header).splitlines()[0]}\n" for header in unplaced),
    ]
    columns |= {"labels": draft.choice.labels} if draft.choice.labels else {}
    placed = write_yaml({"columns": columns}) if columns else "columns:\n"
    return placed + "".join(f"  {line}" for line in lines)
