"""Compare units, factors or items with the index of the whole, all at once (rule R7)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import sparse

from sipas_analysis.arguments import check_kind, check_level
from sipas_analysis.infer.distributions import normal_quantile, normal_tail, t_quantile
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.pooling import smooth_variances
from sipas_analysis.measure.ranking import covariance_with_ends
from sipas_analysis.measure.step_down import compare_pairs

GAP_COLUMNS = ["variable", "unit", "value", "low", "high", "verdict"]


def find_gaps(
    estimates: Estimates, level: float = 0.95, *, are_units: bool = False
) -> pd.DataFrame:
    """Return the difference of each estimate from the last one; all intervals hold together.

    dᵢ = θ̂ᵢ − θ̂ of the last row, with the covariance of both; of p differences each interval has
    confidence 1 − (1 − level)/p, and what lies beyond 0 with its whole interval is sure. A small
    unit near 100 % often has too small an error by chance: a unit's interval is at least as wide
    as with the error √(S²/nᵢ) of a usual unit of its size (S² as in A2) and a normal quantile.

    Args:
        estimates: p estimates and, last, the one they are compared with, with their covariance.
        level: Confidence of all intervals together.
        are_units: Whether they are units of the whole, not figures of the same people.

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
    value, df = (frame[name].to_numpy(dtype=float) for name in ("value", "df"))
    sigma = covariance_with_ends(estimates)
    pairs = compare_pairs(value, sigma, df)
    gap, freedom = value[:p] - value[p], pairs.df[:p, p]
    bar = normal_quantile(np.full(p, 1 - (1 - level) / (2 * p)))
    with np.errstate(invalid="ignore"):
        freedom = np.where(freedom > 0, freedom, np.nan)
        errors = np.where(np.isinf(freedom), bar, -t_quantile(normal_tail(bar), freedom))
    if are_units:
        variance, n = np.diagonal(sigma)[:p], frame["n_valid"].to_numpy(dtype=float)[:p]
        usual = smooth_variances(variance, n, np.full(p, True), has_sizes=True)
        with np.errstate(divide="ignore", invalid="ignore"):  # a unit may have no error
            errors = np.fmax(errors, bar * np.sqrt(usual / variance))
    with np.errstate(invalid="ignore"):
        half = errors * pairs.se[:p, p]
    low, high = gap - half, gap + half
    verdict = np.select([low > 0, high < 0], ["above", "below"], "open")
    keys = {name: frame[name].iloc[:p] if name in frame else "" for name in GAP_COLUMNS[:2]}
    rows = pd.DataFrame({**keys, "value": gap, "low": low, "high": high, "verdict": verdict})
    return rows.reset_index(drop=True)


def find_all_gaps(
    units: Estimates, whole: Estimates, names: Sequence[str], kinds: Sequence[Sequence[str]]
) -> pd.DataFrame:
    """Return the differences of units and of each kind of figures from the index of the whole.

    Args:
        units: Estimates of all units.
        whole: Estimates of all figures of the whole.
        names: Units to compare.
        kinds: Codes of figures to compare, those of one kind (factors, items) at once.
    """
    index = whole.select(variable=OVERALL)
    gaps = [find_gaps(whole.select(variable=[*codes, OVERALL])) for codes in kinds if codes]
    if names:
        compared = units.select(variable=OVERALL, unit=names)
        gaps.insert(0, find_gaps(append_whole(compared, index), are_units=True))
    return pd.concat([find_gaps(index), *gaps], ignore_index=True)


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
    return Estimates(frame, units.totals, influence)
