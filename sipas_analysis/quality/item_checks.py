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
    levels = survey.frame[[*survey.instrument.items]].astype(float)
    scores = (levels - levels.mean()) / levels.std()
    n_answered, total = scores.count(axis=1), scores.sum(axis=1)
    n_others = (n_answered - 1).where(n_answered > 1)
    rests = ((total - scores[code]) / n_others for code in scores)  # one at a time, to save memory
    r = pd.Series([scores[code].corr(rest) for code, rest in zip(scores, rests, strict=True)])
    n = (scores.notna() & n_others.notna().to_numpy()[:, None]).sum()
    r.index = n.index
    t = r * np.sqrt((n - 2).clip(lower=0) / (1 - r**2).clip(lower=1e-12))
    p = pd.Series(t_tail(-t.to_numpy(), (n - 2).clip(lower=1)), levels.columns)
    is_opposed = (n >= FEWEST) & (p < ALARM / len(levels.columns))
    facts = pd.DataFrame({"item": levels.columns, "r": r.to_numpy(), "n": n.to_numpy()})
    return facts[is_opposed.to_numpy()].reset_index(drop=True)
