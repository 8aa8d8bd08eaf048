"""The annexes: all units by factor, wording and its status, ledger, form quality, versions."""

import platform
from importlib.metadata import version

from sipas_analysis import __version__
from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Column,
    Number,
    Paragraph,
    Section,
    Table,
    make_text,
)
from sipas_analysis.files import hash_file
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.reports.chapters.drivers import tabulate_penalties
from sipas_analysis.reports.chapters.ranking import pair_tables
from sipas_analysis.reports.figure_tables import number_cell, percent_cell
from sipas_analysis.reports.subject import Subject

DECIMALS = (0, 0, 1, 1, 4)


def build_annexes(subject: Subject) -> Section:
    """Put what backs the report into tables."""
    blocks: list[Block] = []
    if not subject.unit:
        groups = dict.fromkeys(subject.figures.ranking["group"])
        blocks += [_unit_table(subject, group) for group in groups]
        blocks += pair_tables(subject)
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
            subject.unit_name(unit.unit),
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
    return Table(f"table-units-{group}", caption, columns, rows)


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
    """Sum up what was changed and dropped, by reason."""
    ledger = subject.figures.survey.ledger
    if ledger.empty:
        return [Paragraph(make_text("report.ledger.none"))]
    kinds = ledger.groupby("reason", sort=True)["column"].agg(["nunique", "size"])
    kinds = kinds.sort_values("size", ascending=False, kind="stable")
    cells = zip(kinds.index, kinds["nunique"], kinds["size"], strict=True)
    rows = tuple((make_text(f"ledger.{reason}"), int(n), int(m)) for reason, n, m in cells)
    columns = (
        Column(make_text("report.column.reason"), "row"),
        Column(make_text("report.column.columns")),
        Column(make_text("report.column.count")),
    )
    return [Table("table-ledger", make_text("report.table.ledger"), columns, rows)]


def _list_findings(subject: Subject) -> list[Block]:
    """List what the form checks noticed; words never accuse."""
    findings = subject.figures.findings
    words = make_text("report.quality.words", share=Number(findings.straight_percent, 1))
    noticed = findings.noticed()
    noticed = noticed[noticed["unit"] == subject.unit] if subject.unit else noticed
    if noticed.empty:
        return [Paragraph(words), Paragraph(make_text("report.quality.none"))]
    columns_of_numbers = ["count", "n", "expected_percent", "low", "p_holm"]
    numbers = noticed[columns_of_numbers].to_numpy(dtype=float)
    facts = [make_text(f"report.quality.{fact}") for fact in noticed["fact"]]
    cells = zip(noticed["unit"], facts, numbers, strict=True)
    rows = tuple(
        (
            subject.unit_name(unit),
            what,
            *(Number(value, decimals) for value, decimals in zip(values, DECIMALS, strict=True)),
        )
        for unit, what, values in cells
    )
    heads = ("count", "forms", "expected", "low", "p_holm")
    columns = (
        Column(make_text("report.column.unit"), "row"),
        Column(make_text("report.column.noticed"), "text"),
        *(Column(make_text(f"report.column.{head}")) for head in heads),
    )
    table = Table("table-quality", make_text("report.table.quality"), columns, rows)
    return [Paragraph(words), Paragraph(make_text("report.quality.listed")), table]


def _list_versions(subject: Subject) -> Bullets:
    """Name the program, the libraries and the inputs by hash."""
    wave = subject.figures.survey.wave
    paths = {wave.path, wave.path_of(wave.units), *(path for path, _ in wave.list_sources())}
    hashes = [
        make_text("report.versions.file", name=path.name, hash=hash_file(path)[:16])
        for path in sorted(paths)
    ]
    names = ("pandas", "numpy", "scipy", "statsmodels")
    shown = ", ".join(f"{name} {version(name)}" for name in names)
    full = f"sipas_analysis {__version__}, {shown}, Python {platform.python_version()}"
    return Bullets((make_text("report.versions.program", versions=full), *hashes))
