"""The leaders' page: the index and how sure it is, who stands apart, what to do, what changed.

Three sentences, one picture and one small table. No sentence states an order that the sample does
not give: units and items are named where their difference from the index is sure (rule R7).
"""

from collections.abc import Sequence

from sipas_analysis.documents.model import (
    Block,
    Column,
    FigureReference,
    Joined,
    Number,
    Paragraph,
    Section,
    Table,
    Text,
    make_text,
)
from sipas_analysis.figures.last_year import Change
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.reports.chapters.ranking import explain_rank
from sipas_analysis.reports.figure_tables import (
    are_different,
    explain_no_rank,
    find_change,
    interval_cell,
    number_cell,
    percent_cell,
    signed_change,
    sort_known_figures,
)
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.pictures import draw_leaders_picture
from sipas_analysis.reports.subject import Subject, name_year

MOST_NAMED = 4  # units and figures that a sentence names; more are counted
MOST_ITEMS = 3  # items to look at first
VERDICTS = ("above", "below")


def build_leaders(subject: Subject) -> Section:
    """Answer on one page what a leader asks about a province or a unit."""
    whole = subject.own_figures[OVERALL]
    lead: list[Text] = [state_index(subject)]
    lead += place_unit(subject) if subject.unit else _compare_units(subject)
    lead += name_first_items(subject) if whole.is_known else []
    blocks: list[Block] = [
        Paragraph(text, "lead" if whole.is_known else "warning") for text in lead[:1]
    ]
    blocks += [Paragraph(text) for text in lead[1:]]
    blocks += _qualify_index(subject)
    picture = draw_leaders_picture(subject) if whole.is_known else None
    blocks += [picture] if picture else []
    blocks.append(_tabulate_answers(subject))
    if whole.is_known:
        blocks.append(Paragraph(make_text("leaders.interval"), "note"))
    return Section("leaders", make_text("report.chapter.leaders"), tuple(blocks))


# ── the index


def state_index(subject: Subject) -> Text:
    """State the index with its error, how many people answered, and the change since last year."""
    whole = subject.own_figures[OVERALL]
    if not whole.is_known:
        return make_text("report.lead.suppressed")
    low, high = interval_cell(whole).ends()
    return make_text(
        f"leaders.index.{'unit' if subject.unit else 'all'}",
        when=name_year(subject.figures.survey.wave),
        value=percent_cell(whole),
        sign=subject.name_measure("sign"),
        low=low,
        high=high,
        n=number_cell(whole, "n"),
        n_units="" if subject.unit else number_of(subject, "units:with_forms"),
        change=state_change(subject, whole),
    )


def _qualify_index(subject: Subject) -> list[Block]:
    """State the grade of the index, if the pack has grades, and that few people answered."""
    whole = subject.own_figures[OVERALL]
    grade = subject.pack.index.find_grade(whole.value)
    blocks: list[Block] = [Paragraph(make_text("leaders.grade", grade=grade))] if grade else []
    if whole.is_known and whole.flag == "caution":
        caution = make_text("report.caution", n=number_cell(whole))
        blocks.append(Paragraph(caution, "warning"))
    return blocks


def state_change(subject: Subject, figure: PublishedFigure) -> Text | str:
    """State the change of a figure since last year, as the end of a sentence; else nothing."""
    change, last_year = find_change(subject, figure), subject.figures.last_year
    if not change.is_known or last_year is None:
        return ""
    rounded = round(change.value, 2)
    direction = "same" if not rounded else "up" if rounded > 0 else "down"
    return make_text(
        f"leaders.change.{direction}",
        points=number_magnitude(change.id, change.value),
        word=subject.name_measure("points"),
        year=last_year.year,
        before=Number(change.before, 2, FigureReference(change.id, "before", change.before)),
        sign=subject.name_measure("sign"),
        certainty=make_text(f"leaders.certainty.{'open' if change.verdict == 'open' else 'sure'}"),
    )


def number_magnitude(
    figure_id: str, value: float, column: str = "value", decimals: int = 2
) -> Number:
    """Return a difference or an end of it without its sign, which the sentence says in words."""
    return Number(abs(value), decimals, FigureReference(figure_id, column, value))


# ── which units stand apart


def find_apart(subject: Subject, verdict: str) -> list[PublishedFigure]:
    """Return the units that surely stand above or below the index, farthest first (rule R7)."""
    gaps = subject.figures.index_gaps
    sure = gaps[(gaps["unit"] != "") & (gaps["verdict"] == verdict)]
    units = sure.sort_values("value", ascending=verdict == "below", kind="stable")["unit"]
    return [subject.figures.by_variable("unit", unit)[OVERALL] for unit in units]


def _compare_units(subject: Subject) -> list[Text]:
    """State which units surely stand above and below the index of all."""
    n_ranked = int((subject.figures.index_gaps["unit"] != "").sum())
    if n_ranked < 2 or not subject.own_figures[OVERALL].is_known:
        return []
    apart = {verdict: find_apart(subject, verdict) for verdict in VERDICTS}
    if not any(apart.values()):
        return [make_text("leaders.units.none")]
    texts = [
        make_text(
            f"leaders.units.{verdict}" if units else f"leaders.units.no_{verdict}",
            names=name_units(subject, units),
        )
        for verdict, units in apart.items()
    ]
    return [make_text("leaders.joined", parts=Joined(texts, " "))]


def name_units(subject: Subject, units: Sequence[PublishedFigure]) -> object:
    """Name a few units with their index, and count the others."""
    named = [
        make_text(
            "leaders.named",
            name=subject.marked_name(figure.unit),
            value=percent_cell(figure),
            sign=subject.name_measure("sign"),
        )
        for figure in units[:MOST_NAMED]
    ]
    return list_some(named, len(units), "units")


def list_some(named: Sequence[object], n: int, what: str) -> object:
    """List the names given of n in all, and count the others: ``units``, ``items``, ``figures``."""
    names = Joined(named)
    n_more = n - len(named)
    return make_text(f"leaders.more.{what}", names=names, n=n_more) if n_more > 0 else names


def place_unit(subject: Subject) -> list[Text]:
    """State the place of a unit and why it is not another, or why it has none."""
    places = [block.text for block in explain_rank(subject) if isinstance(block, Paragraph)]
    unit_index = subject.ranked_index
    if not places and unit_index.is_known and unit_index.rank is None and not unit_index.mark:
        reason = explain_no_rank(subject, unit_index)
        places = [make_text("report.rank.none", reason=reason)]
    return [*_compare_with_all(subject), *places]


def _compare_with_all(subject: Subject) -> list[Text]:
    """State the difference of a ranked unit from the index of all, and whether it is sure."""
    gaps = subject.figures.index_gaps
    gaps = gaps[gaps["unit"] == subject.unit]
    if gaps.empty or len(subject.figures.ranking) < 2:
        return []
    index = subject.figures.by_variable("all")[OVERALL]
    verdict, value = str(gaps["verdict"].iloc[0]), float(gaps["value"].iloc[0])
    if verdict == "open":
        verdict = "open_above" if value > 0 else "open_below"
    return [
        make_text(
            f"leaders.unit.{verdict}",
            value=percent_cell(index),
            sign=subject.name_measure("sign"),
            points=number_magnitude(f"gap:{OVERALL}@{subject.unit}", value),
            word=subject.name_measure("points"),
        )
    ]


# ── what to look at first


def name_first_items(subject: Subject) -> list[Text]:
    """Name the items to look at first and state how sure that is."""
    lowest = sort_known_figures(subject, [*subject.pack.items])
    n_people = subject.own_figures[OVERALL].n_valid or 0
    if n_people < subject.pack.index.min_forms:
        limit = number_of(subject, "setting:min_forms")
        return [make_text("leaders.items.few", min_forms=limit)]
    if not are_different(lowest):  # the same result in all items, or one item
        return []
    priority = subject.figures.priority(subject.unit)
    factors = Joined([subject.short_name(code) for code in priority.list_factors("fix")])
    first = [make_text("leaders.factors", names=factors)] if factors.phrases else []
    items = _name_lowest_of_unit(subject, lowest[0]) if subject.unit else _name_low_items(subject)
    return [make_text("leaders.joined", parts=Joined([*first, items], " "))]


def _name_low_items(subject: Subject) -> Text:
    """Name the items that are surely below the index, or the lowest without a conclusion."""
    gaps = subject.figures.index_gaps
    below = gaps.loc[(gaps["unit"] == "") & (gaps["verdict"] == "below"), "variable"]
    items = sort_known_figures(subject, [*subject.pack.items])
    sure = [figure for figure in items if figure.variable in set(below)]
    if sure:
        names = [name_item(subject, figure) for figure in sure[:MOST_ITEMS]]
        return make_text("leaders.items.below", items=list_some(names, len(sure), "items"))
    return make_text("leaders.items.open", item=name_item(subject, items[0]))


def _name_lowest_of_unit(subject: Subject, lowest: PublishedFigure) -> Text:
    """Name the lowest item of a unit with the places that its sample does not rule out."""
    places = subject.figures.item_places(subject.unit)
    highest = int(places.set_index("variable")["rank_high"][lowest.variable])
    word = "sure" if highest == 1 else "open" if highest == len(places) else "among"
    place = number_of(subject, f"place:{lowest.variable}@{subject.unit}", "rank_high")
    return make_text(f"leaders.item.{word}", item=name_item(subject, lowest), place=place)


def name_item(subject: Subject, figure: PublishedFigure) -> Text:
    """Name an item with its figure."""
    return make_text(
        "leaders.named",
        name=subject.item_name(figure.variable, is_marked=False),
        value=percent_cell(figure),
        sign=subject.name_measure("sign"),
    )


# ── what changed, what is not known, what must be checked again


def _tabulate_answers(subject: Subject) -> Table:
    """Answer in a small table: what changed, what is not known, which forms to check again."""
    answers = {
        "changed": [describe_changes(subject)],
        "unknown": _list_unknown(subject),
        "checked": list_checks(subject),
    }
    rows = tuple(
        (make_text(f"leaders.question.{name}"), Joined(texts, " "))
        for name, texts in answers.items()
        if texts
    )
    columns = (
        Column(make_text("leaders.column.question"), "row"),
        Column(make_text("leaders.column.answer"), "text"),
    )
    return Table("table-answers", make_text("leaders.table"), columns, rows)


def describe_changes(subject: Subject) -> Text:
    """Name what surely changed since last year, or state why this is not known."""
    last_year = subject.figures.last_year
    if last_year is None:
        return make_text("leaders.no_last_year")
    if last_year.reason:
        why = Joined([make_text(f"compare.why.{word}") for word in last_year.reason.split()])
        return make_text("leaders.not_compared", year=last_year.year, why=why)
    figures = list_compared(subject)
    changes = [(figure, find_change(subject, figure)) for figure in figures]
    texts = [
        make_text(f"leaders.changed.{verdict}", names=name_changed(subject, sure))
        for verdict in ("up", "down")
        for sure in [[pair for pair in changes if pair[1].verdict == verdict]]
        if sure
    ]
    if texts:
        return make_text("leaders.joined", parts=Joined(texts, " "))
    is_compared = any(change.is_known for _, change in changes)
    word = "nothing" if is_compared else "nothing_compared"
    return make_text(f"leaders.changed.{word}", year=last_year.year)


def list_compared(subject: Subject) -> list[PublishedFigure]:
    """Return the figures whose change a leader reads: the index, factors, items, then units."""
    own, figures = subject.own_figures, subject.figures
    codes = [OVERALL, *subject.pack.factors, *subject.pack.items]
    units = [] if subject.unit else [*figures.ranking["unit"]]
    return [
        *(own[code] for code in codes),
        *(figures.by_variable("unit", unit)[OVERALL] for unit in units),
    ]


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
    """Name the index, a factor, an item or a unit."""
    if figure.variable != OVERALL:
        is_item = figure.variable in subject.pack.items
        code = figure.variable
        return subject.item_name(code, is_marked=False) if is_item else subject.short_name(code)
    if figure.unit and not subject.unit:
        return subject.marked_name(figure.unit)
    return make_text("leaders.overall")


def _list_unknown(subject: Subject) -> list[Text]:
    """State in words what the sample does not tell."""
    figures = subject.figures
    ranking = figures.ranking
    texts = []
    if not subject.unit:
        one_letter = list_one_letter_groups(subject)
        order = make_text("leaders.unknown.order", groups=Joined(one_letter))
        texts += [order] if one_letter else []
        has_few = bool((ranking["reason"] == "few_forms").any())
        texts += [make_text("leaders.unknown.few")] if has_few else []
        n_silent = len(set(figures.survey.units["code"]) - set(figures.survey.frame["unit"]))
        silent = number_of(subject, "units:silent")
        texts += [make_text("leaders.unknown.silent", n=silent)] if n_silent else []
        if not figures.priority().list_factors("fix"):
            texts.append(make_text("leaders.unknown.priority"))
    return [*texts, make_text("leaders.unknown.causes")]


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
