"""Put units in order, group by group, and say when an order may not be read.

A rank is the place of an unrounded value among the units of one group (R1). It carries no
error: until rank sets (R2) stand beside it, read the intervals, not the places.
"""

from sipas_analysis.errors import ColumnError
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.instrument.pack import OVERALL


def rank(scores: Estimates, min_forms: int = 30) -> Estimates:
    """Rank the units of each group by their overall index, 1 = best.

    Ties share the better rank (1, 2, 2, 4). A unit below ``min_forms`` or below the smallest
    publishable cell keeps its index and interval and gets no rank; ``reason`` says why.

    Args:
        scores: Estimates by unit, as ``score(survey, by="unit")`` returns them.
        min_forms: Fewest forms of a ranked unit (M7).

    Returns:
        The overall rows, best first within a group, with ``rank`` (missing if unranked) and
        ``reason`` (``""``, ``few_forms``, ``suppressed`` or ``no_error``).

    Source: rules R1, M7, V3 and P2 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> ranked = sipas.rank(sipas.score(survey, by="unit"), min_forms=20)
        >>> int(ranked.select(unit="so-ldtbxh").frame["rank"].item())
        2
    """
    if "unit" not in scores.frame:
        raise ColumnError("no_key", key="unit", known=", ".join(scores.frame.columns[:3]))
    found = scores.frame.query("level == @OVERALL", local_dict={"OVERALL": OVERALL}).copy()
    found["reason"] = ""
    found.loc[found["se"].isna(), "reason"] = "no_error"
    found.loc[found["n_valid"] < min_forms, "reason"] = "few_forms"
    found.loc[found["flag"] == "suppress", "reason"] = "suppressed"
    ranked = found[found["reason"] == ""]
    places = ranked["value"].round(9).groupby(ranked["group"]).rank(method="min", ascending=False)
    found["rank"] = places.astype("Int64").reindex(found.index)
    order = found.assign(none=found["rank"].isna(), down=-found["value"])
    best_first = order.sort_values(["group", "none", "down", "unit"]).index
    columns = [c for c in found.columns if c not in ("rank", "reason")]
    at = columns.index("value")
    kept = found.loc[best_first, [*columns[:at], "rank", *columns[at:], "reason"]]
    return Estimates(kept.reset_index(drop=True))
