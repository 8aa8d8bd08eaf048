"""Build the chapters of a report, in the official order of contents.

A notebook asks for one chapter after another and shows it; the last cell writes them. The
province report and the unit report are two lists of the same functions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sipas_analysis.collect.survey import Survey, check_unit
from sipas_analysis.documents.model import Document, Official, Section, make_text
from sipas_analysis.documents.writers.docx import write_docx
from sipas_analysis.documents.writers.html import section_html, write_html
from sipas_analysis.documents.writers.pdf import write_pdf
from sipas_analysis.errors import ParameterError
from sipas_analysis.figures.published import figures_of, write_tables
from sipas_analysis.messages import LANGUAGES, Language
from sipas_analysis.reports.annex_workbook import write_annexes, write_tables_of
from sipas_analysis.reports.chapters.action import conclusion, incidents, measures
from sipas_analysis.reports.chapters.annexes import annexes
from sipas_analysis.reports.chapters.drivers import drivers
from sipas_analysis.reports.chapters.letters import letter
from sipas_analysis.reports.chapters.opening import basis, method, people, summary
from sipas_analysis.reports.chapters.ranking import ranking
from sipas_analysis.reports.chapters.results import factors, items, overall
from sipas_analysis.reports.file_names import FORMATS, LETTERS, files_of
from sipas_analysis.reports.subject import Subject

CHAPTERS: dict[str, Callable[[Subject], Section]] = {
    "summary": summary,
    "basis": basis,
    "method": method,
    "people": people,
    "overall": overall,
    "factors": factors,
    "items": items,
    "ranking": ranking,
    "drivers": drivers,
    "incidents": incidents,
    "conclusion": conclusion,
    "measures": measures,
    "annexes": annexes,
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
        return section_html(self.section, self.language)


@dataclass(frozen=True)
class Report:
    """A report being built: its subject and the languages it is written in, the first is shown."""

    subject: Subject
    languages: tuple[Language, ...]

    def chapter(self, name: str) -> Chapter:
        """Build one chapter: a name of ``CHAPTERS``."""
        return Chapter(CHAPTERS[name](self.subject), self.languages[0])

    def write(self, chapters: Sequence[Chapter], out: str, formats: str = "html") -> list[str]:
        """Write the chapters in each format and language; a unit's letter, a province's tables.

        Args:
            chapters: In reading order.
            out: Output folder of the wave; empty writes nothing.
            formats: Some of ``html``, ``docx``, ``pdf``, ``xlsx``, comma between.

        Returns:
            The files written, relative to ``out``.

        Raises:
            ParameterError: A format that is not known.
        """
        if not out:
            return []
        folder, unit = Path(out), self.subject.unit
        asked = [it.strip() for it in formats.split(",") if it.strip()]
        for kind in asked:
            if kind not in FORMATS:
                raise ParameterError("run_format", found=kind, known=", ".join(FORMATS))
        document = self._document(tuple(one.section for one in chapters))
        sheet = self.letter() if unit and set(asked) & {*LETTERS} else document
        files = files_of(unit, asked, self.languages)
        for (kind, language), name in files.items():
            what, _, form = kind.rpartition(" ")
            self._write(sheet if what else document, folder / name, form, language)
        tables = [] if unit else write_tables(self.subject.figures.tables(), folder / "tables")
        return [*files.values(), *(path.relative_to(folder).as_posix() for path in tables)]

    def _write(self, document: Document, path: Path, kind: str, language: Language) -> None:
        """Write one format in one language; a workbook of the province holds the annexes."""
        if kind != "xlsx":
            WRITERS[kind](document, path, language)
        elif self.subject.unit:
            write_tables_of(document, path, language)
        else:
            write_annexes(self.subject.figures, path, language)

    def letter(self) -> Document:
        """Build the letter to the unit, ready to be numbered and signed.

        Raises:
            UnitError: The report is that of the whole province.
        """
        check_unit(self.subject.figures.survey, self.subject.unit)
        wave = self.subject.figures.survey.wave
        made = self._document((letter(self.subject),))
        about = make_text("letter.about", year=str(wave.year))
        return replace(made, title=about, subtitle="", kind=None)

    def _document(self, sections: tuple[Section, ...]) -> Document:
        survey, unit = self.subject.figures.survey, self.subject.unit
        wave = survey.wave
        named = wave.publisher.vi or wave.publisher.en
        footer = "report.footer_publisher" if named else "report.footer"
        return Document(
            id=wave.id,
            title=self.subject.unit_name(unit) if unit else wave.title,
            subtitle=wave.title if unit else make_text("report.subtitle"),
            banner=make_text("report.synthetic") if wave.is_synthetic else None,
            sections=sections,
            footer=make_text(footer, publisher=wave.publisher, title=wave.title),
            official=Official(wave.province, wave.publisher, wave.document_day),
            kind=make_text("office.report"),
        )


def report(survey: Survey, language: str = "", unit: str = "") -> Report:
    """Start a report on the province, or on one unit.

    Args:
        survey: Forms that passed the door.
        language: ``vi``, ``en`` or ``vi,en``; the wave's languages if empty.
        unit: Code of a unit; the whole province if empty.

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
    """
    asked = [it.strip() for it in language.split(",") if it.strip()] or survey.wave.languages
    languages = tuple(one for one in LANGUAGES if one in asked)
    wrong = [it for it in asked if it not in LANGUAGES]
    if wrong:
        raise ParameterError("language", asked=wrong[0])
    if unit:
        check_unit(survey, unit)
    shown = sorted(languages, key=list(asked).index)
    return Report(Subject(figures_of(survey), unit), tuple(shown))
