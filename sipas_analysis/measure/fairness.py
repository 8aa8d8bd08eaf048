"""Rank units beside the published ranking: adjusted, partly pooled, and under other lawful rules.

None of these replaces the index. They show how much a rank depends on the clients of the unit and
on the rule. Do not base a decision on a rank that only one rule gives, or that changes after
adjustment.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.instrument.pack import Index, IndexRule, Instrument
from sipas_analysis.measure.adjustment import COMPOSITE, case_mix
from sipas_analysis.measure.pooling import small_area
from sipas_analysis.measure.ranking import Ranking
from sipas_analysis.measure.rules import has_score
from sipas_analysis.measure.scores import overall_by_rule

TOP_RANKS = 3  # P(rank ≤ 3) is printed


def adjust_and_pool(survey: Survey, ranking: Ranking) -> pd.DataFrame:
    """Put raw, adjusted and pooled indices of the ranked units side by side with their ranks.

    Args:
        survey: Validated forms.
        ranking: Its units, as ``rank`` returns them.

    Returns:
        One row per ranked unit in the order of ``ranking``: ``group``, ``unit``, ``value``,
        ``rank``; ``adjusted``, ``adjusted_rank`` (A1, mean of the satisfied items; missing if the
        wave names no ``adjusters``); ``pooled``, ``pooled_low``, ``pooled_high``, ``pooled_rank``,
        ``borrowed`` and ``chance`` = P(rank ≤ 3) (A2, R4).

    Raises:
        DesignError: An adjuster is invalid.

    Source: rules A1, A2 and R4 in docs/method.md.
    """
    tables = []
    for _, units in _keep_ranked(ranking).groupby("group", sort=False):
        direct = units[["group", "unit", "value", "rank"]].reset_index(drop=True)
        pooled = small_area(
            units["value"].to_numpy(),
            units["se"].to_numpy() ** 2,
            sizes=units["n_valid"].to_numpy(),
        )
        table = direct.assign(
            pooled=pooled.frame["value"],
            pooled_low=pooled.frame["low"],
            pooled_high=pooled.frame["high"],
            pooled_rank=pooled.frame["rank"],
            borrowed=pooled.frame["borrowed"],
            chance=pooled.rank_chance(TOP_RANKS, seed=survey.wave.seed),
        )
        adjusted = _adjust_units(survey, list(units["unit"]))
        tables.append(table.merge(adjusted, on="unit", how="left"))
    columns = ["group", "unit", "value", "rank", "adjusted", "adjusted_rank"]
    if not tables:
        return pd.DataFrame(columns=columns)
    table = pd.concat(tables, ignore_index=True)
    return table[[*columns, *table.columns.difference(columns, sort=False)]]


def _keep_ranked(ranking: Ranking) -> pd.DataFrame:
    return ranking.frame[ranking.frame["rank"].notna()]


def _adjust_units(survey: Survey, units: list[str]) -> pd.DataFrame:
    """Return the case-mix adjusted index of some units; missing without adjusters."""
    adjusters = [*survey.wave.adjusters]
    if not adjusters or len(units) < 2:
        return pd.DataFrame({"unit": units, "adjusted": np.nan, "adjusted_rank": pd.NA})
    pack, forms = survey.instrument, survey.frame[survey.frame["unit"].isin(units)]
    answers = forms[[*pack.items]]
    satisfied = (100.0 * (answers >= pack.satisfied_levels(pack.items))).where(answers.notna())
    items = [item for item in pack.items if satisfied[item].notna().any()]
    traits = {adjuster: forms[adjuster] for adjuster in adjusters}
    people = satisfied[items].assign(unit=forms["unit"], **traits)
    weights = "weight" if "weight" in forms else None
    if weights:
        people[weights] = forms[weights]
    adjusted = case_mix(people, unit="unit", items=items, adjusters=adjusters, weights=weights)
    composite = adjusted.frame[adjusted.frame["variable"] == COMPOSITE]
    columns = ["unit", "adjusted", "adjusted_rank"]
    return composite[["unit", "value", "rank"]].set_axis(columns, axis=1)


def rank_under_rules(survey: Survey, ranking: Ranking) -> pd.DataFrame:
    """Rank the units under every lawful rule.

    Rules: answers pooled, mean of items, mean of factors of either kind, factors by their number of
    items, the question on the whole if it was asked; and the first two on complete forms only.

    Returns:
        One row per ranked unit: ``group``, ``unit``, ``rank``, a column for each rule,
        ``rank_best``, ``rank_worst`` and ``share``: of the rules under which the unit has its
        published rank or a better one.

    Source: rule R5 in docs/method.md.
    """
    table = _keep_ranked(ranking)[["group", "unit", "rank"]].reset_index(drop=True)
    for rule, value in _values_by_rule(survey).items():
        units = value.reindex(table["unit"]).round(9).groupby(table["group"].to_numpy())
        ranks = units.rank(method="min", ascending=False)
        table[str(rule)] = ranks.astype("Int64").to_numpy()
    ranks_by_rule = table[table.columns[3:]].astype("Float64")
    at_least = ranks_by_rule.le(table["rank"].astype("Float64"), axis=0)
    return table.assign(
        rank_best=ranks_by_rule.min(axis=1),
        rank_worst=ranks_by_rule.max(axis=1),
        share=at_least.sum(axis=1) / ranks_by_rule.notna().sum(axis=1),
    )


def _values_by_rule(survey: Survey) -> pd.DataFrame:
    """Return the overall index of each unit under every rule that M2 and M3 allow.

    The forms are read twice: all of them, then the complete ones.
    """
    pack = survey.instrument
    pooled = _make_index(pack, "pooled", "pooled")
    indexes = {
        "pooled": pooled,
        "mean_of_items": _make_index(pack, "mean_of_items", "mean_of_items"),
    }
    on_complete = {"pooled_complete": pooled}
    if pack.has_factors:
        sizes = {factor: float(len(pack.items_of(factor))) for factor in pack.factors}
        mean_of_factors = _make_index(pack, "pooled", "mean_of_factors")
        indexes |= {
            "mean_of_factors": mean_of_factors,
            "mean_of_factor_items": _make_index(pack, "mean_of_items", "mean_of_factors"),
            "factors_by_size": _make_index(pack, "pooled", "weights", weights=sizes),
        }
        on_complete["mean_of_factors_complete"] = mean_of_factors
    overall = pack.overall_item.code if pack.overall_item else ""
    is_alike = overall and has_score(pack, overall, pack.index) == bool(pack.index.points)
    if is_alike and survey.frame[overall].notna().any():
        indexes["overall_item"] = _make_index(pack, "pooled", "overall_item")
    values = overall_by_rule(survey, indexes)
    is_complete = survey.frame[[*pack.items]].notna().all(axis=1)
    if not is_complete.any():
        return values
    complete_forms = replace(survey, frame=survey.frame[is_complete])
    return values.join(overall_by_rule(complete_forms, on_complete))


def _make_index(pack: Instrument, factor: str, whole: str, **settings: object) -> Index:
    """Return the index of a pack with other rules for the factors and for the whole."""
    rules = {
        "factor": IndexRule.model_validate({"rule": factor}),
        "overall": IndexRule.model_validate({"rule": whole, **settings}),
    }
    return pack.index.model_copy(update=rules)
