"""Bring the units of two waves together: what is compared, what is hidden, what became of a unit.

Verdicts on measures take every figure from here. What may be compared is decided by ``compare``
(C2); a figure that either wave hides (P2) is not used at all, not even in a mean of other units.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.improve.expected_change import Panel, Pooled, Year, pool_units
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.change import COMPARED, compare_pair
from sipas_analysis.measure.scores import score
from sipas_analysis.measure.wave_breaks import UnitLinks, find_bridge, link_units, recode_units

Scorer = Callable[[Survey, Sequence[str]], Estimates]  # called with () and ("unit",)
Published = tuple[Estimates, Estimates]  # figures of the earlier and the later wave
SUPPRESS = "suppress"


@dataclass(frozen=True, eq=False)
class ComparedUnits:
    """One figure of the units in which it is compared.

    Attributes:
        units: Later codes of the units, in the order of the arrays.
        panel: The figure in both waves.
        pooled: The earlier figure after pooling.
    """

    units: Sequence[str]
    panel: Panel
    pooled: Pooled


@dataclass(frozen=True, eq=False)
class TwoWaves:
    """Every figure of the units of two waves, and whether they may be compared.

    Attributes:
        earlier: The earlier wave.
        later: The later wave.
        published: Figures of both as they may be published; what either hides is not used.
        estimate: Returns what ``score`` does.
    """

    earlier: Survey
    later: Survey
    published: Published | None = None
    estimate: Scorer = score

    @cached_property
    def links(self) -> UnitLinks:
        """What became of the earlier units."""
        return link_units(self.earlier, self.later)

    @cached_property
    def _crosswalk(self) -> str | Path:
        wave = self.later.wave
        return wave.path_of(wave.crosswalk) if wave.crosswalk else ""

    @cached_property
    def later_codes(self) -> Mapping[str, str]:
        """Later codes of the items that both questionnaires ask alike, if they are not the same."""
        return find_bridge(self.earlier, self.later, self._crosswalk).items

    @cached_property
    def scores(self) -> tuple[Estimates, Estimates]:
        """Figures of the units in both waves, by the later codes of units."""
        recoded = recode_units(self.earlier, self.later, self.links)
        return self.estimate(recoded, ("unit",)), self.estimate(self.later, ("unit",))

    @cached_property
    def _changes(self) -> pd.DataFrame:
        """Changes of the whole and of the units as ``compare`` finds them, without P2."""

        def estimate_both(survey: Survey) -> pd.DataFrame:
            units = self.scores[survey is self.later].frame.assign(domain="unit")
            whole = self.estimate(survey, ()).frame.assign(domain="all")
            return pd.concat([units, whole], ignore_index=True)

        pair = compare_pair(self.earlier, self.later, self._crosswalk, estimate=estimate_both)
        changes = pair.frame[pair.frame["domain"] != "group"].reset_index(drop=True)
        keys = pd.MultiIndex.from_frame(changes[["unit", "variable"]])
        is_pooled = (changes["level"] == OVERALL) & (changes["reason"] == "bridged")
        changes.loc[is_pooled, "reason"] = "instrument"  # of shared items: nobody's index
        changes.loc[keys.isin([*self._list_hidden()]), "reason"] = "suppressed"
        return changes

    def _list_hidden(self) -> Iterator[tuple[str, str]]:
        """Yield later unit (empty: the whole) and figure of what either wave hides."""
        for scores in self.published or ():
            figures = scores.frame[scores.frame["flag"] == SUPPRESS]
            for domain, unit, name in figures[["domain", "unit", "variable"]].to_numpy():
                if domain != "group":
                    yield self.links.successors.get(unit, unit), self.later_codes.get(name, name)

    @cached_property
    def figures(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Columns of each change, as ``compare`` has them, by unit (empty: whole) and figure."""
        rows = self._changes.to_dict("records")
        return {(str(row["unit"]), str(row["variable"])): row for row in rows}

    @cached_property
    def split_units(self) -> set[str]:
        """Earlier units that were split."""
        return {code for codes in self.links.split.values() for code in codes}

    def find_panel(self, variable: str) -> ComparedUnits:
        """Return one figure in every unit in which it is compared."""
        if variable not in self._panels:
            units = [
                unit
                for (unit, name), row in self.figures.items()
                if name == variable and unit and row["reason"] in COMPARED
            ]
            panel = self._build_panel(variable, units)
            self._panels[variable] = ComparedUnits(units, panel, pool_units(panel))
        return self._panels[variable]

    @cached_property
    def _panels(self) -> dict[str, ComparedUnits]:
        return {}

    def _build_panel(self, variable: str, units: Sequence[str]) -> Panel:
        """Return one figure of these units in both waves, and their earlier index."""
        codes = {later: code for code, later in self.later_codes.items()}
        names = (codes.get(variable, variable), variable)
        before, after = (
            _find_rows(scores, name, units) for scores, name in zip(self.scores, names, strict=True)
        )
        covariance = before.covariance().to_numpy() + after.covariance().to_numpy()
        groups = pd.factorize(after.frame["group"].fillna(""))[0]
        years = _read_year(before.frame), _read_year(after.frame)
        if (after.frame["method"] == "t").any():
            return Panel(groups, *years, covariance, is_share=False)
        index = None if variable == OVERALL else self._read_index(units)
        return Panel(groups, *years, covariance, index)

    def _read_index(self, units: Sequence[str]) -> Year | None:
        """Return the earlier index of units, blank where it is hidden; none if it is no share."""
        frame = _find_rows(self.scores[0], OVERALL, units).frame
        if (frame["method"] == "t").any():
            return None
        is_hidden = [self.figures[unit, OVERALL]["reason"] == "suppressed" for unit in units]
        year = _read_year(frame)
        return replace(year, value=np.where(is_hidden, np.nan, year.value))


def _find_rows(scores: Estimates, variable: str, units: Sequence[str]) -> Estimates:
    """Return the rows of a figure, in the order of the units."""
    rows = np.flatnonzero(scores.frame["variable"] == variable)
    at = pd.Series(rows, scores.frame["unit"].to_numpy()[rows])
    return scores.take(at[[*units]].to_numpy())


def _read_year(figures: pd.DataFrame) -> Year:
    """Return a figure of each unit in one wave."""
    names = ["value", "se", "df", "n_valid", "denominator"]
    value, se, df, people, weight = (figures[name].to_numpy(dtype=float) for name in names)
    return Year(value, se**2, df, people, weight)
