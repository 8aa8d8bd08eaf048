"""The annex on the index: measures beside it, and the same answers under other rules."""

from sipas_analysis.documents.model import Block, Column, Joined, Number, Table, make_text
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.rules import COMPREHENSIVE, MEAN_100, MEAN_SCORE
from sipas_analysis.reports.figure_tables import (
    estimate_columns,
    interval_cell,
    number_cell,
    percent_cell,
)
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject

OTHER_MEASURES = (COMPREHENSIVE, MEAN_SCORE, MEAN_100)


def show_rules(subject: Subject) -> list[Block]:
    """Show the measures beside the index, and factors and index under each rule."""
    return [_tabulate_measures(subject), _tabulate_rules(subject)]


def _tabulate_measures(subject: Subject) -> Table:
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


def _tabulate_rules(subject: Subject) -> Table:
    """List the factors and the overall index under each rule, side by side."""
    by_rule = subject.figures.rules
    rules = list(dict.fromkeys(by_rule["rule"]))
    names: dict[str, object] = {code: subject.short_name(code) for code in subject.pack.factors}
    names[OVERALL] = make_text("report.level.overall")
    rows = tuple(
        (name, *(_rule_cell(subject, f"rule:{rule}:{code}") for rule in rules))
        for code, name in names.items()
    )
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
    notes.append(make_text(f"report.rules.{'note_own' if subject.pack.is_own else 'note'}"))
    caption = make_text("report.table.rules", name=subject.measure_name)
    return Table("table-rules", caption, columns, rows, tuple(notes))


def _rule_cell(subject: Subject, figure_id: str) -> Number | None:
    """Return a figure under a rule; None where the rule has none."""
    has_figure = subject.figures.find(figure_id)
    return number_of(subject, figure_id, "printed") if has_figure else None


def _explain_rule(reason: str) -> Joined:
    """Return in words how a rule differs from that of the survey (M8)."""
    return Joined([make_text(f"report.rule_why.{word}") for word in reason.split()], "; ")
