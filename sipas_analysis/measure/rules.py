"""Write the index rules of a pack as ratios over the columns of a block.

Every figure of SIPAS is Σ share · (totals·top)/(totals·bottom): an item is one ratio, a pooled
index one ratio over many items, an averaged index a mean of ratios (M1–M5). So a new rule is a new
row of numbers and needs no new formula.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.ratio_means import Mean
from sipas_analysis.infer.totals import Columns
from sipas_analysis.instrument.pack import OVERALL, Index, IndexRule, Instrument

COMPREHENSIVE, MEAN_SCORE, MEAN_100 = "comprehensive", "mean_score", "mean_score_100"
ELIGIBLE, CONTENT = "eligible", "content"
FACTS = ("answers", "people", "satisfied", "unsatisfied")

Kind = Literal["people", "answers", "score"]


@dataclass(frozen=True)
class Target:
    """One figure to compute.

    Attributes:
        level: ``item``, ``overall_item``, ``beside_item`` (a question outside the index),
            ``factor``, ``block``, ``overall`` or ``beside``.
        variable: Code of the item or part, or the name of a figure beside the index.
        mean: The ratios, over ``column_names``.
        items: Items whose answers the figure uses (for the number of people and answers).
        kind: Share of people (I1), share of answers (I2) or a mean score.
        eligible: Whether only people with enough answers for rule M4 are counted.
    """

    level: str
    variable: str
    mean: Mean
    items: tuple[str, ...]
    kind: Kind
    eligible: bool = False


def item_codes(pack: Instrument) -> list[str]:
    """Return the codes of all rated items, those outside the index last."""
    return pack.rated_codes


def column_names(pack: Instrument) -> list[str]:
    """Name the columns of the block: item × level, then the two facts of rule M4."""
    pairs = [f"{code}={level}" for code in item_codes(pack) for level in pack.scale_of(code).levels]
    return [*pairs, ELIGIBLE, CONTENT]


def list_targets(pack: Instrument, index: Index) -> list[Target]:
    """List every figure of the instrument under the rules of ``index`` (M1–M5)."""
    return [*_item_targets(pack, index), *_part_targets(pack, index), *_targets_beside(pack)]


def _item_targets(pack: Instrument, index: Index) -> Iterator[Target]:
    overall = pack.overall_item.code if pack.overall_item else ""
    level_values = _level_values(pack, index)
    for code in item_codes(pack):
        level = "overall_item" if code == overall else "beside_item"
        level = "item" if code in pack.items else level
        mean = _make_ratio_coefficients(pack, [[code]], level_values)
        kind: Kind = "score" if has_score(pack, code, index) else "people"
        yield Target(level, code, mean, (code,), kind)


def has_score(pack: Instrument, code: str, index: Index) -> bool:
    """Return whether the figure of a question is a score in points, not a share of people."""
    return bool(index.points or (code not in pack.items and pack.scale_of(code).points))


def _part_targets(pack: Instrument, index: Index) -> Iterator[Target]:
    means: dict[str, Mean] = {}
    levels = {"factor": [*pack.factors], "block": [*pack.blocks], OVERALL: [OVERALL]}
    for level, parts in levels.items():
        rule: IndexRule = getattr(index, level)
        for part in parts:
            if rule.rule == "comprehensive":
                mean, items = _satisfied_with_all(pack), tuple(pack.items)
                yield Target(level, part, mean, items, "people", eligible=True)
                continue
            means[part] = _combine_parts(pack, part, rule, means, _level_values(pack, index))
            items = _items_behind(pack, means[part])
            kind: Kind = "answers" if len(items) > 1 else "people"
            is_score = any(has_score(pack, code, index) for code in items)
            yield Target(level, part, means[part], items, "score" if is_score else kind)


def _items_behind(pack: Instrument, mean: Mean) -> tuple[str, ...]:
    """Return the items that count in a mean: those with a share above zero."""
    is_used = np.asarray((mean.bottom[mean.share > 0] > 0).any(axis=0))
    used_names = [name for name, used in zip(column_names(pack), is_used, strict=True) if used]
    return tuple(dict.fromkeys(name.rsplit("=", 1)[0] for name in used_names))


def _combine_parts(
    pack: Instrument,
    part: str,
    rule: IndexRule,
    means: Mapping[str, Mean],
    level_values: Sequence[Floats],
) -> Mean:
    """Return the ratios of one part under its rule; ``means`` are those of the lower parts."""
    items = pack.items_of(part)
    if rule.rule == "pooled":
        return _make_ratio_coefficients(pack, [items], level_values)
    if rule.rule == "mean_of_items":
        return _make_ratio_coefficients(pack, [[item] for item in items], level_values)
    if rule.rule == "overall_item" and pack.overall_item:
        return _make_ratio_coefficients(pack, [[pack.overall_item.code]], level_values)
    equal = dict.fromkeys(pack.factors_of(part), 1.0)
    weights = {p: w for p, w in rule.weights.items() if part == OVERALL or p in equal} or equal
    total = sum(weights.values())
    return Mean(
        np.concatenate([weight / total * means[p].share for p, weight in weights.items()]),
        np.concatenate([means[p].top for p in weights]),
        np.concatenate([means[p].bottom for p in weights]),
        tuple(_nest_ratios([means[p] for p in weights])),
    )


def _nest_ratios(parts: Sequence[Mean]) -> Iterator[NDArray[np.int64]]:
    """Label the ratios of each part, innermost parts first, so that a part keeps its weight."""
    depth = max(len(part.nest) for part in parts)
    total = sum(part.share.size for part in parts)
    for inner in range(depth + 1):
        yield np.concatenate(
            [
                number * total
                + (part.nest[inner] if inner < len(part.nest) else np.zeros_like(part.share, int))
                for number, part in enumerate(parts)
            ]
        )


def _targets_beside(pack: Instrument) -> Iterator[Target]:
    items = tuple(pack.items)
    mean = _satisfied_with_all(pack)
    yield Target("beside", COMPREHENSIVE, mean, items, "people", eligible=True)
    levels = [np.array(pack.scale_of(code).levels, float) for code in item_codes(pack)]
    from_0_to_100 = [100 * (values - values[0]) / (values[-1] - values[0]) for values in levels]
    measures = {MEAN_SCORE: levels} if pack.has_single_scale else {}
    for name, level_values in (measures | {MEAN_100: from_0_to_100}).items():
        mean = _make_ratio_coefficients(pack, [items], level_values)
        yield Target("beside", name, mean, items, "score")


def _satisfied_with_all(pack: Instrument) -> Mean:
    """Return the share of people satisfied with every item that they answered (M4)."""
    names = column_names(pack)
    content, eligible = (
        np.array([[name == fact for name in names]], float) for fact in (CONTENT, ELIGIBLE)
    )
    return Mean(np.ones(1), 100 * content, eligible)


def _level_values(pack: Instrument, index: Index) -> list[Floats]:
    """Return the values of the levels of each question: points, or 100 where satisfied."""
    values: list[Floats] = []
    for code in item_codes(pack):
        scale = pack.scale_of(code)
        points = scale.points if scale.points and has_score(pack, code, index) else index.points
        satisfied = {level: 100.0 * (level >= scale.satisfied_from) for level in scale.levels}
        worth = points or satisfied
        values.append(np.array([worth[level] for level in scale.levels], dtype=np.float64))
    return values


def _make_ratio_coefficients(
    pack: Instrument, parts: Sequence[Sequence[str]], level_values: Sequence[Floats]
) -> Mean:
    """Return the equal-weight mean of one ratio per list of items."""
    codes = item_codes(pack)
    inside = np.array([[code in part for code in codes] for part in parts], float)
    inside = np.repeat(inside, [len(values) for values in level_values], axis=1)
    facts_of_m4 = np.zeros((len(parts), 2))
    return Mean(
        np.full(len(parts), 1 / len(parts)),
        np.hstack([inside * np.concatenate(level_values), facts_of_m4]),
        np.hstack([inside, facts_of_m4]),
    )


def list_columns(
    pack: Instrument, targets: Sequence[Target], *, with_errors: bool = True
) -> Columns:
    """Return what to total: item × level, the facts of rule M4, and who gave which answer.

    Figures over the same items share their counts of people. Without errors the block keeps no
    second moments, which takes less time.
    """
    names, codes = column_names(pack), item_codes(pack)
    counted = {people_key(target): target for target in targets}
    return Columns(
        tuple(names),
        partial(_make_indicators, pack=pack),
        np.ones(len(names)),
        [True] * len(names),
        tuple(f"{key}.{fact}" for key in counted for fact in FACTS),
        partial(_mark_people, pack=pack, targets=tuple(counted.values())),
        n_fixed=0 if with_errors else len(names),
        reads=tuple(codes),
    )


def people_key(target: Target) -> str:
    """Name the people behind a figure: those eligible (M4), or who answered its items."""
    return f"{'eligible' if target.eligible else 'answered'}:{'+'.join(target.items)}"


@dataclass(frozen=True)
class _Answers:
    """Answers of n forms to k items, shape (n, k), and who is eligible (M4), shape (n,)."""

    levels: Floats
    valid: NDArray[np.bool_]
    satisfied: NDArray[np.bool_]
    eligible: NDArray[np.bool_]


def _read_answers(frame: pd.DataFrame, pack: Instrument) -> _Answers:
    codes = item_codes(pack)
    levels = frame[codes].to_numpy(dtype=float)
    valid, satisfied = ~np.isnan(levels), levels >= pack.satisfied_levels(codes)
    n_rated = valid[:, np.isin(codes, list(pack.items))].sum(axis=1)
    return _Answers(levels, valid, satisfied, n_rated >= pack.index.comprehensive_from)


def _make_indicators(frame: pd.DataFrame, pack: Instrument) -> list[Floats]:
    """Return the 0/1 columns of the block."""
    answers = _read_answers(frame, pack)
    rated = np.isin(item_codes(pack), list(pack.items))
    all_satisfied = (answers.satisfied[:, rated] == answers.valid[:, rated]).all(axis=1)
    chosen = [
        answers.levels[:, item] == level
        for item, code in enumerate(item_codes(pack))
        for level in pack.scale_of(code).levels
    ]
    columns = (*chosen, answers.eligible, answers.eligible & all_satisfied)
    return [np.asarray(column, dtype=float) for column in columns]


def _mark_people(frame: pd.DataFrame, pack: Instrument, targets: Sequence[Target]) -> list[Floats]:
    """Return answers, people who answered, and people satisfied and not, of each figure."""
    answers, codes = _read_answers(frame, pack), item_codes(pack)
    columns: list[Floats] = []
    behind = np.zeros((len(targets), len(codes)))
    for row, target in zip(behind, targets, strict=True):
        row[:] = np.isin(codes, target.items)
    counts = (behind @ marks.T.astype(float) for marks in (answers.valid, answers.satisfied))
    for target, n_valid, n_satisfied in zip(targets, *counts, strict=True):
        people = answers.eligible if target.eligible else n_valid > 0
        facts = (n_valid, people, n_satisfied > 0, n_satisfied < n_valid)
        columns += [np.asarray(fact, dtype=float) for fact in facts]
    return columns
