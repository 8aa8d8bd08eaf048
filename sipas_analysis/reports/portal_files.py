"""Name the files that a run made, as the page of a wave leads to them: document, format, language.

A link leads only to a file that exists. The texts are messages, so that the page says in the
reader's language what a file is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from sipas_analysis.documents.model import Text, make_text
from sipas_analysis.instrument.strict_yaml import Bilingual

DOCUMENTS = ("report", "letter", "annexes", "tables", "receipt")
LINK_ORDER = ("html", "docx", "pdf", "xlsx")


@dataclass(frozen=True)
class ReportOutcome:
    """What a run made for one unit, or why it made nothing.

    Attributes:
        unit: Code of the unit; empty for the province.
        files: Path from the portal's folder, with ``/``, by document and format, and language,
            such as ``{("letter pdf", "vi"): "units/so-a/letter.vi.pdf"}``.
        failed: Reason, in one text or in both languages; empty if nothing failed.
    """

    unit: str
    files: Mapping[tuple[str, str], str] = field(default_factory=dict)
    failed: str | Bilingual = ""


@dataclass(frozen=True)
class Link:
    """A link to a file: its document and format, its language (may be empty) and its address."""

    document: str
    file_format: str
    language: str
    href: str

    @property
    def label(self) -> Text:
        """Return what the file is, in words."""
        return make_text(
            "portal.file",
            document=make_text(f"portal.document.{self.document}"),
            format=make_text(f"portal.format.{self.file_format}"),
        )

    @property
    def key(self) -> str:
        """Return a name of the link that differs from those of the other files of a unit."""
        return f"{self.document}-{self.file_format}-{self.language}"


def list_links(outcomes: Sequence[ReportOutcome], unit: str, folder: Path) -> tuple[Link, ...]:
    """Return the files of a unit that exist: the report first, then letter, annexes and tables."""
    links = [
        Link(*_split_key(kind, unit), language, quote(file))
        for outcome in outcomes
        if outcome.unit == unit
        for (kind, language), file in outcome.files.items()
        if (folder / file).is_file()
    ]
    return tuple(sorted(links, key=_place_link))


def list_common_links(names: Sequence[str]) -> tuple[Link, ...]:
    """Return the tables and receipts to read, in the order of documents; no CSV file."""
    links = []
    for name in names:
        document, _, ending = name.rpartition("/")[2].partition(".")
        language, _, file_format = ending.partition(".")
        if file_format in LINK_ORDER:
            links.append(Link(document, file_format, language, quote(name)))
    return tuple(sorted(links, key=_place_link))


def list_data_files(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return name and address of each CSV file, which are for machines."""
    return [(name.rpartition("/")[2], quote(name)) for name in names if name.endswith(".csv")]


def _split_key(kind: str, unit: str) -> tuple[str, str]:
    """Return document and format; the workbook of a unit has tables, that of all the annexes."""
    document, _, file_format = kind.rpartition(" ")
    if not document and file_format == "xlsx":
        document = "tables" if unit else "annexes"
    return document or "report", file_format


def _place_link(link: Link) -> tuple[int, int, bool, str]:
    """Return the place of a link among the others."""
    place = DOCUMENTS.index(link.document), LINK_ORDER.index(link.file_format)
    return (*place, link.language != "vi", link.language)
