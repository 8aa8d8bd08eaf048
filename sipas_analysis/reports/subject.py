"""The subject of a report: the whole province or one unit, with its figures and names."""

from dataclasses import dataclass

import pandas as pd

from sipas_analysis.collect.units import list_groups
from sipas_analysis.collect.wave import Wave
from sipas_analysis.documents.model import Text, make_text
from sipas_analysis.figures.published import Figures, PublishedFigure
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.instrument.strict_yaml import Bilingual

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
    def own_figures(self) -> dict[str, PublishedFigure]:
        """Figures of the subject, by variable."""
        domain = "unit" if self.unit else "all"
        return self.figures.by_variable(domain, self.unit)

    @property
    def group_figures(self) -> dict[str, PublishedFigure]:
        """Figures of the unit's group, by variable; for the province those of the province."""
        return self.figures.by_variable("group", self.group) if self.unit else self.own_figures

    @property
    def group(self) -> str:
        """Group of the unit."""
        units = self.figures.survey.units
        return str(units.loc[units["code"] == self.unit, "group"].iloc[0]) if self.unit else ""

    @property
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
        units = self.figures.survey.units
        row = units[units["code"] == code].iloc[0]
        return Bilingual(vi=row["name_vi"], en=row["name_en"])

    def group_name(self, code: str) -> Bilingual:
        """Return the name of a group in both languages."""
        return list_groups(self.figures.survey.wave)[code]

    def item_name(self, code: str) -> Text:
        """Return code and wording of an item, marked where the wording is not sourced."""
        item = self.pack.items.get(code)
        is_sourced = item is None or item.status == "sourced"
        return make_text(
            "report.coded", code=code, name=self.short_name(code), mark="" if is_sourced else UNSURE
        )


def list_unit_names(units: pd.DataFrame) -> dict[str, Bilingual]:
    """Return the name of every unit of a list in both languages, by code."""
    rows = units[["code", "name_vi", "name_en"]].to_numpy()
    return {code: Bilingual(vi=vi, en=en) for code, vi, en in rows}


def make_footer(wave: Wave) -> Text:
    """Return the line at the foot of every page: title and, if the wave names it, publisher."""
    has_publisher = wave.publisher.vi or wave.publisher.en
    footer = "report.footer_publisher" if has_publisher else "report.footer"
    return make_text(footer, publisher=wave.publisher, title=wave.title)
