"""Estimate how alike the answers within a unit are: intraclass correlation and its components.

The correlation says how much of the variance lies between units, how reliably means of units can
be told apart, and how much clusters enlarge the variance of a mean (rule D14).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize

from sipas_analysis.arguments import check_level, check_name
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Design, Floats
from sipas_analysis.infer.distributions import f_quantile, f_tail
from sipas_analysis.infer.printed_result import ResultPart
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.measure.adjustment import check_numbers
from sipas_analysis.measure.item_answers import (
    Sample,
    list_items,
    read_sample,
    read_wording,
    weigh_members,
)

LARGEST_RATIO = 1e8  # of the variance between units over that within, searched by REML


@dataclass(frozen=True, eq=False, repr=False)
class IntraclassCorrelation(ResultTable):
    """Intraclass correlations of variables within units.

    Attributes:
        frame: Two rows per variable: ``variable``, ``statistic`` (``icc`` of single answers,
            ``icc_mean`` of means of units), ``value``, ``low``, ``high``, ``f``, ``df``,
            ``df_within``, ``p``, ``n`` (answers), ``units``.
        components: Two rows per variable: ``variable``, ``method`` (``anova``, ``reml``),
            ``between`` and ``within`` (variances), ``icc``, ``mean`` (of the units), ``size``
            (answers of an average unit), ``deff`` (of the mean, from the units as clusters).
    """

    frame: pd.DataFrame
    components: pd.DataFrame
    decimals = 4

    def _list_parts(self) -> list[ResultPart]:
        return [*super()._list_parts(), self._make_part("components", self.components)]


def icc(
    sample: Sample,
    variables: str | Sequence[str] | None = None,
    by: str = "unit",
    *,
    weights: str | None = None,
    level: float = 0.95,
) -> IntraclassCorrelation:
    """Estimate the intraclass correlation of answers within units, by one-way analysis of variance.

    F = MSB/MSW; ICC(1) = (F − 1)/(F + n₀ − 1), of unit means 1 − 1/F; n₀ = (n − Σnᵤ²/n)/(a − 1).
    Intervals by the F distribution (exact where units have equally many forms). Components: between
    (MSB − MSW)/n₀ and within MSW; and by REML. deff = 1 + (m − 1)·max(ICC, 0), m = Σwᵤ²/Σwᵢ².

    Args:
        sample: A frame with one row per form, a design, or a survey.
        variables: Numeric columns; all items of a survey if left out.
        by: Column of the unit; forms without a unit are left out.
        weights: Column of weights, of a frame. With weights sums are weighted, the weights scaled
            to mean 1, as R ``aov(weights=)`` and ``lmer(weights=)``.
        level: Confidence of the intervals.

    Returns:
        See ``IntraclassCorrelation``. ICC(1) of the analysis of variance can be negative; REML
        gives 0 there. Strata and further clusters do not count.

    Raises:
        DesignError: A column is missing or holds text; there are fewer than two units, no unit has
            two answers, or all answers are equal.

    Source: rule D14 in docs/method.md; Shrout and Fleiss (1979), doi:10.1037/0033-2909.86.2.420;
    Donner (1986), doi:10.2307/1403259; equal to R ``psych::ICC`` (ICC1, ICC1k) and ``lmer``.

    Example:
        >>> frame = pd.DataFrame({"unit": list("aabbcc"), "q": [1, 2, 4, 5, 2, 2]})
        >>> icc(frame, "q").frame["value"].round(3).tolist()
        [0.879, 0.935]
    """
    check_level(level)
    check_name(by, "by")
    design, names = read_sample(sample, weights), list_items(sample, variables)
    if not names:
        raise DesignError("no_variable")
    check_numbers(design.frame, [*names, by], names)
    parts = [_analyse_variable(design, name, by, level) for name in names]
    return IntraclassCorrelation(
        pd.concat([rows for rows, _ in parts], ignore_index=True),
        pd.concat([components for _, components in parts], ignore_index=True),
        wording=read_wording(sample),
    )


@dataclass(frozen=True)
class UnitSums:
    """Sums of one variable by unit, weights with mean 1.

    Attributes:
        size: Weight of each unit, shape (a,).
        mean: Weighted mean of each unit, shape (a,).
        within: Weighted sum of squares around the means of the units.
        n: Answers.
        squares: Sum of squared weights.
    """

    size: Floats
    mean: Floats
    within: float
    n: int
    squares: float

    @property
    def df(self) -> tuple[int, int]:
        """Degrees of freedom between and within units."""
        return len(self.size) - 1, self.n - len(self.size)

    @property
    def mean_squares(self) -> tuple[float, float]:
        """Mean squares between and within units."""
        df, df_within = self.df
        mean = self.size @ self.mean / self.size.sum()
        return float(self.size @ (self.mean - mean) ** 2) / df, self.within / df_within

    @property
    def average_size(self) -> float:
        """n₀ = (n − Σnᵤ²/n)/(a − 1), what multiplies the variance between in E(MSB)."""
        total = self.size.sum()
        return float((total - (self.size**2).sum() / total) / self.df[0])

    @property
    def f(self) -> float:
        """F of no difference between units; NaN where it is not defined."""
        if min(self.df) < 1 or not self.within > 0:
            return np.nan
        between, within = self.mean_squares
        return between / within


def sum_units(frame: pd.DataFrame, weight: Floats, name: str, by: str) -> UnitSums:
    """Return the sums of a variable by unit over the forms that answered and have a weight."""
    answers = frame[name].to_numpy(dtype=float, na_value=np.nan)
    used = np.flatnonzero(~np.isnan(answers) & frame[by].notna().to_numpy() & (weight > 0))
    code, units = pd.factorize(frame[by].iloc[used])
    y, weight = answers[used], weight[used] * (len(used) / max(weight[used].sum(), 1e-300))
    size = np.bincount(code, weight, len(units)).astype(np.float64)
    mean = np.bincount(code, weight * y, len(units)) / size
    within = float(weight @ (y - mean[code]) ** 2)
    return UnitSums(size, mean, within, len(y), float((weight**2).sum()))


def _analyse_variable(
    design: Design, name: str, by: str, level: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the correlations and the components of one variable."""
    sums = sum_units(design.frame, weigh_members(design), name, by)
    df, df_within = sums.df
    if df < 1 or df_within < 1:
        raise DesignError("icc_units", column=name, units=len(sums.size), n=sums.n, by=by)
    if not sums.within > 0:
        raise DesignError("icc_constant", column=name, by=by)
    f, size, tail = sums.f, sums.average_size, (1 - level) / 2
    f_values = np.array(
        [
            f,
            f / f_quantile(1 - tail, df, df_within),
            f * f_quantile(1 - tail, df_within, df),
        ]
    )
    with np.errstate(divide="ignore"):
        correlations = (f_values - 1) / (f_values + size - 1), 1 - 1 / f_values
    facts = {"f": f, "df": df, "df_within": df_within, "p": f_tail(f, df, df_within)}
    counts = {"n": sums.n, "units": len(sums.size)}
    rows = [
        {"variable": name, "statistic": word, "value": value, "low": low, "high": high}
        for word, (value, low, high) in zip(("icc", "icc_mean"), correlations, strict=True)
    ]
    return pd.DataFrame(rows).assign(**facts, **counts), _tabulate_components(name, sums)


def _tabulate_components(name: str, sums: UnitSums) -> pd.DataFrame:
    """Return the variances between and within units by both methods."""
    between_squares, within = sums.mean_squares
    by_anova = (between_squares - within) / sums.average_size, within
    grand = sums.size @ sums.mean / sums.size.sum()
    cluster = float((sums.size**2).sum() / sums.squares)  # forms of an average cluster
    rows = []
    for method, (between, inside), mean in (
        ("anova", by_anova, grand),
        ("reml", *_fit_reml(sums)),
    ):
        share = between / (between + inside)
        rows.append(
            {
                "variable": name,
                "method": method,
                "between": between,
                "within": inside,
                "icc": share,
                "mean": mean,
                "size": sums.average_size,
                "deff": 1 + (cluster - 1) * max(share, 0.0),
            }
        )
    return pd.DataFrame(rows)


def _fit_reml(sums: UnitSums) -> tuple[tuple[float, float], float]:
    """Return the variances between and within units by REML, and the mean of the units.

    With λ = between/within and cᵤ = nᵤ/(1 + λnᵤ): within = (SSW + Σcᵤ(ȳᵤ − μ)²)/(n − 1),
    μ = Σcᵤȳᵤ/Σcᵤ; λ minimises (n − 1)·ln within + Σ ln(1 + λnᵤ) + ln Σcᵤ.
    """

    def profile(ratio: float) -> tuple[float, float, float]:
        share = sums.size / (1 + ratio * sums.size)
        mean = float(share @ sums.mean / share.sum())
        within = float(sums.within + share @ (sums.mean - mean) ** 2) / (sums.n - 1)
        loss = (sums.n - 1) * np.log(within) + np.log1p(ratio * sums.size).sum()
        return float(loss + np.log(share.sum())), within, mean

    def find_loss(log_ratio: float) -> float:
        return profile(np.exp(log_ratio))[0]

    grid = np.linspace(np.log(1e-8), np.log(LARGEST_RATIO), 120)
    at = int(np.argmin([find_loss(log_ratio) for log_ratio in grid]))
    ends = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
    minimum = optimize.minimize_scalar(
        find_loss, bounds=ends, method="bounded", options={"xatol": 1e-9}
    )
    ratio = float(np.exp(minimum.x)) if minimum.fun < profile(0.0)[0] - 1e-12 else 0.0
    _, within, mean = profile(ratio)
    return (ratio * within, within), mean
