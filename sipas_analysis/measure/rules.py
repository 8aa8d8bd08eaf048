"""Write the index rules of a pack as ratios over the columns of a block.

Everything that SIPAS publishes is Σ share · (totals·top)/(totals·bottom): an item is one ratio,
a pooled index one ratio over many items, an averaged index a mean of ratios (M1–M5). So
a new rule is a new row of numbers, not a new formula.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.estimates import Mean
from sipas_analysis.instrument.pack import OVERALL, Index, IndexRule, Instrument

COMPREHENSIVE, MEAN_SCORE, MEAN_100 = "comprehensive", "mean_score", "mean_score_100"
ELIGIBLE, CONTENT = "eligible", "content"


Kind = Literal["people", "answers", "score"]


@dataclass(frozen=True)
class Target:
    """One figure to compute.

    Attributes:
        level: ``item``, ``overall_item``, ``factor``, ``block``, ``overall`` or ``beside``.
        variable: Code of the item or part, or the name of a figure beside the index.
        mean: The ratios, over ``column_names``.
        items: Items whose answers stand behind it (for the number of people and answers).
        kind: Share of people (I1), share of answers (I2) or a mean score.
        eligible: Whether only people with answers enough for rule M4 stand behind it.
    """

    level: str
    variable: str
    mean: Mean
    items: tuple[str, ...]
    kind: Kind
    eligible: bool = False


def item_codes(pack: Instrument) -> list[str]:
    """Return the codes of all rated items, the overall item last."""
    return [*pack.items] + ([pack.overall_item.code] if pack.overall_item else [])


def column_names(pack: Instrument) -> list[str]:
    """Name the columns of the block: item × level, then the two facts of rule M4."""
    pairs = [f"{code}={level}" for code in item_codes(pack) for level in pack.scale.levels]
    return [*pairs, ELIGIBLE, CONTENT]


def list_targets(pack: Instrument, index: Index) -> list[Target]:
    """List every figure of the instrument under the rules of ``index`` (M1–M5)."""
    return [*_item_targets(pack, index), *_part_targets(pack, index), *_targets_beside(pack)]


def _item_targets(pack: Instrument, index: Index) -> Iterator[Target]:
    for code in item_codes(pack):
        level = "item" if code in pack.items else "overall_item"
        mean = _average_ratios(pack, [[code]], _level_values(pack, index))
        yield Target(level, code, mean, (code,), "score" if index.points else "people")


def _part_targets(pack: Instrument, index: Index) -> Iterator[Target]:
    made: dict[str, Mean] = {}
    levels = {"factor": [*pack.factors], "block": [*pack.blocks], OVERALL: [OVERALL]}
    for level, parts in levels.items():
        rule: IndexRule = getattr(index, level)
        for part in parts:
            if rule.rule == "comprehensive":
                yield Target(level, part, _satisfied_with_all(pack), tuple(pack.items), "people", True)
                continue
            made[part] = _combine_parts(pack, part, rule, made, _level_values(pack, index))
            items = _items_behind(pack, made[part])
            kind: Kind = "answers" if len(items) > 1 else "people"
            yield Target(level, part, made[part], items, "score" if index.points else kind)


def _items_behind(pack: Instrument, mean: Mean) -> tuple[str, ...]:
    """Return the items that count in a mean: those with a share above zero."""
    used = np.asarray((mean.bottom[mean.share > 0] > 0).any(axis=0))
    codes = [name.rsplit("=", 1)[0] for name in column_names(pack)]
    return tuple(dict.fromkeys(code for code, it in zip(codes, used, strict=True) if it))


def _combine_parts(
    pack: Instrument, part: str, rule: IndexRule, made: dict[str, Mean], worth: Floats
) -> Mean:
    """Return the ratios of one part under its rule; lower parts are already in ``made``."""
    items = pack.items_of(part)
    if rule.rule == "pooled":
        return _average_ratios(pack, [items], worth)
    if rule.rule == "mean_of_items":
        return _average_ratios(pack, [[item] for item in items], worth)
    if rule.rule == "overall_item" and pack.overall_item:
        return _average_ratios(pack, [[pack.overall_item.code]], worth)
    equal = dict.fromkeys(pack.factors_of(part), 1.0)
    weights = {p: w for p, w in rule.weights.items() if part == OVERALL or p in equal} or equal
    whole = sum(weights.values())
    return Mean(
        np.concatenate([weight / whole * made[p].share for p, weight in weights.items()]),
        np.concatenate([made[p].top for p in weights]),
        np.concatenate([made[p].bottom for p in weights]),
        tuple(_nest_ratios([made[p] for p in weights])),
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
    yield Target("beside", COMPREHENSIVE, _satisfied_with_all(pack), items, "people", True)
    levels = np.array(pack.scale.levels, float)
    from_0_to_100 = 100 * (levels - levels[0]) / (levels[-1] - levels[0])
    for name, worth in ((MEAN_SCORE, levels), (MEAN_100, from_0_to_100)):
        yield Target("beside", name, _average_ratios(pack, [items], worth), items, "score")


def _satisfied_with_all(pack: Instrument) -> Mean:
    """Return the share of people satisfied with everything that they answered (M4)."""
    named = (np.array([[it == fact for it in column_names(pack)]], float) for fact in _PEOPLE)
    content, eligible = named
    return Mean(np.ones(1), 100 * content, eligible)


_PEOPLE = (CONTENT, ELIGIBLE)


def _level_values(pack: Instrument, index: Index) -> Floats:
    """Return what an answer at each level is worth: its points, or 100 where it is satisfied."""
    if index.points:
        return np.array([index.points[level] for level in pack.scale.levels], dtype=np.float64)
    agreed = np.array(pack.scale.levels) >= pack.scale.satisfied_from
    return 100.0 * agreed.astype(np.float64)


def _average_ratios(pack: Instrument, parts: Sequence[Sequence[str]], worth: Floats) -> Mean:
    """Return the equal-weight mean of one ratio per list of items."""
    codes = item_codes(pack)
    inside = np.array([[code in part for code in codes] for part in parts], float)
    spread = np.zeros((len(parts), 2))
    return Mean(
        np.full(len(parts), 1 / len(parts)),
        np.hstack([np.kron(inside, worth), spread]),
        np.hstack([np.kron(inside, np.ones(len(worth))), spread]),
    )
