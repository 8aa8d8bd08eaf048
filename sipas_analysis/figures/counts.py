"""Count what a report states of people, forms, units and settings, each number with its name.

Only counts that may be published are returned: a small count is hidden, and with it a second
number from which it could be computed (rule P2).
"""

import math
from collections.abc import Collection, Iterator, Mapping

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import DROP_REASONS, Survey
from sipas_analysis.figures.hidden_labels import find_hidden_labels, mark_labels
from sipas_analysis.figures.suppression import are_safe
from sipas_analysis.infer.intervals import exact_interval

Numbers = dict[str, float]
TOLD_POINTS = 5.0  # difference of two units that a sample should show
WITHIN = 0.4  # correlation of a person's answers, as sample plans take it


def count_people(survey: Survey, hidden_units: Collection[str] = ()) -> pd.DataFrame:
    """Count the people with each label of each key, of those who answered.

    Returns:
        One row per label that somebody gave: ``id`` (``people:<key>=<label>``), ``value`` in
        percent, ``numerator``, ``denominator``; blank where the count is hidden. A row
        ``people:<key>`` has the number of people who answered. No row of a key that follows units
        where some are hidden.

    Source: rules P2, P5 and P6 in docs/method.md.
    """
    hidden = find_hidden_labels(survey, hidden_units)
    rows = [row for key, labels in hidden.items() for row in _count_labels(survey, key, labels)]
    return pd.DataFrame(rows).assign(rule="P2")


def _count_labels(
    survey: Survey, key: str, hidden: Collection[str]
) -> Iterator[Mapping[str, object]]:
    """Yield the people who answered, unless a hidden count follows; then those of each label."""
    answers, marks, fewest = survey.frame[key], mark_labels(survey, key), survey.wave.min_cell
    is_none = answers == ""  # of several choices none: answered
    n = int((answers.notna() & (survey.is_many(key) | ~is_none)).sum())
    counts = {str(label): int(count) for label, count in marks.sum().items() if count}
    n_without = n - int(marks.any(axis=1).sum())
    is_safe = n_without >= fewest or are_safe(
        [count for label, count in counts.items() if label in hidden], fewest
    )
    yield {"id": f"people:{key}", "value": n if n >= fewest and is_safe else math.nan}
    for label, count in counts.items():
        name = {"id": f"people:{key}={label}"}
        numbers = {"value": 100 * count / n, "numerator": count, "denominator": n}
        yield name if label in hidden else {**name, **numbers}


def count_incidents(survey: Survey) -> pd.DataFrame:
    """Estimate the share of people who met or want something, with its exact interval.

    Returns:
        One row per question that was asked: ``id`` (``incident:<code>``), ``value``, ``low``,
        ``high``, ``numerator``, ``denominator``; nothing where too few answered.

    Source: rules I1 and P2 in docs/method.md.
    """
    rows = [
        {"id": f"incident:{code}", **_count_incident(survey, code, indicator.counted)}
        for code, indicator in survey.instrument.indicators.items()
        if indicator.counted and code in survey.keys
    ]
    return pd.DataFrame(rows).assign(rule="I1")


def _count_incident(survey: Survey, code: str, counted: tuple[str, ...]) -> Numbers:
    answers = survey.frame[code].dropna()
    chosen = [survey.has_choice(code, label)[answers.index] for label in counted]
    n, k = len(answers), int(np.logical_or.reduce(chosen).sum())
    if n < survey.wave.min_cell:
        return {}
    low, high = exact_interval(np.array([float(k)]), np.array([float(n)]))
    ends = {"low": 100 * float(low[0]), "high": 100 * float(high[0])}
    return {"value": 100 * k / n, **ends, "numerator": k, "denominator": n}


def count_forms(survey: Survey) -> Numbers:
    """Count forms and cells read, dropped and changed, and units, by id."""
    ledger, units = survey.ledger, set(survey.frame["unit"])
    is_cell = ledger["row"].notna() & (ledger["column"] != "")
    is_dropped = ledger["reason"].isin(DROP_REASONS)
    columns = ledger[ledger["column"] != ""].groupby("reason")["column"].nunique()
    numbers = {
        "forms:read": survey.n_read,
        "forms:kept": len(survey.frame),
        "forms:dropped": survey.n_read - len(survey.frame),
        "forms:changed": (is_cell & ~is_dropped).sum(),
        "forms:personal": (ledger["reason"] == "personal").sum(),
        "units:with_forms": len(units),
        "units:silent": len(set(survey.units["code"]) - units),
        **{f"ledger:{reason}": n for reason, n in ledger["reason"].value_counts().items()},
        **{f"ledger.columns:{reason}": n for reason, n in columns.items()},
    }
    return {name: float(number) for name, number in numbers.items()}


def list_settings(survey: Survey) -> Numbers:
    """Return the settings that a report prints, by id."""
    wave, pack = survey.wave, survey.instrument
    own = {f":{code}": pack.scale_of(code) for code in pack.rated_codes}
    scales = {"": pack.scale} | {code: s for code, s in own.items() if s != pack.scale}
    numbers: Numbers = {
        "setting:confidence": 95,
        "setting:min_forms": pack.index.min_forms,
        "setting:min_cell": wave.min_cell,
        **{f"setting:target:{target:g}": target for target in wave.targets},
        **{f"setting:points:{level}": worth for level, worth in pack.index.points.items()},
        **{f"setting:low{code}": scale.low for code, scale in scales.items()},
        **{f"setting:high{code}": scale.high for code, scale in scales.items()},
        **{f"setting:satisfied_from{code}": s.satisfied_from for code, s in scales.items()},
        "setting:levels": len(pack.scale.levels),
        "setting:factors": len(pack.factors),
        "wording:all": len(pack.items),
        **{f"wording:{status}": len(codes) for status, codes in pack.by_status().items()},
    }
    for level, rule in pack.rules_by_level():
        numbers |= {f"setting:weight:{level}:{code}": w for code, w in rule.weights.items()}
    return {name: float(number) for name, number in numbers.items()}


def describe_sample(survey: Survey) -> Numbers:
    """Return what a report states of the sample by id: strata, clusters, forms that count."""
    design, frame = survey.design(), survey.frame
    numbers: Numbers = {}
    if design.strata or design.clusters:
        stage = design.stages[0]
        numbers = {"design:strata": len(stage.n), "design:clusters": len(stage.group)}
    if "stratum" in frame:
        clusters = frame[["stratum", "cluster"]].drop_duplicates() if "cluster" in frame else frame
        numbers["design:lonely"] = int((clusters["stratum"].value_counts() == 1).sum())
    if "cluster" in frame:
        keys = [name for name in ("stratum", "cluster") if name in frame]
        numbers["design:sent_clusters"] = len(frame[keys].drop_duplicates())
    if "weight" in frame:
        weights = frame["weight"].astype(float)
        numbers["design:forms"] = float(len(frame))
        numbers["design:effective"] = float(weights.sum() ** 2 / (weights**2).sum())
    return numbers


def count_units(ranking: pd.DataFrame) -> Numbers:
    """Count the units of each group: all, ranked, and letters; the fewest and the most forms.

    Beside them the units of all groups without a published result, where there are some.
    """
    n_hidden = int(ranking["value"].isna().sum())
    numbers: Numbers = {"units:hidden": n_hidden} if n_hidden else {}
    for group, units in ranking.groupby("group", sort=False):
        ranked = units[units["rank"].notna()]
        known = units["n"].dropna()  # others are hidden (P2)
        numbers |= {
            f"units:{group}": len(units),
            f"ranked:{group}": len(ranked),
            f"letters:{group}": ranked["letter"].nunique(),
            f"fewest:{group}": known.min(),
            f"most:{group}": known.max(),
            f"detectable:{group}": ranked["detectable"].median(),
            f"pairs:{group}": len(ranked) * (len(ranked) - 1) / 2,
        }
    return {name: float(number) for name, number in numbers.items() if pd.notna(number)}


def count_needed(index: float, survey: Survey) -> Numbers:
    """Return how many forms two units need to show a difference of 5 points from the index down.

    Beside it the forms of all units, rounded up to hundreds. Nothing for an index of points, or
    near 0: the formula is that of a share (rule S1).
    """
    from sipas_analysis.infer.sample_size import forms_to_tell  # loads SciPy's solvers

    pack, n_units = survey.instrument, survey.frame["unit"].nunique()
    if pack.index.points or not index > TOLD_POINTS:
        return {}
    low = index - TOLD_POINTS
    forms = forms_to_tell(index, low, items=len(pack.items), within=WITHIN)
    return {"needed:forms": forms, "needed:all": 100 * math.ceil(forms * n_units / 100)}
