"""Means, totals, ratios and proportions of any sample, by domain, with their errors.

These functions are for researchers and any frame. SIPAS scoring uses the same block and the same
variance. A blank answer is left out of both sums of a mean (R: ``na.rm = TRUE``, per variable).
Medians are not covered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import sparse

from sipas_analysis.arguments import check_level, check_name, check_word, list_names
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import CENSUS, Design, Floats, Sampled, take_design
from sipas_analysis.infer.estimates import COLUMNS, Estimates, flag_cells, round_to_text
from sipas_analysis.infer.intervals import (
    Method,
    cap_effective_n,
    effective_n,
    share_interval,
    simple_interval,
    t_interval,
)
from sipas_analysis.infer.layout import Key, Layout
from sipas_analysis.infer.ratio_means import Mean, MeanEstimate, evaluate_mean
from sipas_analysis.infer.sample_facts import VariableFacts, read_facts
from sipas_analysis.infer.totals import Block
from sipas_analysis.infer.totals_from_files import build_block
from sipas_analysis.infer.variance import sampling_fraction, whole_strata

MIN_CELL = 5
METHOD_NAMES = {"exact": "korn-graubard", "beta": "korn-graubard"}
Names = str | Sequence[str]
Quantity = Literal["mean", "total", "ratio"]


def mean(
    design: Design | Sampled, variables: Names, by: Names = (), level: float = 0.95
) -> Estimates:
    """Estimate the mean of each variable in each domain.

    ȳ = Σ wᵢyᵢ / Σ wᵢvᵢ over the forms that answered, vᵢ = 1; t interval on the domain's degrees of
    freedom (clusters − strata).

    Args:
        design: The sample; of a survey, the one that it declares.
        variables: Numeric columns; yes/no columns count as 1 and 0.
        by: Key columns of the domains; none for the whole.
        level: Confidence of the interval.

    Returns:
        One row per domain and variable: keys, ``variable`` and the glossary's columns, in the
        variable's unit. Where all answers are in one cluster there is no error (V3); where nobody
        answered the value is NaN; without forms there is no row.

    Raises:
        DesignError: A column is missing or has no numbers.

    Source: rules V1 to V6 in docs/method.md; equal to R ``svymean`` and ``svyby``.

    Example:
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"y": [1.0, 2.0, 3.0, 6.0], "town": list("aabb")})
        >>> sipas.mean(sipas.Design(frame), "y", by="town").frame["value"].tolist()
        [1.5, 4.5]
    """
    return _estimate_quantities(
        design, [[name] for name in list_names(variables)], _check_keys(by), "mean", level
    )


def total(
    design: Design | Sampled, variables: Names, by: Names = (), level: float = 0.95
) -> Estimates:
    """Estimate the population total of each variable in each domain: Σ wᵢyᵢ.

    Arguments, columns and errors as ``mean``; weights must add up to the population. Equal to R
    ``svytotal``.

    Example:
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"y": [1.0, 2.0, 3.0], "w": [10.0, 10.0, 20.0]})
        >>> sipas.total(sipas.Design(frame, weights="w"), "y").frame["value"].item()
        90.0
    """
    return _estimate_quantities(
        design, [[name] for name in list_names(variables)], _check_keys(by), "total", level
    )


def ratio(
    design: Design | Sampled, numerator: str, denominator: str, by: Names = (), level: float = 0.95
) -> Estimates:
    """Estimate the ratio of two totals in each domain: Σ wᵢyᵢ / Σ wᵢxᵢ.

    Forms with a blank in either variable are left out. Arguments, columns and errors as ``mean``;
    ``variable`` is ``numerator/denominator``. Equal to R ``svyratio``.

    Example:
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"late": [1, 0, 2], "files": [10, 5, 5]})
        >>> sipas.ratio(sipas.Design(frame), "late", "files").frame["value"].item()
        0.15
    """
    for role, name in (("numerator", numerator), ("denominator", denominator)):
        check_name(name, role)
    return _estimate_quantities(design, [[numerator, denominator]], _check_keys(by), "ratio", level)


def proportion(
    design: Design | Sampled,
    variables: Names,
    by: Names = (),
    method: Method = "exact",
    level: float = 0.95,
) -> Estimates:
    """Estimate shares, 0 to 1, with intervals that are valid at 0 and at 1.

    A yes/no or 0/1 column gives one row; a text column one row for each ``answer``. Methods (I1):
    ``exact`` is Clopper–Pearson on the counts of a simple random sample (hypergeometric where it is
    a whole stratum with a stated fraction) and ``beta`` elsewhere; ``beta`` is Korn–Graubard,
    ``logit``, ``wilson``, ``wald`` as R ``svyciprop``, but never without width at 0 or 1.

    Arguments, columns and errors as ``mean``; ``n_eff`` is the effective number behind the interval
    and ``flag`` is publish, caution or suppress (P2).

    Source: rules I1, I3 and P2 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"satisfied": [True] * 30})
        >>> shares = sipas.proportion(sipas.Design(frame), "satisfied").frame
        >>> shares[["value", "low", "high"]].round(4).to_numpy().tolist()
        [[1.0, 0.8843, 1.0]]
    """
    names, keys = list(dict.fromkeys(list_names(variables))), _check_keys(by)
    _check_request(names, level, method)
    sample = take_design(design)
    facts = read_facts(sample, names)
    for name in names:
        _check_shares(name, facts.variables[name])
    layout = Layout(names, facts)
    totals = build_block(sample, keys, layout.to_columns(), facts.scale)
    parts = [_estimate_share(totals, layout, key, method, level) for key in layout.spec.keys]
    return _join_parts(parts, totals, keys)


def _check_shares(name: str, facts: VariableFacts) -> None:
    """Refuse a numeric variable that is not 0/1."""
    low, high = facts.low, facts.high
    if not (np.isnan(low) or (low >= 0 and high <= 1 and facts.whole)):
        raise DesignError("proportion_values", column=name, low=f"{low:g}", high=f"{high:g}")


def _check_keys(by: Names) -> list[str]:
    """Return the keys of the domains; refuse the names of the columns of estimates."""
    keys = list(dict.fromkeys(list_names(by, "by")))
    taken = [key for key in keys if key in (*COLUMNS, "variable", "answer", "contrast")]
    if taken:
        raise DesignError("by_taken", key=taken[0])
    return keys


def _check_request(names: Sequence[str], level: float, method: str = "exact") -> None:
    """Refuse a request without variables, with a wrong level or an unknown interval."""
    if not names:
        raise DesignError("no_variable")
    check_level(level)
    check_word(method, get_args(Method), "method")


def _estimate_quantities(
    sample: Design | Sampled,
    wanted: Sequence[Sequence[str]],
    keys: list[str],
    kind: Quantity,
    level: float,
) -> Estimates:
    """Return means, totals or a ratio, each named by its variables."""
    names = list(dict.fromkeys(name for quantity in wanted for name in quantity))
    _check_request(names, level)
    design = take_design(sample)
    facts = read_facts(design, names)
    for name in names:
        variable = facts.variables[name]
        if variable.answers is not None and variable.blanks < facts.n:
            values = ", ".join(variable.answers[:4])
            is_days = not design.on_files and design.frame[name].dtype.kind == "M"
            raise DesignError(f"mean_{'days' if is_days else 'text'}", column=name, values=values)
    is_ratio = kind == "ratio"
    layout = Layout(wanted[0] if is_ratio else names, facts, pair=is_ratio)
    totals = build_block(design, keys, layout.to_columns(), facts.scale)
    parts = [_estimate_quantity(totals, layout, quantity, kind, level) for quantity in wanted]
    return _join_parts(parts, totals, keys)


@dataclass(frozen=True)
class _Part:
    """Estimates of one variable in each domain.

    Attributes:
        columns: Columns of the glossary, one value per domain or one for all.
        influence: Slope of each estimate, see ``Estimates``.
    """

    columns: dict[str, ArrayLike]
    influence: sparse.csr_array


def _estimate_quantity(
    totals: Block, layout: Layout, names: Sequence[str], kind: Quantity, level: float
) -> _Part:
    """Return one mean, total or ratio in each domain."""
    first, second = names[0], names[-1]
    answered = layout.answered_slope(first)
    if kind == "mean":
        bottom = answered
    else:
        bottom = layout.numerator_slope(second) if kind == "ratio" else np.zeros((1, 0))
    mean = Mean(np.ones(1), layout.numerator_slope(first), bottom)
    estimate = evaluate_mean(totals, mean, layout.spec.answered[first])
    value, variance, people = estimate.value, estimate.variance, estimate.people
    size = (totals.total[:, : layout.width] @ answered.T)[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        if kind == "ratio":
            variance_of_one = layout.find_residual_variance(totals.total, first, second, value)
            unit = size / estimate.denominator
        else:
            variance_of_one = layout.find_variance(totals.total, first)
            unit = np.ones_like(size) if kind == "mean" else size
        # The variance for as many people drawn singly, with replacement.
        simple_variance = variance_of_one / (people - 1) * unit**2
        deff = np.where(simple_variance > 0, variance / simple_variance, np.nan)
        n_eff = people / deff
    ends = t_interval(value, variance, estimate.df, level)
    columns = _build_columns(totals, estimate, ends, deff=deff, n_eff=n_eff)
    flag = flag_cells(people, MIN_CELL, df=estimate.df)
    named = {**columns, "variable": "/".join(map(str, names)), "flag": flag}
    return _Part(named, estimate.influence)


def _estimate_share(totals: Block, layout: Layout, key: Key, method: Method, level: float) -> _Part:
    """Return one share in each domain with its interval (I1)."""
    name, answer = key
    mean = Mean(np.ones(1), layout.numerator_slope(name, answer), layout.answered_slope(name))
    estimate = evaluate_mean(totals, mean, layout.spec.answered[name])
    share, df = np.clip(estimate.value, 0.0, 1.0), estimate.df
    variance, people = estimate.variance, estimate.people
    fraction = sampling_fraction(totals)
    with np.errstate(invalid="ignore", divide="ignore"):
        deff = variance * (people - 1) / (share * (1 - share))
    cap = cap_effective_n(people, fraction)
    n_eff = effective_n(share, variance, people=people, df=df, cap=cap, level=level)
    low, high = share_interval(method, share, variance, df=df, n_eff=n_eff, level=level)
    methods = np.full(len(share), METHOD_NAMES.get(method, method), dtype=object)
    if method == "exact" and totals.replicas is None and totals.credit is None:
        simple, population = totals.simple & (people > 0), whole_strata(totals, people)
        exact = simple_interval(share, people, population, level)
        low, high = np.where(simple, exact[0], low), np.where(simple, exact[1], high)
        methods[simple], methods[~np.isnan(population)] = "clopper-pearson", "hypergeometric"
        n_eff = np.where(simple, people, n_eff)
    census, without_error = fraction >= CENSUS, np.isnan(variance)
    low, high = np.where(census, share, low), np.where(census, share, high)
    low, high = np.where(without_error, np.nan, low), np.where(without_error, np.nan, high)
    flag = flag_cells(people, MIN_CELL, df=df, n_eff=n_eff, width=high - low)
    deff = np.where(np.isfinite(deff), deff, np.nan)
    columns = _build_columns(totals, estimate, (low, high), deff=deff, n_eff=n_eff)
    columns |= {"variable": name, "flag": flag}
    columns["method"] = np.where(without_error, "none", methods)
    named = columns if answer is None else {**columns, "answer": answer}
    return _Part(named, estimate.influence)


def _build_columns(
    totals: Block,
    estimate: MeanEstimate,
    ends: tuple[Floats, Floats],
    *,
    deff: Floats,
    n_eff: Floats,
) -> dict[str, ArrayLike]:
    """Return the columns of the glossary, one value per domain or one for all."""
    se = np.sqrt(estimate.variance)
    without_error = np.isnan(se)
    return {
        "value": estimate.value,
        "df": estimate.df,
        "numerator": estimate.numerator,
        "denominator": estimate.denominator,
        "se": se,
        "low": ends[0],
        "high": ends[1],
        "deff": deff,
        "n": totals.people["n"].to_numpy(),
        "n_valid": estimate.people.astype(int),
        "n_eff": np.where(without_error, np.nan, n_eff),
        "method": np.where(without_error, "none", "t"),
        "printed": [round_to_text(value) for value in estimate.value.tolist()],
        "answer": "",
    }


def _join_parts(parts: Sequence[_Part], totals: Block, keys: Sequence[str]) -> Estimates:
    """Join the estimates of several variables, domain by domain."""
    if not parts:  # a text variable without any answer
        return Estimates(pd.DataFrame(columns=[*keys, "variable", "answer", *COLUMNS]))
    d = len(totals.keys)
    with_answers = any(part.columns["answer"] != "" for part in parts)
    names = ["variable", *(["answer"] if with_answers else []), *COLUMNS]
    columns = {
        name: np.stack([np.broadcast_to(part.columns[name], d) for part in parts], 1).ravel()
        for name in names
    }
    domain = np.repeat(np.arange(d), len(parts))
    frame = totals.keys.iloc[domain].reset_index(drop=True).assign(**columns)
    influence = sparse.csr_array(sparse.vstack([part.influence for part in parts]))
    order = np.arange(len(frame)).reshape(len(parts), d).T.ravel()
    return Estimates(frame[[*keys, *names]], totals, influence[order])
