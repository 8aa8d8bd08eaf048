"""Read the numeric answers to items from a frame, a design or a survey, with the sample's error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sipas_analysis.arguments import list_names
from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Design, Floats, Ints, take_design
from sipas_analysis.infer.means import total
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.measure.adjustment import check_numbers

Sample = pd.DataFrame | Design | Survey
FEW_FORMS = 10  # complete forms below which nothing is said of several items
TOGETHER = 40  # estimates whose errors are totalled at once: moments grow with the square


@dataclass(frozen=True)
class ItemAnswers:
    """Complete answers to some items.

    Attributes:
        design: The whole sample.
        names: The items.
        rows: Places of the forms that answered every item and have a weight, shape (n,).
        answers: Their answers, shape (n, k).
        weight: Their weights with mean 1, shape (n,).
    """

    design: Design
    names: tuple[str, ...]
    rows: Ints
    answers: Floats
    weight: Floats

    @property
    def lost(self) -> int:
        """Forms of the part that are left out because an item is blank or the weight is 0."""
        return int(self.design.members.sum()) - len(self.rows)

    def take_items(self, columns: Sequence[int]) -> "ItemAnswers":
        """Return the same forms with some of the items."""
        names = tuple(self.names[at] for at in columns)
        return replace(self, names=names, answers=self.answers[:, list(columns)])

    def correlate_items(self) -> tuple[Floats, Floats]:
        """Return Pearson's correlations (k, k), and each form's influence on each pair.

        The influence on r is z₁z₂ − r(z₁² + z₂²)/2 of the standardised answers, times its share of
        the weights: shape (n, k(k−1)/2).
        """
        share = self.weight / self.weight.sum()
        centred = self.answers - share @ self.answers
        z = centred / np.sqrt(share @ centred**2)
        corr = (z.T * share) @ z
        np.fill_diagonal(corr, 1.0)
        first, second = np.triu_indices(z.shape[1], 1)
        squares = (z[:, first] ** 2 + z[:, second] ** 2) / 2
        return corr, z[:, first] * z[:, second] - corr[first, second] * squares

    def estimate_errors(self, influence: Floats) -> tuple[Floats, Floats]:
        """Return standard errors of estimates under the design and their df, shape (m,) (V1).

        Args:
            influence: Of each form on each estimate, before its share of the weights, shape (n, m).
        """
        whole = np.full((len(self.design.frame), influence.shape[1]), np.nan)
        whole[self.rows] = influence / self.design.weight[self.rows].sum()
        return estimate_errors(self.design, whole)


def estimate_errors(design: Design, influence: Floats) -> tuple[Floats, Floats]:
    """Return the error of Σ wz of each column of influences z, and its df, shape (m,) (V1).

    Args:
        design: The whole sample.
        influence: Blank for forms that have none: they are outside that estimate's domain,
            shape (n, m).

    Returns:
        NaN where there is no error (V3).
    """
    parts = []
    for columns in np.array_split(influence, max(1, influence.shape[1] // TOGETHER), axis=1):
        names = [f"\0z{at}" for at in range(columns.shape[1])]
        z = pd.DataFrame(columns, design.frame.index, names)
        frame = pd.concat([design.frame[design.design_columns], z], axis=1)
        parts.append(total(replace(design, frame=frame), names).frame[["se", "df"]])
    errors = pd.concat(parts).to_numpy(dtype=float)
    return errors[:, 0], errors[:, 1]


def read_sample(sample: Sample, weights: str | None = None) -> Design:
    """Return the design of a frame, a design or a survey.

    Raises:
        DesignError: ``weights`` beside a design or survey, which has its own; forms in files.
    """
    if isinstance(sample, pd.DataFrame):
        return Design(sample, weights)
    design = take_design(sample)
    if weights is not None:
        raise DesignError("weights_twice", column=weights)
    if design.on_files:
        raise DesignError("items_files")
    return design


def read_wording(sample: Sample) -> Mapping[str, Bilingual]:
    """Return the text of each code of a survey; nothing of a frame or a design."""
    return sample.wording if isinstance(sample, Survey) else {}


def list_items(sample: Sample, items: object) -> list[str]:
    """Return the items that are named, of a survey those of its factors if none is."""
    if items is None and isinstance(sample, Survey):
        return list(sample.instrument.items)
    return list(dict.fromkeys(list_names(items, "items")))


def check_scales(sample: Sample, factors: Mapping[str, Sequence[str]]) -> None:
    """Refuse items of different scales in one factor; a frame does not say what its scales are."""
    if not isinstance(sample, Survey):
        return
    pack = sample.instrument
    for factor, items in factors.items():
        levels = {
            code: (pack.scale_of(code).low, pack.scale_of(code).high)
            for code in items
            if code in pack.items
        }
        others = [code for code in levels if levels[code] != next(iter(levels.values()))]
        if others:
            first = next(iter(levels))
            raise DesignError(
                "factor_scales",
                factor=factor,
                first=f"{first} {levels[first][0]}–{levels[first][1]}",
                second=f"{others[0]} {levels[others[0]][0]}–{levels[others[0]][1]}",
            )


def read_answers(design: Design, names: Sequence[str]) -> ItemAnswers:
    """Return the forms that answered every item, or refuse columns that hold no numbers."""
    check_numbers(design.frame, names, names)
    answers = design.frame[list(names)].to_numpy(dtype=float, na_value=np.nan)
    weight = weigh_members(design)
    rows = np.flatnonzero(~np.isnan(answers).any(axis=1) & (weight > 0))
    scaled = weight[rows] * (len(rows) / max(weight[rows].sum(), 1e-300))
    return ItemAnswers(design, tuple(names), rows, answers[rows], scaled)


def share_levels(answers: Floats, weight: Floats) -> tuple[Floats, Floats, int]:
    """Return the levels that were chosen, lowest first, their shares, and the number of forms."""
    answered = ~np.isnan(answers) & (weight > 0)
    number, levels = pd.factorize(answers[answered], sort=True)
    counts = np.bincount(number, weight[answered], len(levels))
    return np.asarray(levels), counts / max(counts.sum(), 1e-300), int(answered.sum())


def weigh_members(design: Design) -> Floats:
    """Return the weights of the forms, 0 outside the part that figures are about, shape (n,)."""
    return np.where(design.members, design.weight, 0.0)


def is_simple_sample(design: Design) -> bool:
    """Whether single forms of equal weight were drawn from one endless population."""
    return not design.design_columns and design.calibration is None and not design.replicates
