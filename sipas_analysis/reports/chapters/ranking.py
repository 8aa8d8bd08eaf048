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
    Figure,
    Home,
    Interval,
    Joined,
    Number,
    Paragraph,
    Section,
    Table,
    Text,
    make_text,
)
from sipas_analysis.errors import DesignError
from sipas_analysis.figures.published import Published
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES, Language
from sipas_analysis.reports.figure_tables import (
    cautious,
    chart_rows,
    count,
    estimate_cells,
    estimate_columns,
    interval_alt,
    reason_text,
    several,
    target_lines,
)
from sipas_analysis.reports.subject import Subject

PAIR = ["unit", "other", "value", "low", "high", "told"]
AROUND = ("group", "rank", "rank_best", "rank_worst", "share")  # columns beside the rules
LONG, BESIDE, ENDS = 40, 8, 3  # a unit's report shows that much of a longer order
MANY = 12  # more units than this are counted in a sentence, not named
MOST_PAIRS = 66  # pairs of 12 units; more stand in tables/pairs.csv


def ranking(subject: Subject) -> Section:
    """Say which units can be told apart, group by group, then list places with their sets."""
    groups = [subject.group] if subject.unit else subject.figures.groups
    ranked = [one for group in groups for one in _ranked(subject, group)]
    blocks: list[Block] = [Paragraph(make_text("report.ranking.read"), "warning")] if ranked else []
    blocks += places(subject)
    for group in groups:
        name = make_text("report.whole_group", group=subject.group_name(group))
        blocks += [Paragraph(name, "heading"), *_group(subject, group)]
        blocks += [] if subject.unit or not several(subject, group) else _beside(subject, group)
    return Section("ranking", make_text("report.chapter.ranking"), tuple(blocks))


def places(subject: Subject) -> list[Block]:
    """Tell a unit its letter, its places and how far the first is: a paragraph for its director."""
    ranked = _ranked(subject, subject.group) if subject.unit else []
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
            rank=count(own, "rank"),
            low=count(own, "rank_low"),
            high=count(own, "rank_high"),
        ),
        _gap(subject, own, ranked),
        make_text("report.letter.smallest", points=count(own, "detectable", 1)),
    ]
    return [Paragraph(make_text("report.letter.whole", said=Joined(said, " ")), "lead")]


def _gap(subject: Subject, own: Published, ranked: Sequence[Published]) -> Text:
    """Say how far the first is (for the first: the second), and whether that is within error."""
    first = own.unit == ranked[0].unit
    other = ranked[1] if first else ranked[0]
    pairs = subject.figures.pairs
    here = pairs["unit"].isin([own.unit, other.unit]) & pairs["other"].isin([own.unit, other.unit])
    pair = pairs[here].iloc[0]
    place = "ahead" if first else "behind"
    sure = "beyond" if pair["told"] else "within"
    points, low, high = _pair_numbers(*pair[PAIR[:5]])
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
    return Number(value, 2, Home(name, "value", value)), *Interval(low, high, 1, name).ends()


def _ranked(subject: Subject, group: str) -> list[Published]:
    return [one for one in subject.figures.order(group) if one.rank is not None]


def _group(subject: Subject, group: str) -> list[Block]:
    """Return what to remember, the picture and the table of one group of units."""
    name, every = subject.group_name(group), subject.figures.order(group)
    found = _nearby(every, subject.unit)
    named = [(subject.unit_name(one.unit), one) for one in found]
    targets = subject.figures.survey.wave.targets
    rows = tuple(
        (
            label,
            one.letter or None,
            count(one, "rank"),
            _places(one),
            *_band(one, targets),
            *estimate_cells(one),
        )
        for label, one in named
    )
    first, *rest = estimate_columns("report.column.unit")
    heads = ["letter", "rank", "places", *(["band"] if targets else [])]
    columns = (first, *(Column(make_text(f"report.column.{head}")) for head in heads), *rest)
    unranked = tuple(
        make_text("report.rank.unranked", unit=label, reason=reason_text(subject, one))
        for label, one in named
        if one.rank is None
    )
    caption = make_text("report.table.ranking", group=name)
    left_out = len(every) - len(found)
    some = make_text(
        "report.ranking.some", n=len(every), left_out=left_out, ends=ENDS, beside=BESIDE
    )
    notes = (
        make_text("report.ranking.note"),
        *([some] if left_out else []),
        *cautious(named),
        *unranked,
    )
    table = Table(f"table-ranking-{group}", caption, columns, rows, notes)

    def draw(language: Language) -> bytes:
        return charts.intervals(chart_rows(named, language, subject.unit), language, targets)

    title = make_text("report.figure.ranking", group=name, lines=target_lines(targets))
    picture = Figure(f"figure-ranking-{group}", title, interval_alt("ranking", named), draw, table)
    said = _told(subject, group)
    return [*said, *([picture] if several(subject, group) else []), table]


def _nearby(order: Sequence[Published], unit: str) -> list[Published]:
    """Return a unit, those beside it and both ends of a long order; all of a short one."""
    if not unit or len(order) <= LONG:
        return list(order)
    own = next(at for at, one in enumerate(order) if one.unit == unit)
    last = len(order) - ENDS
    return [
        one for at, one in enumerate(order) if at < ENDS or at >= last or abs(at - own) <= BESIDE
    ]


def _places(one: Published) -> Text | None:
    """Return the places that a unit can have, as text."""
    if one.rank is None:
        return None
    return make_text("report.places", low=count(one, "rank_low"), high=count(one, "rank_high"))


def _band(one: Published, targets: Sequence[float]) -> tuple[Text | None, ...]:
    """Say between which targets the whole interval lies, or that it crosses one."""
    if not targets:
        return ()
    if not one.known or np.isnan(one.low):
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


def _told(subject: Subject, group: str) -> list[Block]:
    """Say which letters there are and who stands in each."""
    ranked = _ranked(subject, group)
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
        make_text("report.ranking.letter_units", letter=it, names=_names(subject, units))
        for it, units in letters
    ]
    return [Paragraph(text, "lead"), Bullets(tuple(lines))]


def _names(subject: Subject, units: Sequence[Published]) -> object:
    if len(units) > MANY:
        return make_text("report.ranking.count", n=len(units))
    return Joined([subject.unit_name(one.unit) for one in units], "; ")


def _beside(subject: Subject, group: str) -> list[Block]:
    """Show places with like clients, with borrowed strength and under other lawful rules."""
    name = subject.group_name(group)
    try:
        fair = subject.figures.fair
    except DesignError as error:
        said = {language: error.text(language) for language in LANGUAGES}
        return [Paragraph(make_text("report.fair.refused", why=Bilingual(**said)), "warning")]
    robust = subject.figures.robust.set_index("unit")
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
        make_text("report.fair.note", n=len(robust.columns) - len(AROUND)),
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
        for one, other, *numbers, told in pairs[PAIR].itertuples(index=False)
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
