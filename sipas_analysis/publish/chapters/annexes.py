"""The annexes: all units by factor, wording and its status, ledger, form quality, versions."""

import platform
from importlib.metadata import version

from sipas_analysis import __version__
from sipas_analysis.files import hash_file
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.publish.chapters.drivers import penalty_table
from sipas_analysis.publish.chapters.frame import Subject, count, percent
from sipas_analysis.publish.chapters.ranking import pair_tables
from sipas_analysis.publish.document import (
    Block,
    Bullets,
    Column,
    Number,
    Paragraph,
    Section,
    Table,
    say_it,
)

DECIMALS = (0, 0, 1, 1, 4)


def annexes(subject: Subject) -> Section:
    """Put what backs the report into tables."""
    blocks: list[Block] = []
    if not subject.unit:
        groups = dict.fromkeys(subject.figures.ranking["group"])
        blocks += [_units(subject, group) for group in groups]
        blocks += pair_tables(subject)
        blocks += penalty_table(subject)
    blocks += [_wording(subject), *_ledger(subject), *_quality(subject), _versions(subject)]
    return Section("annexes", say_it("report.chapter.annexes"), tuple(blocks))


def _units(subject: Subject, group: str) -> Table:
    """List the units of one group with every factor and the whole."""
    codes = [*subject.pack.factors, OVERALL]
    rows = tuple(
        (subject.unit_name(it.unit), *(percent(own[code]) for code in codes), count(it, "n"))
        for it in subject.figures.order(group)
        for own in [subject.figures.of("unit", it.unit)]
    )
    columns = (
        Column(say_it("report.column.unit"), "row"),
        *(Column(subject.name(code)) for code in subject.pack.factors),
        Column(say_it("report.level.overall")),
        Column(say_it("report.column.forms")),
    )
    caption = say_it("report.table.units", group=subject.group_name(group))
    return Table(f"table-units-{group}", caption, columns, rows)


def _wording(subject: Subject) -> Table:
    """List every item with the status of its wording and where it comes from."""
    pack = subject.pack
    rows = tuple(
        (
            say_it("report.coded", code=code, name=subject.name(code), mark=""),
            say_it(f"status.{item.status if item.vi or item.en else 'no_wording'}"),
            item.source if item.source.vi or item.source.en else None,
        )
        for code, item in pack.items.items()
    )
    columns = (
        Column(say_it("report.column.item"), "row"),
        Column(say_it("report.column.status"), "text"),
        Column(say_it("report.column.source"), "text"),
    )
    return Table("table-wording", say_it("report.table.wording"), columns, rows)


def _ledger(subject: Subject) -> list[Block]:
    """Sum up what was changed and dropped, by reason."""
    ledger = subject.figures.survey.ledger
    if ledger.empty:
        return [Paragraph(say_it("report.ledger.none"))]
    kinds = ledger.groupby("reason", sort=True)["column"].agg(["nunique", "size"])
    kinds = kinds.sort_values("size", ascending=False, kind="stable")
    cells = zip(kinds.index, kinds["nunique"], kinds["size"], strict=True)
    rows = tuple((say_it(f"ledger.{reason}"), int(n), int(m)) for reason, n, m in cells)
    columns = (
        Column(say_it("report.column.reason"), "row"),
        Column(say_it("report.column.columns")),
        Column(say_it("report.column.count")),
    )
    return [Table("table-ledger", say_it("report.table.ledger"), columns, rows)]


def _quality(subject: Subject) -> list[Block]:
    """List what the form checks noticed; words never accuse."""
    found = subject.figures.findings
    words = say_it("report.quality.words", share=Number(found.straight_percent, 1))
    noticed = found.noticed()
    noticed = noticed[noticed["unit"] == subject.unit] if subject.unit else noticed
    if noticed.empty:
        return [Paragraph(words), Paragraph(say_it("report.quality.none"))]
    names = ["count", "n", "expected_percent", "low", "p_holm"]
    numbers = noticed[names].to_numpy(dtype=float)
    said = [say_it(f"report.quality.{fact}") for fact in noticed["fact"]]
    cells = zip(noticed["unit"], said, numbers, strict=True)
    rows = tuple(
        (
            subject.unit_name(unit),
            what,
            *(Number(x, d) for x, d in zip(line, DECIMALS, strict=True)),
        )
        for unit, what, line in cells
    )
    heads = ("count", "forms", "expected", "low", "p_holm")
    columns = (
        Column(say_it("report.column.unit"), "row"),
        Column(say_it("report.column.noticed"), "text"),
        *(Column(say_it(f"report.column.{head}")) for head in heads),
    )
    table = Table("table-quality", say_it("report.table.quality"), columns, rows)
    return [Paragraph(words), Paragraph(say_it("report.quality.listed")), table]


def _versions(subject: Subject) -> Bullets:
    """Name the program, the libraries and the inputs by hash."""
    wave = subject.figures.survey.wave
    paths = {wave.path, wave.beside(wave.units), *(path for path, _ in wave.sources())}
    hashes = [say_it("report.versions.file", name=path.name, hash=hash_file(path)[:16])
              for path in sorted(paths)]  # fmt: skip
    names = ("pandas", "numpy", "scipy", "statsmodels")
    shown = ", ".join(f"{name} {version(name)}" for name in names)
    full = f"sipas_analysis {__version__}, {shown}, Python {platform.python_version()}"
    return Bullets((say_it("report.versions.program", versions=full), *hashes))
