"""The variance of a variable in the population, by domain, with its own error (rule V1)."""

from dataclasses import dataclass
from itertools import combinations

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
    design: Design | Sampled,
    variables: Names,
    by: Names = (),
    level: float = 0.95,
    *,
    pairs: bool = False,
) -> Estimates:
    """Estimate the variance of each variable in the population, in each domain.

    s² = n/(n−1) · Σ wᵢ(yᵢ − ȳ)² / Σ wᵢ over the n forms that answered; its influence is that of
    the mean of (yᵢ − ȳ)². The root of ``value`` is the standard deviation.

    Args:
        design: The sample; of a survey, the one that it declares.
        variables: Numeric columns; yes/no columns count as 1 and 0.
        by: Key columns of the domains; none for the whole.
        level: Confidence of the t interval.
        pairs: Whether to estimate the covariance of each pair of variables, too; then only forms
            count that answered all of them.

    Returns:
        One row per domain and variable: keys, ``variable`` (``a:b`` of a pair) and the glossary's
        columns, in the variable's squared unit; no design effect. NaN where fewer than two people
        answered.

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
    layout = Layout(names, facts, joint=pairs, squares=True)
    totals = build_block(sample, keys, layout.to_columns(), facts.scale)
    wanted = [(name, name) for name in names] + (list(combinations(names, 2)) if pairs else [])
    parts = [_estimate_variance(totals, layout, pair, level) for pair in wanted]
    return join_parts(parts, totals, keys)


@dataclass(frozen=True)
class _Spread:
    """n/(n−1)·(Σ w yz/Σ w − ȳz̄) of the totals of y, z, yz and who answered.

    Attributes:
        places: Columns of y and z, each measured from the middle of its range, and of yz.
        answered: Slope of Σ w by the first columns, shape (q,).
        n: Number of people who answered, shape (D,).
    """

    places: tuple[int, int, int]
    answered: Floats
    n: Floats

    def evaluate(self, total: Floats) -> tuple[Floats, Floats]:
        """Return the value (D,) and its gradient (D, p) by the totals."""
        q = len(self.answered)
        with np.errstate(invalid="ignore", divide="ignore"):
            size = total[:, :q] @ self.answered
            first, second, product = (total[:, place] / size for place in self.places)
            factor = self.n / (self.n - 1)
            value = np.where(self.n > 1, factor * (product - first * second), np.nan)
            gradient = np.zeros_like(total)
            gradient[:, :q] = np.outer(2 * first * second - product, self.answered)
            for place, slope in zip(
                self.places, (-second, -first, np.ones_like(size)), strict=True
            ):
                gradient[:, place] += slope
            gradient *= (factor / size)[:, None]
        return value, np.where(np.isfinite(gradient), gradient, 0.0)


def _estimate_variance(totals: Block, layout: Layout, names: tuple[str, str], level: float) -> Part:
    """Return the variance of a variable, or the covariance of two, in each domain."""
    (first, second), flag = ((name, None) for name in names), layout.spec.answered[names[0]]
    answered, n = layout.answered_slope(names[0])[0], totals.people[flag].to_numpy(dtype=float)
    places = layout.place[first], layout.place[second], layout.find_place(first, second)
    evaluated = evaluate_figure(totals, _Spread(places, answered, n).evaluate, flag)
    columns = build_columns(
        totals,
        evaluated,
        t_interval(evaluated.value, evaluated.variance, evaluated.df, level),
        name=":".join(dict.fromkeys(names)),
        denominator=totals.total[:, : len(answered)] @ answered,
        deff=np.nan,
        n_eff=np.nan,
        flag=flag_cells(evaluated.people, MIN_CELL, df=evaluated.df),
    )
    return Part(columns, evaluated.influence)
