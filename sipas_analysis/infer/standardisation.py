"""Compare groups as if all had the same ages, or other parts: direct standardisation (rule W4)."""

from collections.abc import Mapping

import numpy as np

from sipas_analysis.arguments import check_mapping, list_names
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Design, Floats, Sampled, check_columns, take_design
from sipas_analysis.infer.domains import number_domains
from sipas_analysis.infer.estimate_tables import Names
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.infer.means import mean
from sipas_analysis.infer.weighting import post_stratify


def standardise(
    design: Design | Sampled,
    variables: Names,
    by: Names = (),
    *,
    over: Names,
    population: Mapping[object, float],
    excluding_missing: bool | Names = False,
    level: float = 0.95,
) -> Estimates:
    """Estimate the mean of each variable in groups that are given the same population.

    Weights of group g and stratum a are scaled to N_g·P_a/ΣP, N_g the weights of the group: its
    mean is Σ_a P_a ȳ_ga / Σ P_a over the strata that it has. Variances are those after
    post-stratification by group and stratum.

    Args:
        design: The sample; ``subset`` for a part. A form blank in ``by`` or ``over`` is left out.
        variables: Numeric columns; yes/no columns count as 1 and 0.
        by: Key columns of the groups to compare; none for the whole.
        over: Column of strata, such as age groups; or several (``population`` then has tuples).
        population: Standard population P of each stratum, as numbers or shares.
        excluding_missing: Whether forms blank in a variable are left out before the weights are
            scaled (R ``excluding.missing``), or the columns that must not be blank.
        level: Confidence of the intervals.

    Returns:
        Columns as ``mean``, one row per group and variable.

    Raises:
        DesignError: A column is missing or text; a stratum of the sample has no population, or no
            form at all has a stratum of the population.

    Source: rule W4 in docs/method.md; equal to R ``svystandardize`` (whose ``by`` is ``over`` here,
    and whose ``over`` is ``by``) with ``svyby`` and ``svymean``.

    Example:
        >>> import pandas as pd, sipas_analysis as sipas
        >>> frame = pd.DataFrame(
        ...     {"y": [1.0, 0, 1, 1], "age": list("oyoo"), "town": list("aabb")}
        ... )
        >>> ages = {"y": 3, "o": 1}
        >>> means = sipas.standardise(sipas.Design(frame), "y", over="age", population=ages)
        >>> means.frame["value"].round(6).tolist()
        [0.25]
    """
    sample, names, keys = take_design(design), list_names(variables), list_names(by, "by")
    strata = list_names(over, "over")
    check_mapping(population, "totals", "population")
    if not strata:
        raise DesignError("margin_none")
    if sample.on_files:
        raise DesignError("calibrate_files")
    needed = names if excluding_missing is True else list_names(excluding_missing or ())
    check_columns([*keys, *strata, *needed], sample.frame.columns)
    complete = sample.frame[[*keys, *strata, *needed]].notna().all(axis=1)
    part = sample.subset(complete)
    columns = [*strata, *keys]
    totals = _find_totals(part, keys, strata, population)
    return mean(post_stratify(part, columns, totals, partial=True), names, keys, level)


def _find_totals(
    design: Design, keys: list[str], strata: list[str], population: Mapping[object, float]
) -> dict[object, float]:
    """Return the population of each stratum in each group."""
    shares = _read_shares(population, strata)
    group, groups = number_domains(design.frame, design.members, keys)
    sizes = np.bincount(group[group >= 0], weights=design.weight[group >= 0])
    places = groups.itertuples(index=False, name=None) if keys else [()]
    cells = {
        (*stratum, *place): size * share
        for place, size in zip(places, sizes, strict=True)
        for stratum, share in shares.items()
    }
    single = len(strata) + len(keys) == 1
    return {cell[0] if single else cell: total for cell, total in cells.items() if total > 0}


def _read_shares(
    population: Mapping[object, float], strata: list[str]
) -> dict[tuple[object, ...], float]:
    """Return the share of each stratum, by tuple."""
    given = dict(population.items())  # a Series of counts, too
    levels = [level if isinstance(level, tuple) else (level,) for level in given]
    try:
        sizes: Floats = np.array([float(size) for size in given.values()])
    except (TypeError, ValueError) as why:
        raise DesignError("margin_total", margin=" × ".join(strata)) from why
    if not (np.isfinite(sizes) & (sizes > 0)).all():
        raise DesignError("margin_total", margin=" × ".join(strata))
    return dict(zip(levels, (sizes / sizes.sum()).tolist(), strict=True))
