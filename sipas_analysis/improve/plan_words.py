"""The words that stand for codes in the file of a plan: written for officers, read in any spelling.

A cell may hold the code or its words in Vietnamese or English. Words that two codes share stand
for neither; the code is written then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sipas_analysis.arguments import find_nearest
from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.units import index_units, name_nearest_unit
from sipas_analysis.errors import SHOWN_PLACES, shorten
from sipas_analysis.improve.actions import SURVEY, read_library
from sipas_analysis.improve.plan import NOTES, STATUSES
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES, Language, say
from sipas_analysis.sheets.texts import fold_text, tidy_text

AS_CODES = ("unit", "item", "measure")  # written as codes, with names beside
PROVINCE = "*"  # how a CSV file names the unit of a line of the whole province


def name_whole(survey: Survey) -> str:
    """Return the message that names all units: the province, or all of a survey that is of none."""
    is_of_none = survey.instrument.is_own and not survey.wave.province.text("vi")
    return "report.level.whole" if is_of_none else "report.level.province"


@dataclass(frozen=True, eq=False)
class PlanWords:
    """Codes and words of the cells of a plan that was made from a survey."""

    survey: Survey

    @cached_property
    def labels(self) -> dict[str, dict[str, Bilingual]]:
        """Words of each code, by kind; of units without those that are in no list."""
        pack, library = self.survey.instrument, read_library(self.survey.wave).measures
        units = self.survey.units
        names = zip(units["code"], units["name_vi"], units["name_en"], strict=True)
        overall = {OVERALL: _say_both("report.level.overall")}
        own = {pack.overall_item.code: pack.overall_item} if pack.overall_item else {}
        indicators = {
            indicator.id: Bilingual(vi=indicator.vi, en=indicator.en)
            for measure in library.values()
            for indicator in measure.indicators
        }
        return {
            "unit": {
                PROVINCE: _say_both(name_whole(self.survey)),
                **{code: Bilingual(vi=vi, en=en) for code, vi, en in names},
            },
            "factor": {**pack.factors},
            "item": {**pack.items, **pack.factors, **own, **overall},
            "measure": {**library},
            "indicator": {SURVEY: _say_both("plan.indicator.survey"), **indicators},
            "status": {status: _say_both(f"plan.status.{status}") for status in STATUSES},
            "note": {note: _say_both(f"plan.note.{note}") for note in NOTES},
        }

    @cached_property
    def _codes(self) -> dict[str, dict[str, str]]:
        """The code of each spelling, by kind; empty for words that two codes share."""
        codes = {kind: _index_words(labels) for kind, labels in self.labels.items()}
        wholes = {
            text: PROVINCE
            for level in ("province", "whole")  # also of a plan that an earlier version wrote
            for text in _index_words({PROVINCE: _say_both(f"report.level.{level}")})
        }
        codes["unit"] = wholes | index_units(self.survey.units)
        return codes

    def find(self, kind: str, text: str) -> str:
        """Return the code that a cell means; empty if it means none.

        Where capitals tell two codes apart (the question ``OVERALL`` from the index ``overall``),
        they count.
        """
        return text if text in self.labels[kind] else self._codes[kind].get(fold_text(text), "")

    def factor_of(self, measure: str) -> str:
        """Return the factor of a measure; empty for own words."""
        measures = read_library(self.survey.wave).measures
        return measures[measure].factor if measure else ""

    def is_name(self, kind: str, code: str, text: str) -> bool:
        """Return whether a text is a name of a code, which another code may have too."""
        label = self.labels[kind][code]
        return self.find(kind, text) == code or fold_text(text) in map(
            fold_text, (label.vi, label.en)
        )

    def describe(self, kind: str, code: str) -> dict[str, str]:
        """Return a code with its words in each language."""
        label = self.labels[kind][code]
        return {language: f"{code} ({shorten(label.text(language))})" for language in LANGUAGES}

    def list_choices(self, kind: str, language: Language) -> tuple[str, ...]:
        """Return what the drop-down list of a column offers, each spelling once."""
        codes = {fold_text(code): code for code in self.labels[kind]}.values()
        are_codes = kind in AS_CODES
        return tuple(
            code if are_codes and code != PROVINCE else self.write(kind, code, language)
            for code in codes
        )

    def nearest(self, kind: str, text: str) -> str | dict[str, str]:
        """Return what a misspelt cell may mean, else the first choices that there are."""
        if kind == "unit":
            return name_nearest_unit(self.survey.units, text)
        near = self.find(kind, find_nearest(fold_text(text), self._codes[kind]))
        if near:
            return self.describe(kind, near)
        return {
            language: ", ".join(self.list_choices(kind, language)[:SHOWN_PLACES])
            for language in LANGUAGES
        }

    def write(self, kind: str, code: str, language: Language) -> str:
        """Return the words of a code as they are written in a cell; the code if they are shared."""
        words = tidy_text(self.labels[kind][code].text(language)) if code else ""
        return words if self.find(kind, words) == code else code

    def write_note(self, note: str, language: Language) -> str:
        """Return the words of a note as one text."""
        return "; ".join(self.write("note", word, language) for word in note.split())

    def read_note(self, text: str) -> tuple[str, str]:
        """Return the notes of the program in a cell, and what officers wrote beside them.

        A workbook has the notes in words, parted by semicolons, a CSV file as the program has them.
        """
        parts = [part.strip() for part in text.split(";")]
        notes = [part if {*part.split()} <= {*NOTES} else self.find("note", part) for part in parts]
        free = [part for part, note in zip(parts, notes, strict=True) if part and not note]
        return " ".join(filter(None, notes)), "; ".join(free)


def _say_both(message_id: str) -> Bilingual:
    """Return a message in both languages."""
    return Bilingual(**{language: say(language, message_id) for language in LANGUAGES})


def _index_words(labels: Mapping[str, Bilingual]) -> dict[str, str]:
    """Return the code of each spelling; a code goes before words that are the same."""
    index: dict[str, str] = {}
    for code, label in labels.items():
        for text in {fold_text(label.vi), fold_text(label.en)} - {""}:
            index[text] = "" if index.get(text, code) != code else code
    return index | {fold_text(code): code for code in labels}
