"""Cross-tables of two questions of any sample, with tests of independence (rule I5).

Pearson's X² takes people for independent; under strata, clusters and weights it is corrected by the
design effects of the cells (Rao and Scott). Wald's tests use the covariance of the cells instead.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.arguments import check_word, list_names
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Design, Floats, Ints, Sampled, take_design
from sipas_analysis.infer.distributions import chi2_tail, f_tail
from sipas_analysis.infer.estimates import COLUMNS, Estimates
from sipas_analysis.infer.intervals import Method
from sipas_analysis.infer.means import mean, total
from sipas_analysis.infer.printed_result import ResultPart
from sipas_analysis.infer.quadratic_forms import mixture_tail, wald_statistic
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.infer.sample_facts import read_facts
from sipas_analysis.infer.shares import proportion
from sipas_analysis.messages import format_number, say

CELL = "\0cell"  # begins names that no column of a frame has


@dataclass(frozen=True, eq=False, repr=False)
class CrossTable(ResultTable):
    """A cross-table of two variables, with tests of their independence.

    Attributes:
        frame: One row per cell: the levels of both variables; ``value``, its share of all forms
            that answered both, 0 to 1, with ``se``, ``low``, ``high``, ``df``; ``n``, forms of the
            cell; ``total`` and ``total_se``, people.
        tests: One row per test: ``test``, ``statistic``, ``df``, ``df2``, ``p``.
        shares: The cells as estimates, with ``covariance()``.
        n_lost: Forms that are blank in either variable.
        dropped: Levels without a form that counts, as ``column: level``.
        design: The sample, codes as text.
    """

    frame: pd.DataFrame
    tests: pd.DataFrame
    shares: Estimates
    n_lost: int
    dropped: tuple[str, ...]
    design: Design = field(repr=False)
    decimals = 4

    def row_shares(self, method: Method = "exact", level: float = 0.95) -> Estimates:
        """Return the shares of the columns within each row, as ``proportion`` by row."""
        rows, columns = self.frame.columns[:2]
        return proportion(self.design, columns, by=rows, method=method, level=level)

    def column_shares(self, method: Method = "exact", level: float = 0.95) -> Estimates:
        """Return the shares of the rows within each column, as ``proportion`` by column."""
        rows, columns = self.frame.columns[:2]
        return proportion(self.design, rows, by=columns, method=method, level=level)

    def to_grid(self, value: str = "value") -> pd.DataFrame:
        """Return one column of the cells as a grid: rows by columns."""
        rows, columns, *others = self.frame.columns
        check_word(value, others, "value")
        return self.frame.pivot_table(value, rows, columns, sort=False, observed=False)

    def _list_row_keys(self) -> list[str]:
        return [str(name) for name in self.frame.columns[:2]]

    def _list_parts(self) -> list[ResultPart]:
        return [*super()._list_parts(), self._make_part("tests", self.tests)]

    def sentences(self) -> list[str]:
        """Return sentences on the test, on blank forms and on levels that were left out."""
        p = self.tests.set_index("test")["p"]
        texts = {
            field: format_number(float(p[test]), self.language, 4)
            for field, test in (("p", "F"), ("wald", "adjWald"))
        }
        head = say(self.language, "table.tests", **texts)
        lost = [say(self.language, "table.lost", n=self.n_lost)] * bool(self.n_lost)
        levels = ", ".join(self.dropped)
        return [head, *lost, *([say(self.language, "table.dropped", levels=levels)] * bool(levels))]


def cross_table(
    design: Design | Sampled, rows: str, columns: str, level: float = 0.95
) -> CrossTable:
    """Cross two variables: shares and people of each cell, and tests of independence.

    Tests, named as in R ``svychisq(statistic=)``:

    - ``F`` (R's default): Pearson's X² over the trace of Δ, the design effects of the
      interaction, to F at d₀ = tr(Δ)²/tr(Δ²) and d₀·ν degrees of freedom (second order).
    - ``Chisq``: X², with p of X²/mean(Δ) to χ² (first order).
    - ``Wald``, ``adjWald``: of n_ij − n_i n_j/n; to F at (r−1)(c−1) and ν, or ν − (r−1)(c−1) + 1.
    - ``saddlepoint``: X² against its weighted sum of χ², by the saddlepoint approximation (also
      R's ``lincom`` where its integration is not installed).

    ν = clusters − strata of the forms (given replicates: rank − 1).

    Args:
        design: The sample; ``subset`` for a part.
        rows: Column of few values (text, categories, codes, yes/no).
        columns: Another one. A form that is blank in either is in no cell.
        level: Confidence of the intervals.

    Returns:
        The table, with ``tests``, ``row_shares()``, ``column_shares()`` and ``to_grid()``. A level
        without any weight is left out and listed in ``dropped``. Without an error (V3) tests are
        NaN.

    Raises:
        DesignError: A column is missing; a variable has fewer than two levels with forms.

    Source: rule I5 in docs/method.md; Rao and Scott (1984), doi:10.1214/aos/1176346391; equal to
    R ``svychisq``, ``svytable``.

    Example:
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"sex": list("ffffmmmm"), "late": list("yynnynnn")})
        >>> table = sipas.cross_table(sipas.Design(frame), "sex", "late")
        >>> table.frame["value"].tolist()
        [0.25, 0.25, 0.375, 0.125]
        >>> table.tests.set_index("test")["p"].round(3)["F"].item()
        0.516
    """
    design, names = take_design(design), _check_names(rows, columns)
    if design.on_files:
        raise DesignError("table_files")
    read_facts(design, names)
    frame = design.frame
    counted = design.members & (design.weight > 0) & frame[names].notna().all(axis=1).to_numpy()
    row, column = (_number_levels(frame[name], counted) for name in names)
    shape = len(row.levels), len(column.levels)
    cell = np.where(
        (row.number < 0) | (column.number < 0), -1, row.number * shape[1] + column.number
    )
    cells = {
        f"{CELL}{at}": np.where(cell < 0, np.nan, cell == at) for at in range(math.prod(shape))
    }
    marked = design.assign(**cells, **{CELL: 1.0})
    shares, people = mean(marked, [*cells], level=level), total(marked, [*cells], level=level)
    df = mean(marked, CELL).frame["df"].item()
    levels = pd.MultiIndex.from_product([row.levels, column.levels], names=names)
    keys = levels.to_frame(index=False)
    table = keys.join(shares.frame[["value", "se", "low", "high", "df"]])
    table["n"] = np.bincount(cell[counted & (cell >= 0)], minlength=len(table))
    table["total"], table["total_se"] = people.frame["value"], people.frame["se"]
    tests = _test_independence(shares, people, shape, n=int(design.members.sum()), df=df)
    named = keys.join(shares.frame.drop(columns="variable").assign(variable="share"))
    texts = {name: _make_text(frame[name]) for name in names}
    dropped = tuple(f"{side.name}: {level}" for side in (row, column) for level in side.dropped)
    shares = replace(shares, frame=named)
    n_lost = int(frame.loc[design.members, names].isna().any(axis=1).sum())
    return CrossTable(table, tests, shares, n_lost, dropped, design.assign(**texts))


@dataclass(frozen=True)
class _Side:
    """The levels of one variable of a table.

    Attributes:
        name: Name of the variable.
        number: Number of the level of each form, -1 for none.
        levels: Levels with a form that counts, in the order of categories, else sorted.
        dropped: Other levels.
    """

    name: str
    number: Ints
    levels: list[object]
    dropped: list[object]


def _check_names(rows: str, columns: str) -> list[str]:
    """Return the names of the two variables; refuse one, the same twice, or more."""
    names = list(dict.fromkeys([*list_names(rows, "rows"), *list_names(columns, "columns")]))
    if len(names) != 2:
        raise DesignError("table_two", columns=", ".join(names) or "–")
    taken = [name for name in names if name in (*COLUMNS, "total", "total_se", "variable")]
    if taken:
        raise DesignError("by_taken", key=taken[0])
    return names


def _number_levels(column: "pd.Series[Any]", counted: NDArray[np.bool_]) -> _Side:
    """Number the levels of a variable that have a form; refuse a variable without two of them."""
    is_category = isinstance(column.dtype, pd.CategoricalDtype)
    codes, distinct = pd.factorize(column, sort=True)
    number: Ints = np.asarray(column.cat.codes if is_category else codes, np.int64)
    levels = np.asarray(column.cat.categories if is_category else distinct, dtype=object)
    present = np.bincount(number[counted], minlength=len(levels)) > 0
    name = str(column.name)
    if present.sum() < 2:
        raise DesignError("table_level", column=name, levels=", ".join(map(str, levels[present])))
    places = np.append(np.where(present, np.cumsum(present) - 1, -1), -1)
    return _Side(name, places[number], [*levels[present]], [*levels[~present]])


def _make_text(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return codes as text, so that ``proportion`` gives a row for each; others as they are."""
    if not pd.api.types.is_numeric_dtype(column):
        return column
    return column.astype(object).where(column.notna(), None).map(str, na_action="ignore")


def _test_independence(
    shares: Estimates, people: Estimates, shape: tuple[int, int], *, n: int, df: float
) -> pd.DataFrame:
    """Return the tests of a table of r by c cells.

    Args:
        shares: Cells as shares of the whole.
        people: Cells as people.
        shape: r and c.
        n: Forms of the sample or part, blank ones too (as R).
        df: Degrees of freedom of the design.
    """
    p = shares.frame["value"].to_numpy(dtype=float)
    expected = np.outer(p.reshape(shape).sum(axis=1), p.reshape(shape).sum(axis=0)).ravel()
    pearson = n * float(((p - expected) ** 2 / expected).sum())
    design_effects = _find_design_effects(p, shares.covariance_matrix(), shape, n)
    trace = float(np.trace(design_effects))
    d0 = trace**2 / float(np.trace(design_effects @ design_effects))
    k = (shape[0] - 1) * (shape[1] - 1)
    first_order = chi2_tail(pearson * k / trace, k)
    wald = _find_wald(people, shape)
    rows: list[tuple[str, float, float, float, float]] = [
        ("F", pearson / trace, d0, d0 * df, f_tail(pearson / trace, d0, d0 * df)),
        ("Chisq", pearson, k, np.nan, first_order),
        ("Wald", wald / k, k, df, f_tail(wald / k, k, df)),
    ]
    left = df - k + 1
    adjusted = wald * left / (k * df) if left > 0 else np.nan
    rows.append(("adjWald", adjusted, k, left, f_tail(adjusted, k, left)))
    known = np.isfinite(design_effects)
    factors = np.linalg.eigvals(np.where(known, design_effects, 0.0)).real.astype(np.float64)
    denominator = np.inf if shares.totals and shares.totals.replicas is not None else d0 * df
    rows.append(
        ("saddlepoint", pearson, np.nan, np.nan, mixture_tail(pearson, factors, denominator))
    )
    return pd.DataFrame(rows, columns=["test", "statistic", "df", "df2", "p"])


def _find_design_effects(p: Floats, covariance: Floats, shape: tuple[int, int], n: int) -> Floats:
    """Return Δ, the design effects of the interaction, shape (k, k): (C'D⁻¹C/n)⁻¹ C'D⁻¹VD⁻¹C."""
    row, column = (side.ravel() for side in np.indices(shape))
    one = np.ones(len(p))
    main = np.column_stack(
        [one, *(row == i for i in range(1, shape[0])), *(column == j for j in range(1, shape[1]))]
    )
    both = np.column_stack(
        [(row == i) & (column == j) for j in range(1, shape[1]) for i in range(1, shape[0])]
    ).astype(np.float64)
    contrasts = both - main @ np.linalg.lstsq(main, both, rcond=None)[0]
    scaled = contrasts * np.divide(1.0, p, out=np.zeros_like(p), where=p != 0)[:, None]
    return _solve(contrasts.T @ scaled / n, scaled.T @ covariance @ scaled)


def _solve(matrix: Floats, right: Floats) -> Floats:
    """Solve a system of equations; NaN if there is no single solution, as with many empty cells."""
    try:
        return np.asarray(np.linalg.solve(matrix, right), dtype=np.float64)
    except np.linalg.LinAlgError:
        return np.full_like(right, np.nan)


def _find_wald(people: Estimates, shape: tuple[int, int]) -> float:
    """Return Wald's X² of n_ij − n_i n_j/n, of all rows and columns but the first."""
    count = people.frame["value"].to_numpy(dtype=float).reshape(shape)
    row, column, whole = count.sum(axis=1), count.sum(axis=0), count.sum()
    i, j = (side.ravel() for side in np.indices(shape))
    slopes = (
        np.eye(count.size)
        - (i[:, None] == i) * (column[j] / whole)[:, None]
        - (j[:, None] == j) * (row[i] / whole)[:, None]
        + (row[i] * column[j] / whole**2)[:, None]
    )
    covariance = slopes @ people.covariance_matrix() @ slopes.T
    used = (i > 0) & (j > 0)
    residual = (count - np.outer(row, column) / whole).ravel()[used]
    return wald_statistic(residual, covariance[np.ix_(used, used)])
