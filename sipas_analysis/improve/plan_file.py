"""Read the plan that officers edited, as strictly as ``wave.yaml``: cell, what is there, what must be.

What the program computed is computed again: a figure in a cell must be the one of the wave, and an
empty cell is filled. All mistakes of a file are listed together.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_kind, check_path
from sipas_analysis.collect.days import make_day_reader
from sipas_analysis.collect.survey import Survey, read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import PlanError, SeveralError, SipasError, hide_personal
from sipas_analysis.improve.plan import NOTES, PLAN_COLUMNS, SURVEY, Plan
from sipas_analysis.improve.plan_sheet import PlanSheet, name_column, read_plan_sheet
from sipas_analysis.improve.plan_words import PROVINCE, PlanWords
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.measure.wave_breaks import link_units
from sipas_analysis.messages import LANGUAGES, format_number, say
from sipas_analysis.sheets.texts import fold_text

COMPUTED = {"baseline": 2, "low": 2, "high": 2, "detectable": 2, "n": 0}  # decimals in the file
LONGEST_TEXT = 500  # characters of a cell in the words of officers
YEARS = 10  # a line is done at most so many years after the wave
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,79}")
_NUMBER = re.compile(r"-?\d+(?:[.,](?!\d{3}$)\d+)?")  # 1.234 may also mean 1234
_SERIAL = re.compile(r"[3-7]\d{4}")  # a day of a cell without the format of a day
_DAY_ZERO = date(1899, 12, 30)
_DAY_WORDS = re.compile(r"(?:ngày )?(\d{1,2}) tháng (\d{1,2}) năm (\d{4})")
_NO_NUMBER = float("nan")


@dataclass(frozen=True, eq=False, repr=False)
class PlanOfFile(Plan):
    """A plan as it was read from a file.

    Attributes:
        notices: What was read in another way than it is written.
    """

    notices: tuple[Bilingual, ...] = ()

    def sentences(self) -> list[str]:
        """Say what was read in another way than it is written."""
        return [notice.text("en") for notice in self.notices]


def read_plan(
    path: str | PathLike[str], survey: Survey, *, scores: Estimates | None = None
) -> PlanOfFile:
    """Read a plan that officers edited, checked to its last cell.

    Columns may stand in any order under their machine, Vietnamese or English names, with columns of
    others between them. A formula counts by its result. Figures of the wave are computed again and
    must be those of the file, to two decimals; where the cell is empty, they are filled in.

    Args:
        path: ``plan.xlsx`` or ``plan.csv``, as ``sipas plan`` writes them.
        survey: The wave from which the plan was made, or a later one that names it under
            ``earlier:``.
        scores: Published estimates of the wave from which the plan was made, as for ``plan``.

    Returns:
        The plan, whose ``unit`` is the code of the unit when the plan was made; ``notices`` says
        what was read in another way than it is written, and which units have another code since.

    Raises:
        FileError: The file is missing, damaged, empty, or locked by a password.
        PlanError: A column is missing, doubled or renamed; the plan is of another wave; a cell is
            not what its column asks for. Several such mistakes make a ``SeveralError``.

    Source: rule G3 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2020/wave.yaml"))
        >>> sipas.read_plan("data/an-giang-2020/plan.xlsx", survey).frame["wave"].iloc[0]
        'an-giang-2020'
    """
    check_path(path)
    check_kind(survey, Survey, "survey")
    sheet = read_plan_sheet(Path(path))
    _refuse_together(sheet.errors)
    source = _find_source(sheet, survey)
    lines = _Lines(sheet, PlanWords(source))
    records = [lines.read_line(row) for row in sheet.lines]
    _check_ids(sheet)
    frame = _fill_figures(sheet, pd.DataFrame(records), source, scores)
    _refuse_together(sheet.errors)
    order = {code: number for number, code in enumerate(["", *source.units["code"]])}
    frame = frame.sort_values("unit", key=lambda units: units.map(order), kind="stable")
    notices = (*_note_columns(sheet), *lines.notices, *_note_successors(frame, source, survey))
    return PlanOfFile(frame[list(PLAN_COLUMNS)].reset_index(drop=True), notices=notices)


def _refuse_together(errors: Sequence[SipasError]) -> None:
    """Raise the mistakes that were noted, if there are any."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise SeveralError(errors)


def _find_source(sheet: PlanSheet, survey: Survey) -> Survey:
    """Return the survey from which the plan was made: this one, or an earlier one it names.

    A new line may leave its wave empty, as all lines are of one wave.
    """
    waves = {row: cells["wave"] for row, cells in sheet.lines.items() if cells["wave"]}
    if not sheet.lines:
        raise PlanError("plan_no_lines", [sheet.place(sheet.header, "id", "")])
    if not waves:
        rows = [sheet.place(row, "wave") for row in sheet.lines]
        raise PlanError("plan_no_wave", rows, id=survey.wave.id)
    earlier = {wave.id: wave for wave in map(read_wave, _list_earlier(survey))}
    first = next(iter(waves.values()))
    known = {survey.wave.id, *earlier}
    wrong = [row for row, wave in waves.items() if wave != first or wave not in known]
    if wrong:
        places = [sheet.place(row, "wave") for row in wrong]
        raise PlanError("plan_wave", places, id=survey.wave.id, known=", ".join(sorted(known)))
    return survey if first == survey.wave.id else read_survey(earlier[first])


def _list_earlier(survey: Survey) -> list[Path]:
    """Return the paths of the earlier waves that a wave names."""
    return [survey.wave.path_of(name) for name in survey.wave.earlier]


@dataclass
class _Lines:
    """The lines of a plan while their cells are read; mistakes are noted in the sheet."""

    sheet: PlanSheet
    words: PlanWords
    notices: list[Bilingual] = field(default_factory=list)

    def read_line(self, row: int) -> dict[str, object]:
        """Return a line of the plan as its columns; what the program computes is left out."""
        cells, wave = self.sheet.lines[row], self.words.survey.wave
        indicator = self._find_code(row, "indicator", is_needed=True)
        unit = self._find_code(row, "unit", is_needed=True)
        item = self._find_code(row, "item", is_needed=indicator == SURVEY)
        self._check_names(row, unit, item)
        notes, remark = self.words.read_note(cells["note"])
        texts = {name: self._read_text(row, name) for name in ("task", "owner", "budget")}
        return {
            "wave": wave.id,
            "id": self._read_id(row),
            "unit": "" if unit == PROVINCE else unit,
            "factor": self._find_factor(row, item),
            "item": item,
            "measure": self._find_code(row, "measure"),
            "indicator": indicator,
            **texts,
            "target": self._read_target(row, is_percent=indicator == SURVEY),
            "due": self._read_due(row),
            "status": self._find_code(row, "status", is_needed=True),
            "note": " ".join([*notes, *filter(None, [self._hide_personal(row, "note", remark)])]),
        }

    def _find_code(self, row: int, name: str, *, is_needed: bool = False) -> str:
        """Return the code that a cell means, or note that it means none."""
        text = self.sheet.lines[row].get(name, "")
        if not text and is_needed:
            self._refuse_blank(row, name)
        code = self.words.find(name, text) if text else ""
        if text and not code:
            fields = {"column": name_column(name), "near": self.words.nearest(name, text)}
            self.sheet.refuse("plan_word", row, name, **fields)
        return code

    def _refuse_blank(self, row: int, name: str) -> None:
        """Note an empty cell, with what its column asks for."""
        about = {language: say(language, f"plan.about.{name}") for language in LANGUAGES}
        self.sheet.refuse("plan_blank", row, name, column=name_column(name), about=about)

    def _check_names(self, row: int, unit: str, item: str) -> None:
        """Refuse a name beside a code that is another's: the columns were not sorted together."""
        for name, kind, code in (("unit_name", "unit", unit), ("item_name", "item", item)):
            text = self.sheet.lines[row].get(name, "")
            if text and code and self.words.find(kind, text) != code:
                shown = f"{code} ({self.words.labels[kind][code].text('vi')})"
                self.sheet.refuse("plan_other", row, name, wanted=shown)

    def _find_factor(self, row: int, item: str) -> str:
        """Return the factor of an item; without an item, the one that the cell names."""
        pack, named = self.words.survey.instrument, self._find_code(row, "factor")
        factor = pack.items[item].factor if item in pack.items else item
        factor = factor if factor in pack.factors else ""
        if named and factor and named != factor:
            wanted = f"{factor} ({pack.factors[factor].vi})"
            self.sheet.refuse("plan_other", row, "factor", wanted=wanted)
        return factor or named

    def _read_id(self, row: int) -> str:
        """Return the id of a line, which names its figures and so has letters and digits only."""
        text = self.sheet.lines[row]["id"]
        if not text:
            self._refuse_blank(row, "id")
        elif not _ID.fullmatch(text):
            self.sheet.refuse("plan_id", row, "id")
        return text

    def _read_text(self, row: int, name: str) -> str:
        """Return what officers wrote; who is in charge is a post, never a telephone (rule P1)."""
        text = self.sheet.lines[row][name]
        if not text and name == "task":
            self._refuse_blank(row, name)
        if len(text) > LONGEST_TEXT:
            self.sheet.refuse("plan_long", row, name, most=LONGEST_TEXT)
        return self._hide_personal(row, name, text) if name == "owner" else text

    def _hide_personal(self, row: int, name: str, text: str) -> str:
        """Return a text without telephone, e-mail and identity numbers; say where there was one."""
        public = hide_personal(text)
        if public != text:
            place = self.sheet.place(row, name, "")
            self.notices.append(_say_notice("personal", lambda tongue: {"place": place.text(tongue)}))
        return public

    def _read_target(self, row: int, *, is_percent: bool) -> float:
        """Return a target; of the survey a percentage, which 0.85 is not."""
        number = self._read_number(row, "target")
        if is_percent and (number <= 1 or number > 100):
            self.sheet.refuse("plan_target", row, "target")
        return number

    def _read_number(self, row: int, name: str) -> float:
        """Return a number with a decimal comma or point; missing if the cell is empty or wrong."""
        text = self.sheet.lines[row].get(name, "")
        digits = re.sub(r"\s", "", text).removesuffix("%").replace("−", "-")
        if text and not _NUMBER.fullmatch(digits):
            self.sheet.refuse("plan_number", row, name, column=name_column(name))
            return _NO_NUMBER
        return float(digits.replace(",", ".")) if text else _NO_NUMBER

    def _read_due(self, row: int) -> date | None:
        """Return a day, written by day first; refuse one before the plan or long after."""
        text, wave = self.sheet.lines[row]["due"], self.words.survey.wave
        if not text:
            return None
        day = _read_day(text)
        first = wave.collected.end or date(wave.year, 1, 1)
        last = first.replace(year=first.year + YEARS, day=1)
        if day is None:
            self.sheet.refuse("plan_day", row, "due")
        elif not first <= day <= last:
            days = {"first": f"{first:%d/%m/%Y}", "last": f"{last:%d/%m/%Y}"}
            self.sheet.refuse("plan_due", row, "due", **days)
        return day


def _read_day(text: str) -> date | None:
    """Return the day of a text: 2026-03-31, 31/3/2026, in words, or the number of a spreadsheet."""
    if _SERIAL.fullmatch(text):
        return _DAY_ZERO + timedelta(days=int(text))
    if words := _DAY_WORDS.fullmatch(fold_text(text)):
        text = "/".join(words.groups())
    reading = make_day_reader("d/m")(text)
    return date.fromisoformat(str(reading.value)) if reading.ok and reading.value else None


def _check_ids(sheet: PlanSheet) -> None:
    """Refuse every line whose id another line has too."""
    counts = Counter(fold_text(cells["id"]) for cells in sheet.lines.values())
    doubled = [
        sheet.place(row, "id")
        for row, cells in sheet.lines.items()
        if cells["id"] and counts[fold_text(cells["id"])] > 1
    ]
    if doubled:
        sheet.errors.append(PlanError("plan_id_twice", doubled))


def _fill_figures(
    sheet: PlanSheet, lines: pd.DataFrame, source: Survey, scores: Estimates | None
) -> pd.DataFrame:
    """Add the figures of the wave to lines; refuse cells that show others, and low targets."""
    raise NotImplementedError


def _note_columns(sheet: PlanSheet) -> list[Bilingual]:
    """Say which columns are not of a plan and were not read."""
    names = ", ".join(f"“{header}”" for header in sheet.ignored)
    return [_say_notice("ignored", lambda _: {"names": names})] if names else []


def _note_successors(lines: pd.DataFrame, source: Survey, survey: Survey) -> list[Bilingual]:
    """Say which units of a plan have another code in a later wave, or were split since."""
    if source is survey:
        return []
    links, named = link_units(source, survey), dict.fromkeys(lines["unit"])
    moved = [f"{unit} → {links.successors[unit]}" for unit in named if _is_moved(unit, links.successors)]
    return [_say_notice("successor", lambda _: {"units": ", ".join(moved)})] if moved else []
