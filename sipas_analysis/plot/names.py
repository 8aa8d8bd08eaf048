"""Names of what pictures show: units, groups, factors and items, in the language of the picture."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sipas_analysis.arguments import refuse_kind
from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.units import GROUPS
from sipas_analysis.explain.term_names import Labels, read_labels
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.instrument.wording import IN_PLACE, list_wording, repeats_code
from sipas_analysis.messages import Language, say
from sipas_analysis.reports.subject import name_item

__all__ = ["Labels", "Names", "read_names"]


@dataclass(frozen=True)
class Names:
    """Names by code in one language; a code without a name is its own name.

    Attributes:
        language: Language of the names.
        wording: Names of units, groups, factors, items and indices; under ``label:<code>`` those
            that stand in place of the code, as the names that the caller gave.
        pack: Questionnaire; None if it is not known.
        survey: The survey; None if it is not known.
    """

    language: Language
    wording: Mapping[str, Bilingual] = field(default_factory=dict)
    pack: Instrument | None = None
    survey: Survey | None = None

    def name_code(self, code: str) -> str:
        """Return the name of a factor or an index; of an item with its code."""
        if label := self._find_label(code):
            return label
        if self.pack is not None and code in self.pack.items:
            return self.name_item(code)
        return self.wording[code].text(self.language) if code in self.wording else code

    def name_item(self, code: str) -> str:
        """Return code and wording of an item; the code alone if the wording says no more."""
        if label := self._find_label(code):
            return label
        if self.pack is not None and code in self.pack.items:
            return name_item(self.pack, code).text(self.language)
        text = self.wording[code].text(self.language) if code in self.wording else code
        return (
            text
            if repeats_code(code, text)
            else say(self.language, "report.coded", code=code, mark="", name=text)
        )

    def name_level(self, key: str, code: str) -> str:
        """Return the name of a value of a key column: of a unit, a group, or a level."""
        if label := self._find_label(code):
            return label
        name = self.wording.get(f"{key}:{code}")
        if self.pack is not None and key in self.pack.indicators:
            name = self.pack.indicators[key].levels.get(code)
        return (name.text(self.language) if name else "") or code

    def _find_label(self, code: str) -> str:
        """Return the name that stands in place of a code; empty if there is none."""
        name = self.wording.get(f"{IN_PLACE}{code}")
        return name.text(self.language) if name else ""


def read_names(
    labels: Labels, language: Language, survey: Survey | None, result: ResultTable | None
) -> Names:
    """Return the names that the caller gave, and those of a survey, a questionnaire or a result.

    Args:
        labels: A survey, a questionnaire, or names by code.
        language: Language of the names.
        survey: The survey of the result, if the result knows it.
        result: The result, which has the wording of codes.

    Raises:
        ParameterError: ``labels`` is of another kind.
    """
    if not (labels is None or isinstance(labels, Survey | Instrument | Mapping)):
        raise refuse_kind(labels, "names_by_code", "labels")
    survey = labels if isinstance(labels, Survey) else survey
    pack = survey.instrument if survey is not None else None
    usual = {f"group:{code}": name for code, name in GROUPS.items()}
    wording = usual | dict(result.wording if result is not None else {})
    if survey is not None:
        wording |= survey.wording
    if isinstance(labels, Instrument):
        pack, wording = labels, wording | list_wording(labels)
    given = read_labels(labels) if isinstance(labels, Mapping) else {}
    return Names(language, wording | given, pack, survey)
