"""Look for units whose forms may come from a few people only: findings, never accusations.

Each unit is compared with the other units of the wave: the forms with one answer to all items,
given the mean of the unit (Q1), and the forms satisfied with everything (Q5). Counts are modelled
as beta-binomial, because units differ. P values are Holm-adjusted over units, so that a correct
wave has a finding of one rule in at most 5 % of cases. A wave of one unit cannot be judged.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.collect.survey import Survey
from sipas_analysis.infer.design import Floats
from sipas_analysis.instrument.pack import Instrument

ALARM = 0.05
RULES = {"straight": "Q1", "satisfied": "Q5", "identical": "Q5"}
FLAGGING_RULES = ("Q1", "Q2", "Q5")  # a unit with such a finding needs a second look before a rank
FEWEST_UNITS = 4
DISPERSION_MARGIN = 1.5  # few units estimate their dispersion badly, so half is added


@dataclass(frozen=True)
class Findings:
    """One row per rule and unit, worst first.

    Columns: ``rule``, ``fact`` (``straight``, ``satisfied``, ``identical``), ``unit``,
    ``unit_name``, ``n``, ``count`` (forms with the fact), ``share_percent``,
    ``expected_percent`` (by the other units), ``low`` (lower end of the 95 % interval of the share
    of people satisfied with everything), ``longest_run`` (median number of equal answers in a
    row), ``p``, ``p_holm``, ``finding``.
    """

    frame: pd.DataFrame
    straight_percent: float

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table as a pandas frame."""
        return self.frame.copy()

    def noticed(self) -> pd.DataFrame:
        """Return the rows that are unlikely to be chance."""
        return self.frame[self.frame["finding"]].reset_index(drop=True)

    @property
    def flagged_units(self) -> set[str]:
        """Codes of the units with a finding of rule Q1, Q2 or Q5."""
        noticed = self.noticed()
        return set(noticed.loc[noticed["rule"].isin(FLAGGING_RULES), "unit"])

    def _repr_html_(self) -> str:
        return str(self.frame.round(3).to_html(index=False, border=0, na_rep="–"))

    def __str__(self) -> str:
        return self.frame.round(3).to_string(index=False)


def check(survey: Survey) -> Findings:
    """Compare each unit's forms with those of the other units.

    Q1: forms with one answer to all items, compared with units of the same mean. Q5: units in
    which every answer is satisfied, or every form is the same, with their lower bound.

    Args:
        survey: The validated forms of a wave.

    Returns:
        Findings, smallest adjusted p first; p is NaN with fewer than four units.

    Source: rules Q1 and Q5 in docs/method.md; Holm (1979), doi:10.2307/4615733.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> sipas.check(survey).noticed()["unit"].tolist()
        ['tp-long-xuyen']
    """
    pack = survey.instrument
    answered = read_ticks(survey.frame, pack).notna().any(axis=1).to_numpy()
    forms = survey.frame[answered]
    is_straight = find_straight_lines(survey)[answered]
    units = _count_by_unit(forms, is_straight, pack)
    identical = forms.groupby(["unit", *pack.items], dropna=False).size().groupby(level=0).max()
    all_satisfied = units["content"] == units["n"]
    all_identical = ~all_satisfied & (identical == units["n"]) & (units["n"] > 1)
    parts = [
        _judge_counts("straight", units, units["straight"], units["mean"]),
        _judge_counts("satisfied", units, units["content"], None)[all_satisfied.to_numpy()],
        _judge_counts("identical", units, identical, None)[all_identical.to_numpy()],
    ]
    table = pd.concat(parts, ignore_index=True)
    table.insert(3, "unit_name", table["unit"].map(survey.unit_names))
    ordered = table.sort_values(["p_holm", "rule", "unit"], na_position="last")
    straight_percent = float(100 * is_straight.mean()) if len(is_straight) else np.nan
    return Findings(ordered.reset_index(drop=True), straight_percent)


def flagged_units(survey: Survey) -> set[str]:
    """Return the units whose forms need a second look before the unit is ranked (Q1, Q2, Q5)."""
    return check(survey).flagged_units


def _count_by_unit(
    forms: pd.DataFrame, is_straight: NDArray[np.bool_], pack: Instrument
) -> pd.DataFrame:
    """Return, per unit: forms, straight ones, satisfied ones, mean answer, median longest run."""
    answers = read_ticks(forms, pack).to_numpy(dtype=float)
    half_answered = (~np.isnan(answers)).sum(axis=1) * 2 >= answers.shape[1]
    levels = forms[[*pack.items]]
    content = (levels.isna() | (levels >= pack.satisfied_levels(levels))).all(axis=1)
    facts = pd.DataFrame(
        {
            "unit": forms["unit"],
            "n": 1,
            "straight": is_straight,
            "content": half_answered & content.to_numpy(),
            "mean": np.nanmean(answers, axis=1),
            "run": _find_longest_runs(answers),
        }
    )
    by_unit = facts.groupby("unit", sort=True)
    counts = by_unit[["n", "straight", "content"]].sum()
    return counts.assign(mean=by_unit["mean"].mean(), longest_run=by_unit["run"].median())


def read_ticks(forms: pd.DataFrame, pack: Instrument) -> pd.DataFrame:
    """Return the answers to the items as they stood on the form, (n, k).

    Reversed items are turned back. Of several scales only the items of the commonest are kept, so
    that equal numbers are equal ticks.
    """
    levels = [pack.scale_of(code).levels for code in pack.items]
    commonest = max(levels, key=levels.count)
    codes = [code for code in pack.items if pack.scale_of(code).levels == commonest]
    reversed_codes = [code for code in codes if pack.items[code].reverse]
    ticks = forms[codes].copy()
    ticks[reversed_codes] = commonest[0] + commonest[-1] - ticks[reversed_codes]
    return ticks


def find_straight_lines(survey: Survey) -> NDArray[np.bool_]:
    """Return which forms give one answer to all items, half of them answered (rule Q1), (n,)."""
    answers = read_ticks(survey.frame, survey.instrument)
    half_answered = answers.notna().sum(axis=1) * 2 >= answers.shape[1]
    return np.asarray(half_answered & (answers.min(axis=1) == answers.max(axis=1)))


def _judge_counts(
    fact: str, units: pd.DataFrame, count: "pd.Series[int]", mean: "pd.Series[float] | None"
) -> pd.DataFrame:
    """Test one count per unit against the other units, with Holm's adjustment over units."""
    # scipy.stats is slow to import, and a refused survey does not need the module.
    from sipas_analysis.infer.estimates import adjust_p_values
    from sipas_analysis.infer.intervals import exact_interval

    n, x = np.asarray(units["n"], np.float64), np.asarray(count, np.float64)
    expected, p = compare_counts(x, n, None if mean is None else np.asarray(mean, np.float64))
    low, _ = exact_interval(x, n)
    adjusted = adjust_p_values(p)
    return pd.DataFrame(
        {
            "rule": RULES[fact],
            "fact": fact,
            "unit": units.index,
            "n": units["n"].to_numpy(),
            "count": x.astype(int),
            "share_percent": 100 * x / n,
            "expected_percent": 100 * expected,
            "low": 100 * low if fact == "satisfied" else np.nan,
            "longest_run": units["longest_run"].to_numpy(),
            "p": p,
            "p_holm": adjusted,
            "finding": adjusted < ALARM,
        }
    )


def compare_counts(x: Floats, n: Floats, mean: Floats | None = None) -> tuple[Floats, Floats]:
    """Return, for each unit, the share expected by the other units and P(count ≥ x).

    The expected share is logistic in the unit's ``mean`` (or constant), fitted without the unit.
    The count is beta-binomial with the dispersion of the other units, times a margin. Without the
    margin, one correct wave in ten had a finding where units are few or range from 75 to 99.9 %
    (tests/recovery).

    Args:
        x: Forms showing the fact, shape (U,).
        n: Forms, shape (U,).
        mean: A covariate of the unit, or None.

    Returns:
        Expected share and upper-tail p, shape (U,); NaN with fewer than four units.
    """
    from scipy import stats  # slow to import; a refused survey does not need the module

    n_units = len(n)
    if n_units < FEWEST_UNITS:
        return np.full(n_units, np.nan), np.full(n_units, np.nan)
    others = 1.0 - np.eye(n_units)
    fitted = _fit_without_each(x, n, mean, others)
    squared_errors = (x - n * fitted) ** 2 / (n * fitted * (1 - fitted))
    n_parameters = 1 if mean is None else 2
    df = max(n_units - 1 - n_parameters, 1)
    dispersion = (others * squared_errors).sum(axis=1) / df
    phi = DISPERSION_MARGIN * (1 + 1 / df) * np.maximum(dispersion, 1.0)
    rho = np.clip((phi - 1) / np.maximum(n.mean() - 1, 1), 1e-6, 0.9)
    expected = np.diag(fitted)
    a, b = expected * (1 / rho - 1), (1 - expected) * (1 / rho - 1)
    return expected, np.asarray(stats.betabinom.sf(x - 1, n, a, b))


def _fit_without_each(x: Floats, n: Floats, mean: Floats | None, others: Floats) -> Floats:
    """Fit logit π = a + b·mean once without each unit; return all fitted shares, shape (U, U).

    Row u is fitted without unit u. Half a form is added to both answers of each unit, so that a
    fit always exists.
    """
    share, weight = (x + 0.5) / (n + 1), others * (n + 1)
    if mean is None:
        constant = (weight * share).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
        return np.broadcast_to(constant, others.shape).copy()
    centred = (mean - mean.mean()) / (mean.std() or 1.0)
    basis = np.column_stack([np.ones_like(centred), centred])
    start = np.log(share.mean() / (1 - share.mean()))
    beta = np.tile([start, 0.0], (len(x), 1))
    for _ in range(25):
        fitted = 1 / (1 + np.exp(-np.clip(beta @ basis.T, -12, 12)))
        work = weight * fitted * (1 - fitted)
        hessian = np.einsum("ui,ip,iq->upq", work, basis, basis) + 1e-9 * np.eye(2)
        score = (weight * (share - fitted)) @ basis
        beta = beta + np.clip(np.linalg.solve(hessian, score[:, :, None])[:, :, 0], -2, 2)
    return np.asarray(1 / (1 + np.exp(-np.clip(beta @ basis.T, -12, 12))))


def _find_longest_runs(answers: Floats) -> Floats:
    """Return the longest run of equal answers of each form, shape (n,); a blank ends a run."""
    run = np.ones(len(answers))
    longest = run.copy()
    for previous, current in zip(answers.T[:-1], answers.T[1:], strict=True):
        run = np.where(previous == current, run + 1, 1.0)
        longest = np.maximum(longest, run)
    return longest
