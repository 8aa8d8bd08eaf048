"""Ask whether questions measure one thing, and whether units can be told apart by them at all.

Alpha and omega say how alike the answers of one person are, not whether they are right; where nine
in ten chose the same level they say little, and a warning says so. For levels of a scale, complete
forms only; weights and clusters are not used here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Floats
from sipas_analysis.measure.adjustment import check_numbers
from sipas_analysis.messages import Language, say

SKEWED = 0.9  # one level chosen by so many: correlations say little
FEW_FORMS = 10


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
        units: Where a unit was named: per item and for ``mean``, ``f``, ``df``, ``df_within`` and
            ``value`` = 1 − 1/F, how reliably units are told apart.
        structure: Where factors were named: ``loadings``, ``correlations`` and ``fit``.
    """

    frame: pd.DataFrame
    items: pd.DataFrame
    lost: int
    warnings: tuple[str, ...]
    units: pd.DataFrame | None = None
    structure: "Structure | None" = None

    def to_frame(self) -> pd.DataFrame:
        """Return the table of statistics as a pandas frame of one's own."""
        return self.frame.copy()

    def texts(self, language: Language = "en") -> list[str]:
        """Return the warnings as sentences."""
        return [say(language, f"reliability.{word}") for word in self.warnings]

    def __repr__(self) -> str:
        parts = [self.frame, self.items, *([] if self.units is None else [self.units])]
        tables = [part.round(3).to_string(index=False) for part in parts]
        return "\n\n".join([*self.texts(), *tables])

    def _repr_html_(self) -> str:
        parts = [self.frame, self.items, *([] if self.units is None else [self.units])]
        said = "".join(f"<p>{escape(text)}</p>" for text in self.texts())
        return said + "".join(str(it.round(3).to_html(index=False, border=0)) for it in parts)


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
    """Estimate how reliably items measure one thing.

    α = k/(k − 1)·(1 − Σ s²ⱼ / s²_sum), standardised k·r̄/(1 + (k − 1)r̄); ω = (Σλ)²/((Σλ)² + Σψ) of
    one factor by maximum likelihood on correlations. Interval of α by Feldt's F, of ω by a
    jackknife of twenty folds. Units: F of a one-way analysis of variance, 1 − 1/F.

    Args:
        frame: One row per form.
        items: Numeric columns, three or more.
        unit: Column of the unit, to ask how reliably units are told apart.
        factors: Items by factor, for the structure; needs the extra ``structure``.
        level: Confidence of the intervals.

    Returns:
        See ``Reliability``. Items that never vary are set aside with a warning.

    Raises:
        DesignError: A column is missing or holds text; fewer than three items vary, or fewer than
            ten complete forms; the fit of a structure does not converge, or semopy is missing.

    Source: rule D8 in docs/method.md; Cronbach (1951), doi:10.1007/BF02310555; Feldt (1965),
    doi:10.1007/BF02289499; McDonald (1999).

    Example:
        >>> rng = np.random.default_rng(1)
        >>> trait = rng.normal(size=300)
        >>> made = {f"q{k}": trait + rng.normal(size=300) for k in range(4)}
        >>> reliability(pd.DataFrame(made), [*made]).frame["value"].round(1).tolist()
        [0.7, 0.7, 0.7]
    """
    names = list(dict.fromkeys(items))
    check_numbers(frame, [*names, *([unit] if unit else [])], names)
    whole = frame[names].astype(float).dropna()
    kept = [name for name in names if len(whole) and whole[name].min() < whole[name].max()]
    if len(kept) < 3 or len(whole) < FEW_FORMS:
        raise DesignError("reliability_few", items=len(kept), n=len(whole), least=FEW_FORMS)
    x = whole[kept].to_numpy(dtype=float)
    loading = _fit_one_factor(_correlate_items(x))
    table = _tabulate_items(whole, kept, loading)
    warnings = _list_warnings(names, kept, table, loading)
    return Reliability(
        _tabulate_statistics(x, loading, level),
        table,
        len(frame) - len(whole),
        warnings,
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
    values = [
        _compute_alpha(np.asarray(np.cov(x.T))),
        _compute_alpha(_correlate_items(x)),
        _compute_omega(loading),
    ]
    ends = [
        [1 - (1 - it) * float(stats.f.isf(t, n - 1, (n - 1) * (k - 1))) for t in (tail, 1 - tail)]
        for it in values[:2]
    ]
    ends.append(_omega_interval(x, loading, level))
    frame = pd.DataFrame({"variable": ["alpha", "alpha_standardised", "omega"], "value": values})
    return frame.assign(low=[it[0] for it in ends], high=[it[1] for it in ends], n=n)


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
    found = optimize.minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        tol=1e-14,
        bounds=[(np.log(0.005), 0.0)] * k,
        options={"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-9},
    )
    scale = np.exp(-found.x / 2)
    roots, vectors = np.linalg.eigh(corr * np.outer(scale, scale))
    own = vectors[:, -1] * np.sqrt(max(roots[-1] - 1, 0.0)) / scale
    return np.asarray(own if own.sum() >= 0 else -own)


def _compute_omega(loading: Floats) -> float:
    """Return (Σλ)²/((Σλ)² + Σ(1 − λ²))."""
    common = loading.sum() ** 2
    return float(common / (common + (1 - loading**2).sum()))


def _omega_interval(x: Floats, loading: Floats, level: float) -> list[float]:
    """Return the interval of omega from its jackknife in twenty folds, on the scale log(1 − ω)."""
    folds = np.array_split(np.arange(len(x)), min(20, len(x)))
    left = [np.delete(x, fold, axis=0) for fold in folds]
    some = [it for it in left if (it.std(axis=0) > 0).all()]
    if len(some) < len(folds):
        return [np.nan, np.nan]
    each = np.log(
        1 - np.array([_compute_omega(_fit_one_factor(_correlate_items(it))) for it in some])
    )
    g = len(each)
    se = float(np.sqrt((g - 1) / g * ((each - each.mean()) ** 2).sum()))
    half = float(stats.t.ppf((1 + level) / 2, g - 1)) * se
    middle = np.log(1 - _compute_omega(loading))
    return [float(1 - np.exp(middle + half)), float(1 - np.exp(middle - half))]


def _tabulate_items(whole: pd.DataFrame, kept: Sequence[str], loading: Floats) -> pd.DataFrame:
    """Return what is known of each item that varies."""
    x = whole[list(kept)].to_numpy(dtype=float)
    cov, total = np.cov(x.T), x.sum(axis=1)
    rest = total[:, None] - x
    centred = [it - it.mean(axis=0) for it in (x, rest)]
    sizes = np.sqrt((centred[0] ** 2).sum(axis=0) * (centred[1] ** 2).sum(axis=0))
    without = [_compute_alpha(np.delete(np.delete(cov, j, 0), j, 1)) for j in range(len(kept))]
    return pd.DataFrame(
        {
            "variable": list(kept),
            "mean": x.mean(axis=0),
            "sd": x.std(axis=0, ddof=1),
            "item_total": (centred[0] * centred[1]).sum(axis=0) / sizes,
            "alpha_without": without,
            "loading": loading,
            "n_valid": len(x),
            "most": [whole[name].value_counts(normalize=True).iloc[0] for name in kept],
        }
    )


def _list_warnings(
    names: Sequence[str], kept: Sequence[str], table: pd.DataFrame, loading: Floats
) -> tuple[str, ...]:
    found = {
        "skewed": (table["most"] >= SKEWED).mean() >= 0.5,
        "constant": len(kept) < len(names),
        "negative": bool((table["item_total"] < 0).any() or (loading < 0).any()),
        "few_forms": table["n_valid"].iloc[0] < 100,
    }
    return tuple(word for word, it in found.items() if it)


def _tabulate_units(frame: pd.DataFrame, names: Sequence[str], unit: str) -> pd.DataFrame:
    """Return F and 1 − 1/F of each item and of the mean of the items that a form answered."""
    numbers = frame[list(names)].astype(float)
    rows = []
    for name, y in [*((it, numbers[it]) for it in names), ("mean", numbers.mean(axis=1))]:
        known = y.notna() & frame[unit].notna()
        own, where = y[known], frame.loc[known, unit]
        size, df = len(own), int(where.nunique()) - 1
        within = own - own.groupby(where).transform("mean")
        inside, outside = float((within**2).sum()), float(((own - own.mean()) ** 2).sum())
        free = size - df - 1
        possible = df > 0 and free > 0 and inside > 0
        f = (outside - inside) / df / (inside / free) if possible else np.nan
        rows.append(
            {
                "variable": name,
                "value": 1 - 1 / f if f and f > 0 else np.nan,
                "f": f,
                "df": df,
                "df_within": free,
                "n_valid": size,
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

    codes = [item for own in factors.values() for item in own]
    check_numbers(frame, codes, codes)
    data = frame[codes].astype(float).dropna()
    short = {name: f"f{k}" for k, name in enumerate(factors)}
    plain = {item: f"x{k}" for k, item in enumerate(dict.fromkeys(codes))}
    text = "\n".join(
        f"{short[name]} =~ " + " + ".join(plain[it] for it in own) for name, own in factors.items()
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = semopy.Model(text)
        if not model.fit(data.rename(columns=plain)).success:
            raise DesignError("structure_failed", n=len(data), factors=len(factors))
        found = model.inspect(std_est=True)
        fitted = semopy.calc_stats(model).iloc[0]
    srmr = _compute_srmr(data.rename(columns=plain), model)
    fit = {
        name: float(fitted[key])
        for name, key in (
            ("chi2", "chi2"),
            ("df", "DoF"),
            ("p", "chi2 p-value"),
            ("cfi", "CFI"),
            ("tli", "TLI"),
            ("rmsea", "RMSEA"),
        )
    }
    back = {v: k for k, v in (short | plain).items()}
    is_loading = (found["op"] == "~") & found["rval"].isin(list(short.values()))
    pairs = (found["op"] == "~~") & (found["lval"] != found["rval"])
    named = found.assign(lval=found["lval"].map(back), rval=found["rval"].map(back))
    names = {"rval": "factor", "lval": "variable", "Est. Std": "value"}
    loadings = named.loc[is_loading, ["rval", "lval", "Est. Std"]].rename(columns=names)
    between = named.loc[pairs, ["lval", "rval", "Est. Std"]].set_axis(
        ["first", "second", "value"], axis=1
    )
    made: dict[str, Any] = {**fit, "srmr": srmr}
    return Structure(loadings.reset_index(drop=True), between.reset_index(drop=True), made)


def _compute_srmr(data: pd.DataFrame, model: Any) -> float:
    """Return the root mean square of the residual correlations (Bentler's)."""
    observed = np.cov(data[list(model.vars["observed"])].to_numpy(dtype=float).T, ddof=0)
    sd = np.sqrt(np.diagonal(observed))
    apart = (observed - model.calc_sigma()[0]) / np.outer(sd, sd)
    return float(np.sqrt((apart[np.tril_indices(len(sd))] ** 2).mean()))
