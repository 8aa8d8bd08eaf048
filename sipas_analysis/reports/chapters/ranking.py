"""The ranking chapter: first the groups of units that surely differ, then ranks with ranges.

One paragraph explains to a director why the unit is second and not first.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

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
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.reports.figure_tables import (
    are_all_cautioned,
    caution_notes,
    change_cells,
    change_columns,
    drop_open_verdicts,
    estimate_cells,
    estimate_columns,
    estimate_table,
    explain_no_rank,
    number_cell,
)
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.pictures import draw_ranking_picture
from sipas_analysis.reports.subject import Subject

LONG_ORDER, N_OF_PROVINCE = 40, 10  # of a longer order the body shows so many at each end
LONG_BESIDE, N_BESIDE, N_AT_ENDS = 8, 2, 1  # a unit's report shows those beside it, and the ends
NamedUnit = tuple[Bilingual, PublishedFigure]
UNIT = make_text("report.letter.who")
MANY_UNITS, MOST_AT_TARGET = 12, 8  # more units than this are counted in a sentence, not named


def build_ranking(subject: Subject) -> Section:
    """State which units surely differ, group by group, then list ranks with their ranges."""
    used = subject.figures.groups
    groups = [group for group in used if group == subject.group] if subject.unit else used
    is_compared = any(len(_ranked_units(subject, group)) > 1 for group in groups)
    blocks: list[Block] = [Paragraph(make_text("report.ranking.read"))] if is_compared else []
    for group in groups:
        if not subject.unit:
            name = make_text("report.whole_group", group=subject.group_name(group))
            heading = [] if subject.has_one_group else [Paragraph(name, "heading")]
            blocks += [*heading, *_summarise_group(subject, group)]
        blocks += _show_group(subject, group)
    if not groups:
        blocks.append(Paragraph(make_text("report.ranking.alone"), "note"))
    title = make_text(f"report.chapter.ranking{'_all' if subject.has_one_group else ''}")
    return Section("ranking", title, tuple(blocks))


def explain_rank(subject: Subject, who: Text = UNIT) -> list[Block]:
    """State a unit's place, its distance to the first and how sure it is, for its director.

    Args:
        subject: The unit.
        who: How the text calls the unit; a letter addresses it.
    """
    ranked = _ranked_units(subject, subject.group) if subject.unit else []
    if len(ranked) < 2 or subject.ranked_index.rank is None:
        return []
    unit_index = subject.ranked_index
    low, high = (number_cell(unit_index, f"rank_{end}") for end in ("low", "high"))
    n_ranked, n_letters = (
        number_of(subject, f"{count}:{unit_index.group}") for count in ("ranked", "letters")
    )
    gap, is_told = _describe_gap(subject, unit_index, ranked)
    has_letters = len({figure.letter for figure in ranked}) > 1
    word = "sure" if low.value == high.value else "told" if is_told else "open"
    word = word if has_letters else "alone"
    n_units = number_of(subject, f"units:{unit_index.group}").value
    place = "place" if n_ranked.value == n_units else "place_ranked"
    sentences = [
        make_text(
            f"report.letter.{place}",
            who=who,
            rank=number_cell(unit_index, "rank"),
            n=n_ranked,
            group=subject.group_name(unit_index.group),
            gap=gap,
        ),
        make_text(
            f"report.letter.{word}",
            forms=number_cell(unit_index, "n"),
            low=low,
            high=high,
            n=n_ranked,
        ),
    ]
    letter = unit_index.letter
    if has_letters and sum(figure.letter == letter for figure in ranked) > 1:
        sentences.append(
            make_text("report.letter.group", who=who, letter=letter, letters=n_letters)
        )
    return [Paragraph(make_text("report.letter.whole", said=Joined(sentences, " ")), "lead")]


def _describe_gap(
    subject: Subject, unit_index: PublishedFigure, ranked: Sequence[PublishedFigure]
) -> tuple[object, bool]:
    """Return the distance to the first (of the first: to the second), and whether it is sure.

    A unit whose forms need a second look is no benchmark: the next one takes its place.
    """
    others = [figure for figure in ranked if figure.unit != unit_index.unit and not figure.mark]
    if not others:
        return "", False
    other = others[0]
    order = [figure.unit for figure in ranked]
    position = "ahead" if order.index(unit_index.unit) < order.index(other.unit) else "behind"
    is_usual = other.unit in order[: 2 if position == "ahead" else 1]
    pairs, units = subject.figures.pairs, [unit_index.unit, other.unit]
    pair = pairs[pairs["unit"].isin(units) & pairs["other"].isin(units)].iloc[0]
    name = f"pair:{pair['unit']}~{pair['other']}"
    low, high = float(pair["low"]), float(pair["high"])
    is_open = not pair["told"] and low < 0 < high
    ends: dict[str, object] = {
        "low": number_of(subject, name, "fall_low" if is_open else "low", decimals=1),
        "high": number_of(subject, name, "high", decimals=1),
    }
    ends |= {"unit_of_points": subject.name_measure("points")} if is_open else {}
    gap = make_text(
        f"report.letter.{position}",
        unit=subject.unit_name(other.unit),
        order=make_text(f"report.letter.order.{position}{'' if is_usual else '_unmarked'}"),
        points=number_of(subject, name, decimals=2),
        error=make_text(f"report.letter.error.{f'open_{position}' if is_open else 'sure'}", **ends),
        unit_of_points=subject.name_measure("points"),
    )
    return gap, bool(pair["told"])


def _ranked_units(subject: Subject, group: str) -> list[PublishedFigure]:
    return [figure for figure in subject.figures.units_in_order(group) if figure.rank is not None]


def _show_group(subject: Subject, group: str) -> list[Block]:
    """Return the picture and the table of one group, then its units that are not ranked.

    A unit has the table only: its first page shows it beside its group. Units whose forms need a
    second look stand in a table apart until the wave accepts them.
    """
    order, apart = _split_order(subject, group)
    shown = select_units(order, subject.unit)
    blocks: list[Block] = []
    if len(order) + len(apart) == 1:
        blocks.append(Paragraph(make_text("report.ranking.single"), "note"))
    elif order:
        table = tabulate_ranking(subject, group, shown, n_units=len(order))
        units = [] if subject.unit else [*shown, *apart]
        picture = draw_ranking_picture(subject, group, units, table) if units else None
        in_annexes = picture is not None and subject.has_many_units
        blocks += [picture] if picture else []
        blocks += [_point_to_annexes(len(shown), len(order))] if in_annexes else [table]
    return [*blocks, *_list_apart(subject, group, apart)]


def _point_to_annexes(n_shown: int, n: int) -> Paragraph:
    """State that the table of a group is in the annexes, and how many units the picture has."""
    if n_shown == n:
        return Paragraph(make_text("report.ranking.table"), "note")
    text = make_text("report.ranking.ends", n=n, ends=N_OF_PROVINCE, left_out=n - n_shown)
    return Paragraph(text, "note")


def _split_order(
    subject: Subject, group: str
) -> tuple[list[PublishedFigure], list[PublishedFigure]]:
    """Return the units of a group in order, and those apart whose forms need a second look."""
    figures = subject.figures.units_in_order(group)
    apart = [figure for figure in figures if figure.reason == "flagged"]
    return [figure for figure in figures if figure not in apart], apart


def _list_apart(subject: Subject, group: str, units: Sequence[PublishedFigure]) -> list[Block]:
    """List the units that are not ranked because their forms need a second look."""
    if not units:
        return []
    names = [(subject.marked_name(figure.unit), figure) for figure in units]
    caption = make_text("report.table.apart", group=subject.group_name(group))
    table = estimate_table(f"table-apart-{group}", caption, "report.column.unit", names, subject)
    notes = (*table.notes, *subject.explain_marks(figure.unit for figure in units))
    return [replace(table, notes=notes)]


def tabulate_ranking(
    subject: Subject, group: str, figures: Sequence[PublishedFigure], n_units: int
) -> Table:
    """List units of a group: letter, rank, possible ranks, the estimate and last year.

    Args:
        subject: The subject of the report.
        group: Group of the units.
        figures: Overall indices of the units to list, best first.
        n_units: How many units the group has in order; a note counts those that are not listed.
    """
    first, *estimates = estimate_columns("report.column.unit", subject)
    changes = change_columns(subject, figures)
    is_open = _is_order_open(_ranked_units(subject, group))
    names = ("order",) if is_open else ("letter", "rank", "places")
    is_marked = not are_all_cautioned(figures)
    columns = (
        first,
        *(Column(make_text(f"report.column.{name}")) for name in names),
        *estimates,
        *changes,
    )
    units = [(subject.marked_name(figure.unit), figure) for figure in figures]
    rows = tuple(
        (
            name,
            *([] if is_open else [figure.letter or None]),
            number_cell(figure, "rank"),
            *([] if is_open else [print_rank_range(figure)]),
            *estimate_cells(figure, is_marked=is_marked),
            *(change_cells(subject, figure) if changes else ()),
        )
        for name, figure in units
    )
    caption = make_text("report.table.ranking", group=subject.group_name(group))
    notes = _list_notes(subject, units, n_units, is_open=is_open)
    table = Table(f"table-ranking-{group}", caption, columns, rows, notes)
    return drop_open_verdicts(table, make_text("report.change.all_open"))


def _is_order_open(ranked: Sequence[PublishedFigure]) -> bool:
    """Return whether every ranked unit of a group may have every rank."""
    return len(ranked) > 1 and all(
        (figure.rank_low, figure.rank_high) == (1, len(ranked)) for figure in ranked
    )


def _list_notes(
    subject: Subject, units: Sequence[NamedUnit], n_units: int, *, is_open: bool
) -> tuple[Text, ...]:
    """Explain how to read the table, which units are left out and why a unit has no rank."""
    n_left_out = n_units - len(units)
    selected = make_text(
        "report.ranking.some" if subject.unit else "report.ranking.ends",
        n=n_units,
        left_out=n_left_out,
        ends=N_AT_ENDS if subject.unit else N_OF_PROVINCE,
        beside=N_BESIDE,
    )
    note = "report.ranking.note_open" if is_open else "report.ranking.note"
    unranked = [
        make_text("report.rank.unranked", unit=name, reason=explain_no_rank(subject, figure))
        for name, figure in units
        if figure.rank is None
    ]
    return (
        *([make_text(note)] if len(unranked) < len(units) else []),
        *([selected] if n_left_out else []),
        *caution_notes(units, is_marked=not are_all_cautioned([figure for _, figure in units])),
        *subject.explain_marks(figure.unit for _, figure in units),
        *unranked,
    )


def tabulate_long_orders(subject: Subject) -> list[Table]:
    """List all units of each group of which the body has no table, or only both ends."""
    orders = {group: _split_order(subject, group)[0] for group in subject.figures.groups}
    return [
        tabulate_ranking(subject, group, order, n_units=len(order))
        for group, order in orders.items()
        if len(order) > LONG_ORDER or (order and subject.has_many_units)
    ]


def select_units(order: Sequence[PublishedFigure], unit: str) -> list[PublishedFigure]:
    """Return both ends of a long order, and a unit with those beside it; all of a short order."""
    if len(order) <= (LONG_BESIDE if unit else LONG_ORDER):
        return list(order)
    n_at_ends = N_AT_ENDS if unit else N_OF_PROVINCE
    own_position = next((at for at, figure in enumerate(order) if figure.unit == unit), len(order))
    first_of_last = len(order) - n_at_ends
    return [
        figure
        for position, figure in enumerate(order)
        if position < n_at_ends
        or position >= first_of_last
        or (unit and abs(position - own_position) <= N_BESIDE)
    ]


def print_rank_range(figure: PublishedFigure) -> object:
    """Return the lowest and highest possible rank of a unit; one number if they are the same."""
    if figure.rank is None:
        return None
    low, high = number_cell(figure, "rank_low"), number_cell(figure, "rank_high")
    return low if low.value == high.value else make_text("report.places", low=low, high=high)


def _summarise_group(subject: Subject, group: str) -> list[Block]:
    """State which units of a group surely differ, and which surely meet the targets."""
    ranked = _ranked_units(subject, group)
    if len(ranked) < 2:
        return []
    by_letter = sorted(ranked, key=lambda figure: (len(figure.letter), figure.letter))
    groups = groupby(by_letter, key=lambda figure: figure.letter)
    letters = [(letter, [*units]) for letter, units in groups]
    text = make_text(
        f"report.ranking.{'one_group' if len(letters) == 1 else 'groups'}",
        n=number_of(subject, f"ranked:{group}"),
        letters=number_of(subject, f"letters:{group}"),
        unit=subject.marked_name(ranked[0].unit),
    )
    lines = [
        make_text("report.ranking.letter_units", letter=letter, names=_name_units(subject, units))
        for letter, units in letters
    ]
    smallest = make_text(
        "report.ranking.smallest",
        points=number_of(subject, f"detectable:{group}", decimals=1),
        unit_of_points=subject.name_measure("points"),
    )
    return [
        Paragraph(text, "lead"),
        *([Bullets(tuple(lines))] if len(lines) > 1 else []),
        Paragraph(smallest),
        *_compare_with_targets(subject, ranked),
    ]


def _compare_with_targets(subject: Subject, ranked: Sequence[PublishedFigure]) -> list[Paragraph]:
    """Name for each target the ranked units that surely meet it, and those that surely do not."""
    sentences: list[Text] = []
    for target in subject.figures.survey.wave.targets:
        above = [figure for figure in ranked if figure.low >= target]
        below = [figure for figure in ranked if figure.high < target]
        number = number_of(subject, f"setting:target:{target:g}", decimals=None)
        fields = {"target": number, "sign": subject.name_measure("sign")}
        for word, figures in (("above", above), ("below", below)):
            if figures:
                names = _name_units(subject, figures, most=MOST_AT_TARGET)
                sentences.append(make_text(f"report.ranking.{word}", names=names, **fields))
        if not above and not below:
            sentences.append(make_text("report.ranking.open", **fields))
    return [Paragraph(text) for text in sentences]


def _name_units(
    subject: Subject, units: Sequence[PublishedFigure], most: int = MANY_UNITS
) -> object:
    if len(units) > most:
        return make_text("report.ranking.count", n=len(units))
    return Joined([subject.marked_name(figure.unit) for figure in units], "; ")
