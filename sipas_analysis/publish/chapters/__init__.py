"""Build the chapters of a report, in the official order of contents.

A notebook asks for one chapter after another and shows it; the last cell writes them. The
province report and the unit report are two lists of the same functions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.wave import Wave
from sipas_analysis.errors import ParameterError, UnitError
from sipas_analysis.messages import LANGUAGES, Language
from sipas_analysis.publish.chapters.action import conclusion, incidents, measures
from sipas_analysis.publish.chapters.annexes import annexes
from sipas_analysis.publish.chapters.drivers import drivers
from sipas_analysis.publish.chapters.frame import Subject
from sipas_analysis.publish.chapters.letters import letter
from sipas_analysis.publish.chapters.opening import basis, method, people, summary
from sipas_analysis.publish.chapters.ranking import ranking
from sipas_analysis.publish.chapters.results import factors, items, overall
from sipas_analysis.publish.document import Document, Official, Section, say_it
from sipas_analysis.publish.docx import write_docx
from sipas_analysis.publish.figures import figures_of, write_tables
from sipas_analysis.publish.html import section_html, write_html
from sipas_analysis.publish.pdf import write_pdf
from sipas_analysis.publish.xlsx import write_annexes, write_tables_of

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
FORMATS = (*WRITERS, "xlsx")
LETTERS = ("docx", "pdf")  # formats of a letter: to sign, and to file


def files_of(
    unit: str, formats: Sequence[str], languages: Sequence[Language]
) -> dict[tuple[str, Language], str]:
    """Name the files of a report below the folder of its wave, by format and language.

    A unit's letter stands under ``letter pdf`` and ``letter docx``; what is named need not exist.

    Example:
        >>> [*files_of("so-nv", ["docx"], ["vi"]).values()]
        ['units/so-nv/report.vi.docx', 'units/so-nv/letter.vi.docx']
    """
    place = f"units/{unit}" if unit else "province"
    letters = [f"letter {kind}" for kind in LETTERS if kind in formats and unit]
    found = {}
    for kind in (*formats, *letters):
        what, _, form = kind.rpartition(" ")
        stem = what or ("report" if unit or kind != "xlsx" else "annexes")
        for language in languages:
            found[kind, language] = f"{place}/{stem}.{language}.{form}"
    return found


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
        about = say_it("letter.about", year=str(wave.year))
        return replace(made, title=about, subtitle="", kind=None)

    def _document(self, sections: tuple[Section, ...]) -> Document:
        survey, unit = self.subject.figures.survey, self.subject.unit
        wave = survey.wave
        named = wave.publisher.vi or wave.publisher.en
        footer = "report.footer_publisher" if named else "report.footer"
        return Document(
            id=wave.id,
            title=self.subject.unit_name(unit) if unit else wave.title,
            subtitle=wave.title if unit else say_it("report.subtitle"),
            banner=say_it("report.synthetic") if wave.is_synthetic else None,
            sections=sections,
            footer=say_it(footer, publisher=wave.publisher, title=wave.title),
            official=official(wave),
            kind=say_it("office.report"),
        )


def official(wave: Wave) -> Official:
    """Return who writes a report on a wave, and the day of its files."""
    decided = wave.decision
    day = (decided.date if decided else None) or wave.collected.end or date(wave.year, 12, 31)
    return Official(wave.province, wave.publisher, day)


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


def check_unit(survey: Survey, unit: str) -> None:
    """Refuse a unit that is not in the list or has no form."""
    import difflib

    codes = list(survey.units["code"])
    if unit not in codes:
        close = difflib.get_close_matches(unit, codes, n=1) or codes[:1]
        raise UnitError("unit_unknown", unit=unit, close=", ".join(close))
    if unit not in set(survey.frame["unit"]):
        raise UnitError("unit_empty", unit=unit)
