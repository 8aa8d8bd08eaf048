"""Bring the units of two waves together: what is compared, what is hidden, what became of a unit.

Verdicts on measures take every figure from here. What may be compared is decided by ``compare``
(C2); a figure that either wave hides (P2) is not used at all, not even in a mean of other units.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import ColumnError
from sipas_analysis.improve.expected_change import (
    Level,
    Panel,
    Year,
    describe_year,
    pool_level,
    pool_units,
)
from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.infer.ratio_means import Mean, evaluate_mean
from sipas_analysis.infer.result_table import SUPPRESS
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.change import COMPARED, compare_pair
from sipas_analysis.measure.rules import list_targets
from sipas_analysis.measure.scores import score
from sipas_analysis.measure.wave_breaks import UnitLinks, find_bridge, link_units, recode_units
from sipas_analysis.quality.findings import find_open_units

Scorer = Callable[[Survey, Sequence[str]], Estimates]  # called with () and ("unit",)
Published = tuple[Estimates, Estimates]  # figures of the earlier and the later wave
Row = dict[Hashable, Any]
FIGURE_COLUMNS = ("reason", "value_before", "value_after", "value", "low", "high")


@dataclass(frozen=True, eq=False)
class ComparedUnits:
    """One figure of the units in which it is compared.

    Attributes:
        units: Later codes of the units, in the order of the arrays.
        panel: The figure in both waves.
    """

    units: Sequence[str]
    panel: Panel


@dataclass(frozen=True, eq=False)
class TwoWaves:
    """Every figure of the units of two waves, and whether they may be compared.

    Attributes:
        earlier: The earlier wave.
        later: The later wave.
        published: Figures of both as they may be published; what either hides is not used.
        estimate: Returns what ``score`` does.
        find_open: Returns what ``find_open_units`` does.
    """

    earlier: Survey
    later: Survey
    published: Published | None = None
    estimate: Scorer = score
    find_open: Callable[[Survey], Collection[str]] = find_open_units

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
        changes.loc[changes["unit"].isin(self._open_units), "reason"] = "flagged"
        changes.loc[keys.isin([*self._list_hidden()]), "reason"] = "suppressed"
        return changes

    @cached_property
    def _open_units(self) -> set[str]:
        """Later codes of the units whose forms of either wave need a second look (M9)."""
        both = {*self.find_open(self.earlier), *self.find_open(self.later)}
        return {self.links.successors.get(unit, unit) for unit in both}

    def _list_hidden(self) -> Iterator[tuple[str, str]]:
        """Yield later unit (empty: the whole) and figure of what either wave hides.

        Of a merged unit with a hidden part, that is every figure.
        """
        successors, merged = self.links.successors, self.links.merged
        for scores in self.published or ():
            figures = scores.frame[scores.frame["flag"] == SUPPRESS]
            for domain, unit, name in figures[["domain", "unit", "variable"]].to_numpy():
                if domain != "group":
                    yield successors.get(unit, unit), self.later_codes.get(name, name)
            parts = figures.loc[figures["n_valid"].isna(), "unit"].map(successors)  # 0: no answer
            for unit in merged.intersection(parts):
                yield from ((unit, name) for name in self.scores[1].frame["variable"].unique())

    @cached_property
    def figures(self) -> dict[tuple[str, str], Row]:
        """Columns of each change, as ``compare`` has them, by unit (empty: whole) and figure."""
        changes = self._changes
        columns = [changes[name].tolist() for name in FIGURE_COLUMNS]
        cells = zip(*columns, strict=True)
        rows: list[Row] = [dict(zip(FIGURE_COLUMNS, row, strict=True)) for row in cells]
        return dict(zip(zip(changes["unit"], changes["variable"], strict=True), rows, strict=True))

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
            self._panels[variable] = ComparedUnits(units, panel)
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
        covariances = (
            _estimate_covariance(before, self._bottoms[0][names[0]], units),
            _estimate_covariance(after, self._bottoms[1][variable], units),
        )
        group = pd.factorize(after.frame["group"].fillna(""))[0]
        is_share = not _has_points(after)
        years = [_read_year(side.frame, group, is_share=is_share) for side in (before, after)]
        level = self._pool_index(tuple(units), group) if is_share and variable != OVERALL else None
        pooled = pool_units(years[0], group, level, is_share=is_share)
        return Panel(group, years[0], years[1], covariances, pooled, is_share)

    @cached_property
    def _bottoms(self) -> tuple[dict[str, Floats], dict[str, Floats]]:
        return _find_bottoms(self.earlier), _find_bottoms(self.later)

    def _pool_index(self, units: tuple[str, ...], group: Ints) -> Level | None:
        """Return the earlier index of units, without hidden ones; none if it is no share."""
        if units not in self._levels:
            figures = _find_rows(self.scores[0], OVERALL, units)
            if _has_points(figures):
                return None
            is_hidden = [self.figures[unit, OVERALL]["reason"] == "suppressed" for unit in units]
            value = figures.frame["value"].mask(pd.Series(is_hidden, dtype=bool))
            year = _read_year(figures.frame.assign(value=value), group)
            self._levels[units] = pool_level(year, group)
        return self._levels[units]

    @cached_property
    def _levels(self) -> dict[tuple[str, ...], Level]:
        return {}


def _has_points(figures: Estimates) -> bool:
    """Return whether figures are scores in points, not shares of people."""
    return bool((figures.frame["method"] == "t").any())


def _find_rows(scores: Estimates, variable: str, units: Sequence[str]) -> Estimates:
    """Return the rows of a figure, in the order of the units."""
    rows = np.flatnonzero(scores.frame["variable"] == variable)
    return scores.take(rows[_find_positions(scores.frame["unit"].iloc[rows], units)])


def _find_positions(codes: Iterable[Hashable], units: Sequence[str]) -> Ints:
    """Return the position of each unit; KeyError if one is missing."""
    labels = pd.Index([*codes])
    return pd.Series(np.arange(len(labels)), labels).loc[[*units]].to_numpy()


def _find_bottoms(survey: Survey) -> dict[str, Floats]:
    """Return by figure which totals add up to the weight of its answers, shape (1, p)."""
    pack = survey.instrument
    targets = list_targets(pack, pack.index)
    return {target.variable: target.mean.bottom.sum(axis=0)[None] for target in targets}


def _estimate_covariance(figures: Estimates, bottom: Floats, units: Sequence[str]) -> Floats:
    """Return the covariance of a figure of units and of the weights of its answers (2U, 2U)."""
    if figures.totals is None or figures.influence is None:
        raise ColumnError("no_covariance")
    weight = Mean(np.ones(1), bottom, np.empty((0, bottom.shape[1])))
    rows = _find_positions(figures.totals.keys["unit"], units)
    influence = evaluate_mean(figures.totals, weight).influence[rows]
    both = sparse.csr_array(sparse.vstack([figures.influence, influence]))
    known = pd.DataFrame({"se": np.append(figures.frame["se"], np.zeros(len(rows)))})
    return Estimates(known, figures.totals, both).covariance_matrix()


def _read_year(figures: pd.DataFrame, group: Ints, *, is_share: bool = True) -> Year:
    """Return a figure of each unit in one wave."""
    names = {"value": "value", "df": "df", "people": "n_valid", "weight": "denominator"}
    columns = {to: figures[name].to_numpy(dtype=float) for to, name in names.items()}
    columns["variance"] = figures["se"].to_numpy(dtype=float) ** 2
    return describe_year(columns, group, is_share=is_share)
