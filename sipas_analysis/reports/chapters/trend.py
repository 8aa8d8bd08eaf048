"""The trend of the overall index over the waves; a line joins comparable waves only (C2)."""

from collections.abc import Iterable, Sequence

from sipas_analysis.collect.survey import Survey, read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.documents import charts
from sipas_analysis.documents.model import (
    Block,
    Column,
    Joined,
    Number,
    Paragraph,
    Picture,
    Table,
    Text,
    make_text,
)
from sipas_analysis.figures.published import Figures, PublishedFigure
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.change import Changes, compare
from sipas_analysis.messages import Language
from sipas_analysis.reports.subject import Subject


def draw_earlier_waves(subject: Subject) -> list[Block]:
    """Draw this wave after the earlier ones that it names, with the reasons of breaks."""
    survey = subject.figures.survey
    if subject.unit or not survey.wave.earlier:
        return []
    paths = [survey.wave.path_of(path) for path in survey.wave.earlier]
    surveys = order_by_year([survey, *(read_survey(read_wave(path)) for path in paths)])
    crosswalk = survey.wave.crosswalk
    changes = compare(*surveys, crosswalk=survey.wave.path_of(crosswalk) if crosswalk else "")
    years = {survey.wave.id: str(survey.wave.year) for survey in surveys}
    broken = changes.breaks[changes.breaks["reason"] != ""]
    breaks = [
        make_text(
            "compare.break",
            before=years[before],
            after=years[after],
            why=explain_break(reason),
        )
        for before, after, reason in zip(
            broken["before"], broken["after"], broken["reason"], strict=True
        )
    ]
    heading = Paragraph(make_text("compare.chapter.trend"), "heading")
    return [heading, *draw_trend(changes, surveys), *(Paragraph(text, "note") for text in breaks)]


def order_by_year(surveys: Iterable[Survey]) -> list[Survey]:
    """Return surveys sorted by year, and within a year by the id of the wave."""
    return sorted(surveys, key=lambda survey: (survey.wave.year, survey.wave.id))


def draw_trend(changes: Changes, surveys: Sequence[Survey]) -> list[Block]:
    """Draw the overall index of each wave; a line joins only waves that may be compared (C2)."""
    years = [str(survey.wave.year) for survey in surveys]
    indices = [Figures(survey).by_variable("all")[OVERALL] for survey in surveys]
    breaks = zip(changes.breaks["reason"], changes.breaks["bridged"], strict=True)
    is_joined = [not reason and not bridged for reason, bridged in breaks]

    def draw(language: Language, narrow: bool = False) -> bytes:  # noqa: ARG001
        points = [
            charts.IntervalRow(year, index.value, index.low, index.high)
            for year, index in zip(years, indices, strict=True)
        ]
        return charts.draw_trend(points, is_joined, language)

    table = _trend_table(years, indices)
    alt = make_text("compare.alt", n=len(years), breaks=is_joined.count(False))
    apart = "shared" if changes.breaks["bridged"].any() else "none"
    amount = "all" if all(is_joined) else "some" if any(is_joined) else apart
    lead = Paragraph(make_text(f"compare.{amount}"), "lead")
    picture = Picture("figure-trend", make_text("compare.figure"), alt, draw, table)
    return [lead, picture, table]


def _trend_table(years: Sequence[str], indices: Sequence[PublishedFigure]) -> Table:
    """List the overall index of each wave with its interval and number of people."""
    rows = tuple(
        (
            year,
            Number(index.printed or None),
            Number(index.low, 1),
            Number(index.high, 1),
            index.n_valid,
        )
        for year, index in zip(years, indices, strict=True)
    )
    numbers = ("percent", "low", "high", "n_valid")
    columns = (
        Column(make_text("report.column.year"), "row"),
        *(Column(make_text(f"report.column.{name}")) for name in numbers),
    )
    return Table("table-trend", make_text("compare.table.trend"), columns, rows)


def explain_break(reason: str) -> Text:
    """Return in words why no line is drawn."""
    words = [make_text(f"compare.why.{word}") for word in reason.split()]
    return make_text("compare.reasons", reasons=Joined(words, "; "))
