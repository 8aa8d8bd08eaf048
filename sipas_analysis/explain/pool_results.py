"""Pool the results of given imputations by Rubin's rules.

Blanks that were filled several times, by any program, give several completed samples; each is
analysed as if nothing had been blank. The pooled error adds the differences between imputations.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from numbers import Real
from typing import TypeVar

import numpy as np

from sipas_analysis.arguments import check_kind, check_level, describe_value, refuse_kind
from sipas_analysis.errors import FitError
from sipas_analysis.explain.fitted import Fit, Note
from sipas_analysis.explain.imputation import combine_imputations, measure_missing
from sipas_analysis.explain.regression import pool_imputations
from sipas_analysis.explain.standard_errors import tabulate_coefficients
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.estimates import COLUMNS, Estimates
from sipas_analysis.rounding import round_to_text

Result = TypeVar("Result", Fit, Estimates)
MISSING = "missing_information"


def pool_fits(fits: Sequence[Fit], level: float = 0.95, df: float | None = None) -> Fit:
    """Pool the fits of several completed samples.

    Value: the mean of the m fits. Covariance T = W̄ + (1 + 1/m)B, with W̄ the mean covariance and B
    that of the values between fits. With γ = (1 + 1/m)B/T and ν the degrees of freedom of complete
    data: 1/df = γ²/(m − 1) + 1/ν_obs, ν_obs = ν(ν + 1)/(ν + 3)·(1 − γ).

    Args:
        fits: One fit for each completed sample: the same formula, family and answers.
        level: Confidence of the intervals.
        df: ν; that of the fits if left out, ``numpy.inf`` as R ``mitools::MIcombine`` unasked
            (its ``df.complete`` has 1 − γ without the factor 1 + 1/m; ours is as published).

    Returns:
        A fit like the first. Its table has ``missing_information``, the fraction that the blanks
        took: (r + 2/(df + 3))/(r + 1), r = (1 + 1/m)B/W̄. ``margins`` pools, too.

    Raises:
        FitError: Fewer than two fits, or fits of different models.

    Source: rule D1 in docs/method.md; Rubin (1987); Barnard and Rubin (1999),
    doi:10.1093/biomet/86.4.948.

    Example:
        >>> import pandas as pd
        >>> import sipas_analysis as sipas
        >>> x = [0.0, 1.0, 2.0, 3.0, 4.0]
        >>> filled = [pd.DataFrame({"x": x, "y": [1.0, 2.0, 2.0, 5.0, y]}) for y in (4, 5, 6)]
        >>> fits = [sipas.fit(sipas.Design(frame), "y ~ x") for frame in filled]
        >>> sipas.pool_fits(fits).params.round(3).to_dict()
        {'Intercept': 0.8, 'x': 1.1}
    """
    several = _list_results(fits, Fit, "fits")
    check_level(level)
    _check_alike([[fit.family, *fit.covariance().index] for fit in several])
    _check_df(df)
    pooled = pool_imputations(several, level, df)
    notes = (*several[0].notes, Note("pooled", {"count": len(several)}))
    values = np.stack([fit.frame["value"].to_numpy(dtype=float) for fit in several])
    variances = np.stack([np.diagonal(fit.covariance_matrix) for fit in several])
    missing = measure_missing(values, variances, pooled.frame["df"].to_numpy())
    return replace(pooled, frame=pooled.frame.assign(**{MISSING: missing}), notes=notes)


def pool_estimates(
    estimates: Sequence[Estimates], level: float = 0.95, df: float | None = None
) -> Estimates:
    """Pool means, totals, ratios or shares of several completed samples.

    Arguments and formulas as ``pool_fits``; the interval is value ± t·se, also of shares.

    Returns:
        The table of the first, with pooled ``value``, ``se``, ``low``, ``high``, ``df`` and
        ``missing_information``; ``deff`` and ``n_eff`` are blank.

    Raises:
        FitError: Fewer than two tables, or tables with different rows.

    Source: rule D1 in docs/method.md; Barnard and Rubin (1999), doi:10.1093/biomet/86.4.948.

    Example:
        >>> import sipas_analysis as sipas
        >>> import pandas as pd
        >>> filled = [pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0, y]}) for y in (2, 3, 4)]
        >>> means = [sipas.mean(sipas.Design(frame), "y") for frame in filled]
        >>> sipas.pool_estimates(means).frame[["value", "se", "df"]].round(3).to_numpy().tolist()
        [[3.0, 0.762, 2.566]]
    """
    tables = [one.frame for one in _list_results(estimates, Estimates, "estimates")]
    check_level(level)
    _check_df(df)
    first = tables[0]
    keys = [name for name in first if name not in COLUMNS]
    _check_alike([table[keys].astype(str).to_numpy().ravel().tolist() for table in tables])
    values = np.stack([table["value"].to_numpy(dtype=float) for table in tables])
    variances = np.stack([table["se"].to_numpy(dtype=float) ** 2 for table in tables])
    complete: Floats = first["df"].to_numpy(dtype=float) if df is None else np.full(len(first), df)
    pooled = combine_imputations(values, np.stack([np.diag(row) for row in variances]), complete)
    table = tabulate_coefficients(
        pooled.value, np.sqrt(np.diagonal(pooled.covariance)), pooled.df, level
    ).drop(columns="p")
    table = table.assign(
        **dict.fromkeys(("numerator", "denominator", "deff", "n_eff"), np.nan),
        method=np.where(table["low"].isna(), "none", "t"),
        printed=[round_to_text(value) for value in pooled.value],
    )
    frame = first.copy()
    for name in frame.columns.intersection(table.columns):
        frame[name] = table[name]
    return Estimates(frame.assign(**{MISSING: measure_missing(values, variances, pooled.df)}))


def _list_results(results: Sequence[Result], kind: type[Result], role: str) -> list[Result]:
    """Return several results of one kind; refuse fewer than two, and anything else."""
    given: object = results
    if not isinstance(given, (kind, Iterable)):
        raise refuse_kind(given, "fit" if kind is Fit else "estimates", role)
    several: list[Result] = [given] if isinstance(given, kind) else list(results)
    for result in several:
        check_kind(result, kind, "fit" if kind is Fit else "estimates", role)
    if len(several) < 2:
        raise FitError("pool_few", n=len(several))
    return several


def _check_df(df: float | None) -> None:
    """Refuse degrees of freedom that are no number above 0."""
    if df is not None and (isinstance(df, bool) or not isinstance(df, Real) or not df > 0):
        raise FitError("pool_df", found=describe_value(df))


def _check_alike(labels: Sequence[Sequence[Hashable]]) -> None:
    """Refuse results that are not about the same rows."""
    for at, names in enumerate(labels[1:], start=2):
        if list(names) != list(labels[0]):
            odd = sorted({*map(str, names)} ^ {*map(str, labels[0])})
            raise FitError("pool_unlike", at=at, names=", ".join(odd[:6]) or "–")
