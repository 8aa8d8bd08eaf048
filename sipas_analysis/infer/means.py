"""Means, totals and ratios of any sample, by domain, with their errors.

These functions are for researchers and any frame. SIPAS scoring uses the same block and the same
variance. A blank answer is left out of both sums of a mean (R: ``na.rm = TRUE``, per variable).
Shares with intervals that are valid at 0 and 1 are in ``shares``.
"""

from contextlib import nullcontext
from dataclasses import replace
from typing import Literal

import numpy as np

from sipas_analysis.arguments import check_name, list_names
from sipas_analysis.infer.design import Design, Floats, Sampled, take_design, take_wording
from sipas_analysis.infer.estimate_tables import (
    MIN_CELL,
    Names,
    Part,
    build_columns,
    check_keys,
    check_request,
    join_parts,
)
from sipas_analysis.infer.estimates import Estimates, flag_cells
from sipas_analysis.infer.form_files import keep_database
from sipas_analysis.infer.intervals import drop_rounding, t_interval
from sipas_analysis.infer.layout import Key, Layout
from sipas_analysis.infer.ratio_means import Mean, evaluate_mean
from sipas_analysis.infer.sample_facts import check_numbers, read_facts
from sipas_analysis.infer.totals import Block
from sipas_analysis.infer.totals_from_files import build_block

Quantity = Literal["mean", "total", "ratio"]


def mean(
    design: Design | Sampled, variables: Names, by: Names = (), level: float = 0.95
) -> Estimates:
    """Estimate the mean of each variable in each domain.

    ȳ = Σ wᵢyᵢ / Σ wᵢvᵢ over the forms that answered, vᵢ = 1; t interval on the domain's degrees of
    freedom (clusters − strata).

    Args:
        design: The sample; of a survey, the one that it declares.
        variables: Numeric columns; yes/no columns count as 1 and 0. A text or categorical column
            gives a row for each ``answer``: its share, as R ``svymean`` of a factor
            (``proportion`` has better intervals).
        by: Key columns of the domains; none for the whole. A form with a blank key is in no row;
            their number stands above the table.
        level: Confidence of the interval.

    Returns:
        One row per domain and variable: keys, ``variable`` and the glossary's columns, in the
        variable's unit. Where all answers are in one cluster there is no error (V3); where nobody
        answered the value is NaN; without forms there is no row.

    Raises:
        DesignError: A column is missing, or holds dates or numbers written as text.

    Source: rules V1 to V6 in docs/method.md; equal to R ``svymean`` and ``svyby``.

    Example:
        >>> import pandas as pd
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"y": [1.0, 2.0, 3.0, 6.0], "town": list("aabb")})
        >>> sipas.mean(sipas.Design(frame), "y", by="town").frame["value"].tolist()
        [1.5, 4.5]
    """
    return _estimate_quantities(
        design, list_names(variables), check_keys(by), kind="mean", level=level
    )


def total(
    design: Design | Sampled, variables: Names, by: Names = (), level: float = 0.95
) -> Estimates:
    """Estimate the population total of each variable in each domain: Σ wᵢyᵢ.

    A text or categorical column gives the number of people with each ``answer``. Arguments,
    columns and errors as ``mean``; weights must add up to the population. Equal to R ``svytotal``.

    Example:
        >>> import pandas as pd
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"y": [1.0, 2.0, 3.0], "w": [10.0, 10.0, 20.0]})
        >>> sipas.total(sipas.Design(frame, weights="w"), "y").frame["value"].item()
        90.0
    """
    return _estimate_quantities(
        design, list_names(variables), check_keys(by), kind="total", level=level
    )


def ratio(
    design: Design | Sampled, numerator: str, denominator: str, by: Names = (), level: float = 0.95
) -> Estimates:
    """Estimate the ratio of two totals in each domain: Σ wᵢyᵢ / Σ wᵢxᵢ.

    Forms with a blank in either variable are left out. Arguments, columns and errors as ``mean``;
    ``variable`` is ``numerator/denominator``. Equal to R ``svyratio``.

    Example:
        >>> import pandas as pd
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"late": [1, 0, 2], "files": [10, 5, 5]})
        >>> sipas.ratio(sipas.Design(frame), "late", "files").frame["value"].item()
        0.15
    """
    for role, name in (("numerator", numerator), ("denominator", denominator)):
        check_name(name, role)
    return _estimate_quantities(
        design, [numerator, denominator], check_keys(by), kind="ratio", level=level
    )


def _estimate_quantities(
    sample: Design | Sampled, names: list[str], keys: list[str], *, kind: Quantity, level: float
) -> Estimates:
    """Return means, totals or a ratio, each named by its variables."""
    check_request(names, level)
    design = take_design(sample)
    with keep_database() if design.on_files else nullcontext():
        facts = read_facts(design, names)
        for name in names:
            check_numbers(name, facts.variables[name], facts.n, allow_text=kind != "ratio")
        layout = Layout(names, facts, joint=kind == "ratio")
        totals = build_block(design, keys, layout.to_columns(), facts.scale)
    if kind == "ratio":
        pair = ((names[0], None), (names[-1], None))
        parts = [_estimate_quantity(totals, layout, pair, kind, level)]
    else:
        parts = [
            _estimate_quantity(totals, layout, (key, key), kind, level) for key in layout.spec.keys
        ]
    return replace(join_parts(parts, totals, keys), wording=take_wording(sample))


def _estimate_quantity(
    totals: Block, layout: Layout, keys: tuple[Key, Key], kind: Quantity, level: float
) -> Part:
    """Return one mean, total or ratio in each domain."""
    first, second = keys
    answered = layout.answered_slope(first[0])
    if kind == "mean":
        bottom = answered
    else:
        bottom = layout.numerator_slope(*second) if kind == "ratio" else np.zeros((1, 0))
    mean = Mean(np.ones(1), layout.numerator_slope(*first), bottom)
    estimate = evaluate_mean(totals, mean, layout.spec.answered[first[0]])
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = _find_spread(
            totals, layout, keys, kind=kind, value=estimate.value, bottom=estimate.denominator
        )
        estimate = drop_rounding(estimate, spread)
        # Against the variance for as many people drawn singly, with replacement.
        simple_variance = spread / (estimate.people - 1)
        deff = np.where(simple_variance > 0, estimate.variance / simple_variance, np.nan)
        n_eff = estimate.people / deff
    columns = build_columns(
        totals,
        estimate,
        t_interval(estimate.value, estimate.variance, estimate.df, level),
        name="/".join([first[0], second[0]]) if kind == "ratio" else first[0],
        answer=first[1],
        numerator=estimate.numerator,
        denominator=estimate.denominator,
        deff=deff,
        n_eff=n_eff,
        method=np.where((estimate.variance == 0) & (spread > 0), "known", "t"),
        flag=flag_cells(estimate.people, MIN_CELL, df=estimate.df),
    )
    return Part(columns, estimate.influence)


def _find_spread(
    totals: Block,
    layout: Layout,
    keys: tuple[Key, Key],
    *,
    kind: Quantity,
    value: Floats,
    bottom: Floats,
) -> Floats:
    """Return the variance of one person's part in each estimate, in its squared unit, (D,)."""
    first, second = keys
    size = (totals.total[:, : layout.width] @ layout.answered_slope(first[0]).T)[:, 0]
    if kind == "ratio":
        residual = layout.find_residual_variance(totals.total, first[0], second[0], value)
        return residual * (size / bottom) ** 2
    unit = np.ones_like(size) if kind == "mean" else size
    return layout.find_variance(totals.total, first) * unit**2
