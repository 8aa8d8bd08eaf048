"""The leaders' page: the index and how sure it is, who stands apart, what to do, what changed.

Three sentences, one picture and one small table. No sentence states an order that the sample does
not give: units and items are named where their difference from the index is sure (rule R7).
"""

from collections.abc import Sequence

from sipas_analysis.documents.model import (
    Block,
    FigureReference,
    Joined,
    Number,
    Paragraph,
    Section,
    Text,
    make_text,
)
from sipas_analysis.figures.identified import make_id
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.reports.chapters.leaders_table import MOST_NAMED, tabulate_answers
from sipas_analysis.reports.chapters.ranking import UNIT, explain_rank
from sipas_analysis.reports.figure_tables import (
    are_different,
    explain_no_rank,
    explain_other_scales,
    find_change,
    interval_cell,
    list_tied,
    name_lowest,
    number_cell,
    percent_cell,
    sort_comparable,
)
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.pictures import draw_leaders_picture
from sipas_analysis.reports.subject import Subject, list_some, name_year

MOST_ITEMS = 3  # items to look at first
LOWEST_PART = 3  # an item is called one of the lowest if those are at most a third of all
MOST_FACTORS = 3  # factors that tell a unit from its group
VERDICTS = ("above", "below")
TURNED = {"value": "fall", "low": "fall_low", "high": "fall_high"}  # columns without minus


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
    blocks.append(tabulate_answers(subject))
    if whole.is_known:
        blocks.append(Paragraph(make_text("leaders.interval"), "note"))
        blocks += [Paragraph(text, "note") for text in explain_other_scales(subject)]
    return Section("leaders", make_text("report.chapter.leaders"), tuple(blocks))


# ── the index


def state_index(subject: Subject, who: Text = UNIT) -> Text:
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
        who=who,
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
    column = TURNED[column] if value < 0 else column
    return Number(abs(value), decimals, FigureReference(figure_id, column, abs(value)))


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


def place_unit(subject: Subject, who: Text = UNIT) -> list[Text]:
    """State the place of a unit and why it is not another, or why it has none."""
    places = [block.text for block in explain_rank(subject, who) if isinstance(block, Paragraph)]
    unit_index = subject.ranked_index
    if not places and unit_index.is_known and unit_index.rank is None and not unit_index.mark:
        reason = explain_no_rank(subject, unit_index)
        places = [make_text("report.rank.none", reason=reason)]
    is_explained = who is UNIT and unit_index.rank is not None and bool(places)
    return [
        *_compare_with_all(subject, who),
        *places,
        *(_compare_with_group(subject) if is_explained else []),
    ]


def _compare_with_group(subject: Subject) -> list[Text]:
    """Name the factors in which a unit lies farthest from its group, lowest first."""
    found = {
        code: (figure_id, row)
        for code in subject.pack.factors
        for figure_id in [f"beside:{code}@{subject.unit}"]
        for row in [subject.figures.find(figure_id)]
        if row and round(abs(float(row["value"])), 1) > 0
    }
    values = {code: float(row["value"]) for code, (_, row) in found.items()}
    farthest = sorted(values, key=lambda code: -abs(values[code]))[:MOST_FACTORS]
    named, n_sure = [], 0
    for code in sorted(farthest, key=values.__getitem__):
        figure_id, row = found[code]
        is_sure = float(row["low"]) > 0 or float(row["high"]) < 0
        n_sure += is_sure
        side = "above" if values[code] > 0 else "below"
        points = number_magnitude(figure_id, values[code], decimals=1)
        word = f"leaders.beside.{'sure_' if is_sure else ''}{side}"
        named.append(make_text(word, name=subject.short_name(code), points=points))
    if not named:
        return []
    certainty = "" if n_sure == len(named) else "some" if n_sure else "open"
    return [
        make_text(
            "leaders.beside",
            group=subject.group_name(subject.group),
            word=subject.name_measure("points"),
            names=Joined(named, "; "),
            certainty=make_text(f"leaders.beside.{certainty}") if certainty else "",
        )
    ]


def _compare_with_all(subject: Subject, who: Text) -> list[Text]:
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
            who=who,
            value=percent_cell(index),
            sign=subject.name_measure("sign"),
            points=number_magnitude(f"gap:{OVERALL}@{subject.unit}", value),
            word=subject.name_measure("points"),
        )
    ]


# ── what to look at first


def name_first_items(subject: Subject, who: Text = UNIT) -> list[Text]:
    """Name the items to look at first and state how sure that is."""
    lowest = sort_comparable(subject, [*subject.pack.items])
    n_people = subject.own_figures[OVERALL].n_valid or 0
    if n_people < subject.pack.index.min_forms:
        limit = number_of(subject, "setting:min_forms")
        return [make_text("leaders.items.few", min_forms=limit)]
    if not are_different(lowest):  # the same result in all items, or one item
        return []
    priority = subject.figures.priority(subject.unit)
    others = subject.pack.of_other_scale
    codes = [code for code in priority.list_factors("fix") if code not in others]
    factors = Joined([subject.short_name(code) for code in codes])
    first = [make_text("leaders.factors", names=factors)] if factors.phrases else []
    items = _name_lowest_of_unit(subject, who) if subject.unit else _name_low_items(subject)
    numerals = {name: subject.find_numeral(name) for name in ("assessment", "measures")}
    where = [make_text(f"leaders.see.{'unit' if subject.unit else 'all'}", **numerals)]
    has_pointer = subject.pack.factors and who is UNIT  # a letter has no such part
    parts = [*first, items, *(where if has_pointer else [])]
    return [make_text("leaders.joined", parts=Joined(parts, " "))]


def _name_low_items(subject: Subject) -> Text:
    """Name the items that are surely below the index, or the lowest without a conclusion."""
    gaps = subject.figures.index_gaps
    below = gaps.loc[(gaps["unit"] == "") & (gaps["verdict"] == "below"), "variable"]
    items = sort_comparable(subject, [*subject.pack.items])
    sure = [figure for figure in items if figure.variable in set(below)]
    if sure:
        names = [_name_item(subject, figure) for figure in sure[:MOST_ITEMS]]
        return make_text("leaders.items.below", items=list_some(names, len(sure), "items"))
    return make_text("leaders.items.open", item=name_lowest(subject))


def _name_lowest_of_unit(subject: Subject, who: Text) -> Text:
    """Name the lowest item of a unit with the places that its sample does not rule out."""
    places = subject.figures.item_places(subject.unit)
    last_places = places.set_index("variable")["rank_high"]
    tied = [figure.variable for figure in list_tied(subject)]
    code = str(last_places[tied].idxmax())
    highest, item = int(last_places[code]), name_lowest(subject)
    is_vague = LOWEST_PART * highest > len(places)
    if is_vague and (places["rank_low"] > 1).any():
        n = number_of(subject, make_id("place:lowest", "", subject.unit))
        return make_text("report.items.many", item=item, low="", n=n)
    word = "sure" if highest == 1 else "open" if highest == len(places) else "among"
    place = number_of(subject, f"place:{code}@{subject.unit}", "rank_high")
    return make_text(f"leaders.item.{word}", item=item, place=place, who=who)


def _name_item(subject: Subject, figure: PublishedFigure) -> Text:
    """Name an item with its figure."""
    return make_text(
        "leaders.named",
        name=subject.item_name(figure.variable, is_marked=False),
        value=percent_cell(figure),
        sign=subject.name_measure("sign"),
    )
