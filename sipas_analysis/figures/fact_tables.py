"""Published tables that join the records to the survey: groups reached, and facts as drivers.

Forms that carry the code of a dossier obey rule P2 as any figure: units whose index is hidden have
no row, and no row is about one form.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.figures.hidden_labels import find_hidden_labels, list_labels, mark_labels
from sipas_analysis.figures.record_rows import ALL
from sipas_analysis.figures.record_tables import RecordSource, name_rows

if TYPE_CHECKING:
    from sipas_analysis.explain.fact_results import FactDrivers

VANISHED = {
    "variable": "label",
    "vanished_percent": "vanishes_percent",
    "low": "vanishes_percent_low",
    "high": "vanishes_percent_high",
}
MATCHED = {"percent": "matched_percent"}
EFFECTS = {"variable": "label", "low": "value_low", "high": "value_high"}


def tabulate_coverage(source: RecordSource) -> pd.DataFrame:
    """Return the share of each vulnerable group among clients and among forms (T8)."""
    from sipas_analysis.records.coverage import find_group_question, measure_coverage

    dossiers = source.records.dossiers
    if "groups" not in dossiers:
        return pd.DataFrame()
    survey, hidden = source.survey, source.hidden_units
    question = find_group_question(survey)
    every = {*list_labels(survey, question)} if question else set[str]()  # a key that follows units
    labels = find_hidden_labels(survey, hidden).get(question, every)
    table = measure_coverage(survey, dossiers, period=source.period, hidden=labels)
    table = _hide_differences(table, survey, question)
    is_recorded = table["clients_n"].notna().any()
    named = name_rows(table.rename(columns={"code": "label"}), "groups", source)
    return named if is_recorded else named.iloc[:0]


def _hide_differences(table: pd.DataFrame, survey: Survey, question: str) -> pd.DataFrame:
    """Blank the forms of a group, or of all, if few others answered in units without clients (P2).

    Reports count the people with each label of the question in all units.
    """
    from sipas_analysis.records.coverage import GAP, SHOWN_OF_FORMS

    if not question:
        return table
    marks, fewest = mark_labels(survey, question), survey.wave.min_cell
    people = {str(label): n for label, n in marks.sum().items()}
    is_few = (table["code"].map(people) - table["forms_n"]).between(1, fewest - 1)
    is_near = pd.Series(False, table.index)
    for n in (len(survey.frame), int(survey.frame[question].notna().sum())):
        is_near |= (n - table["forms_base"]).between(1, fewest - 1)
    table.loc[is_few | is_near, [*SHOWN_OF_FORMS, *GAP]] = np.nan
    table.loc[is_near, "forms_base"] = np.nan
    return table


def tabulate_facts(source: RecordSource) -> pd.DataFrame:
    """Return which forms have facts, the effects of facts, and what vanishes with them (D7).

    The key of a factor is its code, of a fact ``fact:<number>``; ``views`` has the correlation of
    people's view of the time with the clock over the units.
    """
    from sipas_analysis.explain.drivers import drivers

    survey = source.survey
    if survey.dossiers is None:
        return pd.DataFrame()
    models = drivers(survey, facts=source.records)
    parts = [*_list_matches(source, models), *_list_effects(source, models)]
    return pd.concat(parts, ignore_index=True)


def _list_matches(source: RecordSource, models: "FactDrivers") -> Iterator[pd.DataFrame]:
    """Yield how many forms have the facts of their dossier: of the whole, then of each unit."""
    counted = models.joined.frame.drop(columns=["low", "high"])  # which form has a code is known
    joined = counted.rename(columns=MATCHED)
    yield name_rows(joined[joined["unit"] == ""], ALL, source)
    is_shown = (joined["unit"] != "") & ~joined["unit"].isin([*source.hidden_units])
    yield name_rows(source.place(joined[is_shown & joined["matched"].notna()]), "unit", source)


def _list_effects(source: RecordSource, models: "FactDrivers") -> Iterator[pd.DataFrame]:
    """Yield what vanishes of each factor, the effect of each fact, people's view and the clock."""
    from sipas_analysis.explain.record_views import compare_views

    frame = models.frame
    if len(models.vanished):
        factors = name_rows(models.vanished.rename(columns=VANISHED), "factor", source)
        yield factors.assign(key=factors["label"], n=models.n)
        is_fact = (frame["model"] == "with_facts") & (frame["kind"] == "fact")
        facts = frame.loc[is_fact, ["variable", "value", "low", "high", "n"]]
        yield name_rows(facts.rename(columns=EFFECTS), "fact", source)
    views = compare_views(source.survey, source.records)
    if views.n_units:
        names = {"correlation": views.correlation, "n_units": views.n_units}
        ends = {"correlation_low": views.low, "correlation_high": views.high}
        yield name_rows(pd.DataFrame([names | ends]), "views", source).assign(key="views")
