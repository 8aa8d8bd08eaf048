"""Turn answers into percentages of satisfied people, by item, factor, block and overall.

SIPAS publishes the share of people who chose one of the two best levels. A mean score (M5)
and the share satisfied with everything (M4) may stand beside that share, never instead of it.
How parts make the whole is read from the instrument's ``index:`` block (M2, M3).
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from scipy import sparse, stats

from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import ColumnError
from sipas_analysis.infer.design import CENSUS, Floats
from sipas_analysis.infer.estimates import COLUMNS, FEW_PEOPLE, Estimates, evaluate, flags, printed
from sipas_analysis.infer.intervals import cap_of, effective_n, exact_interval, simple_interval
from sipas_analysis.infer.totals import Block, Columns
from sipas_analysis.infer.totals_from_files import block
from sipas_analysis.infer.variance import sampling_fraction, whole_strata
from sipas_analysis.instrument.pack import (
    OVERALL,
    Index,
    IndexRule,
    Instrument,
    Rule,
    read_instrument,
)
from sipas_analysis.measure.rules import Target, column_names, item_codes, targets

FACTS = ("answers", "people", "satisfied", "unsatisfied")


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
    blocks = list(_blocks(survey, keys, wanted))
    figures = [_figure(made, it, survey) for made in blocks for it in wanted]
    found = pd.concat([frame for frame, _ in figures], ignore_index=True)
    if "unit" in keys:
        found["unit_name"] = found["unit"].map(survey.unit_names)
    first = [c for c in ("level", "group", "unit", "unit_name", *keys, "variable") if c in found]
    found = found[[*dict.fromkeys(first), *COLUMNS]]
    if len(blocks) > 1:  # choices overlap: no one block holds them all
        return Estimates(found)
    return Estimates(found, blocks[0], sparse.csr_array(sparse.vstack([it for _, it in figures])))


def compare_rules(
    survey: Survey, rules: Sequence[str | Path] = (), by: str | Sequence[str] = ()
) -> Estimates:
    """Estimate factors and the whole under several rules, side by side in the column ``rule``.

    Args:
        survey: Forms that passed the door.
        rules: Rules of M2 to M4 by name (``pooled``, ``mean_of_items``, ``mean_of_factors``,
            ``overall_item``, ``comprehensive``), and packs by id or path, whose index block is laid
            on the survey's own items. The readings of M2 and M3 that the instrument allows, if
            left out.
        by: Key columns, as in ``score``.

    Returns:
        Rows as ``score`` with ``rule`` and ``reason``: in what the rule differs from the survey's
        own, as words of the messages ``rule_why`` joined by spaces; ``own`` if in nothing.

    Raises:
        ColumnError: A rule does not fit the survey: points for another scale, weights of factors
            that it does not have, a question on the whole that it did not ask.
        ConfigError: No such pack.

    Source: rule M8 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> found = sipas.compare_rules(survey).select(variable="overall").frame
        >>> found["rule"].tolist()
        ['pooled', 'mean_of_items', 'mean_of_factors', 'overall_item']
    """
    lawful = ["pooled", "mean_of_items", "mean_of_factors"]
    lawful += ["overall_item"] if survey.instrument.overall_item else []
    found = []
    for rule in rules or lawful:
        index, levels = _ruled(survey.instrument, rule)
        frame = score(survey, by, index).frame
        why = " ".join(_why(index, survey.instrument.index)) or "own"
        found.append(frame[frame["level"].isin(levels)].assign(rule=str(rule), reason=why))
    return Estimates(pd.concat(found, ignore_index=True))


def _ruled(pack: Instrument, rule: str | Path) -> tuple[Index, list[str]]:
    """Return the index of a rule by name or of a pack, and the levels on which it speaks."""
    if rule not in get_args(Rule):
        other = read_instrument(rule)
        if other.index.points and {*other.index.points} != {*pack.scale.levels}:
            raise ColumnError(
                "rule_scale",
                rule=rule,
                levels=len(pack.scale.levels),
                points=len(other.index.points),
            )
        for _, one in other.rules():
            unknown = [name for name in one.weights if name not in (*pack.factors, *pack.blocks)]
            if unknown:
                raise ColumnError("rule_weights", rule=rule, names=", ".join(unknown))
        if other.index.overall.rule == "overall_item" and not pack.overall_item:
            raise ColumnError("rule_overall", rule=rule)
        return other.index, ["factor", OVERALL]
    if rule == "overall_item" and not pack.overall_item:
        raise ColumnError("rule_overall", rule=rule)
    parts = rule if rule in ("pooled", "mean_of_items") else "pooled"
    part = IndexRule.model_validate({"rule": parts})
    changed = {"factor": part, "block": part, OVERALL: IndexRule.model_validate({"rule": rule})}
    levels = ["factor", OVERALL] if rule == parts else [OVERALL]
    return pack.index.model_copy(update=changed), levels


def _why(index: Index, own: Index) -> Iterator[str]:
    """Say in what an index differs from one's own: points, then how the whole is made."""
    if dict(index.points) != dict(own.points):
        yield "points" if index.points else "satisfied"
    if index.overall.rule != own.overall.rule or index.overall.weights != own.overall.weights:
        yield index.overall.rule
    elif index.factor.rule != own.factor.rule and index.overall.rule == "mean_of_factors":
        yield f"factors_{index.factor.rule}"


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
    columns = _columns(survey.instrument, wanted)
    many = [key for key in keys if survey.is_many(key)]
    if not many:
        yield block(survey.design(), keys, columns)
        return
    for choice in survey.instrument.indicators[many[0]].levels:
        chosen = survey.chose(many[0], choice).map({True: choice})
        yield block(survey.design(survey.frame.assign(**{many[0]: chosen})), keys, columns)


def _columns(pack: Instrument, wanted: Sequence[Target]) -> Columns:
    """Return what to total: item × level, the facts of rule M4, and who gave which answer."""
    names, codes = column_names(pack), item_codes(pack)
    flags = [f"{it.variable}.{fact}" for it in wanted for fact in FACTS]
    return Columns(
        tuple(names),
        partial(_hot, pack=pack),
        np.ones(len(names)),
        [True] * len(names),
        tuple(flags),
        partial(_marks, pack=pack, wanted=tuple(wanted)),
        reads=tuple(codes),
    )


def _read(frame: pd.DataFrame, pack: Instrument) -> tuple[Floats, Any, Any, Any]:
    """Return answers, which are valid, which are satisfied, and who is eligible (M4)."""
    codes = item_codes(pack)
    answers = frame[codes].to_numpy(dtype=float)
    valid, agreed = ~np.isnan(answers), answers >= pack.scale.satisfied_from
    rated = valid[:, np.isin(codes, list(pack.items))].sum(axis=1)
    return answers, valid, agreed, rated >= pack.index.comprehensive_from


def _hot(frame: pd.DataFrame, pack: Instrument) -> list[Floats]:
    """Return the 0/1 columns of the block."""
    answers, valid, agreed, eligible = _read(frame, pack)
    of = np.isin(item_codes(pack), list(pack.items))
    content = eligible & (agreed[:, of] == valid[:, of]).all(axis=1)
    each = [answers[:, at] == level for at in range(of.size) for level in pack.scale.levels]
    return [np.asarray(it, dtype=float) for it in (*each, eligible, content)]


def _marks(frame: pd.DataFrame, pack: Instrument, wanted: Sequence[Target]) -> list[Floats]:
    """Return answers, people who answered, and people satisfied and not, of each figure."""
    _, valid, agreed, eligible = _read(frame, pack)
    codes, found = item_codes(pack), []
    for target in wanted:
        of = np.isin(codes, target.items)
        n_valid, n_agreed = valid[:, of].sum(axis=1), agreed[:, of].sum(axis=1)
        people = eligible if target.eligible else n_valid > 0
        found += [n_valid, people, n_agreed > 0, n_agreed < n_valid]
    return [np.asarray(it, dtype=float) for it in found]


def _figure(totals: Block, target: Target, survey: Survey) -> tuple[pd.DataFrame, Any]:
    """Return one figure in each domain of a block, with interval and text; and its influence."""
    raw, influence = evaluate(totals, target.mean, f"{target.variable}.people")
    found = _settled(raw, target)
    value, variance, people = (found[k].to_numpy() for k in ("value", "variance", "people"))
    alone = np.isnan(variance)
    single = target.mean.share.size == 1 and target.kind != "score"
    top = found["numerator"] / 100 if single else np.full(len(found), np.nan)
    bottom = found["denominator"].to_numpy()
    exact = single and not totals.weighted
    low, high, n_eff, method = _interval(totals, target, found)
    asked = np.where((people > 1) & (target.kind != "score"), people - 1, np.nan)
    srs = value * (100 - value) / asked  # with replacement, as svymean(deff = "replace")
    places = survey.instrument.index.decimals
    parts = zip(value, top if exact else [np.nan] * len(found), bottom, strict=True)
    flag = flags(people, survey.wave.min_cell, df=found["df"])
    if target.kind != "score":
        flag = flags(
            people, survey.wave.min_cell, df=found["df"], n_eff=n_eff, width=(high - low) / 100
        )
    frame = totals.keys.assign(
        level=target.level,
        variable=target.variable,
        value=value,
        se=np.sqrt(variance),
        low=np.where(alone, np.nan, low),
        high=np.where(alone, np.nan, high),
        df=found["df"],
        n=totals.people["n"],
        n_valid=people.astype(int),
        numerator=top,
        denominator=bottom,
        deff=np.divide(variance, srs, out=np.full(len(found), np.nan), where=srs > 0),
        n_eff=np.where(alone, np.nan, n_eff),
        method=np.where(alone, "none", method),
        flag=flag,
    )
    return frame.assign(printed=[printed(v, n, d, places) for v, n, d in parts]), influence


def _settled(found: pd.DataFrame, target: Target) -> pd.DataFrame:
    """Set a percentage that only float sums keep from 0 or 100 to that end, without error."""
    if target.kind == "score":
        return found
    end = found["value"].round().where(found["value"].round(9).isin([0.0, 100.0]))
    exact = found["variance"].where(end.isna() | found["variance"].isna(), 0.0)
    return found.assign(value=end.fillna(found["value"]), variance=exact)


def _interval(
    totals: Block, target: Target, found: pd.DataFrame
) -> tuple[Floats, Floats, Floats, Any]:
    """Return low, high, effective n and method: I1 for people, I2 for answers, t for scores."""
    value, variance, df, people = (
        found[k].to_numpy(dtype=float) for k in ("value", "variance", "df", "people")
    )
    if target.kind == "score":
        return (*_score_interval(target, people, found), people, "t")
    share = np.clip(value / 100, 0.0, 1.0)
    most, counts = people, totals.people
    if target.kind == "answers":
        unsatisfied = counts[f"{target.variable}.unsatisfied"].to_numpy()
        rarer = np.where(share >= 0.5, unsatisfied, counts[f"{target.variable}.satisfied"])
        most = np.where(rarer < FEW_PEOPLE, people, counts[f"{target.variable}.answers"])
    fraction = sampling_fraction(totals)
    cap = cap_of(np.asarray(most, dtype=float), fraction)
    n_eff = effective_n(share, variance / 1e4, people=people, df=df, cap=cap)
    low, high = exact_interval(share * n_eff, n_eff)
    method = np.full(len(value), "korn-graubard", dtype=object)
    if target.kind == "people":
        plain, size = totals.simple, whole_strata(totals, people)
        ends = simple_interval(share, people, size)
        low, high = np.where(plain, ends[0], low), np.where(plain, ends[1], high)
        n_eff, method[plain] = np.where(plain, people, n_eff), "clopper-pearson"
        method[~np.isnan(size)] = "hypergeometric"
    census = fraction >= CENSUS  # all were asked: nothing is left to chance
    low, high = np.where(census, share, low), np.where(census, share, high)
    return 100 * low, 100 * high, n_eff, method


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
