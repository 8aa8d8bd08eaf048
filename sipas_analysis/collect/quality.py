"""Look for forms that were perhaps not filled in by many people: findings, never accusations.

Each unit is held against the other units of the wave: how many forms give one answer to
everything in a unit of that mean (Q1), how many are satisfied with everything (Q5). Counts are
taken as beta-binomial, for units differ; p values are Holm-adjusted over units, so that a clean
wave shows a finding of one rule in at most 5 % of cases. One unit alone cannot be judged.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from sipas_analysis.collect.survey import Survey
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.estimates import adjust_p_values
from sipas_analysis.infer.intervals import exact_interval

ALARM = 0.05
RULES = {"straight": "Q1", "satisfied": "Q5", "identical": "Q5"}
FEWEST_UNITS = 4
SPREAD_MARGIN = 1.5  # between-unit spread is known from few units: allow for half as much again


@dataclass(frozen=True)
class Findings:
    """One row per rule and unit, worst first.

    Columns: ``rule``, ``fact`` (``straight``, ``satisfied``, ``identical``), ``unit``,
    ``unit_name``, ``n``, ``count`` (forms showing it), ``share_percent``, ``expected_percent`` (by
    the other units), ``low`` (lower end of the 95 % interval of the share of people satisfied with
    everything), ``longest_run`` (median number of equal answers in a row), ``p``, ``p_holm``,
    ``finding``.
    """

    frame: pd.DataFrame
    straight_percent: float

    def to_frame(self) -> pd.DataFrame:
        """Return the table as a pandas frame of one's own."""
        return self.frame.copy()

    def noticed(self) -> pd.DataFrame:
        """Return only what is unlikely to be chance."""
        return self.frame[self.frame["finding"]].reset_index(drop=True)

    def _repr_html_(self) -> str:
        return str(self.frame.round(3).to_html(index=False, border=0, na_rep="–"))

    def __str__(self) -> str:
        return self.frame.round(3).to_string(index=False)


def check(survey: Survey) -> Findings:
    """Compare each unit's forms with those of the other units.

    Q1: forms with one answer to all items, against what units of that mean show. Q5: units in
    which every answer is satisfied, or every form is the same, with their lower bound.

    Args:
        survey: Forms that passed the door.

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
    answered = survey.frame[[*pack.items]].notna().any(axis=1).to_numpy()
    frame = survey.frame[answered]
    answers = frame[[*pack.items]].to_numpy(dtype=float)
    full = (~np.isnan(answers)).sum(axis=1) * 2 >= answers.shape[1]
    straight = find_straight_lines(survey)[answered]
    content = full & (np.nanmin(answers, axis=1) >= pack.scale.satisfied_from)
    facts = pd.DataFrame(
        {
            "unit": frame["unit"],
            "n": 1,
            "straight": straight,
            "content": content,
            "mean": np.nanmean(answers, axis=1),
            "run": _longest_runs(answers),
        }
    )
    by_unit = facts.groupby("unit", sort=True)
    units = (
        by_unit[["n", "straight", "content"]]
        .sum()
        .assign(mean=by_unit["mean"].mean(), longest_run=by_unit["run"].median())
    )
    alike = frame.groupby(["unit", *pack.items], dropna=False).size().groupby(level=0).max()
    certain = units["content"] == units["n"]
    same = ~certain & (alike == units["n"]) & (units["n"] > 1)
    parts = [
        _finding("straight", units, units["straight"], units["mean"]),
        _finding("satisfied", units, units["content"], None)[certain.to_numpy()],
        _finding("identical", units, alike, None)[same.to_numpy()],
    ]
    table = pd.concat(parts, ignore_index=True)
    table.insert(3, "unit_name", table["unit"].map(survey.unit_names))
    ordered = table.sort_values(["p_holm", "rule", "unit"], na_position="last")
    straight_percent = float(100 * straight.mean()) if len(straight) else np.nan
    return Findings(ordered.reset_index(drop=True), straight_percent)


def find_straight_lines(survey: Survey) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return which forms give one answer to all items, half of them answered (rule Q1), (n,)."""
    answers = survey.frame[[*survey.instrument.items]]
    full = answers.notna().sum(axis=1) * 2 >= answers.shape[1]
    return np.asarray(full & (answers.min(axis=1) == answers.max(axis=1)))


def _finding(
    fact: str, units: pd.DataFrame, count: "pd.Series[int]", mean: "pd.Series[float] | None"
) -> pd.DataFrame:
    """Test one count per unit against the other units; Holm over units."""
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

    The expected share is logistic in the unit's ``mean`` (or constant), fitted without the unit;
    the count is beta-binomial with the spread that the other units show, times a margin:
    taken as it is, one honest wave in ten raised an alarm where units are few or reach from 75 to
    99.9 % (tests/recovery).

    Args:
        x: Forms showing the fact, shape (U,).
        n: Forms, shape (U,).
        mean: A covariate of the unit, or None.

    Returns:
        Expected share and upper-tail p, shape (U,); NaN with fewer than four units.
    """
    many = len(n)
    if many < FEWEST_UNITS:
        return np.full(many, np.nan), np.full(many, np.nan)
    others = 1.0 - np.eye(many)
    expected = _logistic_without(x, n, mean, others)
    spread = (x - n * expected) ** 2 / (n * expected * (1 - expected))
    lost = 1 if mean is None else 2
    df = max(many - 1 - lost, 1)
    shown = (others * spread).sum(axis=1) / df
    phi = SPREAD_MARGIN * (1 + 1 / df) * np.maximum(shown, 1.0)
    rho = np.clip((phi - 1) / np.maximum(n.mean() - 1, 1), 1e-6, 0.9)
    own = np.diag(expected)
    a, b = own * (1 / rho - 1), (1 - own) * (1 / rho - 1)
    return own, np.asarray(stats.betabinom.sf(x - 1, n, a, b))


def _logistic_without(x: Floats, n: Floats, mean: Floats | None, others: Floats) -> Floats:
    """Fit logit π = a + b·mean once without each unit; return all fitted shares, shape (U, U).

    Half a form is added to both answers of each unit, so that a fit always exists.
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


def _longest_runs(answers: Floats) -> Floats:
    """Return the longest run of equal answers of each form, shape (n,); a blank ends a run."""
    run = np.ones(len(answers))
    longest = run.copy()
    for before, here in zip(answers.T[:-1], answers.T[1:], strict=True):
        run = np.where(before == here, run + 1, 1.0)
        longest = np.maximum(longest, run)
    return longest
