"""Build the documents of a subject: its report, the annexes of the province, the letter to a unit.

A notebook builds and shows one chapter after another; the last cell writes them. A report has the
official order of contents; whatever is technical is a chapter of the annexes.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sipas_analysis.arguments import check_kind, check_word, list_names
from sipas_analysis.collect.survey import Survey, find_unit
from sipas_analysis.documents.model import (
    Document,
    Section,
    Signatory,
    Text,
    make_text,
    render_text,
)
from sipas_analysis.documents.writers.docx import write_docx
from sipas_analysis.documents.writers.html import render_section, write_html
from sipas_analysis.documents.writers.pdf import write_pdf
from sipas_analysis.errors import ParameterError
from sipas_analysis.figures.csv_files import write_tables
from sipas_analysis.figures.published import figures_of
from sipas_analysis.messages import LANGUAGES, Language, say
from sipas_analysis.progress import watch
from sipas_analysis.reports.annex_workbook import write_annexes
from sipas_analysis.reports.chapters.action import build_proposals
from sipas_analysis.reports.chapters.annexes import ANNEXES, select_annexes
from sipas_analysis.reports.chapters.assessment import build_assessment
from sipas_analysis.reports.chapters.leaders import build_leaders
from sipas_analysis.reports.chapters.letters import address_letter, build_letter
from sipas_analysis.reports.chapters.opening import build_basis
from sipas_analysis.reports.chapters.plan import build_measures
from sipas_analysis.reports.chapters.ranking import build_ranking
from sipas_analysis.reports.chapters.records import build_records
from sipas_analysis.reports.chapters.results import build_results
from sipas_analysis.reports.chapters.verdicts import build_last_measures
from sipas_analysis.reports.edited_files import keep_edited
from sipas_analysis.reports.file_names import (
    LETTER_FORMATS,
    TABLES,
    name_report_files,
    name_table_workbooks,
    refuse_formats,
)
from sipas_analysis.reports.long_tables import build_long_tables
from sipas_analysis.reports.rounded_ends import note_rounded_ends
from sipas_analysis.reports.subject import Subject, make_footer, name_year
from sipas_analysis.reports.table_workbook import write_report_tables

Build = Callable[[Subject], Section]

CHAPTERS: dict[str, Build] = {
    "leaders": build_leaders,
    "basis": build_basis,
    "results": build_results,
    "ranking": build_ranking,
    "records": build_records,
    "assessment": build_assessment,
    "last_measures": build_last_measures,
    "measures": build_measures,
    "proposals": build_proposals,
}
WRITERS: dict[str, Callable[[Document, Path, Language], Path]] = {
    "html": write_html,
    "docx": write_docx,
    "pdf": write_pdf,
}


@dataclass(frozen=True, repr=False)
class Chapter:
    """One chapter of a report; JupyterLab shows it in the report's first language."""

    section: Section
    language: Language

    def __repr__(self) -> str:
        kinds = Counter(type(block).__name__ for block in self.section.blocks)
        return say(
            "en",
            "view.chapter",
            title=render_text(self.section.title, self.language),
            n_texts=kinds["Paragraph"] + kinds["Bullets"],
            n_tables=kinds["Table"],
            n_pictures=kinds["Picture"],
        )

    def _repr_html_(self) -> str:
        return render_section(self.section, self.language)


@dataclass(frozen=True, repr=False)
class Report:
    """A report while it is built: its subject and languages; notebooks show the first language."""

    subject: Subject
    languages: tuple[Language, ...]

    def __repr__(self) -> str:
        whole = say("en", "view.report.whole")
        subject, languages = self.subject.unit or whole, ", ".join(self.languages)
        head = say("en", "view.report", subject=subject, languages=languages)
        names = ", ".join([*self.chapters, *self.annexes])
        return f"{head}\n{say('en', 'view.report.chapters', names=names)}"

    @property
    def chapters(self) -> Mapping[str, Build]:
        """The chapters of the report, in reading order."""
        return {name: CHAPTERS[name] for name in self.subject.parts}

    @property
    def annexes(self) -> Mapping[str, Build]:
        """The chapters of the annexes, in reading order; a unit has none."""
        return {} if self.subject.unit else select_annexes(self.subject)

    def chapter(self, name: str) -> Chapter:
        """Build one chapter: a name of ``chapters`` or of ``annexes``."""
        builders = {**self.chapters, **self.annexes}
        check_word(name, builders, "name")
        section = note_rounded_ends(builders[name](self.subject), self.subject.figures)
        if name in self.chapters:
            numeral = self.subject.find_numeral(name)
            number = f"{numeral}. " if numeral else ""
            title = make_text("report.numbered", number=number, title=section.title)
            section = replace(section, title=title, starts_page=self._starts_page(name))
        return Chapter(section, self.languages[0])

    def _starts_page(self, name: str) -> bool:
        """Return whether a chapter begins a page: the leaders' page of a province stands alone."""
        return name == self.subject.parts[1] and not self.subject.unit

    def write(
        self, chapters: Sequence[Chapter | str], out: str, formats: str | Sequence[str] = ("html",)
    ) -> list[str]:
        """Write the report with a unit's letter, or with the annexes and tables of a province.

        Args:
            chapters: Chapters, or their names, in reading order; all of them if empty. Those of
                ``ANNEXES`` go into a file of their own.
            out: Output folder of the wave; empty writes nothing.
            formats: Some of ``html``, ``docx``, ``pdf``, ``xlsx``; a text for a single format.

        Returns:
            The files written, relative to ``out``. A file there that somebody edited is moved to
            the folder ``edited`` first.

        Raises:
            ParameterError: A format other than these four, or a chapter that there is none of.
            OutputError: The folder cannot be written, or an edited file cannot be moved.
        """
        if not out:
            return []
        folder, unit = Path(out), self.subject.unit
        file_formats = _list_names(formats, "formats")
        refuse_formats(file_formats)
        everything = [*self.chapters, *self.annexes]
        given = [chapters] if isinstance(chapters, str | Chapter) else chapters or everything
        built = [part if isinstance(part, Chapter) else self.chapter(part) for part in watch(given)]
        documents = self._sort_into_documents([chapter.section for chapter in built])
        if unit and {*LETTER_FORMATS} & {*file_formats}:
            documents["letter"] = self.letter()
        files = {
            key: name
            for key, name in name_report_files(unit, file_formats, self.languages).items()
            if key[0] == "xlsx" or key[0].rpartition(" ")[0] in documents
        }
        with keep_edited(folder, [*files.values()]):
            for (kind, language), name in watch([*files.items()]):
                document, _, file_format = kind.rpartition(" ")
                self._write_format(documents.get(document), folder / name, file_format, language)
        tables = [] if unit else self.write_tables(folder)
        return [*files.values(), *(path.relative_to(folder).as_posix() for path in tables)]

    def write_tables(self, folder: Path) -> list[Path]:
        """Write the tables of the wave: CSV files for machines, a workbook in each language."""
        tables = build_long_tables(self.subject)
        document = replace(
            self._build_document((note_rounded_ends(tables, self.subject.figures),)),
            subtitle=make_text("xlsx.tables.subtitle"),
        )
        names = name_table_workbooks(self.languages)
        with keep_edited(folder, [*names.values()]):
            workbooks = [
                write_report_tables(document, folder / name, language)
                for language, name in names.items()
            ]
        return [*workbooks, *write_tables(self.subject.figures.tables(), folder / TABLES)]

    def _sort_into_documents(self, sections: Sequence[Section]) -> dict[str, Document]:
        """Return the report (no name) and the annexes, as files name them."""
        body = tuple(section for section in sections if section.id not in ANNEXES)
        annexes = tuple(section for section in sections if section.id in ANNEXES)
        documents = {"": self._build_document(body)} if body else {}
        return documents | ({"annexes": self._build_annexes(annexes)} if annexes else {})

    def _write_format(
        self, document: Document | None, path: Path, file_format: str, language: Language
    ) -> None:
        """Write one format in one language; a workbook of the province has its own sheets."""
        if file_format == "xlsx" and not self.subject.unit:
            write_annexes(self.subject.figures, path, language)
        elif document is not None:
            write = write_report_tables if file_format == "xlsx" else WRITERS[file_format]
            write(document, path, language)

    def letter(self) -> Document:
        """Build the letter to the unit, ready to be numbered and signed.

        Raises:
            UnitError: The report is that of the whole province.
        """
        find_unit(self.subject.figures.survey, self.subject.unit)
        wave = self.subject.figures.survey.wave
        section = note_rounded_ends(build_letter(self.subject), self.subject.figures)
        document = self._build_document((section,))
        return replace(
            document,
            title="",
            subtitle="",
            kind=None,
            about=make_text("letter.about", when=name_year(wave)),
            recipients=(make_text("office.to.above"), make_text("office.to.file")),
            annexes=None,
        )

    def _build_document(self, sections: tuple[Section, ...]) -> Document:
        """Build the report of these chapters, to be signed."""
        survey = self.subject.figures.survey
        wave = survey.wave
        has_files = not any(file.file.startswith("data frame") for file in survey.inputs.values())
        return Document(
            id=wave.id,
            title=self._name_results(),
            subtitle="",
            banner=make_text("report.synthetic") if wave.is_synthetic else None,
            sections=sections,
            footer=make_footer(wave, has_files=has_files),
            official=Signatory(wave.province, wave.publisher, wave.document_day),
            kind=make_text("office.report"),
            recipients=self._list_recipients(),
            annexes=None if self.subject.unit else make_text("report.link.annexes"),
        )

    def _name_results(self) -> object:
        """Return what the report is about: whose satisfaction with what, or with which unit."""
        pack, unit, wave = self.subject.pack, self.subject.unit, self.subject.figures.survey.wave
        has_words = bool(pack.people.vi and pack.measured.vi)
        if not (has_words or unit):
            return wave.title
        return make_text(
            "report.title" if has_words else "report.title_plain",
            people=pack.people,
            measured=self.subject.unit_name(unit) if unit else pack.measured,
            when=make_text("report.title.when", year=str(wave.year)) if wave.year else "",
        )

    def _list_recipients(self) -> tuple[Text, ...]:
        """Return who gets the report: a unit first its own; all others with the province."""
        province, unit = self.subject.figures.survey.wave.province, self.subject.unit
        superior = make_text("office.to.superior", province=province)
        units = make_text("office.to.units")
        if unit:
            units = make_text("office.to.unit", unit=address_letter(self.subject).to)
        above = [superior] if province.vi or province.en else []
        first_two = [units, *above] if unit else [*above, units]
        return (*first_two, make_text("office.to.file"))

    def _build_annexes(self, sections: tuple[Section, ...]) -> Document:
        """Build the annexes of a report; nobody signs them."""
        return replace(
            self._build_document(sections),
            subtitle=make_text("report.annexes.attached"),
            kind=make_text("office.annexes"),
            is_signed=False,
            recipients=(),
            annexes=make_text("report.link.report"),
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
        PlanError: The plan beside the wave, or an earlier one that it names, cannot be read.
        ConfigError: It names a plan that is not of an earlier wave.

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
    figures = figures_of(survey)
    figures.check_plans()
    return Report(Subject(figures, unit), tuple(languages))


def _list_names(names: str | Sequence[str], role: str) -> list[str]:
    """Return the names that are not empty; a text with commas, as up to 0.6, is still read."""
    parts = [part for name in list_names(names, role, "words") for part in name.split(",")]
    return [part.strip() for part in parts if part.strip()]
