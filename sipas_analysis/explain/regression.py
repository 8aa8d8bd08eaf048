"""Regress an outcome on predictors, with the errors that the sample deserves.

Linear, binary logit and ordered logit on any frame with a declared design. Each form's influence on
the coefficients is totalled like any other figure, so strata, clusters, finite populations and
calibration count (rule V1). Words are of association; who wants cause needs an experiment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sipas_analysis.errors import FitError
from sipas_analysis.explain.collinearity import find_tied_columns
from sipas_analysis.explain.effects import average_effect, list_shifts
from sipas_analysis.explain.formula import (
    INTERCEPT,
    check_data,
    check_request,
    code_outcome,
    prepare_frame,
    read_formula,
)
from sipas_analysis.explain.imputation import combine_imputations, impute_blanks
from sipas_analysis.explain.likelihoods import (
    Family,
    guess_parameters,
    maximise_likelihood,
    null_log_likelihood,
    slice_forms,
)
from sipas_analysis.explain.standard_errors import (
    estimate_error_covariance,
    tabulate_coefficients,
    wald_test,
)
from sipas_analysis.infer.design import Design, Floats, Ints
from sipas_analysis.infer.estimates import ResultTable
from sipas_analysis.messages import Language, say

FEW_CLUSTERS, FEW_EACH, MANY_LOST = 10, 10, 0.2
COLUMNS = (
    "term",
    "value",
    "se",
    "low",
    "high",
    "df",
    "p",
    "odds_ratio",
    "odds_low",
    "odds_high",
    "n",
)


class Note(NamedTuple):
    """A warning that belongs to a result: a message id and its fields."""

    id: str
    fields: Mapping[str, object]

    def text(self, language: Language) -> str:
        """Return the sentence in one language."""
        return say(language, f"explain.note.{self.id}", **self.fields)


@dataclass(frozen=True, eq=False, repr=False)
class Fit(ResultTable):
    """A fitted model.

    Attributes:
        frame: One row per term, cut points of an ordered logit last: ``term``, ``value``, ``se``,
            ``low``, ``high``, ``df``, ``p``, ``odds_ratio``, ``odds_low``, ``odds_high``, ``n``.
        family: ``gaussian``, ``binomial`` or ``ordinal``.
        levels: Levels of an ordinal outcome, lowest first.
        n: Forms used; ``n_lost`` lack a variable of the model.
        lost: Blanks of each variable; any one of them costs the form.
        r_squared: Explained share of the variance; for logits 1 − ℓ/ℓ₀ (McFadden).
        notes: Warnings that a reader needs.
        covariance: Of the terms, shape (k, k).
        data: Complete predictors, shape (n, k).
        y: Outcome, shape (n,); levels of an ordinal one count from 0.
        rows: Which forms of the design's frame were used, shape (n,).
        influence: Of each form on each term, shape (n, k), before weights.
        design: The sample.
        spec: What formulaic made the columns with, if there was a formula.
        each: Fits of the imputations that this one combines, if there were any.
    """

    decimals = 4
    frame: pd.DataFrame
    family: Family
    levels: tuple[Any, ...]
    n: int
    n_lost: int
    lost: "pd.Series[int]"
    r_squared: float
    notes: tuple[Note, ...]
    covariance: Floats
    data: pd.DataFrame = field(repr=False)
    y: Floats = field(repr=False)
    rows: Ints = field(repr=False)
    influence: Floats = field(repr=False)
    design: Design = field(repr=False)
    spec: Any = field(default=None, repr=False)
    each: tuple["Fit", ...] = field(default=(), repr=False)

    @property
    def params(self) -> "pd.Series[float]":
        """Coefficients by term."""
        return self.frame.set_index("term")["value"]

    def sentences(self) -> list[str]:
        """Say how well the model stands, then what to beware of."""
        head = say(
            "en",
            "explain.fit",
            family=self.family,
            n=self.n,
            n_lost=self.n_lost,
            r_squared=f"{self.r_squared:.4f}",
        )
        return [head, *(note.text("en") for note in self.notes)]

    @cached_property
    def statsmodels(self) -> Any:
        """The same model by statsmodels; None for a weighted ordered logit, which it lacks."""
        import statsmodels.api as sm
        from statsmodels.miscmodels.ordinal_model import OrderedModel

        w = self.design.weight[self.rows]
        if self.family == "gaussian":
            return sm.WLS(self.y, self.data, weights=w / w.mean()).fit(cov_type="HC0")
        if self.family == "binomial":
            model = sm.GLM(self.y, self.data, sm.families.Binomial(), var_weights=w / w.mean())
            return model.fit(cov_type="HC0")
        if w.min() < w.max():
            return None
        fit = OrderedModel(self.y.astype(int), self.data, distr="logit")
        return fit.fit(method="newton", disp=False)

    def margins(self, at: Any = None, level: float = 0.95) -> pd.DataFrame:
        """Return average marginal effects: points of the outcome's share per unit of a variable.

        100 · Σwᵢ ∂P(yᵢ)/∂x / Σwᵢ, through every column in which x stands; for a category from its
        first level to another, for yes/no from 0 to 1. The error holds that of the coefficients and
        that of the people over whom is averaged (V1).

        Args:
            at: Of an ordinal outcome: the share at this level or above; the highest if left out.
            level: Confidence.

        Returns:
            ``term``, ``value`` (points; for a linear model the outcome's unit), ``se``, ``low``,
            ``high``, ``df``, ``p``; one row per variable, or per level of a category.
        """
        parts = [one.effects(at) for one in self.each or (self,)]
        terms, value, covariance, df = parts[0]
        freedom: float | Floats = df
        if self.each:
            own = np.stack([it[1] for it in parts]), np.stack([it[2] for it in parts])
            value, covariance, freedom = combine_imputations(*own, df)
        table = tabulate_coefficients(value, np.sqrt(np.diagonal(covariance)), freedom, level)
        return table.assign(term=terms)[list(COLUMNS[:7])]

    def effects(self, at: Any = None) -> tuple[list[str], Floats, Floats, float]:
        """Return the average effects: variables, values, their covariance and its df."""
        x, params = self.data.to_numpy(dtype=float), self.frame["value"].to_numpy()
        w, points = self.design.weight[self.rows], 1.0 if self.family == "gaussian" else 100.0
        cuts = np.zeros((1, len(params) - x.shape[1]))
        if self.family == "ordinal":
            known = self.levels[1:]
            if at is not None and at not in known:
                shown = ", ".join(map(str, known))
                raise FitError("fit_word", word="at", found=str(at), known=shown)
            cuts[0, (len(known) if at is None else known.index(at) + 1) - 1] = -1.0
        names, values, z = [], [], []
        forms = self.design.frame.iloc[self.rows].reset_index(drop=True)
        for change in list_shifts(self.data, self.spec, forms):
            whole, second = (_append_cuts(it, cuts) for it in (x, change.second))
            first = _append_cuts(change.first, cuts if change.second is not None else 0 * cuts)
            moved = replace(change, first=first, second=second)
            value, own, slope = average_effect(whole, params, moved, w / w.sum(), self.family)
            names.append(change.term)
            values.append(points * value)
            z.append(points * ((own - value) / w.sum() + self.influence @ slope))
        if not z:
            return names, np.zeros(0), np.zeros((0, 0)), float(self.frame["df"].min())
        covariance, df, _ = estimate_error_covariance(self.design, self.rows, np.stack(z, axis=1))
        return names, np.array(values), covariance, min(df, float(self.frame["df"].min()))

    def parallel(self, least: int | None = None) -> "ParallelTest":
        """Test whether an ordered logit's slopes are the same at every cut point.

        A binary logit at each cut that ``least`` forms stand on either side of (10 for each slope;
        fewer make the test too eager); Wald's test that the slopes agree, with their joint
        covariance by V1: F = W·(df − q + 1)/(df·q).

        Source: rule D1 in docs/method.md; Brant (1990), doi:10.2307/2532457.
        """
        slopes, z, cuts = [], [], []
        x = self.data.assign(**{INTERCEPT: 1.0})
        for c in range(1, len(self.levels)):
            above = (self.y >= c).astype(float)
            if min(above.sum(), (1 - above).sum()) < (least or FEW_EACH * len(self.data.columns)):
                continue
            solved = _solve_model("binomial", x, above, self.design.weight[self.rows])
            if solved is not None:
                slopes.append(solved.params[:-1])
                z.append(solved.influence[:, :-1])
                cuts.append(str(self.levels[c]))
        table = pd.DataFrame(slopes, index=cuts, columns=list(self.data))
        k = len(self.data.columns)
        q = k * (len(cuts) - 1)
        if q <= 0 or self.each:
            return ParallelTest(table, np.nan, 0, np.nan, np.nan)
        covariance, df, _ = estimate_error_covariance(self.design, self.rows, np.hstack(z))
        differ = np.hstack([-np.tile(np.eye(k), (len(cuts) - 1, 1)), np.eye(q)])
        f, p = wald_test(differ @ np.concatenate(slopes), differ @ covariance @ differ.T, df)
        return ParallelTest(table, f, q, df - q + 1, p)

    def joint(self) -> float:
        """Return p of Wald's test that no predictor has any slope (NaN: no test)."""
        kept = np.flatnonzero(
            [name in self.data and name != INTERCEPT for name in self.frame["term"]]
        )
        spare = float(self.frame["df"].min()) + len(kept)  # of the design
        slopes = self.frame["value"].to_numpy()[kept]
        return wald_test(slopes, self.covariance[np.ix_(kept, kept)], spare)[1]


class ParallelTest(NamedTuple):
    """Wald's test of equal slopes: slopes by cut, F, its degrees of freedom, p (NaN: no test)."""

    slopes: pd.DataFrame
    f: float
    df: int
    df_design: float
    p: float


def fit(
    design: Design,
    formula: str,
    family: Family = "gaussian",
    *,
    level: float = 0.95,
    missing: str = "complete",
    imputations: int = 20,
    seed: int = 1,
) -> Fit:
    """Fit a model on a declared sample.

    Maximises Σwᵢ log P(yᵢ | xᵢβ); z_i = H⁻¹·∂ℓᵢ/∂β is the influence of form i, and the
    covariance of β is that of the totals Σwᵢzᵢ (V1). Forms that lack a variable are a part of the
    sample that counts with z = 0, as in R ``svyglm`` and ``svyolr``. t intervals on the design's
    degrees of freedom less the number of slopes.

    Args:
        design: The sample, in memory.
        formula: ``outcome ~ predictors`` as statsmodels and R write it.
        family: ``gaussian``, ``binomial`` (outcome 0 to 1) or ``ordinal`` (a number of few
            levels, or an ordered categorical).
        level: Confidence of the intervals.
        missing: ``complete`` forms only, or ``impute`` blank predictors that are numbers
            (multiple imputation, combined by Rubin's rules).
        imputations: How many, if imputed.
        seed: Of the imputation.

    Returns:
        The model. No interval where the design leaves no degree of freedom; no error where all
        forms stand in one cluster (V3).

    Raises:
        FitError: An outcome that never varies or is of another kind, a predictor that is constant
            or determined by the others, too few forms, separated groups, a formula that cannot be.

    Source: rule D1 in docs/method.md; Binder (1983), doi:10.2307/1402588.

    Example:
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"y": [1.0, 2.0, 2.0, 5.0], "x": [0.0, 1.0, 2.0, 3.0]})
        >>> sipas.fit(sipas.Design(frame), "y ~ x").params.round(3).to_dict()
        {'Intercept': 0.7, 'x': 1.2}
    """
    check_request(design, family, missing)
    frame = prepare_frame(design.frame)
    outcome, x, lost, spec = read_formula(formula, frame)
    if missing == "complete" or x[pd.Series(outcome).notna().to_numpy()].notna().all(axis=None):
        made = fit_columns(design, x, outcome, family, level=level, lost=lost)
        return replace(made, spec=spec)
    each = []
    known = frame.assign(**{"\0y": code_outcome(outcome, family)[0]})
    used = [name for name in lost.index if name != formula.partition("~")[0].strip()]
    for one in impute_blanks(known, [*used, "\0y"], design.weight, imputations, seed):
        x = read_formula(formula, one)[1]
        made = fit_columns(replace(design, frame=one), x, outcome, family, level=level, lost=lost)
        each.append(replace(made, spec=spec))
    return pool_imputations(each, level)


def pool_imputations(each: Sequence[Fit], level: float) -> Fit:
    """Combine the fits of several fillings by Rubin's rules; the first one lends its shape."""
    values = np.stack([it.frame["value"].to_numpy(dtype=float) for it in each])
    own = np.stack([it.covariance for it in each])
    first = each[0]
    value, covariance, df = combine_imputations(values, own, float(first.frame["df"].iloc[0]))
    table = first.frame.assign(
        **tabulate_coefficients(value, np.sqrt(np.diagonal(covariance)), df, level)
    )
    r_squared = float(np.mean([it.r_squared for it in each]))
    notes = (*first.notes, Note("imputed", {"count": len(each)}))
    table = add_odds_ratios(table, first.family, len(first.data.columns))
    return replace(
        first,
        frame=table,
        covariance=covariance,
        r_squared=r_squared,
        notes=notes,
        each=tuple(each),
    )


def fit_columns(
    design: Design,
    x: pd.DataFrame,
    outcome: Any,
    family: Family,
    *,
    level: float = 0.95,
    lost: "pd.Series[int] | None" = None,
    n_domain: int | None = None,
) -> Fit:
    """Fit a model of columns that are ready: ``x`` numbers or blank, aligned with the frame.

    Arguments, result and errors as ``fit``; without ``lost`` the blanks of ``x`` are counted.
    ``n_domain`` is how many forms the model is about, all of the frame if not given.
    """
    blanks = x.isna().sum() if lost is None else lost
    y, levels = code_outcome(outcome, family)
    complete = ~np.isnan(y) & x.notna().all(axis=1).to_numpy()
    rows = np.flatnonzero(complete)
    y, data = y[rows], x.iloc[rows].reset_index(drop=True).astype(float)
    if family == "ordinal":
        kept = np.unique(y).astype(int)
        y, levels = np.searchsorted(kept, y).astype(float), tuple(levels[c] for c in kept)
        data = data.drop(columns=INTERCEPT, errors="ignore")
    centred = INTERCEPT in data or family == "ordinal"
    check_data(data, y, len(data.columns) + max(len(levels) - 1, 0), family, centred=centred)
    w = design.weight[rows]
    solved = _solve_model(family, data, y, w)
    if solved is None:
        raise FitError("fit_separated", family=family)
    covariance, design_df, clusters = estimate_error_covariance(design, rows, solved.influence)
    slopes = len(data.columns) - (family != "ordinal")  # R: df + 1 − p, also without an intercept
    table = tabulate_coefficients(
        solved.params, np.sqrt(np.diagonal(covariance)), design_df - slopes, level
    )
    cuts = [f"{low}|{high}" for low, high in pairwise(levels)]
    table.insert(0, "term", [*map(str, data), *cuts])
    table = add_odds_ratios(table, family, len(data.columns))
    whole = len(design.frame) if n_domain is None else n_domain
    notes = collect_notes(design, whole, (design_df, slopes, clusters), family, y)
    counts = len(rows), whole - len(rows)
    return Fit(
        table.assign(n=len(rows)),
        family,
        levels,
        *counts,
        blanks,
        solved.r_squared,
        notes,
        covariance,
        data,
        y,
        rows,
        solved.influence,
        design,
    )


def add_odds_ratios(table: pd.DataFrame, family: Family, slopes: int) -> pd.DataFrame:
    """Return the table with odds ratios of the predictors; none for a linear model."""
    known = np.arange(len(table)) < slopes
    known = known & (table["term"] != INTERCEPT).to_numpy() & (family != "gaussian")
    names = {"odds_ratio": "value", "odds_low": "low", "odds_high": "high"}
    with np.errstate(over="ignore"):  # a unit of the predictor may be far beyond the data
        odds = {new: np.exp(table[old].where(known)) for new, old in names.items()}
    return table.assign(**odds)


@dataclass(frozen=True)
class _Solution:
    """Coefficients in the units of the data, what they explain, and each form's influence."""

    params: Floats
    r_squared: float
    influence: Floats


def _solve_model(family: Family, data: pd.DataFrame, y: Floats, weight: Floats) -> _Solution | None:
    """Fit on standardised predictors and return to their units; None where no maximum is."""
    w = weight / weight.mean()
    x, back = _standardise_predictors(
        data, w, family, len(guess_parameters(family, len(data.columns), y, w))
    )
    together = [it for it in find_tied_columns(x.T @ x / len(x), data.columns) if it != INTERCEPT]
    if together:
        raise FitError("fit_tied", names=", ".join(together))
    found = maximise_likelihood(family, x, y, w)
    if found is None:
        return None
    params, likely, score, bend = found
    bread = np.linalg.inv(bend)
    turn, influence = (back @ bread).T / weight.mean(), np.empty(score.shape, order="F")
    for here in slice_forms(len(y)):
        influence[here] = score[here] @ turn
    r_squared = 1 - (w @ likely) / null_log_likelihood(family, y, w)
    return _Solution(back @ params, float(r_squared), influence)


def _standardise_predictors(
    data: pd.DataFrame, w: Floats, family: Family, size: int
) -> tuple[Floats, Floats]:
    """Return predictors of mean 0 and deviation 1, and the matrix that takes parameters back."""
    x = data.to_numpy(dtype=float)
    names = list(data)
    at = names.index(INTERCEPT) if INTERCEPT in names else None
    centred = at is not None or family == "ordinal"
    mean = w @ x / w.sum() if centred else np.zeros(len(names))
    x = x - mean
    scale = np.sqrt(w @ (x * x) / w.sum())
    if at is not None:
        x[:, at], mean[at], scale[at] = 1.0, 0.0, 1.0
    back = np.eye(size)
    back[range(len(names)), range(len(names))] = 1 / scale
    if at is not None:
        back[at] -= np.where(np.arange(size) == at, 0.0, mean / scale)
    elif centred:
        back[len(names) :, : len(names)] = mean / scale
    x /= scale
    return x, back


def _append_cuts(x: Floats | None, cuts: Floats) -> Any:
    """Return columns with those of the cut points after them."""
    return None if x is None else np.hstack([x, np.repeat(cuts, len(x), axis=0)])


def collect_notes(
    design: Design, whole: int, spare: tuple[float, int, int], family: Family, y: Floats
) -> tuple[Note, ...]:
    """Return what a reader must know before believing a model of ``whole`` forms."""
    design_df, slopes, clusters = spare
    lost = whole - len(y)
    rare = int(min(y.sum(), (1 - y).sum())) if family == "binomial" else FEW_EACH * slopes
    known: Sequence[tuple[bool, Note]] = [
        (np.isnan(design_df), Note("one_cluster", {})),
        (design_df <= slopes, Note("no_interval", {"clusters": clusters, "terms": slopes})),
        (
            bool(design.cluster_columns) and 1 < clusters < FEW_CLUSTERS,
            Note("few_clusters", {"clusters": clusters, "least": FEW_CLUSTERS}),
        ),
        (rare < FEW_EACH * slopes, Note("few_events", {"n": rare, "terms": slopes})),
        (lost > MANY_LOST * whole, Note("many_lost", {"n": lost, "n_all": whole})),
    ]
    return tuple(note for holds, note in known if holds)
