"""The trend of the overall index over the waves: a line only where one may be drawn (C2)."""

from collections.abc import Sequence

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
from sipas_analysis.figures.published import Figures
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
    waves = [survey, *(read_survey(read_wave(path)) for path in paths)]
    ordered = sorted(waves, key=lambda one: (one.wave.year, one.wave.id))
    crosswalk = survey.wave.crosswalk
    found = compare(*ordered, crosswalk=survey.wave.path_of(crosswalk) if crosswalk else "")
    years = {one.wave.id: one.wave.year for one in ordered}
    broken = found.breaks[found.breaks["reason"] != ""]
    said = [
        make_text(
            "compare.break",
            before=str(years[before]),
            after=str(years[after]),
            why=explain_break(reason),
        )
        for before, after, reason in zip(
            broken["before"], broken["after"], broken["reason"], strict=True
        )
    ]
    heading = Paragraph(make_text("compare.chapter.trend"), "heading")
    return [heading, *draw_trend(found, ordered), *(Paragraph(text, "note") for text in said)]


def draw_trend(found: Changes, ordered: Sequence[Survey]) -> list[Block]:
    """Draw the whole of each wave; a line joins only what may be compared (C2)."""
    wholes = [Figures(one).by_variable("all")[OVERALL] for one in ordered]
    rows = [(str(one.wave.year), it) for one, it in zip(ordered, wholes, strict=True)]
    joined = [not reason for reason in found.breaks["reason"]]
    joined = [it and not b for it, b in zip(joined, found.breaks["bridged"], strict=True)]

    def draw(language: Language) -> bytes:
        points = [charts.IntervalRow(year, it.value, it.low, it.high) for year, it in rows]
        return charts.draw_trend(points, joined, language)

    cells = tuple(
        (year, Number(it.printed or None), Number(it.low, 1), Number(it.high, 1), it.n_valid)
        for year, it in rows
    )
    heads = ("year", "percent", "low", "high", "n_valid")
    columns = (
        Column(make_text("report.column.year"), "row"),
        *(Column(make_text(f"report.column.{head}")) for head in heads[1:]),
    )
    table = Table("table-trend", make_text("compare.table.trend"), columns, cells)
    alt = make_text("compare.alt", n=len(rows), breaks=len(joined) - sum(joined))
    lead = (
        "compare.none" if not any(joined) else "compare.some" if not all(joined) else "compare.all"
    )
    figure = Picture("figure-trend", make_text("compare.figure"), alt, draw, table)
    return [Paragraph(make_text(lead), "lead"), figure, table]


def explain_break(reason: str) -> Text:
    """Return in words why no line is drawn."""
    words = [make_text(f"compare.why.{word}") for word in reason.split()]
    return make_text("compare.reasons", reasons=Joined(words, "; "))
