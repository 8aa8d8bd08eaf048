"""Brant's test whether an ordinal logit has the same slopes at every cut point (rule D1)."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_count
from sipas_analysis.explain.coefficients import solve_model
from sipas_analysis.explain.fitted_model import FittedModel
from sipas_analysis.explain.formula import INTERCEPT
from sipas_analysis.explain.standard_errors import estimate_error_covariance, wald_test
from sipas_analysis.infer.printed_result import ResultPart
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.messages import say

FEW_EACH = 10


@dataclass(frozen=True, eq=False, repr=False)
class ParallelTest(ResultTable):
    """Wald's test that the slopes of an ordinal logit are the same at every cut.

    Attributes:
        frame: One row: ``f``, ``df`` (slopes compared), ``ddf`` (degrees of freedom of the
            denominator), ``p``; NaN: no test.
        slopes: Slopes by cut.
    """

    decimals = 4
    frame: pd.DataFrame
    slopes: pd.DataFrame

    @property
    def f(self) -> float:
        """F of the test."""
        return float(self.frame["f"].iloc[0])

    @property
    def df(self) -> int:
        """Slopes compared."""
        return int(self.frame["df"].iloc[0])

    @property
    def df_design(self) -> float:
        """Degrees of freedom of the denominator."""
        return float(self.frame["ddf"].iloc[0])

    @property
    def p(self) -> float:
        """P value of the test."""
        return float(self.frame["p"].iloc[0])

    def sentences(self) -> list[str]:
        """Return what was tested, or that there was no test."""
        word = "parallel_none" if np.isnan(self.p) else "parallel"
        return [say(self.language, f"explain.{word}")]

    def _list_parts(self) -> list[ResultPart]:
        test = replace(self._make_part("", self.frame), chosen=("f", "df", "ddf", "p"))
        if self.slopes.empty:
            return [test]
        slopes = self.slopes.rename_axis("cut").reset_index()
        part = ResultPart("slopes", slopes, self.decimals, ("cut",), tuple(map(str, slopes)))
        return [test, part]


def compare_slopes(model: FittedModel, least: int | None) -> ParallelTest:
    """Test equal slopes with their joint covariance; see ``Fit.test_parallel_slopes``."""
    if least is not None:
        check_count(least, "least")
    levels = model.levels if model.family == "ordinal" else ()
    slopes, influence, cuts = [], [], []
    x = model.data.assign(**{INTERCEPT: 1.0})
    for c in range(1, len(levels)):
        above = (model.y >= c).astype(float)
        if min(above.sum(), (1 - above).sum()) < (least or FEW_EACH * len(model.data.columns)):
            continue
        solution = solve_model("binomial", x, above, model.design.weight[model.rows])
        if solution is not None:
            slopes.append(solution.params[:-1])
            influence.append(solution.influence[:, :-1])
            cuts.append(str(levels[c]))
    table = pd.DataFrame(slopes, index=cuts, columns=list(model.data))
    k = len(model.data.columns)
    q = k * (len(cuts) - 1)
    if q <= 0 or model.imputed_fits:
        return _make_test(table, np.nan, 0, np.nan, np.nan)
    error = estimate_error_covariance(model.design, model.rows, np.hstack(influence))
    contrast = np.hstack([-np.tile(np.eye(k), (len(cuts) - 1, 1)), np.eye(q)])
    f, p = wald_test(
        contrast @ np.concatenate(slopes), contrast @ error.matrix @ contrast.T, error.df
    )
    return _make_test(table, f, q, error.df - q + 1, p)


def _make_test(slopes: pd.DataFrame, f: float, df: int, ddf: float, p: float) -> ParallelTest:
    return ParallelTest(pd.DataFrame({"f": [f], "df": [df], "ddf": [ddf], "p": [p]}), slopes)
