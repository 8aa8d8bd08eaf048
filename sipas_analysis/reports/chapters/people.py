"""The annex on who answered: people by question on the person, without counts that are too small.

Only the whole province is counted (rule P2).
"""

from sipas_analysis.collect.readings import OTHER
from sipas_analysis.documents.model import Block, Column, Paragraph, Table, make_text
from sipas_analysis.figures.hidden_labels import list_counted_keys, list_labels
from sipas_analysis.figures.rare_labels import OTHER_LABEL, find_rare_labels
from sipas_analysis.infer.sample_facts import read_facts
from sipas_analysis.reports.chapters.respondents import choose_keys, tabulate_respondents
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject

MODES = ("direct", "post", "online", "phone", "home", "desk")


def show_people(subject: Subject) -> list[Block]:
    """Count who answered and how, by each question; small counts are not shown.

    Then compare their indices, if the body of the report shows some questions only.
    """
    keys = [
        key
        for key in list_counted_keys(subject.figures.labelled)
        if subject.figures.find(f"people:{key}")
    ]
    if not keys:
        return [Paragraph(make_text("report.people.none"), "note")]
    counts = [_tabulate_people(subject, key) for key in keys]
    groups = subject.figures.respondents
    is_cut = len(groups) and len(choose_keys(groups)) < groups["key"].nunique()
    return [*counts, *([tabulate_respondents(subject, groups)] if is_cut else [])]


def _tabulate_people(subject: Subject, key: str) -> Table:
    """Count the forms by one key, with percentages of those who answered."""
    survey = subject.figures.labelled
    title: object = subject.short_name(key) if key in subject.pack.indicators else key
    title = make_text("report.mode") if key == "mode" else title
    headers = (make_text("report.column.forms"), make_text("report.column.share"))
    columns = (Column(title, "row"), *(Column(head) for head in headers))
    rows = tuple(
        (_name_label(subject, key, label), *_count_cells(subject, f"people:{key}={label}"))
        for label in list_labels(survey, key)
        if subject.figures.find(f"people:{key}={label}")
    )
    n, n_all = number_of(subject, f"people:{key}"), number_of(subject, "forms:kept")
    base = "asked" if (survey.frame[key] == "").any() else "chosen"
    many = make_text(f"report.people.many_{base}", n=n, n_all=n_all)
    rare = make_text("report.people.rare", min_cell=number_of(subject, "setting:min_cell"))
    is_merged = key in find_rare_labels(subject.figures.survey)
    is_weighted = not read_facts(subject.figures.survey.design()).scale.equal
    plain = [make_text("report.people.unweighted")] if is_weighted else []
    notes = (*plain, *([many] * survey.is_many(key)), *([rare] * is_merged))
    caption = make_text("report.table.people", title=title, n=n)
    return Table(f"table-people-{key}", caption, columns, rows, notes)


def _count_cells(subject: Subject, figure_id: str) -> tuple[object, object]:
    """Return how many people gave a label and their percentage, or that this is not shown."""
    count = number_of(subject, figure_id, "numerator")
    if count.value is None:
        return make_text("report.suppressed"), None
    return count, number_of(subject, figure_id, decimals=1)


def _name_label(subject: Subject, key: str, label: str) -> object:
    """Return the name of a label: of the pack, of the program, or the label itself."""
    indicator = subject.figures.labelled.instrument.indicators.get(key)
    if indicator is not None:
        return indicator.levels[label]
    if label == OTHER:
        return OTHER_LABEL
    return make_text(f"mode.{label}") if key == "mode" and label in MODES else label
