"""The annex on the index: measures beside it, and the same answers under other rules."""

from sipas_analysis.documents.model import (
    Column,
    Joined,
    Section,
    Table,
    make_text,
)
from sipas_analysis.figures.published import list_figures
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.rules import COMPREHENSIVE, MEAN_100, MEAN_SCORE
from sipas_analysis.reports.figure_tables import (
    estimate_columns,
    interval_cell,
    number_cell,
    percent_cell,
)
from sipas_analysis.reports.subject import Subject

OTHER_MEASURES = (COMPREHENSIVE, MEAN_SCORE, MEAN_100)


def _other_measures_table(subject: Subject) -> Table:
    """List the measures that are shown beside the index."""
    rows = tuple(
        (
            make_text(f"report.beside.{name}"),
            percent_cell(figure),
            interval_cell(figure, 2),
            number_cell(figure),
        )
        for name in OTHER_MEASURES
        if name in subject.own_figures
        for figure in [subject.own_figures[name]]
    )
    first, _, *rest = estimate_columns("report.column.measure", subject)
    columns = (first, Column(make_text("report.column.value")), *rest)
    note = make_text("report.beside.note")
    return Table("table-beside", make_text("report.table.beside"), columns, rows, (note,))


def _rule_table(subject: Subject) -> Table:
    """List the factors and the overall index under each rule, side by side."""
    by_rule = subject.figures.rules
    rules = list(dict.fromkeys(by_rule["rule"]))
    keys = zip(by_rule["variable"], by_rule["rule"], strict=True)
    figures = dict(zip(keys, list_figures(by_rule), strict=True))
    names: dict[str, object] = {code: subject.short_name(code) for code in subject.pack.factors}
    names[OVERALL] = make_text("report.level.overall")
    rows = []
    for code, name in names.items():
        cells = [figures.get((code, rule)) for rule in rules]
        rows.append((name, *(figure and percent_cell(figure) for figure in cells)))
    columns = (
        Column(make_text("report.column.index"), "row"),
        *(Column(make_text(f"report.rule_short.{rule}")) for rule in rules),
    )
    reasons = by_rule.drop_duplicates("rule", keep="last").set_index("rule")["reason"]
    notes = [
        make_text(
            "report.rules.why",
            rule=make_text(f"report.rule_short.{rule}"),
            why=_explain_rule(reason),
        )
        for rule, reason in reasons.items()
    ]
    notes.append(make_text("report.rules.note"))
    caption = make_text("report.table.rules")
    return Table("table-rules", caption, columns, tuple(rows), tuple(notes))


def _explain_rule(reason: str) -> Joined:
    """Return in words how a rule differs from that of the survey (M8)."""
    return Joined([make_text(f"report.rule_why.{word}") for word in reason.split()], "; ")


def build_index_rules(subject: Subject) -> Section:
    """Show the measures beside the index, and factors and index under each rule."""
    blocks = (_other_measures_table(subject), _rule_table(subject))
    return Section("rules", make_text("annex.chapter.rules"), blocks)
