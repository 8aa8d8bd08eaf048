"""Count what of a wave is hidden, why, and what that costs: no number of a hidden figure (P4)."""

import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.figures.suppression import Suppression, mark_small
from sipas_analysis.infer.result_table import SUPPRESS

FEW_PEOPLE = 30  # 0 % or 100 % of fewer tells what almost each of them answered
COLUMNS = ["measure", "n", "percent"]


def count_disclosure(table: pd.DataFrame, suppression: Suppression, survey: Survey) -> pd.DataFrame:
    """Count the figures of a wave that are hidden, by cause, and those that disclose most.

    Figures of 0 % or 100 % on few people are counted and stay: hidden for their value, they would
    tell it.

    Args:
        table: The figures before suppression.
        suppression: What of them is published.
        survey: The forms.

    Returns:
        ``measure``, ``n`` and ``percent`` of all figures with answers: ``figures``; ``small``, of
        fewer than ``min_cell`` people; ``at_risk``, those of them that could be bounded if only
        they were hidden; ``sum`` and ``bound``, hidden with them; ``answers``, items whose
        answers by level, of the whole, are hidden; ``intervals``, figures whose interval is
        rounded; ``forms``, groups and units without number of forms; ``ends``, shown figures of
        0 % or 100 % on fewer than 30 people; ``lost``, hidden people times importance, in percent.

    Source: rules P2, P4 and P5 in docs/method.md.
    """
    cause, shown = suppression.cause, suppression.table
    is_answered = table["n_valid"] > 0
    n_figures = int(is_answered.sum())
    is_share = ~table["level"].eq("beside") | table["variable"].eq("comprehensive")
    is_end = shown["value"].isin([0.0, 100.0]) & (shown["n_valid"] < FEW_PEOPLE) & is_share
    is_domain = shown["level"].eq("overall") & shown["domain"].ne("all")
    counts = {
        "figures": n_figures,
        "small": cause.eq("small").sum(),
        "at_risk": _count_at_risk(table, survey),
        "sum": cause.eq("sum").sum(),
        "bound": cause.eq("bound").sum(),
        "answers": len(suppression.hidden_answers),
        "intervals": suppression.is_rounded.sum(),
        "forms": (is_domain & shown["n"].isna()).sum(),
        "ends": is_end.sum(),
    }
    of_figures = ("small", "at_risk", "sum", "bound", "intervals", "ends")
    rows: list[tuple[str, int | None, float | None]] = [
        (name, int(n), 100 * int(n) / n_figures if name in of_figures and n_figures else None)
        for name, n in counts.items()
    ]
    rows.append(("lost", None, _measure_loss(table, suppression)))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"n": "Int64", "percent": float})


def _count_at_risk(table: pd.DataFrame, survey: Survey) -> int:
    """Count the figures of too few people that are not safe if only these are hidden."""
    is_small = mark_small(table)
    if not is_small.any():
        return 0
    from sipas_analysis.figures.disclosure import Audit  # slow to import
    from sipas_analysis.figures.disclosure_cells import describe_cells

    return Audit(describe_cells(table, survey, by_level=False), is_small).count_unsafe(is_small)


def _measure_loss(table: pd.DataFrame, suppression: Suppression) -> float:
    """Return the hidden part of people times importance, in whole percent.

    With more digits the sum of hidden people would follow from that of the shown ones.
    """
    from sipas_analysis.figures.disclosure_cells import ANSWER_IMPORTANCE, IMPORTANCE

    cost = table["n_valid"] * table["level"].map(IMPORTANCE).fillna(1.0)
    is_hidden = suppression.table["flag"].eq(SUPPRESS)
    of_whole = (table["domain"] == "all") & table["level"].str.endswith("item")
    levels = ANSWER_IMPORTANCE * 5 * table["n_valid"].where(of_whole, 0)
    no_levels = is_hidden | table["variable"].isin(suppression.hidden_answers)
    total = cost.sum() + levels.sum()
    lost = cost[is_hidden].sum() + levels[no_levels].sum()
    return float(round(100 * lost / total)) if total else 0.0
