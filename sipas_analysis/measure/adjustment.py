"""Compare units as if they served the same people.

Case-mix adjustment (A1) removes differences that come from the clients, by the method of the
CAHPS surveys. The adjusted index is shown beside the published index and never replaces it. Do
not adjust for traits that the unit itself changes, such as how long people waited.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import linalg

from sipas_analysis.arguments import check_kind, check_level, check_name, list_names
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Design, Floats, Ints, check_columns
from sipas_analysis.infer.distributions import f_tail, t_quantile
from sipas_analysis.infer.printed_result import ResultPart
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.measure.pooling import rank_values

COMPOSITE = "composite"
CONSTANT_SHARE = 1e-9  # an adjuster is constant if it varies less than this share within units


@dataclass(frozen=True, eq=False, repr=False)
class CaseMix(ResultTable):
    """Adjusted means of units, by item and for their mean.

    Attributes:
        frame: One row per unit and variable, see ``case_mix``.
        tests: One row per variable: ``f``, ``df``, ``df_within`` and ``p`` of no difference.
        effects: One row per item and adjuster: ``variable`` (the item), ``adjuster``, ``value``
            and ``se`` of its coefficient.
    """

    frame: pd.DataFrame
    tests: pd.DataFrame
    effects: pd.DataFrame

    def _list_row_keys(self) -> list[str]:
        return ["unit"]

    def _list_parts(self) -> list[ResultPart]:
        return [*super()._list_parts(), self._make_part("tests", self.tests)]


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
        ``n_valid`` (who answered), ``rank`` and ``rank_raw``. If nobody of a unit answered
        an item, the unit's composite is the mean of its other items.

    Raises:
        DesignError: A column is missing; an adjuster is blank in a whole unit, does not vary within
            units, or follows from others; weights are invalid.

    Source: rule A1 in docs/method.md; CAHPS Analysis Program, cahps.ahrq.gov.

    Example:
        >>> frame = pd.DataFrame({"unit": list("aaabbb"), "age": [1, 2, 3, 2, 3, 4.0],
        ...                       "q": [10, 20, 30, 20, 30, 40.0]})
        >>> case_mix(frame, unit="unit", items="q", adjusters="age").frame["value"].tolist()
        [25.0, 25.0, 25.0, 25.0]
    """
    item_names, adjuster_names = list_names(items, "items"), list_names(adjusters, "adjusters")
    check_name(unit, "unit")
    check_level(level)
    check_numbers(frame, [unit, *item_names, *adjuster_names], item_names)
    people = frame[frame[unit].notna()]
    code, units = pd.factorize(people[unit], sort=True)
    weight = Design(people, weights=weights).weight
    traits = _fill_adjusters(people, adjuster_names, code, list(units))
    answers = people[item_names].to_numpy(dtype=float, na_value=np.nan)
    fits = {
        item: _fit_item(y, traits, code, weight, item)
        for item, y in zip(item_names, answers.T, strict=True)
    }
    composite = _average_fits(list(fits.values()), answers, code, len(units))
    tables = {
        name: _tabulate_variable(name, fit, code, units, level)
        for name, fit in {**fits, COMPOSITE: composite}.items()
    }
    tests = [{"variable": name, **_test_units(table)} for name, table in tables.items()]
    return CaseMix(
        pd.concat(tables.values(), ignore_index=True),
        pd.DataFrame(tests),
        _tabulate_effects(fits, list(traits)),
    )


def _tabulate_effects(fits: Mapping[str, "_Fit"], adjusters: Sequence[str]) -> pd.DataFrame:
    """Return the coefficient of each adjuster in the fit of each item."""
    rows = [
        (item, adjuster, slope, se)
        for item, fit in fits.items()
        for adjuster, slope, se in zip(adjusters, fit.slope, fit.slope_se, strict=True)
    ]
    return pd.DataFrame(rows, columns=["variable", "adjuster", "value", "se"])


@dataclass(frozen=True)
class _Fit:
    """Means of P units, adjusted and raw, influence of n people, and k slopes of one variable."""

    value: Floats
    raw: Floats
    influence: Floats
    n_valid: Floats
    slope: Floats
    slope_se: Floats


def check_numbers(frame: pd.DataFrame, names: Sequence[str], numbers: Sequence[str]) -> None:
    """Refuse columns that are missing, and text or infinite values where numbers are needed."""
    check_kind(frame, pd.DataFrame, "frame")
    check_columns(names, frame.columns)
    text = [name for name in numbers if not pd.api.types.is_numeric_dtype(frame[name])]
    if text:
        values = ", ".join(map(str, frame[text[0]].dropna().unique()[:4]))
        raise DesignError("items_text", column=text[0], values=values)
    for name in numbers:
        if np.isinf(frame[name].to_numpy(dtype=float, na_value=np.nan)).any():
            raise DesignError("design_infinite", column=name)


def _fill_adjusters(
    frame: pd.DataFrame, names: Sequence[str], code: Ints, units: Sequence[object]
) -> dict[str, Floats]:
    """Return the adjusters as numbers without blanks: a blank takes its unit's mean (A1)."""
    traits: dict[str, Floats] = {}
    for name in names:
        for term, x in _expand_levels(frame[name], name).items():
            is_known = ~np.isnan(x)
            n_known = np.bincount(code, is_known, len(units))
            if (n_known == 0).any():
                blank_units = [str(units[at]) for at in np.flatnonzero(n_known == 0)[:5]]
                raise DesignError("adjuster_blank", column=name, units=", ".join(blank_units))
            unit_mean = np.bincount(code, np.where(is_known, x, 0.0), len(units)) / n_known
            traits[term] = np.where(is_known, x, unit_mean[code])
    return traits


def _expand_levels(column: "pd.Series[str]", name: str) -> dict[str, Floats]:
    """Return a numeric adjuster unchanged, text as yes/no columns of all levels but the first."""
    if pd.api.types.is_numeric_dtype(column):
        return {name: np.asarray(column.to_numpy(dtype=float, na_value=np.nan), np.float64)}
    levels = sorted(map(str, column.dropna().unique()))[1:]
    text, is_blank = column.astype(str), column.isna()
    return {f"{name}={level}": np.where(is_blank, np.nan, text == level) for level in levels}


def _fit_item(
    y: Floats, traits: Mapping[str, Floats], code: Ints, weight: Floats, item: str
) -> _Fit:
    """Return adjusted means, raw means and influence of one item, shapes (P,), (P,), (n,)."""
    answered = ~np.isnan(y)
    n_units = int(code.max(initial=-1)) + 1
    if not answered.any():
        no_mean, no_slope = np.full(n_units, np.nan), np.full(len(traits), np.nan)
        return _Fit(no_mean, no_mean, np.zeros(len(y)), np.zeros(n_units), no_slope, no_slope)
    at, w = code[answered], weight[answered]
    sums = np.bincount(at, w, n_units)
    with np.errstate(invalid="ignore", divide="ignore"):
        x = np.array([trait[answered] for trait in traits.values()]).reshape(-1, len(at))
        columns = [*x, y[answered]]
        means = np.stack([np.bincount(at, w * column, n_units) for column in columns]) / sums
        inside = np.sqrt(w) * (x - means[:-1, at])
        _check_rank(inside, np.sqrt(w) * x, list(traits), item)
        left = y[answered] - means[-1, at]
        slope = linalg.lstsq(inside.T, np.sqrt(w) * left)[0] if len(x) else np.empty(0)
        centre = np.nanmean(np.where(sums > 0, means[:-1], np.nan), axis=1)
        value = means[-1] - slope @ (means[:-1] - centre[:, None])
        residual = left - slope @ (x - means[:-1, at])
        influence = np.zeros(len(y))
        influence[answered] = w * residual / sums[at]
    df = len(at) - (sums > 0).sum() - len(x)
    noise = (w * residual**2).sum() / df if df > 0 else np.nan
    slope_se = np.sqrt(noise * np.diagonal(np.linalg.inv(inside @ inside.T))) if len(x) else slope
    n_valid = np.bincount(at, minlength=n_units).astype(float)
    return _Fit(value, means[-1], influence, n_valid, slope, slope_se)


def _check_rank(inside: Floats, whole: Floats, names: Sequence[str], item: str) -> None:
    """Refuse adjusters that do not vary within units, or follow from the others."""
    size_inside, size = np.sqrt((inside**2).sum(axis=1)), np.sqrt((whole**2).sum(axis=1))
    varies = size_inside > CONSTANT_SHARE * np.maximum(size, 1e-300)
    constant = [name for name, is_varied in zip(names, varies, strict=True) if not is_varied]
    if constant:
        raise DesignError("adjuster_constant", column=constant[0], item=item)
    if not len(names):
        return
    _, r, order = linalg.qr((inside / size_inside[:, None]).T, mode="economic", pivoting=True)
    is_small = np.abs(np.diagonal(r)) < 1e-7
    if is_small.any() or len(r) < len(names):
        last = names[order[np.flatnonzero(is_small)[0] if is_small.any() else len(r)]]
        raise DesignError("adjuster_collinear", column=last, item=item, others=", ".join(names))


def _average_fits(fits: Sequence[_Fit], answers: Floats, code: Ints, n_units: int) -> _Fit:
    """Return the mean of the items that somebody of the unit answered, unit by unit."""
    share = np.stack([~np.isnan(fit.value) for fit in fits]).astype(float)
    share /= np.maximum(share.sum(axis=0), 1)
    influence = [weight[code] * fit.influence for weight, fit in zip(share, fits, strict=True)]
    answered = (~np.isnan(answers)).any(axis=1).astype(np.float64)
    return _Fit(
        _average_items([fit.value for fit in fits], share),
        _average_items([fit.raw for fit in fits], share),
        np.sum(influence, axis=0),
        np.bincount(code, answered, n_units).astype(float),
        np.empty(0),
        np.empty(0),
    )


def _average_items(parts: Sequence[Floats], share: Floats) -> Floats:
    mean = (share * np.nan_to_num(np.stack(parts))).sum(axis=0)
    return np.where(share.sum(axis=0) > 0, mean, np.nan)


def _tabulate_variable(
    name: str, fit: _Fit, code: Ints, units: "pd.Index[str]", level: float
) -> pd.DataFrame:
    """Return the table of one variable."""
    is_known = ~np.isnan(fit.value)
    n_known = int(is_known.sum())
    variance = np.where(is_known, np.bincount(code, fit.influence**2, len(units)), np.nan)
    variance[fit.n_valid < 2] = np.nan  # one person has no variance
    unit_share = ((n_known - 1) / n_known) ** 2 if n_known else np.nan
    others = (np.nansum(variance) - variance) / max(n_known, 1) ** 2
    mean = fit.value[is_known].mean() if n_known else np.nan
    with np.errstate(invalid="ignore"):
        half = t_quantile((1 + level) / 2, fit.n_valid - 1) * np.sqrt(variance)
    return pd.DataFrame(
        {
            "unit": units,
            "variable": name,
            "value": fit.value,
            "se": np.sqrt(variance),
            "low": fit.value - half,
            "high": fit.value + half,
            "raw": fit.raw,
            "deviation": fit.value - mean,
            "deviation_se": np.sqrt(unit_share * variance + others),
            "n": np.bincount(code, minlength=len(units)),
            "n_valid": fit.n_valid.astype(int),
            "rank": rank_values(fit.value),
            "rank_raw": rank_values(fit.raw),
        }
    )


def _test_units(table: pd.DataFrame) -> dict[str, float]:
    """Return F = Σ (āᵤ − ā_w)²/vᵤ / (P − 1) and its p."""
    units = table[table["se"] > 0]
    df, within = len(units) - 1, int(units["n_valid"].sum()) - len(units)
    if df < 1:
        return {"f": np.nan, "df": float(df), "df_within": float(within), "p": np.nan}
    precision = 1 / units["se"] ** 2
    mean = (precision * units["value"]).sum() / precision.sum()
    f = float((precision * (units["value"] - mean) ** 2).sum() / df)
    return {"f": f, "df": df, "df_within": within, "p": f_tail(f, df, within)}
