"""Tests of two or more groups of any sample: means by t, ranks by Lumley and Scott (rule I6)."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_level, check_name, check_word
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Design, Floats, Ints, Sampled, take_design
from sipas_analysis.infer.distributions import f_tail, normal_quantile, t_tail
from sipas_analysis.infer.intervals import t_interval
from sipas_analysis.infer.means import mean, total
from sipas_analysis.infer.quadratic_forms import wald_statistic
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.infer.sample_facts import check_numbers, read_facts

RankTest = Literal["wilcoxon", "vanderWaerden", "median", "KruskalWallis"]
VALUE, GROUP = "\0value", "\0group"  # begin names that no column of a frame has


@dataclass(frozen=True, eq=False, repr=False)
class GroupTest(ResultTable):
    """A test of groups.

    Attributes:
        frame: One row: ``variable``, ``contrast``, ``value`` (the difference), ``se``, ``low``,
            ``high``, ``statistic``, ``df``, ``df2``, ``p``, ``n``, ``method``. Two groups have a
            ``statistic`` t at ``df``; more have no ``value``, and a χ² whose χ²/df is an F at
            ``df`` and ``df2``.
    """

    frame: pd.DataFrame
    decimals = 4


def t_test(
    design: Design | Sampled, variable: str, group: str = "", level: float = 0.95
) -> GroupTest:
    """Test whether the means of two groups differ, or whether one mean is 0.

    t = (ȳ₂ − ȳ₁)/se at df − 1, df = clusters − strata of the forms that answered: the slope of a
    regression on the group. ``mean(by=group).difference`` has the same value and error, at the
    degrees of freedom of the two groups.

    Args:
        design: The sample; ``subset`` for a part.
        variable: Numeric column.
        group: Column of two groups; none tests the mean of all against 0.
        level: Confidence of the interval.

    Returns:
        One row; the contrast is the second group, in sorted order, minus the first.

    Raises:
        DesignError: A column is missing or holds text; there are not two groups with answers.

    Source: rule I6 in docs/method.md; equal to R ``svyttest``.

    Example:
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"days": [3.0, 5, 4, 9, 8, 10], "office": list("aaabbb")})
        >>> sipas.t_test(sipas.Design(frame), "days", "office").frame["value"].item()
        5.0
    """
    check_level(level)
    sample = _number_groups(take_design(design), variable, group)
    means = mean(sample.design, VALUE, by=GROUP if group else ())
    if group:
        sample.refuse_unless_two(group)
        means = means.combine([-1.0, 1.0])
    value, se = (means.frame[name].item() for name in ("value", "se"))
    return _build_row(sample, variable, value, se, level=level, method="t")


def rank_test(
    design: Design | Sampled,
    variable: str,
    group: str,
    test: RankTest = "wilcoxon",
    level: float = 0.95,
) -> GroupTest:
    """Test whether groups differ in the ranks of a variable.

    Estimated rank R_i = weights below + half of w_i (ties share the mean) over N = Σw. Score:
    R/N (``wilcoxon``, ``KruskalWallis``), Φ⁻¹(R/N) (``vanderWaerden``), 1 above N/2 (``median``).
    Two groups: t of the difference of mean scores at df − 1; more: χ² of their differences from
    the first, χ²/df to F at k − 1 and df − (k − 1).

    Args:
        design: The sample.
        variable: Numeric column.
        group: Column of two or more groups.
        test: Score of a rank, named as in R.
        level: Confidence of the interval of two groups.

    Returns:
        One row, see ``GroupTest``.

    Raises:
        DesignError: A column is missing or holds text; there are not two groups with answers.

    Source: rule I6 in docs/method.md; Lumley and Scott (2013), doi:10.1093/biomet/ast030; equal
    to R ``svyranktest``.

    Example:
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"days": [3.0, 5, 4, 9, 8, 10], "office": list("aaabbb")})
        >>> sipas.rank_test(sipas.Design(frame), "days", "office").frame["value"].item()
        0.5
    """
    check_level(level)
    check_word(test, get_args(RankTest), "test")
    sample = _number_groups(take_design(design), variable, group)
    k = len(sample.names)
    if k < 2:
        sample.refuse_unless_two(group)
    weight = sample.design.weight[sample.rows]
    score = _score_ranks(sample.values, weight, test)
    inside = sample.number[:, None] == np.arange(k)
    sizes = weight @ inside
    centre = (weight * score) @ inside / sizes
    rest = (score - centre[sample.number])[:, None] * (inside / sizes)
    influence = np.zeros((len(sample.design.frame), k - 1))
    influence[sample.rows] = rest[:, 1:] - rest[:, :1]
    columns = {f"{VALUE}{at}": column for at, column in enumerate(influence.T)}
    totals = total(sample.design.assign(**columns), [*columns])
    difference, covariance = centre[1:] - centre[0], totals.covariance_matrix()
    if k == 2:
        se = float(np.sqrt(covariance.item()))
        return _build_row(sample, variable, difference.item(), se, level=level, method=test)
    return _build_row_of_several(sample, variable, difference, covariance, test)


@dataclass(frozen=True)
class _Groups:
    """The forms of a test of groups.

    Attributes:
        design: The sample with the columns of the test.
        rows: Rows of the forms that have both, shape (m,).
        values: Their values.
        number: Their groups.
        names: Names of the groups, sorted.
        df: Degrees of freedom of the forms, clusters − strata.
    """

    design: Design
    rows: Ints
    values: Floats
    number: Ints
    names: list[str]
    df: float

    def refuse_unless_two(self, group: str) -> None:
        """Refuse groups that are not two."""
        if len(self.names) != 2:
            shown = ", ".join(self.names[:6]) or "–"
            raise DesignError("group_two", column=group, n=len(self.names), groups=shown)


def _number_groups(design: Design, variable: str, group: str) -> _Groups:
    """Find the forms that have a value and a group, and number the groups."""
    check_name(variable, "variable")
    check_name(group, "group")
    facts = read_facts(design, [variable, *([group] if group else [])])
    if design.on_files:
        raise DesignError("group_files")
    check_numbers(variable, facts.variables[variable], facts.n, text="group_text")
    frame = design.frame
    values = frame[variable].to_numpy(dtype=float, na_value=np.nan)
    number, levels = pd.factorize(frame[group] if group else np.zeros(len(frame)), sort=True)
    counted = design.members & ~np.isnan(values) & (number >= 0)
    rows = np.flatnonzero(counted & (design.weight > 0))
    present, places = np.unique(number[rows], return_inverse=True)
    codes = np.where(counted, number.astype(float), np.nan)
    marked = design.assign(**{VALUE: np.where(counted, values, np.nan), GROUP: codes})
    df = mean(marked, VALUE).frame["df"].item()
    names = [str(levels[at]) for at in present]
    return _Groups(marked, rows, values[rows], places.astype(np.int64), names, df)


def _score_ranks(values: Floats, weight: Floats, test: str) -> Floats:
    """Return the score of each form's estimated rank in the population."""
    order = np.argsort(values, kind="stable")
    middle = np.empty(len(values))
    middle[order] = np.cumsum(weight[order]) - weight[order] / 2
    rank = pd.Series(middle).groupby(values).transform("mean").to_numpy()
    size = weight.sum()
    if test == "median":
        return np.asarray(rank > size / 2, dtype=np.float64)
    return normal_quantile(rank / size) if test == "vanderWaerden" else np.asarray(rank / size)


def _build_row(
    sample: _Groups, variable: str, value: float, se: float, *, level: float, method: str
) -> GroupTest:
    """Return the t test of a difference of two groups, or of a mean, at df − 1."""
    df = sample.df - 1 if sample.df > 1 else np.nan
    low, high = t_interval(np.asarray(value), np.asarray(se**2), np.asarray(df), level)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.divide(value, se)
    row = {
        "variable": variable,
        "contrast": " − ".join(reversed(sample.names)) if len(sample.names) == 2 else "",
        "value": value,
        "se": se,
        "low": float(low),
        "high": float(high),
        "statistic": float(statistic),
        "df": df,
        "df2": np.nan,
        "p": 2 * float(t_tail(np.abs(statistic), df)),
        "n": len(sample.rows),
        "method": method,
    }
    return GroupTest(pd.DataFrame([row]))


def _build_row_of_several(
    sample: _Groups, variable: str, difference: Floats, covariance: Floats, method: str
) -> GroupTest:
    """Return the χ² test that no group differs from the first."""
    k = len(difference)
    statistic = wald_statistic(difference, covariance)
    df2 = sample.df - k if sample.df > k else np.nan
    row = {
        "variable": variable,
        "contrast": ", ".join(sample.names),
        **dict.fromkeys(("value", "se", "low", "high"), np.nan),
        "statistic": statistic,
        "df": float(k),
        "df2": df2,
        "p": f_tail(statistic / k, k, df2),
        "n": len(sample.rows),
        "method": method,
    }
    return GroupTest(pd.DataFrame([row]))
