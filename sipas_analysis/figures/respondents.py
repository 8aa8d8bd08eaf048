"""The index of groups of respondents, and whether each surely differs from the whole (rule I7).

A group is one answer to a question on the person, or one label of a key of the wave. No index of
too few people is shown, nor one that would follow from the whole and the groups shown (rule P2).
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.figures.hidden_labels import find_hidden_labels, list_person_keys
from sipas_analysis.figures.suppression import blank_hidden
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.infer.result_table import SUPPRESS
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.index_gaps import append_whole, find_gaps
from sipas_analysis.measure.rules import list_targets
from sipas_analysis.measure.scores import score_targets
from sipas_analysis.progress import watch

PART = "part of the forms"  # the key by which forms are split; no wave has it
OTHERS, WHOLE = "\0others", "\0whole"  # forms without the labels, and all; no label is so named
DIFFERENCE = ("difference", "difference_low", "difference_high")
COLUMNS = ["key", "label", "variable", "group", "unit", "value", *DIFFERENCE, "verdict"]


def compare_respondents(survey: Survey, hidden_units: Collection[str] = ()) -> pd.DataFrame:
    """Return the overall index of each group of respondents, and its difference from the whole.

    The intervals of all differences hold together. A group with caution (few people) has an index
    and no verdict.

    Args:
        survey: Validated forms with labels that may be published.
        hidden_units: Units whose index is not published: then no key that follows units is shown.

    Returns:
        One row per group with the columns of ``score``; ``key``, ``label``; ``unit``, the name of
        the group in the id of a figure; ``difference`` from the index of all people in points,
        with its ends; ``verdict``: ``above``, ``below``, ``open`` or empty where there is none.

    Source: rules I7, R7, P2 and P6 in docs/method.md.
    """
    hidden = find_hidden_labels(survey, hidden_units, of_index=True)
    keys = [key for key in list_person_keys(survey) if key in hidden]
    whole = _score_parts(survey, None)
    n_whole = int(whole.frame["n_valid"].iloc[0])
    estimates = {key: list(_score_groups(survey, key, whole)) for key in watch(keys)}
    n_groups = {key: sum(len(part) - 1 for part in parts) for key, parts in estimates.items()}
    n_tests = sum(1 if n == 2 else n for n in n_groups.values())  # of two labels one says all
    tables = [
        _hide_groups(_build_rows(key, parts, n_tests), hidden[key], n_whole)
        for key, parts in estimates.items()
        if n_groups[key]
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def _list_parts(survey: Survey, key: str) -> Iterator["pd.Series[str]"]:
    """Yield the label of each form; of several choices one after the other, and all others."""
    if not survey.is_many(key):
        labels = survey.frame[key].astype(object)
        yield labels.where(labels.notna() & (labels != ""), OTHERS).astype(str)
        return
    for label in survey.instrument.indicators[key].levels:
        yield survey.has_choice(key, label).map({True: label, False: OTHERS})


def _score_parts(survey: Survey, parts: "pd.Series[str] | None") -> Estimates:
    """Estimate the overall index of each part of the forms, or of all of them."""
    targets = list_targets(survey.instrument, survey.instrument.index)
    overall = [target for target in targets if target.level == OVERALL]
    if parts is None:
        return score_targets(survey, (), [overall])[0]
    split = replace(survey, frame=survey.frame.assign(**{PART: parts}))
    return score_targets(split, PART, [overall])[0]


def _score_groups(survey: Survey, key: str, whole: Estimates) -> Iterator[Estimates]:
    """Yield estimates of the labels of a key in their order and, last, of the whole."""
    indicator = survey.instrument.indicators.get(key)
    for parts in _list_parts(survey, key):
        both = append_whole(_score_parts(survey, parts), whole)
        given = [str(label) for label in both.frame[PART].iloc[:-1]]
        both = replace(both, frame=both.frame.assign(**{PART: [*given, WHOLE]}))
        labels = [str(level) for level in indicator.levels] if indicator else sorted(given)
        rows = [given.index(label) for label in labels if label in given and label != OTHERS]
        yield both.take(np.array([*rows, len(both) - 1], dtype=np.int64))


def _build_rows(key: str, parts: Iterable[Estimates], n_tests: int) -> pd.DataFrame:
    """Return the rows of one key with the differences; each interval has 1 − 0.05/n_tests."""
    rows = []
    for estimates in parts:
        n = len(estimates) - 1
        if n:
            gaps = find_gaps(estimates, 1 - 0.05 * n / n_tests, kind="groups")
            groups = estimates.frame.iloc[:n].reset_index(drop=True)
            groups[[*DIFFERENCE, "verdict"]] = gaps[["value", "low", "high", "verdict"]]
            rows.append(groups)
    table = pd.concat(rows, ignore_index=True)
    labels = table.pop(PART).astype(str)
    table["verdict"] = table["verdict"].where(table["difference_low"].notna(), "")
    return table.assign(key=key, label=labels, group="", unit=f"{key}=" + labels)


def _hide_groups(table: pd.DataFrame, hidden: Collection[str], n_whole: int) -> pd.DataFrame:
    """Blank groups that may not be shown, and differences of few people or of everybody."""
    table = table.copy()
    table.loc[table["label"].isin(hidden), "flag"] = SUPPRESS
    unsure = (table["flag"] != "publish") | (table["n_valid"] == n_whole)
    table.loc[unsure, [*DIFFERENCE]] = np.nan
    table.loc[unsure, "verdict"] = ""
    return blank_hidden(table)
