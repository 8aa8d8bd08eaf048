"""The index of groups of respondents, and whether each surely differs from all others (rule I7).

A group is one answer to a question on the person, or one label of a key of the wave. No index of
too few people is shown, nor one that would follow from the whole and the groups shown (rule P2).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.figures.suppression import SUPPRESS, blank_hidden
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.rules import list_targets
from sipas_analysis.measure.scores import score_targets

PART = "part of the forms"  # the key by which forms are split; no wave has it
INSIDE, OUTSIDE = "inside", "outside"
DIFFERENCE = ("difference", "difference_low", "difference_high")
COLUMNS = ["key", "label", "variable", "group", "unit", *DIFFERENCE, "verdict"]


@dataclass(frozen=True)
class _Split:
    """The forms of one group, and the estimates of these and of all other forms."""

    key: str
    label: str
    estimates: Estimates

    @property
    def n_people(self) -> dict[str, int]:
        """Number of people inside and outside, by the name of the part."""
        frame = self.estimates.frame
        return dict(zip(frame[PART], frame["n_valid"].astype(int), strict=True))


def compare_respondents(survey: Survey, hidden_units: Collection[str] = ()) -> pd.DataFrame:
    """Return the overall index of each group of respondents, and its difference from all others.

    The intervals of the differences hold together (Bonferroni); a group of two labels is one
    comparison. A group with caution (few people) has an index and no verdict.

    Args:
        survey: Validated forms with labels that may be published.
        hidden_units: Units whose index is not published: then no key whose labels are made of
            whole units is shown, or a reader could subtract the other units.

    Returns:
        One row per group with the columns of ``score``; ``key``, ``label``; ``unit``, the name of
        the group in the id of a figure; ``difference`` from all other people in points, with its
        ends; ``verdict``: ``above``, ``below``, ``open`` or empty where there is none.

    Source: rules I7, P2 and P6 in docs/method.md.
    """
    splits_by_key = {key: [*_split_forms(survey, key)] for key in list_person_keys(survey)}
    shown = {
        key: splits
        for key, splits in splits_by_key.items()
        if splits and not (hidden_units and _has_whole_units(survey, splits))
    }
    n_tests = sum(len(splits) if len(splits) != 2 else 1 for splits in shown.values())
    parts = [
        _build_rows(survey, splits, level=1 - 0.05 / max(n_tests, 1)) for splits in shown.values()
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def list_person_keys(survey: Survey) -> list[str]:
    """Return the questions on the person and the keys of the wave that the forms have."""
    indicators = survey.instrument.indicators
    profile = [code for code, question in indicators.items() if question.group == "profile"]
    return [key for key in (*profile, *survey.wave.key_codes) if key in survey.keys]


def find_forms(survey: Survey, key: str, label: str) -> "pd.Series[bool]":
    """Return which forms have a label of a key, alone or among others."""
    return survey.has_choice(key, label).fillna(value=False).astype(bool)


def _split_forms(survey: Survey, key: str) -> Iterator[_Split]:
    """Score the forms of each label of a key, and all others."""
    indicators = survey.instrument.indicators
    answered = survey.frame.loc[survey.frame[key].fillna("") != "", key]
    labels = indicators[key].levels if key in indicators else sorted(answered.unique())
    overall = [
        target
        for target in list_targets(survey.instrument, survey.instrument.index)
        if target.level == OVERALL
    ]
    for label in labels:
        is_inside = find_forms(survey, key, label)
        if is_inside.any():
            parts = is_inside.map({True: INSIDE, False: OUTSIDE})
            split = replace(survey, frame=survey.frame.assign(**{PART: parts}))
            (estimates,) = score_targets(split, PART, [overall])
            yield _Split(key, str(label), estimates)


def _has_whole_units(survey: Survey, splits: Sequence[_Split]) -> bool:
    """Return whether a label of a key is given by all or by none of the people of each unit."""
    units = survey.frame["unit"]
    shares = (find_forms(survey, split.key, split.label).groupby(units).mean() for split in splits)
    return any(bool(share.isin([0.0, 1.0]).all()) for share in shares)


def _build_rows(survey: Survey, splits: Sequence[_Split], level: float) -> pd.DataFrame:
    """Return the rows of one key, without numbers where these may not be shown."""
    is_hidden = _mark_hidden(survey, splits)
    rows = pd.concat([split.estimates.select(**{PART: INSIDE}).frame for split in splits])
    names = [f"{split.key}={split.label}" for split in splits]
    rows = rows.drop(columns=PART).assign(
        key=[split.key for split in splits],
        label=[split.label for split in splits],
        group="",
        unit=names,
        flag=np.where(is_hidden, SUPPRESS, rows["flag"]),
    )
    rows[[*DIFFERENCE]] = [_subtract_others(split, level) for split in splits]
    rows["verdict"] = [_judge(split, *row) for split, row in zip(splits, _ends(rows), strict=True)]
    unsure = rows["flag"] != "publish"
    rows.loc[unsure, [*DIFFERENCE]] = np.nan
    rows.loc[unsure, "verdict"] = ""
    return blank_hidden(rows.reset_index(drop=True))


def _mark_hidden(survey: Survey, splits: Sequence[_Split]) -> list[bool]:
    """Mark the groups that are hidden: too few people inside or, taken from the whole, outside.

    People with a hidden label and people with none are one remainder of the whole: as long as
    these are too few, the smallest group is hidden too.
    """
    fewest = survey.wave.min_cell
    n_inside = [split.n_people.get(INSIDE, 0) for split in splits]
    n_outside = [split.n_people.get(OUTSIDE, 0) for split in splits]
    hidden = [
        inside < fewest or 0 < outside < fewest
        for inside, outside in zip(n_inside, n_outside, strict=True)
    ]
    if survey.is_many(splits[0].key):
        return hidden
    n_whole = n_inside[0] + n_outside[0]
    while 0 < n_whole - sum(np.array(n_inside)[~np.array(hidden)]) < fewest and not all(hidden):
        smallest = min((n, at) for at, n in enumerate(n_inside) if not hidden[at])[1]
        hidden[smallest] = True
    return hidden


def _subtract_others(split: _Split, level: float) -> tuple[float, float, float]:
    """Return the difference of a group from all others, with its interval."""
    if len(split.estimates) < 2:
        return np.nan, np.nan, np.nan
    difference = split.estimates.difference({PART: INSIDE}, {PART: OUTSIDE}, level=level)
    value, low, high = difference.frame[["value", "low", "high"]].to_numpy(dtype=float)[0]
    return value, low, high


def _ends(rows: pd.DataFrame) -> list[list[float]]:
    ends: list[list[float]] = rows[[*DIFFERENCE[1:]]].to_numpy(dtype=float).tolist()
    return ends


def _judge(split: _Split, low: float, high: float) -> str:
    """Return whether a group is surely above or below all others.

    Where all people of a part gave the same answers, the exact intervals must be apart too.
    """
    if np.isnan(low):
        return ""
    parts = split.estimates.frame.set_index(PART)
    inside, outside = parts.loc[INSIDE], parts.loc[OUTSIDE]
    without_error = min(inside["se"], outside["se"]) == 0
    if low > 0 and not (without_error and inside["low"] <= outside["high"]):
        return "above"
    if high < 0 and not (without_error and inside["high"] >= outside["low"]):
        return "below"
    return "open"
