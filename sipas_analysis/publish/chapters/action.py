"""The chapters that lead to action: drivers, needs and incidents, conclusion, measures."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from sipas_analysis.explain.drivers import Drivers
from sipas_analysis.improve.actions import Proposal, library, propose
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.infer.intervals import exact_interval
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.messages import Language
from sipas_analysis.publish import charts
from sipas_analysis.publish.chapters.frame import Subject, interval, named_drivers, percent
from sipas_analysis.publish.chapters.opening import key_points
from sipas_analysis.publish.document import (
    Block,
    Bullets,
    Column,
    Figure,
    Interval,
    Joined,
    Number,
    Paragraph,
    Section,
    Table,
    say_it,
)

ALL = "100.00"
GROUPS = ("experience", "incident", "need")


def drivers(subject: Subject) -> Section:
    """Show which factors go together with overall satisfaction, or why that cannot be said."""
    found, title = subject.figures.drivers, say_it("report.chapter.drivers")
    order = _strongest_first(found)
    if order.empty:
        why = say_it(f"report.drivers.reason.{found.reason['linear']}")
        return Section("drivers", title, (Paragraph(why, "warning"), _correlations(subject, found)))
    outcome = subject.name(found.outcome)
    share = Number(100 * found.r_squared, 1)
    named = {sign: _names(subject, named_drivers(found, sign)) for sign in (1, -1)}
    lead = [
        Paragraph(say_it(f"report.drivers.{word}", names=named[sign]), "lead")
        for word, sign in (("found", 1), ("opposite", -1))
        if named[sign].parts
    ]
    blocks: list[Block] = [
        Paragraph(say_it("report.drivers.words", outcome=outcome), "warning"),
        *(lead or [Paragraph(say_it("report.drivers.nothing"), "lead")]),
        Paragraph(
            say_it(
                "report.drivers.fit",
                outcome=outcome,
                n=found.n,
                n_lost=found.n_lost,
                r_squared=share,
            )
        ),
        _driver_figure(subject, order),
        _driver_table(subject, found),
    ]
    tied = _names(subject, order[~order["separable"].astype(bool)]["term"])
    if tied.parts:
        blocks.append(Paragraph(say_it("report.drivers.tied", names=tied), "warning"))
    if "logit" in found.reason:
        why = say_it(f"report.drivers.reason.{found.reason['logit']}")
        blocks.append(Paragraph(say_it("report.drivers.no_logit", why=why), "note"))
    return Section("drivers", title, tuple(blocks))


def _correlations(subject: Subject, found: Drivers) -> Table:
    """Show how the factors move together, where no model may be fitted (rule D1)."""
    codes = [code for code in subject.pack.factors if code in found.correlations]
    table = found.correlations.loc[codes, codes].to_numpy(dtype=float)
    pairs = zip(codes, table, strict=True)
    rows = tuple((subject.name(a), *(Number(float(x), 2) for x in line)) for a, line in pairs)
    heads = (Column(subject.name(code)) for code in codes)
    columns = (Column(say_it("report.column.factor"), "row"), *heads)
    return Table("table-correlations", say_it("report.table.correlations"), columns, rows)


def _strongest_first(found: Drivers) -> pd.DataFrame:
    linear = found.frame[found.frame["model"] == "linear"]
    return linear.sort_values("value", ascending=False)


@dataclass(frozen=True)
class _Line:
    """One coefficient of a driver table."""

    model: str
    term: str
    value: float
    low: float
    high: float
    vif: float


def _lines(frame: pd.DataFrame) -> list[_Line]:
    names = [one.name for one in fields(_Line)]
    return [_Line(*row) for row in frame[names].astype(object).to_numpy()]


def _names(subject: Subject, codes: Sequence[str] | pd.Series) -> Joined:
    return Joined([subject.name(str(code)) for code in codes], ", ")


def _driver_table(subject: Subject, found: Drivers) -> Table:
    """Put linear and logit coefficients of each factor side by side, with their intervals."""
    lines = _lines(found.frame)
    models = list(dict.fromkeys(line.model for line in lines))
    rows = []
    for code in subject.pack.factors:
        own = [line for line in lines if line.term == code]
        shown = [(Number(line.value, 3), Interval(line.low, line.high, 3)) for line in own]
        cells = [cell for pair in shown for cell in pair]
        rows.append((subject.name(code), *cells, Number(own[0].vif, 2)))
    heads = [
        head for model in models for head in (f"report.column.{model}", "report.column.interval")
    ]
    columns = (
        Column(say_it("report.column.factor"), "row"),
        *(Column(say_it(head)) for head in heads),
        Column(say_it("report.column.vif")),
    )
    note = say_it("report.drivers.note")
    return Table("table-drivers", say_it("report.table.drivers"), columns, tuple(rows), (note,))


def _driver_figure(subject: Subject, order: pd.DataFrame) -> Figure:
    """Draw the linear coefficients, strongest first."""
    lines = [(subject.name(line.term), line) for line in _lines(order)]
    rows = tuple(
        (name, Number(line.value, 3), Interval(line.low, line.high, 3)) for name, line in lines
    )
    heads = ("report.column.linear", "report.column.interval")
    columns = (Column(say_it("report.column.factor"), "row"), *(Column(say_it(h)) for h in heads))
    parts = [say_it("report.alt.row", name=n, value=v, interval=i) for n, v, i in rows]

    def draw(language: Language) -> bytes:
        marks = [charts.Row(n.text(language), it.value, it.low, it.high) for n, it in lines]
        return charts.intervals(marks, language, axis="chart.coefficient", zero=True)

    caption, alt = say_it("report.figure.drivers"), say_it("report.alt.drivers", rows=Joined(parts))
    data = Table("table-drivers-figure", say_it("report.table.drivers"), columns, rows)
    return Figure("figure-drivers", caption, alt, draw, data)


def incidents(subject: Subject) -> Section:
    """Share of people who met an incident, or want an improvement, with intervals."""
    survey, pack = subject.figures.survey, subject.pack
    blocks: list[Block] = []
    counted = [c for c, it in pack.indicators.items() if it.counted and c in survey.keys]
    asked = [code for code in counted if _may_show(subject, code)]
    for group in GROUPS:
        rows = [_incident(subject, c) for c in asked if pack.indicators[c].group == group]
        if group == "need":
            rows.sort(key=lambda row: -row[0])
        if rows:
            blocks.append(_incident_table(group, [cells for _, cells in rows]))
    unknown = [code for code in asked if pack.indicators[code].status == "unverified"]
    if unknown:
        names = Joined([subject.name(code) for code in unknown])
        blocks.append(Paragraph(say_it("report.incidents.unverified", names=names), "note"))
    if "weight" in survey.frame and blocks:
        blocks.append(Paragraph(say_it("report.incidents.unweighted"), "note"))
    if len(asked) < len(counted):
        limit = survey.wave.min_cell
        blocks.append(Paragraph(say_it("report.people.hidden", min_cell=limit), "note"))
    if not blocks:
        blocks.append(Paragraph(say_it("report.incidents.none"), "note"))
    return Section("incidents", say_it("report.chapter.incidents"), tuple(blocks))


def _may_show(subject: Subject, code: str) -> bool:
    """Say whether units may show a question: only if none rests on too few people (rule P2)."""
    survey = subject.figures.survey
    answered = survey.frame[code].notna().groupby(survey.frame["unit"]).sum()
    small = (answered > 0) & (answered < survey.wave.min_cell)
    return not subject.unit or not small.any()


def _incident_table(group: str, rows: Sequence[tuple[object, ...]]) -> Table:
    columns = (
        Column(say_it("report.column.question"), "row"),
        Column(say_it("report.column.answer"), "text"),
        Column(say_it("report.column.share")),
        Column(say_it("report.column.interval")),
        Column(say_it("report.column.n_valid")),
    )
    return Table(f"table-{group}", say_it(f"report.table.{group}"), columns, tuple(rows))


def _incident(subject: Subject, code: str) -> tuple[float, tuple[object, ...]]:
    """Return the share of one indicator, to sort by, and its row."""
    indicator = subject.pack.indicators[code]
    answers = subject.forms[code].dropna()
    labels = Joined([indicator.levels[level] for level in indicator.counted], " / ")
    n, k = len(answers), int(answers.isin(indicator.counted).sum())
    if n < subject.figures.survey.wave.min_cell:
        return 0.0, (subject.name(code), labels, say_it("report.suppressed"), None, n)
    low, high = exact_interval(np.array([float(k)]), np.array([float(n)]))
    shown = (Number(100 * k / n, 1), Interval(100 * low[0], 100 * high[0]), n)
    return k / n, (subject.name(code), labels, *shown)


def conclusion(subject: Subject) -> Section:
    """Repeat what the figures allow one to say, and nothing more."""
    whole = subject.own[OVERALL]
    said = [say_it("report.conclusion.index", value=percent(whole), interval=interval(whole))]
    points = Bullets((*(said if whole.known else []), *key_points(subject)))
    return Section("conclusion", say_it("report.chapter.conclusion"), (points,))


def measures(subject: Subject) -> Section:
    """Give one block of measures for each factor, for its weakest item."""
    scores = subject.figures.scores
    key = scores["domain"] == ("unit" if subject.unit else "all")
    rows = scores[key & ((scores["unit"] == subject.unit) | (subject.unit == ""))]
    blocks: list[Block] = [
        Paragraph(say_it("report.measures.words", source=library().source), "note")
    ]
    for proposal in propose(Estimates(rows), subject.pack):
        blocks += _block_of(subject, proposal)
    return Section("measures", say_it("report.chapter.measures"), tuple(blocks))


def _block_of(subject: Subject, proposal: Proposal) -> list[Block]:
    heading = Paragraph(
        say_it("report.measures.factor", name=subject.name(proposal.factor)), "heading"
    )
    if not proposal.item:
        return [heading, Paragraph(say_it("report.measures.no_item"), "note")]
    weakest = say_it(
        "report.measures.weakest" if proposal.clear else "report.measures.weakest_unsure",
        item=subject.item_name(proposal.item),
        value=Number(proposal.printed),
        interval=Interval(proposal.low, proposal.high),
    )
    if proposal.printed == ALL:
        return [heading, Paragraph(say_it("report.measures.all_satisfied"), "note")]
    if not proposal.measures:
        return [heading, Paragraph(weakest), Paragraph(say_it("report.measures.none"), "note")]
    listed = tuple(
        say_it("report.measures.one", measure=one, indicator=one.indicator, data=one.data)
        for one in proposal.measures
    )
    return [heading, Paragraph(weakest), Bullets(listed)]
