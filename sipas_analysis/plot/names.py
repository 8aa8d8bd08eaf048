"""Names of what pictures show: units, groups, factors and items, in the language of the picture."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from sipas_analysis.arguments import refuse_kind
from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.units import GROUPS, list_groups
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import Language, say
from sipas_analysis.reports.subject import list_unit_names, name_item

Labels = Survey | Instrument | Mapping[str, str] | None


@dataclass(frozen=True)
class Names:
    """Names by code in one language; a code without a name is its own name.

    Attributes:
        language: Language of the names.
        pack: Questionnaire with the names of factors and items; None if it is not known.
        units: Names of units.
        groups: Names of groups of units.
        labels: Names that the caller gave; these come first.
        wording: Names that the result has; these come last.
        survey: The survey, if it is known.
    """

    language: Language
    pack: Instrument | None = None
    units: Mapping[str, Bilingual] = field(default_factory=dict)
    groups: Mapping[str, Bilingual] = field(default_factory=lambda: GROUPS)
    labels: Mapping[str, str] = field(default_factory=dict)
    wording: Mapping[str, Bilingual] = field(default_factory=dict)
    survey: Survey | None = None

    def name_key(self, key: str, code: str) -> str:
        """Return the name of a value of a key column."""
        names = {"unit": self.units, "group": self.groups}.get(key)
        if names is not None:
            return self._find(code, names)
        return code if self.pack is None else self._name_level(key, code)

    def name_unit(self, code: str) -> str:
        """Return the name of a unit."""
        return self.name_key("unit", code)

    def name_group(self, code: str) -> str:
        """Return the name of a group of units."""
        return self.name_key("group", code)

    def name_variable(self, code: str) -> str:
        """Return the name of a factor or of an index, or code and wording of an item."""
        if code in self.labels:
            return self.labels[code]
        if code in ("overall", "comprehensive", "mean_score", "mean_score_100"):
            return say(self.language, f"plot.index.{code}")
        if self.pack is None:
            return self._find(code, self.wording)
        if code in self.pack.items:
            return name_item(self.pack, code).text(self.language)
        return self.pack.label_of(code, self.language)

    def _name_level(self, key: str, code: str) -> str:
        """Return the name of a level of a question on the person."""
        assert self.pack is not None
        question = self.pack.indicators.get(key)
        levels = question.levels if question is not None else {}
        return self._find(code, levels)

    def _find(self, code: str, names: Mapping[str, Bilingual]) -> str:
        if code in self.labels:
            return self.labels[code]
        return names[code].text(self.language) or code if code in names else code


def read_names(
    labels: Labels, language: Language, survey: Survey | None = None, result: object = None
) -> Names:
    """Return the names that the caller gave, and those of a survey, a questionnaire or a result.

    Args:
        labels: A survey, a questionnaire, or names by code.
        language: Language of the names.
        survey: The survey of the result, if the result knows it.
        result: The result, which may have the wording of codes and the names of units.

    Raises:
        ParameterError: ``labels`` is of another kind.
    """
    if not (labels is None or isinstance(labels, Survey | Instrument | Mapping)):
        raise refuse_kind(labels, "names_by_code", "labels")
    survey = labels if isinstance(labels, Survey) else survey
    names = Names(language, survey=survey, wording=getattr(result, "wording", {}))
    if isinstance(labels, Mapping):
        given = {str(code): str(name) for code, name in labels.items()}
        names = replace(names, labels=given)
    if isinstance(labels, Instrument):
        names = replace(names, pack=labels)
    if survey is None:
        return replace(names, units=_name_units(getattr(result, "frame", pd.DataFrame())))
    return replace(
        names,
        pack=names.pack or survey.instrument,
        units=list_unit_names(survey.units),
        groups=list_groups(survey.wave),
    )


def _name_units(frame: pd.DataFrame) -> dict[str, Bilingual]:
    """Return the names of units that a table of results has."""
    if not {"unit", "unit_name"} <= {*frame}:
        return {}
    pairs = frame[["unit", "unit_name"]].dropna().drop_duplicates("unit").to_numpy()
    return {str(code): Bilingual(vi=str(name)) for code, name in pairs}
