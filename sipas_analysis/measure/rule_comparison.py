"""Lay several index rules, by name or of other packs, on the same answers (rule M8)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_kind, check_word
from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import ColumnError, ConfigError
from sipas_analysis.infer.estimates import COLUMNS, Estimates
from sipas_analysis.instrument.pack import (
    OVERALL,
    Index,
    IndexRule,
    Instrument,
    Rule,
    list_packs,
    read_instrument,
)
from sipas_analysis.measure.rules import has_score, list_targets
from sipas_analysis.measure.scores import score_targets


def compare_rules(
    survey: Survey, rules: Sequence[str | Path] = (), by: str | Sequence[str] = ()
) -> Estimates:
    """Estimate factors and the whole under several rules, side by side in the column ``rule``.

    Args:
        survey: Validated forms.
        rules: Rules of M2 to M4 by name (``pooled``, ``mean_of_items``, ``mean_of_factors``,
            ``overall_item``, ``comprehensive``), and packs by id or path, whose index block is laid
            on the survey's own items. The readings of M2 and M3 that the instrument allows, if
            left out.
        by: Key columns, as in ``score``.

    Returns:
        Rows as ``score`` with ``rule`` and ``reason``: how the rule differs from that of the
        survey, as words of the messages ``rule_why`` joined by spaces; ``own`` if equal. A rule
        that does not fit has rows of the whole without figures: ``rule_scale`` (points for another
        scale), ``rule_weights`` (of factors that the survey does not have), ``rule_factors``,
        ``rule_overall`` (no factors, no question on the whole).

    Raises:
        ColumnError: No rule fits the survey.
        ConfigError: No such pack.

    Source: rule M8 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> found = sipas.compare_rules(survey).select(variable="overall").frame
        >>> found["rule"].tolist()
        ['pooled', 'mean_of_items', 'mean_of_factors', 'overall_item']
    """
    check_kind(survey, Survey, "survey")
    pack = survey.instrument
    lawful = ["pooled", "mean_of_items"] + (["mean_of_factors"] if pack.has_factors else [])
    overall = pack.overall_item.code if pack.overall_item else ""
    if overall and has_score(pack, overall, pack.index) == bool(pack.index.points):
        lawful.append("overall_item")
    names = [rules] if isinstance(rules, str | Path) else list(rules or lawful)
    readings, misfits = _read_rules(pack, names)
    target_lists = [
        [target for target in list_targets(pack, index) if target.level in levels]
        for index, levels in readings.values()
    ]
    scores_by_rule = dict(zip(readings, score_targets(survey, by, target_lists), strict=True))
    whole = next(iter(scores_by_rule.values())).select(level=OVERALL).frame
    tables = []
    for rule in names:
        if rule in misfits:
            table, reason = _blank_numbers(whole), misfits[rule].message_id
        else:
            table = scores_by_rule[rule].frame
            reason = " ".join(_list_differences(readings[rule][0], pack.index)) or "own"
        tables.append(table.assign(rule=str(rule), reason=reason))
    return Estimates(pd.concat(tables, ignore_index=True), wording=survey.wording)


Reading = tuple[Index, list[str]]  # an index, and the levels to which it applies


def _read_rules(
    pack: Instrument, names: Sequence[str | Path]
) -> tuple[dict[str | Path, Reading], dict[str | Path, ColumnError]]:
    """Return the rules that fit the survey, and why the others do not; refuse if none fits."""
    readings, misfits = {}, {}
    for rule in names:
        try:
            readings[rule] = _read_rule(pack, rule)
        except ColumnError as error:
            misfits[rule] = error
    if not readings:
        raise next(iter(misfits.values()))
    return readings, misfits


def _blank_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without any figure."""
    texts = {"method": "none", "flag": "", "printed": ""}
    numbers = [name for name in COLUMNS if name in table and name not in (*texts, "n")]
    return table.assign(**dict.fromkeys(numbers, np.nan), **texts)


def _read_rule(pack: Instrument, rule: str | Path) -> Reading:
    """Return the index of a rule by name or of a pack, and the levels to which it applies."""
    other = None if rule in get_args(Rule) else _read_other_index(pack, rule)
    whole = other.overall.rule if other else rule
    if whole == "mean_of_factors" and not pack.has_factors:
        raise ColumnError("rule_factors", rule=rule, items=", ".join(pack.items_of("")))
    if whole == "overall_item" and not pack.overall_item:
        raise ColumnError("rule_overall", rule=rule)
    if other:
        return other, ["factor", OVERALL]
    parts = rule if rule in ("pooled", "mean_of_items") else "pooled"
    part = IndexRule.model_validate({"rule": parts})
    changed = {"factor": part, "block": part, OVERALL: IndexRule.model_validate({"rule": rule})}
    levels = ["factor", OVERALL] if rule == parts else [OVERALL]
    return pack.index.model_copy(update=changed), levels


def _read_other_index(pack: Instrument, rule: str | Path) -> Index:
    """Return the index of another pack; refuse points or weights that do not fit this one."""
    if isinstance(rule, str) and not rule.endswith((".yaml", ".yml")):
        check_word(rule, (*get_args(Rule), *list_packs()), "rules", ConfigError)
    other = read_instrument(rule)
    counts = {len(pack.scale_of(code).levels) for code in pack.rated_codes}
    all_levels = {level for code in pack.rated_codes for level in pack.scale_of(code).levels}
    if other.index.points and {*other.index.points} != all_levels:
        n_points = len(other.index.points)
        raise ColumnError("rule_scale", rule=rule, levels=max(counts), points=n_points)
    weighted = (*pack.factors, *pack.blocks)
    for _, index_rule in other.rules_by_level():
        unknown = [name for name in index_rule.weights if name not in weighted]
        if unknown:
            raise ColumnError("rule_weights", rule=rule, names=", ".join(unknown))
    return other.index


def _list_differences(index: Index, published: Index) -> Iterator[str]:
    """Yield how an index differs from the published one: points, then how the whole is made."""
    if dict(index.points) != dict(published.points):
        yield "points" if index.points else "satisfied"
    whole, published_whole = index.overall, published.overall
    if whole.rule != published_whole.rule or whole.weights != published_whole.weights:
        yield whole.rule
    elif index.factor.rule != published.factor.rule and whole.rule == "mean_of_factors":
        yield f"factors_{index.factor.rule}"
