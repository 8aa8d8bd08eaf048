"""Fit the factors of a questionnaire together, with the error of the sample (rule D12)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Design, Floats
from sipas_analysis.infer.distributions import t_quantile
from sipas_analysis.measure.factor_model import FactorFit, fit_factors
from sipas_analysis.measure.item_answers import FEW_FORMS, ItemAnswers, read_answers

SINGULAR = 1e-10  # smallest root of the correlations from which items count as independent


@dataclass(frozen=True)
class Structure:
    """A confirmatory factor analysis by maximum likelihood.

    Attributes:
        loadings: ``factor``, ``variable``, ``value`` (standardised), ``se``, ``low``, ``high``.
        correlations: ``first``, ``second``, ``value`` of each pair of factors, ``se``, ``low``,
            ``high``.
        fit: ``chi2``, ``df``, ``p``, ``cfi``, ``tli``, ``rmsea``, ``rmsea_low``, ``rmsea_high``
            (90 %), ``p_close`` (RMSEA at most 0.05), ``srmr``. They take the forms as drawn singly.
        n: Forms that answered every item.
        lost: Forms left out because an item is blank or the weight is 0.
        warnings: Message ids, after ``reliability.``: ``heywood``, ``improper`` (factors correlate
            at 1 or more: they are one for these answers).
    """

    loadings: pd.DataFrame
    correlations: pd.DataFrame
    fit: Mapping[str, float]
    n: int
    lost: int
    warnings: tuple[str, ...] = ()


def fit_structure(design: Design, factors: Mapping[str, Sequence[str]], level: float) -> Structure:
    """Fit all factors together by maximum likelihood on complete forms, variances of factors 1."""
    names = list(dict.fromkeys(item for items in factors.values() for item in items))
    pattern = np.array([[name in items for items in factors.values()] for name in names])
    least = 2 if len(factors) > 1 else 3
    for factor, n_items in zip(factors, pattern.sum(axis=0), strict=True):
        if n_items < least:
            raise DesignError("factor_items", factor=factor, n=int(n_items), least=least)
    answers = read_answers(design, names)
    n = len(answers.rows)
    if n < FEW_FORMS:
        raise DesignError(
            "reliability_few", items=len(names), n=n, least=FEW_FORMS, needed=len(names)
        )
    constant = [name for name, y in zip(names, answers.answers.T, strict=True) if not np.ptp(y)]
    if constant:
        raise DesignError("factor_constant", items=", ".join(constant))
    corr, by_pair = answers.correlate_items()
    roots, axes = np.linalg.eigh(corr)
    if roots[0] < SINGULAR:
        involved = [name for name, part in zip(names, axes[:, 0], strict=True) if abs(part) > 0.01]
        raise DesignError("factor_singular", items=", ".join(involved))
    try:
        fit = fit_factors(corr, pattern)
    except DesignError as why:
        raise DesignError("structure_failed", n=n, items=len(names), factors=len(factors)) from why
    value = np.concatenate(
        [fit.loading[pattern], fit.correlation[np.triu_indices(len(factors), 1)]]
    )
    table = _add_errors(answers, fit, by_pair, value, level)
    rows, labels = np.nonzero(pattern), list(factors)
    loadings = table.iloc[: len(rows[0])].reset_index(drop=True)
    loadings.insert(0, "factor", [labels[at] for at in rows[1]])
    loadings.insert(1, "variable", [names[at] for at in rows[0]])
    correlations = table.iloc[len(rows[0]) :].reset_index(drop=True)
    first, second = np.triu_indices(len(factors), 1)
    correlations.insert(0, "first", [labels[at] for at in first])
    correlations.insert(1, "second", [labels[at] for at in second])
    doubts = {"heywood": fit.is_at_bound, "improper": fit.is_improper}
    warnings = tuple(word for word, is_true in doubts.items() if is_true)
    return Structure(loadings, correlations, fit.measure_fit(n), n, answers.lost, warnings)


def _add_errors(
    answers: ItemAnswers, fit: FactorFit, by_pair: Floats, value: Floats, level: float
) -> pd.DataFrame:
    """Return loadings and correlations of factors with linearised errors and t intervals."""
    n_items, n_loadings = fit.pattern.shape[0], int(fit.pattern.sum())
    is_shown = np.ones(len(fit.theta), bool)
    is_shown[n_loadings : n_loadings + n_items] = False  # own variances of items
    if fit.is_at_bound:
        se = df = np.full(len(value), np.nan)
    else:
        se, df = answers.estimate_errors(by_pair @ fit.slopes[is_shown].T)
    is_loading = (np.arange(len(value)) < n_loadings) | (np.abs(value) >= 1)
    scale = np.where(is_loading, 1.0, 1 - value**2)  # correlations: interval of atanh
    half = t_quantile((1 + level) / 2, df) * se / scale
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = np.where(is_loading, value, np.arctanh(value))
        ends = [np.where(is_loading, end, np.tanh(end)) for end in (middle - half, middle + half)]
    return pd.DataFrame({"value": value, "se": se, "low": ends[0], "high": ends[1]})
