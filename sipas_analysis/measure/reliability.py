"""Estimate whether questions measure one trait, and whether they can separate units.

Alpha and omega measure how similar the answers of one person are, not whether the answers are
valid. If nine in ten people chose the same level, alpha and omega mean little, and a warning is
given. Use them for levels of a scale. Only complete forms are used; their number is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_level, check_name, list_names
from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Design, Floats
from sipas_analysis.infer.distributions import f_quantile, t_quantile
from sipas_analysis.infer.printed_result import ResultPart
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.instrument.wording import repeats_code
from sipas_analysis.measure.adjustment import check_numbers
from sipas_analysis.measure.factor_model import FactorFit, fit_factors
from sipas_analysis.measure.factor_structure import Structure, fit_structure
from sipas_analysis.measure.intraclass import sum_units
from sipas_analysis.measure.item_answers import (
    FEW_FORMS,
    ItemAnswers,
    Sample,
    check_scales,
    is_simple_sample,
    list_items,
    read_answers,
    read_sample,
    read_wording,
    share_levels,
    weigh_members,
)
from sipas_analysis.measure.polychoric import SKEWED, correlate_polychoric
from sipas_analysis.messages import Language, say

COLUMNS = ["variable", "value", "se", "low", "high", "df", "n", "method"]


@dataclass(frozen=True, eq=False, repr=False)
class Reliability(ResultTable):
    """How well items measure together.

    Attributes:
        frame: One row per statistic: ``variable`` (``alpha``, ``alpha_standardised``, ``omega``;
            if ordinal also ``alpha_ordinal``, ``omega_ordinal``), ``value``, ``se``, ``low``,
            ``high``, ``df``, ``n``, ``method`` of the interval (``feldt``, ``linearised``).
        items: One row per item: ``variable``, ``mean``, ``sd``, ``item_total`` (correlation with
            the sum of the others), ``alpha_without``, ``loading`` (one factor), ``n_valid``,
            ``floor`` and ``ceiling`` (shares of the lowest and the highest level chosen), ``most``
            (share of the commonest level).
        lost: Forms left out because an item is blank or the weight is 0.
        warnings: Message ids, after ``reliability.``: ``skewed``, ``constant``, ``few_forms``,
            ``negative``, ``heywood``, ``two_items``, ``one_item``.
        units: If a unit was named: per item and for ``mean``, ``f``, ``df``, ``df_within`` and
            ``value`` = 1 − 1/F, how reliably the items separate units.
        structure: If factors were named: ``loadings``, ``correlations`` and ``fit``.
        factors: If factors were named: ``frame`` of each ``factor``, on its own complete forms.
    """

    decimals = 3
    frame: pd.DataFrame
    items: pd.DataFrame
    lost: int
    warnings: tuple[str, ...]
    units: pd.DataFrame | None = None
    structure: Structure | None = None
    factors: pd.DataFrame | None = None

    def texts(self, language: Language = "en") -> list[str]:
        """Return the warnings, and how many forms were left out, as sentences."""
        lost = {"reliability.lost": self.lost}
        if self.structure is not None:
            lost["reliability.lost_structure"] = self.structure.lost
        left_out = [say(language, message, n=n) for message, n in lost.items() if n]
        of_structure = self.structure.warnings if self.structure else ()
        words = dict.fromkeys([*self.warnings, *of_structure])
        items = self._name_opposed(language) if "negative" in words else ""
        return [*(say(language, f"reliability.{word}", items=items) for word in words), *left_out]

    def _name_opposed(self, language: Language) -> str:
        """Name the items that go against the others, by code and wording."""
        table = self.items
        is_opposed = (
            table["loading"] < 0 if (table["loading"] < 0).any() else table["item_total"] < 0
        )
        names = []
        for code in map(str, table.loc[is_opposed, "variable"]):
            text = self.wording[code].text(language) if code in self.wording else code
            names.append(text if repeats_code(code, text) else f"{code} “{text}”")
        return ", ".join(names)

    def sentences(self) -> list[str]:
        """Return the warnings, and how many forms were left out."""
        return self.texts(self.language)

    def _list_parts(self) -> list[ResultPart]:
        tables = {"items": self.items, "units": self.units, "factors": self.factors}
        if self.structure is not None:
            tables["loadings"] = self.structure.loadings
            tables["correlations"] = self.structure.correlations
            tables["fit"] = pd.DataFrame([self.structure.fit])
        return [
            self._make_part("", self.frame),
            *(
                self._make_part(name, table)
                for name, table in tables.items()
                if table is not None and len(table)
            ),
        ]


def reliability(
    sample: Sample,
    items: str | Sequence[str] | None = None,
    *,
    unit: str | None = None,
    factors: Mapping[str, Sequence[str]] | bool | None = None,
    weights: str | None = None,
    ordinal: bool = False,
    level: float = 0.95,
) -> Reliability:
    """Estimate how reliably items measure one trait.

    α = k/(k − 1)·(1 − Σ s²ⱼ / s²_sum), standardised k·r̄/(1 + (k − 1)r̄); ω = (Σλ)²/((Σλ)² + Σψ) of
    one factor by maximum likelihood on correlations; ordinal α and ω of polychoric correlations.
    Of two items α standardised is Spearman–Brown's 2r/(1 + r), and ω does not exist. Interval of α
    by Feldt's F where forms were drawn singly with equal weights; else, and of ω, linearised under
    the design, t on the scale ln(1 − α). Units: F of a one-way analysis of variance, 1 − 1/F.

    Args:
        sample: A frame with one row per form, a design, or a survey.
        items: Numeric columns, two or more (one with ``unit``); those of ``factors``, or all items
            of a survey but the question on the whole, if left out.
        unit: Column of the unit, to estimate how reliably the items separate units.
        factors: Items by factor, for the structure; ``True``: those of the survey's questionnaire.
        weights: Column of weights, of a frame; variances, correlations and α are then weighted.
        ordinal: Also estimate α and ω of polychoric correlations.
        level: Confidence of the intervals.

    Returns:
        See ``Reliability``. Items that never vary are left out with a warning.

    Raises:
        DesignError: A column is missing or holds text; fewer than two items vary, or fewer than
            ten forms are complete (in the structure, too); a factor has items of two scales, or too
            few; the fit of a structure does not converge.

    Source: rules D8, D12 and D13 in docs/method.md; Cronbach (1951), doi:10.1007/BF02310555; Feldt
    (1965), doi:10.1007/BF02289499; McDonald (1999); Zumbo et al. (2007),
    doi:10.22237/jmasm/1177992180.

    Example:
        >>> rng = np.random.default_rng(1)
        >>> trait = rng.normal(size=300)
        >>> answers = {f"q{k}": trait + rng.normal(size=300) for k in range(4)}
        >>> reliability(pd.DataFrame(answers), [*answers]).frame["value"].round(1).tolist()
        [0.7, 0.7, 0.7]
    """
    check_level(level)
    check_name(unit, "unit")
    design, groups = read_sample(sample, weights), _list_factors(sample, factors)
    if items is None and groups:
        items = [item for group in groups.values() for item in group]
    names = list_items(sample, items)
    check_numbers(design.frame, [*names, *([unit] if unit else [])], names)
    check_scales(sample, groups or {"items": names})
    answers = read_answers(design, names)
    varied = [at for at, column in enumerate(answers.answers.T) if (column != column[:1]).any()]
    least = 1 if unit else 2
    if len(varied) < least or len(answers.rows) < FEW_FORMS:
        n_complete = len(answers.rows)
        raise DesignError(
            "reliability_few", items=len(varied), n=n_complete, least=FEW_FORMS, needed=least
        )
    answers = answers.take_items(varied)
    fit = _fit_one_factor(answers.correlate_items()[0])
    items_table = _tabulate_items(answers, fit)
    return Reliability(
        _tabulate_statistics(answers, fit, level, ordinal=ordinal),
        items_table,
        answers.lost,
        _list_warnings(items_table, len(names), fit),
        None if unit is None else _tabulate_units(design, names, unit),
        fit_structure(design, groups, level) if groups else None,
        _tabulate_factors(design, groups, level, ordinal=ordinal) if groups else None,
        wording=read_wording(sample),
    )


def _list_factors(
    sample: Sample, factors: Mapping[str, Sequence[str]] | bool | None
) -> dict[str, list[str]]:
    """Return the items of each factor; those of the survey's questionnaire if ``True``."""
    if factors is True and isinstance(sample, Survey):
        pack = sample.instrument
        return {factor: list(pack.items_of(factor)) for factor in pack.factors}
    if not factors:
        return {}
    if not isinstance(factors, Mapping):
        raise DesignError("factors_mapping")
    return {name: list_names(items, "factors") for name, items in factors.items()}


def _compute_alpha(cov: Floats) -> float:
    """Return k/(k − 1)·(1 − trace/sum) of a covariance; NaN of one item."""
    k = len(cov)
    return float(k / (k - 1) * (1 - np.trace(cov) / cov.sum())) if k > 1 else np.nan


def _tabulate_statistics(
    answers: ItemAnswers, fit: FactorFit | None, level: float, *, ordinal: bool
) -> pd.DataFrame:
    """Return alpha, standardised alpha, omega and their ordinal kin with their intervals."""
    n, k = answers.answers.shape
    corr, by_pair = answers.correlate_items()
    rows = {
        "alpha": _estimate_alpha(answers),
        "alpha_standardised": _estimate_standardised(corr, by_pair),
        "omega": _estimate_omega(fit, by_pair),
    }
    if ordinal:
        corr, by_pair = correlate_polychoric(answers)
        rows["alpha_ordinal"] = _estimate_standardised(corr, by_pair)
        rows["omega_ordinal"] = _estimate_omega(_fit_one_factor(corr), by_pair)
    errors, dfs = answers.estimate_errors(
        np.column_stack([influence for _, influence in rows.values()])
    )
    is_simple, table = is_simple_sample(answers.design), []
    tails = (1 - level) / 2, (1 + level) / 2
    for (name, (value, _)), se, df in zip(rows.items(), errors, dfs, strict=True):
        by_feldt = is_simple and name in ("alpha", "alpha_standardised") and k > 1
        if by_feldt:
            factors = [f_quantile(1 - tail, n - 1, (n - 1) * (k - 1)) for tail in tails]
        else:
            factors = [np.exp(t_quantile(1 - tail, df) * se / (1 - value)) for tail in tails]
        ends = [float(1 - (1 - value) * factor) for factor in factors]
        method = "none" if np.isnan(se) else "feldt" if by_feldt else "linearised"
        table.append((name, value, se, *ends, df, n, method))
    return pd.DataFrame(table, columns=COLUMNS)


Statistic = tuple[float, Floats]  # value, and the influence of each form on it


def _estimate_alpha(answers: ItemAnswers) -> Statistic:
    """Return alpha; T and V are means of the squares of items and of the sum, from their means."""
    share = answers.weight / answers.weight.sum()
    centred, k = answers.answers - share @ answers.answers, answers.answers.shape[1]
    squares, square_of_sum = (centred**2).sum(axis=1), centred.sum(axis=1) ** 2
    trace, whole = share @ squares, share @ square_of_sum
    if k < 2:
        return np.nan, np.full(len(share), np.nan)
    ratio, scale = trace / whole, k / (k - 1)
    return float(scale * (1 - ratio)), -scale * (squares - ratio * square_of_sum) / whole


def _estimate_standardised(corr: Floats, by_pair: Floats) -> Statistic:
    """Return k·r̄/(1 + (k − 1)r̄); its slope by r̄ is k/(1 + (k − 1)r̄)²."""
    k = len(corr)
    if k < 2:
        return np.nan, np.full(len(by_pair), np.nan)
    mean = corr[np.triu_indices(k, 1)].mean()
    size = 1 + (k - 1) * mean
    return float(k * mean / size), by_pair.mean(axis=1) * k / size**2


def _fit_one_factor(corr: Floats) -> FactorFit | None:
    """Return the model of one factor; none of fewer than three items, or without a minimum."""
    if len(corr) < 3:
        return None
    try:
        return fit_factors(corr, np.ones((len(corr), 1), bool))
    except DesignError:
        return None


def _estimate_omega(fit: FactorFit | None, by_pair: Floats) -> Statistic:
    """Return (Σλ)²/((Σλ)² + Σ(1 − λ²)); no error where an item is at its bound."""
    if fit is None:
        return np.nan, np.full(len(by_pair), np.nan)
    loading = fit.loading[:, 0]
    total, unique = loading.sum(), (1 - loading**2).sum()
    size = total**2 + unique
    omega = float(total**2 / size)
    if fit.is_at_bound:
        return omega, np.full(len(by_pair), np.nan)
    slope = 2 * (total * unique + total**2 * loading) / size**2
    return omega, by_pair @ fit.slopes[: len(loading)].T @ slope


def _tabulate_items(answers: ItemAnswers, fit: FactorFit | None) -> pd.DataFrame:
    """Return mean, deviation, correlation with the others, and loading of each item that varies."""
    share, (n, k) = answers.weight / answers.weight.sum(), answers.answers.shape
    mean = share @ answers.answers
    centred = answers.answers - mean
    covariance = (centred.T * share) @ centred * (n / (n - 1))
    sd, with_total = np.sqrt(np.diagonal(covariance)), covariance.sum(axis=0)
    rest = with_total - sd**2, covariance.sum() - 2 * with_total + sd**2
    shares = [share_levels(column, share)[1] for column in answers.answers.T]
    with np.errstate(invalid="ignore", divide="ignore"):
        item_total = rest[0] / (sd * np.sqrt(rest[1]))
    return pd.DataFrame(
        {
            "variable": list(answers.names),
            "mean": mean,
            "sd": sd,
            "item_total": item_total,
            "alpha_without": [
                _compute_alpha(np.delete(np.delete(covariance, item, 0), item, 1))
                for item in range(k)
            ],
            "loading": np.full(k, np.nan) if fit is None else fit.loading[:, 0],
            "n_valid": n,
            "floor": [levels[0] for levels in shares],
            "ceiling": [levels[-1] for levels in shares],
            "most": [levels.max() for levels in shares],
        }
    )


def _list_warnings(items: pd.DataFrame, n_items: int, fit: FactorFit | None) -> tuple[str, ...]:
    """Return the ids of the warnings that apply; ``items`` are those that vary."""
    applies = {
        "skewed": (items["most"] >= SKEWED).mean() >= 0.5,
        "constant": len(items) < n_items,
        "negative": bool((items["item_total"] < 0).any() or (items["loading"] < 0).any()),
        "heywood": fit is not None and fit.is_at_bound,
        "two_items": len(items) == 2,
        "one_item": len(items) == 1,
        "few_forms": items["n_valid"].iloc[0] < 100,
    }
    return tuple(word for word, is_true in applies.items() if is_true)


def _tabulate_units(design: Design, names: Sequence[str], unit: str) -> pd.DataFrame:
    """Return F and 1 − 1/F of each item and of the mean of the items that a form answered."""
    frame = design.frame.assign(**{_MEAN: design.frame[list(names)].astype(float).mean(axis=1)})
    rows = []
    for name in (*names, _MEAN):
        sums = sum_units(frame, weigh_members(design), name, unit)
        (df, df_within), f = sums.df, sums.f
        rows.append(
            {
                "variable": name.strip("\0"),
                "value": 1 - 1 / f if f > 0 else np.nan,
                "f": f,
                "df": df,
                "df_within": df_within,
                "n_valid": sums.n,
            }
        )
    return pd.DataFrame(rows)


_MEAN = "\0mean"  # a name that no column of a frame has


def _tabulate_factors(
    design: Design, factors: Mapping[str, Sequence[str]], level: float, *, ordinal: bool
) -> pd.DataFrame:
    """Return the statistics of each factor on the forms that answered all its items."""
    tables = []
    for factor, items in factors.items():
        answers = read_answers(design, list(dict.fromkeys(items)))
        fit = _fit_one_factor(answers.correlate_items()[0])
        table = _tabulate_statistics(answers, fit, level, ordinal=ordinal)
        table.insert(0, "factor", factor)
        tables.append(table.assign(items=len(answers.names)))
    return pd.concat(tables, ignore_index=True)
