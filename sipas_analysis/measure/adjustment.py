"""Compare units fairly: by who their clients are, and by how few of them answered.

Case-mix adjustment (A1) takes out what clients bring with them, by the method of the CAHPS surveys.
Partial pooling (A2) lets a commune with eight forms borrow from the others, says how much, and
adds up to the direct figure of its parent. Neither replaces the published index: they stand
beside it. Not for clients' traits that the unit itself changes, such as how long they waited.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg, optimize, stats

from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Floats, Ints

COMPOSITE = "composite"
NEVER = 1e-9  # an adjuster that varies less than this share of its size within units is constant


@dataclass(frozen=True, eq=False, repr=False)
class CaseMix:
    """Adjusted means of units, by item and for their mean.

    Attributes:
        frame: One row per unit and variable, see ``case_mix``.
        tests: One row per variable: ``f``, ``df``, ``df_within`` and ``p`` of no difference.
        effects: One row per item and adjuster: ``value`` and ``se`` of its coefficient.
    """

    frame: pd.DataFrame
    tests: pd.DataFrame
    effects: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return the table as a pandas frame of one's own."""
        return self.frame.copy()

    def __repr__(self) -> str:
        return self.frame.round(2).to_string(index=False)

    def _repr_html_(self) -> str:
        return str(self.frame.round(2).to_html(index=False, border=0, na_rep="–", escape=True))


def case_mix(
    frame: pd.DataFrame,
    *,
    unit: str,
    items: str | Sequence[str],
    adjusters: str | Sequence[str],
    weights: str | None = None,
    level: float = 0.95,
) -> CaseMix:
    """Adjust the means of units for the clients they serve.

    Per item, least squares on unit dummies and adjusters; the adjusted mean āᵤ is the unit's
    coefficient with adjusters centred at the unweighted mean of the unit means of those who
    answered the item. The composite is the mean of the items. Influence of person i:
    uᵢ = Σₖ wₖeᵢₖ/nᵤₖ; vᵤ = Σ uᵢ²; dᵤ = āᵤ − mean(ā), Var(dᵤ) = ((P−1)/P)²vᵤ + Σ_{q≠u} v_q/P².

    Args:
        frame: One row per person.
        unit: Column of the unit.
        items: Numeric columns; blanks are left out item by item.
        adjusters: Columns of traits; text becomes yes/no columns. A blank takes the unit's mean.
        weights: Column of weights; with them nᵤₖ is their sum and eᵢₖ is weighted.
        level: Confidence of the intervals.

    Returns:
        Rows by ``variable`` (each item, then ``composite``) and ``unit``: ``value`` (adjusted),
        ``se``, ``low``, ``high``, ``raw``, ``deviation``, ``deviation_se``, ``n`` (people),
        ``n_valid`` (who answered), ``rank`` and ``rank_raw``. An item that nobody of a unit
        answered leaves the unit's composite to its other items.

    Raises:
        DesignError: A column is missing; an adjuster is blank in a whole unit, does not vary within
            units, or follows from others; weights that cannot be.

    Source: rule A1 in docs/method.md; CAHPS Analysis Program, cahps.ahrq.gov.

    Example:
        >>> frame = pd.DataFrame({"unit": list("aaabbb"), "age": [1, 2, 3, 2, 3, 4.0],
        ...                       "q": [10, 20, 30, 20, 30, 40.0]})
        >>> case_mix(frame, unit="unit", items="q", adjusters="age").frame["value"].tolist()
        [25.0, 25.0, 25.0, 25.0]
    """
    asked = [[it] if isinstance(it, str) else list(it) for it in (items, adjusters)]
    _check(frame, [unit, *asked[0], *asked[1], *([weights] if weights else [])])
    held = frame[frame[unit].notna()]
    code, units = pd.factorize(held[unit], sort=True)
    weight = held[weights].to_numpy(dtype=float) if weights else np.ones(len(held))
    if not (np.isfinite(weight) & (weight > 0)).all():
        raise DesignError("design_weight", column=weights)
    traits = _traits(held, asked[1], code, list(units))
    answers = held[asked[0]].to_numpy(dtype=float, na_value=np.nan)
    fits = [
        _fit(y, traits, code, weight, name) for y, name in zip(answers.T, asked[0], strict=True)
    ]
    share = np.stack([~np.isnan(fit.value) for fit in fits]).astype(float)
    share /= np.maximum(share.sum(axis=0), 1)
    answered = (~np.isnan(answers)).any(axis=1).astype(np.float64)
    whole = _Fit(
        _mean([fit.value for fit in fits], share), _mean([fit.raw for fit in fits], share),
        np.sum([s[code] * fit.influence for s, fit in zip(share, fits, strict=True)], axis=0),
        np.bincount(code, answered, len(units)).astype(float), np.empty(0), np.empty(0),
    )  # fmt: skip
    named = [*zip(asked[0], fits, strict=True), (COMPOSITE, whole)]
    rows = [_rows(name, fit, code, units, level) for name, fit in named]
    effects = pd.DataFrame(
        [(item, it, b, se) for item, fit in named[:-1]
         for it, b, se in zip(traits, fit.slope, fit.slope_se, strict=True)],
        columns=["variable", "term", "value", "se"],
    )  # fmt: skip
    tests = pd.DataFrame([{"variable": name, **_tested(row)} for (name, _), row in
                          zip(named, rows, strict=True)])  # fmt: skip
    return CaseMix(pd.concat(rows, ignore_index=True), tests, effects)


@dataclass(frozen=True)
class _Fit:
    value: Floats
    raw: Floats
    influence: Floats
    n_valid: Floats
    slope: Floats
    slope_se: Floats


def _check(frame: pd.DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in frame]
    if missing:
        known = ", ".join(map(str, list(frame)[:12]))
        raise DesignError("design_column", column=missing[0], known=known)


def _traits(
    frame: pd.DataFrame, names: Sequence[str], code: Ints, units: Sequence[object]
) -> dict[str, Floats]:
    """Return the adjusters as numbers without blanks: a blank takes its unit's mean (A1)."""
    found: dict[str, Floats] = {}
    for name in names:
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column):
            own = {name: column.to_numpy(dtype=float, na_value=np.nan)}
        else:
            levels = sorted(map(str, column.dropna().unique()))[1:]
            text, blank = column.astype(str), column.isna()
            own = {f"{name}={it}": np.where(blank, np.nan, text == it) for it in levels}
        for term, x in own.items():
            known = ~np.isnan(x)
            n = np.bincount(code, known, len(units))
            if (n == 0).any():
                empty = ", ".join(str(units[at]) for at in np.flatnonzero(n == 0)[:5])
                raise DesignError("adjuster_blank", column=name, units=empty)
            mean = np.bincount(code, np.where(known, x, 0.0), len(units)) / n
            found[term] = np.where(known, x, mean[code])
    return found


def _fit(y: Floats, traits: Mapping[str, Floats], code: Ints, weight: Floats, item: str) -> _Fit:
    """Return adjusted means, raw means and influence of one item, shapes (P,), (P,), (n,)."""
    some = ~np.isnan(y)
    at, w, size = code[some], weight[some], int(code.max(initial=-1)) + 1
    sums = np.bincount(at, w, size)
    with np.errstate(invalid="ignore", divide="ignore"):
        x = np.stack([it[some] for it in traits.values()]) if traits else np.empty((0, len(at)))
        means = np.stack([np.bincount(at, w * it, size) for it in [*x, y[some]]]) / sums
        inside = np.sqrt(w) * (x - means[:-1, at])
        _check_rank(inside, np.sqrt(w) * x, list(traits), item)
        left = y[some] - means[-1, at]
        slope = linalg.lstsq(inside.T, np.sqrt(w) * left)[0] if len(x) else np.empty(0)
        centre = np.nanmean(np.where(sums > 0, means[:-1], np.nan), axis=1)
        value = means[-1] - slope @ (means[:-1] - centre[:, None])
        rest = left - slope @ (x - means[:-1, at])
        influence = np.zeros(len(y))
        influence[some] = w * rest / sums[at]
    free = len(at) - (sums > 0).sum() - len(x)
    noise = (w * rest**2).sum() / free if free > 0 else np.nan
    se = np.sqrt(noise * np.diagonal(np.linalg.inv(inside @ inside.T))) if len(x) else slope
    return _Fit(
        value, means[-1], influence, np.bincount(at, minlength=size).astype(float), slope, se
    )


def _check_rank(inside: Floats, whole: Floats, names: Sequence[str], item: str) -> None:
    """Refuse adjusters that do not vary within units, or follow from the others."""
    own, size = np.sqrt((inside**2).sum(axis=1)), np.sqrt((whole**2).sum(axis=1))
    still = [n for n, a, b in zip(names, own, size, strict=True) if not a > NEVER * max(b, 1e-300)]
    if still:
        raise DesignError("adjuster_constant", column=still[0], item=item)
    if not len(names):
        return
    _, r, order = linalg.qr((inside / own[:, None]).T, mode="economic", pivoting=True)
    small = np.abs(np.diagonal(r)) < 1e-7
    if small.any() or len(r) < len(names):
        last = names[order[np.flatnonzero(small)[0] if small.any() else len(r)]]
        raise DesignError("adjuster_collinear", column=last, item=item, others=", ".join(names))


def _mean(parts: Sequence[Floats], share: Floats) -> Floats:
    found = (share * np.nan_to_num(np.stack(parts))).sum(axis=0)
    return np.where(share.sum(axis=0) > 0, found, np.nan)


def _rows(name: str, fit: _Fit, code: Ints, units: "pd.Index[Any]", level: float) -> pd.DataFrame:
    """Return the table of one variable."""
    known = ~np.isnan(fit.value)
    size = int(known.sum())
    v = np.where(known, np.bincount(code, fit.influence**2, len(units)), np.nan)
    v[fit.n_valid < 2] = np.nan  # one person's own error is not seen
    own = ((size - 1) / size) ** 2 if size else np.nan
    apart = own * v + (np.nansum(v) - v) / max(size, 1) ** 2
    middle = fit.value[known].mean() if size else np.nan
    with np.errstate(invalid="ignore"):
        half = stats.t.ppf((1 + level) / 2, fit.n_valid - 1) * np.sqrt(v)
    return pd.DataFrame(
        {
            "unit": units, "variable": name, "value": fit.value, "se": np.sqrt(v),
            "low": fit.value - half, "high": fit.value + half, "raw": fit.raw,
            "deviation": fit.value - middle, "deviation_se": np.sqrt(apart),
            "n": np.bincount(code, minlength=len(units)),
            "n_valid": fit.n_valid.astype(int), "rank": _rank(fit.value),
            "rank_raw": _rank(fit.raw),
        }
    )  # fmt: skip


def _rank(value: Floats) -> "pd.Series[int]":
    """Return places, 1 = best, ties share the better one (R1)."""
    return pd.Series(value).round(9).rank(method="min", ascending=False).astype("Int64")


def _tested(rows: pd.DataFrame) -> dict[str, float]:
    """Return F = Σ (āᵤ − ā_w)²/vᵤ / (P − 1) and its p."""
    known = rows[rows["se"] > 0]
    df, within = len(known) - 1, int(known["n_valid"].sum()) - len(known)
    if df < 1:
        return {"f": np.nan, "df": float(df), "df_within": float(within), "p": np.nan}
    precision = 1 / known["se"] ** 2
    middle = (precision * known["value"]).sum() / precision.sum()
    f = float((precision * (known["value"] - middle) ** 2).sum() / df)
    return {"f": f, "df": df, "df_within": within, "p": float(stats.f.sf(f, df, within))}


@dataclass(frozen=True, eq=False, repr=False)
class SmallArea:
    """Figures of small units that borrow from the others.

    Attributes:
        frame: One row per unit in the order given, see ``small_area``.
        sigma2: Variance between units beyond what covariates explain, never negative.
        beta: Coefficients of the covariates, the constant first.
        method: ``reml``, ``adjusted`` (REML gave 0), ``direct`` (too few units to learn from) or
            ``none`` (no error is known).
    """

    frame: pd.DataFrame
    sigma2: float
    beta: Floats
    method: str

    def to_frame(self) -> pd.DataFrame:
        """Return the table as a pandas frame of one's own."""
        return self.frame.copy()

    def rank_chance(self, k: int, draws: int = 10_000, seed: int = 1) -> "pd.Series[float]":
        """Return P(rank ≤ k) of each unit, from draws of N(value, se²) (rule R4)."""
        value, se = (self.frame[name].to_numpy(dtype=float) for name in ("value", "se"))
        known = np.flatnonzero(~np.isnan(value + se))
        at = known[np.lexsort((se[known], value[known]))]
        drawn = np.random.default_rng(seed).standard_normal((len(at), draws)) * se[at, None]
        places = np.argsort(np.argsort(-(value[at, None] + drawn), axis=0), axis=0)
        found = np.full(len(value), np.nan)
        found[at] = (places < k).mean(axis=1)
        return pd.Series(found, self.frame.index, name=f"rank_up_to_{k}")

    def __repr__(self) -> str:
        return self.frame.round(2).to_string()

    def _repr_html_(self) -> str:
        return str(self.frame.round(2).to_html(border=0, na_rep="–", escape=True))


def small_area(
    values: Any,
    variances: Any,
    covariates: Any = None,
    parents: Any = None,
    *,
    sizes: Any = None,
    level: float = 0.95,
) -> SmallArea:
    """Pool the estimates of small units partly, by the Fay–Herriot model.

    θ̂ᵤ ~ N(θᵤ, Vᵤ), θᵤ ~ N(xᵤβ, σ²): θ̃ᵤ = γᵤθ̂ᵤ + (1 − γᵤ)xᵤβ̂ with γᵤ = σ²/(σ² + Vᵤ). σ² by REML; by
    the adjusted likelihood of Yoshimori and Lahiri where REML gives 0. MSE = g₁ + g₂ + 2g₃. With
    ``sizes`` every unit's Vᵤ = S²/nᵤ, S² = Σ(nᵤ − 1)nᵤV̂ᵤ / Σ(nᵤ − 1), so that a unit where all
    agree is not taken for certain; without them a variance of 0 or blank takes the others' mean.

    Args:
        values: Direct estimates, shape (p,); blank where nobody answered. A series keeps its index.
        variances: Their sampling variances, shape (p,).
        covariates: What is known of each unit, shape (p, k); a constant is added.
        parents: Label of the larger unit of each, shape (p,): within it the figures are moved by
            one number so that their mean by size is that of the direct estimates.
        sizes: People behind each estimate, shape (p,); equal if left out.
        level: Confidence of the intervals.

    Returns:
        ``value``, ``se``, ``low``, ``high``, ``direct``, ``direct_se``, ``variance`` (used),
        ``borrowed`` (1 − γ), ``shift`` (to meet the parent), ``rank`` and ``rank_direct``.

    Raises:
        DesignError: Shapes do not fit, a variance is negative, or covariates are collinear.

    Source: rules A2 and R4 in docs/method.md; Fay and Herriot (1979),
    doi:10.1080/01621459.1979.10482505; Datta and Lahiri (2000); Yoshimori and Lahiri (2014).

    Example:
        >>> found = small_area([80.0, 90.0, 100.0], [25.0, 25.0, 25.0])
        >>> found.frame["borrowed"].round(2).tolist()
        [0.25, 0.25, 0.25]
    """
    direct = np.asarray(values, dtype=float)
    p = len(direct)
    given, n = (np.full(p, 1.0) if it is None else np.asarray(it, dtype=float)
                for it in (variances, sizes))  # fmt: skip
    x = np.ones((p, 1)) if covariates is None else _design(covariates, p)
    if {it.shape for it in (direct, given, n)} != {(p,)}:
        raise DesignError("rank_shape", values=direct.shape, errors=given.shape)
    if (given < 0).any():
        raise DesignError("rank_negative", row=int(np.flatnonzero(given < 0)[0]) + 1)
    known = ~np.isnan(direct)
    v = _variances(given, n, known, sizes is not None)
    fit = _fay_herriot(direct[known], v[known], x[known])
    middle = x @ fit.beta
    with np.errstate(invalid="ignore", divide="ignore"):
        gamma = np.where(v > 0, fit.sigma2 / (fit.sigma2 + v), 1.0) * known
    gamma = np.where(known, 1.0, 0.0) if fit.method == "direct" else gamma
    pooled = np.where(known, gamma * np.nan_to_num(direct) + (1 - gamma) * middle, middle)
    mse = _mse(fit, v, gamma, x)
    shift = _shift(direct, pooled, np.where(known, n, 0.0), parents)
    reach = stats.norm.ppf((1 + level) / 2) * np.sqrt(mse)
    index = values.index if isinstance(values, pd.Series) else None
    frame = pd.DataFrame(
        {
            "value": pooled + shift, "se": np.sqrt(mse), "low": pooled + shift - reach,
            "high": pooled + shift + reach, "direct": direct, "direct_se": np.sqrt(given),
            "variance": np.where(known, v, np.nan), "borrowed": 1 - gamma, "shift": shift,
        }, index=index,
    )  # fmt: skip
    if parents is not None:
        frame.insert(0, "parent", np.asarray(parents))
    frame["rank"] = _rank(frame["value"].to_numpy()).array
    frame["rank_direct"] = _rank(direct).array
    return SmallArea(frame, fit.sigma2, fit.beta, fit.method)


@dataclass(frozen=True)
class _Pooling:
    sigma2: float
    beta: Floats
    bread: Floats
    avar: float
    method: str


def _design(covariates: Any, p: int) -> Floats:
    """Return a constant and the covariates, shape (p, 1 + k), or refuse collinear ones."""
    x = np.asarray(covariates, dtype=float).reshape(p, -1)
    whole = np.column_stack([np.ones(p), x])
    scaled = whole / np.maximum(np.sqrt((whole**2).sum(axis=0)), 1e-300)
    if not np.isfinite(whole).all() or np.linalg.matrix_rank(scaled, tol=1e-8) < whole.shape[1]:
        raise DesignError("covariates_collinear", n=x.shape[1], units=p)
    return whole


def _variances(given: Floats, n: Floats, known: NDArray[np.bool_], sized: bool) -> Floats:
    """Return the variance used for each unit, shape (p,): a stated function, never 0 by luck."""
    if sized:
        some = known & (n > 1) & ~np.isnan(given)
        share = ((n - 1) * n * given)[some].sum() / max((n - 1)[some].sum(), 1e-300)
        return np.asarray(share / np.maximum(n, 1))
    positive = given[known & (given > 0)]
    usual = positive.mean() if positive.size else 0.0
    return np.where(given > 0, given, usual)


def _fay_herriot(y: Floats, v: Floats, x: Floats) -> _Pooling:
    """Return σ² and β by REML, or by the adjusted likelihood where REML gives 0."""
    p, k = x.shape
    if p == 0 or not (v > 0).any():
        beta = linalg.lstsq(x, y)[0] if p else np.full(k, np.nan)
        return _Pooling(0.0, beta, np.full((k, k), np.nan), np.nan, "none")
    if p <= k:
        return _Pooling(np.nan, linalg.lstsq(x, y)[0], np.zeros((k, k)), 0.0, "direct")
    top = float(np.var(y) + v.max()) * 100

    def loss(sigma2: float, adjust: bool) -> float:
        w = 1 / (v + sigma2)
        bread = (x.T * w) @ x
        rest = y - x @ np.linalg.solve(bread, (x.T * w) @ y)
        found = -0.5 * (np.log(w).sum() - np.linalg.slogdet(bread)[1] - (w * rest**2).sum())
        return float(found - (np.log(np.arctan((sigma2 * w).sum())) / p if adjust else 0.0))

    sigma2, method = _least(loss, top, adjust=False), "reml"
    if sigma2 <= top * 1e-10:
        sigma2, method = _least(loss, top, adjust=True), "adjusted"
    w = 1 / (v + sigma2)
    bread = np.asarray(np.linalg.inv((x.T * w) @ x), dtype=np.float64)
    return _Pooling(sigma2, bread @ ((x.T * w) @ y), bread, float(2 / (w**2).sum()), method)


def _least(loss: Any, top: float, adjust: bool) -> float:
    """Return where a loss of one positive number is least: a grid, then Brent's method."""
    grid = np.concatenate([[0.0 if not adjust else top * 1e-12], top * np.logspace(-9, 0, 60)])
    values = np.array([loss(it, adjust) for it in grid])
    at = int(values.argmin())
    low, high = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
    found = optimize.minimize_scalar(
        loss, bounds=(low, high), args=(adjust,), method="bounded", options={"xatol": 1e-10 * top}
    )
    return float(found.x) if found.fun < values[at] else float(grid[at])


def _mse(fit: _Pooling, v: Floats, gamma: Floats, x: Floats) -> Floats:
    """Return g₁ + g₂ + 2g₃ of each unit; NaN where no error is known."""
    if fit.method == "none":
        return np.full(len(v), np.nan)
    if fit.method == "direct":
        return np.where(gamma > 0, v, np.nan)
    g1 = np.where(gamma > 0, gamma * v, fit.sigma2)
    g2 = (1 - gamma) ** 2 * np.einsum("ui,ij,uj->u", x, fit.bread, x)
    g3 = np.where(gamma > 0, v**2 / (v + fit.sigma2) ** 3 * fit.avar, 0.0)
    return np.asarray(g1 + g2 + 2 * g3)


def _shift(direct: Floats, pooled: Floats, n: Floats, parents: Any) -> Floats:
    """Return what moves each unit so that its parent's mean is the direct one, shape (p,)."""
    if parents is None:
        return np.zeros(len(direct))
    code, labels = pd.factorize(np.asarray(parents))
    gap = np.where(n > 0, n * (np.nan_to_num(direct) - pooled), 0.0)
    size = np.bincount(code, n, len(labels))
    sums = np.bincount(code, gap, len(labels))
    return np.asarray(np.divide(sums, size, out=np.zeros(len(labels)), where=size > 0)[code])
