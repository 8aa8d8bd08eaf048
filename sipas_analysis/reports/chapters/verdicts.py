"""What came of earlier plans: the verdict on each measure, in a table and in sentences (rule G4).

A figure that rose did not rise because of a measure: low figures rise by themselves, and years
differ for all units. The chapter says so in words, and calls a measure good only together with
what remains of the change. Measures of several units are judged over all of them first.
"""

from collections.abc import Sequence

from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Column,
    Joined,
    Paragraph,
    Section,
    Table,
    Text,
    make_text,
)
from sipas_analysis.figures.plan_records import Judged
from sipas_analysis.reports.chapters.leaders_table import name_changed
from sipas_analysis.reports.chapters.plan_lines import (
    find_wave,
    is_overdue,
    list_own,
    list_years,
    name_row,
    name_verdict,
)
from sipas_analysis.reports.chapters.plan_summary import TOLD, name_shared_measures, sum_up
from sipas_analysis.reports.chapters.trend import explain_break
from sipas_analysis.reports.figure_tables import find_change, sign_number
from sipas_analysis.reports.named_numbers import interval_of, number_of
from sipas_analysis.reports.subject import Subject

MOST_FACTORS = 12  # factors that a sentence names; more are counted
MOST_ROWS, MOST_ROWS_OF_UNIT = 6, 4  # rows of the table; the annexes have all
MOST_NAMED = 4  # lines of units that a sentence names
WORDS = ("worked", "got_worse", "cannot_tell", "no_sign", "too_early")  # in this order
NUMBERS = ("change", "expected")


def build_last_measures(subject: Subject) -> Section:
    """State what came of the measures of earlier plans; of all units also which factors changed."""
    has_plan = subject.figures.verdicts is not None
    blocks = _judge_plans(subject) if has_plan else []
    if not subject.unit:
        blocks += _describe_factors(subject)
    elif not has_plan:
        blocks.append(Paragraph(_explain_no_plan(subject)))
    return Section("last_measures", make_text("report.chapter.last_measures"), tuple(blocks))


# ── verdicts


def _judge_plans(subject: Subject) -> list[Block]:
    """State the verdicts in sentences, why a rise is no success yet, and the table."""
    latest = list_own(subject)
    years = Joined(_name_plan_years(subject), ", ")
    blocks: list[Block] = []
    if subject.unit and not latest:
        texts = [make_text("last_measures.no_line", years=years), *_name_common_lines(subject)]
        return [Paragraph(text) for text in texts]
    if subject.unit:
        blocks += [Paragraph(_introduce_unit(subject, latest))]
    elif latest:
        blocks.append(Paragraph(make_text("last_measures.lead.all", years=years)))
        blocks.append(Bullets(tuple(sum_up(subject, latest, WORDS, MOST_NAMED))))
    blocks += [] if subject.unit else [Paragraph(text) for text in _count_lines(subject)]
    blocks.append(Paragraph(make_text("last_measures.expected"), "note"))
    blocks += [_tabulate(subject, latest)] if latest else []
    if subject.unit:
        blocks += [Paragraph(text) for text in name_shared_measures(subject, latest, WORDS)]
    return blocks


def _introduce_unit(subject: Subject, rows: Sequence[Judged]) -> Text:
    """State how many lines of a unit are judged, and which are better or worse."""
    years = Joined(_name_plan_years(subject), ", ")
    n = number_of(subject, f"verdict.lines:all{f'@{subject.unit}' if rows[0].unit else ''}")
    told = sum_up(subject, rows, TOLD, MOST_NAMED) or [make_text("last_measures.none_told")]
    parts = [make_text("last_measures.lead.unit", years=years, n=n), *told]
    return make_text("leaders.joined", parts=Joined(parts, " "))


def _name_plan_years(subject: Subject) -> list[str]:
    """Return the years of the plans that this wave judges."""
    years = list_years(subject)
    return [*map(str, sorted({years[row.before] for row in subject.figures.judged}))]


def _name_common_lines(subject: Subject) -> list[Text]:
    """State what came of what was to be done in all units."""
    latest = subject.figures.survey.wave.id
    common = [
        make_text("last_measures.named", name=name_row(subject, row), verdict=name_verdict(row))
        for row in subject.figures.judged
        if (row.kind, row.after, row.unit) == ("line", latest, "")
    ]
    word = "some" if len(common) > MOST_NAMED else "all"
    measures = Joined(common[:MOST_NAMED])
    return [make_text(f"last_measures.common.{word}", measures=measures)] if common else []


def _count_lines(subject: Subject) -> list[Text]:
    """Count the lines of the plan by verdict, and name those of units that differ from chance."""
    latest = subject.figures.survey.wave.id
    judged = [row for row in subject.figures.judged if row.after == latest and row.kind == "line"]
    rows = [row for row in judged if row.unit]
    if not rows:
        return []
    counts = [
        make_text("last_measures.count", word=make_text(f"judged.{word}"), n=n)
        for word in WORDS
        for n in [number_of(subject, f"verdict.lines:{word}")]
        if n.value
    ]
    n = number_of(subject, "verdict.lines:all")
    parts = [make_text("last_measures.of_units", n=n, counts=Joined(counts, ", "))]
    parts += sum_up(subject, rows, TOLD, MOST_NAMED)
    return [make_text("leaders.joined", parts=Joined(parts, " "))]


# ── the table


def _tabulate(subject: Subject, rows: Sequence[Judged]) -> Table:
    """Set the change observed beside the change expected, and state what follows."""
    ordered = sorted(rows, key=lambda row: WORDS.index(row.verdict))
    shown = ordered[: MOST_ROWS_OF_UNIT if subject.unit else MOST_ROWS]
    columns = (
        Column(make_text("last_measures.column.task"), "row"),
        Column(make_text("last_measures.column.verdict"), "text"),
        *([Column(make_text("last_measures.column.status"), "text")] if subject.unit else []),
        *(Column(make_text(f"last_measures.column.{name}")) for name in NUMBERS),
        Column(make_text("last_measures.column.rest"), "text"),
    )
    cells = tuple(_make_row(subject, row) for row in shown)
    notes = [make_text("last_measures.note", word=subject.name_measure("points"))]
    notes += _explain_codes(subject, shown)
    notes += [make_text("measures.more")] if len(rows) > len(shown) else []
    return Table("table-verdicts", make_text("last_measures.table"), columns, cells, tuple(notes))


def _explain_codes(subject: Subject, rows: Sequence[Judged]) -> list[Text]:
    """Return the wordings of the items whose codes a table has."""
    named = {
        row.item: find_wave(subject, row.before).item_name(row.item, is_marked=False)
        for row in rows
        if row.item in find_wave(subject, row.before).pack.items
    }
    items = Joined([*named.values()])
    return [make_text("last_measures.items", items=items)] if named else []


def _make_row(subject: Subject, row: Judged) -> tuple[object, ...]:
    """Return task, verdict, status of a unit's line, change, change expected, difference."""
    numbers = [
        sign_number(number_of(subject, f"{kind}:{row.key}", decimals=2))
        for kind in ("verdict.change", "verdict.expected", "verdict")
    ]
    ends = interval_of(subject, f"verdict:{row.key}")
    rest = make_text("last_measures.rest", value=numbers.pop(), interval=ends)
    return (
        _describe_task(subject, row),
        Joined([name_verdict(row), *_judge_before(subject, row), *_judge_target(subject, row)]),
        *([_describe_status(subject, row)] if subject.unit else []),
        *numbers,
        rest if row.is_compared else None,
    )


def _describe_task(subject: Subject, row: Judged) -> Text:
    """Name what was done and for what; where several plans are judged, of which one."""
    name = name_row(subject, row)
    year = str(list_years(subject)[row.before])
    has_years = len(_name_plan_years(subject)) > 1
    return make_text("last_measures.of_plan", name=name, year=year) if has_years else name


def _describe_status(subject: Subject, row: Judged) -> Joined:
    """State until when a line was to be done, how it stands, and that it is past its date."""
    parts: list[object] = [row.due] if row.due else []
    parts.append(make_text(f"plan.status.{row.status}"))
    parts += [make_text("last_measures.overdue")] if is_overdue(subject, row) else []
    return Joined(parts)


def _judge_before(subject: Subject, row: Judged) -> list[Text]:
    """Return the verdicts of earlier waves on the same line."""
    return [
        make_text("last_measures.before", year=str(other.year), verdict=name_verdict(other))
        for other in subject.figures.judged
        if (other.before, other.id, other.kind) == (row.before, row.id, row.kind)
        and other.year < row.year
    ]


def _judge_target(subject: Subject, row: Judged) -> list[Text]:
    """State whether the target was met; a target that was met earlier is not met once more."""
    is_open = row.verdict == "too_early" or row.status == "dropped"
    if row.is_met is None or (is_open and not row.is_met):
        return []
    target = number_of(subject, f"verdict.target:{row.key}", decimals=None)
    met_before = row.first_met is not None and row.first_met < row.year
    words = ("met_before", "lost") if met_before else ("met", "not_met")
    word = words[0] if row.is_met else words[1]
    sign, year = subject.name_measure("sign"), str(row.first_met)
    return [make_text(f"last_measures.target.{word}", target=target, sign=sign, year=year)]


# ── what changed in all


def _describe_factors(subject: Subject) -> list[Block]:
    """State which factors surely changed since last year, or why this is not known."""
    last_year, has_plan = subject.figures.last_year, subject.figures.verdicts is not None
    if last_year is None or last_year.reason:
        texts = [] if has_plan else [_explain_no_plan(subject)]
        return [Paragraph(text) for text in texts]
    figures = [subject.own_figures[code] for code in subject.pack.factors]
    changes = [(figure, find_change(subject, figure)) for figure in figures]
    known = [pair for pair in changes if pair[1].is_known]
    texts = [
        make_text(f"last_measures.{verdict}", names=name_changed(subject, same, MOST_FACTORS))
        for verdict in ("up", "down")
        for same in [[pair for pair in known if pair[1].verdict == verdict]]
        if same
    ]
    parts = [] if has_plan else [_explain_no_plan(subject)]
    if known:
        word = "known" if texts else "open"
        parts.append(make_text(f"last_measures.{word}", year=last_year.year))
    lead = [Paragraph(make_text("leaders.joined", parts=Joined(parts, " ")))] if parts else []
    return [*lead, *([Bullets(tuple(texts))] if texts else [])]


def _explain_no_plan(subject: Subject) -> Text:
    """State that no plan was given, and that the years are not compared either."""
    last_year = subject.figures.last_year
    if subject.unit or (last_year and not last_year.reason):
        return make_text("last_measures.no_plan")
    if last_year is None:
        return make_text("last_measures.no_last_year")
    why = explain_break(last_year.reason)
    return make_text("last_measures.not_compared", year=last_year.year, why=why)
