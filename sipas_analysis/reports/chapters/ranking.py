"""The ranking chapter: groups that can be told apart first, places with their sets after.

Also the paragraph that answers a director who asks why the unit is second and not first.
"""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import pandas as pd

from sipas_analysis.documents import charts
from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Column,
    FigureReference,
    Interval,
    Joined,
    Number,
    Paragraph,
    Picture,
    Section,
    Table,
    Text,
    make_text,
)
from sipas_analysis.errors import DesignError
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES, Language
from sipas_analysis.reports.figure_tables import (
    caution_notes,
    chart_rows,
    describe_intervals,
    estimate_cells,
    estimate_columns,
    explain_no_rank,
    explain_target_lines,
    has_several_units,
    number_cell,
)
from sipas_analysis.reports.subject import Subject

PAIR_COLUMNS = ["unit", "other", "value", "low", "high", "told"]
NOT_RULES = ("group", "rank", "rank_best", "rank_worst", "share")  # columns beside the rules
LONG_ORDER, N_BESIDE, N_AT_ENDS = 40, 8, 3  # a unit's report shows that much of a longer order
MANY_UNITS = 12  # more units than this are counted in a sentence, not named
MOST_PAIRS = 66  # pairs of 12 units; more stand in tables/pairs.csv


def build_ranking(subject: Subject) -> Section:
    """Say which units can be told apart, group by group, then list places with their sets."""
    groups = [subject.group] if subject.unit else subject.figures.groups
    ranked = [one for group in groups for one in _ranked_units(subject, group)]
    blocks: list[Block] = [Paragraph(make_text("report.ranking.read"), "warning")] if ranked else []
    blocks += explain_rank(subject)
    for group in groups:
        name = make_text("report.whole_group", group=subject.group_name(group))
        blocks += [Paragraph(name, "heading"), *_group_blocks(subject, group)]
        blocks += (
            []
            if subject.unit or not has_several_units(subject, group)
            else _fairness_blocks(subject, group)
        )
    return Section("ranking", make_text("report.chapter.ranking"), tuple(blocks))


def explain_rank(subject: Subject) -> list[Block]:
    """Tell a unit its letter, its places and how far the first is: a paragraph for its director."""
    ranked = _ranked_units(subject, subject.group) if subject.unit else []
    own = next((one for one in ranked if one.unit == subject.unit), None)
    if own is None or own.rank is None or len(ranked) < 2:
        return []
    letters = len({one.letter for one in ranked})
    said = [
        make_text(
            "report.letter.alone" if letters == 1 else "report.letter.group",
            letter=own.letter,
            letters=letters,
            n=len(ranked),
            group=subject.group_name(own.group),
        ),
        make_text(
            "report.letter.place",
            rank=number_cell(own, "rank"),
            low=number_cell(own, "rank_low"),
            high=number_cell(own, "rank_high"),
        ),
        _describe_gap(subject, own, ranked),
        make_text("report.letter.smallest", points=number_cell(own, "detectable", 1)),
    ]
    return [Paragraph(make_text("report.letter.whole", said=Joined(said, " ")), "lead")]


def _describe_gap(
    subject: Subject, own: PublishedFigure, ranked: Sequence[PublishedFigure]
) -> Text:
    """Say how far the first is (for the first: the second), and whether that is within error."""
    first = own.unit == ranked[0].unit
    other = ranked[1] if first else ranked[0]
    pairs = subject.figures.pairs
    here = pairs["unit"].isin([own.unit, other.unit]) & pairs["other"].isin([own.unit, other.unit])
    pair = pairs[here].iloc[0]
    place = "ahead" if first else "behind"
    sure = "beyond" if pair["told"] else "within"
    points, low, high = _pair_numbers(*pair[PAIR_COLUMNS[:5]])
    return make_text(
        f"report.letter.{place}.{sure}",
        unit=subject.unit_name(other.unit),
        points=points,
        low=low,
        high=high,
    )


def _pair_numbers(
    unit: str, other: str, value: float, low: float, high: float
) -> tuple[Number, Number, Number]:
    """Return the difference of two units and its ends, as they are printed."""
    name = f"pair:{unit}~{other}"
    return Number(value, 2, FigureReference(name, "value", value)), *Interval(
        low, high, 1, name
    ).ends()


def _ranked_units(subject: Subject, group: str) -> list[PublishedFigure]:
    return [one for one in subject.figures.units_in_order(group) if one.rank is not None]


def _group_blocks(subject: Subject, group: str) -> list[Block]:
    """Return what to remember, the picture and the table of one group of units."""
    name, every = subject.group_name(group), subject.figures.units_in_order(group)
    found = _select_nearby(every, subject.unit)
    named = [(subject.unit_name(one.unit), one) for one in found]
    targets = subject.figures.survey.wave.targets
    rows = tuple(
        (
            label,
            one.letter or None,
            number_cell(one, "rank"),
            _rank_range(one),
            *_target_band(one, targets),
            *estimate_cells(one),
        )
        for label, one in named
    )
    first, *rest = estimate_columns("report.column.unit")
    heads = ["letter", "rank", "places", *(["band"] if targets else [])]
    columns = (first, *(Column(make_text(f"report.column.{head}")) for head in heads), *rest)
    unranked = tuple(
        make_text("report.rank.unranked", unit=label, reason=explain_no_rank(subject, one))
        for label, one in named
        if one.rank is None
    )
    caption = make_text("report.table.ranking", group=name)
    left_out = len(every) - len(found)
    some = make_text(
        "report.ranking.some", n=len(every), left_out=left_out, ends=N_AT_ENDS, beside=N_BESIDE
    )
    notes = (
        make_text("report.ranking.note"),
        *([some] if left_out else []),
        *caution_notes(named),
        *unranked,
    )
    table = Table(f"table-ranking-{group}", caption, columns, rows, notes)

    def draw(language: Language) -> bytes:
        return charts.draw_intervals(chart_rows(named, language, subject.unit), language, targets)

    title = make_text("report.figure.ranking", group=name, lines=explain_target_lines(targets))
    picture = Picture(
        f"figure-ranking-{group}", title, describe_intervals("ranking", named), draw, table
    )
    said = _list_letters(subject, group)
    return [*said, *([picture] if has_several_units(subject, group) else []), table]


def _select_nearby(order: Sequence[PublishedFigure], unit: str) -> list[PublishedFigure]:
    """Return a unit, those beside it and both ends of a long order; all of a short one."""
    if not unit or len(order) <= LONG_ORDER:
        return list(order)
    own = next(at for at, one in enumerate(order) if one.unit == unit)
    last = len(order) - N_AT_ENDS
    return [
        one
        for at, one in enumerate(order)
        if at < N_AT_ENDS or at >= last or abs(at - own) <= N_BESIDE
    ]


def _rank_range(one: PublishedFigure) -> Text | None:
    """Return the places that a unit can have, as text."""
    if one.rank is None:
        return None
    return make_text(
        "report.places", low=number_cell(one, "rank_low"), high=number_cell(one, "rank_high")
    )


def _target_band(one: PublishedFigure, targets: Sequence[float]) -> tuple[Text | None, ...]:
    """Say between which targets the whole interval lies, or that it crosses one."""
    if not targets:
        return ()
    if not one.is_known or np.isnan(one.low):
        return (None,)
    steps = sorted(targets)
    low, high = (int(np.searchsorted(steps, end, "right")) for end in (one.low, one.high))
    ends = {
        "low": Number(f"{steps[low - 1]:g}") if low else "",
        "high": Number(f"{steps[low]:g}") if low < len(steps) else "",
    }
    where = "below" if not low else "above" if low == len(steps) else "between"
    return (
        make_text("report.band.open") if low != high else make_text(f"report.band.{where}", **ends),
    )


def _list_letters(subject: Subject, group: str) -> list[Block]:
    """Say which letters there are and who stands in each."""
    ranked = _ranked_units(subject, group)
    if len(ranked) < 2:
        return []
    own = sorted(ranked, key=lambda one: (len(one.letter), one.letter))
    letters = [(it, [*units]) for it, units in groupby(own, key=lambda one: one.letter)]
    points = Number(float(np.median([one.detectable for one in ranked])), 1)
    first = subject.unit_name(ranked[0].unit)
    if len(letters) == 1:
        text = make_text("report.ranking.one_group", n=len(ranked), points=points, unit=first)
        return [Paragraph(text, "lead")]
    text = make_text("report.ranking.groups", n=len(ranked), letters=len(letters), points=points)
    lines = [
        make_text("report.ranking.letter_units", letter=it, names=_name_units(subject, units))
        for it, units in letters
    ]
    return [Paragraph(text, "lead"), Bullets(tuple(lines))]


def _name_units(subject: Subject, units: Sequence[PublishedFigure]) -> object:
    if len(units) > MANY_UNITS:
        return make_text("report.ranking.count", n=len(units))
    return Joined([subject.unit_name(one.unit) for one in units], "; ")


def _fairness_blocks(subject: Subject, group: str) -> list[Block]:
    """Show places with like clients, with borrowed strength and under other lawful rules."""
    name = subject.group_name(group)
    try:
        fair = subject.figures.adjusted_and_pooled
    except DesignError as error:
        said = {language: error.text(language) for language in LANGUAGES}
        return [Paragraph(make_text("report.fair.refused", why=Bilingual(**said)), "warning")]
    robust = subject.figures.ranks_by_rule.set_index("unit")
    own = fair[fair["group"] == group]
    if len(own) < 2:
        return []
    adjusted = own["adjusted"].notna().any()
    rows = tuple(
        (
            subject.unit_name(str(one["unit"])),
            int(one["rank"]),
            *((Number(float(one["adjusted"]), 2), int(one["adjusted_rank"])) if adjusted else ()),
            Number(float(one["pooled"]), 2),
            int(one["pooled_rank"]),
            Number(100 * float(one["borrowed"]), 0),
            Number(100 * float(one["chance"]), 0),
            make_text(
                "report.places",
                low=int(robust.loc[one["unit"], "rank_best"]),
                high=int(robust.loc[one["unit"], "rank_worst"]),
            ),
        )
        for one in own.to_dict("records")
    )
    heads = [
        "rank",
        *(["adjusted", "adjusted_rank"] if adjusted else []),
        "pooled",
        "pooled_rank",
        "borrowed",
        "chance",
        "robust",
    ]
    columns = (
        Column(make_text("report.column.unit"), "row"),
        *(Column(make_text(f"report.column.{head}")) for head in heads),
    )
    notes = (
        make_text("report.fair.note", n=len(robust.columns) - len(NOT_RULES)),
        *([] if adjusted else [make_text("report.fair.no_adjusters")]),
    )
    return [
        Table(
            f"table-fair-{group}", make_text("report.table.fair", group=name), columns, rows, notes
        )
    ]


def pair_tables(subject: Subject) -> list[Block]:
    """Return the table of pairs of each small group: a letter is no verdict on a pair (R3)."""
    found: list[Block] = []
    pairs = subject.figures.pairs
    for group in subject.figures.groups if not subject.unit else []:
        own = pairs[pairs["group"] == group]
        name = subject.group_name(group)
        if len(own) > MOST_PAIRS:
            found.append(Paragraph(make_text("report.pairs.file", group=name, n=len(own))))
        elif len(own):
            found.append(_pair_table(subject, group, own))
    return found


def _pair_table(subject: Subject, group: str, pairs: pd.DataFrame) -> Table:
    rows = tuple(
        (
            make_text(
                "report.pairs.pair", first=subject.unit_name(one), second=subject.unit_name(other)
            ),
            points,
            make_text("report.pairs.interval", low=low, high=high),
            make_text("report.pairs.told" if told else "report.pairs.open"),
        )
        for one, other, *numbers, told in pairs[PAIR_COLUMNS].itertuples(index=False)
        for points, low, high in [_pair_numbers(one, other, *numbers)]
    )
    columns = (
        Column(make_text("report.column.pair"), "row"),
        Column(make_text("report.column.points")),
        Column(make_text("report.column.interval_all")),
        Column(make_text("report.column.verdict"), "text"),
    )
    caption = make_text("report.table.pairs", group=subject.group_name(group))
    return Table(f"table-pairs-{group}", caption, columns, rows)
