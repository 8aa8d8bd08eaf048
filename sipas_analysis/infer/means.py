"""Means, totals, ratios and proportions of any sample, by domain, with their errors.

The verbs a researcher calls on a frame of their own; SIPAS scoring stands on the same block and
the same variance. Blank answers leave both sums of a mean (R: ``na.rm = TRUE``, per variable).
Not for medians.
"""

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
import pandas as pd
from scipy import sparse

from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import CENSUS, Design, Floats
from sipas_analysis.infer.estimates import (
    COLUMNS,
    Estimates,
    Mean,
    evaluate_mean,
    flag_cells,
    round_to_text,
)
from sipas_analysis.infer.intervals import (
    Method,
    cap_effective_n,
    effective_n,
    share_interval,
    simple_interval,
    t_interval,
)
from sipas_analysis.infer.layout import Layout
from sipas_analysis.infer.totals import Block
from sipas_analysis.infer.totals_from_files import build_block, read_facts
from sipas_analysis.infer.variance import sampling_fraction, whole_strata

MIN_CELL = 5
SAID = {"exact": "korn-graubard", "beta": "korn-graubard"}
Names = str | Sequence[str]


def mean(design: Design, variables: Names, by: Names = (), level: float = 0.95) -> Estimates:
    """Estimate the mean of each variable in each domain.

    ȳ = Σ wᵢyᵢ / Σ wᵢvᵢ over the forms that answered, vᵢ = 1; t interval on the domain's degrees of
    freedom (clusters − strata).

    Args:
        design: The sample.
        variables: Numeric columns; yes/no columns count as 1 and 0.
        by: Key columns of the domains; none for the whole.
        level: Confidence of the interval.

    Returns:
        One row per domain and variable: keys, ``variable`` and the glossary's columns, in the
        variable's unit. Where all answers stand in one cluster there is no error (V3); where nobody
        answered the value is NaN; without forms there is no row.

    Raises:
        DesignError: A column is missing or holds no numbers.

    Source: rules V1 to V6 in docs/method.md; equal to R ``svymean`` and ``svyby``.

    Example:
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"y": [1.0, 2.0, 3.0, 6.0], "town": list("aabb")})
        >>> sipas.mean(sipas.Design(frame), "y", by="town").frame["value"].tolist()
        [1.5, 4.5]
    """
    return _estimate_quantities(design, [[name] for name in _list_names(variables)], _check_keys(by), "mean", level)


def total(design: Design, variables: Names, by: Names = (), level: float = 0.95) -> Estimates:
    """Estimate the population total of each variable in each domain: Σ wᵢyᵢ.

    Arguments, columns and errors as ``mean``; weights must add up to the population. Equal to R
    ``svytotal``.

    Example:
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"y": [1.0, 2.0, 3.0], "w": [10.0, 10.0, 20.0]})
        >>> sipas.total(sipas.Design(frame, weights="w"), "y").frame["value"].item()
        90.0
    """
    return _estimate_quantities(design, [[name] for name in _list_names(variables)], _check_keys(by), "total", level)


def ratio(
    design: Design, numerator: str, denominator: str, by: Names = (), level: float = 0.95
) -> Estimates:
    """Estimate the ratio of two totals in each domain: Σ wᵢyᵢ / Σ wᵢxᵢ.

    Forms with a blank in either leave both. Arguments, columns and errors as ``mean``;
    ``variable`` is ``numerator/denominator``. Equal to R ``svyratio``.

    Example:
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"late": [1, 0, 2], "files": [10, 5, 5]})
        >>> sipas.ratio(sipas.Design(frame), "late", "files").frame["value"].item()
        0.15
    """
    return _estimate_quantities(design, [[numerator, denominator]], _check_keys(by), "ratio", level)


def proportion(
    design: Design,
    variables: Names,
    by: Names = (),
    method: Method = "exact",
    level: float = 0.95,
) -> Estimates:
    """Estimate shares, 0 to 1, with intervals that hold at 0 and at 1.

    A yes/no or 0/1 column gives one row; a text column one row for each ``answer``. Methods (I1):
    ``exact`` is Clopper–Pearson on the counts of a simple random sample (hypergeometric where it is
    a whole stratum with a stated fraction) and ``beta`` elsewhere; ``beta`` is Korn–Graubard,
    ``logit``, ``wilson``, ``wald`` as R ``svyciprop``, but never without width at 0 or 1.

    Arguments, columns and errors as ``mean``; ``n_eff`` is the effective number behind the interval
    and ``flag`` says publish, caution or suppress (P2).

    Source: rules I1, I3 and P2 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"satisfied": [True] * 30})
        >>> found = sipas.proportion(sipas.Design(frame), "satisfied").frame
        >>> found[["value", "low", "high"]].round(4).to_numpy().tolist()
        [[1.0, 0.8843, 1.0]]
    """
    names, keys = list(dict.fromkeys(_list_names(variables))), _check_keys(by)
    _check_request(names, level, method)
    known = read_facts(design, names)
    for name in names:
        low, high = known.range[name]
        shares = np.isnan(low) or (low >= 0 and high <= 1 and known.whole[name])
        if not shares:
            shown = f"{low:g}", f"{high:g}"
            raise DesignError("proportion_values", column=name, low=shown[0], high=shown[1])
    at = Layout(names, known)
    totals = build_block(design, keys, at.columns(), known.scale)
    rows = [_estimate_share(totals, at, key, method, level) for key in at.plan.values]
    return _join_rows(rows, totals, keys)


def _check_keys(by: Names) -> list[str]:
    """Return the keys of the domains, refusing names that the columns of estimates bear."""
    keys = list(dict.fromkeys(_list_names(by)))
    taken = [key for key in keys if key in (*COLUMNS, "variable", "answer", "contrast")]
    if taken:
        raise DesignError("by_taken", key=taken[0])
    return keys


def _list_names(names: Names) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _check_request(names: Sequence[str], level: float, method: str = "exact") -> None:
    """Refuse a request that names nothing, no level or no known interval."""
    if not names:
        raise DesignError("no_variable")
    if not 0 < level < 1:
        raise DesignError("interval_level", found=f"{level:g}")
    if method not in get_args(Method):
        raise DesignError("interval_kind", found=method, known=", ".join(get_args(Method)))


def _estimate_quantities(
    design: Design, wanted: Sequence[Sequence[str]], keys: list[str], kind: str, level: float
) -> Estimates:
    """Return means, totals or a ratio, each named by its variables."""
    names = list(dict.fromkeys(name for each in wanted for name in each))
    _check_request(names, level)
    known = read_facts(design, names)
    for name in names:
        if name in known.levels and known.blanks[name] < known.n:
            shown = ", ".join(known.levels[name][:4])
            raise DesignError("mean_text", column=name, values=shown)
    at = Layout(wanted[0] if kind == "ratio" else names, known, pair=kind == "ratio")
    totals = build_block(design, keys, at.columns(), known.scale)
    return _join_rows([_estimate_quantity(totals, at, it, kind, level) for it in wanted], totals, keys)


_Row = tuple[dict[str, Any], Any]


def _estimate_quantity(totals: Block, at: Layout, names: Sequence[str], kind: str, level: float) -> _Row:
    """Return one mean, total or ratio in each domain."""
    first, second = names[0], names[-1]
    top, who = at.top(first), at.who(first)
    bottom = {"mean": who, "ratio": at.top(second)}.get(kind, np.zeros((1, 0)))
    found, influence = evaluate_mean(totals, Mean(np.ones(1), top, bottom), at.plan.answered[first])
    value, variance, people = (found[k].to_numpy() for k in ("value", "variance", "people"))
    size = (totals.total[:, : at.width] @ who.T)[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = at.spread(totals.total, first, second, value if kind == "ratio" else None)
        unit = {"mean": 1.0, "ratio": size / found["denominator"].to_numpy()}.get(kind, size)
        alike = spread / (people - 1) * unit**2  # of as many people drawn singly, with replacement
        deff = np.where(alike > 0, variance / alike, np.nan)
        n_eff = people / deff
    ends = t_interval(value, variance, found["df"].to_numpy(), level)
    row = _build_columns(totals, found, ends, deff=deff, n_eff=n_eff)
    flag = flag_cells(people, MIN_CELL, df=found["df"])
    return {**row, "variable": "/".join(map(str, names)), "flag": flag}, influence


def _estimate_share(
    totals: Block, at: Layout, key: tuple[str, str | None], method: Method, level: float
) -> _Row:
    """Return one share in each domain with its interval (I1)."""
    name, answer = key
    mean = Mean(np.ones(1), at.top(name, answer), at.who(name))
    found, influence = evaluate_mean(totals, mean, at.plan.answered[name])
    value, df = np.clip(found["value"].to_numpy(), 0.0, 1.0), found["df"].to_numpy()
    variance, people = found["variance"].to_numpy(), found["people"].to_numpy()
    fraction = sampling_fraction(totals)
    with np.errstate(invalid="ignore", divide="ignore"):
        deff = variance * (people - 1) / (value * (1 - value))
    cap = cap_effective_n(people, fraction)
    n_eff = effective_n(value, variance, people=people, df=df, cap=cap, level=level)
    low, high = share_interval(method, value, variance, df=df, n_eff=n_eff, level=level)
    words = np.full(len(value), SAID.get(method, method), dtype=object)
    if method == "exact" and totals.replicas is None and totals.credit is None:
        plain, size = totals.simple & (people > 0), whole_strata(totals, people)
        ends = simple_interval(value, people, size, level)
        low, high = np.where(plain, ends[0], low), np.where(plain, ends[1], high)
        words[plain], words[~np.isnan(size)] = "clopper-pearson", "hypergeometric"
        n_eff = np.where(plain, people, n_eff)
    census = fraction >= CENSUS
    low, high = np.where(census, value, low), np.where(census, value, high)
    alone = np.isnan(variance)
    both = np.where(alone, np.nan, low), np.where(alone, np.nan, high)
    flag = flag_cells(people, MIN_CELL, df=df, n_eff=n_eff, width=both[1] - both[0])
    deff = np.where(np.isfinite(deff), deff, np.nan)
    row = _build_columns(totals, found, both, deff=deff, n_eff=n_eff)
    row |= {"variable": name, "flag": flag, "method": np.where(alone, "none", words)}
    return (row if answer is None else {**row, "answer": answer}), influence


def _build_columns(
    totals: Block, found: pd.DataFrame, ends: tuple[Floats, Floats], *, deff: Floats, n_eff: Floats
) -> dict[str, Any]:
    """Return the columns of the glossary, one value per domain or one for all."""
    se = np.sqrt(found["variance"].to_numpy())
    alone = np.isnan(se)
    same = ("value", "df", "numerator", "denominator")
    return {name: found[name].to_numpy() for name in same} | {
        "se": se,
        "low": ends[0],
        "high": ends[1],
        "deff": deff,
        "n": totals.people["n"].to_numpy(),
        "n_valid": found["people"].to_numpy().astype(int),
        "n_eff": np.where(alone, np.nan, n_eff),
        "method": np.where(alone, "none", "t"),
        "printed": [round_to_text(it) for it in found["value"].tolist()],
        "answer": "",
    }


def _join_rows(rows: Sequence[_Row], totals: Block, keys: Sequence[str]) -> Estimates:
    """Join rows of several figures, domain by domain."""
    if not rows:  # text of which no answer is known
        return Estimates(pd.DataFrame(columns=[*keys, "variable", "answer", *COLUMNS]))
    d = len(totals.keys)
    extra = ["answer"] if any(row["answer"] != "" for row, _ in rows) else []
    named = ["variable", *extra, *COLUMNS]
    made = {k: np.stack([np.broadcast_to(row[k], d) for row, _ in rows], 1).ravel() for k in named}
    domain = np.repeat(np.arange(d), len(rows))
    frame = totals.keys.iloc[domain].reset_index(drop=True).assign(**made)
    influence = sparse.csr_array(sparse.vstack([one for _, one in rows]))
    order = np.arange(len(frame)).reshape(len(rows), d).T.ravel()
    return Estimates(frame[[*keys, *named]], totals, influence[order])
