"""What the files of an office show: the sheets, their columns, the questionnaire, the units."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from sipas_analysis.draft.pack import PACK_FILE, PackChoice
from sipas_analysis.draft.proposals import find_year
from sipas_analysis.draft.record_files import RecordEntries
from sipas_analysis.draft.sheets import DraftSheet, find_unit_columns, guess_group
from sipas_analysis.errors import shorten
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.messages import Language, say
from sipas_analysis.sheets.texts import fold_text


@dataclass(frozen=True)
class Decisions:
    """What a person decided on a draft, which is then written without a #.

    Attributes:
        is_made: Whether anyone decided; proposals that are left are then confirmed, too.
        items: Header of each item that has not its own code or wording.
        questions: Header by code of a question beside the index.
        blank: Words among the answers that mean no answer.
        ignored: Headers that are not read.
        facts: Keys of ``wave.yaml``, such as year and title.
    """

    is_made: bool = False
    items: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    blank: Sequence[str] = ()
    ignored: Sequence[str] = ()
    facts: Mapping[str, object] = field(default_factory=dict)

    def items_in(self, sheet: DraftSheet) -> dict[str, str]:
        """Return the headers of items that a sheet has: proposed, or decided."""
        columns = sheet.table.frame.columns
        items = {code: header for code, header in self.items.items() if header in columns}
        return {**sheet.nearest, **items}


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
        chosen: What a person has decided; nothing where only the program proposed.
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
    chosen: Decisions = field(default_factory=Decisions)

    @cached_property
    def shared_items(self) -> dict[str, str]:
        """Header by code of the items that are proposed or decided for all files at once."""
        return share_items(self.sheets, [*map(self.chosen.items_in, self.sheets)])

    def own_items(self, sheet: DraftSheet) -> dict[str, str]:
        """Return the other items of a sheet, by code."""
        items = self.chosen.items_in(sheet)
        return {code: name for code, name in items.items() if self.shared_items.get(code) != name}

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
        headers = [*(sheet.nearest for sheet in self.sheets if not self.chosen.is_made)]
        headers.append(self.questions)
        wordings = [f"{code} = {shorten(name)}" for near in headers for code, name in near.items()]
        return [*wordings, *self.words_to_confirm]

    @property
    def words_to_confirm(self) -> list[str]:
        """Labels and names of units that are proposed."""
        units = [f"{name} = {near}" for name, near in self.near_units.items()]
        return [*self.labels, *self.no_answer, *units]

    @property
    def is_open(self) -> bool:
        """Whether a person has to decide on a column, a word, a unit or a file."""
        columns = [*self.list_left("unknown"), *self.unit_columns, *self.joins, *self.states]
        files = [*self.skipped, *self.others, *self.numbered, *self.choice.numbered]
        return self.file_is_unit or any([self.to_confirm, columns, files])

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
        """Return the headers of free text and those that a person left out, once each."""
        headers = [header for sheet in self.sheets for header in sheet.placed.unknown]
        return [*dict.fromkeys([*filter(self.is_ignored, headers), *self.chosen.ignored])]

    def list_missing(self) -> list[str]:
        """Return the codes of items that some sheet has under no header, not even a near one."""
        decided = {*self.chosen.items}
        return [
            code
            for code in self.pack.items
            if code not in decided
            and any(code not in {**sheet.placed.items, **sheet.nearest} for sheet in self.sheets)
        ]

    def list_left(self, *parts: str) -> list[str]:
        """Return the headers of some lists of the placed columns that have no role, once each."""
        decided = {*self.chosen.items.values(), *self.chosen.questions.values()}
        proposed = {*self.questions.values(), *self.states, *decided, *self.chosen.ignored}
        choices = tuple(f"{header}/" for header in proposed)
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


def share_roles(sheets: Sequence[DraftSheet]) -> dict[str, str]:
    """Return the roles that have one header in all sheets, or for the unit in all that have it."""
    shared: dict[str, str] = {}
    for role in dict.fromkeys(role for sheet in sheets for role in sheet.roles):
        headers = {sheet.roles.get(role, "") for sheet in sheets}
        headers -= {""} if role == "unit" else set()
        shared |= {role: min(headers)} if len(headers) == 1 else {}
    return shared


def share_items(sheets: Sequence[DraftSheet], items: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the header of each code that most sheets use, where it may be said of all sheets.

    Every other sheet has the item under its own wording or another header, and no column of the
    shared name that is not used for another item.

    Args:
        sheets: The sheets of a wave.
        items: Header by code, for each sheet.
    """
    counts = Counter((code, header) for found in items for code, header in found.items())
    shared: dict[str, str] = {}
    for (code, header), n in counts.most_common():
        if n < 2 or code in shared:
            continue
        is_clear = all(
            (code in found or code in sheet.placed.items)
            and (header not in sheet.table.frame.columns or header in found.values())
            for sheet, found in zip(sheets, items, strict=True)
        )
        shared |= {code: header} if is_clear else {}
    return {code: shared[code] for code in sorted(shared)}
