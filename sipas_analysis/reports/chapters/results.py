"""The chapter of results: the index, its factors, its lowest items, and who is more satisfied."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from sipas_analysis.documents.model import (
    Block,
    Column,
    Joined,
    Paragraph,
    Section,
    Table,
    Text,
    make_text,
)
from sipas_analysis.figures.identified import make_id
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.reports.answer_pictures import draw_items_pictures, list_hidden_answers
from sipas_analysis.reports.chapters.drivers import describe_drivers
from sipas_analysis.reports.chapters.respondents import describe_respondents
from sipas_analysis.reports.chapters.trend import describe_last_year, describe_unit_changes
from sipas_analysis.reports.figure_tables import (
    are_different,
    contrast_extremes,
    estimate_columns,
    estimate_table,
    explain_other_scales,
    interval_cell,
    name_lowest,
    number_cell,
    percent_cell,
    sort_comparable,
    sort_known_figures,
)
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.pictures import draw_factors_picture
from sipas_analysis.reports.subject import Subject
from sipas_analysis.reports.unit_pictures import draw_factors_by_unit_picture, has_sure_units

N_LOWEST, N_OF_UNIT, ALL_ITEMS = 10, 3, 12  # items shown; all of them if there are few
MOST_FACTORS = 15  # factors shown; of more, the lowest
MOST_CODES = 6  # items named in a sentence; more are counted


def build_results(subject: Subject) -> Section:
    """Show the index, its factors and its lowest items; for the province people and drivers.

    The first page of a unit has its index, group and change: here they stand above its factors.
    """
    factors, items = _describe_factors(subject), _describe_items(subject)
    parts = {"factors_of_unit": factors, "items": items}
    if not subject.unit:
        parts = {
            "whole": _describe_whole(subject),
            "last_year": describe_last_year(subject),
            "factors": factors,
            "items": items,
            "respondents": describe_respondents(subject),
            "drivers": describe_drivers(subject),
        }
    blocks: list[Block] = []
    shown_parts = {name: part for name, part in parts.items() if part}
    for number, (name, part) in enumerate(shown_parts.items(), 1):
        title = make_text(f"report.results.{name}")
        heading = make_text("report.results.heading", number=number, title=title)
        blocks += [Paragraph(heading, "heading"), *part]
    return Section("results", make_text("report.chapter.results"), tuple(blocks))


def _describe_whole(subject: Subject) -> list[Block]:
    """Hold the index against the targets; list its parts and the groups of units."""
    groups = subject.figures.groups
    rows = [
        *_list_wholes(subject),
        *(
            (
                make_text("report.whole_group", group=subject.group_name(group)),
                subject.figures.by_variable("group", group)[OVERALL],
            )
            for group in (groups if len(groups) > 1 else [])
        ),
    ]
    caption = make_text(f"report.table.overall{'_all' if subject.has_one_group else ''}")
    table = estimate_table("table-overall", caption, "report.column.index", rows, subject)
    return [*_compare_with_targets(subject), table, *_tabulate_scores(subject)]


def _list_questions_beside(subject: Subject) -> list[str]:
    """Return the questions beside the index that somebody answered; the wave may not ask them."""
    figures = subject.figures.by_variable("all")
    return [code for code in subject.pack.questions_beside if figures[code].n_valid != 0]


def _list_scores(subject: Subject) -> Iterator[str]:
    """Yield the questions beside the index whose answers have points of their own."""
    for code in _list_questions_beside(subject):
        if subject.pack.scale_of(code).points:
            yield code


def _list_wholes(subject: Subject) -> list[tuple[object, PublishedFigure]]:
    """Return the index, its blocks, and the questions beside it."""
    figures, pack = subject.own_figures, subject.pack
    rows: list[tuple[object, PublishedFigure]] = []
    rows.append((make_text("report.level.overall"), figures[OVERALL]))
    rows += [(subject.short_name(code), figures[code]) for code in pack.blocks]
    scores = [*_list_scores(subject)]
    for code in _list_questions_beside(subject):
        if code not in scores:
            name = make_text("report.overall_item", name=subject.short_name(code))
            rows.append((name, figures[code]))
    return rows


def _compare_with_targets(subject: Subject) -> list[Paragraph]:
    """State for each target whether the interval of the index is above, below or across it."""
    index = subject.own_figures[OVERALL]
    targets = subject.figures.survey.wave.targets
    if np.isnan(index.low) or not targets:
        return []
    verdicts = [
        make_text(
            f"report.target.{position}",
            target=number_of(subject, f"setting:target:{target:g}", decimals=None),
            sign=subject.name_measure("sign"),
        )
        for target in targets
        for position in [
            "above" if index.low >= target else "below" if index.high < target else "open"
        ]
    ]
    return [Paragraph(make_text("report.target.whole", verdicts=Joined(verdicts)))]


def _tabulate_scores(subject: Subject) -> list[Table]:
    """List the questions beside the index whose answers have points of their own, if any."""
    figures, codes = subject.own_figures, [*_list_scores(subject)]
    rows = tuple(
        (
            subject.short_name(code),
            percent_cell(figures[code]),
            interval_cell(figures[code]),
            number_cell(figures[code]),
        )
        for code in codes
    )
    first, _, *rest = estimate_columns("report.column.index", subject)
    columns = (first, Column(make_text("report.column.value")), *rest)
    has_nps = any(subject.pack.scale_of(code).score == "nps" for code in codes)
    notes = (make_text("report.scores.nps"),) if has_nps else ()
    caption = make_text("report.table.scores")
    return [Table("table-scores", caption, columns, rows, notes)] if codes else []


def _describe_factors(subject: Subject) -> list[Block]:
    """Compare the factors, and show them for every unit."""
    codes = [*subject.pack.factors]
    wholes = _list_wholes(subject) if subject.unit else []
    if not codes and not wholes:
        return [Paragraph(make_text("report.factors.none"), "note")]
    known_figures = sort_comparable(subject, codes)
    contrast = contrast_extremes(subject, known_figures) if may_name_lowest(subject) else ()
    blocks: list[Block] = [
        *(_compare_with_targets(subject) if subject.unit else []),
        *(Paragraph(text, "lead") for text in contrast),
    ]
    blocks.append(tabulate_factors(subject, wholes))
    if subject.unit:
        blocks += [*_tabulate_scores(subject), *describe_unit_changes(subject)]
        is_short = len(codes) <= MOST_FACTORS and subject.figures.verdicts is None  # four pages
        pictures = [draw_factors_picture(subject, tabulate_factors(subject))] if is_short else []
    else:
        groups = [] if subject.has_many_units else subject.figures.groups
        pictures = [
            draw_factors_by_unit_picture(subject, group)
            for group in groups
            if has_sure_units(subject, group)
        ]
    return [*blocks, *(picture for picture in pictures if picture)]


def tabulate_factors(
    subject: Subject,
    wholes: Sequence[tuple[object, PublishedFigure]] = (),
    most: int = MOST_FACTORS,
) -> Table:
    """List the factors with their errors, beside the group's for a unit; of many, the lowest.

    Args:
        subject: The subject of the report.
        wholes: Names and figures of the rows above the factors.
        most: Of more factors than this only the lowest are listed.
    """
    codes = [*subject.pack.factors]
    lowest = [figure.variable for figure in sort_known_figures(subject, codes)][:most]
    shown = lowest if len(codes) > most else codes
    rows = [*wholes, *((subject.short_name(code), subject.own_figures[code]) for code in shown)]
    caption = make_text("report.table.wholes_and_factors" if wholes else "report.table.factors")
    if len(codes) > most:
        n_all = number_of(subject, "setting:factors")
        caption = make_text("report.table.lowest_factors", n=len(shown), n_all=n_all)
    first = "report.column.index_or_factor" if wholes else "report.column.factor"
    table = estimate_table("table-factors", caption, first, rows, subject)
    return _add_group_column(subject, table, [figure.variable for _, figure in rows])


def _add_group_column(subject: Subject, table: Table, codes: Sequence[str]) -> Table:
    """Add the group's value to each row of a unit's table; a note if all of them are hidden."""
    if not subject.unit:
        return table
    if codes and all(subject.group_figures[code].is_hidden for code in codes):
        note = make_text("report.group_hidden", group=subject.group_name(subject.group))
        return replace(table, notes=(*table.notes, note))
    pairs = zip(table.rows, codes, strict=True)
    rows = tuple((*row, percent_cell(subject.group_figures[code])) for row, code in pairs)
    column = Column(make_text("report.column.group_value"))
    return replace(table, columns=(*table.columns, column), rows=rows)


def may_name_lowest(subject: Subject) -> bool:
    """Return whether the lowest factor and items may be named: not from a few forms."""
    whole = subject.own_figures[OVERALL]
    return whole.is_known and (whole.n_valid or 0) >= subject.pack.index.min_forms


def list_lowest_items(subject: Subject, n_items: int) -> list[PublishedFigure]:
    """Return the lowest items that may be named, lowest first; none if all are the same.

    Items of another scale than most come last.
    """
    ordered = sort_comparable(subject, [*subject.pack.items])
    others = sort_known_figures(
        subject, [*filter(subject.pack.items.get, subject.pack.of_other_scale)]
    )
    is_named = may_name_lowest(subject) and (are_different(ordered) or bool(others))
    return [*ordered, *others][:n_items] if is_named else []


def _describe_items(subject: Subject) -> list[Block]:
    """List the lowest items, each with the places that the sample does not rule out."""
    n_items = len(subject.pack.items)
    if not may_name_lowest(subject):
        whole, limit = subject.own_figures[OVERALL], number_of(subject, "setting:min_forms")
        why = "few" if whole.is_known else "hidden"
        text = make_text(f"report.items.{why}", n=number_cell(whole), min_forms=limit)
        return [Paragraph(text, "note")]
    most = N_OF_UNIT if subject.unit else n_items if n_items <= ALL_ITEMS else N_LOWEST
    lowest = list_lowest_items(subject, most)
    if not lowest:
        return [Paragraph(make_text("report.items.alike"), "note")]
    pictures = draw_items_pictures(subject, len(lowest))
    return [
        *(Paragraph(text, "lead") for text in _state_lowest(subject, lowest)),
        tabulate_items(subject, lowest, is_whole=n_items == len(lowest)),
        *pictures,
        *_name_hidden_answers(subject, lowest),
    ]


def _name_hidden_answers(
    subject: Subject, listed: Sequence[PublishedFigure]
) -> Iterator[Paragraph]:
    """Say of which listed items the answers by level are not published, and why."""
    hidden = list_hidden_answers(subject)
    codes = [figure.variable for figure in listed if figure.variable in hidden]
    if codes:
        word = "all" if len(codes) == len(listed) else "some"
        text = make_text(f"report.items.answers_{word}", items=Joined(codes, ", "))
        yield Paragraph(text, "note")


def _state_lowest(subject: Subject, lowest: Sequence[PublishedFigure]) -> list[Text]:
    """Name the lowest item, how many others could be it, and all items surely below the index."""
    if not are_different(sort_comparable(subject, [*subject.pack.items])):
        return []
    places = subject.figures.item_places(subject.unit)
    may_be_lowest = [str(code) for code in places.loc[places["rank_low"] == 1, "variable"]]
    low_items = _list_low_items(subject)
    first = lowest[0]
    is_low = first in low_items
    if len(may_be_lowest) == 1:
        word = "sure"
    elif len(may_be_lowest) == len(places):
        word = "open"
    else:
        word = "many" if len(may_be_lowest) > MOST_CODES else "some"
    return [
        make_text(
            f"report.items.{word}",
            item=name_lowest(subject),
            low=make_text("report.items.low") if is_low else "",
            n=number_of(subject, make_id("place:lowest", "", subject.unit)),
            codes=Joined(may_be_lowest, ", "),
        ),
        *([_name_low_items(subject, low_items, lowest)] if len(low_items) > is_low else []),
    ]


def _list_low_items(subject: Subject) -> list[PublishedFigure]:
    """Return the items of the province that are surely below the index, lowest first (rule R7)."""
    gaps = subject.figures.index_gaps
    below = {*gaps.loc[(gaps["unit"] == "") & (gaps["verdict"] == "below"), "variable"]}
    items = [] if subject.unit else sort_comparable(subject, [*subject.pack.items])
    return [figure for figure in items if figure.variable in below]


def _name_low_items(
    subject: Subject, low_items: Sequence[PublishedFigure], listed: Sequence[PublishedFigure]
) -> Text:
    """Name items that are surely below the index, those of the table below by code."""
    names = [
        figure.variable if figure in listed else subject.item_name(figure.variable, is_marked=False)
        for figure in low_items
    ]
    return make_text("report.items.below", items=Joined(names, ", "))


def tabulate_items(
    subject: Subject, figures: Sequence[PublishedFigure], *, is_whole: bool
) -> Table:
    """List some items, lowest first, with the places that each may have from the lowest."""
    codes = [figure.variable for figure in figures]
    rows = [(subject.item_name(figure.variable), figure) for figure in figures]
    word = "all" if is_whole else "some"
    caption = make_text(f"report.table.lowest_{word}")
    table = estimate_table("table-lowest", caption, "report.column.item", rows, subject)
    table = _add_places(subject, _add_group_column(subject, table, codes), codes)
    notes = explain_other_scales(subject)
    if any(map(subject.pack.is_unattributed, codes)):
        notes.append(make_text("report.items.mark"))
    if not (is_whole or subject.unit):
        notes.append(make_text("report.items.annex", n=number_of(subject, "wording:all")))
    return replace(table, notes=(*table.notes, *notes))


def _add_places(subject: Subject, table: Table, codes: Sequence[str]) -> Table:
    """Add the places that each item may have, unless every item may have each."""
    places = subject.figures.item_places(subject.unit).set_index("variable")
    if (places["rank_high"] - places["rank_low"] == len(places) - 1).all():
        return table
    first, *others = table.columns
    cells = [_place_cell(subject, code) for code in codes]
    return replace(
        table,
        columns=(first, Column(make_text("report.column.places_low")), *others),
        rows=tuple((row[0], cell, *row[1:]) for row, cell in zip(table.rows, cells, strict=True)),
        notes=(*table.notes, make_text("report.items.places")),
    )


def _place_cell(subject: Subject, code: str) -> object:
    """Return the places that an item may have, counted from the lowest."""
    name = f"place:{code}@{subject.unit}" if subject.unit else f"place:{code}"
    if not subject.figures.find(name):  # of another scale
        return None
    low, high = (number_of(subject, name, f"rank_{end}") for end in ("low", "high"))
    return low if low.value == high.value else make_text("report.places", low=low, high=high)
