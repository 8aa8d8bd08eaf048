"""Shares of people with an answer, with intervals that are valid at 0 and at 1 (rule I1)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from sipas_analysis.arguments import check_word, list_names
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Design, Floats, Sampled, take_design, take_wording
from sipas_analysis.infer.estimate_tables import (
    MIN_CELL,
    Names,
    Part,
    build_columns,
    check_keys,
    check_request,
    join_parts,
)
from sipas_analysis.infer.estimates import Estimates, flag_cells
from sipas_analysis.infer.intervals import (
    NAMES_IN_R,
    Method,
    cap_effective_n,
    drop_rounding,
    effective_n,
    raw_effective_n,
    share_interval,
    simple_interval,
)
from sipas_analysis.infer.layout import Key, Layout
from sipas_analysis.infer.ratio_means import Mean, MeanEstimate, evaluate_mean
from sipas_analysis.infer.sample_facts import MOST_CODES, SampleFacts, read_facts
from sipas_analysis.infer.stages import CENSUS
from sipas_analysis.infer.totals import Block
from sipas_analysis.infer.totals_from_files import build_block
from sipas_analysis.infer.variance import sampling_fraction, whole_strata

METHOD_NAMES = {"exact": "korn-graubard", "beta": "korn-graubard"}


def proportion(
    design: Design | Sampled,
    variables: Names,
    by: Names = (),
    method: Method | Literal["mean", "xlogit"] = "exact",
    level: float = 0.95,
) -> Estimates:
    """Estimate shares, 0 to 1, with intervals that are valid at 0 and at 1.

    Methods (I1): ``exact`` is Clopper–Pearson on the counts of a simple random sample
    (hypergeometric where it is a whole stratum with a stated fraction) and Korn–Graubard elsewhere,
    its effective n capped at the people over 1 − f. The others are those of R ``svyciprop``, but
    never without width at 0 or 1: ``beta`` (Korn–Graubard without a cap), ``logit`` (R ``xlogit``),
    ``wilson`` (on p(1−p)/Var people, with t), ``asin``, ``wald`` (R ``mean``). A share that the
    design or a margin fixes has no width by any method: its standard error is at most 1e-10 of that
    of one person, and ``method`` is ``known``.

    Args:
        design: The sample; of a survey, the one that it declares.
        variables: A yes/no or 0/1 column gives one row; a text or categorical column, or one of at
            most 20 whole codes, one row for each ``answer``, in the order of the categories or
            codes. Categories that nobody chose have the share 0.
        by: Key columns of the domains; none for the whole. A form with a blank key is in no row;
            their number stands above the table.
        method: Kind of interval; the names ``mean`` and ``xlogit`` of R are read, too.
        level: Confidence of the interval.

    Returns:
        One row per domain, variable and answer: keys, ``variable``, ``answer`` and the glossary's
        columns; ``n_eff`` is the effective number behind the interval and ``flag`` is publish,
        caution or suppress (P2). Nobody answered: NaN.

    Raises:
        DesignError: A column is missing, or has numbers that are not codes.

    Source: rules I1, I3 and P2 in docs/method.md.

    Example:
        >>> import pandas as pd
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"satisfied": [True] * 30})
        >>> shares = sipas.proportion(sipas.Design(frame), "satisfied").frame
        >>> shares[["value", "low", "high"]].round(4).to_numpy().tolist()
        [[1.0, 0.8843, 1.0]]
    """
    names, keys = list_names(variables), check_keys(by)
    check_request(names, level)
    check_word(method, (*get_args(Method), *NAMES_IN_R), "method")
    kind = NAMES_IN_R.get(method, cast("Method", method))
    sample = take_design(design)
    facts = _read_codes(names, read_facts(sample, names, with_codes=True))
    layout = Layout(names, facts)
    totals = build_block(sample, keys, layout.to_columns(), facts.scale)
    parts = [_estimate_share(totals, layout, key, kind, level) for key in layout.spec.keys]
    return replace(join_parts(parts, totals, keys), wording=take_wording(design))


def _read_codes(names: Sequence[str], facts: SampleFacts) -> SampleFacts:
    """Return the facts with whole codes as answers; refuse other numbers than 0 and 1."""
    variables = dict(facts.variables)
    for name in names:
        variable = facts.variables[name]
        low, high = variable.low, variable.high
        if np.isnan(low) or (low >= 0 and high <= 1 and variable.whole):
            continue
        if variable.codes is None:
            ends = f"{low:g}", f"{high:g}"
            raise DesignError(
                "proportion_values", column=name, low=ends[0], high=ends[1], most=MOST_CODES
            )
        variables[name] = replace(variable, answers=variable.codes)
    return replace(facts, variables=variables)


def _estimate_share(totals: Block, layout: Layout, key: Key, method: Method, level: float) -> Part:
    """Return one share in each domain with its interval (I1)."""
    name, answer = key
    mean = Mean(np.ones(1), layout.numerator_slope(name, answer), layout.answered_slope(name))
    estimate = evaluate_mean(totals, mean, layout.spec.answered[name])
    share = np.clip(estimate.value, 0.0, 1.0)
    estimate = drop_rounding(estimate, share * (1 - share))
    variance, people = estimate.variance, estimate.people
    with np.errstate(invalid="ignore", divide="ignore"):
        deff = variance * (people - 1) / (share * (1 - share))
    deff = np.where(np.isfinite(deff), deff, np.nan)
    low, high, n_eff, methods = _find_intervals(totals, estimate, share, method, level)
    columns = build_columns(
        totals,
        estimate,
        (low, high),
        name=name,
        answer=answer,
        numerator=estimate.numerator,
        denominator=estimate.denominator,
        deff=deff,
        n_eff=n_eff,
        method=methods,
        flag=flag_cells(people, MIN_CELL, df=estimate.df, n_eff=n_eff, width=high - low),
    )
    return Part(columns, estimate.influence)


def _find_intervals(
    totals: Block, estimate: MeanEstimate, share: Floats, method: Method, level: float
) -> tuple[Floats, Floats, Floats, NDArray[np.object_]]:
    """Return ends, effective n and kind of interval of a share in each domain, shape (D,) each."""
    variance, people, df = estimate.variance, estimate.people, estimate.df
    fraction = sampling_fraction(totals)
    cap = cap_effective_n(people, fraction) if method == "exact" else np.full_like(people, np.inf)
    n_eff = effective_n(share, variance, people=people, df=df, cap=cap, level=level)
    if method == "wilson":
        n_eff = raw_effective_n(share, variance, n_eff)
    low, high = share_interval(method, share, variance, df=df, n_eff=n_eff, level=level)
    methods = np.full(len(share), METHOD_NAMES.get(method, method), dtype=object)
    if method == "exact" and totals.replicas is None and totals.credit is None:
        simple, population = totals.simple & (people > 0), whole_strata(totals, people)
        exact = simple_interval(share, people, population, level)
        low, high = np.where(simple, exact[0], low), np.where(simple, exact[1], high)
        methods[simple], methods[~np.isnan(population)] = "clopper-pearson", "hypergeometric"
        n_eff = np.where(simple, people, n_eff)
    known = (variance == 0) & (share > 0) & (share < 1)
    methods[known] = "known"
    known |= fraction >= CENSUS
    low, high = np.where(known, share, low), np.where(known, share, high)
    without_error = np.isnan(variance)
    low, high = np.where(without_error, np.nan, low), np.where(without_error, np.nan, high)
    return low, high, n_eff, methods
