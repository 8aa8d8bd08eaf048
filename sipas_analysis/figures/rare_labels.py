"""Merge labels that few people gave into *other* before anything shows them (rule P6).

A label of one person may be a name, and shows at least that this person answered. The forms keep
what was answered; only tables and models that print labels use the merged ones.
"""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from sipas_analysis.collect.readings import OTHER, OTHER_NAMES, find_choice, fold_answer
from sipas_analysis.collect.survey import Survey
from sipas_analysis.instrument.strict_yaml import Bilingual

OTHER_LABEL = Bilingual(vi="Khác", en="Other")


def find_rare_labels(survey: Survey) -> dict[str, dict[str, int]]:
    """Return how many forms have each label that fewer than ``min_cell`` people gave, by key.

    Keys are the mode, the wave's own keys and the questions on the person. The label *other* is
    never rare: others are merged into it.
    """
    rare = {
        key: {label: n for label, n in counts.items() if n < survey.wave.min_cell}
        for key in _list_label_keys(survey)
        for counts in [_count_labels(survey, key)]
    }
    return {key: counts for key, counts in rare.items() if counts}


def merge_rare_labels(survey: Survey) -> Survey:
    """Return the survey with rare labels as *other*; the same survey if no label is rare."""
    rare = find_rare_labels(survey)
    indicators, merged = dict(survey.instrument.indicators), dict[str, "pd.Series[str]"]()
    for key, counts in rare.items():
        other = _name_other(survey, key)
        if key in indicators and other not in indicators[key].levels:
            levels = {**indicators[key].levels, other: OTHER_LABEL}
            indicators[key] = indicators[key].model_copy(update={"levels": levels})
        names = dict.fromkeys(counts, other)
        if survey.is_many(key):
            answers = survey.frame[key].dropna().unique()
            names = {answer: _rename_choices(answer, names) for answer in answers}
        merged[key] = survey.frame[key].astype("str").replace(names)  # of a large sheet: categories
    if not rare:
        return survey
    pack = survey.instrument.model_copy(update={"indicators": indicators})
    return replace(survey, instrument=pack, frame=survey.frame.assign(**merged))


def _list_label_keys(survey: Survey) -> list[str]:
    """Return the keys whose labels say something about people."""
    indicators = survey.instrument.indicators
    profile = [code for code, question in indicators.items() if question.group == "profile"]
    return [key for key in ("mode", *survey.wave.key_codes, *profile) if key in survey.keys]


def _count_labels(survey: Survey, key: str) -> dict[str, int]:
    """Return how many forms have each label of a key, without blank and *other*."""
    labels = survey.frame[key].dropna()
    labels = labels.str.split(";").explode() if survey.is_many(key) else labels
    counts = labels[labels != ""].value_counts(sort=False)
    other = _name_other(survey, key)
    return {str(label): int(n) for label, n in counts.items() if label != other}


def _name_other(survey: Survey, key: str) -> str:
    """Return the label *other* of a key: the one that it has, or the usual one."""
    if key in survey.instrument.indicators:
        return find_choice(survey.instrument.indicators[key], OTHER) or OTHER
    labels = map(str, survey.frame[key].dropna().unique())
    return next((label for label in labels if fold_answer(label) in OTHER_NAMES), OTHER)


def _rename_choices(answer: str, names: Mapping[str, str]) -> str:
    """Return an answer of several choices with other labels, each of them once."""
    return ";".join(dict.fromkeys(names.get(label, label) for label in answer.split(";")))
