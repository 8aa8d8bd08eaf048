"""Estimate whether questions measure one trait, and whether they can separate units.

Alpha and omega measure how similar the answers of one person are, not whether the answers are
valid. If nine in ten people chose the same level, alpha and omega mean little, and a warning is
given. Use them for levels of a scale. Only complete forms are used; weights and clusters are not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
from scipy import optimize

from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.distributions import f_quantile, t_quantile
from sipas_analysis.measure.adjustment import check_numbers
from sipas_analysis.messages import Language, say

SKEWED = 0.9  # share of one level above which correlations mean little
FEW_FORMS = 10
FIT_COLUMNS = {  # statistics of the fit, and the columns of semopy that hold them
    "chi2": "chi2",
    "df": "DoF",
    "p": "chi2 p-value",
    "cfi": "CFI",
    "tli": "TLI",
    "rmsea": "RMSEA",
}


@dataclass(frozen=True, eq=False, repr=False)
class Reliability:
    """How well items measure together.

    Attributes:
        frame: One row per statistic: ``variable`` (``alpha``, ``alpha_standardised``, ``omega``),
            ``value``, ``low``, ``high``, ``n``.
        items: One row per item: ``variable``, ``mean``, ``sd``, ``item_total`` (correlation with
            the sum of the others), ``alpha_without``, ``loading`` (one factor), ``n_valid``,
            ``most`` (share of the commonest level).
        lost: Forms left out because an item is blank.
        warnings: Message ids, after ``reliability.``: ``skewed``, ``constant``, ``few_forms``,
            ``negative``.
        units: If a unit was named: per item and for ``mean``, ``f``, ``df``, ``df_within`` and
            ``value`` = 1 − 1/F, how reliably the items separate units.
        structure: If factors were named: ``loadings``, ``correlations`` and ``fit``.
    """

    frame: pd.DataFrame
    items: pd.DataFrame
    lost: int
    warnings: tuple[str, ...]
    units: pd.DataFrame | None = None
    structure: "Structure | None" = None

    def to_frame(self) -> pd.DataFrame:
        """Return the table of statistics as a copy."""
        return self.frame.copy()

    def texts(self, language: Language = "en") -> list[str]:
        """Return the warnings as sentences."""
        return [say(language, f"reliability.{word}") for word in self.warnings]

    def __repr__(self) -> str:
        tables = [table.round(3).to_string(index=False) for table in self._tables()]
        return "\n\n".join([*self.texts(), *tables])

    def _repr_html_(self) -> str:
        warnings = [f"<p>{escape(text)}</p>" for text in self.texts()]
        tables = [table.round(3).to_html(index=False, border=0) for table in self._tables()]
        return "".join([*warnings, *tables])

    def _tables(self) -> list[pd.DataFrame]:
        return [self.frame, self.items, *([] if self.units is None else [self.units])]


@dataclass(frozen=True)
class Structure:
    """A confirmatory factor analysis by maximum likelihood.

    Attributes:
        loadings: ``factor``, ``variable``, ``value`` (standardised).
        correlations: ``first``, ``second``, ``value`` of each pair of factors.
        fit: ``chi2``, ``df``, ``p``, ``cfi``, ``tli``, ``rmsea``, ``srmr``.
    """

    loadings: pd.DataFrame
    correlations: pd.DataFrame
    fit: Mapping[str, float]


def reliability(
    frame: pd.DataFrame,
    items: Sequence[str],
    *,
    unit: str | None = None,
    factors: Mapping[str, Sequence[str]] | None = None,
    level: float = 0.95,
) -> Reliability:
    """Estimate how reliably items measure one trait.

    α = k/(k − 1)·(1 − Σ s²ⱼ / s²_sum), standardised k·r̄/(1 + (k − 1)r̄); ω = (Σλ)²/((Σλ)² + Σψ) of
    one factor by maximum likelihood on correlations. Interval of α by Feldt's F, of ω by a
    jackknife of twenty folds. Units: F of a one-way analysis of variance, 1 − 1/F.

    Args:
        frame: One row per form.
        items: Numeric columns, three or more.
        unit: Column of the unit, to estimate how reliably the items separate units.
        factors: Items by factor, for the structure; needs the extra ``structure``.
        level: Confidence of the intervals.

    Returns:
        See ``Reliability``. Items that never vary are left out with a warning.

    Raises:
        DesignError: A column is missing or holds text; fewer than three items vary, or fewer than
            ten complete forms; the fit of a structure does not converge, or semopy is missing.

    Source: rule D8 in docs/method.md; Cronbach (1951), doi:10.1007/BF02310555; Feldt (1965),
    doi:10.1007/BF02289499; McDonald (1999).

    Example:
        >>> rng = np.random.default_rng(1)
        >>> trait = rng.normal(size=300)
        >>> answers = {f"q{k}": trait + rng.normal(size=300) for k in range(4)}
        >>> reliability(pd.DataFrame(answers), [*answers]).frame["value"].round(1).tolist()
        [0.7, 0.7, 0.7]
    """
    names = list(dict.fromkeys(items))
    check_numbers(frame, [*names, *([unit] if unit else [])], names)
    complete = frame[names].astype(float).dropna()
    varied = [
        name for name in names if len(complete) and complete[name].min() < complete[name].max()
    ]
    if len(varied) < 3 or len(complete) < FEW_FORMS:
        raise DesignError("reliability_few", items=len(varied), n=len(complete), least=FEW_FORMS)
    x = complete[varied].to_numpy(dtype=float)
    loading = _fit_one_factor(_correlate_items(x))
    items_table = _tabulate_items(complete, varied, loading)
    return Reliability(
        _tabulate_statistics(x, loading, level),
        items_table,
        len(frame) - len(complete),
        _list_warnings(items_table, len(names), loading),
        None if unit is None else _tabulate_units(frame, names, unit),
        None if factors is None else _fit_structure(frame, factors),
    )


def _correlate_items(x: Floats) -> Floats:
    return np.asarray(np.corrcoef(x.T), dtype=np.float64)


def _compute_alpha(cov: Floats) -> float:
    """Return k/(k − 1)·(1 − trace/sum) of a covariance."""
    k = len(cov)
    return float(k / (k - 1) * (1 - np.trace(cov) / cov.sum()))


def _tabulate_statistics(x: Floats, loading: Floats, level: float) -> pd.DataFrame:
    """Return alpha, standardised alpha and omega with their intervals."""
    n, k = x.shape
    tail = (1 - level) / 2
    alphas = [_compute_alpha(np.asarray(np.cov(x.T))), _compute_alpha(_correlate_items(x))]
    intervals = [
        [1 - (1 - alpha) * f_quantile(1 - p, n - 1, (n - 1) * (k - 1)) for p in (tail, 1 - tail)]
        for alpha in alphas
    ]
    intervals.append(_omega_interval(x, loading, level))
    return pd.DataFrame(
        {
            "variable": ["alpha", "alpha_standardised", "omega"],
            "value": [*alphas, _compute_omega(loading)],
            "low": [low for low, _ in intervals],
            "high": [high for _, high in intervals],
            "n": n,
        }
    )


def _fit_one_factor(corr: Floats) -> Floats:
    """Return loadings of one factor by maximum likelihood on a correlation matrix, shape (k,)."""
    k = len(corr)

    def loss(log_unique: Floats) -> tuple[float, Floats]:
        scale = np.exp(-log_unique / 2)
        roots, vectors = np.linalg.eigh(corr * np.outer(scale, scale))
        rest = np.maximum(roots[:-1], 1e-300)
        weight = vectors[:, -1] * np.sqrt(max(roots[-1] - 1, 0.0)) / scale
        unique = np.exp(log_unique)
        gap = np.outer(weight, weight) + np.diag(unique) - corr
        slope = np.diagonal(gap) / unique
        return float((rest - np.log(rest) - 1).sum()), np.asarray(slope)

    start = np.log(1 / np.maximum(np.diagonal(np.linalg.pinv(corr)), 1e-9))
    minimum = optimize.minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        tol=1e-14,
        bounds=[(np.log(0.005), 0.0)] * k,
        options={"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-9},
    )
    scale = np.exp(-minimum.x / 2)
    roots, vectors = np.linalg.eigh(corr * np.outer(scale, scale))
    loading = vectors[:, -1] * np.sqrt(max(roots[-1] - 1, 0.0)) / scale
    return np.asarray(loading if loading.sum() >= 0 else -loading)


def _compute_omega(loading: Floats) -> float:
    """Return (Σλ)²/((Σλ)² + Σ(1 − λ²))."""
    common = loading.sum() ** 2
    return float(common / (common + (1 - loading**2).sum()))


def _omega_interval(x: Floats, loading: Floats, level: float) -> list[float]:
    """Return the interval of omega from its jackknife in twenty folds, on the scale log(1 − ω)."""
    folds = np.array_split(np.arange(len(x)), min(20, len(x)))
    samples = [np.delete(x, fold, axis=0) for fold in folds]
    if not all((sample.std(axis=0) > 0).all() for sample in samples):
        return [np.nan, np.nan]
    omegas = [_compute_omega(_fit_one_factor(_correlate_items(sample))) for sample in samples]
    logs = np.log(1 - np.array(omegas))
    n_folds = len(logs)
    se = float(np.sqrt((n_folds - 1) / n_folds * ((logs - logs.mean()) ** 2).sum()))
    half = float(t_quantile((1 + level) / 2, n_folds - 1)) * se
    middle = np.log(1 - _compute_omega(loading))
    return [float(1 - np.exp(middle + half)), float(1 - np.exp(middle - half))]


def _tabulate_items(complete: pd.DataFrame, varied: Sequence[str], loading: Floats) -> pd.DataFrame:
    """Return mean, deviation, correlation with the others, and loading of each item that varies."""
    x = complete[list(varied)].to_numpy(dtype=float)
    covariance, total = np.cov(x.T), x.sum(axis=1)
    others = total[:, None] - x
    x_centred, others_centred = x - x.mean(axis=0), others - others.mean(axis=0)
    sizes = np.sqrt((x_centred**2).sum(axis=0) * (others_centred**2).sum(axis=0))
    alpha_without = [
        _compute_alpha(np.delete(np.delete(covariance, item, 0), item, 1))
        for item in range(len(varied))
    ]
    return pd.DataFrame(
        {
            "variable": list(varied),
            "mean": x.mean(axis=0),
            "sd": x.std(axis=0, ddof=1),
            "item_total": (x_centred * others_centred).sum(axis=0) / sizes,
            "alpha_without": alpha_without,
            "loading": loading,
            "n_valid": len(x),
            "most": [complete[name].value_counts(normalize=True).iloc[0] for name in varied],
        }
    )


def _list_warnings(items: pd.DataFrame, n_items: int, loading: Floats) -> tuple[str, ...]:
    """Return the ids of the warnings that apply; ``items`` are those that vary."""
    applies = {
        "skewed": (items["most"] >= SKEWED).mean() >= 0.5,
        "constant": len(items) < n_items,
        "negative": bool((items["item_total"] < 0).any() or (loading < 0).any()),
        "few_forms": items["n_valid"].iloc[0] < 100,
    }
    return tuple(word for word, is_true in applies.items() if is_true)


def _tabulate_units(frame: pd.DataFrame, names: Sequence[str], unit: str) -> pd.DataFrame:
    """Return F and 1 − 1/F of each item and of the mean of the items that a form answered."""
    numbers = frame[list(names)].astype(float)
    mean = ("mean", numbers.mean(axis=1))
    rows = []
    for name, column in [*((name, numbers[name]) for name in names), mean]:
        is_used = column.notna() & frame[unit].notna()
        y, units = column[is_used], frame.loc[is_used, unit]
        n, df = len(y), int(units.nunique()) - 1
        deviation = y - y.groupby(units).transform("mean")
        within, total = float((deviation**2).sum()), float(((y - y.mean()) ** 2).sum())
        df_within = n - df - 1
        has_f = df > 0 and df_within > 0 and within > 0
        f = (total - within) / df / (within / df_within) if has_f else np.nan
        rows.append(
            {
                "variable": name,
                "value": 1 - 1 / f if f and f > 0 else np.nan,
                "f": f,
                "df": df,
                "df_within": df_within,
                "n_valid": n,
            }
        )
    return pd.DataFrame(rows)


def _fit_structure(frame: pd.DataFrame, factors: Mapping[str, Sequence[str]]) -> Structure:
    """Fit factors by maximum likelihood with semopy, on complete forms, variances of factors 1."""
    try:
        import semopy
    except ModuleNotFoundError as why:
        raise DesignError("structure_extra") from why
    import warnings

    codes = [item for items in factors.values() for item in items]
    check_numbers(frame, codes, codes)
    factor_names = {name: f"f{k}" for k, name in enumerate(factors)}
    item_names = {item: f"x{k}" for k, item in enumerate(dict.fromkeys(codes))}
    answers = frame[codes].astype(float).dropna().rename(columns=item_names)
    formulas = [
        f"{factor_names[name]} =~ " + " + ".join(item_names[item] for item in items)
        for name, items in factors.items()
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = semopy.Model("\n".join(formulas))
        if not model.fit(answers).success:
            raise DesignError("structure_failed", n=len(answers), factors=len(factors))
        estimates = model.inspect(std_est=True)
        fit = semopy.calc_stats(model).iloc[0]
    observed = np.cov(answers[list(model.vars["observed"])].to_numpy(dtype=float).T, ddof=0)
    statistics = {name: float(fit[column]) for name, column in FIT_COLUMNS.items()}
    statistics["srmr"] = _compute_srmr(observed, np.asarray(model.calc_sigma()[0]))
    given_names = {short: name for name, short in (factor_names | item_names).items()}
    return Structure(
        _read_loadings(estimates, set(factor_names.values()), given_names),
        _read_correlations(estimates, given_names),
        statistics,
    )


def _read_loadings(
    estimates: pd.DataFrame, factors: set[str], given_names: Mapping[str, str]
) -> pd.DataFrame:
    """Return the standardised loading of each item on its factor."""
    rows = estimates[(estimates["op"] == "~") & estimates["rval"].isin(factors)]
    factor, variable = rows["rval"].map(given_names), rows["lval"].map(given_names)
    columns = {"factor": factor, "variable": variable, "value": rows["Est. Std"]}
    return pd.DataFrame(columns).reset_index(drop=True)


def _read_correlations(estimates: pd.DataFrame, given_names: Mapping[str, str]) -> pd.DataFrame:
    """Return the correlation of each pair of factors."""
    rows = estimates[(estimates["op"] == "~~") & (estimates["lval"] != estimates["rval"])]
    first, second = rows["lval"].map(given_names), rows["rval"].map(given_names)
    columns = {"first": first, "second": second, "value": rows["Est. Std"]}
    return pd.DataFrame(columns).reset_index(drop=True)


def _compute_srmr(observed: Floats, fitted: Floats) -> float:
    """Return the root mean square of the residual correlations (Bentler's)."""
    deviations = np.sqrt(np.diagonal(observed))
    residual = (observed - fitted) / np.outer(deviations, deviations)
    return float(np.sqrt((residual[np.tril_indices(len(deviations))] ** 2).mean()))
