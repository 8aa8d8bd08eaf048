"""Turn answers into percentages of satisfied people, by item, factor, block and overall.

SIPAS publishes the share of people who chose one of the two best levels. A mean score (M5)
and the share satisfied with everything (M4) may stand beside that share, never instead of it.
How parts make the whole is read from the instrument's ``index:`` block (M2, M3).
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import ColumnError
from sipas_analysis.infer.design import Block, Design, Floats, block
from sipas_analysis.infer.estimates import (
    COLUMNS,
    FEW_PEOPLE,
    Estimates,
    effective_n,
    evaluate,
    exact_interval,
    flags,
    printed,
)
from sipas_analysis.instrument.pack import OVERALL, Index, IndexRule
from sipas_analysis.measure.rules import (
    COMPREHENSIVE,
    Target,
    column_names,
    item_codes,
    targets,
)


def score(survey: Survey, by: str | Sequence[str] = (), index: Index | None = None) -> Estimates:
    """Estimate every index of the instrument in each domain.

    Item I_j = 100·Σ wᵢsᵢⱼ / Σ wᵢvᵢⱼ; factor, block and overall by the rules of the index.

    Args:
        survey: Forms that passed the door.
        by: Key columns: ``unit``, ``group``, ``mode`` or any profile column; none for the whole.
        index: Rules to use in place of the instrument's own.

    Returns:
        One row per domain and figure with the glossary's columns, in percent. A domain with
        one form has no error (V3); without forms there is no row.

    Raises:
        ColumnError: ``by`` names no key column of the survey.

    Source: rules M1–M6, I1, I2, V1 and V3 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> labour = sipas.score(survey, by="unit").select(unit="so-ldtbxh", variable="overall")
        >>> labour.frame["printed"].item()
        '94.59'
    """
    keys = [by] if isinstance(by, str) else list(by)
    unknown = [key for key in keys if key not in survey.keys]
    if unknown:
        raise ColumnError("no_key", key=unknown[0], known=", ".join(survey.keys))
    if "unit" in keys and "group" not in keys:
        keys = ["group", *keys]
    wanted = targets(survey.instrument, index or survey.instrument.index)
    frames = [_figure(made, it, survey) for made in _blocks(survey, keys, wanted) for it in wanted]
    found = pd.concat(frames, ignore_index=True)
    if "unit" in keys:
        found["unit_name"] = found["unit"].map(survey.unit_names)
    first = [c for c in ("level", "group", "unit", "unit_name", *keys, "variable") if c in found]
    return Estimates(found[[*dict.fromkeys(first), *COLUMNS]])


def compare_rules(survey: Survey, by: str | Sequence[str] = ()) -> Estimates:
    """Estimate factors and the whole under each rule, side by side in the column ``rule``.

    Factors: pooled and mean_of_items (M2). Overall: these, mean_of_factors over pooled factors
    and, where the instrument asks it, overall_item (M3). Same rows as ``score`` otherwise.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> found = sipas.compare_rules(survey).select(variable="overall").frame
        >>> found["rule"].tolist()
        ['pooled', 'mean_of_items', 'mean_of_factors', 'overall_item']
    """
    rules = {"pooled": "pooled", "mean_of_items": "mean_of_items", "mean_of_factors": "pooled"}
    if survey.instrument.overall_item:
        rules["overall_item"] = "pooled"
    found = []
    for whole, parts in rules.items():
        part = IndexRule.model_validate({"rule": parts})
        changed = {
            "factor": part,
            "block": part,
            OVERALL: IndexRule.model_validate({"rule": whole}),
        }
        frame = score(survey, by, survey.instrument.index.model_copy(update=changed)).frame
        levels = ["factor", OVERALL] if whole == parts else [OVERALL]
        found.append(frame[frame["level"].isin(levels)].assign(rule=whole))
    return Estimates(pd.concat(found, ignore_index=True))


def answer_counts(survey: Survey, by: Sequence[str] = ()) -> pd.DataFrame:
    """Count the forms at each level of each item: keys, ``item``, ``answer``, ``n``, ``weight``."""
    codes = item_codes(survey.instrument)
    weights = survey.frame.get("weight", 1.0)
    long = survey.frame[[*by, *codes]].assign(_w=weights)
    long = long.melt([*by, "_w"], var_name="item", value_name="answer").dropna(subset="answer")
    counted = long.groupby([*by, "item", "answer"], sort=True)["_w"].agg(n="size", weight="sum")
    return counted.reset_index().astype({"answer": int})


def _blocks(survey: Survey, keys: list[str], wanted: Sequence[Target]) -> Iterator[Block]:
    """Reduce the forms once; a multi-choice key makes one block per choice (they overlap)."""
    values, marks = _columns(survey, wanted)
    weights = "weight" if "weight" in survey.frame else None
    many = [key for key in keys if survey.is_many(key)]
    if not many:
        yield block(Design(survey.frame, weights), keys, values, marks)
        return
    for choice in survey.instrument.indicators[many[0]].levels:
        chosen = survey.chose(many[0], choice).map({True: choice})
        frame = survey.frame.assign(**{many[0]: chosen})
        yield block(Design(frame, weights), keys, values, marks)


def _columns(survey: Survey, wanted: Sequence[Target]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the 0/1 columns of the block, and counts by form and figure."""
    pack = survey.instrument
    codes = item_codes(pack)
    answers = survey.frame[codes].to_numpy(dtype=float)
    valid, agreed = ~np.isnan(answers), answers >= pack.scale.satisfied_from
    hot = (answers[:, :, None] == np.array(pack.scale.levels, float)).reshape(len(answers), -1)
    of = np.isin(codes, list(pack.items))
    eligible = valid[:, of].sum(axis=1) >= pack.index.comprehensive_from
    content = eligible & (agreed[:, of] == valid[:, of]).all(axis=1)
    values = np.column_stack([hot, eligible, content]).astype(float)
    marks: dict[str, object] = {}
    for target in wanted:
        of = np.isin(codes, target.items)
        n_valid, n_agreed = valid[:, of].sum(axis=1), agreed[:, of].sum(axis=1)
        comprehensive = target.variable == COMPREHENSIVE
        marks |= {
            f"{target.variable}.answers": n_valid,
            f"{target.variable}.people": eligible if comprehensive else n_valid > 0,
            f"{target.variable}.satisfied": n_agreed > 0,
            f"{target.variable}.unsatisfied": n_agreed < n_valid,
        }
    at = survey.frame.index
    return pd.DataFrame(values, at, column_names(pack)), pd.DataFrame(marks, at)


def _figure(totals: Block, target: Target, survey: Survey) -> pd.DataFrame:
    """Return one figure in each domain of a block, with interval and text."""
    found = _settled(evaluate(totals, target.mean), target)
    people = totals.people[f"{target.variable}.people"].to_numpy(dtype=float)
    alone = people <= 1
    variance = np.where(alone, np.nan, found["variance"])
    df = np.where(alone, np.nan, people - 1)
    value = found["value"].to_numpy()
    single = target.mean.share.size == 1 and target.kind != "score"
    top = found["numerator"] / 100 if single else np.full(len(found), np.nan)
    bottom = found["denominator"].to_numpy()
    exact = single and not totals.weighted
    low, high, n_eff, method = _interval(
        totals, target, people, pd.DataFrame({"value": value, "variance": variance, "df": df})
    )
    asked = np.where((people > 1) & (target.kind != "score"), people - 1, np.nan)
    srs = value * (100 - value) / asked  # with replacement, as svymean(deff = "replace")
    places = survey.instrument.index.decimals
    parts = zip(value, top if exact else [np.nan] * len(found), bottom, strict=True)
    frame = totals.keys.assign(
        level=target.level, variable=target.variable, value=value, se=np.sqrt(variance),
        low=np.where(alone, np.nan, low), high=np.where(alone, np.nan, high), df=df,
        n=totals.people["n"], n_valid=people.astype(int), numerator=top, denominator=bottom,
        deff=np.divide(variance, srs, out=np.full(len(found), np.nan), where=srs > 0),
        n_eff=np.where(alone, np.nan, n_eff), method=np.where(alone, "none", method),
        flag=flags(people.astype(int), survey.wave.min_cell),
    )  # fmt: skip
    return frame.assign(printed=[printed(v, n, d, places) for v, n, d in parts])


def _settled(found: pd.DataFrame, target: Target) -> pd.DataFrame:
    """Set a percentage that only float sums keep from 0 or 100 to that end, without error."""
    if target.kind == "score":
        return found
    end = found["value"].round().where(found["value"].round(9).isin([0.0, 100.0]))
    return found.assign(
        value=end.fillna(found["value"]), variance=found["variance"].where(end.isna(), 0.0)
    )


def _interval(
    totals: Block, target: Target, people: Floats, found: pd.DataFrame
) -> tuple[Floats, Floats, Floats, str]:
    """Return low, high, effective n and method: I1 for people, I2 for answers, t for scores."""
    value, variance, df = (found[name].to_numpy() for name in ("value", "variance", "df"))
    if target.kind == "score":
        return (*_score_interval(target, people, found), people, "t")
    share = np.clip(value / 100, 0.0, 1.0)
    if target.kind == "people" and not totals.weighted:
        low, high = exact_interval(np.rint(share * people), people)
        return 100 * low, 100 * high, people, "clopper-pearson"
    cap = people
    if target.kind == "answers":
        counts = totals.people
        unsatisfied = counts[f"{target.variable}.unsatisfied"].to_numpy()
        rarer = np.where(share >= 0.5, unsatisfied, counts[f"{target.variable}.satisfied"])
        cap = np.where(rarer < FEW_PEOPLE, people, counts[f"{target.variable}.answers"])
    n_eff = effective_n(share, variance / 1e4, people=people, df=df, cap=cap)
    low, high = exact_interval(share * n_eff, n_eff)
    return 100 * low, 100 * high, n_eff, "korn-graubard"


def _score_interval(target: Target, people: Floats, found: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return the t interval of a mean score, within its scale.

    Where everyone chose the best or the worst level the exact interval of a share stands in, so
    that thirty fives are not certainty; where everyone chose another one level there is none.
    """
    value, variance, df = (found[name].to_numpy() for name in ("value", "variance", "df"))
    worth = target.mean.top[target.mean.bottom > 0]
    floor, ceiling = worth.min(), worth.max()
    half = stats.t.ppf(0.975, df) * np.sqrt(np.where(variance > 0, variance, np.nan))
    low, high = np.maximum(value - half, floor), np.minimum(value + half, ceiling)
    reach = ceiling - floor
    share = (value - floor) / reach
    ends = np.isclose(share, 0.0) | np.isclose(share, 1.0)
    exact = exact_interval(np.rint(np.where(ends, share, 0.0) * people), people)
    at_end = [floor + reach * end for end in exact]
    return np.where(ends, at_end[0], low), np.where(ends, at_end[1], high)
