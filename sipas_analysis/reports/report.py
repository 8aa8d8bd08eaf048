"""Build the chapters of a report, in the official order of contents.

A notebook builds and shows one chapter after another; the last cell writes them. The
province report and the unit report are two lists of the same functions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sipas_analysis.arguments import check_kind, check_word, list_names
from sipas_analysis.collect.survey import Survey, find_unit
from sipas_analysis.documents.model import Document, Section, Signatory, make_text
from sipas_analysis.documents.writers.docx import write_docx
from sipas_analysis.documents.writers.html import render_section, write_html
from sipas_analysis.documents.writers.pdf import write_pdf
from sipas_analysis.errors import ParameterError
from sipas_analysis.figures.csv_files import write_tables
from sipas_analysis.figures.published import figures_of
from sipas_analysis.messages import LANGUAGES, Language
from sipas_analysis.reports.annex_workbook import write_annexes, write_report_tables
from sipas_analysis.reports.chapters.action import build_conclusion, build_incidents, build_measures
from sipas_analysis.reports.chapters.annexes import build_annexes
from sipas_analysis.reports.chapters.drivers import build_drivers
from sipas_analysis.reports.chapters.letters import build_letter
from sipas_analysis.reports.chapters.opening import (
    build_basis,
    build_method,
    build_summary,
)
from sipas_analysis.reports.chapters.people import build_people
from sipas_analysis.reports.chapters.ranking import build_ranking
from sipas_analysis.reports.chapters.results import build_factors, build_items, build_overall
from sipas_analysis.reports.file_names import FORMATS, LETTER_FORMATS, name_report_files
from sipas_analysis.reports.subject import Subject, make_footer, name_year

CHAPTERS: dict[str, Callable[[Subject], Section]] = {
    "summary": build_summary,
    "basis": build_basis,
    "method": build_method,
    "people": build_people,
    "overall": build_overall,
    "factors": build_factors,
    "items": build_items,
    "ranking": build_ranking,
    "drivers": build_drivers,
    "incidents": build_incidents,
    "conclusion": build_conclusion,
    "measures": build_measures,
    "annexes": build_annexes,
}


WRITERS: dict[str, Callable[[Document, Path, Language], Path]] = {
    "html": write_html,
    "docx": write_docx,
    "pdf": write_pdf,
}


@dataclass(frozen=True)
class Chapter:
    """One chapter of a report; JupyterLab shows it in the report's first language."""

    section: Section
    language: Language

    def _repr_html_(self) -> str:
        return render_section(self.section, self.language)


@dataclass(frozen=True)
class Report:
    """A report while it is built: its subject and languages; notebooks show the first language."""

    subject: Subject
    languages: tuple[Language, ...]

    def chapter(self, name: str) -> Chapter:
        """Build one chapter: a name of ``CHAPTERS``."""
        check_word(name, CHAPTERS, "name")
        return Chapter(CHAPTERS[name](self.subject), self.languages[0])

    def write(
        self, chapters: Sequence[Chapter | str], out: str, formats: str | Sequence[str] = ("html",)
    ) -> list[str]:
        """Write the chapters in each format and language; a unit's letter, a province's tables.

        Args:
            chapters: Chapters, or their names, in reading order; all of them if empty.
            out: Output folder of the wave; empty writes nothing.
            formats: Some of ``html``, ``docx``, ``pdf``, ``xlsx``; a text for a single format.

        Returns:
            The files written, relative to ``out``.

        Raises:
            ParameterError: A format other than these four, or a chapter that there is none of.
        """
        if not out:
            return []
        folder, unit = Path(out), self.subject.unit
        file_formats = _list_names(formats, "formats")
        for file_format in file_formats:
            if file_format not in FORMATS:
                raise ParameterError("run_format", found=file_format, known=", ".join(FORMATS))
        asked = [chapters] if isinstance(chapters, str | Chapter) else chapters or CHAPTERS
        built = [part if isinstance(part, Chapter) else self.chapter(part) for part in asked]
        document = self._build_document(tuple(chapter.section for chapter in built))
        letter = self.letter() if unit and {*file_formats} & {*LETTER_FORMATS} else document
        files = name_report_files(unit, file_formats, self.languages)
        for (kind, language), name in files.items():
            letter_prefix, _, file_format = kind.rpartition(" ")
            path = folder / name
            self._write_format(letter if letter_prefix else document, path, file_format, language)
        tables = [] if unit else write_tables(self.subject.figures.tables(), folder / "tables")
        return [*files.values(), *(path.relative_to(folder).as_posix() for path in tables)]

    def _write_format(
        self, document: Document, path: Path, file_format: str, language: Language
    ) -> None:
        """Write one format in one language; a workbook of the province has the annexes."""
        if file_format != "xlsx":
            WRITERS[file_format](document, path, language)
        elif self.subject.unit:
            write_report_tables(document, path, language)
        else:
            write_annexes(self.subject.figures, path, language)

    def letter(self) -> Document:
        """Build the letter to the unit, ready to be numbered and signed.

        Raises:
            UnitError: The report is that of the whole province.
        """
        find_unit(self.subject.figures.survey, self.subject.unit)
        wave = self.subject.figures.survey.wave
        document = self._build_document((build_letter(self.subject),))
        title = make_text("letter.about", when=name_year(wave))
        return replace(document, title=title, subtitle="", kind=None)

    def _build_document(self, sections: tuple[Section, ...]) -> Document:
        survey, unit = self.subject.figures.survey, self.subject.unit
        wave = survey.wave
        return Document(
            id=wave.id,
            title=self.subject.unit_name(unit) if unit else wave.title,
            subtitle=wave.title if unit else make_text("report.subtitle"),
            banner=make_text("report.synthetic") if wave.is_synthetic else None,
            sections=sections,
            footer=make_footer(wave),
            official=Signatory(wave.province, wave.publisher, wave.document_day),
            kind=make_text("office.report"),
        )


def report(survey: Survey, language: str | Sequence[str] = (), unit: str = "") -> Report:
    """Start a report on the province, or on one unit.

    Args:
        survey: Validated forms.
        language: Some of ``vi`` and ``en``, the one to show first; the wave's languages if empty.
            A text is a single language.
        unit: Code, name or alias of a unit; the whole province if empty.

    Returns:
        A report that builds chapters and writes them.

    Raises:
        ParameterError: A language other than vi and en.
        UnitError: A unit that is not in the list, or has no form.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> sipas.report(survey, "vi").chapter("ranking").section.id
        'ranking'
        >>> sipas.report(survey, ("en", "vi")).languages
        ('en', 'vi')
    """
    check_kind(survey, Survey, "survey")
    names = _list_names(language, "language") or [*survey.wave.languages]
    for name in names:
        if name not in LANGUAGES:
            raise ParameterError("language", asked=name)
    unit = find_unit(survey, unit) if unit else ""
    languages = sorted({*LANGUAGES} & {*names}, key=names.index)
    return Report(Subject(figures_of(survey), unit), tuple(languages))


def _list_names(names: str | Sequence[str], role: str) -> list[str]:
    """Return the names that are not empty; a text with commas, as up to 0.6, is still read."""
    parts = [part for name in list_names(names, role, "words") for part in name.split(",")]
    return [part.strip() for part in parts if part.strip()]
