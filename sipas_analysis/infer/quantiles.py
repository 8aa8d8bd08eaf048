"""Quantiles and medians of any sample, by domain, with Woodruff's interval (rule I4).

A quantile has no smooth influence, so its error comes from the share of people at or below the
quantile: the ends of the interval of that share are turned back into quantiles. The share has the
error of the design, of its replicate weights and of its calibration.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sipas_analysis.arguments import check_level, check_word, list_names
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Design, Floats, Ints, Sampled, take_design
from sipas_analysis.infer.distributions import t_quantile
from sipas_analysis.infer.domains import number_domains
from sipas_analysis.infer.estimate_tables import Names
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.infer.intervals import NAMES_IN_R, exact_interval, transformed_interval
from sipas_analysis.infer.means import mean
from sipas_analysis.infer.replicates import weigh_forms
from sipas_analysis.infer.sample_facts import check_numbers, read_facts
from sipas_analysis.rounding import round_to_text

Method = Literal["mean", "xlogit", "beta", "asin", "quantile"]
Rule = Literal[
    "math", "school", "hf1", "hf2", "hf3", "hf4", "hf5", "hf6", "hf7", "hf8", "hf9", "shahvaish"
]
DOMAIN, SHARE = "\0domain", "\0share"  # names that no column of a frame has
# Where along the steps of the cumulated weights S a value stands (Hyndman and Fan, weighted):
# (S − a·w) / (S_n + b·w_n) for each rule that interpolates between all values.
PLACES = {"hf5": (1 / 2, 0.0), "hf6": (0.0, 1.0), "hf8": (1 / 3, 1 / 3), "hf9": (3 / 8, 1 / 4)}


def quantile(
    design: Design | Sampled,
    variables: Names,
    q: float | Sequence[float] = 0.5,
    by: Names = (),
    *,
    level: float = 0.95,
    method: Method = "mean",
    qrule: Rule = "math",
) -> Estimates:
    """Estimate quantiles of each variable in each domain; the median by default.

    The quantile is the least value with at least the share q of the weights at or below it
    (``math``). Interval (Woodruff): p̂ = Σ w·1(y ≤ quantile) / Σ w with its interval in the design,
    both ends turned back into quantiles; se = width / (2·t_df). An end beyond the least or largest
    share is NaN, and so is the error then.

    Args:
        design: The sample.
        variables: Numeric columns, such as days of waiting. Blanks are left out per variable.
        q: One share or several, 0 to 1; 0.5 is the median.
        by: Key columns of the domains; none for the whole.
        level: Confidence of the interval.
        method: Interval of the share: ``mean`` (share ± t·se), ``xlogit`` (on the log odds),
            ``beta`` (Korn–Graubard) or ``asin``; names as in R (``interval.type``). With replicate
            weights also ``quantile``: quantile ± t·se, se from the quantile of each replicate
            (not valid for the jackknife).
        qrule: Rule between two values, as in R: ``math`` (the lower), ``school`` (their middle),
            ``hf1`` to ``hf9`` (Hyndman and Fan; ``hf7`` is NumPy's), ``shahvaish``.

    Returns:
        One row per domain, variable and q: keys, ``variable``, ``quantile`` (q) and the glossary's
        columns, in the variable's unit. NaN where nobody answered; no interval where the share
        has no error (V3).

    Raises:
        DesignError: A column is missing or holds text, a q is not 0 to 1, the forms are in files;
            ``quantile`` without replicates.
        ParameterError: An argument is of a wrong kind; unknown method or rule.

    Source: rule I4 in docs/method.md; Woodruff (1952), doi:10.1080/01621459.1952.10483443; equal to
    R ``svyquantile``.

    Example:
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"days": [1.0, 2, 4, 5, 9, 30], "town": list("aaabbb")})
        >>> sipas.quantile(sipas.Design(frame), "days", by="town").frame["value"].tolist()
        [2.0, 9.0]
    """
    design, names, keys = take_design(design), list_names(variables), list_names(by, "by")
    check_word(method, get_args(Method), "method")
    check_word(qrule, get_args(Rule), "qrule")
    check_level(level)
    shares = _check_shares(q)
    if design.on_files or not names:
        raise DesignError("quantile_files" if names else "no_variable")
    facts = read_facts(design, [*names, *keys])
    for name in names:
        check_numbers(name, facts.variables[name], facts.n, text="quantile_text")
    samples = _Samples(design, keys, {name: design.frame[name] for name in names})
    pairs = [(name, share) for name in names for share in shares]
    values = [samples.find_quantiles(name, share, qrule) for name, share in pairs]
    below = {
        f"{SHARE}{at}": samples.mark_below(name, value)
        for at, ((name, _), value) in enumerate(zip(pairs, values, strict=True))
    }
    at_most = mean(design.assign(**below), [*below], keys, level)
    frame = at_most.frame
    quantiles = np.stack(values, axis=1)
    if method == "quantile":
        se = _spread_replicates(design, samples, pairs, quantiles, qrule).ravel()
        df = frame["df"].to_numpy(dtype=float)
        half = t_quantile((1 + level) / 2, df) * se
        ends = np.stack([quantiles.ravel() - half, quantiles.ravel() + half], axis=1)
    else:
        ends = _turn_back(frame, samples, pairs, (method, qrule, level))
    return _build_table(at_most, pairs, quantiles, ends, (method, level))


def _check_shares(q: float | Sequence[float]) -> list[float]:
    """Return the shares of the quantiles; refuse what is not 0 to 1."""
    try:
        shares = np.atleast_1d(np.asarray(q, dtype=float)).ravel()
    except (TypeError, ValueError) as why:
        raise DesignError("quantile_share", found=str(q)) from why
    wrong = shares[~((shares >= 0) & (shares <= 1))]
    if wrong.size or not shares.size:
        raise DesignError("quantile_share", found=f"{wrong[0]:g}" if wrong.size else str(q))
    return [float(share) for share in dict.fromkeys(shares)]


class _Samples:
    """The values of each variable in each domain, sorted, with their weights."""

    def __init__(
        self, design: Design, keys: Sequence[str], columns: "dict[str, pd.Series[float]]"
    ) -> None:
        """Number the domains and read the variables as numbers."""
        weight = design.weight
        self.domain, table = number_domains(design.frame, design.domain, keys)
        self.size = len(table)
        self.numbers: dict[str, Floats] = {
            name: np.asarray(column.to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)
            for name, column in columns.items()
        }
        self.sorted: dict[tuple[str, int], tuple[Floats, Floats]] = {}
        self.rows: dict[tuple[str, int], Ints] = {}
        for name, number in self.numbers.items():
            order = np.lexsort((number, self.domain))
            order = order[(self.domain[order] >= 0) & ~np.isnan(number[order])]
            starts = np.searchsorted(self.domain[order], np.arange(1, self.size))
            for domain, rows in enumerate(np.split(order, starts)):
                self.rows[name, domain] = rows
                counted = rows[weight[rows] > 0]
                self.sorted[name, domain] = number[counted], weight[counted]

    def find_quantiles(self, name: str, share: float, rule: str) -> Floats:
        """Return the quantile of a variable in each domain, shape (D,)."""
        rows = [self.sorted[name, domain] for domain in range(self.size)]
        return np.array([find_quantile(x, weight, share, rule) for x, weight in rows])

    def mark_below(self, name: str, value: Floats) -> Floats:
        """Return 1 for a form at or below the quantile of its domain, else 0; NaN if blank."""
        number, limit = self.numbers[name], np.append(value, np.nan)[self.domain]
        return np.where(np.isnan(number) | np.isnan(limit), np.nan, number <= limit)


def _turn_back(
    frame: pd.DataFrame,
    samples: _Samples,
    pairs: Sequence[tuple[str, float]],
    how: tuple[Method, Rule, float],
) -> Floats:
    """Return the ends of Woodruff's intervals: quantiles at the ends of the intervals of shares.

    Args:
        frame: Shares at or below each quantile, domain by domain.
        samples: Values and weights of each domain.
        pairs: Variable and share of each quantile.
        how: Interval of the share, rule of the quantile, level.

    Returns:
        Shape (D · number of pairs, 2).
    """
    method, rule, level = how
    low, high = _find_share_ends(frame, method, level)
    ends = np.full((len(frame), 2), np.nan)
    for row, share_ends in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        domain, pair = divmod(row, len(pairs))
        rows = samples.sorted[pairs[pair][0], domain]
        inside = [share if 0 <= share <= 1 else np.nan for share in share_ends]
        ends[row] = [find_quantile(*rows, share, rule) for share in inside]
    return ends


def _spread_replicates(
    design: Design,
    samples: _Samples,
    pairs: Sequence[tuple[str, float]],
    quantiles: Floats,
    rule: Rule,
) -> Floats:
    """Return the error of each quantile from those of the replicates, shape of ``quantiles``."""
    if design.declared_replicates is None:
        raise DesignError("quantile_replicates")
    forms = weigh_forms(design)
    errors = np.full_like(quantiles, np.nan)
    for domain, pair in np.ndindex(*quantiles.shape):
        name, share = pairs[pair]
        rows = samples.rows[name, domain]
        x, weights = samples.numbers[name][rows], forms.weights[rows]
        replicas = [
            find_quantile(x[weight > 0], weight[weight > 0], share, rule) for weight in weights.T
        ]
        covariance = forms.covariance(np.array(replicas)[:, None], quantiles[domain, [pair]])
        errors[domain, pair] = np.sqrt(covariance.item())
    return errors


def _build_table(
    at_most: Estimates,
    pairs: Sequence[tuple[str, float]],
    quantiles: Floats,
    ends: Floats,
    how: tuple[Method, float],
) -> Estimates:
    """Turn the table of shares at or below each quantile into the table of quantiles."""
    method, level = how
    width = 2 * t_quantile((1 + level) / 2, at_most.frame["df"].to_numpy(dtype=float))
    name = "replicates" if method == "quantile" else f"woodruff-{method}"
    columns: dict[str, ArrayLike] = {
        "variable": [name for name, _ in pairs] * len(quantiles),
        "quantile": [share for _, share in pairs] * len(quantiles),
        "value": quantiles.ravel(),
        "se": (ends[:, 1] - ends[:, 0]) / width,
        "low": ends[:, 0],
        "high": ends[:, 1],
        "numerator": np.nan,
        "denominator": np.nan,
        "deff": np.nan,
        "n_eff": np.nan,
        "method": np.where(np.isnan(width), "none", name),
        "printed": [round_to_text(value) for value in quantiles.ravel().tolist()],
    }
    made = pd.DataFrame(columns)
    table = at_most.frame.assign(**{name: made[name] for name in columns})
    names = [column for column in table if column != "quantile"]
    names.insert(names.index("variable") + 1, "quantile")
    return Estimates(table[names], at_most.totals)


def _find_share_ends(frame: pd.DataFrame, method: Method, level: float) -> tuple[Floats, Floats]:
    """Return the ends of the interval of each share; NaN where the method has none."""
    share, se, df, n = (
        frame[name].to_numpy(dtype=float) for name in ("value", "se", "df", "n_valid")
    )
    t = t_quantile((1 + level) / 2, df)
    with np.errstate(invalid="ignore", divide="ignore"):
        if method == "beta":
            tail = (1 - level) / 2
            wide = (t_quantile(tail, n - 1) / t_quantile(tail, df)) ** 2
            n_eff = share * (1 - share) / se**2 * wide
            return exact_interval(n_eff * share, n_eff, level)
    return transformed_interval(NAMES_IN_R.get(method, method), share, se, t)


def find_quantile(x: Floats, weight: Floats, share: float, rule: str = "math") -> float:
    """Return the quantile of sorted values with weights above 0 by one of R's rules; NaN if none.

    Sums run in extended precision as in R, so that ties between weights fall the same way.

    Example:
        >>> find_quantile(np.array([1.0, 2.0, 3.0, 4.0]), np.ones(4), 0.5, "school")
        2.5
    """
    if len(x) < 2 or np.isnan(share):
        return float(x[0]) if len(x) and not np.isnan(share) else np.nan
    if rule == "hf3":
        x, first = np.unique(x, return_index=True)
        weight = np.add.reduceat(weight, first)
    total = np.cumsum(weight, dtype=np.longdouble).astype(np.float64)
    if rule in ("math", "school", "hf1", "hf2", "hf3", "hf4"):
        return _find_step(x, total, share, rule)
    if rule == "shahvaish":
        place = (np.cumsum(weight / weight.mean()) + 0.5 - weight / 2) / (len(x) + 1)
        order = np.argsort(place, kind="stable")
        at = max(int(np.searchsorted(place[order], share, side="right")) - 1, 0)
        return float(x[order[at]])
    if rule == "hf7":
        place = np.append(0.0, total[:-1]) / total[-2]
    else:
        back, more = PLACES[rule]
        place = (total - back * weight) / (total[-1] + more * weight[-1])
    return float(np.interp(share, place, x))


def _find_step(x: Floats, total: Floats, share: float, rule: str) -> float:
    """Return the quantile at a step of the cumulated weights, as R's ``qs`` finds the step.

    Below the share of the least value R takes the second value; so does this.
    """
    whole = total[-1]
    low = max(int(np.searchsorted(total, share * whole, side="right")) - 1, 0)
    high = min(low + 1, len(x) - 1)
    past, rest = share - total[low] / whole, total[high] / whole - share
    if rule == "hf4":
        return float(x[low] + (x[high] - x[low]) * past / (past + rest) if high > low else x[low])
    if past != 0 or (rule == "hf3" and low % 2 == 0):
        return float(x[high])
    return float((x[low] + x[high]) / 2 if rule in ("school", "hf2") else x[low])
