"""Beside the published ranking: with like clients, with borrowed strength, by other lawful rules.

None of these replaces the index. They show how much of a place is the unit's own: a place that
only one rule gives, or that goes when clients are alike, should not decide anything.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.instrument.pack import OVERALL, Index, IndexRule
from sipas_analysis.measure.adjustment import COMPOSITE, case_mix
from sipas_analysis.measure.pooling import small_area
from sipas_analysis.measure.ranking import Ranking
from sipas_analysis.measure.scores import score

FIRST = 3  # P(rank ≤ 3) is printed


def fair(survey: Survey, ranking: Ranking) -> pd.DataFrame:
    """Put raw, adjusted and pooled indices of the ranked units side by side with their ranks.

    Args:
        survey: Forms that passed the door.
        ranking: Its units, as ``rank`` returns them.

    Returns:
        One row per ranked unit in the order of ``ranking``: ``group``, ``unit``, ``value``,
        ``rank``; ``adjusted``, ``adjusted_rank`` (A1, mean of the satisfied items; missing if the
        wave names no ``adjusters``); ``pooled``, ``pooled_low``, ``pooled_high``, ``pooled_rank``,
        ``borrowed`` and ``chance`` = P(rank ≤ 3) (A2, R4).

    Raises:
        DesignError: An adjuster cannot adjust.

    Source: rules A1, A2 and R4 in docs/method.md.
    """
    parts = []
    for _, own in _ranked(ranking).groupby("group", sort=False):
        found = own[["group", "unit", "value", "rank"]].reset_index(drop=True)
        pooled = small_area(
            own["value"].to_numpy(), own["se"].to_numpy() ** 2, sizes=own["n_valid"].to_numpy()
        )
        table = pooled.frame
        found = found.assign(
            pooled=table["value"],
            pooled_low=table["low"],
            pooled_high=table["high"],
            pooled_rank=table["rank"],
            borrowed=table["borrowed"],
            chance=pooled.rank_chance(FIRST, seed=survey.wave.seed),
        )
        parts.append(found.merge(_adjusted(survey, list(own["unit"])), on="unit", how="left"))
    columns = ["group", "unit", "value", "rank", "adjusted", "adjusted_rank"]
    if not parts:
        return pd.DataFrame(columns=columns)
    table = pd.concat(parts, ignore_index=True)
    return table[[*columns, *table.columns.difference(columns, sort=False)]]


def _ranked(ranking: Ranking) -> pd.DataFrame:
    return ranking.frame[ranking.frame["rank"].notna()]


def _adjusted(survey: Survey, units: list[str]) -> pd.DataFrame:
    """Return the case-mix adjusted index of some units; missing without adjusters."""
    wanted = [*survey.wave.adjusters]
    if not wanted or len(units) < 2:
        return pd.DataFrame({"unit": units, "adjusted": np.nan, "adjusted_rank": pd.NA})
    pack, forms = survey.instrument, survey.frame[survey.frame["unit"].isin(units)]
    answers = forms[[*pack.items]]
    agreed = (100.0 * (answers >= pack.scale.satisfied_from)).where(answers.notna())
    asked = [name for name in pack.items if agreed[name].notna().any()]
    people = agreed[asked].assign(unit=forms["unit"], **{key: forms[key] for key in wanted})
    if "weight" in forms:
        people["weight"] = forms["weight"]
    weights = "weight" if "weight" in forms else None
    found = case_mix(people, unit="unit", items=asked, adjusters=wanted, weights=weights).frame
    own = found[found["variable"] == COMPOSITE]
    return own[["unit", "value", "rank"]].set_axis(["unit", "adjusted", "adjusted_rank"], axis=1)


def robust(survey: Survey, ranking: Ranking) -> pd.DataFrame:
    """Rank the units under every lawful rule.

    Rules: answers pooled, mean of items, mean of factors of either kind, factors by their number of
    items, the question on the whole if it was asked; and the first two on complete forms only.

    Returns:
        One row per ranked unit: ``group``, ``unit``, ``rank``, a column for each rule,
        ``rank_best``, ``rank_worst`` and ``share``: of the rules under which the unit stands at its
        published rank or better.

    Source: rule R5 in docs/method.md.
    """
    own = _ranked(ranking)[["group", "unit", "rank"]].reset_index(drop=True)
    for name, one, index in _lawful(survey):
        frame = score(one, "unit", index).select(level=OVERALL).frame
        value = frame.set_index("unit")["value"].reindex(own["unit"]).round(9)
        places = value.groupby(own["group"].to_numpy()).rank(method="min", ascending=False)
        own[name] = places.astype("Int64").to_numpy()
    rules = own.columns[3:]
    known = own[rules].astype("Float64")
    at_least = known.le(own["rank"].astype("Float64"), axis=0)
    return own.assign(
        rank_best=known.min(axis=1),
        rank_worst=known.max(axis=1),
        share=at_least.sum(axis=1) / known.notna().sum(axis=1),
    )


def _lawful(survey: Survey) -> Iterator[tuple[str, Survey, Index]]:
    """Yield name, forms and index of every rule that M2 and M3 allow."""
    pack = survey.instrument
    sizes = {factor: float(len(pack.items_of(factor))) for factor in pack.factors}

    def index(factor: str, whole: str, **more: object) -> Index:
        rules = {
            "factor": IndexRule.model_validate({"rule": factor}),
            "overall": IndexRule.model_validate({"rule": whole, **more}),
        }
        return pack.index.model_copy(update=rules)

    yield "pooled", survey, index("pooled", "pooled")
    yield "mean_of_items", survey, index("mean_of_items", "mean_of_items")
    yield "mean_of_factors", survey, index("pooled", "mean_of_factors")
    yield "mean_of_factor_items", survey, index("mean_of_items", "mean_of_factors")
    yield "factors_by_size", survey, index("pooled", "weights", weights=sizes)
    if pack.overall_item and survey.frame[pack.overall_item.code].notna().any():
        yield "overall_item", survey, index("pooled", "overall_item")
    complete = survey.frame[survey.frame[[*pack.items]].notna().all(axis=1)]
    if len(complete):
        whole = replace(survey, frame=complete)
        yield "pooled_complete", whole, index("pooled", "pooled")
        yield "mean_of_factors_complete", whole, index("pooled", "mean_of_factors")
