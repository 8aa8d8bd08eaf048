"""The annex on sources: wording and its status, the ledger, form quality, versions and hashes."""

import platform

from sipas_analysis import __version__
from sipas_analysis.collect.answer_files import hash_answers, holds_answers
from sipas_analysis.collect.record_sources import RECORD_KINDS
from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Column,
    Joined,
    Paragraph,
    Table,
    Text,
    make_text,
)
from sipas_analysis.extras import find_version
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject

READ_AS_BLANK = ("blank_code", "not_applicable")  # reasons of cells that hold a code of no answer
IN_MEMORY = "data frame"  # how the name of an input begins that is no file
TINY = 0.001  # a smaller p is printed in words
NUMBER_HEADERS = ("count", "forms", "expected", "low", "p_holm")


def show_sources(subject: Subject) -> list[Block]:
    """List the wording of items, changed and dropped values, findings, versions and hashes."""
    return [
        *([] if subject.pack.is_own else _list_wordings(subject)),
        *_sum_up_ledger(subject),
        *_list_findings(subject),
        _list_versions(subject),
    ]


def _list_wordings(subject: Subject) -> list[Block]:
    """List where the wordings of the items come from, and how sure that is."""
    pack = subject.pack
    parts = [
        make_text(
            "report.fact.wording_part",
            n=number_of(subject, f"wording:{status}"),
            status=make_text(f"status.{status}"),
        )
        for status in pack.by_status()
    ]
    n = number_of(subject, "wording:all")
    codes_by_source: dict[tuple[str, Bilingual], list[str]] = {}
    for code, item in pack.items.items():
        status = item.status if item.vi or item.en else "no_wording"
        codes_by_source.setdefault((status, item.source), []).append(code)
    rows = tuple(
        (
            make_text(f"status.{status}"),
            source if source.vi or source.en else None,
            Joined(codes, ", "),
        )
        for (status, source), codes in codes_by_source.items()
    )
    columns = (
        Column(make_text("report.column.status"), "row"),
        Column(make_text("report.column.source"), "text"),
        Column(make_text("report.column.item"), "text"),
    )
    wording = make_text("report.fact.wording_is", n=n, parts=Joined(parts))
    table = Table("table-wording", make_text("report.table.wording"), columns, rows)
    return [Paragraph(wording), table]


def _sum_up_ledger(subject: Subject) -> list[Block]:
    """Sum up the changed and dropped values by reason."""
    names = {"n_read": "read", "n_dropped": "dropped", "n_changed": "changed"}
    fields = {field: number_of(subject, f"forms:{name}") for field, name in names.items()}
    ledger = subject.figures.survey.ledger
    is_cell = ledger["row"].notna() & (ledger["column"] != "")
    is_blanked = is_cell.any() and {*ledger.loc[is_cell, "reason"]} <= {*READ_AS_BLANK}
    word = "dropped_blank" if is_blanked else "dropped_is"
    whole = [Paragraph(make_text(f"report.fact.{word}", **fields))]
    if (ledger["reason"] == "personal").any():
        n_personal = number_of(subject, "forms:personal")
        whole.append(Paragraph(make_text("report.fact.personal", n=n_personal)))
    if ledger.empty:
        return [*whole, Paragraph(make_text("report.ledger.none"))]
    columns = (
        Column(make_text("report.column.reason"), "row"),
        Column(make_text("report.column.columns")),
        Column(make_text("report.column.count")),
    )
    rows = list_changes(subject)
    return [*whole, Table("table-ledger", make_text("report.table.ledger"), columns, rows)]


def list_changes(subject: Subject) -> tuple[tuple[object, ...], ...]:
    """Return reason, number of columns and number of cells of what was changed or dropped."""
    reasons = subject.figures.survey.ledger["reason"].value_counts(sort=False).sort_index()
    ordered = reasons.sort_values(ascending=False, kind="stable").index
    return tuple(
        (
            make_text(f"ledger.{reason}"),
            number_of(subject, f"ledger.columns:{reason}")
            if subject.figures.find(f"ledger.columns:{reason}")
            else None,  # whole forms
            number_of(subject, f"ledger:{reason}"),
        )
        for reason in ordered
    )


def _list_findings(subject: Subject) -> list[Block]:
    """List the findings of the form checks, without accusations."""
    findings = subject.figures.findings
    message_id = "many_straight" if findings.has_many_straight else "words"
    share = number_of(subject, "straight:percent", decimals=1)
    words = [make_text(f"report.quality.{message_id}", share=share), *subject.name_opposed_items()]
    first = [Paragraph(sentence) for sentence in words]
    noticed = findings.noticed().drop_duplicates(["unit", "fact"])
    if noticed.empty:
        is_clean = subject.figures.quality.noticed().empty
        none = "report.quality.none" if is_clean else "report.quality.none_published"
        return [*first, Paragraph(make_text(none))]
    columns = (
        Column(make_text("report.column.unit"), "row"),
        Column(make_text("report.column.noticed"), "text"),
        *(Column(make_text(f"report.column.{name}")) for name in NUMBER_HEADERS),
    )
    names = noticed[["unit", "fact", "rule"]].astype(str).itertuples(index=False, name=None)
    rows = tuple(_finding_row(subject, *texts) for texts in names)
    notes = subject.explain_marks(dict.fromkeys(noticed["unit"]))
    table = Table("table-quality", make_text("report.table.quality"), columns, rows, notes)
    return [*first, Paragraph(make_text("report.quality.listed")), table]


def _finding_row(subject: Subject, unit: str, fact: str, rule: str) -> tuple[object, ...]:
    """Return what was noticed of a unit, with its rule and its numbers."""
    name = f"quality:{fact}@{unit}"
    p = number_of(subject, f"p:{name}", decimals=3)
    is_tiny = p.figure is not None and p.figure.value < TINY
    return (
        subject.marked_name(unit),
        make_text("annex.finding", fact=make_text(f"report.quality.{fact}"), rule=rule),
        number_of(subject, name, "numerator"),
        number_of(subject, name, "denominator"),
        number_of(subject, f"expected:{name}", decimals=1),
        number_of(subject, name, "low", 1),
        make_text("report.quality.tiny") if is_tiny else p,
    )


def _list_versions(subject: Subject) -> Bullets:
    """Name the program, the libraries and the inputs by hash."""
    records = (f"{kind}-" for kind in ("calendar", *RECORD_KINDS))
    kinds = ("wave.", "units", "responses-", "data frame", "earlier-", *records)
    files = [*subject.figures.survey.inputs.values()]
    answers = hash_answers((file.file, file.sha256) for file in files)
    hashes = [
        make_text("report.versions.memory")
        if file.file.startswith(IN_MEMORY)
        else make_text("report.versions.answers", name=file.file)
        if holds_answers(file.file)
        else make_text("report.versions.file", name=file.file, hash=file.sha256[:16])
        for file in sorted(files, key=lambda file: file.file)
        if file.file.startswith(kinds)
    ]
    if answers:
        hashes.append(make_text("report.versions.all_answers", hash=answers[:16]))
    names = ("pandas", "numpy", "scipy", "statsmodels")
    numbers = {name: number for name in names if (number := find_version(name))}
    libraries = ", ".join(f"{name} {number}" for name, number in numbers.items())
    versions = f"sipas_analysis {__version__}, {libraries}, Python {platform.python_version()}"
    first: Text = make_text("report.versions.program", versions=versions)
    return Bullets((first, *hashes))
