"""Compare units as if they served the same people.

Case-mix adjustment (A1) takes out what clients bring with them, by the method of the CAHPS
surveys. It does not replace the published index: it stands beside it. Not for traits that the
unit itself changes, such as how long people waited.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg, stats

from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Design, Floats, Ints
from sipas_analysis.infer.estimates import ResultTable
from sipas_analysis.measure.pooling import rank_values

COMPOSITE = "composite"
CONSTANT_SHARE = 1e-9  # an adjuster that varies less than this share of its size within units is constant


@dataclass(frozen=True, eq=False, repr=False)
class CaseMix(ResultTable):
    """Adjusted means of units, by item and for their mean.

    Attributes:
        frame: One row per unit and variable, see ``case_mix``.
        tests: One row per variable: ``f``, ``df``, ``df_within`` and ``p`` of no difference.
        effects: One row per item and adjuster: ``value`` and ``se`` of its coefficient.
    """

    frame: pd.DataFrame
    tests: pd.DataFrame
    effects: pd.DataFrame


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
    check_numbers(frame, [unit, *asked[0], *asked[1]], asked[0])
    held = frame[frame[unit].notna()]
    code, units = pd.factorize(held[unit], sort=True)
    weight = Design(held, weights=weights).weight
    traits = _fill_adjusters(held, asked[1], code, list(units))
    answers = held[asked[0]].to_numpy(dtype=float, na_value=np.nan)
    fits = [
        _fit_item(y, traits, code, weight, name) for y, name in zip(answers.T, asked[0], strict=True)
    ]
    share = np.stack([~np.isnan(fit.value) for fit in fits]).astype(float)
    share /= np.maximum(share.sum(axis=0), 1)
    answered = (~np.isnan(answers)).any(axis=1).astype(np.float64)
    whole = _Fit(
        _average_items([fit.value for fit in fits], share),
        _average_items([fit.raw for fit in fits], share),
        np.sum([s[code] * fit.influence for s, fit in zip(share, fits, strict=True)], axis=0),
        np.bincount(code, answered, len(units)).astype(float),
        np.empty(0),
        np.empty(0),
    )
    named = [*zip(asked[0], fits, strict=True), (COMPOSITE, whole)]
    rows = [_tabulate_variable(name, fit, code, units, level) for name, fit in named]
    effects = pd.DataFrame(
        [
            (item, it, b, se)
            for item, fit in named[:-1]
            for it, b, se in zip(traits, fit.slope, fit.slope_se, strict=True)
        ],
        columns=["variable", "term", "value", "se"],
    )
    tests = pd.DataFrame(
        [{"variable": name, **_test_units(row)} for (name, _), row in zip(named, rows, strict=True)]
    )
    return CaseMix(pd.concat(rows, ignore_index=True), tests, effects)


@dataclass(frozen=True)
class _Fit:
    value: Floats
    raw: Floats
    influence: Floats
    n_valid: Floats
    slope: Floats
    slope_se: Floats


def check_numbers(frame: pd.DataFrame, names: Sequence[str], numbers: Sequence[str]) -> None:
    """Refuse columns that are missing, and text where numbers are needed."""
    missing = [name for name in names if name not in frame]
    if missing:
        known = ", ".join(map(str, list(frame)[:12]))
        raise DesignError("design_column", column=missing[0], known=known)
    text = [name for name in numbers if not pd.api.types.is_numeric_dtype(frame[name])]
    if text:
        shown = ", ".join(map(str, frame[text[0]].dropna().unique()[:4]))
        raise DesignError("mean_text", column=text[0], values=shown)


def _fill_adjusters(
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


def _fit_item(y: Floats, traits: Mapping[str, Floats], code: Ints, weight: Floats, item: str) -> _Fit:
    """Return adjusted means, raw means and influence of one item, shapes (P,), (P,), (n,)."""
    some = ~np.isnan(y)
    if not some.any():
        none = np.full(int(code.max(initial=-1)) + 1, np.nan)
        blank = np.full(len(traits), np.nan)
        return _Fit(none, none, np.zeros(len(y)), np.zeros(len(none)), blank, blank)
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
    still = [n for n, a, b in zip(names, own, size, strict=True) if not a > CONSTANT_SHARE * max(b, 1e-300)]
    if still:
        raise DesignError("adjuster_constant", column=still[0], item=item)
    if not len(names):
        return
    _, r, order = linalg.qr((inside / own[:, None]).T, mode="economic", pivoting=True)
    small = np.abs(np.diagonal(r)) < 1e-7
    if small.any() or len(r) < len(names):
        last = names[order[np.flatnonzero(small)[0] if small.any() else len(r)]]
        raise DesignError("adjuster_collinear", column=last, item=item, others=", ".join(names))


def _average_items(parts: Sequence[Floats], share: Floats) -> Floats:
    found = (share * np.nan_to_num(np.stack(parts))).sum(axis=0)
    return np.where(share.sum(axis=0) > 0, found, np.nan)


def _tabulate_variable(name: str, fit: _Fit, code: Ints, units: "pd.Index[Any]", level: float) -> pd.DataFrame:
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
            "unit": units,
            "variable": name,
            "value": fit.value,
            "se": np.sqrt(v),
            "low": fit.value - half,
            "high": fit.value + half,
            "raw": fit.raw,
            "deviation": fit.value - middle,
            "deviation_se": np.sqrt(apart),
            "n": np.bincount(code, minlength=len(units)),
            "n_valid": fit.n_valid.astype(int),
            "rank": rank_values(fit.value),
            "rank_raw": rank_values(fit.raw),
        }
    )


def _test_units(rows: pd.DataFrame) -> dict[str, float]:
    """Return F = Σ (āᵤ − ā_w)²/vᵤ / (P − 1) and its p."""
    known = rows[rows["se"] > 0]
    df, within = len(known) - 1, int(known["n_valid"].sum()) - len(known)
    if df < 1:
        return {"f": np.nan, "df": float(df), "df_within": float(within), "p": np.nan}
    precision = 1 / known["se"] ** 2
    middle = (precision * known["value"]).sum() / precision.sum()
    f = float((precision * (known["value"] - middle) ** 2).sum() / df)
    return {"f": f, "df": df, "df_within": within, "p": float(stats.f.sf(f, df, within))}
