"""The stages by which a sample was drawn, from the table of its cells.

Each stage has units in groups: clusters in strata, then parts of clusters in their cluster, and so
on. The variance adds the stages up (rules V1, V2 and V5 of docs/method.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.errors import DesignError
from sipas_analysis.infer.row_numbers import COUNT_COLUMN, Floats, Ints, number_rows

CENSUS = 1 - 1e-7


@dataclass(frozen=True)
class Declaration:
    """What stages need of a design; the attributes are those of ``Design``."""

    strata: str | None
    cluster_columns: tuple[str, ...]
    fpc_columns: tuple[str, ...]
    nested: bool
    lonely: str


@dataclass(frozen=True)
class Stage:
    """One stage of selection over the cells of a sample.

    Attributes:
        unit: Number of the unit (cluster, or cell of single forms) of each cell.
        group: Number of the group (stratum, or parent cluster) of each unit.
        n: Units drawn in each group.
        scale: (1 − f)·n/(n − 1) of each group, times the fractions of the stages above.
        lonely: Groups in which one unit of several was drawn.
        left: Groups that ``average`` leaves out; the other groups are scaled up for them.
        mean: Whether a group is centred at its own mean (``adjust``: at 0).
        fraction: f of each group.
    """

    unit: Ints
    group: Ints
    n: Floats
    scale: Floats
    left: NDArray[np.bool_]
    mean: NDArray[np.bool_]
    fraction: Floats


def find_stages(declaration: Declaration, cells: pd.DataFrame) -> tuple[Stage, ...]:
    """Return the stages that count, from the table of cells (V1, V2, V5).

    Raises:
        DesignError: A stratum or cluster is blank, a fraction is invalid, a cluster is in two
            strata, or a stratum has one cluster and no remedy was chosen.
    """
    if len(cells) == 0:
        return ()
    names = declaration.cluster_columns[: max(1, len(declaration.fpc_columns))]
    if not names:
        unit = np.arange(len(cells))
        counts = cells[COUNT_COLUMN].to_numpy(dtype=float)
        group = _number_groups(cells, [declaration.strata] if declaration.strata else [])
        return (_build_stage(declaration, cells, 0, (unit, group, counts), np.ones(len(cells))),)
    if not declaration.nested and declaration.strata:
        _check_nested(cells, declaration.strata, names[0])
    stages: list[Stage] = []
    above = np.ones(len(cells))
    place = [declaration.strata] if declaration.strata else []
    for depth, name in enumerate(names):
        group, unit = _number_groups(cells, place), _number_groups(cells, [*place, name])
        stage = _build_stage(declaration, cells, depth, (unit, group, None), above)
        stages.append(stage)
        above = above * stage.fraction[stage.group[stage.unit]]
        place = [*place, name]
    return tuple(stages)


def find_fractions(declaration: Declaration, cells: pd.DataFrame) -> Floats:
    """Return f₁·f₂·… of each cell: the chance with which its forms were drawn, as stated.

    Strata of one cluster keep their own fraction, also where they are merged for the error.
    """
    fraction = np.ones(len(cells))
    for stage in find_stages(replace(declaration, lonely="certainty"), cells):
        fraction = fraction * stage.fraction[stage.group[stage.unit]]
    return fraction


def _number_groups(cells: pd.DataFrame, by: Sequence[str]) -> Ints:
    """Number the distinct rows of some columns, in sorted order."""
    return number_rows(cells, by)[0] if by else np.zeros(len(cells), np.int64)


def _build_stage(
    declaration: Declaration,
    cells: pd.DataFrame,
    depth: int,
    numbers: tuple[Ints, Ints, Floats | None],
    above: Floats,
) -> Stage:
    """Return one stage: sizes, fractions, and how lonely groups are treated."""
    unit, group, counts = numbers
    _, first = np.unique(unit, return_index=True)
    group_of_unit = group[first]
    drawn = np.ones(len(first)) if counts is None else counts[first]
    n: Floats = np.bincount(group_of_unit, weights=drawn).astype(np.float64)
    has_fraction = len(declaration.fpc_columns) > depth
    given = (
        _read_numbers(cells, declaration.fpc_columns[depth])
        if has_fraction
        else np.zeros(len(unit))
    )
    names = (
        cells.groupby(group)[declaration.strata].first().astype(str) if declaration.strata else None
    )
    strata_names = names.tolist() if names is not None else [""] * len(n)
    fraction = np.zeros(len(n))
    if has_fraction:
        fraction = _group_fractions(
            declaration.fpc_columns[depth], given, group, n=n, names=strata_names
        )
    lonely = (n == 1) & (fraction < CENSUS)
    strict = declaration.lonely == "fail" or (declaration.lonely == "merge" and depth > 0)
    if lonely.any() and strict and (declaration.strata or depth):
        listed = [text for text, is_lonely in zip(strata_names, lonely, strict=True) if is_lonely]
        shown = ", ".join(dict.fromkeys(listed[:12])) or "–"
        raise DesignError("design_lonely", n=len(listed), stage=depth + 1, strata=shown)
    if lonely.any() and declaration.lonely == "merge":
        group_of_unit, n, fraction = _merge_lonely(group_of_unit, n, fraction, lonely)
        lonely = n == 1
    fraction_above = np.ones(len(n))
    fraction_above[group_of_unit[unit]] = above
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = fraction_above * (1 - fraction) * np.where(n > 1, n / (n - 1), 1.0)
    scale[fraction >= CENSUS] = 0.0
    if declaration.lonely != "adjust":
        scale[lonely] = 0.0
    left = lonely & (declaration.lonely == "average")
    return Stage(unit, group_of_unit, n, scale, left, ~lonely, fraction)


def _read_numbers(cells: pd.DataFrame, column: str) -> Floats:
    try:
        return np.asarray(cells[column].to_numpy(dtype=float))
    except (TypeError, ValueError) as why:
        raise DesignError("design_fpc_text", column=column) from why


def _group_fractions(
    column: str, given: Floats, group: Ints, *, n: Floats, names: Sequence[str]
) -> Floats:
    """Return f of each group from its fraction (at most 1) or count (above 1)."""
    low, high = np.full(len(n), np.inf), np.full(len(n), -np.inf)
    np.minimum.at(low, group, given)
    np.maximum.at(high, group, given)
    for message, wrong in (
        ("design_fpc", ~(np.isfinite(low) & (low > 0))),
        ("design_fpc_varies", low != high),
        ("design_fpc_over", (low > 1) & (n > low)),
    ):
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            stated, drawn = f"{low[at]:g}", int(n[at])
            raise DesignError(
                message, column=column, stratum=names[at] or "–", found=stated, drawn=drawn
            )
    return np.where(low > 1, n / low, low)


def _merge_lonely(
    of: Ints, n: Floats, fraction: Floats, lonely: NDArray[np.bool_]
) -> tuple[Ints, Floats, Floats]:
    """Join each lonely group with the next group in order, the last with the group before."""
    new, waits = [-1], False
    for alone in lonely:
        new.append(new[-1] if waits else new[-1] + 1)
        waits = bool(alone) and not waits
    if waits and len(n) > 1:
        new[-1] = new[-2]
    number = np.array(new[1:])
    people = np.divide(n, fraction, out=np.full(len(n), np.inf), where=fraction > 0)
    size = np.bincount(number, weights=n).astype(np.float64)
    return number[of], size, size / np.bincount(number, weights=people)


def _check_nested(cells: pd.DataFrame, strata: str, cluster: str) -> None:
    """Refuse a cluster id that occurs in two strata."""
    places = cells[[strata, cluster]].drop_duplicates()
    twice = places[places.duplicated(cluster, keep=False)].sort_values([cluster, strata])
    if len(twice):
        name = twice[cluster].iloc[0]
        where = ", ".join(twice.loc[twice[cluster] == name, strata].astype(str))
        raise DesignError("design_nested", cluster=str(name), strata=where)
