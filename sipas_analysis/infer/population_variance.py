"""The variance of a variable in the population, by domain, with its own error (rule V1)."""

from dataclasses import dataclass

import numpy as np

from sipas_analysis.arguments import list_names
from sipas_analysis.infer.design import Design, Floats, Sampled, take_design
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
from sipas_analysis.infer.intervals import t_interval
from sipas_analysis.infer.layout import Layout
from sipas_analysis.infer.ratio_means import evaluate_figure
from sipas_analysis.infer.sample_facts import check_numbers, read_facts
from sipas_analysis.infer.totals import Block
from sipas_analysis.infer.totals_from_files import build_block


def variance(
    design: Design | Sampled, variables: Names, by: Names = (), level: float = 0.95
) -> Estimates:
    """Estimate the variance of each variable in the population, in each domain.

    s² = n/(n−1) · Σ wᵢ(yᵢ − ȳ)² / Σ wᵢ over the n forms that answered; its influence is that of
    the mean of (yᵢ − ȳ)². The root of ``value`` is the standard deviation.

    Args:
        design: The sample; of a survey, the one that it declares.
        variables: Numeric columns; yes/no columns count as 1 and 0.
        by: Key columns of the domains; none for the whole.
        level: Confidence of the t interval.

    Returns:
        One row per domain and variable: keys, ``variable`` and the glossary's columns, in the
        variable's squared unit; no design effect. NaN where fewer than two people answered.

    Raises:
        DesignError: A column is missing or holds text.

    Source: rule V1 in docs/method.md; equal to R ``svyvar`` and ``svyby``.

    Example:
        >>> import pandas as pd
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"y": [1.0, 2.0, 3.0, 6.0], "town": list("aabb")})
        >>> sipas.variance(sipas.Design(frame), "y", by="town").frame["value"].tolist()
        [0.5, 4.5]
    """
    names, keys = list_names(variables), check_keys(by)
    check_request(names, level)
    sample = take_design(design)
    facts = read_facts(sample, names)
    for name in names:
        check_numbers(name, facts.variables[name], facts.n)
    layout = Layout(names, facts, squares=True)
    totals = build_block(sample, keys, layout.to_columns(), facts.scale)
    parts = [_estimate_variance(totals, layout, name, level) for name in names]
    return join_parts(parts, totals, keys)


@dataclass(frozen=True)
class _Spread:
    """n/(n−1)·(Σ w y²/Σ w − ȳ²) of the totals of y, y² and who answered.

    Attributes:
        place: Column of y; y is measured from the middle of its range.
        square_place: Column of y².
        answered: Slope of Σ w by the first columns, shape (q,).
        n: Number of people who answered, shape (D,).
    """

    place: int
    square_place: int
    answered: Floats
    n: Floats

    def evaluate(self, total: Floats) -> tuple[Floats, Floats]:
        """Return the value (D,) and its gradient (D, p) by the totals."""
        with np.errstate(invalid="ignore", divide="ignore"):
            size = total[:, : len(self.answered)] @ self.answered
            mean, square = total[:, self.place] / size, total[:, self.square_place] / size
            factor = self.n / (self.n - 1)
            value = np.where(self.n > 1, factor * (square - mean**2), np.nan)
            gradient = np.zeros_like(total)
            gradient[:, : len(self.answered)] = np.outer(
                factor * (2 * mean**2 - square) / size, self.answered
            )
            gradient[:, self.place] += factor * -2 * mean / size
            gradient[:, self.square_place] += factor / size
        return value, np.where(np.isfinite(gradient), gradient, 0.0)


def _estimate_variance(totals: Block, layout: Layout, name: str, level: float) -> Part:
    """Return the variance of one variable in each domain."""
    key, flag = (name, None), layout.spec.answered[name]
    answered, n = layout.answered_slope(name)[0], totals.people[flag].to_numpy(dtype=float)
    spread = _Spread(layout.place[key], layout.square_place(key), answered, n)
    evaluated = evaluate_figure(totals, spread.evaluate, flag)
    columns = build_columns(
        totals,
        evaluated,
        t_interval(evaluated.value, evaluated.variance, evaluated.df, level),
        name=name,
        denominator=totals.total[:, : len(answered)] @ answered,
        deff=np.nan,
        n_eff=np.nan,
        flag=flag_cells(evaluated.people, MIN_CELL, df=evaluated.df),
    )
    return Part(columns, evaluated.influence)
