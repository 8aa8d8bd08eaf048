"""The subject of a report: the whole province or one unit, with its figures and names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import pandas as pd

from sipas_analysis.collect.units import NO_GROUP, list_groups
from sipas_analysis.collect.wave import Wave
from sipas_analysis.documents.model import Joined, Text, make_text
from sipas_analysis.figures.published import Figures, PublishedFigure
from sipas_analysis.improve.plan_words import name_whole
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.instrument.wording import repeats_code
from sipas_analysis.messages import LANGUAGES, Language
from sipas_analysis.sheets.texts import plain_text

MeasureWord = Literal["head", "sign", "points"]

PROVINCE_PARTS = (  # chapters in reading order; the first page has no numeral
    *("leaders", "basis", "results", "ranking", "records"),
    *("assessment", "last_measures", "measures", "proposals"),
)
UNIT_PARTS = ("leaders", "results", "ranking", "records", "last_measures", "measures")
NUMERALS = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII")
UNSURE = "*"
MANY_UNITS = 40  # with more units in all, the body of a report shows each group in a picture only
HIGHEST_SCORE = 100
FLAGGED = " ‡"  # after the name of a unit whose forms need a second look


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
    def parts(self) -> list[str]:
        """Names of the chapters in reading order; that on records only where the wave has some."""
        has_records = self.figures.survey.wave.records is not None
        parts = UNIT_PARTS if self.unit else PROVINCE_PARTS
        return [name for name in parts if name != "records" or has_records]

    def find_numeral(self, part: str) -> str:
        """Return the numeral of a chapter; empty for the first page, and where there is none."""
        parts = self.parts
        return NUMERALS[parts.index(part)] if part in parts else ""

    @property
    def measure_name(self) -> Text:
        """Head of every column and axis of figures: "Satisfied (%)", or an average score."""
        return self.name_measure("head")

    def name_measure(self, word: MeasureWord) -> Text:
        """Return how figures of the pack are called: a percentage of satisfied people or a score.

        ``head`` is the head of a column or an axis, ``sign`` what follows a number ("%" or
        " points"), ``points`` the unit of a difference.
        """
        return name_measure(self.pack, word)

    @cached_property
    def own_figures(self) -> dict[str, PublishedFigure]:
        """Figures of the subject, by variable."""
        domain = "unit" if self.unit else "all"
        return self.figures.by_variable(domain, self.unit)

    @cached_property
    def group_figures(self) -> dict[str, PublishedFigure]:
        """Figures of the unit's group, by variable; for the province those of the province."""
        return self.figures.by_variable("group", self.group) if self.unit else self.own_figures

    @cached_property
    def group(self) -> str:
        """Group of the unit."""
        units = self.figures.survey.units
        return str(units.loc[units["code"] == self.unit, "group"].iloc[0]) if self.unit else ""

    @property
    def whole_name(self) -> Text:
        """How all units are called: the province, or all of a survey that is of none."""
        return make_text(name_whole(self.figures.survey))

    @property
    def has_one_group(self) -> bool:
        """Whether units are in no groups, so that none is named."""
        return {*self.figures.survey.units["group"]} == {NO_GROUP}

    def place_in(self, groups: Sequence[object]) -> Text | str:
        """Return the words "in group …" of a sentence; empty where units are in no groups."""
        return "" if self.has_one_group else make_text("report.in_groups", groups=Joined(groups))

    @cached_property
    def is_publisher(self) -> bool:
        """Whether the unit is the office that signs, or the only unit, which nothing names."""
        wave, name = self.figures.survey.wave, self.unit_name(self.unit)
        offices = [_compare_name(wave, office) for office in (wave.publisher, name)]
        return len({*offices}) == 1 or (self.has_one_group and name == wave.title)

    @property
    def has_many_units(self) -> bool:
        """Whether a wave has so many units that tables and pictures of all are in the annexes."""
        return len(self.figures.ranking) > MANY_UNITS

    @cached_property
    def ranked_index(self) -> PublishedFigure:
        """The overall index of the unit, with its rank or the reason why there is none."""
        units = self.figures.units_in_order(self.group)
        return next(figure for figure in units if figure.unit == self.unit)

    @property
    def forms(self) -> pd.DataFrame:
        """Forms of the subject."""
        frame = self.figures.survey.frame
        return frame[frame["unit"] == self.unit] if self.unit else frame

    def short_name(self, code: str) -> Bilingual:
        """Return the short text of an item, factor, block or indicator in both languages."""
        return Bilingual(vi=self.pack.label_of(code, "vi"), en=self.pack.label_of(code, "en"))

    def unit_name(self, code: str) -> Bilingual:
        """Return the name of a unit in both languages."""
        return self._unit_names[code]

    @cached_property
    def _unit_names(self) -> dict[str, Bilingual]:
        return list_unit_names(self.figures.survey.units)

    def marked_name(self, code: str) -> Bilingual:
        """Return the name of a unit, with a mark if its forms need a second look."""
        name = self.unit_name(code)
        return _mark_name(name) if code in self.figures.marks else name

    def explain_marks(self, units: Iterable[str]) -> tuple[Text, ...]:
        """Explain the mark of each marked unit: who accepted its forms and why, or nobody."""
        marks = self.figures.marks
        return tuple(
            make_text(
                f"report.mark.{marks[unit]}", unit=self.unit_name(unit), **self._acceptance(unit)
            )
            for unit in units
            if unit in marks
        )

    def describe_own_mark(self) -> Text | None:
        """State that the unit's forms need a second look, and who accepted them; else None."""
        mark = self.figures.marks.get(self.unit)
        return make_text(f"report.own_mark.{mark}", **self._acceptance(self.unit)) if mark else None

    def _acceptance(self, unit: str) -> dict[str, object]:
        """Return who accepted the forms of a unit, and why."""
        acceptance = self.figures.survey.wave.accepted.get(unit)
        return {"by": acceptance.by, "because": acceptance.because} if acceptance else {}

    def group_name(self, code: str) -> Bilingual:
        """Return the name of a group in both languages."""
        return list_groups(self.figures.survey.wave)[code]

    def name_opposed_items(self) -> list[Text]:
        """Name the items that run against the others, if there are any."""
        names = [name_item(self.pack, code) for code in self.figures.opposed_items["item"]]
        return [make_text("report.quality.opposed", items=Joined(names))] if names else []

    def item_name(self, code: str, *, is_marked: bool = True) -> Text:
        """Return code and wording of an item, marked if it was reversed or is not sourced.

        Without ``is_marked`` an item without a source has no mark, where none is explained.
        """
        return name_item(self.pack, code, is_marked=is_marked)

    def quote_item(self, code: str) -> Text:
        """Return an item within a sentence: its number, if it has one, and its wording quoted."""
        texts: dict[Language, str] = {word: self.pack.label_of(code, word) for word in LANGUAGES}
        has_number = any(map(str.isdigit, code))
        is_alone = not has_number or all(repeats_code(code, text) for text in texts.values())
        kind = "alone" if is_alone else "number" if code.isdigit() else "code"
        item = self.pack.items.get(code)
        turned = make_text("report.quoted.reversed") if item is not None and item.reverse else ""
        fields = {} if is_alone else {"code": code}
        return make_text(f"report.quoted.{kind}", name=Bilingual(**texts), turned=turned, **fields)


def name_item(pack: Instrument, code: str, *, is_marked: bool = False) -> Text:
    """Return code and wording of an item; see ``Subject.item_name``.

    A wording that is the code, or begins with it, stands alone.
    """
    item = pack.items.get(code)
    is_turned = item is not None and item.reverse
    texts: dict[Language, str] = {language: pack.label_of(code, language) for language in LANGUAGES}
    is_alone = all(repeats_code(code, text) for text in texts.values())
    message = "report.alone" if is_alone else "report.coded"
    turned_message = "report.alone_reversed" if is_alone else "report.coded_reversed"
    return make_text(
        turned_message if is_turned else message,
        code=code,
        name=Bilingual(**texts),
        mark=UNSURE if is_marked and pack.is_unattributed(code) else "",
    )


def name_measure(pack: Instrument, word: MeasureWord) -> Text:
    """Return the words for figures of a pack: of percentages, or of its points (rule M3)."""
    points = pack.index.points.values()
    if not points:
        return make_text(f"measure.percent.{word}")
    low, high = min(points), max(points)
    low = 0 if high == HIGHEST_SCORE and low > 0 else low  # a scale to 100 begins at 0
    return make_text(f"measure.score.{word}", low=f"{low:g}", high=f"{high:g}")


def _compare_name(wave: Wave, office: Bilingual) -> str:
    """Return the name of an office to compare, without the province at its end.

    Example: "Sở Nội vụ", "Sở Nội vụ tỉnh An Giang" and "SỞ NỘI VỤ AN GIANG" are one office.
    """
    name, province = plain_text(office.text("vi")), plain_text(wave.province.text("vi"))
    place = province.removeprefix("tinh ").removeprefix("thanh pho ")
    for ending in filter(None, (province, place)):
        name = name.removesuffix(f" {ending}")
    return name


def list_unit_names(units: pd.DataFrame) -> dict[str, Bilingual]:
    """Return the name of every unit of a list in both languages, by code."""
    rows = units[["code", "name_vi", "name_en"]].to_numpy()
    return {code: Bilingual(vi=vi, en=en) for code, vi, en in rows}


def list_marked_names(figures: Figures) -> dict[str, Bilingual]:
    """Return the name of every unit by code, with a mark if its forms need a second look."""
    names = list_unit_names(figures.survey.units)
    return names | {unit: _mark_name(names[unit]) for unit in figures.marks}


def _mark_name(name: Bilingual) -> Bilingual:
    return Bilingual(vi=name.vi + FLAGGED, en=name.en and name.en + FLAGGED)


def make_footer(wave: Wave, *, has_files: bool = True) -> Text:
    """Return the line at the foot of every page: title and, if the wave names it, publisher.

    Of a data frame it does not say that the annex lists files.
    """
    if not has_files:
        return make_text("report.footer_frame", title=wave.title)
    has_publisher = wave.publisher.vi or wave.publisher.en
    footer = "report.footer_publisher" if has_publisher else "report.footer"
    return make_text(footer, publisher=wave.publisher, title=wave.title)


def name_year(wave: Wave) -> Text | str:
    """Return the words that name the year of the survey; empty if it states none."""
    return make_text("report.basis.when", year=str(wave.year)) if wave.year else ""


def list_some(named: Sequence[object], n: int, what: str) -> object:
    """List the names given of n in all, and count the others: ``units``, ``items`` and so on."""
    names = Joined(named)
    n_more = n - len(named)
    return make_text(f"leaders.more.{what}", names=names, n=n_more) if n_more > 0 else names
