"""The annexes: all units by factor, wording and its status, ledger, form quality, versions."""

import platform
from importlib.metadata import version

import pandas as pd

from sipas_analysis import __version__
from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Column,
    Number,
    Paragraph,
    Section,
    Table,
    Text,
    make_text,
)
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.reports.chapters.driver_tables import tabulate_penalties
from sipas_analysis.reports.chapters.ranking import PAIR_COLUMNS, number_pair
from sipas_analysis.reports.figure_tables import number_cell, percent_cell
from sipas_analysis.reports.subject import Subject

# The numbers of a finding: columns, decimals, and the ids of their headers.
NUMBERS = ["count", "n", "expected_percent", "low", "p_holm"]
DECIMALS = (0, 0, 1, 1, 3)
MOST_PAIRS = 66  # pairs of 12 units; longer lists are only in tables/pairs.csv
TINY = 0.001  # a smaller p is printed in words
NUMBER_HEADERS = ("count", "forms", "expected", "low", "p_holm")


def build_annexes(subject: Subject) -> Section:
    """List the details behind the report in tables."""
    blocks: list[Block] = []
    if not subject.unit:
        groups = dict.fromkeys(subject.figures.ranking["group"])
        blocks += [_unit_table(subject, group) for group in groups]
        blocks += _pair_tables(subject)
        blocks += tabulate_penalties(subject)
    blocks += [
        _wording_table(subject),
        *_sum_up_ledger(subject),
        *_list_findings(subject),
        _list_versions(subject),
    ]
    return Section("annexes", make_text("report.chapter.annexes"), tuple(blocks))


def _unit_table(subject: Subject, group: str) -> Table:
    """List the units of one group with every factor and the whole."""
    codes = [*subject.pack.factors, OVERALL]
    rows = tuple(
        (
            subject.marked_name(unit.unit),
            *(percent_cell(figures[code]) for code in codes),
            number_cell(unit, "n"),
        )
        for unit in subject.figures.units_in_order(group)
        for figures in [subject.figures.by_variable("unit", unit.unit)]
    )
    columns = (
        Column(make_text("report.column.unit"), "row"),
        *(Column(subject.short_name(code)) for code in subject.pack.factors),
        Column(make_text("report.level.overall")),
        Column(make_text("report.column.forms")),
    )
    caption = make_text("report.table.units", group=subject.group_name(group))
    notes = subject.explain_marks(unit.unit for unit in subject.figures.units_in_order(group))
    return Table(f"table-units-{group}", caption, columns, rows, notes)


def _pair_tables(subject: Subject) -> list[Block]:
    """Return the table of pairs of each small group, because letters do not compare pairs (R3)."""
    blocks: list[Block] = []
    pairs = subject.figures.pairs
    for group in subject.figures.groups if not subject.unit else []:
        group_pairs = pairs[pairs["group"] == group]
        name = subject.group_name(group)
        if len(group_pairs) > MOST_PAIRS:
            blocks.append(Paragraph(make_text("report.pairs.file", group=name, n=len(group_pairs))))
        elif len(group_pairs):
            blocks.append(_pair_table(subject, group, group_pairs))
    return blocks


def _pair_table(subject: Subject, group: str, pairs: pd.DataFrame) -> Table:
    rows = tuple(
        (
            make_text(
                "report.pairs.pair",
                first=subject.marked_name(first),
                second=subject.marked_name(second),
            ),
            points,
            make_text("report.pairs.interval", low=low, high=high),
            make_text("report.pairs.told" if are_apart else "report.pairs.open"),
        )
        for first, second, *numbers, are_apart in pairs[PAIR_COLUMNS].itertuples(index=False)
        for points, low, high in [number_pair(first, second, *numbers)]
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


def _wording_table(subject: Subject) -> Table:
    """List every item with the status of its wording and where it comes from."""
    pack = subject.pack
    rows = tuple(
        (
            make_text("report.coded", code=code, name=subject.short_name(code), mark=""),
            make_text(f"status.{item.status if item.vi or item.en else 'no_wording'}"),
            item.source if item.source.vi or item.source.en else None,
        )
        for code, item in pack.items.items()
    )
    columns = (
        Column(make_text("report.column.item"), "row"),
        Column(make_text("report.column.status"), "text"),
        Column(make_text("report.column.source"), "text"),
    )
    return Table("table-wording", make_text("report.table.wording"), columns, rows)


def _sum_up_ledger(subject: Subject) -> list[Block]:
    """Sum up the changed and dropped values by reason."""
    ledger = subject.figures.survey.ledger
    if ledger.empty:
        return [Paragraph(make_text("report.ledger.none"))]
    columns = (
        Column(make_text("report.column.reason"), "row"),
        Column(make_text("report.column.columns")),
        Column(make_text("report.column.count")),
    )
    rows = list_changes(ledger)
    return [Table("table-ledger", make_text("report.table.ledger"), columns, rows)]


def list_changes(ledger: pd.DataFrame) -> tuple[tuple[Text, int, int], ...]:
    """Return reason, number of columns and number of cells of what was changed or dropped."""
    counts = ledger.groupby("reason", sort=True)["column"].agg(["nunique", "size"])
    counts = counts.sort_values("size", ascending=False, kind="stable")
    reasons = zip(counts.index, counts["nunique"], counts["size"], strict=True)
    return tuple(
        (make_text(f"ledger.{reason}"), int(n_columns), int(n_cells))
        for reason, n_columns, n_cells in reasons
    )


def _list_findings(subject: Subject) -> list[Block]:
    """List the findings of the form checks, without accusations."""
    findings = subject.figures.findings
    message_id = "many_straight" if findings.has_many_straight else "words"
    share = Number(findings.straight_percent, 1)
    words = [make_text(f"report.quality.{message_id}", share=share), *subject.name_opposed_items()]
    first = [Paragraph(sentence) for sentence in words]
    noticed = findings.noticed()
    noticed = noticed[noticed["unit"] == subject.unit] if subject.unit else noticed
    if noticed.empty:
        return [*first, Paragraph(_state_no_finding(subject))]
    numbers = noticed[NUMBERS].to_numpy(dtype=float)
    rows = []
    for unit, fact, values in zip(noticed["unit"], noticed["fact"], numbers, strict=True):
        *cells, p = [Number(value, n) for value, n in zip(values, DECIMALS, strict=True)]
        p_cell = make_text("report.quality.tiny") if values[-1] < TINY else p
        rows.append(
            (subject.marked_name(unit), make_text(f"report.quality.{fact}"), *cells, p_cell)
        )
    columns = (
        Column(make_text("report.column.unit"), "row"),
        Column(make_text("report.column.noticed"), "text"),
        *(Column(make_text(f"report.column.{name}")) for name in NUMBER_HEADERS),
    )
    notes = subject.explain_marks(dict.fromkeys(noticed["unit"]))
    table = Table("table-quality", make_text("report.table.quality"), columns, tuple(rows), notes)
    return [*first, Paragraph(make_text("report.quality.listed")), table]


def _state_no_finding(subject: Subject) -> Text:
    """State that nothing was noticed: of one unit only, or of all where it is true of all."""
    if subject.unit:
        return make_text("report.quality.none_here")
    is_clean = subject.figures.quality.noticed().empty
    return make_text("report.quality.none" if is_clean else "report.quality.none_published")


def _list_versions(subject: Subject) -> Bullets:
    """Name the program, the libraries and the inputs by hash."""
    kinds = ("wave.", "units", "responses-", "data frame")
    hashes = [
        make_text("report.versions.file", name=file.file, hash=file.sha256[:16])
        for file in sorted(subject.figures.survey.inputs.values(), key=lambda file: file.file)
        if file.file.startswith(kinds)
    ]
    names = ("pandas", "numpy", "scipy", "statsmodels")
    libraries = ", ".join(f"{name} {version(name)}" for name in names)
    versions = f"sipas_analysis {__version__}, {libraries}, Python {platform.python_version()}"
    return Bullets((make_text("report.versions.program", versions=versions), *hashes))
