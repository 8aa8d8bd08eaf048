"""Order items from the lowest, with the places that the sample does not rule out (rule R6)."""

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_kind, check_level
from sipas_analysis.infer.distributions import normal_quantile
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.measure.step_down import compare_pairs

PLACES = ["variable", "rank", "rank_low", "rank_high"]


def order_items(items: Estimates, level: float = 0.95) -> pd.DataFrame:
    """Order p items from the lowest; all their possible places hold together.

    Item i is surely lower than j if vᵢ < vⱼ and |vᵢ − vⱼ|/seᵢⱼ, as a z value, exceeds the quantile
    of Bonferroni for both directions of all p(p − 1)/2 pairs. ``rank_low`` = 1 + number of items
    surely lower, ``rank_high`` = p − number of items surely higher.

    Args:
        items: Estimates of the items of one domain, with their covariance.
        level: Confidence of all places together.

    Returns:
        ``variable``, ``rank`` (1 is the lowest; equal items keep their order), ``rank_low`` and
        ``rank_high``. An item without a value is left out; one without an error can be anywhere.

    Source: rule R6 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> from sipas_analysis.measure.scores import score
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> print(*order_items(score(survey).select(level="item")).iloc[0])
        A4 1 1 14
    """
    check_kind(items, Estimates, "estimates", "items")
    check_level(level)
    value, se, df = (items.frame[name].to_numpy(dtype=float) for name in ("value", "se", "df"))
    known = np.flatnonzero(~np.isnan(value))
    order = known[np.argsort(value[known], kind="stable")]
    p = len(order)
    if not p:
        return pd.DataFrame(columns=PLACES)
    sigma = items.covariance_matrix()[np.ix_(order, order)]
    value, se = value[order], se[order]
    pairs = compare_pairs(value, sigma, df[order] / 2)  # one sample: not df of both
    critical = float(normal_quantile(np.asarray(1 - (1 - level) / max(p * (p - 1), 1))))
    is_apart = (pairs.z > critical) & ~np.isnan(se[:, None] + se)
    is_lower = is_apart & (value[:, None] < value)
    places = (np.arange(1, p + 1), 1 + is_lower.sum(axis=0), p - is_lower.sum(axis=1))
    columns = dict(zip(PLACES[1:], places, strict=True))
    return pd.DataFrame({"variable": items.frame["variable"].to_numpy()[order], **columns})
