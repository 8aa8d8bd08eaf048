"""The small table of the leaders' page: incidents, changes, the plans, what is not known."""

import math
from collections.abc import Sequence

from sipas_analysis.documents.model import Column, Joined, Table, Text, make_text
from sipas_analysis.figures.last_year import Change
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.reports.chapters.incidents import state_incidents
from sipas_analysis.reports.chapters.opening import list_targets
from sipas_analysis.reports.chapters.plan_lines import FINISHED, list_lines
from sipas_analysis.reports.chapters.plan_summary import state_plan, state_verdicts
from sipas_analysis.reports.chapters.record_summary import sum_up_records
from sipas_analysis.reports.chapters.trend import list_compared, name_figure
from sipas_analysis.reports.figure_tables import (
    are_different,
    find_change,
    list_tied,
    signed_change,
    sort_comparable,
)
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject, list_some

MOST_NAMED = 4  # units and figures that a sentence names; more are counted
MOST_INCIDENTS = 3
SURE = ("up", "down")  # verdicts on a change


def tabulate_answers(subject: Subject) -> Table:
    """Answer in a small table: changes, plans, what is hidden or not known, forms to check."""
    last_year = subject.figures.last_year
    answers = {
        "incidents": _list_incidents(subject),
        "records": _sum_up_records(subject),
        "changed" if last_year else "no_change": [_describe_changes(subject)],
        "verdicts": _judge_measures(subject),
        "plan": [*state_plan(subject), *_explain_order(subject)],
        "hidden": _count_hidden(subject),
        "unknown": _list_unknown(subject),
        "checked": list_checks(subject),
    }
    rows = tuple(
        (
            make_text(f"leaders.question.{name}", year=last_year.year if last_year else ""),
            Joined(texts, " "),
        )
        for name, texts in answers.items()
        if texts
    )
    columns = (
        Column(make_text("leaders.column.question"), "row"),
        Column(make_text("leaders.column.answer"), "text"),
    )
    return Table("table-answers", make_text("leaders.table"), columns, rows)


def _sum_up_records(subject: Subject) -> list[Text]:
    """State what matters in the records, and where the report has more."""
    texts, part = sum_up_records(subject), subject.find_numeral("records")
    return [*texts, make_text("leaders.plan.see", part=part)] if texts else []


def _list_incidents(subject: Subject) -> list[Text]:
    """State the incidents that most people met, and that each form counts once."""
    incidents = state_incidents(subject)[:MOST_INCIDENTS]
    if incidents and "weight" in subject.figures.survey.frame:
        incidents.append(make_text("report.incidents.unweighted"))
    return incidents


def _judge_measures(subject: Subject) -> list[Text]:
    """State the verdicts; beside sure changes of a unit also what a verdict compares with."""
    texts, last_year = state_verdicts(subject), subject.figures.last_year
    is_sure = any(change.verdict in SURE for _, change in _list_changes(subject))
    if not (texts and subject.unit and is_sure) or last_year is None or last_year.reason:
        return texts
    return [*texts, make_text("leaders.verdicts.against", year=last_year.year)]


def _explain_order(subject: Subject) -> list[Text]:
    """State why the first line of a unit's plan is not for the item that the page calls lowest."""
    lines, items = list_lines(subject), subject.pack.items
    first = next((line.item for line in lines if line.status not in FINISHED), "")
    own, group = subject.own_figures, subject.group_figures
    lowest = [figure.variable for figure in list_tied(subject)] if subject.unit else []
    if first not in items or first in lowest or not lowest or not own[first].is_known:
        return []
    gaps = [
        own[code].value - group[code].value if code in group and group[code].is_known else math.nan
        for code in (first, *lowest)
    ]
    word = "group" if all(gaps[0] < gap for gap in gaps[1:]) else "other"
    return [make_text(f"leaders.plan.order.{word}", item=first, lowest=Joined(lowest, ", "))]


def _list_changes(subject: Subject) -> list[tuple[PublishedFigure, Change]]:
    """Return the figures of a subject that are compared with last year, with their changes."""
    compared = [subject.own_figures[OVERALL], *list_compared(subject)]
    return [(figure, find_change(subject, figure)) for figure in compared]


def _describe_changes(subject: Subject) -> Text:
    """Name what surely changed since last year, or state why this is not known."""
    last_year = subject.figures.last_year
    if last_year is None:
        return make_text("leaders.no_last_year")
    if last_year.reason:
        why = Joined([make_text(f"compare.why.{word}") for word in last_year.reason.split()])
        return make_text("leaders.not_compared", year=last_year.year, why=why)
    changes = _list_changes(subject)
    texts = [
        make_text(f"leaders.changed.{verdict}", names=name_changed(subject, sure))
        for verdict in SURE
        for sure in [[pair for pair in changes if pair[1].verdict == verdict]]
        if sure
    ]
    if texts:
        return make_text("leaders.joined", parts=Joined(texts, " "))
    is_compared = any(change.is_known for _, change in changes)
    word = "nothing" if is_compared else "nothing_compared"
    return make_text(f"leaders.changed.{word}", year=last_year.year)


def name_changed(
    subject: Subject, changed: Sequence[tuple[PublishedFigure, Change]], most: int = MOST_NAMED
) -> object:
    """Name some figures with their change, and count the others."""
    named = [
        make_text(
            "leaders.changed.one",
            name=_name_figure(subject, figure),
            points=signed_change(change),
            word=subject.name_measure("points"),
        )
        for figure, change in changed[:most]
    ]
    return list_some(named, len(changed), "figures")


def _name_figure(subject: Subject, figure: PublishedFigure) -> object:
    """Name the index, a factor as one, or what ``name_figure`` names."""
    if figure == subject.own_figures[OVERALL]:
        return make_text("leaders.overall")
    name = name_figure(subject, figure, is_marked=False)
    is_factor = figure.unit == subject.unit and figure.variable in subject.pack.factors
    return make_text("leaders.changed.factor", name=name) if is_factor else name


def _count_hidden(subject: Subject) -> list[Text]:
    """State how many units have no published result and why, and where they are named."""
    if subject.unit or not subject.figures.ranking["value"].isna().any():
        return []
    n, n_all = (number_of(subject, f"units:{which}") for which in ("hidden", "with_forms"))
    part = subject.find_numeral("ranking")
    where = make_text("leaders.plan.see", part=part)
    if subject.has_many_units:
        where = make_text("leaders.hidden.annexes")
    return [make_text("leaders.hidden", n=n, n_all=n_all), where]


def _list_unknown(subject: Subject) -> list[Text]:
    """State in words what the sample does not tell."""
    own_texts = _list_unknown_of_unit(subject) if subject.unit else _list_unknown_of_all(subject)
    return [*own_texts, make_text("leaders.unknown.causes")]


def _list_unknown_of_all(subject: Subject) -> list[Text]:
    """State which order, units and factors the sample of all units does not tell."""
    figures, ranking = subject.figures, subject.figures.ranking
    one_letter = list_one_letter_groups(subject)
    n_silent = len(set(figures.survey.units["code"]) - set(figures.survey.frame["unit"]))
    is_unknown = {
        "order": bool(one_letter),
        "targets": bool(_list_open_targets(subject)),
        "few": bool((ranking["reason"] == "few_forms").any()),
        "silent": n_silent > 0,
        "priority": bool(subject.pack.factors) and not figures.priority().list_factors("fix"),
    }
    return [
        make_text(
            f"leaders.unknown.{name}",
            groups=subject.place_in(one_letter),
            targets=Joined(_list_open_targets(subject), ", "),
            n=number_of(subject, "units:silent"),
        )
        for name, is_so in is_unknown.items()
        if is_so
    ]


def _list_unknown_of_unit(subject: Subject) -> list[Text]:
    """State whether the sample tells the place of a unit, its targets, and its factors apart."""
    unit_index = subject.ranked_index
    is_ranked = unit_index.rank is not None
    factors = sort_comparable(subject, [*subject.pack.factors])
    targets = _list_open_targets(subject)
    is_unknown = {
        "place": is_ranked and unit_index.rank_low != unit_index.rank_high,
        "targets": bool(targets),
        "factors": are_different(factors) and factors[0].high >= factors[-1].low,
    }
    return [
        make_text(f"leaders.unknown.{name}", targets=Joined(targets, ", "))
        for name, is_so in is_unknown.items()
        if is_so
    ]


def _list_open_targets(subject: Subject) -> list[Text]:
    """Return the targets that lie within the interval of the index."""
    index, targets = subject.own_figures[OVERALL], subject.figures.survey.wave.targets
    return list_targets(subject, (aim for aim in targets if index.low < aim <= index.high))


def list_one_letter_groups(subject: Subject) -> list[Bilingual]:
    """Return the groups of units where the sample tells no unit from another."""
    ranking = subject.figures.ranking
    ranked = ranking[ranking["rank"].notna()]
    return [
        subject.group_name(group)
        for group in subject.figures.groups
        for letters in [ranked.loc[ranked["group"] == group, "letter"]]
        if len(letters) > 1 and letters.nunique() == 1
    ]


def list_checks(subject: Subject) -> list[Text]:
    """Name the units whose forms need a second look and who accepted them; and odd items."""
    marks, findings = subject.figures.marks, subject.figures.findings
    noticed = [unit for unit in dict.fromkeys(findings.noticed()["unit"]) if unit not in marks]
    if subject.unit:
        own_mark = subject.describe_own_mark()
        unmarked = [make_text("leaders.checked.unit")] if subject.unit in noticed else []
        return [own_mark] if own_mark else unmarked
    texts = []
    if findings.has_many_straight:
        share = number_of(subject, "straight:percent", decimals=1)
        texts.append(make_text("report.quality.many_straight", share=share))
    texts += subject.name_opposed_items()
    texts += subject.explain_marks([*marks][:MOST_NAMED])
    n_more = len(marks) - MOST_NAMED
    texts += [make_text("leaders.checked.more", n=n_more)] if n_more > 0 else []
    if noticed:
        names = [subject.marked_name(unit) for unit in noticed[:MOST_NAMED]]
        listed = list_some(names, len(noticed), "units")
        texts.append(make_text("leaders.checked.noticed", names=listed))
    return texts
