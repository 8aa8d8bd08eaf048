"""The annexes on units: every factor of every unit, pairs, and ranks looked at in other ways."""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil

import pandas as pd

from sipas_analysis.documents.model import (
    Block,
    Column,
    Joined,
    Paragraph,
    Table,
    Text,
    make_text,
)
from sipas_analysis.errors import DesignError
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.measure.ranking import MOST_UNITS
from sipas_analysis.messages import LANGUAGES
from sipas_analysis.reports.chapters.ranking import tabulate_long_orders
from sipas_analysis.reports.figure_tables import (
    change_columns,
    find_change,
    has_several_units,
    number_cell,
    percent_cell,
    signed_change,
)
from sipas_analysis.reports.named_numbers import interval_of, number_of
from sipas_analysis.reports.subject import Subject
from sipas_analysis.reports.unit_pictures import (
    draw_changes_picture,
    draw_factors_by_unit_picture,
    draw_sure_changes,
    has_sure_units,
)

MOST_COLUMNS = 8  # factors beside each other on a page
TOP = 3  # first places of which the chance is told
MOST_PAIRS = 66  # pairs of 12 units; longer lists are only in tables/pairs.csv


def show_units(subject: Subject) -> list[Block]:
    """List every unit of every group with its factors, then the changes since last year."""
    listed = dict.fromkeys(subject.figures.ranking["group"])
    groups = sorted(listed, key=[*subject.figures.groups, *listed].index)  # as in the body
    tables: list[Block] = [table for group in groups for table in _tabulate_group(subject, group)]
    pictures = [
        draw_factors_by_unit_picture(subject, group)
        for group in groups
        if subject.has_many_units or not has_sure_units(subject, group)  # the body has the others
    ]
    tables += [picture for picture in pictures if picture]
    in_body = {picture.id for picture in draw_sure_changes(subject)}
    changes = [draw_changes_picture(subject, group) for group in groups]
    tables += [picture for picture in changes if picture and picture.id not in in_body]
    return [_tabulate_group_sizes(subject), *tables] if subject.figures.groups else tables


def show_ranks(subject: Subject) -> list[Block]:
    """List long orders whole; compare ranks after adjustment and pooling, and pairs of units."""
    groups = [group for group in subject.figures.groups if has_several_units(subject, group)]
    fair = [block for group in groups for block in _tabulate_ranks(subject, group)]
    pairs = [block for group in groups for block in _tabulate_pairs(subject, group)]
    return [*tabulate_long_orders(subject), *fair, *pairs] or [
        Paragraph(make_text("report.ranking.alone"), "note")
    ]


def _tabulate_group_sizes(subject: Subject) -> Table:
    """Count the units and forms of each group; a note names units without a form."""
    figures = subject.figures
    rows = tuple(
        (
            subject.group_name(group),
            number_of(subject, f"units:{group}"),
            number_cell(figures.by_variable("group", group)[OVERALL], "n"),
            *(_number_if_any(subject, f"{end}:{group}") for end in ("fewest", "most")),
        )
        for group in figures.groups
    )
    names = ("units", "forms", "fewest", "most")
    columns = (
        Column(make_text("report.column.group"), "row"),
        *(Column(make_text(f"report.column.{name}")) for name in names),
    )
    sent = set(figures.survey.frame["unit"])
    codes = [code for code in figures.survey.units["code"] if code not in sent]
    n_silent, silent = number_of(subject, "units:silent"), [subject.unit_name(c) for c in codes]
    silent_note = make_text("report.method.silent", n=n_silent, names=Joined(silent))
    notes = (silent_note,) if codes else ()
    caption = make_text(f"report.table.sample{'_all' if subject.has_one_group else ''}")
    return Table("table-sample", caption, columns, rows, notes)


def _number_if_any(subject: Subject, figure_id: str) -> object:
    """Return a number; None where every number behind it is hidden."""
    return number_of(subject, figure_id) if subject.figures.find(figure_id) else None


def _tabulate_group(subject: Subject, group: str) -> list[Table]:
    """List the units of a group with every factor and the whole, then their changes.

    Many factors take several tables, each as wide as a page.
    """
    codes = [*subject.pack.factors, OVERALL]
    n_tables = ceil(len(codes) / MOST_COLUMNS)
    starts = [len(codes) * number // n_tables for number in range(n_tables + 1)]
    batches = [codes[start:end] for start, end in pairwise(starts)]
    return [
        table
        for number, batch in enumerate(batches)
        for table in _tabulate_factors(subject, group, batch, f"-{number}" if number else "")
    ]


def _tabulate_factors(
    subject: Subject, group: str, codes: Sequence[str], ending: str
) -> list[Table]:
    """List some factors of the units of a group, and their changes if there are any."""
    units = subject.figures.units_in_order(group)
    figures = {unit.unit: subject.figures.by_variable("unit", unit.unit) for unit in units}
    overall = make_text("report.level.overall")
    columns = (
        Column(make_text("report.column.unit"), "row"),
        *(Column(overall if code == OVERALL else subject.short_name(code)) for code in codes),
    )
    group_name, notes = subject.group_name(group), subject.explain_marks(figures)
    caption = make_text("report.table.units", group=group_name, name=subject.measure_name)
    rows = tuple(
        (
            subject.marked_name(unit.unit),
            *(percent_cell(figures[unit.unit][code]) for code in codes),
            number_cell(unit, "n"),
        )
        for unit in units
    )
    forms = Column(make_text("report.column.forms"))
    values = Table(f"table-units-{group}{ending}", caption, (*columns, forms), rows, notes)
    listed = [figures[unit][code] for unit in figures for code in codes]
    if not change_columns(subject, listed):
        return [values]
    rows = tuple(
        (subject.marked_name(unit), *(mark_change(subject, figures[unit][code]) for code in codes))
        for unit in figures
    )
    caption = make_text("annex.table.changes", group=group_name)
    is_open = all(find_change(subject, figure).verdict in ("open", "") for figure in listed)
    note = make_text("report.change.all_open" if is_open else "annex.changes_note")
    notes = (note, *notes)
    return [values, Table(f"table-changes-{group}{ending}", caption, columns, rows, notes)]


def mark_change(subject: Subject, figure: PublishedFigure) -> object:
    """Return a change since last year, marked if it is more than chance."""
    change = find_change(subject, figure)
    if not change.is_known:
        return None
    is_open = change.verdict == "open"
    return (
        signed_change(change) if is_open else make_text("annex.sure", value=signed_change(change))
    )


def _tabulate_pairs(subject: Subject, group: str) -> list[Block]:
    """Return the table of pairs of a small group, because letters do not compare pairs (R3)."""
    pairs = subject.figures.pairs
    pairs = pairs[pairs["group"] == group]
    if len(pairs) <= MOST_PAIRS:
        return [_tabulate_some_pairs(subject, group, pairs)] if len(pairs) else []
    name, n = subject.group_name(group), number_of(subject, f"pairs:{group}")
    if len({*pairs["unit"], *pairs["other"]}) > MOST_UNITS:
        return [Paragraph(make_text("report.pairs.near", group=name))]
    return [Paragraph(make_text("report.pairs.file", group=name, n=n))]


def _tabulate_some_pairs(subject: Subject, group: str, pairs: pd.DataFrame) -> Table:
    rows = tuple(
        (
            make_text(
                "report.pairs.pair",
                first=subject.marked_name(first),
                second=subject.marked_name(second),
            ),
            number_of(subject, f"pair:{first}~{second}", decimals=2),
            interval_of(subject, f"pair:{first}~{second}"),
            make_text("report.pairs.told" if are_apart else "report.pairs.open"),
        )
        for first, second, are_apart in pairs[["unit", "other", "told"]].itertuples(index=False)
    )
    columns = (
        Column(make_text("report.column.pair"), "row"),
        Column(make_text("report.column.points")),
        Column(make_text("report.column.interval_all")),
        Column(make_text("report.column.verdict"), "text"),
    )
    caption = make_text("report.table.pairs", group=subject.group_name(group))
    notes = subject.explain_marks(dict.fromkeys([*pairs["unit"], *pairs["other"]]))
    return Table(f"table-pairs-{group}", caption, columns, rows, notes)


def _tabulate_ranks(subject: Subject, group: str) -> list[Block]:
    """Show ranks adjusted for clients, pooled ranks, and ranks under other lawful rules."""
    try:
        units = subject.figures.adjusted_and_pooled
    except DesignError as error:
        reasons = {language: error.text(language) for language in LANGUAGES}
        return [Paragraph(make_text("report.fair.refused", why=Bilingual(**reasons)), "warning")]
    units = units[units["group"] == group]
    if len(units) < 2:
        return []
    is_adjusted = bool(units["adjusted"].notna().any())
    codes = [str(code) for code in units["unit"]]
    adjusted = ["adjusted", "adjusted_rank"] if is_adjusted else []
    chance = ["chance"] if len(units) > TOP else []  # else it is 100 for every unit
    names = ["rank", *adjusted, "pooled", "pooled_rank", "borrowed", *chance, "robust"]
    columns = (
        Column(make_text("report.column.unit"), "row"),
        *(Column(make_text(f"report.column.{name}")) for name in names),
    )
    rows = tuple(_rank_row(subject, code, names) for code in codes)
    caption = make_text("report.table.fair", group=subject.group_name(group))
    notes = (*_explain_ranks(subject, is_adjusted), *subject.explain_marks(codes))
    return [Table(f"table-fair-{group}", caption, columns, rows, notes)]


def _explain_ranks(subject: Subject, is_adjusted: bool) -> Sequence[Text]:
    """Explain the columns, and for which traits of people the units are made alike."""
    note = make_text("report.fair.note", n=number_of(subject, "rules:ranked"))
    if not is_adjusted:
        return (note, make_text("report.fair.no_adjusters"))
    keys = subject.figures.survey.wave.adjusters
    mode = make_text("report.mode")
    names = Joined([mode if key == "mode" else subject.short_name(key) for key in keys], ", ")
    return (note, make_text("report.fair.adjusters", names=names))


def _rank_row(subject: Subject, unit: str, names: Sequence[str]) -> tuple[object, ...]:
    """Return the row of a unit: raw, adjusted and pooled, and its ranks under other rules."""
    adjusted = f"adjusted:{unit}"
    low, high = (number_of(subject, f"robust:{unit}", end) for end in ("rank_low", "rank_high"))
    return (
        subject.marked_name(unit),
        number_of(subject, f"{OVERALL}@{unit}", "rank"),
        *(
            [number_of(subject, adjusted, decimals=2), number_of(subject, adjusted, "rank")]
            if "adjusted" in names
            else []
        ),
        number_of(subject, f"pooled:{unit}", decimals=2),
        number_of(subject, f"pooled:{unit}", "rank"),
        number_of(subject, f"pooled.borrowed:{unit}"),
        *([number_of(subject, f"pooled.chance:{unit}")] if "chance" in names else []),
        low if low.value == high.value else make_text("report.places", low=low, high=high),
    )
