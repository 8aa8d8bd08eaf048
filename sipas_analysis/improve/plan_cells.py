"""Read the cells of a plan, each by the rule of its column; mistakes are noted with their place."""

import re
from dataclasses import dataclass, field
from datetime import date, timedelta

from sipas_analysis.collect.days import make_day_reader
from sipas_analysis.errors import hide_personal
from sipas_analysis.improve.actions import SURVEY
from sipas_analysis.improve.plan_sheet import COMPUTED, PlanSheet, name_column
from sipas_analysis.improve.plan_words import PROVINCE, PlanWords
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES, say
from sipas_analysis.sheets.texts import fold_text

LONGEST_TEXT = 500  # characters of a cell in the words of officers
YEARS = 10  # a line is done at most so many years after the wave
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,79}")
_NUMBER = re.compile(r"-?\d+(?:[.,](?!\d{3}$)\d+)?")  # 1.234 may also mean 1234
_SERIAL = re.compile(r"[3-7]\d{4}")  # a day of a cell without the format of a day
_DAY_ZERO = date(1899, 12, 30)
_DAY_WORDS = re.compile(r"(?:ngày )?(\d{1,2}) tháng (\d{1,2}) năm (\d{4})")
_NO_NUMBER = float("nan")


@dataclass
class PlanCells:
    """The lines of a plan while their cells are read; mistakes are noted in the sheet."""

    sheet: PlanSheet
    words: PlanWords
    notices: list[Bilingual] = field(default_factory=list)

    def read_line(self, row: int) -> dict[str, object]:
        """Return a line of the plan as its columns.

        What the program computes is what the cell says: it is compared, and then computed again.
        """
        cells, wave = self.sheet.lines[row], self.words.survey.wave
        indicator = self._find_code(row, "indicator", is_needed=True)
        unit = self._find_code(row, "unit", is_needed=not cells.get("unit_name"))
        is_followed = indicator == SURVEY and not cells.get("item_name")
        item = self._find_code(row, "item", is_needed=is_followed)
        measure = self._find_code(row, "measure")
        self._check_names(row, unit, item)
        note, beside = self.words.read_note(cells["note"])
        remark = "; ".join(filter(None, [beside, cells["remark"]]))
        texts = {name: self._read_text(row, name) for name in ("task", "owner", "budget")}
        return {
            "wave": wave.id,
            "id": self._read_id(row, unit),
            "unit": "" if unit == PROVINCE else unit,
            "factor": self._find_factor(row, item, measure),
            "item": item,
            "measure": measure,
            "indicator": indicator,
            **texts,
            **{name: self._read_number(row, name) for name in (*COMPUTED, "n_needed")},
            "target": self._read_target(row, is_percent=indicator == SURVEY),
            "due": self._read_due(row),
            "status": self._find_code(row, "status", is_needed=True),
            "note": note,
            "remark": self._hide_personal(row, "remark", remark),
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
            if text and not self.sheet.lines[row][kind]:
                self._refuse_blank(row, kind)
            elif text and code and not self.words.is_name(kind, code, text):
                self.sheet.refuse("plan_other", row, name, wanted=self.words.describe(kind, code))

    def _find_factor(self, row: int, item: str, measure: str) -> str:
        """Return the factor of an item, else the one that the cell names, else of the measure."""
        pack, named = self.words.survey.instrument, self._find_code(row, "factor")
        factor = pack.items[item].factor if item in pack.items else item
        factor = factor if factor in pack.factors else ""
        if named and factor and named != factor:
            wanted = self.words.describe("factor", factor)
            self.sheet.refuse("plan_other", row, "factor", wanted=wanted)
        return factor or named or self.words.factor_of(measure)

    def _read_id(self, row: int, unit: str) -> str:
        """Return the id of a line: letters, digits and hyphens, or the unit and a number."""
        text = self.sheet.lines[row]["id"]
        if not text:
            self._refuse_blank(row, "id")
        elif not (_ID.fullmatch(text) or re.fullmatch(rf"{re.escape(unit)}-\d+", text)):
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
            places = Bilingual(**{language: place.text(language) for language in LANGUAGES})
            self.notices.append(say_notice("personal", place=places))
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
        text, first = self.sheet.lines[row]["due"], self.words.survey.wave.last_day
        if not text:
            return None
        day = read_day(text)
        last = date(first.year + YEARS, 12, 31) if first else None
        if day is None:
            self.sheet.refuse("plan_day", row, "due")
        elif first and last and not first <= day <= last:
            days = {"first": f"{first:%d/%m/%Y}", "last": f"{last:%d/%m/%Y}"}
            self.sheet.refuse("plan_due", row, "due", **days)
        return day


def read_day(text: str) -> date | None:
    """Return the day of a text: 2026-03-31, 31/3/2026, in words, or the number of a spreadsheet."""
    if _SERIAL.fullmatch(text):
        return _DAY_ZERO + timedelta(days=int(text))
    if words := _DAY_WORDS.fullmatch(fold_text(text)):
        text = "/".join(words.groups())
    reading = make_day_reader("d/m")(text)
    return date.fromisoformat(str(reading.value)) if reading.ok and reading.value else None


def say_notice(name: str, **fields: str | Bilingual) -> Bilingual:
    """Return a notice in both languages; a field in two languages is said in each."""
    texts = {
        language: say(
            language,
            f"plan.notice.{name}",
            **{
                key: text.text(language) if isinstance(text, Bilingual) else text
                for key, text in fields.items()
            },
        )
        for language in LANGUAGES
    }
    return Bilingual(**texts)
