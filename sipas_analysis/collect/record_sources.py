"""The part ``records:`` of ``wave.yaml``: exports of the one-stop system, petitions, publication.

Only what the file states: nothing is read here. The room ``records`` reads the files (T1).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from sipas_analysis.collect.responses import FileName, FileNames, Row, Texts, list_matches
from sipas_analysis.errors import ConfigError
from sipas_analysis.instrument.strict_yaml import Day, Strict

RECORD_KINDS = ("dossiers", "movements", "petitions", "publication", "form")


class RecordFile(Strict):
    """Some files of one export: a name or a pattern, and how its headers and codes are read.

    Attributes:
        file: Name or pattern, relative to ``wave.yaml``.
        sheet: Sheet of a workbook.
        header: Row of the header.
        unit: Code or name of the unit of all rows, where no column names it.
        columns: Header by role, where a header is not one of the national export.
        codes: By role, our word for each word of this system.
    """

    file: FileName
    sheet: str = ""
    header: Row = 1
    unit: str = ""
    columns: Mapping[str, str] = {}
    codes: Mapping[str, Mapping[str, str]] = {}

    def list_paths(self, folder: Path) -> list[Path]:
        """Return the file of that very name, else all files that match it as a pattern.

        Raises:
            FileError: There is no such file.
        """
        return list_matches(folder, self.file)


def _make_entries(value: object) -> object:
    """Return a list of entries; a name alone is an entry with a file."""
    entries = value if isinstance(value, list | tuple) else [value]
    return [{"file": entry} if isinstance(entry, str) else entry for entry in entries]


RecordFiles = Annotated[tuple[RecordFile, ...], BeforeValidator(_make_entries)]


class RecordSources(Strict):
    """The administrative records of a wave.

    Attributes:
        start: First day of the period; the first of the year if not stated.
        end: Last day; what is still running is judged at its end.
        calendar: The office's own working calendars, which replace those of the program.
        dossiers: Exports with one row a dossier.
        movements: Exports with one row for each stay of a dossier in a step.
        petitions: Complaints and proposals of people.
        publication: Checklist of what each unit published.
        form: The office's own form II.06a/VPCP/KSTT.
        postal: Codes of procedures that may use the public post though they are not offered online,
            such as those without a fee (rule T8).
    """

    start: Day = Field(default=None, alias="from")
    end: Day = Field(default=None, alias="to")
    calendar: FileNames = ()
    dossiers: RecordFiles = ()
    movements: RecordFiles = ()
    petitions: RecordFiles = ()
    publication: RecordFiles = ()
    form: Annotated[RecordFiles, Field(max_length=1)] = ()
    postal: Texts = ()

    @model_validator(mode="after")
    def _check_period(self) -> "RecordSources":
        """Refuse a period that ends before it starts, and records without any file."""
        if self.start and self.end and self.end < self.start:
            raise ConfigError("records_period")
        if not any(getattr(self, kind) for kind in RECORD_KINDS):
            raise ConfigError("records_empty")
        return self

    def find_period(self, year: int) -> tuple[date, date]:
        """Return first and last day of the period; those of the year where none is stated."""
        return self.start or date(year, 1, 1), self.end or date(year, 12, 31)

    def list_files(self, folder: Path) -> Iterator[tuple[str, Path, RecordFile]]:
        """Yield kind, path and entry of each file, in the order of ``wave.yaml``.

        A file that two entries of one kind name is read once, by the first.

        Raises:
            FileError: A name or pattern matches no file.
        """
        for kind in RECORD_KINDS:
            entries: dict[Path, RecordFile] = {}
            for entry in getattr(self, kind):
                for path in entry.list_paths(folder):
                    entries.setdefault(path, entry)
            yield from ((kind, path, entry) for path, entry in entries.items())

    def name_files(self, folder: Path) -> dict[str, Path]:
        """Return the path of each file by a name that tells what it is: ``dossiers-1``."""
        names = {
            f"calendar-{number}": folder / file for number, file in enumerate(self.calendar, 1)
        }
        numbers = dict.fromkeys(RECORD_KINDS, 0)
        for kind, path, _ in self.list_files(folder):
            numbers[kind] += 1
            names[f"{kind}-{numbers[kind]}"] = path
        return names
