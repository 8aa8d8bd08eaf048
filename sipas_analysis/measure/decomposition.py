"""Split a change between two waves into who was asked and how they answered (Kitagawa, rule C3)."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_kind, check_level, check_name
from sipas_analysis.collect.survey import Survey, find_unit, refuse_key
from sipas_analysis.errors import ColumnError
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.distributions import t_quantile, t_tail
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.infer.means import total
from sipas_analysis.measure.wave_breaks import has_same_questions


def decompose(
    before: Survey, after: Survey, by: str, unit: str = "", level: float = 0.95
) -> Estimates:
    """Split a change of the pooled index into who was asked and how they answered.

    Kitagawa: Σ_g (q₂ − q₁)(r₁ + r₂)/2 and Σ_g (r₂ − r₁)(q₁ + q₂)/2, with q_g the group's share of
    valid answers and r_g its index. The two add up to the change exactly.

    Args:
        before: The earlier wave.
        after: The later wave, of the same instrument.
        by: Key of the groups, such as ``sex``; people without it form another group.
        unit: Code of one unit; the whole if empty.
        level: Confidence of the intervals.

    Returns:
        Three rows by ``variable``: ``who``, ``how`` and ``change``, in points, with ``se``,
        ``low``, ``high``, ``df`` and ``p``; NaN where nobody answered.

    Raises:
        ColumnError: The key is unknown, allows several answers, or instruments differ.

    Source: rule C3 in docs/method.md; Kitagawa (1955), doi:10.1080/01621459.1955.10501299.

    Example:
        >>> import sipas_analysis as sipas
        >>> waves = [sipas.read_survey(sipas.read_wave(f"data/an-giang-{year}/wave.yaml"))
        ...          for year in (2020, 2021)]
        >>> sipas.decompose(*waves, by="sex").frame["value"].round(2).tolist()
        [-0.03, 0.86, 0.83]
    """
    check_name(by, "by")
    check_level(level)
    for role, survey in (("before", before), ("after", after)):
        check_kind(survey, Survey, "survey", role)
        if by not in survey.keys or survey.is_many(by):
            raise refuse_key(survey, by)
        if unit:
            find_unit(survey, unit)
    if not has_same_questions(before.instrument, after.instrument):
        raise ColumnError(
            "compare_instruments", first=before.instrument.id, second=after.instrument.id
        )
    groups = sorted({*before.frame[by].fillna(""), *after.frame[by].fillna("")})
    totals = [_total_groups(survey, by, groups, unit) for survey in (before, after)]
    old, new = (wave_totals.frame["value"].to_numpy(dtype=float) for wave_totals in totals)
    rows = []
    for at, name in enumerate(("who", "how", "change")):
        parts = [
            totals[0].combine(partial(_vary_before, after=new, at=at)),
            totals[1].combine(partial(_vary_after, before=old, at=at)),
        ]
        se, df = _combine_errors([part.frame.iloc[0] for part in parts])
        half = float(t_quantile((1 + level) / 2, df)) * se
        value = _split_change(old, new)[at]
        rows.append(
            {
                "variable": name,
                "value": value,
                "se": se,
                "low": value - half,
                "high": value + half,
                "df": df,
                "p": 2 * float(t_tail(np.array(abs(value) / se), df)) if se > 0 else np.nan,
                "n": _count_forms(before, unit) + _count_forms(after, unit),
            }
        )
    return Estimates(pd.DataFrame(rows))


def _count_forms(survey: Survey, unit: str) -> int:
    return int((survey.frame["unit"] == unit).sum()) if unit else len(survey.frame)


def _total_groups(survey: Survey, by: str, groups: Sequence[str], unit: str) -> Estimates:
    """Return the totals of satisfied and of all answers by group: 2G rows with covariance."""
    pack, frame = survey.instrument, survey.frame
    answers = frame[[*pack.items]]
    in_unit = (frame["unit"] == unit) if unit else pd.Series(True, frame.index)
    group_of = frame[by].fillna("")
    n_satisfied = (answers >= pack.satisfied_levels(pack.items)).sum(axis=1).to_numpy(dtype=float)
    n_valid = answers.notna().sum(axis=1).to_numpy(dtype=float)
    columns = {
        f"{fact}{k}": np.where(in_unit & (group_of == group), count, 0.0)
        for fact, count in (("top", n_satisfied), ("all", n_valid))
        for k, group in enumerate(groups)
    }
    counts = pd.DataFrame(columns, index=frame.index)
    return total(survey.design(pd.concat([frame, counts], axis=1)), list(columns))


def _split_change(before: Floats, after: Floats) -> Floats:
    """Return who, how and change in points from totals (top of G groups, then all of G)."""
    top1, all1 = np.split(np.asarray(before, float), 2)
    top2, all2 = np.split(np.asarray(after, float), 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        r1, r2 = top1 / all1, top2 / all2
        q1, q2 = all1 / all1.sum(), all2 / all2.sum()
    r1, r2 = np.where(all1 > 0, r1, r2), np.where(all2 > 0, r2, r1)
    r1, r2 = np.nan_to_num(r1), np.nan_to_num(r2)
    who, how = ((q2 - q1) * (r1 + r2) / 2).sum(), ((r2 - r1) * (q1 + q2) / 2).sum()
    return 100 * np.array([who, how, who + how])


def _vary_before(before: Floats, after: Floats, at: int) -> float:
    return float(_split_change(before, after)[at])


def _vary_after(after: Floats, before: Floats, at: int) -> float:
    return float(_split_change(before, after)[at])


def _combine_errors(parts: "Sequence[pd.Series[float]]") -> tuple[float, float]:
    """Return error and degrees of freedom of a change of two independent waves (Satterthwaite)."""
    errors = [float(part["se"]) for part in parts]
    se = float(np.hypot(errors[0], errors[1]))
    terms = sum(
        error**4 / float(part["df"]) for error, part in zip(errors, parts, strict=True) if error > 0
    )
    return se, se**4 / terms if terms > 0 else np.nan
