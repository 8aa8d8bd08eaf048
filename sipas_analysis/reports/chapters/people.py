"""The chapter on who answered: people by profile question, without counts that are too small."""

import pandas as pd

from sipas_analysis.collect.readings import OTHER
from sipas_analysis.collect.survey import Survey
from sipas_analysis.documents.model import (
    Block,
    Column,
    Number,
    Paragraph,
    Section,
    Table,
    make_text,
)
from sipas_analysis.figures.rare_labels import OTHER_LABEL, find_rare_labels
from sipas_analysis.figures.suppression import hide_small_counts
from sipas_analysis.reports.subject import Subject

MODES = ("direct", "post", "online", "phone", "home", "desk")


def build_people(subject: Subject) -> Section:
    """Count who answered, by each profile question; small counts are not shown."""
    survey = subject.figures.survey
    keys = [
        code
        for code, indicator in subject.pack.indicators.items()
        if indicator.group == "profile" and code in survey.keys
    ]
    keys += [key for key in survey.wave.key_codes if key in survey.keys]
    shown_keys = [key for key in keys if may_count(subject, key)]
    blocks: list[Block] = [tabulate_shares(subject, key) for key in shown_keys]
    if not keys:
        blocks.append(Paragraph(make_text("report.people.none"), "note"))
    elif len(shown_keys) < len(keys):
        limit = survey.wave.min_cell
        blocks.append(Paragraph(make_text("report.people.hidden", min_cell=limit), "note"))
    return Section("people", make_text("report.chapter.people"), tuple(blocks))


def may_count(subject: Subject, key: str) -> bool:
    """Return whether a unit's report may count people by a key.

    Only if no unit of the wave has a small count. Otherwise a count hidden in one report could be
    computed from the reports of the province and of the other units (rule P2).
    """
    return not subject.unit or not subject.figures.has_small_cell(key)


def tabulate_shares(subject: Subject, key: str) -> Table:
    """Count the forms of the subject by one key, with percentages of those who answered."""
    survey = subject.figures.labelled
    forms = survey.frame.loc[subject.forms.index]
    names, counts = _count_choices(survey, forms, key)
    is_none = forms[key] == ""  # of several choices none: answered
    n = int((forms[key].notna() & (survey.is_many(key) | ~is_none)).sum())
    shown = hide_small_counts(counts, survey.wave.min_cell)
    withheld = make_text("report.suppressed")
    rows = tuple(
        (name, withheld if count is None else count, count and Number(100 * count / n, 1))
        for name, count in zip(names, shown, strict=True)
        if count != 0
    )
    title: object = subject.short_name(key) if key in subject.pack.indicators else key
    title = make_text("report.mode") if key == "mode" else title
    headers = (make_text("report.column.forms"), make_text("report.column.share"))
    columns = (Column(title, "row"), *(Column(head) for head in headers))
    base = "asked" if (survey.frame[key] == "").any() else "chosen"
    note = make_text(f"report.people.many_{base}", n=n, n_all=len(forms))
    rare = make_text("report.people.rare", min_cell=survey.wave.min_cell)
    is_merged = key in find_rare_labels(subject.figures.survey)
    notes = (*([note] * survey.is_many(key)), *([rare] * is_merged))
    caption = make_text("report.table.people", title=title, n=n)
    return Table(f"table-people-{key}", caption, columns, rows, notes)


def _count_choices(survey: Survey, forms: pd.DataFrame, key: str) -> tuple[list[object], list[int]]:
    """Return the names of the answers to one key and how many of the forms gave each."""
    if key in survey.instrument.indicators:
        levels = survey.instrument.indicators[key].levels
        n_by_level = [int(survey.has_choice(key, code)[forms.index].sum()) for code in levels]
        return list(levels.values()), n_by_level
    counts = forms.loc[forms[key] != "", key].value_counts().sort_index()
    codes = [str(code) for code in counts.index]
    return [_name_label(key, code) for code in codes], [int(n) for n in counts]


def _name_label(key: str, code: str) -> object:
    """Return the name of a label that is in no pack."""
    if code == OTHER:
        return OTHER_LABEL
    return make_text(f"mode.{code}") if key == "mode" and code in MODES else code
