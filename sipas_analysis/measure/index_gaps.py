"""Compare units, groups, factors or items with the index of the whole, all at once (rule R7)."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy import sparse

from sipas_analysis.arguments import check_kind, check_level
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.distributions import normal_quantile, t_quantile
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.pooling import smooth_variances
from sipas_analysis.measure.ranking import covariance_with_ends
from sipas_analysis.measure.step_down import compare_pairs

Kind = Literal["units", "groups", "figures"]
GAP_COLUMNS = ["variable", "unit", "value", "low", "high", "verdict"]


def find_gaps(estimates: Estimates, level: float = 0.95, *, kind: Kind = "figures") -> pd.DataFrame:
    """Return the difference of each estimate from the last one; all intervals hold together.

    dᵢ = θ̂ᵢ − θ̂ of the last row, with the covariance of both; of p differences each interval has
    confidence 1 − (1 − level)/p, and what lies beyond 0 with its whole interval is sure. Near
    100 % an error is often too small by chance: no interval is narrower than with the error that
    the estimate would have if it were usual (``_find_usual_variance``). No end lies beyond what
    the last row lets be on a scale from 0 to 100.

    Args:
        estimates: p estimates and, last, the one they are compared with, with their covariance.
        level: Confidence of all intervals together.
        kind: ``units`` of the whole; ``groups`` of its people, each of which is open as long as
            its own interval contains the index; or ``figures`` of the same people.

    Returns:
        One row per estimate but the last: ``variable``, ``unit``, ``value`` (the difference),
        ``low``, ``high`` and ``verdict``: ``above``, ``below`` or ``open``. Where a difference
        has no error the ends are missing.

    Source: rule R7 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> from sipas_analysis.measure.scores import score
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> gaps = find_gaps(score(survey).select(variable=["A4", "overall"])).round(2)
        >>> print(*gaps.iloc[0, 2:])
        -4.69 -6.72 -2.66 below
    """
    check_kind(estimates, Estimates, "estimates", "estimates")
    check_level(level)
    frame = estimates.frame
    p = len(frame) - 1
    if p < 1:
        return pd.DataFrame(columns=GAP_COLUMNS)
    value, index = frame["value"].to_numpy(dtype=float)[:p], float(frame["value"].iloc[p])
    half = _find_reach(estimates, level, kind)
    low, high = value - index - half, value - index + half
    if kind == "groups":
        low = np.minimum(low, frame["low"].to_numpy(dtype=float)[:p] - index)
        high = np.maximum(high, frame["high"].to_numpy(dtype=float)[:p] - index)
    low, high = np.maximum(low, -index), np.minimum(high, 100 - index)
    verdict = np.select([low > 0, high < 0], ["above", "below"], "open")
    keys = {name: frame[name].iloc[:p] if name in frame else "" for name in GAP_COLUMNS[:2]}
    ends = {"value": value - index, "low": low, "high": high}
    return pd.DataFrame({**keys, **ends, "verdict": verdict}).reset_index(drop=True)


def _find_reach(estimates: Estimates, level: float, kind: Kind) -> Floats:
    """Return half the width of the interval of each difference, shape (p,)."""
    value, df = (estimates.frame[name].to_numpy(dtype=float) for name in ("value", "df"))
    p = len(value) - 1
    sigma = covariance_with_ends(estimates)
    pairs = compare_pairs(value, sigma, df)
    variance = np.diagonal(sigma)
    tail = np.full(p, (1 - level) / (2 * p))
    # one sample behind both: their degrees of freedom do not add up
    freedom = pairs.df[:p, p] if kind == "units" else np.fmin(df[:p], df[p])
    quantile = _find_quantile(tail, freedom)
    usual_freedom = {"units": np.full(p, np.inf), "groups": np.full(p, df[p])}.get(kind, freedom)
    with np.errstate(invalid="ignore", divide="ignore"):  # an estimate may have no error
        usual = _find_usual_variance(estimates.frame, variance, kind)
        ratio = np.sqrt(usual / variance[:p])
        # Cov of a usual group and the whole of which it is a part: n/N·S²/n = S²/N
        covariance = variance[p] if kind == "groups" else ratio * sigma[:p, p]
        usual += variance[p] - 2 * covariance
        usual_reach = _find_quantile(tail, usual_freedom) * np.sqrt(np.maximum(usual, 0.0))
    reach = quantile * pairs.se[:p, p]
    return np.where(ratio > 1, np.fmax(reach, usual_reach), reach)


def _find_quantile(tail: Floats, df: Floats) -> Floats:
    """Return the quantile of t, or of the normal distribution where df is infinite."""
    with np.errstate(invalid="ignore"):
        freedom = np.where(df > 0, df, np.nan)
        return np.asarray(
            np.where(np.isinf(freedom), -normal_quantile(tail), -t_quantile(tail, freedom))
        )


def _find_usual_variance(frame: pd.DataFrame, variance: Floats, kind: Kind) -> Floats:
    """Return the variance that each estimate but the last would have if it were usual.

    Units: S²/n with S² pooled within the units, as in A2. Groups: S²/n with S² = n·V of the whole.
    Figures: as a percentage at the index with the same design effect, V·θ(1 − θ)/(θᵢ(1 − θᵢ)), at
    0 and 100 % θ(1 − θ)/n*; scores as units.
    """
    p = len(frame) - 1
    n, n_eff = (frame[name].to_numpy(dtype=float) for name in ("n_valid", "n_eff"))
    share = frame["value"].to_numpy(dtype=float) / 100
    if kind == "groups":
        return np.asarray(variance[p] * n[p] / n[:p])
    if kind == "units" or (frame["method"] == "t").any():
        return smooth_variances(variance[:p], n[:p], np.full(p, True), has_sizes=True)
    spread = share * (1 - share)
    at_end = 1e4 * spread[p] / n_eff[:p]
    with np.errstate(invalid="ignore", divide="ignore"):
        within = variance[:p] * spread[p] / spread[:p]
    return np.asarray(np.where(spread[:p] > 0, within, at_end))


def find_all_gaps(
    units: Estimates,
    whole: Estimates,
    names: Sequence[str],
    kinds: Sequence[Sequence[str]],
    others: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the differences of units and of each kind of figures from the index of the whole.

    Args:
        units: Estimates of all units.
        whole: Estimates of all figures of the whole.
        names: Units to compare.
        kinds: Codes of figures to compare, those of one kind (factors, items) at once.
        others: Codes that stay open: of another scale, whose threshold is not that of the index.
    """
    index = whole.select(variable=OVERALL)
    gaps = [find_gaps(whole.select(variable=[*codes, OVERALL])) for codes in kinds if codes]
    if names:
        compared = units.select(variable=OVERALL, unit=names)
        gaps.insert(0, find_gaps(append_whole(compared, index), kind="units"))
    table = pd.concat([find_gaps(index), *gaps], ignore_index=True)
    table["verdict"] = table["verdict"].mask(table["variable"].isin(others), "open")
    return table


def append_whole(units: Estimates, whole: Estimates) -> Estimates:
    """Return estimates of units and, last, one of the whole survey, with their covariance.

    A total of the whole is the sum over all units: its slope is the same in each of them.

    Args:
        units: Estimates of the units of a survey.
        whole: One estimate of all its forms, of the same figures.
    """
    assert units.totals is not None
    assert units.influence is not None
    assert whole.influence is not None
    slope = whole.influence
    if units.totals.replicas is None:
        slope = sparse.kron(np.ones((1, len(units.totals.keys))), slope)
    influence = sparse.csr_array(sparse.vstack([units.influence, slope]))
    frame = pd.concat([units.frame, whole.frame], ignore_index=True)
    keys = [name for name in ("group", "unit", "unit_name") if name in frame]
    frame[keys] = frame[keys].fillna("")  # the whole is no unit
    return Estimates(frame, units.totals, influence, wording=whole.wording)
