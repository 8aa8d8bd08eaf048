"""What ``sipas reconcile`` prints: the indices side by side, and what their difference is made of.

The sentences say for every index whom it is about, from when it is, and how it was computed.
"""

from collections.abc import Iterator
from datetime import date

import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.documents.model import Interval, Number, make_text, render_text
from sipas_analysis.figures.last_year import read_earlier
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.measure.reconciliation import OWN, RANGE, SERVICE, Reconciliation, reconcile
from sipas_analysis.messages import Language
from sipas_analysis.records.office_records import read_records
from sipas_analysis.records.service_score import ServiceScore, read_service_index

DECIMALS = 2
OTHER = "other-"


def reconcile_wave(survey: Survey) -> Reconciliation:
    """Set the index of a wave beside the others that it names, with its records if it has any."""
    records = read_records(survey) if survey.wave.records else None
    return reconcile(survey, records, read_earlier(survey.wave))


def describe_reconciliation(
    result: Reconciliation, survey: Survey, language: Language
) -> Iterator[tuple[str, pd.DataFrame | None]]:
    """Yield the table of indices, a sentence on each, the parts of each difference, and notes."""
    names = _name_indices(result, survey)
    yield _render("reconcile.title", language), _tabulate_indices(result, names, language)
    for index in names:
        yield _describe_index(index, names[index], survey, language), None
    values = dict(zip(result.frame["index"], result.frame["value"], strict=True))
    for code, parts in result.parts.groupby("index", sort=False):
        difference = Number(values[str(code)] - values[OWN], DECIMALS)
        title = make_text("reconcile.parts", name=names[str(code)], points=difference)
        yield render_text(title, language), _tabulate_parts(parts, language)
    if result.service is not None:
        yield _render("reconcile.service", language), _tabulate_service(result.service, language)
        yield _render("reconcile.service_note", language), None


def _render(message_id: str, language: Language) -> str:
    return render_text(make_text(message_id), language)


def _name_indices(result: Reconciliation, survey: Survey) -> dict[str, object]:
    names: dict[str, object] = {OWN: _say("own")}
    others = {f"{OTHER}{k}": other.name for k, other in enumerate(survey.wave.other_indices, 1)}
    names |= {SERVICE: read_service_index().name, **others}
    return {index: names[index] for index in result.frame["index"]}


def _tabulate_indices(
    result: Reconciliation, names: dict[str, object], language: Language
) -> pd.DataFrame:
    """Return one row per index: value, range, number of people or dossiers, period."""
    cells = [
        [
            names[row["index"]],
            Number(row["value"], DECIMALS),
            Interval(row["low"], row["high"], DECIMALS),
            None if pd.isna(row["n"]) else int(row["n"]),
            _name_period(row["start"], row["end"]),
        ]
        for row in result.frame.to_dict("records")
    ]
    return _make_table(cells, ("index", "value", "range", "counted", "period"), language)


def _name_period(start: date | None, end: date | None) -> object:
    return end if start == end else make_text("reconcile.period", start=start, end=end)


def _describe_index(index: str, name: object, survey: Survey, language: Language) -> str:
    """Return whom an index is about, how it is computed, and where that was read."""
    wave, facts = survey.wave, list[object]()
    if index.startswith(OTHER):
        other = wave.other_indices[int(index.removeprefix(OTHER)) - 1]
        facts = [other.population, other.rule, other.source, other.status]
    elif index == SERVICE:
        pack = read_service_index()
        facts = [_say("population.service"), _say("rule.service"), pack.source, pack.status]
    else:
        rule = make_text(f"report.rule.{survey.instrument.index.overall.rule}")
        population = wave.population if wave.population.vi else _say("population.own")
        facts = [population, rule, wave.title, "sourced"]
    fields = dict(zip(("population", "rule", "source"), map(_fill_blank, facts), strict=False))
    status = make_text(f"status.{facts[3]}")
    return render_text(make_text("reconcile.index", name=name, **fields, status=status), language)


def _say(name: str) -> object:
    return make_text(f"reconcile.{name}")


def _fill_blank(text: object) -> object:
    """Return a text, or the words for a text that nobody gave."""
    is_blank = text == "" or (isinstance(text, Bilingual) and not (text.vi or text.en))
    return _say("not_stated") if is_blank else text


def _tabulate_parts(parts: pd.DataFrame, language: Language) -> pd.DataFrame:
    """Return one row per part of a difference: its name, its points or their range, how known."""
    groups = read_service_index().groups
    cells: list[list[object]] = []
    for row in parts.to_dict("records"):
        name = row["part"]
        points: object = Number(row["points"], DECIMALS)
        if row["how"] == RANGE:
            points = Interval(row["low"], row["high"], DECIMALS)
        part = groups[name] if name in groups else _say(f"part.{name}")
        cells.append([part, points, _say(f"how.{row['how']}")])
    return _make_table(cells, ("part", "points", "how"), language)


def _tabulate_service(service: ServiceScore, language: Language) -> pd.DataFrame:
    """Return one row per part of Decision 766: value, points reached and most, what is missing."""
    groups = read_service_index().groups
    cells: list[list[object]] = []
    for row in service.frame.to_dict("records"):
        part = groups[row["group"]].parts[row["part"]]
        missing: object = part.missing
        if part.indicator:
            missing = _say("no_records") if pd.isna(row["value"]) else ""
        reached = [Number(row[name], DECIMALS) for name in ("value", "reached")]
        cells.append([part, *reached, Number(row["points"]), missing])
    heads = ("part", "value", "reached", "most", "missing")
    return _make_table(cells, heads, language)


def _make_table(
    cells: list[list[object]], columns: tuple[str, ...], language: Language
) -> pd.DataFrame:
    heads = [_render(f"reconcile.head.{name}", language) for name in columns]
    return pd.DataFrame(
        [[render_text(cell, language) for cell in row] for row in cells], None, heads
    )
