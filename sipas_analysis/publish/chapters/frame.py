"""What all chapters build on: the subject of a report, its names and its usual tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from sipas_analysis.collect.units import groups_of
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.instrument.reading import Bilingual
from sipas_analysis.messages import Language
from sipas_analysis.publish.charts import Row
from sipas_analysis.publish.document import Column, Interval, Joined, Number, Table, Text, say_it
from sipas_analysis.publish.figures import Figures, Published

UNSURE = "*"


@dataclass(frozen=True)
class Subject:
    """What a report is about: the whole province (no unit), or one unit of it."""

    figures: Figures
    unit: str = ""

    @property
    def pack(self) -> Instrument:
        """The instrument of the wave."""
        return self.figures.survey.instrument

    @property
    def own(self) -> dict[str, Published]:
        """Figures of the subject, by variable."""
        return self.figures.of("unit", self.unit) if self.unit else self.figures.of("all")

    @property
    def around(self) -> dict[str, Published]:
        """Figures to hold the subject against: its group; for the whole, itself."""
        return self.figures.of("group", self.group) if self.unit else self.own

    @property
    def group(self) -> str:
        """Group of the unit."""
        units = self.figures.survey.units
        return str(units.loc[units["code"] == self.unit, "group"].iloc[0]) if self.unit else ""

    @property
    def forms(self) -> pd.DataFrame:
        """Forms of the subject."""
        frame = self.figures.survey.frame
        return frame[frame["unit"] == self.unit] if self.unit else frame

    def name(self, code: str) -> Bilingual:
        """Return the short text of an item, factor, block or indicator in both languages."""
        return Bilingual(vi=self.pack.label(code, "vi"), en=self.pack.label(code, "en"))

    def unit_name(self, code: str) -> Bilingual:
        """Return the name of a unit in both languages."""
        units = self.figures.survey.units
        row = units[units["code"] == code].iloc[0]
        return Bilingual(vi=row["name_vi"], en=row["name_en"])

    def group_name(self, code: str) -> Bilingual:
        """Return the name of a group in both languages."""
        return groups_of(self.figures.survey.wave)[code]

    def item_name(self, code: str) -> Text:
        """Return code and wording of an item, marked where the wording is not sourced."""
        item = self.pack.items.get(code)
        sure = item is None or item.status == "sourced"
        return say_it("report.coded", code=code, name=self.name(code), mark="" if sure else UNSURE)


def percent(one: Published) -> object:
    """Return a published percentage, or why there is none."""
    hidden = one.flag == "suppress" and one.n_valid > 0
    if hidden:
        return say_it("report.suppressed")
    return Number(one.printed or None, home=one.home("printed") if one.known else None)


def interval(one: Published, decimals: int = 1) -> Interval:
    """Return the interval of a figure."""
    return Interval(one.low, one.high, decimals, one.id)


def count(one: Published, column: str = "n_valid", decimals: int = 0) -> Number:
    """Return a number of people or a place of a figure."""
    value = getattr(one, column)
    return Number(None if value is None else float(value), decimals, one.home(column))


def estimate_columns(first: str) -> tuple[Column, ...]:
    """Return the columns of a table of estimates, headed by the message ``first``."""
    return (
        Column(say_it(first), "row"),
        Column(say_it("report.column.percent")),
        Column(say_it("report.column.interval")),
        Column(say_it("report.column.n_valid")),
    )


def estimate_cells(one: Published) -> tuple[object, ...]:
    """Return percentage, interval and number of people of a figure."""
    shown = percent(one)
    if one.flag == "caution":
        shown = say_it("report.cautioned", value=shown)
    return (shown, interval(one), count(one))


def estimate_table(
    table_id: str, caption: Text, first: str, rows: Sequence[tuple[object, Published]]
) -> Table:
    """Return a table of estimates, one row per name."""
    body = tuple((name, *estimate_cells(one)) for name, one in rows)
    return Table(table_id, caption, estimate_columns(first), body, cautious(rows))


def chart_rows(
    rows: Sequence[tuple[Bilingual, Published]], language: Language, marked: str = ""
) -> list[Row]:
    """Return the rows of a chart in a language; what is suppressed is left out."""
    return [
        Row(name.text(language), one.value, one.low, one.high, bool(marked) and one.unit == marked)
        for name, one in rows
        if one.known
    ]


def extremes(subject: Subject, codes: Sequence[str]) -> list[Published]:
    """Return the known figures of some codes, lowest first."""
    known = [subject.own[code] for code in codes if subject.own[code].known]
    return sorted(known, key=lambda one: one.value)


def best_and_worst(subject: Subject, message: str, known: Sequence[Published]) -> Text:
    """Name the highest and lowest of some figures, given lowest first."""
    worst, best = known[0], known[-1]
    return say_it(
        message,
        best=subject.name(best.variable),
        best_value=percent(best),
        worst=subject.name(worst.variable),
        worst_value=percent(worst),
    )


def differ(known: Sequence[Published]) -> bool:
    """Say whether some figures, lowest first, are not all the same."""
    return len(known) > 1 and round(known[-1].value - known[0].value, 9) > 0


def cautious(rows: Sequence[tuple[object, Published]]) -> tuple[Text, ...]:
    """Return the note on marked figures, if any is marked."""
    return (say_it("report.caution_note"),) if any(one.flag == "caution" for _, one in rows) else ()


def contrast(subject: Subject, known: Sequence[Published]) -> tuple[Text, ...]:
    """Name the highest and lowest factor and whether their intervals touch; nothing if all tie."""
    if not differ(known):
        return ()
    sure = "apart" if known[0].high < known[-1].low else "close"
    return (best_and_worst(subject, f"report.factors.{sure}", known),)


def reason_text(subject: Subject, one: Published) -> Text:
    """Say why a unit has no rank."""
    limit = subject.pack.index.min_forms
    return say_it(f"report.rank.reason.{one.reason}", min_forms=limit, n=one.n_valid)


def several(subject: Subject, group: str) -> bool:
    """Say whether a group has more than one unit to show: one alone makes no picture."""
    return sum(one.known for one in subject.figures.order(group)) > 1


def target_lines(targets: Sequence[float]) -> object:
    """Explain the dashed lines of a chart, if it has any."""
    return say_it("report.figure.targets") if targets else ""


def interval_alt(name: str, rows: Sequence[tuple[Bilingual, Published]]) -> Text:
    """Say in words what a chart of intervals shows: each name, value and interval."""
    parts = [
        say_it("report.alt.row", name=label, value=percent(one), interval=interval(one))
        for label, one in rows
    ]
    return say_it(f"report.alt.{name}", rows=Joined(parts))
