"""Brant's test whether an ordered logit has the same slopes at every cut point (rule D1)."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_count
from sipas_analysis.explain.coefficients import solve_model
from sipas_analysis.explain.fitted_model import FittedModel
from sipas_analysis.explain.formula import INTERCEPT
from sipas_analysis.explain.standard_errors import estimate_error_covariance, wald_test

FEW_EACH = 10


class ParallelTest(NamedTuple):
    """Wald's test of equal slopes: slopes by cut, F, its degrees of freedom, p (NaN: no test)."""

    slopes: pd.DataFrame
    f: float
    df: int
    df_design: float
    p: float


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
        return ParallelTest(table, np.nan, 0, np.nan, np.nan)
    error = estimate_error_covariance(model.design, model.rows, np.hstack(influence))
    contrast = np.hstack([-np.tile(np.eye(k), (len(cuts) - 1, 1)), np.eye(q)])
    f, p = wald_test(
        contrast @ np.concatenate(slopes), contrast @ error.matrix @ contrast.T, error.df
    )
    return ParallelTest(table, f, q, error.df - q + 1, p)
