"""Look for items that run against the others: a reversed scale that the pack does not name.

A reversed item without ``reverse: true`` counts the satisfied as dissatisfied.
"""

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.infer.distributions import t_tail

FEWEST = 30  # forms
ALARM = 0.01  # chance of a word about a right questionnaire


def find_opposed_items(survey: Survey) -> pd.DataFrame:
    """Return the items whose answers fall where those of the other items rise.

    An item is compared with the mean of the other items of the form, in standard deviations
    (Pearson, one-sided, Bonferroni over the items).

    Returns:
        One row per such item: ``item``, ``r``, ``n``.
    """
    codes, index = [*survey.instrument.items], survey.frame.index
    n_answered, total = pd.Series(0, index), pd.Series(0.0, index)
    levels = {code: survey.frame[code].astype(float) for code in codes}
    moments = {code: (answers.mean(), answers.std()) for code, answers in levels.items()}
    for code in codes:
        scores = _standardise(levels[code], *moments[code])
        n_answered += scores.notna()
        total += scores.fillna(0.0)
    n_others = (n_answered - 1).where(n_answered > 1)
    facts = {}
    for code in codes:
        scores = _standardise(levels[code], *moments[code])
        rest = (total - scores) / n_others
        facts[code] = scores.corr(rest), int((scores.notna() & n_others.notna()).sum())
    r, n = (pd.Series(values, codes) for values in zip(*facts.values(), strict=True))
    t = r * np.sqrt((n - 2).clip(lower=0) / (1 - r**2).clip(lower=1e-12))
    p = pd.Series(t_tail(-t.to_numpy(), (n - 2).clip(lower=1)), codes)
    is_opposed = (n >= FEWEST) & (p < ALARM / len(codes))
    table = pd.DataFrame({"item": codes, "r": r.to_numpy(), "n": n.to_numpy()})
    return table[is_opposed.to_numpy()].reset_index(drop=True)


def _standardise(levels: "pd.Series[float]", mean: float, sd: float) -> "pd.Series[float]":
    """Return the answers to an item in standard deviations from its mean."""
    return (levels - mean) / sd
